//! FHIR R4 Bulk Data: NDJSON, one resource type a file, in one or several parts.
//!
//! A projection, not a model: of each resource the handful of elements that the canonical tables have a
//! place for is decoded (`resource`), everything else is skipped without being kept. Resources
//! that say of themselves that they did not happen or were entered in error are left out.

mod element;
mod medication;
mod resource;

use csv::ByteRecord;
use medrec_domain::CalendarDate;
use serde::Deserialize;

use super::joins::OrganisationRecord;
use super::output::{Decode, Links, Output, PersonRecord, Repeats, year_of};
use super::record::LineSource;
use super::session::Session;
use crate::error::{DatasetError, RowProblem};
use crate::input::Input;
use crate::table::row::{Condition, Encounter, Event, Measurement, Medication, Procedure};
use crate::vocabulary::{code, encounter, person, place};
use element::{Concept, Quantity, Reference, Text, coded};
use medication::Medications;

pub(super) fn read(session: &mut Session<'_>) -> Result<(), DatasetError> {
    // A folder that is not there, or holds no patients, is named before anything else happens.
    let patients = parts(session, "Patient")?;
    if patients.is_empty() {
        Input::require(&session.folder, "Patient.ndjson")?;
    }
    for input in parts(session, "Organization")? {
        session.organisations(&input, LineSource::open(&input)?, &organisation)?;
    }
    let mut found = Vec::new();
    for (part, input) in (0..).zip(&patients) {
        session.find_persons(input, part, LineSource::open(input)?, &patient, &mut found)?;
    }
    session.index_persons(found);
    let mut found = Links::default();
    for input in parts(session, "Encounter")? {
        session.encounters(&input, LineSource::open(&input)?, &encounter_row, &mut found)?;
    }
    session.index_encounters(found);
    for (part, input) in (0..).zip(&patients) {
        session.persons(input, part, LineSource::open(input)?, &patient, Repeats::Refuse)?;
    }
    let mut medications = Medications::default();
    // Most exports say in the request itself what is prescribed, and have no such file.
    for input in Input::parts(&session.folder, "Medication", ".ndjson")? {
        medications.load(session, &input, medication_code)?;
    }
    let request: &Decode<'_> = &|record, out| medication_request(&medications, record, out);
    let readers: [(&str, &Decode<'_>); 5] = [
        ("Condition", &condition),
        ("Observation", &observation),
        ("MedicationRequest", request),
        ("Immunization", &immunization),
        ("Procedure", &procedure),
    ];
    for (name, decode) in readers {
        for input in parts(session, name)? {
            session.events(&input, LineSource::open(&input)?, decode)?;
        }
    }
    Ok(())
}

/// Parts of a resource type, or a note that there are none.
fn parts(session: &mut Session<'_>, name: &str) -> Result<Vec<Input>, DatasetError> {
    let file = format!("{name}.ndjson");
    if !session.folder.is_dir() {
        Input::require(&session.folder, &file)?;
    }
    let parts = Input::parts(&session.folder, name, ".ndjson")?;
    if parts.is_empty() {
        session.missing(&file);
    }
    Ok(parts)
}

/// Decodes a line as a resource of type `name`.
fn resource<'r, R: Deserialize<'r>>(record: &'r ByteRecord, name: &str) -> Result<R, RowProblem> {
    let line = record.get(0).unwrap_or_default();
    let problem = |error: serde_json::Error| RowProblem::new("json", "", error.to_string());
    // Exporters write the type first; only where they did not is the line looked through for it.
    if line.starts_with(format!("{{\"resourceType\":\"{name}\",").as_bytes()) {
        return serde_json::from_slice(line).map_err(problem);
    }
    let kind: resource::Kind<'_> = serde_json::from_slice(line).map_err(problem)?;
    let found = kind.resource_type.as_ref().map_or("", Text::as_str);
    if found != name {
        return Err(RowProblem::new("resourceType", found, format!("is not {name}")));
    }
    serde_json::from_slice(line).map_err(problem)
}

/// A FHIR date or dateTime, which may stop at the year or the month: then it is the first day.
fn date(element: &str, text: Option<&Text<'_>>) -> Result<Option<CalendarDate>, RowProblem> {
    let Some(text) = text.map(Text::as_str) else { return Ok(None) };
    let parsed = match text.len() {
        4 => CalendarDate::parse_bytes(format!("{text}-01-01").as_bytes()),
        7 => CalendarDate::parse_bytes(format!("{text}-01").as_bytes()),
        _ => CalendarDate::parse_bytes(text.as_bytes()),
    };
    parsed.map(Some).ok_or_else(|| RowProblem::new(element, text, "is not a date"))
}

fn required_date(element: &str, texts: &[Option<&Text<'_>>]) -> Result<CalendarDate, RowProblem> {
    let first = texts.iter().flatten().next().copied();
    date(element, first)?.ok_or_else(|| RowProblem::new(element, "", "is missing"))
}

fn person_of(subject: Option<&Reference<'_>>, out: &Output<'_>) -> Result<u64, RowProblem> {
    let id = subject.and_then(Reference::id).unwrap_or_default();
    out.joins.known_person(id, "subject")
}

/// What all events share.
fn event<'r>(
    out: &Output<'r>,
    subject: Option<&Reference<'_>>,
    of: Option<&Reference<'_>>,
    (code_system, code): (&'static str, &'r str),
    date: CalendarDate,
) -> Result<Event<'r>, RowProblem> {
    let person_id = person_of(subject, out)?;
    let encounter_id = of.and_then(Reference::id).map(|id| out.joins.encounter(id));
    let organisation_id = out.joins.organisation(encounter_id, person_id);
    Ok(Event { person_id, encounter_id, organisation_id, code_system, code, date })
}

