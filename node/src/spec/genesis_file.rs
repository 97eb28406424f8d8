//! Genesis files: written for other clients, read by the embedded chain.
//!
//! go-ethereum's JSON is the base: core-geth and Besu read it too, with one difference each. All
//! four dialects of one [`ChainSpec`] state the same block 0, so they have one genesis hash.

use super::{ChainSpec, DifficultyRule, Genesis, GenesisAccount, difficulty::MINIMUM_DIFFICULTY};
use crate::NodeError;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Whose file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenesisDialect {
    /// core-geth.
    CoreGeth,
    /// go-ethereum up to 1.11.6, the last release that mines.
    Geth,
    /// Besu up to 25.6.
    Besu,
    /// This node.
    Embedded,
}

/// Every fork up to gray glacier, as go-ethereum and Besu name them.
const FORK_BLOCKS: [&str; 13] = [
    "homesteadBlock",
    "eip150Block",
    "eip155Block",
    "eip158Block",
    "byzantiumBlock",
    "constantinopleBlock",
    "petersburgBlock",
    "istanbulBlock",
    "muirGlacierBlock",
    "berlinBlock",
    "londonBlock",
    "arrowGlacierBlock",
    "grayGlacierBlock",
];

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GenesisFile {
    config: Map<String, Value>,
    nonce: U64,
    timestamp: U64,
    extra_data: Bytes,
    gas_limit: U64,
    difficulty: U256,
    #[serde(default)]
    mix_hash: B256,
    #[serde(default)]
    coinbase: Address,
    base_fee_per_gas: U256,
    alloc: BTreeMap<Address, AccountFile>,
}

#[derive(Serialize, Deserialize)]
struct AccountFile {
    balance: U256,
    #[serde(default, skip_serializing_if = "U64::is_zero")]
    nonce: U64,
    #[serde(default, skip_serializing_if = "no_code")]
    code: Bytes,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    storage: BTreeMap<B256, B256>,
}

fn no_code(code: &Bytes) -> bool {
    code.is_empty()
}

impl ChainSpec {
    /// The genesis file of this chain for one client.
    ///
    /// # Errors
    /// [`NodeError::Config`] when that client has no such difficulty rule: only Besu and this node
    /// know a fixed difficulty, and no other client lowers the minimum.
    pub fn genesis_json(&self, dialect: GenesisDialect) -> Result<String, NodeError> {
        let fixed = matches!(dialect, GenesisDialect::Besu | GenesisDialect::Embedded);
        let ethash = match self.difficulty {
            DifficultyRule::Ethash { minimum: MINIMUM_DIFFICULTY } => json!({}),
            DifficultyRule::Fixed(difficulty) if fixed => json!({ "fixeddifficulty": difficulty }),
            rule => {
                return Err(NodeError::Config {
                    what: format!("{rule:?}"),
                    why: "this client has no such difficulty rule".to_owned(),
                });
            }
        };
        let mut config = Map::new();
        config.insert("chainId".to_owned(), json!(self.chain_id));
        if dialect == GenesisDialect::CoreGeth {
            // core-geth takes the network id from the file, go-ethereum from the command line.
            config.insert("networkId".to_owned(), json!(self.chain_id));
        }
        for fork in FORK_BLOCKS {
            config.insert(fork.to_owned(), json!(0));
        }
        config.insert("ethash".to_owned(), ethash);
        let file = GenesisFile::new(config, &self.genesis);
        serde_json::to_string_pretty(&file)
            .map_err(|error| NodeError::Config { what: "genesis file".to_owned(), why: error.to_string() })
    }

    /// Reads a genesis file of any dialect. Forks after gray glacier, or London later than block 0,
    /// are refused: this node has one set of rules.
    ///
    /// # Errors
    /// [`NodeError::Io`] and [`NodeError::Config`], with the path, and the line where there is one.
    pub fn from_genesis_file(path: &Path) -> Result<Self, NodeError> {
        let file = parsed(path, &text_of(path)?)?;
        Self::from_file(file).map_err(|why| NodeError::Config { what: path.display().to_string(), why })
    }

    fn from_file(file: GenesisFile) -> Result<Self, String> {
        if file.config.get("londonBlock") != Some(&json!(0)) {
            return Err("config.londonBlock must be 0: this node knows London rules only".to_owned());
        }
        for (name, value) in &file.config {
            let later = name.ends_with("Time") || name == "terminalTotalDifficulty";
            if later && !value.is_null() {
                return Err(format!("config.{name} names a fork after London"));
            }
        }
        let chain_id =
            file.config.get("chainId").and_then(Value::as_u64).ok_or("config.chainId is not a number")?;
        let fixed = file.config.get("ethash").and_then(|ethash| ethash.get("fixeddifficulty"));
        let difficulty = match fixed {
            None => DifficultyRule::Ethash { minimum: MINIMUM_DIFFICULTY },
            Some(fixed) => {
                DifficultyRule::Fixed(fixed.as_u64().ok_or("config.ethash.fixeddifficulty is not a number")?)
            }
        };
        Ok(Self { chain_id, difficulty, genesis: file.genesis()? })
    }
}

