//! Synthea CSV: every figure of TRUTH.json.

use std::collections::BTreeMap;

use medrec_datasets::{Folder, Format};
use medrec_domain::schema::Table;
use serde_json::{Value, json};

use crate::exact::{
    Counts, canonical, each_row, exact_options, most_rows_per_person, persons_by, rows_by, shared, summary,
    truth,
};

const NAME: &str = "synthea-ma-csv";

/// The source's words for the canonical ones.
fn source_word(word: &str) -> &str {
    match word {
        "female" => "F",
        "male" => "M",
        "white" => "White",
        "black" => "Black or African American",
        "asian" => "Asian",
        "native" => "American Indian or Alaska Native",
        "other" => "Other",
        other => other,
    }
}

fn in_source_words(counts: Counts) -> Value {
    let renamed = counts
        .into_iter()
        .map(|(key, count)| (key.split('|').map(source_word).collect::<Vec<_>>().join("|"), json!(count)));
    Value::Object(renamed.collect())
}

fn decade(year: &str) -> String {
    format!("{}0s", &year[..3])
}

/// Persons with a diagnosis, by sex and decade of birth.
fn with_condition(folder: &Folder, code: &str) -> Value {
    let mut persons = BTreeMap::new();
    each_row(folder, Table::Person, ["person_id", "sex", "birth_year"], |[person, sex, year]| {
        let key = format!("{}|{}", source_word(&sex.unwrap()), decade(&year.unwrap()));
        persons.insert(person.unwrap(), key);
    });
    let mut counts = Counts::new();
    for (key, _) in rows_by(folder, Table::Condition, ["person_id", "code"]) {
        let (person, own) = key.split_once('|').unwrap();
        if own == code {
            *counts.entry(persons[person].clone()).or_default() += 1;
        }
    }
    json!(counts)
}

fn within(counts: &Counts, range: std::ops::RangeInclusive<u64>) -> Value {
    json!(counts.values().filter(|count| range.contains(count)).count())
}

fn figure(folder: &Folder, name: &str) -> Value {
    let by_condition = || persons_by(folder, Table::Condition, ["code"]);
    let cells = || persons_by(folder, Table::Condition, ["organisation_id", "code"]);
    match name {
        "patients" => json!(rows_by(folder, Table::Person, ["person_id"]).len()),
        "patients_by_GENDER" => in_source_words(rows_by(folder, Table::Person, ["sex"])),
        "patients_by_RACE" => in_source_words(rows_by(folder, Table::Person, ["race"])),
        "patients_by_GENDER_RACE" => in_source_words(rows_by(folder, Table::Person, ["sex", "race"])),
        "patients_by_birth_decade" => {
            let mut counts = Counts::new();
            for (year, count) in rows_by(folder, Table::Person, ["birth_year"]) {
                *counts.entry(decade(&year)).or_default() += count;
            }
            json!(counts)
        }
        "encounters_by_class" => json!(rows_by(folder, Table::Encounter, ["source_class"])),
        "conditions_total" => json!(by_condition().len()),
        "conditions_with_1_to_10_patients" => within(&by_condition(), 1..=10),
        "conditions_with_1_to_4_patients" => within(&by_condition(), 1..=4),
        "distinct_patients_by_condition" => json!(by_condition()),
        "distinct_patients_by_organization" => {
            json!(persons_by(folder, Table::Encounter, ["organisation_id"]))
        }
        "org_x_condition_cells" => json!(cells().len()),
        "org_x_condition_cells_1_to_10" => within(&cells(), 1..=10),
        "distinct_patients_diabetes_by_GENDER_decade" => with_condition(folder, "44054006"),
        "distinct_patients_hypertension_by_GENDER_decade" => with_condition(folder, "38341003"),
        "distinct_patients_prediabetes_by_GENDER_decade" => with_condition(folder, "15777000"),
        "max_rows_per_patient" => json!({
            "conditions": most_rows_per_person(folder, Table::Condition),
            "encounters": most_rows_per_person(folder, Table::Encounter),
            "observations": most_rows_per_person(folder, Table::Measurement),
            // The figure is about medications.csv; vaccinations have their own code system.
            "medications": rows_by(folder, Table::Medication, ["code_system", "person_id"])
                .into_iter().filter(|(key, _)| key.starts_with("rxnorm|")).map(|(_, rows)| rows).max(),
        }),
        other => panic!("TRUTH.json has a figure {other} that this test does not check"),
    }
}

#[test]
fn every_figure_of_the_truth_file_is_met() {
    let (_directory, folder, report) = canonical(&shared(NAME), &Format::SyntheaCsv, &exact_options());
    assert_eq!(report.rows_skipped.len() + report.missing_files.len(), 0, "{report:?}");
    let codes = BTreeMap::from([
        ("obs_BMI", "39156-5"),
        ("obs_HbA1c", "4548-4"),
        ("obs_SBP", "8480-6"),
        ("obs_total_cholesterol", "2093-3"),
    ]);
    let mut checked = 0;
    for (name, expected) in truth(NAME).as_object().unwrap() {
        if let Some(code) = codes.get(name.as_str()) {
            let found = summary(&folder, code);
            assert_eq!(json!(found.rows), expected["rows"], "{name}");
            assert_eq!(json!(found.patients), expected["patients"], "{name}");
            assert_eq!(json!(found.max_rows_per_patient), expected["max_rows_per_patient"], "{name}");
            // Extremes are exact; sums depend on the order of additions in their last digits.
            assert_eq!(json!(found.min), expected["min"], "{name}");
            assert_eq!(json!(found.max), expected["max"], "{name}");
            for (value, figure) in [(found.mean, "mean"), (found.sd, "sd")] {
                let expected = expected[figure].as_f64().unwrap();
                assert!(
                    (value - expected).abs() <= 1e-11 * expected,
                    "{name} {figure}: {value}, not {expected}"
                );
            }
        } else if name != "note" && name != "dataset" {
            assert_eq!(&figure(&folder, name), expected, "{name}");
        }
        checked += 1;
    }
    assert_eq!(checked, 23, "TRUTH.json has changed");
}

#[test]
fn every_row_of_every_file_arrives() {
    let (_directory, folder, report) = canonical(&shared(NAME), &Format::SyntheaCsv, &exact_options());
    let written = |table: Table| report.rows_written[&table];
    assert_eq!(written(Table::Person), 1_097);
    assert_eq!(written(Table::Encounter), 29_933);
    assert_eq!(written(Table::Condition), 7_337);
    assert_eq!(written(Table::Measurement), 150_844);
    assert_eq!(written(Table::Medication), 7_088 + 13_896);
    assert_eq!(written(Table::Procedure), 25_020);
    assert_eq!(written(Table::Organisation), 82);
    assert_eq!(rows_by(&folder, Table::Measurement, ["category"])["laboratory"], 83_332);
    assert_eq!(
        rows_by(&folder, Table::Person, ["nation", "region"]),
        Counts::from([("US|MA".into(), 1_097)])
    );
    // Nineteen postal codes are missing or zero; none is longer than three digits.
    assert!(rows_by(&folder, Table::Person, ["zip3"]).keys().all(|zip| zip.len() == 3 || zip == "None"));
    // Everybody who has an encounter has an organisation.
    assert!(!rows_by(&folder, Table::Person, ["organisation_id"]).contains_key("None"));
}
