//! Difficulty of the next block: the Byzantium rule (EIP-100) with the gray-glacier bomb (EIP-5133),
//! or a fixed number.

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_primitives::U256;

/// The least difficulty of any Ethash chain.
pub const MINIMUM_DIFFICULTY: u64 = 131_072;
/// Blocks by which gray glacier delays the bomb.
const BOMB_DELAY_BLOCKS: u64 = 11_400_000;
/// The bomb doubles once per this many blocks.
const BOMB_PERIOD_BLOCKS: u64 = 100_000;
/// A parent's difficulty moves by multiples of its own 2,048th.
const BOUND_DIVISOR: u64 = 2_048;
/// Difficulty never falls by more than 99 steps in one block.
const MAXIMUM_STEPS_DOWN: u64 = 99;

/// How a block's difficulty follows from its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifficultyRule {
    /// EIP-100 with the bomb. `minimum` is [`MINIMUM_DIFFICULTY`] on every chain that other clients
    /// follow; tests lower it.
    Ethash {
        /// The least difficulty.
        minimum: u64,
    },
    /// Always the same: Besu's `fixeddifficulty`.
    Fixed(u64),
}

impl DifficultyRule {
    /// The difficulty of the child of `parent` with `timestamp` (seconds, after the parent's).
    pub fn of_child(self, parent: &Header, timestamp: u64) -> U256 {
        match self {
            Self::Fixed(difficulty) => U256::from(difficulty),
            Self::Ethash { minimum } => byzantium(parent, timestamp, minimum) + bomb(parent.number + 1),
        }
    }
}

fn byzantium(parent: &Header, timestamp: u64, minimum: u64) -> U256 {
    let ceiling = if parent.ommers_hash == EMPTY_OMMER_ROOT_HASH { 1 } else { 2 };
    let nines = timestamp.saturating_sub(parent.timestamp) / 9;
    let step = parent.difficulty / U256::from(BOUND_DIVISOR);
    let difficulty = if nines <= ceiling {
        parent.difficulty + step * U256::from(ceiling - nines)
    } else {
        let steps_down = (nines - ceiling).min(MAXIMUM_STEPS_DOWN);
        parent.difficulty - step * U256::from(steps_down)
    };
    difficulty.max(U256::from(minimum))
}

fn bomb(number: u64) -> U256 {
    let periods = number.saturating_sub(BOMB_DELAY_BLOCKS) / BOMB_PERIOD_BLOCKS;
    if periods < 2 { U256::ZERO } else { U256::from(2).pow(U256::from(periods - 2)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent(number: u64, difficulty: u64, with_ommers: bool) -> Header {
        let mut header =
            Header { number, difficulty: U256::from(difficulty), timestamp: 1_000, ..Header::default() };
        if with_ommers {
            header.ommers_hash = alloy_primitives::B256::ZERO;
        }
        header
    }

    fn next(parent: &Header, seconds_later: u64) -> U256 {
        DifficultyRule::Ethash { minimum: MINIMUM_DIFFICULTY }.of_child(parent, 1_000 + seconds_later)
    }

    #[test]
    fn difficulty_rises_by_a_2048th_for_a_quick_block_and_by_two_after_ommers() {
        assert_eq!(next(&parent(5, 2_048_000, false), 8), U256::from(2_049_000));
        assert_eq!(next(&parent(5, 2_048_000, true), 8), U256::from(2_050_000));
        assert_eq!(next(&parent(5, 2_048_000, false), 9), U256::from(2_048_000));
    }

    #[test]
    fn difficulty_falls_by_at_most_99_steps_and_never_below_the_minimum() {
        assert_eq!(next(&parent(5, 2_048_000, false), 20), U256::from(2_047_000));
        assert_eq!(next(&parent(5, 2_048_000, false), 1_000_000), U256::from(2_048_000 - 99_000));
        assert_eq!(next(&parent(5, MINIMUM_DIFFICULTY, false), 1_000), U256::from(MINIMUM_DIFFICULTY));
    }

    #[test]
    fn the_bomb_starts_two_periods_after_its_delay() {
        let at = |number: u64| next(&parent(number - 1, 2_048_000, false), 9) - U256::from(2_048_000);
        assert_eq!(at(11_599_999), U256::ZERO);
        assert_eq!(at(11_600_000), U256::from(1));
        assert_eq!(at(11_800_000), U256::from(4));
    }

    #[test]
    fn fixed_difficulty_stays() {
        assert_eq!(DifficultyRule::Fixed(100).of_child(&parent(5, 100, true), 2_000), U256::from(100));
    }
}
