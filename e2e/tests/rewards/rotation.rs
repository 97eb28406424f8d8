//! A provider that changes its key: each bundle is held against the key of its own block, and each is still given.

use std::path::Path;
use std::sync::Arc;

use alloy_primitives::U256;
use medrec_anonymizer::bundle::{Outcome, Verification, VerifyOptions, verify};
use medrec_chain::Sender;
use medrec_chain::acts::registrar::KeyAcceptance;
use medrec_contracts::Registrar;
use medrec_domain::identifier::EpochNumber;
use medrec_e2e::{funded, now_s, outbox, person};
use medrec_gatekeeper::rewards::{Rewards, RewardsError};
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::from_chain;
use medrec_wallet::onchain;

use crate::hospital::{EPOCH, Hospital, window};
use crate::shards::{claim, release};
use crate::yard::Yard;

/// The provider's second key; it has ether.
const SECOND: u32 = 3;

fn checked_by_chain(folder: &Path, bytes: &[u8]) -> Verification {
    let path = folder.join("bundle.tar.zst");
    std::fs::write(&path, bytes).unwrap();
    let options = VerifyOptions { signer_by_chain: true, ..VerifyOptions::default() };
    verify(&path, &options).unwrap()
}

/// The checks that fail, with the chain's.
async fn failures(yard: &Yard, verification: &Verification) -> Vec<&'static str> {
    let mut verification = verification.clone();
    let view = yard.client.view().await.unwrap();
    onchain::check(&mut verification, &view, &yard.contracts).await.unwrap();
    let failed = verification.checks.iter().filter(|check| check.outcome == Outcome::Failed);
    failed.map(|check| check.name).collect()
}

fn signed_by(verification: &Verification, key: u32) -> Verification {
    let signer = Some(from_chain(funded(key).address()));
    Verification { signer, ..verification.clone() }
}

/// Has the second key take over the provider's account.
async fn rotate(yard: &Yard) {
    let account = yard.sender.account();
    let acceptance = KeyAcceptance { account };
    let new = funded(SECOND);
    let signed = yard.contracts.authorise(&acceptance, &new, U256::ZERO, now_s() + 3_600).await.unwrap();
    yard.execute(yard.contracts.act(&Registrar::rotateKeyCall { ofNewKey: (&signed).into() })).await;
}

