//! What a measure states about each cell.

use medrec_domain::workload::MeasureKind;
use medrec_domain::{Bounds, Decimal};

use super::interval;
use super::small_cells;
use super::tree::{Spread, Tree, whole};
use crate::figures::Statistic;
use crate::mechanism::NoiseSpec;
use crate::plan::{MeasurePlan, TablePlan};

/// One statement about a cell.
pub(super) struct Statement {
    pub(super) statistic: Statistic,
    pub(super) estimate: Option<f64>,
    pub(super) standard_error: Option<f64>,
    pub(super) lower: Option<f64>,
    pub(super) upper: Option<f64>,
}

/// A measure after consistency: unbiased estimates and settled integers of all its levels.
pub(super) struct Measured<'a> {
    table: &'a TablePlan,
    measure: &'a MeasurePlan,
    noisy: &'a [Vec<i64>],
    /// Unbiased, by level and integer.
    estimates: Vec<Vec<f64>>,
    /// Whole and not negative, by level and integer.
    settled: Vec<Vec<i64>>,
    /// By level and place.
    spread: Vec<Vec<Spread>>,
    /// By level and cell.
    withheld: Vec<Vec<bool>>,
}

#[expect(clippy::cast_precision_loss, reason = "counts and sums of steps stay below 2^53 after noise")]
const fn real(value: i64) -> f64 {
    value as f64
}

/// Spread of the noise of each level, as drawn.
fn drawn(measure: &MeasurePlan) -> Vec<Spread> {
    let of = |noise: &NoiseSpec| Spread { variance: noise.variance(), kurtosis: noise.excess_kurtosis() };
    measure.noise.iter().map(of).collect()
}

/// The tree of a measure whose coarser levels are sums of finer ones.
fn tree_of(table: &TablePlan, measure: &MeasurePlan) -> Option<Tree> {
    let grids = table.layout.grids();
    (measure.additive && grids.len() > 1).then(|| Tree {
        nodes: grids.iter().map(|grid| grid.places).collect(),
        parents: (0..grids.len() - 1).map(|level| table.layout.parents(level)).collect(),
    })
}

/// Spread of the unbiased estimates of a measure, by level and place.
pub(super) fn spreads(table: &TablePlan, measure: &MeasurePlan) -> Vec<Vec<Spread>> {
    let drawn = drawn(measure);
    match tree_of(table, measure) {
        Some(tree) => tree.spread(&drawn),
        None => drawn
            .iter()
            .zip(table.layout.grids())
            .map(|(spread, grid)| vec![spread.clone(); grid.places])
            .collect(),
    }
}

impl<'a> Measured<'a> {
    pub(super) fn new(
        table: &'a TablePlan,
        measure: &'a MeasurePlan,
        noisy: &'a [Vec<i64>],
        threshold: u32,
    ) -> Self {
        let grids = table.layout.grids();
        let drawn = drawn(measure);
        let tree = tree_of(table, measure);
        let mut measured = Self {
            table,
            measure,
            noisy,
            estimates: noisy.iter().map(|level| level.iter().map(|&value| real(value)).collect()).collect(),
            settled: noisy.iter().map(|level| level.iter().map(|&value| value.max(0)).collect()).collect(),
            spread: spreads(table, measure),
            withheld: grids.iter().map(|grid| vec![false; grid.cells]).collect(),
        };
        if let Some(tree) = &tree {
            let variances: Vec<f64> = drawn.iter().map(|spread| spread.variance).collect();
            for other in 0..table.layout.other_cells() {
                for component in 0..measure.components {
                    measured.reconcile(tree, &variances, other, component);
                }
            }
        }
        measured.withhold(tree.as_ref(), threshold);
        measured
    }

    fn index(&self, level: usize, other: usize, place: usize, component: usize) -> usize {
        let grid = &self.table.layout.grids()[level];
        self.table.layout.cell(grid, other, place) * self.measure.components + component
    }

    fn reconcile(&mut self, tree: &Tree, variances: &[f64], other: usize, component: usize) {
        let indexes: Vec<Vec<usize>> = tree
            .nodes
            .iter()
            .enumerate()
            .map(|(level, &nodes)| {
                (0..nodes).map(|place| self.index(level, other, place, component)).collect()
            })
            .collect();
        let gather = |(level, indexes): (usize, &Vec<usize>)| {
            indexes.iter().map(|&index| self.estimates[level][index]).collect()
        };
        let noisy: Vec<Vec<f64>> = indexes.iter().enumerate().map(gather).collect();
        let estimates = tree.reconcile(&noisy, variances);
        let settled = tree.settle(&estimates);
        for (level, indexes) in indexes.iter().enumerate() {
            for (place, &index) in indexes.iter().enumerate() {
                self.estimates[level][index] = estimates[level][place];
                self.settled[level][index] = settled[level][place];
            }
        }
    }

