//! Records: written, read back, held against the schema, compared; never overwritten.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it like the test itself")]

use std::sync::atomic::AtomicBool;

use medrec_benches::BenchError;
use medrec_benches::compare::compare;
use medrec_benches::definition::keccak::{Hashing, Reference, Width, Workload};
use medrec_benches::harness::{Entry, Measurement, Plan, run};
use medrec_benches::machine::Machine;
use medrec_benches::record::{Context, Missing, Record, SCHEMA};
use medrec_benches::statistics::Summary;
use medrec_benches::utc::Utc;

/// A record of a real, tiny run.
fn record() -> Record {
    let plan = Plan { samples: 2, sample_seconds: 0.005, warm_up_seconds: 0.0 };
    let workload = Workload { width: Width::Bits256, message_bytes: 40 };
    let contender = Box::new(Hashing { hasher: &Reference, threads: 1, workload });
    let entries = vec![Entry { contender, limit: None }];
    let outcome = run(Vec::new(), entries, &plan, &AtomicBool::new(false), &mut |_| {}).unwrap();
    let context = Context {
        benchmark: "keccak".to_owned(),
        headline: "keccak-256".to_owned(),
        workload: serde_json::json!({ "message_bytes": 40 }),
        started_at: Utc::from_unix_seconds(1_438_269_973),
        command: "medrec bench keccak".to_owned(),
        plan,
        machine: Machine::describe(),
        missing: vec![Missing {
            engine: "absent".to_owned(),
            measure: "keccak-256".to_owned(),
            reason: "it is not here".to_owned(),
            hint: "bring it".to_owned(),
        }],
    };
    Record::new(context, outcome).unwrap()
}

fn errors_of_schema(document: &serde_json::Value) -> Vec<String> {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn a_record_survives_being_saved_and_loaded_and_fits_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let record = record();
    let path = record.save(folder.path(), Utc::from_unix_seconds(1_438_269_973)).unwrap();
    assert_eq!(path.file_name().unwrap(), "2015-07-30T152613Z-keccak.json");
    assert_eq!(path.parent().unwrap().file_name().unwrap().to_str().unwrap(), record.machine.slug());
    assert_eq!(Record::load(&path).unwrap(), record);
    let document = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(errors_of_schema(&document), Vec::<String>::new());
}

#[test]
fn the_schema_refuses_what_is_missing_unknown_or_of_the_wrong_type() {
    let good = serde_json::to_value(record()).unwrap();
    let mut without = good.clone();
    without.as_object_mut().unwrap().remove("hashrate_hps");
    let mut unknown = good.clone();
    unknown["invented"] = serde_json::json!(1);
    let mut wrong = good.clone();
    wrong["results"][0]["samples"][0]["work"] = serde_json::json!("many");
    for broken in [without, unknown, wrong] {
        assert!(!errors_of_schema(&broken).is_empty());
    }
    assert_eq!(errors_of_schema(&good), Vec::<String>::new());
}

#[test]
fn a_second_record_of_the_same_second_gets_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let (record, at) = (record(), Utc::from_unix_seconds(1_438_269_973));
    let first = record.save(folder.path(), at).unwrap();
    let second = record.save(folder.path(), at).unwrap();
    assert_ne!(first, second);
    assert_eq!(second.file_name().unwrap(), "2015-07-30T152613Z-keccak-2.json");
    assert_eq!(std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
}

#[test]
fn files_that_are_no_records_or_of_another_version_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let message = |path: &std::path::Path| Record::load(path).unwrap_err().to_string();
    assert!(message(&path).contains("a.json"));
    std::fs::write(&path, "{\"schema_version\": 1}").unwrap();
    assert!(message(&path).contains("not a benchmark record"), "{}", message(&path));
    std::fs::write(&path, "{\"schema_version\": 99}").unwrap();
    assert!(message(&path).contains("schema version 99"), "{}", message(&path));
}

fn set_rates(measurement: &mut Measurement, rates: &[f64]) {
    measurement.rate = Summary::of(rates).unwrap();
}

#[test]
fn comparison_tells_ratios_and_whether_the_ranges_lie_apart() {
    let (mut left, mut right) = (record(), record());
    set_rates(&mut left.results[0], &[90.0, 100.0, 110.0]);
    set_rates(&mut right.results[0], &[180.0, 200.0, 220.0]);
    let comparison = compare(&left, &right).unwrap();
    assert!((comparison.rows[0].ratio - 2.0).abs() < 1e-12 && comparison.rows[0].is_clear);
    set_rates(&mut right.results[0], &[105.0, 120.0, 130.0]);
    assert!(!compare(&left, &right).unwrap().rows[0].is_clear);
}

#[test]
fn comparison_warns_of_other_machines_and_noise_and_lists_what_has_no_partner() {
    let (mut left, mut right) = (record(), record());
    left.noise.warnings.clear();
    right.noise.warnings = vec!["a neighbour".to_owned()];
    right.machine.cpu_model = "another processor".to_owned();
    right.results[0].identity.threads = 7;
    let comparison = compare(&left, &right).unwrap();
    let warnings = comparison.warnings.join("\n");
    assert!(warnings.contains("another processor") && warnings.contains("a neighbour"), "{warnings}");
    assert!(comparison.rows.is_empty());
    assert_eq!((comparison.only_left.len(), comparison.only_right.len()), (1, 1));
    assert!(comparison.only_right[0].contains("7 threads"));
}

#[test]
fn records_of_different_benchmarks_are_not_compared() {
    let (left, mut right) = (record(), record());
    right.benchmark = "dag".to_owned();
    assert!(matches!(compare(&left, &right), Err(BenchError::DifferentBenchmarks { .. })));
}
