//! Who is told what, once: through restarts and re-organisations, and nobody about somebody else.

use std::time::{Duration, Instant};

use alloy_signer_local::PrivateKeySigner;
use medrec_chain::acts::consents::Revoke;
use medrec_domain::Purpose;
use medrec_domain::schema::Table;
use medrec_protocol::Method as _;
use medrec_protocol::methods::notifications::{
    List, ListBody, Notification, NotificationEvent, Stream, StreamBody,
};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::clinic::{Clinic, Wish};
use crate::desk::{PATIENCE, sign};

/// Everything that somebody was told so far.
async fn told(clinic: &Clinic, key: &PrivateKeySigner) -> Vec<Notification> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = clinic.desk.ask::<List>(key, ListBody { after, wait_s: 0 }).await.notifications;
        let Some(last) = page.last() else { return all };
        after = last.sequence;
        all.extend(page);
    }
}

/// Makes blocks until somebody was told of an event; then all that was told.
async fn until_told(
    clinic: &Clinic,
    key: &PrivateKeySigner,
    wanted: &NotificationEvent,
) -> Vec<Notification> {
    let started = Instant::now();
    loop {
        let all = told(clinic, key).await;
        if all.iter().any(|notification| notification.event == *wanted) {
            return all;
        }
        assert!(started.elapsed() < PATIENCE, "{wanted:?} is not among {all:?}");
        clinic.ground.mine();
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

fn count(all: &[Notification], wanted: &NotificationEvent) -> usize {
    all.iter().filter(|notification| notification.event == *wanted).count()
}

fn assert_in_order(all: &[Notification]) {
    assert!(all.windows(2).all(|pair| pair[0].sequence < pair[1].sequence), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_told_exactly_once_through_restarts_and_re_organisations() {
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    let before = clinic.ground.head();
    let given = clinic.grant(&patient, Wish::all_to(&doctor)).await;
    let commitment = given.commitment;
    let granted = NotificationEvent::Granted { patient: patient.account, commitment };
    let all = until_told(&clinic, &patient.key, &granted).await;
    assert_eq!(count(&all, &granted), 1);
    assert_in_order(&all);
    // Stopped and started: nothing is told again, and nothing is lost.
    clinic.stop().await;
    clinic.ground.mine();
    clinic.start().await;
    for _ in 0..5 {
        clinic.ground.mine();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(told(&clinic, &patient.key).await, all);
    // A branch without the grant, longer than the chain: the outbox sends it again, in another block.
    let depth = usize::try_from(clinic.ground.head().number() - before.number()).unwrap();
    clinic.ground.branch(&before, depth + 2);
    assert_eq!(clinic.ground.head().number(), before.number() + u64::try_from(depth).unwrap() + 2);
    let revoke = Revoke { patient: patient.key.address(), terms: given.terms };
    let started = Instant::now();
    loop {
        let view = clinic.ground.view().await;
        let reader = clinic.ground.contracts.at(&view);
        if reader.is_in_force(patient.key.address(), given.terms).await.unwrap() {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "the grant does not come back");
        clinic.ground.mine();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    clinic.carry(&revoke, &patient.key).await;
    let revoked = NotificationEvent::Revoked { patient: patient.account, commitment };
    let all = until_told(&clinic, &patient.key, &revoked).await;
    assert_eq!((count(&all, &granted), count(&all, &revoked)), (1, 1), "{all:?}");
    assert_in_order(&all);
}

#[tokio::test(flavor = "multi_thread")]
async fn g9_a_patient_is_told_who_read_her_record_and_nobody_is_told_of_others() {
    let clinic = Clinic::open().await;
    let (patient, other) = (clinic.patient(0).await, clinic.patient(1).await);
    let doctor = clinic.enter("doctor").await;
    clinic.grant(&patient, Wish::all_to(&doctor)).await;
    clinic.read(&doctor, &patient, Purpose::Treatment, Table::Condition).await;
    let reader = medrec_protocol::bridge::from_chain(doctor.address());
    let read = NotificationEvent::RecordRead { patient: patient.account, reader };
    let all = until_told(&clinic, &patient.key, &read).await;
    assert_eq!(count(&all, &read), 1);
    // G9: a filter by a wrong key returned everything.
    let name = |notification: &Notification| format!("{:?}", notification.event);
    let stranger = medrec_e2e::person("stranger");
    for key in [&other.key, &stranger] {
        let theirs = told(&clinic, key).await;
        let account = format!("{:?}", patient.account);
        assert!(theirs.iter().all(|notification| !name(notification).contains(&account)), "{theirs:?}");
    }
    assert!(told(&clinic, &stranger).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_client_and_a_stream_are_told_when_it_happens() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    let given = clinic.grant(&patient, Wish::all_to(&doctor)).await;
    let granted = NotificationEvent::Granted { patient: patient.account, commitment: given.commitment };
    let all = until_told(&clinic, &patient.key, &granted).await;
    let after = all.last().unwrap().sequence;
    // Nothing is new: an empty answer after the time, not before.
    let started = Instant::now();
    let empty = clinic.desk.ask::<List>(&patient.key, ListBody { after, wait_s: 1 }).await;
    assert!(empty.notifications.is_empty() && started.elapsed() >= Duration::from_millis(900));
    // A stream that starts at the beginning repeats what was told, by its sequence numbers, and goes on.
    let request = sign::<Stream>(&patient.key, StreamBody { after: 0 }, &clinic.desk.asking(&patient.key));
    let body = serde_json::to_vec(&request).unwrap();
    let mut stream = TcpStream::connect(clinic.desk.address).await.unwrap();
    let head = format!(
        "POST /v1/{} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        Stream::NAME,
        clinic.desk.address,
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut ids = Vec::new();
    let seen = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(id) = line.strip_prefix("id:") {
                ids.push(id.trim().parse::<u64>().unwrap());
                if ids.len() == all.len() {
                    clinic.read(&doctor, &patient, Purpose::Treatment, Table::Condition).await;
                }
            }
            if line.contains("record-read") {
                return;
            }
        }
        panic!("the stream ended");
    };
    tokio::time::timeout(PATIENCE, seen).await.expect("the reading is told within a minute");
    let expected: Vec<_> = all.iter().map(|notification| notification.sequence).collect();
    assert_eq!(ids[..expected.len()], expected);
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
}
