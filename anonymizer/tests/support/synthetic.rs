//! Made-up figures in the shape of a release, for tests and for the oracles of the bundle's files.
//!
//! Why: writers, verifier and readers of other languages have to be tried on bundles of every shape
//! before and beside the pipeline that makes real ones. What not: no record, no noise that protects
//! anybody; numbers follow smooth formulas and a counter.

use std::collections::BTreeMap;
use std::sync::Arc;

use medrec_anonymizer::figures::{ALL, Figure, RawFigure, Statistic, TableFigures};
use medrec_domain::manifest::{Axis, MeasureNoise, Mechanism};
use medrec_domain::workload::cells::{PublicOrganisation, Window};
use medrec_domain::workload::{Dimension, Level, MeasureKind, TableQuery};
use medrec_domain::{Bounds, Decimal, Rho, Workload};

use crate::withholding::withhold;

type Cell = Arc<[Arc<str>]>;
type Levels = Vec<(Option<Level>, Vec<Cell>)>;

/// Fourteen organisations in four regions.
pub(crate) fn organisations() -> Vec<PublicOrganisation> {
    let regions = ["Berkshire", "Essex", "Middlesex", "Suffolk"];
    (0..14)
        .map(|index| PublicOrganisation {
            id: format!("clinic-{:02}", index + 1),
            nation: Some("US".into()),
            region: Some(regions[index * index % 4].into()),
        })
        .collect()
}

/// A counter-based generator: the `SplitMix64` of Steele, Lea and Flood.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// Uniform in 0 to 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }

    /// Roughly normal.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// The finished tables of a workload at a total loss.
pub(crate) fn tables(
    workload: &Workload,
    organisations: &[PublicOrganisation],
    window: Window,
    persons: f64,
    rho: &Rho,
) -> Vec<TableFigures> {
    let weights: Vec<u64> = workload.tables.iter().map(|table| u64::from(table.weight)).collect();
    let shares = rho.split(&weights).unwrap();
    let mut numbers = Numbers(7);
    let tables = workload.tables.iter().zip(&shares);
    tables
        .map(|(query, share)| table(workload, query, organisations, window, persons, share, &mut numbers))
        .collect()
}

fn table(
    workload: &Workload,
    query: &TableQuery,
    organisations: &[PublicOrganisation],
    window: Window,
    persons: f64,
    share: &Rho,
    numbers: &mut Numbers,
) -> TableFigures {
    let axes = axes(workload, query, organisations, window);
    let levels = levels(workload, query, &axes);
    let weights: Vec<u64> = query.measures.iter().map(|measure| u64::from(measure.weight)).collect();
    let count = u64::try_from(levels.len()).unwrap();
    let shares: Vec<Rho> =
        share.split(&weights).unwrap().iter().map(|part| part.scaled(1, count).unwrap()).collect();
    let mut noise = Vec::new();
    for (measure, (asked, share)) in (0_u32..).zip(query.measures.iter().zip(&shares)) {
        for (level, _) in &levels {
            noise.push(measure_noise(query, &asked.kind, measure, *level, share));
        }
    }
    let sigma = |measure: u32, level| {
        let own = noise.iter().find(|noise| noise.measure == measure && noise.level == level).unwrap();
        own.scale.to_f64_at_least()
    };
    let (mut figures, mut raw) = (Vec::new(), Vec::new());
    let mut finest: BTreeMap<(Vec<Arc<str>>, u32, usize), f64> = BTreeMap::new();
    for (level, cells) in &levels {
        for cell in cells {
            for (measure, asked) in (0_u32..).zip(&query.measures) {
                let spread = sigma(measure, *level);
                let expected = persons * expected_share(workload, query, cell);
                let mut own = statistics(&asked.kind, expected, cell, spread, numbers);
                for (index, (statistic, estimate, _)) in own.iter_mut().enumerate() {
                    if !is_additive(query, &asked.kind, statistic) {
                        continue;
                    }
                    if level.is_none() {
                        for (coarse, _) in &levels[1..] {
                            let key = (masked(workload, query, cell, *coarse), measure, index);
                            *finest.entry(key).or_default() += *estimate;
                        }
                    } else {
                        *estimate = finest.get(&(cell.to_vec(), measure, index)).copied().unwrap_or(0.0);
                    }
                }
                raw.extend(raw_figures(&asked.kind, *level, cell, measure, &own));
                figures.extend(own.into_iter().map(|(statistic, estimate, error)| {
                    let floor = if matches!(statistic, Statistic::Mean | Statistic::Quantile { .. }) {
                        f64::MIN
                    } else {
                        0.0
                    };
                    Figure {
                        level: *level,
                        cell: cell.clone(),
                        measure,
                        statistic,
                        estimate: Some(estimate),
                        standard_error: Some(error),
                        lower: Some((estimate - 1.96 * error).max(floor)),
                        upper: Some(estimate + 1.96 * error),
                        withheld: false,
                    }
                }));
            }
        }
    }
    let mut table = TableFigures { query: query.clone(), axes, rho: share.clone(), noise, figures, raw };
    let order: Vec<Option<Level>> = levels.iter().map(|level| level.0).collect();
    let parent = |cell: &Cell, coarse| masked(workload, query, cell, coarse);
    withhold(&mut table, &order, &parent, workload.small_cell_threshold);
    table
}

