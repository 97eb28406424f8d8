//! Starting, asking, stopping and starting again.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::process::{PATIENCE, Running, json_of, output, stderr, stdout, text};

#[test]
fn a_development_chain_answers_stops_with_0_and_starts_again_at_the_same_head() {
    let folder = tempdir().unwrap();
    let datadir = text(folder.path());
    let node = Running::start(&["--dev", "--datadir", datadir]);
    assert_eq!((&node.ready["chain_id"], &node.ready["head_number"]), (&json!(1337), &json!(0)));
    assert_eq!(node.call("eth_chainId", &json!([])), json!("0x539"));
    let accounts = node.ready["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 10);
    let balance = node.call("eth_getBalance", &json!([accounts[9], "latest"]));
    assert_eq!(balance, json!("0xd3c21bcecceda1000000"), "a million ether");
    node.wait_for_block(2);
    let seen = node.call("eth_getBlockByNumber", &json!(["latest", false]));
    let (code, rest, complaints) = node.stop();
    assert_eq!(code, Some(0), "{complaints}");
    assert_eq!(rest, Vec::<String>::new(), "stdout is one line");
    assert!(complaints.contains("warning: the mnemonic is public"), "{complaints}");

    // Nobody seals any more: the head stays where the first run left it.
    let again = || {
        let node = Running::start(&["--dev", "--datadir", datadir, "--threads", "0"]);
        let known = node.call("eth_getBlockByHash", &json!([seen["hash"], false]));
        assert_eq!(known, seen, "a block that was shown is still there");
        let head = (node.ready["head_number"].clone(), node.ready["head_hash"].clone());
        assert_eq!(node.stop().0, Some(0));
        head
    };
    let first = again();
    assert!(first.0.as_u64().unwrap() >= 2);
    assert_eq!(again(), first);
}

#[test]
fn a_development_chain_without_a_folder_is_deleted_at_the_end() {
    let node = Running::start(&["--dev", "--accounts", "1"]);
    assert_eq!(node.ready["is_temporary"], true);
    let datadir = node.ready["datadir"].as_str().unwrap().to_owned();
    assert!(Path::new(&datadir).join("chain.redb").exists());
    let (code, _, complaints) = node.stop();
    assert_eq!(code, Some(0));
    assert!(!Path::new(&datadir).exists());
    assert!(complaints.contains(&format!("deleted the temporary folder {datadir}")), "{complaints}");
}

#[test]
fn a_development_chain_has_the_difficulty_that_was_asked_for_and_its_folder_keeps_to_it() {
    let folder = tempdir().unwrap();
    let datadir = text(folder.path());
    let arguments = ["--dev", "--threads", "0", "--datadir", datadir];
    let node = Running::start(&[&arguments[..], &["--difficulty", "5000"]].concat());
    let genesis = node.call("eth_getBlockByNumber", &json!(["0x0", false]));
    assert_eq!(genesis["difficulty"], "0x1388");
    // A boundary is 2^256 / 5,000.
    let boundary = node.call("eth_getWork", &json!([]))[2].as_str().unwrap().to_owned();
    assert!(boundary.starts_with("0x000d1b71758e2196"), "{boundary}");
    assert_eq!(node.stop().0, Some(0));
    let other = output(&[&["node", "--http-port", "0"], &arguments[..]].concat());
    assert_eq!(other.status.code(), Some(1), "{}", stderr(&other));
    assert!(stderr(&other).contains(datadir), "{}", stderr(&other));
}

#[test]
fn own_words_fund_other_accounts_and_are_not_printed() {
    let folder = tempdir().unwrap();
    let words = folder.path().join("words.txt");
    std::fs::write(&words, "legal winner thank year wave sausage\nworth useful legal winner thank yellow\n")
        .unwrap();
    let node = Running::start(&["--dev", "--mnemonic-file", text(&words), "--accounts", "2"]);
    // The address that this BIP-39 test vector has on Ethereum's path, as ethers 6 shows it.
    assert_eq!(node.ready["accounts"][0], "0x58a57ed9d8d624cbd12e2c467d34787555bb1b25");
    assert_eq!(node.ready["mnemonic"], Value::Null);
    let (_, _, complaints) = node.stop();
    assert!(!complaints.contains("sausage") && !complaints.contains("warning"), "{complaints}");
}

#[test]
fn a_second_node_on_the_same_folder_is_refused() {
    let folder = tempdir().unwrap();
    let datadir = text(folder.path());
    let _first = Running::start(&["--dev", "--datadir", datadir]);
    let second = output(&["node", "--dev", "--datadir", datadir, "--http-port", "0"]);
    assert_eq!((second.status.code(), stdout(&second).as_str()), (Some(1), ""));
    let message = stderr(&second);
    assert!(message.contains("in use by another process") && message.contains(datadir), "{message}");
    assert!(message.contains("\nhint: "), "{message}");
}

#[test]
fn a_port_in_use_is_named_with_a_hint_and_nothing_is_written() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempdir().unwrap();
    let datadir = folder.path().join("chain");
    let result = output(&["node", "--dev", "--datadir", text(&datadir), "--http-port", &port]);
    assert_eq!((result.status.code(), stdout(&result).as_str()), (Some(1), ""));
    let message = stderr(&result);
    assert!(message.contains(&format!("127.0.0.1:{port}")), "{message}");
    assert!(message.contains("hint: ") && message.contains("--http-port 0"), "{message}");
    assert!(!datadir.exists());
}

