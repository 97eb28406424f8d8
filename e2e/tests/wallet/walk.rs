//! MedRec's nine steps, by wallets alone, and the reward that comes of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use medrec_chain::acts::{consents, registrar};
use medrec_chain::{PatientAct, Role};
use medrec_domain::consent::Grantee;
use medrec_domain::identifier::{Address, EpochNumber};
use medrec_domain::schema::Table;
use medrec_domain::{ConditionScope, FieldScope, Purpose, Scope};
use medrec_e2e::funded;
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::{from_chain, group_id, to_chain};
use medrec_protocol::methods::notifications::NotificationEvent;
use medrec_protocol::methods::provider::{
    EpochBody, Invite, InviteBody, PostBody, PostUpdate, Posting, RunEpoch,
};
use medrec_protocol::methods::records::{Audit, AuditBody, Read, ReadAnswer, ReadBody};
use medrec_wallet::collector::{ClaimState, Reward};
use medrec_wallet::consent::{self, Wish, salt};
use medrec_wallet::provider::{self, Candidate, InstitutionRole};
use medrec_wallet::wishes::fresh_key;
use medrec_wallet::{
    Collector, CollectorOptions, Desk, Notifications, PrivateKeySigner, WalletError, Wishes,
};

use crate::town::{PATIENCE, Town};

fn in_a_year_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 31_536_000
}

fn wish(grantee: Grantee, purpose: Purpose, fields: &[&str]) -> Wish {
    let fields = if fields.is_empty() {
        FieldScope::All
    } else {
        FieldScope::Only(fields.iter().map(|field| field.parse().unwrap()).collect())
    };
    let yearly_cap = (purpose == Purpose::ResearchAggregate).then(|| "2".parse().unwrap());
    let scope = Scope { purpose, fields, conditions: ConditionScope::All };
    Wish { grantee, scope, start_s: 0, expiry_s: in_a_year_s(), yearly_cap }
}

async fn read(
    town: &Town,
    reader: &PrivateKeySigner,
    patient: Address,
    purpose: Purpose,
) -> Result<ReadAnswer, WalletError> {
    let body = ReadBody {
        patient,
        purpose,
        table: Table::Condition,
        columns: None,
        from: None,
        until: None,
        after: 0,
        limit: 1_000,
    };
    town.staff.ask::<Read>(reader, &body).await
}

