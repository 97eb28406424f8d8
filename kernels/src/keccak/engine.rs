//! Keccak engines: one value per instruction set, chosen once, dispatched once a call.

use super::reference::{RATE_256, RATE_512};
use super::{Digest256, Digest512, lanes::Lanes, sponge};
use crate::isa::{Isa, IsaError};

/// Hashes with one instruction set.
///
/// A batch is worked off in groups of [`Engine::lanes`] messages; a single message always takes the
/// scalar path, since one state fills no vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Engine {
    isa: Isa,
}

impl Engine {
    /// The engine for `isa`, if this processor can run it.
    pub fn new(isa: Isa) -> Option<Self> {
        isa.is_available().then_some(Self { isa })
    }

    /// Every engine that this processor can run, the slowest first.
    pub fn all() -> Vec<Self> {
        Isa::available().into_iter().map(|isa| Self { isa }).collect()
    }

    /// The fastest engine that this processor can run.
    pub fn best() -> Self {
        Self { isa: Isa::best() }
    }

    /// The engine called `name`.
    ///
    /// # Errors
    /// [`IsaError`] when there is none of that name, or this processor cannot run it.
    pub fn by_name(name: &str) -> Result<Self, IsaError> {
        Isa::select(name).map(|isa| Self { isa })
    }

    /// The instruction set.
    pub const fn isa(self) -> Isa {
        self.isa
    }

    /// The engine's name: that of its instruction set.
    pub const fn name(self) -> &'static str {
        self.isa.name()
    }

    /// Messages hashed side by side: 1, 4 or 8.
    pub const fn lanes(self) -> usize {
        match self.isa {
            Isa::Scalar => 1,
            Isa::Avx2 => 4,
            Isa::Avx512 => 8,
        }
    }

    /// Keccak-256 of one message of any length.
    pub fn keccak256(self, message: &[u8]) -> Digest256 {
        let mut digest = [[0; 32]];
        scalar_batch::<RATE_256, 32>(message, message.len(), &mut digest);
        digest[0]
    }

    /// Keccak-512 of one message of any length.
    pub fn keccak512(self, message: &[u8]) -> Digest512 {
        let mut digest = [[0; 64]];
        scalar_batch::<RATE_512, 64>(message, message.len(), &mut digest);
        digest[0]
    }

    /// Keccak-256 of as many messages as there are digests, each `message_bytes` long, which lie one
    /// after the other in `messages`.
    ///
    /// # Panics
    /// When `messages` is not exactly `message_bytes * digests.len()` long.
    pub fn keccak256_batch(self, messages: &[u8], message_bytes: usize, digests: &mut [Digest256]) {
        self.batch::<RATE_256, 32>(messages, message_bytes, digests);
    }

    /// Keccak-512, else as [`Engine::keccak256_batch`].
    ///
    /// # Panics
    /// When `messages` is not exactly `message_bytes * digests.len()` long.
    pub fn keccak512_batch(self, messages: &[u8], message_bytes: usize, digests: &mut [Digest512]) {
        self.batch::<RATE_512, 64>(messages, message_bytes, digests);
    }

    fn batch<const RATE: usize, const DIGEST: usize>(
        self,
        messages: &[u8],
        message_bytes: usize,
        digests: &mut [[u8; DIGEST]],
    ) {
        match self.isa {
            Isa::Scalar => scalar_batch::<RATE, DIGEST>(messages, message_bytes, digests),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an engine exists only for an instruction set that this processor has.
            Isa::Avx2 => unsafe { x86::avx2_batch::<RATE, DIGEST>(messages, message_bytes, digests) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx512 => unsafe { x86::avx512_batch::<RATE, DIGEST>(messages, message_bytes, digests) },
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => scalar_batch::<RATE, DIGEST>(messages, message_bytes, digests),
        }
    }
}

/// One state at a time, with the bit-manipulation instructions where the processor has them.
fn scalar_batch<const RATE: usize, const DIGEST: usize>(
    messages: &[u8],
    message_bytes: usize,
    digests: &mut [[u8; DIGEST]],
) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2") {
        // SAFETY: the processor has both, as just checked.
        return unsafe { x86::bmi_batch::<RATE, DIGEST>(messages, message_bytes, digests) };
    }
    // SAFETY: `u64` needs no instruction beyond the target's.
    unsafe { batch_over::<u64, RATE, DIGEST>(messages, message_bytes, digests) }
}

