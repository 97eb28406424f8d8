//! The job that everybody works on.
//!
//! One solution ends a job: a second one would make a sibling of the same block. Workers then wait for the next job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use medrec_kernels::ethash::Hashimoto;
use parking_lot::{Condvar, Mutex};

use crate::epoch::Tables;
use crate::source::Assignment;

/// A work with everything that is needed to search it.
#[derive(Debug)]
pub(crate) struct Job {
    /// The work and its origin.
    pub(crate) assignment: Assignment,
    /// Its position among all works of this miner.
    pub(crate) sequence: u64,
    /// The epoch's tables.
    pub(crate) tables: Arc<Tables>,
    /// Set when the job is over: replaced, or solved.
    stop: AtomicBool,
}

impl Job {
    /// A job that nobody works on yet.
    pub(crate) fn new(assignment: Assignment, sequence: u64, tables: Arc<Tables>) -> Arc<Self> {
        Arc::new(Self { assignment, sequence, tables, stop: AtomicBool::new(false) })
    }

    /// The flag that engines look at.
    pub(crate) const fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    /// Whether it is over.
    pub(crate) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Ends the job; `true` for whoever does so first.
    pub(crate) fn end(&self) -> bool {
        !self.stop.swap(true, Ordering::AcqRel)
    }
}

/// A solution that a worker found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The job that it solves.
    pub(crate) job: Arc<Job>,
    /// The nonce.
    pub(crate) nonce: u64,
    /// What the worker says that it hashes to.
    pub(crate) hash: Hashimoto,
    /// Who found it: a position in the list of devices.
    pub(crate) device: usize,
    /// When.
    pub(crate) at: std::time::Instant,
}

#[derive(Debug, Default)]
struct Present {
    job: Option<Arc<Job>>,
    is_closed: bool,
}

/// Where workers find the present job.
#[derive(Debug, Default)]
pub(crate) struct Board {
    present: Mutex<Present>,
    changed: Condvar,
}

impl Board {
    /// Replaces the job; workers leave the old one within a batch.
    pub(crate) fn publish(&self, job: Arc<Job>) {
        let mut present = self.present.lock();
        if let Some(old) = present.job.replace(job) {
            old.end();
        }
        self.changed.notify_all();
    }

    /// The present job.
    pub(crate) fn present(&self) -> Option<Arc<Job>> {
        self.present.lock().job.clone()
    }

    /// Ends everything: workers go home.
    pub(crate) fn close(&self) {
        let mut present = self.present.lock();
        present.is_closed = true;
        if let Some(job) = present.job.take() {
            job.end();
        }
        self.changed.notify_all();
    }

    /// Waits for a job that is not over; `None` when there will be none.
    pub(crate) fn next(&self) -> Option<Arc<Job>> {
        let mut present = self.present.lock();
        loop {
            if present.is_closed {
                return None;
            }
            if let Some(job) = present.job.as_ref().filter(|job| !job.is_over()) {
                return Some(Arc::clone(job));
            }
            self.changed.wait(&mut present);
        }
    }

    /// Waits until something changes, for at most `longest`.
    pub(crate) fn pause(&self, longest: Duration) {
        let mut present = self.present.lock();
        if !present.is_closed {
            self.changed.wait_for(&mut present, longest);
        }
    }

    /// Whether workers go home.
    pub(crate) fn is_closed(&self) -> bool {
        self.present.lock().is_closed
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::work::Work;
    use alloy_primitives::B256;
    use medrec_kernels::ethash::{Boundary, LightCache, Parameters};
    use medrec_kernels::progress::Progress;

    /// A job over a small cache.
    pub(crate) fn job(seal: u8, difficulty: u128) -> Arc<Job> {
        let parameters = Parameters::reduced([3; 32], 1_021, 8_198);
        let cache = LightCache::build(&parameters, &Progress::new()).unwrap();
        let work = Work {
            seal_hash: B256::repeat_byte(seal),
            seed_hash: parameters.seed_hash.into(),
            boundary: Boundary::from_difficulty_u128(difficulty).unwrap(),
            number: Some(1),
        };
        let node = "a node".to_owned();
        let assignment = Assignment { work, parameters, origin: 0, node, coinbase: None };
        Job::new(assignment, 1, Arc::new(Tables::of_cache(cache)))
    }

    #[test]
    fn a_new_job_ends_the_old_one_and_a_solved_one_is_not_given_out_again() {
        let board = Arc::new(Board::default());
        let (first, second) = (job(1, 10), job(2, 10));
        board.publish(Arc::clone(&first));
        assert!(Arc::ptr_eq(&board.next().unwrap(), &first));
        board.publish(Arc::clone(&second));
        assert!(first.is_over() && !second.is_over());
        assert!(second.end(), "the first to solve it");
        assert!(!second.end(), "and nobody after it");
        let waiting = {
            let board = Arc::clone(&board);
            std::thread::spawn(move || board.next().map(|job| job.assignment.work.seal_hash))
        };
        std::thread::sleep(Duration::from_millis(50));
        assert!(!waiting.is_finished(), "a solved job is not worked on");
        board.publish(job(3, 10));
        assert_eq!(waiting.join().unwrap(), Some(B256::repeat_byte(3)));
        board.close();
        assert!(board.next().is_none());
    }
}
