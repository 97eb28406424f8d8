//! The first bytes of a stored table, and where its parts lie.
//!
//! ```text
//! 0      header, 128 bytes, little-endian, then zeros up to 4,096
//!   0    magic "MRETHASH"
//!   8    version: 1             12  kind: 1 light cache, 2 dataset
//!   16   cache rows             20  dataset items
//!   24   rows in this file      28  rows a chunk
//!   32   seed hash (32 bytes)
//!   64   Keccak-256 of the table of digests; zeros while the file is being built
//!   96   Keccak-256 of the 96 bytes before
//! 4096   table: a 32-byte digest for each chunk, zeros for one not built yet; zeros up to a multiple
//!        of 4,096
//! …      the rows, 64 bytes each
//! ```
//!
//! Parsing takes any bytes: they come from a disk that may have failed.

use crate::ethash::Parameters;
use crate::keccak::{Digest256, Engine};

/// Bytes of the header's fields.
pub const HEADER_BYTES: usize = 128;
/// Alignment of table and rows in the file, in bytes.
pub const BLOCK_BYTES: u64 = 4096;
/// Rows of a chunk: 4 MiB, a fraction of a second to build.
pub const CHUNK_ROWS: u32 = 1 << 16;

const MAGIC: [u8; 8] = *b"MRETHASH";
const VERSION: u32 = 1;

/// Which table a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A light cache.
    LightCache,
    /// A dataset.
    Dataset,
}

impl Kind {
    const fn code(self) -> u32 {
        match self {
            Self::LightCache => 1,
            Self::Dataset => 2,
        }
    }

    /// The table's name in messages and file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LightCache => "cache",
            Self::Dataset => "dataset",
        }
    }
}

/// Why bytes are not the header of the table that was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Fewer bytes than a header has.
    #[error("the file ends within its header")]
    Short,
    /// Another kind of file.
    #[error("it is not a table of this program")]
    Magic,
    /// Written by another version of this program.
    #[error("its format is version {found}, and this program reads version {VERSION}")]
    Version {
        /// The version in the file.
        found: u32,
    },
    /// The header's bytes do not have the header's digest.
    #[error("its header does not have its digest")]
    Digest,
    /// A whole header of another table.
    #[error("it holds another epoch's table")]
    OtherTable,
}

/// The header of a stored table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    kind: Kind,
    seed_hash: Digest256,
    cache_rows: u32,
    dataset_items: u32,
    /// Digest of the table of digests, once all chunks are there.
    pub table_digest: Option<Digest256>,
}

impl Header {
    /// The header of the table of `kind` for `parameters`, with nothing built.
    pub const fn new(kind: Kind, parameters: &Parameters) -> Self {
        Self {
            kind,
            seed_hash: parameters.seed_hash,
            cache_rows: parameters.cache_rows,
            dataset_items: parameters.dataset_items,
            table_digest: None,
        }
    }

    /// Rows in the file.
    pub const fn rows(&self) -> u32 {
        match self.kind {
            Kind::LightCache => self.cache_rows,
            Kind::Dataset => self.dataset_items,
        }
    }

    /// Chunks in the file; the last may be shorter than [`CHUNK_ROWS`].
    pub const fn chunks(&self) -> u32 {
        self.rows().div_ceil(CHUNK_ROWS)
    }

    /// Where the rows start in the file.
    pub const fn rows_start(&self) -> u64 {
        BLOCK_BYTES + (self.chunks() as u64 * 32).next_multiple_of(BLOCK_BYTES)
    }

    /// Bytes of the whole file.
    pub const fn file_bytes(&self) -> u64 {
        self.rows_start() + self.rows() as u64 * 64
    }

    /// The bytes of the header.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        let words = [VERSION, self.kind.code(), self.cache_rows, self.dataset_items, self.rows(), CHUNK_ROWS];
        for (to, word) in bytes[8..32].as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *to = word.to_le_bytes();
        }
        bytes[32..64].copy_from_slice(&self.seed_hash);
        bytes[64..96].copy_from_slice(&self.table_digest.unwrap_or_default());
        let digest = Engine::best().keccak256(&bytes[..96]);
        bytes[96..].copy_from_slice(&digest);
        bytes
    }

    /// Reads the header that the table of `kind` for `parameters` must have.
    ///
    /// # Errors
    /// [`HeaderError`] says what is wrong with the bytes.
    pub fn parse(bytes: &[u8], kind: Kind, parameters: &Parameters) -> Result<Self, HeaderError> {
        let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(HeaderError::Short)?;
        if bytes[..8] != MAGIC {
            return Err(HeaderError::Magic);
        }
        let found = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        if found != VERSION {
            return Err(HeaderError::Version { found });
        }
        if Engine::best().keccak256(&bytes[..96]) != bytes[96..] {
            return Err(HeaderError::Digest);
        }
        let mut table_digest = [0; 32];
        table_digest.copy_from_slice(&bytes[64..96]);
        let header = Self {
            table_digest: (table_digest != [0; 32]).then_some(table_digest),
            ..Self::new(kind, parameters)
        };
        // Every other field must be what this program would write for this table.
        if header.to_bytes() != *bytes {
            return Err(HeaderError::OtherTable);
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PARAMETERS: Parameters = Parameters::reduced([9; 32], 1021, 200_000);

    fn parse(bytes: &[u8]) -> Result<Header, HeaderError> {
        Header::parse(bytes, Kind::Dataset, &PARAMETERS)
    }

    #[test]
    fn a_header_is_read_back_and_tells_where_its_parts_lie() {
        let mut header = Header::new(Kind::Dataset, &PARAMETERS);
        assert_eq!(parse(&header.to_bytes()), Ok(header));
        header.table_digest = Some([4; 32]);
        assert_eq!(parse(&header.to_bytes()), Ok(header));
        assert_eq!((header.chunks(), header.rows_start()), (4, 8192));
        assert_eq!(header.file_bytes(), 8192 + 200_000 * 64);
    }

    #[test]
    fn every_single_changed_byte_is_refused() {
        let good = Header::new(Kind::Dataset, &PARAMETERS).to_bytes();
        for at in 0..HEADER_BYTES {
            let mut bad = good;
            bad[at] ^= 1;
            assert!(parse(&bad).is_err(), "byte {at}");
            assert_eq!(parse(&good[..at]), Err(HeaderError::Short));
        }
    }

    #[test]
    fn another_table_and_another_version_are_named() {
        let cache = Header::new(Kind::LightCache, &PARAMETERS).to_bytes();
        assert_eq!(parse(&cache), Err(HeaderError::OtherTable));
        let other = Header::new(Kind::Dataset, &Parameters::reduced([8; 32], 1021, 200_000)).to_bytes();
        assert_eq!(parse(&other), Err(HeaderError::OtherTable));
        let mut later = cache;
        later[8] = 2;
        assert_eq!(parse(&later), Err(HeaderError::Version { found: 2 }));
        assert_eq!(parse(&[0; 4096]), Err(HeaderError::Magic));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(parse(&bytes).is_err());
        }
    }
}
