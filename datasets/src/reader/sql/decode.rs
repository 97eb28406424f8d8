//! How rows of a query become canonical rows.
//!
//! The same vocabularies and checks as for files: what a column holds is a word of a closed list, a code
//! with the form of a code, a number or a date, or it does not get through.

use csv::ByteRecord;
use medrec_domain::CalendarDate;
use medrec_domain::schema::Table;

use super::super::joins::OrganisationRecord;
use super::super::output::{Output, PersonRecord, year_of};
use super::super::record::Column;
use crate::error::RowProblem;
use crate::table::row::{Condition, Encounter, Event, Measurement, Medication, Procedure};
use crate::vocabulary::{code, encounter, person, place};

/// What all decoders of a mapping need.
#[derive(Debug, Clone, Default)]
pub(super) struct Common {
    /// Words that mean missing.
    pub(super) missing: Vec<String>,
    /// Columns that must hold one of these words for a row to count.
    pub(super) only: Vec<(Column, Vec<String>)>,
}

impl Common {
    /// A field, or `None` where it is NULL, empty or one of the words for missing.
    fn text<'r>(&self, column: &Column, record: &'r ByteRecord) -> Result<Option<&'r str>, RowProblem> {
        Ok(column.optional(record)?.filter(|text| !self.missing.iter().any(|missing| missing == text)))
    }

    fn required<'r>(&self, column: &Column, record: &'r ByteRecord) -> Result<&'r str, RowProblem> {
        self.text(column, record)?.ok_or_else(|| column.problem("", "is missing"))
    }

    fn maybe<'r>(
        &self,
        column: Option<&Column>,
        record: &'r ByteRecord,
    ) -> Result<Option<&'r str>, RowProblem> {
        column.map_or(Ok(None), |column| self.text(column, record))
    }

    /// A date, which may stop at the year or the month: then it is the first day.
    fn date(&self, column: Option<&Column>, record: &ByteRecord) -> Result<Option<CalendarDate>, RowProblem> {
        let Some(column) = column else { return Ok(None) };
        let Some(text) = self.text(column, record)? else { return Ok(None) };
        let parsed = match text.len() {
            4 => CalendarDate::parse_bytes(format!("{text}-01-01").as_bytes()),
            7 => CalendarDate::parse_bytes(format!("{text}-01").as_bytes()),
            _ => CalendarDate::parse_bytes(text.as_bytes()),
        };
        parsed.map(Some).ok_or_else(|| column.problem(text, "is not a date"))
    }

    fn required_date(&self, column: &Column, record: &ByteRecord) -> Result<CalendarDate, RowProblem> {
        self.date(Some(column), record)?.ok_or_else(|| column.problem("", "is missing"))
    }

    fn words<'r>(&self, words: Option<&'r Words>, record: &'r ByteRecord) -> Result<&'r str, RowProblem> {
        Ok(words.map(|words| words.text(self, record)).transpose()?.flatten().unwrap_or_default())
    }

    /// Whether a row counts.
    fn counts(&self, record: &ByteRecord) -> Result<bool, RowProblem> {
        for (column, words) in &self.only {
            let text = column.text(record)?;
            if !words.iter().any(|word| word == text) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Words of a column, renamed where the mapping says so, or a constant.
#[derive(Debug, Clone)]
pub(super) enum Words {
    Constant(String),
    Column { column: Column, map: Vec<(String, String)> },
}

impl Words {
    fn text<'r>(&'r self, common: &Common, record: &'r ByteRecord) -> Result<Option<&'r str>, RowProblem> {
        match self {
            Self::Constant(word) => Ok(Some(word)),
            Self::Column { column, map } => {
                let Some(word) = common.text(column, record)? else { return Ok(None) };
                let renamed = map.iter().find(|(from, _)| from == word);
                Ok(Some(renamed.map_or(word, |(_, to)| to)))
            }
        }
    }

    /// A declared word, or `other`: for answers, which may be anything that somebody typed.
    fn declared<'r>(
        &'r self,
        common: &Common,
        record: &'r ByteRecord,
    ) -> Result<Option<&'r str>, RowProblem> {
        match self {
            Self::Constant(word) => Ok(Some(word)),
            Self::Column { column, map } => {
                let Some(word) = common.text(column, record)? else { return Ok(None) };
                Ok(Some(map.iter().find(|(from, _)| from == word).map_or("other", |(_, to)| to)))
            }
        }
    }

    /// A problem with these words.
    fn problem(&self, word: &str, problem: &str) -> RowProblem {
        match self {
            Self::Constant(_) => RowProblem::new("constant", word, problem),
            Self::Column { column, .. } => column.problem(word, problem),
        }
    }

    /// A code; `None` where there is none.
    fn code<'r>(&'r self, common: &Common, record: &'r ByteRecord) -> Result<Option<&'r str>, RowProblem> {
        let Some(word) = self.text(common, record)? else { return Ok(None) };
        let is_code = match self {
            Self::Constant(_) => code::is_name(word),
            Self::Column { .. } => code::is_code(word),
        };
        if is_code { Ok(Some(word)) } else { Err(self.problem(word, "is not a code")) }
    }

    /// Name of a code system: one that is known, or the word that the mapping declares.
    fn system<'r>(&'r self, common: &Common, record: &'r ByteRecord) -> Result<&'r str, RowProblem> {
        let word = self.text(common, record)?.unwrap_or_default();
        let undeclared = match self {
            Self::Constant(_) => word,
            Self::Column { map, .. } if map.iter().any(|(_, to)| to == word) => word,
            Self::Column { .. } => "other",
        };
        Ok(code::system(word).unwrap_or(undeclared))
    }
}

