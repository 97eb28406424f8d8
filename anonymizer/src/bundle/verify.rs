//! Verifies a bundle offline: every file, every number that can be recomputed, every statement that can be held
//! against another.
//!
//! Needs nothing but the bundle. What a chain knows (the block, its miner, the committed root) is checked by
//! whoever knows a chain, from [`Verification::manifest`]'s occasion. A bundle may come from anybody:
//! it is read within [limits](VerifyOptions::limits), links and strange paths are refused, and no check panics on it.

mod documents;
mod layout;
mod privacy;
mod tables;
mod totals;
mod verdict;

use std::fs;
use std::path::Path;

use medrec_domain::Manifest;

pub use verdict::{Check, EpsilonAt, Outcome, Verification, VerifyOptions};

pub(super) use tables::read as shard_tables;
use verdict::Checks;

use super::files::Files;
use super::{archive, folder};
use crate::error::AnonymizerError;

/// Verifies a folder or a `.tar.zst`.
///
/// # Errors
/// [`AnonymizerError::Io`] when there is nothing to read at `path`. A bundle that is wrong is no error: the
/// verification says what failed.
pub fn verify(path: &Path, options: &VerifyOptions<'_>) -> Result<Verification, AnonymizerError> {
    let about = fs::metadata(path).map_err(AnonymizerError::io(path))?;
    let files =
        if about.is_dir() { folder::read(path, options.limits) } else { archive::read(path, options.limits) };
    match files {
        Ok(files) => Ok(verify_files(&files, options)),
        Err(error @ AnonymizerError::Bundle { .. }) => {
            let mut checks = Checks::default();
            checks.take("container", CONTAINER, Err(error.to_string()));
            Ok(checks.into_verification(None, None, None))
        }
        Err(error) => Err(error),
    }
}

const CONTAINER: &str = "the folder or archive holds plain files within the limits";

/// Verifies files in memory.
pub fn verify_files(files: &Files, options: &VerifyOptions<'_>) -> Verification {
    let mut checks = Checks::default();
    checks.take("container", CONTAINER, Ok(format!("{} files", files.len())));
    let manifest = documents::manifest(files);
    checks.take(
        "manifest",
        "the manifest is canonical and does not contradict itself",
        manifest.as_ref().map(|_| "it does not".into()).map_err(Clone::clone),
    );
    let Ok(manifest) = manifest else { return checks.into_verification(None, None, None) };
    let digest = manifest.digest().ok();
    let signer = digest.as_ref().ok_or("the manifest has no digest".to_owned());
    let signer = signer.and_then(|digest| documents::signature(files, &manifest, digest, options));
    checks.take(
        "signature",
        "the signature is the one that the manifest asks for",
        signer.as_ref().map(|signer| documents::signature_words(*signer)).map_err(Clone::clone),
    );
    checks.take("epsilon", "each epsilon follows from rho", privacy::epsilons(&manifest, options.epsilon_at));
    checks.take("noise", "the noise costs what is charged", privacy::noise(&manifest));
    let whole = documents::files(files, &manifest);
    let is_whole = whole.is_ok();
    checks.take("files", "every file is there and as the manifest says, and no other", whole);
    // What a changed file says is nobody's statement, and a stranger's bytes are not worth decoding.
    if is_whole {
        contents(&mut checks, files, &manifest);
    }
    checks.into_verification(Some(manifest), digest, signer.ok().flatten())
}

/// Checks of what the files hold. Each needs what the one before it read.
fn contents(checks: &mut Checks, files: &Files, manifest: &Manifest) {
    let query = documents::query(files, manifest);
    checks.take(
        "query",
        "the query is the one that the manifest names, and the tables are its tables",
        query.as_ref().map(|_| manifest.query.digest.to_string()).map_err(Clone::clone),
    );
    let Ok(query) = query else { return };
    if let Some(finding) = documents::shard(files, manifest) {
        checks.take("shard", "the tables are the ones under the committed root", finding);
    }
    let read = tables::read(files, manifest, &query.workload());
    checks.take(
        "tables",
        "each table has the rows of its plan, and its files agree",
        read.as_ref().map(|read| format!("{} tables", read.len())).map_err(Clone::clone),
    );
    let Ok(read) = read else { return };
    checks.take("withheld", "withheld figures have no number in any file", tables::withheld(manifest, &read));
    checks.take(
        "counts",
        "counts are whole, not negative, and none is a small cell",
        tables::counts(manifest, &read),
    );
    checks.take(
        "totals",
        "totals are the sums of their parts, and give no withheld part away",
        totals::check(manifest, &read),
    );
    let (outcome, detail) = documents::derived(files, manifest, &query, read);
    checks.0.push(Check {
        name: "derived",
        shows: "the report and the descriptions say what the tables say",
        outcome,
        detail,
    });
}
