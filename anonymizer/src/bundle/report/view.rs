//! Figures as the points of a plot: which dimension plays which part, and sums over the others.
//!
//! Sums of published figures are post-processing. Where a part is withheld the sum says so; where sums
//! would count a person twice they are not made.

use std::collections::BTreeMap;

use medrec_domain::Workload;
use medrec_domain::schema::Table;
use medrec_domain::workload::{Dimension, Level, MeasureKind, TableQuery};

use crate::bundle::wording;
use crate::figures::{Figure, Statistic, TableFigures};

/// Quantile of the normal distribution that leaves 2.5 % above it.
const NORMAL_975: f64 = 1.959_963_985;

/// A number with its interval and its labels.
#[derive(Debug, Clone)]
pub(super) struct Point {
    /// Labels for people, one for each key.
    pub(super) labels: Vec<String>,
    /// Labels as they stand in the tables.
    pub(super) keys: Vec<String>,
    /// The number; `None` when withheld or not defined.
    pub(super) value: Option<f64>,
    /// Its 95 % interval.
    pub(super) interval: Option<(f64, f64)>,
    /// Parts that are withheld.
    pub(super) withheld: usize,
    /// Parts in all.
    pub(super) parts: usize,
    /// Sum of the parts' squared standard errors.
    pub(super) variance: f64,
}

/// Dimensions of a table by the part that they play.
#[derive(Debug, Clone, Default)]
pub(super) struct Roles {
    /// Nation, region, organisation, with their index.
    pub(super) places: Vec<(usize, Level)>,
    /// Bands of age.
    pub(super) age: Option<usize>,
    /// Sex.
    pub(super) sex: Option<usize>,
    /// Steps of the calendar.
    pub(super) calendar: Option<usize>,
    /// Everything else.
    pub(super) categories: Vec<usize>,
}

impl Roles {
    /// The roles of a table's dimensions.
    pub(super) fn of(workload: &Workload, query: &TableQuery) -> Self {
        let mut roles = Self::default();
        for (index, name) in query.dimensions.iter().enumerate() {
            match workload.dimensions.get(name) {
                Some(Dimension::Level(level)) => roles.places.push((index, *level)),
                Some(Dimension::AgeBands(_)) if roles.age.is_none() => roles.age = Some(index),
                Some(Dimension::Calendar(_)) if roles.calendar.is_none() => roles.calendar = Some(index),
                Some(Dimension::Values { field, .. })
                    if roles.sex.is_none() && field.to_string() == "person.sex" =>
                {
                    roles.sex = Some(index);
                }
                _ => roles.categories.push(index),
            }
        }
        roles
    }

    /// Every dimension that is not of place.
    pub(super) fn others(&self) -> Vec<usize> {
        let mut others: Vec<usize> = self.age.into_iter().chain(self.sex).chain(self.calendar).collect();
        others.extend(&self.categories);
        others.sort_unstable();
        others
    }
}

/// Whether figures may be summed over a dimension without counting a person twice.
pub(super) fn is_summable(
    workload: &Workload,
    query: &TableQuery,
    kind: &MeasureKind,
    dimension: usize,
) -> bool {
    match kind {
        MeasureKind::PersonCount => {
            let of_person =
                match query.dimensions.get(dimension).and_then(|name| workload.dimensions.get(name)) {
                    Some(Dimension::AgeBands(_)) => true,
                    Some(Dimension::Values { field, .. } | Dimension::ValueSets { field, .. }) => {
                        field.to_string().starts_with("person.")
                    }
                    _ => false,
                };
            query.of == Table::Person || query.rows_per_person == 1 || of_person
        }
        MeasureKind::RowCount | MeasureKind::Sum { .. } | MeasureKind::Histogram { .. } => true,
        _ => false,
    }
}

/// Levels of a table, finest first.
pub(super) fn levels(table: &TableFigures) -> Vec<Option<Level>> {
    let mut levels = Vec::new();
    for noise in &table.noise {
        if !levels.contains(&noise.level) {
            levels.push(noise.level);
        }
    }
    levels
}

