//! Claims that earn nothing: by the wrong key, too early, for blocks that were replaced or lie outside every epoch.

use std::sync::Arc;

use alloy_primitives::U256;
use medrec_chain::acts::bounties;
use medrec_chain::acts::consents::WithdrawFromResearch;
use medrec_chain::{Contract, Progress};
use medrec_contracts::hashes;
use medrec_domain::identifier::EpochNumber;
use medrec_domain::manifest::Occasion;
use medrec_domain::workload::catalogue::Catalogue;
use medrec_gatekeeper::rewards::{LinkedPatient, Rewards};
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::{from_word, research_purpose};
use medrec_protocol::methods::claims::ShardBody;

use crate::bounties::{ask, bounty_id, update};
use crate::hospital::{EPOCH, Hospital, code, document, release as put_on_chain, window};
use crate::shards::{claim, release, verified};
use crate::yard::{Yard, person};

async fn refused(rewards: &Arc<Rewards>, signer: &str, body: &ShardBody) -> RefusalCode {
    code(rewards.claim_shard(person(signer).address(), body).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_is_refused_to_others_too_early_unregistered_and_outside_the_window() {
    let yard = Yard::start().await;
    yard.admit_researcher(person("miner").address(), "institute").await;
    yard.admit_researcher(person("other").address(), "other institute").await;
    let hospital = Hospital::open(&yard, 120, 4, "2").await;
    let rewards = hospital.rewards(&yard);
    let before = yard.mine(person("miner").address());
    release(&yard, &rewards, EPOCH).await;
    let block = yard.mine(person("miner").address());
    yard.mine_many(person("somebody").address(), 11);
    assert_eq!(refused(&rewards, "miner", &claim(&block)).await, RefusalCode::Unconfirmed);
    let strangers = yard.mine(person("stranger").address());
    assert_eq!(refused(&rewards, "other", &claim(&block)).await, RefusalCode::NotTheOwner);
    assert_eq!(refused(&rewards, "miner", &claim(&before)).await, RefusalCode::EarnsNothing);
    let altered = ShardBody { hash: claim(&strangers).hash, ..claim(&block) };
    assert_eq!(refused(&rewards, "miner", &altered).await, RefusalCode::Unconfirmed);
    let far = ShardBody { number: medrec_domain::identifier::BlockNumber(u64::MAX), ..claim(&block) };
    assert_eq!(refused(&rewards, "miner", &far).await, RefusalCode::Unconfirmed);
    let first = rewards.claim_shard(person("miner").address(), &claim(&block)).await.unwrap();
    yard.mine_many(person("somebody").address(), 12);
    assert_eq!(refused(&rewards, "stranger", &claim(&strangers)).await, RefusalCode::Unregistered);
    // Twice, and from another process: the same bytes.
    let again = rewards.claim_shard(person("miner").address(), &claim(&block)).await.unwrap();
    assert_eq!(first, again);
    drop(rewards);
    let rewards = hospital.rewards(&yard);
    assert_eq!(rewards.claim_shard(person("miner").address(), &claim(&block)).await.unwrap(), first);
    // The next epoch takes over 12 blocks after its commitment, and all its bundles have one size.
    let next = release(&yard, &rewards, EpochNumber(EPOCH.0 + 1)).await;
    let late = yard.mine(person("miner").address());
    let last = yard.backend.chain().reader().unwrap().known_block(late.block.header.parent_hash).unwrap();
    yard.mine_many(person("somebody").address(), 12);
    let bytes = rewards.claim_shard(person("miner").address(), &claim(&late)).await.unwrap();
    let manifest = verified(yard.folder.path(), &bytes).manifest.unwrap();
    assert!(
        matches!(manifest.occasion, Occasion::CensusShard { release_root, .. } if release_root == next.root)
    );
    assert_eq!(last.number() + 1, next.committed_at.unwrap().0 + 12, "the last block of the earlier epoch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_moves_the_reward_and_the_replaced_block_earns_nothing() {
    let yard = Yard::start().await;
    let (loser, winner) = (person("loser").address(), person("winner").address());
    yard.admit_researcher(loser, "first institute").await;
    yard.admit_researcher(winner, "second institute").await;
    let hospital = Hospital::open(&yard, 120, 4, "2").await;
    let rewards = hospital.rewards(&yard);
    release(&yard, &rewards, EPOCH).await;
    let parent = yard.head();
    let replaced = yard.mine(loser);
    yard.mine_many(loser, 12);
    assert!(rewards.claim_shard(loser, &claim(&replaced)).await.is_ok(), "it had its confirmations");
    let spent = rewards.ledger().statement().unwrap();
    // Deeper than the 12 confirmations: what was given stays given, what is asked for now is judged by the new chain.
    let mut tip = Arc::clone(&parent);
    let mut first = None;
    for _ in 0..14 {
        tip = yard.mine_on(&tip, winner);
        first.get_or_insert_with(|| Arc::clone(&tip));
    }
    assert_eq!(yard.head().hash, tip.hash, "the longer branch has won");
    let first = first.unwrap();
    assert_eq!(code(rewards.claim_shard(loser, &claim(&replaced)).await), RefusalCode::Unconfirmed);
    assert_eq!(code(rewards.claim_shard(loser, &claim(&first)).await), RefusalCode::NotTheOwner);
    let bytes = rewards.claim_shard(winner, &claim(&first)).await.unwrap();
    assert!(verified(yard.folder.path(), &bytes).valid);
    assert_eq!(rewards.ledger().statement().unwrap(), spent, "shards cost nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_changes_its_release_after_committing_has_nothing_to_give() {
    let yard = Yard::start().await;
    let miner = person("miner").address();
    yard.admit_researcher(miner, "institute").await;
    let mut hospital = Hospital::open(&yard, 120, 4, "2").await;
    let rewards = hospital.rewards(&yard);
    let committed = release(&yard, &rewards, EPOCH).await;
    drop(rewards);
    // It makes the same epoch again, in another folder, as if the first had never been.
    hospital.move_to(yard.folder.path().join("second"));
    let rewards = hospital.rewards(&yard);
    assert_eq!(code(rewards.run_epoch(EPOCH, window(), Arc::new(())).await), RefusalCode::Conflict);
    let other = EpochNumber(EPOCH.0 + 1);
    let next = release(&yard, &rewards, other).await;
    assert_ne!(next.root, committed.root);
    let view = yard.client.view().await.unwrap();
    let on_chain = yard.contracts.at(&view).release_of(yard.sender.account(), EPOCH.0).await.unwrap();
    assert_eq!(from_word(on_chain.unwrap().root), committed.root, "a root is committed once");
    let block = yard.mine(miner);
    yard.mine_many(miner, 12);
    assert!(rewards.claim_shard(miner, &claim(&block)).await.is_ok());
    // A block of the first epoch earns from the committed root alone, which this folder has no shards for.
    let number = next.committed_at.unwrap().0 + 11;
    let early = yard.client.view().await.unwrap().at(number).await.unwrap();
    let body = ShardBody {
        number: medrec_domain::identifier::BlockNumber(number),
        hash: from_word(early.head().block.hash),
    };
    yard.admit_researcher(early.head().coinbase, "somebody's institute").await;
    let outcome = rewards.claim_shard(early.head().coinbase, &body).await;
    assert_eq!(code(outcome), RefusalCode::EarnsNothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_revoked_one_block_before_the_snapshot_is_not_in_it_and_neither_is_one_revoked_since() {
    let yard = Yard::start().await;
    let hospital = Hospital::open(&yard, 120, 5, "2").await;
    let rewards = hospital.rewards(&yard);
    let somebody = person("somebody").address();
    let withdraw = |index: usize| {
        let patient = hospital.patients[index].clone();
        let act = WithdrawFromResearch { patient: patient.address(), purpose: research_purpose() };
        (act, patient)
    };
    let send = async |index: usize| {
        let (act, patient) = withdraw(index);
        let nonce = U256::from(1);
        let authorisation =
            yard.contracts.authorise(&act, &patient, nonce, crate::yard::now_s() + 3_600).await.unwrap();
        yard.sender.send(yard.contracts.relay(&act, &authorisation)).await.unwrap();
        yard.mine(somebody).number()
    };
    // Patient 4 consents again with another document in the snapshot's block; patient 3 one block later.
    let grant = async |index: usize, cap: &str| {
        let patient = hospital.patients[index].clone();
        let (document, salt) = document(yard.sender.account(), &patient, cap, 100 + index);
        let act = put_on_chain(patient.address(), &document, &salt);
        let authorisation = yard
            .contracts
            .authorise(&act, &patient, U256::from(1), crate::yard::now_s() + 3_600)
            .await
            .unwrap();
        yard.sender.send(yard.contracts.relay(&act, &authorisation)).await.unwrap();
        hospital.book.0.lock().unwrap()[index].documents.push((document, salt));
        yard.mine(somebody).number()
    };
    let revoked = send(0).await;
    let snapshot = grant(4, "3/2").await;
    let after = grant(3, "3/2").await;
    assert_eq!((revoked + 1, snapshot + 1), (snapshot, after));
    let since = send(1).await;
    yard.mine_many(somebody, 12 - (since - snapshot));
    assert_eq!(yard.height(), snapshot + 12);
    // A stranger to the chain and two accounts of one record are linked as well.
    hospital.book.0.lock().unwrap().push(LinkedPatient {
        account: person("stranger").address(),
        source_id: hospital.source_ids[50].clone(),
        documents: vec![document(yard.sender.account(), &person("stranger"), "2", 50)],
    });
    rewards.run_epoch(EPOCH, window(), Arc::new(())).await.unwrap();
    let cap = |index: usize| rewards.ledger().person(hospital.person(index)).unwrap().cap.to_string();
    assert_eq!(cap(0), "4", "revoked one block before: nothing of hers was taken over");
    assert_eq!(cap(1), "4", "revoked since: neither");
    assert_eq!(cap(2), "2", "she is in, under her own cap");
    assert_eq!(cap(3), "4", "her new document is one block too young, her old one no longer holds");
    assert_eq!(cap(4), "3/2", "her new document is in");
    assert_eq!(cap(50), "4", "an account that the chain does not know takes no part");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gatekeeper_that_stands_still_is_stated_on_chain_and_may_answer_late() {
    let yard = Yard::start().await;
    let miner = person("miner");
    yard.admit_researcher(miner.address(), "institute").await;
    let hospital = Hospital::open(&yard, 120, 12, "2").await;
    let query = Catalogue::standard().unwrap().queries["patients-by-class-last-month"].clone();
    let posting = ask(&yard, &hospital, &query, "update", miner.address()).await;
    yard.mine_many(miner.address(), 12);
    yard.relay(&bounties::Claim { posting: update(&posting) }, &miner).await;
    let declare = bounties::DeclareNonDelivery { posting: update(&posting) };
    let view = yard.client.view().await.unwrap();
    let nonce = yard.contracts.at(&view).nonce(Contract::Bounties, miner.address()).await.unwrap();
    let deadline_s = crate::yard::now_s() + 3_600;
    let signed = yard.contracts.authorise(&declare, &miner, nonce, deadline_s).await.unwrap();
    assert!(yard.sender.send(yard.contracts.relay(&declare, &signed)).await.is_err(), "it is too early");
    yard.mine_for(miner.address(), 7 * 86_400);
    yard.execute(yard.contracts.relay(&declare, &signed)).await;
    let claim_of = async || {
        let view = yard.client.view().await.unwrap();
        yard.contracts.at(&view).claim_of(hashes::bounty_id(&update(&posting))).await.unwrap()
    };
    assert_eq!(claim_of().await, (Progress::Undelivered, None));
    // It comes back: the owner still gets the answer, and the chain names it.
    let rewards = hospital.rewards(&yard);
    let bytes = rewards.claim_bounty(miner.address(), &posting, Arc::new(())).await.unwrap();
    yard.mine_many(miner.address(), 3);
    yard.sender.pass().await.unwrap();
    let verification = verified(yard.folder.path(), &bytes);
    assert!(verification.valid, "{:#?}", verification.checks);
    let named = claim_of().await;
    assert_eq!(named.0, Progress::Answered);
    assert_eq!(named.1.map(from_word), verification.manifest_digest);
    assert_eq!(bounty_id(&posting), from_word(hashes::bounty_id(&update(&posting))));
    let receipt = bounties::Confirm { posting: update(&posting), bundle_hash: named.1.unwrap() };
    yard.relay(&receipt, &miner).await;
    assert_eq!(claim_of().await.0, Progress::Received);
}
