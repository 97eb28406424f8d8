//! `medrec gatekeeper` as a process: ready, signals, what keeps it from starting, chain and disk lost and found again.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::hospital::{Hospital, NAME};
use crate::process::{PATIENCE, Running, stderr, stdout};

/// What the gatekeeper says to everybody.
fn status(hospital: &Hospital) -> Value {
    try_status(hospital).expect("the gatekeeper answers")
}

/// As [`status`]; `None` when nobody answers.
pub(crate) fn try_status(hospital: &Hospital) -> Option<Value> {
    let mut stream = TcpStream::connect(hospital.endpoint.strip_prefix("http://").unwrap()).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

/// A gatekeeper that does not start: its exit code and what it says.
fn refused(hospital: &Hospital, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(hospital, arguments);
    assert_eq!(stdout(&output), "", "{}", stderr(&output));
    (output.status.code(), stderr(&output))
}

fn run(hospital: &Hospital, arguments: &[&str]) -> Output {
    let arguments = [&["gatekeeper", "--config", "gatekeeper.toml"], arguments].concat();
    hospital.command(&arguments).output().unwrap()
}

#[test]
fn it_tells_once_that_it_is_ready_and_stops_with_0_on_either_signal() {
    let hospital = Hospital::open();
    for signal in ["-TERM", "-INT"] {
        let gatekeeper = hospital.gatekeeper();
        let ready = &gatekeeper.ready;
        assert_eq!((&ready["url"], &ready["chain_id"]), (&json!(hospital.endpoint), &json!(1337)));
        assert!(ready["state"].as_str().unwrap().ends_with("state"), "{ready}");
        let provider = ready["provider"].clone();
        let status = status(&hospital);
        assert_eq!((&status["provider"], &status["chain_id"]), (&provider, &json!(1337)));
        assert!(status["head"]["number"].as_u64().unwrap() > 0, "{status}");
        let (code, rest, complaints) = gatekeeper.stop_by(signal);
        assert_eq!((code, rest), (Some(0), Vec::new()), "{signal}: {complaints}");
        assert!(complaints.contains("stopped; everything acknowledged is on disk"), "{complaints}");
    }
    // In words, quietly, on any free port.
    let arguments = ["gatekeeper", "--config", "gatekeeper.toml", "--listen", "127.0.0.1:0", "--quiet"];
    let (gatekeeper, line) = Running::spawn_until_a_line(&mut hospital.command(&arguments));
    assert!(line.starts_with("http://127.0.0.1:") && line.contains(": gatekeeper of 0x"), "{line}");
    let (code, rest, complaints) = gatekeeper.stop();
    assert_eq!((code, rest, complaints.as_str()), (Some(0), Vec::new(), ""));
    // A check opens everything and ends.
    let checked = run(&hospital, &["--check", "--json"]);
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
    assert!(stdout(&checked).contains("\"chain_id\":1337"), "{}", stdout(&checked));
    let mode = fs::metadata(hospital.path("state")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_mistake_in_the_configuration_is_named_with_file_line_key_and_what_to_do() {
    let hospital = Hospital::open();
    let whole = fs::read_to_string(hospital.path("gatekeeper.toml")).unwrap();
    for (from, to, says) in [
        ("census-rho", "cencus-rho", &["gatekeeper.toml:12: ", "cencus-rho", "census-rho", "hint: "][..]),
        ("state = \"state\"", "state = 7", &["gatekeeper.toml:6: ", "state", "hint: "]),
        ("keystore = \"hospital.json\"\n", "", &["gatekeeper.toml", "keystore", "hint: "]),
        ("cap = \"4\"", "cap = \"four\"", &["gatekeeper.toml:11: ", "four", "hint: "]),
        ("2025-01-01", "2025-13-01", &["gatekeeper.toml:13: ", "2025-13-01", "hint: "]),
        ("listen = \"", "listen = \"nowhere:", &["gatekeeper.toml:2: ", "listen", "hint: "]),
        ("\"http://127.0.0.1", "\"ftp://127.0.0.1", &["gatekeeper.toml:3: ", "nodes", "ftp://", "hint: "]),
        ("fhir-ndjson", "hl7", &["gatekeeper.toml:8: ", "hl7", "fhir-ndjson", "hint: "]),
        ("path = \"records\"", "url = \"sqlite:x\"", &["gatekeeper.toml:7: ", "records", "hint: "]),
        ("path = \"records\"", "path = \"recrods\"", &["gatekeeper.toml:9: ", "recrods", "hint: "]),
        ("network.json", "netwrok.json", &["gatekeeper.toml:4: ", "netwrok.json", "hint: "]),
        ("hospital.json", "hopsital.json", &["gatekeeper.toml:5: ", "hopsital.json", "hint: "]),
        ("cap = \"4\"", "cap = \"0\"", &["gatekeeper.toml:11: ", "cap", "hint: "]),
        ("[records]", "[records", &["gatekeeper.toml:7: ", "hint: "]),
    ] {
        let wrong = whole.replacen(from, to, 1);
        assert_ne!(wrong, whole, "{from}");
        fs::write(hospital.path("gatekeeper.toml"), wrong).unwrap();
        let (code, message) = refused(&hospital, &[]);
        assert_eq!(code, Some(2), "{to}: {message}");
        for word in says {
            assert!(message.contains(word), "{to}: {word} is not in: {message}");
        }
        assert!(!hospital.path("state").exists(), "{to}: nothing was made");
    }
    let (code, message) = {
        let output = hospital.command(&["gatekeeper", "--config", "missing.toml"]).output().unwrap();
        (output.status.code(), stderr(&output))
    };
    assert_eq!(code, Some(2));
    assert!(message.contains("missing.toml") && message.contains("hint: "), "{message}");
}

#[test]
fn a_wrong_password_an_open_keystore_a_port_in_use_and_a_second_process_are_told_apart() {
    let hospital = Hospital::open();
    let mut wrong = hospital.command(&["gatekeeper", "--config", "gatekeeper.toml"]);
    let output = wrong.env("MEDREC_PASSWORD", "open barley").output().unwrap();
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""));
    assert!(stderr(&output).contains("the password is wrong"), "{}", stderr(&output));
    assert!(!stderr(&output).contains("barley"));
    let keystore = hospital.path("hospital.json");
    fs::set_permissions(&keystore, fs::Permissions::from_mode(0o640)).unwrap();
    let (code, message) = refused(&hospital, &[]);
    assert_eq!(code, Some(1));
    assert!(message.contains("hospital.json") && message.contains("hint: chmod 600"), "{message}");
    fs::set_permissions(&keystore, fs::Permissions::from_mode(0o600)).unwrap();
    let taken = TcpListener::bind(hospital.endpoint.strip_prefix("http://").unwrap()).unwrap();
    let (code, message) = refused(&hospital, &[]);
    assert_eq!(code, Some(1));
    assert!(message.contains(&taken.local_addr().unwrap().to_string()), "{message}");
    assert!(message.contains("hint: ") && message.contains("--listen"), "{message}");
    assert!(!hospital.path("state").exists(), "nothing was made");
    drop(taken);
    // The password from the configuration's own file.
    fs::write(hospital.path("password"), "open sesame\n").unwrap();
    hospital.configure("password-file = \"password\"");
    let mut quiet = hospital.gatekeeper_command();
    let gatekeeper = Running::spawn(quiet.env_remove("MEDREC_PASSWORD"));
    let (code, message) = refused(&hospital, &["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert!(message.contains("state") && message.contains("in use by another process"), "{message}");
    assert!(message.contains("hint: "), "{message}");
    assert_eq!(status(&hospital)["provider"], gatekeeper.ready["provider"], "the first one goes on");
    assert_eq!(gatekeeper.stop().0, Some(0));
}

#[test]
fn without_the_chain_it_starts_refuses_and_recovers() {
    let mut hospital = Hospital::open();
    let gatekeeper = hospital.gatekeeper();
    hospital.welcome("alma", 3);
    assert_eq!(gatekeeper.stop().0, Some(0));
    // The chain is away when the gatekeeper starts.
    assert_eq!(hospital.node.take().unwrap().stop().0, Some(0));
    let gatekeeper = hospital.gatekeeper();
    assert_eq!(status(&hospital)["head"], Value::Null);
    hospital.start_node(&[]);
    hospital.blocks(1);
    assert!(!read(&hospital)["rows"].as_array().unwrap().is_empty());
    // It is lost later: closed, by name, and not for ever. The patient's own node is another one, with the same chain.
    assert_eq!(hospital.node.take().unwrap().stop().0, Some(0));
    fs::create_dir(hospital.path("copy")).unwrap();
    for entry in fs::read_dir(hospital.path("chain")).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), hospital.path("copy").join(entry.file_name())).unwrap();
    }
    let own = ["node", "--dev", "--datadir", "copy", "--http-port", "0", "--threads", "0", "--json"];
    let own = Running::spawn(&mut hospital.command(&own));
    let node = own.ready["http"].as_str().unwrap();
    let question = ["patient", "read", "--table", "condition", "--keystore", "alma.json", "--provider", NAME];
    let question = hospital.command(&[&question[..], &["--node", node]].concat()).output().unwrap();
    assert_eq!((question.status.code(), stdout(&question).as_str()), (Some(1), ""));
    assert!(
        stderr(&question).contains("hint: the provider's node is down or behind"),
        "{}",
        stderr(&question)
    );
    assert_eq!(status(&hospital)["head"], Value::Null);
    assert_eq!(own.stop().0, Some(0));
    hospital.start_node(&[]);
    hospital.blocks(1);
    assert!(!read(&hospital)["rows"].as_array().unwrap().is_empty());
    let (code, _, complaints) = gatekeeper.stop();
    assert_eq!(code, Some(0), "{complaints}");
}

