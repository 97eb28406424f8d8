//! Who takes part in a release: consents in force at a block that stays.
//!
//! A document counts when the relationship stands, the chain holds its commitment for research, and both periods cover the
//! block; at the finalised block *and* at the present one, so that what was revoked since is left out already. Everything else
//! (an unknown commitment, two records of one account, a document of another provider) takes no part.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use medrec_chain::{ChainError, Contracts, Status, View};
use medrec_contracts::{Consents, Relationships};
use medrec_datasets::PseudonymKey;
use medrec_domain::identifier::{BlockNumber, BlockReference, ChainId, PersonId};
use medrec_domain::{ConsentDocument, Digest, Purpose, Rho, Scope, keccak256, merkle};
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::{from_word, research_purpose, to_chain};

use super::book::LinkedPatient;
use super::error::RewardsError;

/// Blocks after which the contracts take a block for final.
pub(super) const CONFIRMATIONS: u64 = 12;
/// Nano-rho of one rho.
const NANO: u64 = 1_000_000_000;

/// A snapshot.
///
/// # Privacy
/// As secret as the documents. The root is not: its leaves are salted, and one of them is nobody's, so that it tells neither
/// how many there are nor that there are none.
pub(super) struct Snapshot {
    pub(super) block: BlockReference,
    pub(super) persons: BTreeMap<PersonId, Scope>,
    pub(super) caps: BTreeMap<PersonId, Rho>,
    pub(super) root: Digest,
}

/// Looks the linked patients' consents up, at the view's block and 12 below it.
pub(super) async fn take(
    contracts: &Contracts,
    view: &View,
    provider: Address,
    pseudonyms: &PseudonymKey,
    linked: &[LinkedPatient],
) -> Result<Snapshot, RewardsError> {
    let finalised = view.head().block.number.checked_sub(CONFIRMATIONS);
    let finalised = view.at(finalised.ok_or(RefusalCode::Unconfirmed)?).await?;
    let now = releases(contracts, view, provider, linked).await?;
    let then = releases(contracts, &finalised, provider, linked).await?;
    let mut found: BTreeMap<PersonId, Vec<Consent>> = BTreeMap::new();
    for ((patient, now), then) in linked.iter().zip(now).zip(then) {
        let (Some(now), Some(then)) = (now, then) else { continue };
        let person = pseudonyms.person(&patient.source_id);
        let consent = patient.documents.iter().find_map(|(document, salt)| {
            let is_meant = is_ours(document, contracts.chain_id, provider, patient.account)
                && document.is_in_force(finalised.head().timestamp_s)
                && document.is_in_force(view.head().timestamp_s);
            let commitment = document.commitment(salt).ok().filter(|_| is_meant)?;
            let holds = |release: &Release| release.commitment == commitment;
            let cap = document.yearly_cap.clone().filter(|_| holds(&now) && holds(&then))?;
            let cap = cap.min(now.cap.clone()).min(then.cap.clone());
            Some((merkle::leaf(salt, &document.digest().ok()?), document.scope.clone(), cap))
        });
        found.entry(person).or_default().extend(consent);
    }
    // Two accounts of one record contradict each other: neither takes part.
    found.retain(|_, consents| consents.len() == 1);
    let nobody = merkle::leaf(&random()?, &keccak256(b"medrec: nobody's consent"));
    let mut leaves: Vec<Digest> = found.values().flatten().map(|consent| consent.0).chain([nobody]).collect();
    leaves.sort_unstable();
    let block = finalised.head().block;
    let block = BlockReference {
        chain_id: ChainId(contracts.chain_id),
        number: BlockNumber(block.number),
        hash: from_word(block.hash),
    };
    let mut snapshot =
        Snapshot { block, persons: BTreeMap::new(), caps: BTreeMap::new(), root: merkle::root(&leaves) };
    for (person, (_, scope, cap)) in
        found.into_iter().filter_map(|(person, consents)| Some((person, consents.into_iter().next()?)))
    {
        snapshot.persons.insert(person, scope);
        snapshot.caps.insert(person, cap);
    }
    Ok(snapshot)
}

/// Leaf, scope and cap.
type Consent = (Digest, Scope, Rho);

/// What the chain holds of a patient.
struct Release {
    commitment: Digest,
    cap: Rho,
}

/// What the chain holds of each patient at the view's block; `None` where nothing holds.
async fn releases(
    contracts: &Contracts,
    view: &View,
    provider: Address,
    linked: &[LinkedPatient],
) -> Result<Vec<Option<Release>>, ChainError> {
    let reader = contracts.at(view);
    let patients = || linked.iter().map(|patient| patient.account);
    let statuses: Vec<_> =
        patients().map(|patient| Relationships::statusOfCall { patient, provider }).collect();
    let purpose = research_purpose();
    let research: Vec<_> = patients().map(|account| Consents::researchOfCall { account, purpose }).collect();
    let statuses = reader.ask_all(&statuses).await?;
    let research = reader.ask_all(&research).await?;
    let release = |(status, research): (u8, Consents::researchOfReturn)| {
        let stands = Status::from_number(status).is_some_and(Status::stands);
        let cap = Rho::from_ratio(research.release.yearlyCapNanoRho, NANO).ok()?;
        (stands && research.holds)
            .then(|| Release { commitment: from_word(research.release.scopeCommitment), cap })
    };
    Ok(statuses.into_iter().zip(research).map(release).collect())
}

/// Whether a document is one for research by this account at this provider on this chain.
fn is_ours(document: &ConsentDocument, chain_id: u64, provider: Address, account: Address) -> bool {
    document.scope.purpose == Purpose::ResearchAggregate
        && document.chain_id.0 == chain_id
        && to_chain(document.provider) == provider
        && to_chain(document.patient) == account
}

/// 32 bytes of the operating system.
pub(super) fn random() -> Result<[u8; 32], RewardsError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| RewardsError::NoRandomness)?;
    Ok(bytes)
}

/// A loss in units of 1e-9 rho, as the contracts count, rounded up; `None` beyond 64 bits.
pub(super) fn nano_rho(rho: &Rho) -> Option<u64> {
    rho.scaled(NANO, 1).ok()?.to_decimal_text(0).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_in_nano_rho_is_exact_or_rounded_up() {
        for (rho, nano) in [
            ("1/50", Some(20_000_000)),
            ("1/1000000000", Some(1)),
            ("1/1000000001", Some(1)),
            ("1/3", Some(333_333_334)),
            ("18446744073", Some(18_446_744_073_000_000_000)),
            ("18446744074", None),
        ] {
            assert_eq!(nano_rho(&rho.parse().unwrap()), nano, "{rho}");
        }
    }
}
