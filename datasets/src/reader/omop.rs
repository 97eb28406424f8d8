//! OMOP Common Data Model, versions 5.3 and 5.4, as CSV: one file a table, by the table's name.
//!
//! The columns that are read have the same names in both versions; they are found by name, so the order
//! and the additions of 5.4 do not matter. Ids may be written as `6` or `6.0` (data frames with missing
//! values export integers so). Source values, which hold medical record numbers and free text, are
//! looked at only where a closed vocabulary takes them.

mod columns;
mod lookup;

use csv::ByteRecord;
use medrec_domain::schema::Table;

use columns::{find, id, number_id, required_id};

use super::output::{Decode, Links, Output, PersonRecord, Repeats};
use super::record::{Column, CsvSource, check_width};
use super::session::Session;
use crate::error::{DatasetError, RowProblem};
use crate::input::Input;
use crate::table::row::{Condition, Encounter, Event, Measurement, Medication, Procedure};
use crate::vocabulary::{code, encounter, person};
use lookup::{Concepts, Lookups};

pub(super) fn read(session: &mut Session<'_>) -> Result<(), DatasetError> {
    let persons = Input::require(&session.folder, "person.csv")?;
    lookup::check_version(session)?;
    let lookups = Lookups::load(session)?;
    let source = CsvSource::open(&persons, b',')?;
    let decode = person_row(&source, &lookups)?;
    let mut found = Vec::new();
    session.find_persons(&persons, 0, source, &*decode, &mut found)?;
    session.index_persons(found);
    if let Some(input) = find(session, "visit_occurrence.csv") {
        let source = CsvSource::open(&input, b',')?;
        let decode = visit(&source, &lookups)?;
        let mut found = Links::default();
        session.encounters(&input, source, &*decode, &mut found)?;
        session.index_encounters(found);
    }
    session.persons(&persons, 0, CsvSource::open(&persons, b',')?, &*decode, Repeats::Refuse)?;
    for (file, table, stem, dates) in [
        (
            "condition_occurrence.csv",
            Table::Condition,
            "condition",
            ["condition_start_date", "condition_end_date"],
        ),
        ("measurement.csv", Table::Measurement, "measurement", ["measurement_date", ""]),
        ("observation.csv", Table::Measurement, "observation", ["observation_date", ""]),
        (
            "drug_exposure.csv",
            Table::Medication,
            "drug",
            ["drug_exposure_start_date", "drug_exposure_end_date"],
        ),
        ("procedure_occurrence.csv", Table::Procedure, "procedure", ["procedure_date", ""]),
    ] {
        if let Some(input) = find(session, file) {
            let source = CsvSource::open(&input, b',')?;
            let columns = EventColumns::of(&source, stem, dates)?;
            let decode = event(&source, columns, table, &lookups.concepts);
            session.events(&input, source, &*decode)?;
        }
    }
    Ok(())
}

fn person_row<'l>(source: &CsvSource, lookups: &'l Lookups) -> Result<Box<Decode<'l>>, DatasetError> {
    let (own, born) = (source.column(&["person_id"])?, source.column(&["year_of_birth"])?);
    let (gender, gender_word) =
        (source.column(&["gender_concept_id"])?, source.optional(&["gender_source_value"]));
    let (race, race_word) = (source.optional(&["race_concept_id"]), source.optional(&["race_source_value"]));
    let ethnicity = source.optional(&["ethnicity_concept_id"]);
    let ethnicity_word = source.optional(&["ethnicity_source_value"]);
    let (place, site) = (source.optional(&["location_id"]), source.optional(&["care_site_id"]));
    let width = source.width();
    Ok(Box::new(move |record, out| {
        check_width(record, width)?;
        // A concept decides; where it is 0, the source's word may.
        let word = |concept: &Column, source_value: &Column, vocabulary: fn(&str) -> &'static str| {
            let by_concept = vocabulary(id(concept, record)?.unwrap_or_default());
            Ok(if by_concept == "unknown" { vocabulary(source_value.text(record)?) } else { by_concept })
        };
        let year = born.number(record)?.ok_or_else(|| born.problem("", "is missing"))?;
        if !(1800.0..=2200.0).contains(&year) || year.fract() != 0.0 {
            return Err(born.problem(born.text(record)?, "is not a year"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "a whole number between 1800 and 2200")]
        let birth_year = year as i32;
        let own_id = required_id(&own, record)?;
        let person = out.joins.pseudonym(own_id);
        let home = number_id(&place, record)?.and_then(|place| lookups.places.get(&place));
        let site = number_id(&site, record)?.and_then(|site| lookups.sites.get(&site));
        let region = home.and_then(|home| home.region);
        out.person(PersonRecord {
            person,
            birth_year: Some(birth_year),
            death_year: own_id.parse().ok().and_then(|own: u64| lookups.deaths.get(&own).copied()),
            sex: word(&gender, &gender_word, person::sex)?,
            race: word(&race, &race_word, person::race)?,
            ethnicity: word(&ethnicity, &ethnicity_word, person::ethnicity)?,
            nation: region.map(|_| "US"),
            region,
            zip3: home.and_then(|home| home.zip3.clone()),
            organisation: site.cloned(),
        });
        Ok(())
    }))
}

