//! Keccak-256 or Keccak-512 of many short messages of one length, as a miner and a Merkle tree hash.
//!
//! One unit is one digest. The messages of a batch lie one after the other and change with every batch;
//! the digests are written to memory, and one byte of each batch is kept, so that no work can be
//! optimised away. There is no machine limit for this benchmark: it never leaves the first-level cache.

use std::hint::black_box;
use std::time::Instant;

use medrec_kernels::keccak::{Digest256, Digest512, Engine, reference};

use super::expect_answer;
use crate::error::BenchError;
use crate::harness::{Contender, Identity, Origin, Sample, on_threads};

/// Messages in a batch: 10 KiB of 40-byte messages and 8 KiB of digests stay in the first-level cache.
pub const BATCH_MESSAGES: usize = 256;

/// Which digest is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// Keccak-256: 32 bytes.
    Bits256,
    /// Keccak-512: 64 bytes.
    Bits512,
}

impl Width {
    /// The measure's name in records.
    pub const fn measure(self) -> &'static str {
        match self {
            Self::Bits256 => "keccak-256",
            Self::Bits512 => "keccak-512",
        }
    }

    /// Digest length in bytes.
    pub const fn digest_bytes(self) -> usize {
        match self {
            Self::Bits256 => 32,
            Self::Bits512 => 64,
        }
    }
}

/// What is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// Which digest.
    pub width: Width,
    /// Length of each message; 40 is the seed of an Ethash hash (header hash and nonce).
    pub message_bytes: usize,
}

/// Whoever can hash batches of messages.
pub trait Hasher: Sync {
    /// Its name in tables.
    fn name(&self) -> String;

    /// Whose it is.
    fn origin(&self) -> Origin;

    /// Keccak-256 of `digests.len()` messages, each `message_bytes` long, one after the other.
    fn keccak256(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest256]);

    /// Keccak-512 of `digests.len()` messages, each `message_bytes` long, one after the other.
    fn keccak512(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest512]);
}

/// The readable reference: the slowest, for scale.
#[derive(Debug, Clone, Copy)]
pub struct Reference;

impl Hasher for Reference {
    fn name(&self) -> String {
        "reference".to_owned()
    }

    fn origin(&self) -> Origin {
        Origin::Medrec
    }

    fn keccak256(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest256]) {
        one_by_one(messages, message_bytes, digests, reference::keccak256);
    }

    fn keccak512(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest512]) {
        one_by_one(messages, message_bytes, digests, reference::keccak512);
    }
}

impl Hasher for Engine {
    fn name(&self) -> String {
        (*self).name().to_owned()
    }

    fn origin(&self) -> Origin {
        Origin::Medrec
    }

    fn keccak256(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest256]) {
        self.keccak256_batch(messages, message_bytes, digests);
    }

    fn keccak512(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest512]) {
        self.keccak512_batch(messages, message_bytes, digests);
    }
}

/// The batch of a hasher that knows single messages only.
pub fn one_by_one<D>(messages: &[u8], message_bytes: usize, digests: &mut [D], hash: impl Fn(&[u8]) -> D) {
    for (index, digest) in digests.iter_mut().enumerate() {
        *digest = hash(&messages[index * message_bytes..(index + 1) * message_bytes]);
    }
}

/// The reference and every engine that runs on this processor, the slowest first.
pub fn hashers() -> Vec<Box<dyn Hasher>> {
    let mut all: Vec<Box<dyn Hasher>> = vec![Box::new(Reference)];
    all.extend(Engine::all().into_iter().map(|engine| Box::new(engine) as Box<dyn Hasher>));
    all
}

/// A hasher at work on `threads` threads.
pub struct Hashing<'h> {
    /// Who hashes.
    pub hasher: &'h dyn Hasher,
    /// Threads, each with its own messages.
    pub threads: usize,
    /// What is hashed.
    pub workload: Workload,
}

impl Hashing<'_> {
    /// Hashes batches until `deadline` and returns the number of digests.
    fn hash_until(&self, thread: usize, deadline: Instant) -> u64 {
        let mut messages = messages(self.workload.message_bytes, BATCH_MESSAGES, thread);
        let mut digests256 = vec![[0; 32]; BATCH_MESSAGES];
        let mut digests512 = vec![[0; 64]; BATCH_MESSAGES];
        let mut hashes = 0;
        while Instant::now() < deadline {
            let kept = match self.workload.width {
                Width::Bits256 => {
                    self.hasher.keccak256(&messages, self.workload.message_bytes, &mut digests256);
                    black_box(&mut digests256)[0][0]
                }
                Width::Bits512 => {
                    self.hasher.keccak512(&messages, self.workload.message_bytes, &mut digests512);
                    black_box(&mut digests512)[0][0]
                }
            };
            // The next batch differs, so that it cannot be the same computation.
            if let Some(byte) = messages.first_mut() {
                *byte ^= kept | 1;
            }
            hashes += BATCH_MESSAGES as u64;
        }
        hashes
    }
}

