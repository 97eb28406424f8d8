//! Programs of other languages that tests and benches compare with: Python packages in an
//! environment below the target folder, npm packages as their lock file pins them.
//!
//! Nothing is installed into the user's own Python or Node.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::runner::Job;
use crate::tally::Tally;
use crate::workspace::Workspace;

/// Runs Python with the packages of `requirements` and nothing else; stdout is the program's own.
pub(crate) fn python(workspace: &Workspace, requirements: &Path, arguments: &[String]) -> Result<()> {
    let folder = environment(workspace, requirements)?;
    if !Job::new(workspace, folder.join("bin/python")).args(arguments).attached()? {
        bail!("python {} failed", arguments.join(" "));
    }
    Ok(())
}

/// Runs a script in the environment of its requirements and counts the checks that it reports.
pub(crate) fn checked(
    workspace: &Workspace,
    requirements: &Path,
    script: &Path,
    arguments: &[PathBuf],
) -> Result<Tally> {
    let folder = environment(workspace, requirements)?;
    Job::new(workspace, folder.join("bin/python")).args(&[script]).args(arguments).run()
}

/// The virtual environment of a requirements file, made on first use and again when the file changes.
///
/// Every requirement must be pinned: a figure measured beside a peer means nothing without the
/// peer's version.
fn environment(workspace: &Workspace, requirements: &Path) -> Result<PathBuf> {
    let file = workspace.root.join(requirements);
    let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    if let Some(line) = unpinned(&text) {
        bail!("{}: {line:?} is not pinned\n\nhint: write name==version", file.display());
    }
    let name: String = requirements
        .to_string_lossy()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    let folder = workspace.target.join("oracles").join(name);
    let stamp = folder.join("requirements.installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == text) {
        return Ok(folder);
    }

    let made = Job::new(workspace, "python3").args(&["-m", "venv", "--clear"]).args(&[&folder]).run()?;
    if !made.is_green() {
        bail!("python3 -m venv failed\n\nhint: cargo xtask setup installs python3-venv");
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    let installed = Job::new(workspace, folder.join("bin/python")).args(&pip).args(&[&file]).run()?;
    if !installed.is_green() {
        bail!("pip could not install {}", file.display());
    }
    fs::write(&stamp, text).with_context(|| format!("{} cannot be written", stamp.display()))?;
    Ok(folder)
}

/// The first requirement without an exact version.
fn unpinned(requirements: &str) -> Option<&str> {
    requirements
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .find(|line| !line.is_empty() && !line.contains("=="))
}

/// Installs what `folder/package-lock.json` pins, then runs the folder's npm script.
pub(crate) fn npm(workspace: &Workspace, folder: &str, script: &[&str]) -> Result<Tally> {
    let path = workspace.root.join(folder);
    if !path.join("package.json").is_file() {
        bail!(
            "{folder}/package.json is missing: the room has no test command\n\nhint: add its script \"test\""
        );
    }
    let install = ["ci", "--no-audit", "--no-fund", "--prefer-offline"];
    let installed = Job::new(workspace, "npm").dir(&path).args(&install).run()?;
    if !installed.is_green() {
        return Ok(installed);
    }
    Job::new(workspace, "npm").dir(&path).args(&["run"]).args(script).run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_without_an_exact_version_is_found() {
        assert_eq!(unpinned("# peers\nethash==1.1.0\n\nnumpy>=2 # plots\n"), Some("numpy>=2"));
        assert_eq!(unpinned("ethash==1.1.0\n"), None);
    }

    #[test]
    fn a_folder_without_a_package_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: folder.path().to_path_buf(), target: folder.path().join("target") };
        let error = npm(&workspace, "contracts", &["test"]).unwrap_err();
        assert!(error.to_string().contains("contracts/package.json is missing"), "{error}");
    }

    #[test]
    fn an_environment_is_made_once_and_runs_python() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: folder.path().to_path_buf(), target: folder.path().join("target") };
        fs::write(folder.path().join("requirements.txt"), "# nothing but Python itself\n").unwrap();
        let requirements = Path::new("requirements.txt");
        let isolated = "import sys; sys.exit(sys.prefix == sys.base_prefix)".to_owned();
        python(&workspace, requirements, &["-c".to_owned(), isolated]).unwrap();
        let stamp = workspace.target.join("oracles/requirements-txt/requirements.installed");
        let first = fs::metadata(&stamp).unwrap().modified().unwrap();
        environment(&workspace, requirements).unwrap();
        assert_eq!(fs::metadata(&stamp).unwrap().modified().unwrap(), first);
    }
}
