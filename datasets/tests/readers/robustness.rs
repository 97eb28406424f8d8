//! Broken rows, compression, threads.

use std::io::Write;
use std::path::Path;

use medrec_datasets::{DatasetError, Format, OnBadRow, ReadOptions, convert};
use medrec_domain::schema::Table;

use crate::exact::{canonical, exact_options, rendered, rows_by, shared};

const PATIENTS: &str = "\
Id,BIRTHDATE,DEATHDATE,SSN,FIRST,LAST,RACE,ETHNICITY,GENDER,ADDRESS,STATE,ZIP
p1,1980-01-31,,999-11-1111,Ann1,Lee2,white,nonhispanic,F,1 Main St,Massachusetts,2139
p2,19-13-01,,999-22-2222,Bob3,Lee2,black,hispanic,M,1 Main St,Massachusetts,02139
p3,1990-05-05,1989-01-01,999-33-3333,Cyd4,Lee2,asian,hispanic,M,\"2 Main St, Apt 1\",MA,02139
p4,1991-06-06,,999-44-4444,Dee5,Lee2,asian,hispanic,F,\"3
Main St\",MA,05901
p1,1980-01-31,,999-11-1111,Ann1,Lee2,white,nonhispanic,F,1 Main St,Massachusetts,2139
p6,1992-06-06,,999-66-6666
";
const ENCOUNTERS: &str = "\
Id,START,STOP,PATIENT,ORGANIZATION,ENCOUNTERCLASS,CODE
e1,2020-01-01T10:00:00Z,2020-01-01T11:00:00Z,p1,o1,AMB,185349003
e2,2020-02-01T10:00:00Z,,p4,o2,Visit of Mr Lee,185349003
e3,2020-02-30T10:00:00Z,,p4,o2,ambulatory,185349003
e4,2020-02-20T10:00:00Z,,p9,o2,ambulatory,185349003
";
const OBSERVATIONS: &str = "\
DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE
2020-01-01T10:00:00Z,p1,e1,vital-sign,8302-2,Height,170.5,cm,numeric
2020-01-01T10:00:00Z,p1,e1,laboratory,2498-4,Iron,high,ug/dL,numeric
2020-01-01T10:00:00Z,p1,e1,social-history,72166-2,Smoking,Never smoker,,text
2020-01-01T10:00:00Z,p1,e1,survey,1234-5,Remark,call Ann1 at 555-1234,,text
2020-01-01T10:00:00Z,p1,e1,survey,Ann Lee,Remark,1,,numeric
";

fn broken_source() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in
        [("patients.csv", PATIENTS), ("encounters.csv", ENCOUNTERS), ("observations.csv", OBSERVATIONS)]
    {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn skipping() -> ReadOptions {
    ReadOptions { on_bad_row: OnBadRow::Skip, ..exact_options() }
}

#[test]
fn the_first_broken_row_is_named_with_file_line_column_and_value() {
    let (source, out) = (broken_source(), tempfile::tempdir().unwrap());
    let error = convert(source.path(), &Format::SyntheaCsv, &exact_options(), out.path(), &()).unwrap_err();
    assert!(matches!(error, DatasetError::BadRow(_)));
    // Encounters are read before the rows of persons, so their first broken row comes first.
    assert_eq!(error.to_string(), "encounters.csv:4: START \"2020-02-30T10:00:00Z\" is not a date");
    std::fs::remove_file(source.path().join("encounters.csv")).unwrap();
    let error = convert(source.path(), &Format::SyntheaCsv, &exact_options(), out.path(), &()).unwrap_err();
    assert_eq!(error.to_string(), "patients.csv:3: BIRTHDATE \"19-13-01\" is not a date");
}

#[test]
fn broken_rows_are_skipped_counted_and_listed() {
    let source = broken_source();
    let (_directory, folder, report) = canonical(source.path(), &Format::SyntheaCsv, &skipping());
    let shown: Vec<String> = report.bad_rows.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "encounters.csv:4: START \"2020-02-30T10:00:00Z\" is not a date",
            "encounters.csv:5: PATIENT \"p9\" is no patient of this source",
            "patients.csv:3: BIRTHDATE \"19-13-01\" is not a date",
            "patients.csv:4: DEATHDATE \"1989-01-01\" lies before the birth",
            "patients.csv:7: patient \"\" appears a second time",
            "patients.csv:8: row \"4 fields\" does not match the header's 12",
            "observations.csv:3: VALUE \"high\" is not a number",
            "observations.csv:6: CODE \"Ann Lee\" is not a code",
        ]
    );
    assert_eq!(report.rows_skipped["patients.csv"], 4);
    assert_eq!(report.rows_read["patients.csv"], 6);
    assert_eq!(report.rows_written[&Table::Person], 2);
    assert_eq!(report.missing_files.len(), 5);
    assert_eq!(rows_by(&folder, Table::Person, ["zip3"]).keys().collect::<Vec<_>>(), ["000", "021"]);
    let encounters = rows_by(&folder, Table::Encounter, ["class", "source_class", "organisation_id"]);
    assert_eq!(encounters.keys().collect::<Vec<_>>(), ["ambulatory|AMB|o1", "other|None|o2"]);
    let everything: String = Table::ALL.into_iter().map(|table| rendered(&folder, table)).collect();
    for secret in ["Ann", "Lee", "999-", "Main", "555", "Mr"] {
        assert!(!everything.contains(secret), "{secret} was written");
    }
    assert!(everything.contains("266919005"), "the known answer \"Never smoker\" was lost");
}

