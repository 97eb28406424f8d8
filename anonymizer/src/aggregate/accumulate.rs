//! Adding a person's bounded rows to the integers.

use std::collections::BTreeMap;

use medrec_domain::Rho;
use medrec_domain::identifier::PersonId;
use medrec_domain::workload::MeasureKind;

use super::exact::Exact;
use super::persons::to_index;
use super::query::counts_persons;
use super::select::Record;
use crate::bounding::{BoundingKey, Row, bound, bound_cells};
use crate::plan::{MeasurePlan, Plan, TablePlan};

/// Records of one bucket, grouped by person.
#[derive(Default)]
pub(super) struct Group {
    first: u32,
    /// Where each person's rows begin; one more entry than persons.
    starts: Vec<u32>,
    rows: Vec<Row>,
    scratch: Vec<Row>,
}

impl Group {
    /// Groups records by a counting sort over the bucket's persons.
    pub(super) fn sort<'a>(
        &mut self,
        records: impl Iterator<Item = &'a [Record]> + Clone,
        first: usize,
        persons: usize,
    ) {
        self.first = u32::try_from(first).unwrap_or(u32::MAX);
        self.starts.clear();
        self.starts.resize(persons + 2, 0);
        for record in records.clone().flatten() {
            self.starts[to_index(record.person - self.first) + 2] += 1;
        }
        for person in 2..self.starts.len() {
            self.starts[person] += self.starts[person - 1];
        }
        let count = to_index(self.starts.last().copied().unwrap_or_default());
        self.rows.clear();
        self.rows.resize(count, Row { cell: 0, value: 0.0 });
        // `starts[p + 1]` runs from the begin of person p to its end, which is the begin of p + 1.
        for record in records.flatten() {
            let next = &mut self.starts[to_index(record.person - self.first) + 1];
            self.rows[to_index(*next)] = Row { cell: record.cell, value: record.value };
            *next += 1;
        }
    }

    /// Calls `take` with each person's number and rows.
    pub(super) fn each(&mut self, mut take: impl FnMut(u32, &mut Vec<Row>)) {
        for (person, run) in (0_u32..).zip(self.starts.windows(2)) {
            if run[0] < run[1] {
                self.scratch.clear();
                self.scratch.extend_from_slice(&self.rows[to_index(run[0])..to_index(run[1])]);
                take(self.first + person, &mut self.scratch);
            }
        }
    }
}

/// Sums of one worker: vectors in the order of the plan's noise, coarser levels of sums left empty until the end.
pub(super) struct Accumulator {
    vectors: Vec<Vec<i64>>,
    /// First vector of each table.
    first: Vec<usize>,
    charges: Option<BTreeMap<PersonId, Rho>>,
    cells: Vec<u32>,
    changes: Vec<(usize, i64)>,
}

impl Accumulator {
    pub(super) fn new(plan: &Plan, individual: bool) -> Self {
        let mut vectors = Vec::new();
        let mut first = Vec::new();
        for table in &plan.tables {
            first.push(vectors.len());
            for measure in &table.measures {
                for (level, noise) in measure.noise.iter().enumerate() {
                    let held = level == 0 || !measure.additive;
                    vectors.push(vec![0; if held { noise.length } else { 0 }]);
                }
            }
        }
        let charges = individual.then(BTreeMap::new);
        Self { vectors, first, charges, cells: Vec::new(), changes: Vec::new() }
    }

    /// Adds one person's rows of a table, bounded.
    pub(super) fn person(
        &mut self,
        table: usize,
        plan: &TablePlan,
        key: &BoundingKey,
        person: u64,
        rows: &mut Vec<Row>,
    ) {
        let limit = to_index(plan.query.rows_per_person);
        let number = u32::try_from(table).unwrap_or(u32::MAX);
        let counts = plan.measures.iter().any(|measure| counts_persons(&measure.kind));
        if counts {
            self.cells.clear();
            self.cells.extend(rows.iter().map(|row| row.cell));
            bound_cells(&mut self.cells, limit, key, number, person);
        }
        bound(rows, limit, key, number, person);
        let mut vector = self.first[table];
        for measure in &plan.measures {
            for (level, noise) in measure.noise.iter().enumerate() {
                if level == 0 || !measure.additive {
                    self.changes.clear();
                    self.measure(plan, measure, level, rows);
                    for &(index, amount) in &self.changes {
                        self.vectors[vector + level][index] += amount;
                    }
                }
                if self.charges.is_some() {
                    let is_summed = level > 0 && measure.additive;
                    self.charge(plan, measure, is_summed.then_some(level), noise, person);
                }
            }
            vector += measure.noise.len();
        }
    }

