//! A work as nodes give it out, and what an honest one looks like.
//!
//! The form is that of `eth_getWork` of go-ethereum 1.11.6 and core-geth: `[seal hash, seed hash, boundary,
//! number]`, where older nodes leave the number out. A work that no honest node gives is refused here with words, before
//! anything is computed for it.

use alloy_primitives::{B256, U256};
use medrec_kernels::ethash::{Boundary, Parameters, Schedule};
use serde_json::Value;

/// A solution counts while its block's number and this are above the head's number: the rule of go-ethereum.
pub const STALE_BLOCKS: u64 = 7;
/// Solutions of works without a number count for works given out at most this much later.
const STALE_WORKS: u64 = 7;

/// What a miner works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The hash to work on: the header's Keccak-256 without mix and nonce.
    pub seal_hash: B256,
    /// The seed of the epoch.
    pub seed_hash: B256,
    /// A solution's result must not be above it.
    pub boundary: Boundary,
    /// The block's number, unless the node does not tell.
    pub number: Option<u64>,
}

impl Work {
    /// Reads the array that `eth_getWork` answers and notifications carry.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(answer: &Value) -> Result<Self, String> {
        let Some(fields) = answer.as_array() else {
            return Err(format!("work is an array of four strings, and this is {}", excerpt(answer)));
        };
        let [seal_hash, seed_hash, boundary, rest @ ..] = &fields[..] else {
            return Err(format!("work has at least three fields, and this has {}", fields.len()));
        };
        let boundary = hash("boundary", boundary)?;
        if boundary.is_zero() {
            return Err("the boundary is zero, which nothing can meet".to_owned());
        }
        let number = match rest.first() {
            None | Some(Value::Null) => None,
            Some(number) => Some(quantity(number)?),
        };
        Ok(Self {
            seal_hash: hash("seal hash", seal_hash)?,
            seed_hash: hash("seed hash", seed_hash)?,
            boundary: Boundary::from_be_bytes(boundary.0),
            number,
        })
    }

    /// The epoch's parameters; number and seed hash must agree.
    ///
    /// # Errors
    /// A sentence that says why no honest node of that schedule gives such a work.
    pub fn parameters(&self, schedule: Schedule) -> Result<Parameters, String> {
        let Some(number) = self.number else {
            return Parameters::of_seed_hash(schedule, &self.seed_hash.0).map_err(|error| error.to_string());
        };
        let of = |schedule| Parameters::of_block(schedule, number).map_err(|error| error.to_string());
        let parameters = of(schedule)?;
        if parameters.seed_hash == self.seed_hash.0 {
            return Ok(parameters);
        }
        let other = match schedule {
            Schedule::Ethash => Schedule::Etchash,
            Schedule::Etchash => Schedule::Ethash,
        };
        let hint = if of(other).is_ok_and(|parameters| parameters.seed_hash == self.seed_hash.0) {
            format!("\n\nhint: the chain may follow the schedule of {}", other.name())
        } else {
            String::new()
        };
        Err(format!(
            "seed hash {} is not that of block {number} in the schedule of {}{hint}",
            self.seed_hash,
            schedule.name()
        ))
    }

    /// The difficulty whose boundary this is, rounded down.
    pub fn difficulty(&self) -> U256 {
        let boundary = U256::from_be_bytes(*self.boundary.as_bytes());
        if boundary == U256::MAX {
            return U256::from(1);
        }
        // floor(2^256 / b) = floor((2^256 - b) / b) + 1, and 2^256 - b is the two's complement of b.
        boundary.wrapping_neg() / boundary + U256::from(1)
    }
}

/// Where a miner stands: the newest work's block number and position among all works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Newest {
    /// Number of the block that is worked on.
    pub(crate) number: Option<u64>,
    /// Works given out so far.
    pub(crate) sequence: u64,
}

/// Whether a solution of the work with this number and position is too old to count.
pub(crate) fn is_stale(number: Option<u64>, sequence: u64, newest: Newest) -> bool {
    match (number, newest.number) {
        // The head is the parent of the block that is worked on.
        (Some(number), Some(newest)) => number.saturating_add(STALE_BLOCKS) <= newest.saturating_sub(1),
        _ => sequence.saturating_add(STALE_WORKS) < newest.sequence,
    }
}

fn hash(what: &str, value: &Value) -> Result<B256, String> {
    let text = value.as_str().unwrap_or_default();
    let is_whole = text.len() == 66 && text.starts_with("0x");
    let parsed = is_whole.then(|| text.parse::<B256>().ok()).flatten();
    parsed.ok_or_else(|| format!("the {what} is 32 bytes in hex, and this is {}", excerpt(value)))
}

