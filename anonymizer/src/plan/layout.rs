//! Cells as numbers: positions on the axes to a cell, and a cell to its sums over place.
//!
//! Cells are numbered in mixed radix, the last axis fastest. A coarser level merges positions of the place
//! axis and leaves the others alone, so a cell of any level is `(outer, place, inner)`.

use medrec_domain::workload::Level;

/// Cells of one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// Level; `None` for the finest.
    pub level: Option<Level>,
    /// For each finest position of place, its position at this level.
    pub place_of: Vec<u32>,
    /// Labels of place at this level: the index into the axis of one finest position with that label, and
    /// how many leading labels (by level) are kept. Empty for the finest level.
    pub kept: Vec<KeptLabels>,
    /// Positions of place.
    pub places: usize,
    /// Cells in all.
    pub cells: usize,
}

/// Which labels of place remain at a coarser level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLabels {
    /// Label of each place dimension; `None` where the level sums over it.
    pub labels: Vec<Option<String>>,
}

/// Positions of place at a coarser level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coarser {
    /// For each finest position, its position at this level.
    pub place_of: Vec<u32>,
    /// Labels of each position.
    pub kept: Vec<KeptLabels>,
}

impl Grid {
    pub(super) fn finest(radices: &[usize], place_axis: Option<usize>) -> Self {
        let places = place_axis.map_or(1, |axis| radices[axis]);
        let cells = radices.iter().product();
        let place_of = (0_u32..).take(places).collect();
        Self { level: None, place_of, kept: Vec::new(), places, cells }
    }

    pub(super) fn coarser(radices: &[usize], place_axis: usize, level: Level, coarse: Coarser) -> Self {
        let places = coarse.kept.len();
        let others: usize = radices
            .iter()
            .enumerate()
            .filter(|&(axis, _)| axis != place_axis)
            .map(|(_, radix)| radix)
            .product();
        Self {
            level: Some(level),
            place_of: coarse.place_of,
            kept: coarse.kept,
            places,
            cells: others * places,
        }
    }
}

/// The numbering of a table's cells.
#[derive(Debug, Clone)]
pub struct Layout {
    radices: Vec<usize>,
    place_axis: Option<usize>,
    grids: Vec<Grid>,
    /// Cells of the axes before and after place.
    outer: usize,
    inner: usize,
}

impl Layout {
    pub(super) fn new(radices: Vec<usize>, place_axis: Option<usize>, grids: Vec<Grid>) -> Self {
        let at = place_axis.unwrap_or(radices.len());
        let outer = radices[..at].iter().product();
        let inner = radices.get(at + 1..).unwrap_or_default().iter().product();
        Self { radices, place_axis, grids, outer, inner }
    }

    /// Levels, finest first.
    pub fn grids(&self) -> &[Grid] {
        &self.grids
    }

    /// Lengths of the axes.
    pub fn radices(&self) -> &[usize] {
        &self.radices
    }

    /// Which axis is place.
    pub const fn place_axis(&self) -> Option<usize> {
        self.place_axis
    }

    /// Cells of the axes other than place.
    pub const fn other_cells(&self) -> usize {
        self.outer * self.inner
    }

    /// How much one step on `axis` adds to a finest cell's number.
    pub fn stride(&self, axis: usize) -> usize {
        self.radices[axis + 1..].iter().product()
    }

    /// Number of the cell at a level: `other` counts the cells of the other axes.
    pub fn cell(&self, grid: &Grid, other: usize, place: usize) -> usize {
        let (outer, inner) = (other / self.inner, other % self.inner);
        (outer * grid.places + place) * self.inner + inner
    }

    /// A cell of a level as its part of the other axes and of place.
    pub fn split(&self, grid: &Grid, cell: usize) -> (usize, usize) {
        let (rest, inner) = (cell / self.inner, cell % self.inner);
        (rest / grid.places * self.inner + inner, rest % grid.places)
    }

    /// The cell of a level that a finest cell falls into.
    pub fn coarse_cell(&self, grid: &Grid, cell: usize) -> usize {
        let (other, place) = self.split(&self.grids[0], cell);
        let place = grid.place_of.get(place).copied().unwrap_or_default();
        self.cell(grid, other, usize::try_from(place).unwrap_or_default())
    }

    /// Positions of a cell of a level on the axes; that of place is a position of the level.
    pub fn positions(&self, grid: &Grid, cell: usize) -> Vec<usize> {
        let mut rest = cell;
        let mut positions = vec![0; self.radices.len()];
        for axis in (0..self.radices.len()).rev() {
            let radix = if self.place_axis == Some(axis) { grid.places } else { self.radices[axis] };
            positions[axis] = rest % radix;
            rest /= radix;
        }
        positions
    }

    /// For each position of the finer of two neighbouring levels, its position in the coarser one.
    pub fn parents(&self, finer: usize) -> Vec<usize> {
        let (fine, coarse) = (&self.grids[finer], &self.grids[finer + 1]);
        let mut parents = vec![0; fine.places];
        for (of_fine, of_coarse) in fine.place_of.iter().zip(&coarse.place_of) {
            if let (Ok(child), Ok(parent)) = (usize::try_from(*of_fine), usize::try_from(*of_coarse)) {
                parents[child] = parent;
            }
        }
        parents
    }
}
