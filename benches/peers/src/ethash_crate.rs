//! The crate `ethash` 0.4: light cache, light hash, and full hash by its own `hashimoto`.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use medrec_benches::BenchError;
use medrec_benches::definition::ethash::{Searcher, search_one_by_one};
use medrec_benches::definition::expect_answer;
use medrec_benches::definition::light::LightHasher;
use medrec_benches::harness::{Contender, Identity, Origin, Sample, on_threads};
use medrec_kernels::ethash::search::{SearchJob, SearchOutcome};
use medrec_kernels::ethash::{Dataset, Hashimoto, LightCache, Parameters, reference};
use medrec_kernels::keccak::Digest256;

const NAME: &str = "crate ethash 0.4";

/// Light hashes over a copy of our light cache, as the bytes that the crate wants.
pub(crate) struct Light {
    cache: Vec<u8>,
    dataset_bytes: usize,
}

impl Light {
    pub(crate) fn new(cache: &LightCache) -> Result<Self, BenchError> {
        let dataset_bytes = size(cache.parameters().dataset_bytes())?;
        let cache = cache.rows().iter().flat_map(reference::bytes_of).collect();
        Ok(Self { cache, dataset_bytes })
    }
}

impl LightHasher for Light {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn origin(&self) -> Origin {
        Origin::Peer
    }

    fn measure(&self) -> &'static str {
        "light-hash"
    }

    fn hash(&self, inputs: &[(Digest256, u64)]) -> Vec<Hashimoto> {
        let hash = |(header, nonce): &(Digest256, u64)| {
            let nonce = nonce.to_be_bytes().into();
            let (mix_hash, result) =
                ethash::hashimoto_light((*header).into(), nonce, self.dataset_bytes, &self.cache);
            Hashimoto { mix_hash: mix_hash.0, result: result.0 }
        };
        inputs.iter().map(hash).collect()
    }
}

/// Full search with the crate's `hashimoto` over our dataset.
pub(crate) struct Full<'d> {
    pub(crate) dataset: &'d Dataset,
}

impl Searcher for Full<'_> {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn origin(&self) -> Origin {
        Origin::Peer
    }

    fn search(&self, job: &SearchJob<'_>, stop: &AtomicBool) -> Result<SearchOutcome, String> {
        let dataset_bytes =
            size(self.dataset.parameters().dataset_bytes()).map_err(|error| error.to_string())?;
        let items = self.dataset.items();
        Ok(search_one_by_one(job, stop, |header, nonce| {
            let nonce = nonce.to_be_bytes().into();
            let item = |index: usize| reference::bytes_of(&items[index]).into();
            let (mix_hash, result) = ethash::hashimoto((*header).into(), nonce, dataset_bytes, item);
            Hashimoto { mix_hash: mix_hash.0, result: result.0 }
        }))
    }
}

/// Builds light caches with the crate's `make_cache`.
pub(crate) struct LightCacheBuild {
    pub(crate) parameters: Parameters,
}

impl LightCacheBuild {
    fn build(parameters: &Parameters) -> Result<Vec<u8>, BenchError> {
        let mut cache = vec![0; size(parameters.cache_bytes())?];
        ethash::make_cache(&mut cache, parameters.seed_hash.into());
        Ok(cache)
    }
}

impl Contender for LightCacheBuild {
    fn identity(&self) -> Identity {
        Identity {
            engine: NAME.to_owned(),
            origin: Origin::Peer,
            measure: "light-cache".to_owned(),
            unit: "row".to_owned(),
            threads: 1,
            pages: None,
        }
    }

    fn check(&mut self) -> Result<String, BenchError> {
        let parameters = Parameters::reduced([0x5a; 32], 1_021, 8_198);
        let expected: Vec<u8> =
            reference::light_cache(&parameters).iter().flat_map(reference::bytes_of).collect();
        expect_answer(NAME, "a reduced light cache", &expected, &Self::build(&parameters)?)?;
        Ok("a reduced light cache against the reference".to_owned())
    }

    fn sample(&mut self, seconds: f64) -> Result<Sample, BenchError> {
        on_threads(1, seconds, |_, deadline| {
            let mut rows = 0;
            loop {
                std::hint::black_box(Self::build(&self.parameters)?);
                rows += u64::from(self.parameters.cache_rows);
                if Instant::now() >= deadline {
                    return Ok(rows);
                }
            }
        })
    }
}

/// Bytes as the crate counts them: in the machine's own size.
fn size(bytes: u64) -> Result<usize, BenchError> {
    usize::try_from(bytes).map_err(|_| BenchError::Contender {
        contender: NAME.to_owned(),
        reason: format!("{bytes} bytes do not fit into this machine's address space"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use medrec_benches::definition::dag::light_cache;
    use medrec_benches::definition::ethash::Search;
    use medrec_benches::definition::light::LightHashing;
    use medrec_kernels::memory::Pages;
    use medrec_kernels::progress::Progress;

    #[test]
    fn the_crate_passes_the_checks_of_every_definition_that_it_takes_part_in() {
        let parameters = Parameters::reduced([3; 32], 1_021, 8_198);
        let cache = light_cache(&parameters).unwrap();
        let dataset = Dataset::build(&cache, Pages::Base, 1, &Progress::new()).unwrap();
        let light = Light::new(&cache).unwrap();
        LightHashing { hasher: &light, cache: &cache, threads: 1 }.check().unwrap();
        let full = Full { dataset: &dataset };
        Search::new(&full, &dataset, 1, "4k").check().unwrap();
        LightCacheBuild { parameters }.check().unwrap();
    }
}
