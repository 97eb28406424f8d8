//! Which fields and conditions of which person may be counted.
//!
//! A snapshot of the research consents in force: one scope a person, or none. A person without a scope
//! does not exist for a release. A field that is not shared is missing from the row, a row whose code
//! or day is not shared is not there. Who signed what, and whether it is in force, is decided before.
//!
//! # Privacy
//! Masking acts on one person's rows by that person's own scope alone, so adding or removing a person with
//! her consent changes nobody else's rows: the stability is 1 in persons.

use std::collections::HashMap;

use medrec_domain::identifier::PersonId;
use medrec_domain::scope::ValueSets;
use medrec_domain::{ConditionScope, Digest, FieldScope, Purpose, Scope};

/// A snapshot of consents.
#[derive(Debug, Clone)]
pub struct Consents {
    scopes: Vec<Scope>,
    of_person: HashMap<u64, u32>,
    everybody: bool,
    /// Value sets that the scopes name.
    value_sets: ValueSets,
    /// Root over the consents, as the manifest states it.
    root: Option<Digest>,
}

impl Consents {
    /// Every person with every field: for a data holder who releases on its own authority. The manifest
    /// then states no consent root.
    pub fn everybody() -> Self {
        let all = Scope {
            purpose: Purpose::ResearchAggregate,
            fields: FieldScope::All,
            conditions: ConditionScope::All,
        };
        Self {
            scopes: vec![all],
            of_person: HashMap::new(),
            everybody: true,
            value_sets: ValueSets::new(),
            root: None,
        }
    }

    /// The persons listed, each with her scope; scopes of another purpose than research share nothing.
    pub fn of(
        persons: impl IntoIterator<Item = (PersonId, Scope)>,
        value_sets: ValueSets,
        root: Option<Digest>,
    ) -> Self {
        let mut scopes: Vec<Scope> = Vec::new();
        let mut of_person = HashMap::new();
        for (person, scope) in persons {
            if scope.purpose != Purpose::ResearchAggregate {
                continue;
            }
            let known = scopes.iter().position(|other| *other == scope).unwrap_or_else(|| {
                scopes.push(scope);
                scopes.len() - 1
            });
            of_person.insert(person.0, u32::try_from(known).unwrap_or(u32::MAX));
        }
        Self { scopes, of_person, everybody: false, value_sets, root }
    }

    /// Root over the consents in force.
    pub const fn root(&self) -> Option<Digest> {
        self.root
    }

    /// Distinct scopes.
    pub(crate) fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Value sets that the scopes name.
    pub(crate) fn value_sets(&self) -> &ValueSets {
        &self.value_sets
    }

    /// Index of a person's scope; `None` shares nothing.
    pub(crate) fn scope_of(&self, person: u64) -> Option<u32> {
        if self.everybody { Some(0) } else { self.of_person.get(&person).copied() }
    }
}