/// Has the next epoch released by the new key, and 12 blocks after its commitment.
async fn release_by(yard: &Yard, sender: &Sender, rewards: &Arc<Rewards>, epoch: EpochNumber) {
    for _ in 0..60 {
        let answer = rewards.run_epoch(epoch, window(), Arc::new(())).await.unwrap();
        if answer.committed_at.is_some() {
            return yard.mine_many(person("somebody").address(), 12);
        }
        yard.mine(person("somebody").address());
        sender.pass().await.unwrap();
    }
    panic!("epoch {} is not committed", epoch.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_held_against_the_key_of_its_block_before_and_after_a_change_of_key() {
    let yard = Yard::start().await;
    let (miner, somebody) = (person("miner").address(), person("somebody").address());
    yard.admit_researcher(miner, "institute").await;
    let hospital = Hospital::open(&yard, 120, 4, "2").await;
    let rewards = hospital.rewards(&yard);
    release(&yard, &rewards, EPOCH).await;
    let (claimed, unclaimed) = (yard.mine(miner), yard.mine(miner));
    yard.mine_many(somebody, 12);
    let bytes = rewards.claim_shard(miner, &claim(&claimed)).await.unwrap();
    let before = checked_by_chain(yard.folder.path(), &bytes);
    assert_eq!(failures(&yard, &before).await, Vec::<&str>::new());
    drop(rewards);
    rotate(&yard).await;
    assert_eq!(failures(&yard, &before).await, Vec::<&str>::new(), "the old key's word of then stands");
    assert_eq!(failures(&yard, &signed_by(&before, SECOND)).await, ["chain-signer"], "the new one had none");
    // The gatekeeper has both keys: it signs for each block with the key of then.
    let sender = Arc::new(outbox(&yard.client, funded(SECOND), &yard.folder.path().join("second.redb")));
    let rewards = hospital.rewards_with(&yard, &sender, &[funded(SECOND), funded(0)]);
    let again = rewards.claim_shard(miner, &claim(&claimed)).await.unwrap();
    assert_eq!(again, bytes, "what was answered stays");
    let late = rewards.claim_shard(miner, &claim(&unclaimed)).await.unwrap();
    let late = checked_by_chain(yard.folder.path(), &late);
    assert_eq!(late.signer, Some(from_chain(funded(0).address())));
    assert_eq!(failures(&yard, &late).await, Vec::<&str>::new());
    // A block after the change, of the release before it; and one of a release after it.
    let next = yard.mine(miner);
    yard.mine_many(somebody, 12);
    let of_old_release = rewards.claim_shard(miner, &claim(&next)).await.unwrap();
    release_by(&yard, &sender, &rewards, EpochNumber(EPOCH.0 + 1)).await;
    let newest = yard.mine(miner);
    yard.mine_many(somebody, 12);
    let of_new_release = rewards.claim_shard(miner, &claim(&newest)).await.unwrap();
    for bytes in [of_old_release, of_new_release] {
        let after = checked_by_chain(yard.folder.path(), &bytes);
        assert!(after.valid, "{:#?}", after.checks);
        assert_eq!(after.signer, Some(from_chain(funded(SECOND).address())));
        assert_eq!(failures(&yard, &after).await, Vec::<&str>::new());
        assert_eq!(
            failures(&yard, &signed_by(&after, 0)).await,
            ["chain-signer"],
            "the old key speaks no more"
        );
        assert_eq!(failures(&yard, &signed_by(&after, 4)).await, ["chain-signer"], "nor does a stranger's");
        offline(yard.folder.path(), &bytes);
    }
    // The next change, and everything before it stands as it stood.
    assert_eq!(failures(&yard, &before).await, Vec::<&str>::new());
}

/// Without a chain nobody but the account's first key is believed, unless the reader names another.
fn offline(folder: &Path, bytes: &[u8]) {
    let path = folder.join("bundle.tar.zst");
    std::fs::write(&path, bytes).unwrap();
    let alone = verify(&path, &VerifyOptions::default()).unwrap();
    let failed: Vec<_> = alone.checks.iter().filter(|check| check.outcome == Outcome::Failed).collect();
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert!(failed[0].name == "signature" && failed[0].detail.contains("--node"), "{failed:#?}");
    for (key, is_valid) in [(SECOND, true), (0, false)] {
        let signer = Some(from_chain(funded(key).address()));
        let options = VerifyOptions { signer, ..VerifyOptions::default() };
        assert_eq!(verify(&path, &options).unwrap().valid, is_valid, "key {key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gatekeeper_without_the_key_of_a_block_gives_nothing_rather_than_a_bundle_that_falls() {
    let yard = Yard::start().await;
    let (miner, somebody) = (person("miner").address(), person("somebody").address());
    yard.admit_researcher(miner, "institute").await;
    let hospital = Hospital::open(&yard, 120, 4, "2").await;
    let rewards = hospital.rewards(&yard);
    release(&yard, &rewards, EPOCH).await;
    let before = yard.mine(miner);
    drop(rewards);
    rotate(&yard).await;
    let after = yard.mine(miner);
    yard.mine_many(somebody, 12);
    let refused = async |keys: &[u32], block| {
        let keys: Vec<_> = keys.iter().map(|key| funded(*key)).collect();
        let rewards = hospital.rewards_with(&yard, &yard.sender, &keys);
        match rewards.claim_shard(miner, &claim(block)).await {
            Err(error @ RewardsError::NoKey { .. }) => {
                assert_eq!(error.code(), RefusalCode::Internal);
                error.to_string()
            }
            other => panic!("{:?}", other.map(|bytes| bytes.len())),
        }
    };
    let words = refused(&[SECOND], &before).await;
    assert!(words.contains("earlier keys") && words.contains(&funded(0).address().to_string()), "{words}");
    refused(&[0], &after).await;
    // With the key it is given after all: nothing was stored in between.
    let rewards = hospital.rewards_with(&yard, &yard.sender, &[funded(SECOND), funded(0)]);
    for block in [&before, &after] {
        let bytes = rewards.claim_shard(miner, &claim(block)).await.unwrap();
        assert!(failures(&yard, &checked_by_chain(yard.folder.path(), &bytes)).await.is_empty());
    }
}
