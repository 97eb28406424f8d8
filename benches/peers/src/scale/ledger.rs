//! The ledger with a row for each of many persons.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use medrec_anonymizer::ledger::{Charge, Ledger, Payers};
use medrec_benches::statistics::as_f64;
use medrec_domain::identifier::PersonId;
use medrec_domain::{Digest, Rho};

use crate::document::Row;

/// Charges so many persons twice, each for what she is in, and times every step of the second release: by then
/// everybody has a row.
pub(super) fn charged(home: &Path, persons: u64) -> anyhow::Result<Row> {
    let folder = home.join("ledger");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let (file, key) = (folder.join("ledger.redb"), folder.join("ledger.key"));
    let ledger = Ledger::create(&file, &key, &"1".parse()?)?;
    let price: Rho = "1/64".parse()?;
    let id = |number: u64| PersonId(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut losses = BTreeMap::new();
    for number in 0..persons {
        losses.insert(id(number), Rho::from_ratio(1 + number % 1_000, 64_000)?);
    }
    let first = Digest([1; 32]);
    let charge = Charge { price, payers: Payers::Each(losses.clone()) };
    ledger.reserve(first, first, &charge)?;
    ledger.store_noise(first, &[vec![0; 10]])?;
    ledger.commit(first, first, b"")?;

    let second = Digest([2; 32]);
    let mut figures = vec![("persons", as_f64(persons))];
    let start = Instant::now();
    ledger.over_caps(second, &losses)?;
    figures.push(("over_caps_seconds", start.elapsed().as_secs_f64()));
    let start = Instant::now();
    ledger.reserve(second, second, &charge)?;
    figures.push(("reserve_seconds", start.elapsed().as_secs_f64()));
    let start = Instant::now();
    ledger.store_noise(second, &[vec![0; 10]])?;
    figures.push(("store_noise_seconds", start.elapsed().as_secs_f64()));
    let start = Instant::now();
    ledger.commit(second, second, b"")?;
    figures.push(("commit_seconds", start.elapsed().as_secs_f64()));
    let start = Instant::now();
    ledger.over_caps_of_everybody(Digest([3; 32]), &charge.price)?;
    figures.push(("census_check_seconds", start.elapsed().as_secs_f64()));
    let start = Instant::now();
    ledger.person(id(persons / 2))?;
    figures.push(("person_seconds", start.elapsed().as_secs_f64()));
    drop(ledger);
    let start = Instant::now();
    Ledger::open(&file, &key)?;
    figures.push(("open_seconds", start.elapsed().as_secs_f64()));
    figures.push(("file_mib", as_f64(std::fs::metadata(&file)?.len()) / 1_048_576.0));
    std::fs::remove_dir_all(&folder)?;
    Ok(Row::new("ledger", "medrec ledger", &figures))
}
