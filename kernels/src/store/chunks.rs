//! Chunks of rows in a file: their digests, reading and writing at their places.
//!
//! A chunk's digest is the Keccak-256 of the Keccak-256 digests of its blocks of 4,096 bytes (the last
//! may be shorter), so that all lanes of the batch engine have work: a gigabyte is checked in a
//! fraction of a second.

use super::error::StoreError;
use super::header::{BLOCK_BYTES, CHUNK_ROWS, Header};
use crate::ethash::Row;
use crate::keccak::{Digest256, Engine};
use crate::memory::{bytes_of_rows, bytes_of_rows_mut};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

const LEAF_BYTES: usize = 4096;

/// The digest of a chunk.
pub(super) fn digest(rows: &[Row]) -> Digest256 {
    let engine = Engine::best();
    let bytes = bytes_of_rows(rows);
    let (whole, rest) = bytes.split_at(bytes.len() / LEAF_BYTES * LEAF_BYTES);
    let mut leaves = vec![[0; 32]; whole.len() / LEAF_BYTES];
    engine.keccak256_batch(whole, LEAF_BYTES, &mut leaves);
    if !rest.is_empty() {
        leaves.push(engine.keccak256(rest));
    }
    engine.keccak256(leaves.as_flattened())
}

/// An open file of a table, and its table of digests.
pub(super) struct ChunkFile {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) header: Header,
}

impl ChunkFile {
    /// Reads the table of digests; zeros where a chunk was not built.
    pub(super) fn read_table(&self) -> Result<Vec<Digest256>, StoreError> {
        let mut table = vec![[0; 32]; self.header.chunks() as usize];
        let bytes = table.as_flattened_mut();
        self.file.read_exact_at(bytes, BLOCK_BYTES).map_err(StoreError::io(&self.path, "read", 0))?;
        Ok(table)
    }

    /// Reads chunk `index` into `rows` and tells whether it has its digest. A file that ends too early
    /// is a chunk without its digest.
    pub(super) fn read(
        &self,
        index: u32,
        expected: &Digest256,
        rows: &mut [Row],
    ) -> Result<bool, StoreError> {
        match self.file.read_exact_at(bytes_of_rows_mut(rows), self.place(index)) {
            Ok(()) => Ok(digest(rows) == *expected),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(StoreError::io(&self.path, "read", 0)(error)),
        }
    }

    /// Writes chunk `index`, and then its digest into the table.
    pub(super) fn write(&self, index: u32, rows: &[Row]) -> Result<(), StoreError> {
        let bytes = bytes_of_rows(rows);
        let failed = || StoreError::io(&self.path, "write", bytes.len() as u64);
        self.file.write_all_at(bytes, self.place(index)).map_err(failed())?;
        let entry = BLOCK_BYTES + u64::from(index) * 32;
        self.file.write_all_at(&digest(rows), entry).map_err(failed())
    }

    /// Writes the header.
    pub(super) fn write_header(&self) -> Result<(), StoreError> {
        self.file.write_all_at(&self.header.to_bytes(), 0).map_err(StoreError::io(
            &self.path,
            "write",
            BLOCK_BYTES,
        ))
    }

    /// Brings everything written so far to the disk.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_all().map_err(StoreError::io(&self.path, "write", 0))
    }

    fn place(&self, index: u32) -> u64 {
        self.header.rows_start() + u64::from(index) * u64::from(CHUNK_ROWS) * 64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ethash::Parameters;
    use crate::store::header::Kind;

    #[test]
    fn a_digest_covers_every_row_of_any_length() {
        for count in [0, 1, 63, 64, 65, 200] {
            let mut rows = vec![[5; 16]; count];
            let before = digest(&rows);
            for at in 0..count {
                rows[at][15] ^= 1;
                assert_ne!(digest(&rows), before, "row {at} of {count}");
                rows[at][15] ^= 1;
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_disk_that_fills_up_while_writing_is_named_with_the_file() {
        let file = File::options().write(true).open("/dev/full").unwrap();
        let header = Header::new(Kind::LightCache, &Parameters::reduced([0; 32], 100, 2));
        let chunks = ChunkFile { file, path: "/dev/full".into(), header };
        let error = chunks.write(0, &[[1; 16]; 100]).unwrap_err();
        assert!(matches!(error, StoreError::DiskFull { needed_bytes: 6400, .. }), "{error}");
        assert!(error.to_string().starts_with("/dev/full: 6400 bytes are needed"), "{error}");
    }
}