    /// Changes that the person makes to a measure: `(index, amount)`, indexes may repeat.
    fn measure(&mut self, plan: &TablePlan, measure: &MeasurePlan, level: usize, rows: &[Row]) {
        let changes = &mut self.changes;
        match &measure.kind {
            MeasureKind::PersonCount => {
                let grid = &plan.layout.grids()[level];
                if level == 0 {
                    changes.extend(self.cells.iter().map(|&cell| (to_index(cell), 1)));
                } else {
                    changes.extend(
                        self.cells.iter().map(|&cell| (plan.layout.coarse_cell(grid, to_index(cell)), 1)),
                    );
                    changes.sort_unstable();
                    changes.dedup();
                }
            }
            MeasureKind::Sum { .. } | MeasureKind::Mean { .. } => {
                for (row, units, half) in units(measure, rows) {
                    let index = 2 * to_index(row.cell);
                    changes.push((index, half + units));
                    changes.push((index + 1, half - units));
                }
            }
            MeasureKind::Histogram { bins, .. } => {
                for (row, units, half) in units(measure, rows) {
                    let bin =
                        ((units + half) * i64::from(*bins) / (2 * half).max(1)).min(i64::from(*bins) - 1);
                    changes.push((index_of(row.cell, measure.components, bin), 1));
                }
            }
            MeasureKind::Quantiles { .. } => {
                for (row, units, half) in units(measure, rows) {
                    changes.push((index_of(row.cell, measure.components, units + half), 1));
                }
            }
            // Rows, and whatever counts like rows.
            _ => changes.extend(rows.iter().map(|row| (to_index(row.cell), 1))),
        }
    }

    /// Adds what the changes cost under a vector's noise. `coarse` names the level of a sum whose
    /// finest changes are in hand.
    fn charge(
        &mut self,
        plan: &TablePlan,
        measure: &MeasurePlan,
        coarse: Option<usize>,
        noise: &crate::mechanism::NoiseSpec,
        person: u64,
    ) {
        let mut by_index: BTreeMap<usize, i128> = BTreeMap::new();
        for &(index, amount) in &self.changes {
            let index = coarse.map_or(index, |level| {
                let grid = &plan.layout.grids()[level];
                let (cell, component) = (index / measure.components, index % measure.components);
                plan.layout.coarse_cell(grid, cell) * measure.components + component
            });
            *by_index.entry(index).or_default() += i128::from(amount);
        }
        let l1 = by_index.values().map(|amount| amount.unsigned_abs()).sum();
        let l2_squared = by_index.values().map(|amount| amount.unsigned_abs().pow(2)).sum();
        if let Some(charges) = &mut self.charges
            && l1 > 0
        {
            *charges.entry(PersonId(person)).or_insert_with(Rho::zero) += &noise.loss(l1, l2_squared);
        }
    }

    /// Adds another worker's sums.
    pub(super) fn add(&mut self, other: Self) {
        for (own, other) in self.vectors.iter_mut().zip(other.vectors) {
            for (own, other) in own.iter_mut().zip(other) {
                *own += other;
            }
        }
        if let (Some(own), Some(other)) = (&mut self.charges, other.charges) {
            for (person, loss) in other {
                *own.entry(person).or_insert_with(Rho::zero) += &loss;
            }
        }
    }

    /// Fills in the coarser levels of sums.
    pub(super) fn finish(mut self, plan: &Plan) -> Exact {
        let mut vector = 0;
        for table in &plan.tables {
            for measure in &table.measures {
                let levels = measure.noise.len();
                if measure.additive {
                    for level in 1..levels {
                        let finest = &self.vectors[vector];
                        let mut coarse = vec![0; measure.noise[level].length];
                        let grid = &table.layout.grids()[level];
                        for (index, value) in finest.iter().enumerate() {
                            let (cell, component) = (index / measure.components, index % measure.components);
                            coarse[table.layout.coarse_cell(grid, cell) * measure.components + component] +=
                                value;
                        }
                        self.vectors[vector + level] = coarse;
                    }
                }
                vector += levels;
            }
        }
        Exact { integers: self.vectors, charges: self.charges.unwrap_or_default() }
    }
}

/// Rows with a value, its units, and half the width of the grid.
fn units<'a>(measure: &'a MeasurePlan, rows: &'a [Row]) -> impl Iterator<Item = (&'a Row, i64, i64)> + 'a {
    let of = |row: &'a Row| {
        let grid = measure.grid.as_ref()?;
        Some((row, grid.units_of(row.value)?, grid.half_width()))
    };
    rows.iter().filter_map(of)
}

fn index_of(cell: u32, components: usize, bin: i64) -> usize {
    to_index(cell) * components + usize::try_from(bin).unwrap_or_default()
}
