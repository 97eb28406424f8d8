//! Any flat table: one CSV file, described by a mapping.
//!
//! A row holds a person's attributes, at most one encounter, and events in its columns. The mapping
//! (TOML, `flat/mapping.rs`) says which column is what, and declares every word that a text column may
//! take: words that are not declared do not reach the tables. A person of several rows is
//! described by her first one.

mod mapping;

use csv::ByteRecord;
use medrec_domain::CalendarDate;

pub use mapping::Mapping;

use super::output::{Decode, Links, Output, PersonRecord, Repeats, year_of};
use super::record::{CsvSource, check_width};
use super::session::Session;
use crate::error::{DatasetError, RowProblem};
use crate::input::Input;
use crate::table::row::{Condition, Encounter, Event, Measurement, Medication, Procedure};
use crate::vocabulary::code::is_code;
use crate::vocabulary::{encounter, place};
use mapping::{Bound, Dated, Kind};

pub(super) fn read(session: &mut Session<'_>, mapping: &Mapping) -> Result<(), DatasetError> {
    let input = Input::require(&session.folder, mapping.file())?;
    let open = || CsvSource::open(&input, mapping.delimiter());
    let source = open()?;
    let bound = mapping.bind(&source)?;
    let as_of_year = session.options.as_of.year();
    let person: Box<Decode<'_>> = Box::new(|record, out| person_row(&bound, as_of_year, record, out));
    let mut found = Vec::new();
    session.find_persons(&input, 0, source, &*person, &mut found)?;
    session.index_persons(found);
    if bound.encounter.is_some() {
        let mut found = Links::default();
        session.encounters(&input, open()?, &|record, out| encounter_row(&bound, record, out), &mut found)?;
        session.index_encounters(found);
    }
    session.persons(&input, 0, open()?, &*person, Repeats::Ignore)?;
    if !bound.events.is_empty() {
        session.events(&input, open()?, &|record, out| event_rows(&bound, record, out))?;
    }
    Ok(())
}

/// The source's id of the row's person: its column, or the row's line where every row is another person.
fn person_id(bound: &Bound, record: &ByteRecord, out: &Output<'_>) -> Result<u64, RowProblem> {
    match &bound.person.id {
        Some(column) => Ok(out.joins.pseudonym(column.required(record)?)),
        None => Ok(out.joins.pseudonym(&out.line().to_string())),
    }
}

fn person_row(
    bound: &Bound,
    as_of_year: i32,
    record: &ByteRecord,
    out: &mut Output<'_>,
) -> Result<(), RowProblem> {
    check_width(record, bound.width)?;
    let it = &bound.person;
    let birth = match (&it.birth_date, &it.age) {
        (Some(column), _) => bound.date(column, record)?.map(CalendarDate::year),
        (None, Some(age)) => age.years(bound, record)?.map(|age| as_of_year - age),
        (None, None) => None,
    };
    let death = it.death_date.as_ref().map(|column| bound.date(column, record)).transpose()?.flatten();
    let region = it.region.as_ref().map(|words| words.text(bound, record)).transpose()?;
    let region = region.flatten().and_then(|region| place::region(&region));
    let zip3 = it.zip.as_ref().map(|column| bound.text(column, record)).transpose()?.flatten();
    out.person(PersonRecord {
        person: person_id(bound, record, out)?,
        birth_year: birth,
        death_year: year_of(death),
        sex: it.sex(bound, record)?,
        race: it.race(bound, record)?,
        ethnicity: it.ethnicity(bound, record)?,
        nation: region.map(|_| "US"),
        region,
        zip3: zip3.and_then(place::zip3),
        organisation: it.organisation(bound, record)?,
    });
    Ok(())
}

fn encounter_row(bound: &Bound, record: &ByteRecord, out: &mut Output<'_>) -> Result<(), RowProblem> {
    check_width(record, bound.width)?;
    let Some(it) = &bound.encounter else { return Ok(()) };
    let source_class = it.class.text(bound, record)?.unwrap_or_default();
    let (class, known) = encounter::class(&source_class);
    let organisation = it.organisation.as_ref().map(|words| words.text(bound, record)).transpose()?.flatten();
    let person_id = person_id(bound, record, out)?;
    let start_date = it.date.required(bound, record)?;
    let end_date = it.end_date.as_ref().map(|date| bound.date(date, record)).transpose()?.flatten();
    let id = out.joins.encounter(it.id.required(record)?);
    out.encounter(Encounter {
        id,
        person_id,
        organisation_id: organisation.as_deref(),
        class,
        source_class: known.then_some(source_class.as_str()),
        start_date,
        end_date,
        code: None,
    });
    Ok(())
}

fn event_rows(bound: &Bound, record: &ByteRecord, out: &mut Output<'_>) -> Result<(), RowProblem> {
    check_width(record, bound.width)?;
    let person_id = person_id(bound, record, out)?;
    if !out.joins.is_known(person_id) {
        return Ok(());
    }
    let encounter_id = match &bound.encounter {
        Some(encounter) => Some(out.joins.encounter(encounter.id.required(record)?)),
        None => None,
    };
    let organisation = out.joins.organisation(encounter_id, person_id).map(str::to_owned);
    // All columns are decoded before the first row is pushed: a broken row leaves nothing behind.
    let mut decoded = Vec::with_capacity(bound.events.len());
    for event in &bound.events {
        let Some(text) = bound.text(&event.column, record)?.filter(|text| event.counts(text)) else {
            continue;
        };
        let date = event.date(bound).required(bound, record)?;
        let code = match &event.code {
            Some(code) => code.as_str(),
            None if is_code(text) => text,
            None => return Err(event.column.problem(text, "is not a code")),
        };
        let number = if event.is_number() { event.column.number(record)? } else { None };
        decoded.push((event, code, date, number, event.answer(text)));
    }
    for (event, code, date, value, answer) in decoded {
        let row = Event {
            person_id,
            encounter_id,
            organisation_id: organisation.as_deref(),
            code_system: &event.system,
            code,
            date,
        };
        match event.kind {
            Kind::Condition => out.push(&Condition(row, None)),
            Kind::Medication => out.push(&Medication(row, None)),
            Kind::Procedure => out.push(&Procedure(row)),
            Kind::Measurement => out.push(&Measurement {
                event: row,
                category: encounter::category(event.category.as_deref().unwrap_or_default()),
                value,
                unit: event.unit.as_deref(),
                value_code: answer,
            }),
        }
    }
    Ok(())
}

/// The day of a row: of its column, or the same for all rows.
impl Dated {
    fn required(&self, bound: &Bound, record: &ByteRecord) -> Result<CalendarDate, RowProblem> {
        match self {
            Self::Constant(date) => Ok(*date),
            Self::Column(column) => {
                bound.date(column, record)?.ok_or_else(|| column.problem("", "is missing"))
            }
        }
    }
}
