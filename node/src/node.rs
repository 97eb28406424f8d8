//! The whole node: opens the chain, serves RPC, tells miners about work, and on development chains
//! seals blocks itself.

use crate::backend::{Backend, BackendOptions};
use crate::chain::{Chain, clock_s};
use crate::rpc::server::{Access, serve};
use crate::rpc::{Rpc, RpcLimits};
use crate::stop::{StopSignal, stop_signal};
use crate::work::{Work, light, notify::Notifier};
use crate::{ChainSpec, NodeError};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

/// Seconds by which blocks sealed here may run ahead of the clock: a few transactions in a row need not
/// wait, and every other client still accepts the block (go-ethereum's bound is 15).
const SEALING_LEAD_S: u64 = 2;

/// Sealing on this machine's cores with light hashing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LightSealing {
    /// Threads that search.
    pub threads: usize,
    /// With it a block is made this often even without transactions; without it only for them. Either way
    /// blocks come at most one a second in the long run, because a block's time is in whole seconds
    /// after its parent's: a faster chain would leave the clock behind, and others would refuse it. A chain
    /// that stands still between transactions confuses clients that wait for the next block: ethers 6
    /// does when a receipt appears between its first look and its first poll.
    pub period: Option<Duration>,
}

/// Everything that an operator chooses.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// The chain.
    pub spec: ChainSpec,
    /// Where it is stored.
    pub datadir: PathBuf,
    /// Coinbase, gas limit, pool.
    pub backend: BackendOptions,
    /// Bounds of RPC.
    pub limits: RpcLimits,
    /// Who may call.
    pub access: Access,
    /// URLs that hear of new work.
    pub notify: Vec<String>,
    /// Sealing by the node itself, for development chains.
    pub sealing: Option<LightSealing>,
    /// Hears of failures that stop nothing, such as a miner that cannot be notified.
    pub warn: fn(&str),
}

impl NodeOptions {
    /// Options for `spec` in `datadir`, everything else at its default: no sealing, no notifications,
    /// warnings ignored.
    pub fn new(spec: ChainSpec, datadir: PathBuf) -> Self {
        Self {
            spec,
            datadir,
            backend: BackendOptions::default(),
            limits: RpcLimits::default(),
            access: Access::default(),
            notify: Vec::new(),
            sealing: None,
            warn: |_| {},
        }
    }
}

/// A node that is open and not serving yet.
pub struct Node {
    backend: Arc<Backend>,
    options: NodeOptions,
    notifier: Notifier,
}

impl Node {
    /// Opens the chain and its pool.
    ///
    /// # Errors
    /// Configuration and storage errors.
    pub fn open(options: NodeOptions) -> Result<Self, NodeError> {
        let extra = options.backend.extra_data.len();
        if extra > crate::header::MAXIMUM_EXTRA_DATA_BYTES {
            return Err(NodeError::Config {
                what: format!("extra data of {extra} bytes"),
                why: "at most 32 are allowed".to_owned(),
            });
        }
        let notifier = Notifier::new(&options.notify)?;
        let chain = Chain::open(&options.datadir, options.spec.clone())?;
        let backend = Arc::new(Backend::new(chain, options.backend.clone())?);
        Ok(Self { backend, options, notifier })
    }

    /// The chain, the pool and the work of this node.
    pub fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }

    /// Opens and serves: [`Node::open`], then [`Node::serve`].
    ///
    /// # Errors
    /// Those of both.
    pub async fn start(
        options: NodeOptions,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), NodeError> {
        Self::open(options)?.serve(listener, shutdown).await
    }

    /// Serves on `listener` until `shutdown` resolves. Everything acknowledged by then is on disk.
    ///
    /// # Errors
    /// Storage errors of sealing.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), NodeError> {
        let Self { backend, options, notifier } = self;
        let (stop, stopping) = stop_signal();
        let warm = Arc::clone(&backend);
        // The first check of a seal would wait for the epoch's cache; nothing else needs it.
        let warming = tokio::task::spawn_blocking(move || {
            warm.chain().sealer().warm_up(warm.chain().head().number() + 1)
        });
        let mut critical = tokio::task::JoinSet::new();
        if !notifier.is_empty() {
            critical.spawn(notify_of_work(Arc::clone(&backend), notifier, options.warn, stopping.clone()));
        }
        if let Some(sealing) = options.sealing {
            critical.spawn(seal_blocks(Arc::clone(&backend), sealing, stopping.clone()));
        }
        let rpc = Arc::new(Rpc::new(backend, options.limits));
        let served = {
            let stopping = stopping.clone();
            let stopped = async move { stopping.requested().await };
            tokio::spawn(serve(listener, rpc, options.access, stopped))
        };
        let failed = tokio::select! {
            () = shutdown => None,
            Some(ended) = critical.join_next() => Some(ended),
        };
        stop.stop();
        let outcome = match failed {
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            None => Ok(()),
        };
        while critical.join_next().await.is_some() {}
        let _ = warming.await;
        served.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        outcome
    }
}

