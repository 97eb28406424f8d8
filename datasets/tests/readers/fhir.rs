//! FHIR R4 NDJSON against figures taken from the same lines by a plain JSON parser.

use std::collections::BTreeSet;
use std::io::Read;

use medrec_datasets::{DatasetError, Format, OnBadRow, ReadOptions, convert};
use medrec_domain::schema::Table;
use serde_json::Value;

use crate::exact::{
    Counts, canonical, exact_options, found_in, persons_by, rendered, rows_by, shared, summary,
};

const NAME: &str = "fhir-r4-ndjson";

fn resources(kind: &str) -> Vec<Value> {
    let file = std::fs::File::open(shared(NAME).join(format!("{kind}.ndjson.gz"))).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("None")
}

fn count_by(kind: &str, key: impl Fn(&Value) -> String) -> Counts {
    let mut counts = Counts::new();
    for resource in resources(kind) {
        *counts.entry(key(&resource)).or_default() += 1;
    }
    counts
}

#[test]
fn counts_agree_with_a_plain_json_parser() {
    let (_directory, folder, report) = canonical(&shared(NAME), &Format::FhirNdjson, &exact_options());
    assert!(report.rows_skipped.is_empty() && report.missing_files.is_empty(), "{report:?}");
    let code = |resource: &Value| text(resource, "/code/coding/0/code").to_owned();
    assert_eq!(
        rows_by(&folder, Table::Person, ["sex"]),
        count_by("Patient", |it| text(it, "/gender").to_owned())
    );
    assert_eq!(
        rows_by(&folder, Table::Person, ["birth_year"]),
        count_by("Patient", |it| text(it, "/birthDate")[..4].to_owned())
    );
    assert_eq!(
        rows_by(&folder, Table::Encounter, ["source_class", "organisation_id"]),
        count_by("Encounter", |it| {
            let organisation =
                text(it, "/serviceProvider/reference").trim_start_matches("Organization/").to_owned();
            format!("{}|{organisation}", text(it, "/class/code"))
        })
    );
    let dated = |it: &Value, element: &str| format!("{}|{}", code(it), &text(it, element)[..10]);
    assert_eq!(
        rows_by(&folder, Table::Condition, ["code", "start_date"]),
        count_by("Condition", |it| dated(it, "/onsetDateTime"))
    );
    assert_eq!(
        rows_by(&folder, Table::Procedure, ["code", "date"]),
        count_by("Procedure", |it| dated(it, "/performedPeriod/start"))
    );
    let medications = rows_by(&folder, Table::Medication, ["code_system"]);
    assert_eq!(medications, Counts::from([("cvx".into(), 2_269), ("rxnorm".into(), 1_559)]));
    assert_eq!(rows_by(&folder, Table::Organisation, ["organisation_id"]).len(), 79);
}

#[test]
fn panels_become_their_components_and_free_text_is_dropped() {
    let (_directory, folder, _) = canonical(&shared(NAME), &Format::FhirNdjson, &exact_options());
    let observations = resources("Observation");
    let (mut components, mut rows, mut strings) = (0, 0, Vec::new());
    for it in &observations {
        let parts = it["component"].as_array().map_or(0, Vec::len);
        components += parts;
        rows += parts.max(1);
        strings.extend(it["valueString"].as_str());
    }
    assert!(components > 3_000 && !strings.is_empty());
    assert_eq!(rows_by(&folder, Table::Measurement, ["person_id"]).values().sum::<u64>(), rows as u64);
    assert_eq!(rows_by(&folder, Table::Measurement, ["category"])["vital-signs"], 8_463 + 28 + 1_862);
    let measurements = rendered(&folder, Table::Measurement);
    for string in strings {
        assert!(!measurements.contains(&format!("\t{string}\t")), "{string:?} was written");
    }
    // Systolic pressure is a component; body mass index is a value.
    let systolic: Vec<f64> = observations
        .iter()
        .flat_map(|it| it["component"].as_array().cloned().unwrap_or_default())
        .filter(|it| text(it, "/code/coding/0/code") == "8480-6")
        .map(|it| it["valueQuantity"]["value"].as_f64().unwrap())
        .collect();
    let found = summary(&folder, "8480-6");
    assert_eq!(found.rows, systolic.len() as u64);
    assert!((found.max - systolic.iter().copied().fold(0.0, f64::max)).abs() < 1e-12);
    assert!(persons_by(&folder, Table::Measurement, ["unit"])["mm[Hg]"] > 150);
}

