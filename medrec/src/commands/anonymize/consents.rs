//! The consents file: who shares what.
//!
//! One JSON document a line, `{"person": "ID", "scope": {"purpose": "research-aggregate", "fields": "all",
//! "conditions": "all"}}`, with the id as the records write it (for canonical Parquet the pseudonym as a number).
//! Who is not in the file shares nothing. The manifest gets the Merkle root over salted digests of the lines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::Context as _;
use medrec_anonymizer::consent::Consents;
use medrec_datasets::{Format, PseudonymKey};
use medrec_domain::digest::keccak256_of;
use medrec_domain::identifier::PersonId;
use medrec_domain::scope::ValueSets;
use medrec_domain::{Scope, canonical, merkle};
use serde::Deserialize;

use crate::exit::Usage;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    person: String,
    scope: Scope,
}

/// Reads the file. `salt_key` makes the root's salts.
pub(super) fn read(
    path: &Path,
    format: &Format,
    key: &PseudonymKey,
    salt_key: &[u8],
    value_sets: &ValueSets,
) -> anyhow::Result<Consents> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut scopes: BTreeMap<PersonId, Scope> = BTreeMap::new();
    for (number, line) in (1_u64..).zip(BufReader::new(file).lines()) {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        if line.trim().is_empty() {
            continue;
        }
        let refuse = |problem: String| Usage(format!("{}:{number}: {problem}", path.display()));
        let line: Line = serde_json::from_str(&line).map_err(|error| refuse(error.to_string()))?;
        line.scope.check().map_err(|error| refuse(error.to_string()))?;
        let person = match format {
            Format::Parquet => {
                let id = line.person.parse();
                PersonId(id.map_err(|_| refuse(format!("{:?} is not the number of a person", line.person)))?)
            }
            _ => key.person(&line.person),
        };
        if scopes.insert(person, line.scope).is_some() {
            return Err(refuse(format!("{:?} appears twice", line.person)).into());
        }
    }
    let leaves = scopes
        .iter()
        .map(|(person, scope)| {
            let salt = keccak256_of(&[salt_key, &person.0.to_le_bytes()]);
            Ok(merkle::leaf(&salt.0, &canonical::digest(scope)?))
        })
        .collect::<Result<Vec<_>, medrec_domain::DomainError>>()?;
    let root = merkle::root(&leaves);
    Ok(Consents::of(scopes, value_sets.clone(), Some(root)))
}
