//! Bytes as users read them: lower-case hexadecimal with `0x` in front.

use std::fmt::Write as _;

/// `0x` and two digits a byte.
pub fn prefixed(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("0x");
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