#[test]
fn no_identifier_of_fhir_patients_is_written() {
    let (_directory, folder, _) = canonical(&shared(NAME), &Format::FhirNdjson, &exact_options());
    let mut secrets = BTreeSet::new();
    for it in resources("Patient") {
        secrets.insert(text(&it, "/id").to_owned());
        secrets.insert(text(&it, "/telecom/0/value").to_owned());
        secrets.insert(text(&it, "/address/0/line/0").to_owned());
        secrets.insert(text(&it, "/birthDate").to_owned());
        let names = it["name"].as_array().unwrap().iter();
        secrets.extend(names.map(|name| format!("{} {}", text(name, "/given/0"), text(name, "/family"))));
        let identifiers = it["identifier"].as_array().unwrap().iter();
        secrets.extend(identifiers.map(|identifier| text(identifier, "/value").to_owned()));
        let extensions = it["extension"].as_array().unwrap().iter();
        secrets.extend(extensions.filter_map(|it| it["valueString"].as_str()).map(str::to_owned));
    }
    assert!(secrets.len() > 1_000, "{}", secrets.len());
    // A day of birth may be the day of somebody's encounter, so days are looked for among persons only.
    let is_date = |secret: &String| secret.len() == 10 && secret.as_bytes()[4] == b'-';
    let (dates, secrets): (BTreeSet<_>, BTreeSet<_>) = secrets.into_iter().partition(is_date);
    assert!(secrets.iter().all(|secret| secret.len() >= 6), "a shorter identifier would not be found");
    let persons = rendered(&folder, Table::Person);
    assert_eq!(found_in(persons.as_bytes(), &dates, false), [""; 0]);
    let everything: String = Table::ALL.into_iter().map(|table| rendered(&folder, table)).collect();
    assert_eq!(found_in(everything.as_bytes(), &secrets, false), [""; 0]);
    // Family names are also common words, so they are looked for as whole cells.
    let cells: BTreeSet<&str> = everything.split(['\t', '\n']).collect();
    for it in resources("Patient") {
        assert!(
            !cells.contains(text(&it, "/name/0/family")) && !cells.contains(text(&it, "/name/0/given/0"))
        );
    }
}

