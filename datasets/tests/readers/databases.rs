//! The same clinic in SQLite, PostgreSQL and MariaDB: equal tables, nothing changed, nothing injected.

use std::collections::{BTreeMap, BTreeSet};

use medrec_datasets::synth::{SynthFormat, run, source_id};
use medrec_datasets::{DatasetError, Days, Format, RecordSource, convert};
use medrec_domain::schema::Table;
use sqlx::{Connection, Row};

use crate::exact::{exact_options, found_in, rendered};
use crate::servers::{Server, mariadb, postgres, statements};
use crate::sources::{
    CLINIC, PERSONAL, all_columns, assert_answers_like_a_release, clinic, lines, mapped, opened, population,
    sqlite_url,
};
use crate::synthetic::content;

const PERSONS: u64 = 40;

/// Tables of the clinic; columns and their types in PostgreSQL, in the order of the SQLite tables. MariaDB
/// understands the same words, but for those that [`in_mariadb`] changes.
const TABLES: [(&str, &str); 7] = [
    (
        "clinics",
        "clinic_code varchar(20) PRIMARY KEY, clinic_name text, street text, us_state char(2), telephone text",
    ),
    (
        "patients",
        "patient_no bigint PRIMARY KEY, mrn varchar(60) NOT NULL UNIQUE, first_name text, last_name text, gender char(1), \
         born_on date, died_on date, ssn text, drivers_licence text, passport text, telephone text, street text, town text, \
         us_state char(2), postcode varchar(10), race_code char(1), is_hispanic smallint",
    ),
    (
        "visits",
        "visit_no bigint PRIMARY KEY, patient_no bigint, clinic_code varchar(20), visit_kind varchar(20), arrived_at timestamp, \
         left_at timestamp, reason_code varchar(20), note text",
    ),
    (
        "diagnoses",
        "visit_no bigint, snomed_code varchar(20), description text, onset_on date, resolved_on date",
    ),
    (
        "results",
        "visit_no bigint, panel text, loinc_code varchar(20), test_name text, taken_at timestamp, result_unit varchar(30), \
         status text, result_value double precision",
    ),
    (
        "prescriptions",
        "visit_no bigint, rxnorm_code bigint, drug_name text, first_day date, last_day date, prescriber text",
    ),
    ("interventions", "visit_no bigint, snomed_code numeric(20, 0), description text, done_on date"),
];

/// Years before 1970 do not fit a `timestamp` there, and decimals are usual for results.
fn in_mariadb(columns: &str) -> String {
    columns.replace("timestamp", "datetime").replace("double precision", "decimal(10, 1)")
}

/// All rows of a table of the SQLite file, as literals.
fn literals(url: &str, table: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
        let columns = sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA table_info({table})")));
        let columns = columns.fetch_all(&mut connection).await.unwrap();
        let quoted: Vec<String> =
            columns.iter().map(|row| format!("quote({})", row.get::<String, _>("name"))).collect();
        let sql = format!("SELECT '(' || {} || ')' FROM {table}", quoted.join(" || ',' || "));
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    })
}

/// Copies the clinic into a server, table by table.
fn copied(sqlite: &str, execute: impl Fn(&str), columns: impl Fn(&str) -> String) {
    for (table, own) in TABLES {
        execute(&format!("CREATE TABLE {table} ({})", columns(own)));
        for rows in literals(sqlite, table).chunks(400) {
            execute(&format!("INSERT INTO {table} VALUES {}", rows.join(",")));
        }
    }
}

struct Clinics {
    folder: tempfile::TempDir,
    postgres: Server,
    mariadb: Server,
}

