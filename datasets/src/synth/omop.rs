//! The population as OMOP Common Data Model, version 5.3 or 5.4, in CSV.
//!
//! Clinical codes are given as local concepts (ids above two billion, which the model reserves for
//! them) that `concept.csv` describes with their vocabulary and code: the licensed standard
//! vocabularies are not ours to ship. Sex, race, ethnicity and visits use the standard concepts.

use std::path::Path;

use super::catalogue::{CLASSES, CONDITIONS, DRUGS, LOCAL_CONCEPTS, PROCEDURES, STATES, TESTS};
use super::person::{Person, World};
use super::writer::{SynthFormat, TextFiles, Writer, line};
use crate::error::DatasetError;

/// Version of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V53,
    V54,
}

const PERSON: &str = "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth,birth_datetime,race_concept_id,ethnicity_concept_id,location_id,provider_id,care_site_id,person_source_value,gender_source_value,gender_source_concept_id,race_source_value,race_source_concept_id,ethnicity_source_value,ethnicity_source_concept_id";
const LOCATION: &str = "location_id,address_1,address_2,city,state,zip,county,location_source_value";
const DEATH: &str = "person_id,death_date,death_datetime,death_type_concept_id,cause_concept_id,cause_source_value,cause_source_concept_id";
const VISIT_53: &str = "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,visit_start_datetime,visit_end_date,visit_end_datetime,visit_type_concept_id,provider_id,care_site_id,visit_source_value,visit_source_concept_id,admitting_source_concept_id,admitting_source_value,discharge_to_concept_id,discharge_to_source_value,preceding_visit_occurrence_id";
const VISIT_54: &str = "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,visit_start_datetime,visit_end_date,visit_end_datetime,visit_type_concept_id,provider_id,care_site_id,visit_source_value,visit_source_concept_id,admitted_from_concept_id,admitted_from_source_value,discharged_to_concept_id,discharged_to_source_value,preceding_visit_occurrence_id";
const CONDITION: &str = "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_start_datetime,condition_end_date,condition_end_datetime,condition_type_concept_id,condition_status_concept_id,stop_reason,provider_id,visit_occurrence_id,visit_detail_id,condition_source_value,condition_source_concept_id,condition_status_source_value";
const MEASUREMENT_53: &str = "measurement_id,person_id,measurement_concept_id,measurement_date,measurement_datetime,measurement_time,measurement_type_concept_id,operator_concept_id,value_as_number,value_as_concept_id,unit_concept_id,range_low,range_high,provider_id,visit_occurrence_id,visit_detail_id,measurement_source_value,measurement_source_concept_id,unit_source_value,value_source_value";
const MEASUREMENT_54: &str = "measurement_id,person_id,measurement_concept_id,measurement_date,measurement_datetime,measurement_time,measurement_type_concept_id,operator_concept_id,value_as_number,value_as_concept_id,unit_concept_id,range_low,range_high,provider_id,visit_occurrence_id,visit_detail_id,measurement_source_value,measurement_source_concept_id,unit_source_value,value_source_value,unit_source_concept_id,measurement_event_id,meas_event_field_concept_id";
const DRUG: &str = "drug_exposure_id,person_id,drug_concept_id,drug_exposure_start_date,drug_exposure_start_datetime,drug_exposure_end_date,drug_exposure_end_datetime,verbatim_end_date,drug_type_concept_id,stop_reason,refills,quantity,days_supply,sig,route_concept_id,lot_number,provider_id,visit_occurrence_id,visit_detail_id,drug_source_value,drug_source_concept_id,route_source_value,dose_unit_source_value";
const PROCEDURE_53: &str = "procedure_occurrence_id,person_id,procedure_concept_id,procedure_date,procedure_datetime,procedure_type_concept_id,modifier_concept_id,quantity,provider_id,visit_occurrence_id,visit_detail_id,procedure_source_value,procedure_source_concept_id,modifier_source_value";
const PROCEDURE_54: &str = "procedure_occurrence_id,person_id,procedure_concept_id,procedure_date,procedure_datetime,procedure_end_date,procedure_end_datetime,procedure_type_concept_id,modifier_concept_id,quantity,provider_id,visit_occurrence_id,visit_detail_id,procedure_source_value,procedure_source_concept_id,modifier_source_value";

/// Concept of records from an electronic health record.
const EHR: u32 = 32817;
/// Numbers of one person's records: her number times this, plus theirs.
const RECORDS_PER_PERSON: u64 = 1 << 16;

pub(super) struct Omop(TextFiles);

