//! Genesis files for every client.

use serde_json::json;
use tempfile::tempdir;

use crate::process::{json_of, output, stderr, stdout, text};

const CLIENTS: [&str; 4] = ["core-geth", "geth", "besu", "embedded"];

#[test]
fn every_client_gets_the_same_genesis_hash_and_the_node_reads_each_file() {
    let folder = tempdir().unwrap();
    let alloc = folder.path().join("alloc.json");
    let account = "0x00000000000000000000000000000000000000bb";
    let slot = format!("0x{:064x}", 1);
    let accounts = json!({ account: { "balance": "0x64", "nonce": "0x1", "code": "0x6000", "storage": { slot.as_str(): slot } } });
    std::fs::write(&alloc, accounts.to_string()).unwrap();
    let hashes: Vec<String> = CLIENTS
        .iter()
        .map(|client| {
            let file = folder.path().join(format!("{client}.json"));
            let arguments = ["genesis", "--for", client, "--chain-id", "4242", "--alloc", text(&alloc)];
            let made = json_of(&output(&[&arguments[..], &["--out", text(&file), "--json"]].concat()));
            assert_eq!((&made["accounts"], &made["chain_id"]), (&json!(1), &json!(4242)));
            assert_eq!(made["genesis"]["config"]["chainId"], 4242);
            assert_eq!(made["genesis"]["config"].get("networkId").is_some(), *client == "core-geth");
            let written: serde_json::Value =
                serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            assert_eq!(written, made["genesis"]);

            let datadir = folder.path().join(client);
            let imports = ["node", "import", "--genesis", text(&file), "--datadir", text(&datadir), "--json"];
            let empty = folder.path().join("empty.rlp");
            std::fs::write(&empty, []).unwrap();
            let imported = json_of(&output(&[&imports[..], &[text(&empty)]].concat()));
            assert_eq!(imported["genesis_hash"], made["genesis_hash"], "{client}: read back");
            made["genesis_hash"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(hashes.iter().all(|hash| *hash == hashes[0] && hash.len() == 66), "{hashes:?}");
    let other = json_of(&output(&["genesis", "--for", "geth", "--chain-id", "4242", "--json"]));
    assert_ne!(other["genesis_hash"], hashes[0], "the accounts are part of it");
}

#[test]
fn stdout_is_the_file_and_the_hash_goes_to_stderr() {
    let made = output(&["genesis", "--for", "besu"]);
    let file: serde_json::Value = serde_json::from_str(&stdout(&made)).unwrap();
    assert_eq!(file["difficulty"], "0x20000");
    let hash = json_of(&output(&["genesis", "--for", "besu", "--json"]))["genesis_hash"].clone();
    assert_eq!(stderr(&made), format!("genesis hash {}\n", hash.as_str().unwrap()));
}

#[test]
fn words_fund_accounts_and_a_broken_file_is_named_with_its_line() {
    let folder = tempdir().unwrap();
    let words = folder.path().join("words.txt");
    std::fs::write(&words, "test test test test test test test test test test test junk\n").unwrap();
    let made = json_of(&output(&[
        "genesis",
        "--for",
        "geth",
        "--mnemonic-file",
        text(&words),
        "--accounts",
        "2",
        "--json",
    ]));
    let alloc = made["genesis"]["alloc"].as_object().unwrap();
    assert_eq!(alloc.len(), 2);
    assert_eq!(alloc["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"]["balance"], "0xd3c21bcecceda1000000");

    std::fs::write(&words, "these words are none\n").unwrap();
    let refused = output(&["genesis", "--for", "geth", "--mnemonic-file", text(&words)]);
    assert_eq!((refused.status.code(), stdout(&refused).as_str()), (Some(2), ""));
    let alloc = folder.path().join("alloc.json");
    std::fs::write(&alloc, "{\n  \"0x00\": {\n    \"balance\": \"1\"\n  }\n}\n").unwrap();
    let refused = output(&["genesis", "--for", "geth", "--alloc", text(&alloc)]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("alloc.json:2: "), "{}", stderr(&refused));
}

#[test]
fn a_file_that_exists_is_never_overwritten() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("genesis.json");
    std::fs::write(&file, "mine").unwrap();
    let refused = output(&["genesis", "--for", "geth", "--out", text(&file)]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}
