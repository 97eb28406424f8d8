//! Whether a transaction may enter the pool at all: rules that need the chain, not the pool.

use super::{PoolLimits, SenderState, maximum_cost};
use crate::{ChainSpec, RejectedTransaction, Transaction};
use alloy_consensus::transaction::SignerRecoverable;
use alloy_consensus::{Transaction as _, TxType};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::Address;

/// Gas of any transaction (yellow paper, appendix G).
const TRANSACTION_GAS: u64 = 21_000;
/// Gas of a transaction that creates a contract, in addition.
const CREATION_GAS: u64 = 32_000;
/// Gas of a zero byte of data.
const ZERO_BYTE_GAS: u64 = 4;
/// Gas of any other byte of data (EIP-2028).
const BYTE_GAS: u64 = 16;
/// Gas of an address in the access list (EIP-2930).
const ACCESS_ADDRESS_GAS: u64 = 2_400;
/// Gas of a storage key in the access list (EIP-2930).
const ACCESS_KEY_GAS: u64 = 1_900;

/// Decodes a signed transaction as `eth_sendRawTransaction` takes it.
///
/// # Errors
/// [`RejectedTransaction::Undecodable`], [`RejectedTransaction::TypeNotSupported`].
pub fn decode(raw: &[u8]) -> Result<Transaction, RejectedTransaction> {
    // Types 3 and later, which London does not know, begin with their number.
    if raw.first().is_some_and(|first| (3..=0x7f).contains(first)) {
        return Err(RejectedTransaction::TypeNotSupported);
    }
    let mut rest = raw;
    let undecodable = |why: String| RejectedTransaction::Undecodable(why);
    let transaction = Transaction::decode_2718(&mut rest).map_err(|error| undecodable(error.to_string()))?;
    if !rest.is_empty() {
        return Err(undecodable(format!("{} bytes after the transaction", rest.len())));
    }
    Ok(transaction)
}

/// Gas that a transaction needs before its first instruction.
pub fn intrinsic_gas(transaction: &Transaction) -> u64 {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let data = transaction.input();
    let byte_gas = |byte: &u8| if *byte == 0 { ZERO_BYTE_GAS } else { BYTE_GAS };
    let mut gas = TRANSACTION_GAS + data.iter().map(byte_gas).sum::<u64>();
    if transaction.kind().is_create() {
        gas += CREATION_GAS;
    }
    if let Some(list) = transaction.access_list() {
        let keys: usize = list.iter().map(|item| item.storage_keys.len()).sum();
        gas += count(list.len()) * ACCESS_ADDRESS_GAS + count(keys) * ACCESS_KEY_GAS;
    }
    gas
}

/// Checks everything that needs neither state nor pool, and recovers the sender.
///
/// # Errors
/// The first broken rule.
pub fn check(
    spec: &ChainSpec,
    limits: &PoolLimits,
    block_gas_limit: u64,
    transaction: &Transaction,
) -> Result<Address, RejectedTransaction> {
    if !matches!(transaction.tx_type(), TxType::Legacy | TxType::Eip2930 | TxType::Eip1559) {
        return Err(RejectedTransaction::TypeNotSupported);
    }
    if transaction.encode_2718_len() > limits.transaction_bytes {
        return Err(RejectedTransaction::Oversized);
    }
    match transaction.chain_id() {
        None => return Err(RejectedTransaction::NotReplayProtected),
        Some(found) if found != spec.chain_id => {
            return Err(RejectedTransaction::ChainId { found, expected: spec.chain_id });
        }
        Some(_) => {}
    }
    if transaction.gas_limit() > block_gas_limit {
        return Err(RejectedTransaction::GasLimit);
    }
    if transaction.max_priority_fee_per_gas().is_some_and(|tip| tip > transaction.max_fee_per_gas()) {
        return Err(RejectedTransaction::TipAboveFeeCap);
    }
    let want = intrinsic_gas(transaction);
    if transaction.gas_limit() < want {
        return Err(RejectedTransaction::IntrinsicGas { have: transaction.gas_limit(), want });
    }
    transaction.recover_signer().map_err(|_| RejectedTransaction::InvalidSender)
}

/// Checks that the sender can pay.
///
/// # Errors
/// [`RejectedTransaction::InsufficientFunds`].
pub fn check_funds(
    transaction: &Transaction,
    sender: Address,
    state: SenderState,
) -> Result<(), RejectedTransaction> {
    let want = maximum_cost(transaction);
    if want > state.balance {
        return Err(RejectedTransaction::InsufficientFunds { address: sender, have: state.balance, want });
    }
    Ok(())
}
