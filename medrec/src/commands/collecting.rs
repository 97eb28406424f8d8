//! What `medrec claim`, `medrec researcher` and `medrec mine` share: the collector, and its words.

use medrec_wallet::collector::{Claim, ClaimState, Happening};
use medrec_wallet::{Collector, CollectorOptions};

use super::wallet::{keystore, own_account, place};
use crate::args::CollectArguments;
use crate::shell::Shell;

/// The collector of a folder, with the keystore's own account as its miner.
pub(super) fn collector(arguments: &CollectArguments, shell: &Shell) -> anyhow::Result<Collector> {
    let mut keystore = keystore(&arguments.wallet.keys)?;
    let place = place(&arguments.wallet.chain)?;
    let entry = own_account(&mut keystore)?;
    let mut options = CollectorOptions::new(arguments.collect.clone(), vec![keystore.signer(entry.index)?]);
    options.from = arguments.from_block;
    options.declares = arguments.declare;
    let tell = shell.teller();
    options.listener = std::sync::Arc::new(move |happening| tell(&words(happening)));
    Ok(Collector::open(place, options)?)
}

pub(super) fn words(happening: &Happening) -> String {
    match happening {
        Happening::Earned(claim) => format!("earned: {}", claim.words()),
        Happening::Stored(claim) => format!("stored: {}", line(claim)),
        Happening::Failed(claim) => format!("not yet: {}", line(claim)),
        Happening::Moved(claim) => format!("moved: {}", line(claim)),
        Happening::Received(claim) => format!("receipt confirmed: {}", claim.words()),
        Happening::Waiting(why) => format!("waiting for the chain: {why}"),
        other => format!("{other:?}"),
    }
}

/// A claim in one line.
pub(super) fn line(claim: &Claim) -> String {
    let state = match &claim.state {
        ClaimState::Waiting => "waiting".to_owned(),
        ClaimState::Stored { path, .. } => format!("{} (receipt not confirmed yet)", path.display()),
        ClaimState::Done { path, .. } => path.display().to_string(),
        ClaimState::Refused => "refused".to_owned(),
        ClaimState::Moved => "taken by a re-organisation".to_owned(),
    };
    let problem = claim.problem.as_ref().map(|problem| format!(": {problem}")).unwrap_or_default();
    format!("{}  {state}{problem}", claim.words())
}
