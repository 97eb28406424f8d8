//! What stdout says once the node answers.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use alloy_primitives::{Address, B256};
use medrec_node::{DifficultyRule, Node};
use serde::Serialize;

use super::Plan;
use crate::shell::Shell;

/// The answer. With `--json` it is one line.
#[derive(Debug, Serialize)]
struct Ready<'p> {
    http: String,
    ws: String,
    chain_id: u64,
    genesis_hash: B256,
    head_number: u64,
    head_hash: B256,
    coinbase: Address,
    /// Whether the node makes blocks by itself.
    is_sealing: bool,
    datadir: &'p Path,
    /// Whether the folder is deleted when the node stops.
    is_temporary: bool,
    accounts: &'p [Address],
    /// Absent unless it is the public one.
    mnemonic: Option<&'static str>,
}

/// Tells that the node is ready, and everything that clients need.
pub(super) fn tell(
    plan: &Plan,
    node: &Node,
    address: SocketAddr,
    datadir: &Path,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let head = node.backend().chain().head();
    let ready = Ready {
        http: format!("http://{address}"),
        ws: format!("ws://{address}"),
        chain_id: plan.chain.spec.chain_id,
        genesis_hash: plan.chain.spec.genesis.hash(),
        head_number: head.number(),
        head_hash: head.hash,
        coinbase: plan.coinbase,
        is_sealing: plan.sealing.is_some(),
        datadir,
        is_temporary: matches!(plan.chain.folder, super::Folder::Temporary),
        accounts: &plan.chain.accounts,
        mnemonic: plan.chain.mnemonic,
    };
    if shell.wants_json() { shell.json_line(&ready) } else { shell.result(&text(&ready, plan)) }
}

fn text(ready: &Ready<'_>, plan: &Plan) -> String {
    let difficulty = match plan.chain.spec.difficulty {
        DifficultyRule::Fixed(difficulty) => format!("fixed difficulty {difficulty}"),
        DifficultyRule::Ethash { minimum } => format!("difficulty of at least {minimum}"),
    };
    let sealing = match plan.sealing.map(|sealing| sealing.period) {
        None => "miners ask for work with eth_getWork".to_owned(),
        Some(None) => "sealed here, for transactions".to_owned(),
        Some(Some(period)) => format!("sealed here, for transactions and every {} s", period.as_secs()),
    };
    let temporary = if ready.is_temporary { " (temporary: deleted at the end)" } else { "" };
    let mut text = format!(
        "chain     {}, {difficulty}\ngenesis   {}\nhead      {} {}\nblocks    {sealing}\ncoinbase  {}\nfolder    {}{temporary}\n",
        ready.chain_id,
        ready.genesis_hash,
        ready.head_number,
        ready.head_hash,
        ready.coinbase,
        ready.datadir.display(),
    );
    // Writing to memory cannot fail.
    if let Some(mnemonic) = ready.mnemonic {
        let _ = writeln!(text, "mnemonic  {mnemonic}");
    }
    for (index, account) in ready.accounts.iter().enumerate() {
        let _ = writeln!(text, "account   m/44'/60'/0'/0/{index}  {account}");
    }
    let _ = writeln!(text, "ready     {} {}", ready.http, ready.ws);
    text
}
