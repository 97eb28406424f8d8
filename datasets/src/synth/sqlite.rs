//! The population as a SQLite database of a clinic: a schema of its own, as providers have them.
//!
//! Names, numbers and notes stand beside the records, and the same facts are spread over tables that
//! only joins bring together. The mapping by which a reader finds its way is written beside the database.

mod schema;

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, QueryBuilder, Sqlite, SqliteConnection};
use tokio::runtime::Runtime;

use super::catalogue::{CLASSES, CONDITIONS, DRUGS, PROCEDURES, STATES, TESTS};
use super::person::{Person, World};
use super::writer::{SynthFormat, Writer};
use crate::error::DatasetError;
use schema::{CREATE, INDEX, MAPPING, TABLES};

/// Name of the database in its folder.
const DATABASE: &str = "clinic.sqlite";
/// Name of its mapping.
const MAPPING_FILE: &str = "clinic.toml";
/// Rows of an insertion: with 17 columns still below SQLite's limit of 32,766 values.
const ROWS_PER_INSERT: usize = 1000;

/// A value on its way into the database.
pub(super) enum Value {
    None,
    Integer(i64),
    Real(f64),
    Text(String),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<Option<medrec_domain::CalendarDate>> for Value {
    fn from(date: Option<medrec_domain::CalendarDate>) -> Self {
        date.map_or(Self::None, |date| Self::Text(date.to_string()))
    }
}

type Row = Vec<Value>;

/// A row from values of any kind.
macro_rules! row {
    ($($value:expr),* $(,)?) => { vec![$(Value::from($value)),*] };
}

/// The database while it is written.
pub(super) struct Clinic {
    runtime: Runtime,
    connection: SqliteConnection,
    path: PathBuf,
}

/// Id of a person in this database.
pub(super) fn record_number(index: u64) -> String {
    format!("MRN-{:08}", index + 1)
}

fn problem(path: &Path) -> impl Fn(sqlx::Error) -> DatasetError + '_ {
    move |error| DatasetError::Database {
        place: format!("sqlite {}", path.display()),
        problem: error.to_string(),
    }
}

pub(super) fn writer(out: &Path, world: &World) -> Result<Clinic, DatasetError> {
    let (path, mapping) = (out.join(DATABASE), out.join(MAPPING_FILE));
    if path.exists() {
        std::fs::remove_file(&path).map_err(DatasetError::io(&path))?;
    }
    std::fs::write(&mapping, MAPPING).map_err(DatasetError::io(&mapping))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(DatasetError::io(&path))?;
    // Nobody else reads it before it is whole, and a run that is cut short is thrown away.
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off);
    let connection = runtime.block_on(async {
        let mut connection = options.connect().await?;
        connection.execute(CREATE).await?;
        Ok(connection)
    });
    let connection = connection.map_err(problem(&path))?;
    let mut clinic = Clinic { runtime, connection, path };
    let rows = world.organisations.iter().map(|it| {
        row![it.id.as_str(), it.name.as_str(), "1 Main Street", STATES[it.state].0, "555-000-0000"]
    });
    let mut tables: [Vec<Row>; 7] = Default::default();
    tables[0] = rows.collect();
    clinic.write(tables)?;
    Ok(clinic)
}

impl Writer for Clinic {
    type Encoded = [Vec<Row>; 7];

    fn encode(_: SynthFormat, world: &World, persons: &[Person]) -> Result<Self::Encoded, DatasetError> {
        let mut tables: Self::Encoded = Default::default();
        for person in persons {
            add(&mut tables, world, person);
        }
        Ok(tables)
    }

    fn write(&mut self, encoded: Self::Encoded) -> Result<(), DatasetError> {
        let Self { runtime, connection, path } = self;
        let done: Result<(), sqlx::Error> = runtime.block_on(async {
            let mut transaction = connection.begin().await?;
            for (insert, rows) in TABLES.iter().zip(encoded) {
                let mut rows = rows.into_iter().peekable();
                while rows.peek().is_some() {
                    let mut query = QueryBuilder::<Sqlite>::new(*insert);
                    query.push_values(rows.by_ref().take(ROWS_PER_INSERT), |mut tuple, row| {
                        for value in row {
                            match value {
                                Value::None => tuple.push_bind(None::<String>),
                                Value::Integer(number) => tuple.push_bind(number),
                                Value::Real(number) => tuple.push_bind(number),
                                Value::Text(text) => tuple.push_bind(text),
                            };
                        }
                    });
                    query.build().persistent(false).execute(&mut *transaction).await?;
                }
            }
            transaction.commit().await
        });
        done.map_err(problem(path))
    }

