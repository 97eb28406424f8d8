//! The dataset on the device: generated, uploaded, split, refused, stopped.

use medrec_kernels::ethash::{Parameters, Row, reference};
use medrec_kernels::opencl::{DatasetKernel, DeviceContext, DeviceDataset, OpenClError};
use medrec_kernels::progress::Progress;

use crate::support::{FIXTURE, device};

fn allocate(parameters: &Parameters, max_buffer_bytes: u64) -> Result<DeviceDataset, OpenClError> {
    DeviceDataset::allocate(DeviceContext::open(&device()).unwrap(), parameters, max_buffer_bytes)
}

fn all_items(dataset: &DeviceDataset) -> Vec<Row> {
    let mut items = vec![Row::default(); dataset.parameters().dataset_items as usize];
    dataset.read(0, &mut items).unwrap();
    items
}

#[test]
fn both_kernels_generate_every_item_of_the_reference() {
    let bytes = FIXTURE.parameters.dataset_bytes();
    for kernel in [DatasetKernel::Vector, DatasetKernel::Item] {
        for buffers in 1..=4 {
            let limit = bytes.div_ceil(buffers).next_multiple_of(128);
            let mut dataset = allocate(&FIXTURE.parameters, limit).unwrap();
            assert_eq!(dataset.buffer_count() as u64, buffers);
            let progress = Progress::new();
            dataset.fill(kernel, &FIXTURE.cache, &progress).unwrap();
            assert!(all_items(&dataset) == FIXTURE.items, "{kernel:?}, {buffers} buffers");
            assert_eq!(progress.done(), u64::from(FIXTURE.parameters.dataset_items));
            assert_eq!(progress.done(), progress.total());
        }
    }
}

#[test]
fn every_count_of_items_is_filled_to_its_end() {
    for items in [2, 3, 7, 8, 9, 63, 64, 65, 129] {
        let parameters = Parameters::reduced([3; 32], 13, items);
        let cache = reference::light_cache(&parameters);
        let expected: Vec<_> = (0..items).map(|index| reference::dataset_item(&cache, index)).collect();
        for kernel in [DatasetKernel::Vector, DatasetKernel::Item] {
            let mut dataset = allocate(&parameters, u64::MAX).unwrap();
            dataset.fill(kernel, &cache, &Progress::new()).unwrap();
            assert_eq!(all_items(&dataset), expected, "{kernel:?}, {items} items");
        }
    }
}

#[test]
fn uploaded_items_are_read_back_across_buffers() {
    let parameters = Parameters::reduced([0; 32], 7, 1000);
    let mut dataset = allocate(&parameters, 300 * 64).unwrap();
    assert_eq!(dataset.buffer_count(), 4);
    let rows: Vec<Row> = (0..1000).map(|item| [item; 16]).collect();
    dataset.upload(0, &rows[..333]).unwrap();
    dataset.upload(333, &rows[333..]).unwrap();
    assert_eq!(all_items(&dataset), rows);
    let mut some = vec![Row::default(); 500];
    dataset.read(251, &mut some).unwrap();
    assert_eq!(some[..], rows[251..751]);
}

#[test]
fn a_dataset_beyond_the_devices_memory_is_refused_with_both_numbers() {
    let parameters = Parameters::reduced([0; 32], 7, u32::MAX);
    let error = allocate(&parameters, u64::MAX).unwrap_err();
    let OpenClError::OutOfMemory { needed_bytes, available_bytes, .. } = error else { panic!("{error}") };
    assert_eq!(needed_bytes, (u64::from(u32::MAX) + 7) * 64);
    assert!(available_bytes > 1 << 27 && available_bytes < needed_bytes);
}

#[test]
fn a_dataset_beyond_four_allocations_is_refused_with_the_limit() {
    let parameters = Parameters::reduced([0; 32], 7, 1000);
    let error = allocate(&parameters, 64 * 64).unwrap_err();
    let OpenClError::AllocationLimit { needed_bytes, max_allocation_bytes, max_buffers, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((needed_bytes, max_allocation_bytes, max_buffers), (64_000, 64 * 64, 4));
}

#[test]
fn a_dataset_without_a_page_is_refused() {
    for items in [0, 1] {
        let error = allocate(&Parameters::reduced([0; 32], 7, items), u64::MAX).unwrap_err();
        assert!(matches!(error, OpenClError::UnusableParameters { .. }), "{error}");
    }
}

#[test]
fn generation_stops_when_asked() {
    let progress = Progress::new();
    progress.request_stop();
    let mut dataset = allocate(&FIXTURE.parameters, u64::MAX).unwrap();
    let error = dataset.fill(DatasetKernel::Vector, &FIXTURE.cache, &progress).unwrap_err();
    assert!(matches!(error, OpenClError::Stopped));
    assert_eq!(progress.done(), 0);
}
