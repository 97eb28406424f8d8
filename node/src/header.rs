//! Header rules: what a header must state, given its parent.
//!
//! Covers everything that needs no state: numbers, times, gas limits, base fee, difficulty, seal.
//! Ommers need ancestors and are checked by [`crate::chain::ommers`]; roots are checked after
//! execution.

use crate::seal::Sealer;
use crate::{ChainSpec, Header, NodeError, RejectedBlock};
use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use alloy_primitives::U256;

/// Most bytes of extra data.
pub const MAXIMUM_EXTRA_DATA_BYTES: usize = 32;
/// Least gas limit of a block.
const MINIMUM_GAS_LIMIT: u64 = 5_000;
/// The gas limit moves by less than a 1,024th of the parent's.
const GAS_LIMIT_DIVISOR: u64 = 1_024;
/// Seconds by which a block may be ahead of this machine's clock, as in go-ethereum.
pub const FUTURE_LIMIT_S: u64 = 15;

/// The base fee of the child of `parent`, in wei (EIP-1559).
pub fn child_base_fee_wei(parent: &Header) -> u64 {
    calc_next_block_base_fee(
        parent.gas_used,
        parent.gas_limit,
        parent.base_fee_per_gas.unwrap_or_default(),
        BaseFeeParams::ethereum(),
    )
}

/// The gas limit of the child of `parent` that comes as near to `target` as the rules allow.
pub fn child_gas_limit(parent_limit: u64, target: u64) -> u64 {
    let step = (parent_limit / GAS_LIMIT_DIVISOR).saturating_sub(1);
    let target = target.max(MINIMUM_GAS_LIMIT);
    if parent_limit < target {
        parent_limit.saturating_add(step).min(target)
    } else {
        (parent_limit - step).max(target)
    }
}

/// Checks `header` against its `parent`, the seal excluded.
///
/// # Errors
/// The first broken rule.
pub fn validate(spec: &ChainSpec, header: &Header, parent: &Header) -> Result<(), RejectedBlock> {
    if parent.number.checked_add(1) != Some(header.number) {
        return Err(RejectedBlock::Number { found: header.number, parent: parent.number });
    }
    no_later_fork(header)?;
    if header.extra_data.len() > MAXIMUM_EXTRA_DATA_BYTES {
        return Err(RejectedBlock::ExtraData(header.extra_data.len()));
    }
    if header.timestamp <= parent.timestamp {
        return Err(RejectedBlock::Timestamp { found: header.timestamp, parent: parent.timestamp });
    }
    gas(header, parent)?;
    let expected = spec.difficulty.of_child(parent, header.timestamp);
    if header.difficulty != expected {
        return Err(RejectedBlock::Value { field: "difficulty", found: header.difficulty, expected });
    }
    Ok(())
}

/// Checks `header` against its `parent`, the seal included.
///
/// # Errors
/// Inside the result: the first broken rule. Outside: [`NodeError::Epoch`].
pub fn validate_sealed(
    spec: &ChainSpec,
    sealer: &Sealer,
    header: &Header,
    parent: &Header,
) -> Result<Result<(), RejectedBlock>, NodeError> {
    match validate(spec, header, parent) {
        Ok(()) => sealer.verify(header),
        broken => Ok(broken),
    }
}

fn gas(header: &Header, parent: &Header) -> Result<(), RejectedBlock> {
    let (limit, parent_limit) = (header.gas_limit, parent.gas_limit);
    let bound = parent_limit / GAS_LIMIT_DIVISOR;
    let below_highest = u64::try_from(i64::MAX).is_ok_and(|highest| limit <= highest);
    if limit.abs_diff(parent_limit) >= bound || limit < MINIMUM_GAS_LIMIT || !below_highest {
        return Err(RejectedBlock::GasLimit { found: limit, parent: parent_limit });
    }
    if header.gas_used > limit {
        return Err(RejectedBlock::GasOverLimit { used: header.gas_used, limit });
    }
    let expected = child_base_fee_wei(parent);
    if header.base_fee_per_gas != Some(expected) {
        return Err(RejectedBlock::Value {
            field: "base fee",
            found: U256::from(header.base_fee_per_gas.unwrap_or_default()),
            expected: U256::from(expected),
        });
    }
    Ok(())
}

fn no_later_fork(header: &Header) -> Result<(), RejectedBlock> {
    let later = [
        ("withdrawals root", header.withdrawals_root.is_some()),
        ("blob gas used", header.blob_gas_used.is_some()),
        ("excess blob gas", header.excess_blob_gas.is_some()),
        ("parent beacon block root", header.parent_beacon_block_root.is_some()),
        ("requests hash", header.requests_hash.is_some()),
    ];
    match later.into_iter().find(|(_, present)| *present) {
        Some((field, _)) => Err(RejectedBlock::LaterFork(field)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Mutation = fn(&mut Header);

    fn spec() -> ChainSpec {
        ChainSpec::ethash(1)
    }

    fn child(parent: &Header) -> Header {
        Header {
            number: parent.number + 1,
            timestamp: parent.timestamp + 13,
            gas_limit: parent.gas_limit,
            base_fee_per_gas: Some(child_base_fee_wei(parent)),
            difficulty: spec().difficulty.of_child(parent, parent.timestamp + 13),
            ..Header::default()
        }
    }

    #[test]
    fn each_header_rule_refuses_its_own_mutation_and_the_child_itself_passes() {
        let parent = spec().genesis.header();
        let good = child(&parent);
        validate(&spec(), &good, &parent).unwrap();
        let mutations: [(&str, Mutation); 9] = [
            ("number", |h| h.number += 1),
            ("timestamp", |h| h.timestamp = 0),
            ("extra data", |h| h.extra_data = vec![0; 33].into()),
            ("gas limit", |h| h.gas_limit += h.gas_limit / 1_024),
            ("gas used", |h| h.gas_used = h.gas_limit + 1),
            ("base fee", |h| h.base_fee_per_gas = h.base_fee_per_gas.map(|fee| fee + 1)),
            ("no base fee", |h| h.base_fee_per_gas = None),
            ("difficulty", |h| h.difficulty += U256::from(1)),
            ("withdrawals", |h| h.withdrawals_root = Some(alloy_primitives::B256::ZERO)),
        ];
        for (name, mutate) in mutations {
            let mut bad = good.clone();
            mutate(&mut bad);
            assert!(validate(&spec(), &bad, &parent).is_err(), "{name}");
        }
    }

    #[test]
    fn the_gas_limit_drifts_to_its_target_by_legal_steps() {
        let mut limit = 10_000_000;
        for _ in 0..2_000 {
            let next = child_gas_limit(limit, 30_000_000);
            assert!(next.abs_diff(limit) < limit / 1_024);
            limit = next;
        }
        assert_eq!(limit, 30_000_000);
        assert!(child_gas_limit(30_000_000, 1_000_000) > 29_900_000);
    }
}
