//! How far a noisy answer lies from the exact one.
//!
//! One arithmetic for everybody: whoever answers gives counts and sums by cell, and errors, means and
//! bias are computed here, so that no contender grades itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::statistics::as_f64;

/// What is told about a cell.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figure {
    /// Rows, or persons, in the cell.
    pub count: f64,
    /// Sum of their values, where there are values.
    pub sum: Option<f64>,
}

/// Figures by cell; a cell's name is its labels joined by `|`.
pub type Cells = BTreeMap<String, Figure>;

/// Distance of an answer from the exact one, over all cells that are public.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Cells compared.
    pub cells: u64,
    /// Mean absolute error of the counts.
    pub count_error: f64,
    /// Mean absolute error of the sums, in units of the values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum_error: Option<f64>,
    /// Mean absolute error of the means, over cells that are not empty. A mean is the sum divided by the count (by 1
    /// where that is smaller), held within the public bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_error: Option<f64>,
    /// Sum of all counts beside the exact one: -0.007 means 0.7 % too few.
    pub total_bias: f64,
}

impl Accuracy {
    /// Compares an answer with the exact figures. A cell that the answer lacks counts as 0; cells that only the answer
    /// has are not looked at. `bounds` hold the means.
    pub fn of(exact: &Cells, answer: &Cells, bounds: (f64, f64)) -> Self {
        let mut counts = Mean::default();
        let mut sums = Mean::default();
        let mut means = Mean::default();
        let (mut total, mut total_exact) = (0.0, 0.0);
        for (cell, exact) in exact {
            let own = answer.get(cell).copied().unwrap_or_default();
            counts.add((own.count - exact.count).abs());
            total += own.count;
            total_exact += exact.count;
            let Some(exact_sum) = exact.sum else { continue };
            let sum = own.sum.unwrap_or(0.0);
            sums.add((sum - exact_sum).abs());
            if exact.count > 0.0 {
                let mean = (sum / own.count.max(1.0)).clamp(bounds.0, bounds.1);
                means.add((mean - exact_sum / exact.count).abs());
            }
        }
        Self {
            cells: counts.number,
            count_error: counts.value().unwrap_or(0.0),
            sum_error: sums.value(),
            mean_error: means.value(),
            total_bias: if total_exact > 0.0 { total / total_exact - 1.0 } else { 0.0 },
        }
    }

    /// The mean of several answers' distances; `None` of none.
    pub fn mean(all: &[Self]) -> Option<Self> {
        let first = all.first()?;
        let mean = |figure: fn(&Self) -> Option<f64>| {
            let mut mean = Mean::default();
            all.iter().filter_map(figure).for_each(|value| mean.add(value));
            mean.value()
        };
        Some(Self {
            cells: first.cells,
            count_error: mean(|one| Some(one.count_error))?,
            sum_error: mean(|one| one.sum_error),
            mean_error: mean(|one| one.mean_error),
            total_bias: mean(|one| Some(one.total_bias))?,
        })
    }
}

#[derive(Default)]
struct Mean {
    sum: f64,
    number: u64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.number += 1;
    }

    fn value(&self) -> Option<f64> {
        (self.number > 0).then(|| self.sum / as_f64(self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(figures: &[(&str, f64, f64)]) -> Cells {
        figures
            .iter()
            .map(|&(name, count, sum)| (name.to_owned(), Figure { count, sum: Some(sum) }))
            .collect()
    }

    #[test]
    fn errors_are_means_over_public_cells_and_a_missing_one_counts_as_nothing() {
        let exact = cells(&[("a", 10.0, 1000.0), ("b", 30.0, 3000.0), ("c", 0.0, 0.0)]);
        let answer = cells(&[("a", 12.0, 1200.0), ("c", -3.0, 5.0), ("invented", 99.0, 99.0)]);
        let accuracy = Accuracy::of(&exact, &answer, (0.0, 300.0));
        assert_eq!(accuracy.cells, 3);
        assert!((accuracy.count_error - (2.0 + 30.0 + 3.0) / 3.0).abs() < 1e-12);
        assert!((accuracy.sum_error.unwrap() - (200.0 + 3000.0 + 5.0) / 3.0).abs() < 1e-12);
        // Cell a has the right mean, cell b none at all, cell c has no mean.
        assert!((accuracy.mean_error.unwrap() - 50.0).abs() < 1e-12);
        assert!((accuracy.total_bias - (9.0 / 40.0 - 1.0)).abs() < 1e-12);
    }

    #[test]
    fn the_exact_answer_has_no_error() {
        let exact = cells(&[("a", 10.0, 1000.0), ("b", 0.0, 0.0)]);
        let accuracy = Accuracy::of(&exact, &exact, (0.0, 300.0));
        assert!(accuracy.count_error == 0.0 && accuracy.total_bias == 0.0);
        assert_eq!((accuracy.sum_error, accuracy.mean_error), (Some(0.0), Some(0.0)));
        assert_eq!(Accuracy::mean(&[accuracy, accuracy]), Some(accuracy));
        assert_eq!(Accuracy::mean(&[]), None);
    }
}
