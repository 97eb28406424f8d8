//! Epochs, seed hashes and sizes: everything about an epoch that is known without building it.
//!
//! Source: the Ethash specification, "Definitions" and "Parameters"; ECIP-1099 for Etchash.

use crate::keccak::{Digest256, Engine};

/// Bytes of a cache row and of a dataset item.
pub const ITEM_BYTES: u64 = 64;
/// Bytes that hashimoto reads at a time: one page is two adjacent items.
pub const PAGE_BYTES: u64 = 128;
/// Pages read for one hash.
pub const ACCESSES: u32 = 64;
/// Rounds of RandMemoHash over the light cache.
pub const CACHE_ROUNDS: u32 = 3;
/// Cache rows mixed into one dataset item.
pub const DATASET_PARENTS: u32 = 256;
/// Multiplier of the 32-bit FNV-like mixing function.
pub const FNV_PRIME: u32 = 0x0100_0193;

const CACHE_BYTES_INIT: u64 = 1 << 24;
const CACHE_BYTES_GROWTH: u64 = 1 << 17;
const DATASET_BYTES_INIT: u64 = 1 << 30;
const DATASET_BYTES_GROWTH: u64 = 1 << 23;
/// The seed of every schedule takes one step of Keccak-256 per this many blocks.
const SEED_EPOCH_LENGTH: u64 = 30_000;
/// The last epoch whose dataset has fewer than 2^32 items (256 GiB): items are counted in 32 bits.
const LAST_EPOCH: u64 = 32_639;

/// Which blocks share an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Schedule {
    /// Ethash: 30,000 blocks an epoch.
    Ethash,
    /// Etchash, ECIP-1099: 60,000 blocks an epoch; the seed still advances once per 30,000 blocks.
    Etchash,
}

impl Schedule {
    /// Blocks in an epoch.
    pub const fn epoch_length(self) -> u64 {
        match self {
            Self::Ethash => 30_000,
            Self::Etchash => 60_000,
        }
    }

    /// The epoch of block `number`.
    pub const fn epoch_of(self, number: u64) -> u64 {
        number / self.epoch_length()
    }

    /// The schedule's usual name, as users write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ethash => "ethash",
            Self::Etchash => "etchash",
        }
    }
}

/// Why parameters cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParametersError {
    /// The epoch's dataset would have more than 2^32 items.
    #[error("epoch {epoch} is too late: datasets are supported up to epoch {LAST_EPOCH} (256 GiB)")]
    EpochTooLate {
        /// The epoch asked for.
        epoch: u64,
    },
    /// A seed hash that is not one of the schedule's supported epochs.
    #[error("seed hash {} belongs to no {} epoch up to {LAST_EPOCH}", crate::hex::prefixed(seed_hash), schedule.name())]
    UnknownSeedHash {
        /// The seed hash asked for.
        seed_hash: Digest256,
        /// The schedule searched.
        schedule: Schedule,
    },
}

/// Sizes and seed of one light cache and its dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// The schedule that the epoch counts in.
    pub schedule: Schedule,
    /// The epoch's number in its schedule.
    pub epoch: u64,
    /// The hash that the light cache grows from.
    pub seed_hash: Digest256,
    /// Rows of 64 bytes in the light cache: prime.
    pub cache_rows: u32,
    /// Items of 64 bytes in the dataset: twice a prime.
    pub dataset_items: u32,
}

impl Parameters {
    /// The parameters of `epoch`.
    ///
    /// # Errors
    /// [`ParametersError::EpochTooLate`] past epoch 32,639.
    pub fn of_epoch(schedule: Schedule, epoch: u64) -> Result<Self, ParametersError> {
        let too_late = || ParametersError::EpochTooLate { epoch };
        if epoch > LAST_EPOCH {
            return Err(too_late());
        }
        Ok(Self {
            schedule,
            epoch,
            seed_hash: seed_hash(schedule, epoch),
            cache_rows: u32::try_from(cache_bytes(epoch) / ITEM_BYTES).map_err(|_| too_late())?,
            dataset_items: u32::try_from(dataset_bytes(epoch) / ITEM_BYTES).map_err(|_| too_late())?,
        })
    }

    /// The parameters of the epoch that block `number` belongs to.
    ///
    /// # Errors
    /// As [`Parameters::of_epoch`].
    pub fn of_block(schedule: Schedule, number: u64) -> Result<Self, ParametersError> {
        Self::of_epoch(schedule, schedule.epoch_of(number))
    }

    /// The parameters of the epoch with this seed hash, as `eth_getWork` names it.
    ///
    /// # Errors
    /// [`ParametersError::UnknownSeedHash`] when no supported epoch has it.
    pub fn of_seed_hash(schedule: Schedule, seed: &Digest256) -> Result<Self, ParametersError> {
        let engine = Engine::best();
        let mut candidate = [0; 32];
        for step in 0..=LAST_EPOCH * schedule.epoch_length() / SEED_EPOCH_LENGTH {
            if candidate == *seed {
                return Self::of_block(schedule, step * SEED_EPOCH_LENGTH);
            }
            candidate = engine.keccak256(&candidate);
        }
        Err(ParametersError::UnknownSeedHash { seed_hash: *seed, schedule })
    }

