//! The demo's people: fresh accounts, what they sign, and who among them shares what for research.
//!
//! Nobody here holds ether: each act is signed and carried by the provider's gatekeeper.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{B256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use anyhow::Context as _;
use medrec_chain::Role;
use medrec_chain::acts::registrar::Register;
use medrec_domain::consent::Grantee;
use medrec_domain::identifier::Address;
use medrec_domain::{ConditionScope, ConsentDocument, Digest, FieldScope, Purpose, Rho, Scope};
use medrec_protocol::bridge::from_chain;
use medrec_protocol::methods::provider::{Invite, InviteBody, Link, LinkBody};
use medrec_wallet::consent::{Wish, document, salt};
use medrec_wallet::desk::Settle;
use medrec_wallet::{Desk, GatekeeperClient, Place};
use tokio::task::JoinSet;

use super::calendar::now_s;

/// People who act at the same time at one provider: two acts of each stay below the 64 transactions that pools keep of one
/// account.
const AT_ONCE: usize = 24;
/// Days for which consents are given.
const DAYS: u64 = 365;
/// Longest wait for an act to come into the chain.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a patient lets be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Everything.
    Granted,
    /// Everything but conditions of the mind and her medications' codes.
    Limited,
    /// Nothing.
    Refused,
}

/// What every third, fifth and other patient decides: most share, some a part, some nothing.
pub(super) fn sharing_of(index: usize) -> Sharing {
    match index % 5 {
        3 => Sharing::Limited,
        4 => Sharing::Refused,
        _ => Sharing::Granted,
    }
}

/// A provider, as a patient meets it.
#[derive(Clone)]
pub(super) struct Counter {
    pub(super) place: Place,
    pub(super) gatekeeper: GatekeeperClient,
    /// The provider's own key, for what its staff does at the desk.
    pub(super) staff: PrivateKeySigner,
}

/// A patient at a provider.
pub(super) struct Patient {
    pub(super) desk: Desk,
    pub(super) source_id: String,
}

impl Counter {
    /// A patient comes: a fresh account, invited and linked to her record by the provider's staff.
    pub(super) async fn welcome(&self, source_id: &str) -> anyhow::Result<Patient> {
        let signer = PrivateKeySigner::random();
        let account = from_chain(signer.address());
        self.gatekeeper.ask::<Invite>(&self.staff, &InviteBody { account }).await?;
        let body = LinkBody { account, source_id: source_id.to_owned() };
        self.gatekeeper.ask::<Link>(&self.staff, &body).await?;
        Ok(Patient { desk: self.desk(signer), source_id: source_id.to_owned() })
    }

    /// Somebody who is no patient, such as a doctor: a fresh account that enters the network by itself.
    pub(super) async fn reader(&self) -> anyhow::Result<PrivateKeySigner> {
        let signer = PrivateKeySigner::random();
        self.gatekeeper
            .ask::<Invite>(&self.staff, &InviteBody { account: from_chain(signer.address()) })
            .await?;
        // Patients and guardians enter without a vote; a reader has no powers but those that are granted.
        let act = Register { role: Role::Guardian, identity_commitment: keccak256(salt()?.0) };
        self.desk(signer.clone()).carry(&act).await.context("a doctor cannot register")?;
        Ok(signer)
    }

    fn desk(&self, signer: PrivateKeySigner) -> Desk {
        Desk {
            place: self.place.clone(),
            gatekeeper: self.gatekeeper.clone(),
            patient: from_chain(signer.address()),
            signer,
            settle: Settle::Included,
            patience: PATIENCE,
        }
    }
}

impl Patient {
    /// Her account.
    pub(super) fn account(&self) -> Address {
        self.desk.patient
    }

    /// Enters the network without any relationship yet.
    pub(super) async fn register(&self) -> anyhow::Result<()> {
        let act = Register { role: Role::Patient, identity_commitment: self.identity_commitment()? };
        self.desk.carry(&act).await.context("a patient cannot register")?;
        Ok(())
    }

