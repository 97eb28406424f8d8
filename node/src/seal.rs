//! The seal: which hash is worked on, and whether a nonce solves it.
//!
//! This is the one place where the node meets the proof of work; hashing itself is the kernels'.

use crate::{Header, NodeError, RejectedBlock};
use alloy_primitives::{B64, B256, U256, keccak256};
use alloy_rlp::{BufMut, Encodable};
use medrec_kernels::ethash::{LightCache, Parameters, Schedule};
use medrec_kernels::progress::Progress;
use parking_lot::Mutex;
use std::sync::Arc;

/// Light caches kept: the current epoch's, the next one's, and one for imports of old blocks.
const CACHES: usize = 3;

/// One epoch's cache, once somebody has built it.
type Slot = Arc<Mutex<Option<Arc<LightCache>>>>;

/// The caches of this process: they depend on the epoch alone, so all chains share them.
static CACHED: Mutex<Vec<(u64, Slot)>> = Mutex::new(Vec::new());

/// The hash that miners work on: Keccak-256 of the header's RLP without mix and nonce.
pub fn seal_hash(header: &Header) -> B256 {
    let fields: [&dyn Encodable; 13] = [
        &header.parent_hash,
        &header.ommers_hash,
        &header.beneficiary,
        &header.state_root,
        &header.transactions_root,
        &header.receipts_root,
        &header.logs_bloom,
        &header.difficulty,
        &header.number,
        &header.gas_limit,
        &header.gas_used,
        &header.timestamp,
        &header.extra_data,
    ];
    let base_fee = header.base_fee_per_gas.unwrap_or_default();
    let payload_length = fields.iter().map(Encodable::length).sum::<usize>() + base_fee.length();
    let mut rlp = Vec::with_capacity(payload_length + 4);
    alloy_rlp::Header { list: true, payload_length }.encode(&mut rlp);
    for field in fields {
        field.encode(&mut rlp);
    }
    base_fee.encode(&mut rlp as &mut dyn BufMut);
    keccak256(&rlp)
}

/// The boundary that a hash must not pass: floor(2^256 / difficulty).
pub fn boundary(difficulty: U256) -> U256 {
    if difficulty <= U256::from(1) {
        return U256::MAX;
    }
    // floor(2^256 / d) = floor((2^256 - d) / d) + 1, and 2^256 - d is the two's complement of d.
    difficulty.wrapping_neg() / difficulty + U256::from(1)
}

/// The seed hash of the epoch that block `number` belongs to, as `eth_getWork` states it.
///
/// # Errors
/// [`NodeError::Epoch`] past the last supported epoch.
pub fn seed_hash(number: u64) -> Result<B256, NodeError> {
    Ok(Parameters::of_block(Schedule::Ethash, number)?.seed_hash.into())
}

/// Hashes from the light cache, epoch by epoch. Shared by every thread that seals or checks.
#[derive(Debug, Default, Clone, Copy)]
pub struct Sealer;

impl Sealer {
    /// Hashimoto of `seal_hash` and `nonce` in the epoch of block `number`: mix and result. The first
    /// call of an epoch builds its light cache (about half a second).
    ///
    /// # Errors
    /// [`NodeError::Epoch`] past the last supported epoch; [`NodeError::LightCache`] without memory.
    pub fn hash(&self, number: u64, seal_hash: B256, nonce: B64) -> Result<(B256, B256), NodeError> {
        let hash = cache(number)?.hashimoto(&seal_hash.0, u64::from_be_bytes(nonce.0));
        Ok((hash.mix_hash.into(), hash.result.into()))
    }

    /// As [`Sealer::hash`] for `count` nonces from `first` on: several times as fast as one by one.
    ///
    /// # Errors
    /// As [`Sealer::hash`].
    pub fn hash_many(
        &self,
        number: u64,
        seal_hash: B256,
        first: u64,
        count: u64,
    ) -> Result<Vec<(B256, B256)>, NodeError> {
        let nonces = (0..count).map(|offset| (seal_hash.0, first.wrapping_add(offset)));
        let hashes = cache(number)?.hashimoto_batch(&nonces.collect::<Vec<_>>());
        Ok(hashes.into_iter().map(|hash| (hash.mix_hash.into(), hash.result.into())).collect())
    }