/// Points of one measure and statistic at one level, grouped by the labels of `keys`, in the table's order.
pub(super) fn points(
    workload: &Workload,
    table: &TableFigures,
    level: Option<Level>,
    measure: u32,
    statistic: &dyn Fn(&Statistic) -> bool,
    keys: &[usize],
) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    let mut index_of: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    let wanted =
        |figure: &&Figure| figure.level == level && figure.measure == measure && statistic(&figure.statistic);
    for figure in table.figures.iter().filter(wanted) {
        let own: Vec<&str> = keys.iter().map(|&key| figure.cell.get(key).map_or("", AsRef::as_ref)).collect();
        let index = *index_of.entry(own).or_insert_with_key(|own| {
            points.push(Point {
                labels: keys
                    .iter()
                    .zip(own)
                    .map(|(&key, label)| label_of(workload, &table.query, key, label))
                    .collect(),
                keys: own.iter().map(|&label| label.to_owned()).collect(),
                value: None,
                interval: None,
                withheld: 0,
                parts: 0,
                variance: 0.0,
            });
            points.len() - 1
        });
        if let Some(point) = points.get_mut(index) {
            point.add(figure);
        }
    }
    points.iter_mut().for_each(Point::withhold_if_nothing_is_left);
    points
}

/// A label for people. Words of a vocabulary read as words; ids of organisations stay as they are.
fn label_of(workload: &Workload, query: &TableQuery, dimension: usize, label: &str) -> String {
    let dimension = query.dimensions.get(dimension).and_then(|name| workload.dimensions.get(name));
    match dimension {
        Some(Dimension::Values { .. }) => wording::heading(label),
        _ if label == "other" || label == "unknown" => wording::heading(label),
        _ => wording::label(workload, label),
    }
}

impl Point {
    /// Adds a part. The first keeps its own interval; from the second on variances add.
    fn add(&mut self, figure: &Figure) {
        self.parts += 1;
        self.withheld += usize::from(figure.withheld);
        let Some(estimate) = figure.estimate else { return };
        self.variance += figure.standard_error.unwrap_or(0.0).powi(2);
        let is_first = self.value.is_none();
        let value = self.value.unwrap_or(0.0) + estimate;
        self.value = Some(value);
        let reach = NORMAL_975 * self.variance.sqrt();
        self.interval = if is_first {
            figure.lower.zip(figure.upper)
        } else {
            Some(((value - reach).max(0.0), value + reach))
        };
    }

    /// A sum of which nothing but zeros is published is no zero: what it would count is in the cells that are withheld.
    fn withhold_if_nothing_is_left(&mut self) {
        if self.withheld > 0 && self.value == Some(0.0) {
            (self.value, self.interval) = (None, None);
        }
    }

    /// Whether the noise of the number is as large as the number itself.
    fn is_drowned(&self) -> bool {
        self.interval.is_some_and(|(lower, _)| lower <= 0.0) && self.value.is_some()
    }

    /// Whether a label is one of those that take what no declared cell takes.
    pub(super) fn is_rest(&self) -> bool {
        self.keys.iter().any(|key| key == "other" || key == "unknown")
    }

    /// The labels in one line.
    pub(super) fn name(&self) -> String {
        if self.labels.is_empty() { "All".into() } else { self.labels.join(", ") }
    }

    /// The number, or why there is none.
    pub(super) fn words(&self) -> String {
        match self.value {
            Some(value) => super::html::number(value),
            None if self.withheld > 0 => "withheld".into(),
            None => "not defined".into(),
        }
    }

    /// The largest number that a plot has to show.
    pub(super) fn reach(&self) -> f64 {
        self.interval.map_or(0.0, |interval| interval.1).max(self.value.unwrap_or(0.0))
    }
}

/// A warning where most counts of a plot cannot be told from nothing.
pub(super) fn noise_note(points: &[Point]) -> Option<String> {
    let known = points.iter().filter(|point| point.value.is_some()).count();
    let drowned = points.iter().filter(|point| point.is_drowned()).count();
    (known > 2 && 2 * drowned > known).then(|| {
        format!(
            "The intervals of {drowned} of these {known} numbers reach down to zero: the noise is as large as they are. Read the plot as where most is, not as figures."
        )
    })
}
