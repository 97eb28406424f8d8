//! The population as FHIR R4 Bulk Data: one NDJSON file for each resource type.
//!
//! Resources are written as text, since their shape is fixed; every value in them is a code, a
//! number, a date or an invented word without characters that JSON would escape.

use std::path::Path;

use super::catalogue::{CLASSES, CONDITIONS, DRUGS, PROCEDURES, STATES, TESTS};
use super::identity::encounter_id;
use super::person::{Event, Person, World};
use super::writer::{SynthFormat, TextFiles, Writer, line};
use crate::error::DatasetError;

const FILES: [(&str, &str); 6] = [
    ("Patient.ndjson", ""),
    ("Encounter.ndjson", ""),
    ("Condition.ndjson", ""),
    ("Observation.ndjson", ""),
    ("MedicationRequest.ndjson", ""),
    ("Procedure.ndjson", ""),
];
const SNOMED: &str = "http://snomed.info/sct";

pub(super) struct Fhir(TextFiles);

pub(super) fn writer(out: &Path, world: &World) -> Result<Fhir, DatasetError> {
    let mut text = String::new();
    for clinic in &world.organisations {
        line!(
            text,
            r#"{{"resourceType":"Organization","id":"{}","active":true,"name":"{}","address":[{{"state":"{}","country":"US"}}]}}"#,
            clinic.id,
            clinic.name,
            STATES[clinic.state].0
        );
    }
    let mut organisations = TextFiles::create(out, &[("Organization.ndjson", "")])?;
    organisations.append(&[text])?;
    organisations.finish()?;
    Ok(Fhir(TextFiles::create(out, &FILES)?))
}

impl Writer for Fhir {
    type Encoded = Vec<String>;

