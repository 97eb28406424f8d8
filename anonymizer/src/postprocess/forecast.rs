//! What errors a release will have, before any record is read.
//!
//! For a dry run and for whoever designs a workload. Everything follows from the plan.

use medrec_domain::manifest::Mechanism;
use medrec_domain::workload::{Level, MeasureKind};
use medrec_domain::{Bounds, Rho};
use serde::Serialize;

use super::interval;
use super::statistics::spreads;
use super::tree::Spread;
use crate::plan::{Plan, TablePlan};

/// Expected error of one measure at one level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// Table.
    pub table: String,
    /// Measure: its kind, and its field where it has one.
    pub measure: String,
    /// Level; `None` for the table's own cells.
    pub level: Option<Level>,
    /// Cells.
    pub cells: usize,
    /// Noise.
    pub mechanism: Mechanism,
    /// Its scale, in units of the grid.
    pub scale: Rho,
    /// Loss charged.
    pub rho: Rho,
    /// What the next two numbers are about: `persons`, `rows`, `values`.
    pub unit: &'static str,
    /// Standard error of a published count, that of the worst cell; bounding is not in it.
    pub standard_error: f64,
    /// Half the width of its 95 % confidence interval.
    pub half_width_95: f64,
    /// Standard error of a mean over 1,000 values at the midpoint of the bounds, in the value's unit.
    pub mean_of_1000_standard_error: Option<f64>,
}

/// Expected errors of every measure and level of a plan, in its order.
pub fn forecast(plan: &Plan) -> Vec<Forecast> {
    plan.tables.iter().flat_map(of_table).collect()
}

fn of_table(table: &TablePlan) -> Vec<Forecast> {
    let mut forecasts = Vec::new();
    for measure in &table.measures {
        let spread = spreads(table, measure);
        let levels = table.layout.grids().iter().zip(&measure.noise).zip(&spread);
        for ((grid, noise), spread) in levels {
            let worst = spread.iter().max_by(|one, two| one.variance.total_cmp(&two.variance));
            let Some(worst) = worst else { continue };
            let (unit, own) = count_spread(&measure.kind, worst);
            let bounds = measure.kind.value().map(|(_, bounds)| bounds);
            let is_mean = matches!(measure.kind, MeasureKind::Mean { .. });
            forecasts.push(Forecast {
                table: table.query.name.clone(),
                measure: name(&measure.kind),
                level: grid.level,
                cells: grid.cells,
                mechanism: noise.mechanism,
                scale: noise.scale.clone(),
                rho: noise.rho.clone(),
                unit,
                standard_error: own.variance.sqrt(),
                half_width_95: interval::quantile(own.kurtosis) * own.variance.sqrt(),
                mean_of_1000_standard_error: bounds
                    .filter(|_| is_mean)
                    .map(|bounds| mean_error(bounds, worst)),
            });
        }
    }
    forecasts
}

fn name(kind: &MeasureKind) -> String {
    kind.value().map_or_else(|| kind.name().to_owned(), |(field, _)| format!("{} of {field}", kind.name()))
}

/// Spread of the count that a measure states.
fn count_spread(kind: &MeasureKind, spread: &Spread) -> (&'static str, Spread) {
    match kind {
        MeasureKind::PersonCount => ("persons", spread.clone()),
        MeasureKind::Sum { bounds, .. } | MeasureKind::Mean { bounds, .. } => {
            let width = 2.0 * bounds.grid().half_width_real();
            let variance = 2.0 * spread.variance / (width * width);
            ("values", Spread { variance, kurtosis: spread.kurtosis / 2.0 })
        }
        MeasureKind::Histogram { .. } | MeasureKind::Quantiles { .. } => ("values", spread.clone()),
        _ => ("rows", spread.clone()),
    }
}

/// Standard error of a mean of a thousand values at the midpoint: that of half the difference of both integers, over
/// the thousand.
fn mean_error(bounds: &Bounds, spread: &Spread) -> f64 {
    (spread.variance / 2.0).sqrt() * bounds.step.to_f64() / 1000.0
}
