//! Canonical tables as Parquet, from an engine or an earlier export.
//!
//! Values are checked like those of any other source, and ids are made into pseudonyms again: a
//! column of numbers from outside may be a column of social security numbers. Columns beyond the
//! canonical ones are never read.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int16Type, Int32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, DictionaryArray, RecordBatch};
use medrec_domain::CalendarDate;
use medrec_domain::schema::Table;

use super::joins::{Link, NO_ORGANISATION, OrganisationRecord};
use super::output::{PersonRecord, person_row};
use super::session::Session;
use crate::error::{DatasetError, RowProblem};
use crate::folder::Folder;
use crate::input::Input;
use crate::table::batch::Batch;
use crate::table::row::{Condition, Encounter, Event, Measurement, Medication, Procedure};
use crate::vocabulary::{code, encounter, person, place};

pub(super) fn read(session: &mut Session<'_>) -> Result<(), DatasetError> {
    let folder = Folder::open(&session.folder)?;
    if folder.files(Table::Person)?.is_empty() {
        Input::require(&session.folder, "person.parquet")?;
    }
    each_row(session, &folder, Table::Organisation, |session, row, _| {
        session.joins.organisations.add(OrganisationRecord {
            id: row.word("organisation_id")?.to_owned(),
            name: row.optional_word("name").map(str::to_owned),
            nation: row.optional_word("nation").and_then(place::nation),
            region: row.optional_word("region").and_then(place::region),
        });
        Ok(())
    })?;
    let mut found: Vec<u64> = Vec::new();
    each_row(session, &folder, Table::Person, |session, row, _| {
        found.push(session.joins.pseudonym(&row.pseudonym("person_id")?.to_string()));
        Ok(())
    })?;
    found.sort_unstable();
    found.dedup();
    session.joins.set_persons(found);
    let mut links = Vec::new();
    each_row(session, &folder, Table::Encounter, |session, row, batch| {
        let link = encounter_row(session, row, batch)?;
        links.push(link);
        Ok(())
    })?;
    session.joins.set_encounters(links);
    let mut seen = std::collections::BTreeSet::new();
    each_row(session, &folder, Table::Person, |session, row, batch| {
        let record = person_record(session, row)?;
        if !seen.insert(record.person) {
            return Err(RowProblem::new("person_id", "", "appears a second time"));
        }
        batch.push(&person_row(&record, &session.joins, session.options));
        Ok(())
    })?;
    for table in [Table::Condition, Table::Measurement, Table::Medication, Table::Procedure] {
        each_row(session, &folder, table, |session, row, batch| event_row(session, row, batch, table))?;
    }
    Ok(())
}

/// A row of a batch.
struct Row<'b> {
    batch: &'b RecordBatch,
    index: usize,
}

impl<'b> Row<'b> {
    fn column(&self, name: &str) -> Option<&'b ArrayRef> {
        self.batch.column_by_name(name).filter(|column| column.is_valid(self.index))
    }

    fn required(&self, name: &str) -> Result<&'b ArrayRef, RowProblem> {
        self.column(name).ok_or_else(|| RowProblem::new(name, "", "is missing"))
    }

    fn pseudonym(&self, name: &str) -> Result<u64, RowProblem> {
        Ok(self.required(name)?.as_primitive::<UInt64Type>().value(self.index))
    }

    fn optional_word(&self, name: &str) -> Option<&'b str> {
        let words: &DictionaryArray<Int32Type> = self.column(name)?.as_dictionary();
        let key = words.key(self.index)?;
        Some(words.values().as_string::<i32>().value(key)).filter(|word| !word.is_empty())
    }

    fn word(&self, name: &str) -> Result<&'b str, RowProblem> {
        self.optional_word(name).ok_or_else(|| RowProblem::new(name, "", "is missing"))
    }

    fn year(&self, name: &str) -> Option<i32> {
        self.column(name).map(|column| i32::from(column.as_primitive::<Int16Type>().value(self.index)))
    }

    fn optional_date(&self, name: &str) -> Result<Option<CalendarDate>, RowProblem> {
        let Some(column) = self.column(name) else { return Ok(None) };
        let days = column.as_primitive::<Date32Type>().value(self.index);
        let date = CalendarDate::from_days(days);
        date.map(Some).ok_or_else(|| RowProblem::new(name, &days.to_string(), "is not a date"))
    }

    fn date(&self, name: &str) -> Result<CalendarDate, RowProblem> {
        self.optional_date(name)?.ok_or_else(|| RowProblem::new(name, "", "is missing"))
    }

    fn number(&self, name: &str) -> Result<Option<f64>, RowProblem> {
        match self.column(name).map(|column| column.as_primitive::<Float64Type>().value(self.index)) {
            Some(number) if !number.is_finite() => {
                Err(RowProblem::new(name, &number.to_string(), "is not a number"))
            }
            number => Ok(number),
        }
    }

    fn code(&self, name: &str) -> Result<&'b str, RowProblem> {
        let word = self.word(name)?;
        if code::is_code(word) { Ok(word) } else { Err(RowProblem::new(name, word, "is not a code")) }
    }

    fn code_system(&self) -> &'static str {
        self.optional_word("code_system").and_then(code::system).unwrap_or("other")
    }
}

