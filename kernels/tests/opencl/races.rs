//! The kernels under a simulator that watches every memory access: no data race, nothing out of bounds.
//!
//! Oclgrind interprets the kernels, thousands of times slower than a driver, so the sizes are tiny. What
//! PoCL happens to run in a harmless order, this catches: sharing pages behind a fence instead of a barrier
//! gives right answers on some drivers and hundreds of reports here.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use medrec_kernels::ethash::{Boundary, LightCache, Parameters, reference};
use medrec_kernels::opencl::limit::RandomReader;
use medrec_kernels::opencl::{
    DatasetKernel, DeviceContext, DeviceDataset, Exchange, GroupTuning, LightSearcher, OpenClSearcher,
    SearchRequest, SearcherOptions, Tuning, VectorTuning, light_verifier,
};
use medrec_kernels::progress::Progress;

use crate::support::{device, is_child, run_as_child};

/// Where Debian's package puts the simulator's driver.
const SIMULATOR: &str = "/usr/lib/oclgrind/liboclgrind-rt-icd.so";

/// Runs the test `name` on the simulator; what it complained about.
fn complaints(name: &str) -> String {
    assert!(Path::new(SIMULATOR).exists(), "this test needs Oclgrind: apt-get install oclgrind");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("oclgrind.icd"), SIMULATOR).unwrap();
    let log = folder.path().join("log");
    fs::write(&log, "").unwrap();
    let environment = [
        ("OCL_ICD_VENDORS", folder.path().to_str().unwrap()),
        ("OCLGRIND_DATA_RACES", "1"),
        ("OCLGRIND_CHECK_API", "1"),
        ("OCLGRIND_LOG", log.to_str().unwrap()),
    ];
    run_as_child(name, &environment);
    fs::read_to_string(log).unwrap()
}

fn search_on_the_simulator(tunings: &[Tuning]) {
    let parameters = Parameters::reduced([5; 32], 7, 62);
    let cache = reference::light_cache(&parameters);
    let context = DeviceContext::open(&device()).unwrap();
    assert!(context.device().name.contains("Oclgrind"), "{}", context.device().name);
    let mut dataset = DeviceDataset::allocate(context, &parameters, u64::MAX).unwrap();
    dataset.fill(DatasetKernel::Item, &cache, &Progress::new()).unwrap();
    let dataset = Arc::new(dataset);
    let verify = light_verifier(LightCache::build(&parameters, &Progress::new()).unwrap().into());
    for tuning in tunings {
        let options = SearcherOptions::default();
        let mut searcher =
            OpenClSearcher::unchecked(Arc::clone(&dataset), *tuning, Arc::clone(&verify), options).unwrap();
        let request = SearchRequest {
            header: [1; 32],
            boundary: Boundary::MAX,
            start_nonce: 1,
            max_nonces: 19,
            max_solutions: None,
        };
        let outcome = searcher.search(&request, &AtomicBool::new(false)).unwrap();
        assert_eq!(outcome.solutions.len(), 19);
    }
}

#[test]
fn the_kernel_for_gpus_has_no_data_race() {
    if is_child() {
        let shapes = [(8, 4, 16), (4, 2, 8)];
        let tunings = shapes.map(|(lanes, in_flight, work_group)| {
            let exchange = Exchange::Local;
            Tuning::Group(GroupTuning { lanes, in_flight, work_group, exchange, max_registers: None })
        });
        return search_on_the_simulator(&tunings);
    }
    assert_eq!(complaints("races::the_kernel_for_gpus_has_no_data_race"), "");
}

#[test]
fn the_other_kernels_have_no_data_race() {
    if is_child() {
        search_on_the_simulator(&[Tuning::Vector(VectorTuning { work_group: 2 })]);
        let parameters = Parameters::reduced([5; 32], 7, 62);
        let context = DeviceContext::open(&device()).unwrap();
        let mut dataset = DeviceDataset::allocate(context, &parameters, u64::MAX).unwrap();
        let cache = reference::light_cache(&parameters);
        dataset.fill(DatasetKernel::Vector, &cache, &Progress::new()).unwrap();
        // Making it hashes nine nonces.
        let cache = Arc::new(LightCache::build(&parameters, &Progress::new()).unwrap());
        assert!(LightSearcher::new(&device(), &cache).is_ok());
        return assert!(RandomReader::new(&dataset, 2, 20).unwrap().run(4, 1).is_ok());
    }
    assert_eq!(complaints("races::the_other_kernels_have_no_data_race"), "");
}
