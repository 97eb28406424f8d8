//! A miner: starts the workers and the tasks between them and the nodes, and ends them in order.

use std::sync::Arc;
use std::time::Instant;

use alloy_primitives::B256;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;

use crate::error::MinerError;
use crate::event::{AcceptedBlock, MinerEvent};
use crate::options::MinerOptions;
use crate::search::board::Board;
use crate::shared::{self, Shared};
use crate::source::getwork::{GetWork, GetWorkOptions};
use crate::source::notify;
use crate::statistics::Statistics;
use crate::tasks;
use crate::workers::{self, Workers};

/// Events kept for a slow listener.
const EVENTS: usize = 1_024;
/// Finds that wait to be confirmed.
const FINDS: usize = 256;

/// Mines.
///
/// It has no state of its own: [`Miner::start`] gives a handle.
#[derive(Debug, Clone, Copy)]
pub struct Miner;

/// A running miner. Dropping it ends the miner without waiting for anything; [`MinerHandle::stop`] ends it in order.
pub struct MinerHandle {
    shared: Arc<Shared<GetWork>>,
    tasks: JoinSet<()>,
    /// Hears everything from the start on, until somebody takes it.
    first_listener: Mutex<Option<broadcast::Receiver<MinerEvent>>>,
    workers: Workers,
    listeners: Listeners,
}

/// Where a miner listens.
#[derive(Debug, Clone, Copy, Default)]
struct Listeners {
    notify: Option<std::net::SocketAddr>,
    api: Option<std::net::SocketAddr>,
}

impl Miner {
    /// Starts mining. Listeners are bound and options checked when this returns; nodes need not answer yet.
    ///
    /// # Errors
    /// [`MinerError::Option`], [`MinerError::Listen`], [`MinerError::Store`] for a cache folder that cannot be used,
    /// [`MinerError::Random`] and [`MinerError::Thread`].
    pub async fn start(options: MinerOptions) -> Result<MinerHandle, MinerError> {
        check(&options)?;
        let (events, first_listener) = broadcast::channel(EVENTS);
        let source = Arc::new(GetWork::new(
            GetWorkOptions {
                urls: options.nodes.clone(),
                coinbase: options.coinbase,
                schedule: options.schedule,
                timeout: options.request_timeout,
            },
            events.clone(),
        )?);
        let random = |source| MinerError::Random { source };
        let first_nonce = getrandom::u64().map_err(random)?;
        let mut id = B256::ZERO;
        getrandom::fill(&mut id.0).map_err(random)?;
        let notify = listen(options.notify_listen).await?;
        let api = listen(options.api).await?;

        let (finds, found) = mpsc::channel(FINDS);
        let board = Arc::new(Board::default());
        let meters = workers::meters(&options);
        let shared = Arc::new(shared::shared(&options, source, &board, meters, events)?);
        let workers = workers::start(&options, first_nonce, &board, &shared.meters, &finds, &shared.events)?;

        let mut running = JoinSet::new();
        running.spawn(tasks::follow_work(Arc::clone(&shared)));
        running.spawn(tasks::settle_finds(Arc::clone(&shared), found));
        running.spawn(tasks::watch_devices(Arc::clone(&shared)));
        running.spawn(tasks::report_hashrate(Arc::clone(&shared), id));
        if options.nodes.len() > 1 {
            running.spawn(tasks::compare_nodes(Arc::clone(&shared), options.compare_every));
        }
        let address = |listener: &Option<TcpListener>| {
            listener.as_ref().and_then(|listener| listener.local_addr().ok())
        };
        let listeners = Listeners { notify: address(&notify), api: address(&api) };
        if let Some(listener) = notify {
            running.spawn(tasks::serve(listener, notify::app(Arc::clone(&shared.source)), shared.stopping()));
        }
        if let Some(listener) = api {
            let shared_statistics = Arc::clone(&shared);
            let app = crate::api::app(Arc::new(move || shared_statistics.statistics()));
            running.spawn(tasks::serve(listener, app, shared.stopping()));
        }
        Ok(MinerHandle {
            shared,
            tasks: running,
            first_listener: Mutex::new(Some(first_listener)),
            workers,
            listeners,
        })
    }
}

fn check(options: &MinerOptions) -> Result<(), MinerError> {
    let refuse = |what: &str, why: &str| MinerError::Option { what: what.to_owned(), why: why.to_owned() };
    if options.threads == 0 && options.devices.is_empty() {
        return Err(refuse("threads 0", "there would be nothing to search with"));
    }
    if options.threads > 4_096 {
        return Err(refuse("threads", "at most 4,096"));
    }
    if options.device_limit_hps == Some(0) {
        return Err(refuse("device limit 0", "nothing hashes at that rate"));
    }
    if options.compare_every.is_zero() {
        return Err(refuse("comparison of nodes every 0 s", "nodes would be asked without end"));
    }
    if options.request_timeout.is_zero() {
        return Err(refuse("request timeout 0", "nothing answers in no time"));
    }
    Ok(())
}

async fn listen(address: Option<std::net::SocketAddr>) -> Result<Option<TcpListener>, MinerError> {
    let Some(address) = address else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|source| MinerError::Listen { address, source })
}

impl MinerHandle {
    /// Everything about the miner as it is now.
    pub fn statistics(&self) -> Statistics {
        self.shared.statistics()
    }

    /// What happens: for the first who asks everything since the start, for others from now on. A listener that is more
    /// than 1,024 events late misses some; accepted blocks can be had again with [`MinerHandle::accepted_blocks`].
    pub fn events(&self) -> broadcast::Receiver<MinerEvent> {
        self.first_listener.lock().take().unwrap_or_else(|| self.shared.events.subscribe())
    }

    /// Blocks that nodes took, in order, without the first `skip`. The last 65,536 are remembered.
    pub fn accepted_blocks(&self, skip: usize) -> Vec<AcceptedBlock> {
        self.shared.desk.accepted_blocks(skip)
    }

    /// Where notifications are heard.
    pub fn notify_address(&self) -> Option<std::net::SocketAddr> {
        self.listeners.notify
    }

    /// Where the monitoring API answers.
    pub fn api_address(&self) -> Option<std::net::SocketAddr> {
        self.listeners.api
    }

    /// Resolves when the miner has ended by itself: it had a block limit, and reached it. [`MinerHandle::stop`] is still
    /// to be called.
    pub async fn finished(&self) {
        self.shared.stopping().await;
    }

    /// Ends the miner: the search at once, a solution that waits for a node after one more attempt. Gives the last
    /// statistics. What is being built is on disk as far as it got. A device that hangs in its driver is left behind.
    pub async fn stop(self) -> Statistics {
        self.stop_with_blocks().await.0
    }

    /// As [`MinerHandle::stop`]; beside the statistics all blocks that nodes took, those of the last moment included.
    pub async fn stop_with_blocks(mut self) -> (Statistics, Vec<AcceptedBlock>) {
        self.shared.stop.send_replace(true);
        self.shared.board.close();
        self.shared.epochs.stop();
        while self.tasks.join_next().await.is_some() {}
        let workers = std::mem::take(&mut self.workers);
        workers.wait().await;
        let now = Instant::now();
        for meter in &self.shared.meters {
            meter.sample(now);
        }
        (self.shared.statistics(), self.accepted_blocks(0))
    }
}

impl Drop for MinerHandle {
    fn drop(&mut self) {
        self.shared.stop.send_replace(true);
        self.shared.board.close();
        self.shared.epochs.stop();
    }
}
