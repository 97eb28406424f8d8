//! Synthea's CSV export.
//!
//! Columns are found by name, so the layouts of several versions are read alike (`DATE` or `START`,
//! with or without `SYSTEM`, `CATEGORY`, `ORGANIZATION`). Of `patients.csv` only the year of birth and
//! death, sex, race, ethnicity, state and the first digits of the postal code are looked at.

use csv::ByteRecord;
use medrec_domain::schema::Table;

use super::joins::OrganisationRecord;
use super::output::{Decode, Links, Output, PersonRecord, Repeats, year_of};
use super::record::{Column, CsvSource, check_width};
use super::session::Session;
use crate::error::{DatasetError, RowProblem};
use crate::input::Input;
use crate::table::row::{Condition, Encounter, Event, Measurement, Medication, Procedure};
use crate::vocabulary::{code, encounter, person, place};

pub(super) fn read(session: &mut Session<'_>) -> Result<(), DatasetError> {
    let patients = Input::require(&session.folder, "patients.csv")?;
    if let Some(input) = find(session, "organizations.csv") {
        let source = CsvSource::open(&input, b',')?;
        let decode = organisation(&source)?;
        session.organisations(&input, source, &*decode)?;
    }
    let source = CsvSource::open(&patients, b',')?;
    let decode = patient(&source)?;
    let mut found = Vec::new();
    session.find_persons(&patients, 0, source, &*decode, &mut found)?;
    session.index_persons(found);
    if let Some(input) = find(session, "encounters.csv") {
        let source = CsvSource::open(&input, b',')?;
        let decode = encounter_row(&source)?;
        let mut found = Links::default();
        session.encounters(&input, source, &*decode, &mut found)?;
        session.index_encounters(found);
    }
    session.persons(&patients, 0, CsvSource::open(&patients, b',')?, &*decode, Repeats::Refuse)?;
    for (file, table, system) in [
        ("conditions.csv", Table::Condition, "snomed"),
        ("observations.csv", Table::Measurement, "loinc"),
        ("medications.csv", Table::Medication, "rxnorm"),
        ("immunizations.csv", Table::Medication, "cvx"),
        ("procedures.csv", Table::Procedure, "snomed"),
    ] {
        if let Some(input) = find(session, file) {
            let source = CsvSource::open(&input, b',')?;
            let decode = event(&source, table, system)?;
            session.events(&input, source, &*decode)?;
        }
    }
    Ok(())
}

/// An optional file, or a note that it is not there.
fn find(session: &mut Session<'_>, name: &str) -> Option<Input> {
    let input = Input::find(&session.folder, name);
    if input.is_none() {
        session.missing(name);
    }
    input
}

fn organisation(source: &CsvSource) -> Result<Box<Decode<'static>>, DatasetError> {
    let (id, name) = (source.column(&["Id"])?, source.optional(&["NAME"]));
    let (state, width) = (source.optional(&["STATE"]), source.width());
    Ok(Box::new(move |record, out| {
        check_width(record, width)?;
        out.organisation(OrganisationRecord {
            id: id.required(record)?.to_owned(),
            name: name.optional(record)?.map(str::to_owned),
            nation: Some("US"),
            region: place::region(state.text(record)?),
        });
        Ok(())
    }))
}

fn patient(source: &CsvSource) -> Result<Box<Decode<'static>>, DatasetError> {
    let id = source.column(&["Id", "ID"])?;
    let (birth, death) = (source.column(&["BIRTHDATE"])?, source.optional(&["DEATHDATE"]));
    let (sex, race) = (source.column(&["GENDER"])?, source.optional(&["RACE"]));
    let (ethnicity, state) = (source.optional(&["ETHNICITY"]), source.optional(&["STATE"]));
    let (zip, width) = (source.optional(&["ZIP"]), source.width());
    Ok(Box::new(move |record, out| {
        check_width(record, width)?;
        let born = birth.date(record)?;
        let died = death.optional_date(record)?;
        if died.is_some_and(|died| died < born) {
            return Err(death.problem(death.text(record)?, "lies before the birth"));
        }
        let region = place::region(state.text(record)?);
        out.person(PersonRecord {
            person: out.joins.pseudonym(id.required(record)?),
            birth_year: Some(born.year()),
            death_year: year_of(died),
            sex: person::sex(sex.text(record)?),
            race: person::race(race.text(record)?),
            ethnicity: person::ethnicity(ethnicity.text(record)?),
            nation: region.map(|_| "US"),
            region,
            zip3: place::zip3(zip.text(record)?),
            organisation: None,
        });
        Ok(())
    }))
}

