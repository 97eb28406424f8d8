//! Light cache, items and light hashes of every instruction set, compared with the reference.

use super::*;
use crate::ethash::reference;

const SEED: Digest256 = [0x5a; 32];

fn small() -> Parameters {
    Parameters::reduced(SEED, 1021, 2 * 4093)
}

fn caches() -> Vec<LightCache> {
    let build = |isa| LightCache::build(&small(), &Progress::new()).unwrap().with_isa(isa).unwrap();
    Isa::available().into_iter().map(build).collect()
}

#[test]
fn the_light_cache_is_that_of_the_reference_for_any_size() {
    for rows in [1, 2, 3, 61, 1021, 4096, 4099] {
        let parameters = Parameters::reduced(SEED, rows, 2);
        let cache = LightCache::build(&parameters, &Progress::new()).unwrap();
        assert_eq!(cache.rows(), reference::light_cache(&parameters), "{rows} rows");
    }
}

#[test]
fn every_engine_computes_the_items_of_the_reference() {
    let rows = reference::light_cache(&small());
    for cache in caches() {
        for (first, count) in [(0, 0), (0, 1), (5, 15), (7, 16), (0, 17), (8000, 50), (u32::MAX - 3, 3)] {
            let mut items = vec![[0; 16]; count];
            cache.fill_items(first, &mut items);
            for (item, index) in items.iter().zip(first..=u32::MAX) {
                assert_eq!(*item, reference::dataset_item(&rows, index), "{} item {index}", cache.isa());
                assert_eq!(*item, cache.item(index), "{} single item {index}", cache.isa());
            }
        }
    }
}

#[test]
fn every_engine_computes_the_light_hashes_of_the_reference() {
    let rows = reference::light_cache(&small());
    for cache in caches() {
        for count in [0, 1, 7, 8, 9, 19] {
            let inputs: Vec<_> = (0..count).map(|n: u8| ([n; 32], u64::from(n) << 40 | 9)).collect();
            let hashes = cache.hashimoto_batch(&inputs);
            assert_eq!(hashes.len(), inputs.len());
            for ((header, nonce), hash) in inputs.iter().zip(hashes) {
                assert_eq!(
                    hash,
                    reference::hashimoto_light(&small(), &rows, header, *nonce),
                    "{}",
                    cache.isa()
                );
                assert_eq!(hash, cache.hashimoto(header, *nonce), "{} single", cache.isa());
            }
        }
    }
}

fn seal(cache: &LightCache, nonce: u64) -> Seal {
    let hash = cache.hashimoto(&[3; 32], nonce);
    Seal { header: [3; 32], nonce, mix_hash: hash.mix_hash, boundary: Boundary::from_be_bytes(hash.result) }
}

#[test]
fn a_seal_at_its_boundary_is_valid_and_any_change_is_not() {
    for cache in caches() {
        let good = seal(&cache, 77);
        assert_eq!(cache.verify(&good), Ok(()));
        let mut lower = *good.boundary.as_bytes();
        *lower.iter_mut().rfind(|byte| **byte > 0).unwrap() -= 1;
        let above = Seal { boundary: Boundary::from_be_bytes(lower), ..good };
        assert!(matches!(cache.verify(&above), Err(SealError::AboveBoundary { .. })));
        let open = Seal { boundary: Boundary::MAX, ..good };
        assert_eq!(cache.verify(&open), Ok(()));
        let other_nonce = Seal { nonce: 78, ..open };
        assert!(matches!(cache.verify(&other_nonce), Err(SealError::MixHash { .. })));
        let mut other_mix = open;
        other_mix.mix_hash[31] ^= 1;
        assert!(matches!(cache.verify(&other_mix), Err(SealError::MixHash { .. })));
    }
}

#[test]
fn a_batch_of_seals_is_answered_one_by_one_in_order() {
    for cache in caches() {
        let mut seals: Vec<_> = (0..37).map(|nonce| seal(&cache, nonce)).collect();
        seals[5].mix_hash[0] ^= 0x80;
        seals[5].boundary = Boundary::MAX;
        seals[20].boundary = Boundary::from_be_bytes([0; 32]);
        for threads in [0, 1, 2, 5] {
            let answers = cache.verify_batch(&seals, threads);
            for (at, (seal, answer)) in seals.iter().zip(&answers).enumerate() {
                assert_eq!(*answer, cache.verify(seal), "seal {at} on {threads} threads");
                assert_eq!(answer.is_ok(), at != 5 && at != 20, "seal {at}");
            }
        }
    }
}

#[test]
fn building_stops_when_asked() {
    let progress = Progress::new();
    progress.request_stop();
    assert!(matches!(LightCache::build(&small(), &progress), Err(BuildError::Stopped)));
}
