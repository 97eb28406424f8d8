//! The collector's memory: where it stands on the chain, which releases there are, which rewards were earned.
//!
//! One redb file. The position and everything that was learned up to it change in one transaction, so that a kill between
//! two blocks neither loses a reward nor finds one twice.

use std::path::{Path, PathBuf};

use medrec_chain::Position;
use medrec_domain::identifier::{Address, EpochNumber};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde::{Deserialize, Serialize};

use super::reward::{Claim, ClaimState};
use crate::error::WalletError;

const STATE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("state");
const CLAIMS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("claims");
const POSITION: &str = "position";
const RELEASES: &str = "releases";

/// A release that a provider committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Committed {
    pub(super) provider: Address,
    pub(super) epoch: EpochNumber,
    pub(super) block: u64,
}

/// The file.
pub(super) struct Store {
    path: PathBuf,
    database: Database,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, WalletError> {
        let failed = |error: &dyn std::fmt::Display| WalletError::Store {
            path: path.to_path_buf(),
            problem: error.to_string(),
        };
        let database = medrec_store::open(path, &Database::builder()).map_err(|error| failed(&error))?;
        let write = database.begin_write().map_err(|error| failed(&error))?;
        write.open_table(STATE).map_err(|error| failed(&error))?;
        write.open_table(CLAIMS).map_err(|error| failed(&error))?;
        write.commit().map_err(|error| failed(&error))?;
        Ok(Self { path: path.to_path_buf(), database })
    }

    fn failed(&self, error: impl std::fmt::Display) -> WalletError {
        WalletError::Store { path: self.path.clone(), problem: error.to_string() }
    }

    fn state<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, WalletError> {
        let read = self.database.begin_read().map_err(|error| self.failed(error))?;
        let table = read.open_table(STATE).map_err(|error| self.failed(error))?;
        let Some(bytes) = table.get(name).map_err(|error| self.failed(error))? else { return Ok(None) };
        serde_json::from_slice(bytes.value()).map(Some).map_err(|error| self.failed(error))
    }

    /// Up to where the chain was looked at; `None` at first.
    pub(super) fn position(&self) -> Result<Option<Position>, WalletError> {
        self.state(POSITION)
    }

    /// Every release that was committed up to the position, oldest first.
    pub(super) fn releases(&self) -> Result<Vec<Committed>, WalletError> {
        Ok(self.state(RELEASES)?.unwrap_or_default())
    }

    /// Every claim, by its key.
    pub(super) fn claims(&self) -> Result<Vec<Claim>, WalletError> {
        let read = self.database.begin_read().map_err(|error| self.failed(error))?;
        let table = read.open_table(CLAIMS).map_err(|error| self.failed(error))?;
        let rows = table.iter().map_err(|error| self.failed(error))?;
        rows.map(|row| {
            let (_, bytes) = row.map_err(|error| self.failed(error))?;
            serde_json::from_slice(bytes.value()).map_err(|error| self.failed(error))
        })
        .collect()
    }

    /// Changes everything at once.
    pub(super) fn advance(
        &self,
        position: Option<&Position>,
        releases: Option<&[Committed]>,
        claims: &[Claim],
    ) -> Result<(), WalletError> {
        let write = self.database.begin_write().map_err(|error| self.failed(error))?;
        {
            let mut table = write.open_table(STATE).map_err(|error| self.failed(error))?;
            let position = position.map(serde_json::to_vec).transpose();
            let releases = releases.map(serde_json::to_vec).transpose();
            let rows = [(POSITION, position), (RELEASES, releases)];
            for (name, bytes) in rows {
                if let Some(bytes) = bytes.map_err(|error| self.failed(error))? {
                    table.insert(name, bytes.as_slice()).map_err(|error| self.failed(error))?;
                }
            }
            let mut table = write.open_table(CLAIMS).map_err(|error| self.failed(error))?;
            for claim in claims {
                let bytes = serde_json::to_vec(claim).map_err(|error| self.failed(error))?;
                table.insert(claim.key().as_str(), bytes.as_slice()).map_err(|error| self.failed(error))?;
            }
        }
        write.commit().map_err(|error| self.failed(error))
    }

    /// Of claims that a block earned, those that are news: one of the same block that is known stays as it is.
    pub(super) fn news(&self, found: Vec<Claim>) -> Result<Vec<Claim>, WalletError> {
        let known = self.claims()?;
        let is_known = |claim: &Claim| {
            known.iter().any(|old| {
                old.key() == claim.key() && old.hash == claim.hash && old.state != ClaimState::Moved
            })
        };
        Ok(found.into_iter().filter(|claim| !is_known(claim)).collect())
    }
}

#[cfg(test)]
mod tests {
    use medrec_domain::Digest;

    use super::super::reward::Reward;
    use super::*;

    fn claim(number: u64, hash: u8) -> Claim {
        let reward = Reward::Shard { provider: Address([1; 20]), epoch: EpochNumber(3) };
        Claim::new(number, Digest([hash; 32]), Address([2; 20]), reward)
    }

    #[test]
    fn a_reward_is_found_once_and_a_replaced_block_is_another_reward() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("collector.redb");
        let store = Store::open(&path).unwrap();
        let mut first = claim(7, 1);
        store.advance(None, None, &store.news(vec![first.clone(), claim(8, 2)]).unwrap()).unwrap();
        assert!(store.news(vec![first.clone()]).unwrap().is_empty());
        first.state = ClaimState::Moved;
        store.advance(None, None, &[first]).unwrap();
        assert_eq!(store.news(vec![claim(7, 1), claim(7, 3)]).unwrap().len(), 2);
        drop(store);
        assert_eq!(Store::open(&path).unwrap().claims().unwrap().len(), 2);
    }

    #[test]
    fn two_collectors_do_not_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("collector.redb");
        let _first = Store::open(&path).unwrap();
        let error = Store::open(&path).err().unwrap().to_string();
        assert!(error.contains("hint: one collector"), "{error}");
    }
}
