//! Measures the chain, in release builds. One JSON document on standard output.
//!
//! `measure_chain import BLOCKS TRANSACTIONS [REPEATS]` builds a chain of transfers and imports its block file with and without
//! seal checks, several times in turn, and tells the medians.
//!
//! `measure_chain grow BLOCKS TRANSACTIONS FOLDER` builds a chain without seals (no other node takes it; everything
//! but the seal is as always) in FOLDER, which stays, and tells the memory that it took. `medrec node --dev
//! --datadir FOLDER` opens it.

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Address, Signature, TxKind, U256};
use alloy_signer_local::coins_bip39::English;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use medrec_node::backend::{Backend, BackendOptions};
use medrec_node::chain::building::{BlockTemplate, TransactionSource};
use medrec_node::chain::{Chain, ImportOptions};
use medrec_node::execution::Unexecutable;
use medrec_node::spec::{DEV_ACCOUNTS, DEV_MNEMONIC};
use medrec_node::work::light;
use medrec_node::{ChainSpec, DifficultyRule, Transaction, blockfile};
use std::error::Error;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Transfers of one sender, each to an address of its own.
struct Transfers {
    key: PrivateKeySigner,
    nonce: u64,
    left: u64,
}

impl TransactionSource for Transfers {
    fn next(&mut self) -> Option<(Arc<Transaction>, Address)> {
        self.left = self.left.checked_sub(1)?;
        let unsigned = TxEip1559 {
            chain_id: medrec_node::spec::DEV_CHAIN_ID,
            nonce: self.nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(Address::left_padding_from(&self.nonce.to_be_bytes())),
            value: U256::from(1),
            ..TxEip1559::default()
        };
        self.nonce += 1;
        let hash = unsigned.signature_hash();
        let signature = self.key.credential().sign_prehash_recoverable(hash.as_slice()).ok()?;
        Some((Arc::new(unsigned.into_signed(Signature::from(signature)).into()), self.key.address()))
    }

    fn skipped(&mut self, _why: &Unexecutable) {
        self.left = 0;
    }
}

/// Seconds between blocks, and the time of block 0: long past, so that no block is ahead of the clock.
const BLOCK_TIME_S: u64 = 13;
const GENESIS_TIME_S: u64 = 1_600_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let document =
        match arguments[..] {
            ["import", blocks, transactions] => import(blocks.parse()?, transactions.parse()?, 3)?,
            ["import", blocks, transactions, repeats] => {
                import(blocks.parse()?, transactions.parse()?, repeats.parse()?)?
            }
            ["grow", blocks, transactions, folder] => {
                grow(blocks.parse()?, transactions.parse()?, Path::new(folder))?
            }
            _ => return Err(
                "usage: measure_chain import BLOCKS TRANSACTIONS [REPEATS] | grow BLOCKS TRANSACTIONS FOLDER"
                    .into(),
            ),
        };
    writeln!(std::io::stdout(), "{document}")?;
    Ok(())
}

/// Builds blocks of transfers on the head of `backend`, with seals or with zeros in their place.
fn build(backend: &Backend, blocks: u64, transactions: u64, is_sealed: bool) -> Result<(), Box<dyn Error>> {
    let key = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC).build()?;
    let mut transfers = Transfers { key, nonce: 0, left: 0 };
    for number in 1..=blocks {
        transfers.left = transactions;
        let template = BlockTemplate {
            coinbase: Address::repeat_byte(1),
            extra_data: alloy_primitives::Bytes::new(),
            gas_limit_target: 30_000_000,
            timestamp_s: Some(backend.chain().spec().genesis.timestamp + number * BLOCK_TIME_S),
        };
        let candidate = backend.chain().build(&backend.chain().head(), &template, &mut transfers)?;
        let mut block = candidate.block.clone();
        if is_sealed {
            let seal = light::seal(backend.chain().sealer(), &candidate, 1, &AtomicBool::new(false))?;
            (block.header.nonce, block.header.mix_hash) = seal.ok_or("no seal")?;
        }
        backend.import(block, ImportOptions { check_seal: false, durable: number.is_multiple_of(1_000) })?;
    }
    backend.chain().store().flush()?;
    Ok(())
}