fn is_additive(query: &TableQuery, kind: &MeasureKind, statistic: &Statistic) -> bool {
    match kind {
        MeasureKind::PersonCount => query.rows_per_person == 1,
        _ => matches!(statistic, Statistic::Rows | Statistic::Bin { .. }),
    }
}

fn measure_noise(
    query: &TableQuery,
    kind: &MeasureKind,
    measure: u32,
    level: Option<Level>,
    rho: &Rho,
) -> MeasureNoise {
    let rows = u64::from(query.rows_per_person);
    let size = match kind {
        MeasureKind::PersonCount => rows,
        MeasureKind::Sum { bounds, .. } | MeasureKind::Mean { bounds, .. } => {
            (rows * 2 * u64::try_from(bounds.half_width_units()).unwrap()).pow(2)
        }
        _ => rows * rows,
    };
    let sensitivity = Rho::from_ratio(size, 1).unwrap();
    let sigma = (sensitivity.to_f64_at_least() / (2.0 * rho.to_f64_at_most())).sqrt() * (1.0 + 1e-12);
    MeasureNoise {
        measure,
        level,
        mechanism: Mechanism::DiscreteGaussian,
        scale: Rho::exact(sigma).unwrap(),
        sensitivity,
        rho: rho.clone(),
    }
}

fn places(workload: &Workload, query: &TableQuery) -> Vec<(String, Level)> {
    let level = |name: &String| match workload.dimensions.get(name) {
        Some(Dimension::Level(level)) => Some((name.clone(), *level)),
        _ => None,
    };
    query.dimensions.iter().filter_map(level).collect()
}

fn axes(
    workload: &Workload,
    query: &TableQuery,
    organisations: &[PublicOrganisation],
    window: Window,
) -> Vec<Axis> {
    let places = places(workload, query);
    let mut axes: Vec<Axis> = Vec::new();
    for name in &query.dimensions {
        if places.iter().any(|place| place.0 == *name) {
            if places[0].0 == *name {
                let label = |own: &PublicOrganisation| {
                    places.iter().map(|place| own.label(place.1).to_owned()).collect()
                };
                let mut labels: Vec<Vec<String>> = organisations.iter().map(label).collect();
                labels.sort();
                labels.dedup();
                labels.push(vec!["unknown".into(); places.len()]);
                axes.push(Axis { dimensions: places.iter().map(|place| place.0.clone()).collect(), labels });
            }
        } else {
            let labels = workload.dimensions[name].labels(organisations, workload.period.within(window));
            axes.push(Axis {
                dimensions: vec![name.clone()],
                labels: labels.into_iter().map(|label| vec![label]).collect(),
            });
        }
    }
    axes
}

