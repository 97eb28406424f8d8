//! One encoding for each document: canonical JSON.
//!
//! What is hashed and signed must have exactly one byte string. This is RFC 8785 (JSON
//! Canonicalization Scheme) without its one hard part: floating-point numbers are refused, since
//! every fractional quantity of this crate is written as text (`"1/2"`, `"0.5"`). Object keys are
//! sorted by UTF-16 code units, there is no white space, strings use the shortest escapes, integers
//! lie within +-(2^53 - 1) so that every JSON reader sees the same number.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::digest::{Digest, keccak256};
use crate::error::DomainError;

/// Largest integer that every JSON implementation represents exactly (RFC 7493).
const LARGEST_INTEGER: i64 = (1 << 53) - 1;
/// Documents nest a few levels; the limit keeps a hostile one from exhausting the stack.
const DEEPEST_NESTING: usize = 64;

/// The canonical bytes of `document`.
///
/// # Errors
/// [`DomainError::Canonical`] when it holds a floating-point number or an integer beyond 2^53 - 1.
pub fn encode<T: Serialize>(document: &T) -> Result<Vec<u8>, DomainError> {
    let value = serde_json::to_value(document)
        .map_err(|error| DomainError::Canonical { path: "$".into(), problem: error.to_string() })?;
    encode_value(&value)
}

/// The canonical bytes of a JSON value.
///
/// # Errors
/// As [`encode`].
pub fn encode_value(value: &Value) -> Result<Vec<u8>, DomainError> {
    let mut out = Vec::new();
    write_value(&mut out, value, &mut vec!["$".to_owned()])?;
    Ok(out)
}

/// Keccak-256 of the canonical bytes.
///
/// # Errors
/// As [`encode`].
pub fn digest<T: Serialize>(document: &T) -> Result<Digest, DomainError> {
    encode(document).map(|bytes| keccak256(&bytes))
}

/// Reads a document and insists that `bytes` are its canonical encoding.
///
/// That makes the encoding unique in both directions: repeated keys, other orders, white space and
/// other spellings of a number are all refused.
///
/// # Errors
/// [`DomainError::Decode`] when it is no such document, [`DomainError::NotCanonical`] when it is one
/// in other bytes.
pub fn decode<T: Serialize + DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, DomainError> {
    let document: T = serde_json::from_slice(bytes)
        .map_err(|error| DomainError::Decode { what, problem: error.to_string() })?;
    let canonical = encode(&document)?;
    if canonical == bytes {
        return Ok(document);
    }
    let common = canonical.iter().zip(bytes).take_while(|(ours, theirs)| ours == theirs).count();
    Err(DomainError::NotCanonical { what, position: common })
}

fn write_value(out: &mut Vec<u8>, value: &Value, path: &mut Vec<String>) -> Result<(), DomainError> {
    let refuse = |path: &[String], problem: String| DomainError::Canonical { path: path.concat(), problem };
    if path.len() > DEEPEST_NESTING {
        return Err(refuse(path, "is nested too deeply".into()));
    }
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => {
            let fits = number.as_i64().is_some_and(|whole| whole.abs() <= LARGEST_INTEGER);
            if !fits {
                return Err(refuse(path, format!("{number} is not an integer within 2^53 - 1")));
            }
            out.extend_from_slice(number.to_string().as_bytes());
        }
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                path.push(format!("[{index}]"));
                write_value(out, item, path)?;
                path.pop();
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
            out.push(b'{');
            for (index, (key, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(out, key);
                out.push(b':');
                path.push(format!(".{key}"));
                write_value(out, member, path)?;
                path.pop();
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// RFC 8785 section 3.2.2.2: the two-character escapes where they exist, `\u00xx` for the other
/// control characters, everything else as it is.
fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\r' => out.extend_from_slice(b"\\r"),
            control if control < ' ' => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(control)).as_bytes());
            }
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_as_rfc_8785_sorts_them() {
        // The example of RFC 8785 section 3.2.3: sorting by UTF-16 puts the emoji (a surrogate pair,
        // 0xD83D) before U+FB33, which sorting by UTF-8 bytes would not.
        let value: Value = serde_json::from_str(
            "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}",
        )
        .unwrap();
        let expected =
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
        assert_eq!(String::from_utf8(encode_value(&value).unwrap()).unwrap(), expected);
    }

    #[test]
    fn strings_use_the_shortest_escapes() {
        let value = Value::String("\u{20ac}$\u{f}\nA'B\"\\\\\"/".into());
        // RFC 8785 section 3.2.2.2, its own example.
        let expected = "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"";
        assert_eq!(String::from_utf8(encode_value(&value).unwrap()).unwrap(), expected);
    }

    #[test]
    fn numbers_that_readers_disagree_on_are_refused_with_their_place() {
        let value: Value = serde_json::from_str("{\"a\":[1,{\"b\":0.5}]}").unwrap();
        assert_eq!(
            encode_value(&value).unwrap_err().to_string(),
            "no canonical encoding at $.a[1].b: 0.5 is not an integer within 2^53 - 1"
        );
        assert!(encode_value(&Value::from(1_u64 << 53)).is_err());
        assert!(encode_value(&Value::from(-(1_i64 << 53))).is_err());
        assert!(encode_value(&Value::from(u64::MAX)).is_err());
        assert_eq!(encode_value(&Value::from((1_u64 << 53) - 1)).unwrap(), b"9007199254740991");
    }

    #[test]
    fn bytes_that_are_not_canonical_are_refused() {
        type Map = std::collections::BTreeMap<String, u32>;
        assert!(decode::<Map>("map", b"{\"a\":1,\"b\":2}").is_ok());
        for other in
            ["{\"b\":2,\"a\":1}", "{\"a\":1, \"b\":2}", "{\"a\":1,\"a\":1}", "{\"a\":1}\n", "{\"\\u0061\":1}"]
        {
            let error = decode::<Map>("map", other.as_bytes()).unwrap_err();
            assert!(matches!(error, DomainError::NotCanonical { .. }), "{other}: {error}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = (0..100).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        assert!(encode_value(&deep).is_err());
    }
}
