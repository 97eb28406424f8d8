//! What a block pays (EIP-1234 and the yellow paper, section 11.3), in wei.

use alloy_consensus::Header;
use alloy_primitives::{Address, U256};

/// The static reward of a block: 2 ether.
pub const BLOCK_REWARD_WEI: u128 = 2_000_000_000_000_000_000;
/// An ommer's reward shrinks by an eighth a generation.
const OMMER_GENERATIONS: u64 = 8;
/// Each included ommer pays the including miner a 32nd of a block.
const INCLUSION_DIVISOR: u128 = 32;

/// Who gets what for `header` with `ommers`: the ommers' miners first, the block's own last.
///
/// The ommers must have passed the ommer rules (at most 7 generations old).
pub fn block_rewards(header: &Header, ommers: &[Header]) -> Vec<(Address, U256)> {
    let mut rewards = Vec::with_capacity(ommers.len() + 1);
    let mut own = BLOCK_REWARD_WEI;
    for ommer in ommers {
        let age = header.number.saturating_sub(ommer.number);
        let eighths = u128::from(OMMER_GENERATIONS.saturating_sub(age));
        rewards.push((ommer.beneficiary, U256::from(BLOCK_REWARD_WEI * eighths / 8)));
        own += BLOCK_REWARD_WEI / INCLUSION_DIVISOR;
    }
    rewards.push((header.beneficiary, U256::from(own)));
    rewards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ommer_of_the_previous_generation_gets_seven_eighths_and_its_includer_a_32nd() {
        let header = Header { number: 10, beneficiary: Address::repeat_byte(1), ..Header::default() };
        let ommer = Header { number: 9, beneficiary: Address::repeat_byte(2), ..Header::default() };
        assert_eq!(
            block_rewards(&header, &[ommer]),
            [
                (Address::repeat_byte(2), U256::from(1_750_000_000_000_000_000_u128)),
                (Address::repeat_byte(1), U256::from(2_062_500_000_000_000_000_u128)),
            ]
        );
    }
}
