//! What acts on chain happens once, however often it is asked for, whatever dies in between.

use alloy_primitives::hex;
use medrec_contracts::Relationships;
use medrec_domain::workload::catalogue::Catalogue;
use medrec_e2e::{funded, person};
use medrec_protocol::bridge::{from_chain, to_chain};
use medrec_protocol::methods::acts::{Relay, RelayBody};
use medrec_protocol::methods::provider::{PostBody, PostUpdate, Propose, ProposeBody, act_key};
use medrec_protocol::{Method, RefusalCode};

use crate::clinic::{Clinic, Patient, Wish, newcomer};
use crate::desk::fresh_nonce;
use crate::process::{self, Process};

/// A posting of one patient under a fresh key.
fn posting(patient: &Patient) -> PostBody {
    let query = Catalogue::standard().unwrap().queries.keys().next().unwrap().clone();
    PostBody { patients: vec![patient.account], query, idempotency_key: fresh_nonce() }
}

/// How many transactions of the whole chain hold these bytes.
fn sent(clinic: &Clinic, bytes: &[u8]) -> usize {
    let (wanted, mut found) = (hex::encode(bytes), 0);
    let mut head = clinic.ground.head();
    while head.number() > 0 {
        for transaction in &head.block.body.transactions {
            found += usize::from(format!("{transaction:?}").to_lowercase().contains(&wanted));
        }
        head = clinic.ground.parent(&head);
    }
    found
}

/// What every posting of this patient begins with.
fn update_of(clinic: &Clinic, patient: &Patient) -> Vec<u8> {
    let zero = alloy_primitives::B256::ZERO;
    let patient = to_chain(patient.account);
    let call = Relationships::updateCall { patient, recordsRoot: zero, queryHash: zero, costNanoRho: 0 };
    clinic.ground.contracts.act(&call).data[..36].to_vec()
}

