//! Proof that it is Ethereum: a chain with everything in it, replayed through the executable
//! specification, which must accept every block and refuse every mutant.
//!
//! Needs Python 3.11 or later with `venv`, and a package registry the first time. `MEDREC_ORACLE_PYTHON` names an
//! interpreter that has `oracle/requirements.txt` installed already.

use crate::mutations::{Mutant, mutants};
use crate::support::{CONTRACT, PROBE, Sender, TestNode, spec};
use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use alloy_rlp::Encodable;
use medrec_node::chain::ImportOptions;
use medrec_node::{Block, ChainSpec, DifficultyRule, blockfile};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Rounds of the chain below; each makes four canonical blocks.
const ROUNDS: u64 = 16;
/// High enough for the difficulty rule to move it, low enough for light hashing.
const DIFFICULTY: u64 = 2_200;
const MINIMUM: u64 = 2_000;
/// Low enough to be filled.
const GAS_LIMIT: u64 = 1_000_000;

fn oracle_spec() -> ChainSpec {
    let mut spec = spec(DIFFICULTY);
    spec.difficulty = DifficultyRule::Ethash { minimum: MINIMUM };
    spec.genesis.timestamp = medrec_node::chain::clock_s() - 600;
    spec.genesis.gas_limit = GAS_LIMIT;
    spec
}

fn word(value: u64) -> Bytes {
    U256::from(value).to_be_bytes::<32>().into()
}

/// Four blocks: mixed transactions, one filled to its gas limit, an empty one with a side block
/// beside it, and one that includes that as an ommer.
fn round(node: &TestNode, number: u64, senders: &mut [Sender; 3]) {
    let [one, two, three] = senders;
    let contract = one.address().create(one.nonce);
    node.submit(&one.dynamic(TxKind::Create, 0, CONTRACT));
    node.submit(&one.dynamic(TxKind::Call(contract), 0, word(number + 1)));
    node.submit(&two.listed(contract, word(0)));
    node.submit(&two.legacy(TxKind::Call(contract), 0, Bytes::new()));
    node.mine();
    let probe = one.address().create(one.nonce);
    node.submit(&one.legacy(TxKind::Create, 0, PROBE));
    node.submit(&one.dynamic(TxKind::Call(probe), 7, Bytes::new()));
    if number % 2 == 1 {
        node.submit(&one.dynamic(TxKind::Call(probe), 0, word(1)));
    }
    for value in 0..45 {
        node.submit(&three.transfer(Address::with_last_byte(0xc0), value));
    }
    let full = node.mine();
    assert!(full.block.header.gas_limit - full.block.header.gas_used < 200_000, "the block is full");
    while node.backend.with_pool(medrec_node::pool::Pool::counts).0 > 0 {
        node.mine();
    }
    let parent = node.head();
    node.mine();
    node.mine_on(&parent, 7, vec![]);
    node.mine();
}

fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("MEDREC_ORACLE_PYTHON") {
        return python.into();
    }
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/requirements.txt");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracle-venv");
    let python = folder.join("bin/python");
    let run = |command: &mut Command| {
        let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(
            status.success(),
            "{command:?} failed: the oracle needs python3 with venv, and a package registry"
        );
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(requirements));
    python
}

fn mutant_json(mutant: &Mutant) -> Value {
    let mut rlp = Vec::new();
    mutant.block.encode(&mut rlp);
    let parent = mutant.block.header.number - 1;
    json!({ "name": mutant.name, "parent": parent, "rlp": hex::encode_prefixed(rlp) })
}

#[test]
fn the_executable_specification_accepts_the_chain_and_refuses_every_mutant() {
    let spec = oracle_spec();
    let node = TestNode::new(spec.clone());
    let mut senders = [Sender::number(0), Sender::number(1), Sender::number(2)];
    for number in 0..ROUNDS {
        round(&node, number, &mut senders);
    }
    let head = node.head();
    assert!(head.number() >= 60, "{}", head.number());
    let file = node.folder.path().join("blocks.rlp");
    blockfile::export(&node.backend, &file, 0..=u64::MAX, |_| ControlFlow::Continue(())).unwrap();

    let blocks: Vec<Block> = blockfile::BlockFile::open(&file).unwrap().collect::<Result<_, _>>().unwrap();
    let with_logs = blocks.iter().rfind(|block| !block.header.logs_bloom.is_zero()).unwrap();
    let mutants = mutants(with_logs);

    let importer = TestNode::new(spec.clone());
    for block in &blocks[1..] {
        if block.header.number == with_logs.header.number {
            for mutant in &mutants {
                mutant.assert_refused_by(&importer);
            }
        }
        importer.backend.import(block.clone(), ImportOptions::default()).unwrap();
    }
    assert_eq!(importer.head().hash, head.hash);

    let report = replay(&spec, &file, &mutants);
    assert_eq!(report["refused"], json!([]), "{report}");
    assert_eq!(report["accepted"], json!(head.number()));
    assert_eq!(report["head"], json!(head.hash));
    assert!(report["ommers"].as_u64().unwrap() >= ROUNDS, "{report}");
    assert_eq!(report["mutants"].as_object().unwrap().len(), mutants.len());
    for (name, why) in report["mutants"].as_object().unwrap() {
        assert!(why.is_string(), "the specification accepted the mutant {name}: {report}");
    }
    assert!(!report["seals_compared"].as_array().unwrap().is_empty(), "{report}");
}

fn replay(spec: &ChainSpec, blocks: &Path, mutants: &[Mutant]) -> Value {
    // A genesis file states one difficulty rule; the minimum of this test is none that it could state.
    let stated = ChainSpec { difficulty: DifficultyRule::Fixed(DIFFICULTY), ..spec.clone() };
    let genesis = blocks.with_file_name("genesis.json");
    let text = stated.genesis_json(medrec_node::spec::GenesisDialect::Embedded).unwrap();
    std::fs::write(&genesis, text).unwrap();
    let mutants_file = blocks.with_file_name("mutants.json");
    let list: Vec<Value> = mutants.iter().map(mutant_json).collect();
    std::fs::write(&mutants_file, serde_json::to_vec(&list).unwrap()).unwrap();
    let output = Command::new(python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/replay.py"))
        .args([&genesis, blocks, &mutants_file])
        .env("MEDREC_ORACLE_MINIMUM_DIFFICULTY", MINIMUM.to_string())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.stdout.is_empty(), "the oracle said nothing: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}