/// The labels of a cell at a coarser level.
fn masked(workload: &Workload, query: &TableQuery, cell: &Cell, level: Option<Level>) -> Vec<Arc<str>> {
    let places = places(workload, query);
    let keep = |name: &String| {
        let Some(place) = places.iter().find(|place| place.0 == *name) else { return true };
        level.is_none_or(|level| places.iter().any(|other| other.1 == level) && place.1 <= level)
    };
    let labels = query.dimensions.iter().zip(cell.iter());
    labels.map(|(name, label)| if keep(name) { label.clone() } else { Arc::from(ALL) }).collect()
}

fn levels(workload: &Workload, query: &TableQuery, axes: &[Axis]) -> Levels {
    let mut cells: Vec<Vec<Arc<str>>> = vec![vec![Arc::from(""); query.dimensions.len()]];
    for axis in axes {
        let at = |name: &String| query.dimensions.iter().position(|own| own == name).unwrap();
        cells = cells
            .iter()
            .flat_map(|cell| {
                axis.labels.iter().map(|labels| {
                    let mut cell = cell.clone();
                    for (name, label) in axis.dimensions.iter().zip(labels) {
                        cell[at(name)] = Arc::from(label.as_str());
                    }
                    cell
                })
            })
            .collect();
    }
    let places = places(workload, query);
    let mut order = vec![None];
    if let Some(finest) = places.iter().map(|place| place.1).max() {
        let named = |level: &Level| places.iter().any(|place| place.1 == *level);
        let above: Vec<Level> = workload.hierarchy.iter().copied().filter(|level| *level < finest).collect();
        order.extend(above.iter().rev().copied().filter(named).map(Some));
        order.extend(above.first().copied().filter(|level| !named(level)).map(Some));
    }
    let finest: Vec<Cell> = cells.into_iter().map(Arc::from).collect();
    let at = |level: Option<Level>| {
        let mut own: Vec<Cell> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for cell in &finest {
            let labels = masked(workload, query, cell, level);
            if seen.insert(labels.clone()) {
                own.push(labels.into());
            }
        }
        (level, own)
    };
    order.into_iter().map(at).collect()
}

/// The share of all persons that falls into a cell: smooth in ages, uneven in places and categories.
fn expected_share(workload: &Workload, query: &TableQuery, cell: &Cell) -> f64 {
    let weigh = |(name, label): (&String, &Arc<str>)| {
        let letters =
            label.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        let uneven = 0.25 + f64::from(letters % 97) / 97.0;
        match (workload.dimensions.get(name), label.as_ref()) {
            (_, ALL) => 1.0,
            (_, "unknown" | "other") => 0.004,
            (Some(Dimension::AgeBands(bounds)), label) => {
                let age: f64 = label.split(['-', '+']).next().and_then(|age| age.parse().ok()).unwrap_or(0.0);
                let width = 100.0 / f64::from(u32::try_from(bounds.len()).unwrap_or(1));
                width / 100.0 * (1.25 - (age / 100.0).powi(2) * 1.2)
            }
            (Some(Dimension::Values { values, .. }), _) => {
                uneven / f64::from(u32::try_from(values.len()).unwrap_or(1))
            }
            (Some(Dimension::Level(_)), _) => uneven / 8.0,
            (Some(Dimension::Calendar(_)), _) => (1.0 + 0.4 * f64::from(letters % 12) / 12.0) / 12.0,
            _ => uneven * 0.12,
        }
    };
    query.dimensions.iter().zip(cell.iter()).map(weigh).product()
}

