//! A line on stderr for new blocks: those with transactions, and with `--verbose` all.

use std::sync::Arc;

use medrec_node::backend::Backend;
use medrec_node::store::ChainBlock;
use tokio::sync::watch;

use crate::shell::Shell;

/// Follows the head of a chain.
pub(super) struct Follower {
    backend: Arc<Backend>,
    heads: watch::Receiver<Arc<ChainBlock>>,
    told: Arc<ChainBlock>,
}

impl Follower {
    pub(super) fn new(backend: &Arc<Backend>) -> Self {
        Self { heads: backend.heads(), told: backend.chain().head(), backend: Arc::clone(backend) }
    }

    /// Waits for the next head and tells how the chain got there. Never resolves when there is nothing
    /// left to follow.
    pub(super) async fn next(&mut self, shell: &mut Shell) {
        if self.heads.changed().await.is_err() {
            return std::future::pending().await;
        }
        let head = self.backend.chain().head();
        match self.backend.chain().path(&self.told, &head) {
            Ok(change) => {
                if let Some(first) = change.reverted.last() {
                    let count = change.reverted.len();
                    shell.status(&format!("re-organisation: {count} blocks from {} on", first.number()));
                }
                for block in &change.enacted {
                    tell_block(block, shell);
                }
            }
            Err(error) => shell.warning(&format!("cannot follow the head: {error}")),
        }
        self.told = head;
    }
}

fn tell_block(block: &ChainBlock, shell: &mut Shell) {
    let header = &block.block.header;
    let transactions = block.block.body.transactions.len();
    let line = format!(
        "block {} {}: {transactions} transactions, {} gas, {} ommers",
        header.number,
        block.hash,
        header.gas_used,
        block.block.body.ommers.len()
    );
    if transactions > 0 { shell.status(&line) } else { shell.detail(&line) }
}
