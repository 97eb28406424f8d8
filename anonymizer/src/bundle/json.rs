//! JSON texts with one form: sorted keys, two blanks of indentation, shortest numbers.
//!
//! The derived files are compared byte by byte, so their form may hang neither on the order in which
//! keys were inserted nor on features that other packages switch on in the JSON library.

use serde_json::Value;

use super::names::number_text;

/// The text of a value over several lines, with a closing line end.
pub(super) fn pretty(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    write(&mut out, value, Some(0));
    out.push('\n');
    out.into_bytes()
}

/// The text of a value on one line, with a closing line end.
pub(super) fn line(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    write(&mut out, value, None);
    out.push('\n');
    out.into_bytes()
}

fn write(out: &mut String, value: &Value, depth: Option<usize>) {
    match value {
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => out.push_str(&whole.to_string()),
            (None, Some(fraction)) => out.push_str(&number_text(fraction)),
            (None, None) => out.push_str("null"),
        },
        Value::Array(items) => {
            let deeper = depth.map(|depth| depth + 1);
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(out, index, deeper);
                write(out, item, deeper);
            }
            close(out, items.is_empty(), depth, ']');
        }
        Value::Object(members) => {
            let deeper = depth.map(|depth| depth + 1);
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|member| member.0);
            out.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                separate(out, index, deeper);
                out.push_str(&Value::String((*key).clone()).to_string());
                out.push_str(if depth.is_some() { ": " } else { ":" });
                write(out, member, deeper);
            }
            close(out, members.is_empty(), depth, '}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn separate(out: &mut String, index: usize, depth: Option<usize>) {
    if index > 0 {
        out.push(',');
    }
    indent(out, depth);
}

fn close(out: &mut String, is_empty: bool, depth: Option<usize>, bracket: char) {
    if !is_empty {
        indent(out, depth);
    }
    out.push(bracket);
}

fn indent(out: &mut String, depth: Option<usize>) {
    if let Some(depth) = depth {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_and_numbers_short_in_both_forms() {
        let value = json!({ "b": [1, 0.5, "x\"y"], "a": {}, "c": [] });
        assert_eq!(
            String::from_utf8(line(&value)).unwrap(),
            "{\"a\":{},\"b\":[1,0.5,\"x\\\"y\"],\"c\":[]}\n"
        );
        let expected =
            "{\n  \"a\": {},\n  \"b\": [\n    1,\n    0.5,\n    \"x\\\"y\"\n  ],\n  \"c\": []\n}\n";
        assert_eq!(String::from_utf8(pretty(&value)).unwrap(), expected);
    }
}
