//! Balances, code, storage, nonces and their proofs.

use super::params::Params;
use super::resolve::Resolved;
use super::{Answer, Rpc, RpcError};
use alloy_consensus::constants::EMPTY_ROOT_HASH;
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U64, U256};
use alloy_trie::TrieAccount;
use serde_json::{Value, json};

/// Storage keys in one `eth_getProof`.
const MAXIMUM_PROOF_KEYS: usize = 1_024;

impl Rpc {
    pub(super) fn state(&self, method: &str, params: &Params) -> Option<Answer> {
        Some(match method {
            "eth_getBalance" => self.balance(params),
            "eth_getCode" => self.code(params),
            "eth_getStorageAt" => self.storage_at(params),
            "eth_getTransactionCount" => self.transaction_count(params),
            "eth_getProof" => self.proof(params),
            _ => return None,
        })
    }

    fn account(&self, params: &Params, block: usize) -> Result<(Resolved, TrieAccount), RpcError> {
        params.at_most(block + 1)?;
        let address: Address = params.required(0)?;
        let block = self.resolve_for_state(params.optional::<BlockId>(block)?)?;
        let account = self.state_of(&block)?.account(address)?.unwrap_or_default();
        Ok((block, account))
    }

    fn balance(&self, params: &Params) -> Answer {
        Ok(json!(self.account(params, 1)?.1.balance))
    }

    fn code(&self, params: &Params) -> Answer {
        let (block, account) = self.account(params, 1)?;
        Ok(json!(self.state_of(&block)?.code(account.code_hash)?.original_bytes()))
    }

    fn storage_at(&self, params: &Params) -> Answer {
        let slot: U256 = params.required(1)?;
        let (block, account) = self.account(params, 2)?;
        let value = self.state_of(&block)?.slot(account.storage_root, slot)?;
        Ok(json!(B256::from(value)))
    }

    fn transaction_count(&self, params: &Params) -> Answer {
        if params.optional::<BlockId>(1)?.is_some_and(|id| id.is_pending()) {
            // The pool knows waiting transactions that no candidate has room for yet.
            let sender: Address = params.required(0)?;
            if let Some(nonce) = self.backend.with_pool(|pool| pool.pending_nonce(sender)) {
                return Ok(json!(U64::from(nonce)));
            }
            let head = Resolved::Stored(self.backend.chain().head());
            let account = self.state_of(&head)?.account(sender)?.unwrap_or_default();
            return Ok(json!(U64::from(account.nonce)));
        }
        Ok(json!(U64::from(self.account(params, 1)?.1.nonce)))
    }

    /// EIP-1186.
    fn proof(&self, params: &Params) -> Answer {
        let address: Address = params.required(0)?;
        let keys: Vec<U256> = params.required(1)?;
        if keys.len() > MAXIMUM_PROOF_KEYS {
            return Err(RpcError::limit(format!("at most {MAXIMUM_PROOF_KEYS} storage keys in one call")));
        }
        let names: Vec<Value> = params.required(1)?;
        let block = self.resolve_for_state(params.optional(2)?)?;
        let view = self.state_of(&block)?;
        let account = view.account(address)?;
        let storage_root = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        let mut storage = Vec::with_capacity(keys.len());
        for (key, name) in keys.into_iter().zip(names) {
            let proof = if storage_root == EMPTY_ROOT_HASH {
                Vec::new()
            } else {
                view.slot_proof(storage_root, B256::from(key))?
            };
            let value = view.slot(storage_root, key)?;
            storage.push(json!({ "key": name, "value": value, "proof": proof }));
        }
        Ok(json!({
            "address": address,
            "accountProof": view.account_proof(address)?,
            "balance": account.map_or(U256::ZERO, |account| account.balance),
            "codeHash": account.map_or(KECCAK256_EMPTY, |account| account.code_hash),
            "nonce": U64::from(account.map_or(0, |account| account.nonce)),
            "storageHash": storage_root,
            "storageProof": storage,
        }))
    }
}