pub(super) fn writer(out: &Path, world: &World, version: Version) -> Result<Omop, DatasetError> {
    let places = write_vocabulary(out, world, version)?;
    let (visit, measurement, procedure) = match version {
        Version::V53 => (VISIT_53, MEASUREMENT_53, PROCEDURE_53),
        Version::V54 => (VISIT_54, MEASUREMENT_54, PROCEDURE_54),
    };
    let mut files = TextFiles::create(
        out,
        &[
            ("person.csv", PERSON),
            ("location.csv", LOCATION),
            ("death.csv", DEATH),
            ("visit_occurrence.csv", visit),
            ("condition_occurrence.csv", CONDITION),
            ("measurement.csv", measurement),
            ("drug_exposure.csv", DRUG),
            ("procedure_occurrence.csv", procedure),
        ],
    )?;
    // The places of care sites come first, so that theirs are the lowest numbers.
    files.append(&[String::new(), places])?;
    Ok(Omop(files))
}

/// First concept of each kind, so that a kind's index gives its concept.
const CONDITION_CONCEPTS: u32 = LOCAL_CONCEPTS + 1000;
const DRUG_CONCEPTS: u32 = LOCAL_CONCEPTS + 2000;
const TEST_CONCEPTS: u32 = LOCAL_CONCEPTS + 3000;
const PROCEDURE_CONCEPTS: u32 = LOCAL_CONCEPTS + 4000;

fn concept(first: u32, kind: usize) -> u32 {
    first + u32::try_from(kind).unwrap_or(0)
}

/// Writes concepts, care sites and the description of the source; returns the care sites' places.
fn write_vocabulary(out: &Path, world: &World, version: Version) -> Result<String, DatasetError> {
    let mut concepts = String::new();
    let mut add = |id: u32, name: &str, domain: &str, vocabulary: &str, code: &str| {
        line!(concepts, "{id},\"{name}\",{domain},{vocabulary},Local,,{code},1970-01-01,2099-12-31,");
    };
    for (kind, condition) in CONDITIONS.iter().enumerate() {
        add(concept(CONDITION_CONCEPTS, kind), condition.name, "Condition", "SNOMED", condition.snomed);
    }
    for (kind, drug) in DRUGS.iter().enumerate() {
        add(concept(DRUG_CONCEPTS, kind), drug.name, "Drug", "RxNorm", drug.rxnorm);
    }
    for (kind, test) in TESTS.iter().enumerate() {
        add(concept(TEST_CONCEPTS, kind), test.name, "Measurement", "LOINC", test.loinc);
    }
    for (kind, (code, name)) in PROCEDURES.iter().enumerate() {
        add(concept(PROCEDURE_CONCEPTS, kind), name, "Procedure", "SNOMED", code);
    }
    let (mut sites, mut site_places) = (String::new(), String::new());
    for (number, clinic) in world.organisations.iter().enumerate() {
        line!(sites, "{},{},,{},{},", number + 1, clinic.name, number + 1, clinic.id);
        line!(site_places, "{},,,,{},,,", number + 1, STATES[clinic.state].0);
    }
    let number = if version == Version::V53 { "v5.3.1" } else { "v5.4.0" };
    let source = format!("Synthetic population,medrec,medrec,,,,,,{number},local\n");
    let mut files = TextFiles::create(
        out,
        &[
            (
                "concept.csv",
                "concept_id,concept_name,domain_id,vocabulary_id,concept_class_id,standard_concept,concept_code,valid_start_date,valid_end_date,invalid_reason",
            ),
            (
                "care_site.csv",
                "care_site_id,care_site_name,place_of_service_concept_id,location_id,care_site_source_value,place_of_service_source_value",
            ),
            (
                "cdm_source.csv",
                "cdm_source_name,cdm_source_abbreviation,cdm_holder,source_description,source_documentation_reference,cdm_etl_reference,source_release_date,cdm_release_date,cdm_version,vocabulary_version",
            ),
        ],
    )?;
    files.append(&[concepts, sites, source])?;
    files.finish()?;
    Ok(site_places)
}

impl Writer for Omop {
    type Encoded = Vec<String>;

