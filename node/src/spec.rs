//! What a chain is made of before its first block: identity, genesis, and the numbers of its rules.
//!
//! All London rules hold from block 0. The only choice is the difficulty: the real rule, or a fixed
//! low number for development. Fork rules live in [`difficulty`] and [`rewards`], genesis files in
//! [`genesis`].

pub mod difficulty;
pub mod genesis;
pub mod genesis_file;
pub mod rewards;

pub use difficulty::DifficultyRule;
pub use genesis::{GAS_LIMIT_TARGET, Genesis, GenesisAccount};
pub use genesis_file::GenesisDialect;

use crate::NodeError;

/// Chain id of `--dev` chains: not used by any public network.
pub const DEV_CHAIN_ID: u64 = 1337;
/// Fixed difficulty of `--dev` chains: 100 light hashes on average, well under a second on one core.
pub const DEV_DIFFICULTY: u64 = 100;
/// The mnemonic that development tools of Ethereum share; its accounts are public knowledge.
pub const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";
/// Accounts derived from the mnemonic on `--dev` chains.
pub const DEV_ACCOUNTS: u32 = 10;

/// A chain's identity and rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainSpec {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// How difficulty follows from the parent.
    pub difficulty: DifficultyRule,
    /// Block 0.
    pub genesis: Genesis,
}

impl ChainSpec {
    /// A development chain: fixed low difficulty, `accounts` funded with a million ether each.
    ///
    /// # Errors
    /// [`NodeError::Config`] for a mnemonic that is none.
    pub fn dev(mnemonic: &str, accounts: u32) -> Result<Self, NodeError> {
        Ok(Self::dev_for(&genesis::mnemonic_addresses(mnemonic, accounts)?, DEV_DIFFICULTY))
    }

    /// As [`ChainSpec::dev`], for accounts that are known already (a mnemonic takes milliseconds for each), and at another
    /// fixed difficulty.
    pub fn dev_for(accounts: &[alloy_primitives::Address], difficulty: u64) -> Self {
        let mut genesis = Genesis::new(alloy_primitives::U256::from(difficulty));
        for address in accounts {
            genesis.alloc.insert(*address, GenesisAccount::with_ether(1_000_000));
        }
        Self { chain_id: DEV_CHAIN_ID, difficulty: DifficultyRule::Fixed(difficulty), genesis }
    }

    /// A chain under the real rule, starting at the minimum difficulty.
    pub fn ethash(chain_id: u64) -> Self {
        let minimum = difficulty::MINIMUM_DIFFICULTY;
        Self {
            chain_id,
            difficulty: DifficultyRule::Ethash { minimum },
            genesis: Genesis::new(alloy_primitives::U256::from(minimum)),
        }
    }
}
