//! The file that outlives a crash: every accepted transaction with its signed forms.
//!
//! Why here: a transaction counts as accepted when it is in this file and not before. One account on one chain a
//! file; redb locks it, so two processes cannot give out one nonce. What not: no node, no key.

use std::path::{Path, PathBuf};

use alloy_primitives::Address;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use super::entry::Entry;
use crate::error::ChainError;

const OWNER: TableDefinition<'_, &str, &str> = TableDefinition::new("owner");
const ENTRIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("entries");

/// The open file.
pub(crate) struct Outbox {
    database: Database,
    path: PathBuf,
}

impl Outbox {
    /// Opens or makes the file of `account` on the chain `chain_id`, and reads what is in it, by nonce.
    pub(crate) fn open(
        path: &Path,
        account: Address,
        chain_id: u64,
    ) -> Result<(Self, Vec<Entry>), ChainError> {
        let failed = |why: String| ChainError::Storage { path: path.to_owned(), why };
        // Whose acts wait is the owner's business, and a signed transaction that was given up could still be sent.
        let database = medrec_store::open(path, &Database::builder());
        let database = database.map_err(|error| failed(error.to_string()))?;
        let outbox = Self { database, path: path.to_owned() };
        outbox.claim(&format!("{account} on chain {chain_id}"))?;
        let entries = outbox.read().map_err(|error| failed(error.to_string()))?;
        let entries = entries.iter().map(|bytes| {
            serde_json::from_slice(bytes).map_err(|error| failed(format!("an entry is broken: {error}")))
        });
        let entries = entries.collect::<Result<_, _>>()?;
        Ok((outbox, entries))
    }

    /// Writes entries in one transaction; they are on the disk when this returns.
    pub(crate) fn store(&self, entries: &[Entry]) -> Result<(), ChainError> {
        let bytes = entries.iter().map(|entry| Ok((entry.nonce, serde_json::to_vec(entry)?)));
        let bytes: Result<Vec<_>, serde_json::Error> = bytes.collect();
        let bytes = bytes.map_err(|error| self.failed(&error))?;
        self.write(&bytes).map_err(|error| self.failed(&error))
    }

    /// Forgets entries.
    pub(crate) fn remove(&self, nonces: &[u64]) -> Result<(), ChainError> {
        let removed = || {
            let transaction = self.database.begin_write()?;
            {
                let mut table = transaction.open_table(ENTRIES)?;
                for nonce in nonces {
                    table.remove(nonce)?;
                }
            }
            transaction.commit()?;
            Ok(())
        };
        removed().map_err(|error: redb::Error| self.failed(&error))
    }

    fn claim(&self, owner: &str) -> Result<(), ChainError> {
        let claimed = || {
            let transaction = self.database.begin_write()?;
            let found = {
                let mut table = transaction.open_table(OWNER)?;
                let found = table.get("owner")?.map(|value| value.value().to_owned());
                if found.is_none() {
                    table.insert("owner", owner)?;
                }
                transaction.open_table(ENTRIES)?;
                found
            };
            transaction.commit()?;
            Ok(found)
        };
        match claimed().map_err(|error: redb::Error| self.failed(&error))? {
            Some(found) if found != owner => {
                let why = format!("it is the outbox of {found}, not of {owner}");
                Err(ChainError::Storage { path: self.path.clone(), why })
            }
            _ => Ok(()),
        }
    }

    fn read(&self) -> Result<Vec<Vec<u8>>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let table = transaction.open_table(ENTRIES)?;
        let mut entries = Vec::new();
        for row in table.iter()? {
            entries.push(row?.1.value().to_vec());
        }
        Ok(entries)
    }

    fn write(&self, entries: &[(u64, Vec<u8>)]) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(ENTRIES)?;
            for (nonce, bytes) in entries {
                table.insert(nonce, bytes.as_slice())?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> ChainError {
        ChainError::Storage { path: self.path.clone(), why: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Bytes, U256};

    use super::*;
    use crate::contracts::Act;
    use crate::sender::entry::{State, Wait};

    fn entry(nonce: u64) -> Entry {
        Entry {
            nonce,
            key: Some(format!("key {nonce}")),
            act: Act { what: "test".into(), to: None, data: Bytes::from_static(b"code"), value: U256::MAX },
            gas_limit: 21_000,
            attempts: Vec::new(),
            is_cancelled: false,
            state: State::Waiting(Wait::Unsent),
        }
    }

    #[test]
    fn entries_come_back_as_they_were_and_in_the_order_of_their_nonces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.redb");
        let (outbox, entries) = Outbox::open(&path, Address::ZERO, 1).unwrap();
        assert!(entries.is_empty());
        outbox.store(&[entry(300), entry(2)]).unwrap();
        outbox.store(&[entry(7)]).unwrap();
        outbox.remove(&[2]).unwrap();
        drop(outbox);
        let (_outbox, entries) = Outbox::open(&path, Address::ZERO, 1).unwrap();
        assert_eq!(entries, [entry(7), entry(300)]);
    }

    #[test]
    fn an_outbox_of_another_account_or_chain_or_process_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.redb");
        let (outbox, _) = Outbox::open(&path, Address::ZERO, 1).unwrap();
        assert!(Outbox::open(&path, Address::ZERO, 1).is_err(), "opened twice");
        drop(outbox);
        for (account, chain_id) in [(Address::repeat_byte(1), 1), (Address::ZERO, 2)] {
            let error = Outbox::open(&path, account, chain_id).err().unwrap();
            assert!(error.to_string().contains("it is the outbox of"), "{error}");
        }
    }
}
