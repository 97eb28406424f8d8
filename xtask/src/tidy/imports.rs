//! No files that import each other in a circle, inside any package.
//!
//! A file imports another when it names something that the other defines. A re-export (`pub use`) of
//! a module's own child is a signpost, not an import: it counts only where its file uses the name
//! itself, and whoever imports through it imports from the file behind it.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::modules::{Facts, Mention, facts_of};
use crate::workspace::{Member, is_kind};

/// How many re-exports in a row are followed.
const REEXPORT_DEPTH: u32 = 16;

/// Every circle of imports in every package, reported once, at its first file.
pub(crate) fn check(members: &[Member], texts: &BTreeMap<&str, String>) -> Vec<Finding> {
    members
        .iter()
        .flat_map(|member| roots(&member.folder, texts))
        .flat_map(|root| check_tree(&root, texts))
        .collect()
}

/// Root files of a package's library and binaries.
fn roots(folder: &str, texts: &BTreeMap<&str, String>) -> Vec<String> {
    let bin = format!("{folder}/src/bin/");
    let mut roots: Vec<String> =
        ["lib", "main"].iter().map(|name| format!("{folder}/src/{name}.rs")).collect();
    roots.retain(|root| texts.contains_key(root.as_str()));
    roots.extend(texts.keys().filter(|file| is_direct_child(&bin, file)).map(|file| (*file).to_owned()));
    roots
}

fn is_direct_child(folder: &str, file: &str) -> bool {
    file.strip_prefix(folder).is_some_and(|rest| is_kind(rest, "rs") && !rest.contains('/'))
}

type ModulePath = Vec<String>;

/// The modules of one crate root.
#[derive(Default)]
struct Tree {
    /// The file of each module; inline modules share their file with the module around them.
    modules: BTreeMap<ModulePath, String>,
    /// What each file says, with the module that the file is.
    files: BTreeMap<String, (ModulePath, Facts)>,
}

/// Imports between files: for each pair, the first line that makes it.
type Edges = BTreeMap<String, BTreeMap<String, usize>>;

fn check_tree(root: &str, texts: &BTreeMap<&str, String>) -> Vec<Finding> {
    let mut tree = Tree::default();
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
    tree.add(root, folder, &[], texts);
    let edges = tree.edges();
    circles(&edges)
        .into_iter()
        .map(|circle| {
            let line = edges[&circle[0]][&circle[1]];
            let what = format!("files import each other in a circle: {}", circle.join(" -> "));
            Finding::new(&circle[0], line, what, "move what both need into a file that imports neither")
        })
        .collect()
}

impl Tree {
    /// Adds `file`, which is module `path`; its child modules' files lie in `folder`.
    fn add(&mut self, file: &str, folder: &str, path: &[String], texts: &BTreeMap<&str, String>) {
        let Some(facts) = texts.get(file).and_then(|text| facts_of(text)) else { return };
        self.modules.insert(path.to_vec(), file.to_owned());
        for inline in &facts.inline {
            self.modules.insert([path, inline].concat(), file.to_owned());
        }
        let children = facts.files.clone();
        self.files.insert(file.to_owned(), (path.to_vec(), facts));
        for child in children {
            let child_folder = format!("{folder}/{}", child.join("/"));
            self.add(&format!("{child_folder}.rs"), &child_folder, &[path, &child].concat(), texts);
        }
    }

    fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (file, (module, facts)) in &self.files {
            let mut link = |mention: &Mention| {
                if let Some(target) = self.resolve(module, mention, REEXPORT_DEPTH)
                    && target != *file
                {
                    edges.entry(file.clone()).or_default().entry(target).or_insert(mention.line);
                }
            };
            for import in &facts.imports {
                let is_own_child = import.is_reexport && self.leads_down(module, &import.mention);
                let is_used = facts.mentions.iter().any(|mention| mention.path[0] == import.name);
                if !is_own_child || is_used {
                    link(&import.mention);
                }
            }
            facts.mentions.iter().filter(|mention| mention.path.len() > 1).for_each(&mut link);
        }
        edges
    }

    /// Whether a path leads into a descendant of the module that it stands in.
    fn leads_down(&self, module: &[String], mention: &Mention) -> bool {
        let here = [module, &mention.inside].concat();
        self.absolute(&here, &mention.path)
            .is_some_and(|path| path.len() > here.len() && path.starts_with(&here))
    }

    /// The path from the crate's root, if it is one into this crate.
    fn absolute(&self, here: &[String], path: &[String]) -> Option<ModulePath> {
        match path[0].as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([here, &path[1..]].concat()),
            "super" => {
                let ups = path.iter().take_while(|segment| *segment == "super").count();
                Some([here.get(..here.len().checked_sub(ups)?)?, &path[ups..]].concat())
            }
            child => {
                let is_child = self.modules.contains_key(&[here, &[child.to_owned()]].concat());
                is_child.then(|| [here, path].concat())
            }
        }
    }

    /// The file that defines what `mention`, written in `module`, names.
    fn resolve(&self, module: &[String], mention: &Mention, depth: u32) -> Option<String> {
        let here = [module, &mention.inside].concat();
        let path = self.absolute(&here, &mention.path)?;
        let length = (0..=path.len()).rev().find(|length| self.modules.contains_key(&path[..*length]))?;
        let (target, rest) = path.split_at(length);
        let file = self.modules.get(target)?;
        // A name that the module only passes on is followed to where it comes from.
        if let Some(name) = rest.first()
            && depth > 0
            && let Some((owner, facts)) = self.files.get(file)
        {
            let passed_on = facts.imports.iter().find(|import| {
                import.name == *name && [owner.as_slice(), &import.mention.inside].concat() == target
            });
            if let Some(import) = passed_on
                && let Some(origin) = self.resolve(owner, &import.mention, depth - 1)
            {
                return Some(origin);
            }
        }
        Some(file.clone())
    }
}

