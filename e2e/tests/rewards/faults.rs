//! A release that dies at every step: noise is drawn once, charges stand and are made once, an answer never changes.
//!
//! Each step announces itself before it is taken. The test has the process "die" (unwind without a chance to finish) at the
//! k-th announcement, for every k; what the disk holds then is all that the next process gets. Kills inside a transaction of
//! the ledger are tested where the ledger is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use medrec_anonymizer::ledger::Stage;
use medrec_anonymizer::records::Progress;
use medrec_domain::digest::keccak256_of;
use medrec_domain::identifier::{Address, EpochNumber};
use medrec_domain::workload::catalogue::Catalogue;
use medrec_domain::{Digest, Rho};
use medrec_gatekeeper::rewards::{Rewards, RewardsError, Watch};
use medrec_protocol::bridge::{from_chain, to_word};
use medrec_protocol::methods::provider::Posting;

use crate::bounties::{ask, bounty_id};
use crate::hospital::{Hospital, window};
use crate::shards::{claim, release, verified};
use crate::yard::{Yard, person};

/// Dies at one of the announcements.
struct Mortal {
    seen: AtomicUsize,
    last: usize,
}

impl Mortal {
    fn at(last: usize) -> Arc<Self> {
        Arc::new(Self { seen: AtomicUsize::new(0), last })
    }
}

impl Progress for Mortal {
    fn stage(&self, name: &str, _: Option<u64>) {
        let seen = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(seen < self.last, "died before: {name}");
    }

    fn advance(&self, _: u64) {}
}

/// Whether the work came to its end; a death is no error.
async fn survives<T: Send + 'static>(
    work: impl Future<Output = Result<T, RewardsError>> + Send + 'static,
) -> Option<T> {
    match tokio::spawn(work).await {
        Ok(outcome) => Some(outcome.unwrap()),
        Err(death) if death.is_panic() => None,
        Err(other) => panic!("{other}"),
    }
}