/// Statistics of a cell with their estimates and standard errors.
fn statistics(
    kind: &MeasureKind,
    expected: f64,
    cell: &Cell,
    spread: f64,
    numbers: &mut Numbers,
) -> Vec<(Statistic, f64, f64)> {
    let mut count = |expected: f64, spread: f64| (expected + spread * numbers.normal()).round().max(0.0);
    match kind {
        MeasureKind::PersonCount => vec![(Statistic::Persons, count(expected, spread), spread)],
        MeasureKind::RowCount => vec![(Statistic::Rows, count(expected * 2.5, spread), spread)],
        MeasureKind::Histogram { bounds, bins, .. } => (0..*bins)
            .map(|bin| {
                let (lower, upper) = (edge(bounds, bin, *bins), edge(bounds, bin + 1, *bins));
                let position = (f64::from(bin) + 0.5) / f64::from(*bins) - 0.4;
                let bell = (-position * position * 18.0).exp() / f64::from(*bins) * 2.0;
                (Statistic::Bin { lower, upper }, count(expected * bell, spread), spread)
            })
            .collect(),
        MeasureKind::Mean { bounds, .. } | MeasureKind::Sum { bounds, .. } => {
            let steps = 2.0 * f64::from(i32::try_from(bounds.half_width_units()).unwrap_or(i32::MAX));
            let error = spread / steps;
            let values = count(expected, error);
            let mean = typical(bounds, cell) + error / expected.max(20.0) * count(0.0, 1.0);
            let mean_error = spread * bounds.step.to_f64() / values.max(1.0);
            match kind {
                MeasureKind::Mean { .. } => {
                    vec![
                        (Statistic::Values, values, error),
                        (Statistic::Mean, clamped(bounds, mean), mean_error),
                    ]
                }
                _ => vec![
                    (Statistic::Values, values, error),
                    (Statistic::Sum, mean * values, mean_error * values),
                ],
            }
        }
        MeasureKind::Quantiles { bounds, levels, .. } => {
            let width = bounds.upper.to_f64() - bounds.lower.to_f64();
            let at = |level: Decimal| typical(bounds, cell) + (level.to_f64() - 0.5) * width * 0.35;
            levels
                .iter()
                .map(|&level| (Statistic::Quantile { level }, clamped(bounds, at(level)), width * 0.01))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn edge(bounds: &Bounds, bin: u32, bins: u32) -> Decimal {
    let (lower, upper) = (bounds.lower.to_f64(), bounds.upper.to_f64());
    format!("{}", lower + (upper - lower) * f64::from(bin) / f64::from(bins)).parse().unwrap()
}

fn clamped(bounds: &Bounds, value: f64) -> f64 {
    (value * 1000.0).round().clamp(bounds.lower.to_f64() * 1000.0, bounds.upper.to_f64() * 1000.0) / 1000.0
}

fn typical(bounds: &Bounds, cell: &Cell) -> f64 {
    let letters: u32 = cell.iter().flat_map(|label| label.bytes()).map(u32::from).sum();
    let (lower, upper) = (bounds.lower.to_f64(), bounds.upper.to_f64());
    lower + (upper - lower) * (0.25 + 0.1 * f64::from(letters % 13) / 13.0)
}

fn raw_figures(
    kind: &MeasureKind,
    level: Option<Level>,
    cell: &Cell,
    measure: u32,
    own: &[(Statistic, f64, f64)],
) -> Vec<RawFigure> {
    let components = match kind {
        MeasureKind::Sum { .. } | MeasureKind::Mean { .. } => 2,
        MeasureKind::Histogram { bins, .. } => *bins,
        MeasureKind::Quantiles { bounds, .. } => u32::try_from(2 * bounds.half_width_units() + 1).unwrap(),
        _ => 1,
    };
    (0..components)
        .map(|component| {
            let near = own.get(usize::try_from(component).unwrap()).map_or(3.0, |own| own.1);
            #[expect(clippy::cast_possible_truncation, reason = "made-up counts are far below 2^53")]
            let value = near.round() as i64 - i64::from(component % 3);
            RawFigure { level, cell: cell.clone(), measure, component, value: Some(value) }
        })
        .collect()
}
