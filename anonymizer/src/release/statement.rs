//! What a release says about itself: the guarantee, its limits, and how it is kept.
//!
//! The sentences stand here once, beside the code that they describe, and go into every manifest.

use medrec_domain::manifest::{Assurance, BudgetStatement, Charging, PrivacyStatement};
use medrec_domain::{Digest, Rho};

use crate::accounting;
use crate::error::AnonymizerError;
use crate::ledger::Statement;
use crate::plan::{Budget, Plan};

/// The guarantee of a plan's release.
///
/// # Errors
/// [`AnonymizerError::Noise`] when the loss has no epsilon.
pub fn privacy(plan: &Plan, needs_consent: bool) -> Result<PrivacyStatement, AnonymizerError> {
    let rho = plan.rho();
    let unit = if needs_consent {
        "one person with all her records at this provider, her consent included"
    } else {
        "one person with all her records at this data holder"
    };
    let pure = match &plan.budget {
        Budget::Rho(_) => String::new(),
        Budget::Epsilon(epsilon) => {
            format!("; all noise is Laplace, so the release is also {epsilon}-differentially private")
        }
    };
    Ok(PrivacyStatement {
        unit: unit.into(),
        neighbouring: format!("one such person is added or removed, everything else is equal{pure}"),
        epsilon: accounting::epsilons(&rho)?,
        rho,
        noise_by: "this data holder alone adds the noise and is trusted with the records and the exact sums"
            .into(),
        not_covered: [
            "groups: m persons together are protected by m squared times the loss",
            "one human being with several record numbers counts as several persons",
            "what follows from true correlations, about persons who are in no record as well",
            "what providers hold and publish otherwise",
            "records that the contribution limits drop: figures lack them, and intervals do not know of them",
            "withdrawal: what was released cannot be called back",
        ]
        .map(Into::into)
        .into(),
        invariants: Vec::new(),
    })
}

/// The budget before and after a reserved release, as its manifest states it; `None` when it is not reserved.
///
/// It counts the releases of the same kind of charge that were reserved before, so it is the same whenever it is asked, and
/// nothing in it depends on one person.
pub fn budget(statement: &Statement, id: Digest) -> Option<BudgetStatement> {
    let own = statement.releases.iter().find(|line| line.id == id)?;
    let before = statement.releases.iter().take_while(|line| line.id != id);
    let spent_before: Rho =
        before.filter(|line| line.charges_everybody == own.charges_everybody).map(|line| &line.price).sum();
    Some(BudgetStatement {
        cap: statement.cap.clone(),
        spent_after: &spent_before + &own.price,
        spent_before,
        charging: if own.charges_everybody { Charging::Everybody } else { Charging::Each },
    })
}

/// How the guarantee is kept.
pub fn assurance(needs_consent: bool) -> Assurance {
    let seen = if needs_consent {
        "the provider's gatekeeper, on the provider's own machine"
    } else {
        "the data holder, on its own machine"
    };
    Assurance {
        bounds_enforced_by: "code, not promise: rows a person are limited by a keyed hash, values are clamped on an \
            integer grid, and sensitivities follow from the declared limits alone"
            .into(),
        records_seen_by: seen.into(),
        exact_sums_seen_by: format!("{seen}; they are never written to a disk"),
        randomness: "the operating system's generator, through OpenDP's exact discrete samplers; no seed can be chosen".into(),
        side_channels: "the shape of the release depends on public lists only; noise is drawn apart from the data, and \
            handed over at whole multiples of a time fixed by public parameters; refusals carry constant texts"
            .into(),
        composition: "losses in rho-zCDP add; a durable ledger reserves before noise is drawn and refuses what would pass the cap".into(),
        bias: "raw noisy integers are unbiased about what the limits keep; published counts are whole and not negative, which \
            lifts small ones; small cells are withheld by their noisy value"
            .into(),
        tested_by: "an audit of 100,000 runs on worst-case neighbours and mutants of the pipeline that it must catch; statistical \
            tests of the samplers; kill tests of the ledger"
            .into(),
    }
}
