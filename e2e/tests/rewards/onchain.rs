//! Bundles held against the chain: what a wrong signer, block, owner or root looks like.

use std::sync::Arc;

use medrec_anonymizer::bundle::{Outcome, Verification};
use medrec_domain::Digest;
use medrec_domain::identifier::{BlockNumber, EpochNumber};
use medrec_domain::manifest::Occasion;
use medrec_domain::workload::catalogue::Catalogue;
use medrec_protocol::bridge::from_chain;
use medrec_wallet::onchain;

use crate::bounties::ask;
use crate::hospital::{EPOCH, Hospital};
use crate::shards::{claim, release, verified};
use crate::yard::{Yard, person};

/// The names of checks that fail when the chain is asked too.
async fn failures(yard: &Yard, verification: &Verification) -> Vec<&'static str> {
    let mut verification = verification.clone();
    let view = yard.client.view().await.unwrap();
    onchain::check(&mut verification, &view, &yard.contracts).await.unwrap();
    let failed = verification.checks.iter().filter(|check| check.outcome == Outcome::Failed);
    let failed: Vec<_> = failed.map(|check| check.name).collect();
    assert_eq!(verification.valid, failed.is_empty());
    failed
}

/// The same bundle, saying something else about its occasion.
fn saying(verification: &Verification, change: impl FnOnce(&mut Occasion)) -> Verification {
    let mut other = verification.clone();
    change(&mut other.manifest.as_mut().unwrap().occasion);
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_stands_by_the_chains_word_and_falls_by_a_wrong_signer_block_miner_or_root() {
    let yard = Yard::start().await;
    let miner = person("miner").address();
    yard.admit_researcher(miner, "institute").await;
    let hospital = Hospital::open(&yard, 120, 8, "2").await;
    let rewards = hospital.rewards(&yard);
    release(&yard, &rewards, EPOCH).await;
    let block = yard.mine(miner);
    yard.mine_many(person("somebody").address(), 12);
    let bytes = rewards.claim_shard(miner, &claim(&block)).await.unwrap();
    let good = verified(yard.folder.path(), &bytes);
    assert_eq!(failures(&yard, &good).await, Vec::<&str>::new());
    let mut stranger = good.clone();
    stranger.signer = Some(from_chain(person("stranger").address()));
    assert_eq!(failures(&yard, &stranger).await, ["chain-signer"]);
    let other = saying(&good, |occasion| {
        let Occasion::CensusShard { block, .. } = occasion else { panic!("no shard") };
        block.hash = Digest([9; 32]);
    });
    assert!(failures(&yard, &other).await.contains(&"chain-block"), "another block of that number");
    let young = saying(&good, |occasion| {
        let Occasion::CensusShard { block, .. } = occasion else { panic!("no shard") };
        block.number = BlockNumber(yard.height() - 3);
    });
    assert!(failures(&yard, &young).await.contains(&"chain-block"), "too few confirmations");
    let thief = saying(&good, |occasion| {
        let Occasion::CensusShard { miner, .. } = occasion else { panic!("no shard") };
        *miner = from_chain(person("thief").address());
    });
    assert_eq!(failures(&yard, &thief).await, ["chain-block"]);
    let uncommitted = saying(&good, |occasion| {
        let Occasion::CensusShard { release_root, .. } = occasion else { panic!("no shard") };
        *release_root = Digest([8; 32]);
    });
    assert_eq!(failures(&yard, &uncommitted).await, ["chain-root"]);
    let unknown = saying(&good, |occasion| {
        let Occasion::CensusShard { epoch, .. } = occasion else { panic!("no shard") };
        *epoch = EpochNumber(EPOCH.0 + 1);
    });
    assert_eq!(failures(&yard, &unknown).await, ["chain-root", "chain-shard"]);
    let neighbour = saying(&good, |occasion| {
        let Occasion::CensusShard { shard, shards, .. } = occasion else { panic!("no shard") };
        *shard = (*shard + 1) % *shards;
    });
    assert_eq!(failures(&yard, &neighbour).await, ["chain-shard"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_stands_once_it_is_named_on_chain_and_falls_by_a_wrong_owner() {
    let yard = Yard::start().await;
    let miner = person("miner").address();
    yard.admit_researcher(miner, "institute").await;
    let hospital = Hospital::open(&yard, 300, 24, "2").await;
    let rewards = hospital.rewards(&yard);
    let query = Catalogue::standard().unwrap().queries["patients-by-class-last-month"].clone();
    let posting = ask(&yard, &hospital, &query, "update", miner).await;
    yard.mine_many(person("somebody").address(), 12);
    let bytes = rewards.claim_bounty(miner, &posting, Arc::new(())).await.unwrap();
    let answer = verified(yard.folder.path(), &bytes);
    assert_eq!(failures(&yard, &answer).await, ["chain-answer"], "not named yet");
    yard.mine_many(person("somebody").address(), 2);
    assert_eq!(failures(&yard, &answer).await, Vec::<&str>::new());
    let thief = saying(&answer, |occasion| {
        let Occasion::Bounty { miner, .. } = occasion else { panic!("no bounty") };
        *miner = from_chain(person("thief").address());
    });
    assert_eq!(failures(&yard, &thief).await, ["chain-block", "chain-owner"]);
    let unposted = saying(&answer, |occasion| {
        let Occasion::Bounty { bounty, .. } = occasion else { panic!("no bounty") };
        *bounty = Digest([7; 32]);
    });
    assert_eq!(failures(&yard, &unposted).await, ["chain-owner", "chain-answer"]);
    let mut other = answer.clone();
    other.manifest_digest = Some(Digest([6; 32]));
    assert_eq!(failures(&yard, &other).await, ["chain-answer"]);
}
