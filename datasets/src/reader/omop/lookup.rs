//! What rows of the model refer to: concepts, places, care sites, deaths.
//!
//! These are small beside the events, and are held in memory. Of the vocabulary only concepts of clinical
//! domains whose code system is known are kept.

use std::collections::HashMap;

use csv::ByteRecord;

use super::super::joins::OrganisationRecord;
use super::super::record::{CsvSource, Source};
use super::super::session::Session;
use super::columns::{find, id, number_id};
use crate::error::{DatasetError, RowProblem};
use crate::vocabulary::{code, place};

/// Code system and code of each concept.
#[derive(Default)]
pub(super) struct Concepts(HashMap<u64, (&'static str, String)>);

impl Concepts {
    pub(super) fn code(&self, id: &str) -> Option<(&str, &str)> {
        let (system, code) = self.0.get(&id.parse().ok()?)?;
        Some((system, code))
    }
}

/// Where somebody lives or a care site stands.
pub(super) struct Place {
    pub(super) region: Option<&'static str>,
    pub(super) zip3: Option<String>,
}

#[derive(Default)]
pub(super) struct Lookups {
    pub(super) concepts: Concepts,
    pub(super) places: HashMap<u64, Place>,
    /// Organisation of each care site.
    pub(super) sites: HashMap<u64, String>,
    /// Year of death of each person, by the source's id.
    pub(super) deaths: HashMap<u64, i32>,
}

/// Refuses versions of the model whose tables are others.
pub(super) fn check_version(session: &mut Session<'_>) -> Result<(), DatasetError> {
    let Some(input) = find(session, "cdm_source.csv") else { return Ok(()) };
    let source = CsvSource::open(&input, b',')?;
    let version = source.optional(&["cdm_version"]);
    each(session, "cdm_source.csv", source, |_, record| {
        let text = version.text(record)?;
        let number = text.trim_start_matches(['v', 'V']);
        let known = number.is_empty() || ["5.3", "5.4"].iter().any(|known| number.starts_with(known));
        if known { Ok(()) } else { Err(version.problem(text, "is not version 5.3 or 5.4")) }
    })
}

/// Runs `take` over all records of a small file, in order.
fn each<'s>(
    session: &mut Session<'s>,
    file: &str,
    mut source: CsvSource,
    mut take: impl FnMut(&mut Session<'s>, &ByteRecord) -> Result<(), RowProblem>,
) -> Result<(), DatasetError> {
    session.stage(file);
    while let Some(chunk) = source.next_chunk()? {
        let mut problems = Vec::new();
        for (line, record) in &chunk.records {
            if let Err(problem) = take(session, record) {
                problems.push(problem.at(file, *line));
            }
        }
        session.took(file, u64::try_from(chunk.records.len()).unwrap_or(0), problems)?;
    }
    Ok(())
}

impl Lookups {
    pub(super) fn load(session: &mut Session<'_>) -> Result<Self, DatasetError> {
        let mut lookups = Self::default();
        lookups.load_concepts(session)?;
        lookups.load_places(session)?;
        lookups.load_sites(session)?;
        lookups.load_deaths(session)?;
        Ok(lookups)
    }

    fn load_concepts(&mut self, session: &mut Session<'_>) -> Result<(), DatasetError> {
        const CLINICAL: [&str; 5] = ["Condition", "Drug", "Measurement", "Observation", "Procedure"];
        let Some(input) = find(session, "concept.csv") else { return Ok(()) };
        let source = CsvSource::open(&input, b',')?;
        let (own, domain) = (source.column(&["concept_id"])?, source.column(&["domain_id"])?);
        let (vocabulary, concept_code) =
            (source.column(&["vocabulary_id"])?, source.column(&["concept_code"])?);
        each(session, "concept.csv", source, |_, record| {
            let concept = number_id(&own, record)?;
            let (system, text) = (code::system(vocabulary.text(record)?), concept_code.text(record)?);
            if let (Some(concept), Some(system)) = (concept, system)
                && code::is_code(text)
                && CLINICAL.iter().any(|clinical| domain.text(record).is_ok_and(|own| own.contains(clinical)))
            {
                self.concepts.0.insert(concept, (system, text.to_owned()));
            }
            Ok(())
        })
    }

    fn load_places(&mut self, session: &mut Session<'_>) -> Result<(), DatasetError> {
        let Some(input) = find(session, "location.csv") else { return Ok(()) };
        let source = CsvSource::open(&input, b',')?;
        let own = source.column(&["location_id"])?;
        let (state, zip) = (source.optional(&["state"]), source.optional(&["zip"]));
        each(session, "location.csv", source, |_, record| {
            if let Some(own) = number_id(&own, record)? {
                let (region, zip3) = (place::region(state.text(record)?), place::zip3(zip.text(record)?));
                self.places.insert(own, Place { region, zip3 });
            }
            Ok(())
        })
    }

    fn load_sites(&mut self, session: &mut Session<'_>) -> Result<(), DatasetError> {
        let Some(input) = find(session, "care_site.csv") else { return Ok(()) };
        let source = CsvSource::open(&input, b',')?;
        let (own, name) = (source.column(&["care_site_id"])?, source.optional(&["care_site_name"]));
        let (place, word) = (source.optional(&["location_id"]), source.optional(&["care_site_source_value"]));
        each(session, "care_site.csv", source, |session, record| {
            let Some(own) = number_id(&own, record)? else { return Ok(()) };
            let place = number_id(&place, record)?.and_then(|place| self.places.get(&place));
            let word = word.optional(record)?.filter(|word| code::is_code(word));
            let organisation = word.map_or_else(|| own.to_string(), str::to_owned);
            session.joins.organisations.add(OrganisationRecord {
                id: organisation.clone(),
                name: name.optional(record)?.map(str::to_owned),
                nation: place.and_then(|place| place.region).map(|_| "US"),
                region: place.and_then(|place| place.region),
            });
            self.sites.insert(own, organisation);
            Ok(())
        })
    }

    fn load_deaths(&mut self, session: &mut Session<'_>) -> Result<(), DatasetError> {
        let Some(input) = find(session, "death.csv") else { return Ok(()) };
        let source = CsvSource::open(&input, b',')?;
        let (own, date) = (source.column(&["person_id"])?, source.column(&["death_date"])?);
        each(session, "death.csv", source, |_, record| {
            let person = id(&own, record)?.and_then(|own| own.parse().ok());
            if let Some(person) = person {
                self.deaths.insert(person, date.date(record)?.year());
            }
            Ok(())
        })
    }
}
