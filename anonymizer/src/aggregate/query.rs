//! What one table asks of a row, prepared once for a release.

use std::collections::HashMap;

use medrec_domain::schema::{Field, Table};
use medrec_domain::scope::{ConditionScope, FieldScope, ValueSet};
use medrec_domain::workload::{CalendarUnit, Condition, Dimension, MeasureKind};
use medrec_domain::{CalendarDate, Scope};

use super::persons::Question;
use super::words;
use crate::consent::Consents;
use crate::plan::{Plan, TablePlan};

/// An axis whose position the row itself tells.
pub(super) struct OwnAxis {
    /// What one position adds to the cell's number.
    pub(super) stride: u32,
    /// Position of a row that does not tell.
    pub(super) otherwise: u32,
    /// How the row tells.
    pub(super) kind: AxisKind,
}

/// How a row tells its position.
pub(super) enum AxisKind {
    /// A word among declared ones.
    Words { field: Field, words: Vec<String> },
    /// The first value set that holds the code.
    Sets { sets: Vec<ValueSet> },
    /// The organisation's position.
    Place { of: HashMap<String, u32> },
    /// The day's step of the calendar: positions from the first day of the period on.
    Calendar { from: i32, positions: Vec<u32> },
}

/// A condition on the row's own columns.
pub(super) enum Test {
    /// The column's word is one of these.
    AnyOf { field: Field, words: Vec<String> },
    /// The code is in this set.
    InSet { set: ValueSet },
}

/// What a scope hides from a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Mask {
    /// No row of hers takes part.
    pub(super) drops: bool,
    /// Own axes that do not tell.
    pub(super) axes: Vec<bool>,
    /// Rows have no value.
    pub(super) value: bool,
    /// Rows count only when the scope covers their code.
    pub(super) codes: bool,
}

/// One table's questions about a row.
pub(super) struct Query {
    /// Its limit of rows a person and the rest of its plan.
    pub(super) table: usize,
    pub(super) tests: Vec<Test>,
    pub(super) axes: Vec<OwnAxis>,
    /// Questions about the person: index and stride.
    pub(super) person_axes: Vec<(usize, u32)>,
    /// Questions about the person that must be answered by 1.
    pub(super) person_tests: Vec<usize>,
    /// First and last day that count.
    pub(super) days: (i32, i32),
    /// Whether the value is read, and whether a row without one is of no use.
    pub(super) value: bool,
    pub(super) needs_value: bool,
    /// One for each scope.
    pub(super) masks: Vec<Mask>,
}

fn stride(plan: &TablePlan, axis: usize) -> u32 {
    u32::try_from(plan.layout.stride(axis)).unwrap_or(u32::MAX)
}

fn ask(questions: &mut Vec<Question>, question: Question) -> usize {
    questions.iter().position(|other| *other == question).unwrap_or_else(|| {
        questions.push(question);
        questions.len() - 1
    })
}

pub(super) fn field(table: Table, column: &str) -> Option<Field> {
    table.column(column).and_then(|column| format!("{}.{}", table.name(), column.name).parse().ok())
}

impl Query {
    /// Prepares the table of a plan; questions about persons are added to `questions`.
    pub(super) fn new(plan: &Plan, table: usize, questions: &mut Vec<Question>, consents: &Consents) -> Self {
        let own = &plan.tables[table];
        let mut query = Self {
            table,
            tests: Vec::new(),
            axes: Vec::new(),
            person_axes: Vec::new(),
            person_tests: Vec::new(),
            days: (own.period.from.days(), own.period.until.days()),
            value: own.measures.iter().any(|measure| measure.kind.value().is_some()),
            needs_value: own.measures.iter().all(|measure| measure.kind.value().is_some()),
            masks: Vec::new(),
        };
        for (axis, labels) in own.axes.iter().enumerate() {
            let dimension = &plan.workload.dimensions[&labels.dimensions[0]];
            query.axis(plan, own, axis, dimension, questions);
        }
        for condition in &own.query.filter {
            query.test(plan, condition, questions);
        }
        query.masks = consents.scopes().iter().map(|scope| query.mask(own, scope, questions)).collect();
        query
    }

    fn axis(
        &mut self,
        plan: &Plan,
        own: &TablePlan,
        axis: usize,
        dimension: &Dimension,
        questions: &mut Vec<Question>,
    ) {
        let stride = stride(own, axis);
        let last = u32::try_from(own.axes[axis].labels.len() - 1).unwrap_or(u32::MAX);
        let kind = match dimension {
            Dimension::AgeBands(bounds) => {
                let last_day = plan.window.until.plus_days(-1).unwrap_or(plan.window.from);
                if let Some(field) = field(Table::Person, "birth_year") {
                    let (bounds, year) = (bounds.clone(), last_day.year());
                    let question = Question::AgeBand { field, bounds, unknown: last, year };
                    self.person_axes.push((ask(questions, question), stride));
                }
                return;
            }
            Dimension::Values { field, values } if field.table == Table::Person => {
                // A word that is missing or hidden is `unknown` where that is declared; one that is not declared is `other`.
                let unknown =
                    words::position(values, medrec_domain::workload::cells::UNKNOWN).unwrap_or(last);
                let question = Question::Word { field: *field, words: values.clone(), other: last, unknown };
                self.person_axes.push((ask(questions, question), stride));
                return;
            }
            Dimension::Values { field, values } => AxisKind::Words { field: *field, words: values.clone() },
            Dimension::ValueSets { ids, .. } => {
                let set = |id: &String| plan.workload.value_sets.get(id).cloned();
                AxisKind::Sets { sets: ids.iter().filter_map(set).collect() }
            }
            Dimension::Level(_) => AxisKind::Place { of: place_positions(plan, own, axis) },
            Dimension::Calendar(unit) => calendar(*unit, own),
        };
        self.axes.push(OwnAxis { stride, otherwise: last, kind });
    }