/// Reads accounts from a JSON file of the form that a genesis file has under `alloc`: an object of
/// addresses, each with `balance` (wei) and, where there is one, `nonce`, `code` and `storage`.
///
/// # Errors
/// [`NodeError::Io`] and [`NodeError::Config`], with the path and the line.
pub fn read_alloc(path: &Path) -> Result<BTreeMap<Address, GenesisAccount>, NodeError> {
    let accounts: BTreeMap<Address, AccountFile> = parsed(path, &text_of(path)?)?;
    Ok(accounts.into_iter().map(|(address, file)| (address, file.into())).collect())
}

fn text_of(path: &Path) -> Result<String, NodeError> {
    std::fs::read_to_string(path).map_err(|source| NodeError::Io { path: path.to_owned(), source })
}

fn parsed<T: serde::de::DeserializeOwned>(path: &Path, text: &str) -> Result<T, NodeError> {
    serde_json::from_str(text).map_err(|error| {
        // The place stands in front, where editors look for it, not behind.
        let why = error.to_string();
        let why = why.rsplit_once(" at line ").map_or(why.as_str(), |(why, _)| why);
        NodeError::Config { what: format!("{}:{}", path.display(), error.line()), why: why.to_owned() }
    })
}

impl From<AccountFile> for GenesisAccount {
    fn from(file: AccountFile) -> Self {
        Self { balance: file.balance, nonce: file.nonce.to(), code: file.code, storage: file.storage }
    }
}

impl GenesisFile {
    fn new(config: Map<String, Value>, genesis: &Genesis) -> Self {
        let account = |account: &GenesisAccount| AccountFile {
            balance: account.balance,
            nonce: U64::from(account.nonce),
            code: account.code.clone(),
            storage: account.storage.clone(),
        };
        Self {
            config,
            nonce: U64::from(genesis.nonce),
            timestamp: U64::from(genesis.timestamp),
            extra_data: genesis.extra_data.clone(),
            gas_limit: U64::from(genesis.gas_limit),
            difficulty: genesis.difficulty,
            mix_hash: genesis.mix_hash,
            coinbase: genesis.coinbase,
            base_fee_per_gas: U256::from(genesis.base_fee_wei),
            alloc: genesis.alloc.iter().map(|(address, entry)| (*address, account(entry))).collect(),
        }
    }

    fn genesis(self) -> Result<Genesis, String> {
        Ok(Genesis {
            timestamp: self.timestamp.to(),
            extra_data: self.extra_data,
            gas_limit: self.gas_limit.to(),
            difficulty: self.difficulty,
            base_fee_wei: u64::try_from(self.base_fee_per_gas)
                .map_err(|_| "baseFeePerGas is above 2^64".to_owned())?,
            nonce: self.nonce.to(),
            mix_hash: self.mix_hash,
            coinbase: self.coinbase,
            alloc: self.alloc.into_iter().map(|(address, file)| (address, file.into())).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ChainSpec, String> {
        ChainSpec::from_file(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn every_dialect_states_the_same_block_0() {
        let mut spec = ChainSpec::ethash(4_242);
        spec.genesis.timestamp = 1_700_000_000;
        let contract = GenesisAccount {
            nonce: 1,
            code: Bytes::from_static(&[0x60, 0x00]),
            storage: BTreeMap::from([(B256::with_last_byte(1), B256::with_last_byte(2))]),
            ..GenesisAccount::with_ether(3)
        };
        spec.genesis.alloc.insert(Address::repeat_byte(7), contract);
        for dialect in
            [GenesisDialect::CoreGeth, GenesisDialect::Geth, GenesisDialect::Besu, GenesisDialect::Embedded]
        {
            let found = read(&spec.genesis_json(dialect).unwrap()).unwrap();
            assert_eq!(found, spec, "{dialect:?}");
            assert_eq!(found.genesis.hash(), spec.genesis.hash());
        }
    }

    #[test]
    fn a_fixed_difficulty_is_refused_for_clients_that_have_none() {
        let dev = ChainSpec::dev(crate::spec::DEV_MNEMONIC, 1).unwrap();
        assert!(dev.genesis_json(GenesisDialect::Geth).is_err());
        assert!(dev.genesis_json(GenesisDialect::CoreGeth).is_err());
        let besu = dev.genesis_json(GenesisDialect::Besu).unwrap();
        assert_eq!(read(&besu).unwrap(), dev);
    }

    #[test]
    fn a_file_with_a_later_fork_is_refused() {
        let text = ChainSpec::ethash(1).genesis_json(GenesisDialect::Geth).unwrap();
        let later = text.replace("\"chainId\": 1", "\"chainId\": 1, \"shanghaiTime\": 0");
        assert!(read(&later).unwrap_err().contains("shanghaiTime"));
    }
}
