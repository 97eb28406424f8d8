//! What a Rust file says about modules: which it declares, what it imports, which paths it names.
//! Read from tokens, test code left out. Where those paths lead is `imports`' business.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path as written, inside the module (relative to its file) that it was written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    /// Inline modules around it, outermost first.
    pub(crate) inside: Vec<String>,
    /// Its segments; a `*` for a glob.
    pub(crate) path: Vec<String>,
    /// Line, counted from 1.
    pub(crate) line: usize,
}

/// A `use` of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    /// What is imported.
    pub(crate) mention: Mention,
    /// The name it gets here.
    pub(crate) name: String,
    /// Whether it is passed on (`pub use`, `pub(crate) use`).
    pub(crate) is_reexport: bool,
}

/// What one file says.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Modules declared with `mod name;`, as paths relative to the file's own module.
    pub(crate) files: Vec<Vec<String>>,
    /// Modules written out in the file.
    pub(crate) inline: Vec<Vec<String>>,
    /// Its imports.
    pub(crate) imports: Vec<Import>,
    /// Every other path, and every name that is called or begins with a capital.
    pub(crate) mentions: Vec<Mention>,
}

/// Reads the facts of a file's text; none when it is not Rust (which is another rule's finding).
pub(crate) fn facts_of(text: &str) -> Option<Facts> {
    let mut facts = Facts::default();
    let stream: TokenStream = text.parse().ok()?;
    read(&trees_of(stream), &[], &mut facts);
    Some(facts)
}

fn trees_of(stream: TokenStream) -> Vec<TokenTree> {
    stream.into_iter().collect()
}

fn read(trees: &[TokenTree], inside: &[String], facts: &mut Facts) {
    let mut at = 0;
    while at < trees.len() {
        at = match &trees[at] {
            TokenTree::Punct(punct) if punct.as_char() == '#' => after_attribute(trees, at),
            TokenTree::Ident(word) if word == "mod" => read_module(trees, at, inside, facts),
            TokenTree::Ident(word) if word == "use" && !is(trees.get(at + 1), '<') => {
                read_use(trees, at, inside, facts)
            }
            TokenTree::Ident(_) => read_path(trees, at, inside, facts),
            TokenTree::Group(group) => {
                read(&trees_of(group.stream()), inside, facts);
                at + 1
            }
            _ => at + 1,
        };
    }
}

/// Where reading goes on after an attribute: behind its item, if that is for tests alone.
fn after_attribute(trees: &[TokenTree], at: usize) -> usize {
    let bracket = if is(trees.get(at + 1), '!') { at + 2 } else { at + 1 };
    let Some(TokenTree::Group(group)) = trees.get(bracket) else { return at + 1 };
    let words = group.stream().to_string();
    let tests_only = words.starts_with("cfg") && words.contains("test") && !words.contains("not");
    if !tests_only || words.starts_with("cfg_attr") {
        return bracket + 1;
    }
    if bracket == at + 2 {
        return trees.len();
    }
    let mut end = bracket + 1;
    let mut is_use = false;
    while let Some(tree) = trees.get(end) {
        end += 1;
        match tree {
            TokenTree::Ident(word) => is_use |= word == "use",
            TokenTree::Punct(punct) if punct.as_char() == ';' => break,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && !is_use => break,
            _ => {}
        }
    }
    end
}

fn read_module(trees: &[TokenTree], at: usize, inside: &[String], facts: &mut Facts) -> usize {
    let Some(TokenTree::Ident(name)) = trees.get(at + 1) else { return at + 1 };
    let path = [inside, &[name.to_string()]].concat();
    match trees.get(at + 2) {
        Some(TokenTree::Group(group)) => {
            read(&trees_of(group.stream()), &path, facts);
            facts.inline.push(path);
        }
        _ => facts.files.push(path),
    }
    at + 3
}

fn read_use(trees: &[TokenTree], at: usize, inside: &[String], facts: &mut Facts) -> usize {
    let end =
        trees[at..].iter().position(|tree| is(Some(tree), ';')).map_or(trees.len(), |length| at + length);
    let is_reexport = match trees[..at].last() {
        Some(TokenTree::Ident(word)) => word == "pub",
        Some(TokenTree::Group(group)) => {
            group.delimiter() == Delimiter::Parenthesis
                && matches!(trees[..at - 1].last(), Some(TokenTree::Ident(word)) if word == "pub")
        }
        _ => false,
    };
    let mut leaves = Vec::new();
    use_leaves(&trees[at + 1..end], &[], &mut leaves);
    for Leaf { path, name, line } in leaves {
        let mention = Mention { inside: inside.to_vec(), path, line };
        facts.imports.push(Import { mention, name, is_reexport });
    }
    end + 1
}