/// Groups of `L::COUNT` messages, the last one filled up with its own last message.
///
/// # Safety
/// The processor must have the instructions of `L`.
#[inline(always)]
unsafe fn batch_over<L: Lanes, const RATE: usize, const DIGEST: usize>(
    messages: &[u8],
    message_bytes: usize,
    digests: &mut [[u8; DIGEST]],
) {
    const { assert!(RATE == RATE_256 || RATE == RATE_512) }
    assert_eq!(messages.len(), message_bytes * digests.len(), "messages do not match the digests asked for");
    // SAFETY: the assertion above makes every group's messages readable; the caller promises the
    // instructions.
    unsafe {
        match (message_bytes, RATE) {
            (40, _) => short_groups::<L, RATE, DIGEST, 5>(messages, digests),
            (64, _) => short_groups::<L, RATE, DIGEST, 8>(messages, digests),
            (96, RATE_256) => short_groups::<L, RATE_256, DIGEST, 12>(messages, digests),
            _ => {
                for (group, digests) in digests.chunks_mut(L::COUNT).enumerate() {
                    let start = messages.as_ptr().add(group * L::COUNT * message_bytes);
                    let to = digests.as_mut_ptr().cast();
                    sponge::hash_group::<L, RATE, DIGEST>(start, message_bytes, digests.len(), to);
                }
            }
        }
    }
}

/// [`batch_over`] for messages of `8 * WORDS` bytes.
///
/// # Safety
/// The processor must have the instructions of `L`, and `messages` a message for every digest.
#[inline(always)]
unsafe fn short_groups<L: Lanes, const RATE: usize, const DIGEST: usize, const WORDS: usize>(
    messages: &[u8],
    digests: &mut [[u8; DIGEST]],
) {
    let whole = digests.len() / L::COUNT * L::COUNT;
    let (groups, rest) = digests.split_at_mut(whole);
    // SAFETY: the caller promises a message for every digest.
    unsafe {
        for (group, digests) in groups.chunks_exact_mut(L::COUNT).enumerate() {
            let start = messages.as_ptr().add(group * L::COUNT * 8 * WORDS);
            let to = digests.as_mut_ptr().cast();
            sponge::hash_short_group::<L, RATE, DIGEST, WORDS>(start, L::COUNT, to);
        }
        if !rest.is_empty() {
            let start = messages.as_ptr().add(whole * 8 * WORDS);
            let to = rest.as_mut_ptr().cast();
            sponge::hash_group::<L, RATE, DIGEST>(start, 8 * WORDS, rest.len(), to);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::batch_over;
    use std::arch::x86_64::{__m256i, __m512i};

    /// # Safety
    /// The processor must have BMI1 and BMI2.
    #[target_feature(enable = "bmi1,bmi2")]
    pub(super) unsafe fn bmi_batch<const RATE: usize, const DIGEST: usize>(
        messages: &[u8],
        message_bytes: usize,
        digests: &mut [[u8; DIGEST]],
    ) {
        // SAFETY: `u64` needs no instruction beyond the target's.
        unsafe { batch_over::<u64, RATE, DIGEST>(messages, message_bytes, digests) }
    }

    /// # Safety
    /// The processor must have AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn avx2_batch<const RATE: usize, const DIGEST: usize>(
        messages: &[u8],
        message_bytes: usize,
        digests: &mut [[u8; DIGEST]],
    ) {
        // SAFETY: the caller promises AVX2.
        unsafe { batch_over::<__m256i, RATE, DIGEST>(messages, message_bytes, digests) }
    }

    /// # Safety
    /// The processor must have AVX-512 F, BW, DQ and VL.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn avx512_batch<const RATE: usize, const DIGEST: usize>(
        messages: &[u8],
        message_bytes: usize,
        digests: &mut [[u8; DIGEST]],
    ) {
        // SAFETY: the caller promises AVX-512.
        unsafe { batch_over::<__m512i, RATE, DIGEST>(messages, message_bytes, digests) }
    }
}

#[cfg(test)]
mod tests;