fn visit<'l>(source: &CsvSource, lookups: &'l Lookups) -> Result<Box<Decode<'l>>, DatasetError> {
    let (own, patient) = (source.column(&["visit_occurrence_id"])?, source.column(&["person_id"])?);
    let (start, end) = (source.column(&["visit_start_date"])?, source.optional(&["visit_end_date"]));
    let (class, site) = (source.column(&["visit_concept_id"])?, source.optional(&["care_site_id"]));
    let width = source.width();
    Ok(Box::new(move |record, out| {
        check_width(record, width)?;
        let source_class = id(&class, record)?.unwrap_or_default();
        let (class, known) = encounter::class(source_class);
        let site = number_id(&site, record)?.and_then(|site| lookups.sites.get(&site));
        let row = Encounter {
            id: out.joins.encounter(required_id(&own, record)?),
            person_id: out.joins.known_person(required_id(&patient, record)?, "person_id")?,
            organisation_id: site.map(String::as_str),
            class,
            source_class: known.then_some(source_class),
            start_date: start.date(record)?,
            end_date: end.optional_date(record)?,
            code: None,
        };
        out.encounter(row);
        Ok(())
    }))
}

/// Columns that all events share; `stem` is what their names begin with.
struct EventColumns {
    patient: Column,
    visit: Column,
    concept: Column,
    source_concept: Column,
    source_value: Column,
    start: Column,
    end: Column,
    width: usize,
}

impl EventColumns {
    fn of(source: &CsvSource, stem: &str, [start, end]: [&str; 2]) -> Result<Self, DatasetError> {
        let name = |rest: &str| format!("{stem}_{rest}");
        Ok(Self {
            patient: source.column(&["person_id"])?,
            visit: source.optional(&["visit_occurrence_id"]),
            concept: source.column(&[&name("concept_id")])?,
            source_concept: source.optional(&[&name("source_concept_id")]),
            source_value: source.optional(&[&name("source_value")]),
            start: source.column(&[start])?,
            end: source.optional(&[end]),
            width: source.width(),
        })
    }

    fn decode<'r>(
        &self,
        record: &'r ByteRecord,
        out: &Output<'r>,
        concepts: &'r Concepts,
    ) -> Result<Event<'r>, RowProblem> {
        check_width(record, self.width)?;
        let person_id = out.joins.known_person(required_id(&self.patient, record)?, "person_id")?;
        let encounter_id = id(&self.visit, record)?.map(|visit| out.joins.encounter(visit));
        let (code_system, code) = self.code(record, concepts)?;
        Ok(Event {
            person_id,
            encounter_id,
            organisation_id: out.joins.organisation(encounter_id, person_id),
            code_system,
            code,
            date: self.start.date(record)?,
        })
    }

    /// The code of the standard concept, else of the source's concept, as the vocabulary describes them; else the
    /// concept's own number; else the source's code.
    fn code<'r>(
        &self,
        record: &'r ByteRecord,
        concepts: &'r Concepts,
    ) -> Result<(&'r str, &'r str), RowProblem> {
        let ids = [id(&self.concept, record)?, id(&self.source_concept, record)?];
        if let Some(known) = ids.iter().flatten().find_map(|id| concepts.code(id)) {
            return Ok(known);
        }
        if let Some(concept) = ids.into_iter().flatten().next() {
            return Ok(("omop", concept));
        }
        let source_code = self.source_value.required(record)?;
        if code::is_code(source_code) {
            return Ok(("other", source_code));
        }
        Err(self.source_value.problem(source_code, "is not a code"))
    }
}

fn event<'l>(
    source: &CsvSource,
    columns: EventColumns,
    table: Table,
    concepts: &'l Concepts,
) -> Box<Decode<'l>> {
    if table == Table::Measurement {
        return measurement(source, columns, concepts);
    }
    Box::new(move |record, out| {
        let event = columns.decode(record, out, concepts)?;
        let end = columns.end.optional_date(record)?;
        match table {
            Table::Condition => out.push(&Condition(event, end)),
            Table::Medication => out.push(&Medication(event, end)),
            _ => out.push(&Procedure(event)),
        }
        Ok(())
    })
}

fn measurement<'l>(source: &CsvSource, columns: EventColumns, concepts: &'l Concepts) -> Box<Decode<'l>> {
    let value = source.optional(&["value_as_number"]);
    let (answer, unit) = (source.optional(&["value_as_concept_id"]), source.optional(&["unit_source_value"]));
    Box::new(move |record, out| {
        let event = columns.decode(record, out, concepts)?;
        let answer = id(&answer, record)?;
        let row = Measurement {
            event,
            category: "other",
            value: value.number(record)?,
            unit: unit.optional(record)?.filter(|unit| code::is_unit(unit)),
            value_code: answer.map(|answer| concepts.code(answer).map_or(answer, |(_, code)| code)),
        };
        out.push(&row);
        Ok(())
    })
}
