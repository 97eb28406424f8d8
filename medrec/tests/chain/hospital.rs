//! A hospital as its operator runs it: a chain, a network deployed by commands, records, a gatekeeper, people with keystores.
//! Every part is a process of its own.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::preload::{self, Fault};
use crate::process::{PATIENCE, Running, json_of, medrec, text};

const WORDS: &str = "test test test test test test test test test test test junk";
/// The hospital's name on the chain.
pub(crate) const NAME: &str = "general-hospital";
/// Days on which the records' events lie.
pub(crate) const WINDOW: [&str; 4] = ["--from", "2020-01-01", "--until", "2025-01-01"];

/// The hospital.
pub(crate) struct Hospital {
    folder: TempDir,
    pub(crate) node: Option<Running>,
    /// Where the node is reached, also by later processes.
    pub(crate) url: String,
    /// Where the gatekeeper is reached.
    pub(crate) endpoint: String,
    /// Faults of the gatekeepers that are started.
    pub(crate) fault: Fault,
    /// Seconds by which the clock of everything that is started from now on is ahead.
    pub(crate) ahead_s: u64,
    /// The researcher's account, which the node's blocks pay.
    pub(crate) lab: String,
}

impl Hospital {
    /// Starts a chain, deploys the network, admits a researcher, and writes records and configuration. No gatekeeper runs yet.
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("words"), WORDS).unwrap();
        let fault = Fault::new(folder.path().join("fault"));
        let port = |name: &str| {
            let free = TcpListener::bind("127.0.0.1:0").expect(name).local_addr().unwrap();
            format!("http://{free}")
        };
        let (url, endpoint) = (port("the node"), port("the gatekeeper"));
        let mut hospital = Self { folder, node: None, url, endpoint, fault, ahead_s: 0, lab: String::new() };
        hospital.keys("hospital", &["provider", "keys", "restore", "--words-file", "words"]);
        hospital.keys("lab", &["researcher", "keys", "create"]);
        let lab = hospital.keys("lab", &["researcher", "keys", "own"]);
        lab["account"].as_str().unwrap().clone_into(&mut hospital.lab);
        hospital.start_node(&[]);
        hospital.found();
        hospital.configure("");
        hospital
    }

    fn found(&self) {
        let records =
            ["synth", "--out", "records", "--persons", "60", "--organisations", "2", "--seed", "23"];
        let format = ["--format", "fhir-ndjson", "--first-year", "2020", "--years", "5"];
        assert!(self.command(&[&records[..], &format].concat()).output().unwrap().status.success());
        let candidate = ["provider", "candidate", "--name", NAME, "--endpoint", &self.endpoint];
        self.keys("hospital", &[&candidate[..], &["--out", "hospital.candidate"]].concat());
        let quick = ["--confirmations", "1"];
        let deploy = ["provider", "deploy", "--chain-id", "1337", "--founder", "hospital.candidate"];
        self.act("hospital", &[&deploy[..], &quick].concat());
        self.keys("lab", &["researcher", "candidate", "--name", "lab", "--out", "lab.candidate"]);
        self.act("hospital", &[&["provider", "admit", "lab.candidate"][..], &quick].concat());
        self.act("hospital", &[&["provider", "declare-cap", "4"][..], &quick].concat());
    }

    /// Writes the gatekeeper's configuration, with further lines at its start.
    pub(crate) fn configure(&self, further: &str) {
        let listen = self.endpoint.strip_prefix("http://").unwrap();
        let configuration = format!(
            "{further}\nlisten = \"{listen}\"\nnodes = [\"{}\"]\nnetwork = \"network.json\"\nkeystore = \"hospital.json\"\n\
             state = \"state\"\n[records]\nformat = \"fhir-ndjson\"\npath = \"records\"\n\
             [privacy]\ncap = \"4\"\ncensus-rho = \"1/100\"\nbounty-until = \"2025-01-01\"\n",
            self.url
        );
        fs::write(self.path("gatekeeper.toml"), configuration).unwrap();
    }

    /// Something in the hospital's folder.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the node, or starts it again, on the same port and the same chain.
    pub(crate) fn start_node(&mut self, arguments: &[&str]) {
        let port = self.url.rsplit_once(':').unwrap().1;
        let chain =
            ["node", "--dev", "--datadir", "chain", "--coinbase", &self.lab, "--http-port", port, "--json"];
        let node = Running::spawn(&mut self.command(&[&chain[..], arguments].concat()));
        self.node = Some(node);
    }

    /// The node, which runs.
    pub(crate) fn chain(&self) -> &Running {
        self.node.as_ref().expect("the node runs")
    }

    /// Waits for so many blocks more.
    pub(crate) fn blocks(&self, number: u64) {
        self.chain().wait_for_block(self.chain().head() + number);
    }

    /// Any command in the hospital's folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = medrec(arguments);
        command.current_dir(self.folder.path()).env("MEDREC_PASSWORD", "open sesame");
        if self.ahead_s > 0 {
            preload::ahead(&mut command, self.ahead_s);
        }
        command
    }

    /// A command with somebody's keystore that asks no node.
    pub(crate) fn keys(&self, whose: &str, arguments: &[&str]) -> Value {
        let keystore = format!("{whose}.json");
        json_of(&self.command(&[arguments, &["--keystore", &keystore, "--json"]].concat()).output().unwrap())
    }

    /// A command with somebody's keystore that asks the node.
    pub(crate) fn tried(&self, whose: &str, arguments: &[&str]) -> Output {
        let keystore = format!("{whose}.json");
        let further = ["--keystore", &keystore, "--node", &self.url, "--json"];
        self.command(&[arguments, &further].concat()).output().unwrap()
    }

    /// As [`Self::tried`]; it has to succeed.
    pub(crate) fn act(&self, whose: &str, arguments: &[&str]) -> Value {
        json_of(&self.tried(whose, arguments))
    }

    /// `medrec patient` at the hospital.
    pub(crate) fn tried_here(&self, whose: &str, arguments: &[&str]) -> Output {
        self.tried(whose, &[&["patient"], arguments, &["--provider", NAME]].concat())
    }

    /// As [`Self::tried_here`]; it has to succeed.
    pub(crate) fn here(&self, whose: &str, arguments: &[&str]) -> Value {
        json_of(&self.tried_here(whose, arguments))
    }

    /// The gatekeeper's command.
    pub(crate) fn gatekeeper_command(&self) -> Command {
        let mut command = self.command(&["gatekeeper", "--config", "gatekeeper.toml", "--json"]);
        if self.ahead_s == 0 {
            self.fault.put(&mut command);
        }
        command
    }

    /// Starts the gatekeeper.
    pub(crate) fn gatekeeper(&self) -> Running {
        Running::spawn(&mut self.gatekeeper_command())
    }

    /// The id of a person of the records.
    pub(crate) fn record(&self, index: usize) -> String {
        let patients = fs::read_to_string(self.path("records/Patient.ndjson")).unwrap();
        let line: Value = serde_json::from_str(patients.lines().nth(index).unwrap()).unwrap();
        line["id"].as_str().unwrap().to_owned()
    }

    /// Makes a keystore, has its account for the hospital invited, linked to a record and registered: the account.
    pub(crate) fn welcome(&self, whose: &str, record: usize) -> String {
        self.keys(whose, &["patient", "keys", "create"]);
        let account = self.here(whose, &["account"])["account"].as_str().unwrap().to_owned();
        self.act("hospital", &["provider", "invite", &account]);
        self.act("hospital", &["provider", "link", &account, "--record", &self.record(record)]);
        self.here(whose, &["register"]);
        account
    }

    /// Makes a keystore and enters the network with its own account, as a guardian or a doctor: the account.
    pub(crate) fn enter(&self, whose: &str) -> String {
        self.keys(whose, &["patient", "keys", "create"]);
        let account = self.keys(whose, &["patient", "keys", "own"])["account"].as_str().unwrap().to_owned();
        self.act("hospital", &["provider", "invite", &account]);
        self.here(whose, &["register-guardian"]);
        account
    }

    /// Runs an epoch until its root is on chain: the answer.
    pub(crate) fn epoch(&self, number: u64) -> Value {
        // A snapshot is of a block with twelve on top.
        self.chain().wait_for_block(13);
        let number = number.to_string();
        let started = std::time::Instant::now();
        loop {
            let answer = self.act("hospital", &[&["provider", "epoch", &number][..], &WINDOW].concat());
            if !answer["committed_at"].is_null() {
                return answer;
            }
            assert!(started.elapsed() < PATIENCE, "epoch {number} is not committed: {answer}");
        }
    }

    /// A text of the hospital's folder.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", text(&path)))
    }
}