#[test]
fn missing_files_and_columns_are_named() {
    let (empty, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let read = |folder: &Path| {
        convert(folder, &Format::SyntheaCsv, &exact_options(), out.path(), &()).unwrap_err().to_string()
    };
    assert!(read(empty.path()).ends_with("has no patients.csv (looked for it plain, as .gz and as .zst)"));
    std::fs::write(empty.path().join("patients.csv"), "Id,GENDER\np1,F\n").unwrap();
    assert_eq!(read(empty.path()), "patients.csv has no column BIRTHDATE");
    assert!(read(&empty.path().join("nowhere")).contains("is not a folder"));
}

#[test]
fn a_truncated_gzip_is_an_error_and_not_a_short_table() {
    let (folder, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = std::fs::read(shared("synthea-ma-csv").join("patients.csv.gz")).unwrap();
    std::fs::write(folder.path().join("patients.csv.gz"), &whole[..whole.len() / 2]).unwrap();
    let error = convert(folder.path(), &Format::SyntheaCsv, &exact_options(), out.path(), &()).unwrap_err();
    assert!(matches!(error, DatasetError::Io { .. }), "{error}");
}

#[test]
fn plain_gzip_and_zstandard_read_alike() {
    let (plain, packed) = (broken_source(), tempfile::tempdir().unwrap());
    for (name, text) in [("patients.csv", PATIENTS), ("encounters.csv", ENCOUNTERS)] {
        let bytes = zstd::encode_all(text.as_bytes(), 3).unwrap();
        std::fs::write(packed.path().join(format!("{name}.zst")), bytes).unwrap();
    }
    let file = std::fs::File::create(packed.path().join("observations.csv.gz")).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    encoder.write_all(OBSERVATIONS.as_bytes()).unwrap();
    encoder.finish().unwrap();
    let (_one, plain, plain_report) = canonical(plain.path(), &Format::SyntheaCsv, &skipping());
    let (_two, packed, packed_report) = canonical(packed.path(), &Format::SyntheaCsv, &skipping());
    assert_eq!(plain_report, packed_report);
    for table in Table::ALL {
        assert_eq!(rendered(&plain, table), rendered(&packed, table));
    }
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let source = shared("synthea-ma-csv");
    let bytes = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (_directory, folder, _) =
            pool.install(|| canonical(&source, &Format::SyntheaCsv, &exact_options()));
        Table::ALL.map(|table| std::fs::read(&folder.files(table).unwrap()[0]).unwrap())
    };
    let one = bytes(1);
    assert!(one == bytes(3) && one == bytes(8));
}