#[test]
fn references_dates_parts_and_void_resources_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, lines: &[&str]| std::fs::write(folder.path().join(name), lines.join("\n")).unwrap();
    write(
        "Patient.000.ndjson",
        &[r#"{"resourceType":"Patient","id":"a","gender":"female","birthDate":"1980"}"#],
    );
    write(
        "Patient.001.ndjson",
        &["", r#"{"gender":"other","id":"b","resourceType":"Patient","birthDate":"1980-05"}"#],
    );
    write(
        "Condition.ndjson",
        &[
            r#"{"resourceType":"Condition","code":{"coding":[{"code":"x1"},{"system":"http://snomed.info/sct","code":"38341003"}]},"subject":{"reference":"https://host/fhir/Patient/a/_history/2"},"onsetDateTime":"2001"}"#,
            r#"{"resourceType":"Condition","code":{"coding":[{"system":"http://local","code":"x1"}]},"subject":{"reference":"urn:uuid:b"},"recordedDate":"2002-03"}"#,
            r#"{"resourceType":"Condition","verificationStatus":{"coding":[{"code":"entered-in-error"}]},"code":{"coding":[{"code":"x1"}]},"subject":{"reference":"Patient/a"},"recordedDate":"2002-03"}"#,
            r#"{"resourceType":"Condition","code":{"text":"Ann has a cold"},"subject":{"reference":"Patient/a"},"recordedDate":"2002-03"}"#,
            r#"{"resourceType":"Observation","id":"o"}"#,
            r#"{"resourceType":"Condition","#,
        ],
    );
    let options = ReadOptions { on_bad_row: OnBadRow::Skip, ..exact_options() };
    let (_directory, read, report) = canonical(folder.path(), &Format::FhirNdjson, &options);
    let rows = rows_by(&read, Table::Condition, ["code_system", "code", "start_date"]);
    assert_eq!(rows.keys().collect::<Vec<_>>(), ["other|x1|2002-03-01", "snomed|38341003|2001-01-01"]);
    assert_eq!(
        rows_by(&read, Table::Person, ["sex", "birth_year"]).keys().collect::<Vec<_>>(),
        ["female|1980", "other|1980"]
    );
    let shown: Vec<String> = report.bad_rows.iter().map(ToString::to_string).collect();
    assert_eq!(shown[0], "Condition.ndjson:4: code \"\" has no coding");
    assert_eq!(shown[1], "Condition.ndjson:5: resourceType \"Observation\" is not Condition");
    assert!(shown[2].starts_with("Condition.ndjson:6: json \"\" EOF"), "{}", shown[2]);
    let (empty, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let error = convert(empty.path(), &Format::FhirNdjson, &options, out.path(), &()).unwrap_err();
    assert!(matches!(error, DatasetError::MissingFile { .. }), "{error}");
}

#[test]
fn medications_are_followed_into_the_request_and_into_the_export() {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, lines: &[&str]| std::fs::write(folder.path().join(name), lines.join("\n")).unwrap();
    write("Patient.ndjson", &[r#"{"resourceType":"Patient","id":"a","birthDate":"1980"}"#]);
    write(
        "Medication.000.ndjson",
        &[
            r#"{"resourceType":"Medication","id":"m1","code":{"coding":[{"system":"http://www.nlm.nih.gov/research/umls/rxnorm","code":"313782"}]}}"#,
        ],
    );
    write(
        "Medication.001.ndjson",
        &[
            r#"{"resourceType":"Medication","id":"m2","code":{"coding":[{"system":"http://www.nlm.nih.gov/research/umls/rxnorm","code":"313782"}]}}"#,
            r#"{"resourceType":"Medication","id":"m3","code":{"text":"what Ann takes"}}"#,
        ],
    );
    let request = |reference: &str, more: &str| {
        format!(
            r#"{{"resourceType":"MedicationRequest","status":"active",{more}"medicationReference":{{"reference":"{reference}"}},"subject":{{"reference":"Patient/a"}},"authoredOn":"2020-05-06"}}"#
        )
    };
    let contained = r#""contained":[{"resourceType":"Substance","id":"s","code":"x"},{"resourceType":"Medication","id":"in","code":{"coding":[{"system":"http://www.nlm.nih.gov/research/umls/rxnorm","code":"310965"}]}}],"#;
    let requests = [
        request("Medication/m1", ""),
        request("https://host/fhir/Medication/m2/_history/1", ""),
        request("#in", contained),
        request("#s", contained),
        request("Medication/m3", ""),
        request("Medication/gone", ""),
    ];
    write("MedicationRequest.ndjson", &requests.each_ref().map(String::as_str));
    let options = ReadOptions { on_bad_row: OnBadRow::Skip, ..exact_options() };
    let (_directory, read, report) = canonical(folder.path(), &Format::FhirNdjson, &options);
    let rows = rows_by(&read, Table::Medication, ["code_system", "code"]);
    assert_eq!(rows, [("rxnorm|310965".to_owned(), 1), ("rxnorm|313782".to_owned(), 2)].into());
    let shown: Vec<String> = report.bad_rows.iter().map(ToString::to_string).collect();
    let unknown = "is no medication of this source";
    assert_eq!(
        shown,
        [
            "Medication.001.ndjson:2: code \"\" has no coding".to_owned(),
            format!("MedicationRequest.ndjson:4: medicationReference \"#s\" {unknown}"),
            format!("MedicationRequest.ndjson:5: medicationReference \"Medication/m3\" {unknown}"),
            format!("MedicationRequest.ndjson:6: medicationReference \"Medication/gone\" {unknown}"),
        ]
    );
}
