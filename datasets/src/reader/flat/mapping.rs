//! The mapping of a flat table: its file, and its columns found in a header.
//!
//! Unknown keys are errors, and so are columns that the file does not have: a mapping that is
//! misspelt must not silently map nothing. docs/DATA.md documents the file with examples.

use std::collections::{BTreeMap, BTreeSet};

use csv::ByteRecord;
use medrec_domain::CalendarDate;
use serde::Deserialize;

use super::super::record::{Column, CsvSource};
use crate::error::{DatasetError, RowProblem};
use crate::vocabulary::{code, person};

/// A checked mapping.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    file: String,
    #[serde(default = "comma")]
    delimiter: char,
    #[serde(default)]
    missing: Vec<String>,
    person: PersonMapping,
    encounter: Option<EncounterMapping>,
    #[serde(default)]
    conditions: Vec<EventMapping>,
    #[serde(default)]
    measurements: Vec<EventMapping>,
    #[serde(default)]
    medications: Vec<EventMapping>,
    #[serde(default)]
    procedures: Vec<EventMapping>,
    /// Date of events where there is neither a column nor an encounter.
    date: Option<CalendarDate>,
}

fn comma() -> char {
    ','
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonMapping {
    id: Option<String>,
    birth_date: Option<String>,
    death_date: Option<String>,
    age: Option<WordsMapping>,
    sex: Option<WordsMapping>,
    race: Option<WordsMapping>,
    ethnicity: Option<WordsMapping>,
    region: Option<WordsMapping>,
    zip: Option<String>,
    organisation: Option<WordsMapping>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct EncounterMapping {
    id: String,
    class: WordsMapping,
    organisation: Option<WordsMapping>,
    date: DateMapping,
    end_date: Option<String>,
}

/// A date of a column, or one for all rows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct DateMapping {
    column: Option<String>,
    constant: Option<CalendarDate>,
}

/// Words of a column, renamed where `map` says so, or one word for all rows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WordsMapping {
    column: Option<String>,
    constant: Option<String>,
    #[serde(default)]
    map: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventMapping {
    column: String,
    code: Option<String>,
    system: String,
    unit: Option<String>,
    category: Option<String>,
    values: Option<BTreeSet<String>>,
    when: Option<BTreeSet<String>>,
    date: Option<DateMapping>,
}

/// Table that a column's events go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Condition,
    Measurement,
    Medication,
    Procedure,
}

/// A mapping whose columns are found.
pub(super) struct Bound {
    missing: Vec<String>,
    pub(super) width: usize,
    pub(super) person: BoundPerson,
    pub(super) encounter: Option<BoundEncounter>,
    pub(super) events: Vec<BoundEvent>,
    default_date: Dated,
}

pub(super) struct BoundPerson {
    pub(super) id: Option<Column>,
    pub(super) birth_date: Option<Column>,
    pub(super) death_date: Option<Column>,
    pub(super) age: Option<Words>,
    sex: Option<Words>,
    race: Option<Words>,
    ethnicity: Option<Words>,
    pub(super) region: Option<Words>,
    pub(super) zip: Option<Column>,
    organisation: Option<Words>,
}

pub(super) struct BoundEncounter {
    pub(super) id: Column,
    pub(super) class: Words,
    pub(super) organisation: Option<Words>,
    pub(super) date: Dated,
    pub(super) end_date: Option<Column>,
}

pub(super) struct BoundEvent {
    pub(super) kind: Kind,
    pub(super) column: Column,
    pub(super) code: Option<String>,
    pub(super) system: String,
    pub(super) unit: Option<String>,
    pub(super) category: Option<String>,
    values: Option<BTreeSet<String>>,
    when: Option<BTreeSet<String>>,
    date: Option<Dated>,
}

#[derive(Clone)]
pub(super) enum Dated {
    Constant(CalendarDate),
    Column(Column),
}

/// Words of a column or a constant.
pub(super) struct Words {
    column: Option<Column>,
    constant: Option<String>,
    map: BTreeMap<String, String>,
}

