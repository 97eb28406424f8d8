//! Who may do what with a patient's record: the policy of docs/GATEKEEPER.md, decided at the chain's newest block.
//!
//! Everything is a no unless a line here says yes, and an error is a no. What not: which cells of a table a right shows;
//! [`crate::reading`] applies it.

use medrec_contracts::hashes;
use medrec_domain::consent::Grantee;
use medrec_domain::identifier::Address;
use medrec_domain::{Digest, Purpose, Scope};
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::{commitment_prefix, to_chain, to_word};

use crate::answer::Refused;
use crate::state::{Caller, State};
use crate::store::DocumentRow;

/// A guardian's power to grant: with it she sees what the patient sees about consents and the log.
pub(crate) const POWER_GRANT: u8 = 2;
/// A guardian's power to revoke.
pub(crate) const POWER_REVOKE: u8 = 4;
/// A guardian's power to release to research.
pub(crate) const POWER_RESEARCH: u8 = 8;

/// What a caller may see of one patient's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Right {
    /// All of it.
    Everything,
    /// What one of these scopes covers, cell by cell: never one's fields with another's conditions.
    Scopes(Vec<Scope>),
}

/// What the caller may see of a patient's record for a purpose, and the patient's id in the provider's database.
pub(crate) async fn right(
    state: &State,
    caller: &Caller,
    patient: Address,
    purpose: Purpose,
) -> Result<(String, Right), Refused> {
    let no = || Refused::from(RefusalCode::NotAllowed);
    let account = caller.account.ok_or_else(no)?;
    let (link, documents) =
        state.stored(move |store| Ok((store.link_of(patient)?, store.documents(patient)?))).await?;
    let link = link.ok_or_else(no)?;
    if !caller.facts.stands(to_chain(patient), to_chain(state.provider)).await? {
        return Err(no());
    }
    if account == patient {
        return Ok((link.source_id, Right::Everything));
    }
    if account == state.provider && purpose == Purpose::Treatment {
        return Ok((link.source_id, Right::Everything));
    }
    let mut meant = Vec::new();
    for row in documents {
        if row.document.scope.purpose == purpose && is_grantee(caller, account, &row.document.grantee).await?
        {
            meant.push(row);
        }
    }
    let in_force = are_in_force(caller, patient, &meant).await?;
    let scopes = meant.into_iter().zip(in_force).filter(|(_, holds)| *holds);
    let scopes: Vec<_> = scopes.map(|(row, _)| row.document.scope).collect();
    if scopes.is_empty() { Err(no()) } else { Ok((link.source_id, Right::Scopes(scopes))) }
}

/// Whether a document is for an account, itself or as a member of a group.
pub(crate) async fn is_grantee(
    caller: &Caller,
    account: Address,
    grantee: &Grantee,
) -> Result<bool, Refused> {
    match grantee {
        Grantee::Person { address } => Ok(*address == account),
        Grantee::Group { id } => match group(id) {
            Some(group) => Ok(caller.facts.is_member(group, to_chain(account)).await?),
            None => Ok(false),
        },
        Grantee::Purpose => Ok(false),
    }
}

/// A group's address: the last 20 bytes of its id, whose others are zero.
fn group(id: &Digest) -> Option<alloy_primitives::Address> {
    let (zeros, address) = id.0.split_at(12);
    zeros.iter().all(|byte| *byte == 0).then(|| alloy_primitives::Address::from_slice(address))
}

/// Which documents the chain holds in force, in their order.
pub(crate) async fn are_in_force(
    caller: &Caller,
    patient: Address,
    rows: &[DocumentRow],
) -> Result<Vec<bool>, Refused> {
    let terms: Vec<_> = rows.iter().map(terms).collect();
    let known: Vec<_> = terms.iter().flatten().copied().collect();
    let mut answers = caller.facts.are_in_force(to_chain(patient), &known).await?.into_iter();
    Ok(terms.iter().map(|terms| terms.is_some() && answers.next().unwrap_or(false)).collect())
}

/// The chain's word for a document; `None` for times that it cannot say.
fn terms(row: &DocumentRow) -> Option<alloy_primitives::B256> {
    let start = u32::try_from(row.document.start_s).ok()?;
    let expiry = u32::try_from(row.document.expiry_s).ok()?;
    Some(hashes::terms(commitment_prefix(&row.commitment), start, expiry))
}

/// Whether the caller is the patient, or a guardian of hers with the power.
pub(crate) async fn acts_for(caller: &Caller, patient: Address, power: u8) -> Result<bool, Refused> {
    if caller.account == Some(patient) {
        return Ok(true);
    }
    // Appointments are made with the patient's key and name the key of the guardian.
    match caller.facts.key_of(to_chain(patient)).await? {
        Some(key) => Ok(caller.facts.may_act(key, to_chain(caller.signer), power).await?),
        None => Ok(false),
    }
}

/// Whether the chain's release to research of a patient is the one of this document.
pub(crate) async fn is_released(
    state: &State,
    caller: &Caller,
    patient: Address,
    row: &DocumentRow,
) -> Result<bool, Refused> {
    let purpose = medrec_protocol::bridge::research_purpose();
    let reader = state.contracts.at(caller.facts.view());
    let release = reader.research_of(to_chain(patient), purpose).await?;
    Ok(release.is_some_and(|release| release.scopeCommitment == to_word(row.commitment)))
}
