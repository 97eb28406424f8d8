//! anvil as a process: found or installed, started on a free port, asked, stopped.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use medrec_chain::ClientOptions;
use medrec_transport::{Bounds, HttpClient, Question};
use serde_json::{Value, json};

/// The id of anvil's chain here.
pub(crate) const CHAIN_ID: u64 = 1337;
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// A running anvil; killed when it goes out of scope.
pub(crate) struct Anvil {
    child: Child,
    pub(crate) url: String,
    client: HttpClient,
}

impl Anvil {
    /// Starts one that makes a block for each transaction at once.
    pub(crate) fn automatic() -> Self {
        Self::start(&[])
    }

    /// Starts one that makes a block when it is told to.
    pub(crate) fn manual() -> Self {
        Self::start(&["--no-mining"])
    }

    fn start(arguments: &[&str]) -> Self {
        let chain_id = CHAIN_ID.to_string();
        let fixed = ["--port", "0", "--hardfork", "london", "--chain-id", &chain_id];
        let mut command = Command::new(binary());
        command.args(fixed).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", binary().display()));
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            // Read to the end, so that anvil never waits for a reader.
            for line in stdout.lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("Listening on ") {
                    let _ = sender.send(address.trim().to_owned());
                }
            }
        });
        let address = receiver.recv_timeout(START_TIMEOUT).expect("anvil says where it listens");
        let url = format!("http://{address}");
        let client = HttpClient::new(&url, START_TIMEOUT).unwrap();
        Self { child, url, client }
    }

    /// Options for a client of this node alone.
    pub(crate) fn options(&self) -> ClientOptions {
        ClientOptions::new([self.url.clone()], CHAIN_ID)
    }

    /// One call; an error of the node is a panic.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let bounds = Bounds { timeout: START_TIMEOUT, bytes: 64 << 20 };
        let answer = self.client.ask(Question::json(body), bounds).await.unwrap();
        let mut answer: Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].take()
    }

    /// Makes blocks of what waits in the pool.
    pub(crate) async fn mine(&self, blocks: u64) {
        self.call("anvil_mine", json!([format!("{blocks:#x}")])).await;
    }

    /// Replaces the newest blocks by empty ones.
    pub(crate) async fn reorg(&self, depth: u64) {
        self.call("anvil_reorg", json!([depth, []])).await;
    }

    /// The number of the newest block.
    pub(crate) async fn height(&self) -> u64 {
        let number = self.call("eth_blockNumber", json!([])).await;
        u64::from_str_radix(number.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, installed on first use.
fn binary() -> PathBuf {
    let given = std::env::var_os("MEDREC_ANVIL").map(PathBuf::from);
    let folder = given.unwrap_or_else(install);
    let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let path = format!("node_modules/@foundry-rs/anvil-{system}-{machine}/bin/anvil");
    let binary = folder.join(path);
    assert!(binary.is_file(), "{} is missing: was npm install run in that folder?", binary.display());
    binary
}

/// Installs what `tests/anvil/package.json` pins into the target folder, once for all test processes.
fn install() -> PathBuf {
    let pinned = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/anvil");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chain-anvil");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::File::create(folder.join("installing")).unwrap();
    lock.lock().unwrap();
    let wanted = std::fs::read(pinned.join("package.json")).unwrap();
    let stamp = folder.join("installed.json");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return folder;
    }
    std::fs::write(folder.join("package.json"), &wanted).unwrap();
    let arguments = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
    let status = Command::new("npm").args(arguments).current_dir(&folder).status();
    let status = status.unwrap_or_else(|error| panic!("npm: {error}; anvil needs node 20 and npm"));
    assert!(status.success(), "npm install failed: anvil needs node 20 and a package registry");
    std::fs::write(stamp, wanted).unwrap();
    folder
}
