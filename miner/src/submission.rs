//! Brings solutions to nodes: each is checked on the CPU, submitted once, and tried again until it is too old.
//!
//! What it guards: nothing that a device claims is believed, nothing that was solved is lost while a node is away, and no
//! work is submitted twice.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use alloy_primitives::{B64, B256};
use medrec_kernels::ethash::light::Seal;
use parking_lot::Mutex;
use tokio::sync::{broadcast, watch};

use crate::backoff::Backoff;
use crate::event::{AcceptedBlock, MinerEvent};
use crate::meter::Meter;
use crate::search::board::{Board, Found, Job};
use crate::source::{Submission, Verdict, WorkSource};
use crate::statistics::SolutionStatistics;
use crate::work::{Newest, is_stale};

/// Accepted blocks that can be asked for again.
const REMEMBERED_BLOCKS: usize = 65_536;
/// Seal hashes that are not searched again.
const REMEMBERED_WORKS: usize = 1_024;
/// The first pause before a solution is brought again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// … and the longest: a node that comes back gets it soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A work that is still given out this long after its solution was refused is searched again.
const SECOND_THOUGHTS: Duration = Duration::from_secs(1);

/// Counts, and what was accepted.
#[derive(Debug, Default)]
struct Book {
    accepted: VecDeque<AcceptedBlock>,
    solved: VecDeque<B256>,
    latency: Duration,
}

/// Everything that happens to solutions.
pub(crate) struct Desk<S> {
    source: Arc<S>,
    board: Arc<Board>,
    meters: Vec<Arc<Meter>>,
    events: broadcast::Sender<MinerEvent>,
    newest: watch::Receiver<Newest>,
    block_limit: Option<u64>,
    /// With a limit one solution is brought at a time, so that not one too many is.
    turn: tokio::sync::Mutex<()>,
    found: AtomicU64,
    accepted: AtomicU64,
    rejected: AtomicU64,
    stale: AtomicU64,
    wrong: AtomicU64,
    book: Mutex<Book>,
}

