//! chfast's ethash in C++ (the code behind the Python package `ethash`), through `drivers/chfast.cpp`.

use std::path::Path;

use medrec_benches::BenchError;
use medrec_benches::definition::ethash::{GOLDEN_HASH, GOLDEN_HEADER, GOLDEN_NONCE};
use medrec_benches::definition::{expect_answer, hex, keccak::messages};
use medrec_kernels::ethash::{LightCache, reference};
use medrec_kernels::keccak;

use crate::driver::{Driven, Driver};
use crate::sources::{self, Absent, build_folder, compile, driver_source};

/// Its name in tables.
pub(crate) const NAME: &str = "chfast ethash 1.1.0 (C++)";

/// Compiles the driver; the answer is the path of its binary.
pub(crate) fn build() -> Result<std::path::PathBuf, Absent> {
    let source = sources::chfast()?;
    let source = source.canonicalize().unwrap_or(source);
    let folder = build_folder("chfast")?;
    let at = |path: &str| source.join(path).display().to_string();
    let flags = ["-O3", "-DNDEBUG"].map(str::to_owned);
    let includes = [format!("-I{}", at("include")), format!("-I{}", source.display())];
    for (file, object) in [("lib/keccak/keccak.c", "keccak.o"), ("lib/ethash/primes.c", "primes.o")] {
        let rest = ["-c".to_owned(), at(file), "-o".to_owned(), object.to_owned()];
        compile("gcc", &[&flags[..], &includes, &rest].concat(), &folder)?;
    }
    let program = [
        "-std=c++17".to_owned(),
        "-pthread".to_owned(),
        driver_source("chfast.cpp"),
        at("lib/ethash/ethash.cpp"),
        "keccak.o".to_owned(),
        "primes.o".to_owned(),
        "-o".to_owned(),
        "chfast".to_owned(),
    ];
    compile("g++", &[&flags[..], &includes, &program].concat(), &folder)?;
    Ok(folder.join("chfast"))
}

/// Keccak-256 of messages of `message_bytes` bytes.
pub(crate) fn keccak256(driver: &Driver, threads: usize, message_bytes: usize) -> Driven {
    let check = move |driver: &Driver| {
        let message = messages(message_bytes, 1, 7);
        for (hexadecimal, message) in [("-".to_owned(), &[][..]), (hex(&message), &message[..])] {
            let answer = driver.ask(&format!("keccak256-of {hexadecimal}"))?.concat();
            let expected = hex(&keccak::reference::keccak256(message));
            let case = format!("a message of {} bytes", message.len());
            expect_answer(driver.name(), &case, expected.as_bytes(), answer.as_bytes())?;
        }
        Ok(format!("messages of 0 and {message_bytes} bytes against the reference"))
    };
    Driven {
        check: Box::new(check),
        command: Box::new(move |seconds, _| format!("keccak256 {threads} {seconds} {message_bytes}")),
        ..driven(driver, "keccak-256", "hash", threads)
    }
}

/// Whole light caches of `epoch`.
pub(crate) fn light_cache(driver: &Driver, epoch: u64) -> Driven {
    Driven {
        check: Box::new(move |driver| {
            driver.ask(&format!("light {epoch}"))?;
            golden(driver, "hash")
        }),
        command: Box::new(move |seconds, _| format!("cache {epoch} {seconds}")),
        ..driven(driver, "light-cache", "row", 1)
    }
}

/// Light hashes, one by one, from the light cache of epoch 0.
pub(crate) fn light_hash(driver: &Driver, threads: usize) -> Driven {
    Driven {
        check: Box::new(|driver| {
            driver.ask("light 0")?;
            golden(driver, "hash")
        }),
        command: Box::new(move |seconds, _| format!("light-hash {threads} {seconds}")),
        ..driven(driver, "light-hash", "hash", threads)
    }
}

/// Dataset items of epoch 0, computed and thrown away.
pub(crate) fn items(driver: &Driver, threads: usize, cache: &LightCache) -> Driven {
    let expected = [0, 1, 1_000_001].map(|index| (index, reference::bytes_of(&cache.item(index))));
    let check = move |driver: &Driver| {
        driver.ask("light 0")?;
        for (index, item) in &expected {
            let answer = driver.ask(&format!("item {index}"))?.concat();
            expect_answer(driver.name(), &format!("item {index}"), hex(item).as_bytes(), answer.as_bytes())?;
        }
        Ok(format!("{} items of epoch 0 against medrec's", expected.len()))
    };
    Driven {
        check: Box::new(check),
        command: Box::new(move |seconds, _| format!("items {threads} {seconds}")),
        ..driven(driver, "dataset-part", "item", threads)
    }
}

/// The whole dataset of epoch 0; each sample takes minutes.
pub(crate) fn dataset(driver: &Driver, threads: usize) -> Driven {
    Driven {
        check: Box::new(|driver| {
            driver.ask("full 0 huge")?;
            driver.ask("light 0")?;
            golden(driver, "hash")
        }),
        command: Box::new(move |_, _| format!("fill {threads}")),
        ..driven(driver, "dataset", "item", threads)
    }
}

/// Gives the driver the dataset of epoch 0 from a file of bare items, on `huge` or `4k` pages.
pub(crate) fn load(driver: &Driver, pages: &str, items: &Path) -> Result<(), BenchError> {
    driver.ask(&format!("full 0 {pages}"))?;
    driver.ask(&format!("load 0 {}", items.display()))?;
    golden(driver, "hash-full").map(|_| ())
}

/// Full search over a loaded dataset.
pub(crate) fn search(driver: &Driver, threads: usize, pages: &'static str) -> Driven {
    let header = hex(&GOLDEN_HEADER);
    Driven {
        pages: Some(pages),
        check: Box::new(|driver| golden(driver, "hash-full")),
        command: Box::new(move |seconds, taken| {
            // Samples never repeat a nonce; each thread has 2^40 for itself.
            let start = taken << 48;
            format!("search {threads} {seconds} {start} {header}")
        }),
        ..driven(driver, "search", "hash", threads)
    }
}

fn driven(driver: &Driver, measure: &'static str, unit: &'static str, threads: usize) -> Driven {
    Driven {
        driver: driver.clone(),
        measure,
        unit,
        threads,
        pages: None,
        check: Box::new(|_| Ok(String::new())),
        command: Box::new(|_, _| String::new()),
        taken: 0,
    }
}

/// The golden vector of epoch 0, by `hash` (from the light cache) or `hash-full` (from the dataset).
fn golden(driver: &Driver, command: &str) -> Result<String, BenchError> {
    let answer = driver.ask(&format!("{command} {} {GOLDEN_NONCE}", hex(&GOLDEN_HEADER)))?.join(" ");
    let expected = format!("{} {}", hex(&GOLDEN_HASH.mix_hash), hex(&GOLDEN_HASH.result));
    expect_answer(driver.name(), "golden vector of epoch 0", expected.as_bytes(), answer.as_bytes())?;
    Ok("golden vector of epoch 0".to_owned())
}