fn refusal<T>(outcome: Result<T, WalletError>) -> RefusalCode {
    match outcome {
        Err(WalletError::Refused { code, .. }) => code,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

async fn give(desk: &Desk, keystore: &mut medrec_wallet::Keystore, wish: Wish) -> medrec_domain::Digest {
    let signer = from_chain(desk.signer.address());
    let (chain_id, provider) = (desk.place.contracts.chain_id, desk.gatekeeper.provider());
    let document = consent::document(chain_id, provider, desk.patient, signer, wish).unwrap();
    let salt = salt().unwrap();
    let commitment = keystore.remember_consent(&document, salt).unwrap();
    desk.consent(&document, salt).await.unwrap();
    commitment
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_walks_the_nine_steps_and_takes_back_what_she_gave() {
    let town = Town::start(funded(3).address()).await;
    let mut ada = town.keystore("ada");
    let entry = ada.ensure_account(Some(town.provider())).unwrap();
    let desk = town.desk(ada.signer(entry.index).unwrap(), entry.account);
    // Nobody invited her yet: nothing is carried.
    let identity = alloy_primitives::B256::repeat_byte(1);
    assert_eq!(refusal(desk.onboard(identity).await), RefusalCode::NotAllowed);
    town.welcome(entry.account, 4).await;
    desk.onboard(identity).await.unwrap();
    assert_eq!(town.role(entry.account).await, Role::Patient);
    let own = read(&town, &desk.signer, entry.account, Purpose::Personal).await.unwrap();
    assert!(!own.columns.is_empty());
    // A doctor enters with an account of his own and sees nothing before he is granted something.
    let mut doctor = town.keystore("doctor");
    let his = doctor.ensure_account(None).unwrap();
    town.ask::<Invite>(InviteBody { account: his.account }).await;
    let his_key = doctor.signer(his.index).unwrap();
    let act = registrar::Register { role: Role::Guardian, identity_commitment: identity };
    town.desk(his_key.clone(), his.account).carry(&act).await.unwrap();
    assert_eq!(
        refusal(read(&town, &his_key, entry.account, Purpose::Treatment).await),
        RefusalCode::NotAllowed
    );
    let grant = wish(
        Grantee::Person { address: his.account },
        Purpose::Treatment,
        &["condition.code", "condition.start_date"],
    );
    let commitment = give(&desk, &mut ada, grant).await;
    let seen = read(&town, &his_key, entry.account, Purpose::Treatment).await.unwrap();
    assert!(seen.columns.len() < own.columns.len() && !seen.columns.is_empty(), "{:?}", seen.columns);
    // An update comes, and she hears of it over the stream.
    let query = "patients-by-class-last-month".to_owned();
    let posting = post_over_a_kill(&town, entry.account, &query).await;
    let mut stream = Notifications::new(&town.staff, &desk.signer, 0);
    let told = async {
        loop {
            let notification = stream.next().await.unwrap();
            if let NotificationEvent::RecordUpdated { bounty, .. } = notification.event {
                break bounty;
            }
        }
    };
    let bounty = tokio::time::timeout(PATIENCE, told).await.expect("a notification");
    assert_eq!(bounty, medrec_wallet::researcher::bounty_of(&posting));
    desk.relate(PatientAct::Acknowledge).await.unwrap();
    // Taken back by what the keystore remembers, after a restart.
    let ada = town.open("ada");
    let stored = ada.consents().iter().find(|stored| stored.commitment == commitment).unwrap();
    desk.revoke(&stored.document, &commitment).await.unwrap();
    assert_eq!(
        refusal(read(&town, &his_key, entry.account, Purpose::Treatment).await),
        RefusalCode::NotAllowed
    );
    let body = AuditBody { patient: entry.account, after: 0, limit: 1_000 };
    let log = town.staff.ask::<Audit>(&desk.signer, &body).await.unwrap();
    let his_reads: Vec<bool> = log
        .entries
        .iter()
        .filter(|entry| entry.actor == his.account && entry.method == "records/read")
        .map(|entry| entry.is_allowed)
        .collect();
    assert_eq!(his_reads, [false, true, false]);
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_guardians_and_keys_change_who_may_do_what() {
    let town = Town::start(funded(3).address()).await;
    let mut ada = town.keystore("ada");
    let entry = ada.ensure_account(Some(town.provider())).unwrap();
    town.welcome(entry.account, 5).await;
    let desk = town.desk(ada.signer(entry.index).unwrap(), entry.account);
    let identity = alloy_primitives::B256::repeat_byte(2);
    desk.onboard(identity).await.unwrap();
    let mut aunt = town.keystore("aunt");
    let hers = aunt.ensure_account(None).unwrap();
    town.ask::<Invite>(InviteBody { account: hers.account }).await;
    let aunt_key = aunt.signer(hers.index).unwrap();
    let register = registrar::Register { role: Role::Guardian, identity_commitment: identity };
    town.desk(aunt_key.clone(), hers.account).carry(&register).await.unwrap();
    // A group of the patient's own, with the aunt in it.
    let (owner, salt) = (to_chain(entry.account), alloy_primitives::B256::repeat_byte(3));
    desk.carry(&consents::FoundGroup { owner, salt }).await.unwrap();
    let view = town.place.view().await.unwrap();
    let name = medrec_contracts::Consents::groupNameCall { owner, salt };
    let group = town.place.contracts.at(&view).ask(&name).await.unwrap();
    let member = |admitted| consents::SetMember { owner, group, member: to_chain(hers.account), admitted };
    desk.carry(&member(true)).await.unwrap();
    give(&desk, &mut ada, wish(Grantee::Group { id: group_id(group) }, Purpose::Personal, &[])).await;
    assert!(read(&town, &aunt_key, entry.account, Purpose::Personal).await.is_ok());
    desk.carry(&member(false)).await.unwrap();
    assert_eq!(
        refusal(read(&town, &aunt_key, entry.account, Purpose::Personal).await),
        RefusalCode::NotAllowed
    );
    // As a guardian with the power to grant, the aunt grants herself.
    let expiry_s = u32::try_from(in_a_year_s()).unwrap();
    let appoint = consents::Appoint { guardian: to_chain(hers.account), powers: 2, start_s: 0, expiry_s };
    desk.carry(&appoint).await.unwrap();
    let as_guardian = town.desk(aunt_key.clone(), entry.account);
    give(&as_guardian, &mut aunt, wish(Grantee::Person { address: hers.account }, Purpose::Personal, &[]))
        .await;
    assert!(read(&town, &aunt_key, entry.account, Purpose::Personal).await.is_ok());
    // A new key voids what was given with the old one, and speaks for the same account.
    let index = ada.reserve_index().unwrap();
    let fresh = ada.signer(index).unwrap();
    desk.rotate_key(&fresh).await.unwrap();
    ada.adopt(medrec_wallet::keystore::AccountEntry { index, ..entry }).unwrap();
    assert_eq!(
        refusal(read(&town, &aunt_key, entry.account, Purpose::Personal).await),
        RefusalCode::NotAllowed
    );
    assert!(read(&town, &fresh, entry.account, Purpose::Personal).await.is_ok());
    let anew = town.desk(fresh, entry.account);
    anew.erase_identity().await.unwrap();
    anew.relate(PatientAct::End).await.unwrap();
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solved_block_becomes_a_verified_bundle_in_the_miners_folder() {
    let miner = funded(3);
    let town = Town::start(miner.address()).await;
    let lab = Candidate {
        account: miner.address(),
        role: InstitutionRole::Researcher,
        identity_commitment: alloy_primitives::B256::ZERO,
        name: "lab".to_owned(),
        endpoint: String::new(),
        encryption_key: alloy_primitives::B256::ZERO,
    };
    let admitted = provider::admit(&town.hospital, &lab).await.unwrap();
    assert_eq!(admitted.role, "researcher");
    let mut ada = town.keystore("ada");
    let entry = ada.ensure_account(Some(town.provider())).unwrap();
    town.welcome(entry.account, 6).await;
    let desk = town.desk(ada.signer(entry.index).unwrap(), entry.account);
    desk.onboard(alloy_primitives::B256::repeat_byte(1)).await.unwrap();
    give(&desk, &mut ada, wish(Grantee::Purpose, Purpose::ResearchAggregate, &[])).await;
    // The snapshot is of a block with twelve on top.
    town.grow_to(town.height().await + 13).await;
    let epoch = EpochBody {
        epoch: EpochNumber(1),
        from: "2020-01-01".parse().unwrap(),
        until: "2025-01-01".parse().unwrap(),
    };
    let committed = loop {
        let answer = town.ask::<RunEpoch>(epoch.clone()).await;
        match answer.committed_at {
            Some(block) => break block.0,
            None => tokio::time::sleep(Duration::from_millis(300)).await,
        }
    };
    let query = "patients-by-class-last-month".to_owned();
    let posting = town.ask::<PostUpdate>(post(entry.account, query)).await;
    let state = loop {
        match medrec_wallet::researcher::bounty_state(&town.place, &posting).await.unwrap() {
            Some(state) => break state,
            None => tokio::time::sleep(Duration::from_millis(300)).await,
        }
    };
    let earning = state.block.max(committed + 12);
    town.grow_to(earning + 13).await;
    let folder = town.folder.path().join("rewards");
    let mut collector =
        Collector::open(town.place.clone(), CollectorOptions::new(folder, vec![miner])).unwrap();
    let shard = collector.claim_block(earning).await.unwrap();
    let bounty = collector.claim_block(state.block).await.unwrap();
    for claim in shard.iter().chain(&bounty) {
        let is_home = matches!(claim.state, ClaimState::Done { .. } | ClaimState::Stored { .. });
        assert!(is_home, "{claim:#?}");
    }
    assert!(shard.iter().any(|claim| matches!(claim.reward, Reward::Shard { .. })), "{shard:#?}");
    assert!(bounty.iter().any(|claim| matches!(claim.reward, Reward::Bounty { .. })), "{bounty:#?}");
    // The receipt follows once the provider's answer is named on chain.
    let receipt = async {
        loop {
            collector.claim_block(state.block).await.unwrap();
            let now = medrec_wallet::researcher::bounty_state(&town.place, &posting).await.unwrap().unwrap();
            if now.progress == "received" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    tokio::time::timeout(PATIENCE, receipt).await.expect("a receipt");
    town.stop().await;
}

/// One patient's update, under a fresh key.
fn post(patient: Address, query: String) -> PostBody {
    PostBody { patients: vec![patient], query, idempotency_key: fresh_key().unwrap() }
}

/// What `medrec provider post` does when it is killed after the gatekeeper's answer and before it told it, and is run again.
async fn post_over_a_kill(town: &Town, patient: Address, query: &str) -> Posting {
    let wishes = Wishes::beside(&town.folder.path().join("hospital.json"));
    let begin = || wishes.begin::<PostUpdate>(town.provider(), &(patient, query)).unwrap();
    let killed = begin();
    let body = |key| PostBody { patients: vec![patient], query: query.to_owned(), idempotency_key: key };
    let first = town.ask::<PostUpdate>(body(killed.idempotency_key)).await;
    drop(killed);
    let again = begin();
    assert!(again.earlier_s.is_some());
    assert_eq!(town.ask::<PostUpdate>(body(again.idempotency_key)).await, first);
    again.answered().unwrap();
    assert_eq!(begin().earlier_s, None, "the next one is another wish");
    first
}