impl Clinics {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        run(&population(PERSONS, SynthFormat::Sqlite), folder.path(), &()).unwrap();
        let this = Self { folder, postgres: postgres(), mariadb: mariadb() };
        copied(&this.sqlite(), |sql| this.in_postgres(sql), str::to_owned);
        copied(&this.sqlite(), |sql| this.in_mariadb(sql), in_mariadb);
        this
    }

    fn sqlite(&self) -> String {
        sqlite_url(self.folder.path())
    }

    fn in_postgres(&self, sql: &str) {
        statements::<sqlx::PgConnection>(&self.postgres.url, sql);
    }

    fn in_mariadb(&self, sql: &str) {
        statements::<sqlx::MySqlConnection>(&self.mariadb.url, sql);
    }

    fn everywhere(&self, sql: &str) {
        statements::<sqlx::SqliteConnection>(&self.sqlite(), sql);
        self.in_postgres(sql);
        self.in_mariadb(sql);
    }

    fn urls(&self) -> [String; 3] {
        [self.sqlite(), self.postgres.url.clone(), self.mariadb.url.clone()]
    }

    fn sources(&self) -> [RecordSource; 3] {
        self.urls().map(|url| opened(&clinic(&url), self.folder.path()))
    }
}

/// The rows of every table, in a fixed order.
fn tables(source: &RecordSource) -> BTreeMap<Table, Vec<String>> {
    let out = tempfile::tempdir().unwrap();
    let (folder, _) = source.convert(out.path(), &()).unwrap();
    let sorted = |table| {
        let mut lines: Vec<String> = rendered(&folder, table).lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    Table::ALL.map(|table| (table, sorted(table))).into()
}

#[test]
fn one_clinic_is_the_same_in_three_databases_and_in_files() {
    let clinics = Clinics::new();
    let sources = clinics.sources();
    let expected = tables(&sources[0]);
    assert!(expected[&Table::Measurement].len() > 500, "{}", expected[&Table::Measurement].len());
    for (source, url) in sources.iter().zip(clinics.urls()) {
        let found = tables(source);
        for table in Table::ALL {
            assert!(found[&table] == expected[&table], "{table} differs in {url}");
        }
        let options = population(PERSONS, SynthFormat::Sqlite);
        let ids: Vec<String> = (0..PERSONS).map(|index| source_id(&options, index).unwrap()).collect();
        assert_answers_like_a_release(source, &ids);
    }
    // What files of the same population say, but for the pseudonyms, which come from other ids.
    let records = tempfile::tempdir().unwrap();
    run(&population(PERSONS, SynthFormat::SyntheaCsv), records.path(), &()).unwrap();
    let out = tempfile::tempdir().unwrap();
    let format = Format::SyntheaCsv;
    let (files, _) = convert(records.path(), &format, &exact_options(), out.path(), &()).unwrap();
    let database = tempfile::tempdir().unwrap();
    let (database, _) = sources[1].convert(database.path(), &()).unwrap();
    for (table, rows) in content(&files) {
        assert!(content(&database)[table] == rows, "{table} differs between files and PostgreSQL");
    }
}

/// Regression G1 of the rival's post-mortem: it formatted values from outside into its SQL.
#[test]
fn g1_hostile_ids_and_texts_are_values_and_never_sql() {
    const HOSTILE: [&str; 8] = [
        "'); DROP TABLE patients; --",
        "\" OR \"1\"=\"1",
        "MRN-00000001' OR '1'='1",
        "100%",
        "_RN-00000001",
        "back\\slash\\'",
        "`; DELETE FROM visits; `",
        "mrn-00000001",
    ];
    let clinics = Clinics::new();
    let before: Vec<_> = clinics.sources().iter().map(tables).collect();
    for source in clinics.sources() {
        for id in HOSTILE {
            assert!(!source.has_patient(id).unwrap(), "{id}");
            let all = all_columns(Table::Encounter);
            let rows = source.patient(id, Table::Encounter, &all, Days::ALL).unwrap();
            assert_eq!(rows.num_rows(), 0, "{id}");
        }
    }
    for (source, before) in clinics.sources().iter().zip(before) {
        assert!(tables(source) == before, "asking changed something");
    }
    // The same texts as ids and as contents of the database: found exactly, and kept out of the tables.
    for (number, id) in HOSTILE.iter().enumerate().filter(|(_, id)| !id.eq_ignore_ascii_case("mrn-00000001"))
    {
        let (patient, visit) = (9000 + number, 900_000_000 + number);
        let quoted = format!("'{}'", id.replace('\'', "''"));
        let in_mariadb = quoted.replace('\\', "\\\\");
        let insert = |text: &str| {
            [
                format!(
                    "INSERT INTO patients (patient_no, mrn, first_name, gender, born_on, us_state, postcode, race_code) \
                     VALUES ({patient}, {text}, {text}, 'F', '1980-02-03', 'MA', '02139', 'W')"
                ),
                format!(
                    "INSERT INTO visits VALUES ({visit}, {patient}, 'org-00001', 'ward', '2021-02-03 09:00:00', NULL, NULL, {text})"
                ),
                format!(
                    "INSERT INTO results VALUES ({visit}, 'lab', '718-7', {text}, '2021-02-03 10:00:00', 'g/dL', 'final', 13.5)"
                ),
            ]
        };
        for sql in insert(&quoted) {
            statements::<sqlx::SqliteConnection>(&clinics.sqlite(), &sql);
            clinics.in_postgres(&sql);
        }
        for sql in insert(&in_mariadb) {
            clinics.in_mariadb(&sql);
        }
    }
    for source in clinics.sources() {
        for id in HOSTILE.iter().filter(|id| !id.eq_ignore_ascii_case("mrn-00000001")) {
            let columns = all_columns(Table::Measurement);
            let rows = source.patient(id, Table::Measurement, &columns, Days::ALL).unwrap();
            let rows = lines(&rows, Table::Measurement);
            assert_eq!(rows.len(), 1, "{id}");
            assert!(rows[0].contains("718-7\t2021-02-03\t13.5\tg/dL"), "{rows:?}");
        }
        let everything: String = tables(&source).into_values().flatten().collect();
        for id in HOSTILE {
            assert!(!everything.contains(id), "{id} stands in the tables");
        }
        // Case and patterns are never taken for equal, whatever the database's collation says.
        assert!(!source.has_patient("mrn-00000001").unwrap() && source.has_patient("MRN-00000001").unwrap());
    }
}

#[test]
fn a_database_is_never_changed() {
    let clinics = Clinics::new();
    let digest = || std::fs::read(clinics.folder.path().join("clinic.sqlite")).unwrap();
    let (before, source) = (digest(), opened(&clinic(&clinics.sqlite()), clinics.folder.path()));
    tables(&source);
    let all = all_columns(Table::Encounter);
    source.patient("MRN-00000002", Table::Encounter, &all, Days::ALL).unwrap();
    assert!(digest() == before, "the SQLite file changed");
    let names: Vec<_> =
        std::fs::read_dir(clinics.folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    // A view that writes when it is read: only the session's own lock keeps it from doing so.
    clinics.in_postgres(
        "CREATE TABLE log (line text);
         CREATE FUNCTION noted(text) RETURNS text LANGUAGE plpgsql AS
         $$ BEGIN INSERT INTO log VALUES ($1); RETURN $1; END $$;
         CREATE VIEW watched AS SELECT noted(mrn::text) AS mrn, gender, born_on FROM patients;",
    );
    for sql in [
        "CREATE TABLE log (line text)",
        "CREATE FUNCTION noted(it varchar(60)) RETURNS varchar(60) MODIFIES SQL DATA \
         BEGIN INSERT INTO log VALUES (it); RETURN it; END",
        "CREATE VIEW watched AS SELECT noted(mrn) AS mrn, gender, born_on FROM patients",
    ] {
        clinics.in_mariadb(sql);
    }
    let mapping = "[person]\ntable = \"watched\"\nid = \"mrn\"\nsex = \"gender\"\nbirth_date = \"born_on\"\n";
    let refused = |error: DatasetError| {
        let words = error.to_string().to_lowercase();
        assert!(words.contains("read") && words.contains("only"), "{words}");
    };
    let (work, person) = (clinics.folder.path(), all_columns(Table::Person));
    // MariaDB runs the function already when it is asked about the view's columns.
    refused(
        RecordSource::open(&mapped(&clinics.mariadb.url, mapping), exact_options(), work, &()).unwrap_err(),
    );
    let source = opened(&mapped(&clinics.postgres.url, mapping), work);
    refused(source.patient("MRN-00000001", Table::Person, &person, Days::ALL).unwrap_err());
    refused(source.convert(&work.join("out"), &()).unwrap_err());
    // The view does write for whoever may: the test would notice.
    clinics.in_postgres("SELECT count(mrn) FROM watched");
    clinics.in_mariadb("SELECT count(mrn) FROM watched");
}

#[test]
fn a_database_is_asked_each_time_and_its_numbers_are_ids_too() {
    let clinics = Clinics::new();
    // The number of a patient as her id: an integer, compared as one.
    let mapping = CLINIC.replace("patients.mrn", "patients.patient_no").replace("\"mrn\"", "\"patient_no\"");
    let sources = clinics.urls().map(|url| opened(&mapped(&url, &mapping), clinics.folder.path()));
    let all = all_columns(Table::Person);
    for source in &sources {
        for stranger in ["01", "+1", "1.0", "1 ", "0", "9999", "one", "1e0", "99999999999999999999"] {
            assert!(!source.has_patient(stranger).unwrap(), "{stranger}");
        }
        assert!(source.has_patient("1").unwrap());
        let person = source.patient("1", Table::Person, &all, Days::ALL).unwrap();
        assert_eq!(person.num_rows(), 1);
    }
    clinics.everywhere("UPDATE patients SET us_state = 'OR' WHERE patient_no = 1");
    for source in &sources {
        let region = [Table::Person.column("region").unwrap()];
        let person = source.patient("1", Table::Person, &region, Days::ALL).unwrap();
        assert_eq!(lines(&person, Table::Person), ["OR\t"]);
    }
}

#[test]
fn no_identifier_of_the_clinic_is_read() {
    let folder = tempfile::tempdir().unwrap();
    run(&population(300, SynthFormat::Sqlite), folder.path(), &()).unwrap();
    let source = opened(&clinic(&sqlite_url(folder.path())), folder.path());
    let cells = |sql: &str| -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = sqlx::SqliteConnection::connect(&sqlite_url(folder.path())).await.unwrap();
            let rows =
                sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await.unwrap();
            rows.iter().flat_map(|row| (0..row.len()).map(|index| row.get::<String, _>(index))).collect()
        })
    };
    let mut secrets = cells(
        "SELECT mrn, first_name, last_name, born_on, ssn, drivers_licence, passport, telephone, street, town, postcode \
         FROM patients",
    );
    secrets.extend(cells("SELECT note FROM visits"));
    secrets.extend(cells("SELECT DISTINCT prescriber FROM prescriptions"));
    assert!(secrets.len() > 300 * 11 && secrets.iter().all(|secret| !secret.is_empty()));
    let out = tempfile::tempdir().unwrap();
    let (released, _) = source.convert(out.path(), &()).unwrap();
    let mut everything: Vec<String> = Vec::new();
    for table in PERSONAL {
        everything.extend(rendered(&released, table).lines().map(str::to_owned));
        for number in 1..=300 {
            let id = format!("MRN-{number:08}");
            let rows = source.patient(&id, table, &all_columns(table), Days::ALL).unwrap();
            everything.extend(lines(&rows, table));
        }
    }
    let text = everything.join("\n");
    let words: BTreeSet<&str> = text.split(['\t', '\n']).collect();
    // A day of birth can be the day of a newborn's visit; it is no cell of hers as a person.
    let is_day = |secret: &String| secret.len() == 10 && secret.as_bytes()[4] == b'-';
    let secrets: BTreeSet<String> = secrets.into_iter().filter(|secret| !is_day(secret)).collect();
    let whole = secrets.iter().find(|secret| words.contains(secret.as_str()));
    assert_eq!(whole, None, "it was read");
    let long = secrets.into_iter().filter(|secret| secret.len() >= 9).collect();
    assert_eq!(found_in(text.as_bytes(), &long, false), [""; 0], "inside of a text that was read");
    let days = cells("SELECT born_on FROM patients").into_iter().collect();
    let persons = rendered(&released, Table::Person);
    assert_eq!(found_in(persons.as_bytes(), &days, false), [""; 0], "a day of birth was read");
}