    /// Persons, rows or values that a cell rests on.
    fn count(&self, level: usize, cell: usize) -> i64 {
        let own = self.settled(level, cell);
        let sum: i64 = own.iter().sum();
        match &self.measure.kind {
            MeasureKind::Sum { bounds, .. } | MeasureKind::Mean { bounds, .. } => {
                whole(real(sum) / (2.0 * real(bounds.half_width_units())))
            }
            _ => sum,
        }
    }

    fn withhold(&mut self, tree: Option<&Tree>, threshold: u32) {
        if threshold <= 1 {
            return;
        }
        let grids = self.table.layout.grids();
        for other in 0..self.table.layout.other_cells() {
            let cells: Vec<Vec<usize>> = grids
                .iter()
                .map(|grid| {
                    (0..grid.places).map(|place| self.table.layout.cell(grid, other, place)).collect()
                })
                .collect();
            let counts: Vec<Vec<i64>> = cells
                .iter()
                .enumerate()
                .map(|(level, cells)| cells.iter().map(|&cell| self.count(level, cell)).collect())
                .collect();
            let hidden = match tree {
                Some(tree) => small_cells::withheld(&counts, &tree.parents, threshold),
                None => counts
                    .iter()
                    .flat_map(|level| small_cells::withheld(std::slice::from_ref(level), &[], threshold))
                    .collect(),
            };
            for (level, cells) in cells.iter().enumerate() {
                for (&cell, hidden) in cells.iter().zip(&hidden[level]) {
                    self.withheld[level][cell] = *hidden;
                }
            }
        }
    }

    pub(super) fn is_withheld(&self, level: usize, cell: usize) -> bool {
        self.withheld[level][cell]
    }

    /// Noisy integers of a cell as they were drawn.
    pub(super) fn raw(&self, level: usize, cell: usize) -> &[i64] {
        &self.noisy[level][cell * self.measure.components..][..self.measure.components]
    }

    fn settled(&self, level: usize, cell: usize) -> &[i64] {
        &self.settled[level][cell * self.measure.components..][..self.measure.components]
    }

    fn unbiased(&self, level: usize, cell: usize) -> &[f64] {
        &self.estimates[level][cell * self.measure.components..][..self.measure.components]
    }

    fn spread_of(&self, level: usize, cell: usize) -> &Spread {
        let grid = &self.table.layout.grids()[level];
        let (_, place) = self.table.layout.split(grid, cell);
        &self.spread[level][place]
    }

    /// What is stated about a cell, in the order of [`Statistic`].
    pub(super) fn statements(&self, level: usize, cell: usize) -> Vec<Statement> {
        let spread = self.spread_of(level, cell);
        let (settled, unbiased) = (self.settled(level, cell), self.unbiased(level, cell));
        match &self.measure.kind {
            MeasureKind::PersonCount => vec![count(Statistic::Persons, settled[0], unbiased[0], spread)],
            MeasureKind::Sum { bounds, .. } => {
                vec![values(bounds, settled, unbiased, spread), sum(bounds, settled, unbiased, spread)]
            }
            MeasureKind::Mean { bounds, .. } => {
                vec![values(bounds, settled, unbiased, spread), mean(bounds, settled, unbiased, spread)]
            }
            MeasureKind::Histogram { bounds, bins, .. } => (0..i64::from(*bins))
                .zip(settled.iter().zip(unbiased))
                .map(|(bin, (&settled, &unbiased))| {
                    let (lower, upper) = bin_ends(bounds, bin, i64::from(*bins));
                    count(Statistic::Bin { lower, upper }, settled, unbiased, spread)
                })
                .collect(),
            MeasureKind::Quantiles { bounds, levels, .. } => {
                levels.iter().map(|level| quantile(bounds, *level, settled, unbiased, spread)).collect()
            }
            _ => vec![count(Statistic::Rows, settled[0], unbiased[0], spread)],
        }
    }
}

/// A count: its settled value, and the interval of its unbiased one, which the settled one belongs to as well.
fn count(statistic: Statistic, settled: i64, unbiased: f64, spread: &Spread) -> Statement {
    let (lower, upper) = interval::of_count(unbiased, spread);
    let estimate = real(settled);
    Statement {
        statistic,
        estimate: Some(estimate),
        standard_error: Some(spread.variance.sqrt()),
        lower: Some(lower.min(estimate)),
        upper: Some(upper.max(estimate)),
    }
}

/// Number of values of a sum or mean: half the steps of both integers together, over the half width.
fn values(bounds: &Bounds, settled: &[i64], unbiased: &[f64], spread: &Spread) -> Statement {
    let width = 2.0 * real(bounds.half_width_units());
    let own = Spread { variance: 2.0 * spread.variance / (width * width), kurtosis: spread.kurtosis / 2.0 };
    let settled = whole(real(settled[0] + settled[1]) / width);
    count(Statistic::Values, settled, (unbiased[0] + unbiased[1]) / width, &own)
}

