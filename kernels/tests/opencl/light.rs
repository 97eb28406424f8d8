//! Searching without a dataset: every hash against the reference, tails, stops, a damaged cache.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use medrec_kernels::ethash::{Boundary, LightCache};
use medrec_kernels::opencl::{
    DeviceLightCache, LightSearcher, OpenClError, SearchRequest, SearcherOptions, light_verifier,
};
use medrec_kernels::progress::Progress;

use crate::support::{EVERY, EXPECTED, FIRST_NONCE, FIXTURE, Fixture, HEADER, device};

fn searcher(result_slots: u32) -> LightSearcher {
    let cache = DeviceLightCache::upload(&device(), &FIXTURE.parameters, &FIXTURE.cache).unwrap();
    let options = SearcherOptions { result_slots, ..SearcherOptions::default() };
    LightSearcher::over(cache, Fixture::verify(), options).unwrap()
}

#[test]
fn hashes_from_the_light_cache_are_those_of_the_reference_for_tails_of_every_length() {
    let mut searcher = searcher(4_096);
    for nonces in [0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 2_011] {
        let request = SearchRequest { max_nonces: nonces, ..EVERY };
        let outcome = searcher.search(&request, &AtomicBool::new(false)).unwrap();
        assert_eq!((outcome.hashes, outcome.next_nonce), (nonces, FIRST_NONCE + nonces));
        let found = outcome.solutions.iter().map(|solution| (solution.nonce, solution.hash));
        let expected = (FIRST_NONCE..FIRST_NONCE + nonces).zip(EXPECTED.iter().copied());
        assert!(found.eq(expected), "{nonces} nonces");
    }
}

#[test]
fn a_full_result_buffer_of_the_light_search_loses_no_solution() {
    let request = SearchRequest { max_nonces: 300, ..EVERY };
    let outcome = searcher(16).search(&request, &AtomicBool::new(false)).unwrap();
    assert_eq!((outcome.solutions.len(), outcome.hashes), (300, 300));
}

#[test]
fn a_light_searcher_made_of_a_light_cache_finds_solutions_and_measures_its_rate() {
    let cache = Arc::new(LightCache::build(&FIXTURE.parameters, &Progress::new()).unwrap());
    let mut searcher = LightSearcher::new(&device(), &cache).unwrap();
    let boundary = Boundary::from_difficulty_u128(200).unwrap();
    let request = SearchRequest { boundary, max_nonces: 1 << 40, max_solutions: Some(1), ..EVERY };
    let outcome = searcher.search(&request, &AtomicBool::new(false)).unwrap();
    let solution = outcome.solutions.first().unwrap();
    assert_eq!(cache.hashimoto(&HEADER, solution.nonce), solution.hash);
    assert!(boundary.is_met_by(&solution.hash.result) && outcome.hashes < 1 << 20, "{outcome:?}");
    assert!(searcher.measure_hashrate_hps(0.05).unwrap() > 1.0);
}

#[test]
fn a_stop_ends_a_light_search_that_would_take_years() {
    let mut searcher = searcher(16);
    let stop = AtomicBool::new(false);
    let request = SearchRequest { boundary: Boundary::from_be_bytes([0; 32]), max_nonces: u64::MAX, ..EVERY };
    let started = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let outcome = searcher.search(&request, &stop).unwrap();
        assert!(outcome.solutions.is_empty() && outcome.hashes > 0);
    });
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn a_light_cache_with_a_flipped_bit_is_noticed_before_the_search() {
    let cache = Arc::new(LightCache::build(&FIXTURE.parameters, &Progress::new()).unwrap());
    let mut rows = FIXTURE.cache.clone();
    // Every row, so that the few hashes of the check meet one.
    for row in &mut rows {
        row[3] ^= 1 << 7;
    }
    let damaged = DeviceLightCache::upload(&device(), &FIXTURE.parameters, &rows).unwrap();
    let made = LightSearcher::over(damaged, light_verifier(cache), SearcherOptions::default());
    assert!(matches!(made.err(), Some(OpenClError::WrongAnswer { .. })));
}

#[test]
fn a_light_cache_without_rows_is_refused() {
    let empty = DeviceLightCache::upload(&device(), &FIXTURE.parameters, &[]);
    assert!(matches!(empty.err(), Some(OpenClError::UnusableParameters { .. })));
}
