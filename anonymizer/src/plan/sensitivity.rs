//! How far one person can move a vector of integers.
//!
//! Computed from the query's declared limits and bounds, never from records. `PROOF.md` in this folder
//! derives each line.

use medrec_domain::workload::{MeasureKind, TableQuery};

/// Largest sum that one person may add to a cell: with 2^32 persons it still fits an `i64`.
const MOST_PER_PERSON: u128 = 1 << 30;

/// Largest change that adding or removing one person makes to the integers of a measure at one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sensitivity {
    /// Sum of absolute changes.
    pub l1: u128,
    /// Sum of squared changes.
    pub l2_squared: u128,
}

/// Integers a cell.
pub(super) fn components(kind: &MeasureKind) -> usize {
    match kind {
        MeasureKind::Sum { .. } | MeasureKind::Mean { .. } => 2,
        MeasureKind::Histogram { bins, .. } => usize::try_from(*bins).unwrap_or(usize::MAX),
        MeasureKind::Quantiles { bounds, .. } => {
            // One bin a grid point, both ends included.
            usize::try_from(2 * bounds.half_width_units() + 1).unwrap_or(usize::MAX)
        }
        _ => 1,
    }
}

impl Sensitivity {
    /// Sensitivity of a measure under the query's limit of rows a person.
    pub(super) fn of(query: &TableQuery, kind: &MeasureKind) -> Result<Self, String> {
        let rows = u128::from(query.rows_per_person);
        let (l1, l2_squared) = match kind {
            // At most one in each of at most `rows` cells.
            MeasureKind::PersonCount => (rows, rows),
            // A row adds H + u to one integer and H - u to the other, 2H in all; at worst all rows lie
            // at one bound of one cell.
            MeasureKind::Sum { bounds, .. } | MeasureKind::Mean { bounds, .. } => {
                let width = 2 * u128::try_from(bounds.half_width_units()).unwrap_or_default();
                (rows * width, (rows * width).pow(2))
            }
            // A row adds one to one integer; at worst all to the same.
            _ => (rows, rows.pow(2)),
        };
        if l1 > MOST_PER_PERSON {
            return Err(format!(
                "one person may change a sum by {l1} steps, more than 2^30; use a coarser step or fewer rows a person"
            ));
        }
        Ok(Self { l1, l2_squared })
    }
}
