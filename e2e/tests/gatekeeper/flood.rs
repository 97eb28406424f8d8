//! A flood of strangers: the log does not grow with it, and whoever is registered is served meanwhile.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use alloy_signer_local::PrivateKeySigner;
use medrec_domain::Purpose;
use medrec_domain::schema::Table;
use medrec_gatekeeper::Rate;
use medrec_protocol::RefusalCode;
use medrec_protocol::methods::notifications::{self, ListBody};
use medrec_protocol::methods::records::{Audit, AuditBody, Read};

use crate::clinic::{Clinic, Patient, Wish, reading};
use crate::desk::{Desk, PATIENCE, Reply, sign};

/// For how long it rains at least.
const FLOOD: Duration = Duration::from_secs(4);
/// How many have to be sent away at least, however slow the machine is.
const SENT_AWAY: usize = 40;

/// Asks as from behind a proxy that saw this address.
async fn from(desk: &Desk, address: &str, key: &PrivateKeySigner, patient: &Patient) -> Reply {
    let body = reading(patient, Purpose::Treatment, Table::Condition);
    let request = sign::<Read>(key, body, &desk.asking(key));
    let head = format!(
        "POST /v1/records/read HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nX-Forwarded-For: {address}",
        desk.address
    );
    desk.exchange(&head, &serde_json::to_vec(&request).unwrap()).await
}

/// Sends requests of ever new keys, and garbage, from one address until told to stop; what came back, by status.
async fn rain(
    desk: Desk,
    patient: Patient,
    stop: Arc<AtomicBool>,
    sent_away: Arc<AtomicUsize>,
) -> Vec<Reply> {
    let mut replies: Vec<Reply> = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let last = replies.len().checked_sub(2).and_then(|last| replies.get(last));
        sent_away.fetch_add(usize::from(last.is_some_and(|reply| reply.status == 429)), Ordering::SeqCst);
        replies.push(from(&desk, "203.0.113.66", &PrivateKeySigner::random(), &patient).await);
        replies.push(desk.post("records/read", b"{}").await);
    }
    replies
}

async fn length(clinic: &Clinic, patient: &Patient) -> u64 {
    let body = AuditBody { patient: patient.account, after: 0, limit: 10_000 };
    clinic.desk.ask::<Audit>(&patient.key, body).await.length
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_strangers_neither_fills_the_log_nor_keeps_anybody_from_the_desk() {
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    clinic.grant(&patient, Wish::all_to(&doctor)).await;
    // Registered, and never seen here before the flood.
    let nurse = clinic.enter("nurse").await;
    clinic.stop().await;
    let mut options = clinic.options();
    options.trusted_proxies = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    options.count_interval = Duration::from_millis(500);
    // Less than a slow machine asks in that time.
    options.limits.strangers.source = Rate { per_second: 1, burst: 10 };
    clinic.start_with(options).await;
    clinic.read(&doctor, &patient, Purpose::Treatment, Table::Condition).await;
    let file = clinic.state.join("gatekeeper.redb");
    let (entries, bytes) = (length(&clinic, &patient).await, std::fs::metadata(&file).unwrap().len());
    let stop = Arc::new(AtomicBool::new(false));
    let sent_away = Arc::new(AtomicUsize::new(0));
    let rains = (0..6).map(|_| {
        let (stop, sent_away) = (Arc::clone(&stop), Arc::clone(&sent_away));
        tokio::spawn(rain(clinic.desk, patient.clone(), stop, sent_away))
    });
    let rains: Vec<_> = rains.collect();
    let started = Instant::now();
    let mut served = 0;
    while started.elapsed() < FLOOD || sent_away.load(Ordering::SeqCst) < SENT_AWAY {
        assert!(started.elapsed() < PATIENCE, "only {sent_away:?} were sent away");
        // The doctor even from the flood's own address; the nurse, whom nobody knows yet, from her own.
        let reply = from(&clinic.desk, "203.0.113.66", &doctor, &patient).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let reply = from(&clinic.desk, "203.0.113.7", &nurse, &patient).await;
        assert_eq!(reply.refusal(), RefusalCode::NotAllowed, "she is known and has no grant");
        served += 2;
    }
    stop.store(true, Ordering::SeqCst);
    let mut replies = Vec::new();
    for rain in rains {
        replies.extend(rain.await.unwrap());
    }
    let limited: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
    let summary = || {
        let mut statuses = std::collections::BTreeMap::new();
        for reply in &replies {
            *statuses.entry(reply.status).or_insert(0) += 1;
        }
        format!("{statuses:?}")
    };
    assert!(limited.len() >= SENT_AWAY, "{}", summary());
    assert!(limited.iter().all(|reply| reply.refusal() == RefusalCode::TooManyRequests));
    assert!(limited.iter().all(|reply| reply.has_header("retry-after")));
    let decided = replies.iter().filter(|reply| reply.status == 403).count();
    let most = 11 + usize::try_from(started.elapsed().as_secs()).unwrap();
    assert!((1..=most).contains(&decided), "{decided} were looked at: {}", summary());
    // Her own reading of the log is in it too.
    let grown = length(&clinic, &patient).await - entries;
    let counts = u64::try_from(started.elapsed().as_millis() / 500 + 2).unwrap();
    assert!(grown >= served, "each decision about somebody who is registered is there: {grown} of {served}");
    assert!(
        grown <= served + counts + 2,
        "{grown} entries for {served} decisions and {} refusals",
        replies.len()
    );
    let grown = std::fs::metadata(&file).unwrap().len().saturating_sub(bytes);
    assert!(grown < 4 << 20, "{grown} bytes");
    // What was counted is in the chain of the log, which a start verifies.
    clinic.stop().await;
    let log = std::fs::read(&file).unwrap();
    let has = |words: &str| log.windows(words.len()).any(|window| window == words.as_bytes());
    assert!(has("\"method\":\"strangers\"") && has("refused since") && has("too-many-requests"));
    assert!(has("bad-request") && has("not-allowed"));
    clinic.start().await;
    clinic.read(&doctor, &patient, Purpose::Treatment, Table::Condition).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_wait_take_no_room_from_others() {
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    clinic.stop().await;
    let mut options = clinic.options();
    (options.limits.waiting, options.limits.strangers_at_once) = (4, 2);
    clinic.start_with(options).await;
    let waiting = || ListBody { after: 0, wait_s: 20 };
    let wait = |key: PrivateKeySigner| {
        let desk = clinic.desk;
        tokio::spawn(async move { desk.reply::<notifications::List>(&key, waiting()).await.status })
    };
    let strangers: Vec<_> = (0..12).map(|_| wait(PrivateKeySigner::random())).collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let refused = strangers.iter().filter(|stranger| stranger.is_finished()).count();
    assert_eq!(refused, 10, "two wait");
    let own = ListBody { after: 0, wait_s: 0 };
    assert_eq!(clinic.desk.reply::<notifications::List>(&patient.key, own).await.status, 200);
    for stranger in strangers {
        stranger.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_of_somebody_who_is_no_named_proxy_buys_nothing() {
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    clinic.stop().await;
    let mut options = clinic.options();
    options.limits.strangers.source.burst = 5;
    options.limits.strangers.source.per_second = 1;
    clinic.start_with(options).await;
    let mut limited = 0;
    for number in 0..40 {
        let address = format!("203.0.113.{number}");
        let reply = from(&clinic.desk, &address, &PrivateKeySigner::random(), &patient).await;
        limited += usize::from(reply.status == 429);
    }
    assert!(limited >= 20, "{limited}");
}
