//! A release from its plan to its figures, with the ledger's word at each step.
//!
//! ```text
//! price    affordable?          nothing was read, nothing is charged
//! read     aggregate, bounded   (bounties: who would pass her cap is left out)
//! reserve  durable charge
//! draw     noise, stored durably and encrypted, so that it is drawn once whatever happens
//! add      integers + noise -> figures
//! publish  the caller writes the bundle
//! commit   durable; the noise is erased
//! ```
//!
//! A process that dies anywhere comes back with the same id: what was charged stays charged and is not
//! charged again, what was drawn is used again and never drawn again. A committed id is never
//! answered anew.

mod statement;

use std::collections::BTreeSet;

use medrec_domain::Digest;
use medrec_domain::identifier::PersonId;

pub use self::statement::{assurance, budget, privacy};
use crate::aggregate::{self, Exact};
use crate::consent::Consents;
use crate::error::AnonymizerError;
use crate::figures::TableFigures;
use crate::ledger::{Charge, Ledger, Payers, Stage};
use crate::mechanism;
use crate::plan::Plan;
use crate::postprocess;
use crate::records::{Progress, Records};

/// How persons are charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accounting {
    /// Every person pays the whole price, whether or not she appears: a census epoch, a stand-alone release.
    Uniform,
    /// Each pays for what she contributes after bounding, and who would pass her cap is left out: a bounty.
    Individual,
}

/// What is to be released.
pub struct Request<'a> {
    /// Names the release for ever: the same id is never answered in two ways.
    pub id: Digest,
    /// What it holds.
    pub plan: &'a Plan,
    /// Where the rows come from.
    pub records: &'a dyn Records,
    /// Who shares what.
    pub consents: &'a Consents,
    /// How rows are bounded and held.
    pub options: aggregate::Options,
    /// Who pays what.
    pub accounting: Accounting,
}

/// What came of a request.
#[derive(Debug)]
pub enum Outcome {
    /// Figures that are charged for. Show them to nobody before [`Ledger::commit`] has returned.
    Prepared(Vec<TableFigures>),
    /// The id was answered before: the digest of the answer and what was kept with it. There are no figures
    /// any more; whoever published them has them.
    Committed {
        /// Digest of the answer.
        answer: Digest,
        /// What was kept with it.
        metadata: Vec<u8>,
    },
}

/// Makes the figures of a release; the ledger is charged by then.
///
/// # Privacy
/// The figures are rho-zCDP for the plan's rho, which is the most that any person pays. Noise that the ledger
/// did not accept is never added to anything, and one id has one noise.
///
/// # Errors
/// [`AnonymizerError::TooDear`] before anything is read; what reading, the ledger and the generator report.
pub fn prepare(
    request: &Request<'_>,
    ledger: &Ledger,
    progress: &dyn Progress,
) -> Result<Outcome, AnonymizerError> {
    let plan = request.plan;
    match ledger.stage(request.id)? {
        Some(Stage::Committed { answer, metadata }) => return Ok(Outcome::Committed { answer, metadata }),
        Some(_) => {}
        None => ledger.affordable(&plan.rho())?,
    }
    let (exact, charge) = match request.accounting {
        Accounting::Uniform => everybody(request, ledger, progress)?,
        Accounting::Individual => each(request, ledger, progress)?,
    };
    let noise = match ledger.reserve(request.id, plan.digest()?, &charge)? {
        Stage::Committed { answer, metadata } => return Ok(Outcome::Committed { answer, metadata }),
        Stage::Drawn(noise) => noise,
        Stage::Reserved => {
            progress.stage("drawing noise", None);
            let noise = mechanism::draw(&plan.noise(), &|| progress.is_stopped())?;
            ledger.store_noise(request.id, &noise)?;
            noise
        }
    };
    Ok(Outcome::Prepared(figures(plan, &add(&exact.integers, &noise))))
}

fn run(
    request: &Request<'_>,
    individual: bool,
    left_out: BTreeSet<PersonId>,
    progress: &dyn Progress,
) -> Result<Exact, AnonymizerError> {
    let mut options = request.options.clone();
    options.individual = individual;
    options.left_out.extend(left_out);
    aggregate::aggregate(request.plan, request.records, request.consents, &options, progress)
}

/// Everybody is charged the price, except whose own cap does not allow it; she is left out.
fn everybody(
    request: &Request<'_>,
    ledger: &Ledger,
    progress: &dyn Progress,
) -> Result<(Exact, Charge), AnonymizerError> {
    let price = request.plan.rho();
    let except = ledger.over_caps_of_everybody(request.id, &price)?;
    let exact = run(request, false, except.clone(), progress)?;
    Ok((exact, Charge { price, payers: Payers::Everybody { except } }))
}

/// Each is charged for what she is in; who would pass her cap is left out.
fn each(
    request: &Request<'_>,
    ledger: &Ledger,
    progress: &dyn Progress,
) -> Result<(Exact, Charge), AnonymizerError> {
    let price = request.plan.rho();
    let mut exact = run(request, true, BTreeSet::new(), progress)?;
    let except = ledger.over_caps(request.id, &exact.charges)?;
    if !except.is_empty() {
        exact = run(request, true, except, progress)?;
    }
    let payers = Payers::Each(std::mem::take(&mut exact.charges));
    Ok((exact, Charge { price, payers }))
}

/// Adds noise to exact integers; sums beyond 64 bits stay at the end of their range.
pub fn add(exact: &[Vec<i64>], noise: &[Vec<i64>]) -> Vec<Vec<i64>> {
    let sum = |(exact, noise): (&Vec<i64>, &Vec<i64>)| {
        exact.iter().zip(noise).map(|(exact, noise)| exact.saturating_add(*noise)).collect()
    };
    exact.iter().zip(noise).map(sum).collect()
}

/// Figures of all tables from the noisy integers.
pub fn figures(plan: &Plan, noisy: &[Vec<i64>]) -> Vec<TableFigures> {
    let mut rest = noisy;
    plan.tables
        .iter()
        .map(|table| {
            let vectors = table.measures.iter().map(|measure| measure.noise.len()).sum::<usize>();
            let (own, later) = rest.split_at(vectors.min(rest.len()));
            rest = later;
            postprocess::figures(plan, table, own)
        })
        .collect()
}
