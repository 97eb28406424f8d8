//! What a consent covers: fields, conditions, purpose.
//!
//! A scope answers two questions about one value: is this field shared, and is a row with this code
//! shared. It knows neither patients nor rows; the consent filter asks it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::error::DomainError;
use crate::schema::Field;

/// What the data may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Purpose {
    /// Care of this patient.
    Treatment,
    /// The patient's own or a guardian's reading.
    Personal,
    /// Duties of a public-health agency.
    PublicHealth,
    /// Anonymised aggregates under a privacy cap; the only purpose that reaches miners.
    ResearchAggregate,
}

/// Which fields are shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldScope {
    /// Every field of every table, those of later versions included.
    All,
    /// These fields and no others.
    Only(BTreeSet<Field>),
}

/// Which conditions' rows are shared, by the ids of value sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionScope {
    /// Rows with any code.
    All,
    /// Rows whose code is in one of these value sets.
    Only(BTreeSet<String>),
    /// Rows whose code is in none of these value sets.
    Except(BTreeSet<String>),
}

/// A named set of codes: a diagnosis group, a sensitive category, a panel of laboratory tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueSet {
    /// Name for people.
    pub title: String,
    /// Codes by vocabulary. A code that ends in `*` stands for all codes that start with what precedes it.
    pub codes: BTreeMap<String, BTreeSet<String>>,
}

impl ValueSet {
    /// Whether it holds `code` of `code_system`.
    pub fn contains(&self, code_system: &str, code: &str) -> bool {
        self.codes.get(code_system).is_some_and(|codes| {
            codes.contains(code)
                || codes
                    .iter()
                    .any(|entry| entry.strip_suffix('*').is_some_and(|stem| code.starts_with(stem)))
        })
    }
}

/// Value sets by id.
pub type ValueSets = BTreeMap<String, ValueSet>;

/// Fields, conditions and purpose together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// What for.
    pub purpose: Purpose,
    /// Which fields.
    pub fields: FieldScope,
    /// Which conditions.
    pub conditions: ConditionScope,
}

impl Scope {
    /// Whether `field` is shared.
    ///
    /// # Privacy
    /// The keys that join tables are not data of their own: a caller that needs them uses them
    /// internally and releases none.
    pub fn covers_field(&self, field: Field) -> bool {
        match &self.fields {
            FieldScope::All => true,
            FieldScope::Only(fields) => fields.contains(&field),
        }
    }

    /// Whether a row with `code` of `code_system` is shared.
    ///
    /// # Privacy
    /// An id that `value_sets` does not know shares nothing: under `Only` it matches no code, and
    /// under `Except` the whole answer is no, since it cannot be told what the patient excluded.
    pub fn covers_code(&self, value_sets: &ValueSets, code_system: &str, code: &str) -> bool {
        let within = |id: &String| value_sets.get(id).is_some_and(|set| set.contains(code_system, code));
        match &self.conditions {
            ConditionScope::All => true,
            ConditionScope::Only(ids) => ids.iter().any(within),
            ConditionScope::Except(ids) => ids.iter().all(|id| value_sets.contains_key(id) && !within(id)),
        }
    }

    /// Refuses a scope that lists nothing where it should list something.
    ///
    /// # Errors
    /// [`DomainError::Document`] naming the empty list.
    pub fn check(&self) -> Result<(), DomainError> {
        let refuse = |field| Err(DomainError::document("scope", field, "lists nothing".to_owned()));
        match (&self.fields, &self.conditions) {
            (FieldScope::Only(fields), _) if fields.is_empty() => refuse("fields"),
            (_, ConditionScope::Only(ids) | ConditionScope::Except(ids)) if ids.is_empty() => {
                refuse("conditions")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(code_system: &str, codes: &[&str]) -> ValueSet {
        let codes = codes.iter().map(|&code| code.to_owned()).collect();
        ValueSet { title: String::new(), codes: [(code_system.to_owned(), codes)].into() }
    }

    fn scope(conditions: ConditionScope) -> Scope {
        Scope { purpose: Purpose::Treatment, fields: FieldScope::All, conditions }
    }

    #[test]
    fn exclusions_exclude_and_unknown_value_sets_share_nothing() {
        let sets: ValueSets = [("mental".to_owned(), set("icd10cm", &["F*"]))].into();
        let except = scope(ConditionScope::Except(["mental".to_owned()].into()));
        assert!(!except.covers_code(&sets, "icd10cm", "F32.1"));
        assert!(except.covers_code(&sets, "icd10cm", "E11.9"));
        let unknown = scope(ConditionScope::Except(["hiv".to_owned()].into()));
        assert!(!unknown.covers_code(&sets, "icd10cm", "E11.9"));
        let only = scope(ConditionScope::Only(["mental".to_owned(), "hiv".to_owned()].into()));
        assert!(only.covers_code(&sets, "icd10cm", "F32.1"));
        assert!(!only.covers_code(&sets, "icd10cm", "E11.9"));
        assert!(!only.covers_code(&sets, "snomed", "F32.1"));
    }

    #[test]
    fn fields_are_shared_one_by_one() {
        let value: Field = "measurement.value".parse().unwrap();
        let only = Scope { fields: FieldScope::Only([value].into()), ..scope(ConditionScope::All) };
        assert!(only.covers_field(value));
        assert!(!only.covers_field("person.sex".parse().unwrap()));
        assert!(scope(ConditionScope::Only([].into())).check().is_err());
    }
}