/// One closed walk (first file repeated at the end) for each file that can reach itself, each set of
/// files once.
fn circles(edges: &Edges) -> Vec<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for start in edges.keys() {
        if seen.contains(start) {
            continue;
        }
        if let Some(circle) = shortest_circle(start, edges) {
            seen.extend(circle.iter().cloned());
            circles.push(circle);
        }
    }
    circles
}

/// Breadth-first search for the shortest way from `start` back to itself.
fn shortest_circle(start: &String, edges: &Edges) -> Option<Vec<String>> {
    let mut came_from: BTreeMap<&String, &String> = BTreeMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for next in edges.get(file).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                let mut walk = vec![start.clone(), file.clone()];
                while let Some(previous) = came_from.get(&walk[walk.len() - 1]) {
                    walk.push((*previous).clone());
                }
                if file == start {
                    walk.pop();
                }
                walk.reverse();
                walk.push(start.clone());
                walk.dedup();
                return Some(walk);
            }
            if !came_from.contains_key(next) {
                came_from.insert(next, file);
                queue.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles in a package of these files, each as the line and the short names of its files.
    fn found(files: &[(&'static str, &str)]) -> Vec<String> {
        let texts: BTreeMap<&str, String> =
            files.iter().map(|(file, text)| (*file, (*text).to_owned())).collect();
        let member = Member { name: "p".to_owned(), folder: "p".to_owned(), dependencies: vec![] };
        check(&[member], &texts)
            .into_iter()
            .map(|finding| finding.to_string().replace("p/src/", ""))
            .collect()
    }

    #[test]
    fn two_files_that_import_each_other_are_found_with_place_and_way() {
        let circle = found(&[
            ("p/src/lib.rs", "mod a;\nmod b;"),
            ("p/src/a.rs", "\nuse crate::b::B;"),
            ("p/src/b.rs", "fn f(a: super::a::A) {}"),
        ]);
        assert_eq!(circle.len(), 1);
        assert!(
            circle[0].starts_with("a.rs:2: files import each other in a circle: a.rs -> b.rs -> a.rs"),
            "{circle:?}"
        );
    }

    #[test]
    fn a_circle_of_three_through_nested_folders_is_found() {
        let circle = found(&[
            ("p/src/main.rs", "mod a;"),
            ("p/src/a.rs", "mod b; mod c; use b::B;"),
            ("p/src/a/b.rs", "use super::c::*;"),
            ("p/src/a/c.rs", "fn f() { m!(crate::a::thing()) }"),
        ]);
        assert_eq!(circle.len(), 1, "{circle:?}");
        assert!(circle[0].contains("a.rs -> a/b.rs -> a/c.rs -> a.rs"), "{circle:?}");
    }

    #[test]
    fn a_signpost_to_a_child_is_no_circle_until_its_name_is_used_there() {
        let lib = ("p/src/lib.rs", "mod a;");
        let child = ("p/src/a/b.rs", "use super::Row;\npub struct B(Row);");
        assert!(
            found(&[lib, ("p/src/a.rs", "pub mod b;\npub use b::B;\npub struct Row;"), child]).is_empty()
        );
        assert_eq!(
            found(&[lib, ("p/src/a.rs", "pub mod b;\npub use b::B;\npub struct Row(Box<B>);"), child]).len(),
            1
        );
    }

    #[test]
    fn an_import_through_a_signpost_counts_for_the_file_behind_it() {
        let circle = found(&[
            ("p/src/lib.rs", "mod a;\nmod c;"),
            ("p/src/a.rs", "mod b;\npub use b::B;"),
            ("p/src/a/b.rs", "use crate::c::C;"),
            ("p/src/c.rs", "use crate::a::B;"),
        ]);
        assert_eq!(circle.len(), 1, "{circle:?}");
        assert!(circle[0].contains("a/b.rs -> c.rs -> a/b.rs"), "{circle:?}");
    }

    #[test]
    fn imports_one_way_and_imports_of_tests_are_no_circle() {
        let files = [
            ("p/src/lib.rs", "mod a;\nmod b;\npub use a::A;"),
            ("p/src/a.rs", "use crate::b::B;\nuse std::fs;\n#[cfg(test)] mod tests { use super::*; }"),
            ("p/src/b.rs", "#[cfg(test)]\nmod tests { use crate::a::A; }"),
        ];
        assert!(found(&files).is_empty());
    }
}