impl Mapping {
    /// Reads and checks a mapping. `file` is its name for messages.
    ///
    /// # Errors
    /// [`DatasetError::Mapping`] with the line and what is wrong there.
    pub fn parse(file: &str, text: &str) -> Result<Self, DatasetError> {
        let refuse = |line, problem: String| DatasetError::Mapping { file: file.to_owned(), line, problem };
        let mapping: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.get(..start).unwrap_or(text).matches('\n').count() + 1;
            refuse(line, error.message().lines().collect::<Vec<_>>().join(", "))
        })?;
        mapping.check().map_err(|problem| refuse(1, problem))?;
        Ok(mapping)
    }

    fn check(&self) -> Result<(), String> {
        if !self.delimiter.is_ascii() {
            return Err(format!("delimiter {:?} is not one byte", self.delimiter));
        }
        if self.file.contains(['/', '\\']) {
            return Err(format!("file {:?} is not a name inside the folder", self.file));
        }
        for event in self.events().map(|(_, event)| event) {
            let code = event.code.as_deref();
            if code.is_some_and(|code| !code::is_name(code))
                || event.unit.as_deref().is_some_and(|unit| !code::is_unit(unit))
            {
                return Err(format!("column {:?} has a code or unit that is none", event.column));
            }
            if !code::is_name(&event.system) {
                return Err(format!("column {:?} has a system that is no word", event.column));
            }
        }
        if self.measurements.iter().any(|event| event.code.is_none()) {
            return Err("a measurement needs a code".into());
        }
        let dated = self.date.is_some() || self.encounter.is_some();
        if let Some((_, event)) = self.events().find(|(_, event)| event.date.is_none() && !dated) {
            return Err(format!("column {:?} has no date, and neither has the table", event.column));
        }
        Ok(())
    }

    fn events(&self) -> impl Iterator<Item = (Kind, &EventMapping)> {
        let conditions = self.conditions.iter().map(|event| (Kind::Condition, event));
        let measurements = self.measurements.iter().map(|event| (Kind::Measurement, event));
        let medications = self.medications.iter().map(|event| (Kind::Medication, event));
        let procedures = self.procedures.iter().map(|event| (Kind::Procedure, event));
        conditions.chain(measurements).chain(medications).chain(procedures)
    }

    /// Name of the CSV file.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn delimiter(&self) -> u8 {
        u8::try_from(self.delimiter).unwrap_or(b',')
    }

    /// Finds the mapping's columns in a header.
    pub(super) fn bind(&self, source: &CsvSource) -> Result<Bound, DatasetError> {
        let column = |name: &Option<String>| name.as_ref().map(|name| source.column(&[name])).transpose();
        let words = |words: &Option<WordsMapping>| words.as_ref().map(|words| words.bind(source)).transpose();
        let it = &self.person;
        let person = BoundPerson {
            id: column(&it.id)?,
            birth_date: column(&it.birth_date)?,
            death_date: column(&it.death_date)?,
            age: words(&it.age)?,
            sex: words(&it.sex)?,
            race: words(&it.race)?,
            ethnicity: words(&it.ethnicity)?,
            region: words(&it.region)?,
            zip: column(&it.zip)?,
            organisation: words(&it.organisation)?,
        };
        let encounter = self.encounter.as_ref().map(|encounter| encounter.bind(source)).transpose()?;
        let of_encounter = encounter.as_ref().map(|encounter| encounter.date.clone());
        let constant = self.date.map(Dated::Constant);
        // `check` made sure that one of the two is there whenever an event asks for it.
        let first_day = CalendarDate::from_days(0).map(Dated::Constant);
        let no_date = || DatasetError::Option { option: "mapping", problem: "has no date".into() };
        let default_date = constant.or(of_encounter).or(first_day).ok_or_else(no_date)?;
        let events = self.events().map(|(kind, event)| event.bind(kind, source)).collect::<Result<_, _>>()?;
        Ok(Bound {
            missing: self.missing.clone(),
            width: source.width(),
            person,
            encounter,
            events,
            default_date,
        })
    }
}

impl EncounterMapping {
    fn bind(&self, source: &CsvSource) -> Result<BoundEncounter, DatasetError> {
        Ok(BoundEncounter {
            id: source.column(&[&self.id])?,
            class: self.class.bind(source)?,
            organisation: self.organisation.as_ref().map(|words| words.bind(source)).transpose()?,
            date: self.date.bind(source)?,
            end_date: self.end_date.as_ref().map(|name| source.column(&[name])).transpose()?,
        })
    }
}

impl EventMapping {
    fn bind(&self, kind: Kind, source: &CsvSource) -> Result<BoundEvent, DatasetError> {
        Ok(BoundEvent {
            kind,
            column: source.column(&[&self.column])?,
            code: self.code.clone(),
            system: code::system(&self.system).map_or_else(|| self.system.clone(), str::to_owned),
            unit: self.unit.clone(),
            category: self.category.clone(),
            values: self.values.clone(),
            when: self.when.clone(),
            date: self.date.as_ref().map(|date| date.bind(source)).transpose()?,
        })
    }
}

