//! From noisy integers to published figures.
//!
//! Consistency over the hierarchy, whole non-negative counts, sums, means and quantiles, confidence
//! intervals, small cells. One table at a time, in an order that the plan fixes.
//!
//! # Privacy
//! Post-processing throughout: the arguments are noisy integers and the public plan. Nothing here
//! costs anything, and no floating-point number touches an integer before its noise does.

mod cells;
mod forecast;
mod interval;
mod small_cells;
mod statistics;
mod tree;

pub use self::forecast::{Forecast, forecast};

use self::cells::Labels;
use self::statistics::Measured;
use crate::figures::{Figure, RawFigure, TableFigures};
use crate::plan::{Plan, TablePlan};

/// Figures of one table. `noisy` holds its vectors, measure by measure, level by level.
pub fn figures(plan: &Plan, table: &TablePlan, noisy: &[Vec<i64>]) -> TableFigures {
    let mut rest = noisy;
    let measured: Vec<Measured<'_>> = table
        .measures
        .iter()
        .map(|measure| {
            let (own, later) = rest.split_at(measure.noise.len().min(rest.len()));
            rest = later;
            Measured::new(table, measure, own, plan.workload.small_cell_threshold)
        })
        .collect();
    let labels = Labels::new(table);
    let (mut figures, mut raw) = (Vec::new(), Vec::new());
    for (level, grid) in table.layout.grids().iter().enumerate() {
        for cell in 0..grid.cells {
            let names = labels.of(table, grid, cell);
            for (index, measured) in (0_u32..).zip(&measured) {
                let withheld = measured.is_withheld(level, cell);
                for statement in measured.statements(level, cell) {
                    figures.push(Figure {
                        level: grid.level,
                        cell: names.clone(),
                        measure: index,
                        statistic: statement.statistic,
                        estimate: statement.estimate.filter(|_| !withheld),
                        standard_error: statement.standard_error.filter(|_| !withheld),
                        lower: statement.lower.filter(|_| !withheld),
                        upper: statement.upper.filter(|_| !withheld),
                        withheld,
                    });
                }
                for (component, &value) in (0_u32..).zip(measured.raw(level, cell)) {
                    raw.push(RawFigure {
                        level: grid.level,
                        cell: names.clone(),
                        measure: index,
                        component,
                        value: (!withheld).then_some(value),
                    });
                }
            }
        }
    }
    TableFigures {
        query: table.query.clone(),
        axes: table.axes.clone(),
        rho: table.rho(),
        noise: table.measure_noise(),
        figures,
        raw,
    }
}
