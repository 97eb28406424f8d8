//! The canonical tables: which there are, which columns they have, what those mean.
//!
//! Readers write these tables, consent documents name their fields, workloads count over them. The
//! list lives here so that all three use the same words. Nothing in it can hold a direct identifier:
//! there is no column for a name, an address, a number of a document or a day of birth, and no
//! column for free text (docs/DATA.md says how the readers keep it so).

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::DomainError;

/// A canonical table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// One row for each person.
    Person,
    /// One row for each contact of a person with an organisation.
    Encounter,
    /// One row for each diagnosis or problem.
    Condition,
    /// One row for each measured or coded observation.
    Measurement,
    /// One row for each prescription, dispensing or vaccination.
    Medication,
    /// One row for each procedure.
    Procedure,
    /// One row for each organisation; public facts, not about persons.
    Organisation,
}

/// What a column holds, and how it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// 64-bit keyed pseudonym (Arrow `UInt64`).
    Pseudonym,
    /// A word of a closed vocabulary or a code, dictionary encoded (Arrow `Dictionary(Int32, Utf8)`).
    Word,
    /// A calendar year (Arrow `Int16`).
    Year,
    /// A day (Arrow `Date32`).
    Date,
    /// A measured number in the row's unit (Arrow `Float64`).
    Number,
    /// Yes or no (Arrow `Boolean`).
    Flag,
}

/// A column of a canonical table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ColumnSpec {
    /// Name within its table.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether a row may lack it.
    pub nullable: bool,
    /// Meaning, in one sentence.
    pub meaning: &'static str,
}

const fn column(name: &'static str, kind: ColumnKind, nullable: bool, meaning: &'static str) -> ColumnSpec {
    ColumnSpec { name, kind, nullable, meaning }
}

use ColumnKind::{Date, Flag, Number, Pseudonym, Word, Year};

const PERSON_ID: ColumnSpec = column("person_id", Pseudonym, false, "Keyed pseudonym of the person.");
const ENCOUNTER: ColumnSpec =
    column("encounter_id", Pseudonym, true, "Keyed pseudonym of the encounter in which it was recorded.");
const ORGANISATION: ColumnSpec =
    column("organisation_id", Word, true, "Organisation at which it was recorded (that of the encounter).");
const CODE_SYSTEM: ColumnSpec = column(
    "code_system",
    Word,
    false,
    "Vocabulary of the code: snomed, icd9cm, icd10cm, loinc, rxnorm, cvx, cpt4, …",
);
const CODE: ColumnSpec = column("code", Word, false, "Code in that vocabulary.");

const PERSON: &[ColumnSpec] = &[
    PERSON_ID,
    column(
        "birth_year",
        Year,
        true,
        "Year of birth; of persons aged 90 or over, the year that makes them 90.",
    ),
    column(
        "aged_90_or_over",
        Flag,
        false,
        "Whether the person was 90 or older at the reference date or at death.",
    ),
    column("death_year", Year, true, "Year of death."),
    column("sex", Word, false, "female, male, other or unknown."),
    column("race", Word, false, "white, black, asian, native, pacific, other or unknown (OMB categories)."),
    column("ethnicity", Word, false, "hispanic, not-hispanic or unknown."),
    column("nation", Word, true, "Country of residence, ISO 3166 alpha-2."),
    column("region", Word, true, "State of residence (the coarsest division under the nation)."),
    column(
        "zip3",
        Word,
        true,
        "First three digits of the postal code, 000 where 20,000 people or fewer live.",
    ),
    column(
        "organisation_id",
        Word,
        true,
        "Organisation that keeps the person's record, where the source names one.",
    ),
];
const ENCOUNTERS: &[ColumnSpec] = &[
    column("encounter_id", Pseudonym, false, "Keyed pseudonym of the encounter."),
    PERSON_ID,
    column("organisation_id", Word, true, "Organisation that provided it."),
    column(
        "class",
        Word,
        false,
        "ambulatory, emergency, inpatient, urgent-care, wellness, home, virtual, long-term or other.",
    ),
    column(
        "source_class",
        Word,
        true,
        "The source's own word for the class, if it is one of the known vocabularies.",
    ),
    column("start_date", Date, false, "First day."),
    column("end_date", Date, true, "Last day."),
    column("code_system", Word, true, "Vocabulary of the code."),
    column("code", Word, true, "Type of the encounter."),
];
const CONDITIONS: &[ColumnSpec] = &[
    PERSON_ID,
    ENCOUNTER,
    ORGANISATION,
    CODE_SYSTEM,
    CODE,
    column("start_date", Date, false, "Onset, or the day it was recorded."),
    column("end_date", Date, true, "Day it ended."),
];
const MEASUREMENTS: &[ColumnSpec] = &[
    PERSON_ID,
    ENCOUNTER,
    ORGANISATION,
    column(
        "category",
        Word,
        false,
        "laboratory, vital-signs, survey, social-history, procedure, exam, therapy, imaging, activity or other.",
    ),
    CODE_SYSTEM,
    CODE,
    column("date", Date, false, "Day of the measurement."),
    column("value", Number, true, "Measured number in `unit`."),
    column("unit", Word, true, "UCUM unit, as in the source."),
    column(
        "value_code",
        Word,
        true,
        "Coded answer, from a declared or standard vocabulary; never free text.",
    ),
];
const MEDICATIONS: &[ColumnSpec] = &[
    PERSON_ID,
    ENCOUNTER,
    ORGANISATION,
    CODE_SYSTEM,
    CODE,
    column("start_date", Date, false, "First day."),
    column("end_date", Date, true, "Last day."),
];
const PROCEDURES: &[ColumnSpec] = &[
    PERSON_ID,
    ENCOUNTER,
    ORGANISATION,
    CODE_SYSTEM,
    CODE,
    column("date", Date, false, "Day of the procedure."),
];
const ORGANISATIONS: &[ColumnSpec] = &[
    column("organisation_id", Word, false, "The source's own id; organisations are public."),
    column("name", Word, true, "Name of the organisation."),
    column("nation", Word, true, "Country, ISO 3166 alpha-2."),
    column("region", Word, true, "State."),
];

