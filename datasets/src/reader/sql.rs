//! A provider's own database, read through a mapping.
//!
//! The mapping (`mapping`) is checked and compiled (`plan`) into one query (`query`) and one decoder
//! (`decode`) for each of its sections. The same two serve a release, which streams all rows of one state of
//! the database through the stages that files go through, and one patient's read, which binds her id.

mod database;
mod decode;
mod driver;
mod mapping;
mod plan;
mod query;

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use csv::ByteRecord;
use medrec_domain::schema::{ColumnSpec, Table};

pub use database::DatabaseUrl;
pub use plan::SqlMapping;

use super::joins::Joins;
use super::output::{Links, Output, Repeats, index_encounters, person_row};
use super::session::Session;
use crate::error::{DatasetError, RowProblem};
use crate::input::Input;
use crate::options::{Days, OnBadRow, ReadOptions};
use crate::table::batch::Batch;
use database::{Database, Snapshot};
use driver::Id;
use plan::{Plan, Section};
use query::IdKind;

/// A section's query for one patient.
struct OnePatient {
    sql: Arc<str>,
    kind: IdKind,
}

/// A database with the mapping that it is read through.
pub(crate) struct SqlReader {
    database: Database,
    plan: Plan,
    person: OnePatient,
    encounter: Option<OnePatient>,
    /// In the order of the plan's events.
    events: Vec<OnePatient>,
}

impl fmt::Debug for SqlReader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SqlReader({:?})", self.database)
    }
}

impl SqlReader {
    /// Opens a database and has it check every query of the mapping.
    pub(crate) fn open(url: &DatabaseUrl, mapping: &SqlMapping) -> Result<Self, DatasetError> {
        let (database, plan) = (Database::open(url)?, mapping.plan()?);
        if let Some(section) = &plan.organisation {
            check(&database, section)?;
        }
        let person = one_patient(&database, &plan.person)?;
        let encounter = plan.encounter.as_ref().map(|it| one_patient(&database, it)).transpose()?;
        let events =
            plan.events.iter().map(|(_, it)| one_patient(&database, it)).collect::<Result<_, _>>()?;
        Ok(Self { database, plan, person, encounter, events })
    }

    /// Reads everything, in one state of the database.
    pub(crate) fn read(&self, session: &mut Session<'_>) -> Result<(), DatasetError> {
        let snapshot = self.database.snapshot()?;
        let stream = |section: &Section| self.stream(&snapshot, section);
        let input = |section: &Section| Input::named(&section.query.name());
        if let Some(section) = &self.plan.organisation {
            session.organisations(&input(section), stream(section)?, &*section.decode)?;
        }
        let person = &self.plan.person;
        let mut found = Vec::new();
        session.find_persons(&input(person), 0, stream(person)?, &*person.decode, &mut found)?;
        session.index_persons(found);
        if let Some(section) = &self.plan.encounter {
            let mut found = Links::default();
            session.encounters(&input(section), stream(section)?, &*section.decode, &mut found)?;
            session.index_encounters(found);
        }
        session.persons(&input(person), 0, stream(person)?, &*person.decode, Repeats::Refuse)?;
        for (_, section) in &self.plan.events {
            session.events(&input(section), stream(section)?, &*section.decode)?;
        }
        Ok(())
    }

    fn stream(
        &self,
        snapshot: &Snapshot<'_>,
        section: &Section,
    ) -> Result<database::RowSource, DatasetError> {
        snapshot.stream(section.query.sql(self.database.dialect, None))
    }

    /// Whether the database has a patient of this id.
    pub(crate) fn has(&self, options: &ReadOptions, source_id: &str) -> Result<bool, DatasetError> {
        let columns = Table::Person.columns().iter().take(1).collect::<Vec<_>>();
        let batch = self.patient(options, source_id, Table::Person, &columns, Days::ALL)?;
        Ok(batch.num_rows() > 0)
    }

