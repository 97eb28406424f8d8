//! `medrec verify`: whether a bundle is what it says it is, offline, and by a chain's word where a node is given.

use std::fmt::Write as _;

use medrec_anonymizer::accounting;
use medrec_anonymizer::bundle::{self, Outcome, VerifyOptions};
use medrec_chain::Network;
use medrec_wallet::{Place, onchain};

use super::wallet::block_on;
use crate::args::VerifyArguments;
use crate::exit::Refused;
use crate::shell::Shell;

pub(super) fn run(arguments: &VerifyArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let epsilon_at = |rho: &medrec_domain::Rho, delta: &str| {
        delta.parse().ok().and_then(|delta: f64| accounting::epsilon_at(rho, delta).ok())
    };
    let options = VerifyOptions {
        signer: arguments.signer,
        require_signature: arguments.require_signature,
        signer_by_chain: arguments.network.is_some(),
        epsilon_at: Some(&epsilon_at),
        ..VerifyOptions::default()
    };
    let mut verification = bundle::verify(&arguments.bundle, &options)?;
    if let Some(network) = &arguments.network {
        let place = Place::new(&Network::read(network)?, arguments.nodes.iter().cloned())?;
        block_on(async {
            place.verify().await?;
            let view = place.view().await?;
            Ok(onchain::check(&mut verification, &view, &place.contracts).await?)
        })?;
    }
    if shell.wants_json() {
        shell.json(&verification)?;
    } else {
        let mut text = String::new();
        for check in &verification.checks {
            let word = match check.outcome {
                Outcome::Passed => "passed",
                Outcome::Failed => "FAILED",
                Outcome::NotChecked => "not checked",
            };
            let _ = writeln!(text, "{word:<12} {}: {}", check.shows, check.detail);
        }
        text.push_str(if verification.valid { "the bundle is valid\n" } else { "the bundle is NOT valid\n" });
        shell.result(&text)?;
    }
    if verification.valid {
        return Ok(());
    }
    Err(Refused(format!("{} is not a valid bundle", arguments.bundle.display())).into())
}
