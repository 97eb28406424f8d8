//! Rules over Rust files as token trees, so that comments and strings cannot trip or hide anything.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::finding::Finding;
use super::rooms::UNSAFE_ROOM;

/// Bare allows, expectations without a reason, ignored tests, and unsafe code in the wrong room.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let Ok(stream) = text.parse::<TokenStream>() else {
        return vec![Finding::new(path, 1, "is not Rust", "rename it, or mend its brackets and quotes")];
    };
    let mut findings = Vec::new();
    let may_be_unsafe = path.starts_with(&format!("{UNSAFE_ROOM}/"));
    walk(path, stream, may_be_unsafe, &mut findings);
    findings
}

fn walk(path: &str, stream: TokenStream, may_be_unsafe: bool, findings: &mut Vec<Finding>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    for (index, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(word) if !may_be_unsafe && (word == "unsafe" || word == "unsafe_code") => {
                let what = format!("{word} outside {UNSAFE_ROOM}/");
                findings.push(Finding::new(
                    path,
                    word.span().start().line,
                    what,
                    "only that room has unsafe code",
                ));
            }
            TokenTree::Group(group) => {
                if group.delimiter() == Delimiter::Bracket && is_attribute(&trees[..index]) {
                    let line = group.span().start().line;
                    let breach = attribute_breach(group);
                    findings.extend(breach.map(|(what, hint)| Finding::new(path, line, what, hint)));
                }
                walk(path, group.stream(), may_be_unsafe, findings);
            }
            _ => {}
        }
    }
}

/// Whether what stands before a bracket makes it an attribute: `#` or `#!`.
fn is_attribute(before: &[TokenTree]) -> bool {
    let is = |tree: &TokenTree, sign| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign);
    match before {
        [.., last] if is(last, '#') => true,
        [.., first, last] => is(first, '#') && is(last, '!'),
        _ => false,
    }
}

fn attribute_breach(attribute: &Group) -> Option<(&'static str, &'static str)> {
    let words = words_of(attribute.stream());
    let has = |word: &str| words.iter().any(|other| other == word);
    let name = words.first()?.as_str();
    let under = |word: &str| name == word || (name == "cfg_attr" && has(word));
    // Under miri alone a test may be left out: the same test runs without miri in the same step.
    let only_under_miri = name == "cfg_attr" && words.get(1).is_some_and(|word| word == "miri");
    if under("allow") {
        Some(("a bare allow", "write #[expect(lint, reason = \"…\")]"))
    } else if under("expect") && !has("reason") {
        Some(("an expectation without a reason", "write #[expect(lint, reason = \"…\")]"))
    } else if under("ignore") && !only_under_miri {
        Some(("an ignored test", "make it run everywhere, or make it a chore of its own"))
    } else {
        None
    }
}

fn words_of(stream: TokenStream) -> Vec<String> {
    let mut words = Vec::new();
    for tree in stream {
        match tree {
            TokenTree::Ident(word) => words.push(word.to_string()),
            TokenTree::Group(group) => words.extend(words_of(group.stream())),
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        check(path, text).into_iter().map(|finding| (finding.line, finding.what)).collect()
    }

    #[test]
    fn a_bare_allow_is_found_inside_and_outside_and_under_a_condition() {
        for text in [
            "\n#[allow(dead_code)] fn f() {}",
            "\n#![allow(dead_code)]",
            "\n#[cfg_attr(test, allow(dead_code))] fn f() {}",
            "macro_rules! m { () => {\n#[allow(dead_code)] fn f() {} } }",
        ] {
            assert_eq!(found("node/src/a.rs", text), [(2, "a bare allow".to_owned())], "{text}");
        }
    }

    #[test]
    fn an_allow_in_a_comment_or_a_string_is_none() {
        assert!(found("node/src/a.rs", "// #[allow(x)]\nconst A: &str = \"#[allow(x)]\";").is_empty());
    }

    #[test]
    fn an_expectation_needs_its_reason() {
        assert_eq!(found("node/src/a.rs", "#[expect(dead_code)] fn f() {}").len(), 1);
        assert!(found("node/src/a.rs", "#[expect(dead_code, reason = \"x\")] fn f() {}").is_empty());
    }

    #[test]
    fn an_ignored_test_is_found_except_under_miri() {
        assert_eq!(found("node/src/a.rs", "#[test] #[ignore] fn f() {}").len(), 1);
        assert_eq!(found("node/src/a.rs", "#[test] #[ignore = \"slow\"] fn f() {}").len(), 1);
        assert_eq!(found("node/src/a.rs", "#[cfg_attr(windows, ignore)] fn f() {}").len(), 1);
        assert!(found("node/src/a.rs", "#[cfg_attr(miri, ignore = \"slow\")] fn f() {}").is_empty());
    }

    #[test]
    fn unsafe_code_outside_the_kernels_is_found() {
        let text = "fn f() {\n unsafe { g() } }";
        assert_eq!(found("node/src/a.rs", text), [(2, "unsafe outside kernels/".to_owned())]);
        assert_eq!(found("node/src/lib.rs", "#![expect(unsafe_code, reason = \"x\")]").len(), 1);
        assert!(found("kernels/src/a.rs", text).is_empty());
    }

    #[test]
    fn a_file_that_is_not_rust_is_found() {
        assert_eq!(found("node/src/a.rs", "fn f( {"), [(1, "is not Rust".to_owned())]);
    }
}
