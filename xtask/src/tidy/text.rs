//! Rules over files as plain text: size, length, first line, machine paths, registries.

use std::path::Path;

use super::finding::Finding;
use crate::workspace::is_kind;

/// No tracked file is larger than this.
const FILE_BYTES: u64 = 1_000_000;
/// No source file is longer than this.
const FILE_LINES: usize = 399;
/// Kinds of file whose length counts.
const SOURCES: [&str; 9] = ["rs", "cl", "sol", "py", "ts", "js", "mjs", "svelte", "sh"];
/// A folder or file of this name holds data, and may be as long as its data.
const DATA: [&str; 3] = ["vectors", "tables", "artifacts"];
/// Where one machine keeps its files. Written in halves, since this file is checked too.
const MACHINE_FOLDERS: [(&str, &str); 6] =
    [("/", "home/"), ("/", "root/"), ("/", "Users/"), ("/", "work/"), ("/", "tmp/"), ("C:", "\\Users\\")];
/// Hosts from which packages are downloaded. A clone takes them from wherever its user is configured.
const REGISTRIES: [(&str, &str); 8] = [
    ("index.crates", ".io"),
    ("static.crates", ".io"),
    ("registry.npmjs", ".org"),
    ("registry.yarnpkg", ".com"),
    ("pypi.org", "/simple"),
    ("files.pythonhosted", ".org"),
    ("deb.debian", ".org"),
    ("proxy.golang", ".org"),
];
/// The one source that Cargo writes into a lock file for its default registry, whatever mirror is in use.
const CARGO_SOURCE: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

/// A tracked file that is too large.
pub(crate) fn check_size(path: &str, bytes: u64) -> Option<Finding> {
    (bytes > FILE_BYTES).then(|| {
        let what = format!("{bytes} bytes are tracked, over {FILE_BYTES}");
        Finding::new(path, 1, what, "generate it, or download it where it is used")
    })
}

/// Every rule of this file over one text.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        [check_name(path), check_first_line(path, text), check_length(path, text)]
            .into_iter()
            .flatten()
            .collect();
    for (index, line) in text.lines().enumerate() {
        findings.extend(check_line(path, index + 1, line));
    }
    findings
}

fn check_name(path: &str) -> Option<Finding> {
    let is_mod = Path::new(path).file_name().is_some_and(|name| name == "mod.rs");
    is_mod
        .then(|| Finding::new(path, 1, "a file called mod.rs", "call it after its folder, beside the folder"))
}

fn check_first_line(path: &str, text: &str) -> Option<Finding> {
    (is_kind(path, "rs") && !text.starts_with("//!")).then(|| {
        Finding::new(path, 1, "does not open with `//!`", "say what is here, why here, and what is not")
    })
}

fn check_length(path: &str, text: &str) -> Option<Finding> {
    let file = Path::new(path);
    let counts = file.extension().is_some_and(|kind| SOURCES.iter().any(|source| kind == *source));
    let is_data =
        file.with_extension("").components().any(|part| DATA.iter().any(|data| part.as_os_str() == *data));
    let lines = text.lines().count();
    (counts && !is_data && lines > FILE_LINES).then(|| {
        let what = format!("{lines} lines, over {FILE_LINES}");
        Finding::new(
            path,
            FILE_LINES + 1,
            what,
            "split it; tables go into a file or folder called tables or vectors",
        )
    })
}

fn check_line(path: &str, number: usize, line: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |what: String, hint: &'static str| findings.push(Finding::new(path, number, what, hint));
    for (first, second) in MACHINE_FOLDERS {
        let folder = format!("{first}{second}");
        if names_path(line, &folder) {
            find(
                format!("a path of one machine, {folder}"),
                "write it relative to the workspace, or take it from the environment",
            );
        }
    }
    for (first, second) in REGISTRIES {
        let host = format!("{first}{second}");
        if line.contains(&host) {
            find(
                format!("a package registry's host, {host}"),
                "leave the registry to the user's own configuration",
            );
        }
    }
    if path.ends_with("Cargo.lock") && line.starts_with("source = ") && line != CARGO_SOURCE {
        find("a crate from outside the default registry".to_owned(), "depend on a released version");
    }
    if path.ends_with("package-lock.json") && line.contains("\"resolved\": \"http") {
        find(
            "a download address".to_owned(),
            "set omit-lockfile-registry-resolved=true in .npmrc and lock again",
        );
    }
    findings
}

/// Whether `line` holds `folder` where a path begins: not in the middle of a relative path or an address.
fn names_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || "._-~}>)*/".contains(letter))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(path: &str, text: &str) -> Vec<String> {
        check(path, text).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_file_over_one_megabyte_is_found() {
        assert!(check_size("a.bin", 1_000_001).is_some());
        assert!(check_size("a.bin", 1_000_000).is_none());
    }

    #[test]
    fn a_rust_file_without_its_opening_is_found() {
        assert_eq!(whats("a/src/b.rs", "use std::fs;\n"), ["does not open with `//!`"]);
        assert!(whats("a/src/b.rs", "//! What is here.\n").is_empty());
        assert!(whats("a/b.py", "import os\n").is_empty());
    }

    #[test]
    fn a_file_called_mod_is_found() {
        assert_eq!(whats("a/src/b/mod.rs", "//! x\n"), ["a file called mod.rs"]);
    }

    #[test]
    fn a_file_of_400_lines_is_found_unless_it_is_a_table() {
        let text = "//! x\n".repeat(400);
        assert_eq!(whats("a/src/b.rs", &text), ["400 lines, over 399"]);
        assert_eq!(whats("a/cl/b.cl", &text), ["400 lines, over 399"]);
        assert!(whats("a/src/vectors.rs", &text).is_empty());
        assert!(whats("a/src/tables/b.rs", &text).is_empty());
        assert!(whats("a/b.md", &text).is_empty());
        assert!(whats("a/src/b.rs", &"//! x\n".repeat(399)).is_empty());
    }

    #[test]
    fn a_path_of_one_machine_is_found_and_a_relative_one_is_not() {
        for (first, second) in MACHINE_FOLDERS {
            let line = format!("see {first}{second}me/x");
            assert_eq!(whats("a.md", &line).len(), 1, "{line}");
        }
        for line in ["frame/work/x", "https://example.com/home/x", "./tmp/x", "$HOME/work/x", "${X}/tmp/y"] {
            assert!(whats("a.md", line).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_registry_is_found() {
        for (first, second) in REGISTRIES {
            let line = format!("from https://{first}{second}/x");
            assert_eq!(whats("a.toml", &line).len(), 1, "{line}");
        }
        assert_eq!(whats("Cargo.lock", "source = \"git+https://example.com/x\"").len(), 1);
        assert!(whats("Cargo.lock", CARGO_SOURCE).is_empty());
        assert_eq!(whats("c/package-lock.json", "\"resolved\": \"https://example.com/x.tgz\"").len(), 1);
    }
}