/// Asks a process that may die over it.
async fn attempt<M: Method>(clinic: &Clinic, body: M::Body) -> Option<M::Answer>
where
    M::Body: 'static,
    M::Answer: 'static,
{
    let (desk, staff) = (clinic.desk, clinic.staff.clone());
    tokio::spawn(async move { desk.ask::<M>(&staff, body).await }).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posting_that_dies_at_any_step_is_posted_once_and_answered_the_same_for_ever() {
    const TEST: &str = "once::a_posting_that_dies_at_any_step_is_posted_once_and_answered_the_same_for_ever";
    if process::is_told_to_serve().await {
        return;
    }
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    clinic.stop().await;
    let mut steps = 0;
    for last in 1.. {
        let body = posting(&patient);
        let process = Process::start_mortal(&mut clinic, TEST, last).await;
        let first = attempt::<PostUpdate>(&clinic, body.clone()).await;
        process.kill();
        let process = Process::start(&mut clinic, TEST).await;
        let second = clinic.desk.ask::<PostUpdate>(&clinic.staff, body.clone()).await;
        assert!(first.is_none_or(|first| first == second), "another answer after step {last}");
        let key = act_key(clinic.desk.provider, &body.idempotency_key);
        clinic.included(&clinic.desk, &clinic.staff, key).await;
        assert_eq!(clinic.desk.ask::<PostUpdate>(&clinic.staff, body).await, second);
        for _ in 0..3 {
            clinic.ground.mine();
        }
        assert_eq!(sent(&clinic, &update_of(&clinic, &patient)), last, "once for each wish (step {last})");
        assert_eq!(sent(&clinic, &second.records_root.0), 1, "what was answered is what was sent");
        process.kill();
        if first.is_some() {
            break;
        }
        steps = last;
    }
    // Pointers, the note, handing over, the answer.
    assert!(steps >= 4, "only {steps} steps");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_dies_at_any_step_is_made_once() {
    const TEST: &str = "once::a_proposal_that_dies_at_any_step_is_made_once";
    if process::is_told_to_serve().await {
        return;
    }
    let mut clinic = Clinic::open().await;
    clinic.stop().await;
    let mut steps = 0;
    for last in 1.. {
        let account = from_chain(person(&format!("somebody {last}")).address());
        let body = ProposeBody { account, idempotency_key: fresh_nonce() };
        let process = Process::start_mortal(&mut clinic, TEST, last).await;
        let first = attempt::<Propose>(&clinic, body.clone()).await;
        process.kill();
        let process = Process::start(&mut clinic, TEST).await;
        let second = clinic.desk.ask::<Propose>(&clinic.staff, body.clone()).await;
        assert_eq!(second.key, act_key(clinic.desk.provider, &body.idempotency_key));
        assert!(first.as_ref().is_none_or(|first| *first == second));
        clinic.included(&clinic.desk, &clinic.staff, second.key).await;
        // The relationship is not what it was when it was asked for first; the answer is.
        assert_eq!(clinic.desk.ask::<Propose>(&clinic.staff, body).await, second);
        let call = clinic.ground.contracts.act(&Relationships::proposeCall { patient: to_chain(account) });
        assert_eq!(sent(&clinic, &call.data), 1, "step {last}");
        process.kill();
        if first.is_some() {
            break;
        }
        steps = last;
    }
    assert!(steps >= 3, "only {steps} steps");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_one_wish_of_one_provider() {
    let clinic = Clinic::open().await;
    let (patient, other) = (clinic.patient(0).await, clinic.patient(1).await);
    let body = posting(&patient);
    let asked = (0..8).map(|_| {
        let (desk, staff, body) = (clinic.desk, clinic.staff.clone(), body.clone());
        tokio::spawn(async move { desk.ask::<PostUpdate>(&staff, body).await })
    });
    let mut answers = Vec::new();
    for asked in asked.collect::<Vec<_>>() {
        answers.push(asked.await.unwrap());
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "at the same time, the same: {answers:?}");
    clinic.included(&clinic.desk, &clinic.staff, act_key(clinic.desk.provider, &body.idempotency_key)).await;
    assert_eq!(sent(&clinic, &update_of(&clinic, &patient)), 1);
    // Another patient, another query, another method: none of them is done, and none is answered with the first one's answer.
    let query = Catalogue::standard().unwrap().queries.keys().nth(1).unwrap().clone();
    let others =
        [PostBody { patients: vec![other.account], ..body.clone() }, PostBody { query, ..body.clone() }];
    for changed in others {
        let code = clinic.desk.refused::<PostUpdate>(&clinic.staff, changed).await;
        assert_eq!(code, RefusalCode::IdempotencyKeyReused);
    }
    let proposal = ProposeBody { account: newcomer(9).account, idempotency_key: body.idempotency_key };
    let code = clinic.desk.refused::<Propose>(&clinic.staff, proposal).await;
    assert_eq!(code, RefusalCode::IdempotencyKeyReused);
    // Who is not the provider learns nothing by a key.
    for stranger in [&funded(1), &patient.key, &person("stranger")] {
        let code = clinic.desk.refused::<PostUpdate>(stranger, body.clone()).await;
        assert_eq!(code, RefusalCode::NotAllowed);
    }
    // The same wish under another key is another one.
    let again = PostBody { idempotency_key: fresh_nonce(), ..body.clone() };
    let second = clinic.desk.ask::<PostUpdate>(&clinic.staff, again.clone()).await;
    assert_ne!(second, answers[0]);
    clinic.included(&clinic.desk, &clinic.staff, act_key(clinic.desk.provider, &again.idempotency_key)).await;
    assert_eq!(sent(&clinic, &update_of(&clinic, &patient)), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_was_not_done_and_its_key_still_stands_for_its_wish() {
    let clinic = Clinic::open().await;
    let guest = newcomer(3);
    let body = posting(&guest);
    assert_eq!(clinic.desk.refused::<PostUpdate>(&clinic.staff, body.clone()).await, RefusalCode::Unknown);
    let patient = clinic.patient(3).await;
    assert_eq!(patient.account, guest.account);
    clinic.desk.ask::<PostUpdate>(&clinic.staff, body.clone()).await;
    clinic.included(&clinic.desk, &clinic.staff, act_key(clinic.desk.provider, &body.idempotency_key)).await;
    assert_eq!(sent(&clinic, &update_of(&clinic, &patient)), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_act_that_is_relayed_twice_is_sent_once() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let given = clinic.document(&patient, Wish::all_to(&person("doctor")));
    let grant = medrec_chain::acts::consents::Grant { patient: patient.key.address(), terms: given.terms };
    let call = clinic.ground.signed(&grant, &patient.key).await;
    let body = RelayBody { contract: "Consents".to_owned(), calldata: hex::encode_prefixed(&call.data) };
    let first = clinic.desk.ask::<Relay>(&patient.key, body.clone()).await;
    assert_eq!(clinic.desk.ask::<Relay>(&patient.key, body.clone()).await, first);
    clinic.included(&clinic.desk, &patient.key, first.key).await;
    assert_eq!(clinic.desk.ask::<Relay>(&patient.key, body).await, first, "and after it is in the chain");
    assert_eq!(sent(&clinic, &call.data), 1);
}
