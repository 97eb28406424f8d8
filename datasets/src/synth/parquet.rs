//! The population as canonical tables in Parquet.
//!
//! Persons and encounters carry plain numbers as ids; a reader makes keyed pseudonyms of them.

use std::path::Path;

use arrow_array::RecordBatch;
use medrec_domain::schema::Table;

use super::catalogue::{CLASSES, CONDITIONS, DRUGS, PROCEDURES, STATES, TESTS};
use super::person::{Event, Person, World};
use super::writer::{SynthFormat, Writer};
use crate::error::DatasetError;
use crate::folder::{FolderWriter, Sink};
use crate::table::batch::Batch;
use crate::table::row;
use crate::vocabulary::place;

pub(super) struct Parquet(FolderWriter);

pub(super) fn writer(out: &Path, world: &World) -> Result<Parquet, DatasetError> {
    let mut folder = FolderWriter::create(out)?;
    let mut batch = Batch::new(Table::Organisation);
    for clinic in &world.organisations {
        batch.push(&row::Organisation {
            id: &clinic.id,
            name: Some(&clinic.name),
            nation: Some("US"),
            region: Some(STATES[clinic.state].0),
        });
    }
    folder.write(Table::Organisation, &batch.finish()?)?;
    Ok(Parquet(folder))
}

impl Writer for Parquet {
    type Encoded = Vec<(Table, RecordBatch)>;

    fn encode(_: SynthFormat, world: &World, persons: &[Person]) -> Result<Self::Encoded, DatasetError> {
        let mut batches = Table::ALL.map(Batch::new);
        for person in persons {
            add(&mut batches, world, person);
        }
        let filled = Table::ALL.into_iter().zip(batches).filter(|(_, batch)| batch.rows() > 0);
        filled.map(|(table, batch)| Ok((table, batch.finish()?))).collect()
    }

    fn write(&mut self, encoded: Self::Encoded) -> Result<(), DatasetError> {
        encoded.iter().try_for_each(|(table, batch)| self.0.write(*table, batch))
    }

    fn finish(self) -> Result<(), DatasetError> {
        self.0.finish().map(|_| ())
    }
}

fn add(batches: &mut [Batch; 7], world: &World, person: &Person) {
    // In the order of `Table::ALL`.
    let [_, persons, encounters, conditions, measurements, medications, procedures] = batches;
    let person_id = person.index + 1;
    // Room for 65,535 encounters a person.
    let encounter_id = |number: usize| person_id << 16 | u64::try_from(number + 1).unwrap_or(0);
    let organisation =
        |number: usize| Some(world.organisations[person.encounters[number].organisation].id.as_str());
    let event = |event: &Event, code_system: &'static str, code: &'static str| row::Event {
        person_id,
        encounter_id: Some(encounter_id(event.encounter)),
        organisation_id: organisation(event.encounter),
        code_system,
        code,
        date: event.start,
    };
    add_person(persons, person, person_id);
    for (number, encounter) in person.encounters.iter().enumerate() {
        let class = &CLASSES[encounter.class];
        encounters.push(&row::Encounter {
            id: encounter_id(number),
            person_id,
            organisation_id: organisation(number),
            class: class.word,
            source_class: Some(class.word),
            start_date: encounter.start,
            end_date: Some(encounter.end),
            code: Some(("snomed", class.snomed)),
        });
    }
    for own in &person.conditions {
        conditions.push(&row::Condition(event(own, "snomed", CONDITIONS[own.kind].snomed), own.end));
    }
    for own in &person.medications {
        medications.push(&row::Medication(event(own, "rxnorm", DRUGS[own.kind].rxnorm), own.end));
    }
    for own in &person.procedures {
        procedures.push(&row::Procedure(event(own, "snomed", PROCEDURES[own.kind].0)));
    }
    for own in &person.measurements {
        let test = &TESTS[own.test];
        measurements.push(&row::Measurement {
            event: row::Event {
                person_id,
                encounter_id: Some(encounter_id(own.encounter)),
                organisation_id: organisation(own.encounter),
                code_system: "loinc",
                code: test.loinc,
                date: person.encounters[own.encounter].start,
            },
            category: test.category,
            value: Some(own.value),
            unit: Some(test.unit),
            value_code: None,
        });
    }
}

fn add_person(persons: &mut Batch, person: &Person, person_id: u64) {
    let year = |date: medrec_domain::CalendarDate| i16::try_from(date.year()).ok();
    let zip3 = place::zip3(&person.identity.postal_code);
    persons.push(&row::Person {
        id: person_id,
        birth_year: year(person.birth),
        aged_90_or_over: false,
        death_year: person.death.and_then(year),
        sex: if person.female { "female" } else { "male" },
        race: person.race,
        ethnicity: if person.hispanic { "hispanic" } else { "not-hispanic" },
        nation: Some("US"),
        region: Some(STATES[person.state].0),
        zip3: zip3.as_deref(),
        organisation_id: None,
    });
}