#[test]
fn an_address_that_others_reach_draws_a_warning() {
    let node = Running::start(&["--dev", "--http-host", "0.0.0.0"]);
    let (code, _, complaints) = node.stop();
    assert_eq!(code, Some(0));
    assert!(complaints.contains("warning: 0.0.0.0:"), "{complaints}");
}

#[test]
fn a_broken_genesis_file_is_named_with_its_line() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("genesis.json");
    let made = output(&["genesis", "--for", "embedded"]);
    let broken = stdout(&made).replace("\"gasLimit\": \"0x1c9c380\"", "\"gasLimit\": \"plenty\"");
    let line = broken.lines().position(|line| line.contains("plenty")).unwrap() + 1;
    std::fs::write(&file, broken).unwrap();
    let coinbase = "0x00000000000000000000000000000000000000aa";
    let datadir = folder.path().join("chain");
    let result =
        output(&["node", "--genesis", text(&file), "--datadir", text(&datadir), "--coinbase", coinbase]);
    assert_eq!((result.status.code(), stdout(&result).as_str()), (Some(2), ""));
    assert!(stderr(&result).contains(&format!("genesis.json:{line}: ")), "{}", stderr(&result));
    assert!(!datadir.exists());
}

#[test]
fn arguments_without_sense_are_refused_before_anything_is_written() {
    let folder = tempdir().unwrap();
    let datadir = folder.path().join("chain");
    let mistyped = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92267";
    for arguments in [
        &["--http-port", "0"][..],
        &["--dev", "--genesis", "genesis.json"],
        &["--threads", "1"],
        &["--dev", "--accounts", "0"],
        &["--dev", "--coinbase", mistyped],
        &["--dev", "--notify", "not a URL"],
        &["--dev", "--http-port", "65536"],
        &["--dev", "--max-connections", "0"],
        &["--dev", "--max-connections-per-client", "0"],
    ] {
        let result = output(&[&["node", "--datadir", text(&datadir)], arguments].concat());
        assert_eq!(result.status.code(), Some(2), "{arguments:?}: {}", stderr(&result));
        assert_eq!(stdout(&result), "", "{arguments:?}");
        assert!(!datadir.exists(), "{arguments:?}");
    }
    let nobody = output(&["node", "--datadir", text(&datadir)]);
    assert!(stderr(&nobody).contains("hint: --coinbase"), "{}", stderr(&nobody));
}

