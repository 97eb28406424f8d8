//! Names of cells.

use std::sync::Arc;

use crate::figures::ALL;
use crate::plan::TablePlan;
use crate::plan::layout::Grid;

/// Labels of a table's axes, shared by all figures.
pub(super) struct Labels {
    /// For each axis and position: one label a dimension of the axis.
    axes: Vec<Vec<Vec<Arc<str>>>>,
    /// For each of the query's dimensions: its axis, and its place among the axis's dimensions.
    dimensions: Vec<(usize, usize)>,
    all: Arc<str>,
}

impl Labels {
    pub(super) fn new(table: &TablePlan) -> Self {
        let axes = table
            .axes
            .iter()
            .map(|axis| {
                axis.labels
                    .iter()
                    .map(|labels| labels.iter().map(|label| Arc::from(label.as_str())).collect())
                    .collect()
            })
            .collect();
        let find = |name: &String| {
            let on =
                |axis: &medrec_domain::manifest::Axis| axis.dimensions.iter().position(|own| own == name);
            table.axes.iter().enumerate().find_map(|(axis, own)| on(own).map(|place| (axis, place)))
        };
        Self {
            axes,
            dimensions: table.query.dimensions.iter().filter_map(find).collect(),
            all: Arc::from(ALL),
        }
    }

    /// Labels of a cell of a level, in the order of the query's dimensions.
    pub(super) fn of(&self, table: &TablePlan, grid: &Grid, cell: usize) -> Arc<[Arc<str>]> {
        let positions = table.layout.positions(grid, cell);
        let coarse = grid.level.is_some();
        self.dimensions
            .iter()
            .map(|&(axis, place)| {
                let position = positions[axis];
                if coarse && table.layout.place_axis() == Some(axis) {
                    match &grid.kept[position].labels[place] {
                        Some(label) => Arc::from(label.as_str()),
                        None => Arc::clone(&self.all),
                    }
                } else {
                    Arc::clone(&self.axes[axis][position][place])
                }
            })
            .collect()
    }
}
