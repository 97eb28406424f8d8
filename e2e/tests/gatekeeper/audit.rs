//! Every decision is in the log, the chain has its head, and a changed log is refused.

use std::path::Path;
use std::time::{Duration, Instant};

use medrec_domain::Purpose;
use medrec_domain::schema::Table;
use medrec_gatekeeper::Gatekeeper;
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::{from_chain, from_word, to_chain};
use medrec_protocol::methods::records::{Audit, AuditBody, Read};

use crate::clinic::{Clinic, Patient, Wish, reading};
use crate::desk::PATIENCE;

fn question(patient: &Patient) -> AuditBody {
    AuditBody { patient: patient.account, after: 0, limit: 1_000 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_sees_every_yes_and_no_about_her_and_nobody_else_does() {
    let mut clinic = Clinic::open().await;
    let (patient, other) = (clinic.patient(0).await, clinic.patient(1).await);
    let doctor = clinic.enter("doctor").await;
    let body = || reading(&patient, Purpose::Treatment, Table::Condition);
    assert_eq!(clinic.desk.refused::<Read>(&doctor, body()).await, RefusalCode::NotAllowed);
    clinic.grant(&patient, Wish::all_to(&doctor)).await;
    clinic.read(&doctor, &patient, Purpose::Treatment, Table::Condition).await;
    clinic.read(&clinic.staff, &patient, Purpose::Treatment, Table::Measurement).await;
    for stranger in [&doctor, &other.key] {
        assert_eq!(clinic.desk.refused::<Audit>(stranger, question(&patient)).await, RefusalCode::NotAllowed);
    }
    let answer = clinic.desk.ask::<Audit>(&patient.key, question(&patient)).await;
    assert!(answer.entries.iter().all(|entry| entry.patient == Some(patient.account)));
    let reads = answer.entries.iter().filter(|entry| entry.method == "records/read");
    let reads: Vec<_> = reads.map(|entry| (entry.actor, entry.is_allowed)).collect();
    let (doctor, staff) = (from_chain(doctor.address()), from_chain(clinic.staff.address()));
    assert_eq!(reads, [(doctor, false), (doctor, true), (staff, true)]);
    // What was decided stays across a restart, and is verified there.
    clinic.stop().await;
    clinic.start().await;
    let after = clinic.desk.ask::<Audit>(&patient.key, question(&patient)).await;
    assert_eq!(after.entries[..answer.entries.len()], answer.entries);
    assert!(after.length > answer.length);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_the_log_is_anchored_on_chain() {
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    clinic.stop().await;
    let mut options = clinic.options();
    options.anchor_interval = Duration::from_millis(200);
    clinic.start_with(options).await;
    let started = Instant::now();
    loop {
        clinic.read(&patient.key, &patient, Purpose::Personal, Table::Condition).await;
        clinic.ground.mine();
        let view = clinic.ground.view().await;
        let (head, length) =
            clinic.ground.contracts.at(&view).audit_head_of(to_chain(clinic.desk.provider)).await.unwrap();
        let answer = clinic.desk.ask::<Audit>(&patient.key, question(&patient)).await;
        // The entry after the anchored one holds the digest of the log up to there.
        let next = answer.entries.iter().find(|entry| length > 0 && entry.sequence == length + 1);
        if let Some(next) = next {
            assert_eq!(next.previous, from_word(head));
            break;
        }
        assert!(started.elapsed() < PATIENCE, "nothing is anchored; {length} entries on chain");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Replaces every occurrence of `old` in a file by as many other bytes.
fn replace(path: &Path, old: &[u8], new: &[u8]) -> usize {
    assert_eq!(old.len(), new.len());
    let mut bytes = std::fs::read(path).unwrap();
    let places: Vec<_> =
        bytes.windows(old.len()).enumerate().filter(|(_, window)| *window == old).map(|(at, _)| at).collect();
    for &at in &places {
        bytes[at..at + new.len()].copy_from_slice(new);
    }
    std::fs::write(path, bytes).unwrap();
    places.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_which_one_word_was_changed_is_refused_by_name() {
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    let body = reading(&patient, Purpose::Treatment, Table::Condition);
    clinic.desk.refused::<Read>(&doctor, body).await;
    clinic.read(&clinic.staff, &patient, Purpose::Treatment, Table::Condition).await;
    clinic.stop().await;
    // Somebody makes it look as if another one had asked.
    let word =
        |key: &alloy_signer_local::PrivateKeySigner| format!("\"actor\":\"{:?}\"", from_chain(key.address()));
    let changed = replace(
        &clinic.state.join("gatekeeper.redb"),
        word(&doctor).as_bytes(),
        word(&medrec_e2e::person("scapegoat")).as_bytes(),
    );
    assert!(changed > 0, "the log holds the doctor's question");
    let options = clinic.options();
    let opened = tokio::task::spawn_blocking(|| Gatekeeper::open(options).map(drop)).await.unwrap();
    let error = opened.unwrap_err().to_string();
    assert!(error.contains("gatekeeper.redb") && error.contains("audit log is damaged"), "{error}");
}
