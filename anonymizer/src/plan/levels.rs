//! How a measure's budget is divided among the levels of its hierarchy.
//!
//! A level of many places has many figures to get right, one of few places few. The shares that make the sum of
//! all absolute errors smallest follow from the number `n` of a level's places (its cells are a fixed multiple of
//! that): with Gaussian noise an error falls with the root of its share of rho, so `n` times the inverse root is
//! to be made small, and shares go as `n` to the power 2/3; with Laplace noise it falls with its share
//! of epsilon itself, and shares go as the root of `n`.
//!
//! # Privacy
//! Weights depend on the workload and the public list of organisations alone.

use super::layout::Layout;

/// Smallest part of the heaviest level's weight that a level gets: who reads a total of few places still wants
/// it better than the sum of its parts.
const LEAST_SHARE: u64 = 20;
/// Parts in which weights are counted.
const UNIT: u64 = 1_000;

/// Weights of the levels, finest first. None is 0.
pub(super) fn weights(layout: &Layout, is_gaussian: bool) -> Vec<u64> {
    let weight = |places: usize| {
        let places = u64::try_from(places.max(1)).unwrap_or(u64::MAX);
        if is_gaussian { root(places.saturating_pow(2), 3) } else { root(places, 2) }
    };
    let weights: Vec<u64> = layout.grids().iter().map(|grid| weight(grid.places)).collect();
    let most = weights.iter().copied().max().unwrap_or(1);
    weights.into_iter().map(|weight| weight.max(most / LEAST_SHARE).max(1)).collect()
}

/// The root of a number in thousandths, rounded down: integers, so that every machine makes the same plan.
fn root(number: u64, degree: u32) -> u64 {
    let scaled = u128::from(number) * u128::from(UNIT).pow(degree);
    let (mut low, mut high) = (0_u128, u128::from(u64::MAX));
    while high - low > 1 {
        let middle = low.midpoint(high);
        if middle.checked_pow(degree).is_some_and(|power| power <= scaled) {
            low = middle;
        } else {
            high = middle;
        }
    }
    u64::try_from(low).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_whole_thousandths() {
        assert_eq!(root(1, 2), 1_000);
        assert_eq!(root(2, 2), 1_414);
        assert_eq!(root(60 * 60, 3), 15_326);
        assert_eq!(root(8, 3), 2_000);
        assert_eq!(root(u64::from(u32::MAX), 2), 65_535_999);
    }
}
