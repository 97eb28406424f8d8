//! Mappings of databases: what is misspelt is named with its line, and nothing but names gets in.

use medrec_datasets::synth::{SynthFormat, run};
use medrec_datasets::{DatabaseUrl, RecordSource, SqlMapping};

use crate::exact::exact_options;
use crate::sources::{CLINIC, mapped, population, sqlite_url};

/// The line of the clinic's mapping that holds this text first.
fn line_of(text: &str) -> usize {
    CLINIC[..CLINIC.find(text).unwrap()].matches('\n').count() + 1
}

#[test]
fn a_mapping_that_is_wrong_is_refused_with_its_line() {
    for (from, to, problem) in [
        ("id = \"mrn\"", "ids = \"mrn\"", "unknown field `ids`"),
        ("sex = \"gender\"", "sex = { colum = \"gender\" }", "unknown field `colum`"),
        ("sex = \"gender\"", "sex = { column = \"gender\", constant = \"female\" }", "exactly one of"),
        ("birth_date = \"born_on\"", "birth_date = \"visits.born_on\"", "\"visits\", which is not joined"),
        ("zip = \"postcode\"", "zip = \"postcode FROM patients; DROP TABLE patients\"", "is not a name"),
        ("table = \"clinics\"", "table = \"clinics\\\" --\"", "is not a name"),
        ("table = \"diagnoses\"", "table = \"a.b.c\"", "is not a name"),
        ("{ constant = \"loinc\" }", "{ constant = \"my system\" }", "is not a code system"),
        ("onset_on\"", "onset_on\"\ndate = \"onset_on\"", "it has a start_date"),
        ("is = [\"final\"]", "is = []", "no row would count"),
        ("unit = \"result_unit\"", "unit = { constant = \"US dollars\" }", "is not a unit"),
        ("code = \"reason_code\"", "", "code and system come together"),
    ] {
        assert!(CLINIC.contains(from), "{from}");
        let error = SqlMapping::parse("m.toml", &CLINIC.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(problem), "{to:?}: {error}");
        let (_, rest) = error.split_once(':').unwrap();
        let line: usize = rest.split(':').next().unwrap().parse().unwrap();
        // Within the section: some problems are with a key beside the one that was changed.
        assert!(line.abs_diff(line_of(from)) <= 1, "{to:?}: {error}");
    }
    let twice = "{ visit_no = \"visit_no\" } },\n    { table = \"visits\", on = { visit_no = \"visit_no\" } },";
    let text = CLINIC.replacen("{ visit_no = \"visit_no\" } },", twice, 1);
    let error = SqlMapping::parse("m.toml", &text).unwrap_err().to_string();
    assert!(error.contains("\"visits\" is joined a second time"), "{error}");
}

#[test]
fn a_mapping_that_does_not_fit_the_database_is_refused_when_the_source_is_opened() {
    let records = tempfile::tempdir().unwrap();
    run(&population(3, SynthFormat::Sqlite), records.path(), &()).unwrap();
    let url = sqlite_url(records.path());
    for (from, to, problem) in [
        ("birth_date = \"born_on\"", "birth_date = \"birthday\"", "the mapping of patients does not fit"),
        ("table = \"results\"", "table = \"labs\"", "the mapping of labs does not fit"),
    ] {
        let location = mapped(&url, &CLINIC.replacen(from, to, 1));
        let error = RecordSource::open(&location, exact_options(), records.path(), &()).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
        assert!(error.to_string().contains("clinic.sqlite"), "{error}");
    }
    let missing = mapped(&format!("{url}.gone"), CLINIC);
    assert!(RecordSource::open(&missing, exact_options(), records.path(), &()).is_err());
    assert!(!records.path().join("clinic.sqlite.gone").exists(), "a database was made");
}

#[test]
fn a_url_never_shows_its_password() {
    let url = DatabaseUrl::parse("postgres://reader:hunter2@db.example:5433/clinic").unwrap();
    assert_eq!(format!("{url:?}"), "DatabaseUrl(postgres db.example:5433/clinic)");
    let url = DatabaseUrl::parse("mysql://reader:hunter2@db.example/clinic").unwrap();
    assert_eq!(url.place(), "mysql db.example:3306/clinic");
    for wrong in ["oracle://reader:hunter2@db/x", "hunter2", "postgres://reader:hunter2@db:port/clinic"] {
        let error = DatabaseUrl::parse(wrong).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
