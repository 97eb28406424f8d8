//! What a test puts between a process and the system: a clock that runs ahead, a kill at one write, a full disk.
//!
//! The program is the one that users run; nothing in it knows of this. Linux alone has `LD_PRELOAD`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// The library, compiled once for each process of tests.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = LIBRARY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preload.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/chain/preload.c");
        let compiled = Command::new("cc")
            .args(["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o"])
            .args([&path, &source])
            .args(["-ldl", "-lpthread"])
            .output()
            .expect("the linker that Rust needs is there");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        (folder, path)
    });
    path
}

/// Has the command's process, and its alone, run with a clock that is ahead.
pub(crate) fn ahead(command: &mut Command, seconds: u64) {
    command.env("LD_PRELOAD", library()).env("PRELOAD_AHEAD_S", seconds.to_string());
}

/// Something that can go wrong with a process, at a moment that the test chooses.
#[derive(Debug, Clone)]
pub(crate) struct Fault(PathBuf);

impl Fault {
    /// A fault of processes that are started with it. Nothing goes wrong yet.
    pub(crate) fn new(file: PathBuf) -> Self {
        Self(file)
    }

    /// Puts it between a process and the system.
    pub(crate) fn put(&self, command: &mut Command) {
        command.env("LD_PRELOAD", library()).env("PRELOAD_FAULT", &self.0);
    }

    /// Says what goes wrong from now on, as `preload.c` describes.
    pub(crate) fn arm(&self, what: &str) {
        // A file that is half there would say something else.
        let beside = self.0.with_extension("new");
        fs::write(&beside, what).unwrap();
        fs::rename(&beside, &self.0).unwrap();
    }

    /// Nothing goes wrong any more; what was counted, a line each.
    pub(crate) fn disarm(&self) -> Vec<String> {
        fs::remove_file(&self.0).unwrap();
        let log = PathBuf::from(format!("{}.log", self.0.display()));
        let lines = fs::read_to_string(&log).unwrap_or_default();
        let _ = fs::remove_file(&log);
        lines.lines().map(str::to_owned).collect()
    }
}