    fn finish(self) -> Result<(), DatasetError> {
        let Self { runtime, mut connection, path } = self;
        let done: Result<(), sqlx::Error> = runtime.block_on(async {
            connection.execute(INDEX).await?;
            connection.close().await
        });
        done.map_err(problem(&path))
    }
}

/// The clinic's own letter for a race.
fn race_code(race: &str) -> &'static str {
    match race {
        "white" => "W",
        "black" => "B",
        "asian" => "A",
        "native" => "N",
        _ => "O",
    }
}

/// The clinic's own word for a class of encounters.
fn visit_kind(class: &str) -> &'static str {
    match class {
        "virtual" => "video",
        "emergency" => "ed",
        "inpatient" => "ward",
        "home" => "house-call",
        _ => "office",
    }
}

fn add(tables: &mut [Vec<Row>; 7], world: &World, person: &Person) {
    let patient_no = number(person.index) + 1;
    // Room for 65,535 encounters a person.
    let visit_no = |encounter: usize| (patient_no << 16) + number(encounter) + 1;
    add_person(&mut tables[1], person, patient_no);
    for (index, it) in person.encounters.iter().enumerate() {
        let class = &CLASSES[it.class];
        let note = format!(
            "{} {} came on {}; lives at {}.",
            person.identity.given, person.identity.family, it.start, person.identity.street
        );
        tables[2].push(row![
            visit_no(index),
            patient_no,
            world.organisations[it.organisation].id.as_str(),
            visit_kind(class.word),
            format!("{} 09:00:00", it.start).as_str(),
            format!("{} 09:30:00", it.end).as_str(),
            class.snomed,
            note.as_str(),
        ]);
    }
    for it in &person.conditions {
        let kind = &CONDITIONS[it.kind];
        tables[3].push(row![visit_no(it.encounter), kind.snomed, kind.name, Some(it.start), it.end]);
    }
    for it in &person.measurements {
        let (test, taken) = (&TESTS[it.test], person.encounters[it.encounter].start);
        let panel = if test.category == "laboratory" { "lab" } else { "vitals" };
        let at = format!("{taken} 09:10:00");
        let mut row =
            row![visit_no(it.encounter), panel, test.loinc, test.name, at.as_str(), test.unit, "final"];
        row.push(Value::Real(it.value));
        tables[4].push(row);
    }
    for it in &person.medications {
        let drug = &DRUGS[it.kind];
        let prescriber = format!("Dr. {}", person.identity.family);
        let prescriber = prescriber.as_str();
        let visit = visit_no(it.encounter);
        tables[5].push(row![visit, drug.rxnorm, drug.name, Some(it.start), it.end, prescriber]);
    }
    for it in &person.procedures {
        let (code, name) = PROCEDURES[it.kind];
        tables[6].push(row![visit_no(it.encounter), code, name, Some(it.start)]);
    }
}

fn number<N: TryInto<i64>>(number: N) -> i64 {
    number.try_into().unwrap_or(i64::MAX - 1)
}

fn add_person(patients: &mut Vec<Row>, person: &Person, patient_no: i64) {
    let it = &person.identity;
    patients.push(row![
        patient_no,
        record_number(person.index).as_str(),
        it.given.as_str(),
        it.family.as_str(),
        if person.female { "F" } else { "M" },
        Some(person.birth),
        person.death,
        it.ssn.as_str(),
        it.licence.as_str(),
        it.passport.as_str(),
        it.phone.as_str(),
        it.street.as_str(),
        it.city.as_str(),
        STATES[person.state].0,
        it.postal_code.as_str(),
        race_code(person.race),
        i64::from(person.hispanic),
    ]);
}