fn sum(bounds: &Bounds, settled: &[i64], unbiased: &[f64], spread: &Spread) -> Statement {
    // The sum is midpoint * n + step * (above - below) / 2, with n = (above + below) / 2H.
    let step = bounds.step.to_f64();
    let by_count = bounds.midpoint() / (2.0 * real(bounds.half_width_units()));
    let (above, below) = (by_count + step / 2.0, by_count - step / 2.0);
    let of = |one: f64, two: f64| above.mul_add(one, below * two);
    let variance = spread.variance * above.mul_add(above, below * below);
    let reach = interval::quantile(spread.kurtosis) * variance.sqrt();
    let (estimate, centre) = (of(real(settled[0]), real(settled[1])), of(unbiased[0], unbiased[1]));
    Statement {
        statistic: Statistic::Sum,
        estimate: Some(estimate),
        standard_error: Some(variance.sqrt()),
        lower: Some((centre - reach).min(estimate)),
        upper: Some((centre + reach).max(estimate)),
    }
}

fn mean(bounds: &Bounds, settled: &[i64], unbiased: &[f64], spread: &Spread) -> Statement {
    let half = real(bounds.half_width_units());
    let (above, below) = (real(settled[0]), real(settled[1]));
    if above + below <= 0.0 {
        let none = None;
        return Statement {
            statistic: Statistic::Mean,
            estimate: none,
            standard_error: none,
            lower: none,
            upper: none,
        };
    }
    let units = half * (above - below) / (above + below);
    let (lower, upper) = interval::of_ratio(unbiased[0], unbiased[1], half, spread);
    let error = (2.0 * spread.variance * units.mul_add(units, half * half)).sqrt() / (above + below);
    Statement {
        statistic: Statistic::Mean,
        estimate: Some(value_of(bounds, units)),
        standard_error: Some(bounds.step.to_f64() * error),
        lower: Some(value_of(bounds, lower.min(units))),
        upper: Some(value_of(bounds, upper.max(units))),
    }
}

/// The value of a number of units; rounding does not lead out of the bounds.
fn value_of(bounds: &Bounds, units: f64) -> f64 {
    bounds.value_of(units).clamp(bounds.lower.to_f64(), bounds.upper.to_f64())
}

/// Ends of a bin of a histogram, on the grid.
fn bin_ends(bounds: &Bounds, bin: i64, bins: i64) -> (Decimal, Decimal) {
    let width = i128::from(2 * bounds.half_width_units());
    let bins = i128::from(bins.max(1));
    // The first step of a bin: the smallest step with step * bins / width >= bin.
    let first = |bin: i128| (bin * width + bins - 1).div_euclid(bins).min(width);
    let at =
        |step: i128| Decimal::from_billionths(bounds.lower.billionths() + step * bounds.step.billionths());
    (at(first(bin.into())), at(first(i128::from(bin) + 1)))
}

/// The smallest grid point at which the settled counts reach the level; as interval all points that the
/// unbiased cumulative counts cannot exclude.
fn quantile(
    bounds: &Bounds,
    level: Decimal,
    settled: &[i64],
    unbiased: &[f64],
    spread: &Spread,
) -> Statement {
    let statistic = Statistic::Quantile { level };
    let level = level.to_f64();
    let total: i64 = settled.iter().sum();
    if total <= 0 {
        return Statement { statistic, estimate: None, standard_error: None, lower: None, upper: None };
    }
    let half = bounds.half_width_units();
    let value = |bin: usize| value_of(bounds, real(i64::try_from(bin).unwrap_or(i64::MAX) - half));
    let mut sum = 0;
    let last = settled.len().saturating_sub(1);
    let reached = settled.iter().position(|&count| {
        sum += count;
        real(sum) >= level * real(total)
    });
    let estimate = value(reached.unwrap_or(last));
    // below(b) = sum up to b minus level times the total; its noise is a weighted sum of the bins'.
    let whole_sum: f64 = unbiased.iter().sum();
    let reach = interval::quantile(spread.kurtosis) * spread.variance.sqrt();
    let (mut lower, mut upper, mut sum) = (last, 0, 0.0);
    let bins = real(i64::try_from(unbiased.len()).unwrap_or(i64::MAX));
    for (bin, (count, number)) in unbiased.iter().zip(1_u32..).enumerate() {
        let before = sum - level * whole_sum;
        sum += count;
        let below = sum - level * whole_sum;
        let noise = |upto: f64| {
            reach * ((1.0 - level).powi(2) * upto + level * level * (bins - upto)).max(0.0).sqrt()
        };
        if below + noise(f64::from(number)) >= 0.0 {
            lower = lower.min(bin);
        }
        if before - noise(f64::from(number - 1)) <= 0.0 {
            upper = upper.max(bin);
        }
    }
    let (lower, upper) = (value(lower).min(estimate), value(upper).max(estimate));
    let error = (upper - lower) / (2.0 * interval::quantile(0.0));
    Statement {
        statistic,
        estimate: Some(estimate),
        standard_error: Some(error),
        lower: Some(lower),
        upper: Some(upper),
    }
}
