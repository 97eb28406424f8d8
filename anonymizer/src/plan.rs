//! Plans: what a release will hold, at which cost, with which error. No record is read here.
//!
//! A plan is made from a workload, a budget, the public list of organisations and a window. It
//! fixes the cells, the limit on each person's contribution, the sensitivity of every vector of integers,
//! the noise and the loss charged. The same public parameters give the same plan everywhere.
//!
//! # Privacy
//! The budget is split over tables by weight, over a table's measures by weight, and over the levels of the hierarchy
//! by the number of their places; the parts add up to the budget exactly, and
//! zCDP losses (as pure epsilons) add under composition, so the whole costs at most the budget.

pub mod layout;
mod levels;
mod places;
mod sensitivity;

use medrec_domain::bounds::UnitGrid;
use medrec_domain::manifest::{Axis, MeasureNoise};
use medrec_domain::workload::cells::{PublicOrganisation, Window};
use medrec_domain::workload::{Dimension, Level, MeasureKind, TableQuery};
use medrec_domain::{Digest, Rho, Workload, canonical};

use self::layout::{Grid, Layout};
pub use self::sensitivity::Sensitivity;
use crate::error::AnonymizerError;
use crate::mechanism::NoiseSpec;

/// Most finest cells times components of a measure: what a release may ask this machine to hold.
const MOST_INTEGERS: usize = 1 << 26;

/// What a release may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Budget {
    /// A loss in rho-zCDP; the noise is discrete Gaussian.
    Rho(Rho),
    /// Pure epsilon-differential privacy; the noise is discrete Laplace, and the ledger is charged in rho.
    Epsilon(Rho),
}

/// A plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is asked.
    pub workload: Workload,
    /// Days of the release.
    pub window: Window,
    /// The public list, sorted by id.
    pub organisations: Vec<PublicOrganisation>,
    /// What may be spent.
    pub budget: Budget,
    /// Tables in the workload's order.
    pub tables: Vec<TablePlan>,
}

/// The plan of one table.
#[derive(Debug, Clone)]
pub struct TablePlan {
    /// What is asked.
    pub query: TableQuery,
    /// Days whose rows count.
    pub period: Window,
    /// Axes of the finest cells.
    pub axes: Vec<Axis>,
    /// How positions on the axes make a cell, at the finest and at each coarser level.
    pub layout: Layout,
    /// One for each measure.
    pub measures: Vec<MeasurePlan>,
}

/// The plan of one measure.
#[derive(Debug, Clone)]
pub struct MeasurePlan {
    /// What is measured.
    pub kind: MeasureKind,
    /// The grid of its values; `None` for counts.
    pub grid: Option<UnitGrid>,
    /// Integers a cell: 1 for counts, 2 for sums and means, one a bin otherwise.
    pub components: usize,
    /// Largest change that one person makes at any one level.
    pub sensitivity: Sensitivity,
    /// Whether a coarser level is the sum of the finer one. Counts of persons are not, where one person
    /// may be counted at several organisations; they are measured at each level and left apart.
    pub additive: bool,
    /// Noise at each level of the layout, finest first.
    pub noise: Vec<NoiseSpec>,
}

impl Plan {
    /// Makes a plan.
    ///
    /// # Errors
    /// [`AnonymizerError::Plan`] when a table asks for more cells or larger sums than integers can carry;
    /// [`AnonymizerError::Domain`] when the budget cannot be split.
    pub fn new(
        workload: &Workload,
        budget: Budget,
        organisations: &[PublicOrganisation],
        window: Window,
    ) -> Result<Self, AnonymizerError> {
        let mut organisations = organisations.to_vec();
        organisations.sort();
        organisations.dedup_by(|later, first| later.id == first.id);
        let (Budget::Rho(total) | Budget::Epsilon(total)) = &budget;
        let weights: Vec<u64> = workload.tables.iter().map(|table| table.weight.into()).collect();
        let shares = total.split(&weights)?;
        let tables = workload
            .tables
            .iter()
            .zip(shares)
            .map(|(query, share)| {
                let share = match budget {
                    Budget::Rho(_) => Budget::Rho(share),
                    Budget::Epsilon(_) => Budget::Epsilon(share),
                };
                TablePlan::new(workload, query, &share, &organisations, window)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { workload: workload.clone(), window, organisations, budget, tables })
    }

    /// Loss of the whole release in rho-zCDP: what the ledger is charged for every person.
    pub fn rho(&self) -> Rho {
        self.tables.iter().map(TablePlan::rho).sum()
    }

    /// Noise of every vector, in the order table, measure, level.
    pub fn noise(&self) -> Vec<NoiseSpec> {
        self.tables
            .iter()
            .flat_map(|table| &table.measures)
            .flat_map(|measure| measure.noise.iter().cloned())
            .collect()
    }

    /// Digest of everything that the plan rests on. Two plans with one digest release the same thing.
    ///
    /// # Errors
    /// None in practice: all of it has a canonical encoding.
    pub fn digest(&self) -> Result<Digest, AnonymizerError> {
        let noise: Vec<Vec<MeasureNoise>> = self.tables.iter().map(TablePlan::measure_noise).collect();
        let axes: Vec<&Vec<Axis>> = self.tables.iter().map(|table| &table.axes).collect();
        let window = (self.window.from, self.window.until);
        Ok(canonical::digest(&(self.workload.digest()?, window, axes, noise))?)
    }
}

impl TablePlan {
    fn new(
        workload: &Workload,
        query: &TableQuery,
        budget: &Budget,
        organisations: &[PublicOrganisation],
        window: Window,
    ) -> Result<Self, AnonymizerError> {
        let period = workload.period.within(window);
        let (axes, layout) = axes(workload, query, organisations, period);
        let (Budget::Rho(total) | Budget::Epsilon(total)) = budget;
        let weights: Vec<u64> = query.measures.iter().map(|measure| measure.weight.into()).collect();
        let shares = total.split(&weights)?;
        let levels = levels::weights(&layout, matches!(budget, Budget::Rho(_)));
        let measures = query
            .measures
            .iter()
            .zip(shares)
            .map(|(measure, share)| {
                measure_plan(query, &measure.kind, &layout, budget, &share.split(&levels)?)
            })
            .collect::<Result<_, AnonymizerError>>()?;
        Ok(Self { query: query.clone(), period, axes, layout, measures })
    }

