//! The words of this node said in revm's: configuration, block and transaction environments.

use crate::{ChainSpec, Header, Transaction};
use alloy_consensus::Transaction as _;
use alloy_eips::Typed2718;
use alloy_primitives::{Address, U256};
use revm::context::{BlockEnv, CfgEnv, Context, Journal, TxEnv};
use revm::context_interface::either::Either;
use revm::database_interface::Database;
use revm::primitives::hardfork::SpecId;

/// revm's context over a state of ours.
pub type EvmContext<DB> = Context<BlockEnv, TxEnv, CfgEnv, DB, Journal<DB>, ()>;

/// A context for executing transactions of the block with `header`. Gray glacier moved the bomb only,
/// so the instruction set is London's.
pub fn context<DB: Database>(spec: &ChainSpec, header: &Header, state: DB) -> EvmContext<DB> {
    let mut configuration = CfgEnv::new_with_spec(SpecId::LONDON);
    configuration.chain_id = spec.chain_id;
    let context: EvmContext<DB> = Context::new(state, SpecId::LONDON);
    context.with_cfg(configuration).with_block(block_env(header))
}

/// The block environment that `header` describes.
pub fn block_env(header: &Header) -> BlockEnv {
    BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: header.difficulty,
        prevrandao: None,
        blob_excess_gas_and_price: None,
        slot_num: 0,
    }
}

/// The environment of a signed transaction.
pub fn transaction_env(transaction: &Transaction, sender: Address) -> TxEnv {
    TxEnv {
        tx_type: transaction.ty(),
        caller: sender,
        gas_limit: transaction.gas_limit(),
        gas_price: transaction.max_fee_per_gas(),
        kind: transaction.kind(),
        value: transaction.value(),
        data: transaction.input().clone(),
        nonce: transaction.nonce(),
        chain_id: transaction.chain_id(),
        access_list: transaction.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: transaction.max_priority_fee_per_gas(),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: transaction
            .authorization_list()
            .map(|list| list.iter().cloned().map(Either::Left).collect())
            .unwrap_or_default(),
    }
}
