//! Rules over the project's pages: README's dependency table, ARCHITECTURE's folders, links, CHANGELOG.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::finding::Finding;
use crate::workspace::is_kind;

const README: &str = "README.md";
const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";
const CHANGELOG: &str = "CHANGELOG.md";
const DEPENDENCIES: &str = "## Dependencies";

type Texts<'a> = BTreeMap<&'a str, String>;

/// Every rule of this file. `files` are all tracked files, `outside` the crates that README has to list.
pub(crate) fn check(files: &[String], texts: &Texts<'_>, outside: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for page in [README, ARCHITECTURE, CHANGELOG] {
        if !texts.contains_key(page) {
            findings.push(Finding::new(page, 1, "the page is missing", "write it"));
        }
    }
    let text = |page: &str| texts.get(page).map_or("", String::as_str);
    findings.extend(check_dependencies(text(README), outside));
    findings.extend(check_folders(text(ARCHITECTURE), files));
    findings.extend(check_changelog(text(CHANGELOG)));
    findings.extend(check_links(files, texts));
    findings
}

/// The rows of README's table against the crates that are really depended on.
fn check_dependencies(readme: &str, outside: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut listed = BTreeSet::new();
    let heading = readme.lines().position(|line| line == DEPENDENCIES);
    let start = heading.map_or(usize::MAX, |index| index + 1);
    let rows = readme.lines().enumerate().skip(start).take_while(|(_, line)| !line.starts_with("## "));
    for (index, line) in rows.filter(|(_, line)| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let name = cells[0].trim_matches('`').to_owned();
        if cells.len() < 3 || cells.iter().any(|cell| cell.is_empty()) {
            findings.push(Finding::new(
                README,
                index + 1,
                format!("the row of {name} is not whole"),
                "give crate, why, alternatives",
            ));
        }
        if !outside.contains(&name) {
            findings.push(Finding::new(
                README,
                index + 1,
                format!("{name} is listed, and nothing depends on it"),
                "delete the row",
            ));
        }
        if !listed.insert(name.clone()) {
            findings.push(Finding::new(README, index + 1, format!("{name} is listed twice"), "delete a row"));
        }
    }
    let line = heading.map_or(1, |index| index + 1);
    let missing = outside.difference(&listed);
    findings.extend(missing.map(|name| {
        Finding::new(
            README,
            line,
            format!("dependency {name} is not listed"),
            "add a row `crate` | why | alternatives under ## Dependencies",
        )
    }));
    findings
}

/// Every top-level folder has its place in ARCHITECTURE, written `folder/` in backticks.
fn check_folders(architecture: &str, files: &[String]) -> Vec<Finding> {
    let folders: BTreeSet<&str> =
        files.iter().filter_map(|file| file.split_once('/').map(|(folder, _)| folder)).collect();
    folders
        .into_iter()
        .filter(|folder| !architecture.contains(&format!("`{folder}/`")))
        .map(|folder| {
            Finding::new(
                ARCHITECTURE,
                1,
                format!("folder {folder}/ is not described"),
                "say what lives there and what never does",
            )
        })
        .collect()
}

fn check_changelog(changelog: &str) -> Option<Finding> {
    let has_heading =
        changelog.is_empty() || changelog.lines().any(|line| line.starts_with("## [Unreleased]"));
    (!has_heading)
        .then(|| Finding::new(CHANGELOG, 1, "no section [Unreleased]", "keep what users will notice there"))
}

/// Links between pages lead somewhere, and every page below docs/ is linked from another.
fn check_links(files: &[String], texts: &Texts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut linked = BTreeSet::new();
    for (page, text) in texts.iter().filter(|(page, _)| is_kind(page, "md")) {
        for (line, target) in links(text) {
            let path = join(page, &target);
            let leads = files.iter().any(|file| *file == path || file.starts_with(&format!("{path}/")));
            if !leads {
                findings.push(Finding::new(
                    page,
                    line,
                    format!("the link to {target} leads nowhere"),
                    "mend or delete it",
                ));
            }
            if path != **page {
                linked.insert(path);
            }
        }
    }
    for page in files.iter().filter(|file| file.starts_with("docs/") && is_kind(file, "md")) {
        if !linked.contains(page) {
            findings.push(Finding::new(
                page,
                1,
                "no page links here",
                "link it from README.md or docs/ARCHITECTURE.md",
            ));
        }
    }
    findings
}

/// Targets of a page's Markdown links to files, with their lines; addresses and anchors left out, and
/// what stands in code.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (start, _) in line.match_indices("](") {
            let quoted = line[..start].matches('`').count() % 2 == 1;
            let target = line[start + 2..].split([')', ' ', '#']).next().unwrap_or_default();
            if !quoted && !target.is_empty() && !target.contains(':') {
                links.push((index + 1, target.trim_end_matches('/').to_owned()));
            }
        }
    }
    links
}

/// The workspace's path of `target` as `page` writes it.
fn join(page: &str, target: &str) -> String {
    let mut path = PathBuf::new();
    for part in Path::new(page).parent().unwrap_or(Path::new("")).join(target).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(findings: impl IntoIterator<Item = Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn the_dependency_table_lists_each_crate_once_and_whole_and_no_other() {
        let readme = "## Dependencies\n| crate | why | instead of |\n|---|---|---|\n| `clap` | x | y |\n| `clap` | x | y |\n| `serde` | |\n| `gone` | x | y |\n## Next\n| `not` | a | dependency |\n";
        let outside = ["clap", "serde", "rayon"].map(str::to_owned).into();
        let expected = [
            "clap is listed twice",
            "the row of serde is not whole",
            "gone is listed, and nothing depends on it",
            "dependency rayon is not listed",
        ];
        assert_eq!(whats(check_dependencies(readme, &outside)), expected);
        assert_eq!(whats(check_dependencies("", &outside)).len(), 3);
    }

    #[test]
    fn a_folder_that_the_architecture_does_not_describe_is_found() {
        let files = ["node/src/lib.rs", "kernels/Cargo.toml", "README.md"].map(str::to_owned);
        assert_eq!(
            whats(check_folders("| `node/` | the chain |", &files)),
            ["folder kernels/ is not described"]
        );
    }

    #[test]
    fn a_changelog_needs_its_open_section() {
        assert!(check_changelog("# Changelog\n## [0.1.0]\n").is_some());
        assert!(check_changelog("# Changelog\n\n## [Unreleased]\n").is_none());
    }

    #[test]
    fn a_broken_link_and_a_page_without_links_are_found() {
        let files = ["README.md", "docs/A.md", "docs/B.md", "docs/C.md"].map(str::to_owned);
        let texts = BTreeMap::from([
            (
                "README.md",
                "[a](docs/A.md#x) [gone](docs/D.md) `[code](no.md)` [web](https://example.com)".to_owned(),
            ),
            ("docs/A.md", "[b](B.md) [up](../README.md)\n```\n[code](no.md)\n```\n".to_owned()),
            ("docs/C.md", "[self](C.md)".to_owned()),
        ]);
        let expected = ["the link to docs/D.md leads nowhere", "no page links here"];
        assert_eq!(whats(check_links(&files, &texts)), expected);
    }

    #[test]
    fn missing_pages_are_found() {
        assert_eq!(check(&[], &BTreeMap::new(), &BTreeSet::new()).len(), 3);
    }
}
