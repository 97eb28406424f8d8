//! Files that are missing, locked, foreign, damaged, newer or on a full disk: each has its own error and is left as it is.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::backends::FileBackend;
use redb::{Builder, StorageBackend};

use super::super::seal::Seal;
use super::*;

/// The words of a refusal, which start with the file's name.
fn words(result: Result<Ledger, AnonymizerError>) -> String {
    let error = result.err().expect("it was opened");
    let AnonymizerError::Ledger { path, .. } = &error else { panic!("{error}") };
    let words = error.to_string();
    assert!(words.starts_with(&path.display().to_string()), "{words}");
    words
}

#[test]
fn every_obstacle_has_words_of_its_own_and_a_hint() {
    let (desk, ledger) = Desk::new("1");
    let locked = words(desk.open());
    assert!(locked.contains("another process has the ledger open") && locked.contains("hint: "), "{locked}");
    drop(ledger);
    let exists = words(Ledger::create(&desk.file(), &desk.key(), &rho("1")));
    assert!(exists.contains("exists already"), "{exists}");
    let missing = words(Ledger::open(&desk.folder.path().join("none"), &desk.key()));
    assert!(missing.contains("there is no ledger here") && missing.contains("hint: "), "{missing}");
    assert!(!desk.folder.path().join("none").exists(), "opening creates nothing");
    let other = desk.folder.path().join("other.key");
    Seal::create(&other).unwrap();
    let wrong = words(Ledger::open(&desk.file(), &other));
    assert!(wrong.contains("other.key is not this ledger's"), "{wrong}");
    fs::remove_file(desk.key()).unwrap();
    let keyless = words(desk.open());
    assert!(keyless.contains("budget.key is missing") && keyless.contains("hint: "), "{keyless}");
    assert!(!desk.key().exists(), "a lost key is not replaced");
}

#[test]
fn another_process_cannot_open_it_meanwhile() {
    let (desk, ledger) = Desk::new("1");
    // A lock that only this process respected would let the copy of the test in.
    if let Ok(folder) = std::env::var("MEDREC_TEST_LOCKED_LEDGER") {
        let folder = PathBuf::from(folder);
        let result = Ledger::open(&folder.join("budget.ledger"), &folder.join("budget.key"));
        assert!(words(result).contains("another process"));
        return;
    }
    let name = "ledger::tests::disk::another_process_cannot_open_it_meanwhile";
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env("MEDREC_TEST_LOCKED_LEDGER", desk.folder.path())
        .status()
        .unwrap();
    assert!(status.success());
    drop(ledger);
    desk.open().unwrap();
}

#[test]
fn a_newer_version_is_refused_by_its_number() {
    let (desk, ledger) = Desk::new("1");
    drop(ledger);
    let database = Builder::new().open(desk.file()).unwrap();
    let write = database.begin_write().unwrap();
    let meta = redb::TableDefinition::<&[u8], &[u8]>::new("meta");
    write.open_table(meta).unwrap().insert(b"version".as_slice(), 2_u32.to_le_bytes().as_slice()).unwrap();
    write.commit().unwrap();
    drop(database);
    let message = words(desk.open());
    assert!(message.contains("the ledger has version 2, and this software reads up to 1"), "{message}");
}

#[test]
fn files_that_are_no_ledger_are_damaged_and_stay_as_they_are() {
    let (desk, ledger) = Desk::new("1");
    drop(ledger);
    let whole = fs::read(desk.file()).unwrap();
    let zeros = vec![0; 100_000];
    let foreign: [&[u8]; 4] = [b"", b"not a database", &whole[..whole.len() / 2], &zeros];
    for bytes in foreign {
        fs::write(desk.file(), bytes).unwrap();
        let message = words(desk.open());
        assert!(message.contains("the ledger is damaged") && message.contains("hint: restore"), "{message}");
        assert_eq!(fs::read(desk.file()).unwrap(), bytes, "it was touched");
    }
    let database = Builder::new().create(desk.folder.path().join("foreign")).unwrap();
    drop(database);
    let message = words(Ledger::open(&desk.folder.path().join("foreign"), &desk.key()));
    assert!(message.contains("it is no ledger"), "{message}");
}

#[test]
fn a_changed_byte_is_noticed_wherever_it_matters_and_stays_noticed() {
    let (desk, ledger) = Desk::new("1");
    for number in 0..20 {
        ledger.set_cap(PersonId(number), &rho("0.9")).unwrap();
    }
    ledger.reserve(id(1), PLAN, &each("0.5", &[(1, "0.2"), (2, "0.3")])).unwrap();
    let expected = (ledger.statement().unwrap(), spent(&ledger, 1));
    drop(ledger);
    let whole = fs::read(desk.file()).unwrap();
    let used: Vec<usize> = (0..whole.len()).filter(|&index| whole[index] != 0).collect();
    let mut noticed = 0;
    for position in used.iter().step_by(used.len() / 60) {
        let mut changed = whole.clone();
        changed[*position] ^= 0x10;
        fs::write(desk.file(), &changed).unwrap();
        for _ in 0..2 {
            match desk.open() {
                // A page that is free, or a field that can be told from the others.
                Ok(ledger) => {
                    assert_eq!((ledger.statement().unwrap(), spent(&ledger, 1)), expected, "byte {position}");
                }
                Err(error) => {
                    assert!(error.to_string().contains("damaged"), "byte {position}: {error}");
                    noticed += 1;
                }
            }
        }
    }
    // Most pages of so small a ledger are free; each byte that is noticed is so twice.
    assert!(noticed >= 8, "only {noticed} were noticed");
}

/// A disk with room for so many bytes.
#[derive(Debug)]
struct SmallDisk {
    file: FileBackend,
    room_bytes: AtomicU64,
}

impl StorageBackend for SmallDisk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        if length > self.room_bytes.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write(offset, data)
    }
}

#[test]
fn a_full_disk_is_named_and_what_was_charged_before_is_kept() {
    let (desk, ledger) = Desk::new("1");
    ledger.reserve(id(1), PLAN, &everybody("0.25", &[])).unwrap();
    drop(ledger);
    let file = fs::OpenOptions::new().read(true).write(true).open(desk.file()).unwrap();
    let room_bytes = (file.metadata().unwrap().len() + (1 << 20)).into();
    let small = SmallDisk { file: FileBackend::new(file).unwrap(), room_bytes };
    let database = Builder::new().create_with_backend(small).unwrap();
    let store = Store::from_database(database, Seal::open(&desk.key()).unwrap()).unwrap();
    let ledger = Ledger::over(store, &desk.file(), &desk.key()).unwrap();
    let error = ledger.store_noise(id(1), &[vec![7; 400_000]]).unwrap_err().to_string();
    assert!(error.contains("the disk is full; nothing was charged") && error.contains("hint: "), "{error}");
    drop(ledger);
    let ledger = desk.open().unwrap();
    assert_eq!(ledger.stage(id(1)).unwrap(), Some(Stage::Reserved));
    assert_eq!(spent(&ledger, 1), "1/4");
}

#[test]
fn a_file_that_cannot_be_written_is_told_from_a_full_disk() {
    for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
        let message = LedgerFault::of(kind.into()).to_string();
        assert!(message.contains("cannot be written") && message.contains("hint: "), "{message}");
    }
    let full = LedgerFault::from(redb::StorageError::Io(io::ErrorKind::StorageFull.into()));
    assert!(matches!(full, LedgerFault::Full));
}
