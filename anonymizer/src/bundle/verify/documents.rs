//! Checks of the documents: manifest, signature, digests, query, derived files.

use std::collections::BTreeSet;

use medrec_domain::identifier::Address;
use medrec_domain::manifest::{FileDigest, Occasion};
use medrec_domain::{Digest, Manifest};

use super::verdict::{Finding, Outcome, VerifyOptions};
use crate::bundle::files::{Files, MANIFEST, SIGNATURE, WORKLOAD, table_path};
use crate::bundle::release::{QueryDocument, Release};
use crate::bundle::seal::{SHARD, ShardFile};
use crate::bundle::signature::{SignatureFile, provider_of};
use crate::bundle::write::derived_files;
use crate::figures::TableFigures;

/// Reads the manifest.
pub(super) fn manifest(files: &Files) -> Result<Manifest, String> {
    let bytes = files.get(MANIFEST).ok_or_else(|| format!("{MANIFEST} is missing"))?;
    Manifest::from_canonical_bytes(bytes).map_err(|error| format!("{MANIFEST}: {error}"))
}

/// Checks the signature and says whose it is.
pub(super) fn signature(
    files: &Files,
    manifest: &Manifest,
    digest: &Digest,
    options: &VerifyOptions<'_>,
) -> Result<Option<Address>, String> {
    let bytes = files.get(SIGNATURE).ok_or_else(|| format!("{SIGNATURE} is missing"))?;
    let file = SignatureFile::from_canonical_bytes(bytes).map_err(|error| format!("{SIGNATURE}: {error}"))?;
    let signer =
        file.check(&manifest.occasion, digest).map_err(|problem| format!("{SIGNATURE}: {problem}"))?;
    let provider = provider_of(&manifest.occasion);
    let asked = options.signer.or(provider.filter(|_| !options.signer_by_chain));
    if let Some(address) = asked.filter(|address| signer != Some(*address)) {
        return Err(format!("{SIGNATURE}: it has to be signed by {address}{}", hint(provider, signer)));
    }
    if signer.is_none() && (options.require_signature || provider.is_some()) {
        return Err(format!("{SIGNATURE}: the bundle is not signed"));
    }
    Ok(signer)
}

/// A good signature by another key than the account's own first one may still be the provider's.
const fn hint(provider: Option<Address>, signer: Option<Address>) -> &'static str {
    match (provider, signer) {
        (Some(_), Some(_)) => "; whether another key spoke for it then, a chain knows (--node URL)",
        _ => "",
    }
}

/// What the signature check found.
pub(super) fn signature_words(signer: Option<Address>) -> String {
    match signer {
        Some(address) => format!("signed by {address}"),
        None => "not signed: the bundle is whole, and nothing shows who made it".into(),
    }
}

/// Every file of the manifest is there with its size and digest, no other is, and the format's are all listed.
pub(super) fn files(files: &Files, manifest: &Manifest) -> Finding {
    for (path, expected) in &manifest.files {
        let bytes = files.get(path).ok_or_else(|| format!("{path} is missing"))?;
        if FileDigest::of(bytes) != *expected {
            return Err(format!("{path} is not the file of the manifest: its size or digest differs"));
        }
    }
    let stranger = files.keys().find(|path| {
        !manifest.files.contains_key(*path) && path.as_str() != MANIFEST && path.as_str() != SIGNATURE
    });
    if let Some(path) = stranger {
        return Err(format!("{path} is not in the manifest"));
    }
    let listed: BTreeSet<&str> = manifest.files.keys().map(String::as_str).collect();
    let format = format_files(manifest);
    if let Some(path) = format.iter().find(|path| !listed.contains(path.as_str())) {
        return Err(format!("{path} is not in the manifest, and every bundle has it"));
    }
    match listed.iter().find(|path| !format.contains(**path)) {
        Some(path) => Err(format!("{path} is not a file of this format")),
        None => Ok(format!("{} files", listed.len())),
    }
}

