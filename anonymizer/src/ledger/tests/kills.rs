//! A kill between any two writes to the disk: charges are never lost or doubled, noise is used once, answers are kept.
//!
//! The test runs a copy of itself over a disk that kills the process, with no chance to clean up, before its n-th write, for
//! every n until the copy comes to its end. After each kill the ledger is opened again and the work is finished.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::backends::FileBackend;
use redb::{Builder, StorageBackend};

use super::super::seal::Seal;
use super::*;

const FOLDER: &str = "MEDREC_TEST_KILLED_LEDGER";
const WRITES: &str = "MEDREC_TEST_WRITES_UNTIL_KILL";
const NAME: &str =
    "ledger::tests::kills::a_kill_between_any_two_writes_loses_no_charge_and_draws_nothing_twice";

/// A disk that kills the process before one of its writes.
#[derive(Debug)]
struct LethalDisk {
    file: FileBackend,
    writes_left: AtomicU64,
}

impl LethalDisk {
    fn step(&self) {
        if self.writes_left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    }
}

impl StorageBackend for LethalDisk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.step();
        self.file.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.step();
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.step();
        self.file.write(offset, data)
    }
}

fn releases() -> [(Digest, Charge); 2] {
    [(id(1), everybody("1/3", &[5])), (id(2), each("1/2", &[(5, "1/7"), (6, "1/2")]))]
}

/// What a caller does with a release, with a line in the log for each thing that cannot be undone.
fn work(ledger: &Ledger, log: &Path) {
    let note = |line: String| {
        let mut log = OpenOptions::new().append(true).create(true).open(log).unwrap();
        log.write_all(line.as_bytes()).unwrap();
    };
    for (release, charge) in releases() {
        let noise = match ledger.reserve(release, PLAN, &charge).unwrap() {
            Stage::Reserved => {
                let mut bytes = [0; 8];
                getrandom::fill(&mut bytes).unwrap();
                let noise = vec![vec![i64::from_le_bytes(bytes); 40]];
                note(format!("drawn {release}\n"));
                ledger.store_noise(release, &noise).unwrap();
                noise
            }
            Stage::Drawn(noise) => noise,
            Stage::Committed { .. } => continue,
        };
        let answer = keccak256(&noise[0][0].to_le_bytes());
        note(format!("used {release} {answer}\n"));
        ledger.commit(release, answer, b"metadata").unwrap();
        note(format!("published {release} {answer}\n"));
    }
}

fn copy_of_the_test(folder: &Path) {
    let file = OpenOptions::new().read(true).write(true).open(folder.join("budget.ledger")).unwrap();
    let writes_left = std::env::var(WRITES).unwrap().parse::<u64>().unwrap().into();
    let disk = LethalDisk { file: FileBackend::new(file).unwrap(), writes_left };
    let database = Builder::new().create_with_backend(disk).unwrap();
    let store = Store::from_database(database, Seal::open(&folder.join("budget.key")).unwrap()).unwrap();
    let ledger = Ledger::over(store, &folder.join("budget.ledger"), &folder.join("budget.key")).unwrap();
    work(&ledger, &folder.join("log"));
}

/// What must hold at any time, given what was noted.
fn check(ledger: &Ledger, log: &str) {
    for (release, charge) in releases() {
        let about: Vec<&str> = log.lines().filter(|line| line.contains(&release.to_string())).collect();
        let stage = ledger.stage(release).unwrap();
        let paid = match (&stage, &charge.payers) {
            (None, _) => {
                assert!(about.is_empty(), "noise was drawn for what was not charged");
                continue;
            }
            (Some(_), Payers::Everybody { .. }) => ledger.statement().unwrap().spent,
            (Some(_), Payers::Each(_)) => difference(&ledger.person(PersonId(6)).unwrap().spent, &rho("1/3")),
        };
        assert_eq!(paid, charge.price, "charged once");
        let mut answers: Vec<&str> = about.iter().filter_map(|line| line.split(' ').nth(2)).collect();
        answers.sort_unstable();
        answers.dedup();
        assert!(answers.len() <= 1, "two noises were used: {about:?}");
        if about.iter().any(|line| line.starts_with("published")) {
            let Some(Stage::Committed { answer, .. }) = stage else { panic!("a published answer was lost") };
            assert_eq!(answer.to_string(), answers[0]);
        }
    }
}

#[test]
fn a_kill_between_any_two_writes_loses_no_charge_and_draws_nothing_twice() {
    if let Ok(folder) = std::env::var(FOLDER) {
        return copy_of_the_test(Path::new(&folder));
    }
    let (desk, ledger) = Desk::new("1");
    drop(ledger);
    let whole = fs::read(desk.file()).unwrap();
    let log = desk.folder.path().join("log");
    let mut kills = 0;
    for writes in 1.. {
        fs::write(desk.file(), &whole).unwrap();
        fs::write(&log, "").unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env(FOLDER, desk.folder.path())
            .env(WRITES, writes.to_string())
            .output()
            .unwrap();
        let killed = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9);
        assert!(killed || output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let ledger = desk.open().unwrap();
        check(&ledger, &fs::read_to_string(&log).unwrap());
        work(&ledger, &log);
        let noted = fs::read_to_string(&log).unwrap();
        check(&ledger, &noted);
        let committed = |release| matches!(ledger.stage(release), Ok(Some(Stage::Committed { .. })));
        assert!(releases().iter().all(|(release, _)| committed(*release)), "{noted}");
        if !killed {
            break;
        }
        kills += 1;
    }
    // Six commits of two phases each: fewer would mean that the disk did not kill.
    assert!(kills > 24, "only {kills} kills");
}
