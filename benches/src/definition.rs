//! The definitions: what one unit of work is, who can do it, and which answers are known.
//!
//! Each definition has a small trait that engines and rivals implement alike, and turns an implementer
//! into a [`Contender`](crate::harness::Contender).

pub mod anonymize;
pub mod dag;
pub mod device;
pub mod ethash;
pub mod keccak;
pub mod light;
pub mod limit;

use std::fmt::Write as _;

use crate::error::BenchError;

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Compares an answer with the known one.
///
/// # Errors
/// [`BenchError::WrongAnswer`] when they differ.
pub fn expect_answer(contender: &str, case: &str, expected: &[u8], actual: &[u8]) -> Result<(), BenchError> {
    if expected == actual {
        return Ok(());
    }
    Err(BenchError::WrongAnswer {
        contender: contender.to_owned(),
        case: case.to_owned(),
        expected: hex(expected),
        actual: hex(actual),
    })
}