    /// A small cache and dataset that no network uses, for tests and quick checks: the same
    /// algorithm over `cache_rows` rows and `dataset_items` items.
    ///
    /// Both counts are taken as they are; the specification's are prime and twice a prime.
    pub const fn reduced(seed_hash: Digest256, cache_rows: u32, dataset_items: u32) -> Self {
        Self { schedule: Schedule::Ethash, epoch: 0, seed_hash, cache_rows, dataset_items }
    }

    /// Bytes of the light cache.
    pub const fn cache_bytes(&self) -> u64 {
        self.cache_rows as u64 * ITEM_BYTES
    }

    /// Bytes of the dataset.
    pub const fn dataset_bytes(&self) -> u64 {
        self.dataset_items as u64 * ITEM_BYTES
    }

    /// Pages of 128 bytes in the dataset.
    pub const fn dataset_pages(&self) -> u32 {
        self.dataset_items / 2
    }
}

/// The seed hash of `epoch`: zero, hashed by Keccak-256 once for every 30,000 blocks before the
/// epoch's first block.
fn seed_hash(schedule: Schedule, epoch: u64) -> Digest256 {
    let steps = epoch * schedule.epoch_length() / SEED_EPOCH_LENGTH;
    (0..steps).fold([0; 32], |seed, _| Engine::best().keccak256(&seed))
}

/// Bytes of the light cache: the largest prime number of rows below a line that grows by 128 KiB an
/// epoch.
fn cache_bytes(epoch: u64) -> u64 {
    let mut bytes = CACHE_BYTES_INIT + CACHE_BYTES_GROWTH * epoch - ITEM_BYTES;
    while !is_prime(bytes / ITEM_BYTES) {
        bytes -= 2 * ITEM_BYTES;
    }
    bytes
}

/// Bytes of the dataset: the largest prime number of pages below a line that grows by 8 MiB an
/// epoch.
fn dataset_bytes(epoch: u64) -> u64 {
    let mut bytes = DATASET_BYTES_INIT + DATASET_BYTES_GROWTH * epoch - PAGE_BYTES;
    while !is_prime(bytes / PAGE_BYTES) {
        bytes -= 2 * PAGE_BYTES;
    }
    bytes
}

fn is_prime(n: u64) -> bool {
    n >= 2 && (2..=n.isqrt()).all(|d| !n.is_multiple_of(d))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keccak::reference;

    #[test]
    fn sizes_are_those_of_the_specifications_table() {
        // First two rows and the last of the tables in the Ethash specification's appendix.
        for (epoch, cache, dataset) in [
            (0, 16_776_896, 1_073_739_904),
            (1, 16_907_456, 1_082_130_304),
            (2047, 285_081_536, 18_245_220_736_u64),
        ] {
            let parameters = Parameters::of_epoch(Schedule::Ethash, epoch).unwrap();
            assert_eq!(parameters.cache_bytes(), cache, "cache of epoch {epoch}");
            assert_eq!(parameters.dataset_bytes(), dataset, "dataset of epoch {epoch}");
        }
    }

    #[test]
    fn seed_hashes_advance_once_per_thirty_thousand_blocks_in_both_schedules() {
        let once = reference::keccak256(&[0; 32]);
        let twice = reference::keccak256(&once);
        let seed = |schedule, number| Parameters::of_block(schedule, number).unwrap().seed_hash;
        assert_eq!(seed(Schedule::Ethash, 29_999), [0; 32]);
        assert_eq!(seed(Schedule::Ethash, 30_000), once);
        assert_eq!(seed(Schedule::Ethash, 60_000), twice);
        // ECIP-1099: an epoch is twice as long, and its seed takes two steps.
        assert_eq!(seed(Schedule::Etchash, 59_999), [0; 32]);
        assert_eq!(seed(Schedule::Etchash, 60_000), twice);
        let sizes = |schedule, epoch| Parameters::of_epoch(schedule, epoch).unwrap().dataset_bytes();
        assert_eq!(sizes(Schedule::Etchash, 7), sizes(Schedule::Ethash, 7));
    }

    #[test]
    fn an_epoch_is_found_by_its_seed_hash() {
        for schedule in [Schedule::Ethash, Schedule::Etchash] {
            for epoch in [0, 1, 2, 500] {
                let parameters = Parameters::of_epoch(schedule, epoch).unwrap();
                assert_eq!(Parameters::of_seed_hash(schedule, &parameters.seed_hash), Ok(parameters));
            }
        }
    }

    #[test]
    fn epochs_beyond_32_bits_of_items_are_refused_by_name() {
        assert!(Parameters::of_epoch(Schedule::Ethash, LAST_EPOCH).is_ok());
        let error = Parameters::of_epoch(Schedule::Ethash, LAST_EPOCH + 1).unwrap_err();
        assert_eq!(error, ParametersError::EpochTooLate { epoch: LAST_EPOCH + 1 });
        assert!(error.to_string().contains("32640"), "{error}");
    }
}
