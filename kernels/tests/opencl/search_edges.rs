//! The searcher's edges: exact boundaries, full result buffers, stops, wrong answers, the end of the nonces.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use medrec_kernels::ethash::{Boundary, Hashimoto, LightCache};
use medrec_kernels::opencl::{
    Exchange, GroupTuning, OpenClError, OpenClSearcher, SearchRequest, SearcherOptions, Tuning, VectorTuning,
};

use crate::support::{EVERY, EXPECTED, FIRST_NONCE, FIXTURE, HEADER, NONCES};

const BOTH: [Tuning; 2] = [
    Tuning::Vector(VectorTuning { work_group: 2 }),
    Tuning::Group(GroupTuning {
        lanes: 8,
        in_flight: 4,
        work_group: 32,
        exchange: Exchange::Local,
        max_registers: None,
    }),
];

fn nonces_found(searcher: &mut OpenClSearcher, request: &SearchRequest) -> Vec<u64> {
    let outcome = searcher.search(request, &AtomicBool::new(false)).unwrap();
    outcome.solutions.iter().map(|solution| solution.nonce).collect()
}

/// The big-endian number one below.
fn one_below(number: [u8; 32]) -> [u8; 32] {
    let mut below = number;
    for byte in below.iter_mut().rev() {
        *byte = byte.wrapping_sub(1);
        if *byte != 0xff {
            break;
        }
    }
    below
}

#[test]
fn a_result_equal_to_the_boundary_is_a_solution_and_one_above_is_not() {
    let (offset, best) =
        (0_u64..).zip(EXPECTED.iter()).min_by_key(|(_, hash)| hash.result).expect("there are hashes");
    for tuning in BOTH {
        let mut searcher = FIXTURE.searcher(tuning, 64);
        let equal = SearchRequest {
            boundary: Boundary::from_be_bytes(best.result),
            max_nonces: u64::from(NONCES),
            ..EVERY
        };
        assert_eq!(nonces_found(&mut searcher, &equal), [FIRST_NONCE + offset], "{tuning:?}");
        let below = SearchRequest { boundary: Boundary::from_be_bytes(one_below(best.result)), ..equal };
        assert_eq!(nonces_found(&mut searcher, &below), [0_u64; 0], "{tuning:?}");
    }
}

#[test]
fn the_boundary_is_compared_in_every_one_of_its_words() {
    for tuning in BOTH {
        let mut searcher = FIXTURE.searcher(tuning, 64);
        let request = SearchRequest { max_nonces: 1, ..EVERY };
        for word in 0..4 {
            // Differs from the result in one 64-bit word only: by one up, then by one down.
            for (step, is_solution) in [(1_u64, true), (u64::MAX, false)] {
                let mut boundary = EXPECTED[0].result;
                let bytes = &mut boundary.as_chunks_mut::<8>().0[word];
                *bytes = u64::from_be_bytes(*bytes).wrapping_add(step).to_be_bytes();
                let found = nonces_found(
                    &mut searcher,
                    &SearchRequest { boundary: Boundary::from_be_bytes(boundary), ..request },
                );
                assert_eq!(found.len(), usize::from(is_solution), "{tuning:?}, word {word}");
            }
        }
    }
}

#[test]
fn a_full_result_buffer_loses_no_solution() {
    for tuning in BOTH {
        let mut searcher = FIXTURE.searcher(tuning, 3);
        let request = SearchRequest { max_nonces: 5001, ..EVERY };
        let outcome = searcher.search(&request, &AtomicBool::new(false)).unwrap();
        let found: Vec<_> = outcome.solutions.iter().map(|solution| solution.nonce).collect();
        assert_eq!(found, (FIRST_NONCE..FIRST_NONCE + 5001).collect::<Vec<_>>(), "{tuning:?}");
        assert_eq!(outcome.hashes, 5001, "hashes of the second look do not count");
    }
}

#[test]
fn a_search_for_one_solution_ends_early() {
    for tuning in BOTH {
        let mut searcher = FIXTURE.searcher(tuning, 64);
        let request = SearchRequest { max_nonces: 1 << 40, max_solutions: Some(1), ..EVERY };
        let outcome = searcher.search(&request, &AtomicBool::new(false)).unwrap();
        assert!(!outcome.solutions.is_empty());
        assert!(outcome.hashes < 1 << 20, "{} hashes for one solution in one", outcome.hashes);
        assert!(outcome.next_nonce > FIRST_NONCE);
    }
}

