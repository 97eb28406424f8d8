//! What the tasks of a miner and its handle share, and what all of it says about itself.

use std::sync::Arc;
use std::time::Instant;

use medrec_kernels::ethash::Schedule;
use medrec_kernels::store::Store;
use tokio::sync::{broadcast, watch};

use crate::epoch::{EpochOptions, Epochs};
use crate::error::MinerError;
use crate::event::MinerEvent;
use crate::meter::{Meter, per_second};
use crate::options::{DatasetPolicy, MinerOptions};
use crate::search::board::{Board, Job};
use crate::source::getwork::GetWork;
use crate::source::{Assignment, WorkSource};
use crate::statistics::{PreparationStatistics, Statistics, WorkStatistics};
use crate::submission::Desk;
use crate::work::Newest;

/// What tasks and handle share.
pub(crate) struct Shared<S> {
    /// Where work comes from.
    pub(crate) source: Arc<S>,
    /// The present job.
    pub(crate) board: Arc<Board>,
    /// Tables of the epochs.
    pub(crate) epochs: Arc<Epochs>,
    /// What happens to solutions.
    pub(crate) desk: Desk<S>,
    /// Each device's counters.
    pub(crate) meters: Vec<Arc<Meter>>,
    /// Who listens.
    pub(crate) events: broadcast::Sender<MinerEvent>,
    /// The newest work.
    pub(crate) newest: watch::Sender<Newest>,
    /// Set when the miner is to end.
    pub(crate) stop: watch::Sender<bool>,
    /// How blocks share epochs.
    pub(crate) schedule: Schedule,
    /// When it began.
    pub(crate) started: Instant,
}

/// Puts together what options ask for.
///
/// # Errors
/// [`MinerError::Store`] for a cache folder that cannot be used.
pub(crate) fn shared(
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
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.stop.subscribe();
        async move {
            // Without a sender there is no miner any more.
            let _ = stop.wait_for(|is_stopped| *is_stopped).await;
        }
    }

    /// Makes a work the one that everybody searches.
    pub(crate) async fn take_up(&self, assignment: Assignment) {
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

    /// Everything about the miner as it is now.
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