    fn encode(_: SynthFormat, world: &World, persons: &[Person]) -> Result<Vec<String>, DatasetError> {
        let mut texts = vec![String::new(); FILES.len()];
        for person in persons {
            patient(&mut texts[0], person);
            let id = &person.identity.id;
            let ids: Vec<String> =
                (0..person.encounters.len()).map(|number| encounter_id(id, number)).collect();
            encounters(&mut texts[1], world, person, &ids);
            conditions(&mut texts[2], person, &ids);
            observations(&mut texts[3], person, &ids);
            medications(&mut texts[4], person, &ids);
            procedures(&mut texts[5], person, &ids);
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

/// Code and name of a US Core race category.
fn omb_race(race: &str) -> (&'static str, &'static str) {
    match race {
        "white" => ("2106-3", "White"),
        "black" => ("2054-5", "Black or African American"),
        "asian" => ("2028-9", "Asian"),
        "native" => ("1002-5", "American Indian or Alaska Native"),
        _ => ("2131-1", "Other Race"),
    }
}

fn patient(text: &mut String, person: &Person) {
    const CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-";
    let it = &person.identity;
    let (race, race_name) = omb_race(person.race);
    let (ethnicity, ethnicity_name) =
        if person.hispanic { ("2135-2", "Hispanic or Latino") } else { ("2186-5", "Not Hispanic or Latino") };
    let omb = |kind: &str, code: &str, name: &str| {
        format!(
            r#"{{"url":"{CORE}{kind}","extension":[{{"url":"ombCategory","valueCoding":{{"system":"urn:oid:2.16.840.1.113883.6.238","code":"{code}","display":"{name}"}}}},{{"url":"text","valueString":"{name}"}}]}}"#
        )
    };
    let death =
        person.death.map(|date| format!(r#""deceasedDateTime":"{date}T12:00:00Z","#)).unwrap_or_default();
    line!(
        text,
        r#"{{"resourceType":"Patient","id":"{}","extension":[{},{}],"identifier":[{{"system":"http://hl7.org/fhir/sid/us-ssn","value":"{}"}},{{"type":{{"text":"Driver's License"}},"value":"{}"}},{{"type":{{"text":"Passport Number"}},"value":"{}"}}],"name":[{{"family":"{}","given":["{}"]}}],"telecom":[{{"system":"phone","value":"{}"}}],"gender":"{}","birthDate":"{}",{death}"address":[{{"line":["{}"],"city":"{}","state":"{}","postalCode":"{}","country":"US"}}]}}"#,
        it.id,
        omb("race", race, race_name),
        omb("ethnicity", ethnicity, ethnicity_name),
        it.ssn,
        it.licence,
        it.passport,
        it.family,
        it.given,
        it.phone,
        if person.female { "female" } else { "male" },
        person.birth,
        it.street,
        it.city,
        STATES[person.state].1,
        it.postal_code
    );
}

fn encounters(text: &mut String, world: &World, person: &Person, ids: &[String]) {
    for (encounter, id) in person.encounters.iter().zip(ids) {
        let class = &CLASSES[encounter.class];
        line!(
            text,
            r#"{{"resourceType":"Encounter","id":"{id}","status":"finished","class":{{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"{}"}},"type":[{{"coding":[{{"system":"{SNOMED}","code":"{}","display":"{}"}}]}}],"subject":{{"reference":"Patient/{}"}},"period":{{"start":"{}T09:00:00Z","end":"{}T09:30:00Z"}},"serviceProvider":{{"reference":"Organization/{}"}}}}"#,
            class.act_code,
            class.snomed,
            class.name,
            person.identity.id,
            encounter.start,
            encounter.end,
            world.organisations[encounter.organisation].id
        );
    }
}

/// `subject` and `encounter` of a resource.
fn references(person: &Person, encounter: &str) -> String {
    format!(
        r#""subject":{{"reference":"Patient/{}"}},"encounter":{{"reference":"Encounter/{encounter}"}}"#,
        person.identity.id
    )
}

/// Id of a resource within its type: the person's number and the resource's among hers.
fn resource_id(person: &Person, number: usize) -> String {
    format!("{}-{number}", person.index + 1)
}

fn conditions(text: &mut String, person: &Person, ids: &[String]) {
    for (number, event) in person.conditions.iter().enumerate() {
        let kind = &CONDITIONS[event.kind];
        let end =
            event.end.map(|date| format!(r#","abatementDateTime":"{date}T09:00:00Z""#)).unwrap_or_default();
        line!(
            text,
            r#"{{"resourceType":"Condition","id":"{}","code":{{"coding":[{{"system":"{SNOMED}","code":"{}","display":"{}"}}]}},{},"onsetDateTime":"{}T09:00:00Z"{end}}}"#,
            resource_id(person, number),
            kind.snomed,
            kind.name,
            references(person, &ids[event.encounter]),
            event.start
        );
    }
}

fn observations(text: &mut String, person: &Person, ids: &[String]) {
    for (number, own) in person.measurements.iter().enumerate() {
        let (kind, decimals) = (&TESTS[own.test], usize::from(TESTS[own.test].decimals));
        line!(
            text,
            r#"{{"resourceType":"Observation","id":"{}","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"{}"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"{}","display":"{}"}}]}},{},"effectiveDateTime":"{}T09:00:00Z","valueQuantity":{{"value":{:.decimals$},"unit":"{}","system":"http://unitsofmeasure.org","code":"{}"}}}}"#,
            resource_id(person, number),
            kind.category,
            kind.loinc,
            kind.name,
            references(person, &ids[own.encounter]),
            person.encounters[own.encounter].start,
            own.value,
            kind.unit,
            kind.unit
        );
    }
}

fn medications(text: &mut String, person: &Person, ids: &[String]) {
    for (number, event) in person.medications.iter().enumerate() {
        let drug = &DRUGS[event.kind];
        // A request has no last day of its own; the dispense request's period is where FHIR puts it.
        line!(
            text,
            r#"{{"resourceType":"MedicationRequest","id":"{}","status":"active","intent":"order","medicationCodeableConcept":{{"coding":[{{"system":"http://www.nlm.nih.gov/research/umls/rxnorm","code":"{}","display":"{}"}}]}},{},"authoredOn":"{}T09:00:00Z"{}}}"#,
            resource_id(person, number),
            drug.rxnorm,
            drug.name,
            references(person, &ids[event.encounter]),
            event.start,
            validity(event)
        );
    }
}

fn validity(event: &Event) -> String {
    let end = event.end.map(|end| {
        format!(r#","dispenseRequest":{{"validityPeriod":{{"start":"{}","end":"{end}"}}}}"#, event.start)
    });
    end.unwrap_or_default()
}

fn procedures(text: &mut String, person: &Person, ids: &[String]) {
    for (number, event) in person.procedures.iter().enumerate() {
        let (code, name) = PROCEDURES[event.kind];
        line!(
            text,
            r#"{{"resourceType":"Procedure","id":"{}","status":"completed","code":{{"coding":[{{"system":"{SNOMED}","code":"{code}","display":"{name}"}}]}},{},"performedPeriod":{{"start":"{}T09:10:00Z","end":"{}T09:20:00Z"}}}}"#,
            resource_id(person, number),
            references(person, &ids[event.encounter]),
            event.start,
            event.start
        );
    }
}
