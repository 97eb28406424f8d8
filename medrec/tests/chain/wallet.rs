//! Wallets as people use them: keystores, a network deployed and joined, and what goes wrong in words.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::process::{Running, json_of, medrec, stderr, stdout, text};

const WORDS: &str = "test test test test test test test test test test test junk";

/// A folder with keystores whose password is in a file.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join("password"), "open sesame\n").unwrap();
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs a command in the folder, with the password file named.
    fn run(&self, keystore: &str, arguments: &[&str]) -> Output {
        let mut command = medrec(arguments);
        command.current_dir(self.path()).env_remove("MEDREC_PASSWORD");
        command.args(["--keystore", keystore, "--password-file", "password"]).output().unwrap()
    }

    /// A keystore of the words that fund development chains.
    fn funded(&self, keystore: &str) {
        fs::write(self.path().join("words"), WORDS).unwrap();
        let made = self.run(keystore, &["provider", "keys", "restore", "--words-file", "words", "--json"]);
        assert_eq!(json_of(&made), json!([]));
        assert!(stderr(&made).contains("delete it"), "{}", stderr(&made));
    }
}

#[test]
fn words_are_shown_once_and_restore_the_same_accounts_and_nothing_secret_is_told_otherwise() {
    let desk = Desk::new();
    let created = json_of(&desk.run("ada.json", &["patient", "keys", "create", "--words", "24", "--json"]));
    let words = created["words"].as_str().unwrap();
    assert_eq!(words.split(' ').count(), 24);
    let mode = fs::metadata(desk.path().join("ada.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let own = json_of(&desk.run("ada.json", &["patient", "keys", "own", "--json"]));
    fs::write(desk.path().join("words"), words.replace(' ', "\n")).unwrap();
    desk.run("copy.json", &["patient", "keys", "restore", "--words-file", "words"]);
    let copy = json_of(&desk.run("copy.json", &["patient", "keys", "own", "--json"]));
    assert_eq!(own, copy);
    let listed = desk.run("ada.json", &["-v", "patient", "keys", "accounts"]);
    let said = stdout(&listed) + &stderr(&listed);
    assert!(said.to_lowercase().contains(own["account"].as_str().unwrap()), "{said}");
    let list: Vec<&str> = words.split(' ').collect();
    let pairs = list.windows(2).map(|pair| pair.join(" "));
    for secret in pairs.chain(["open sesame".to_owned()]) {
        assert!(!said.contains(&secret), "{secret} in {said}");
    }
    let again = desk.run("ada.json", &["patient", "keys", "create"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("something is there already"), "{}", stderr(&again));
}

#[test]
fn wrong_passwords_damaged_files_and_open_doors_are_told_apart() {
    let desk = Desk::new();
    desk.funded("keys.json");
    let open = |environment: Option<&str>| {
        let mut command = medrec(&["patient", "keys", "accounts", "--keystore", "keys.json"]);
        command.current_dir(desk.path()).env_remove("MEDREC_PASSWORD");
        if let Some(password) = environment {
            command.env("MEDREC_PASSWORD", password);
        }
        command.output().unwrap()
    };
    assert!(open(Some("open sesame")).status.success());
    let wrong = open(Some("open barley"));
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("the password is wrong"), "{}", stderr(&wrong));
    assert!(!stderr(&wrong).contains("barley"));
    let path = desk.path().join("keys.json");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replacen('a', "b", 1)).unwrap();
    assert!(stderr(&open(Some("open sesame"))).contains("damaged"));
    fs::write(&path, &whole).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(stderr(&open(Some("open sesame"))).contains("chmod 600"));
    let password = medrec(&["patient", "keys", "accounts", "--password", "x"]).output().unwrap();
    assert_eq!(password.status.code(), Some(2), "no option takes a password");
}

#[test]
fn a_network_is_deployed_joined_and_asked_by_commands_alone() {
    let node = Running::start(&["--dev"]);
    let url = node.ready["http"].as_str().unwrap().to_owned();
    let desk = Desk::new();
    desk.funded("hospital.json");
    let run = |keystore: &str, arguments: &[&str]| {
        let output = desk.run(keystore, &[arguments, &["--json", "--node", &url]].concat());
        json_of(&output)
    };
    let endpoint = "http://127.0.0.1:9";
    let candidate = ["provider", "candidate", "--name", "hospital", "--endpoint", endpoint];
    desk.run("hospital.json", &[&candidate[..], &["--out", "hospital.candidate"]].concat());
    let deploy = [
        "provider",
        "deploy",
        "--chain-id",
        "1337",
        "--founder",
        "hospital.candidate",
        "--confirmations",
        "1",
    ];
    let network = run("hospital.json", &deploy);
    assert_eq!(network["contracts"]["chain_id"], 1337);
    let twice = desk.run("hospital.json", &[&deploy[..], &["--node", &url]].concat());
    assert!(stderr(&twice).contains("network.json"), "{}", stderr(&twice));
    let list =
        medrec(&["provider", "list", "--json", "--node", &url]).current_dir(desk.path()).output().unwrap();
    let list = json_of(&list);
    assert_eq!((&list[0]["name"], &list[0]["endpoint"]), (&json!("hospital"), &json!(endpoint)));
    run("hospital.json", &["provider", "declare-cap", "3/2", "--confirmations", "1"]);
    let budget = medrec(&["provider", "budget", "hospital", "--json", "--node", &url]);
    let budget = json_of(&{ budget }.current_dir(desk.path()).output().unwrap());
    assert_eq!(budget["cap_nano_rho"], 1_500_000_000_u64);
    // A researcher asks to be let in, and is.
    json_of(&desk.run("lab.json", &["researcher", "keys", "create", "--json"]));
    json_of(
        &desk.run(
            "lab.json",
            &["researcher", "candidate", "--name", "lab", "--out", "lab.candidate", "--json"],
        ),
    );
    let admitted = run("hospital.json", &["provider", "admit", "lab.candidate", "--confirmations", "1"]);
    assert_eq!(admitted["role"], "researcher");
    // Nothing was mined by the lab; the block belongs to the node's own coinbase.
    node.wait_for_block(14);
    let claimed = desk.run("lab.json", &["claim", "1", "--node", &url]);
    assert_eq!(claimed.status.code(), Some(1));
    assert!(stderr(&claimed).contains("not with a key of this keystore"), "{}", stderr(&claimed));
    // Nobody answers at the hospital's endpoint, and the error names it.
    json_of(&desk.run("ada.json", &["patient", "keys", "create", "--json"]));
    let account = run("ada.json", &["patient", "account", "--provider", "hospital"]);
    assert_eq!(account["index"], 0);
    let status =
        desk.run("ada.json", &["patient", "status", "--provider", "hospital", "--json", "--node", &url]);
    assert_eq!(json_of(&status)["status"], "none");
    let register = desk.run("ada.json", &["patient", "register", "--provider", "hospital", "--node", &url]);
    assert_eq!(register.status.code(), Some(1));
    assert!(stderr(&register).contains("gatekeeper http://127.0.0.1:9"), "{}", stderr(&register));
    let unknown = desk.run("ada.json", &["patient", "status", "--provider", "clinic", "--node", &url]);
    assert!(stderr(&unknown).contains("on this chain are hospital"), "{}", stderr(&unknown));
    // The words alone find the hospital's account again.
    fs::write(desk.path().join("words"), WORDS).unwrap();
    let found = run("again.json", &["provider", "keys", "restore", "--words-file", "words", "--discover"]);
    assert_eq!(found[0]["index"], 0);
    assert_eq!(found[0]["provider"], Value::Null);
    assert_eq!(node.stop().0, Some(0));
}

#[test]
fn a_bundle_is_held_against_a_chain_only_with_a_network_file() {
    let desk = Desk::new();
    let path = desk.path().join("bundle");
    let lonely = medrec(&["verify", text(&path), "--node", "http://127.0.0.1:9"]).output().unwrap();
    assert_eq!(lonely.status.code(), Some(2));
    assert!(stderr(&lonely).contains("--network"), "{}", stderr(&lonely));
}
