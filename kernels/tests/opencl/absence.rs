//! Machines without OpenCL: the program starts, and says at once what is missing.

use std::time::Instant;

use medrec_kernels::opencl::{OpenClError, platforms};

use crate::support::{is_child, run_as_child};

/// In the child: tells the parent what the listing answered.
#[expect(clippy::print_stdout, reason = "the parent reads the child's standard output")]
fn report_listing() {
    let start = Instant::now();
    let error = platforms().err();
    let kind = match error {
        Some(OpenClError::LoaderMissing) => "loader missing",
        Some(OpenClError::NoPlatform) => "no platform",
        _ => "something else",
    };
    let message = error.map(|error| error.to_string()).unwrap_or_default();
    let milliseconds = start.elapsed().as_millis();
    println!("answer: {kind}; {milliseconds} ms; {message}");
    assert!(milliseconds < 1000, "listing took {milliseconds} ms");
}

#[test]
fn without_a_loader_the_listing_says_so_at_once() {
    if is_child() {
        return report_listing();
    }
    // The dynamic linker finds this file first, and it is no library.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("libOpenCL.so.1"), "").unwrap();
    let folder = folder.path().to_str().unwrap();
    let stdout =
        run_as_child("absence::without_a_loader_the_listing_says_so_at_once", &[("LD_LIBRARY_PATH", folder)]);
    assert!(stdout.contains("answer: loader missing"), "{stdout}");
    assert!(stdout.contains("no OpenCL on this machine") && stdout.contains("hint: install"), "{stdout}");
}

#[test]
fn without_a_driver_the_listing_says_something_else() {
    if is_child() {
        return report_listing();
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let name = "absence::without_a_driver_the_listing_says_something_else";
    let stdout = run_as_child(name, &[("OCL_ICD_VENDORS", folder)]);
    assert!(stdout.contains("answer: no platform"), "{stdout}");
    assert!(stdout.contains("no driver is registered"), "{stdout}");
}