impl<S: WorkSource> Desk<S> {
    pub(crate) fn new(
        source: Arc<S>,
        board: Arc<Board>,
        meters: Vec<Arc<Meter>>,
        events: broadcast::Sender<MinerEvent>,
        newest: watch::Receiver<Newest>,
        block_limit: Option<u64>,
    ) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            source,
            board,
            meters,
            events,
            newest,
            block_limit,
            turn: tokio::sync::Mutex::default(),
            found: zero(),
            accepted: zero(),
            rejected: zero(),
            stale: zero(),
            wrong: zero(),
            book: Mutex::default(),
        }
    }

    /// Whether this work has been solved already, so that it is not searched again.
    pub(crate) fn is_solved(&self, seal_hash: &B256) -> bool {
        self.book.lock().solved.contains(seal_hash)
    }

    /// Whether as many blocks were accepted as were wanted.
    pub(crate) fn is_finished(&self) -> bool {
        self.block_limit.is_some_and(|limit| self.accepted.load(Ordering::Acquire) >= limit)
    }

    /// Blocks accepted so far, without the first `skip`; the oldest are forgotten after 65,536.
    pub(crate) fn accepted_blocks(&self, skip: usize) -> Vec<AcceptedBlock> {
        let book = self.book.lock();
        let total = usize::try_from(self.accepted.load(Ordering::Acquire)).unwrap_or(usize::MAX);
        let forgotten = total.saturating_sub(book.accepted.len());
        book.accepted.iter().skip(skip.saturating_sub(forgotten)).cloned().collect()
    }

    pub(crate) fn statistics(&self) -> SolutionStatistics {
        let read = |count: &AtomicU64| count.load(Ordering::Acquire);
        let (accepted, rejected, stale) = (read(&self.accepted), read(&self.rejected), read(&self.stale));
        let found = read(&self.found).max(accepted + rejected + stale);
        SolutionStatistics {
            found,
            accepted,
            rejected,
            stale,
            pending: found - accepted - rejected - stale,
            wrong: read(&self.wrong),
            latency_ms: milliseconds(self.book.lock().latency),
        }
    }

    /// Takes a find through its life.
    pub(crate) async fn settle(&self, found: Found, mut hurry: watch::Receiver<bool>) {
        let Some(mix_hash) = self.confirm(&found).await else { return };
        let Found { job, nonce, at, .. } = &found;
        let assignment = &job.assignment;
        let submission = Submission {
            origin: assignment.origin,
            seal_hash: assignment.work.seal_hash,
            nonce: B64::from(*nonce),
            mix_hash,
        };
        let _turn = if self.block_limit.is_some() { Some(self.turn.lock().await) } else { None };
        let verdict = if self.is_finished() { None } else { self.bring(job, submission, &mut hurry).await };
        match verdict {
            Some(verdict) if verdict.is_accepted => self.accepted(job, &submission, verdict.node, *at),
            Some(verdict) => {
                self.rejected(job, &submission, verdict.node);
                tokio::select! {
                    () = tokio::time::sleep(SECOND_THOUGHTS) => self.search_again(job),
                    _ = hurry.changed() => {}
                }
            }
            None => {
                self.stale.fetch_add(1, Ordering::AcqRel);
                let (number, seal_hash) = (assignment.work.number, submission.seal_hash);
                let _ = self.events.send(MinerEvent::Stale { number, seal_hash, nonce: submission.nonce });
            }
        }
    }

    /// Hashes the find again on the CPU, from the light cache; the mix hash if it is a solution.
    async fn confirm(&self, found: &Found) -> Option<B256> {
        let (job, nonce, claimed) = (Arc::clone(&found.job), found.nonce, found.hash);
        let checked = tokio::task::spawn_blocking(move || {
            let work = &job.assignment.work;
            let (header, boundary) = (work.seal_hash.0, work.boundary);
            job.tables.cache.verify(&Seal { header, nonce, mix_hash: claimed.mix_hash, boundary })
        })
        .await;
        let checked = checked.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        let meter = self.meters.get(found.device);
        let device = meter.map_or_else(String::new, |meter| meter.device().to_owned());
        if let Err(error) = checked {
            self.wrong.fetch_add(1, Ordering::AcqRel);
            if let Some(meter) = meter {
                meter.count_wrong();
            }
            let why = format!("wrong answer for nonce {nonce:#018x}: {error}");
            let _ = self.events.send(MinerEvent::DeviceFailed { device, why });
            self.search_again(&found.job);
            return None;
        }
        self.found.fetch_add(1, Ordering::AcqRel);
        if let Some(meter) = meter {
            meter.count_found();
        }
        let work = &found.job.assignment.work;
        {
            let mut book = self.book.lock();
            if book.solved.len() == REMEMBERED_WORKS {
                book.solved.pop_front();
            }
            book.solved.push_back(work.seal_hash);
        }
        let (number, seal_hash) = (work.number, work.seal_hash);
        let _ = self.events.send(MinerEvent::Found { number, seal_hash, nonce: B64::from(nonce), device });
        Some(found.hash.mix_hash.into())
    }

    /// Submits until a node answers, the solution is too old, or there is no time left.
    async fn bring(
        &self,
        job: &Job,
        submission: Submission,
        hurry: &mut watch::Receiver<bool>,
    ) -> Option<Verdict> {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let newest = *self.newest.borrow();
            if is_stale(job.assignment.work.number, job.sequence, newest) {
                return None;
            }
            // The source tells about nodes that fail.
            if let Ok(verdict) = self.source.submit(submission).await {
                return Some(verdict);
            }
            if *hurry.borrow_and_update() {
                return None;
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.advance()) => {}
                // One more attempt, and then the miner ends.
                _ = hurry.changed() => {}
            }
        }
    }

    fn accepted(&self, job: &Job, submission: &Submission, node: String, found_at: Instant) {
        let latency = found_at.elapsed();
        let block = AcceptedBlock {
            number: job.assignment.work.number,
            seal_hash: submission.seal_hash,
            nonce: submission.nonce,
            mix_hash: submission.mix_hash,
            coinbase: job.assignment.coinbase,
            node,
            latency_ms: milliseconds(latency),
        };
        {
            let mut book = self.book.lock();
            if book.accepted.len() == REMEMBERED_BLOCKS {
                book.accepted.pop_front();
            }
            book.accepted.push_back(block.clone());
            book.latency = if book.latency.is_zero() { latency } else { (book.latency * 7 + latency) / 8 };
            self.accepted.fetch_add(1, Ordering::AcqRel);
        }
        self.source.was_accepted();
        let _ = self.events.send(MinerEvent::Accepted(block));
    }

    fn rejected(&self, job: &Arc<Job>, submission: &Submission, node: String) {
        self.rejected.fetch_add(1, Ordering::AcqRel);
        let (number, seal_hash) = (job.assignment.work.number, submission.seal_hash);
        let _ = self.events.send(MinerEvent::Rejected { number, seal_hash, nonce: submission.nonce, node });
        // Most likely the node does not know the work any more, and has a new one.
        self.source.hasten();
    }

    /// Goes on with a work whose solution was not taken, while it is the newest, whichever node gave it: one that was
    /// started again may give the same work and not know the solution that it was brought before.
    fn search_again(&self, job: &Job) {
        let seal_hash = job.assignment.work.seal_hash;
        self.book.lock().solved.retain(|solved| *solved != seal_hash);
        let same = self.board.present().filter(|present| present.assignment.work.seal_hash == seal_hash);
        if let Some(present) = same {
            let (assignment, tables) = (present.assignment.clone(), Arc::clone(&present.tables));
            self.board.publish(Job::new(assignment, present.sequence, tables));
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