struct Leaf {
    path: Vec<String>,
    name: String,
    line: usize,
}

/// The single names of a use tree: `a::{b, c as d}` gives `a::b` as `b` and `a::c` as `d`.
fn use_leaves(trees: &[TokenTree], prefix: &[String], leaves: &mut Vec<Leaf>) {
    for branch in trees.split(|tree| is(Some(tree), ',')) {
        let mut path = prefix.to_vec();
        let mut name = None;
        let mut line = 0;
        let mut nested = false;
        let mut words = branch.iter();
        while let Some(tree) = words.next() {
            match tree {
                TokenTree::Ident(word) if word == "as" => name = words.next().map(ToString::to_string),
                TokenTree::Ident(word) => {
                    line = word.span().start().line;
                    // `a::{self}` is `a`.
                    if word != "self" || path.is_empty() {
                        path.push(word.to_string());
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    line = punct.span().start().line;
                    path.push("*".to_owned());
                }
                TokenTree::Group(group) => {
                    use_leaves(&trees_of(group.stream()), &path, leaves);
                    nested = true;
                }
                _ => {}
            }
        }
        if !nested && let Some(last) = path.last() {
            let name = name.unwrap_or_else(|| last.clone());
            leaves.push(Leaf { path, name, line });
        }
    }
}

/// Reads `a::b::c` from its first word; a word alone counts when it is called or begins with a capital.
fn read_path(trees: &[TokenTree], at: usize, inside: &[String], facts: &mut Facts) -> usize {
    let mut path = Vec::new();
    let mut end = at;
    while let Some(TokenTree::Ident(word)) = trees.get(end) {
        path.push(word.to_string());
        end += 1;
        if !(is(trees.get(end), ':') && is(trees.get(end + 1), ':')) {
            break;
        }
        end += 2;
    }
    let begins = match &trees[..at] {
        [.., first, second] if is(Some(first), ':') && is(Some(second), ':') => false,
        [.., TokenTree::Ident(word)] => word != "fn",
        [.., last] => !is(Some(last), '.'),
        [] => true,
    };
    let called = matches!(trees.get(end), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
    let capital = path[0].starts_with(char::is_uppercase);
    if begins && (path.len() > 1 || called || capital) {
        facts.mentions.push(Mention { inside: inside.to_vec(), path, line: trees[at].span().start().line });
    }
    end
}

fn is(tree: Option<&TokenTree>, sign: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(text: &str) -> Vec<(String, String, bool)> {
        let facts = facts_of(text).unwrap();
        let plain = |import: Import| (import.mention.path.join("::"), import.name, import.is_reexport);
        facts.imports.into_iter().map(plain).collect()
    }

    fn mentions(text: &str) -> Vec<String> {
        facts_of(text).unwrap().mentions.into_iter().map(|mention| mention.path.join("::")).collect()
    }

    #[test]
    fn a_use_tree_is_taken_apart() {
        let found = imports("use crate::a::{self, b::{C, D as E}, f::*};\npub(crate) use super::g;");
        let expected = [
            ("crate::a", "a", false),
            ("crate::a::b::C", "C", false),
            ("crate::a::b::D", "E", false),
            ("crate::a::f::*", "*", false),
            ("super::g", "g", true),
        ];
        assert_eq!(found, expected.map(|(path, name, public)| (path.to_owned(), name.to_owned(), public)));
    }

    #[test]
    fn test_code_is_left_out_and_what_follows_is_read() {
        let text = "#[cfg(test)]\nuse crate::{a, b};\n#[cfg(all(test, unix))]\nmod tests { use super::c; }\nuse crate::d;";
        assert_eq!(imports(text).len(), 1);
        assert!(imports("#![cfg(test)]\nuse crate::a;").is_empty());
        assert_eq!(imports("#[cfg(not(test))]\nuse crate::a;").len(), 1);
    }

    #[test]
    fn modules_are_told_by_file_and_inline() {
        let facts = facts_of("mod a;\npub mod b { mod c; }").unwrap();
        assert_eq!(facts.files, [vec!["a".to_owned()], vec!["b".to_owned(), "c".to_owned()]]);
        assert_eq!(facts.inline, [vec!["b".to_owned()]]);
    }

    #[test]
    fn paths_and_calls_are_mentioned_and_fields_methods_and_variables_are_not() {
        let text =
            "fn f(x: crate::a::B) -> Row { x.crash(); let crash = x.B; search(crash); m!(super::c::D) }";
        assert_eq!(mentions(text), ["crate::a::B", "Row", "search", "super::c::D"]);
    }

    #[test]
    fn a_capture_list_is_no_import() {
        assert!(imports("fn f<'a>() -> impl Sized + use<'a> { }").is_empty());
    }
}
