//! What one block earned, asked of the chain alone: for who names a block.

use medrec_chain::{Follower, FollowerOptions, Position, Update};
use medrec_domain::identifier::{Address, EpochNumber};
use medrec_protocol::bridge::{from_chain, from_word};

use super::reward::{Claim, Reward};
use super::store::Committed;
use super::watch::shards_of;
use crate::error::WalletError;
use crate::network::Place;
use crate::onchain::CONFIRMATIONS;
use crate::researcher::posting_of;

/// Every reward of a block.
///
/// # Errors
/// [`WalletError::Unknown`] when it is not deep enough, or another miner's; [`WalletError::Chain`].
pub(super) async fn rewards_of(
    place: &Place,
    miners: &[Address],
    number: u64,
) -> Result<Vec<Claim>, WalletError> {
    let view = place.view().await?;
    let depth = view.head().block.number.saturating_sub(number);
    if number == 0 || depth < CONFIRMATIONS {
        return Err(WalletError::Unknown(format!(
            "block {number} has {depth} blocks on top\n\nhint: rewards are claimed from {CONFIRMATIONS} on"
        )));
    }
    let standing = view.at(number).await?;
    let head = standing.head();
    let miner = from_chain(head.coinbase);
    if !miners.contains(&miner) {
        return Err(WalletError::Unknown(format!(
            "block {number} was mined by {miner}, not with a key of this keystore"
        )));
    }
    let reader = place.contracts.at(&view);
    let mut releases = Vec::new();
    for provider in reader.providers().await? {
        let budget = reader.budget_of(provider).await?;
        let (mut epoch, mut left) = (budget.lastEpoch, budget.epochs);
        // Newest first; epochs only grow, so the first that is old enough is the one.
        while left > 0 {
            if let Some(release) = reader.release_of(provider, epoch).await? {
                left -= 1;
                if release.committedAt.saturating_add(CONFIRMATIONS) <= number {
                    let (provider, epoch) = (from_chain(provider), EpochNumber(epoch));
                    releases.push(Committed { provider, epoch, block: release.committedAt });
                    break;
                }
            }
            let Some(before) = epoch.checked_sub(1) else { break };
            epoch = before;
        }
    }
    let mut claims = shards_of(head, miners, &releases);
    let position = Position::before(&view, number).await?;
    let options = FollowerOptions { confirmations: 0, batch_blocks: 1, ..FollowerOptions::default() };
    let mut follower = Follower::new(place.client.clone(), place.contracts, position, options);
    if let Some(step) = follower.step().await?
        && let Update::Advanced { events } = step.update
    {
        for (posting, owner) in events.iter().filter_map(posting_of) {
            if from_chain(owner) == miner {
                claims.push(Claim::new(
                    number,
                    from_word(head.block.hash),
                    miner,
                    Reward::Bounty { posting },
                ));
            }
        }
    }
    Ok(claims)
}
