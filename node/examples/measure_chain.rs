//! Measures import: `measure_chain BLOCKS TRANSACTIONS` builds a chain of transfers and imports its
//! block file with and without seal checks. One JSON document on standard output.

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Address, Signature, TxKind, U256};
use alloy_signer_local::coins_bip39::English;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use medrec_node::backend::{Backend, BackendOptions};
use medrec_node::chain::building::{BlockTemplate, TransactionSource};
use medrec_node::chain::{Chain, ImportOptions};
use medrec_node::execution::Unexecutable;
use medrec_node::spec::DEV_MNEMONIC;
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

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let blocks: u64 = arguments.next().ok_or("usage: measure_chain BLOCKS TRANSACTIONS")?.parse()?;
    let transactions: u64 = arguments.next().ok_or("missing TRANSACTIONS")?.parse()?;
    let folder = std::env::temp_dir().join(format!("measure-chain-{}", std::process::id()));
    let result = measure(&folder, blocks, transactions);
    std::fs::remove_dir_all(&folder)?;
    writeln!(std::io::stdout(), "{}", result?)?;
    Ok(())
}

fn measure(folder: &Path, blocks: u64, transactions: u64) -> Result<serde_json::Value, Box<dyn Error>> {
    let mut spec = ChainSpec::dev(DEV_MNEMONIC, 1)?;
    // Any nonce is a solution, so that building costs little; checking one costs what it always does.
    spec.difficulty = DifficultyRule::Fixed(1);
    let open = |name: &str| -> Result<Backend, Box<dyn Error>> {
        let chain = Chain::open(&folder.join(name), spec.clone())?;
        Ok(Backend::new(chain, BackendOptions::default())?)
    };
    let source = open("source")?;
    source.chain().sealer().warm_up(0)?;
    let key = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC).build()?;
    let mut transfers = Transfers { key, nonce: 0, left: 0 };
    let template = BlockTemplate {
        coinbase: Address::repeat_byte(1),
        extra_data: alloy_primitives::Bytes::new(),
        gas_limit_target: 30_000_000,
    };
    for _ in 0..blocks {
        transfers.left = transactions;
        let candidate = source.chain().build(&source.chain().head(), &template, &mut transfers)?;
        let seal = light::seal(source.chain().sealer(), &candidate, 1, &AtomicBool::new(false))?;
        let (nonce, mix) = seal.ok_or("no seal")?;
        source.chain().adopt_sealed(&candidate, nonce, mix)?;
    }
    let file = folder.join("blocks.rlp");
    blockfile::export(&source, &file, 0..=blocks, |_| ControlFlow::Continue(()))?;
    let rate = |name: &str, check_seal| -> Result<f64, Box<dyn Error>> {
        let target = open(name)?;
        let started = Instant::now();
        let options = ImportOptions { check_seal, durable: false };
        let summary = blockfile::import(&target, &file, options, |_| ControlFlow::Continue(()))?;
        let count = u32::try_from(summary.blocks)?;
        Ok((f64::from(count) / started.elapsed().as_secs_f64()).round())
    };
    let started = Instant::now();
    open("new")?;
    let open_new_chain_ms = started.elapsed().as_secs_f64() * 1_000.0;
    Ok(serde_json::json!({
        "blocks": blocks,
        "transactions_per_block": transactions,
        "import_blocks_per_second": rate("checked", true)?,
        "import_blocks_per_second_without_seals": rate("unchecked", false)?,
        "open_new_chain_ms": open_new_chain_ms.round(),
        "source_bytes": std::fs::metadata(folder.join("source/chain.redb"))?.len(),
    }))
}
