//! Rows of the canonical tables, as the readers fill them.
//!
//! There is no field here for a name, an address, a number of a document or a day of birth: what a
//! reader does not have a place for, it cannot let through.

use medrec_domain::CalendarDate;
use medrec_domain::schema::Table;

use super::cell::Cell;

/// A row that knows its table and its cells, in the order of the table's columns.
pub(crate) trait Row<'a> {
    const TABLE: Table;
    type Cells: AsRef<[Cell<'a>]>;
    fn cells(&self) -> Self::Cells;
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Person<'a> {
    pub(crate) id: u64,
    pub(crate) birth_year: Option<i16>,
    pub(crate) aged_90_or_over: bool,
    pub(crate) death_year: Option<i16>,
    pub(crate) sex: &'a str,
    pub(crate) race: &'a str,
    pub(crate) ethnicity: &'a str,
    pub(crate) nation: Option<&'a str>,
    pub(crate) region: Option<&'a str>,
    pub(crate) zip3: Option<&'a str>,
    pub(crate) organisation_id: Option<&'a str>,
}

impl<'a> Row<'a> for Person<'a> {
    const TABLE: Table = Table::Person;
    type Cells = [Cell<'a>; 11];
    fn cells(&self) -> Self::Cells {
        [
            Cell::Pseudonym(Some(self.id)),
            Cell::Year(self.birth_year),
            Cell::Flag(self.aged_90_or_over),
            Cell::Year(self.death_year),
            Cell::Word(Some(self.sex)),
            Cell::Word(Some(self.race)),
            Cell::Word(Some(self.ethnicity)),
            Cell::Word(self.nation),
            Cell::Word(self.region),
            Cell::Word(self.zip3),
            Cell::Word(self.organisation_id),
        ]
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Encounter<'a> {
    pub(crate) id: u64,
    pub(crate) person_id: u64,
    pub(crate) organisation_id: Option<&'a str>,
    pub(crate) class: &'a str,
    pub(crate) source_class: Option<&'a str>,
    pub(crate) start_date: CalendarDate,
    pub(crate) end_date: Option<CalendarDate>,
    pub(crate) code: Option<(&'a str, &'a str)>,
}

impl<'a> Row<'a> for Encounter<'a> {
    const TABLE: Table = Table::Encounter;
    type Cells = [Cell<'a>; 9];
    fn cells(&self) -> Self::Cells {
        [
            Cell::Pseudonym(Some(self.id)),
            Cell::Pseudonym(Some(self.person_id)),
            Cell::Word(self.organisation_id),
            Cell::Word(Some(self.class)),
            Cell::Word(self.source_class),
            Cell::Date(Some(self.start_date)),
            Cell::Date(self.end_date),
            Cell::Word(self.code.map(|(system, _)| system)),
            Cell::Word(self.code.map(|(_, code)| code)),
        ]
    }
}

/// What conditions, medications, procedures and measurements share.
#[derive(Debug, Clone)]
pub(crate) struct Event<'a> {
    pub(crate) person_id: u64,
    pub(crate) encounter_id: Option<u64>,
    pub(crate) organisation_id: Option<&'a str>,
    pub(crate) code_system: &'a str,
    pub(crate) code: &'a str,
    pub(crate) date: CalendarDate,
}

impl<'a> Event<'a> {
    fn keys(&self) -> [Cell<'a>; 3] {
        [
            Cell::Pseudonym(Some(self.person_id)),
            Cell::Pseudonym(self.encounter_id),
            Cell::Word(self.organisation_id),
        ]
    }

    fn coded(&self) -> [Cell<'a>; 6] {
        let [person, encounter, organisation] = self.keys();
        let (system, code) = (Cell::Word(Some(self.code_system)), Cell::Word(Some(self.code)));
        [person, encounter, organisation, system, code, Cell::Date(Some(self.date))]
    }

    fn ending(&self, end_date: Option<CalendarDate>) -> [Cell<'a>; 7] {
        let [person, encounter, organisation, system, code, date] = self.coded();
        [person, encounter, organisation, system, code, date, Cell::Date(end_date)]
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Condition<'a>(pub(crate) Event<'a>, pub(crate) Option<CalendarDate>);

impl<'a> Row<'a> for Condition<'a> {
    const TABLE: Table = Table::Condition;
    type Cells = [Cell<'a>; 7];
    fn cells(&self) -> Self::Cells {
        self.0.ending(self.1)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Medication<'a>(pub(crate) Event<'a>, pub(crate) Option<CalendarDate>);

impl<'a> Row<'a> for Medication<'a> {
    const TABLE: Table = Table::Medication;
    type Cells = [Cell<'a>; 7];
    fn cells(&self) -> Self::Cells {
        self.0.ending(self.1)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Procedure<'a>(pub(crate) Event<'a>);

impl<'a> Row<'a> for Procedure<'a> {
    const TABLE: Table = Table::Procedure;
    type Cells = [Cell<'a>; 6];
    fn cells(&self) -> Self::Cells {
        self.0.coded()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Measurement<'a> {
    pub(crate) event: Event<'a>,
    pub(crate) category: &'a str,
    pub(crate) value: Option<f64>,
    pub(crate) unit: Option<&'a str>,
    pub(crate) value_code: Option<&'a str>,
}

impl<'a> Row<'a> for Measurement<'a> {
    const TABLE: Table = Table::Measurement;
    type Cells = [Cell<'a>; 10];
    fn cells(&self) -> Self::Cells {
        let [person, encounter, organisation, system, code, date] = self.event.coded();
        [
            person,
            encounter,
            organisation,
            Cell::Word(Some(self.category)),
            system,
            code,
            date,
            Cell::Number(self.value),
            Cell::Word(self.unit),
            Cell::Word(self.value_code),
        ]
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Organisation<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: Option<&'a str>,
    pub(crate) nation: Option<&'a str>,
    pub(crate) region: Option<&'a str>,
}

impl<'a> Row<'a> for Organisation<'a> {
    const TABLE: Table = Table::Organisation;
    type Cells = [Cell<'a>; 4];
    fn cells(&self) -> Self::Cells {
        [Cell::Word(Some(self.id)), Cell::Word(self.name), Cell::Word(self.nation), Cell::Word(self.region)]
    }
}
