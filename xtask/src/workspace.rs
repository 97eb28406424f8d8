//! Where the workspace lies and what belongs to it. Reads only; knows no rule and no step.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The workspace's root and target folder.
pub(crate) struct Workspace {
    /// Folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, where build outputs and test environments go.
    pub(crate) target: PathBuf,
}

/// A package of the workspace as `cargo metadata` describes it.
pub(crate) struct Member {
    /// Package name.
    pub(crate) name: String,
    /// The package's folder relative to the root, with `/` between parts.
    pub(crate) folder: String,
    /// What its manifest depends on.
    pub(crate) dependencies: Vec<Dependency>,
}

/// A line of a member's manifest.
pub(crate) struct Dependency {
    /// Package name of what is depended on.
    pub(crate) name: String,
    /// Whether it is a package of this workspace.
    pub(crate) is_member: bool,
    /// Whether only tests, examples and benches use it.
    pub(crate) is_dev: bool,
}

impl Workspace {
    /// Finds the workspace that this program was built from.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask's folder has no parent folder")?
            .to_path_buf();
        let metadata = metadata(&root)?;
        let target =
            metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
        Ok(Self { root, target: PathBuf::from(target) })
    }

    /// The packages of the workspace, from their manifests alone.
    pub(crate) fn members(&self) -> Result<Vec<Member>> {
        members_of(&metadata(&self.root)?, &self.root)
    }

    /// Every file that git tracks or would track: what a fresh clone of the next commit would hold.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&self.root)
            .output()
            .context("git could not be started")?;
        if !output.status.success() {
            bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let mut files: Vec<String> = output
            .stdout
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .filter(|name| self.root.join(name).is_file())
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// The text of a file of the workspace; none for a file that is not UTF-8.
    pub(crate) fn text(&self, file: &str) -> Result<Option<String>> {
        let bytes = fs::read(self.root.join(file)).with_context(|| format!("{file} cannot be read"))?;
        Ok(String::from_utf8(bytes).ok())
    }
}

/// Whether `file` has this extension.
pub(crate) fn is_kind(file: &str, extension: &str) -> bool {
    Path::new(file).extension().is_some_and(|found| found == extension)
}

/// The cargo that runs this program, else the one on the path.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn metadata(root: &Path) -> Result<Value> {
    let output = Command::new(cargo())
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("cargo could not be started")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")
}

fn members_of(metadata: &Value, root: &Path) -> Result<Vec<Member>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    packages
        .iter()
        .map(|package| {
            let manifest = Path::new(package["manifest_path"].as_str().context("a package has no manifest")?);
            let folder = manifest.parent().context("a manifest has no folder")?;
            Ok(Member {
                name: text_of(&package["name"]),
                folder: folder.strip_prefix(root).unwrap_or(folder).to_string_lossy().replace('\\', "/"),
                dependencies: package["dependencies"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(dependency)
                    .collect(),
            })
        })
        .collect()
}

fn dependency(value: &Value) -> Dependency {
    Dependency {
        name: text_of(&value["name"]),
        is_member: value["source"].is_null(),
        is_dev: value["kind"].as_str() == Some("dev"),
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_from_metadata_with_their_folder_and_kinds_of_dependency() {
        let metadata = serde_json::json!({"packages": [{
            "name": "medrec-node", "manifest_path": "/w/node/Cargo.toml",
            "dependencies": [
                {"name": "revm", "source": "registry", "kind": null},
                {"name": "medrec-kernels", "source": null, "kind": "dev"},
            ],
        }]});
        let members = members_of(&metadata, Path::new("/w")).unwrap();
        assert_eq!((members[0].name.as_str(), members[0].folder.as_str()), ("medrec-node", "node"));
        let kinds: Vec<_> = members[0].dependencies.iter().map(|d| (d.is_member, d.is_dev)).collect();
        assert_eq!(kinds, [(false, false), (true, true)]);
    }

    #[test]
    fn the_workspace_finds_itself_and_its_own_files() {
        let workspace = Workspace::find().unwrap();
        let files = workspace.files().unwrap();
        assert!(files.contains(&"xtask/src/workspace.rs".to_owned()), "{files:?}");
        assert!(workspace.members().unwrap().iter().any(|member| member.folder == "xtask"));
    }
}
