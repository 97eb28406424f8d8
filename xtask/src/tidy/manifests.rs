//! Rules over the packages' manifests: floors, strangers, owned crates. Reads no source.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::rooms::{NOBODY, OWNED, Room, STAND_INS, STRANGERS, matches, room_of};
use crate::workspace::{Dependency, Member};

/// Every dependency that breaks the tables of `rooms`.
pub(crate) fn check(members: &[Member]) -> Vec<Finding> {
    members.iter().flat_map(|member| check_member(member, members)).collect()
}

/// Names of all outside crates that the workspace declares or a member depends on: what the README
/// has to list.
pub(crate) fn outside(members: &[Member], texts: &BTreeMap<&str, String>) -> BTreeSet<String> {
    let direct = members.iter().flat_map(|member| &member.dependencies);
    let mut names: BTreeSet<String> =
        direct.filter(|dependency| !dependency.is_member).map(|dependency| dependency.name.clone()).collect();
    names.extend(declared(texts.get("Cargo.toml").map_or("", String::as_str)));
    names
}

/// Names in `[workspace.dependencies]` that are not paths of this workspace.
fn declared(manifest: &str) -> Vec<String> {
    let section = manifest.lines().skip_while(|line| line.trim() != "[workspace.dependencies]").skip(1);
    section
        .take_while(|line| !line.trim_start().starts_with('['))
        .filter(|line| !line.contains("path ="))
        .filter_map(|line| line.split_once('=').map(|(name, _)| name.trim().to_owned()))
        .filter(|name| !name.starts_with('#'))
        .collect()
}

fn check_member(member: &Member, members: &[Member]) -> Vec<Finding> {
    let manifest = format!("{}/Cargo.toml", member.folder);
    let Some(room) = room_of(&member.folder) else {
        let what = format!("{}/ is no room", member.folder);
        return vec![Finding::new(
            &manifest,
            1,
            what,
            "add it to xtask/src/tidy/rooms.rs and docs/ARCHITECTURE.md",
        )];
    };
    let mut findings = Vec::new();
    let folder = room.folder.rsplit('/').next().unwrap_or(room.folder);
    let stand_in = STAND_INS.iter().find(|(place, ..)| *place == room.folder);
    let expected = stand_in.map_or_else(|| format!("medrec-{folder}"), |(_, name, _)| (*name).to_owned());
    if member.name != expected && !matches!(room.folder, "medrec" | "xtask") {
        let what = format!("package {} in {}/", member.name, room.folder);
        findings.push(Finding::new(&manifest, 1, what, "a room's package is called medrec-<folder>"));
    }
    for dependency in &member.dependencies {
        let found = if dependency.is_member {
            check_inside(room, dependency, members)
        } else {
            check_outside(room, dependency)
        };
        findings.extend(found.map(|(what, hint)| Finding::new(&manifest, 1, what, hint)));
    }
    findings
}

