//! What records become: rows, persons, encounters, organisations.
//!
//! A reader decodes one record at a time into an [`Output`]; outputs of a chunk are finished into
//! batches in parallel and handed to the session in order.

use csv::ByteRecord;
use medrec_domain::CalendarDate;
use medrec_domain::schema::Table;

use super::joins::{Joins, Link, NO_ORGANISATION, OrganisationRecord, Organisations};
use super::record::Chunk;
use crate::error::{BadRow, DatasetError, RowProblem};
use crate::options::{Days, ReadOptions};
use crate::table::batch::Batch;
use crate::table::cell::Cell;
use crate::table::row::{self, Row};

/// A person as a reader decodes her, before the reference date is applied.
#[derive(Debug, Clone, Default)]
pub(crate) struct PersonRecord {
    pub(crate) person: u64,
    pub(crate) birth_year: Option<i32>,
    pub(crate) death_year: Option<i32>,
    pub(crate) sex: &'static str,
    pub(crate) race: &'static str,
    pub(crate) ethnicity: &'static str,
    pub(crate) nation: Option<&'static str>,
    pub(crate) region: Option<&'static str>,
    pub(crate) zip3: Option<String>,
    pub(crate) organisation: Option<String>,
}

/// What records of a chunk become.
pub(crate) struct Output<'j> {
    pub(crate) joins: &'j Joins<'j>,
    batches: [Option<Batch>; 7],
    /// Persons decoded so far, each with her line.
    pub(crate) persons: Vec<(u64, PersonRecord)>,
    organisations: Vec<OrganisationRecord>,
    links: Links,
    line: u64,
    days: Days,
}

impl<'j> Output<'j> {
    /// Nothing yet; of rows with a date, those of `days` will be kept.
    pub(crate) fn new(joins: &'j Joins<'j>, days: Days) -> Self {
        Self {
            joins,
            batches: [const { None }; 7],
            persons: Vec::new(),
            organisations: Vec::new(),
            links: Links::default(),
            line: 0,
            days,
        }
    }

    /// The encounters that were decoded.
    pub(crate) fn into_links(self) -> Links {
        self.links
    }

    /// The rows of a table, if there are any.
    pub(crate) fn into_batch(self, table: Table) -> Option<Batch> {
        Table::ALL.into_iter().zip(self.batches).find(|(own, _)| *own == table)?.1
    }

    /// Line of the record.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Adds a row to its table.
    pub(crate) fn push<'a, R: Row<'a>>(&mut self, row: &R) {
        if self.days != Days::ALL && !self.is_asked(row) {
            return;
        }
        let place = Table::ALL.iter().position(|&table| table == R::TABLE).unwrap_or(0);
        self.batches[place].get_or_insert_with(|| Batch::new(R::TABLE)).push(row);
    }

    fn is_asked<'a, R: Row<'a>>(&self, row: &R) -> bool {
        let date = R::TABLE.date_column();
        let date = date.and_then(|name| R::TABLE.columns().iter().position(|column| column.name == name));
        let cell = date.and_then(|date| row.cells().as_ref().get(date).copied());
        !matches!(cell, Some(Cell::Date(Some(day))) if !self.days.contains(day))
    }

    pub(crate) fn person(&mut self, record: PersonRecord) {
        self.persons.push((self.line, record));
    }

    pub(crate) fn organisation(&mut self, record: OrganisationRecord) {
        self.organisations.push(record);
    }

    /// Adds an encounter: its row, and its place in the index.
    pub(crate) fn encounter(&mut self, row: row::Encounter<'_>) {
        let joins = self.joins;
        // Shortens the row's lifetime to what row and site have in common.
        let mut row: row::Encounter<'_> = row;
        row.organisation_id = row.organisation_id.or_else(|| joins.site(row.person_id));
        let link = Link {
            encounter: row.id,
            person: row.person_id,
            organisation: NO_ORGANISATION,
            start_day: row.start_date.days(),
        };
        self.links.add(link, row.organisation_id);
        self.push(&row);
    }
}

