//! Blocks, transactions, receipts and logs in the JSON that Ethereum clients share.

use super::{Answer, RpcError};
use crate::chain::building::Candidate;
use crate::store::ChainBlock;
use crate::{Block, Header, ReceiptEnvelope, Transaction};
use alloy_consensus::Transaction as _;
use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, B256, U256};
use alloy_rlp::Encodable;
use alloy_rpc_types_eth as types;
use serde::Serialize;
use serde_json::Value;

type Log = types::Log;

pub(super) fn to_json(value: &impl Serialize) -> Answer {
    serde_json::to_value(value).map_err(|error| RpcError::refused(error.to_string()))
}

/// Where a transaction sits. For a pending one only `base_fee` may be known.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) block_hash: Option<B256>,
    pub(super) block_number: Option<u64>,
    pub(super) index: Option<u64>,
    pub(super) base_fee_wei: Option<u64>,
}

impl Place {
    pub(super) fn in_block(block: &ChainBlock, index: u64) -> Self {
        Self {
            block_hash: Some(block.hash),
            block_number: Some(block.number()),
            index: Some(index),
            base_fee_wei: block.block.header.base_fee_per_gas,
        }
    }
}

pub(super) fn transaction(transaction: &Transaction, sender: Address, place: Place) -> Answer {
    to_json(&types::Transaction {
        effective_gas_price: place.base_fee_wei.map(|fee| transaction.effective_gas_price(Some(fee))),
        inner: Recovered::new_unchecked(transaction.clone(), sender),
        block_hash: place.block_hash,
        block_number: place.block_number,
        transaction_index: place.index,
        block_timestamp: None,
    })
}

/// The whole header, as `newHeads` sends it.
pub(super) fn header(block: &ChainBlock) -> Answer {
    to_json(&types::Header {
        hash: block.hash,
        inner: block.block.header.clone(),
        total_difficulty: None,
        size: None,
    })
}

fn block_json(
    hash: B256,
    block: &Block,
    senders: &[Address],
    total_difficulty: Option<U256>,
    full: bool,
    place: impl Fn(u64) -> Place,
) -> Answer {
    let transactions: Vec<Value> = if full {
        let listed = (0_u64..).zip(block.body.transactions.iter().zip(senders));
        listed
            .map(|(index, (tx, sender))| transaction(tx, *sender, place(index)))
            .collect::<Result<_, _>>()?
    } else {
        block.body.transactions.iter().map(|tx| Value::from(format!("{:#x}", tx.tx_hash()))).collect()
    };
    let mut json = to_json(&types::Block::<Value> {
        header: types::Header {
            hash,
            inner: block.header.clone(),
            total_difficulty,
            size: Some(U256::from(block.length())),
        },
        uncles: block.body.ommers.iter().map(Header::hash_slow).collect(),
        transactions: types::BlockTransactions::Full(Vec::new()),
        withdrawals: None,
    })?;
    json["transactions"] = Value::Array(transactions);
    Ok(json)
}

pub(super) fn block(block: &ChainBlock, full: bool) -> Answer {
    let difficulty = Some(block.total_difficulty);
    let place = |index| Place::in_block(block, index);
    block_json(block.hash, &block.block, &block.senders, difficulty, full, place)
}

/// The block that would come next: what a miner will decide is null.
pub(super) fn pending_block(candidate: &Candidate, full: bool) -> Answer {
    let number = candidate.block.header.number;
    let base_fee_wei = candidate.block.header.base_fee_per_gas;
    let place =
        |index| Place { block_number: Some(number), index: Some(index), base_fee_wei, ..Place::default() };
    let mut json = block_json(B256::ZERO, &candidate.block, &candidate.senders, None, full, place)?;
    for unknown in ["hash", "nonce", "miner", "mixHash"] {
        json[unknown] = Value::Null;
    }
    Ok(json)
}

/// An ommer: a block without a body.
pub(super) fn ommer(header: &Header) -> Answer {
    let mut json = to_json(&types::Header {
        hash: header.hash_slow(),
        inner: header.clone(),
        total_difficulty: None,
        size: Some(U256::from(Block::uncle(header.clone()).length())),
    })?;
    json["uncles"] = Value::Array(Vec::new());
    Ok(json)
}

/// The logs of a block that `wanted` admits, with their places; `removed` after a re-org.
pub(super) fn block_logs(
    block: &ChainBlock,
    removed: bool,
    wanted: impl Fn(&alloy_primitives::Log) -> bool,
) -> Vec<Log> {
    let mut found = Vec::new();
    let mut log_index = 0;
    let transactions = block.block.body.transactions.iter().zip(&block.receipts);
    for (transaction_index, (transaction, receipt)) in (0_u64..).zip(transactions) {
        for log in receipt.logs() {
            if wanted(log) {
                found.push(Log {
                    inner: log.clone(),
                    block_hash: Some(block.hash),
                    block_number: Some(block.number()),
                    block_timestamp: None,
                    transaction_hash: Some(*transaction.tx_hash()),
                    transaction_index: Some(transaction_index),
                    log_index: Some(log_index),
                    removed,
                });
            }
            log_index += 1;
        }
    }
    found
}

/// Every receipt of a block.
pub(super) fn receipts(block: &ChainBlock) -> Result<Vec<Value>, RpcError> {
    let mut logs = block_logs(block, false, |_| true).into_iter();
    let mut gas_before = 0;
    let mut receipts = Vec::with_capacity(block.receipts.len());
    let transactions = block.block.body.transactions.iter().zip(&block.senders);
    for (index, ((transaction, sender), receipt)) in (0_u64..).zip(transactions.zip(&block.receipts)) {
        let gas_used = receipt.cumulative_gas_used() - gas_before;
        gas_before = receipt.cumulative_gas_used();
        let own: Vec<Log> = logs.by_ref().take(receipt.logs().len()).collect();
        let place = Place::in_block(block, index);
        receipts.push(receipt_json(transaction, *sender, receipt, own, gas_used, place)?);
    }
    Ok(receipts)
}

fn receipt_json(
    transaction: &Transaction,
    sender: Address,
    receipt: &ReceiptEnvelope,
    logs: Vec<Log>,
    gas_used: u64,
    place: Place,
) -> Answer {
    let mut logs = logs.into_iter();
    let inner =
        receipt.clone().map_logs(|log| logs.next().unwrap_or_else(|| Log { inner: log, ..Log::default() }));
    let creates = transaction.kind().is_create();
    let mut json = to_json(&types::TransactionReceipt {
        inner,
        transaction_hash: *transaction.tx_hash(),
        transaction_index: place.index,
        block_hash: place.block_hash,
        block_number: place.block_number,
        gas_used,
        effective_gas_price: transaction.effective_gas_price(place.base_fee_wei),
        blob_gas_used: None,
        blob_gas_price: None,
        from: sender,
        to: transaction.to(),
        contract_address: creates.then(|| sender.create(transaction.nonce())),
    })?;
    // Some clients want the keys, null or not.
    for key in ["to", "contractAddress"] {
        if json.get(key).is_none() {
            json[key] = Value::Null;
        }
    }
    Ok(json)
}
