//! What transactions pay, and what they should.

use super::params::Params;
use super::resolve::Resolved;
use super::{Answer, Rpc, RpcError};
use crate::header::child_base_fee_wei;
use crate::store::ChainBlock;
use alloy_consensus::Transaction as _;
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{U64, U128, U256};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Blocks that a suggestion looks at.
const SAMPLED_BLOCKS: u64 = 20;
/// Cheapest transactions of each block that it looks at.
const SAMPLED_TRANSACTIONS: usize = 3;
/// Which of the sampled tips is suggested, in percent.
const PERCENTILE: usize = 60;
/// The tip suggested when nothing was mined lately: 1 gwei.
const DEFAULT_TIP_WEI: u128 = 1_000_000_000;
/// Most that is suggested: 500 gwei.
const MAXIMUM_TIP_WEI: u128 = 500_000_000_000;
/// Most percentiles in one `eth_feeHistory`.
const MAXIMUM_PERCENTILES: usize = 100;

impl Rpc {
    pub(super) fn fees(&self, method: &str, params: &Params) -> Option<Answer> {
        Some(match method {
            "eth_gasPrice" => self.suggested_tip_wei().map(|tip| {
                let head = self.backend.chain().head();
                let base_fee = head.block.header.base_fee_per_gas.unwrap_or_default();
                json!(U128::from(tip + u128::from(base_fee)))
            }),
            "eth_maxPriorityFeePerGas" => self.suggested_tip_wei().map(|tip| json!(U128::from(tip))),
            "eth_feeHistory" => self.fee_history(params),
            _ => return None,
        })
    }

    /// A tip that got transactions into recent blocks.
    fn suggested_tip_wei(&self) -> Result<u128, RpcError> {
        let reader = self.backend.chain().reader()?;
        let mut block = self.backend.chain().head();
        let mut tips = Vec::new();
        for _ in 0..SAMPLED_BLOCKS {
            let mut of_block: Vec<u128> = tips_wei(&block)
                .zip(&block.senders)
                .filter(|(_, sender)| **sender != block.block.header.beneficiary)
                .map(|((tip, _), _)| tip)
                .collect();
            of_block.sort_unstable();
            tips.extend(of_block.into_iter().take(SAMPLED_TRANSACTIONS));
            if block.number() == 0 {
                break;
            }
            block = reader.known_block(block.block.header.parent_hash)?;
        }
        tips.sort_unstable();
        let place = tips.len().saturating_sub(1) * PERCENTILE / 100;
        Ok(tips.get(place).copied().unwrap_or(DEFAULT_TIP_WEI).min(MAXIMUM_TIP_WEI))
    }

    fn fee_history(&self, params: &Params) -> Answer {
        params.at_most(3)?;
        let count = params.required::<U64>(0)?.to::<u64>().min(self.limits.fee_history_blocks);
        let newest: BlockNumberOrTag = params.required(1)?;
        let percentiles: Vec<f64> = params.optional(2)?.unwrap_or_default();
        check_percentiles(&percentiles)?;
        // A pending block has no gas used that anybody could learn from.
        let newest = match self.resolve(newest.into())? {
            Some(Resolved::Stored(block)) => block,
            Some(Resolved::Pending(_)) => self.backend.chain().head(),
            None => return Err(RpcError::refused("request beyond head block")),
        };
        let blocks = self.blocks_up_to(newest, count)?;
        let base_fee = |block: &Arc<ChainBlock>| block.block.header.base_fee_per_gas.unwrap_or_default();
        let mut base_fees: Vec<U64> = blocks.iter().map(|block| U64::from(base_fee(block))).collect();
        if let Some(last) = blocks.last() {
            base_fees.push(U64::from(child_base_fee_wei(&last.block.header)));
        }
        let mut history = Map::new();
        let oldest = blocks.first().map_or(0, |block| block.number());
        history.insert("oldestBlock".to_owned(), json!(U64::from(oldest)));
        history.insert("baseFeePerGas".to_owned(), json!(base_fees));
        let ratios: Vec<f64> = blocks.iter().map(|block| gas_used_ratio(block)).collect();
        history.insert("gasUsedRatio".to_owned(), json!(ratios));
        if !percentiles.is_empty() {
            let rewards: Vec<Vec<U256>> =
                blocks.iter().map(|block| rewards_wei(block, &percentiles)).collect();
            history.insert("reward".to_owned(), json!(rewards));
        }
        Ok(Value::Object(history))
    }

    /// `count` blocks that end with `newest`, oldest first; fewer near the genesis.
    fn blocks_up_to(&self, newest: Arc<ChainBlock>, count: u64) -> Result<Vec<Arc<ChainBlock>>, RpcError> {
        let reader = self.backend.chain().reader()?;
        let mut blocks = Vec::new();
        let mut next = Some(newest);
        while let Some(block) = next.take()
            && u64::try_from(blocks.len()).is_ok_and(|length| length < count)
        {
            if block.number() > 0 {
                next = Some(reader.known_block(block.block.header.parent_hash)?);
            }
            blocks.push(block);
        }
        blocks.reverse();
        Ok(blocks)
    }
}

fn check_percentiles(percentiles: &[f64]) -> Result<(), RpcError> {
    if percentiles.len() > MAXIMUM_PERCENTILES {
        return Err(RpcError::refused(format!("over the query limit {MAXIMUM_PERCENTILES}")));
    }
    let in_range = percentiles.iter().all(|percentile| (0.0..=100.0).contains(percentile));
    if !in_range || !percentiles.is_sorted() {
        return Err(RpcError::refused("invalid reward percentile"));
    }
    Ok(())
}

/// The tip and the gas of each transaction of a block.
fn tips_wei(block: &ChainBlock) -> impl Iterator<Item = (u128, u64)> {
    let base_fee = block.block.header.base_fee_per_gas.unwrap_or_default();
    let mut gas_before = 0;
    block.block.body.transactions.iter().zip(&block.receipts).map(move |(transaction, receipt)| {
        let gas = receipt.cumulative_gas_used() - gas_before;
        gas_before = receipt.cumulative_gas_used();
        (transaction.effective_tip_per_gas(base_fee).unwrap_or_default(), gas)
    })
}

#[expect(clippy::cast_precision_loss, reason = "a ratio that is shown; gas is far below 2^53")]
fn gas_used_ratio(block: &ChainBlock) -> f64 {
    block.block.header.gas_used as f64 / block.block.header.gas_limit as f64
}

/// Tips at the percentiles of a block's gas.
#[expect(clippy::cast_precision_loss, reason = "a share of gas, which is far below 2^53")]
fn rewards_wei(block: &ChainBlock, percentiles: &[f64]) -> Vec<U256> {
    let mut tips: Vec<(u128, u64)> = tips_wei(block).collect();
    tips.sort_unstable();
    let mut place = 0;
    let mut gas_so_far = tips.first().map_or(0, |(_, gas)| *gas);
    let reward = |percentile: &f64| {
        let threshold = block.block.header.gas_used as f64 * percentile / 100.0;
        while (gas_so_far as f64) < threshold && place + 1 < tips.len() {
            place += 1;
            gas_so_far += tips[place].1;
        }
        tips.get(place).map_or(U256::ZERO, |(tip, _)| U256::from(*tip))
    };
    percentiles.iter().map(reward).collect()
}
