//! What the tests need on the machine: how to tell that it is there, and how to get it.
//!
//! Packages are those of Debian and Ubuntu. Elsewhere, or without the right to install, the chore
//! fails and says what to run; it never goes on without.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::shell;
use crate::workspace::is_kind;

/// Something outside this repository that a step needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// git.
    Git,
    /// A C compiler and linker.
    CCompiler,
    /// rustfmt and clippy.
    RustComponents,
    /// An OpenCL loader and at least one OpenCL driver.
    OpenCl,
    /// clang 15 or newer, which compiles OpenCL for GPUs that are not there.
    Clang,
    /// Python with its `venv` module.
    Python,
    /// Node.js and npm.
    Node,
    /// Chromium, without a window.
    Chromium,
    /// The server of PostgreSQL.
    Postgres,
    /// The server of MariaDB.
    MariaDb,
    /// What the tutorial's commands use beside `medrec`: bash, jq, zstd.
    TutorialTools,
}

/// Every need.
pub(crate) const ALL: [Need; 11] = [
    Need::Git,
    Need::CCompiler,
    Need::RustComponents,
    Need::OpenCl,
    Need::Clang,
    Need::Python,
    Need::Node,
    Need::Chromium,
    Need::Postgres,
    Need::MariaDb,
    Need::TutorialTools,
];

/// The oldest clang whose OpenCL support the kernels are compiled with.
const CLANG_MINIMUM: u32 = 15;
const CLANG_NEWEST_TRIED: u32 = 22;
const NODE_MINIMUM: u32 = 18;

/// How a need is called, recognised and met.
pub(crate) struct Tool {
    /// Name in messages.
    pub(crate) name: &'static str,
    /// Whether it is on this machine.
    pub(crate) is_here: fn() -> bool,
    /// Debian packages that bring it. Of several separated by `|`, the first that apt offers.
    pub(crate) packages: &'static [&'static str],
}

impl Need {
    /// The table of tools.
    pub(crate) const fn tool(self) -> Tool {
        match self {
            Self::Git => Tool { name: "git", is_here: || answers("git", &["--version"]), packages: &["git"] },
            Self::CCompiler => Tool {
                name: "a C compiler",
                is_here: || answers("cc", &["--version"]),
                packages: &["build-essential"],
            },
            Self::RustComponents => Tool {
                name: "rustfmt and clippy",
                is_here: || {
                    answers("cargo", &["fmt", "--version"]) && answers("cargo", &["clippy", "--version"])
                },
                packages: &[],
            },
            Self::OpenCl => Tool {
                name: "an OpenCL loader and driver, and the simulator Oclgrind",
                is_here: || has_opencl() && Path::new(OCLGRIND).exists(),
                packages: &["ocl-icd-libopencl1", "pocl-opencl-icd", "oclgrind"],
            },
            Self::Clang => Tool {
                name: "clang 15 or newer",
                is_here: has_clang,
                packages: &["clang-15|clang-16|clang-17|clang-18|clang-19|clang"],
            },
            Self::Python => Tool {
                name: "python3 with venv",
                is_here: || answers("python3", &["-c", "import venv, ensurepip"]),
                packages: &["python3", "python3-venv"],
            },
            Self::Chromium => Tool {
                name: "chromium",
                is_here: || {
                    ["chromium", "chromium-browser", "google-chrome"]
                        .iter()
                        .any(|name| answers(name, &["--version"]))
                },
                packages: &["chromium|chromium-browser"],
            },
            Self::Postgres => Tool {
                name: "a PostgreSQL server",
                is_here: || has_program("postgres") && has_program("initdb"),
                packages: &["postgresql"],
            },
            Self::MariaDb => Tool {
                name: "a MariaDB server",
                is_here: || has_program("mariadbd") && has_program("mariadb-install-db"),
                packages: &["mariadb-server"],
            },
            Self::TutorialTools => Tool {
                name: "bash, jq and zstd",
                is_here: || ["bash", "jq", "zstd"].iter().all(|name| answers(name, &["--version"])),
                packages: &["bash", "jq", "zstd"],
            },
            Self::Node => {
                Tool { name: "Node.js 18 or newer with npm", is_here: has_node, packages: &["nodejs", "npm"] }
            }
        }
    }
}

/// The simulator that finds data races in OpenCL kernels; the tests load it as a driver.
const OCLGRIND: &str = "/usr/lib/oclgrind/liboclgrind-rt-icd.so";

/// Makes sure that all of `needs` are met: installs what is missing where it may, else fails with
/// the command that would.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    shell::note(&format!("missing on this machine: {}", names(&missing)));
    if missing.contains(&Need::RustComponents) {
        run(&words("rustup component add rustfmt clippy"))?;
    }
    let packages = packages_of(&missing, |package| answers("apt-cache", &["show", package]));
    if !packages.is_empty() {
        install(&packages)?;
    }
    let still = self::missing(&missing);
    if !still.is_empty() {
        bail!("still missing after installing: {}\n\nhint: {}", names(&still), by_hand(&packages));
    }
    Ok(())
}

