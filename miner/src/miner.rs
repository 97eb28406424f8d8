//! A miner: starts the workers and the tasks between them and the nodes, and ends them in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use medrec_kernels::ethash::Schedule;
use medrec_kernels::store::Store;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;

use crate::epoch::{EpochOptions, Epochs};
use crate::error::MinerError;
use crate::event::{AcceptedBlock, MinerEvent};
use crate::meter::{Meter, per_second};
use crate::options::{DatasetPolicy, MinerOptions};
use crate::search::board::{Board, Found, Job};
use crate::source::getwork::{GetWork, GetWorkOptions};
use crate::source::{Assignment, WorkSource, notify};
use crate::statistics::{PreparationStatistics, Statistics, WorkStatistics};
use crate::submission::Desk;
use crate::work::Newest;
use crate::workers::{self, Workers};

/// Events kept for a slow listener.
const EVENTS: usize = 1_024;
/// Finds that wait to be confirmed.
const FINDS: usize = 256;
/// Nodes forget a reported hashrate after ten seconds.
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// A device that says nothing for this long hangs. Even a slow one answers within half a second.
const HANGING: Duration = Duration::from_mins(1);
/// At the end a solution that waits for a node is brought once more, within this time.
const LAST_ATTEMPT: Duration = Duration::from_secs(2);

/// Mines.
///
/// It has no state of its own: [`Miner::start`] gives a handle.
#[derive(Debug, Clone, Copy)]
pub struct Miner;

/// What tasks and handle share.
pub(crate) struct Shared<S> {
    source: Arc<S>,
    board: Arc<Board>,
    epochs: Arc<Epochs>,
    desk: Desk<S>,
    meters: Vec<Arc<Meter>>,
    events: broadcast::Sender<MinerEvent>,
    newest: watch::Sender<Newest>,
    stop: watch::Sender<bool>,
    schedule: Schedule,
    started: Instant,
}

/// A running miner. Dropping it ends the miner without waiting for anything; [`MinerHandle::stop`] ends it in order.
pub struct MinerHandle {
    shared: Arc<Shared<GetWork>>,
    tasks: JoinSet<()>,
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
        let (events, _) = broadcast::channel(EVENTS);
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
        let shared = Arc::new(shared(&options, source, &board, meters, events)?);
        let workers = workers::start(&options, first_nonce, &board, &shared.meters, &finds, &shared.events)?;

        let mut tasks = JoinSet::new();
        tasks.spawn(follow_work(Arc::clone(&shared)));
        tasks.spawn(settle_finds(Arc::clone(&shared), found));
        tasks.spawn(watch_devices(Arc::clone(&shared)));
        tasks.spawn(report_hashrate(Arc::clone(&shared), id));
        let address = |listener: &Option<TcpListener>| {
            listener.as_ref().and_then(|listener| listener.local_addr().ok())
        };
        let listeners = Listeners { notify: address(&notify), api: address(&api) };
        if let Some(listener) = notify {
            tasks.spawn(serve(listener, notify::app(Arc::clone(&shared.source)), shared.stopping()));
        }
        if let Some(listener) = api {
            let shared_statistics = Arc::clone(&shared);
            let app = crate::api::app(Arc::new(move || shared_statistics.statistics()));
            tasks.spawn(serve(listener, app, shared.stopping()));
        }
        Ok(MinerHandle { shared, tasks, workers, listeners })
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
    if options.dataset == DatasetPolicy::Never && !options.devices.is_empty() {
        return Err(refuse("dataset never", "an OpenCL device searches over a dataset"));
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

fn shared(
    options: &MinerOptions,
    source: Arc<GetWork>,
    board: &Arc<Board>,
    meters: Vec<Arc<Meter>>,
    events: broadcast::Sender<MinerEvent>,
) -> Result<Shared<GetWork>, MinerError> {
    let epochs = EpochOptions {
        wants_datasets: options.dataset == DatasetPolicy::Auto && options.threads > 0,
        threads: options.threads.max(1),
        isa: options.engine.isa(),
        store: options.cache_folder.as_ref().map(Store::open).transpose()?,
    };
    let newest = watch::Sender::new(Newest { number: None, sequence: 0 });
    let desk = Desk::new(
        Arc::clone(&source),
        Arc::clone(board),
        meters.clone(),
        events.clone(),
        newest.subscribe(),
        options.block_limit,
    );
    Ok(Shared {
        source,
        board: Arc::clone(board),
        epochs: Epochs::new(epochs, events.clone()),
        desk,
        meters,
        events,
        newest,
        stop: watch::Sender::new(false),
        schedule: options.schedule,
        started: Instant::now(),
    })
}

impl<S: WorkSource> Shared<S> {
    /// Resolves when the miner is to end.
    fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.stop.subscribe();
        async move {
            // Without a sender there is no miner any more.
            let _ = stop.wait_for(|is_stopped| *is_stopped).await;
        }
    }

    /// Makes a work the one that everybody searches.
    async fn take_up(&self, assignment: Assignment) {
        let tables = match self.epochs.enter(assignment.parameters).await {
            Ok(tables) => tables,
            Err(error) => {
                let why = error.to_string();
                let epoch = assignment.parameters.epoch;
                let _ = self.events.send(MinerEvent::DatasetFailed { epoch, why });
                return;
            }
        };
        let number = assignment.work.number;
        let mut sequence = 0;
        self.newest.send_modify(|newest| {
            newest.sequence += 1;
            newest.number = number;
            sequence = newest.sequence;
        });
        let event = MinerEvent::NewWork {
            number,
            seal_hash: assignment.work.seal_hash,
            difficulty: assignment.work.difficulty(),
            node: assignment.node.clone(),
        };
        let is_solved = self.desk.is_solved(&assignment.work.seal_hash);
        let job = Job::new(assignment, sequence, tables);
        if is_solved || self.desk.is_finished() {
            job.end();
        }
        self.board.publish(job);
        let _ = self.events.send(event);
        if let Some(number) = number {
            self.epochs.look_ahead(self.schedule, number);
        }
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let devices: Vec<_> = self.meters.iter().map(|meter| meter.statistics()).collect();
        let uptime = self.started.elapsed();
        let hashes = devices.iter().map(|device| device.hashes).sum();
        let work = self.board.present().map(|job| WorkStatistics {
            number: job.assignment.work.number,
            seal_hash: job.assignment.work.seal_hash,
            difficulty: job.assignment.work.difficulty(),
            epoch: job.assignment.parameters.epoch,
            node: job.assignment.node.clone(),
            coinbase: job.assignment.coinbase,
            is_solved: job.is_over(),
        });
        let preparation = self.epochs.building();
        Statistics {
            uptime_ms: u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX),
            hashrate_hps: devices.iter().map(|device| device.hashrate_hps).sum(),
            average_hashrate_hps: per_second(hashes, uptime),
            hashes,
            works: self.newest.borrow().sequence,
            solutions: self.desk.statistics(),
            work,
            preparation: preparation.map(|(epoch, done_items, total_items)| PreparationStatistics {
                epoch,
                done_items,
                total_items,
            }),
            devices,
            nodes: self.source.nodes(),
        }
    }
}

