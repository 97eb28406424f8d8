//! Every source that the project has, from its files to a bundle that is verified.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{json, medrec, shared};

/// Releases a source into `out` of a new folder and verifies what came out.
fn released(data: &Path, arguments: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut all = vec!["anonymize", "--data", data.to_str().unwrap(), "--rho", "1/2", "--ledger", "ledger"];
    all.extend(["--out", "out", "--json"]);
    all.extend(arguments);
    json(&medrec(&all, folder.path()));
    assert_eq!(json(&medrec(&["verify", "out", "--json"], folder.path()))["valid"], true);
    folder
}

/// Estimates of a table's rows at one level.
fn estimates(folder: &Path, table: &str, level: &str) -> Vec<f64> {
    let path = folder.join(format!("out/tables/{table}.csv"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    let column = |reader: &mut csv::Reader<std::fs::File>, name: &str| {
        reader.headers().unwrap().iter().position(|own| own == name).unwrap()
    };
    let (at, estimate) = (column(&mut reader, "level"), column(&mut reader, "estimate"));
    let rows = reader.records().map(Result::unwrap).filter(|row| &row[at] == level);
    rows.filter_map(|row| row[estimate].parse().ok()).collect()
}

#[test]
fn syntheas_sample_of_massachusetts_makes_a_valid_bundle() {
    released(&shared("synthea-ma-csv"), &["--format", "synthea-csv"]);
}

#[test]
fn a_fhir_bulk_export_makes_a_valid_bundle() {
    released(&shared("fhir-r4-ndjson"), &["--format", "fhir-ndjson"]);
}

#[test]
fn an_omop_database_makes_a_valid_bundle() {
    released(&shared("omop-gibleed-5.3"), &["--format", "omop"]);
}

/// 71,518 real patients of 130 hospitals, through the mapping that the project ships.
#[test]
fn real_patients_of_a_flat_file_make_a_valid_bundle_that_counts_them() {
    let unpacked = TempDir::new().unwrap();
    let archive = std::fs::File::open(shared("uci-diabetes130").join("dataset_diabetes.zip")).unwrap();
    let mut archive = zip::ZipArchive::new(archive).unwrap();
    let mut records = std::fs::File::create(unpacked.path().join("diabetic_data.csv")).unwrap();
    std::io::copy(&mut archive.by_name("dataset_diabetes/diabetic_data.csv").unwrap(), &mut records).unwrap();
    let mapping = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/mappings/uci-diabetes130.toml");
    let mapping = mapping.to_str().unwrap();
    let window = ["--from", "1999-01-01", "--until", "2009-01-01"];
    let source = ["--format", "table", "--mapping", mapping, "--synthetic-sites", "13"];
    let folder = released(unpacked.path(), &[&source[..], &window[..]].concat());
    let truth = std::fs::read(shared("uci-diabetes130").join("TRUTH.json")).unwrap();
    let truth: Value = serde_json::from_slice(&truth).unwrap();
    assert_eq!(truth["patients"], 71_518, "the source is another than the one that these figures are of");
    // Noise on the 50 cells of the nation is some ten persons each; a hundredth of the total is far outside of it.
    let persons: f64 = estimates(folder.path(), "population", "nation").iter().sum();
    assert!((persons - 71_518.0).abs() < 715.0, "{persons} persons");
    // Diagnoses come through the mapping as well: nearly everybody has one that the census has a group for, or other.
    let conditions: f64 = estimates(folder.path(), "conditions", "nation").iter().sum();
    assert!(conditions > 50_000.0, "{conditions} persons with a condition");
}

/// One population in every format: what is public about it is the same, and each makes a valid bundle.
#[test]
fn every_format_of_one_population_makes_a_valid_bundle_of_the_same_shape() {
    let formats = [
        ("synthea-csv", "synthea-csv"),
        ("fhir-ndjson", "fhir-ndjson"),
        ("omop", "omop"),
        ("omop-5.3", "omop"),
        ("parquet", "parquet"),
    ];
    let folder = TempDir::new().unwrap();
    let mut forecasts = Vec::new();
    for (written, read) in formats {
        let out = folder.path().join(written);
        let out = out.to_str().unwrap();
        let synth = ["synth", "--out", out, "--persons", "300", "--seed", "5", "--format", written, "--json"];
        json(&medrec(&synth, folder.path()));
        let window = ["--format", read, "--from", "2020-01-01", "--until", "2025-01-01"];
        let bundle = released(Path::new(out), &window);
        let persons: f64 = estimates(bundle.path(), "population", "nation").iter().sum();
        assert!((persons - 300.0).abs() < 150.0, "{written}: {persons} persons");
        let dry = ["anonymize", "--data", out, "--rho", "1/2", "--dry-run", "--json"];
        forecasts.push(json(&medrec(&[&dry[..], &window[..]].concat(), folder.path())));
    }
    assert!(forecasts.windows(2).all(|pair| pair[0] == pair[1]), "formats differ in what is public");
}
