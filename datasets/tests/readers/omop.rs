//! OMOP CDM against figures taken from the same files by a plain CSV parser.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use medrec_datasets::{Format, ReadOptions, convert};
use medrec_domain::schema::Table;

use crate::exact::{Counts, canonical, exact_options, rendered, rows_by, shared};

const NAME: &str = "omop-gibleed-5.3";

/// Rows of a file as maps from column to field.
fn records(file: &str) -> Vec<BTreeMap<String, String>> {
    let packed = std::fs::File::open(shared(NAME).join(format!("{file}.csv.gz"))).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

fn count(file: &str, key: impl Fn(&BTreeMap<String, String>) -> String) -> Counts {
    let mut counts = Counts::new();
    for record in records(file) {
        *counts.entry(key(&record)).or_default() += 1;
    }
    counts
}

#[test]
fn counts_agree_with_a_plain_csv_parser() {
    let (_directory, folder, report) = canonical(&shared(NAME), &Format::Omop, &exact_options());
    assert!(report.rows_skipped.is_empty(), "{report:?}");
    assert_eq!(report.missing_files, ["location.csv", "care_site.csv", "death.csv"]);
    let concepts: BTreeMap<String, String> = records("concept")
        .into_iter()
        .map(|it| {
            (
                it["concept_id"].clone(),
                format!("{}|{}", it["vocabulary_id"].to_lowercase(), it["concept_code"]),
            )
        })
        .collect();
    for (table, file, stem, date) in [
        (Table::Condition, "condition_occurrence", "condition", "condition_start_date"),
        (Table::Medication, "drug_exposure", "drug", "drug_exposure_start_date"),
        (Table::Procedure, "procedure_occurrence", "procedure", "procedure_date"),
    ] {
        let expected = count(file, |it| {
            let concept = &it[&format!("{stem}_concept_id")];
            let unknown = || format!("omop|{}", concept.trim_end_matches(".0"));
            format!("{}|{}", concepts.get(concept).cloned().unwrap_or_else(unknown), it[date])
        });
        let columns = ["code_system", "code", if table == Table::Procedure { "date" } else { "start_date" }];
        assert_eq!(rows_by(&folder, table, columns), expected, "{file}");
    }
    assert_eq!(report.rows_written[&Table::Measurement], 44_053 + records("observation").len() as u64);
    let years = count("person", |it| it["year_of_birth"].trim_end_matches(".0").to_owned());
    assert_eq!(rows_by(&folder, Table::Person, ["birth_year"]), years);
    let sexes =
        count("person", |it| if it["gender_source_value"] == "F" { "female".into() } else { "male".into() });
    assert_eq!(rows_by(&folder, Table::Person, ["sex"]), sexes);
    let hispanic = count("person", |it| it["ethnicity_concept_id"].clone())["38003563.0"];
    assert_eq!(rows_by(&folder, Table::Person, ["ethnicity"])["hispanic"], hispanic);
    assert_eq!(rows_by(&folder, Table::Encounter, ["class"]), Counts::from([("inpatient".into(), 1_037)]));
}

#[test]
fn no_source_value_of_a_person_is_written() {
    let (_directory, folder, _) = canonical(&shared(NAME), &Format::Omop, &exact_options());
    let everything: String = Table::ALL.into_iter().map(|table| rendered(&folder, table)).collect();
    let cells: BTreeSet<&str> = everything.split(['\t', '\n']).collect();
    let secrets: Vec<String> =
        records("person").into_iter().map(|it| it["person_source_value"].clone()).collect();
    assert_eq!(secrets.len(), 2_694);
    for secret in secrets {
        assert!(!cells.contains(secret.as_str()), "{secret:?} was written");
    }
}

#[test]
fn sites_can_be_made_where_the_source_has_none() {
    let options = ReadOptions { synthetic_sites: 12, ..exact_options() };
    let (_directory, folder, report) = canonical(&shared(NAME), &Format::Omop, &options);
    assert_eq!(report.rows_written[&Table::Organisation], 12);
    let sizes = rows_by(&folder, Table::Person, ["organisation_id"]);
    assert_eq!(sizes.len(), 12);
    // 2,694 persons over 12 sites: 224.5 each, with a standard deviation of 14.3.
    assert!(sizes.values().all(|size| (140..310).contains(size)), "{sizes:?}");
    let of_person: BTreeMap<String, String> =
        rows_by(&folder, Table::Person, ["person_id", "organisation_id"])
            .into_keys()
            .map(|key| {
                key.split_once('|').map(|(person, site)| (person.to_owned(), site.to_owned())).unwrap()
            })
            .collect();
    for key in rows_by(&folder, Table::Condition, ["person_id", "organisation_id"]).keys() {
        let (person, site) = key.split_once('|').unwrap();
        assert_eq!(of_person[person], site, "the events of a person are at her site");
    }
}

#[test]
fn other_versions_of_the_model_are_refused() {
    let (folder, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("person.csv"), "person_id,year_of_birth,gender_concept_id\n").unwrap();
    std::fs::write(folder.path().join("cdm_source.csv"), "cdm_source_name,cdm_version\nx,v6.0\n").unwrap();
    let error = convert(folder.path(), &Format::Omop, &exact_options(), out.path(), &()).unwrap_err();
    assert_eq!(error.to_string(), "cdm_source.csv:2: cdm_version \"v6.0\" is not version 5.3 or 5.4");
}
