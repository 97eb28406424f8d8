//! The chain as a source of rewards: own blocks and bounties, twelve blocks deep.

use medrec_chain::{ContractEvent, Follower, FollowerOptions, Head, Position, Step, Update};
use medrec_contracts::Releases::ReleasesEvents;
use medrec_domain::identifier::{Address, EpochNumber};
use medrec_protocol::bridge::{from_chain, from_word};

use super::reward::{Claim, ClaimState, Reward};
use super::store::{Committed, Store};
use crate::error::WalletError;
use crate::network::Place;
use crate::onchain::CONFIRMATIONS;
use crate::researcher::posting_of;

/// Follows the chain for the blocks of some miners.
pub(super) struct Watch {
    place: Place,
    miners: Vec<Address>,
    from: u64,
    follower: Option<Follower>,
}

impl Watch {
    pub(super) fn new(place: Place, miners: Vec<Address>, from: u64) -> Self {
        Self { place, miners, from: from.max(1), follower: None }
    }

    /// Looks at the next blocks; gives what they earned, already stored, or `None` when there is nothing new.
    pub(super) async fn step(&mut self, store: &Store) -> Result<Option<Vec<Claim>>, WalletError> {
        let outcome = self.look(store).await;
        if outcome.is_err() {
            // The follower may be ahead of what is stored: it starts again from there.
            self.follower = None;
        }
        outcome
    }

    async fn look(&mut self, store: &Store) -> Result<Option<Vec<Claim>>, WalletError> {
        let before = match store.position()? {
            Some(position) => position,
            None => Position::before(&self.place.view().await?, self.from).await?,
        };
        let follower = self.follower.get_or_insert_with(|| {
            let options = FollowerOptions { confirmations: CONFIRMATIONS, ..FollowerOptions::default() };
            Follower::new(self.place.client.clone(), self.place.contracts, before.clone(), options)
        });
        let Some(step) = follower.step().await? else { return Ok(None) };
        match &step.update {
            Update::RolledBack { to } => {
                let moved = moved(store.claims()?, to.number);
                let mut releases = store.releases()?;
                releases.retain(|release| release.block <= to.number);
                store.advance(Some(&step.position), Some(&releases), &moved)?;
                Ok(Some(moved))
            }
            Update::Advanced { .. } => {
                let (releases, found) = self.advanced(store, &before, &step).await?;
                let found = store.news(found)?;
                store.advance(Some(&step.position), Some(&releases), &found)?;
                Ok(Some(found))
            }
        }
    }

    async fn advanced(
        &self,
        store: &Store,
        before: &Position,
        step: &Step,
    ) -> Result<(Vec<Committed>, Vec<Claim>), WalletError> {
        let Update::Advanced { events } = &step.update else { return Ok((store.releases()?, Vec::new())) };
        let mut releases = store.releases()?;
        let mut found = Vec::new();
        for event in events {
            if let ContractEvent::Releases(ReleasesEvents::ReleaseCommitted(told)) = &event.what {
                let (provider, epoch) = (from_chain(told.provider), EpochNumber(told.epoch));
                releases.retain(|known| (known.provider, known.epoch) != (provider, epoch));
                releases.push(Committed { provider, epoch, block: event.block.number });
            }
            if let Some((posting, owner)) = posting_of(event) {
                let owner = from_chain(owner);
                if self.miners.contains(&owner) {
                    let (number, hash) = (event.block.number, from_word(event.block.hash));
                    found.push(Claim::new(number, hash, owner, Reward::Bounty { posting }));
                }
            }
        }
        let (first, last) = (before.block.number + 1, step.position.block);
        if first <= last.number {
            let heads = self.place.view().await?.heads(first..=last.number).await?;
            if heads.last().is_none_or(|head| head.block.hash != last.hash) {
                return Err(medrec_chain::ChainError::BlockGone { block: last }.into());
            }
            found.extend(heads.iter().flat_map(|head| shards_of(head, &self.miners, &releases)));
        }
        Ok((releases, found))
    }
}

/// The shards that a block earned its miner: one of each provider, from its newest release that was twelve blocks old.
pub(super) fn shards_of(head: &Head, miners: &[Address], releases: &[Committed]) -> Vec<Claim> {
    let miner = from_chain(head.coinbase);
    if !miners.contains(&miner) {
        return Vec::new();
    }
    let number = head.block.number;
    let mut earning: Vec<Committed> = Vec::new();
    for release in releases.iter().filter(|release| release.block.saturating_add(CONFIRMATIONS) <= number) {
        match earning.iter_mut().find(|known| known.provider == release.provider) {
            Some(known) if known.block < release.block => *known = *release,
            Some(_) => {}
            None => earning.push(*release),
        }
    }
    let claim = |release: Committed| {
        let reward = Reward::Shard { provider: release.provider, epoch: release.epoch };
        Claim::new(number, from_word(head.block.hash), miner, reward)
    };
    earning.into_iter().map(claim).collect()
}

/// Claims of blocks that were replaced.
fn moved(claims: Vec<Claim>, standing: u64) -> Vec<Claim> {
    let gone = claims.into_iter().filter(|claim| claim.number > standing);
    gone.map(|claim| Claim { state: ClaimState::Moved, ..claim }).collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address as ChainAddress, B256};
    use medrec_chain::BlockRef;

    use super::*;

    fn head(number: u64, coinbase: u8) -> Head {
        Head {
            block: BlockRef { number, hash: B256::repeat_byte(9) },
            parent_hash: B256::ZERO,
            timestamp_s: 0,
            coinbase: ChainAddress::repeat_byte(coinbase),
            gas_limit: 0,
            base_fee_per_gas: None,
        }
    }

    #[test]
    fn a_block_earns_from_each_providers_newest_release_that_is_deep_enough() {
        let committed = |provider, epoch, block| Committed {
            provider: Address([provider; 20]),
            epoch: EpochNumber(epoch),
            block,
        };
        let releases = [committed(1, 1, 10), committed(2, 5, 11), committed(1, 2, 30)];
        let mine = [Address([7; 20])];
        let epochs = |number| -> Vec<(Address, EpochNumber)> {
            let claims = shards_of(&head(number, 7), &mine, &releases);
            claims
                .iter()
                .map(|claim| match claim.reward {
                    Reward::Shard { provider, epoch } => (provider, epoch),
                    Reward::Bounty { .. } => panic!("a block without postings earned a bounty"),
                })
                .collect()
        };
        let (one, two) = (Address([1; 20]), Address([2; 20]));
        assert_eq!(epochs(21), []);
        assert_eq!(epochs(22), [(one, EpochNumber(1))]);
        assert_eq!(epochs(41), [(one, EpochNumber(1)), (two, EpochNumber(5))]);
        assert_eq!(epochs(42), [(one, EpochNumber(2)), (two, EpochNumber(5))]);
        assert!(
            shards_of(&head(42, 8), &mine, &releases).is_empty(),
            "another miner's block earns us nothing"
        );
    }
}
