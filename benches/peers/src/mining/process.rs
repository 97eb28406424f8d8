//! `medrec node` and `medrec mine` as processes: started, asked, ended.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use medrec_benches::error::BenchError;
use serde_json::Value;

use crate::process::{Service, command};

/// Longest wait for a process to do what it was started for.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(20);
/// Whom blocks pay.
const SOMEBODY: &str = "0x00000000000000000000000000000000000000aa";
/// Clock ticks a second in `/proc`: 100 on every Linux.
const TICKS: f64 = 100.0;

/// `medrec node` on a chain of a fixed difficulty.
pub(super) struct Node {
    pub(super) url: String,
    _service: Service,
}

impl Node {
    /// Starts it in `folder`.
    pub(super) fn start(program: &Path, folder: &Path, difficulty: u64) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let difficulty = difficulty.to_string();
        let chain = ["node", "--dev", "--threads", "0", "--difficulty", &difficulty, "--datadir", "chain"];
        let rest = ["--quiet", "--json", "--http-port", "0", "--coinbase", SOMEBODY];
        let service = Service::start("medrec node", command(program, folder, &[&chain[..], &rest].concat()))?;
        let ready = service.ready()?;
        let url = ready["http"].as_str().context("the node did not say where it listens")?.to_owned();
        Ok(Self { url, _service: service })
    }
}

/// How `medrec mine` is started.
pub(super) struct Miner {
    pub(super) program: PathBuf,
    pub(super) node: String,
    pub(super) engine: &'static str,
    pub(super) threads: usize,
}

/// A miner that hashes.
pub(super) struct Mining {
    service: Service,
    api: String,
}

/// How far a miner is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// When it said so.
    pub(super) at: Instant,
    pub(super) hashes: u64,
    pub(super) accepted: u64,
}

fn failed(reason: String) -> BenchError {
    BenchError::Contender { contender: "medrec mine".to_owned(), reason }
}

impl Miner {
    /// Starts it, and waits until it hashes.
    pub(super) fn start(&self) -> Result<Mining, BenchError> {
        let mut mine = Command::new(&self.program);
        mine.args(["mine", "--dataset", "never", "--api", "127.0.0.1:0", "--coinbase", SOMEBODY]).args([
            "--node",
            &self.node,
            "--engine",
            self.engine,
            "--threads",
            &self.threads.to_string(),
        ]);
        let service = Service::start("medrec mine", mine).map_err(|error| failed(format!("{error:#}")))?;
        let mut told = String::new();
        let api = loop {
            let Ok(line) = service.lines.recv_timeout(PATIENCE) else {
                return Err(failed(format!("ended: {told}")));
            };
            if let Some(address) = line.text.strip_prefix("monitoring at http://") {
                break address.to_owned();
            }
            told.push_str(&line.text);
        };
        let mining = Mining { service, api };
        let started = Instant::now();
        while mining.progress()?.hashes == 0 {
            if started.elapsed() > PATIENCE {
                return Err(failed("does not begin to hash".to_owned()));
            }
            std::thread::sleep(LOOK);
        }
        Ok(mining)
    }
}

impl Mining {
    /// How far it is now.
    pub(super) fn progress(&self) -> Result<Progress, BenchError> {
        let status = self.status().map_err(|error| failed(error.to_string()))?;
        let count = |value: &Value| value.as_u64().ok_or_else(|| failed(format!("tells no count: {status}")));
        let (hashes, accepted) = (count(&status["hashes"])?, count(&status["solutions"]["accepted"])?);
        Ok(Progress { at: Instant::now(), hashes, accepted })
    }

    /// With what it hashes, and on how many threads.
    pub(super) fn engine_and_workers(&self) -> Result<(String, usize), BenchError> {
        let status = self.status().map_err(|error| failed(error.to_string()))?;
        let device = &status["devices"][0];
        let workers = device["workers"].as_u64().and_then(|workers| usize::try_from(workers).ok());
        let engine = device["engine"].as_str().zip(workers);
        engine
            .map(|(engine, workers)| (engine.to_owned(), workers))
            .ok_or_else(|| failed(format!("tells no engine: {status}")))
    }

    fn status(&self) -> anyhow::Result<Value> {
        let mut stream = TcpStream::connect(&self.api)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no answer to /status")?;
        Ok(serde_json::from_str(body)?)
    }

    /// Processor time since its start; absent where the system does not tell.
    pub(super) fn cpu_seconds(&self) -> Option<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.service.id())).ok()?;
        // The second field is a name in brackets, which may hold blanks; 11 more lie before ours.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
        Some((ticks(11)? + ticks(12)?) / TICKS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_no_miner_is_an_error_with_its_words() {
        let miner = Miner {
            program: PathBuf::from("/bin/false"),
            node: "http://127.0.0.1:1".to_owned(),
            engine: "scalar",
            threads: 1,
        };
        assert!(miner.start().err().unwrap().to_string().contains("ended"));
    }
}
