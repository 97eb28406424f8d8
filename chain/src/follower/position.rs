//! How far a follower has come, in a form that outlives it.
//!
//! Why here: exactly once means that the position and the effect of an event are stored together, so the position is a
//! value that the consumer keeps where its effects are. [`PositionFile`] is for consumers without a store of their own.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::client::{Head, View};
use crate::error::ChainError;
use crate::health::BlockRef;

/// Blocks that are remembered below the newest one.
const TRAIL_BLOCKS: usize = 64;

/// Everything up to here was delivered.
///
/// It names the newest block of which something was delivered and, so that the place where a re-organisation began can be found
/// after a restart, up to 64 blocks before it: about 3 KB of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The newest block.
    pub block: BlockRef,
    /// The last event of that block that was delivered, by its log index; `None` when all were.
    pub log_index: Option<u64>,
    /// Blocks before it, oldest first, each the parent of the next.
    trail: Vec<BlockRef>,
}

impl Position {
    /// The position from which events of the block `number` and later ones are delivered.
    ///
    /// # Errors
    /// [`ChainError::Config`] for block 0, which has no events and none before it; those of [`View::at`].
    pub async fn before(view: &View, number: u64) -> Result<Self, ChainError> {
        let Some(before) = number.checked_sub(1) else {
            let why = "block 0 has no events; start at 1".to_owned();
            return Err(ChainError::Config { what: "first block to follow".to_owned(), why });
        };
        let first = before.saturating_sub(TRAIL_BLOCKS as u64);
        let headers = view.endpoint().headers(&(first..=before).collect::<Vec<_>>()).await?;
        let mut trail: Vec<_> = headers.iter().map(|header| Head::from(header).block).collect();
        let block = trail.pop().unwrap_or(view.head().block);
        Ok(Self { block, log_index: None, trail })
    }

    /// Every remembered block, newest first.
    pub(crate) fn remembered(&self) -> impl Iterator<Item = BlockRef> {
        std::iter::once(self.block).chain(self.trail.iter().rev().copied())
    }

    /// All of `block`, which follows this position's block, or up to one of its events.
    pub(crate) fn advanced(&self, block: BlockRef, log_index: Option<u64>) -> Self {
        if block == self.block {
            return Self { log_index, ..self.clone() };
        }
        let mut trail = self.trail.clone();
        trail.push(self.block);
        let surplus = trail.len().saturating_sub(TRAIL_BLOCKS);
        trail.drain(..surplus);
        Self { block, log_index, trail }
    }

    /// Back at a remembered block, all of which was delivered.
    pub(crate) fn back_at(&self, block: BlockRef) -> Self {
        let trail = self.trail.iter().copied().filter(|before| before.number < block.number).collect();
        Self { block, log_index: None, trail }
    }
}

/// A file that holds a position, replaced as a whole.
///
/// A crash between an effect and [`PositionFile::store`] repeats the events in between; consumers for which that matters
/// store the position in the same transaction as the effect, or know their events by [`crate::Event::id`].
#[derive(Debug)]
pub struct PositionFile {
    path: PathBuf,
}

impl PositionFile {
    /// The file at `path`, which need not exist yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The position, if one was stored.
    ///
    /// # Errors
    /// [`ChainError::Storage`] if there is a file and it is none of ours.
    pub fn load(&self) -> Result<Option<Position>, ChainError> {
        match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| self.failed(&error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Replaces the position; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`ChainError::Storage`]; the old position stands then.
    pub fn store(&self, position: &Position) -> Result<(), ChainError> {
        let bytes = serde_json::to_vec(position).map_err(|error| self.failed(&error))?;
        self.replace(&bytes).map_err(|error| self.failed(&error))
    }

    fn replace(&self, bytes: &[u8]) -> std::io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        // The new name is safe only when the folder is, too.
        fs::File::open(folder)?.sync_all()
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> ChainError {
        ChainError::Storage { path: self.path.clone(), why: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    fn block(number: u64) -> BlockRef {
        BlockRef { number, hash: B256::with_last_byte(u8::try_from(number % 251).unwrap()) }
    }

    fn start() -> Position {
        Position { block: block(0), log_index: None, trail: Vec::new() }
    }

    #[test]
    fn a_position_remembers_a_bounded_trail_and_finds_its_way_back() {
        let mut position = start();
        for number in 1..=100 {
            position = position.advanced(block(number), Some(3)).advanced(block(number), None);
        }
        let remembered: Vec<_> = position.remembered().collect();
        let expected: Vec<_> = (36..=100).rev().map(block).collect();
        assert_eq!(remembered, expected);
        let back = position.back_at(block(40));
        assert_eq!(back.remembered().collect::<Vec<_>>(), (36..=40).rev().map(block).collect::<Vec<_>>());
    }

    #[test]
    fn a_stored_position_comes_back_and_a_broken_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = PositionFile::new(&folder.path().join("position.json"));
        assert_eq!(file.load().unwrap(), None);
        let position = start().advanced(block(1), Some(2));
        file.store(&position).unwrap();
        assert_eq!(file.load().unwrap(), Some(position));
        fs::write(folder.path().join("position.json"), "{").unwrap();
        assert!(file.load().unwrap_err().to_string().contains("position.json"));
    }
}
