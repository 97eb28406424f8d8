//! Keystore files: what comes back, what is refused, and in which words.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// Cheap, since tests open many.
const STRETCH: Stretch = Stretch { log_n: 10, r: 8, p: 1 };
const WORDS: &str = "test test test test test test test test test test test junk";

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

fn keystore(folder: &Path) -> (PathBuf, Keystore) {
    let path = folder.join("keys.json");
    let words = Words::parse(WORDS).unwrap();
    let keystore = Keystore::create(&path, &words, &password("right"), STRETCH).unwrap();
    (path, keystore)
}

#[test]
fn accounts_and_their_providers_come_back_with_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut keystore) = keystore(folder.path());
    let (one, other) = (Address([1; 20]), Address([2; 20]));
    let first = keystore.ensure_account(Some(one)).unwrap();
    let second = keystore.ensure_account(Some(other)).unwrap();
    assert_eq!((first.index, second.index), (0, 1));
    assert_ne!(first.account, second.account);
    assert_eq!(keystore.ensure_account(Some(one)).unwrap(), first);
    let opened = Keystore::open(&path, &password("right")).unwrap();
    assert_eq!(opened.accounts(), [first, second]);
    assert_eq!(opened.next_index(), 2);
    assert_eq!(from_chain(opened.signer(1).unwrap().address()), second.account);
}

#[test]
fn an_index_that_was_set_aside_is_never_given_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut keystore) = keystore(folder.path());
    let entry = keystore.ensure_account(None).unwrap();
    let reserved = keystore.reserve_index().unwrap();
    keystore.adopt(AccountEntry { index: reserved, ..entry }).unwrap();
    let mut opened = Keystore::open(&path, &password("right")).unwrap();
    assert_eq!(opened.accounts(), [AccountEntry { index: 1, ..entry }]);
    assert_eq!(opened.ensure_account(Some(Address([1; 20]))).unwrap().index, 2);
}

#[test]
fn a_wrong_password_and_a_damaged_file_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = keystore(folder.path());
    let wrong = Keystore::open(&path, &password("wrong")).unwrap_err().to_string();
    assert!(wrong.contains("the password is wrong"), "{wrong}");
    let whole = fs::read(&path).unwrap();
    for position in (0..whole.len() - 1).step_by(7) {
        let mut bytes = whole.clone();
        bytes[position] = if bytes[position] == b'0' { b'1' } else { b'0' };
        fs::write(&path, &bytes).unwrap();
        let error = Keystore::open(&path, &password("right")).unwrap_err().to_string();
        assert!(!error.contains("password is wrong"), "byte {position}: {error}");
        assert!(!error.contains("right") && !error.contains("junk"), "{error}");
    }
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let cut = Keystore::open(&path, &password("right")).unwrap_err().to_string();
    assert!(cut.contains("damaged"), "{cut}");
}

#[test]
fn a_file_that_others_may_read_is_not_opened_and_a_new_one_is_the_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = keystore(folder.path());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = Keystore::open(&path, &password("right")).unwrap_err().to_string();
    assert!(error.contains("mode 640") && error.contains("chmod 600"), "{error}");
}

#[test]
fn nothing_secret_stands_readable_in_the_file_or_in_debug_output() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut keystore) = keystore(folder.path());
    let provider = Address([7; 20]);
    keystore.ensure_account(Some(provider)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    for secret in ["junk", "right", &format!("{provider:?}")] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let shown = format!("{keystore:?}");
    assert!(!shown.contains("junk"), "{shown}");
}

#[test]
fn a_change_by_another_program_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut keystore) = keystore(folder.path());
    let mut other = Keystore::open(&path, &password("right")).unwrap();
    other.ensure_account(Some(Address([1; 20]))).unwrap();
    let error = keystore.ensure_account(Some(Address([2; 20]))).unwrap_err().to_string();
    assert!(error.contains("another program"), "{error}");
    assert!(keystore.accounts().is_empty(), "what was not stored is not believed");
    assert_eq!(Keystore::open(&path, &password("right")).unwrap().accounts(), other.accounts());
}

#[test]
fn a_changed_password_replaces_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut keystore) = keystore(folder.path());
    keystore.change_password(&password("new"), STRETCH).unwrap();
    assert!(Keystore::open(&path, &password("right")).is_err());
    assert!(Keystore::open(&path, &password("new")).is_ok());
    assert!(Keystore::create(&path, &Words::parse(WORDS).unwrap(), &password("x"), STRETCH).is_err());
    let empty =
        Keystore::create(&folder.path().join("other"), &Words::parse(WORDS).unwrap(), &password(""), STRETCH);
    assert!(empty.unwrap_err().to_string().contains("empty password"));
}