fn encounter_row(source: &CsvSource) -> Result<Box<Decode<'static>>, DatasetError> {
    let id = source.column(&["Id", "ID"])?;
    let (start, stop) = (source.column(&["START", "DATE"])?, source.optional(&["STOP"]));
    let (patient, organisation) = (source.column(&["PATIENT"])?, source.optional(&["ORGANIZATION"]));
    let (class, code) = (source.optional(&["ENCOUNTERCLASS"]), source.optional(&["CODE"]));
    let width = source.width();
    Ok(Box::new(move |record, out| {
        check_width(record, width)?;
        let patient_id = patient.required(record)?;
        let source_class = class.text(record)?;
        let (class, known) = encounter::class(source_class);
        let start_date = start.date(record)?;
        let coded = code.optional(record)?;
        let row = Encounter {
            id: out.joins.encounter(id.required(record)?),
            person_id: out.joins.known_person(patient_id, "PATIENT")?,
            organisation_id: organisation.optional(record)?,
            class,
            source_class: known.then_some(source_class),
            start_date,
            end_date: stop.optional_date(record)?,
            code: coded.map(|_| code.code(record)).transpose()?.map(|code| ("snomed", code)),
        };
        out.encounter(row);
        Ok(())
    }))
}

/// Columns that all events share.
struct EventColumns {
    patient: Column,
    encounter: Column,
    start: Column,
    stop: Column,
    code: Column,
    system: Column,
    default_system: &'static str,
    width: usize,
}

impl EventColumns {
    fn decode<'r>(&self, record: &'r ByteRecord, out: &Output<'r>) -> Result<Event<'r>, RowProblem> {
        check_width(record, self.width)?;
        let person_id = out.joins.known_person(self.patient.required(record)?, "PATIENT")?;
        let encounter_id = self.encounter.optional(record)?.map(|id| out.joins.encounter(id));
        let system = self.system.optional(record)?.and_then(code::system);
        Ok(Event {
            person_id,
            encounter_id,
            organisation_id: out.joins.organisation(encounter_id, person_id),
            code_system: system.unwrap_or(self.default_system),
            code: self.code.code(record)?,
            date: self.start.date(record)?,
        })
    }
}

fn event(
    source: &CsvSource,
    table: Table,
    default_system: &'static str,
) -> Result<Box<Decode<'static>>, DatasetError> {
    let columns = EventColumns {
        patient: source.column(&["PATIENT"])?,
        encounter: source.optional(&["ENCOUNTER"]),
        start: source.column(&["START", "DATE"])?,
        stop: source.optional(&["STOP"]),
        code: source.column(&["CODE"])?,
        system: source.optional(&["SYSTEM"]),
        default_system,
        width: source.width(),
    };
    if table == Table::Measurement {
        return observation(source, columns);
    }
    Ok(Box::new(move |record, out| {
        let event = columns.decode(record, out)?;
        let end_date = columns.stop.optional_date(record)?;
        match table {
            Table::Condition => out.push(&Condition(event, end_date)),
            Table::Medication => out.push(&Medication(event, end_date)),
            _ => out.push(&Procedure(event)),
        }
        Ok(())
    }))
}

fn observation(source: &CsvSource, columns: EventColumns) -> Result<Box<Decode<'static>>, DatasetError> {
    let (category, kind) = (source.optional(&["CATEGORY"]), source.optional(&["TYPE"]));
    let (value, units) = (source.column(&["VALUE"])?, source.optional(&["UNITS"]));
    Ok(Box::new(move |record, out| {
        let event = columns.decode(record, out)?;
        // Answers in words are free text unless a vocabulary knows them; free text is dropped.
        let text_type = kind.text(record)?.eq_ignore_ascii_case("text");
        let number = if text_type { None } else { value.number(record)? };
        let value_code = if text_type { code::of_answer(value.text(record)?) } else { None };
        let row = Measurement {
            event,
            category: encounter::category(category.text(record)?),
            value: number,
            unit: units.optional(record)?.filter(|unit| code::is_unit(unit)),
            value_code,
        };
        out.push(&row);
        Ok(())
    }))
}
