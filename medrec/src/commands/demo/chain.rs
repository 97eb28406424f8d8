//! The demo's chain: our node in this process, at a difficulty that this machine solves about once a second.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, U256};
use anyhow::Context as _;
use medrec_kernels::ethash::light::BuildError;
use medrec_kernels::ethash::{LightCache, Parameters, Schedule};
use medrec_kernels::progress::Progress;
use medrec_node::spec::{DEV_CHAIN_ID, DifficultyRule, Genesis, GenesisAccount};
use medrec_node::{ChainSpec, Node, NodeOptions};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Hashes in one batch of the measurement.
const BATCH: usize = 64;
/// How long the hashrate is measured.
const MEASURED: Duration = Duration::from_millis(250);
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

/// Light hashes a second of one thread on this machine.
pub(super) fn measure_hashrate() -> anyhow::Result<f64> {
    let parameters = Parameters::of_epoch(Schedule::Ethash, 0)?;
    let cache = LightCache::build(&parameters, &Progress::new())
        .map_err(|error: BuildError| anyhow::anyhow!(error))?;
    let inputs: Vec<_> = (0_u64..).take(BATCH).map(|nonce| ([0x5a; 32], nonce)).collect();
    let (started, mut hashes) = (Instant::now(), 0_u32);
    while started.elapsed() < MEASURED {
        hashes += u32::try_from(cache.hashimoto_batch(&inputs).len())?;
    }
    Ok(f64::from(hashes) / started.elapsed().as_secs_f64())
}

/// The difficulty at which `threads` threads of this hashrate find a block about once a second.
pub(super) fn difficulty(hashrate_hps: f64, threads: usize) -> anyhow::Result<u64> {
    let threads = f64::from(u32::try_from(threads)?);
    let difficulty = (hashrate_hps * threads * SHARE_LEFT * BLOCK_SECONDS).clamp(100.0, 1e15);
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
