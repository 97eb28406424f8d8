//! Medications that requests refer to, instead of saying what they are.
//!
//! A request may name a resource inside itself (`#id`, contained) or one of the export
//! (`Medication/id`). Those of the export are read first; of each only its code is kept, and codes
//! that are equal are kept once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use csv::ByteRecord;

use super::super::record::{LineSource, Source};
use super::super::session::Session;
use super::element::{coded, id_of};
use super::resource::Contained;
use crate::error::{DatasetError, RowProblem};
use crate::input::Input;

type Coded = (&'static str, String);

/// Codes of the export's medications, by id.
#[derive(Default)]
pub(super) struct Medications {
    codes: Vec<Coded>,
    numbers: HashMap<Coded, usize>,
    by_id: HashMap<String, usize>,
}

impl Medications {
    /// Reads a part of the export's medications.
    pub(super) fn load(
        &mut self,
        session: &mut Session<'_>,
        input: &Input,
        decode: impl Fn(&ByteRecord) -> Result<(String, Coded), RowProblem>,
    ) -> Result<(), DatasetError> {
        session.stage(&input.name);
        let mut source = LineSource::open(input)?;
        while let Some(chunk) = source.next_chunk()? {
            let mut problems = Vec::new();
            for (line, record) in &chunk.records {
                match decode(record) {
                    Ok((id, coded)) => self.add(id, coded),
                    Err(problem) => problems.push(problem.at(&input.name, *line)),
                }
            }
            session.took(&input.name, u64::try_from(chunk.records.len()).unwrap_or(0), problems)?;
        }
        Ok(())
    }

    fn add(&mut self, id: String, coded: Coded) {
        let next = self.codes.len();
        let number = match self.numbers.entry(coded) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.codes.push(new.key().clone());
                *new.insert(next)
            }
        };
        self.by_id.insert(id, number);
    }

    /// System and code of what a request refers to.
    pub(super) fn referred<'r>(
        &'r self,
        reference: &str,
        contained: &'r [Contained<'_>],
    ) -> Result<(&'static str, &'r str), RowProblem> {
        let element = "medicationReference";
        let unknown = || RowProblem::new(element, reference, "is no medication of this source");
        if let Some(id) = reference.strip_prefix('#') {
            let own = contained.iter().find(|own| own.is(id)).ok_or_else(unknown)?;
            return coded(element, own.concept());
        }
        let id = id_of(reference).unwrap_or_default();
        let number = self.by_id.get(id).ok_or_else(unknown)?;
        let (system, code) = self.codes.get(*number).ok_or_else(unknown)?;
        Ok((system, code))
    }
}