impl Contender for Hashing<'_> {
    fn identity(&self) -> Identity {
        Identity {
            engine: self.hasher.name(),
            origin: self.hasher.origin(),
            measure: self.workload.width.measure().to_owned(),
            unit: "hash".to_owned(),
            threads: self.threads,
            pages: None,
        }
    }

    fn check(&mut self) -> Result<String, BenchError> {
        check(self.hasher, self.workload)
    }

    fn sample(&mut self, seconds: f64) -> Result<Sample, BenchError> {
        on_threads(self.threads, seconds, |thread, deadline| Ok(self.hash_until(thread, deadline)))
    }
}

/// Published digests of the original Keccak submission: message, Keccak-256, Keccak-512.
const PUBLISHED: [(&str, &str, &str); 2] = [
    (
        "",
        "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
        "0eab42de4c3ceb9235fc91acffe746b29c29a8c366b7c60e4e67c466f36a4304c00fa9caf9d87976ba469bcbe06713b435f091ef2769fb160cdab33d3670680e",
    ),
    (
        "abc",
        "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
        "18587dc2ea106b9a1563e32b3312421ca164c7f1f07bc922a9c83d77cea3a1e5d0c69910739025372dc14ac9642629379540c17e2a65b19d77aa511a9d00bb96",
    ),
];

/// Batch sizes that reach every tail of 4 and 8 lanes.
const BATCHES: [usize; 7] = [1, 3, 4, 5, 8, 17, BATCH_MESSAGES];

/// Compares published digests, and batches of the workload's own length with the reference.
fn check(hasher: &dyn Hasher, workload: Workload) -> Result<String, BenchError> {
    let name = hasher.name();
    for (message, keccak256, keccak512) in PUBLISHED {
        let case = format!("{} of {message:?}", workload.width.measure());
        let expected = match workload.width {
            Width::Bits256 => keccak256,
            Width::Bits512 => keccak512,
        };
        let actual = digests(hasher, workload.width, message.as_bytes(), message.len(), 1);
        expect_answer(&name, &case, expected.as_bytes(), super::hex(&actual).as_bytes())?;
    }
    for batch in BATCHES {
        let messages = messages(workload.message_bytes, batch, 7);
        let actual = digests(hasher, workload.width, &messages, workload.message_bytes, batch);
        let expected = digests(&Reference, workload.width, &messages, workload.message_bytes, batch);
        let case = format!("a batch of {batch} messages of {} bytes", workload.message_bytes);
        expect_answer(&name, &case, &expected, &actual)?;
    }
    Ok(format!(
        "{} published digests; batches of {BATCHES:?} messages against the reference",
        PUBLISHED.len()
    ))
}

fn digests(
    hasher: &dyn Hasher,
    width: Width,
    messages: &[u8],
    message_bytes: usize,
    count: usize,
) -> Vec<u8> {
    match width {
        Width::Bits256 => {
            let mut digests = vec![[0; 32]; count];
            hasher.keccak256(messages, message_bytes, &mut digests);
            digests.concat()
        }
        Width::Bits512 => {
            let mut digests = vec![[0; 64]; count];
            hasher.keccak512(messages, message_bytes, &mut digests);
            digests.concat()
        }
    }
}

/// `count` messages of `message_bytes` bytes, different for each `seed`: any bytes do for a hash.
pub fn messages(message_bytes: usize, count: usize, seed: usize) -> Vec<u8> {
    let mut state = (seed as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        state.to_be_bytes()[0]
    };
    (0..message_bytes * count).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKLOADS: [Workload; 4] = [
        Workload { width: Width::Bits256, message_bytes: 40 },
        Workload { width: Width::Bits256, message_bytes: 0 },
        Workload { width: Width::Bits512, message_bytes: 64 },
        Workload { width: Width::Bits512, message_bytes: 73 },
    ];

    #[test]
    fn every_engine_passes_the_check_of_every_workload() {
        for workload in WORKLOADS {
            for hasher in hashers() {
                check(hasher.as_ref(), workload).unwrap();
            }
        }
    }

    /// Right for one message, wrong for the last of a batch: the fault of a forgotten tail.
    struct WrongTail;

    impl Hasher for WrongTail {
        fn name(&self) -> String {
            "wrong tail".to_owned()
        }
        fn origin(&self) -> Origin {
            Origin::Peer
        }
        fn keccak256(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest256]) {
            Reference.keccak256(messages, message_bytes, digests);
            if digests.len() % 4 == 1 && digests.len() > 1 {
                digests[digests.len() - 1][31] ^= 1;
            }
        }
        fn keccak512(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest512]) {
            Reference.keccak512(messages, message_bytes, digests);
        }
    }

    #[test]
    fn a_wrong_tail_is_caught() {
        let error = check(&WrongTail, WORKLOADS[0]).unwrap_err();
        assert!(error.to_string().contains("wrong tail"), "{error}");
        check(&WrongTail, WORKLOADS[2]).unwrap();
    }

    #[test]
    fn sampling_counts_the_digests_of_all_threads() {
        let mut hashing = Hashing { hasher: &Reference, threads: 2, workload: WORKLOADS[0] };
        let sample = hashing.sample(0.02).unwrap();
        assert!(sample.work >= 2 * BATCH_MESSAGES as u64);
        assert_eq!(sample.work % BATCH_MESSAGES as u64, 0);
    }
}