/// Whether `program` starts with these arguments and exits without error.
pub(crate) fn answers(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn missing(needs: &[Need]) -> Vec<Need> {
    needs.iter().copied().filter(|need| !(need.tool().is_here)()).collect()
}

fn names(needs: &[Need]) -> String {
    needs.iter().map(|need| need.tool().name).collect::<Vec<_>>().join(", ")
}

/// The packages of `needs`, each alternative settled by what apt `offers`, else by its first name.
fn packages_of(needs: &[Need], offers: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut packages = Vec::new();
    for alternatives in needs.iter().flat_map(|need| need.tool().packages) {
        let first = alternatives.split('|').next();
        packages.extend(alternatives.split('|').find(|package| offers(package)).or(first));
    }
    packages
}

fn by_hand(packages: &[&str]) -> String {
    format!("on Debian or Ubuntu run: sudo apt-get install {}", packages.join(" "))
}

/// Installs Debian packages as root or through a sudo that asks nothing.
fn install(packages: &[&str]) -> Result<()> {
    let prefix: &[&str] = if !answers("apt-get", &["--version"]) {
        bail!("this machine has no apt-get\n\nhint: install what is missing with its own package manager");
    } else if output_of("id", &["-u"]).trim() == "0" {
        &[]
    } else if answers("sudo", &["-n", "true"]) {
        &["sudo", "-n"]
    } else {
        bail!("no right to install packages here\n\nhint: {}", by_hand(packages));
    };
    let apt = [prefix, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]].concat();
    run(&[&apt[..], &["update", "-qq"]].concat())?;
    run(&[&apt[..], &["install", "-y", "-qq", "--no-install-recommends"], packages].concat())
}

fn words(command: &str) -> Vec<&str> {
    command.split(' ').collect()
}

fn run(command: &[&str]) -> Result<()> {
    shell::note(&format!("$ {}", command.join(" ")));
    // The package manager's own report belongs to stderr: stdout is for this program's result.
    let status =
        Command::new(command[0]).args(&command[1..]).stdin(Stdio::null()).stdout(std::io::stderr()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("{}: {status}", command.join(" ")),
        Err(error) => bail!("{} could not be started: {error}", command[0]),
    }
}

fn output_of(program: &str, arguments: &[&str]) -> String {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The first number of a program's `--version`.
fn version_of(program: &str) -> Option<u32> {
    first_number(&output_of(program, &["--version"]))
}

fn first_number(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    digits.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

fn has_node() -> bool {
    version_of("node").is_some_and(|version| version >= NODE_MINIMUM) && answers("npm", &["--version"])
}

/// Whether a server's program is there. Distributions keep servers outside of everybody's path.
fn has_program(name: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders = std::env::split_paths(&paths)
        .chain([Path::new("/usr/sbin").to_path_buf()])
        .chain(versions.map(|version| version.path().join("bin")));
    folders.any(|folder| folder.join(name).is_file())
}

fn has_clang() -> bool {
    let plain = version_of("clang").is_some_and(|version| version >= CLANG_MINIMUM);
    plain
        || (CLANG_MINIMUM..=CLANG_NEWEST_TRIED)
            .any(|version| answers(&format!("clang-{version}"), &["--version"]))
}

/// The loader finds its drivers through `*.icd` files, by default in `/etc/OpenCL/vendors`.
fn has_opencl() -> bool {
    let loader = ["/sbin/ldconfig", "ldconfig"]
        .iter()
        .any(|ldconfig| output_of(ldconfig, &["-p"]).contains("libOpenCL.so.1"));
    let vendors = std::env::var("OCL_ICD_VENDORS").unwrap_or_else(|_| "/etc/OpenCL/vendors".to_owned());
    let has_driver = is_kind(&vendors, "icd")
        || std::fs::read_dir(Path::new(&vendors)).is_ok_and(|entries| {
            entries.flatten().any(|entry| is_kind(&entry.file_name().to_string_lossy(), "icd"))
        });
    loader && has_driver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_package_that_apt_offers_is_chosen() {
        assert_eq!(packages_of(&[Need::Clang], |package| package == "clang-18"), ["clang-18"]);
        assert_eq!(packages_of(&[Need::Clang], |_| false), ["clang-15"]);
        assert_eq!(
            packages_of(&[Need::Python, Need::Node], |_| true),
            ["python3", "python3-venv", "nodejs", "npm"]
        );
    }

    #[test]
    fn versions_are_read_from_what_programs_print() {
        assert_eq!(first_number("v20.19.2\n"), Some(20));
        assert_eq!(first_number("Debian clang version 15.0.6"), Some(15));
        assert_eq!(first_number(""), None);
    }

    #[test]
    fn a_program_that_is_not_there_does_not_answer() {
        assert!(!answers("no-such-program", &[]));
        assert!(answers("sh", &["-c", "exit 0"]));
        assert!(!answers("sh", &["-c", "exit 1"]));
    }

    #[test]
    fn the_hint_is_a_command_that_can_be_pasted() {
        assert!(by_hand(&["nodejs", "npm"]).ends_with("sudo apt-get install nodejs npm"));
    }
}