/// Runs `visit` over a table's rows; what it pushes is written, batch by batch.
fn each_row<'s>(
    session: &mut Session<'s>,
    folder: &Folder,
    table: Table,
    mut visit: impl FnMut(&mut Session<'s>, &Row<'_>, &mut Batch) -> Result<(), RowProblem>,
) -> Result<(), DatasetError> {
    let name = format!("{}.parquet", table.name());
    let columns: Vec<&str> = table.columns().iter().map(|column| column.name).collect();
    session.stage(&name);
    let mut line = 0;
    for source in folder.batches(table, &columns)? {
        let source = source?;
        let mut batch = Batch::new(table);
        let mut problems = Vec::new();
        for index in 0..source.num_rows() {
            line += 1;
            let row = Row { batch: &source, index };
            if let Err(problem) = visit(session, &row, &mut batch) {
                problems.push(problem.at(&name, line));
            }
        }
        let rows = u64::try_from(source.num_rows()).unwrap_or(0);
        session.took(&name, rows, problems)?;
        if batch.rows() > 0 {
            session.write(table, &batch.finish()?)?;
        }
    }
    Ok(())
}

fn person_of(session: &Session<'_>, row: &Row<'_>) -> Result<u64, RowProblem> {
    session.joins.known_person(&row.pseudonym("person_id")?.to_string(), "person_id")
}

fn person_record(session: &Session<'_>, row: &Row<'_>) -> Result<PersonRecord, RowProblem> {
    let (birth_year, death_year) = (row.year("birth_year"), row.year("death_year"));
    if birth_year.zip(death_year).is_some_and(|(born, died)| died < born) {
        return Err(RowProblem::new("death_year", "", "lies before the birth"));
    }
    Ok(PersonRecord {
        person: session.joins.pseudonym(&row.pseudonym("person_id")?.to_string()),
        birth_year,
        death_year,
        sex: person::sex(row.word("sex")?),
        race: person::race(row.word("race")?),
        ethnicity: person::ethnicity(row.word("ethnicity")?),
        nation: row.optional_word("nation").and_then(place::nation),
        region: row.optional_word("region").and_then(place::region),
        // Three digits are kept as they are: padding is for whole codes.
        zip3: row.optional_word("zip3").and_then(|zip3| place::zip3(&format!("{zip3:0>3}00"))),
        organisation: row.optional_word("organisation_id").map(str::to_owned),
    })
}

fn encounter_row(session: &mut Session<'_>, row: &Row<'_>, batch: &mut Batch) -> Result<Link, RowProblem> {
    let person_id = person_of(session, row)?;
    let organisation = row.optional_word("organisation_id").map(|id| session.joins.organisations.number(id));
    let source_class = row.optional_word("source_class").unwrap_or(row.word("class")?);
    let (class, known) = encounter::class(source_class);
    let code = row.optional_word("code").map(|_| row.code("code")).transpose()?;
    let encounter = Encounter {
        id: session.joins.encounter(&row.pseudonym("encounter_id")?.to_string()),
        person_id,
        organisation_id: organisation
            .and_then(|number| session.joins.organisations.id(number))
            .or_else(|| session.joins.site(person_id)),
        class: if known { class } else { encounter::class(row.word("class")?).0 },
        source_class: known.then_some(source_class),
        start_date: row.date("start_date")?,
        end_date: row.optional_date("end_date")?,
        code: code.map(|code| (row.code_system(), code)),
    };
    batch.push(&encounter);
    Ok(Link {
        encounter: encounter.id,
        person: person_id,
        organisation: organisation.unwrap_or(NO_ORGANISATION),
        start_day: encounter.start_date.days(),
    })
}

fn event_row(
    session: &mut Session<'_>,
    row: &Row<'_>,
    batch: &mut Batch,
    table: Table,
) -> Result<(), RowProblem> {
    let person_id = person_of(session, row)?;
    let encounter = row.column("encounter_id").map(|_| row.pseudonym("encounter_id")).transpose()?;
    let encounter_id = encounter.map(|encounter| session.joins.encounter(&encounter.to_string()));
    let own = row.optional_word("organisation_id").map(|id| session.joins.organisations.number(id));
    let own = own.and_then(|number| session.joins.organisations.id(number));
    let event = Event {
        person_id,
        encounter_id,
        organisation_id: own.or_else(|| session.joins.organisation(encounter_id, person_id)),
        code_system: row.code_system(),
        code: row.code("code")?,
        date: row.date(table.date_column().unwrap_or("date"))?,
    };
    match table {
        Table::Condition => batch.push(&Condition(event, row.optional_date("end_date")?)),
        Table::Medication => batch.push(&Medication(event, row.optional_date("end_date")?)),
        Table::Procedure => batch.push(&Procedure(event)),
        _ => batch.push(&Measurement {
            event,
            category: encounter::category(row.word("category")?),
            value: row.number("value")?,
            unit: row.optional_word("unit").filter(|unit| code::is_unit(unit)),
            value_code: row.optional_word("value_code").filter(|value| code::is_code(value)),
        }),
    }
    Ok(())
}
