//! Requests that are not what they say: every one is refused, by its code, and nothing of it is done.

use medrec_domain::Purpose;
use medrec_domain::identifier::Address;
use medrec_domain::schema::Table;
use medrec_e2e::{CHAIN, now_s, person};
use medrec_protocol::bridge::from_chain;
use medrec_protocol::methods::provider::{Link, LinkBody};
use medrec_protocol::methods::records::{Audit, AuditBody, Read, ReadBody};
use medrec_protocol::{Asking, Hexadecimal, Method, RefusalCode, Signed};

use crate::clinic::{Clinic, newcomer, reading};
use crate::desk::sign;

#[tokio::test(flavor = "multi_thread")]
async fn g3_g4_forged_altered_replayed_stale_and_misdirected_requests_are_refused() {
    let clinic = Clinic::open().await;
    let (patient, other) = (clinic.patient(0).await, clinic.patient(1).await);
    let body = || reading(&patient, Purpose::Personal, Table::Condition);
    let asking = || clinic.desk.asking(&patient.key);
    let good = sign::<Read>(&patient.key, body(), &asking());
    assert_eq!(clinic.desk.send::<Read>(&good).await.status, 200);
    // The very same bytes a second time.
    assert_eq!(clinic.desk.send::<Read>(&good).await.refusal(), RefusalCode::Replayed);
    // Signed by another key than it says, and said to be by another key than signed.
    let forged = Signed {
        signer: patient.account,
        ..sign::<Read>(&other.key, body(), &clinic.desk.asking(&other.key))
    };
    assert_eq!(clinic.desk.send::<Read>(&forged).await.refusal(), RefusalCode::BadSignature);
    let zero = Signed { signature: Hexadecimal([0; 65]), ..sign::<Read>(&patient.key, body(), &asking()) };
    assert_eq!(clinic.desk.send::<Read>(&zero).await.refusal(), RefusalCode::BadSignature);
    // Every argument is covered.
    let changes: [fn(&mut ReadBody, Address); 5] = [
        |body, other| body.patient = other,
        |body, _| body.table = Table::Person,
        |body, _| body.purpose = Purpose::Treatment,
        |body, _| body.columns = Some(vec!["code".to_owned()]),
        |body, _| body.limit = 1,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut altered = sign::<Read>(&patient.key, body(), &asking());
        change(&mut altered.body, other.account);
        let code = clinic.desk.send::<Read>(&altered).await.refusal();
        assert_eq!(code, RefusalCode::BadSignature, "change {index}");
    }
    // For another provider, on another chain.
    let elsewhere = Asking { audience: other.account, ..asking() };
    let elsewhere = sign::<Read>(&patient.key, body(), &elsewhere);
    assert_eq!(clinic.desk.send::<Read>(&elsewhere).await.refusal(), RefusalCode::BadSignature);
    let foreign = sign::<Read>(&patient.key, body(), &Asking { chain_id: CHAIN + 1, ..asking() });
    assert_eq!(clinic.desk.send::<Read>(&foreign).await.refusal(), RefusalCode::BadSignature);
    // The signature of one method under the path of another.
    let audit = AuditBody { patient: patient.account, after: 0, limit: 10 };
    let signed = sign::<Audit>(&patient.key, audit, &asking());
    let reply = clinic.desk.post(Read::NAME, &serde_json::to_vec(&signed).unwrap()).await;
    assert_eq!(reply.refusal(), RefusalCode::BadRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_a_request_is_good_now_for_minutes_and_not_across_a_restart() {
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let body = || reading(&patient, Purpose::Personal, Table::Condition);
    let now = now_s();
    let times = [
        // Expired a second ago; made in the future; good for an hour; from before the gatekeeper started.
        (now - 100, now - 1),
        (now + 60, now + 120),
        (now, now + 3_600),
        (now - 250, now + 40),
    ];
    for (issued_s, expiry_s) in times {
        let asking = Asking { issued_s, expiry_s, ..clinic.desk.asking(&patient.key) };
        let reply = clinic.desk.send::<Read>(&sign::<Read>(&patient.key, body(), &asking)).await;
        assert_eq!(reply.refusal(), RefusalCode::Expired, "from {} until {}", issued_s - now, expiry_s - now);
    }
    let used = sign::<Read>(&patient.key, body(), &clinic.desk.asking(&patient.key));
    assert_eq!(clinic.desk.send::<Read>(&used).await.status, 200);
    clinic.stop().await;
    clinic.start().await;
    // Nonces live in memory; what was signed before the start is refused for that alone.
    assert_eq!(clinic.desk.send::<Read>(&used).await.refusal(), RefusalCode::Expired);
    clinic.read(&patient.key, &patient, Purpose::Personal, Table::Condition).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g12_no_request_ends_the_server() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let good = sign::<Read>(
        &patient.key,
        reading(&patient, Purpose::Personal, Table::Condition),
        &clinic.desk.asking(&patient.key),
    );
    let text = serde_json::to_string(&good).unwrap();
    let deep = "[".repeat(20_000);
    let bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"null".to_vec(),
        b"{}".to_vec(),
        b"{\"body\":{}}".to_vec(),
        vec![0xff; 1_000],
        deep.into_bytes(),
        text.replace("condition", "no-such-table").into_bytes(),
        text.replace("\"limit\":10000", "\"limit\":-1").into_bytes(),
        text.replace("\"after\":0", "\"after\":1e400").into_bytes(),
        text.as_bytes()[..text.len() / 2].to_vec(),
        text.replacen('{', "{\"extra\":1,", 1).into_bytes(),
    ];
    for method in medrec_protocol::methods::NAMES {
        for body in &bodies {
            let code = clinic.desk.post(method, body).await.refusal();
            assert_eq!(code, RefusalCode::BadRequest, "{method}: {}", String::from_utf8_lossy(body));
        }
    }
    // What is too large is refused by its announced length, before any of it came.
    let head = format!(
        "POST /v1/records/read HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json",
        clinic.desk.address
    );
    let reply = clinic.desk.announce(&head, b"", 1 << 40).await;
    assert_eq!(reply.refusal(), RefusalCode::TooLarge);
    assert_eq!(clinic.desk.post("records/write", b"{}").await.status, 404);
    // Numbers at their ends, rightly signed, are answered or refused in order.
    for (after, limit) in [(u64::MAX >> 11, 1), (0, 0), (0, u32::MAX), (1_000_000, u32::MAX)] {
        let body = ReadBody { after, limit, ..reading(&patient, Purpose::Personal, Table::Condition) };
        let reply = clinic.desk.reply::<Read>(&patient.key, body).await;
        assert!(matches!(reply.status, 200 | 400), "{after}, {limit}: {}", reply.status);
    }
    let columns = Some(vec!["no such column".to_owned(), String::new()]);
    let body = ReadBody { columns, ..reading(&patient, Purpose::Personal, Table::Condition) };
    let reply = clinic.desk.reply::<Read>(&patient.key, body).await;
    assert!(matches!(reply.status, 200 | 400 | 403), "{}", reply.status);
    assert_eq!(clinic.desk.send::<Read>(&good).await.status, 200, "and it still answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_the_providers_is_refused_to_everybody_else() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let victim = newcomer(1);
    let body = LinkBody { account: patient.account, source_id: victim.source_id.clone() };
    for signer in [&patient.key, &person("stranger"), &medrec_e2e::funded(1)] {
        let code = clinic.desk.refused::<Link>(signer, body.clone()).await;
        assert_eq!(code, RefusalCode::NotAllowed, "{}", from_chain(signer.address()));
    }
    // Nor is a link that stands moved to another record, or a record to another account.
    assert_eq!(clinic.desk.refused::<Link>(&clinic.staff, body).await, RefusalCode::Conflict);
    let second = LinkBody { account: victim.account, source_id: patient.source_id.clone() };
    assert_eq!(clinic.desk.refused::<Link>(&clinic.staff, second).await, RefusalCode::Conflict);
}
