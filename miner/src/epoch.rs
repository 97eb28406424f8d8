//! Light caches and datasets of the present epoch and the next, prepared before they are needed.
//!
//! The light cache of an epoch takes half a second and is waited for; the dataset takes from seconds to minutes and is
//! built by a thread of its own while light hashing goes on. When an epoch comes to its end, those of the next one are
//! prepared with a part of the processor, so that the change costs nothing. What is stored on disk is used and added to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use medrec_kernels::ethash::{Dataset, LightCache, Parameters, Schedule};
use medrec_kernels::isa::Isa;
use medrec_kernels::memory::Pages;
use medrec_kernels::progress::Progress;
use medrec_kernels::store::{DatasetOptions, Store, StoreError};
use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::backoff::Backoff;
use crate::error::MinerError;
use crate::event::MinerEvent;

/// Blocks before the end of an epoch at which the next one is prepared: hours on a public chain, and on a development
/// chain with ten blocks a second still minutes.
const AHEAD_BLOCKS: u64 = 1_500;

/// What an epoch is hashed with.
#[derive(Debug)]
pub(crate) struct Tables {
    /// The light cache.
    pub(crate) cache: Arc<LightCache>,
    dataset: OnceLock<Arc<Dataset>>,
    has_builder: AtomicBool,
    progress: Progress,
}

impl Tables {
    /// Tables without a dataset.
    pub(crate) fn of_cache(cache: LightCache) -> Self {
        Self {
            cache: Arc::new(cache),
            dataset: OnceLock::new(),
            has_builder: AtomicBool::new(false),
            progress: Progress::new(),
        }
    }

    /// The epoch's parameters.
    pub(crate) fn parameters(&self) -> &Parameters {
        self.cache.parameters()
    }

    /// The dataset, once it is there.
    pub(crate) fn dataset(&self) -> Option<&Arc<Dataset>> {
        self.dataset.get()
    }

    /// Items of the dataset that are there, and all of them, while it is being built.
    pub(crate) fn building(&self) -> Option<(u64, u64)> {
        let is_building = self.has_builder.load(Ordering::Acquire) && self.dataset.get().is_none();
        is_building.then(|| (self.progress.done(), self.progress.total()))
    }
}

/// How tables are made.
#[derive(Debug)]
pub(crate) struct EpochOptions {
    /// Whether datasets are built.
    pub(crate) wants_datasets: bool,
    /// Threads that build the present epoch's.
    pub(crate) threads: usize,
    /// Instruction set of light hashing.
    pub(crate) isa: Isa,
    /// Where tables are stored.
    pub(crate) store: Option<Store>,
}

/// The tables of the epochs that matter now.
#[derive(Debug)]
pub(crate) struct Epochs {
    options: EpochOptions,
    kept: Mutex<Vec<Arc<Tables>>>,
    /// Caches are built one at a time, so that none is built twice.
    building: tokio::sync::Mutex<()>,
    stop: AtomicBool,
    events: broadcast::Sender<MinerEvent>,
}

impl Epochs {
    pub(crate) fn new(options: EpochOptions, events: broadcast::Sender<MinerEvent>) -> Arc<Self> {
        Arc::new(Self {
            options,
            kept: Mutex::default(),
            building: tokio::sync::Mutex::default(),
            stop: AtomicBool::new(false),
            events,
        })
    }

    /// The tables for `parameters`, which become the present ones: those of other epochs but the next are forgotten.
    ///
    /// # Errors
    /// [`MinerError::Build`] without memory for a light cache.
    pub(crate) async fn enter(self: &Arc<Self>, parameters: Parameters) -> Result<Arc<Tables>, MinerError> {
        let tables = self.tables(parameters).await?;
        self.kept.lock().retain(|kept| {
            let is_wanted = matters(kept.parameters(), &parameters);
            if !is_wanted {
                kept.progress.request_stop();
            }
            is_wanted
        });
        self.build_dataset(&tables, self.options.threads)?;
        Ok(tables)
    }

