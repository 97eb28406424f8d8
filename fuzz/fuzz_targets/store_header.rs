//! The header of a stored light cache or dataset, from any bytes.
//!
//! Whatever is accepted must be exactly what this program writes for that table: anything else would let
//! a damaged file pass for whole. Half of the inputs get the digest that belongs to them, or the
//! fuzzer would never get past it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use medrec_kernels::ethash::Parameters;
use medrec_kernels::keccak::Engine;
use medrec_kernels::store::header::{HEADER_BYTES, Header, Kind};

fuzz_target!(|input: (bool, Vec<u8>)| {
    let (with_digest, mut bytes) = input;
    if with_digest && bytes.len() >= HEADER_BYTES {
        let digest = Engine::best().keccak256(&bytes[..96]);
        bytes[96..HEADER_BYTES].copy_from_slice(&digest);
    }
    let parameters = Parameters::reduced([9; 32], 1021, 200_000);
    for kind in [Kind::LightCache, Kind::Dataset] {
        if let Ok(header) = Header::parse(&bytes, kind, &parameters) {
            assert_eq!(header.to_bytes()[..], bytes[..HEADER_BYTES]);
            assert!(header.file_bytes() >= header.rows_start());
        }
    }
});