fn import(blocks: u64, transactions: u64, repeats: usize) -> Result<serde_json::Value, Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("measure-chain-{}", std::process::id()));
    let result = import_in(&folder, blocks, transactions, repeats);
    std::fs::remove_dir_all(&folder)?;
    result
}

fn import_in(
    folder: &Path,
    blocks: u64,
    transactions: u64,
    repeats: usize,
) -> Result<serde_json::Value, Box<dyn Error>> {
    let mut spec = ChainSpec::dev(DEV_MNEMONIC, 1)?;
    // Any nonce is a solution, so that building costs little; checking one costs what it always does.
    spec.difficulty = DifficultyRule::Fixed(1);
    spec.genesis.difficulty = U256::from(1);
    spec.genesis.timestamp = GENESIS_TIME_S;
    let open = |name: &str| -> Result<Backend, Box<dyn Error>> {
        let chain = Chain::open(&folder.join(name), spec.clone())?;
        Ok(Backend::new(chain, BackendOptions::default())?)
    };
    let source = open("source")?;
    source.chain().sealer().warm_up(0)?;
    build(&source, blocks, transactions, true)?;
    let file = folder.join("blocks.rlp");
    blockfile::export(&source, &file, 0..=blocks, |_| ControlFlow::Continue(()))?;
    let rate = |name: &str, check_seal| -> Result<u64, Box<dyn Error>> {
        let target = open(name)?;
        let started = Instant::now();
        let options = ImportOptions { check_seal, durable: false };
        let summary = blockfile::import(&target, &file, options, |_| ControlFlow::Continue(()))?;
        assert_eq!(
            target.chain().head().hash,
            source.chain().head().hash,
            "the import ends at the same head"
        );
        let took = started.elapsed();
        drop(target);
        std::fs::remove_dir_all(folder.join(name))?;
        Ok(u64::try_from(u128::from(summary.blocks) * 1_000_000 / took.as_micros().max(1))?)
    };
    let (mut checked, mut unchecked) = (Vec::new(), Vec::new());
    for _ in 0..repeats.max(1) {
        checked.push(rate("checked", true)?);
        unchecked.push(rate("unchecked", false)?);
    }
    Ok(serde_json::json!({
        "blocks": blocks,
        "transactions_per_block": transactions,
        "import_blocks_per_second": median(&mut checked),
        "import_blocks_per_second_without_seals": median(&mut unchecked),
        "samples": { "checked": checked, "unchecked": unchecked },
        "source_bytes": std::fs::metadata(folder.join("source/chain.redb"))?.len(),
    }))
}

fn median(samples: &mut [u64]) -> u64 {
    samples.sort_unstable();
    samples[samples.len() / 2]
}

fn grow(blocks: u64, transactions: u64, folder: &Path) -> Result<serde_json::Value, Box<dyn Error>> {
    let spec = ChainSpec::dev(DEV_MNEMONIC, DEV_ACCOUNTS)?;
    let backend = Backend::new(Chain::open(folder, spec)?, BackendOptions::default())?;
    let before = memory_kib("VmRSS")?;
    let started = Instant::now();
    build(&backend, blocks, transactions, false)?;
    let seconds = started.elapsed().as_secs();
    Ok(serde_json::json!({
        "blocks": blocks,
        "transactions_per_block": transactions,
        "seconds": seconds,
        "memory_before_kib": before,
        "memory_after_kib": memory_kib("VmRSS")?,
        "memory_peak_kib": memory_kib("VmHWM")?,
        "chain_bytes": std::fs::metadata(folder.join("chain.redb"))?.len(),
    }))
}

/// A line of Linux's account of this process.
fn memory_kib(name: &str) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).ok_or("no such line")?;
    Ok(line.split_whitespace().nth(1).ok_or("no figure")?.parse()?)
}
