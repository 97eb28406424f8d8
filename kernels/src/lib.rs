//! Keccak and Ethash at the machine's limit.
//!
//! This room holds the proof of work: a readable reference for each function, engines for scalar
//! code, AVX2 and AVX-512, the epoch's light cache and dataset in memory and on disk, and the OpenCL
//! driver with its kernels.
//!
//! What it does not know: networks, Ethereum nodes, records, terminals. It never prints; long work
//! reports through [`progress::Progress`].
//!
//! It is also the only room of the workspace with `unsafe` code. Every block carries a `SAFETY`
//! sentence, and every engine is compared with the reference at run time by the tests.

#![expect(
    unsafe_code,
    reason = "this room owns the workspace's unsafe code: SIMD intrinsics, prefetches, memory maps, OpenCL calls"
)]
#![expect(
    clippy::inline_always,
    reason = "a function over vectors must become part of a caller with #[target_feature], or its vectors go through memory"
)]
#![expect(clippy::many_single_char_names, reason = "the lanes of a state have no other names")]

#[cfg(target_endian = "big")]
compile_error!(
    "medrec-kernels reads cache and dataset words in place and supports little-endian targets only"
);

pub mod ethash;
pub mod hex;
pub mod isa;
pub mod keccak;
pub mod limit;
pub mod memory;
pub mod opencl;
pub mod progress;
#[cfg(unix)]
pub mod store;
