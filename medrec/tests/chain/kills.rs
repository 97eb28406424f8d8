//! SIGKILL at every write: `medrec gatekeeper` dies while it makes an epoch, answers a bounty, hands a shard out or takes a consent,
//! `medrec claim` while it collects, `medrec provider rotate-key` while it changes a key. Started again, each goes on with the same bytes, and
//! everybody was charged once.
//!
//! The operating system itself counts the steps: the process dies at its first request to make a file of the state durable, in
//! the next round at the second one, and so on until nothing is left to die at. Between those it dies in the middle of writes.

mod bounty;
mod claims;
mod epoch;
mod rotation;

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};
use std::time::Duration;

use medrec_anonymizer::ledger::{Ledger, Stage};
use medrec_domain::{Digest, Rho};
use serde_json::Value;

use crate::hospital::Hospital;
use crate::process::{PATIENCE, Running, stderr};

/// Which kill comes next: at every durable write, then in the middle of every `stride`-th write.
struct Kills {
    round: u64,
    /// The paths that count for whole and for torn writes.
    paths: [&'static str; 2],
    torn: bool,
    /// From one torn write to the next. A transaction of a store is a dozen writes, so a number that shares no factor with that hits another
    /// one of each kind in each round.
    stride: u64,
}

impl Kills {
    fn new(whole: &'static str, torn: &'static str, stride: u64) -> Self {
        Self { round: 1, paths: [whole, torn], torn: false, stride }
    }

    fn fault(&self) -> String {
        let (kind, path) = if self.torn { ("torn", self.paths[1]) } else { ("sync", self.paths[0]) };
        format!("{kind} {} {path}", self.round)
    }

    /// The next one; `false` when there is none left. `survived` says that nothing was left to die at.
    fn go_on(&mut self, survived: bool) -> bool {
        match (survived, self.torn) {
            (false, torn) => self.round += if torn { self.stride } else { 1 },
            (true, false) => (self.round, self.torn) = (1, true),
            (true, true) => return false,
        }
        true
    }
}

/// Takes the fault away, and says where the gatekeeper died, if it did; by SIGKILL and nothing else.
fn death(hospital: &Hospital, gatekeeper: &mut Running, round: u64) -> Option<String> {
    let log = hospital.fault.disarm();
    let last = log.get(usize::try_from(round).unwrap() - 1);
    let Some(last) = last else {
        assert!(gatekeeper.ends_within(Duration::ZERO).is_none(), "{}", gatekeeper.complaints());
        return None;
    };
    let ended = gatekeeper.ends_within(PATIENCE).expect("it was killed");
    assert_eq!(ended.signal(), Some(9), "{}", gatekeeper.complaints());
    Some(last.clone())
}

/// Runs a command under the next kill: its output, and where it died, if it did; by SIGKILL and nothing else.
fn killed(hospital: &Hospital, command: &mut Command, kills: &Kills) -> (Output, Option<String>) {
    hospital.fault.put(command);
    hospital.fault.arm(&kills.fault());
    let output = command.output().unwrap();
    let log = hospital.fault.disarm();
    if output.status.success() {
        return (output, None);
    }
    assert_eq!(output.status.signal(), Some(9), "{}: {}", kills.fault(), stderr(&output));
    (output, Some(log.last().expect("it died at something").clone()))
}

/// What a ledger says that nobody has open: looked at in a copy, so that whoever is started next finds what the kill left.
fn look<T>(hospital: &Hospital, look: impl FnOnce(&Ledger) -> T) -> T {
    let copy = tempfile::tempdir().unwrap();
    for name in ["ledger.redb", "ledger.key"] {
        fs::copy(hospital.path("state/rewards").join(name), copy.path().join(name)).unwrap();
    }
    look(&Ledger::open(&copy.path().join("ledger.redb"), &copy.path().join("ledger.key")).unwrap())
}

fn noise(stage: Option<&Stage>) -> Option<Vec<Vec<i64>>> {
    match stage {
        Some(Stage::Drawn(noise)) => Some(noise.clone()),
        _ => None,
    }
}

fn times(rho: &Rho, count: u64) -> Rho {
    rho.scaled(count, 1).unwrap()
}

/// Goes on with a release whose noise is drawn, and dies before the ledger lets go of it: the noise is still the same. `work` has the
/// gatekeeper go on and says when it is done.
fn dies_again_with_the_same_noise(
    hospital: &Hospital,
    id: Digest,
    drawn: &[Vec<i64>],
    fault: &str,
    work: impl FnOnce(&mut Running),
) -> bool {
    hospital.fault.arm(fault);
    let mut gatekeeper = hospital.gatekeeper();
    work(&mut gatekeeper);
    let died = death(hospital, &mut gatekeeper, 1).is_some();
    drop(gatekeeper);
    if let Some(again) = noise(look(hospital, |ledger| ledger.stage(id)).unwrap().as_ref()) {
        assert_eq!(again, drawn, "noise was drawn twice");
        return died;
    }
    false
}

/// `medrec claim`, whose collector keeps its bundles in a folder.
fn claim(hospital: &Hospital, block: u64, folder: &str) -> Output {
    hospital.tried("lab", &["claim", &block.to_string(), "--collect", folder])
}

/// The bundle of a block's reward of one kind; it has to be there.
fn claimed(hospital: &Hospital, block: u64, folder: &str, kind: &str) -> Vec<u8> {
    let output = claim(hospital, block, folder);
    let claims: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let found =
        claims.as_array().and_then(|claims| claims.iter().find(|claim| claim["reward"]["kind"] == kind));
    let path = found.and_then(|claim| claim["state"]["path"].as_str());
    let path = path.unwrap_or_else(|| panic!("block {block}: {claims:#} {}", stderr(&output)));
    hospital.bytes(path)
}
