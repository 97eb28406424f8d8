//! Block files: RLP of one block after the other, as `geth export` writes and `geth import` reads
//! them.

use crate::backend::Backend;
use crate::chain::{ImportOptions, Imported};
use crate::{Block, Header, NodeError};
use alloy_rlp::{Decodable, Encodable};
use medrec_kernels::ethash::Schedule;
use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::ops::{ControlFlow, RangeInclusive};
use std::path::{Path, PathBuf};

/// Largest block that is read: far above what any gas limit pays for.
const MAXIMUM_BLOCK_BYTES: usize = 32 << 20;
/// Blocks that an import reads before it stores them, so that their seals are checked together.
const BLOCKS_AT_ONCE: usize = 64;
/// Blocks between syncs of the disk during an import.
const BLOCKS_PER_SYNC: u64 = 256;

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Blocks in the file, genesis excluded.
    pub blocks: u64,
    /// Blocks that were known before.
    pub known: u64,
}

/// Where an export or import has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The number of the block that is done.
    pub number: u64,
    /// Bytes of the file that are done.
    pub bytes: u64,
}

/// Writes the canonical blocks of `range`, genesis included where it is in it, and returns how many.
/// `progress` hears of each block and can break the export off, which leaves a shorter file.
///
/// # Errors
/// [`NodeError::Io`]; storage errors. Numbers above the head are not an error, they are not written.
pub fn export(
    backend: &Backend,
    path: &Path,
    range: RangeInclusive<u64>,
    mut progress: impl FnMut(Step) -> ControlFlow<()>,
) -> Result<u64, NodeError> {
    let failed = |source| NodeError::Io { path: path.to_owned(), source };
    let mut out = BufWriter::new(File::create(path).map_err(failed)?);
    let reader = backend.chain().reader()?;
    let (mut count, mut bytes) = (0, 0);
    let mut rlp = Vec::new();
    for number in range {
        let Some(block) = reader.canonical_block(number)? else { break };
        rlp.clear();
        block.block.encode(&mut rlp);
        out.write_all(&rlp).map_err(failed)?;
        count += 1;
        bytes += length_of(&rlp);
        if progress(Step { number, bytes }).is_break() {
            break;
        }
    }
    out.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
    Ok(count)
}

/// Imports a block file with all checks that `options` asks for; `progress` hears of each block and
/// can break the import off, which keeps the blocks so far. Syncs every 256 blocks and at the end,
/// whatever `options.durable` says.
///
/// # Errors
/// The first block that is refused, with everything before it kept; [`NodeError::BlockFile`] with the
/// offset of a block that does not decode; [`NodeError::OtherChain`] for another genesis.
pub fn import(
    backend: &Backend,
    path: &Path,
    options: ImportOptions,
    mut progress: impl FnMut(Step) -> ControlFlow<()>,
) -> Result<ImportSummary, NodeError> {
    let mut summary = ImportSummary::default();
    let options = ImportOptions { durable: false, ..options };
    let mut file = BlockFile::open(path)?;
    let result = import_all(backend, &mut file, options, &mut summary, &mut progress);
    backend.chain().store().flush()?;
    result.map(|()| summary)
}

fn import_all(
    backend: &Backend,
    file: &mut BlockFile,
    options: ImportOptions,
    summary: &mut ImportSummary,
    progress: &mut impl FnMut(Step) -> ControlFlow<()>,
) -> Result<(), NodeError> {
    loop {
        let mut chunk = Vec::with_capacity(BLOCKS_AT_ONCE);
        // A broken block ends the chunk; those before it are imported first.
        let mut broken = None;
        while chunk.len() < BLOCKS_AT_ONCE && broken.is_none() {
            match file.next() {
                None => break,
                Some(Ok(block)) => chunk.push((block, file.offset)),
                Some(Err(error)) => broken = Some(error),
            }
        }
        if chunk.is_empty() && broken.is_none() {
            return Ok(());
        }
        let sealed = if options.check_seal { well_sealed(backend, &chunk)? } else { Vec::new() };
        for (place, (block, bytes)) in chunk.into_iter().enumerate() {
            let number = block.header.number;
            if number == 0 {
                check_genesis(backend, &file.path, &block)?;
                continue;
            }
            summary.blocks += 1;
            // A seal that is not known to be good is checked by the import, which has the right words for it.
            let check_seal = options.check_seal && !sealed.get(place).copied().unwrap_or(false);
            if matches!(backend.import(block, ImportOptions { check_seal, ..options })?, Imported::Known) {
                summary.known += 1;
            }
            if summary.blocks.is_multiple_of(BLOCKS_PER_SYNC) {
                backend.chain().store().flush()?;
            }
            if progress(Step { number, bytes }).is_break() {
                return Ok(());
            }
        }
        if let Some(error) = broken {
            return Err(error);
        }
    }
}