/// Results of a chunk on their way to the sink.
pub(super) struct Finished {
    pub(super) batches: Vec<(Table, Result<arrow_array::RecordBatch, DatasetError>)>,
    pub(super) persons: Vec<(u64, PersonRecord)>,
    pub(super) organisations: Vec<OrganisationRecord>,
    pub(super) links: Links,
    pub(super) problems: Vec<BadRow>,
    pub(super) rows: u64,
}

/// What a second row of the same person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// A broken row.
    Refuse,
    /// Another record of hers: the first one describes her.
    Ignore,
}

/// Encounters, with the organisations that they name by number.
#[derive(Default)]
pub(crate) struct Links {
    pub(crate) list: Vec<Link>,
    pub(crate) organisations: Organisations,
}

impl Links {
    /// Adds an encounter at the organisation of that id.
    fn add(&mut self, link: Link, organisation: Option<&str>) {
        let organisation = organisation.map_or(NO_ORGANISATION, |id| self.organisations.number(id));
        self.list.push(Link { organisation, ..link });
    }

    /// Takes the encounters of a chunk, whose organisations have numbers of their own.
    pub(crate) fn append(&mut self, part: Self) {
        let numbers: Vec<u32> =
            part.organisations.list().iter().map(|record| self.organisations.number(&record.id)).collect();
        self.list.extend(
            part.list
                .into_iter()
                .map(|link| Link { organisation: renumbered(&numbers, link.organisation), ..link }),
        );
    }
}

/// A number in the list that `numbers` leads to; none stays none.
fn renumbered(numbers: &[u32], number: u32) -> u32 {
    let found = usize::try_from(number).ok().and_then(|number| numbers.get(number));
    found.copied().unwrap_or(NO_ORGANISATION)
}

/// How a record becomes rows.
pub(crate) type Decode<'d> = dyn Fn(&ByteRecord, &mut Output<'_>) -> Result<(), RowProblem> + Sync + 'd;

/// Decodes the records of a chunk.
pub(super) fn decode_chunk(chunk: &Chunk, file: &str, joins: &Joins<'_>, decode: &Decode<'_>) -> Finished {
    let mut out = Output::new(joins, Days::ALL);
    let mut problems = Vec::new();
    for (line, record) in &chunk.records {
        out.line = *line;
        if let Err(problem) = decode(record, &mut out) {
            problems.push(problem.at(file, *line));
        }
    }
    let batches = Table::ALL.into_iter().zip(out.batches);
    Finished {
        batches: batches.filter_map(|(table, batch)| Some((table, batch?.finish()))).collect(),
        persons: out.persons,
        organisations: out.organisations,
        links: out.links,
        problems,
        rows: chunk.records.len().try_into().unwrap_or(0),
    }
}

/// Takes the encounters that were read.
pub(crate) fn index_encounters(joins: &mut Joins<'_>, found: Links) {
    let organisations = &mut joins.organisations;
    let numbers: Vec<u32> =
        found.organisations.list().iter().map(|record| organisations.number(&record.id)).collect();
    let mut list = found.list;
    for link in &mut list {
        link.organisation = renumbered(&numbers, link.organisation);
    }
    joins.set_encounters(list);
}

/// The canonical row of a person, with ages over 89 moved to 90.
pub(crate) fn person_row<'a>(
    record: &'a PersonRecord,
    joins: &'a Joins<'_>,
    options: &ReadOptions,
) -> row::Person<'a> {
    let year = |year: i32| i16::try_from(year).ok();
    let reference = record.death_year.map_or(options.as_of.year(), |death| death.min(options.as_of.year()));
    let aged = record.birth_year.is_some_and(|birth| reference - birth >= 90);
    let birth_year = match record.birth_year {
        Some(_) if aged && options.top_code_ages => Some(reference - 90),
        other => other,
    };
    row::Person {
        id: record.person,
        birth_year: birth_year.and_then(year),
        aged_90_or_over: aged,
        death_year: record.death_year.and_then(year),
        sex: record.sex,
        race: record.race,
        ethnicity: record.ethnicity,
        nation: record.nation,
        region: record.region,
        zip3: record.zip3.as_deref(),
        organisation_id: record.organisation.as_deref().or_else(|| joins.last_organisation(record.person)),
    }
}

/// Year of a date.
pub(crate) fn year_of(date: Option<CalendarDate>) -> Option<i32> {
    date.map(CalendarDate::year)
}