    /// One patient's rows of a table, with the asked columns in the table's order.
    pub(crate) fn patient(
        &self,
        options: &ReadOptions,
        source_id: &str,
        table: Table,
        columns: &[&'static ColumnSpec],
        days: Days,
    ) -> Result<RecordBatch, DatasetError> {
        let nobody = || Batch::of(table, columns).finish();
        let mut joins = Joins::new(options);
        joins.set_persons(vec![joins.pseudonym(source_id)]);
        let sections = self.sections(table);
        // Only the organisation of a row may depend on her encounters.
        let joined = columns.iter().any(|column| column.name == "organisation_id");
        let encounter = self.plan.encounter.as_ref().zip(self.encounter.as_ref());
        let encounter = encounter.filter(|_| joined && table != Table::Encounter);
        let mut asked: Vec<(&Section, &OnePatient)> = vec![(&self.plan.person, &self.person)];
        asked.extend(encounter);
        asked.extend(&sections);
        let Some(queries) = asked.iter().map(|(_, own)| own.query(source_id)).collect::<Option<Vec<_>>>()
        else {
            return nobody();
        };
        let mut answers = self.database.rows(&queries)?.into_iter().zip(&asked);
        let mut out = Output::new(&joins, Days::ALL);
        if let Some((rows, (section, _))) = answers.next() {
            decode(section, source_id, &rows, &mut out, options)?;
        }
        let persons = std::mem::take(&mut out.persons);
        let (Some((_, person)), None) = (persons.first(), persons.get(1)) else {
            let twice = RowProblem::new("patient", "", "appears a second time");
            let error = twice.at(&self.plan.person.query.name(), 2).into();
            return if persons.is_empty() { nobody() } else { Err(error) };
        };
        if encounter.is_some()
            && let Some((rows, (section, _))) = answers.next()
        {
            let mut out = Output::new(&joins, Days::ALL);
            decode(section, source_id, &rows, &mut out, options)?;
            let links = out.into_links();
            index_encounters(&mut joins, links);
        }
        let mut out = Output::new(&joins, days);
        if table == Table::Person {
            let mut batch = Batch::of(table, columns);
            batch.push(&person_row(person, &joins, options));
            return batch.finish();
        }
        for (rows, (section, _)) in answers {
            decode(section, source_id, &rows, &mut out, options)?;
        }
        let Some(batch) = out.into_batch(table) else { return nobody() };
        let batch = batch.finish()?;
        let indices: Vec<usize> = (table.columns().iter().enumerate())
            .filter(|(_, own)| columns.iter().any(|column| column.name == own.name))
            .map(|(index, _)| index)
            .collect();
        batch
            .project(&indices)
            .map_err(|error| DatasetError::Batch { table: table.name(), problem: error.to_string() })
    }

    /// Sections that rows of a table come from, beside that of persons.
    fn sections(&self, table: Table) -> Vec<(&Section, &OnePatient)> {
        if table == Table::Encounter {
            return self.plan.encounter.iter().zip(&self.encounter).collect();
        }
        let events = self.plan.events.iter().zip(&self.events);
        events.filter(|((own, _), _)| *own == table).map(|((_, section), one)| (section, one)).collect()
    }
}

impl OnePatient {
    /// The query with an id, or `None` where no row can have that id.
    fn query<'s>(&'s self, source_id: &'s str) -> Option<(&'s Arc<str>, Id<'s>)> {
        match self.kind {
            IdKind::Integer => {
                let number: i64 = source_id.parse().ok()?;
                (number.to_string() == source_id).then_some((&self.sql, Id::Integer(number)))
            }
            IdKind::Text | IdKind::Other => Some((&self.sql, Id::Text(source_id))),
        }
    }
}

/// Has the database check a section's query.
fn check(database: &Database, section: &Section) -> Result<(), DatasetError> {
    let found = database.types(section.query.sql(database.dialect, None));
    found.map(|_| ()).map_err(|error| match error {
        DatasetError::Database { problem, .. } => {
            database.problem(format!("the mapping of {} does not fit: {problem}", section.query.name()))
        }
        other => other,
    })
}

fn one_patient(database: &Database, section: &Section) -> Result<OnePatient, DatasetError> {
    check(database, section)?;
    let probe = section.query.probe(database.dialect).map(|sql| database.types(sql)).transpose()?;
    let name = probe.and_then(|types| types.into_iter().next()).unwrap_or_default();
    let kind = database.id_kind(&name);
    Ok(OnePatient { sql: section.query.sql(database.dialect, Some(kind)).into(), kind })
}

/// Decodes the rows that are the patient's, to the last letter: databases may take `a` for `A`.
fn decode(
    section: &Section,
    source_id: &str,
    rows: &[ByteRecord],
    out: &mut Output<'_>,
    options: &ReadOptions,
) -> Result<(), DatasetError> {
    for (line, record) in (1..).zip(rows) {
        let own = section.person.as_ref().map(|column| column.text(record)).transpose();
        let done =
            own.and_then(|own| if own == Some(source_id) { (section.decode)(record, out) } else { Ok(()) });
        if let Err(problem) = done
            && options.on_bad_row == OnBadRow::Fail
        {
            return Err(problem.at(&section.query.name(), line).into());
        }
    }
    Ok(())
}
