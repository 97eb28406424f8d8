//! Every engine that this processor runs, compared with the reference.

use super::*;
use crate::keccak::permutation::ROUND_CONSTANTS;
use crate::keccak::reference;
use proptest::prelude::*;

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 131 + i / 251 + 7).to_le_bytes()[0]).collect()
}

#[test]
fn every_engine_agrees_with_the_reference_around_its_number_of_lanes() {
    for engine in Engine::all() {
        let lanes = engine.lanes();
        for count in [0, 1, lanes - 1, lanes, lanes + 1, 2 * lanes + 3, 5 * lanes - 1] {
            for length in [0, 1, 7, 8, 31, 32, 40, 64, 71, 72, 73, 96, 135, 136, 137, 144, 272, 300] {
                let messages = bytes(count * length);
                let mut short = vec![[0; 32]; count];
                let mut long = vec![[0; 64]; count];
                engine.keccak256_batch(&messages, length, &mut short);
                engine.keccak512_batch(&messages, length, &mut long);
                for (at, (short, long)) in short.iter().zip(&long).enumerate() {
                    let message = &messages[at * length..(at + 1) * length];
                    let place =
                        format!("{} of {count} messages of {length} bytes, number {at}", engine.name());
                    assert_eq!(*short, reference::keccak256(message), "256 {place}");
                    assert_eq!(*long, reference::keccak512(message), "512 {place}");
                    assert_eq!(engine.keccak256(message), *short, "single 256 {place}");
                    assert_eq!(engine.keccak512(message), *long, "single 512 {place}");
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "do not match")]
fn a_batch_of_the_wrong_length_is_refused() {
    Engine::best().keccak256_batch(&[0; 39], 40, &mut [[0; 32]]);
}

#[test]
fn round_constants_are_those_of_the_specifications_shift_register() {
    for (round, constant) in ROUND_CONSTANTS.iter().enumerate() {
        assert_eq!(*constant, reference::round_constant(round), "round {round}");
    }
}

proptest! {
    #[test]
    fn any_batch_agrees_with_the_reference(count in 0_usize..20, length in 0_usize..300, seed in any::<u8>()) {
        let messages: Vec<u8> = bytes(count * length).into_iter().map(|byte| byte ^ seed).collect();
        for engine in Engine::all() {
            let mut digests = vec![[0; 32]; count];
            engine.keccak256_batch(&messages, length, &mut digests);
            for (at, digest) in digests.iter().enumerate() {
                prop_assert_eq!(*digest, reference::keccak256(&messages[at * length..(at + 1) * length]));
            }
        }
    }
}