/// Which blocks of a chunk have good seals, their ommers' included, checked together: several times as fast as one
/// by one. `false` only means that the import has to look itself, as for blocks that are known or whose number
/// does not follow the head: nobody can make this node build the cache of a distant epoch.
fn well_sealed(backend: &Backend, chunk: &[(Block, u64)]) -> Result<Vec<bool>, NodeError> {
    let head = backend.chain().head().number();
    let epoch = |number: u64| number / Schedule::Ethash.epoch_length();
    let reader = backend.chain().reader()?;
    let mut headers: Vec<&Header> = Vec::new();
    let mut ranges = Vec::with_capacity(chunk.len());
    for ((block, _), expected) in chunk.iter().zip(head..) {
        let start = headers.len();
        // The file may begin with the genesis or right after the head.
        let follows =
            block.header.number.abs_diff(expected) <= 1 && epoch(block.header.number) == epoch(head);
        let one_epoch = block.body.ommers.iter().all(|ommer| epoch(ommer.number) == epoch(head));
        if follows && one_epoch && reader.block(block.header.hash_slow())?.is_none() {
            headers.push(&block.header);
            headers.extend(&block.body.ommers);
        }
        ranges.push(start..headers.len());
    }
    let good = backend.chain().sealer().verify_many(&headers)?;
    Ok(ranges.into_iter().map(|range| !range.is_empty() && good[range].iter().all(|good| *good)).collect())
}

fn length_of(rlp: &[u8]) -> u64 {
    u64::try_from(rlp.len()).unwrap_or(u64::MAX)
}

fn check_genesis(backend: &Backend, path: &Path, block: &Block) -> Result<(), NodeError> {
    let (wanted, stored) = (backend.chain().spec().genesis.hash(), block.header.hash_slow());
    if wanted == stored {
        Ok(())
    } else {
        Err(NodeError::OtherChain { path: path.to_owned(), stored, wanted })
    }
}

/// The blocks of a file, one after the other.
pub struct BlockFile {
    path: PathBuf,
    input: BufReader<File>,
    offset: u64,
    failed: bool,
}

impl BlockFile {
    /// Opens a block file.
    ///
    /// # Errors
    /// [`NodeError::Io`].
    pub fn open(path: &Path) -> Result<Self, NodeError> {
        let file = File::open(path).map_err(|source| NodeError::Io { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), input: BufReader::new(file), offset: 0, failed: false })
    }

    fn broken(&self, what: impl Into<String>) -> NodeError {
        NodeError::BlockFile { path: self.path.clone(), offset: self.offset, what: what.into() }
    }

    /// Fills `buffer`; `false` when the file ends before its first byte.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<bool, NodeError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(self.broken("the file ends in the middle of a block")),
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(NodeError::Io { path: self.path.clone(), source }),
            }
        }
        Ok(true)
    }

    fn read_block(&mut self) -> Result<Option<Block>, NodeError> {
        let mut rlp = vec![0];
        if !self.fill(&mut rlp)? {
            return Ok(None);
        }
        // A list's first byte says its length, or how many bytes say it (yellow paper, appendix B).
        let length_bytes = match rlp[0] {
            short @ 0xc0..=0xf7 => {
                rlp.resize(1 + usize::from(short - 0xc0), 0);
                0
            }
            long @ 0xf8..=0xff => usize::from(long - 0xf7),
            other => return Err(self.broken(format!("byte 0x{other:02x} does not begin an RLP list"))),
        };
        let mut head = 1;
        if length_bytes > 0 {
            head += length_bytes;
            rlp.resize(head, 0);
            let mut tail = vec![0; length_bytes];
            self.must_fill(&mut tail)?;
            rlp[1..].copy_from_slice(&tail);
            let length = tail.iter().fold(0_usize, |sum, byte| sum.saturating_mul(256) + usize::from(*byte));
            if length > MAXIMUM_BLOCK_BYTES {
                return Err(self.broken(format!("a block of {length} bytes is too large")));
            }
            rlp.resize(head + length, 0);
        }
        let mut payload = rlp.split_off(head);
        self.must_fill(&mut payload)?;
        rlp.append(&mut payload);
        let block = Block::decode(&mut rlp.as_slice()).map_err(|error| self.broken(error.to_string()))?;
        self.offset += length_of(&rlp);
        Ok(Some(block))
    }

    fn must_fill(&mut self, buffer: &mut [u8]) -> Result<(), NodeError> {
        if buffer.is_empty() || self.fill(buffer)? {
            return Ok(());
        }
        Err(self.broken("the file ends in the middle of a block"))
    }
}

impl Iterator for BlockFile {
    type Item = Result<Block, NodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let block = self.read_block().transpose();
        self.failed = matches!(block, Some(Err(_)));
        block
    }
}