    /// Checks the seal of `header` against its own difficulty.
    ///
    /// # Errors
    /// Inside the result: [`RejectedBlock::Mix`] or [`RejectedBlock::ProofOfWork`].
    pub fn verify(&self, header: &Header) -> Result<Result<(), RejectedBlock>, NodeError> {
        let (mix, result) = self.hash(header.number, seal_hash(header), header.nonce)?;
        if mix != header.mix_hash {
            return Ok(Err(RejectedBlock::Mix { found: header.mix_hash, expected: mix }));
        }
        if U256::from_be_bytes(result.0) > boundary(header.difficulty) {
            return Ok(Err(RejectedBlock::ProofOfWork { result, difficulty: header.difficulty }));
        }
        Ok(Ok(()))
    }

    /// Whether each of `headers`, all of one epoch, has a good seal: batched, and on every processor.
    ///
    /// # Errors
    /// As [`Sealer::hash`].
    pub fn verify_many(&self, headers: &[&Header]) -> Result<Vec<bool>, NodeError> {
        let Some(first) = headers.first() else { return Ok(Vec::new()) };
        let cache = cache(first.number)?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let verify = |headers: &[&Header]| -> Vec<bool> {
            let input = |header: &&Header| (seal_hash(header).0, u64::from_be_bytes(header.nonce.0));
            let hashes = cache.hashimoto_batch(&headers.iter().map(input).collect::<Vec<_>>());
            let pairs = headers.iter().zip(hashes);
            pairs
                .map(|(header, hash)| {
                    header.mix_hash == hash.mix_hash
                        && U256::from_be_bytes(hash.result) <= boundary(header.difficulty)
                })
                .collect()
        };
        let verify = &verify;
        Ok(std::thread::scope(|scope| {
            let parts = headers.chunks(headers.len().div_ceil(threads));
            let running: Vec<_> = parts.map(|part| scope.spawn(move || verify(part))).collect();
            let join = |part: std::thread::ScopedJoinHandle<'_, Vec<bool>>| {
                part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            running.into_iter().flat_map(join).collect()
        }))
    }

    /// Builds the light cache of block `number` now instead of at the first hash.
    ///
    /// # Errors
    /// As [`Sealer::hash`].
    pub fn warm_up(&self, number: u64) -> Result<(), NodeError> {
        cache(number).map(|_| ())
    }
}

/// The light cache of block `number`. Whoever comes first builds it, the others wait for it.
fn cache(number: u64) -> Result<Arc<LightCache>, NodeError> {
    let parameters = Parameters::of_block(Schedule::Ethash, number)?;
    let slot = slot(parameters.epoch);
    let mut slot = slot.lock();
    if let Some(cache) = &*slot {
        return Ok(Arc::clone(cache));
    }
    let cache = Arc::new(LightCache::build(&parameters, &Progress::default())?);
    *slot = Some(Arc::clone(&cache));
    Ok(cache)
}

fn slot(epoch: u64) -> Slot {
    let mut cached = CACHED.lock();
    if let Some(place) = cached.iter().position(|(of, _)| *of == epoch) {
        // The last one is the one used last.
        let entry = cached.remove(place);
        let slot = Arc::clone(&entry.1);
        cached.push(entry);
        return slot;
    }
    if cached.len() == CACHES {
        cached.remove(0);
    }
    let slot = Slot::default();
    cached.push((epoch, Arc::clone(&slot)));
    slot
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::b256;

    #[test]
    fn the_boundary_is_two_to_the_256_over_the_difficulty() {
        assert_eq!(boundary(U256::from(1)), U256::MAX);
        assert_eq!(boundary(U256::from(2)), U256::from(1) << 255);
        assert_eq!(boundary(U256::from(131_072)), U256::from(1) << 239);
        assert_eq!(boundary(U256::from(3)), U256::MAX / U256::from(3));
        assert_eq!(boundary(U256::MAX), U256::from(1));
    }

    #[test]
    fn hashes_agree_with_an_independent_implementation() {
        // The vector of the kernels' reference, computed with PyPI's `ethash` 1.1.0.
        let header = b256!("2a8de2adf89af77358250bf908bf04ba94a6e8c3ba87775564a41d269a05e4ce");
        let (mix, result) = Sealer.hash(0, header, B64::repeat_byte(0x42)).unwrap();
        assert_eq!(mix, b256!("58f759ede17a706c93f13030328bcea40c1d1341fb26f2facd21ceb0dae57017"));
        assert_eq!(result, b256!("dd47fd2d98db51078356852d7c4014e6a5d6c387c35f40e2875b74a256ed7906"));
    }
}