/// Paths that the manifest of such a bundle lists.
fn format_files(manifest: &Manifest) -> BTreeSet<String> {
    let fixed =
        [WORKLOAD, "README.md", "report.html", "datapackage.json", "croissant.json", "measure-report.ndjson"];
    let tables = manifest.tables.iter().flat_map(|table| {
        ["csv", "parquet", "raw.csv", "raw.parquet"].map(|kind| table_path(&table.query.name, kind))
    });
    let seal = matches!(manifest.occasion, Occasion::CensusShard { .. }).then_some(SHARD);
    fixed.into_iter().chain(seal).map(str::to_owned).chain(tables).collect()
}

/// Whether a shard's tables are those under the root that the manifest names; `None` for what is no shard.
pub(super) fn shard(files: &Files, manifest: &Manifest) -> Option<Finding> {
    let Occasion::CensusShard { shard, shards, release_root, .. } = &manifest.occasion else { return None };
    let words = |problem: String| format!("{SHARD}: {problem}");
    let finding = || {
        let bytes = files.get(SHARD).ok_or_else(|| format!("{SHARD} is missing"))?;
        let seal = ShardFile::from_canonical_bytes(bytes).map_err(|error| words(error.to_string()))?;
        if manifest.tables.len() != 1 {
            return Err(format!("{} tables, where a shard has one", manifest.tables.len()));
        }
        seal.check(&manifest.occasion, files).map_err(words)?;
        Ok(format!("shard {} of {shards} under the root {release_root}", shard + 1))
    };
    Some(finding())
}

/// Reads the query, which must be the one that the manifest refers to and hold the manifest's tables.
pub(super) fn query(files: &Files, manifest: &Manifest) -> Result<QueryDocument, String> {
    let bytes = files.get(WORKLOAD).ok_or_else(|| format!("{WORKLOAD} is missing"))?;
    let query = QueryDocument::from_canonical_bytes(bytes).map_err(|error| format!("{WORKLOAD}: {error}"))?;
    if query.reference().map_err(|error| error.to_string())? != manifest.query {
        return Err(format!("{WORKLOAD} is not the query {} of the manifest", manifest.query.digest));
    }
    let workload = query.workload();
    let mut asked = workload.tables.iter();
    for released in &manifest.tables {
        // In the workload's order, each at most once.
        if !asked.any(|table| *table == released.query) {
            return Err(format!("table {} is not one that {WORKLOAD} asks for there", released.query.name));
        }
    }
    let is_part = matches!(manifest.occasion, Occasion::CensusShard { .. });
    if !is_part && manifest.tables.len() != workload.tables.len() {
        return Err(format!("{} tables instead of {}", manifest.tables.len(), workload.tables.len()));
    }
    Ok(query)
}

/// Makes the derived files again and compares them byte by byte.
///
/// Another version of the software may word a report otherwise, so this can only be done for its own.
pub(super) fn derived(
    files: &Files,
    manifest: &Manifest,
    query: &QueryDocument,
    tables: Vec<TableFigures>,
) -> (Outcome, String) {
    let own = env!("CARGO_PKG_VERSION");
    if manifest.software.version != own {
        let detail = format!(
            "the bundle was written by {} {}, this is version {own}: reports are compared by the version that wrote them",
            manifest.software.name, manifest.software.version
        );
        return (Outcome::NotChecked, detail);
    }
    let mut bare = manifest.clone();
    bare.files.clear();
    let release = Release { manifest: bare, query: query.clone(), tables };
    let again = match derived_files(&release, files) {
        Ok(again) => again,
        Err(error) => return (Outcome::Failed, error.to_string()),
    };
    match again.iter().find(|(path, bytes)| files.get(*path) != Some(*bytes)) {
        Some((path, _)) => {
            (Outcome::Failed, format!("{path} does not follow from the tables and the manifest"))
        }
        None => (Outcome::Passed, format!("{} files made again, byte by byte", again.len())),
    }
}
