//! A gatekeeper that is killed, again and again, right after it said yes: nothing that it acknowledged is lost.

use std::net::{SocketAddr, TcpListener as Port};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use alloy_primitives::hex;
use medrec_chain::Contracts;
use medrec_chain::acts::consents::Grant;
use medrec_domain::Purpose;
use medrec_domain::schema::Table;
use medrec_e2e::funded;
use medrec_gatekeeper::Gatekeeper;
use medrec_protocol::RefusalCode;
use medrec_protocol::methods::acts::{Relay, RelayBody};
use medrec_protocol::methods::consents::{List, ListBody, Put, PutBody};
use medrec_protocol::methods::provider::{Link, LinkBody};
use medrec_protocol::methods::records::{Audit, AuditBody, Read};
use tokio::net::{TcpListener, TcpStream};

use crate::clinic::{Clinic, Wish, newcomer, options, reading};
use crate::desk::PATIENCE;

/// Names what the process is told: this very test, started with it, is the gatekeeper.
const TOLD: &str = "MEDREC_E2E_GATEKEEPER";
/// How often it is killed after each kind of act.
const ROUNDS: u64 = 3;

/// The process.
struct Process(Child);

impl Process {
    /// Starts it on the clinic's folder and waits until it answers.
    async fn start(clinic: &mut Clinic) -> Self {
        let port = Port::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let contracts = serde_json::to_string(&clinic.ground.contracts).unwrap();
        let told = serde_json::json!([port, clinic.ground.url, contracts, clinic.state, clinic.records]);
        let test = "killed::nothing_that_was_acknowledged_is_lost_by_a_kill";
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(TOLD, told.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        clinic.desk.address = port;
        let process = Self(child);
        let started = Instant::now();
        while TcpStream::connect(port).await.is_err() {
            assert!(started.elapsed() < PATIENCE, "it does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        clinic.desk.next_second().await;
        process
    }

    /// SIGKILL: nothing of it runs any more, and nothing was told to end.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// What the process does, for ever.
async fn serve(told: &str) {
    let (port, url, contracts, state, records): (SocketAddr, String, String, PathBuf, PathBuf) =
        serde_json::from_str(told).unwrap();
    let contracts: Contracts = serde_json::from_str(&contracts).unwrap();
    let options = options(&url, contracts, &state, &funded(0), &records);
    let gatekeeper = tokio::task::spawn_blocking(|| Gatekeeper::open(options)).await.unwrap().unwrap();
    let listener = TcpListener::bind(port).await.unwrap();
    gatekeeper.serve(listener, std::future::pending()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_acknowledged_is_lost_by_a_kill() {
    if let Ok(told) = std::env::var(TOLD) {
        serve(&told).await;
        return;
    }
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    clinic.stop().await;
    let mut length = 0;
    for round in 1..=ROUNDS {
        // A link.
        let process = Process::start(&mut clinic).await;
        let guest = newcomer(round);
        let link = LinkBody { account: guest.account, source_id: guest.source_id.clone() };
        clinic.desk.ask::<Link>(&clinic.staff, link.clone()).await;
        process.kill();
        let process = Process::start(&mut clinic).await;
        let other = LinkBody { account: newcomer(20).account, ..link };
        assert_eq!(clinic.desk.refused::<Link>(&clinic.staff, other).await, RefusalCode::Conflict);
        // A document.
        let given = clinic.document(&patient, Wish::all_to(&doctor));
        let put = PutBody { document: given.document.clone(), salt: given.salt };
        clinic.desk.ask::<Put>(&patient.key, put).await;
        process.kill();
        let process = Process::start(&mut clinic).await;
        let list = clinic.desk.ask::<List>(&patient.key, ListBody { patient: patient.account }).await;
        assert!(list.documents.iter().any(|stored| stored.commitment == given.commitment), "round {round}");
        // A carried act, that no block has yet.
        let grant = Grant { patient: patient.key.address(), terms: given.terms };
        let call = clinic.ground.signed(&grant, &patient.key).await;
        let body = RelayBody { contract: "Consents".to_owned(), calldata: hex::encode_prefixed(&call.data) };
        let key = clinic.desk.ask::<Relay>(&patient.key, body).await.key;
        process.kill();
        let process = Process::start(&mut clinic).await;
        clinic.included(&clinic.desk, &patient.key, key).await;
        // An answer: its line in the log was there before it.
        let question = reading(&patient, Purpose::Treatment, Table::Condition);
        clinic.desk.ask::<Read>(&doctor, question).await;
        process.kill();
        let process = Process::start(&mut clinic).await;
        let question = AuditBody { patient: patient.account, after: length, limit: 10_000 };
        let log = clinic.desk.ask::<Audit>(&patient.key, question).await;
        let reads = log.entries.iter().filter(|entry| entry.method == "records/read" && entry.is_allowed);
        assert_eq!(reads.count(), 1, "round {round}");
        length = log.length;
        process.kill();
    }
}
