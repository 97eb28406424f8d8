//! The population in the layout of Synthea's CSV export.

use std::path::Path;

use super::catalogue::{CLASSES, CONDITIONS, DRUGS, PROCEDURES, STATES, TESTS};
use super::identity::encounter_id;
use super::person::{Person, World};
use super::writer::{SynthFormat, TextFiles, Writer, line};
use crate::error::DatasetError;

const FILES: [(&str, &str); 6] = [
    (
        "patients.csv",
        "Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,GENDER,BIRTHPLACE,ADDRESS,CITY,STATE,COUNTY,ZIP,LAT,LON,HEALTHCARE_EXPENSES,HEALTHCARE_COVERAGE",
    ),
    (
        "encounters.csv",
        "Id,START,STOP,PATIENT,ORGANIZATION,PROVIDER,PAYER,ENCOUNTERCLASS,CODE,DESCRIPTION,BASE_ENCOUNTER_COST,TOTAL_CLAIM_COST,PAYER_COVERAGE,REASONCODE,REASONDESCRIPTION",
    ),
    ("conditions.csv", "START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION"),
    ("observations.csv", "DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE"),
    (
        "medications.csv",
        "START,STOP,PATIENT,PAYER,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,PAYER_COVERAGE,DISPENSES,TOTALCOST,REASONCODE,REASONDESCRIPTION",
    ),
    ("procedures.csv", "DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,REASONCODE,REASONDESCRIPTION"),
];

pub(super) struct Synthea(TextFiles);

pub(super) fn writer(out: &Path, world: &World) -> Result<Synthea, DatasetError> {
    let header = "Id,NAME,ADDRESS,CITY,STATE,ZIP,LAT,LON,PHONE,REVENUE,UTILIZATION";
    let mut text = String::new();
    for clinic in &world.organisations {
        line!(text, "{},{},1 Main Street,Capital,{},,,,,,", clinic.id, clinic.name, STATES[clinic.state].0);
    }
    let mut organisations = TextFiles::create(out, &[("organizations.csv", header)])?;
    organisations.append(&[text])?;
    organisations.finish()?;
    Ok(Synthea(TextFiles::create(out, &FILES)?))
}

impl Writer for Synthea {
    type Encoded = Vec<String>;

    fn encode(_: SynthFormat, world: &World, persons: &[Person]) -> Result<Vec<String>, DatasetError> {
        let mut texts = vec![String::new(); FILES.len()];
        for person in persons {
            patient(&mut texts[0], person);
            events(&mut texts, world, person);
        }
        Ok(texts)
    }

    fn write(&mut self, encoded: Vec<String>) -> Result<(), DatasetError> {
        self.0.append(&encoded)
    }

    fn finish(self) -> Result<(), DatasetError> {
        self.0.finish()
    }
}

fn patient(text: &mut String, person: &Person) {
    let it = &person.identity;
    let death = person.death.map(|date| date.to_string()).unwrap_or_default();
    let ethnicity = if person.hispanic { "hispanic" } else { "nonhispanic" };
    let sex = if person.female { "F" } else { "M" };
    let state = STATES[person.state].1;
    line!(
        text,
        "{},{},{death},{},{},{},,{},{},,,,{},{ethnicity},{sex},{},{},{},{state},,{},{},{},,",
        it.id,
        person.birth,
        it.ssn,
        it.licence,
        it.passport,
        it.given,
        it.family,
        person.race,
        it.city,
        it.street,
        it.city,
        it.postal_code,
        it.latitude,
        it.longitude
    );
}

fn events(texts: &mut [String], world: &World, person: &Person) {
    let id = &person.identity.id;
    let ids: Vec<String> = (0..person.encounters.len()).map(|number| encounter_id(id, number)).collect();
    for (encounter, own) in person.encounters.iter().zip(&ids) {
        let class = &CLASSES[encounter.class];
        let organisation = &world.organisations[encounter.organisation].id;
        line!(
            texts[1],
            "{own},{}T09:00:00Z,{}T09:30:00Z,{id},{organisation},,,{},{},{},,,,,",
            encounter.start,
            encounter.end,
            class.word,
            class.snomed,
            class.name
        );
    }
    for event in &person.conditions {
        let (kind, end) =
            (&CONDITIONS[event.kind], event.end.map(|date| date.to_string()).unwrap_or_default());
        line!(texts[2], "{},{end},{id},{},{},{}", event.start, ids[event.encounter], kind.snomed, kind.name);
    }
    for measurement in &person.measurements {
        let (test, date) = (&TESTS[measurement.test], person.encounters[measurement.encounter].start);
        let decimals = usize::from(test.decimals);
        line!(
            texts[3],
            "{date}T09:00:00Z,{id},{},{},{},{},{:.decimals$},{},numeric",
            ids[measurement.encounter],
            test.category,
            test.loinc,
            test.name,
            measurement.value,
            test.unit
        );
    }
    for event in &person.medications {
        let (drug, end) = (&DRUGS[event.kind], event.end.map(|date| date.to_string()).unwrap_or_default());
        line!(
            texts[4],
            "{},{end},{id},,{},{},{},,,,,,",
            event.start,
            ids[event.encounter],
            drug.rxnorm,
            drug.name
        );
    }
    for event in &person.procedures {
        let (code, name) = PROCEDURES[event.kind];
        line!(texts[5], "{}T09:10:00Z,{id},{},{code},{name},,,", event.start, ids[event.encounter]);
    }
}
