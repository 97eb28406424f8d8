//! The demo's chain: our node in this process, at a difficulty that this machine solves about once a second.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use alloy_primitives::{Address, U256};
use anyhow::Context as _;
use medrec_node::spec::{DEV_CHAIN_ID, DifficultyRule, Genesis, GenesisAccount};
use medrec_node::{ChainSpec, Node, NodeOptions};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Seconds that a block should take. A block's time is in whole seconds after its parent's, so a chain that is faster than
/// one a second runs ahead of the clock.
const BLOCK_SECONDS: f64 = 1.15;
/// Share of the hashrate that is left when gatekeepers, wallets and the node work beside the miners.
const SHARE_LEFT: f64 = 0.8;

/// A node that runs until it is stopped.
pub(super) struct RunningChain {
    /// Where it listens.
    pub(super) url: String,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), medrec_node::NodeError>>,
}

/// The difficulty at which this hashrate finds a block about once a second.
pub(super) fn difficulty(hashrate_hps: f64) -> anyhow::Result<u64> {
    let difficulty = (hashrate_hps * SHARE_LEFT * BLOCK_SECONDS).clamp(100.0, 1e15);
    format!("{difficulty:.0}").parse().context("the difficulty is no whole number")
}

impl RunningChain {
    /// Starts the node in `folder` on a free port, with ether for `funded`. Blocks are left to miners.
    pub(super) async fn start(
        folder: &Path,
        difficulty: u64,
        funded: &[Address],
        coinbase: Address,
    ) -> anyhow::Result<Self> {
        let mut genesis = Genesis::new(U256::from(difficulty));
        for account in funded {
            genesis.alloc.insert(*account, GenesisAccount::with_ether(1_000));
        }
        let spec =
            ChainSpec { chain_id: DEV_CHAIN_ID, difficulty: DifficultyRule::Fixed(difficulty), genesis };
        let mut options = NodeOptions::new(spec, folder.to_path_buf());
        options.backend.coinbase = Some(coinbase);
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;
        let listener = listener.context("no free port on the loopback address")?;
        let url = format!("http://{}", listener.local_addr()?);
        let node = Node::open(options)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(node.serve(listener, async {
            // The sender is dropped only when the demo ends.
            let _ = stopped.await;
        }));
        Ok(Self { url, stop, served })
    }

    /// Stops it; everything acknowledged is on disk.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        // The node may have ended by itself: then its own error is the answer.
        let _ = self.stop.send(());
        self.served.await.context("the node's task ended")??;
        Ok(())
    }
}