fn id<'t>(id: Option<&'t Text<'_>>) -> Result<&'t str, RowProblem> {
    id.map(Text::as_str).ok_or_else(|| RowProblem::new("id", "", "is missing"))
}

fn organisation(record: &ByteRecord, out: &mut Output<'_>) -> Result<(), RowProblem> {
    let it: resource::Organization<'_> = resource(record, "Organization")?;
    let address = it.address.first();
    out.organisation(OrganisationRecord {
        id: id(it.id.as_ref())?.to_owned(),
        name: it.name.as_ref().map(|name| name.as_str().to_owned()),
        nation: address.and_then(|address| place::nation(address.country.as_ref()?.as_str())),
        region: address.and_then(|address| place::region(address.state.as_ref()?.as_str())),
    });
    Ok(())
}

fn patient(record: &ByteRecord, out: &mut Output<'_>) -> Result<(), RowProblem> {
    let it: resource::Patient<'_> = resource(record, "Patient")?;
    let born = date("birthDate", it.birth_date.as_ref())?;
    let died = date("deceasedDateTime", it.deceased_date_time.as_ref())?;
    if let (Some(born), Some(died)) = (born, died)
        && died < born
    {
        return Err(RowProblem::new("deceasedDateTime", &died.to_string(), "lies before the birth"));
    }
    let text = |text: Option<&Text<'_>>| text.map(|text| text.as_str().to_owned()).unwrap_or_default();
    let address = it.address.first();
    let region = address.and_then(|address| place::region(address.state.as_ref()?.as_str()));
    let nation = address.and_then(|address| place::nation(address.country.as_ref()?.as_str()));
    out.person(PersonRecord {
        person: out.joins.pseudonym(id(it.id.as_ref())?),
        birth_year: year_of(born),
        death_year: year_of(died),
        sex: person::sex(&text(it.gender.as_ref())),
        race: person::race(it.us_core("us-core-race")),
        ethnicity: person::ethnicity(it.us_core("us-core-ethnicity")),
        nation: nation.or(region.map(|_| "US")),
        region,
        zip3: address.and_then(|address| place::zip3(address.postal_code.as_ref()?.as_str())),
        organisation: it.managing_organization.as_ref().and_then(Reference::id).map(str::to_owned),
    });
    Ok(())
}

fn encounter_row(record: &ByteRecord, out: &mut Output<'_>) -> Result<(), RowProblem> {
    let it: resource::Encounter<'_> = resource(record, "Encounter")?;
    if it.is_void() {
        return Ok(());
    }
    let source_class = it.class.as_ref().and_then(|class| class.code.as_ref()).map_or("", Text::as_str);
    let (class, known) = encounter::class(source_class);
    let period = it.period.as_ref();
    let start = period.and_then(|period| period.start.as_ref());
    let code = it.kind.first().and_then(Concept::coded).filter(|(_, code)| code::is_code(code));
    out.encounter(Encounter {
        id: out.joins.encounter(id(it.id.as_ref())?),
        person_id: person_of(it.subject.as_ref(), out)?,
        organisation_id: it.service_provider.as_ref().and_then(Reference::id),
        class,
        source_class: known.then_some(source_class),
        start_date: required_date("period.start", &[start])?,
        end_date: date("period.end", period.and_then(|period| period.end.as_ref()))?,
        code,
    });
    Ok(())
}

