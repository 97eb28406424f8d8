//! A search thread of the processor.
//!
//! Over the dataset where there is one, else from the light cache. While the present epoch's dataset is being built, one
//! thread alone hashes from the light cache: full search is a hundred times as fast, so that building it soon is worth more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use medrec_kernels::ethash::{Dataset, Engine, SearchJob};
use tokio::sync::mpsc;

use super::board::{Board, Found, Job};
use super::nonces::NonceRange;
use crate::meter::{DeviceState, Meter};

/// Nonces of a light batch: what the kernels hash side by side, a few milliseconds.
const LIGHT_SHARE: u64 = 8;
/// Nonces of a share over the dataset: about a tenth of a second, after which it is counted.
const FULL_SHARE: u64 = 1 << 16;
/// How long a thread that leaves the processor to the dataset waits before it looks again.
const LEAVE: Duration = Duration::from_millis(100);

/// One thread.
pub(crate) struct CpuWorker {
    /// Position among the threads, from 0.
    pub(crate) index: usize,
    /// Position in the list of devices.
    pub(crate) device: usize,
    /// Where jobs are.
    pub(crate) board: Arc<Board>,
    /// The counters of all threads.
    pub(crate) meter: Arc<Meter>,
    /// The instruction set.
    pub(crate) engine: Engine,
    /// Its own nonces.
    pub(crate) nonces: NonceRange,
    /// Where solutions go.
    pub(crate) found: mpsc::Sender<Found>,
}

impl CpuWorker {
    /// Works until the board is closed.
    pub(crate) fn run(mut self) {
        while let Some(job) = self.board.next() {
            while !job.is_over() {
                self.work(&job);
            }
            if self.index == 0 {
                self.meter.is_now(DeviceState::Idle);
            }
        }
    }

    fn work(&mut self, job: &Arc<Job>) {
        if let Some(dataset) = job.tables.dataset() {
            self.tell(DeviceState::Full);
            self.search(job, dataset);
        } else if self.index > 0 && job.tables.building().is_some() {
            self.board.pause(LEAVE);
        } else {
            self.tell(DeviceState::Light);
            self.search_light(job);
        }
    }

    fn tell(&self, state: DeviceState) {
        // One thread speaks for all.
        if self.index == 0 {
            self.meter.is_now(state);
        }
    }

    fn search(&mut self, job: &Arc<Job>, dataset: &Dataset) {
        let work = &job.assignment.work;
        let (first_nonce, count) = self.nonces.peek(FULL_SHARE);
        let search = SearchJob { header: &work.seal_hash.0, boundary: &work.boundary, first_nonce, count };
        let outcome = self.engine.search(dataset, &search, job.stop());
        self.nonces.skip(outcome.hashes);
        self.meter.hashed(outcome.hashes);
        if let Some(solution) = outcome.solutions.first() {
            self.report(job, solution.nonce, solution.hash);
        }
    }

    fn search_light(&mut self, job: &Arc<Job>) {
        let work = &job.assignment.work;
        let (first, count) = self.nonces.take(LIGHT_SHARE);
        let inputs: Vec<_> =
            (0..count).map(|offset| (work.seal_hash.0, first.wrapping_add(offset))).collect();
        let hashes = job.tables.cache.hashimoto_batch(&inputs);
        self.meter.hashed(count);
        let solved = inputs.iter().zip(hashes).find(|(_, hash)| work.boundary.is_met_by(&hash.result));
        if let Some(((_, nonce), hash)) = solved {
            self.report(job, *nonce, hash);
        }
    }

    fn report(&self, job: &Arc<Job>, nonce: u64, hash: medrec_kernels::ethash::Hashimoto) {
        if !job.end() {
            return;
        }
        let found = Found { job: Arc::clone(job), nonce, hash, device: self.device, at: Instant::now() };
        // Nobody receives only when the miner has ended.
        let _ = self.found.blocking_send(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::board::tests::job;
    use std::collections::HashSet;

    fn start(
        workers: usize,
    ) -> (Arc<Board>, Arc<Meter>, mpsc::Receiver<Found>, Vec<std::thread::JoinHandle<()>>) {
        let board = Arc::new(Board::default());
        let meter = Arc::new(Meter::new("cpu".to_owned(), "best".to_owned(), workers));
        let (sender, receiver) = mpsc::channel(16);
        let worker = |(index, nonces)| CpuWorker {
            index,
            device: 0,
            board: Arc::clone(&board),
            meter: Arc::clone(&meter),
            engine: Engine::best(),
            nonces,
            found: sender.clone(),
        };
        let workers = NonceRange::partition(u64::MAX - 100, workers).into_iter().enumerate().map(worker);
        let threads = workers.map(|worker| std::thread::spawn(move || worker.run())).collect();
        (board, meter, receiver, threads)
    }

    #[test]
    fn every_job_gets_one_solution_that_meets_its_boundary() {
        let (board, meter, mut receiver, threads) = start(3);
        let mut nonces = HashSet::new();
        for seal in 1..=20 {
            let job = job(seal, 40);
            board.publish(Arc::clone(&job));
            let found = receiver.blocking_recv().unwrap();
            assert!(Arc::ptr_eq(&found.job, &job));
            let hash = job.tables.cache.hashimoto(&[seal; 32], found.nonce);
            assert_eq!(hash, found.hash);
            assert!(job.assignment.work.boundary.is_met_by(&hash.result));
            assert!(nonces.insert(found.nonce), "no nonce is hashed twice");
        }
        board.close();
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(receiver.try_recv().is_err(), "one solution a job");
        assert!(meter.statistics().hashes >= 20);
    }

    #[test]
    fn new_work_is_switched_to_at_once() {
        let (board, _, mut receiver, threads) = start(2);
        // Nothing solves this one.
        board.publish(job(1, u128::MAX));
        std::thread::sleep(Duration::from_millis(100));
        let started = Instant::now();
        board.publish(job(2, 1));
        let found = receiver.blocking_recv().unwrap();
        assert_eq!(found.job.assignment.work.seal_hash.0, [2; 32]);
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
        board.close();
        for thread in threads {
            thread.join().unwrap();
        }
    }
}
