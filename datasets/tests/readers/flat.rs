//! Flat tables: real encounters of diabetic inpatients, census microdata, and broken mappings.

use std::io::Read;

use medrec_datasets::{Folder, Format, Mapping};
use medrec_domain::schema::Table;
use serde_json::json;

use crate::exact::{
    Counts, canonical, each_row, exact_options, most_rows_per_person, rows_by, shared, truth,
};

const UCI: &str = include_str!("../../mappings/uci-diabetes130.toml");
const PUMS: &str = include_str!("../../mappings/pums-ca-1000.toml");

fn mapped(name: &str, text: &str) -> Format {
    Format::Table(Box::new(Mapping::parse(name, text).unwrap()))
}

/// The zip's CSV, unpacked into a folder of its own.
fn unpacked() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let archive = std::fs::File::open(shared("uci-diabetes130").join("dataset_diabetes.zip")).unwrap();
    let mut archive = zip::ZipArchive::new(archive).unwrap();
    let mut bytes = Vec::new();
    archive.by_name("dataset_diabetes/diabetic_data.csv").unwrap().read_to_end(&mut bytes).unwrap();
    std::fs::write(folder.path().join("diabetic_data.csv"), bytes).unwrap();
    folder
}

/// Rows of a coded measurement by its answer; rows without an answer are `None`.
fn answers(folder: &Folder, code: &str, rows: u64) -> Counts {
    let mut counts = Counts::new();
    each_row(folder, Table::Measurement, ["code", "value_code"], |[own, answer]| {
        if own.as_deref() == Some(code) {
            *counts.entry(answer.unwrap()).or_default() += 1;
        }
    });
    let missing = rows - counts.values().sum::<u64>();
    if missing > 0 {
        counts.insert("None".into(), missing);
    }
    counts
}

fn mean(folder: &Folder, code: &str) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    each_row(folder, Table::Measurement, ["code", "value"], |[own, value]| {
        if own.as_deref() == Some(code) {
            sum += value.unwrap().parse::<f64>().unwrap();
            count += 1.0;
        }
    });
    sum / count
}

#[test]
fn every_figure_of_the_hospital_data_is_met() {
    let source = unpacked();
    let (_directory, folder, report) = canonical(source.path(), &mapped("uci.toml", UCI), &exact_options());
    let expected = truth("uci-diabetes130");
    let rows = expected["rows"].as_u64().unwrap();
    assert_eq!(report.rows_written[&Table::Encounter], rows);
    assert_eq!(json!(report.rows_written[&Table::Person]), expected["patients"]);
    assert_eq!(json!(most_rows_per_person(&folder, Table::Encounter)), expected["max_rows_per_patient"]);
    for (figure, code) in
        [("by_race", "race"), ("by_gender", "gender"), ("by_age", "age"), ("readmitted", "readmitted")]
    {
        assert_eq!(json!(answers(&folder, code, rows)), expected[figure], "{figure}");
    }
    for (figure, code) in
        [("medical_specialty_levels", "medical_specialty"), ("payer_code_levels", "payer_code")]
    {
        assert_eq!(json!(answers(&folder, code, rows).len()), expected[figure], "{figure}");
    }
    for (figure, code) in
        [("time_in_hospital_mean", "time_in_hospital"), ("num_medications_mean", "num_medications")]
    {
        let (found, expected) = (mean(&folder, code), expected[figure].as_f64().unwrap());
        assert!((found - expected).abs() < 1e-12 * expected, "{figure}: {found}, not {expected}");
    }
    // Fifty columns: the weight, two flags and three administrative codes are not mapped.
    assert_eq!(expected["columns"], json!(50));
    let ages = rows_by(&folder, Table::Person, ["birth_year"]);
    assert_eq!(ages.len(), 10, "{ages:?}");
    assert_eq!(rows_by(&folder, Table::Condition, ["code_system"]).len(), 1);
}

#[test]
fn census_microdata_has_one_person_a_row() {
    let (_directory, folder, report) =
        canonical(&shared("pums-ca-1000"), &mapped("pums.toml", PUMS), &exact_options());
    assert_eq!(report.rows_written[&Table::Person], 1000);
    assert_eq!(report.rows_written[&Table::Measurement], 5000);
    // The file's own column, read independently of the reader.
    let text = std::fs::read_to_string(shared("pums-ca-1000").join("PUMS.csv")).unwrap();
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|field| field.trim().parse().unwrap()).collect())
        .collect();
    let income: f64 = rows.iter().map(|row| row[4]).sum::<f64>() / 1000.0;
    assert!((mean(&folder, "income") - income).abs() < 1e-9 * income);
    let oldest = rows.iter().map(|row| row[0]).fold(0.0, f64::max);
    let earliest: f64 =
        rows_by(&folder, Table::Person, ["birth_year"]).keys().next().unwrap().parse().unwrap();
    assert!((2019.0 - earliest - oldest).abs() < 0.5);
}

#[test]
fn mappings_that_would_map_nothing_are_refused() {
    for (from, to, line, word) in [
        ("file =", "files =", 6, "files"),
        ("column = \"income\"", "colum = \"income\"", 42, "colum"),
        ("date = \"2000-04-01\"", "date = \"2000-13-01\"", 7, "is not a date"),
        ("date = \"2000-04-01\"\n", "", 1, "has no date"),
        ("file = \"PUMS.csv\"", "file = \"../PUMS.csv\"", 1, "inside the folder"),
        ("unit = \"[USD]\"", "unit = \"US dollars\"", 1, "unit"),
    ] {
        assert!(PUMS.contains(from), "{from}");
        let error = Mapping::parse("m.toml", &PUMS.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("m.toml:{line}: ")) && error.contains(word), "{to:?}: {error}");
    }
    let out = tempfile::tempdir().unwrap();
    let other = mapped("m.toml", &PUMS.replace("column = \"income\"", "column = \"earnings\""));
    let error = medrec_datasets::convert(&shared("pums-ca-1000"), &other, &exact_options(), out.path(), &())
        .unwrap_err();
    assert_eq!(error.to_string(), "PUMS.csv has no column earnings");
}