/// A quantity of JSON-RPC.
pub(crate) fn quantity(value: &Value) -> Result<u64, String> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x")).unwrap_or_default();
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parsed = is_plain.then(|| u64::from_str_radix(digits, 16).ok()).flatten();
    parsed.ok_or_else(|| format!("the number is a quantity in hex, and this is {}", excerpt(value)))
}

/// The beginning of a value, for an error text.
pub(crate) fn excerpt(value: &Value) -> String {
    shortened(&value.to_string())
}

/// The beginning of a text in which nothing can move a terminal's cursor.
pub(crate) fn shortened(text: &str) -> String {
    const EXCERPT_CHARACTERS: usize = 100;
    let mut short: String =
        text.chars().filter(|character| !character.is_control()).take(EXCERPT_CHARACTERS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn strings(number: u64) -> [String; 4] {
        let parameters = Parameters::of_block(Schedule::Ethash, number).unwrap();
        let boundary = format!("0x{:0>64}", format!("8{}", "0".repeat(59)));
        [
            format!("0x{}", "ab".repeat(32)),
            format!("{}", B256::from(parameters.seed_hash)),
            boundary,
            format!("{number:#x}"),
        ]
    }

    #[test]
    fn a_work_of_go_ethereum_is_understood_with_and_without_its_number() {
        let work = Work::parse(&json!(strings(30_001))).unwrap();
        assert_eq!((work.seal_hash, work.number), (B256::repeat_byte(0xab), Some(30_001)));
        assert_eq!(work.difficulty(), U256::from(131_072));
        assert_eq!(work.parameters(Schedule::Ethash).unwrap().epoch, 1);
        let older = Work::parse(&json!(strings(30_001)[..3])).unwrap();
        assert_eq!(older.number, None);
        assert_eq!(older.parameters(Schedule::Ethash).unwrap().epoch, 1);
        // Epoch 0 has a seed of zeros, on which another miner crashed.
        assert_eq!(Work::parse(&json!(strings(1))).unwrap().parameters(Schedule::Ethash).unwrap().epoch, 0);
    }

    #[test]
    fn a_lying_node_is_refused_with_words() {
        let with = |at: usize, value: Value| {
            let mut fields: Vec<Value> = strings(5).into_iter().map(Value::from).collect();
            fields[at] = value;
            Value::from(fields)
        };
        for (answer, says) in [
            (json!(null), "array of four strings"),
            (json!({"result": 1}), "array of four strings"),
            (json!([]), "has 0"),
            (with(0, json!("0xabcd")), "seal hash is 32 bytes"),
            (with(0, json!("ab".repeat(32))), "seal hash is 32 bytes"),
            (with(0, json!(format!("0x{}", "zz".repeat(32)))), "seal hash is 32 bytes"),
            (with(1, json!(7)), "seed hash is 32 bytes"),
            (with(2, json!(format!("0x{}", "0".repeat(64)))), "boundary is zero"),
            (with(2, json!(format!("0x{}", "f".repeat(65)))), "boundary is 32 bytes"),
            (with(3, json!("0x")), "number is a quantity"),
            (with(3, json!("0x-1")), "number is a quantity"),
            (with(3, json!("0x11111111111111111")), "number is a quantity"),
            (with(3, json!(5)), "number is a quantity"),
        ] {
            let error = Work::parse(&answer).unwrap_err();
            assert!(error.contains(says), "{answer}: {error}");
        }
        let escape = Work::parse(&json!("\u{1b}[2J")).unwrap_err();
        assert!(!escape.contains('\u{1b}'), "{escape:?}");
    }

    #[test]
    fn a_seed_hash_must_be_that_of_the_number() {
        let mut work = Work::parse(&json!(strings(30_001))).unwrap();
        work.number = Some(5);
        assert!(work.parameters(Schedule::Ethash).unwrap_err().contains("not that of block 5"));
        work.number = Some(u64::MAX);
        assert!(work.parameters(Schedule::Ethash).unwrap_err().contains("too late"));
        let etchash = Work { seed_hash: B256::ZERO, number: Some(30_001), ..work };
        assert_eq!(etchash.parameters(Schedule::Etchash).unwrap().epoch, 0);
        assert!(etchash.parameters(Schedule::Ethash).unwrap_err().contains("schedule of etchash"));
    }

    #[test]
    fn a_solution_counts_until_the_head_is_seven_blocks_past_its_number() {
        let newest = |number| Newest { number: Some(number), sequence: 100 };
        // Working on block 9 the head is block 8.
        assert!(!is_stale(Some(2), 0, newest(9)));
        assert!(is_stale(Some(2), 0, newest(10)));
        assert!(!is_stale(Some(5), 0, newest(1)), "a node that is behind makes nothing stale");
        let unknown = |sequence| Newest { number: None, sequence };
        assert!(!is_stale(None, 1, unknown(8)) && is_stale(None, 1, unknown(9)));
    }
}