impl DateMapping {
    fn bind(&self, source: &CsvSource) -> Result<Dated, DatasetError> {
        match (&self.column, self.constant) {
            (Some(name), None) => Ok(Dated::Column(source.column(&[name])?)),
            (None, Some(date)) => Ok(Dated::Constant(date)),
            _ => Err(DatasetError::Option {
                option: "date",
                problem: "has exactly one of column and constant".into(),
            }),
        }
    }
}

impl WordsMapping {
    fn bind(&self, source: &CsvSource) -> Result<Words, DatasetError> {
        if self.column.is_some() == self.constant.is_some() {
            return Err(DatasetError::Option {
                option: "mapping",
                problem: "each attribute has exactly one of column and constant".into(),
            });
        }
        let column = self.column.as_ref().map(|name| source.column(&[name])).transpose()?;
        Ok(Words { column, constant: self.constant.clone(), map: self.map.clone() })
    }
}

impl Bound {
    /// A field, or `None` where it is empty or one of the words for missing.
    pub(super) fn text<'r>(
        &self,
        column: &Column,
        record: &'r ByteRecord,
    ) -> Result<Option<&'r str>, RowProblem> {
        Ok(column.optional(record)?.filter(|text| !self.missing.iter().any(|missing| missing == text)))
    }

    pub(super) fn date(
        &self,
        column: &Column,
        record: &ByteRecord,
    ) -> Result<Option<CalendarDate>, RowProblem> {
        match self.text(column, record)? {
            None => Ok(None),
            Some(_) => column.date(record).map(Some),
        }
    }
}

impl Words {
    /// The constant, or the column's word after renaming.
    pub(super) fn text(&self, bound: &Bound, record: &ByteRecord) -> Result<Option<String>, RowProblem> {
        let Some(column) = &self.column else { return Ok(self.constant.clone()) };
        let word = bound.text(column, record)?;
        Ok(word.map(|word| self.map.get(word).cloned().unwrap_or_else(|| word.to_owned())))
    }

    /// An age in years, from a number or a renamed band.
    pub(super) fn years(&self, bound: &Bound, record: &ByteRecord) -> Result<Option<i32>, RowProblem> {
        let Some(text) = self.text(bound, record)? else { return Ok(None) };
        let age = text.parse().ok().filter(|age| (0..=130).contains(age));
        age.map(Some).ok_or_else(|| RowProblem::new("age", &text, "is not an age in years"))
    }
}

impl BoundPerson {
    fn word(words: Option<&Words>, bound: &Bound, record: &ByteRecord) -> Result<String, RowProblem> {
        Ok(words.map(|words| words.text(bound, record)).transpose()?.flatten().unwrap_or_default())
    }

    pub(super) fn sex(&self, bound: &Bound, record: &ByteRecord) -> Result<&'static str, RowProblem> {
        Self::word(self.sex.as_ref(), bound, record).map(|word| person::sex(&word))
    }

    pub(super) fn race(&self, bound: &Bound, record: &ByteRecord) -> Result<&'static str, RowProblem> {
        Self::word(self.race.as_ref(), bound, record).map(|word| person::race(&word))
    }

    pub(super) fn ethnicity(&self, bound: &Bound, record: &ByteRecord) -> Result<&'static str, RowProblem> {
        Self::word(self.ethnicity.as_ref(), bound, record).map(|word| person::ethnicity(&word))
    }

    pub(super) fn organisation(
        &self,
        bound: &Bound,
        record: &ByteRecord,
    ) -> Result<Option<String>, RowProblem> {
        Ok(Some(Self::word(self.organisation.as_ref(), bound, record)?).filter(|word| !word.is_empty()))
    }
}

impl BoundEvent {
    /// Date of the event: its own, else that of the encounter or the table.
    pub(super) fn date<'b>(&'b self, bound: &'b Bound) -> &'b Dated {
        self.date.as_ref().unwrap_or(&bound.default_date)
    }

    /// Whether the column holds numbers to measure (and not words).
    pub(super) fn is_number(&self) -> bool {
        self.kind == Kind::Measurement && self.values.is_none()
    }

    /// Whether a field makes an event.
    pub(super) fn counts(&self, text: &str) -> bool {
        self.when.as_ref().is_none_or(|when| when.contains(text))
    }

    /// The coded answer of a column of words. Words that are not declared are `other`.
    pub(super) fn answer(&self, text: &str) -> Option<&str> {
        self.values.as_ref().map(|values| values.get(text).map_or("other", String::as_str))
    }
}
