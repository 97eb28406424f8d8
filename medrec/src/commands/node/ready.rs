//! What stdout says once the node answers.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use alloy_primitives::{Address, B256};
use medrec_node::node::LightSealing;
use medrec_node::{DifficultyRule, Node};
use serde::Serialize;

use super::choice::{ChainChoice, Folder};
use crate::shell::Shell;

/// What was decided, and what became of it.
pub(super) struct Facts<'f> {
    pub(super) chain: &'f ChainChoice,
    pub(super) coinbase: Address,
    pub(super) sealing: Option<LightSealing>,
    /// Where the node listens.
    pub(super) address: SocketAddr,
    pub(super) datadir: &'f Path,
}

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
pub(super) fn tell(facts: &Facts<'_>, node: &Node, shell: &mut Shell) -> anyhow::Result<()> {
    let Facts { chain, address, .. } = facts;
    let head = node.backend().chain().head();
    let ready = Ready {
        http: format!("http://{address}"),
        ws: format!("ws://{address}"),
        chain_id: chain.spec.chain_id,
        genesis_hash: chain.spec.genesis.hash(),
        head_number: head.number(),
        head_hash: head.hash,
        coinbase: facts.coinbase,
        is_sealing: facts.sealing.is_some(),
        datadir: facts.datadir,
        is_temporary: matches!(chain.folder, Folder::Temporary),
        accounts: &chain.accounts,
        mnemonic: chain.mnemonic,
    };
    if shell.wants_json() { shell.json_line(&ready) } else { shell.result(&text(&ready, facts)) }
}

fn text(ready: &Ready<'_>, facts: &Facts<'_>) -> String {
    let difficulty = match facts.chain.spec.difficulty {
        DifficultyRule::Fixed(difficulty) => format!("fixed difficulty {difficulty}"),
        DifficultyRule::Ethash { minimum } => format!("difficulty of at least {minimum}"),
    };
    let sealing = match facts.sealing.map(|sealing| sealing.period) {
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
