//! A census epoch and the shards that blocks earn.

use std::path::Path;
use std::sync::Arc;

use alloy_primitives::Address;
use medrec_anonymizer::bundle::{Verification, VerifyOptions, verify};
use medrec_domain::identifier::{BlockNumber, EpochNumber};
use medrec_domain::manifest::Occasion;
use medrec_gatekeeper::rewards::Rewards;
use medrec_protocol::bridge::{from_chain, from_word};
use medrec_protocol::methods::claims::ShardBody;
use medrec_protocol::methods::provider::EpochAnswer;

use crate::hospital::{EPOCH, Hospital, window};
use crate::yard::{Yard, person};

/// Has an epoch released and its commitment confirmed, and 12 blocks after it.
pub(crate) async fn release(yard: &Yard, rewards: &Arc<Rewards>, epoch: EpochNumber) -> EpochAnswer {
    rewards.run_epoch(epoch, window(), Arc::new(())).await.unwrap();
    yard.settle(&yard.sender.outstanding().iter().map(|entry| entry.nonce).collect::<Vec<_>>()).await;
    let answer = rewards.run_epoch(epoch, window(), Arc::new(())).await.unwrap();
    let first = answer.committed_at.expect("the commitment is in a block").0 + 12;
    while yard.height() + 1 < first {
        yard.mine(person("somebody").address());
    }
    answer
}

/// What a miner asks for its block.
pub(crate) fn claim(block: &medrec_node::store::ChainBlock) -> ShardBody {
    ShardBody { number: BlockNumber(block.number()), hash: from_word(block.hash) }
}

/// Verifies the bytes of a bundle as whoever downloaded them would.
pub(crate) fn verified(folder: &Path, bytes: &[u8]) -> Verification {
    let path = folder.join("bundle.tar.zst");
    std::fs::write(&path, bytes).unwrap();
    verify(&path, &VerifyOptions::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solved_block_earns_a_shard_that_verifies_and_leads_to_the_root_on_chain() {
    let yard = Yard::start().await;
    let miner = person("miner").address();
    yard.admit_researcher(miner, "institute").await;
    let hospital = Hospital::open(&yard, 300, 24, "2").await;
    let rewards = hospital.rewards(&yard);
    let answer = release(&yard, &rewards, EPOCH).await;
    let block = yard.mine(miner);
    yard.mine_many(person("somebody").address(), 12);
    let bytes = rewards.claim_shard(miner, &claim(&block)).await.unwrap();
    let verification = verified(yard.folder.path(), &bytes);
    assert!(verification.valid, "{:#?}", verification.checks);
    let manifest = verification.manifest.unwrap();
    let Occasion::CensusShard { miner: earner, release_root, shard, shards, .. } = manifest.occasion else {
        panic!("{:?}", manifest.occasion)
    };
    assert_eq!((earner, release_root, shards), (from_chain(miner), answer.root, answer.shards));
    assert_eq!(manifest.consent_root, Some(answer.consent_root));
    let view = yard.client.view().await.unwrap();
    let provider = yard.sender.account();
    let on_chain = yard.contracts.at(&view).release_of(provider, EPOCH.0).await.unwrap().unwrap();
    assert_eq!(from_word(on_chain.root), answer.root);
    let nano = |rho: &medrec_domain::Rho| rho.scaled(1_000_000_000, 1).unwrap().to_decimal_text(0);
    assert_eq!(on_chain.costNanoRho.to_string(), nano(&answer.rho), "rounded up, never down");
    assert!(answer.rho <= "1/2".parse().unwrap() && answer.rho > "0.49999".parse().unwrap());
    let call = medrec_contracts::Releases::shardForHashCall {
        provider,
        epoch: EPOCH.0,
        blockNumber: alloy_primitives::U256::from(block.number()),
        blockHash: block.hash,
    };
    assert_eq!(yard.contracts.at(&view).ask(&call).await.unwrap(), shard);
    assert_eq!(rewards.ledger().statement().unwrap().spent, answer.rho);
    assert_ne!(miner, Address::ZERO);
}
