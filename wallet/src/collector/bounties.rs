//! What the owner of a bounty says on chain: that the bundle came, or that it did not.
//!
//! Miners have ether, so these are their own transactions. Each has a key, so that the same statement after a restart is the
//! same transaction; whether it is in the chain, the contract says.

use std::path::Path;
use std::sync::Arc;

use alloy_primitives::U256;
use alloy_signer_local::PrivateKeySigner;
use medrec_chain::contracts::Progress;
use medrec_chain::{Request, Sender, SenderOptions};
use medrec_contracts::Bounties;
use medrec_domain::Digest;
use medrec_domain::identifier::Address;
use medrec_protocol::bridge::{from_chain, to_word};
use medrec_protocol::methods::provider::Posting;

use super::reward::{Claim, Reward};
use crate::error::{Advice, WalletError};
use crate::network::Place;
use crate::researcher::{bounty_of, update_of};

/// Attempts in vain before the owner asks on chain.
const PATIENT_ATTEMPTS: u32 = 5;

/// The outboxes of some miners.
pub(super) struct Receipts {
    place: Place,
    senders: Vec<(Address, Sender)>,
}

impl Receipts {
    pub(super) fn open(
        place: &Place,
        folder: &Path,
        miners: &[PrivateKeySigner],
    ) -> Result<Self, WalletError> {
        let mut senders = Vec::new();
        for miner in miners {
            let account = from_chain(miner.address());
            let path = folder.join(format!("{account:?}.outbox.redb"));
            let sender =
                Sender::open(place.client.clone(), Arc::new(miner.clone()), &path, SenderOptions::default())?;
            senders.push((account, sender));
        }
        Ok(Self { place: place.clone(), senders })
    }

    /// One pass over what was sent.
    pub(super) async fn pass(&self) -> Result<(), WalletError> {
        for (_, sender) in &self.senders {
            if !sender.outstanding().is_empty() {
                sender.pass().await?;
            }
        }
        Ok(())
    }

    /// Confirms the receipt where the provider named this manifest; true once the chain has it.
    ///
    /// # Errors
    /// Those of a node; [`WalletError::Act`] when the provider named another bundle.
    pub(super) async fn confirm(&self, claim: &Claim, manifest: Digest) -> Result<bool, WalletError> {
        let Reward::Bounty { posting } = &claim.reward else { return Ok(true) };
        let view = self.place.view().await?;
        let bounty = to_word(bounty_of(posting));
        let (progress, named) = self.place.contracts.at(&view).claim_of(bounty).await?;
        match (progress, named) {
            (Progress::Received, _) => Ok(true),
            (Progress::Answered | Progress::Contested, Some(named)) if named == to_word(manifest) => {
                let call = Bounties::confirmCall { posting: terms(posting), bundleHash: named };
                let act = self.place.contracts.act(&call);
                self.send(claim.miner, Request::from(act).with_key(format!("receipt {bounty}"))).await?;
                Ok(false)
            }
            (_, Some(named)) => Err(WalletError::Act {
                act: claim.words(),
                problem: format!("the provider named the bundle {named} on chain and delivered {manifest}"),
            }),
            (_, None) => Ok(false),
        }
    }

    /// Asks on chain for a bounty that was asked for in vain, and declares non-delivery after the time-out.
    ///
    /// # Errors
    /// Those of an outbox's file; what a node cannot do now is tried again with the claim.
    pub(super) async fn undelivered(&self, claim: &Claim) -> Result<(), WalletError> {
        let Reward::Bounty { posting } = &claim.reward else { return Ok(()) };
        if claim.attempts < PATIENT_ATTEMPTS {
            return Ok(());
        }
        match self.declare(claim, posting).await {
            Err(error) if error.advice() == Advice::Never => Err(error),
            _ => Ok(()),
        }
    }

    async fn declare(&self, claim: &Claim, posting: &Posting) -> Result<(), WalletError> {
        let view = self.place.view().await?;
        let reader = self.place.contracts.at(&view);
        let bounty = to_word(bounty_of(posting));
        let stored = reader.ask(&Bounties::claimOfCall { bounty }).await?;
        let claimed_s = stored.claimedAt.to::<u64>();
        if claimed_s == 0 {
            let act = self.place.contracts.act(&Bounties::claimCall { posting: terms(posting) });
            return self.send(claim.miner, Request::from(act).with_key(format!("claim {bounty}"))).await;
        }
        let time_out: U256 = reader.ask(&Bounties::TIME_OUTCall {}).await?;
        let since_s = claimed_s.max(stored.answeredAt.to::<u64>());
        let is_over = view.head().timestamp_s >= since_s.saturating_add(time_out.saturating_to());
        let progress = Progress::from_number(stored.progress);
        if is_over && matches!(progress, Some(Progress::Claimed | Progress::Answered)) {
            let act = self.place.contracts.act(&Bounties::declareNonDeliveryCall { posting: terms(posting) });
            let key = format!("non-delivery {bounty} {}", stored.progress);
            return self.send(claim.miner, Request::from(act).with_key(key)).await;
        }
        Ok(())
    }

    async fn send(&self, miner: Address, request: Request) -> Result<(), WalletError> {
        let Some((_, sender)) = self.senders.iter().find(|(account, _)| *account == miner) else {
            return Ok(());
        };
        sender.send(request).await?;
        Ok(())
    }
}

/// The same terms as the other contract's types have them.
fn terms(posting: &Posting) -> Bounties::Update {
    let update = update_of(posting);
    Bounties::Update {
        provider: update.provider,
        patient: update.patient,
        recordsRoot: update.recordsRoot,
        queryHash: update.queryHash,
        costNanoRho: update.costNanoRho,
    }
}