    /// Prepares the next epoch's tables when block `number` is near the end of its epoch.
    pub(crate) fn look_ahead(self: &Arc<Self>, schedule: Schedule, number: u64) {
        let Some(next) = next_epoch(schedule, number) else { return };
        let is_known = self.kept.lock().iter().any(|kept| *kept.parameters() == next);
        if is_known || self.stop.load(Ordering::Relaxed) {
            return;
        }
        let epochs = Arc::clone(self);
        tokio::spawn(async move {
            // A failure is told by whoever needs the tables in the end.
            if let Ok(tables) = epochs.tables(next).await {
                let _ = epochs.build_dataset(&tables, (epochs.options.threads / 4).max(1));
            }
        });
    }

    /// Ends everything that is being built; what is on disk already is gone on with at the next start.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        for tables in &*self.kept.lock() {
            tables.progress.request_stop();
        }
    }

    /// The dataset under construction: epoch, items that are there, all items.
    pub(crate) fn building(&self) -> Option<(u64, u64, u64)> {
        self.kept.lock().iter().find_map(|tables| {
            tables.building().map(|(done, total)| (tables.parameters().epoch, done, total))
        })
    }

    async fn tables(self: &Arc<Self>, parameters: Parameters) -> Result<Arc<Tables>, MinerError> {
        let _building = self.building.lock().await;
        let known = self.kept.lock().iter().find(|kept| *kept.parameters() == parameters).cloned();
        if let Some(tables) = known {
            return Ok(tables);
        }
        let epochs = Arc::clone(self);
        let built = tokio::task::spawn_blocking(move || epochs.build_cache(&parameters)).await;
        let cache = built.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
        let tables = Arc::new(Tables::of_cache(cache));
        self.kept.lock().push(Arc::clone(&tables));
        let _ = self.events.send(MinerEvent::CacheReady { epoch: parameters.epoch });
        Ok(tables)
    }

    fn build_cache(&self, parameters: &Parameters) -> Result<LightCache, MinerError> {
        let progress = Progress::new();
        let stored = self.options.store.as_ref().map(|store| store.light_cache(parameters, &progress));
        let cache = match stored {
            Some(Ok(stored)) => stored.value,
            // Half a second of work is no reason to depend on a disk.
            Some(Err(_)) | None => LightCache::build(parameters, &progress)?,
        };
        match cache.with_isa(self.options.isa) {
            Some(cache) => Ok(cache),
            // Engines are checked before the miner starts; a processor does not lose instructions.
            None => Ok(LightCache::build(parameters, &progress)?),
        }
    }

    /// Starts the thread that builds a dataset, unless there is one.
    fn build_dataset(self: &Arc<Self>, tables: &Arc<Tables>, threads: usize) -> Result<(), MinerError> {
        let is_wanted = self.options.wants_datasets && !self.stop.load(Ordering::Relaxed);
        if !is_wanted || tables.has_builder.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let (epochs, tables) = (Arc::clone(self), Arc::clone(tables));
        let thread = std::thread::Builder::new().name("dataset".to_owned());
        thread
            .spawn(move || epochs.keep_building(&tables, threads))
            .map_err(|source| MinerError::Thread { source })?;
        Ok(())
    }

    /// Builds until there is a dataset, or nobody wants it any more.
    fn keep_building(&self, tables: &Tables, threads: usize) {
        let mut backoff = Backoff::new(Duration::from_secs(2), Duration::from_mins(2));
        let epoch = tables.parameters().epoch;
        let mut told = String::new();
        loop {
            match self.dataset_of(tables, threads) {
                Ok(dataset) => {
                    // The only builder sets it once.
                    let _ = tables.dataset.set(Arc::new(dataset));
                    let _ = self.events.send(MinerEvent::DatasetReady { epoch });
                    return;
                }
                Err(_) if tables.progress.is_stopped() => return,
                Err(error) => {
                    let why = error.to_string();
                    if why != told {
                        let _ = self.events.send(MinerEvent::DatasetFailed { epoch, why: why.clone() });
                        told = why;
                    }
                }
            }
            let mut left = backoff.advance();
            while !tables.progress.is_stopped() && !left.is_zero() {
                let step = left.min(Duration::from_millis(200));
                std::thread::sleep(step);
                left -= step;
            }
            if tables.progress.is_stopped() {
                return;
            }
        }
    }

    fn dataset_of(&self, tables: &Tables, threads: usize) -> Result<Dataset, MinerError> {
        let Some(store) = &self.options.store else {
            return Ok(Dataset::build(&tables.cache, Pages::Huge, threads, &tables.progress)?);
        };
        let options = DatasetOptions { pages: Pages::Huge, threads };
        match store.dataset(&tables.cache, options, &tables.progress) {
            Ok(stored) => Ok(stored.value),
            // A full disk is no reason not to mine at full rate.
            Err(StoreError::DiskFull { .. }) => {
                Ok(Dataset::build(&tables.cache, Pages::Huge, threads, &tables.progress)?)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The parameters of the epoch after that of block `number`, when its first block is near.
fn next_epoch(schedule: Schedule, number: u64) -> Option<Parameters> {
    let coming = schedule.epoch_of(number.saturating_add(AHEAD_BLOCKS));
    let is_near = coming > schedule.epoch_of(number);
    is_near.then(|| Parameters::of_epoch(schedule, coming).ok()).flatten()
}

/// Whether tables are of the present epoch or the one after it.
fn matters(kept: &Parameters, present: &Parameters) -> bool {
    kept.schedule == present.schedule && (kept.epoch == present.epoch || kept.epoch == present.epoch + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(store: Option<Store>, wants_datasets: bool) -> Arc<Epochs> {
        let options = EpochOptions { wants_datasets, threads: 1, isa: Isa::best(), store };
        Epochs::new(options, broadcast::channel(16).0)
    }

    #[test]
    fn the_next_epoch_is_prepared_when_its_first_block_is_near_in_both_schedules() {
        for schedule in [Schedule::Ethash, Schedule::Etchash] {
            let last = schedule.epoch_length() - 1;
            assert_eq!(next_epoch(schedule, last - AHEAD_BLOCKS), None);
            let next = next_epoch(schedule, last + 1 - AHEAD_BLOCKS).unwrap();
            assert_eq!((next.epoch, next.schedule), (1, schedule));
            assert_eq!(next_epoch(schedule, last).unwrap().epoch, 1);
            assert_eq!(next_epoch(schedule, last + 1), None, "the change has happened");
        }
        assert_eq!(next_epoch(Schedule::Ethash, u64::MAX), None, "and past the last epoch there is none");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn tables_are_ready_at_the_change_and_old_ones_are_forgotten() {
        let epochs = epochs(None, false);
        let [zero, one, two] = [0, 1, 2].map(|epoch| Parameters::of_epoch(Schedule::Ethash, epoch).unwrap());
        let first = epochs.enter(zero).await.unwrap();
        epochs.look_ahead(Schedule::Ethash, 29_000);
        let deadline = std::time::Instant::now() + Duration::from_mins(2);
        while epochs.kept.lock().len() < 2 {
            assert!(std::time::Instant::now() < deadline, "the next epoch's cache is being prepared");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let prepared = Arc::clone(&epochs.kept.lock()[1]);
        let second = epochs.enter(one).await.unwrap();
        assert!(Arc::ptr_eq(&prepared, &second), "what was prepared is used");
        assert_eq!(epochs.kept.lock().len(), 1, "epoch 0 is forgotten");
        assert!(first.progress.is_stopped() && !second.progress.is_stopped());
        assert!(!matters(&zero, &one) && matters(&two, &one));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_dataset_is_built_beside_the_search_kept_on_disk_and_loaded_again() {
        let folder = tempfile::tempdir().unwrap();
        let reduced = Parameters::reduced([7; 32], 1_021, 8_198);
        for _ in 0..2 {
            let epochs = epochs(Some(Store::open(folder.path()).unwrap()), true);
            let mut events = epochs.events.subscribe();
            let tables = epochs.enter(reduced).await.unwrap();
            let ready =
                async { while events.recv().await.unwrap() != (MinerEvent::DatasetReady { epoch: 0 }) {} };
            tokio::time::timeout(Duration::from_mins(2), ready).await.unwrap();
            let dataset = tables.dataset().unwrap();
            assert_eq!(dataset.hashimoto(&[1; 32], 2), tables.cache.hashimoto(&[1; 32], 2));
            assert_eq!(tables.building(), None);
        }
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(files.len(), 2, "{files:?}");
    }
}
