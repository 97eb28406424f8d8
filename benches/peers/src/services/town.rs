//! A town as people set it up by hand: a chain, a hospital with its gatekeeper, a lab that mines, patients and a doctor.
//!
//! Everything is done with the commands of docs/TUTORIAL.md, so what is measured afterwards is what users have.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use medrec_domain::identifier::Address;
use medrec_wallet::{Keystore, Password, PrivateKeySigner};
use serde_json::Value;

use super::load::Counter;
use crate::process::{PASSWORD, Service, asked, command};

/// The words of development chains, whose first account has ether.
const WORDS: &str = "test test test test test test test test test test test junk";
/// The hospital's name on the chain.
const HOSPITAL: &str = "hospital";
/// What the doctor may read.
const FIELDS: &str = "measurement.code_system,measurement.code,measurement.date,measurement.value";

/// How a town's blocks come about.
pub(super) enum Blocks {
    /// The node makes one a second.
    OneASecond,
    /// Miners solve them at this difficulty.
    Mined(u64),
}

/// The town, with its services running.
pub(super) struct Town {
    pub(super) program: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) node: Service,
    pub(super) gatekeeper: Option<Service>,
    /// Where the node answers.
    pub(super) node_url: String,
    /// Where the gatekeeper answers: `127.0.0.1:PORT`.
    pub(super) gatekeeper_address: String,
    pub(super) chain_id: u64,
    pub(super) hospital: Address,
    pub(super) patients: Vec<Address>,
}