    fn encode(format: SynthFormat, world: &World, persons: &[Person]) -> Result<Vec<String>, DatasetError> {
        let version = if format == SynthFormat::Omop53 { Version::V53 } else { Version::V54 };
        let mut texts = vec![String::new(); 8];
        for person in persons {
            demographics(&mut texts, world, person);
            visits(&mut texts[3], person);
            conditions(&mut texts[4], person);
            measurements(&mut texts[5], person, version);
            drugs(&mut texts[6], person);
            procedures(&mut texts[7], person, version);
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

/// Number of a person's record among all of its table.
fn record_id(person: &Person, number: usize) -> u64 {
    (person.index + 1) * RECORDS_PER_PERSON + u64::try_from(number).unwrap_or(0)
}

/// Person, place of residence, death.
fn demographics(texts: &mut [String], world: &World, person: &Person) {
    let it = &person.identity;
    let id = person.index + 1;
    let place = u64::try_from(world.organisations.len()).unwrap_or(0) + id;
    let (gender, letter) = if person.female { (8532, "F") } else { (8507, "M") };
    let race = match person.race {
        "white" => 8527,
        "black" => 8516,
        "asian" => 8515,
        "native" => 8657,
        _ => 8522,
    };
    let (ethnicity, ethnicity_word) =
        if person.hispanic { (38_003_563, "hispanic") } else { (38_003_564, "nonhispanic") };
    let (year, month, day) = person.birth.year_month_day();
    line!(
        texts[0],
        "{id},{gender},{year},{month},{day},{} 00:00:00,{race},{ethnicity},{place},,,{},{letter},0,{},0,{ethnicity_word},0",
        person.birth,
        it.id,
        person.race
    );
    line!(texts[1], "{place},{},,{},{},{},,", it.street, it.city, STATES[person.state].0, it.postal_code);
    if let Some(death) = person.death {
        line!(texts[2], "{id},{death},{death} 00:00:00,{EHR},,,");
    }
}

fn visits(text: &mut String, person: &Person) {
    let id = person.index + 1;
    for (number, encounter) in person.encounters.iter().enumerate() {
        let class = &CLASSES[encounter.class];
        line!(
            text,
            "{},{id},{},{},{} 09:00:00,{},{} 09:30:00,{EHR},,{},{},0,0,,0,,",
            record_id(person, number),
            class.visit_concept,
            encounter.start,
            encounter.start,
            encounter.end,
            encounter.end,
            encounter.organisation + 1,
            class.word
        );
    }
}

fn conditions(text: &mut String, person: &Person) {
    let id = person.index + 1;
    for (number, event) in person.conditions.iter().enumerate() {
        let (end, end_time) = event
            .end
            .map_or((String::new(), String::new()), |date| (date.to_string(), format!("{date} 00:00:00")));
        line!(
            text,
            "{},{id},0,{},{} 00:00:00,{end},{end_time},{EHR},0,,,{},,{},{},",
            record_id(person, number),
            event.start,
            event.start,
            record_id(person, event.encounter),
            CONDITIONS[event.kind].snomed,
            concept(CONDITION_CONCEPTS, event.kind)
        );
    }
}

fn measurements(text: &mut String, person: &Person, version: Version) {
    let id = person.index + 1;
    let rest = if version == Version::V54 { ",0,,0" } else { "" };
    for (number, own) in person.measurements.iter().enumerate() {
        let (kind, date) = (&TESTS[own.test], person.encounters[own.encounter].start);
        let decimals = usize::from(kind.decimals);
        line!(
            text,
            "{},{id},0,{date},{date} 09:00:00,,{EHR},0,{:.decimals$},0,0,,,,{},,{},{},{},{rest}",
            record_id(person, number),
            own.value,
            record_id(person, own.encounter),
            kind.loinc,
            concept(TEST_CONCEPTS, own.test),
            kind.unit
        );
    }
}

fn drugs(text: &mut String, person: &Person) {
    let id = person.index + 1;
    for (number, event) in person.medications.iter().enumerate() {
        let drug = &DRUGS[event.kind];
        let end = event.end.unwrap_or(event.start);
        line!(
            text,
            "{},{id},0,{},{} 00:00:00,{end},{end} 00:00:00,,{EHR},,,,{},,0,,,{},,{},{},,",
            record_id(person, number),
            event.start,
            event.start,
            drug.days,
            record_id(person, event.encounter),
            drug.rxnorm,
            concept(DRUG_CONCEPTS, event.kind)
        );
    }
}

fn procedures(text: &mut String, person: &Person, version: Version) {
    let id = person.index + 1;
    let end = if version == Version::V54 { ",," } else { "" };
    for (number, event) in person.procedures.iter().enumerate() {
        line!(
            text,
            "{},{id},0,{},{} 09:10:00{end},{EHR},0,,,{},,{},{},",
            record_id(person, number),
            event.start,
            event.start,
            record_id(person, event.encounter),
            PROCEDURES[event.kind].0,
            concept(PROCEDURE_CONCEPTS, event.kind)
        );
    }
}
