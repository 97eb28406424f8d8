//! A release build has no door: the compiler does not even read its source.
//!
//! The workspace's own profiles decide, so a profile that switches debug assertions on for a release fails here.

use std::path::Path;
use std::process::Command;

/// Source files that the compiler read for this package, as cargo's dependency file lists them.
fn sources(profile: &str, target: &Path) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["check", "--package", env!("CARGO_PKG_NAME"), "--lib", "--offline", "--profile", profile])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", target)
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = target.join(if profile == "dev" { "debug" } else { profile }).join("deps");
    let files = std::fs::read_dir(&folder).expect("cargo leaves its dependency files");
    let ours = files.map(|file| file.expect("a file").path()).find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("openssl-") && path.extension().is_some_and(|kind| kind == "d")
    });
    std::fs::read_to_string(ours.expect("the package's dependency file")).expect("it is a text")
}

#[test]
fn a_release_build_does_not_read_the_source_of_the_door_and_a_debug_build_does() {
    let target = tempfile::tempdir().expect("a folder");
    let release = sources("release", target.path());
    assert!(release.contains("generator/src/rand.rs"), "{release}");
    assert!(!release.contains("door.rs"), "{release}");
    // The question tells the two apart.
    assert!(sources("dev", target.path()).contains("generator/src/door.rs"));
}