/// Columns of persons.
pub(super) struct PersonColumns {
    pub(super) common: Common,
    pub(super) id: Column,
    pub(super) birth_date: Option<Column>,
    pub(super) death_date: Option<Column>,
    pub(super) sex: Option<Words>,
    pub(super) race: Option<Words>,
    pub(super) ethnicity: Option<Words>,
    pub(super) region: Option<Words>,
    pub(super) zip: Option<Column>,
    pub(super) organisation: Option<Words>,
}

impl PersonColumns {
    pub(super) fn decode(&self, record: &ByteRecord, out: &mut Output<'_>) -> Result<(), RowProblem> {
        let common = &self.common;
        if !common.counts(record)? {
            return Ok(());
        }
        let born = common.date(self.birth_date.as_ref(), record)?;
        let died = common.date(self.death_date.as_ref(), record)?;
        if let (Some(born), Some(died)) = (born, died)
            && died < born
        {
            return Err(RowProblem::new("death_date", &died.to_string(), "lies before the birth"));
        }
        let region = place::region(common.words(self.region.as_ref(), record)?);
        let organisation = common.words(self.organisation.as_ref(), record)?;
        out.person(PersonRecord {
            person: out.joins.pseudonym(common.required(&self.id, record)?),
            birth_year: year_of(born),
            death_year: year_of(died),
            sex: person::sex(common.words(self.sex.as_ref(), record)?),
            race: person::race(common.words(self.race.as_ref(), record)?),
            ethnicity: person::ethnicity(common.words(self.ethnicity.as_ref(), record)?),
            nation: region.map(|_| "US"),
            region,
            zip3: common.maybe(self.zip.as_ref(), record)?.and_then(place::zip3),
            organisation: Some(organisation.to_owned()).filter(|id| !id.is_empty()),
        });
        Ok(())
    }
}

/// Columns of organisations.
pub(super) struct OrganisationColumns {
    pub(super) common: Common,
    pub(super) id: Column,
    pub(super) name: Option<Column>,
    pub(super) region: Option<Words>,
}

impl OrganisationColumns {
    pub(super) fn decode(&self, record: &ByteRecord, out: &mut Output<'_>) -> Result<(), RowProblem> {
        if !self.common.counts(record)? {
            return Ok(());
        }
        let region = place::region(self.common.words(self.region.as_ref(), record)?);
        out.organisation(OrganisationRecord {
            id: self.common.required(&self.id, record)?.to_owned(),
            name: self.common.maybe(self.name.as_ref(), record)?.map(str::to_owned),
            nation: region.map(|_| "US"),
            region,
        });
        Ok(())
    }
}

/// Columns of encounters.
pub(super) struct EncounterColumns {
    pub(super) common: Common,
    pub(super) id: Column,
    pub(super) person: Column,
    pub(super) class: Words,
    pub(super) organisation: Option<Words>,
    pub(super) start_date: Column,
    pub(super) end_date: Option<Column>,
    pub(super) code: Option<(Words, Words)>,
}

