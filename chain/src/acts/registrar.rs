//! What is signed for the Registrar.
//!
//! A change of key takes two signatures, so its two messages are signed here and put into
//! `Registrar::rotateKeyBySigCall` by hand; both convert into its `Permit`.

use alloy_primitives::{Address, B256};
use medrec_contracts::signed::registrar as signed;

use super::messages;
use crate::contracts::Role;

messages! { Registrar, signed;
    /// Enters the signer as a patient or a guardian.
    Register {
        /// Patient or guardian.
        role: Role,
        /// Salted commitment of the existing identity string.
        identity_commitment: B256,
    }
    signs Registration |act, signer| {
        account: signer, role: act.role.number(), identityCommitment: act.identity_commitment,
    }
    carries registerBySigCall |act| {
        role: act.role.number(), identityCommitment: act.identity_commitment,
    } permit permit;

    /// Takes the identity commitment of the signer's account off the state.
    EraseIdentity {
        /// The account.
        account: Address,
        /// The commitment that stands there.
        identity_commitment: B256,
    }
    signs IdentityErasure |act, _signer| {
        account: act.account, identityCommitment: act.identity_commitment,
    }
    carries eraseIdentityBySigCall |_act| {} permit permit;

    /// Hands the account over to another key: signed by the present one. One of two signatures.
    KeyRotation {
        /// The account.
        account: Address,
        /// The key that shall speak for it.
        new_key: Address,
    }
    signs KeyRotation |act, _signer| { account: act.account, newKey: act.new_key, };

    /// Becomes the key of an account: signed by the new one. Carried alone it finishes a recovery.
    KeyAcceptance {
        /// The account.
        account: Address,
    }
    signs KeyAcceptance |act, signer| { account: act.account, newKey: signer, }
    carries finishRecoveryCall |act| { account: act.account, } permit ofNewKey;

    /// Names the guardians that can recover the key.
    SetGuardians {
        /// The signer's account.
        account: Address,
        /// The guardians, at most eight.
        guardians: Vec<Address>,
        /// How many of them it takes.
        threshold: u8,
    }
    signs GuardianChange |act, _signer| {
        account: act.account, guardians: act.guardians.clone(), threshold: act.threshold,
    }
    carries setGuardiansBySigCall |act| {
        guardians: act.guardians.clone(), threshold: act.threshold,
    } permit permit;

    /// Supports, as a guardian, that a new key takes over.
    SupportRecovery {
        /// The account.
        account: Address,
        /// The key that shall speak for it.
        new_key: Address,
        /// The account's present round, from `guardiansOf`.
        round: u64,
    }
    signs RecoverySupport |act, _signer| { account: act.account, newKey: act.new_key, round: act.round, }
    carries supportRecoveryBySigCall |act| { account: act.account, newKey: act.new_key, } permit permit;

    /// Stops every recovery of the signer's account.
    CancelRecovery {
        /// The account.
        account: Address,
        /// Its present round.
        round: u64,
    }
    signs RecoveryCancellation |act, _signer| { account: act.account, round: act.round, }
    carries cancelRecoveryBySigCall |_act| {} permit permit;
}