    /// The same desk with the provider's key, to look after what the provider sent.
    pub(super) fn as_seen_by(&self, staff: &PrivateKeySigner) -> Desk {
        Desk {
            place: self.desk.place.clone(),
            gatekeeper: self.desk.gatekeeper.clone(),
            signer: staff.clone(),
            patient: self.desk.patient,
            settle: self.desk.settle,
            patience: self.desk.patience,
        }
    }

    /// A salted commitment of her id at this provider.
    fn identity_commitment(&self) -> anyhow::Result<B256> {
        Ok(keccak256([&salt()?.0, self.source_id.as_bytes()].concat()))
    }

    /// Signs herself in: registered, and the relationship accepted, in one act.
    pub(super) async fn onboard(&self) -> anyhow::Result<()> {
        self.desk.onboard(self.identity_commitment()?).await.context("a patient cannot come in")?;
        Ok(())
    }

    /// Gives a consent and returns its document and commitment.
    pub(super) async fn give(&self, wish: Wish) -> anyhow::Result<(ConsentDocument, Digest)> {
        let signer = from_chain(self.desk.signer.address());
        let provider = self.desk.gatekeeper.provider();
        let document =
            document(self.desk.place.contracts.chain_id, provider, self.desk.patient, signer, wish)?;
        let salt = salt()?;
        self.desk.consent(&document, salt).await.context("a consent cannot be given")?;
        let commitment = document.commitment(&salt.0)?;
        Ok((document, commitment))
    }

    /// Decides about research.
    pub(super) async fn decide(&self, sharing: Sharing, cap: &Rho) -> anyhow::Result<()> {
        let conditions = match sharing {
            Sharing::Refused => return Ok(()),
            Sharing::Granted => ConditionScope::All,
            Sharing::Limited => ConditionScope::Except(["asthma".to_owned()].into()),
        };
        let fields = FieldScope::All;
        let scope = Scope { purpose: Purpose::ResearchAggregate, fields, conditions };
        self.give(Wish {
            grantee: Grantee::Purpose,
            scope,
            yearly_cap: Some(cap.clone()),
            ..Self::wish_for_a_year()
        })
        .await?;
        Ok(())
    }

    fn wish_for_a_year() -> Wish {
        let start_s = now_s().saturating_sub(60);
        Wish {
            grantee: Grantee::Purpose,
            scope: Scope {
                purpose: Purpose::ResearchAggregate,
                fields: FieldScope::All,
                conditions: ConditionScope::All,
            },
            start_s,
            expiry_s: start_s + DAYS * 86_400,
            yearly_cap: None,
        }
    }

    /// A wish to let a person read for treatment, for a year.
    pub(super) fn wish_for_treatment(
        doctor: Address,
        fields: FieldScope,
        conditions: ConditionScope,
    ) -> Wish {
        Wish {
            grantee: Grantee::Person { address: doctor },
            scope: Scope { purpose: Purpose::Treatment, fields, conditions },
            ..Self::wish_for_a_year()
        }
    }
}

/// Lets many patients of one provider come in and decide, several at a time; how many there are of each decision.
pub(super) async fn crowd(counter: &Counter, source_ids: &[String], cap: &Rho) -> anyhow::Result<[usize; 3]> {
    let cap = Arc::new(cap.clone());
    let (mut waiting, mut counts) = (source_ids.iter().cloned().enumerate(), [0; 3]);
    let mut busy = JoinSet::new();
    loop {
        while busy.len() < AT_ONCE {
            let Some((index, source_id)) = waiting.next() else { break };
            let (counter, cap) = (counter.clone(), Arc::clone(&cap));
            busy.spawn(async move {
                let sharing = sharing_of(index);
                let patient = counter.welcome(&source_id).await?;
                patient.onboard().await?;
                patient.decide(sharing, &cap).await?;
                anyhow::Ok(sharing)
            });
        }
        let Some(done) = busy.join_next().await else { return Ok(counts) };
        let place = match done.context("a patient's task ended")?? {
            Sharing::Granted => 0,
            Sharing::Limited => 1,
            Sharing::Refused => 2,
        };
        counts[place] += 1;
    }
}
