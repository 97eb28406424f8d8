//! What the tests ask, and plain definitions of what must come out.

use std::collections::BTreeMap;

use medrec_anonymizer::aggregate::Options;
use medrec_anonymizer::bounding::BoundingKey;
use medrec_anonymizer::plan::{Budget, Plan};
use medrec_domain::Workload;
use medrec_domain::schema::Table;
use medrec_domain::workload::cells::{PublicOrganisation, Window};

use crate::population::{DAY_0, Population, Row, Value};

pub(crate) const WORKLOAD: &str = r#"
name = "test"
version = 1
title = "Test"
hierarchy = ["nation", "region", "organisation"]
small_cell_threshold = 0

[dimensions]
region = { level = "region" }
organisation = { level = "organisation" }
sex = { field = "person.sex", values = ["female", "male"] }
age_band = { age_bands = [0, 18, 65] }
what = { field = "measurement.code", value_sets = ["diabetes", "asthma"] }
month = { calendar = "month" }

[value_sets.diabetes]
title = "Diabetes"
codes = { snomed = ["44054006"], icd9cm = ["250*"] }

[value_sets.asthma]
title = "Asthma"
codes = { snomed = ["195967001"] }

[[tables]]
name = "people"
of = "person"
dimensions = ["region", "organisation", "age_band", "sex"]
measures = [{ kind = "person-count" }]

[[tables]]
name = "measured"
of = "measurement"
dimensions = ["region", "organisation", "what"]
measures = [
    { kind = "row-count" },
    { kind = "person-count" },
    { kind = "mean", field = "measurement.value", lower = 0, upper = 300, step = 0.5 },
]
rows_per_person = 1000

[[tables]]
name = "by-month"
of = "measurement"
dimensions = ["sex", "month"]
filter = [{ field = "measurement.code", value_set = "diabetes" }]
measures = [
    { kind = "histogram", field = "measurement.value", lower = 0, upper = 300, step = 0.5, bins = 7 },
    { kind = "quantiles", field = "measurement.value", lower = 0, upper = 300, step = 5, levels = [0.5] },
]
rows_per_person = 1000
"#;

pub(crate) fn window() -> Window {
    Window { from: "2024-01-01".parse().unwrap(), until: "2025-01-01".parse().unwrap() }
}

pub(crate) fn organisations() -> Vec<PublicOrganisation> {
    // org6 appears in records and not in the public list.
    (0..6)
        .map(|number| PublicOrganisation {
            id: format!("org{number}"),
            nation: Some("US".into()),
            region: Some(if number < 4 { "MA" } else { "NY" }.into()),
        })
        .collect()
}

pub(crate) fn plan(text: &str) -> Plan {
    plan_at(text, "1/2")
}

pub(crate) fn plan_at(text: &str, rho: &str) -> Plan {
    let workload = Workload::parse("test.toml", text).unwrap();
    Plan::new(&workload, Budget::Rho(rho.parse().unwrap()), &organisations(), window()).unwrap()
}

pub(crate) fn options() -> Options {
    Options::new(BoundingKey([9; 16]))
}

pub(crate) fn word<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    match row.get(column) {
        Some(Value::Word(word)) => Some(word),
        _ => None,
    }
}

pub(crate) fn id(row: &Row) -> u64 {
    match row["person_id"] {
        Value::Id(id) => id,
        _ => panic!("the id of a person is no number"),
    }
}

/// Labels of a cell and an integer of a measure, to its exact value.
pub(crate) type Counted = BTreeMap<(Vec<String>, usize), i64>;

pub(crate) fn place(row: &Row) -> [String; 2] {
    let organisation = word(row, "organisation_id").unwrap_or("?");
    let known = organisations().into_iter().find(|other| other.id == organisation);
    match known {
        Some(known) => [known.region.unwrap(), known.id],
        None => ["unknown".into(), "unknown".into()],
    }
}

pub(crate) fn age_band(row: &Row) -> String {
    match row.get("birth_year") {
        Some(Value::Year(year)) => match 2024 - i32::from(*year) {
            ..=17 => "0-17".into(),
            18..=64 => "18-64".into(),
            _ => "65+".into(),
        },
        _ => "unknown".into(),
    }
}

pub(crate) fn sex(row: &Row) -> String {
    word(row, "sex").filter(|sex| ["female", "male"].contains(sex)).unwrap_or("other").into()
}

pub(crate) fn what(row: &Row) -> &'static str {
    match (word(row, "code_system").unwrap(), word(row, "code").unwrap()) {
        ("snomed", "44054006") | ("icd9cm", "250.1") => "diabetes",
        ("snomed", "195967001") => "asthma",
        _ => "other",
    }
}

/// Rows of measurement in the window whose persons exist, with their person.
pub(crate) fn in_window(all: &Population) -> Vec<(&Row, &Row)> {
    let persons: BTreeMap<u64, &Row> = all.rows[&Table::Person].iter().map(|row| (id(row), row)).collect();
    let counts = |row: &&Row| matches!(row["date"], Value::Day(day) if (DAY_0..DAY_0 + 366).contains(&day));
    all.rows[&Table::Measurement]
        .iter()
        .filter(counts)
        .filter_map(|row| Some((row, *persons.get(&id(row))?)))
        .collect()
}

pub(crate) fn value(row: &Row) -> Option<f64> {
    match row.get("value") {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    }
}

/// The aggregates' integers under the labels of their cells, zeros left out.
pub(crate) fn labelled(
    plan: &Plan,
    table: usize,
    measure: usize,
    level: usize,
    integers: &[Vec<i64>],
) -> Counted {
    let own = &plan.tables[table];
    let before: usize =
        plan.tables[..table].iter().flat_map(|table| &table.measures).map(|m| m.noise.len()).sum();
    let within: usize = own.measures[..measure].iter().map(|measure| measure.noise.len()).sum();
    let vector = &integers[before + within + level];
    let grid = &own.layout.grids()[level];
    let components = own.measures[measure].components;
    let mut counted = Counted::new();
    for (index, &value) in vector.iter().enumerate().filter(|(_, value)| **value != 0) {
        let positions = own.layout.positions(grid, index / components);
        let mut labels = Vec::new();
        for (axis, position) in positions.iter().enumerate() {
            if level > 0 && own.layout.place_axis() == Some(axis) {
                let kept = &grid.kept[*position].labels;
                labels.extend(kept.iter().map(|label| label.clone().unwrap_or_else(|| "all".into())));
            } else {
                labels.extend(own.axes[axis].labels[*position].iter().cloned());
            }
        }
        counted.insert((labels, index % components), value);
    }
    counted
}