type Breach = Option<(String, &'static str)>;

fn check_inside(room: &Room, dependency: &Dependency, members: &[Member]) -> Breach {
    let member = members.iter().find(|member| member.name == dependency.name)?;
    let other = room_of(&member.folder)?;
    if other.floor >= room.floor {
        let what = format!(
            "{} (floor {}) depends on {} (floor {})",
            room.folder, room.floor, other.folder, other.floor
        );
        return Some((what, "a room looks only at lower floors; move what both need down"));
    }
    let owner = STAND_INS.iter().find(|(place, ..)| *place == other.folder).map(|(.., owner)| *owner);
    if owner.is_some_and(|owner| owner != room.folder) {
        let what = format!("{} depends on {}", room.folder, other.folder);
        return Some((what, "only the room around a stand-in may know it"));
    }
    let stranger =
        STRANGERS.iter().any(|(name, others)| *name == room.folder && others.contains(&other.folder));
    (stranger && !dependency.is_dev).then(|| {
        (
            format!("{} depends on {}", room.folder, other.folder),
            "this room must not know that one; see docs/ARCHITECTURE.md",
        )
    })
}

fn check_outside(room: &Room, dependency: &Dependency) -> Breach {
    let name = dependency.name.as_str();
    if let Some((_, reason)) = NOBODY.iter().find(|(pattern, _)| matches(pattern, name)) {
        return Some((format!("{} depends on {name}", room.folder), reason));
    }
    if dependency.is_dev {
        return None;
    }
    if room.never.iter().any(|pattern| matches(pattern, name)) {
        return Some((
            format!("{} depends on {name}", room.folder),
            "the room's invariant of absence forbids it; see docs/ARCHITECTURE.md",
        ));
    }
    let (_, owner) = OWNED.iter().find(|(pattern, _)| matches(pattern, name))?;
    (*owner != room.folder && room.folder != "benches").then(|| {
        (
            format!("{} depends on {name}, which only {owner} knows", room.folder),
            "ask that room for what is needed",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(folder: &str, dependencies: &[(&str, bool, bool)]) -> Member {
        let name = if folder == "medrec" { folder.to_owned() } else { format!("medrec-{folder}") };
        let dependencies = dependencies
            .iter()
            .map(|&(name, is_member, is_dev)| Dependency { name: name.to_owned(), is_member, is_dev })
            .collect();
        Member { name, folder: folder.to_owned(), dependencies }
    }

    fn whats(members: &[Member]) -> Vec<String> {
        check(members).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_dependency_upward_or_sideways_is_found_even_in_tests() {
        let members = [
            member("kernels", &[("medrec-node", true, true)]),
            member("node", &[("medrec-chain", true, false), ("medrec-kernels", true, false)]),
            member("chain", &[]),
        ];
        let expected =
            ["kernels (floor 1) depends on node (floor 3)", "node (floor 3) depends on chain (floor 3)"];
        assert_eq!(whats(&members), expected);
    }

    #[test]
    fn a_room_that_looks_at_a_stranger_is_found() {
        let members = [member("miner", &[("medrec-datasets", true, false)]), member("datasets", &[])];
        assert_eq!(whats(&members), ["miner depends on datasets"]);
    }

    #[test]
    fn a_heavy_crate_outside_its_room_is_found_but_tests_may_use_it() {
        let members = [
            member("chain", &[("revm", false, false), ("revm-inspectors", false, true)]),
            member("node", &[("revm", false, false), ("alloy-provider", false, true)]),
            member("medrec", &[("opendp", false, false), ("opencl3", false, false)]),
        ];
        let expected = [
            "chain depends on revm, which only node knows",
            "medrec depends on opendp, which only anonymizer knows",
            "medrec depends on opencl3, which only kernels knows",
        ];
        assert_eq!(whats(&members), expected);
    }

    #[test]
    fn a_crate_that_a_room_must_not_know_is_found() {
        assert_eq!(
            whats(&[member("domain", &[("tokio-util", false, false)])]),
            ["domain depends on tokio-util"]
        );
        assert_eq!(whats(&[member("medrec", &[("ocl", false, true)])]), ["medrec depends on ocl"]);
    }

    #[test]
    fn a_folder_that_is_no_room_and_a_misnamed_package_are_found() {
        assert_eq!(whats(&[member("utils", &[])]), ["utils/ is no room"]);
        let misnamed =
            Member { name: "kernels".to_owned(), folder: "kernels".to_owned(), dependencies: vec![] };
        assert_eq!(whats(&[misnamed]), ["package kernels in kernels/"]);
    }

    #[test]
    fn a_stand_in_keeps_its_foreign_name_and_is_known_to_one_room() {
        let generator = || Member {
            name: "openssl".to_owned(),
            folder: "anonymizer/generator".to_owned(),
            dependencies: vec![],
        };
        assert!(whats(&[generator(), member("anonymizer", &[("openssl", true, false)])]).is_empty());
        let breach = whats(&[generator(), member("gatekeeper", &[("openssl", true, true)])]);
        assert_eq!(breach, ["gatekeeper depends on anonymizer/generator"]);
        let misnamed = Member { name: "medrec-generator".to_owned(), ..generator() };
        assert_eq!(whats(&[misnamed]), ["package medrec-generator in anonymizer/generator/"]);
    }

    #[test]
    fn outside_crates_are_those_declared_and_those_used() {
        let manifest = "[workspace.dependencies]\nmedrec-kernels = { path = \"kernels\" }\n# why\nclap = \"4\"\n\n[profile.dev]\ndebug = 1\n";
        let texts = BTreeMap::from([("Cargo.toml", manifest.to_owned())]);
        let names =
            outside(&[member("node", &[("revm", false, false), ("medrec-kernels", true, false)])], &texts);
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["clap", "revm"]);
    }
}