fn noise(rewards: &Rewards, id: Digest) -> Option<Vec<Vec<i64>>> {
    match rewards.ledger().stage(id).unwrap() {
        Some(Stage::Drawn(noise)) => Some(noise),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_that_dies_at_any_step_is_charged_once_drawn_once_and_answered_once() {
    let yard = Yard::start().await;
    let miner = person("miner").address();
    yard.admit_researcher(miner, "institute").await;
    let mut hospital = Hospital::open(&yard, 120, 6, "2").await;
    hospital.options.census_rho = "1/100".parse().unwrap();
    let provider = from_chain(yard.sender.account());
    let (mut steps, mut drawn, mut stored) = (0, 0, 0);
    // What one epoch costs, which is the first one's price: the plan is always the same.
    let mut price: Option<Rho> = None;
    for last in 1.. {
        let epoch = EpochNumber(last);
        let last = usize::try_from(last).unwrap();
        let id = keccak256_of(&[b"medrec census", &provider.0, &epoch.0.to_be_bytes()]);
        let run = async |hospital: &Hospital, watch: Watch| {
            let rewards = hospital.rewards(&yard);
            let own = Arc::clone(&rewards);
            let answer = survives(async move { own.run_epoch(epoch, window(), watch).await }).await;
            (rewards, answer)
        };
        let (rewards, finished) = run(&hospital, Mortal::at(last)).await;
        let noise_before = noise(&rewards, id);
        let root_before = rewards.ledger().stage(id).unwrap().and_then(|stage| match stage {
            Stage::Committed { answer, .. } => Some(answer),
            _ => None,
        });
        let charged = rewards.ledger().statement().unwrap().spent;
        let is_reserved = rewards.ledger().stage(id).unwrap().is_some();
        if let Some(price) = &price {
            let times = epoch.0 - u64::from(!is_reserved);
            assert_eq!(charged, price.scaled(times, 1).unwrap(), "charged when reserved (step {last})");
        }
        drop(rewards);
        if let Some(noise_before) = noise_before {
            // It goes on and dies again, now before anything is stored: the noise is still the same.
            let (rewards, _) = run(&hospital, Mortal::at(5)).await;
            if let Some(noise_after) = noise(&rewards, id) {
                assert_eq!(noise_after, noise_before, "noise was drawn twice (step {last})");
                drawn += 1;
            }
            drop(rewards);
        }
        let rewards = hospital.rewards(&yard);
        let answer = release(&yard, &rewards, epoch).await;
        if let Some(root) = root_before {
            assert_eq!(answer.root, root, "an answer changed (step {last})");
            stored += 1;
        }
        let price = price.get_or_insert_with(|| answer.rho.clone());
        let spent = rewards.ledger().statement().unwrap().spent;
        assert_eq!(spent, price.scaled(epoch.0, 1).unwrap(), "charged once (step {last})");
        let view = yard.client.view().await.unwrap();
        let reader = yard.contracts.at(&view);
        let on_chain = reader.release_of(yard.sender.account(), epoch.0).await.unwrap().unwrap();
        assert_eq!(on_chain.root, to_word(answer.root), "step {last}");
        let budget = reader.budget_of(yard.sender.account()).await.unwrap();
        let nano = on_chain.costNanoRho * epoch.0;
        assert_eq!(budget.spentNanoRho, nano, "the chain was charged once (step {last})");
        let block = yard.mine(miner);
        yard.mine_many(miner, 12);
        let bytes = rewards.claim_shard(miner, &claim(&block)).await.unwrap();
        assert!(verified(yard.folder.path(), &bytes).valid, "step {last}");
        if finished.is_some() {
            break;
        }
        steps = last;
    }
    // Pricing, consents, caps, counting, drawing, finishing, storing, ledger, chain, end.
    assert!(steps >= 10, "only {steps} steps");
    assert!(drawn >= 2 && stored >= 2, "{drawn} {stored}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounty_that_dies_at_any_step_is_charged_once_drawn_once_and_answered_once() {
    let yard = Yard::start().await;
    let miner = person("miner").address();
    yard.admit_researcher(miner, "institute").await;
    let hospital = Hospital::open(&yard, 120, 12, "3").await;
    let query = Catalogue::standard().unwrap().queries["patients-by-class-last-month"].clone();
    // What one answer costs each: the data stay the same, so it is always this.
    let losses = |rewards: &Rewards| -> Vec<Rho> {
        (0..12).map(|index| rewards.ledger().person(hospital.person(index)).unwrap().spent).collect()
    };
    let mut cost: Option<Vec<Rho>> = None;
    let mut steps = 0;
    for last in 1_usize.. {
        let posting = ask(&yard, &hospital, &query, &format!("update {last}"), miner).await;
        yard.mine_many(miner, 12);
        let id = keccak256_of(&[b"medrec bounty", &bounty_id(&posting).0]);
        let run = async |watch: Watch, posting: Posting| {
            let rewards = hospital.rewards(&yard);
            let own = Arc::clone(&rewards);
            let bytes = survives(async move { own.claim_bounty(miner, &posting, watch).await }).await;
            (rewards, bytes)
        };
        let (rewards, before) = run(Mortal::at(last), posting).await;
        let noise_before = noise(&rewards, id);
        drop(rewards);
        if let Some(noise_before) = noise_before {
            let (rewards, _) = run(Mortal::at(5), posting).await;
            if let Some(noise_after) = noise(&rewards, id) {
                assert_eq!(noise_after, noise_before, "noise was drawn twice (step {last})");
            }
            drop(rewards);
        }
        let (rewards, bytes) = run(Arc::new(()), posting).await;
        let bytes = bytes.unwrap();
        assert!(before.as_ref().is_none_or(|before| *before == bytes), "an answer changed");
        yard.settle(&yard.sender.outstanding().iter().map(|entry| entry.nonce).collect::<Vec<_>>()).await;
        let verification = verified(yard.folder.path(), &bytes);
        assert!(verification.valid, "step {last}: {:#?}", verification.checks);
        let view = yard.client.view().await.unwrap();
        let named = yard.contracts.at(&view).claim_of(to_word(bounty_id(&posting))).await.unwrap().1;
        assert_eq!(named.map(|named| Digest(named.0)), verification.manifest_digest, "step {last}");
        let now = losses(&rewards);
        let own = cost.get_or_insert_with(|| now.clone());
        let answers = u64::try_from(last).unwrap();
        for (loss, one) in now.iter().zip(own.iter()) {
            assert_eq!(*loss, one.scaled(answers, 1).unwrap(), "charged once for each answer (step {last})");
        }
        assert!(own.iter().any(|loss| !loss.is_zero()));
        let prices = rewards.ledger().statement().unwrap().individual_prices;
        assert_eq!(prices, verification.manifest.unwrap().privacy.rho.scaled(answers, 1).unwrap());
        if before.is_some() {
            break;
        }
        steps = last;
    }
    assert!(steps >= 10, "only {steps} steps");
    assert_ne!(from_chain(miner), Address([0; 20]));
}