impl Town {
    /// Founds it in a folder that is empty: keys, chain, contracts, records, gatekeeper. `with_chain` is called when the chain is there.
    pub(super) fn found(
        program: &Path,
        folder: &Path,
        blocks: &Blocks,
        persons: u64,
        with_chain: impl FnOnce(&Self) -> anyhow::Result<Option<Service>>,
    ) -> anyhow::Result<(Self, Option<Service>)> {
        let ask = |arguments: &[&str]| asked(program, folder, arguments);
        std::fs::write(folder.join("words"), WORDS)?;
        ask(&["provider", "keys", "restore", "--words-file", "words", "--keystore", "hospital.json"])?;
        ask(&["researcher", "keys", "create", "--keystore", "lab.json"])?;
        ask(&["patient", "keys", "create", "--keystore", "doctor.json"])?;
        let hospital = own(&ask(&["provider", "keys", "own", "--keystore", "hospital.json"])?)?;
        let lab = own(&ask(&["researcher", "keys", "own", "--keystore", "lab.json"])?)?.to_string();
        let difficulty;
        let blocks: &[&str] = match blocks {
            Blocks::OneASecond => &["--period", "1"],
            Blocks::Mined(wanted) => {
                difficulty = wanted.to_string();
                &["--threads", "0", "--difficulty", &difficulty]
            }
        };
        let arguments = [&["node", "--dev", "--http-port", "0", "--json", "--datadir", "chain"], blocks];
        let arguments = [&arguments.concat()[..], &["--coinbase", &lab]].concat();
        let node = Service::start("medrec node", command(program, folder, &arguments))?;
        let ready = node.ready()?;
        let town = Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            node,
            gatekeeper: None,
            node_url: text(&ready, "http")?,
            gatekeeper_address: free_address()?,
            chain_id: ready["chain_id"].as_u64().context("the node told no chain id")?,
            hospital,
            patients: Vec::new(),
        };
        let miner = with_chain(&town)?;
        let town = town.with_hospital(persons)?;
        Ok((town, miner))
    }

    /// Contracts, records and gatekeeper.
    fn with_hospital(mut self, persons: u64) -> anyhow::Result<Self> {
        let endpoint = format!("http://{}", self.gatekeeper_address);
        let candidate = ["provider", "candidate", "--keystore", "hospital.json", "--name", HOSPITAL];
        self.ask(&[&candidate[..], &["--endpoint", &endpoint, "--out", "hospital.candidate"]].concat())?;
        let chain_id = self.chain_id.to_string();
        let deploy = ["provider", "deploy", "--keystore", "hospital.json", "--chain-id", &chain_id];
        let rest = ["--founder", "hospital.candidate", "--node", &self.node_url];
        self.ask(&[&deploy[..], &rest].concat())?;
        self.act("hospital.json", &["provider", "declare-cap", "2"])?;
        let lab = ["researcher", "candidate", "--keystore", "lab.json", "--name", "lab"];
        self.ask(&[&lab[..], &["--out", "lab.candidate"]].concat())?;
        self.act("hospital.json", &["provider", "admit", "lab.candidate"])?;
        let count = persons.to_string();
        let synth = ["synth", "--quiet", "--out", "records", "--persons", &count, "--organisations", "4"];
        let rest = ["--first-year", "2024", "--years", "3", "--format", "synthea-csv"];
        self.ask(&[&synth[..], &rest].concat())?;
        let configuration = format!(
            "listen = \"{}\"\nnodes = [\"{}\"]\nnetwork = \"network.json\"\nkeystore = \"hospital.json\"\n\
             state = \"state\"\n[records]\nformat = \"synthea-csv\"\npath = \"records\"\n\
             [privacy]\ncap = \"2\"\ncensus-rho = \"1\"\n",
            self.gatekeeper_address, self.node_url
        );
        std::fs::write(self.folder.join("gatekeeper.toml"), configuration)?;
        let arguments = ["gatekeeper", "--config", "gatekeeper.toml", "--json"];
        let gatekeeper =
            Service::start("medrec gatekeeper", command(&self.program, &self.folder, &arguments))?;
        gatekeeper.ready()?;
        self.gatekeeper = Some(gatekeeper);
        Ok(self)
    }

    /// Patients come in, release to research, and let the doctor read.
    pub(super) fn populate(&mut self, patients: usize) -> anyhow::Result<()> {
        let doctor = own(&self.ask(&["patient", "keys", "own", "--keystore", "doctor.json"])?)?.to_string();
        self.act("hospital.json", &["provider", "invite", &doctor])?;
        self.act("doctor.json", &["patient", "register-guardian", "--provider", HOSPITAL])?;
        let records = records_of(&self.folder.join("records/patients.csv"), patients)?;
        for (index, record) in records.iter().enumerate() {
            let keystore = format!("patient-{index}.json");
            self.ask(&["patient", "keys", "create", "--keystore", &keystore])?;
            let account = self.act(&keystore, &["patient", "account", "--provider", HOSPITAL])?;
            let account = own(&account)?;
            let name = account.to_string();
            self.act("hospital.json", &["provider", "invite", &name])?;
            self.act("hospital.json", &["provider", "link", &name, "--record", record])?;
            self.act(&keystore, &["patient", "register", "--provider", HOSPITAL])?;
            let until = ["--provider", HOSPITAL, "--until", "2100-01-01"];
            self.act(&keystore, &[&["patient", "research", "--cap", "2"][..], &until].concat())?;
            let grant = ["patient", "grant", "--to", &doctor, "--purpose", "treatment", "--fields", FIELDS];
            self.act(&keystore, &[&grant[..], &until].concat())?;
            self.patients.push(account);
        }
        Ok(())
    }

    /// The hospital makes the census of an epoch; its answer.
    pub(super) fn census(&self) -> anyhow::Result<Value> {
        self.act(
            "hospital.json",
            &["provider", "epoch", "1", "--from", "2024-01-01", "--until", "2026-01-01"],
        )
    }

    /// A command without a chain.
    fn ask(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        asked(&self.program, &self.folder, arguments)
    }

    /// A command of somebody with a keystore, through the town's node.
    fn act(&self, keystore: &str, arguments: &[&str]) -> anyhow::Result<Value> {
        self.ask(&[arguments, &["--keystore", keystore, "--node", &self.node_url]].concat())
    }

    /// The key of a keystore's own account.
    pub(super) fn signer(&self, keystore: &str) -> anyhow::Result<PrivateKeySigner> {
        let keystore = Keystore::open(&self.folder.join(keystore), &Password::new(PASSWORD.to_owned()))?;
        let own = keystore.account_for(None).context("a keystore without an own account")?;
        Ok(keystore.signer(own.index)?)
    }

    /// Whoever has this key, before the gatekeeper.
    pub(super) fn counter<'a>(&'a self, signer: &'a PrivateKeySigner) -> Counter<'a> {
        Counter {
            address: &self.gatekeeper_address,
            chain_id: self.chain_id,
            provider: self.hospital,
            signer,
        }
    }

    /// Stops its services in order.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        if let Some(gatekeeper) = self.gatekeeper {
            gatekeeper.stop()?;
        }
        self.node.stop()
    }
}

fn text(answer: &Value, name: &str) -> anyhow::Result<String> {
    Ok(answer[name].as_str().with_context(|| format!("no {name} in {answer}"))?.to_owned())
}

/// The account in an answer.
fn own(answer: &Value) -> anyhow::Result<Address> {
    Ok(text(answer, "account")?.parse()?)
}

/// An address on which nobody listens now.
fn free_address() -> anyhow::Result<String> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.to_string())
}

/// Ids of the first persons of a table.
fn records_of(path: &Path, count: usize) -> anyhow::Result<Vec<String>> {
    let mut reader =
        csv::Reader::from_path(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut ids = Vec::new();
    for row in reader.records().take(count) {
        ids.push(row?.get(0).context("a row without cells")?.to_owned());
    }
    if ids.len() < count {
        bail!("{} has {} persons, fewer than {count}", path.display(), ids.len());
    }
    Ok(ids)
}
