//! The search of every instruction set, compared with the reference nonce by nonce.

use super::*;
use crate::ethash::{Boundary, LightCache, Parameters};
use crate::keccak::Digest256;
use crate::memory::Pages;
use crate::progress::Progress;

const HEADER: Digest256 = [0x21; 32];

fn dataset() -> Dataset {
    let parameters = Parameters::reduced([0x5a; 32], 1021, 2 * 4093);
    let cache = LightCache::build(&parameters, &Progress::new()).unwrap();
    Dataset::build(&cache, Pages::Huge, 2, &Progress::new()).unwrap()
}

fn job(boundary: &Boundary, first_nonce: u64, count: u64) -> SearchJob<'_> {
    SearchJob { header: &HEADER, boundary, first_nonce, count }
}

#[test]
fn the_dataset_is_that_of_the_light_cache_for_any_number_of_threads() {
    let parameters = Parameters::reduced([0x5a; 32], 1021, 40_000);
    let cache = LightCache::build(&parameters, &Progress::new()).unwrap();
    for threads in [0, 1, 3] {
        let progress = Progress::new();
        let dataset = Dataset::build(&cache, Pages::Base, threads, &progress).unwrap();
        assert_eq!((progress.done(), progress.total()), (40_000, 40_000));
        for index in [0, 1, 16_383, 16_384, 39_999] {
            assert_eq!(dataset.items()[index as usize], cache.item(index), "item {index}, {threads} threads");
        }
    }
}

#[test]
fn every_engine_hashes_every_nonce_as_the_reference_does() {
    let dataset = dataset();
    let never = AtomicBool::new(false);
    for engine in Engine::all() {
        for (first, count) in [(0, 0), (0, 1), (3, 7), (0, 8), (5, 9), (100, 203), (u64::MAX - 11, 24)] {
            let outcome = engine.search(&dataset, &job(&Boundary::MAX, first, count), &never);
            assert_eq!(outcome.hashes, count, "{}", engine.name());
            assert_eq!(outcome.solutions.len() as u64, count, "{}", engine.name());
            for (step, solution) in (0..).zip(&outcome.solutions) {
                let nonce = first.wrapping_add(step);
                let expected = Solution { nonce, hash: dataset.hashimoto(&HEADER, nonce) };
                assert_eq!(*solution, expected, "{} from {first}", engine.name());
            }
        }
    }
}

#[test]
fn every_engine_agrees_with_the_reference_on_a_hundred_thousand_nonces() {
    let dataset = dataset();
    let never = AtomicBool::new(false);
    let boundary = Boundary::from_difficulty_u128(300).unwrap();
    let expected: Vec<u64> =
        (0..100_000).filter(|nonce| boundary.is_met_by(&dataset.hashimoto(&HEADER, *nonce).result)).collect();
    assert!(expected.len() > 200);
    for engine in Engine::all() {
        let outcome = engine.search(&dataset, &job(&boundary, 0, 100_000), &never);
        let found: Vec<u64> = outcome.solutions.iter().map(|solution| solution.nonce).collect();
        assert_eq!(found, expected, "{}", engine.name());
    }
}

#[test]
fn a_result_at_the_boundary_is_found_and_one_above_is_not() {
    let dataset = dataset();
    let never = AtomicBool::new(false);
    let result = dataset.hashimoto(&HEADER, 42).result;
    let mut below = result;
    *below.iter_mut().rfind(|byte| **byte > 0).unwrap() -= 1;
    for engine in Engine::all() {
        let at = engine.search(&dataset, &job(&Boundary::from_be_bytes(result), 42, 1), &never);
        assert_eq!(at.solutions.len(), 1, "{}", engine.name());
        let under = engine.search(&dataset, &job(&Boundary::from_be_bytes(below), 42, 1), &never);
        assert!(under.solutions.is_empty(), "{}", engine.name());
    }
}

#[test]
fn a_stopped_search_says_how_far_it_came() {
    let dataset = dataset();
    let stop = AtomicBool::new(true);
    for engine in Engine::all() {
        let outcome = engine.search(&dataset, &job(&Boundary::MAX, 0, 1_000_000), &stop);
        assert_eq!(outcome.hashes, outcome.solutions.len() as u64);
        assert_eq!(outcome.hashes, IN_FLIGHT as u64, "{}", engine.name());
    }
}

#[test]
fn building_a_dataset_stops_when_asked() {
    let parameters = Parameters::reduced([0x5a; 32], 1021, 40_000);
    let cache = LightCache::build(&parameters, &Progress::new()).unwrap();
    let progress = Progress::new();
    progress.request_stop();
    assert!(Dataset::build(&cache, Pages::Huge, 1, &progress).is_err());
}
