//! Published vectors, on the device: the same data file that every engine is held to.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use medrec_kernels::ethash::{Boundary, Hashimoto, Parameters, Row, Schedule, reference};
use medrec_kernels::opencl::{
    DatasetKernel, DeviceContext, DeviceDataset, Exchange, GroupTuning, OpenClSearcher, SearchRequest,
    SearcherOptions, Tuning, VectorTuning,
};
use medrec_kernels::progress::Progress;
use serde::Deserialize;
use sha3::{Digest, Keccak512};

use crate::support::device;

#[derive(Deserialize)]
struct VectorFile {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    source: String,
    epoch: u64,
    cache_rows: Option<u32>,
    dataset_items: Option<u32>,
    header: String,
    nonce: String,
    mix_hash: String,
    result: String,
}

fn bytes(hex: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap();
    }
    bytes
}

/// The light cache by the crate sha3: the reference takes half a minute for a whole epoch's.
fn light_cache(parameters: &Parameters) -> Vec<Row> {
    let keccak512 = |bytes: &[u8]| reference::words_of(&Keccak512::digest(bytes).into());
    let rows = parameters.cache_rows as usize;
    let mut cache = vec![keccak512(&parameters.seed_hash)];
    while cache.len() < rows {
        cache.push(keccak512(&reference::bytes_of(&cache[cache.len() - 1])));
    }
    for _ in 0..3 {
        for i in 0..rows {
            let other = cache[cache[i][0] as usize % rows];
            let mut row = cache[(i + rows - 1) % rows];
            row.iter_mut().zip(other).for_each(|(word, other)| *word ^= other);
            cache[i] = keccak512(&reference::bytes_of(&row));
        }
    }
    cache
}

/// A dataset of the vector's size in which the items that its one hash needs are right. A whole epoch takes a
/// CPU a minute; memory that is never touched costs nothing.
fn sparse_dataset(parameters: &Parameters, cache: &[Row], header: &[u8; 32], nonce: u64) -> DeviceDataset {
    let context = DeviceContext::open(&device()).unwrap();
    let mut dataset = DeviceDataset::allocate(context, parameters, u64::MAX).unwrap();
    reference::hashimoto(header, nonce, parameters.dataset_items, |index| {
        let item = reference::dataset_item(cache, index);
        dataset.upload(index, &[item]).unwrap();
        item
    });
    dataset
}

fn assert_vector(vector: &Vector) {
    let epoch = Parameters::of_epoch(Schedule::Ethash, vector.epoch).unwrap();
    let parameters = match (vector.cache_rows, vector.dataset_items) {
        (Some(rows), Some(items)) => Parameters::reduced(epoch.seed_hash, rows, items),
        _ => epoch,
    };
    let cache = light_cache(&parameters);
    let (header, nonce) = (bytes(&vector.header), u64::from_str_radix(&vector.nonce, 16).unwrap());
    let expected = Hashimoto { mix_hash: bytes(&vector.mix_hash), result: bytes(&vector.result) };
    let dataset = Arc::new(sparse_dataset(&parameters, &cache, &header, nonce));

    let group = GroupTuning {
        lanes: 8,
        in_flight: 4,
        work_group: 64,
        exchange: Exchange::Local,
        max_registers: None,
    };
    for tuning in [Tuning::Group(group), Tuning::Vector(VectorTuning { work_group: 1 })] {
        // Other nonces than the vector's would read items that are not there.
        let verify = Arc::new(move |_: &[u8; 32], _| expected);
        let options = SearcherOptions::default();
        let searcher = OpenClSearcher::unchecked(Arc::clone(&dataset), tuning, verify, options);
        let request = SearchRequest {
            header,
            boundary: Boundary::from_be_bytes(expected.result),
            start_nonce: nonce,
            max_nonces: 1,
            max_solutions: None,
        };
        let outcome = searcher.unwrap().search(&request, &AtomicBool::new(false)).unwrap();
        assert_eq!(outcome.solutions.len(), 1, "{}, {tuning:?}", vector.source);
        assert_eq!(outcome.solutions[0].hash, expected, "{}, {tuning:?}", vector.source);
    }
}

#[test]
fn published_vectors_are_reproduced_by_both_kernels() {
    let text = include_str!("../../vectors/hashimoto.json");
    let file: VectorFile = serde_json::from_str(text).unwrap();
    assert!(file.vectors.iter().any(|vector| vector.dataset_items.is_none()), "one of a whole epoch");
    file.vectors.iter().for_each(assert_vector);
}

#[test]
fn the_first_items_of_epoch_0_are_generated_from_its_whole_cache() {
    let epoch = Parameters::of_epoch(Schedule::Ethash, 0).unwrap();
    let cache = light_cache(&epoch);
    let parameters = Parameters::reduced(epoch.seed_hash, epoch.cache_rows, 4099);
    for kernel in [DatasetKernel::Item, DatasetKernel::Vector] {
        let context = DeviceContext::open(&device()).unwrap();
        let mut dataset = DeviceDataset::allocate(context, &parameters, u64::MAX).unwrap();
        dataset.fill(kernel, &cache, &Progress::new()).unwrap();
        let mut items = vec![Row::default(); 4099];
        dataset.read(0, &mut items).unwrap();
        for index in [0, 1, 2047, 4097, 4098] {
            assert_eq!(
                items[index as usize],
                reference::dataset_item(&cache, index),
                "{kernel:?}, item {index}"
            );
        }
    }
}
