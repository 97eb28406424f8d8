//! What a verification is asked and what it answers.

use medrec_domain::identifier::Address;
use medrec_domain::{Decimal, Digest, Manifest, Rho};
use serde::Serialize;

use crate::bundle::files::Limits;

/// The tightest epsilon of a loss at a delta, by whoever has an exact converter; `None` where it has none.
pub type EpsilonAt<'a> = &'a dyn Fn(&Rho, &str) -> Option<Decimal>;

/// What to hold a bundle against.
#[derive(Clone, Copy, Default)]
pub struct VerifyOptions<'a> {
    /// How much is read.
    pub limits: Limits,
    /// The key that has to have signed. `None` takes the account of the provider that the manifest names, which is its own first key.
    pub signer: Option<Address>,
    /// Whether a chain is asked afterwards whose key signed: keys change, and only a chain knows. Until it was asked, a bundle that
    /// names a provider is not verified.
    pub signer_by_chain: bool,
    /// Whether a stand-alone bundle without signature is refused as well.
    pub require_signature: bool,
    /// Exact converter: a claimed epsilon below its answer fails. Without it bounds in closed form are used.
    pub epsilon_at: Option<EpsilonAt<'a>>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It could not be made; the detail says why.
    NotChecked,
}

/// One check, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable name for programs.
    pub name: &'static str,
    /// What it shows.
    pub shows: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What was found.
    pub detail: String,
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verification {
    /// Whether no check failed.
    pub valid: bool,
    /// The checks, in order.
    pub checks: Vec<Check>,
    /// The manifest, with the occasion that a chain can confirm; `None` when it could not be read.
    pub manifest: Option<Manifest>,
    /// Keccak-256 of the manifest.
    pub manifest_digest: Option<Digest>,
    /// Whose signature is on it; `None` when unsigned or when the signature failed.
    pub signer: Option<Address>,
}

/// A check's finding: what was seen, or what is wrong.
pub(super) type Finding = Result<String, String>;

/// Checks in the making.
#[derive(Default)]
pub(super) struct Checks(pub(super) Vec<Check>);

impl Checks {
    /// Adds a finding.
    pub(super) fn take(&mut self, name: &'static str, shows: &'static str, finding: Finding) {
        let (outcome, detail) = match finding {
            Ok(detail) => (Outcome::Passed, detail),
            Err(detail) => (Outcome::Failed, detail),
        };
        self.0.push(Check { name, shows, outcome, detail });
    }

    /// The whole.
    pub(super) fn into_verification(
        self,
        manifest: Option<Manifest>,
        manifest_digest: Option<Digest>,
        signer: Option<Address>,
    ) -> Verification {
        let valid = manifest.is_some() && self.0.iter().all(|check| check.outcome != Outcome::Failed);
        Verification { valid, checks: self.0, manifest, manifest_digest, signer }
    }
}
