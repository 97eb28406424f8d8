//! The machine's own limit: how many random 128-byte reads a second a table gives.
//!
//! A hash of Ethash is 64 dependent random reads of 128 bytes, so reads a second divided by 64 bound
//! the hashrate of any program on the same memory. The measuring loop does nothing else: each of
//! `K` chains reads a word of both lines of its page, derives the next page from them, and asks for
//! it; what is measured is the memory, with `K` reads in flight, and not arithmetic.

use crate::ethash::Page;
use crate::ethash::parameters::ACCESSES;
use crate::ethash::vectors::prefetch_page_once;
use std::time::{Duration, Instant};

/// Reads in flight that [`random_reads`] can keep a thread at.
pub const DEPTHS: [usize; 6] = [1, 4, 8, 12, 16, 32];

/// What a measurement of random reads found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomReads {
    /// Pages of 128 bytes read by all threads.
    pub reads: u64,
    /// Wall time.
    pub elapsed: Duration,
}

impl RandomReads {
    /// Reads of 128 bytes a second, all threads together.
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
    pub fn reads_per_second(&self) -> f64 {
        self.reads as f64 / self.elapsed.as_secs_f64()
    }

    /// Hashes a second that so many reads allow.
    pub fn hashrate_hps(&self) -> f64 {
        self.reads_per_second() / f64::from(ACCESSES)
    }
}

/// Reads random pages on `threads` threads, each with `in_flight` reads under way, for about
/// `duration`. `in_flight` is rounded up to the next of [`DEPTHS`], at most the last.
pub fn random_reads(pages: &[Page], threads: usize, in_flight: usize, duration: Duration) -> RandomReads {
    let chase = match DEPTHS.into_iter().find(|depth| *depth >= in_flight) {
        Some(1) => chase::<1>,
        Some(4) => chase::<4>,
        Some(8) => chase::<8>,
        Some(12) => chase::<12>,
        Some(16) => chase::<16>,
        _ => chase::<32>,
    };
    if pages.is_empty() {
        return RandomReads { reads: 0, elapsed: duration };
    }
    let start = Instant::now();
    let reads = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1))
            .map(|thread| scope.spawn(move || chase(pages, thread as u64, start + duration)))
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or(0)).sum()
    });
    RandomReads { reads, elapsed: start.elapsed() }
}

/// Follows `K` chains until `end`; gives the number of pages read.
fn chase<const K: usize>(pages: &[Page], thread: u64, end: Instant) -> u64 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    const STEPS: u64 = 4096;
    let count = pages.len() as u64;
    let mut state = [0_u64; K];
    let mut page = [&pages[0]; K];
    for (k, state) in (1_u64..).zip(&mut state) {
        *state = (thread << 32 | k).wrapping_mul(MULTIPLIER);
    }
    let mut reads = 0;
    while Instant::now() < end {
        for _ in 0..STEPS {
            for k in 0..K {
                let word = u64::from(page[k][0]) << 32 | u64::from(page[k][16]);
                state[k] = (state[k] ^ word).wrapping_mul(MULTIPLIER);
                let index = ((state[k] >> 32) * count) >> 32;
                page[k] = &pages[usize::try_from(index).unwrap_or_default()];
                prefetch_page_once(page[k]);
            }
        }
        reads += STEPS * K as u64;
    }
    std::hint::black_box(state);
    reads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_counted_for_every_depth_and_thread() {
        let pages = vec![[7; 32]; 10_000];
        for in_flight in DEPTHS.into_iter().chain([3, 100]) {
            let found = random_reads(&pages, 2, in_flight, Duration::from_millis(5));
            assert!(found.reads > 0 && found.hashrate_hps() > 0.0, "{in_flight} in flight");
        }
    }

    #[test]
    fn an_empty_table_gives_no_reads() {
        assert_eq!(random_reads(&[], 1, 8, Duration::from_millis(1)).reads, 0);
    }
}
