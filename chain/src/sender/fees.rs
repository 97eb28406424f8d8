//! What a transaction offers to pay, and what its replacement has to.
//!
//! Why here: pools take a replacement only for a tenth more in both fees, and an account must never pay more than its
//! owner said, however long a transaction waits. What not: no node is asked here.

use serde::{Deserialize, Serialize};

/// What an EIP-1559 transaction offers, in wei per gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fees {
    /// Most that it pays in all.
    pub max_fee_per_gas: u64,
    /// Most of that which goes to the miner.
    pub max_priority_fee_per_gas: u64,
}

/// What an account's owner allows.
#[derive(Debug, Clone, Copy)]
pub struct FeePolicy {
    /// Offered to the miner when the node has no suggestion, and at least, in wei per gas.
    pub minimum_tip: u64,
    /// Most that a transaction may pay in all, in wei per gas. At this a transaction waits instead of being replaced.
    pub cap: u64,
    /// How much more a replacement offers, in percent; pools ask for 10.
    pub bump_percent: u64,
}

impl Default for FeePolicy {
    /// At least 0.1 gwei for the miner, at most 500 gwei in all, replacements for 15 % more.
    fn default() -> Self {
        Self { minimum_tip: 100_000_000, cap: 500_000_000_000, bump_percent: 15 }
    }
}

impl FeePolicy {
    /// The first offer: twice the base fee, which lasts for at least five full blocks, and the tip.
    pub(crate) fn offer(&self, base_fee: u64, suggested_tip: Option<u64>) -> Fees {
        let tip = suggested_tip.unwrap_or_default().max(self.minimum_tip).min(self.cap);
        let max_fee_per_gas = base_fee.saturating_mul(2).saturating_add(tip).min(self.cap);
        Fees { max_fee_per_gas, max_priority_fee_per_gas: tip }
    }

    /// The offer that replaces `last`; `None` if the cap does not allow one that pools would take.
    pub(crate) fn replacement(&self, last: Fees, fresh: Fees) -> Option<Fees> {
        let raised = |fee: u64, percent: u64| fee.saturating_add((fee / 100 + 1).saturating_mul(percent));
        let percent = self.bump_percent.max(MINIMUM_BUMP_PERCENT);
        let max_fee = raised(last.max_fee_per_gas, percent).max(fresh.max_fee_per_gas).min(self.cap);
        let lowest = raised(last.max_fee_per_gas, MINIMUM_BUMP_PERCENT);
        let tip = raised(last.max_priority_fee_per_gas, percent).max(fresh.max_priority_fee_per_gas);
        let lowest_tip = raised(last.max_priority_fee_per_gas, MINIMUM_BUMP_PERCENT);
        let tip = tip.min(max_fee);
        (max_fee >= lowest && tip >= lowest_tip)
            .then_some(Fees { max_fee_per_gas: max_fee, max_priority_fee_per_gas: tip })
    }
}

const MINIMUM_BUMP_PERCENT: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: FeePolicy = FeePolicy { minimum_tip: 10, cap: 1_000, bump_percent: 15 };

    #[test]
    fn the_first_offer_outlasts_a_doubled_base_fee_and_stays_below_the_cap() {
        let fees = POLICY.offer(100, Some(20));
        assert_eq!(fees, Fees { max_fee_per_gas: 220, max_priority_fee_per_gas: 20 });
        assert_eq!(POLICY.offer(100, None).max_priority_fee_per_gas, 10);
        assert_eq!(POLICY.offer(900, None).max_fee_per_gas, 1_000);
    }

    #[test]
    fn every_replacement_raises_both_fees_by_a_tenth_until_the_cap_ends_it() {
        let (mut last, mut replacements) = (POLICY.offer(7, None), 0);
        while let Some(next) = POLICY.replacement(last, POLICY.offer(7, None)) {
            for (old, new) in [
                (last.max_fee_per_gas, next.max_fee_per_gas),
                (last.max_priority_fee_per_gas, next.max_priority_fee_per_gas),
            ] {
                assert!(new * 100 >= old * 110, "{old} -> {new}");
            }
            assert!(next.max_fee_per_gas <= POLICY.cap);
            (last, replacements) = (next, replacements + 1);
        }
        assert!(replacements > 10 && last.max_fee_per_gas > 900, "{replacements} {last:?}");
    }

    #[test]
    fn a_base_fee_that_rose_counts_more_than_the_percentage() {
        let replacement = POLICY.replacement(POLICY.offer(10, None), POLICY.offer(300, None)).unwrap();
        assert_eq!(replacement.max_fee_per_gas, 610);
    }
}
