//! The finished numbers of a release, as they are published.
//!
//! Plain values in a fixed order that depends on the plan alone: tables in the workload's order; in a
//! table levels from the finest to the coarsest, cells in the order of the axes (the last axis
//! fastest), measures in the query's order, statistics in the order of their definition. Writers turn them into
//! files and add nothing.

use std::sync::Arc;

use medrec_domain::manifest::{Axis, MeasureNoise};
use medrec_domain::workload::{Level, TableQuery};
use medrec_domain::{Decimal, Rho};

/// Label of a dimension that a level sums over.
pub const ALL: &str = "all";

/// A finished table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableFigures {
    /// What was asked.
    pub query: TableQuery,
    /// Axes of the finest cells.
    pub axes: Vec<Axis>,
    /// Loss charged for the table.
    pub rho: Rho,
    /// Noise of each measure at each level.
    pub noise: Vec<MeasureNoise>,
    /// Published figures.
    pub figures: Vec<Figure>,
    /// Noisy integers as they were drawn: unbiased, not made consistent, negative ones included.
    pub raw: Vec<RawFigure>,
}

/// One published figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Level of the cell: `None` for the table's own cells, otherwise a coarser level of the hierarchy.
    pub level: Option<Level>,
    /// Labels of the cell, one for each of the query's dimensions, in its order; [`ALL`] where the level sums.
    pub cell: Arc<[Arc<str>]>,
    /// Zero-based index of the measure in the query.
    pub measure: u32,
    /// What the number is.
    pub statistic: Statistic,
    /// The number, in the value's unit; `None` when withheld or not defined (a mean over nobody).
    /// Counts are whole and not negative.
    pub estimate: Option<f64>,
    /// Standard error of the unbiased estimate, from public parameters and noisy numbers only.
    pub standard_error: Option<f64>,
    /// Lower end of the 95 % confidence interval.
    pub lower: Option<f64>,
    /// Upper end of the 95 % confidence interval.
    pub upper: Option<f64>,
    /// Whether the figure is withheld as a small cell, or to keep one from being derived.
    pub withheld: bool,
}

/// What a figure states.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// Distinct persons.
    Persons,
    /// Rows.
    Rows,
    /// Rows with a value (of sums and means).
    Values,
    /// Sum of the clamped value.
    Sum,
    /// Mean of the clamped value.
    Mean,
    /// Rows whose value lies from `lower` (inclusive) until `upper` (exclusive; the last bin inclusive).
    Bin {
        /// Lower end.
        lower: Decimal,
        /// Upper end.
        upper: Decimal,
    },
    /// Quantile of the clamped value.
    Quantile {
        /// Level strictly between 0 and 1.
        level: Decimal,
    },
}

/// One noisy integer as it was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct RawFigure {
    /// As in [`Figure`].
    pub level: Option<Level>,
    /// As in [`Figure`].
    pub cell: Arc<[Arc<str>]>,
    /// As in [`Figure`].
    pub measure: u32,
    /// Which integer of the measure: 0 for counts; 0 and 1 for sums and means (steps above the lower and
    /// below the upper bound, summed over rows); the bin for histograms and quantiles.
    pub component: u32,
    /// The noisy integer, in units of the grid; `None` when withheld.
    pub value: Option<i64>,
}
