//! Every hash of the device against the reference, for each kernel and many shapes of it.

use std::sync::atomic::AtomicBool;

use medrec_kernels::ethash::{Boundary, Hashimoto, LightCache};
use medrec_kernels::opencl::{
    Exchange, GroupTuning, OpenClSearcher, SearchRequest, SearcherOptions, Tuning, VectorTuning,
};

use crate::support::{EXPECTED, FIRST_NONCE, FIXTURE, HEADER, NONCES};

fn group(lanes: u32, in_flight: u32, work_group: u32) -> Tuning {
    Tuning::Group(GroupTuning {
        lanes,
        in_flight,
        work_group,
        exchange: Exchange::Local,
        max_registers: None,
    })
}

const fn vector(work_group: u32) -> Tuning {
    Tuning::Vector(VectorTuning { work_group })
}

/// With every hash a solution, the whole range comes back; it must be the reference's, bit for bit. The
/// searcher itself compares each with `verify` too; comparing here does not rely on that.
fn assert_all_hashes(searcher: &mut OpenClSearcher, nonces: u32) {
    let request = SearchRequest {
        header: HEADER,
        boundary: Boundary::MAX,
        start_nonce: FIRST_NONCE,
        max_nonces: u64::from(nonces),
        max_solutions: None,
    };
    let outcome = searcher.search(&request, &AtomicBool::new(false)).unwrap();
    let tuning = searcher.tuning();
    assert_eq!(outcome.hashes, u64::from(nonces), "{tuning:?}");
    assert_eq!(outcome.next_nonce, FIRST_NONCE + u64::from(nonces));
    assert_eq!(outcome.solutions.len(), nonces as usize, "{tuning:?}");
    for (solution, (offset, expected)) in outcome.solutions.iter().zip((0..).zip(EXPECTED.iter())) {
        assert_eq!(solution.nonce, FIRST_NONCE + offset, "{tuning:?}");
        assert_eq!(solution.hash, *expected, "{tuning:?}, nonce {:#x}", solution.nonce);
    }
}

/// A verifier that looks the answer up, so that 100,000 answers are not computed twice.
fn searcher(tuning: Tuning, max_buffer_bytes: u64, result_slots: u32) -> OpenClSearcher {
    let verify = |header: &[u8; 32], nonce: u64| -> Hashimoto {
        let offset = usize::try_from(nonce.wrapping_sub(FIRST_NONCE)).unwrap();
        match EXPECTED.get(offset) {
            Some(hash) if *header == HEADER => *hash,
            _ => FIXTURE.hashimoto(header, nonce),
        }
    };
    let options = SearcherOptions { result_slots, ..SearcherOptions::default() };
    let dataset = FIXTURE.on_device(max_buffer_bytes);
    OpenClSearcher::over(dataset, tuning, std::sync::Arc::new(verify), options).unwrap()
}

#[test]
fn the_kernel_for_gpus_agrees_with_the_reference_on_100_003_nonces() {
    assert_all_hashes(&mut searcher(group(8, 4, 128), u64::MAX, 4 * NONCES), NONCES);
}

#[test]
fn the_kernel_for_cpus_agrees_with_the_reference_on_100_003_nonces() {
    assert_all_hashes(&mut searcher(vector(4), u64::MAX, 4 * NONCES), NONCES);
}

#[test]
fn every_shape_of_the_kernel_for_gpus_agrees_with_the_reference() {
    let shapes = [
        (8, 8, 64),
        (8, 2, 32),
        (8, 1, 8),
        (4, 4, 32),
        (4, 2, 64),
        (4, 1, 4),
        (2, 2, 16),
        (2, 1, 2),
        (1, 1, 1),
        (1, 1, 33),
        // Odd numbers of hashes a group.
        (8, 4, 24),
        (8, 4, 56),
        (4, 4, 20),
    ];
    for (lanes, in_flight, work_group) in shapes {
        assert_all_hashes(&mut searcher(group(lanes, in_flight, work_group), u64::MAX, 8192), 2011);
    }
}

#[test]
fn every_group_size_of_the_kernel_for_cpus_agrees_with_the_reference() {
    for work_group in [1, 3, 16] {
        assert_all_hashes(&mut searcher(vector(work_group), u64::MAX, 8192), 2011);
    }
}

#[test]
fn a_dataset_in_several_buffers_gives_the_same_hashes() {
    for buffers in 2..=4 {
        let limit = FIXTURE.parameters.dataset_bytes().div_ceil(buffers).next_multiple_of(128);
        for tuning in [group(8, 4, 64), vector(4)] {
            assert_all_hashes(&mut searcher(tuning, limit, 8192), 2011);
        }
    }
}

#[test]
fn tails_of_every_length_are_hashed_and_nothing_beyond_them() {
    for tuning in [group(8, 8, 32), group(4, 2, 16), vector(2)] {
        let mut searcher = searcher(tuning, u64::MAX, 1024);
        for nonces in [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 127, 128, 129] {
            assert_all_hashes(&mut searcher, nonces);
        }
    }
}

#[test]
fn a_searcher_made_in_one_step_finds_what_the_reference_finds() {
    let progress = medrec_kernels::progress::Progress::new();
    let device = crate::support::device();
    let verify = medrec_kernels::opencl::light_verifier(
        LightCache::build(&FIXTURE.parameters, &progress).unwrap().into(),
    );
    let tuning = Tuning::default_for(&device);
    let made = OpenClSearcher::new(&device, &FIXTURE.parameters, &FIXTURE.cache, tuning, verify, &progress);
    let mut boundary = [0xff; 32];
    boundary[0] = 0;
    let request = SearchRequest {
        header: HEADER,
        boundary: Boundary::from_be_bytes(boundary),
        start_nonce: FIRST_NONCE,
        max_nonces: u64::from(NONCES),
        max_solutions: None,
    };
    let outcome = made.unwrap().search(&request, &AtomicBool::new(false)).unwrap();
    let expected: Vec<_> = (FIRST_NONCE..)
        .zip(EXPECTED.iter())
        .filter(|(_, hash)| hash.result <= boundary)
        .map(|(nonce, hash)| (nonce, *hash))
        .collect();
    assert!(expected.len() > 300, "about 390 of 100,003 begin with a zero byte");
    let found: Vec<_> = outcome.solutions.iter().map(|solution| (solution.nonce, solution.hash)).collect();
    assert_eq!(found, expected);
}
