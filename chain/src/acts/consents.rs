//! What is signed for Consents: by the patient's key, her guardian, her second party or the owner of a group.
//!
//! Replacing a second party takes two signatures of one [`CosignerChange`]; they go into
//! `Consents::changeCosignerCall` by hand.

use alloy_primitives::{Address, B256, FixedBytes};
use medrec_contracts::signed::consents as signed;

use super::messages;

/// The fields of packed terms: document commitment, start, expiry.
fn unpacked(terms: B256) -> (FixedBytes<24>, u32, u32) {
    let mut times = [0; 8];
    times.copy_from_slice(&terms[24..]);
    let times = u64::from_be_bytes(times);
    let [start, expiry] =
        [times >> 32, times & 0xffff_ffff].map(|time| u32::try_from(time).unwrap_or(u32::MAX));
    (FixedBytes::from_slice(&terms[..24]), start, expiry)
}

messages! { Consents, signed;
    /// Puts a consent document in force.
    Grant {
        /// The patient's key.
        patient: Address,
        /// From [`medrec_contracts::hashes::terms`].
        terms: B256,
    }
    signs Grant |act, _signer| {
        patient: act.patient,
        document: unpacked(act.terms).0,
        start: unpacked(act.terms).1,
        expiry: unpacked(act.terms).2,
    }
    carries grantBySigCall |act| { patient: act.patient, terms: act.terms, } permit permit;

    /// Puts it out of force.
    Revoke {
        /// The patient's key.
        patient: Address,
        /// Those of the grant.
        terms: B256,
    }
    signs Revocation |act, _signer| {
        patient: act.patient,
        document: unpacked(act.terms).0,
        start: unpacked(act.terms).1,
        expiry: unpacked(act.terms).2,
    }
    carries revokeBySigCall |act| { patient: act.patient, terms: act.terms, } permit permit;

    /// Puts several documents of the signer in force.
    GrantMany {
        /// The terms of each.
        terms: Vec<B256>,
    }
    signs Grants |act, signer| { patient: signer, terms: act.terms.clone(), }
    carries grantManyBySigCall |act| { terms: act.terms.clone(), } permit permit;

    /// Appoints a guardian of the signer for day-to-day acts.
    Appoint {
        /// The guardian.
        guardian: Address,
        /// POWER bits: RELATE 1, GRANT 2, REVOKE 4, RESEARCH 8.
        powers: u8,
        /// First second at which the guardian may act; zero for at once.
        start_s: u32,
        /// First second at which it no longer may.
        expiry_s: u32,
    }
    signs Appointment |act, signer| {
        patient: signer,
        guardian: act.guardian,
        powers: act.powers,
        start: act.start_s,
        expiry: act.expiry_s,
    }
    carries appointBySigCall |act| {
        guardian: act.guardian, powers: act.powers, start: act.start_s, expiry: act.expiry_s,
    } permit permit;

    /// Dismisses a guardian; or lays down the office, signed by the guardian.
    Dismiss {
        /// The patient's key.
        patient: Address,
        /// The guardian.
        guardian: Address,
    }
    signs Dismissal |act, _signer| { patient: act.patient, guardian: act.guardian, }
    carries dismissBySigCall |act| { patient: act.patient, guardian: act.guardian, } permit permit;

    /// Releases to research for one purpose, up to a yearly cap.
    ReleaseToResearch {
        /// The patient's key.
        patient: Address,
        /// The purpose.
        purpose: B256,
        /// Salted commitment of the scope.
        scope_commitment: B256,
        /// First second at which it holds; zero for at once.
        start_s: u32,
        /// First second at which it no longer holds.
        expiry_s: u32,
        /// Most privacy loss in a year, in units of 1e-9 rho.
        yearly_cap_nano_rho: u64,
    }
    signs ResearchRelease |act, _signer| {
        patient: act.patient,
        purpose: act.purpose,
        scopeCommitment: act.scope_commitment,
        start: act.start_s,
        expiry: act.expiry_s,
        yearlyCapNanoRho: act.yearly_cap_nano_rho,
    }
    carries releaseToResearchBySigCall |act| {
        patient: act.patient,
        purpose: act.purpose,
        scopeCommitment: act.scope_commitment,
        start: act.start_s,
        expiry: act.expiry_s,
        yearlyCapNanoRho: act.yearly_cap_nano_rho,
    } permit permit;

    /// Withdraws from research for one purpose.
    WithdrawFromResearch {
        /// The patient's key.
        patient: Address,
        /// The purpose.
        purpose: B256,
    }
    signs ResearchWithdrawal |act, _signer| { patient: act.patient, purpose: act.purpose, }
    carries withdrawFromResearchBySigCall |act| { patient: act.patient, purpose: act.purpose, } permit permit;

    /// Asks that a second party has to agree from now on. Only the first time; later both sign [`CosignerChange`].
    RequireCosigner {
        /// The second party.
        cosigner: Address,
    }
    signs CosignerChange |act, signer| { patient: signer, from: Address::ZERO, to: act.cosigner, }
    carries requireCosignerBySigCall |act| { cosigner: act.cosigner, } permit permit;

    /// Replaces or releases the second party. One of two signatures: the patient's and the present second party's.
    CosignerChange {
        /// The patient's key.
        patient: Address,
        /// The present second party.
        from: Address,
        /// The next one; zero for nobody.
        to: Address,
    }
    signs CosignerChange |act, _signer| { patient: act.patient, from: act.from, to: act.to, };

    /// Agrees, as the second party, to one exact item, or takes that back.
    Cosign {
        /// The patient's key.
        patient: Address,
        /// Packed terms, `appointmentItem` or `researchItem`.
        item: B256,
        /// Which of the two.
        agreed: bool,
    }
    signs Cosignature |act, _signer| { patient: act.patient, item: act.item, agreed: act.agreed, }
    carries cosignBySigCall |act| { patient: act.patient, item: act.item, agreed: act.agreed, } permit permit;

    /// Founds a group of viewers.
    FoundGroup {
        /// The signer's account, which stays the owner when its key changes.
        owner: Address,
        /// Makes the group's address, with the owner's.
        salt: B256,
    }
    signs GroupFoundation |act, _signer| { owner: act.owner, salt: act.salt, }
    carries foundGroupBySigCall |act| { salt: act.salt, } permit permit;

    /// Takes a member into a group, or out.
    SetMember {
        /// The group's owner: the account that founded it.
        owner: Address,
        /// The group.
        group: Address,
        /// The member.
        member: Address,
        /// In or out.
        admitted: bool,
    }
    signs GroupMembership |act, _signer| {
        owner: act.owner, group: act.group, member: act.member, admitted: act.admitted,
    }
    carries setMemberBySigCall |act| {
        group: act.group, member: act.member, admitted: act.admitted,
    } permit permit;
}