    /// Loss of the table.
    pub fn rho(&self) -> Rho {
        self.measures.iter().flat_map(|measure| &measure.noise).map(|noise| &noise.rho).sum()
    }

    /// The noise as the manifest states it.
    pub fn measure_noise(&self) -> Vec<MeasureNoise> {
        let mut stated = Vec::new();
        for (index, measure) in (0_u32..).zip(&self.measures) {
            for (grid, noise) in self.layout.grids().iter().zip(&measure.noise) {
                stated.push(MeasureNoise {
                    measure: index,
                    level: grid.level,
                    mechanism: noise.mechanism,
                    scale: noise.scale.clone(),
                    sensitivity: noise.sensitivity.clone(),
                    rho: noise.rho.clone(),
                });
            }
        }
        stated
    }
}

fn measure_plan(
    query: &TableQuery,
    kind: &MeasureKind,
    layout: &Layout,
    budget: &Budget,
    shares: &[Rho],
) -> Result<MeasurePlan, AnonymizerError> {
    let refuse = |problem: String| AnonymizerError::Plan { table: query.name.clone(), problem };
    let components = sensitivity::components(kind);
    let sensitivity = Sensitivity::of(query, kind).map_err(&refuse)?;
    let mut noise = Vec::new();
    for (grid, share) in layout.grids().iter().zip(shares) {
        let length = grid.cells.checked_mul(components).filter(|&length| length <= MOST_INTEGERS);
        let length = length.ok_or_else(|| refuse(format!("has more than {MOST_INTEGERS} cells")))?;
        let spec = match budget {
            Budget::Rho(_) => NoiseSpec::gaussian(sensitivity.l2_squared, share, length)?,
            Budget::Epsilon(_) => NoiseSpec::laplace(sensitivity.l1, share, length)?,
        };
        noise.push(spec);
    }
    let additive = !matches!(kind, MeasureKind::PersonCount) || query.rows_per_person == 1;
    let grid = kind.value().map(|(_, bounds)| bounds.grid());
    Ok(MeasurePlan { kind: kind.clone(), grid, components, sensitivity, additive, noise })
}

/// Axes in the order of the query's dimensions; those of place share the position of the first of them.
fn axes(
    workload: &Workload,
    query: &TableQuery,
    organisations: &[PublicOrganisation],
    period: Window,
) -> (Vec<Axis>, Layout) {
    let places: Vec<(String, Level)> = query
        .dimensions
        .iter()
        .filter_map(|name| match workload.dimensions.get(name) {
            Some(Dimension::Level(level)) => Some((name.clone(), *level)),
            _ => None,
        })
        .collect();
    let mut axes: Vec<Axis> = Vec::new();
    let mut place_axis = None;
    for name in &query.dimensions {
        match workload.dimensions.get(name) {
            Some(Dimension::Level(_)) if place_axis.is_some() => {}
            Some(Dimension::Level(_)) => {
                place_axis = Some(axes.len());
                axes.push(places::axis(&places, organisations));
            }
            Some(dimension) => {
                let labels = dimension.labels(organisations, period);
                let labels = labels.into_iter().map(|label| vec![label]).collect();
                axes.push(Axis { dimensions: vec![name.clone()], labels });
            }
            None => {}
        }
    }
    let radices: Vec<usize> = axes.iter().map(|axis| axis.labels.len()).collect();
    let mut grids = vec![Grid::finest(&radices, place_axis)];
    if let Some(position) = place_axis {
        for (level, coarse) in places::coarser(&workload.hierarchy, &places, &axes[position]) {
            grids.push(Grid::coarser(&radices, position, level, coarse));
        }
    }
    (axes, Layout::new(radices, place_axis, grids))
}
