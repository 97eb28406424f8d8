//! XKCP's eight-way Keccak in AVX-512 registers, through `drivers/xkcp.cpp`.

use medrec_benches::BenchError;
use medrec_benches::definition::expect_answer;
use medrec_benches::definition::keccak::messages;
use medrec_kernels::keccak::reference;

use crate::driver::{Driven, Driver};
use crate::sources::{self, Absent, build_folder, compile, driver_source};

/// Its name in tables.
pub(crate) const NAME: &str = "XKCP times8 AVX-512";

/// Compiles the driver and starts it.
pub(crate) fn start() -> Result<Driver, Absent> {
    if !std::arch::is_x86_feature_detected!("avx512f") || !std::arch::is_x86_feature_detected!("avx512vl") {
        let reason = "this processor has no AVX-512".to_owned();
        return Err(Absent { reason, hint: "run on a processor with AVX-512 F and VL" });
    }
    let library = sources::xkcp()?.join("lib");
    let library = library.canonicalize().unwrap_or(library);
    let low = library.join("low/KeccakP-1600-times8/AVX512");
    let folder = build_folder("xkcp")?;
    let include = |path: &std::path::Path| format!("-I{}", path.display());
    let common: Vec<String> = vec![
        "-O3".to_owned(),
        "-mavx512f".to_owned(),
        "-mavx512vl".to_owned(),
        include(&library.join("common")),
        include(&low),
        include(&low.join("u12")),
    ];
    let source = low.join("KeccakP-1600-times8-SIMD512.c").display().to_string();
    let object = ["-c".to_owned(), source, "-o".to_owned(), "times8.o".to_owned()];
    compile("gcc", &[common.clone(), object.to_vec()].concat(), &folder)?;
    let program = ["-std=c++17", "-pthread", &driver_source("xkcp.cpp"), "times8.o", "-o", "xkcp"];
    compile("g++", &[common, program.map(str::to_owned).to_vec()].concat(), &folder)?;
    Driver::start(NAME, &folder.join("xkcp"))
        .map_err(|error| Absent { reason: error.to_string(), hint: "rebuild the driver" })
}

/// Keccak-256 of messages of `message_bytes` bytes, which must be whole lanes of one block.
pub(crate) fn keccak256(driver: &Driver, threads: usize, message_bytes: usize) -> Driven {
    Driven {
        driver: driver.clone(),
        measure: "keccak-256",
        unit: "hash",
        threads,
        pages: None,
        check: Box::new(move |driver| check(driver, message_bytes)),
        command: Box::new(move |seconds, _| format!("keccak256 {threads} {seconds} {message_bytes}")),
        taken: 0,
    }
}

fn check(driver: &Driver, message_bytes: usize) -> Result<String, BenchError> {
    let messages = messages(message_bytes, 8, 7);
    let hex = medrec_benches::definition::hex(&messages);
    let answer = driver.ask(&format!("keccak256-of {hex}"))?.concat();
    let expected: Vec<u8> = messages.chunks_exact(message_bytes).flat_map(reference::keccak256).collect();
    let expected = medrec_benches::definition::hex(&expected);
    expect_answer(driver.name(), "eight messages side by side", expected.as_bytes(), answer.as_bytes())?;
    Ok("eight different messages side by side against the reference".to_owned())
}
