//! Work for external miners, as go-ethereum 1.11.6 gives it out.
//!
//! Several works are valid at once: each rebuild of the next block adds one, and a solution counts
//! for any of them until the head is seven blocks past its number. The board keeps them, per coinbase, together with
//! the hashrates that miners report. It knows neither the chain nor how blocks are built.

pub mod light;
pub mod notify;

use crate::chain::building::Candidate;
use crate::{Header, NodeError, seal};
use alloy_primitives::{Address, B256, U256};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A work for block `number` is valid while `number + STALE_BLOCKS` is above the head's number.
pub const STALE_BLOCKS: u64 = 7;
/// A reported hashrate counts for this long.
const HASHRATE_LIFETIME: Duration = Duration::from_secs(10);
/// Works kept in all, whatever their age. Each holds the block's new state.
const MAXIMUM_WORKS: usize = 1_024;
/// Coinbases that have a current work at once.
const MAXIMUM_COINBASES: usize = 256;
/// Reporters of hashrates at once.
const MAXIMUM_REPORTERS: usize = 4_096;

/// What `eth_getWork` tells a miner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The hash to work on.
    pub seal_hash: B256,
    /// The seed of the epoch.
    pub seed_hash: B256,
    /// A solution's hash must not be above it.
    pub boundary: U256,
    /// The block's number.
    pub number: u64,
}

impl Work {
    /// The work of a block.
    ///
    /// # Errors
    /// [`NodeError::Epoch`] past the last supported epoch.
    pub fn of(header: &Header, seal_hash: B256) -> Result<Self, NodeError> {
        Ok(Self {
            seal_hash,
            seed_hash: seal::seed_hash(header.number)?,
            boundary: seal::boundary(header.difficulty),
            number: header.number,
        })
    }

    /// The four strings of `eth_getWork` and of notifications.
    pub fn strings(&self) -> [String; 4] {
        [
            format!("{:#x}", self.seal_hash),
            format!("{:#x}", self.seed_hash),
            format!("{:#066x}", self.boundary),
            format!("{:#x}", self.number),
        ]
    }
}

/// The newest work of one coinbase.
struct Current {
    parent: B256,
    pool_version: u64,
    built: Instant,
    candidate: Arc<Candidate>,
}

#[derive(Default)]
struct Board {
    works: BTreeMap<B256, Arc<Candidate>>,
    by_age: VecDeque<B256>,
    current: BTreeMap<Address, Current>,
    hashrates: BTreeMap<B256, (u64, Instant)>,
}

/// All works that are valid now.
#[derive(Default)]
pub struct WorkBoard {
    board: Mutex<Board>,
}

impl WorkBoard {
    /// The newest work for `coinbase`, when it still is one: on the same head, and either no
    /// transaction came since or it is younger than `recommit`.
    pub fn current(
        &self,
        coinbase: Address,
        parent: B256,
        pool_version: u64,
        recommit: Duration,
    ) -> Option<Arc<Candidate>> {
        let board = self.board.lock();
        let current = board.current.get(&coinbase)?;
        let fresh = current.pool_version == pool_version || current.built.elapsed() < recommit;
        (current.parent == parent && fresh).then(|| Arc::clone(&current.candidate))
    }

    /// Adds a new work and forgets stale ones.
    pub fn add(&self, candidate: &Arc<Candidate>, pool_version: u64) {
        let mut board = self.board.lock();
        let header = &candidate.block.header;
        let head_number = header.number.saturating_sub(1);
        board.works.retain(|_, work| is_valid(work, head_number));
        let kept: Vec<B256> =
            board.by_age.iter().copied().filter(|hash| board.works.contains_key(hash)).collect();
        board.by_age = kept.into();
        while board.by_age.len() >= MAXIMUM_WORKS {
            if let Some(oldest) = board.by_age.pop_front() {
                board.works.remove(&oldest);
            }
        }
        if board.works.insert(candidate.seal_hash, Arc::clone(candidate)).is_none() {
            board.by_age.push_back(candidate.seal_hash);
        }
        board.current.retain(|_, current| current.parent == header.parent_hash);
        if board.current.len() < MAXIMUM_COINBASES || board.current.contains_key(&header.beneficiary) {
            let current = Current {
                parent: header.parent_hash,
                pool_version,
                built: Instant::now(),
                candidate: Arc::clone(candidate),
            };
            board.current.insert(header.beneficiary, current);
        }
    }