#[test]
fn a_stop_ends_a_search_that_would_take_years() {
    for tuning in BOTH {
        let mut searcher = FIXTURE.searcher(tuning, 64);
        let stop = AtomicBool::new(false);
        let request =
            SearchRequest { boundary: Boundary::from_be_bytes([0; 32]), max_nonces: u64::MAX, ..EVERY };
        let (outcome, waited) = thread::scope(|scope| {
            let stopper = scope.spawn(|| {
                thread::sleep(Duration::from_millis(400));
                stop.store(true, Ordering::Relaxed);
                Instant::now()
            });
            let outcome = searcher.search(&request, &stop).unwrap();
            (outcome, stopper.join().unwrap().elapsed())
        });
        assert!(outcome.hashes > 0 && outcome.solutions.is_empty());
        assert!(waited < Duration::from_secs(2), "{tuning:?} went on for {waited:?}");
        // The same searcher searches on correctly afterwards.
        assert_eq!(nonces_found(&mut searcher, &SearchRequest { max_nonces: 9, ..EVERY }).len(), 9);
    }
}

#[test]
fn a_stop_before_the_start_hashes_nothing() {
    let mut searcher = FIXTURE.searcher(BOTH[0], 64);
    let request = SearchRequest { max_nonces: 1000, ..EVERY };
    let outcome = searcher.search(&request, &AtomicBool::new(true)).unwrap();
    assert_eq!((outcome.hashes, outcome.next_nonce), (0, FIRST_NONCE));
}

#[test]
fn an_empty_range_is_searched_at_once() {
    let mut searcher = FIXTURE.searcher(BOTH[1], 64);
    assert_eq!(nonces_found(&mut searcher, &EVERY), [0_u64; 0]);
}

#[test]
fn nonces_wrap_around_after_the_last() {
    for tuning in BOTH {
        let mut searcher = FIXTURE.searcher(tuning, 64);
        let start_nonce = u64::MAX - 10;
        let request = SearchRequest { start_nonce, max_nonces: 20, ..EVERY };
        let outcome = searcher.search(&request, &AtomicBool::new(false)).unwrap();
        let expected: Vec<_> = (0..20).map(|offset| start_nonce.wrapping_add(offset)).collect();
        assert_eq!(outcome.solutions.iter().map(|solution| solution.nonce).collect::<Vec<_>>(), expected);
        for solution in outcome.solutions {
            assert_eq!(solution.hash, FIXTURE.hashimoto(&HEADER, solution.nonce), "{tuning:?}");
        }
        assert_eq!(outcome.next_nonce, 9);
    }
}

#[test]
fn an_answer_that_the_cpu_does_not_confirm_names_the_device() {
    for tuning in BOTH {
        // Right for the check at the start, wrong for one nonce of this header.
        let verify = Arc::new(|header: &[u8; 32], nonce: u64| {
            let mut hash: Hashimoto = FIXTURE.hashimoto(header, nonce);
            if *header == HEADER && nonce == FIRST_NONCE + 5 {
                hash.mix_hash[31] ^= 1;
            }
            hash
        });
        let options = SearcherOptions::default();
        let mut searcher =
            OpenClSearcher::over(FIXTURE.on_device(u64::MAX), tuning, verify, options).unwrap();
        let request = SearchRequest { max_nonces: 9, ..EVERY };
        let error = searcher.search(&request, &AtomicBool::new(false)).unwrap_err();
        let OpenClError::WrongAnswer { device, nonce } = &error else { panic!("{error}") };
        assert_eq!((device.as_str(), *nonce), (crate::support::device().name.as_str(), FIRST_NONCE + 5));
    }
}

#[test]
fn a_dataset_with_a_flipped_bit_is_noticed_before_the_search() {
    let parameters = medrec_kernels::ethash::Parameters::reduced([9; 32], 31, 64);
    let light_cache = LightCache::build(&parameters, &medrec_kernels::progress::Progress::new()).unwrap();
    let device = crate::support::device();
    let context = medrec_kernels::opencl::DeviceContext::open(&device).unwrap();
    let mut dataset =
        medrec_kernels::opencl::DeviceDataset::allocate(context, &parameters, u64::MAX).unwrap();
    let progress = medrec_kernels::progress::Progress::new();
    dataset.fill(medrec_kernels::opencl::DatasetKernel::Item, light_cache.rows(), &progress).unwrap();
    let mut item = [[0; 16]];
    dataset.read(40, &mut item).unwrap();
    item[0][7] ^= 1 << 20;
    dataset.upload(40, &item).unwrap();
    let verify = medrec_kernels::opencl::light_verifier(light_cache.into());
    let error = OpenClSearcher::over(Arc::new(dataset), BOTH[0], verify, SearcherOptions::default()).err();
    assert!(matches!(error, Some(OpenClError::WrongAnswer { .. })), "{error:?}");
}
