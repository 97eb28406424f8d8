//! Defects that MedRec's own second version had, each tried on ours.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use alloy_primitives::{hex, keccak256};
use medrec_chain::acts::registrar::{KeyAcceptance, KeyRotation};
use medrec_contracts::Registrar;
use medrec_datasets::synth::{SynthFormat, run, source_id};
use medrec_datasets::{DatabaseUrl, Location, SqlMapping};
use medrec_domain::Purpose;
use medrec_domain::identifier::ChainId;
use medrec_domain::schema::Table;
use medrec_e2e::{funded, now_s, person};
use medrec_gatekeeper::Gatekeeper;
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::from_chain;
use medrec_protocol::methods::acts::{Relay, RelayBody};
use medrec_protocol::methods::consents::{self, PutBody};
use medrec_protocol::methods::provider::{Invite, InviteBody, Link, LinkBody, Unlink, UnlinkBody};
use medrec_protocol::methods::records::Read;
use tokio::net::TcpListener;

use crate::clinic::{Clinic, Patient, Wish, newcomer, options, population, reading, sealed};
use crate::desk::{Desk, sign};
use crate::truth::texts;

#[tokio::test(flavor = "multi_thread")]
async fn g1_words_of_sql_are_ids_of_nobody() {
    let mut clinic = Clinic::open().await;
    clinic.stop().await;
    let folder = clinic.ground.folder.path().join("sqlite");
    let filled = folder.clone();
    // The writer drives a runtime of its own.
    tokio::task::spawn_blocking(move || run(&population(SynthFormat::Sqlite), &filled, &()))
        .await
        .unwrap()
        .unwrap();
    let mapping = std::fs::read_to_string(folder.join("clinic.toml")).unwrap();
    let url = DatabaseUrl::parse(&format!("sqlite:{}", folder.join("clinic.sqlite").display())).unwrap();
    let mut options = clinic.options();
    options.folder = clinic.ground.folder.path().join("second state");
    let mapping = Box::new(SqlMapping::parse("clinic.toml", &mapping).unwrap());
    options.records = Location::Database { url, mapping };
    clinic.start_with(options).await;
    let real = source_id(&population(SynthFormat::Sqlite), 3).unwrap();
    let account = newcomer(0).account;
    let tricks = [
        "x' OR '1'='1".to_owned(),
        format!("{real}' --"),
        format!("{real}'; DROP TABLE patients; --"),
        format!("{real}\0"),
        "%".to_owned(),
        String::new(),
    ];
    for trick in tricks {
        let body = LinkBody { account, source_id: trick.clone() };
        let code = clinic.desk.refused::<Link>(&clinic.staff, body).await;
        assert!(matches!(code, RefusalCode::Unknown | RefusalCode::BadRequest), "{trick:?}: {code:?}");
    }
    // The database is as it was, and the real id finds its rows.
    let patient = Patient { source_id: real.clone(), ..newcomer(0) };
    clinic.desk.ask::<Invite>(&clinic.staff, InviteBody { account }).await;
    clinic.desk.ask::<Link>(&clinic.staff, LinkBody { account, source_id: real }).await;
    let provider = clinic.staff.address();
    let onboard =
        medrec_chain::acts::relationships::Onboard { provider, identity_commitment: keccak256("identity") };
    clinic.carry(&onboard, &patient.key).await;
    let answer = clinic.read(&patient.key, &patient, Purpose::Personal, Table::Person).await;
    assert_eq!(answer.rows.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_wrong_ids_and_times_are_refused_when_they_come() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = person("doctor");
    let good = clinic.document(&patient, Wish::all_to(&doctor)).document;
    let mut wrong = vec![good.clone(); 7];
    wrong[0].chain_id = ChainId(1);
    wrong[1].provider = from_chain(funded(1).address());
    wrong[2].patient = newcomer(9).account;
    wrong[3].signer = from_chain(doctor.address());
    wrong[4].start_s = (now_s() + 60) * 1_000;
    wrong[4].expiry_s = (now_s() + 86_400) * 1_000;
    wrong[5].start_s = wrong[5].expiry_s;
    wrong[6].version = 2;
    for (index, document) in wrong.into_iter().enumerate() {
        let body = PutBody { document, salt: medrec_protocol::Hexadecimal([9; 32]) };
        let code = clinic.desk.refused::<consents::Put>(&patient.key, body).await;
        assert!(
            matches!(code, RefusalCode::BadRequest | RefusalCode::NotAllowed | RefusalCode::Unknown),
            "change {index}: {code:?}"
        );
    }
    let body = LinkBody { account: newcomer(9).account, source_id: "nobody".to_owned() };
    assert_eq!(clinic.desk.refused::<Link>(&clinic.staff, body).await, RefusalCode::Unknown);
    let given = sealed(good);
    clinic
        .desk
        .ask::<consents::Put>(&patient.key, PutBody { document: given.document, salt: given.salt })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_the_chain_does_not_tell_who_may_see() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    let first = clinic.ground.head().number() + 1;
    clinic.grant(&patient, Wish::all_to(&doctor)).await;
    clinic.read(&doctor, &patient, Purpose::Treatment, Table::Condition).await;
    clinic.ground.mine();
    let mut head = clinic.ground.head();
    let mut transactions = 0;
    while head.number() >= first {
        let text = format!("{:?}", head.block.body).to_lowercase();
        transactions += usize::from(text.contains(&hex::encode(patient.key.address())));
        assert!(!text.contains(&hex::encode(doctor.address())), "block {}", head.number());
        head = clinic.ground.parent(&head);
    }
    assert!(transactions > 0, "the grant itself was looked at");
}

#[tokio::test(flavor = "multi_thread")]
async fn g8_a_rotated_key_keeps_the_record_and_the_old_one_opens_nothing() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    clinic.grant(&patient, Wish::all_to(&doctor)).await;
    let before = clinic.read(&patient.key, &patient, Purpose::Personal, Table::Condition).await;
    let fresh = person("patient 0 with a new key");
    let (account, new_key) = (patient.key.address(), fresh.address());
    let deadline_s = clinic.ground.time_s() + 86_400;
    let contracts = clinic.ground.contracts;
    let view = clinic.ground.view().await;
    let nonce = contracts.at(&view).nonce(medrec_chain::Contract::Registrar, account).await.unwrap();
    let rotation = KeyRotation { account, new_key };
    let of_old = contracts.authorise(&rotation, &patient.key, nonce, deadline_s).await.unwrap();
    let acceptance = KeyAcceptance { account };
    let zero = alloy_primitives::U256::ZERO;
    let of_new = contracts.authorise(&acceptance, &fresh, zero, deadline_s).await.unwrap();
    let call = Registrar::rotateKeyBySigCall { ofOldKey: (&of_old).into(), ofNewKey: (&of_new).into() };
    let body = RelayBody {
        contract: "Registrar".to_owned(),
        calldata: hex::encode_prefixed(contracts.act(&call).data),
    };
    let key = clinic.desk.ask::<Relay>(&patient.key, body).await.key;
    clinic.included(&clinic.desk, &patient.key, key).await;
    let body = || reading(&patient, Purpose::Personal, Table::Condition);
    assert_eq!(clinic.desk.refused::<Read>(&patient.key, body()).await, RefusalCode::NotAllowed);
    let after = clinic.read(&fresh, &patient, Purpose::Personal, Table::Condition).await;
    assert_eq!(after.rows, before.rows);
    // What the old key granted is void until it is given again.
    let body = reading(&patient, Purpose::Treatment, Table::Condition);
    assert_eq!(clinic.desk.refused::<Read>(&doctor, body).await, RefusalCode::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn g10_foreign_pages_and_names_get_nothing_and_secrets_are_their_owners_alone() {
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let request = sign::<Read>(
        &patient.key,
        reading(&patient, Purpose::Personal, Table::Person),
        &clinic.desk.asking(&patient.key),
    );
    let bytes = serde_json::to_vec(&request).unwrap();
    let post = "POST /v1/records/read HTTP/1.1\r\nContent-Type: application/json\r\n";
    let host = format!("Host: {}", clinic.desk.address);
    for more in [
        format!("{host}\r\nOrigin: https://evil.example"),
        format!("{host}\r\nOrigin: null"),
        "Host: evil.example".to_owned(),
        "Host: 127.0.0.1.evil.example".to_owned(),
    ] {
        let reply = clinic.desk.exchange(&format!("{post}{more}"), &bytes).await;
        assert_eq!(reply.status, 403, "{more}");
        assert!(!reply.has_header("access-control-allow-origin"), "{more}: {}", reply.head);
    }
    let reply = clinic.desk.exchange(&format!("{post}{host}"), &bytes).await;
    assert_eq!(reply.status, 200, "none of those used the request up");
    assert!(!reply.has_header("access-control-allow-origin"));
    clinic.stop().await;
    let mut named = clinic.options();
    named.origins = vec!["https://portal.example".to_owned()];
    clinic.start_with(named).await;
    let request = sign::<Read>(
        &patient.key,
        reading(&patient, Purpose::Personal, Table::Person),
        &clinic.desk.asking(&patient.key),
    );
    let host = format!("Host: {}", clinic.desk.address);
    let head = format!("{post}{host}\r\nOrigin: https://portal.example");
    let reply = clinic.desk.exchange(&head, &serde_json::to_vec(&request).unwrap()).await;
    assert_eq!(reply.status, 200);
    assert!(reply.head.contains("https://portal.example"), "{}", reply.head);
    clinic.stop().await;
    assert_private(&clinic.state);
}

/// Folders can be entered, and files read, by their owner alone; below a private folder files may be as they are.
fn assert_private(folder: &Path) {
    let mode = std::fs::metadata(folder).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700, "{}", folder.display());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_secret = path.extension().is_some_and(|kind| kind == "key" || kind == "redb");
        if is_secret {
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g11_every_provider_answers_for_its_own_records_at_its_own_address() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    // Another provider with other records, on a port of its own.
    let staff = funded(1);
    let records = clinic.ground.folder.path().join("records of the other");
    let mut other = population(SynthFormat::SyntheaCsv);
    other.seed += 1;
    run(&other, &records, &()).unwrap();
    let state = clinic.ground.folder.path().join("state of the other");
    let options = options(&clinic.ground.url, clinic.ground.contracts, &state, &staff, &records);
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let desk = Desk { address: listener.local_addr().unwrap(), provider: from_chain(staff.address()) };
    let gatekeeper = tokio::task::spawn_blocking(|| Gatekeeper::open(options)).await.unwrap().unwrap();
    let served = tokio::spawn(gatekeeper.serve(listener, std::future::pending()));
    desk.next_second().await;
    // The patient's account at the first provider is nobody at the second, whoever's gatekeeper is asked.
    let body = || reading(&patient, Purpose::Personal, Table::Condition);
    assert_eq!(desk.refused::<Read>(&patient.key, body()).await, RefusalCode::NotAllowed);
    let meant_for_first = sign::<Read>(&patient.key, body(), &clinic.desk.asking(&patient.key));
    assert_eq!(desk.send::<Read>(&meant_for_first).await.refusal(), RefusalCode::BadSignature);
    assert_eq!(clinic.desk.send::<Read>(&meant_for_first).await.status, 200);
    // With a relationship at both she has two records, and each provider gives its own.
    let second = Patient { key: person("at the other"), ..patient.clone() };
    let account = from_chain(second.key.address());
    let second = Patient { account, source_id: source_id(&other, 5).unwrap(), ..second };
    desk.ask::<Invite>(&staff, InviteBody { account }).await;
    desk.ask::<Link>(&staff, LinkBody { account, source_id: second.source_id.clone() }).await;
    let onboard = medrec_chain::acts::relationships::Onboard {
        provider: staff.address(),
        identity_commitment: keccak256("identity there"),
    };
    let call = clinic.ground.signed(&onboard, &second.key).await;
    let body = RelayBody { contract: "Relationships".to_owned(), calldata: hex::encode_prefixed(&call.data) };
    let key = desk.ask::<Relay>(&second.key, body).await.key;
    clinic.included(&desk, &second.key, key).await;
    let there = reading(&second, Purpose::Personal, Table::Condition);
    let there = desk.ask::<Read>(&second.key, there).await;
    let mut expected: Vec<_> =
        crate::truth::rows_of(&records, "conditions.csv", &second.source_id, &["CODE"])
            .into_iter()
            .flatten()
            .collect();
    expected.sort();
    assert_eq!(texts(&there, "code"), expected);
    served.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlinked_patient_has_no_record_here() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    clinic.read(&patient.key, &patient, Purpose::Personal, Table::Condition).await;
    clinic.desk.ask::<Unlink>(&clinic.staff, UnlinkBody { account: patient.account }).await;
    let body = reading(&patient, Purpose::Personal, Table::Condition);
    assert_ne!(clinic.desk.reply::<Read>(&patient.key, body).await.status, 200);
}
