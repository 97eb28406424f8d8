//! The state of block 0, built from nothing.

use super::account_rlp;
use crate::NodeError;
use crate::spec::Genesis;
use crate::store::NewState;
use crate::trie::node::Node;
use crate::trie::{NodeSource, Trie};
use alloy_consensus::constants::EMPTY_ROOT_HASH;
use alloy_primitives::{B256, KECCAK256_EMPTY, U256, keccak256};
use revm::state::AccountInfo;
use std::sync::Arc;

/// The state of block 0 as trie nodes.
///
/// # Errors
/// None in practice: nothing is read.
pub fn genesis_state(genesis: &Genesis) -> Result<NewState, NodeError> {
    let mut state = NewState::default();
    let mut trie = Trie::at(&Nothing, EMPTY_ROOT_HASH);
    for (address, account) in &genesis.alloc {
        let mut storage = Trie::at(&Nothing, EMPTY_ROOT_HASH);
        for (slot, value) in &account.storage {
            let value = U256::from_be_bytes(value.0);
            if !value.is_zero() {
                storage.insert(keccak256(slot), alloy_rlp::encode(value))?;
            }
        }
        let storage_root = storage.commit(&mut state.nodes);
        let mut code_hash = KECCAK256_EMPTY;
        if !account.code.is_empty() {
            code_hash = keccak256(&account.code);
            state.codes.insert(code_hash, account.code.clone());
        }
        let info = AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash,
            ..AccountInfo::default()
        };
        trie.insert(keccak256(address), account_rlp(&info, storage_root))?;
    }
    trie.commit(&mut state.nodes);
    Ok(state)
}

/// The source of a trie that is built from nothing.
struct Nothing;

impl NodeSource for Nothing {
    fn node(&self, hash: B256) -> Result<Arc<Node>, NodeError> {
        Err(NodeError::Corrupt { path: "genesis".into(), what: format!("trie node {hash} is missing") })
    }
}
