//! Which key spoke for an account, block by block.
//!
//! Why here: what was signed long ago is held against the key of then, and most nodes keep no state of then. The Registrar's events
//! stay with every node: an account's entry, its changes of key and its removal lead link by link to the key that the
//! state names now, so that a missing or added one shows. What not: whose signature is to be believed.

use alloy_primitives::{Address, U64};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::{SolEvent as _, SolEventInterface as _};
use medrec_contracts::Registrar::{self, RegistrarEvents};
use serde_json::json;

use super::reader::Reader;
use super::words::Role;
use crate::contract::Contract;
use crate::error::ChainError;

const METHOD: &str = "eth_getLogs";

/// The keys of an account up to a view's block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHistory {
    /// The role that it entered with.
    pub role: Role,
    /// From which block on which key spoke for it; `None` once it was removed.
    spans: Vec<(u64, Option<Address>)>,
}

impl KeyHistory {
    /// The key that spoke for the account at the end of a block; `None` before its entry and after its removal.
    pub fn at(&self, block: u64) -> Option<Address> {
        self.spans.iter().rev().find(|(from, _)| *from <= block).and_then(|(_, key)| *key)
    }

    /// Of links in the chain's order; `None` where one does not follow the one before it.
    fn of(account: Address, links: impl IntoIterator<Item = (u64, RegistrarEvents)>) -> Option<Self> {
        let mut history = Self { role: Role::None, spans: Vec::new() };
        for (block, event) in links {
            let present = history.spans.last().and_then(|(_, key)| *key);
            let next = match event {
                RegistrarEvents::Registered(entered) if history.spans.is_empty() => {
                    history.role = Role::from_number(entered.role)?;
                    Some(account)
                }
                RegistrarEvents::KeyRotated(change) if present == Some(change.oldKey) => Some(change.newKey),
                RegistrarEvents::Removed(_) if present.is_some() => None,
                _ => return None,
            };
            history.spans.push((block, next));
        }
        Some(history)
    }
}

impl Reader<'_> {
    /// The keys of an account up to the view's block. An account whose key never changed costs two calls; any other also
    /// the events of its life, from block 0 on.
    ///
    /// # Errors
    /// Those of [`Reader::ask`]; [`ChainError::Malformed`] when the node's events do not lead to the present key: ask again.
    pub async fn key_history(&self, account: Address) -> Result<KeyHistory, ChainError> {
        let present = self.key_of(account).await?;
        if present == Some(account) {
            // A key serves once, so it was this one ever since.
            return Ok(KeyHistory { role: self.role_of(account).await?, spans: vec![(0, present)] });
        }
        let topics = [
            Registrar::Registered::SIGNATURE_HASH,
            Registrar::Removed::SIGNATURE_HASH,
            Registrar::KeyRotated::SIGNATURE_HASH,
        ];
        let filter = json!({
            "address": self.contracts.address(Contract::Registrar),
            "fromBlock": U64::ZERO,
            "toBlock": U64::from(self.view.head().block.number),
            "topics": [topics, account.into_word()],
        });
        let logs: Vec<Log> = self.view.endpoint().request(METHOD, [filter]).await?;
        let links = logs.iter().map(|log| {
            let event = RegistrarEvents::decode_log(&log.inner).ok()?.data;
            Some((log.block_number.filter(|_| !log.removed)?, event))
        });
        let history = links.collect::<Option<Vec<_>>>().and_then(|links| KeyHistory::of(account, links));
        let history = history.filter(|history| history.at(u64::MAX) == present);
        history.ok_or_else(|| {
            let why = format!("the events about {account} do not lead to the key that speaks for it now");
            self.view.endpoint().malformed(METHOD, why)
        })
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    fn key(byte: u8) -> Address {
        Address::repeat_byte(byte)
    }

    fn entered(block: u64) -> (u64, RegistrarEvents) {
        let identity = B256::ZERO;
        let event = Registrar::Registered { account: key(1), role: 4, identityCommitment: identity };
        (block, RegistrarEvents::Registered(event))
    }

    fn changed(block: u64, from: u8, to: u8) -> (u64, RegistrarEvents) {
        let event = Registrar::KeyRotated { account: key(1), oldKey: key(from), newKey: key(to) };
        (block, RegistrarEvents::KeyRotated(event))
    }

    #[test]
    fn each_block_has_the_key_that_spoke_at_its_end() {
        let removed = Registrar::Removed { account: key(1), role: 4 };
        let links = [
            entered(5),
            changed(9, 1, 2),
            changed(9, 2, 3),
            changed(12, 3, 4),
            (20, RegistrarEvents::Removed(removed)),
        ];
        let history = KeyHistory::of(key(1), links).unwrap();
        assert_eq!(history.role, Role::Provider);
        let at = |block| history.at(block);
        assert_eq!((at(4), at(5), at(8)), (None, Some(key(1)), Some(key(1))));
        assert_eq!((at(9), at(11), at(12)), (Some(key(3)), Some(key(3)), Some(key(4))));
        assert_eq!((at(19), at(20), at(u64::MAX)), (Some(key(4)), None, None));
    }

    #[test]
    fn a_missing_or_added_event_is_no_history() {
        assert!(KeyHistory::of(key(1), [changed(9, 1, 2)]).is_none());
        assert!(KeyHistory::of(key(1), [entered(5), changed(12, 2, 3)]).is_none());
        assert!(KeyHistory::of(key(1), [entered(5), entered(6)]).is_none());
    }
}
