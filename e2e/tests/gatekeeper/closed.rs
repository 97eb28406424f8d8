//! It fails closed: at the newest block, without the chain, before and after the time of a grant.

use medrec_chain::acts::consents::{Appoint, Revoke};
use medrec_chain::acts::relationships::End;
use medrec_domain::Purpose;
use medrec_domain::schema::Table;
use medrec_e2e::now_s;
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::from_chain;
use medrec_protocol::methods::consents::{self, EraseBody, PutBody};
use medrec_protocol::methods::records::Read;

use crate::clinic::{Clinic, Wish, reading, sealed};

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_revoked_one_block_before_opens_nothing() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    let given = clinic.grant(&patient, Wish::all_to(&doctor)).await;
    let body = || reading(&patient, Purpose::Treatment, Table::Condition);
    let before = clinic.ground.head();
    clinic.read(&doctor, &patient, Purpose::Treatment, Table::Condition).await;
    // Put into the pool, and then exactly one block.
    let revoke = Revoke { patient: patient.key.address(), terms: given.terms };
    let call = clinic.ground.signed(&revoke, &patient.key).await;
    clinic.ground.sender.send(call).await.unwrap();
    assert_eq!(clinic.desk.reply::<Read>(&doctor, body()).await.status, 200, "it is in no block yet");
    clinic.ground.mine();
    assert_eq!(clinic.desk.refused::<Read>(&doctor, body()).await, RefusalCode::NotAllowed);
    // A heavier branch without the revocation is the chain then, and the grant holds in it.
    clinic.ground.branch(&before, 3);
    assert_eq!(clinic.desk.reply::<Read>(&doctor, body()).await.status, 200, "it was never revoked there");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_chain_nothing_is_answered() {
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    clinic.read(&patient.key, &patient, Purpose::Personal, Table::Condition).await;
    clinic.ground.stop_node().await;
    let body = || reading(&patient, Purpose::Personal, Table::Condition);
    for signer in [&patient.key, &clinic.staff] {
        assert_eq!(clinic.desk.refused::<Read>(signer, body()).await, RefusalCode::ChainUnavailable);
    }
    let status = clinic.desk.status().await;
    assert_eq!(status.head, None, "the status says so");
}

#[tokio::test(flavor = "multi_thread")]
async fn g7_a_grant_opens_nothing_before_its_start_or_after_its_end() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    let now = clinic.ground.time_s();
    let wish = Wish { start_s: now + 600, expiry_s: now + 1_200, ..Wish::all_to(&doctor) };
    clinic.grant(&patient, wish).await;
    let body = || reading(&patient, Purpose::Treatment, Table::Condition);
    assert_eq!(clinic.desk.refused::<Read>(&doctor, body()).await, RefusalCode::NotAllowed, "before");
    clinic.ground.mine_after(now + 600 - clinic.ground.time_s());
    assert_eq!(clinic.desk.reply::<Read>(&doctor, body()).await.status, 200, "from its first second");
    clinic.ground.mine_after(599);
    assert_eq!(clinic.desk.reply::<Read>(&doctor, body()).await.status, 200, "until its last second");
    clinic.ground.mine_after(1);
    assert_eq!(clinic.desk.refused::<Read>(&doctor, body()).await, RefusalCode::NotAllowed, "after");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_relationship_closes_every_grant() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    clinic.grant(&patient, Wish::all_to(&doctor)).await;
    let body = || reading(&patient, Purpose::Treatment, Table::Condition);
    assert_eq!(clinic.desk.reply::<Read>(&doctor, body()).await.status, 200);
    let provider = clinic.staff.address();
    let end = End { patient: patient.key.address(), provider };
    clinic.carry(&end, &patient.key).await;
    for signer in [&doctor, &patient.key, &clinic.staff] {
        let reply = clinic.desk.reply::<Read>(signer, body()).await;
        assert_ne!(reply.status, 200, "{}", from_chain(signer.address()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_without_its_document_and_a_document_without_its_grant_open_nothing() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    let body = || reading(&patient, Purpose::Treatment, Table::Condition);
    // Left, not granted.
    let given = clinic.document(&patient, Wish::all_to(&doctor));
    let put = PutBody { document: given.document.clone(), salt: given.salt };
    clinic.desk.ask::<consents::Put>(&patient.key, put.clone()).await;
    assert_eq!(clinic.desk.refused::<Read>(&doctor, body()).await, RefusalCode::NotAllowed);
    // Granted, with the document of another salt left.
    let grant = medrec_chain::acts::consents::Grant { patient: patient.key.address(), terms: given.terms };
    clinic.carry(&grant, &patient.key).await;
    assert_eq!(clinic.desk.reply::<Read>(&doctor, body()).await.status, 200);
    let erase = EraseBody { patient: patient.account, commitment: given.commitment };
    assert!(clinic.desk.ask::<consents::Erase>(&patient.key, erase.clone()).await.erased);
    assert_eq!(clinic.desk.refused::<Read>(&doctor, body()).await, RefusalCode::NotAllowed);
    assert!(!clinic.desk.ask::<consents::Erase>(&patient.key, erase).await.erased, "it is gone");
    let resealed = sealed(given.document);
    let other = PutBody { document: resealed.document, salt: resealed.salt };
    clinic.desk.ask::<consents::Put>(&patient.key, other).await;
    assert_eq!(clinic.desk.refused::<Read>(&doctor, body()).await, RefusalCode::NotAllowed, "another salt");
    clinic.desk.ask::<consents::Put>(&patient.key, put).await;
    assert_eq!(clinic.desk.reply::<Read>(&doctor, body()).await.status, 200, "its own document again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardians_document_is_taken_only_with_the_power_on_chain() {
    const POWER_GRANT: u8 = 2;
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let (guardian, doctor) = (clinic.enter("guardian").await, clinic.enter("doctor").await);
    let mut document = clinic.document(&patient, Wish::all_to(&doctor)).document;
    document.signer = from_chain(guardian.address());
    let given = sealed(document);
    let put = || PutBody { document: given.document.clone(), salt: given.salt };
    assert_eq!(clinic.desk.refused::<consents::Put>(&guardian, put()).await, RefusalCode::NotAllowed);
    // Another's signature under it is none, even the patient's.
    assert_ne!(clinic.desk.reply::<consents::Put>(&patient.key, put()).await.status, 200);
    let expiry_s = u32::try_from(now_s() + 86_400).unwrap();
    let appoint = Appoint { guardian: guardian.address(), powers: POWER_GRANT, start_s: 0, expiry_s };
    clinic.carry(&appoint, &patient.key).await;
    clinic.desk.ask::<consents::Put>(&guardian, put()).await;
    let grant = medrec_chain::acts::consents::Grant { patient: patient.key.address(), terms: given.terms };
    clinic.carry(&grant, &guardian).await;
    clinic.read(&doctor, &patient, Purpose::Treatment, Table::Condition).await;
    // The power to grant to others shows the guardian nothing.
    let body = reading(&patient, Purpose::Personal, Table::Condition);
    assert_eq!(clinic.desk.refused::<Read>(&guardian, body).await, RefusalCode::NotAllowed);
}
