//! A gatekeeper that is killed, again and again, right after it said yes: nothing that it acknowledged is lost.

use alloy_primitives::hex;
use medrec_chain::acts::consents::Grant;
use medrec_domain::Purpose;
use medrec_domain::schema::Table;
use medrec_protocol::RefusalCode;
use medrec_protocol::methods::acts::{Relay, RelayBody};
use medrec_protocol::methods::consents::{List, ListBody, Put, PutBody};
use medrec_protocol::methods::provider::{Link, LinkBody};
use medrec_protocol::methods::records::{Audit, AuditBody, Read};

use crate::clinic::{Clinic, Wish, newcomer, reading};
use crate::process::{self, Process};

const TEST: &str = "killed::nothing_that_was_acknowledged_is_lost_by_a_kill";
/// How often it is killed after each kind of act.
const ROUNDS: u64 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_acknowledged_is_lost_by_a_kill() {
    if process::is_told_to_serve().await {
        return;
    }
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    clinic.stop().await;
    let mut length = 0;
    for round in 1..=ROUNDS {
        // A link.
        let process = Process::start(&mut clinic, TEST).await;
        let guest = newcomer(round);
        let link = LinkBody { account: guest.account, source_id: guest.source_id.clone() };
        clinic.desk.ask::<Link>(&clinic.staff, link.clone()).await;
        process.kill();
        let process = Process::start(&mut clinic, TEST).await;
        let other = LinkBody { account: newcomer(20).account, ..link };
        assert_eq!(clinic.desk.refused::<Link>(&clinic.staff, other).await, RefusalCode::Conflict);
        // A document.
        let given = clinic.document(&patient, Wish::all_to(&doctor));
        let put = PutBody { document: given.document.clone(), salt: given.salt };
        clinic.desk.ask::<Put>(&patient.key, put).await;
        process.kill();
        let process = Process::start(&mut clinic, TEST).await;
        let list = clinic.desk.ask::<List>(&patient.key, ListBody { patient: patient.account }).await;
        assert!(list.documents.iter().any(|stored| stored.commitment == given.commitment), "round {round}");
        // A carried act, that no block has yet.
        let grant = Grant { patient: patient.key.address(), terms: given.terms };
        let call = clinic.ground.signed(&grant, &patient.key).await;
        let body = RelayBody { contract: "Consents".to_owned(), calldata: hex::encode_prefixed(&call.data) };
        let key = clinic.desk.ask::<Relay>(&patient.key, body).await.key;
        process.kill();
        let process = Process::start(&mut clinic, TEST).await;
        clinic.included(&clinic.desk, &patient.key, key).await;
        // An answer: its line in the log was there before it.
        let question = reading(&patient, Purpose::Treatment, Table::Condition);
        clinic.desk.ask::<Read>(&doctor, question).await;
        process.kill();
        let process = Process::start(&mut clinic, TEST).await;
        let question = AuditBody { patient: patient.account, after: length, limit: 10_000 };
        let log = clinic.desk.ask::<Audit>(&patient.key, question).await;
        let reads = log.entries.iter().filter(|entry| entry.method == "records/read" && entry.is_allowed);
        assert_eq!(reads.count(), 1, "round {round}");
        length = log.length;
        process.kill();
    }
}
