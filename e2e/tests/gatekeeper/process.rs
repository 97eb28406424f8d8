//! A gatekeeper in a process of its own, which can be killed: from outside, or by itself before one of its steps.

use std::net::{SocketAddr, TcpListener as Port};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use medrec_chain::Contracts;
use medrec_e2e::funded;
use medrec_gatekeeper::Gatekeeper;
use tokio::net::{TcpListener, TcpStream};

use crate::clinic::{Clinic, options};
use crate::desk::PATIENCE;

/// Names what the process is told: the test that started it, started again with it, is the gatekeeper.
const TOLD: &str = "MEDREC_E2E_GATEKEEPER";

/// The process.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it on the clinic's folder and waits until it answers. `test` is the test that calls this.
    pub(crate) async fn start(clinic: &mut Clinic, test: &str) -> Self {
        Self::start_mortal(clinic, test, usize::MAX).await
    }

    /// As [`Self::start`]; it kills itself before it takes its step number `last`.
    pub(crate) async fn start_mortal(clinic: &mut Clinic, test: &str, last: usize) -> Self {
        let port = Port::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let contracts = serde_json::to_string(&clinic.ground.contracts).unwrap();
        let told =
            serde_json::json!([port, clinic.ground.url, contracts, clinic.state, clinic.records, last]);
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

    /// SIGKILL: nothing of it runs any more, and nothing was told to end. It may be dead already.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

static LAST: AtomicUsize = AtomicUsize::new(usize::MAX);
static SEEN: AtomicUsize = AtomicUsize::new(0);

/// Dies before the step at which it has to.
fn step(_: &str) {
    if SEEN.fetch_add(1, Ordering::SeqCst) + 1 == LAST.load(Ordering::SeqCst) {
        let itself = std::process::id().to_string();
        Command::new("kill").args(["-9", &itself]).status().unwrap();
        // The signal is on its way.
        std::thread::sleep(PATIENCE);
    }
}

/// Whether this is the process; then it has served, for ever.
pub(crate) async fn is_told_to_serve() -> bool {
    let Ok(told) = std::env::var(TOLD) else { return false };
    let (port, url, contracts, state, records, last): (SocketAddr, String, String, PathBuf, PathBuf, usize) =
        serde_json::from_str(&told).unwrap();
    LAST.store(last, Ordering::SeqCst);
    let contracts: Contracts = serde_json::from_str(&contracts).unwrap();
    let mut options = options(&url, contracts, &state, &funded(0), &records);
    options.step = step;
    let gatekeeper = tokio::task::spawn_blocking(|| Gatekeeper::open(options)).await.unwrap().unwrap();
    let listener = TcpListener::bind(port).await.unwrap();
    gatekeeper.serve(listener, std::future::pending()).await.unwrap();
    true
}
