//! The wallet's collector: from solved blocks to verified bundles on disk, over kills, outages and re-organisations.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy_primitives::B256;
use alloy_signer_local::PrivateKeySigner;
use medrec_chain::Progress;
use medrec_contracts::Registrar;
use medrec_domain::workload::catalogue::Catalogue;
use medrec_protocol::bridge::{from_chain, to_word};
use medrec_wallet::collector::{Claim, ClaimState, Happening};
use medrec_wallet::{Collector, CollectorOptions, GatekeeperOptions, Place};

use crate::bounties::{ask, bounty_id};
use crate::counter::Counter;
use crate::hospital::{EPOCH, Hospital};
use crate::shards::{release, verified};
use crate::yard::{Yard, funded, person};

fn place(yard: &Yard) -> Place {
    Place { client: yard.client.clone(), contracts: yard.contracts }
}

/// A miner with ether for receipts: account 5 of the development chain.
fn miner() -> PrivateKeySigner {
    funded(5)
}

fn collector(yard: &Yard, folder: &Path, seen: &Arc<Mutex<Vec<Happening>>>) -> Collector {
    let mut options = CollectorOptions::new(folder.to_owned(), vec![miner()]);
    options.gatekeeper = GatekeeperOptions {
        attempts: 1,
        connect_timeout: Duration::from_secs(2),
        ..GatekeeperOptions::default()
    };
    let seen = Arc::clone(seen);
    options.listener = Arc::new(move |happening| seen.lock().unwrap().push(happening.clone()));
    Collector::open(place(yard), options).unwrap()
}

async fn set_endpoint(yard: &Yard, url: &str) {
    let call = Registrar::setEndpointCall { endpoint: url.to_owned(), encryptionKey: B256::ZERO };
    yard.execute(yard.contracts.act(&call)).await;
}

fn done(claims: &[Claim]) -> Vec<PathBuf> {
    let paths = claims.iter().filter_map(|claim| match &claim.state {
        ClaimState::Done { path, .. } | ClaimState::Stored { path, .. } => Some(path.clone()),
        _ => None,
    });
    paths.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_brings_home_shards_and_bounties_of_its_own_blocks_over_outages_and_kills() {
    let yard = Yard::start().await;
    yard.admit_researcher(miner().address(), "institute").await;
    let hospital = Hospital::open(&yard, 300, 24, "2").await;
    let rewards = hospital.rewards(&yard);
    release(&yard, &rewards, EPOCH).await;
    // Nobody listens at the endpoint yet.
    set_endpoint(&yard, "http://127.0.0.1:9").await;
    let first = yard.mine(miner().address());
    yard.mine(person("rival").address());
    let query = Catalogue::standard().unwrap().queries["patients-by-class-last-month"].clone();
    let posting = ask(&yard, &hospital, &query, "update", miner().address()).await;
    let folder = yard.folder.path().join("collected");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut early = collector(&yard, &folder, &seen);
    early.pass().await.unwrap();
    assert!(
        early.claims().unwrap().iter().all(|claim| claim.number != first.number()),
        "too few confirmations"
    );
    yard.mine_many(person("somebody").address(), 12);
    early.pass().await.unwrap();
    let claims = early.claims().unwrap();
    assert!(claims.len() >= 3, "two own blocks with a shard each, and a bounty: {claims:#?}");
    assert!(claims.iter().all(|claim| claim.miner == from_chain(miner().address())));
    assert!(done(&claims).is_empty());
    assert!(claims.iter().all(|claim| claim.problem.as_ref().unwrap().contains("connect")), "{claims:#?}");
    // Killed; the gatekeeper comes up; another process goes on.
    drop(early);
    let counter = Counter::open(&yard, &rewards).await;
    set_endpoint(&yard, &counter.url).await;
    let mut later = collector(&yard, &folder, &seen);
    let mut collected = later.claim_block(first.number()).await.unwrap();
    assert_eq!(done(&collected).len(), 1, "{collected:#?}");
    let bytes = std::fs::read(&done(&collected)[0]).unwrap();
    assert!(verified(yard.folder.path(), &bytes).valid);
    for _ in 0..60 {
        later.pass().await.unwrap();
        collected = later.claims().unwrap();
        if collected.iter().all(|claim| matches!(claim.state, ClaimState::Done { .. })) {
            break;
        }
        yard.mine(person("somebody").address());
        yard.sender.pass().await.unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(done(&collected).len(), collected.len(), "{collected:#?}");
    // The chain has the receipt of the bounty, for the manifest that lies on disk.
    let view = yard.client.view().await.unwrap();
    let bounty = to_word(bounty_id(&posting));
    assert_eq!(yard.contracts.at(&view).claim_of(bounty).await.unwrap().0, Progress::Received);
    // A third process finds nothing to ask for again.
    drop(later);
    let asked = counter.asked();
    let mut third = collector(&yard, &folder, &seen);
    third.pass().await.unwrap();
    assert_eq!(third.claims().unwrap().len(), collected.len());
    assert_eq!(counter.asked(), asked);
    let stored = seen.lock().unwrap().iter().filter(|seen| matches!(seen, Happening::Stored(_))).count();
    assert_eq!(stored, collected.len(), "each was stored once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_a_reorganisation_replaces_earns_its_first_miner_nothing() {
    let yard = Yard::start().await;
    yard.admit_researcher(miner().address(), "institute").await;
    let hospital = Hospital::open(&yard, 120, 4, "2").await;
    let rewards = hospital.rewards(&yard);
    release(&yard, &rewards, EPOCH).await;
    let counter = Counter::open(&yard, &rewards).await;
    set_endpoint(&yard, &counter.url).await;
    let parent = yard.head();
    let lost = yard.mine(miner().address());
    let mut tip = parent;
    for index in 0..3 {
        let winner = if index == 1 { miner() } else { person("rival") };
        tip = yard.mine_on(&tip, winner.address());
    }
    assert_ne!(yard.head().number(), lost.number());
    yard.mine_many(person("somebody").address(), 12);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut collector = collector(&yard, &yard.folder.path().join("collected"), &seen);
    collector.pass().await.unwrap();
    let claims = collector.claims().unwrap();
    let own: Vec<_> = claims.iter().filter(|claim| claim.number >= lost.number()).collect();
    assert_eq!(own.len(), 1, "{claims:#?}");
    assert_eq!(own[0].number, lost.number() + 1);
    assert_eq!(done(&claims).len(), claims.len(), "{claims:#?}");
    let error = collector.claim_block(lost.number()).await.unwrap_err().to_string();
    assert!(error.contains("not with a key of this keystore"), "{error}");
}