impl Table {
    /// All tables, in the order in which readers must fill them: what is referred to comes first.
    pub const ALL: [Self; 7] = [
        Self::Organisation,
        Self::Person,
        Self::Encounter,
        Self::Condition,
        Self::Measurement,
        Self::Medication,
        Self::Procedure,
    ];

    /// Name of the table, in the singular; also its folder's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Encounter => "encounter",
            Self::Condition => "condition",
            Self::Measurement => "measurement",
            Self::Medication => "medication",
            Self::Procedure => "procedure",
            Self::Organisation => "organisation",
        }
    }

    /// Columns, in their stored order.
    pub const fn columns(self) -> &'static [ColumnSpec] {
        match self {
            Self::Person => PERSON,
            Self::Encounter => ENCOUNTERS,
            Self::Condition => CONDITIONS,
            Self::Measurement => MEASUREMENTS,
            Self::Medication => MEDICATIONS,
            Self::Procedure => PROCEDURES,
            Self::Organisation => ORGANISATIONS,
        }
    }

    /// The column of that name.
    pub fn column(self, name: &str) -> Option<&'static ColumnSpec> {
        self.columns().iter().find(|column| column.name == name)
    }

    /// The column that says when a row happened; `None` for tables without events.
    pub const fn date_column(self) -> Option<&'static str> {
        match self {
            Self::Person | Self::Organisation => None,
            Self::Measurement | Self::Procedure => Some("date"),
            Self::Encounter | Self::Condition | Self::Medication => Some("start_date"),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Table {
    type Err = DomainError;
    fn from_str(text: &str) -> Result<Self, DomainError> {
        let known = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|table| table.name() == text);
        found.ok_or_else(|| DomainError::text("table", text, format!("is not one of {}", known())))
    }
}

/// A field: a column of a table, written `measurement.value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Field {
    /// The table.
    pub table: Table,
    /// Its column.
    pub column: &'static ColumnSpec,
}

impl Ord for Field {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.table, self.column.name).cmp(&(other.table, other.column.name))
    }
}

impl PartialOrd for Field {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.table, self.column.name)
    }
}

impl FromStr for Field {
    type Err = DomainError;
    fn from_str(text: &str) -> Result<Self, DomainError> {
        let refuse = |problem: String| DomainError::text("field", text, problem);
        let (table, column) =
            text.split_once('.').ok_or_else(|| refuse("is not of the form table.column".into()))?;
        let table: Table = table.parse()?;
        let column = table.column(column).ok_or_else(|| {
            let known: Vec<_> = table.columns().iter().map(|column| column.name).collect();
            refuse(format!("is not a column of {table}, which has {}", known.join(", ")))
        })?;
        Ok(Self { table, column })
    }
}

/// Writes and reads the types of this file as text.
macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

as_text!(Table, Field);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_own_name() {
        for table in Table::ALL {
            for column in table.columns() {
                let field = Field { table, column };
                assert_eq!(field.to_string().parse::<Field>().unwrap(), field);
            }
            assert!(table.date_column().is_none_or(|name| table.column(name).is_some()));
        }
        let error = "person.name".parse::<Field>().unwrap_err().to_string();
        assert!(error.contains("is not a column of person"), "{error}");
    }
}
