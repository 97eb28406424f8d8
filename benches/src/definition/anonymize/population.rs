//! The persons of the job, and who of them each row belongs to.
//!
//! Distributions: regions in proportion to fifty American states and a district; one to six conditions
//! a person, drawn by a Zipf law of exponent 1.2; 1 + Poisson(3) rows a person and Poisson(30) more for one in
//! a hundred; values normal around a mean that depends on the condition. All rows are in random order.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::job::{BOUNDS, CONDITIONS, REGIONS};

/// The seed of published figures.
pub const DEFAULT_SEED: u64 = 20_251_120;

/// Weights of the regions.
const POPULATION: [f64; REGIONS] = [
    39.5, 29.1, 21.5, 20.2, 13.0, 12.8, 11.8, 10.7, 10.4, 10.1, 9.3, 8.6, 7.7, 7.2, 7.0, 6.9, 6.8, 6.2, 6.2,
    5.9, 5.8, 5.7, 5.1, 5.0, 4.7, 4.5, 4.2, 4.0, 3.6, 3.3, 3.2, 3.1, 3.0, 3.0, 2.9, 2.1, 2.0, 1.9, 1.8, 1.5,
    1.4, 1.4, 1.1, 1.1, 1.0, 0.9, 0.8, 0.7, 0.7, 0.6, 0.58,
];
/// Chances of one to six conditions.
const CONDITION_COUNTS: [f64; 6] = [0.45, 0.25, 0.15, 0.08, 0.05, 0.02];

/// A person.
#[derive(Clone, Copy)]
pub(super) struct Person {
    pub(super) region: u8,
    conditions: u8,
    slots: [u8; 6],
}

/// The persons, and the person of each row.
pub(super) struct Population {
    pub(super) persons: Vec<Person>,
    pub(super) owners: Vec<u32>,
    draws: Draws,
}

impl Population {
    /// Draws the population of so many rows.
    pub(super) fn draw(rows: u64, seed: u64) -> Self {
        let mut draws = Draws(ChaCha8Rng::seed_from_u64(seed));
        let wanted = index(rows);
        // A little more than needed: rows are cut to the number asked for.
        let number = index(rows * 2375 / 10_000 + 1_000);
        let regions = cumulative(POPULATION.into_iter());
        let counts = cumulative(CONDITION_COUNTS.into_iter());
        let conditions = cumulative((1_u32..).take(CONDITIONS).map(|rank| f64::from(rank).powf(-1.2)));
        let mut persons = Vec::with_capacity(number);
        let mut owners = Vec::with_capacity(wanted + wanted / 16);
        for person in (0_u32..).take(number) {
            let mut slots = [0; 6];
            slots.fill_with(|| draws.pick(&conditions));
            let region = draws.pick(&regions);
            persons.push(Person { region, conditions: 1 + draws.pick(&counts), slots });
            let mut visits = 1 + draws.poisson(3.0);
            if draws.unit() < 0.01 {
                visits += draws.poisson(30.0);
            }
            owners.extend((0..visits).map(|_| person));
        }
        // The first part of a shuffle is a random order of a random choice.
        let kept = wanted.min(owners.len());
        for row in 0..kept {
            let other = row + draws.below(owners.len() - row);
            owners.swap(row, other);
        }
        owners.truncate(kept);
        Self { persons, owners, draws }
    }

    /// Condition and value of a person's next row.
    pub(super) fn row(&mut self, person: Person) -> (u8, f64) {
        let slot = self.draws.below(usize::from(person.conditions));
        let condition = person.slots[slot];
        let mean = 4.0_f64.mul_add(f64::from(condition), 90.0);
        (condition, self.draws.normal(mean, 35.0).clamp(BOUNDS.0, BOUNDS.1).trunc())
    }
}

/// Draws of one generator.
struct Draws(ChaCha8Rng);

impl Draws {
    /// Uniform in [0, 1), 53 bits.
    fn unit(&mut self) -> f64 {
        crate::statistics::as_f64(self.0.next_u64() >> 11) * 2.0_f64.powi(-53)
    }

    /// Uniform in 0..`bound`, which is not 0; the bias of the multiplication is below 2^-32.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        index(((self.0.next_u64() >> 32) * bound) >> 32)
    }

    /// A position by its weight.
    fn pick(&mut self, cumulative: &[f64]) -> u8 {
        let at = self.unit();
        let position = cumulative.partition_point(|end| *end <= at).min(cumulative.len() - 1);
        u8::try_from(position).unwrap_or(u8::MAX)
    }

    /// Poisson, by Knuth; for small means.
    fn poisson(&mut self, mean: f64) -> u32 {
        let limit = (-mean).exp();
        let (mut count, mut product) = (0, self.unit());
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// Normal, by Box and Muller.
    fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let angle = std::f64::consts::TAU * self.unit();
        (radius * angle.cos()).mul_add(deviation, mean)
    }
}

/// Running shares of weights, ending at 1.
fn cumulative(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    let weights: Vec<f64> = weights.collect();
    let total: f64 = weights.iter().sum();
    weights
        .iter()
        .scan(0.0, |sum, weight| {
            *sum += weight / total;
            Some(*sum)
        })
        .collect()
}

pub(super) fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_fixes_every_row_and_another_seed_gives_others() {
        let rows = |seed| {
            let mut population = Population::draw(5_000, seed);
            let owners = population.owners.clone();
            let first: Vec<(u8, f64)> = owners
                .iter()
                .map(|&owner| {
                    let person = population.persons[index(owner.into())];
                    population.row(person)
                })
                .collect();
            (owners, first)
        };
        assert_eq!(rows(1), rows(1));
        assert_ne!(rows(1).0, rows(2).0);
        assert_eq!(rows(1).0.len(), 5_000);
    }
}