fn read_question(hospital: &Hospital) -> Output {
    hospital.tried_here("alma", &["read", "--table", "condition"])
}

fn read(hospital: &Hospital) -> Value {
    crate::process::json_of(&read_question(hospital))
}

#[test]
fn a_full_disk_answers_nothing_loses_nothing_and_ends_by_name() {
    let hospital = Hospital::open();
    let mut gatekeeper = hospital.gatekeeper();
    let account = hospital.welcome("alma", 3);
    let before = hospital.here("alma", &["audit"])["length"].as_u64().unwrap();
    hospital.fault.arm("full 1 state/gatekeeper.redb");
    let question = read_question(&hospital);
    assert_eq!(question.status.code(), Some(1), "{}", stdout(&question));
    assert_eq!(stdout(&question), "", "what cannot be written is not answered");
    // A store that failed once is not trusted any more: the service ends, so that whoever watches it starts it again.
    let status = gatekeeper.ends_within(PATIENCE).expect("it ends");
    assert_eq!(status.code(), Some(1));
    let complaints = gatekeeper.complaints();
    assert!(complaints.contains("gatekeeper.redb"), "{complaints}");
    assert!(complaints.contains("No space left on device") && complaints.contains("hint: "), "{complaints}");
    assert!(!hospital.fault.disarm().is_empty());
    let gatekeeper = hospital.gatekeeper();
    assert!(!read(&hospital)["rows"].as_array().unwrap().is_empty());
    let log = hospital.here("alma", &["audit"]);
    assert!(log["length"].as_u64().unwrap() > before, "{log}");
    let entries = log["entries"].as_array().unwrap();
    let reads = entries.iter().filter(|entry| entry["method"] == "records/read").count();
    assert_eq!(reads, 1, "the one that was answered: {account}");
    assert_eq!(gatekeeper.stop().0, Some(0));
}

#[test]
fn a_client_that_never_ends_its_question_does_not_keep_it_from_stopping() {
    let hospital = Hospital::open();
    let gatekeeper = hospital.gatekeeper();
    let mut busy = TcpStream::connect(hospital.endpoint.strip_prefix("http://").unwrap()).unwrap();
    busy.write_all(b"POST /v1/records/read HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    let (code, _, complaints) = gatekeeper.stop();
    assert_eq!(code, Some(0), "{complaints}");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}