    /// The block that `seal_hash` belongs to, while a solution still counts on a chain whose head has
    /// the number `head_number`.
    pub fn candidate(&self, seal_hash: B256, head_number: u64) -> Option<Arc<Candidate>> {
        let board = self.board.lock();
        let candidate = board.works.get(&seal_hash)?;
        is_valid(candidate, head_number).then(|| Arc::clone(candidate))
    }

    /// Notes the hashrate that the miner `id` reports, in hashes a second.
    pub fn report_hashrate(&self, id: B256, hashrate_hps: u64) {
        let mut board = self.board.lock();
        board.hashrates.retain(|_, (_, reported)| reported.elapsed() < HASHRATE_LIFETIME);
        if board.hashrates.len() < MAXIMUM_REPORTERS || board.hashrates.contains_key(&id) {
            board.hashrates.insert(id, (hashrate_hps, Instant::now()));
        }
    }

    /// The sum of all hashrates reported in the last ten seconds, in hashes a second.
    pub fn hashrate_hps(&self) -> u64 {
        let mut board = self.board.lock();
        board.hashrates.retain(|_, (_, reported)| reported.elapsed() < HASHRATE_LIFETIME);
        board.hashrates.values().fold(0, |sum: u64, (rate, _)| sum.saturating_add(*rate))
    }
}

/// Whether a solution of `work` still counts.
fn is_valid(work: &Candidate, head_number: u64) -> bool {
    work.block.header.number + STALE_BLOCKS > head_number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::NewState;

    fn candidate(number: u64, coinbase: u8) -> Arc<Candidate> {
        let header = Header {
            number,
            beneficiary: Address::repeat_byte(coinbase),
            difficulty: U256::from(131_072),
            base_fee_per_gas: Some(7),
            ..Header::default()
        };
        Arc::new(Candidate {
            seal_hash: seal::seal_hash(&header),
            block: crate::Block::uncle(header),
            senders: Vec::new(),
            receipts: Vec::new(),
            state: Arc::new(NewState::default()),
        })
    }

    #[test]
    fn a_work_is_valid_while_its_number_plus_seven_is_above_the_head() {
        let board = WorkBoard::default();
        let old = candidate(2, 1);
        board.add(&old, 0);
        for head_number in 1..=8 {
            board.add(&candidate(head_number + 1, 1), 0);
            assert!(board.candidate(old.seal_hash, head_number).is_some(), "at head {head_number}");
        }
        // The head decides, whether or not a newer work was asked for.
        assert!(board.candidate(old.seal_hash, 9).is_none());
        board.add(&candidate(10, 1), 0);
        assert!(board.candidate(old.seal_hash, 8).is_none(), "and a stale work is not kept");
        assert!(board.candidate(candidate(3, 1).seal_hash, 9).is_some());
        assert!(board.candidate(B256::ZERO, 9).is_none());
    }

    #[test]
    fn several_coinbases_have_works_at_once() {
        let board = WorkBoard::default();
        let (one, two) = (candidate(5, 1), candidate(5, 2));
        board.add(&one, 0);
        board.add(&two, 0);
        let recommit = Duration::ZERO;
        let current = |coinbase| board.current(Address::repeat_byte(coinbase), B256::ZERO, 0, recommit);
        assert_eq!(current(1).unwrap().seal_hash, one.seal_hash);
        assert_eq!(current(2).unwrap().seal_hash, two.seal_hash);
        let new_pool = board.current(Address::repeat_byte(1), B256::ZERO, 1, recommit);
        assert!(new_pool.is_none(), "a new transaction asks for a new work");
    }

    #[test]
    fn work_strings_are_those_of_go_ethereum() {
        let work = Work::of(&candidate(16, 1).block.header, B256::repeat_byte(0xab)).unwrap();
        let [seal_hash, seed_hash, boundary, number] = work.strings();
        assert_eq!(seal_hash, format!("0x{}", "ab".repeat(32)));
        assert_eq!(seed_hash, format!("0x{}", "0".repeat(64)));
        assert_eq!(boundary, format!("0x{:0>64}", format!("8{}", "0".repeat(59))));
        assert_eq!(number, "0x10");
    }

    #[test]
    fn hashrates_of_several_miners_add_up() {
        let board = WorkBoard::default();
        board.report_hashrate(B256::with_last_byte(1), 100);
        board.report_hashrate(B256::with_last_byte(2), 20);
        board.report_hashrate(B256::with_last_byte(1), 110);
        assert_eq!(board.hashrate_hps(), 130);
    }
}
