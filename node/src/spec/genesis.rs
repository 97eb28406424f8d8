//! Block 0: its header, its accounts, its hash.
//!
//! The same values give the same genesis hash in every client; files for them are written by
//! [`super::genesis_file`].

use crate::{Block, Header, NodeError};
use alloy_consensus::constants::EMPTY_ROOT_HASH;
use alloy_consensus::{BlockBody, EMPTY_OMMER_ROOT_HASH};
use alloy_primitives::{Address, B64, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_signer_local::{MnemonicBuilder, coins_bip39::English};
use alloy_trie::TrieAccount;
use std::collections::BTreeMap;

/// The gas limit that blocks drift towards unless told otherwise.
pub const GAS_LIMIT_TARGET: u64 = 30_000_000;
/// Wei in an ether.
const WEI_PER_ETHER: u128 = 1_000_000_000_000_000_000;
/// The base fee of the first block, in wei (EIP-1559).
const INITIAL_BASE_FEE_WEI: u64 = 1_000_000_000;

/// An account that exists before block 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GenesisAccount {
    /// Balance in wei.
    pub balance: U256,
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Code, empty for an account of a person.
    pub code: Bytes,
    /// Storage slots that are not zero.
    pub storage: BTreeMap<B256, B256>,
}

impl GenesisAccount {
    /// An account with a balance in whole ether.
    pub fn with_ether(ether: u64) -> Self {
        Self { balance: U256::from(u128::from(ether) * WEI_PER_ETHER), ..Self::default() }
    }
}

/// Everything that block 0 states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Up to 32 bytes of the founder's choice.
    pub extra_data: Bytes,
    /// Gas limit of block 0.
    pub gas_limit: u64,
    /// Difficulty of block 0.
    pub difficulty: U256,
    /// Base fee of block 0, in wei.
    pub base_fee_wei: u64,
    /// Nonce of block 0, which needs no proof of work.
    pub nonce: u64,
    /// Mix digest of block 0.
    pub mix_hash: B256,
    /// Coinbase of block 0.
    pub coinbase: Address,
    /// Accounts.
    pub alloc: BTreeMap<Address, GenesisAccount>,
}

impl Genesis {
    /// A genesis without accounts.
    pub fn new(difficulty: U256) -> Self {
        Self {
            timestamp: 0,
            extra_data: Bytes::from_static(b"medrec"),
            gas_limit: GAS_LIMIT_TARGET,
            difficulty,
            base_fee_wei: INITIAL_BASE_FEE_WEI,
            nonce: 0x42,
            mix_hash: B256::ZERO,
            coinbase: Address::ZERO,
            alloc: BTreeMap::new(),
        }
    }

    /// The state root, computed from the accounts alone.
    pub fn state_root(&self) -> B256 {
        alloy_trie::root::state_root_unhashed(
            self.alloc.iter().map(|(address, account)| (*address, trie_account(account))),
        )
    }

    /// The header of block 0.
    pub fn header(&self) -> Header {
        Header {
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: self.coinbase,
            state_root: self.state_root(),
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            difficulty: self.difficulty,
            gas_limit: self.gas_limit,
            timestamp: self.timestamp,
            extra_data: self.extra_data.clone(),
            mix_hash: self.mix_hash,
            nonce: B64::from(self.nonce),
            base_fee_per_gas: Some(self.base_fee_wei),
            ..Header::default()
        }
    }

    /// Block 0.
    pub fn block(&self) -> Block {
        Block::new(
            self.header(),
            BlockBody { transactions: Vec::new(), ommers: Vec::new(), withdrawals: None },
        )
    }

    /// The hash of block 0, by which clients know the chain.
    pub fn hash(&self) -> B256 {
        self.header().hash_slow()
    }
}

fn trie_account(account: &GenesisAccount) -> TrieAccount {
    let slots = account.storage.iter().map(|(slot, value)| (*slot, U256::from_be_bytes(value.0)));
    TrieAccount {
        nonce: account.nonce,
        balance: account.balance,
        storage_root: alloy_trie::root::storage_root_unhashed(slots),
        code_hash: if account.code.is_empty() { KECCAK256_EMPTY } else { keccak256(&account.code) },
    }
}

/// The first `count` addresses of a BIP-39 mnemonic on Ethereum's usual path `m/44'/60'/0'/0/i`.
///
/// # Errors
/// [`NodeError::Config`] when the words are no mnemonic.
pub fn mnemonic_addresses(mnemonic: &str, count: u32) -> Result<Vec<Address>, NodeError> {
    let config = |why: String| NodeError::Config { what: "mnemonic".to_owned(), why };
    (0..count)
        .map(|index| {
            let builder = MnemonicBuilder::<English>::default().phrase(mnemonic);
            let builder = builder.index(index).map_err(|error| config(error.to_string()))?;
            Ok(builder.build().map_err(|error| config(error.to_string()))?.address())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{address, b256};

    #[test]
    fn the_shared_mnemonic_gives_the_addresses_that_other_tools_show() {
        assert_eq!(
            mnemonic_addresses(crate::spec::DEV_MNEMONIC, 2).unwrap(),
            [
                address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
                address!("70997970C51812dc3A010C7d01b50e0d17dc79C8"),
            ]
        );
        assert!(mnemonic_addresses("not a mnemonic", 1).is_err());
    }

    #[test]
    fn the_genesis_hash_is_the_one_of_the_executable_specification() {
        // Printed by the executable specification (PyPI `ethereum-execution` 2.20, fork london) for
        // one account with 100 ether, difficulty 100, timestamp 1000.
        let mut genesis = Genesis::new(U256::from(100));
        genesis.timestamp = 1_000;
        genesis
            .alloc
            .insert(address!("19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"), GenesisAccount::with_ether(100));
        assert_eq!(genesis.hash(), b256!("83da360c9fe1c56c19a5c5834840515b44680405b732d87f30b329de4c0f44de"));
    }
}