/// Posts the node's own work to the notification URLs whenever there is a new one.
async fn notify_of_work(
    backend: Arc<Backend>,
    notifier: Notifier,
    warn: fn(&str),
    stopping: StopSignal,
) -> Result<(), NodeError> {
    let (mut heads, mut pool) = (backend.heads(), backend.pool_changes());
    let recommit = backend.options().recommit;
    let mut told = None;
    loop {
        let work = blocking(&backend, |backend| backend.work(None)).await?;
        if told != Some(work.seal_hash) {
            told = Some(work.seal_hash);
            tell(&notifier, &work, warn).await;
        }
        tokio::select! {
            () = stopping.requested() => return Ok(()),
            _ = heads.changed() => {}
            _ = pool.changed() => {
                // New transactions make a new work at most once per interval, a new head at once.
                tokio::select! {
                    () = tokio::time::sleep(recommit) => {}
                    _ = heads.changed() => {}
                    () = stopping.requested() => return Ok(()),
                }
            }
        }
    }
}

async fn tell(notifier: &Notifier, work: &Work, warn: fn(&str)) {
    for failure in notifier.notify(work).await {
        warn(&format!("work notification failed: {failure}"));
    }
}

async fn blocking<T: Send + 'static>(
    backend: &Arc<Backend>,
    work: impl FnOnce(&Backend) -> Result<T, NodeError> + Send + 'static,
) -> Result<T, NodeError> {
    let backend = Arc::clone(backend);
    let result = tokio::task::spawn_blocking(move || work(&backend)).await;
    result.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// Seals a block whenever transactions wait, and every `period` when there is one.
async fn seal_blocks(
    backend: Arc<Backend>,
    sealing: LightSealing,
    stopping: StopSignal,
) -> Result<(), NodeError> {
    let mut pool = backend.pool_changes();
    loop {
        let deadline = sealing.period.map(|period| tokio::time::Instant::now() + period);
        let mut is_due = false;
        loop {
            pool.mark_unchanged();
            if is_due || backend.with_pool(crate::pool::Pool::counts).0 > 0 {
                break;
            }
            tokio::select! {
                () = stopping.requested() => return Ok(()),
                _ = pool.changed() => {}
                () = sleep_until(deadline) => is_due = true,
            }
        }
        tokio::select! {
            () = stopping.requested() => return Ok(()),
            () = wait_for_clock(&backend) => {}
        }
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let sealed = blocking(&backend, move |backend| seal_one(backend, sealing, &flag, is_due));
        tokio::pin!(sealed);
        let found = tokio::select! {
            found = &mut sealed => found?,
            () = stopping.requested() => {
                stop.store(true, Ordering::Relaxed);
                sealed.await?;
                return Ok(());
            }
        };
        if !found && !is_due {
            // Pending transactions that no block takes, for instance below the base fee: wait for a
            // change instead of building the same empty block again.
            tokio::select! {
                () = stopping.requested() => return Ok(()),
                _ = pool.changed() => {}
                () = sleep_until(deadline) => {}
            }
        }
    }
}

/// Waits while the head's time is too far ahead of the clock.
async fn wait_for_clock(backend: &Backend) {
    while backend.chain().head().block.header.timestamp > clock_s() + SEALING_LEAD_S {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn sleep_until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Builds and seals one block; `false` when it would be empty and empty ones are not wanted.
fn seal_one(
    backend: &Backend,
    sealing: LightSealing,
    stop: &AtomicBool,
    empty_is_fine: bool,
) -> Result<bool, NodeError> {
    let coinbase = backend.options().coinbase.ok_or(NodeError::NoCoinbase)?;
    let candidate = backend.fresh_candidate(coinbase)?;
    if candidate.block.body.transactions.is_empty() && !empty_is_fine {
        return Ok(false);
    }
    match light::seal(backend.chain().sealer(), &candidate, sealing.threads, stop)? {
        Some((nonce, mix)) => backend.submit_work(nonce, candidate.seal_hash, mix),
        None => Ok(false),
    }
}
