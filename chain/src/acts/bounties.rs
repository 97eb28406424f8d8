//! What a bounty's owner signs; the provider can carry all of it.
//!
//! What not: the provider's answer, which it sends itself.

use alloy_primitives::B256;
use medrec_contracts::Relationships::Update;
use medrec_contracts::hashes::bounty_id;
use medrec_contracts::signed::bounties as signed;

use super::messages;

/// The same structure as the other contract's types have it.
fn posting(update: &Update) -> medrec_contracts::Bounties::Update {
    medrec_contracts::Bounties::Update {
        provider: update.provider,
        patient: update.patient,
        recordsRoot: update.recordsRoot,
        queryHash: update.queryHash,
        costNanoRho: update.costNanoRho,
    }
}

messages! { Bounties, signed;
    /// Asks for the bundle of a bounty, and starts the time-out.
    Claim {
        /// The update that the bounty was posted with.
        posting: Update,
    }
    signs Claim |act, signer| { bounty: bounty_id(&act.posting), owner: signer, }
    carries claimBySigCall |act| { posting: posting(&act.posting), } permit permit;

    /// Confirms that the bundle that the provider named has come.
    Confirm {
        /// The update that the bounty was posted with.
        posting: Update,
        /// Hash of the bundle's manifest.
        bundle_hash: B256,
    }
    signs Receipt |act, signer| {
        bounty: bounty_id(&act.posting), owner: signer, bundleHash: act.bundle_hash,
    }
    carries confirmBySigCall |act| {
        posting: posting(&act.posting), bundleHash: act.bundle_hash,
    } permit permit;

    /// States that nothing came in time.
    DeclareNonDelivery {
        /// The update that the bounty was posted with.
        posting: Update,
    }
    signs NonDelivery |act, signer| { bounty: bounty_id(&act.posting), owner: signer, }
    carries declareNonDeliveryBySigCall |act| { posting: posting(&act.posting), } permit permit;
}
