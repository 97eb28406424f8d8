//! Bounties: posted with an update, owned by the miner of its block, answered once.

use std::sync::Arc;

use alloy_primitives::Address;
use medrec_contracts::{Relationships, hashes};
use medrec_domain::Digest;
use medrec_domain::manifest::{Charging, Occasion};
use medrec_domain::workload::catalogue::{CONTRIBUTORS, Catalogue, CatalogueQuery};
use medrec_gatekeeper::rewards::Rewards;
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::{from_chain, from_word, to_chain, to_word};
use medrec_protocol::methods::provider::Posting;

use crate::hospital::{Hospital, code};
use crate::shards::verified;
use crate::yard::{Yard, person};

/// A posting in the contracts' words.
pub(crate) fn update(posting: &Posting) -> Relationships::Update {
    Relationships::Update {
        provider: to_chain(posting.provider),
        patient: to_chain(posting.patient),
        recordsRoot: to_word(posting.records_root),
        queryHash: to_word(posting.query_hash),
        costNanoRho: posting.cost_nano_rho,
    }
}

/// The bounty's id.
pub(crate) fn bounty_id(posting: &Posting) -> Digest {
    from_word(hashes::bounty_id(&update(posting)))
}

/// Posts a query of the catalogue at its price.
pub(crate) async fn ask(
    yard: &Yard,
    hospital: &Hospital,
    query: &CatalogueQuery,
    name: &str,
    miner: Address,
) -> Posting {
    let price = Rewards::price_nano_rho(query).unwrap();
    hospital.post(yard, query.digest().unwrap(), price, name, miner).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounty_is_answered_to_its_owner_once_with_a_count_of_contributors_and_named_on_chain() {
    let yard = Yard::start().await;
    let (miner, other) = (person("miner").address(), person("other").address());
    yard.admit_researcher(miner, "institute").await;
    yard.admit_researcher(other, "other institute").await;
    let hospital = Hospital::open(&yard, 400, 40, "2").await;
    let rewards = hospital.rewards(&yard);
    let query = Catalogue::standard().unwrap().queries["patients-by-class-last-month"].clone();
    let posting = ask(&yard, &hospital, &query, "update", miner).await;
    let height = yard.height();
    let claim = async |signer| rewards.claim_bounty(signer, &posting, Arc::new(())).await;
    assert_eq!(code(claim(miner).await), RefusalCode::Unconfirmed);
    yard.mine_many(other, 12);
    assert_eq!(code(claim(other).await), RefusalCode::NotTheOwner);
    assert_eq!(rewards.ledger().statement().unwrap().releases, [], "refusals cost nothing");
    let bytes = claim(miner).await.unwrap();
    yard.mine_many(other, 3);
    assert_eq!(claim(miner).await.unwrap(), bytes, "twice, the same bytes");
    let verification = verified(yard.folder.path(), &bytes);
    assert!(verification.valid, "{:#?}", verification.checks);
    let manifest = verification.manifest.unwrap();
    let Occasion::Bounty { block, miner: owner, bounty, .. } = manifest.occasion else {
        panic!("{:?}", manifest.occasion)
    };
    assert_eq!((owner, bounty), (from_chain(miner), bounty_id(&posting)));
    assert!(block.number.0 <= height);
    let names: Vec<&str> = manifest.tables.iter().map(|table| table.query.name.as_str()).collect();
    assert_eq!(names, ["patients-by-class-last-month", CONTRIBUTORS]);
    assert_eq!(manifest.budget.charging, Charging::Each);
    assert_eq!(manifest.budget.spent_after, manifest.privacy.rho);
    assert!(manifest.privacy.rho <= query.rho, "the count is within the price");
    let view = yard.client.view().await.unwrap();
    let on_chain = yard.contracts.at(&view).claim_of(to_word(bounty)).await.unwrap().1;
    assert_eq!(on_chain.map(from_word), verification.manifest_digest);
    // Who is in it pays, at most the price; who is linked and not in it, or not linked, pays nothing.
    let ledger = rewards.ledger();
    let spent: Vec<_> = (0..400).map(|index| ledger.person(hospital.person(index)).unwrap().spent).collect();
    assert!(spent[..40].iter().any(|loss| !loss.is_zero()) && spent.iter().all(|loss| *loss <= query.rho));
    assert!(spent[..40].iter().any(medrec_domain::Rho::is_zero));
    assert!(spent[40..].iter().all(medrec_domain::Rho::is_zero));
    assert_eq!(ledger.statement().unwrap().spent, medrec_domain::Rho::zero());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_outside_the_catalogue_at_another_price_or_unposted_is_refused_before_anything_is_read() {
    let yard = Yard::start().await;
    let miner = person("miner").address();
    yard.admit_researcher(miner, "institute").await;
    let mut hospital = Hospital::open(&yard, 120, 4, "2").await;
    // There are no records to read: whoever touches them fails in another way.
    hospital.take_records_away();
    let rewards = hospital.rewards(&yard);
    let query = Catalogue::standard().unwrap().queries["mean-iron-last-week"].clone();
    let (digest, price) = (query.digest().unwrap(), Rewards::price_nano_rho(&query).unwrap());
    assert_eq!(price, 20_000_000);
    let unknown = hospital.post(&yard, Digest([9; 32]), price, "unknown", miner).await;
    let cheaper = hospital.post(&yard, digest, price - 1, "cheaper", miner).await;
    let dearer = hospital.post(&yard, digest, price + 1, "dearer", miner).await;
    let strangers = ask(&yard, &hospital, &query, "stranger's", person("stranger").address()).await;
    yard.mine_many(miner, 12);
    let refused = async |posting: Posting| code(rewards.claim_bounty(miner, &posting, Arc::new(())).await);
    assert_eq!(refused(unknown).await, RefusalCode::NotInCatalogue);
    assert_eq!(refused(cheaper).await, RefusalCode::NotInCatalogue);
    assert_eq!(refused(dearer).await, RefusalCode::NotInCatalogue);
    let unposted = Posting { records_root: Digest([1; 32]), cost_nano_rho: price, ..cheaper };
    assert_eq!(refused(unposted).await, RefusalCode::Unknown);
    let elsewhere = Posting { provider: from_chain(miner), cost_nano_rho: price, ..cheaper };
    assert_eq!(refused(elsewhere).await, RefusalCode::Unknown);
    let stranger = person("stranger").address();
    let unregistered = rewards.claim_bounty(stranger, &strangers, Arc::new(())).await;
    assert_eq!(code(unregistered), RefusalCode::Unregistered);
    assert_eq!(rewards.ledger().statement().unwrap().releases, []);
}