/// Gives every new work to the board.
async fn follow_work<S: WorkSource>(shared: Arc<Shared<S>>) {
    let stopping = shared.stopping();
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            () = &mut stopping => return,
            assignment = shared.source.next_work() => shared.take_up(assignment).await,
        }
    }
}

/// Takes finds from the workers, each to its end; the last ones get a moment when the miner stops.
async fn settle_finds<S: WorkSource>(shared: Arc<Shared<S>>, mut found: mpsc::Receiver<Found>) {
    let mut settling = JoinSet::new();
    let stopping = shared.stopping();
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            () = &mut stopping => break,
            find = found.recv() => {
                let Some(find) = find else { break };
                settling.spawn(settle(Arc::clone(&shared), find));
            }
            Some(_) = settling.join_next() => {}
        }
    }
    while let Ok(find) = found.try_recv() {
        settling.spawn(settle(Arc::clone(&shared), find));
    }
    let _ = tokio::time::timeout(LAST_ATTEMPT, async { while settling.join_next().await.is_some() {} }).await;
}

async fn settle<S: WorkSource>(shared: Arc<Shared<S>>, find: Found) {
    shared.desk.settle(find, shared.stop.subscribe()).await;
    if shared.desk.is_finished() {
        shared.stop.send_replace(true);
    }
}

/// Samples the counters, and finds devices that hang.
async fn watch_devices<S: WorkSource>(shared: Arc<Shared<S>>) {
    let stopping = shared.stopping();
    tokio::pin!(stopping);
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = &mut stopping => return,
            now = every_second.tick() => for meter in &shared.meters {
                meter.sample(now.into_std());
                if meter.find_hanging(HANGING) {
                    let why = format!("no sign of life for {} s", HANGING.as_secs());
                    let device = meter.device().to_owned();
                    let _ = shared.events.send(MinerEvent::DeviceFailed { device, why });
                }
            },
        }
    }
}

/// Tells the node how fast the miner is.
async fn report_hashrate<S: WorkSource>(shared: Arc<Shared<S>>, id: B256) {
    let stopping = shared.stopping();
    tokio::pin!(stopping);
    let mut regularly = tokio::time::interval(REPORT_EVERY);
    regularly.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    regularly.tick().await;
    loop {
        tokio::select! {
            () = &mut stopping => return,
            _ = regularly.tick() => {
                let rate = shared.statistics().hashrate_hps;
                shared.source.report_hashrate(rate, id).await;
            }
        }
    }
}

async fn serve(
    listener: TcpListener,
    app: axum::Router,
    stopping: impl Future<Output = ()> + Send + 'static,
) {
    // A client that never finishes must not keep the miner from ending, so the listener is dropped with its connections.
    tokio::select! {
        () = stopping => {}
        // An accept loop that ends has nothing to serve any more; the miner goes on.
        _ = axum::serve(listener, app) => {}
    }
}

impl MinerHandle {
    /// Everything about the miner as it is now.
    pub fn statistics(&self) -> Statistics {
        self.shared.statistics()
    }

    /// What happens from now on. A listener that is more than 1,024 events late misses some; accepted blocks can be had
    /// again with [`MinerHandle::accepted_blocks`].
    pub fn events(&self) -> broadcast::Receiver<MinerEvent> {
        self.shared.events.subscribe()
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
    pub async fn stop(mut self) -> Statistics {
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
        self.shared.statistics()
    }
}

impl Drop for MinerHandle {
    fn drop(&mut self) {
        self.shared.stop.send_replace(true);
        self.shared.board.close();
        self.shared.epochs.stop();
    }
}
