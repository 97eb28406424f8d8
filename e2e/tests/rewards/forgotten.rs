//! Who is unlinked and comes back: she is never charged above her cap, all her times together.

use std::sync::Arc;

use alloy_primitives::U256;
use medrec_anonymizer::bundle::Outcome;
use medrec_domain::Rho;
use medrec_domain::workload::catalogue::Catalogue;
use medrec_gatekeeper::rewards::{LinkedPatient, Rewards};

use crate::bounties::ask;
use crate::hospital::{Hospital, document, release};
use crate::shards::verified;
use crate::yard::{Yard, person};

/// What every linked patient has lost by the ledger's word, by her place.
fn spent(hospital: &Hospital, rewards: &Rewards, patients: usize) -> Vec<Rho> {
    (0..patients).map(|index| rewards.ledger().person(hospital.person(index)).unwrap().spent).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_unlinked_and_linked_again_never_loses_more_than_her_cap_in_all() {
    const PATIENTS: usize = 12;
    const TIMES: usize = 4;
    let yard = Yard::start().await;
    let miner = person("miner").address();
    yard.admit_researcher(miner, "institute").await;
    let query = Catalogue::standard().unwrap().queries["patients-by-class-last-month"].clone();
    // A cap for one answer and a half.
    let cap = query.rho.scaled(3, 2).unwrap();
    let cap_text = cap.to_string();
    let hospital = Hospital::open_with(&yard, 120, PATIENTS, |_| cap_text.as_str()).await;
    let rewards = hospital.rewards(&yard);
    let mut lost = vec![Rho::zero(); PATIENTS];
    // What each was charged for each answer: the records stay the same, so that whoever is not left out pays the same again.
    let mut charges: Vec<Vec<Rho>> = Vec::new();
    for time in 0..TIMES {
        let posting = ask(&yard, &hospital, &query, &format!("update {time}"), miner).await;
        yard.mine_many(miner, 12);
        let before = spent(&hospital, &rewards, PATIENTS);
        let bytes = rewards.claim_bounty(miner, &posting, Arc::new(())).await.unwrap();
        let verification = verified(yard.folder.path(), &bytes);
        assert!(verification.checks.iter().all(|check| check.outcome != Outcome::Failed));
        let after = spent(&hospital, &rewards, PATIENTS);
        let more = after.iter().zip(&before).map(|(after, before)| after.checked_sub(before).unwrap());
        let more: Vec<Rho> = more.collect();
        lost.iter_mut().zip(&more).for_each(|(lost, more)| *lost += more);
        charges.push(more);
        come_back(&yard, &hospital, &rewards, &cap_text, u64::try_from(time).unwrap()).await;
    }
    // Without the ledger's memory all of these would have been charged each time, and far above the cap.
    let is_left_out = |index: usize| !charges[0][index].is_zero() && charges[TIMES - 1][index].is_zero();
    let above = |index: usize| charges[0][index].scaled(u64::try_from(TIMES).unwrap(), 1).unwrap() > cap;
    assert!((0..PATIENTS).any(|index| is_left_out(index) && above(index)), "{charges:?}");
    for (index, lost) in lost.iter().enumerate() {
        assert!(*lost <= cap, "patient {index} lost {lost} of {cap} over {TIMES} times");
    }
}

/// Every patient is unlinked and forgotten, linked again, and consents anew with the same cap.
async fn come_back(yard: &Yard, hospital: &Hospital, rewards: &Rewards, cap: &str, time: u64) {
    let linked = std::mem::take(&mut *hospital.book.0.lock().unwrap());
    for (index, LinkedPatient { account, source_id, .. }) in linked.into_iter().enumerate() {
        rewards.forget(&source_id).await.unwrap();
        let left = rewards.ledger().person(hospital.person(index)).unwrap();
        assert_eq!(left.cap, hospital.options.cap, "her own cap is forgotten");
        let patient = &hospital.patients[index];
        let salt = 1_000 * (usize::try_from(time).unwrap() + 1) + index;
        let (document, salt) = document(yard.sender.account(), patient, cap, salt);
        let act = release(account, &document, &salt);
        let nonce = U256::from(time + 1);
        let signed = yard.contracts.authorise(&act, patient, nonce, crate::yard::now_s() + 3_600).await;
        yard.sender.send(yard.contracts.relay(&act, &signed.unwrap())).await.unwrap();
        let back = LinkedPatient { account, source_id, documents: vec![(document, salt)] };
        hospital.book.0.lock().unwrap().push(back);
    }
    yard.settle(&yard.sender.outstanding().iter().map(|entry| entry.nonce).collect::<Vec<_>>()).await;
    yard.mine_many(person("somebody").address(), 13);
}