#[test]
fn a_real_chain_gives_out_work_seals_nothing_and_remembers_its_genesis() {
    let folder = tempdir().unwrap();
    let (file, datadir) = (folder.path().join("genesis.json"), folder.path().join("chain"));
    let coinbase = ["--coinbase", "0x00000000000000000000000000000000000000aa"];
    let made = output(&["genesis", "--for", "geth", "--chain-id", "77", "--out", text(&file), "--json"]);
    let genesis_hash = json_of(&made)["genesis_hash"].clone();
    let place = ["--datadir", text(&datadir)];
    let node = Running::start(&[&["--genesis", text(&file)], &place[..], &coinbase].concat());
    assert_eq!((&node.ready["chain_id"], &node.ready["genesis_hash"]), (&json!(77), &genesis_hash));
    assert_eq!(node.ready["is_sealing"], false);
    let work = node.call("eth_getWork", &json!([]));
    // 2^256 / 131,072 is 2^239.
    assert_eq!(work[2], format!("0x00008{}", "0".repeat(59)));
    assert_eq!(work[3], "0x1");
    assert_eq!(node.head(), 0);
    assert_eq!(node.stop().0, Some(0));

    let node = Running::start(&[&place[..], &coinbase].concat());
    assert_eq!((&node.ready["chain_id"], &node.ready["genesis_hash"]), (&json!(77), &genesis_hash));
    assert_eq!(node.stop().0, Some(0));
    // Block 0 does not hold the chain id, so this is not seen by its hash.
    let other = output(&[&["node", "--chain-id", "78", "--http-port", "0"], &place[..], &coinbase].concat());
    assert_eq!(other.status.code(), Some(1));
    assert!(stderr(&other).contains("id 77") && stderr(&other).contains("id 78"), "{}", stderr(&other));
    let dev = output(&[&["node", "--dev", "--http-port", "0"], &place[..]].concat());
    assert_eq!(dev.status.code(), Some(1));
    assert!(stderr(&dev).contains("another --datadir"), "{}", stderr(&dev));
}

#[test]
fn people_get_the_same_answer_in_words() {
    let mut child = crate::process::medrec(&["node", "--dev", "--http-port", "0"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let said: Vec<String> =
        lines.by_ref().map(Result::unwrap).take_while(|line| !line.starts_with("ready")).collect();
    assert!(said[0].starts_with("chain     1337"), "{said:?}");
    assert!(said.iter().any(|line| line.ends_with("test test test junk")), "{said:?}");
    assert_eq!(said.iter().filter(|line| line.starts_with("account ")).count(), 10);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_second_signal_ends_a_node_that_waits_for_a_client() {
    let mut node = Running::start(&["--dev", "--accounts", "1"]);
    let datadir = node.ready["datadir"].as_str().unwrap().to_owned();
    // A request whose body never ends keeps a graceful stop waiting.
    let mut busy = TcpStream::connect(node.address()).unwrap();
    let half =
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
    busy.write_all(half.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    node.signal("-INT");
    assert_eq!(node.ends_within(Duration::from_secs(2)), None, "it waits for the request");
    node.signal("-INT");
    let status = node.ends_within(PATIENCE).expect("the second signal ends it");
    assert_eq!(status.code(), Some(130));
    std::fs::remove_dir_all(datadir).unwrap();
}

#[test]
fn one_client_has_no_more_connections_than_the_operator_says() {
    let node = Running::start(&["--dev", "--accounts", "1", "--max-connections-per-client", "2"]);
    let ask = |text: &str, until: &str| {
        let mut stream = TcpStream::connect(node.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(until.as_bytes()) {
            let mut byte = [0];
            assert_eq!(stream.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&answer));
            answer.push(byte[0]);
        }
        (stream, String::from_utf8(answer).unwrap())
    };
    let upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let (first, switched) = ask(upgrade, "\r\n\r\n");
    assert!(switched.starts_with("HTTP/1.1 101 "), "{switched}");
    let (_second, _) = ask(upgrade, "\r\n\r\n");
    // A moment after its answer a connection is known to be a WebSocket, which is never taken for an idle one.
    std::thread::sleep(Duration::from_millis(300));
    let (_, refused) = ask(upgrade, "close some\n");
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("too many connections"), "{refused}");
    drop(first);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(node.call("eth_chainId", &json!([])), json!("0x539"));
    assert_eq!(node.stop().0, Some(0));
}
