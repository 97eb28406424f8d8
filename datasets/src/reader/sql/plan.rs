//! A mapping, checked and compiled: one query and one decoder for each of its sections.

use std::collections::BTreeSet;

use csv::ByteRecord;
use medrec_domain::schema::Table;
use toml::Spanned;

use super::super::output::Output;
use super::super::record::Column;
use super::decode::{Common, EncounterColumns, EventColumns, OrganisationColumns, PersonColumns, Words};
use super::mapping::{self, EventSection, File, Name, Only, Refusal, Value};
use super::query::Query;
use crate::error::{DatasetError, RowProblem};
use crate::vocabulary::code;

/// How one row becomes rows of the canonical tables.
pub(super) type SectionDecode =
    Box<dyn Fn(&ByteRecord, &mut Output<'_>) -> Result<(), RowProblem> + Send + Sync>;

/// A section of the mapping, ready to be asked.
pub(super) struct Section {
    pub(super) query: Query,
    pub(super) decode: SectionDecode,
    /// The column that holds patients' ids, where there is one.
    pub(super) person: Option<Column>,
}

/// All sections.
pub(super) struct Plan {
    pub(super) person: Section,
    pub(super) organisation: Option<Section>,
    pub(super) encounter: Option<Section>,
    pub(super) events: Vec<(Table, Section)>,
}

/// A checked mapping of a database: which of its tables and columns hold what the canonical tables ask for.
#[derive(Debug, Clone)]
pub struct SqlMapping {
    file: File,
}

impl SqlMapping {
    /// Reads and checks a mapping. `file` is its name for messages.
    ///
    /// # Errors
    /// [`DatasetError::Mapping`] with the line and what is wrong there.
    pub fn parse(file: &str, text: &str) -> Result<Self, DatasetError> {
        let mapping = Self { file: mapping::parse(file, text)? };
        match mapping.compile() {
            Ok(_) => Ok(mapping),
            Err(refusal) => Err(mapping::refuse(file, text, refusal.at, refusal.problem)),
        }
    }

    fn compile(&self) -> Result<Plan, Refusal> {
        let file = &self.file;
        let missing = file.missing.as_slice();
        let kinds = [
            (Table::Condition, &file.conditions),
            (Table::Measurement, &file.measurements),
            (Table::Medication, &file.medications),
            (Table::Procedure, &file.procedures),
        ];
        let mut events = Vec::new();
        for (table, sections) in kinds {
            for section in sections {
                events.push((table, event(table, section, missing)?));
            }
        }
        Ok(Plan {
            person: person(&file.person, missing)?,
            organisation: file.organisation.as_ref().map(|it| organisation(it, missing)).transpose()?,
            encounter: file.encounter.as_ref().map(|it| encounter(it, missing)).transpose()?,
            events,
        })
    }

    /// The plan. A mapping that was parsed has one.
    pub(super) fn plan(&self) -> Result<Plan, DatasetError> {
        self.compile().map_err(|refusal| DatasetError::Option { option: "mapping", problem: refusal.problem })
    }
}

fn common(query: &mut Query, only: &[Only], missing: &[String]) -> Result<Common, Refusal> {
    let mut columns = Vec::with_capacity(only.len());
    for it in only {
        if it.is.is_empty() {
            return Err(Refusal::new(&it.column, "`only` has no words: no row would count"));
        }
        columns.push((query.column(&it.column)?, it.is.clone()));
    }
    Ok(Common { missing: missing.to_vec(), only: columns })
}

fn column(query: &mut Query, name: Option<&Name>) -> Result<Option<Column>, Refusal> {
    name.map(|name| query.column(name)).transpose()
}

fn words(query: &mut Query, value: Option<&Spanned<Value>>) -> Result<Option<Words>, Refusal> {
    value.map(|value| required_words(query, value)).transpose()
}

fn required_words(query: &mut Query, value: &Spanned<Value>) -> Result<Words, Refusal> {
    let it = value.get_ref();
    match (&it.column, &it.constant) {
        (Some(name), None) => {
            let column = query.column_at(value, name)?;
            let map = it.map.iter().map(|(from, to)| (from.clone(), to.clone())).collect();
            Ok(Words::Column { column, map })
        }
        (None, Some(word)) if it.map.is_empty() => Ok(Words::Constant(word.clone())),
        (None, Some(_)) => Err(Refusal::new(value, "a constant has nothing to be renamed: remove `map`")),
        _ => Err(Refusal::new(value, "has exactly one of column and constant")),
    }
}

/// A code or the name of a code system: what the mapping itself says must have the form.
fn coded(query: &mut Query, value: &Spanned<Value>, what: &str) -> Result<Words, Refusal> {
    let it = value.get_ref();
    let own: BTreeSet<&String> = it.constant.iter().chain(it.map.values()).collect();
    if let Some(word) = own.into_iter().find(|word| !code::is_name(word)) {
        return Err(Refusal::new(value, format!("{word:?} is not a {what}")));
    }
    required_words(query, value)
}

fn person(it: &mapping::PersonSection, missing: &[String]) -> Result<Section, Refusal> {
    let mut query = Query::new(&it.table, &it.joins)?;
    let id = query.person(&it.id)?;
    let columns = PersonColumns {
        common: common(&mut query, &it.only, missing)?,
        id: id.clone(),
        birth_date: column(&mut query, it.birth_date.as_ref())?,
        death_date: column(&mut query, it.death_date.as_ref())?,
        sex: words(&mut query, it.sex.as_ref())?,
        race: words(&mut query, it.race.as_ref())?,
        ethnicity: words(&mut query, it.ethnicity.as_ref())?,
        region: words(&mut query, it.region.as_ref())?,
        zip: column(&mut query, it.zip.as_ref())?,
        organisation: words(&mut query, it.organisation.as_ref())?,
    };
    let decode: SectionDecode = Box::new(move |record, out| columns.decode(record, out));
    Ok(Section { query, decode, person: Some(id) })
}

fn organisation(it: &mapping::OrganisationSection, missing: &[String]) -> Result<Section, Refusal> {
    let mut query = Query::new(&it.table, &it.joins)?;
    let columns = OrganisationColumns {
        common: common(&mut query, &it.only, missing)?,
        id: query.column(&it.id)?,
        name: column(&mut query, it.name.as_ref())?,
        region: words(&mut query, it.region.as_ref())?,
    };
    let decode: SectionDecode = Box::new(move |record, out| columns.decode(record, out));
    Ok(Section { query, decode, person: None })
}

fn encounter(it: &mapping::EncounterSection, missing: &[String]) -> Result<Section, Refusal> {
    let mut query = Query::new(&it.table, &it.joins)?;
    let person = query.person(&it.person)?;
    let code = match (&it.system, &it.code) {
        (Some(system), Some(code)) => {
            Some((coded(&mut query, system, "code system")?, coded(&mut query, code, "code")?))
        }
        (None, None) => None,
        (Some(alone), None) | (None, Some(alone)) => {
            return Err(Refusal::new(alone, "code and system come together or not at all"));
        }
    };
    let columns = EncounterColumns {
        common: common(&mut query, &it.only, missing)?,
        id: query.column(&it.id)?,
        person: person.clone(),
        class: required_words(&mut query, &it.class)?,
        organisation: words(&mut query, it.organisation.as_ref())?,
        start_date: query.column(&it.start_date)?,
        end_date: column(&mut query, it.end_date.as_ref())?,
        code,
    };
    let decode: SectionDecode = Box::new(move |record, out| columns.decode(record, out));
    Ok(Section { query, decode, person: Some(person) })
}

/// Refuses keys that a kind of event has no place for, and finds its date.
fn event_date(table: Table, it: &EventSection) -> Result<&Name, Refusal> {
    let refuse = |place: &Name, key: &str| Err(Refusal::new(place, format!("a {table} has no {key}")));
    if table != Table::Measurement {
        if let Some(value) = &it.value {
            return refuse(value, "value");
        }
        let words = [("category", &it.category), ("unit", &it.unit), ("answer", &it.answer)];
        if let Some((key, value)) = words.into_iter().find_map(|(key, value)| Some((key, value.as_ref()?))) {
            return Err(Refusal::new(value, format!("a {table} has no {key}")));
        }
    }
    let lasts = matches!(table, Table::Condition | Table::Medication);
    match (&it.date, &it.start_date, &it.end_date) {
        (Some(date), _, _) if lasts => refuse(date, "date: it has a start_date"),
        (_, Some(date), _) | (_, _, Some(date)) if !lasts => refuse(date, "start or end: it has a date"),
        (_, Some(date), _) | (Some(date), _, _) => Ok(date),
        _ => Err(Refusal::new(&it.table, format!("a {table} needs a date"))),
    }
}

fn event(table: Table, it: &EventSection, missing: &[String]) -> Result<Section, Refusal> {
    let date = event_date(table, it)?;
    let mut query = Query::new(&it.table, &it.joins)?;
    let person = query.person(&it.person)?;
    if let Some(answer) = it.answer.as_ref().filter(|answer| answer.get_ref().constant.is_some()) {
        return Err(Refusal::new(answer, "an answer is a column"));
    }
    if let Some(answer) = &it.answer
        && let Some(word) = answer.get_ref().map.values().find(|word| !code::is_code(word))
    {
        return Err(Refusal::new(answer, format!("{word:?} is not a code")));
    }
    if let Some(unit) = &it.unit {
        let own = unit.get_ref().constant.iter().chain(unit.get_ref().map.values());
        if let Some(word) = own.into_iter().find(|word| !code::is_unit(word)) {
            return Err(Refusal::new(unit, format!("{word:?} is not a unit")));
        }
    }
    let columns = EventColumns {
        common: common(&mut query, &it.only, missing)?,
        table,
        person: person.clone(),
        encounter: column(&mut query, it.encounter.as_ref())?,
        organisation: words(&mut query, it.organisation.as_ref())?,
        system: coded(&mut query, &it.system, "code system")?,
        code: coded(&mut query, &it.code, "code")?,
        date: query.column(date)?,
        end_date: column(&mut query, it.end_date.as_ref())?,
        category: words(&mut query, it.category.as_ref())?,
        value: column(&mut query, it.value.as_ref())?,
        unit: words(&mut query, it.unit.as_ref())?,
        answer: words(&mut query, it.answer.as_ref())?,
    };
    let decode: SectionDecode = Box::new(move |record, out| columns.decode(record, out));
    Ok(Section { query, decode, person: Some(person) })
}
