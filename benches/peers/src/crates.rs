//! Keccak crates as hashers of our definition.

use medrec_benches::definition::keccak::{Hasher, one_by_one};
use medrec_benches::harness::Origin;
use medrec_kernels::keccak::{Digest256, Digest512};

/// The crate `sha3`.
pub(crate) struct Sha3;

impl Hasher for Sha3 {
    fn name(&self) -> String {
        "crate sha3 0.12".to_owned()
    }

    fn origin(&self) -> Origin {
        Origin::Peer
    }

    fn keccak256(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest256]) {
        use sha3::Digest as _;
        one_by_one(messages, message_bytes, digests, |message| sha3::Keccak256::digest(message).into());
    }

    fn keccak512(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest512]) {
        use sha3::Digest as _;
        one_by_one(messages, message_bytes, digests, |message| sha3::Keccak512::digest(message).into());
    }
}

/// The bare permutation of the crate `keccak`, with the smallest sponge around it.
pub(crate) struct Permutation;

impl Permutation {
    fn hash<const RATE: usize, const DIGEST: usize>(message: &[u8]) -> [u8; DIGEST] {
        let mut state = [0_u64; 25];
        keccak::Keccak::new().with_f1600(|f1600| {
            let blocks = message.chunks_exact(RATE);
            let rest = blocks.remainder();
            for block in blocks {
                absorb(&mut state, block);
                f1600(&mut state);
            }
            let mut last = [0; RATE];
            last[..rest.len()].copy_from_slice(rest);
            last[rest.len()] = 0x01;
            last[RATE - 1] |= 0x80;
            absorb(&mut state, &last);
            f1600(&mut state);
        });
        let mut digest = [0; DIGEST];
        for (bytes, lane) in digest.as_chunks_mut::<8>().0.iter_mut().zip(state) {
            *bytes = lane.to_le_bytes();
        }
        digest
    }
}

fn absorb(state: &mut [u64; 25], block: &[u8]) {
    for (lane, bytes) in state.iter_mut().zip(block.as_chunks::<8>().0) {
        *lane ^= u64::from_le_bytes(*bytes);
    }
}

impl Hasher for Permutation {
    fn name(&self) -> String {
        "crate keccak 0.2".to_owned()
    }

    fn origin(&self) -> Origin {
        Origin::Peer
    }

    fn keccak256(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest256]) {
        one_by_one(messages, message_bytes, digests, Self::hash::<136, 32>);
    }

    fn keccak512(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest512]) {
        one_by_one(messages, message_bytes, digests, Self::hash::<72, 64>);
    }
}

/// The crate `tiny-keccak`.
pub(crate) struct TinyKeccak;

impl TinyKeccak {
    fn hash<const DIGEST: usize>(mut hasher: tiny_keccak::Keccak, message: &[u8]) -> [u8; DIGEST] {
        use tiny_keccak::Hasher as _;
        let mut digest = [0; DIGEST];
        hasher.update(message);
        hasher.finalize(&mut digest);
        digest
    }
}

impl Hasher for TinyKeccak {
    fn name(&self) -> String {
        "crate tiny-keccak 2.0".to_owned()
    }

    fn origin(&self) -> Origin {
        Origin::Peer
    }

    fn keccak256(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest256]) {
        one_by_one(messages, message_bytes, digests, |m| Self::hash(tiny_keccak::Keccak::v256(), m));
    }

    fn keccak512(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest512]) {
        one_by_one(messages, message_bytes, digests, |m| Self::hash(tiny_keccak::Keccak::v512(), m));
    }
}

/// The crate `keccak-asm`: the assembly of CRYPTOGAMS.
pub(crate) struct KeccakAsm;

impl Hasher for KeccakAsm {
    fn name(&self) -> String {
        "crate keccak-asm 0.1".to_owned()
    }

    fn origin(&self) -> Origin {
        Origin::Peer
    }

    fn keccak256(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest256]) {
        one_by_one(messages, message_bytes, digests, |m| keccak_asm::Keccak256::digest(m).into());
    }

    fn keccak512(&self, messages: &[u8], message_bytes: usize, digests: &mut [Digest512]) {
        one_by_one(messages, message_bytes, digests, |m| keccak_asm::Keccak512::digest(m).into());
    }
}

/// All of them.
pub(crate) fn hashers() -> Vec<Box<dyn Hasher>> {
    vec![Box::new(Sha3), Box::new(Permutation), Box::new(TinyKeccak), Box::new(KeccakAsm)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use medrec_benches::definition::keccak::{Hashing, Width, Workload};
    use medrec_benches::harness::Contender as _;

    #[test]
    fn every_crate_passes_the_check_that_our_engines_pass() {
        for hasher in hashers() {
            for (width, message_bytes) in [(Width::Bits256, 40), (Width::Bits256, 136), (Width::Bits512, 73)]
            {
                let workload = Workload { width, message_bytes };
                Hashing { hasher: hasher.as_ref(), threads: 1, workload }.check().unwrap();
            }
        }
    }
}
