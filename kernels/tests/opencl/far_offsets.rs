//! Datasets beyond 4 GiB: in one buffer, and in several.
//!
//! The items are a function of their index instead of Ethash's, so that filling takes seconds. A 32-bit
//! byte offset anywhere on the way would read another page and change nearly every hash.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use medrec_kernels::ethash::{Boundary, Hashimoto, Parameters, Row, reference};
use medrec_kernels::opencl::{
    DeviceContext, DeviceDataset, Exchange, GroupTuning, OpenClSearcher, SearchRequest, SearcherOptions,
    Tuning, VectorTuning,
};

use crate::support::{device, is_child, run_as_child};

/// 4.5 GiB: 37,748,717 pages.
const ITEMS: u32 = 75_497_434;
/// What PoCL is to believe about this machine: it derives its limits (8 GiB an allocation for this) from
/// the memory that the library hwloc reports, which misses memory that was added while the machine runs.
const MEMORY: &str = "node:1(memory=25179869184) core:2 pu:1";

fn pattern_item(index: u32) -> Row {
    let mut row = [index; 16];
    for (word, salt) in row.iter_mut().zip(1_u32..) {
        *word = (*word ^ salt.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
    }
    row
}

fn pattern_dataset(max_buffer_bytes: u64) -> DeviceDataset {
    let parameters = Parameters::reduced([0; 32], 1021, ITEMS);
    let context = DeviceContext::open(&device()).unwrap();
    let mut dataset = DeviceDataset::allocate(context, &parameters, max_buffer_bytes).unwrap();
    let mut rows = vec![Row::default(); 1 << 16];
    for first in (0..ITEMS).step_by(rows.len()) {
        let count = rows.len().min((ITEMS - first) as usize);
        for (row, index) in rows.iter_mut().zip(first..ITEMS) {
            *row = pattern_item(index);
        }
        dataset.upload(first, &rows[..count]).unwrap();
    }
    dataset
}

fn assert_hashes_over(dataset: &Arc<DeviceDataset>) {
    let verify = Arc::new(|header: &[u8; 32], nonce: u64| -> Hashimoto {
        reference::hashimoto(header, nonce, ITEMS, pattern_item)
    });
    let group = GroupTuning {
        lanes: 8,
        in_flight: 8,
        work_group: 64,
        exchange: Exchange::Local,
        max_registers: None,
    };
    for tuning in [Tuning::Vector(VectorTuning { work_group: 2 }), Tuning::Group(group)] {
        let options = SearcherOptions { result_slots: 4096, ..SearcherOptions::default() };
        let mut searcher =
            OpenClSearcher::over(Arc::clone(dataset), tuning, verify.clone(), options).unwrap();
        let request = SearchRequest {
            header: [0x77; 32],
            boundary: Boundary::MAX,
            start_nonce: 12_345,
            max_nonces: 1000,
            max_solutions: None,
        };
        // The searcher compares each of the 1,000 with the reference over the same function.
        let outcome = searcher.search(&request, &AtomicBool::new(false)).unwrap();
        assert_eq!(outcome.solutions.len(), 1000, "{tuning:?}");
    }
}

#[test]
fn pages_beyond_4_gib_are_found_in_one_buffer_and_in_three() {
    if !is_child() {
        let name = "far_offsets::pages_beyond_4_gib_are_found_in_one_buffer_and_in_three";
        run_as_child(name, &[("HWLOC_SYNTHETIC", MEMORY)]);
        return;
    }
    assert!(u64::from(ITEMS) * 64 > 1 << 32);
    for (buffers, max_buffer_bytes) in [(1, u64::MAX), (3, 1_700 << 20)] {
        let dataset = Arc::new(pattern_dataset(max_buffer_bytes));
        assert_eq!(dataset.buffer_count(), buffers);
        let mut last = [Row::default()];
        dataset.read(ITEMS - 1, &mut last).unwrap();
        assert_eq!(last[0], pattern_item(ITEMS - 1));
        assert_hashes_over(&dataset);
    }
}
