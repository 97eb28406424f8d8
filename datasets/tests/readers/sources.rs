//! A source answers for one patient what a release would say about her, wherever the records are.

use std::collections::BTreeMap;
use std::path::Path;

use arrow_array::RecordBatch;
use medrec_datasets::synth::{SynthFormat, SynthOptions, run, source_id};
use medrec_datasets::{
    DatabaseUrl, DatasetError, Days, Format, Location, OnBadRow, ReadOptions, RecordSource, SqlMapping,
};
use medrec_domain::schema::{ColumnSpec, Table};

use crate::exact::{cell, exact_options, found_in, rendered};

pub(crate) const CLINIC: &str = include_str!("../../mappings/clinic.toml");

/// Tables that hold rows of persons.
pub(crate) const PERSONAL: [Table; 6] = [
    Table::Person,
    Table::Encounter,
    Table::Condition,
    Table::Measurement,
    Table::Medication,
    Table::Procedure,
];

pub(crate) fn population(persons: u64, format: SynthFormat) -> SynthOptions {
    SynthOptions::new(11, persons, 9, format)
}

/// A database with the mapping of the clinic.
pub(crate) fn clinic(url: &str) -> Location {
    mapped(url, CLINIC)
}

pub(crate) fn mapped(url: &str, mapping: &str) -> Location {
    Location::Database {
        url: DatabaseUrl::parse(url).unwrap(),
        mapping: Box::new(SqlMapping::parse("clinic.toml", mapping).unwrap()),
    }
}

pub(crate) fn sqlite_url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("clinic.sqlite").display())
}

pub(crate) fn opened(location: &Location, work: &Path) -> RecordSource {
    RecordSource::open(location, exact_options(), work, &()).unwrap()
}

pub(crate) fn all_columns(table: Table) -> Vec<&'static ColumnSpec> {
    table.columns().iter().collect()
}

/// Rows of a batch as text, one a line.
pub(crate) fn lines(batch: &RecordBatch, table: Table) -> Vec<String> {
    let schema = batch.schema();
    let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
    (0..batch.num_rows())
        .map(|row| {
            let cells = names.iter().map(|name| cell(batch, table, name, row).unwrap_or_default() + "\t");
            cells.collect()
        })
        .collect()
}

/// What a release of the source holds, by table and person, rows in their order.
fn released(source: &RecordSource) -> BTreeMap<(Table, String), Vec<String>> {
    let out = tempfile::tempdir().unwrap();
    let (folder, _) = source.convert(out.path(), &()).unwrap();
    let mut rows: BTreeMap<(Table, String), Vec<String>> = BTreeMap::new();
    for table in PERSONAL {
        let place = table.columns().iter().position(|column| column.name == "person_id").unwrap();
        for line in rendered(&folder, table).lines() {
            let person = line.split('\t').nth(place).unwrap().to_owned();
            rows.entry((table, person)).or_default().push(line.to_owned());
        }
    }
    rows
}

/// Every person's rows are those of the release, for all tables and columns.
pub(crate) fn assert_answers_like_a_release(source: &RecordSource, ids: &[String]) {
    let released = released(source);
    let mut seen = 0;
    for id in ids {
        assert!(source.has_patient(id).unwrap(), "{id}");
        let person = exact_options().key.person(id).0.to_string();
        for table in PERSONAL {
            let batch = source.patient(id, table, &all_columns(table), Days::ALL).unwrap();
            let expected = released.get(&(table, person.clone())).cloned().unwrap_or_default();
            assert_eq!(lines(&batch, table), expected, "{table} of {id}");
            seen += expected.len();
        }
    }
    assert_eq!(seen, released.values().map(Vec::len).sum::<usize>(), "rows of persons nobody asked about");
    assert!(seen > 100 * ids.len() / 10);
}

fn ids(options: &SynthOptions) -> Vec<String> {
    (0..options.persons).map(|index| source_id(options, index).unwrap()).collect()
}