impl EncounterColumns {
    pub(super) fn decode(&self, record: &ByteRecord, out: &mut Output<'_>) -> Result<(), RowProblem> {
        let common = &self.common;
        if !common.counts(record)? {
            return Ok(());
        }
        let source_class = self.class.text(common, record)?.unwrap_or_default();
        let (class, known) = encounter::class(source_class);
        let organisation = common.words(self.organisation.as_ref(), record)?;
        let mut coded = None;
        if let Some((system, code)) = &self.code
            && let Some(code) = code.code(common, record)?
        {
            coded = Some((system.system(common, record)?, code));
        }
        let patient = common.required(&self.person, record)?;
        let row = Encounter {
            id: out.joins.encounter(common.required(&self.id, record)?),
            person_id: out.joins.known_person(patient, self.person.name())?,
            organisation_id: Some(organisation).filter(|id| !id.is_empty()),
            class,
            source_class: known.then_some(source_class),
            start_date: common.required_date(&self.start_date, record)?,
            end_date: common.date(self.end_date.as_ref(), record)?,
            code: coded,
        };
        out.encounter(row);
        Ok(())
    }
}

/// Number and answer of a measurement.
type Measured<'r> = (Option<f64>, Option<&'r str>);

/// Columns of conditions, measurements, medications or procedures.
pub(super) struct EventColumns {
    pub(super) common: Common,
    pub(super) table: Table,
    pub(super) person: Column,
    pub(super) encounter: Option<Column>,
    pub(super) organisation: Option<Words>,
    pub(super) system: Words,
    pub(super) code: Words,
    pub(super) date: Column,
    pub(super) end_date: Option<Column>,
    pub(super) category: Option<Words>,
    pub(super) value: Option<Column>,
    pub(super) unit: Option<Words>,
    pub(super) answer: Option<Words>,
}

impl EventColumns {
    pub(super) fn decode(&self, record: &ByteRecord, out: &mut Output<'_>) -> Result<(), RowProblem> {
        let common = &self.common;
        if !common.counts(record)? {
            return Ok(());
        }
        let Some(value) = self.values(record)? else { return Ok(()) };
        let joins = out.joins;
        let patient = common.required(&self.person, record)?;
        let person_id = joins.known_person(patient, self.person.name())?;
        let encounter_id = common.maybe(self.encounter.as_ref(), record)?.map(|id| joins.encounter(id));
        let own = Some(common.words(self.organisation.as_ref(), record)?).filter(|id| !id.is_empty());
        let code = self.code.code(common, record)?;
        let event = Event {
            person_id,
            encounter_id,
            organisation_id: own.or_else(|| joins.organisation(encounter_id, person_id)),
            code_system: self.system.system(common, record)?,
            code: code.ok_or_else(|| self.code.problem("", "is missing"))?,
            date: common.required_date(&self.date, record)?,
        };
        let end_date = common.date(self.end_date.as_ref(), record)?;
        match self.table {
            Table::Condition => out.push(&Condition(event, end_date)),
            Table::Medication => out.push(&Medication(event, end_date)),
            Table::Procedure => out.push(&Procedure(event)),
            _ => {
                let (number, answer) = value;
                let unit = common.words(self.unit.as_ref(), record)?;
                out.push(&Measurement {
                    event,
                    category: encounter::category(common.words(self.category.as_ref(), record)?),
                    value: number,
                    unit: Some(unit).filter(|unit| code::is_unit(unit)),
                    value_code: answer,
                });
            }
        }
        Ok(())
    }

    /// Number and answer of a measurement. `None` where its columns are empty although the code is
    /// the same for all rows: then nothing was measured in this row.
    fn values<'r>(&'r self, record: &'r ByteRecord) -> Result<Option<Measured<'r>>, RowProblem> {
        let number = match &self.value {
            Some(column) if self.common.text(column, record)?.is_some() => column.number(record)?,
            _ => None,
        };
        let answer = self.answer.as_ref().map(|words| words.declared(&self.common, record)).transpose()?;
        let answer = answer.flatten();
        let fixed = matches!(self.code, Words::Constant(_));
        let asked = self.value.is_some() || self.answer.is_some();
        let nothing = number.is_none() && answer.is_none();
        Ok(if fixed && asked && nothing { None } else { Some((number, answer)) })
    }
}
