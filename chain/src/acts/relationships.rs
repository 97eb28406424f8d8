//! What is signed for Relationships: by the patient, or by a guardian of hers with `POWER_RELATE`.
//!
//! What not: what providers do; they hold ether and call.

use alloy_primitives::{Address, B256};
use medrec_contracts::signed::relationships as signed;

use super::messages;
use crate::contracts::PatientAct;

messages! { Relationships, signed;
    /// Enters the signer as a patient, and begins the relationship. The *provider* has to send it.
    Onboard {
        /// The provider's account.
        provider: Address,
        /// Salted commitment of the identity string at this provider.
        identity_commitment: B256,
    }
    signs Onboarding |act, signer| {
        patient: signer, provider: act.provider, identityCommitment: act.identity_commitment,
    }
    carries onboardCall |act| { identityCommitment: act.identity_commitment, } permit permit;

    /// Asks a provider for a relationship.
    Request {
        /// The patient's account.
        patient: Address,
        /// The provider's account.
        provider: Address,
    }
    signs Request |act, _signer| { patient: act.patient, provider: act.provider, }
    carries actBySigCall |act| {
        act: PatientAct::Request.number(), patient: act.patient, provider: act.provider,
    } permit permit;

    /// Accepts what a provider proposed.
    Accept {
        /// The patient's account.
        patient: Address,
        /// The provider's account.
        provider: Address,
    }
    signs Accept |act, _signer| { patient: act.patient, provider: act.provider, }
    carries actBySigCall |act| {
        act: PatientAct::Accept.number(), patient: act.patient, provider: act.provider,
    } permit permit;

    /// Rejects what a provider proposed.
    Reject {
        /// The patient's account.
        patient: Address,
        /// The provider's account.
        provider: Address,
    }
    signs Reject |act, _signer| { patient: act.patient, provider: act.provider, }
    carries actBySigCall |act| {
        act: PatientAct::Reject.number(), patient: act.patient, provider: act.provider,
    } permit permit;

    /// Takes note of what a provider posted.
    Acknowledge {
        /// The patient's account.
        patient: Address,
        /// The provider's account.
        provider: Address,
    }
    signs Acknowledge |act, _signer| { patient: act.patient, provider: act.provider, }
    carries actBySigCall |act| {
        act: PatientAct::Acknowledge.number(), patient: act.patient, provider: act.provider,
    } permit permit;

    /// Ends the relationship, or takes back the request.
    End {
        /// The patient's account.
        patient: Address,
        /// The provider's account.
        provider: Address,
    }
    signs End |act, _signer| { patient: act.patient, provider: act.provider, }
    carries actBySigCall |act| {
        act: PatientAct::End.number(), patient: act.patient, provider: act.provider,
    } permit permit;
}