#[test]
fn every_format_answers_for_one_patient_what_a_release_says_about_her() {
    for (format, reader) in [
        (SynthFormat::SyntheaCsv, Format::SyntheaCsv),
        (SynthFormat::FhirNdjson, Format::FhirNdjson),
        (SynthFormat::Omop54, Format::Omop),
        (SynthFormat::Parquet, Format::Parquet),
    ] {
        let (records, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let options = population(150, format);
        run(&options, records.path(), &()).unwrap();
        let location = Location::Folder { path: records.path().to_path_buf(), format: reader };
        assert_answers_like_a_release(&opened(&location, work.path()), &ids(&options));
    }
}

#[test]
fn a_sqlite_database_answers_for_one_patient_what_a_release_says_about_her() {
    let (records, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = population(150, SynthFormat::Sqlite);
    run(&options, records.path(), &()).unwrap();
    let source = opened(&clinic(&sqlite_url(records.path())), work.path());
    assert_answers_like_a_release(&source, &ids(&options));
    assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 0, "a database needs no index");
}

#[test]
fn only_what_was_asked_for_comes_back() {
    let (records, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sqlite = tempfile::tempdir().unwrap();
    let options = population(40, SynthFormat::SyntheaCsv);
    run(&options, records.path(), &()).unwrap();
    run(&population(40, SynthFormat::Sqlite), sqlite.path(), &()).unwrap();
    let folder = Location::Folder { path: records.path().to_path_buf(), format: Format::SyntheaCsv };
    let sources = [
        (opened(&folder, work.path()), ids(&options)),
        (opened(&clinic(&sqlite_url(sqlite.path())), work.path()), ids(&population(40, SynthFormat::Sqlite))),
    ];
    let column = |name: &str| Table::Measurement.column(name).unwrap();
    let asked = [column("value"), column("date"), column("code")];
    let days = Days { from: "2021-01-01".parse().ok(), until: "2022-07-01".parse().ok() };
    let mut rows = [0, 0];
    for (place, (source, ids)) in sources.iter().enumerate() {
        for id in ids {
            let some = source.patient(id, Table::Measurement, &asked, days).unwrap();
            let names: Vec<_> = some.schema().fields().iter().map(|field| field.name().clone()).collect();
            assert_eq!(names, ["value", "date", "code"]);
            let all = source.patient(id, Table::Measurement, &asked, Days::ALL).unwrap();
            let day = |line: &String| line.split('\t').nth(1).unwrap().to_owned();
            let within = |line: &String| ("2021-01-01".."2022-07-01").contains(&day(line).as_str());
            let mut expected = lines(&all, Table::Measurement);
            expected.retain(within);
            assert_eq!(lines(&some, Table::Measurement), expected);
            rows[place] += expected.len();
        }
        let refused = source.patient(&ids[0], Table::Condition, &asked, days).unwrap_err();
        assert_eq!(refused.to_string(), "columns name value, which condition does not have");
        assert!(source.patient(&ids[0], Table::Condition, &[], days).is_err());
        let nobody = source.patient("nobody", Table::Measurement, &asked, days).unwrap();
        assert_eq!((nobody.num_rows(), nobody.num_columns()), (0, 3));
        assert!(!source.has_patient("nobody").unwrap() && !source.has_patient("").unwrap());
    }
    assert!(rows[0] > 300 && rows[0] == rows[1], "{rows:?}");
}

#[test]
fn a_folder_is_read_again_on_request_and_a_database_always() {
    let (records, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(&population(5, SynthFormat::SyntheaCsv), records.path(), &()).unwrap();
    let location = Location::Folder { path: records.path().to_path_buf(), format: Format::SyntheaCsv };
    let source = opened(&location, work.path());
    let sixth = source_id(&population(6, SynthFormat::SyntheaCsv), 5).unwrap();
    run(&population(6, SynthFormat::SyntheaCsv), records.path(), &()).unwrap();
    assert!(!source.has_patient(&sixth).unwrap());
    source.refresh(&()).unwrap();
    assert!(source.has_patient(&sixth).unwrap());
    // A folder that broke meanwhile leaves what was there.
    std::fs::write(records.path().join("patients.csv"), "Id,BIRTHDATE,GENDER\nx,yesterday,F\n").unwrap();
    assert!(matches!(source.refresh(&()), Err(DatasetError::BadRow(_))));
    assert!(source.has_patient(&sixth).unwrap());
}

#[test]
fn the_index_is_readable_by_its_owner_alone_and_holds_no_identifier() {
    use std::os::unix::fs::PermissionsExt as _;
    let (records, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(&population(300, SynthFormat::SyntheaCsv), records.path(), &()).unwrap();
    let location = Location::Folder { path: records.path().to_path_buf(), format: Format::SyntheaCsv };
    opened(&location, work.path());
    let text = std::fs::read_to_string(records.path().join("patients.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let columns = [0, 1, 3, 4, 5, 7, 8, 16, 17, 21, 22];
    let secrets = records.iter().flat_map(|record| columns.map(|column| record[column].to_owned())).collect();
    let folder = work.path().join("records");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(found_in(&bytes, &secrets, false), [""; 0], "{}", path.display());
        files += 1;
    }
    assert_eq!(files, 2, "something was left behind");
}

#[test]
fn broken_rows_of_a_patient_stop_her_read_or_are_left_out_as_the_options_say() {
    let (records, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(&population(20, SynthFormat::Sqlite), records.path(), &()).unwrap();
    crate::servers::sqlite(
        &sqlite_url(records.path()),
        "UPDATE diagnoses SET snomed_code = 'not a code' WHERE rowid = 1;
         UPDATE results SET result_value = 'high' WHERE rowid = 1;
         INSERT INTO visits SELECT max(visit_no) + 1, 999, clinic_code, 'office', arrived_at, NULL, NULL, NULL FROM visits;",
    );
    let location = clinic(&sqlite_url(records.path()));
    let strict = opened(&location, work.path());
    let error = strict.convert(&work.path().join("out"), &()).unwrap_err().to_string();
    assert!(error.contains("visits:") && error.contains("patients.mrn"), "{error}");
    let options = ReadOptions { on_bad_row: OnBadRow::Skip, ..exact_options() };
    let patient = RecordSource::open(&location, options, work.path(), &()).unwrap();
    let (_, report) = patient.convert(&work.path().join("out"), &()).unwrap();
    let skipped: Vec<(&str, u64)> =
        report.rows_skipped.iter().map(|(table, rows)| (table.as_str(), *rows)).collect();
    assert_eq!(skipped, [("diagnoses", 1), ("results", 1), ("visits", 1)]);
    let all = all_columns(Table::Condition);
    let refused = (1..=20).filter(|number| {
        let id = format!("MRN-{number:08}");
        assert!(patient.patient(&id, Table::Condition, &all, Days::ALL).is_ok());
        strict.patient(&id, Table::Condition, &all, Days::ALL).is_err()
    });
    assert_eq!(refused.count(), 1);
}