    fn test(&mut self, plan: &Plan, condition: &Condition, questions: &mut Vec<Question>) {
        let (field, words) = (condition.field, condition.any_of.clone());
        match &condition.value_set {
            Some(id) => {
                let set = plan.workload.value_sets.get(id).cloned();
                let empty = || ValueSet { title: String::new(), codes: std::collections::BTreeMap::new() };
                self.tests.push(Test::InSet { set: set.unwrap_or_else(empty) });
            }
            None if field.table == Table::Person => {
                self.person_tests.push(ask(questions, Question::AnyOf { field, words }));
            }
            None => self.tests.push(Test::AnyOf { field, words }),
        }
    }

    /// What a scope hides. A row takes part only if its day is shared, for it decides whether the row
    /// lies in the window; a person's own row only if some field of it is.
    fn mask(&self, own: &TablePlan, scope: &Scope, questions: &[Question]) -> Mask {
        let of = own.query.of;
        let shares = |column: &str| field(of, column).is_none_or(|field| scope.covers_field(field));
        let code = shares("code") && shares("code_system");
        let mut drops = match of.date_column() {
            Some(day) => !shares(day),
            None => {
                matches!(&scope.fields, FieldScope::Only(fields) if !fields.iter().any(|field| field.table == of))
            }
        };
        for test in &self.tests {
            drops |= match test {
                Test::AnyOf { field, .. } => !scope.covers_field(*field),
                Test::InSet { .. } => !code,
            };
        }
        drops |= self.person_tests.iter().any(|&question| !scope.covers_field(questions[question].field()));
        let axes = self
            .axes
            .iter()
            .map(|axis| match &axis.kind {
                AxisKind::Words { field, .. } => !scope.covers_field(*field),
                AxisKind::Sets { .. } => !code,
                AxisKind::Place { .. } => !shares("organisation_id"),
                AxisKind::Calendar { .. } => false,
            })
            .collect();
        let codes = scope.conditions != ConditionScope::All && of.column("code").is_some();
        Mask { drops, axes, value: !shares("value"), codes }
    }
}

/// Positions of the organisations on the axis of place.
fn place_positions(plan: &Plan, own: &TablePlan, axis: usize) -> HashMap<String, u32> {
    let dimensions = &own.axes[axis].dimensions;
    let levels: Vec<_> = dimensions
        .iter()
        .filter_map(|name| match plan.workload.dimensions.get(name) {
            Some(Dimension::Level(level)) => Some(*level),
            _ => None,
        })
        .collect();
    let position = |labels: &[String]| own.axes[axis].labels.iter().position(|other| other == labels);
    plan.organisations
        .iter()
        .filter_map(|organisation| {
            let labels: Vec<String> =
                levels.iter().map(|level| organisation.label(*level).to_owned()).collect();
            Some((organisation.id.clone(), u32::try_from(position(&labels)?).ok()?))
        })
        .collect()
}

/// Positions of every day of the period.
fn calendar(unit: CalendarUnit, own: &TablePlan) -> AxisKind {
    let labels = unit.labels(own.period);
    let from = own.period.from.days();
    let mut positions = Vec::new();
    let mut position = 0_usize;
    for days in from..own.period.until.days() {
        let label = CalendarDate::from_days(days).map(|day| unit.label(day)).unwrap_or_default();
        while labels.get(position).is_some_and(|own| *own != label) {
            position += 1;
        }
        positions.push(u32::try_from(position).unwrap_or_default());
    }
    AxisKind::Calendar { from, positions }
}

/// The columns that a table's queries read, its person first.
pub(super) fn columns(of: Table, queries: &[Query]) -> Vec<&'static str> {
    let mut columns = std::collections::BTreeSet::new();
    let mut want = |name: &str| columns.extend(of.column(name).map(|column| column.name));
    want("person_id");
    if let Some(day) = of.date_column() {
        want(day);
    }
    for query in queries {
        let codes = query.masks.iter().any(|mask| mask.codes);
        let sets = query.tests.iter().any(|test| matches!(test, Test::InSet { .. }))
            || query.axes.iter().any(|axis| matches!(axis.kind, AxisKind::Sets { .. }));
        if codes || sets {
            want("code");
            want("code_system");
        }
        if query.value {
            want("value");
        }
        for test in &query.tests {
            if let Test::AnyOf { field, .. } = test {
                want(field.column.name);
            }
        }
        for axis in &query.axes {
            match &axis.kind {
                AxisKind::Words { field, .. } => want(field.column.name),
                AxisKind::Place { .. } => want("organisation_id"),
                AxisKind::Sets { .. } | AxisKind::Calendar { .. } => {}
            }
        }
    }
    columns.into_iter().collect()
}

/// Whether a measure counts distinct persons.
pub(super) fn counts_persons(kind: &MeasureKind) -> bool {
    matches!(kind, MeasureKind::PersonCount)
}
