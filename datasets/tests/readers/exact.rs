//! Exact aggregates over a canonical folder, and where the shared datasets lie.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int16Type, Int32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use medrec_datasets::{Folder, Format, PseudonymKey, ReadOptions, ReadReport, convert};
use medrec_domain::CalendarDate;
use medrec_domain::schema::{ColumnKind, Table};

/// A folder of the shared datasets.
pub(crate) fn shared(name: &str) -> PathBuf {
    let root = std::env::var_os("MEDREC_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let folder = root.join("datasets").join(name);
    assert!(
        folder.is_dir(),
        "the shared dataset {name} is not at {}: set MEDREC_SHARED to the folder that holds datasets/",
        folder.display()
    );
    folder
}

pub(crate) fn truth(name: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(shared(name).join("TRUTH.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Options that keep birth years as they are, to compare with exact figures.
pub(crate) fn exact_options() -> ReadOptions {
    let as_of = "2019-06-01".parse().unwrap();
    ReadOptions { top_code_ages: false, ..ReadOptions::new(PseudonymKey::new(*b"a key for tests."), as_of) }
}

/// Reads a source into a canonical folder that lives as long as the returned directory.
pub(crate) fn canonical(
    source: &std::path::Path,
    format: &Format,
    options: &ReadOptions,
) -> (tempfile::TempDir, Folder, ReadReport) {
    let out = tempfile::tempdir().unwrap();
    let (folder, report) = convert(source, format, options, out.path(), &()).unwrap();
    (out, folder, report)
}

/// A cell as text; `None` is null.
pub(crate) fn cell(batch: &RecordBatch, table: Table, name: &str, row: usize) -> Option<String> {
    let column = batch.column_by_name(name).unwrap();
    if column.is_null(row) {
        return None;
    }
    Some(match table.column(name).unwrap().kind {
        ColumnKind::Pseudonym => column.as_primitive::<UInt64Type>().value(row).to_string(),
        ColumnKind::Year => column.as_primitive::<Int16Type>().value(row).to_string(),
        ColumnKind::Number => column.as_primitive::<Float64Type>().value(row).to_string(),
        ColumnKind::Flag => column.as_boolean().value(row).to_string(),
        ColumnKind::Date => {
            CalendarDate::from_days(column.as_primitive::<Date32Type>().value(row)).unwrap().to_string()
        }
        ColumnKind::Word => {
            let words = column.as_dictionary::<Int32Type>();
            let key = words.key(row).unwrap();
            words.values().as_string::<i32>().value(key).to_owned()
        }
    })
}

/// Calls `visit` with the named cells of each row.
pub(crate) fn each_row<const N: usize>(
    folder: &Folder,
    table: Table,
    columns: [&str; N],
    mut visit: impl FnMut([Option<String>; N]),
) {
    for batch in folder.batches(table, &columns).unwrap() {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            visit(columns.map(|name| cell(&batch, table, name, row)));
        }
    }
}

pub(crate) type Counts = BTreeMap<String, u64>;

/// Rows by a key made from the named cells, joined by `|`; null is `None`.
pub(crate) fn rows_by<const N: usize>(folder: &Folder, table: Table, columns: [&str; N]) -> Counts {
    let mut counts = Counts::new();
    each_row(folder, table, columns, |cells| {
        let key = cells.map(|cell| cell.unwrap_or_else(|| "None".into())).join("|");
        *counts.entry(key).or_default() += 1;
    });
    counts
}

/// Distinct persons by a key made from the named cells.
pub(crate) fn persons_by<const N: usize>(folder: &Folder, table: Table, columns: [&str; N]) -> Counts {
    let mut persons: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut keys = Vec::new();
    each_row(folder, table, columns, |cells| {
        keys.push(cells.map(|cell| cell.unwrap_or_else(|| "None".into())).join("|"));
    });
    let mut keys = keys.into_iter();
    each_row(folder, table, ["person_id"], |[person]| {
        persons.entry(keys.next().unwrap()).or_default().insert(person.unwrap());
    });
    persons.into_iter().map(|(key, persons)| (key, persons.len() as u64)).collect()
}

/// Most rows of one person.
pub(crate) fn most_rows_per_person(folder: &Folder, table: Table) -> u64 {
    rows_by(folder, table, ["person_id"]).into_values().max().unwrap_or(0)
}

/// Rows, persons, mean, sample standard deviation, extremes of the values of one code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summary {
    pub(crate) rows: u64,
    pub(crate) patients: u64,
    pub(crate) max_rows_per_patient: u64,
    pub(crate) mean: f64,
    pub(crate) sd: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

pub(crate) fn summary(folder: &Folder, code: &str) -> Summary {
    let (mut values, mut persons): (Vec<f64>, Counts) = (Vec::new(), Counts::new());
    each_row(folder, Table::Measurement, ["person_id", "code", "value"], |[person, own, value]| {
        if own.as_deref() == Some(code)
            && let Some(value) = value
        {
            values.push(value.parse().unwrap());
            *persons.entry(person.unwrap()).or_default() += 1;
        }
    });
    #[expect(clippy::cast_precision_loss, reason = "a few thousand rows")]
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Summary {
        rows: values.len() as u64,
        patients: persons.len() as u64,
        max_rows_per_patient: persons.into_values().max().unwrap_or(0),
        mean,
        sd: (squares / (count - 1.0)).sqrt(),
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    }
}

/// Every cell of every table as text, one row a line.
pub(crate) fn rendered(folder: &Folder, table: Table) -> String {
    let names: Vec<&str> = table.columns().iter().map(|column| column.name).collect();
    let mut text = String::new();
    for batch in folder.batches(table, &names).unwrap() {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            for name in &names {
                text.push_str(&cell(&batch, table, name, row).unwrap_or_default());
                text.push('\t');
            }
            text.push('\n');
        }
    }
    text
}

/// Bytes that a needle is looked up by.
const STEM_BYTES: usize = 6;

/// Needles of at least [`STEM_BYTES`] that stand anywhere in `text`; with `whole`, not inside a longer
/// word or number.
pub(crate) fn found_in<'n>(text: &[u8], needles: &'n BTreeSet<String>, whole: bool) -> Vec<&'n str> {
    let mut by_stem: HashMap<&[u8], Vec<&str>> = HashMap::new();
    for needle in needles.iter().filter(|needle| needle.len() >= STEM_BYTES) {
        by_stem.entry(&needle.as_bytes()[..STEM_BYTES]).or_default().push(needle);
    }
    let mut found = Vec::new();
    for (start, window) in text.windows(STEM_BYTES).enumerate() {
        for needle in by_stem.get(window).into_iter().flatten() {
            let before = start.checked_sub(1).is_some_and(|before| text[before].is_ascii_alphanumeric());
            let after = text.get(start + needle.len()).is_some_and(u8::is_ascii_alphanumeric);
            if text[start..].starts_with(needle.as_bytes()) && !(whole && (before || after)) {
                found.push(*needle);
            }
        }
    }
    found
}