fn condition(record: &ByteRecord, out: &mut Output<'_>) -> Result<(), RowProblem> {
    let it: resource::Condition<'_> = resource(record, "Condition")?;
    if it.is_void() {
        return Ok(());
    }
    let onset = it.onset_period.as_ref().and_then(|period| period.start.as_ref());
    let start =
        required_date("onsetDateTime", &[it.onset_date_time.as_ref(), onset, it.recorded_date.as_ref()])?;
    let end = it.abatement_date_time.as_ref();
    let end = end.or_else(|| it.abatement_period.as_ref().and_then(|period| period.end.as_ref()));
    let end = date("abatementDateTime", end)?;
    let code = coded("code", it.code.as_ref())?;
    let row = Condition(event(out, it.subject.as_ref(), it.encounter.as_ref(), code, start)?, end);
    out.push(&row);
    Ok(())
}

fn observation(record: &ByteRecord, out: &mut Output<'_>) -> Result<(), RowProblem> {
    let it: resource::Observation<'_> = resource(record, "Observation")?;
    if it.is_void() {
        return Ok(());
    }
    let start = it.effective_period.as_ref().and_then(|period| period.start.as_ref());
    let when = [it.effective_date_time.as_ref(), start, it.effective_instant.as_ref(), it.issued.as_ref()];
    let when = required_date("effectiveDateTime", &when)?;
    let category =
        it.category.first().and_then(Concept::coded).map_or("other", |(_, code)| encounter::category(code));
    let mut rows = Vec::with_capacity(1 + it.component.len());
    // A panel has components and no value of its own; then its components are the measurements.
    if it.component.is_empty() || it.value().is_some() {
        rows.push((it.code.as_ref(), it.value()));
    }
    rows.extend(it.component.iter().map(|component| (component.code.as_ref(), component.value())));
    let mut measurements = Vec::with_capacity(rows.len());
    for (concept, value) in &rows {
        let code = coded("code", *concept)?;
        let quantity = value.quantity;
        measurements.push(Measurement {
            event: event(out, it.subject.as_ref(), it.encounter.as_ref(), code, when)?,
            category,
            value: value.number()?,
            unit: quantity.and_then(Quantity::unit).filter(|unit| code::is_unit(unit)),
            value_code: value
                .concept
                .and_then(Concept::coded)
                .map(|(_, code)| code)
                .filter(|code| code::is_code(code)),
        });
    }
    for row in &measurements {
        out.push(row);
    }
    Ok(())
}

/// Id and code of a medication.
fn medication_code(record: &ByteRecord) -> Result<(String, (&'static str, String)), RowProblem> {
    let it: resource::Medication<'_> = resource(record, "Medication")?;
    let (system, code) = coded("code", it.code.as_ref())?;
    Ok((id(it.id.as_ref())?.to_owned(), (system, code.to_owned())))
}

fn medication_request(
    medications: &Medications,
    record: &ByteRecord,
    out: &mut Output<'_>,
) -> Result<(), RowProblem> {
    let it: resource::MedicationRequest<'_> = resource(record, "MedicationRequest")?;
    if it.is_void() {
        return Ok(());
    }
    let end = it.dispense_request.as_ref().and_then(|request| request.validity_period.as_ref());
    let end = date("dispenseRequest.validityPeriod.end", end.and_then(|period| period.end.as_ref()))?;
    let reference = it.medication_reference.as_ref().and_then(Reference::as_str);
    let code = match (&it.medication, reference) {
        (None, Some(reference)) => medications.referred(reference, &it.contained)?,
        (concept, _) => coded("medicationCodeableConcept", concept.as_ref())?,
    };
    let when = required_date("authoredOn", &[it.authored_on.as_ref()])?;
    let row = Medication(event(out, it.subject.as_ref(), it.encounter.as_ref(), code, when)?, end);
    out.push(&row);
    Ok(())
}

fn immunization(record: &ByteRecord, out: &mut Output<'_>) -> Result<(), RowProblem> {
    let it: resource::Immunization<'_> = resource(record, "Immunization")?;
    if it.is_void() {
        return Ok(());
    }
    let code = coded("vaccineCode", it.vaccine_code.as_ref())?;
    let when =
        required_date("occurrenceDateTime", &[it.occurrence_date_time.as_ref(), it.recorded.as_ref()])?;
    let row = Medication(event(out, it.patient.as_ref(), it.encounter.as_ref(), code, when)?, None);
    out.push(&row);
    Ok(())
}

fn procedure(record: &ByteRecord, out: &mut Output<'_>) -> Result<(), RowProblem> {
    let it: resource::Procedure<'_> = resource(record, "Procedure")?;
    if it.is_void() {
        return Ok(());
    }
    let start = it.performed_period.as_ref().and_then(|period| period.start.as_ref());
    let when = required_date("performedDateTime", &[it.performed_date_time.as_ref(), start])?;
    let code = coded("code", it.code.as_ref())?;
    let row = Procedure(event(out, it.subject.as_ref(), it.encounter.as_ref(), code, when)?);
    out.push(&row);
    Ok(())
}
