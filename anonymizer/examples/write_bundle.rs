//! Writes a bundle of made-up figures, for the oracles that read it with other people's software.
//!
//! `write_bundle FOLDER [census|small|foreign]`. Not the product's data path: no record is behind these numbers.

#![expect(clippy::unwrap_used, reason = "an example whose values are known to be valid")]

#[path = "../tests/support/parts.rs"]
mod parts;
#[path = "../tests/support/synthetic.rs"]
mod synthetic;
#[path = "../tests/support/withholding.rs"]
mod withholding;
#[path = "../tests/support/workloads.rs"]
mod workloads;

use std::path::PathBuf;

use medrec_anonymizer::bundle::{Padding, Signer as _, VerifyOptions, WriteOptions, archive, verify, write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: write_bundle FOLDER [census|small|foreign]")?);
    let (workload, persons) = workloads::named(arguments.next().as_deref().unwrap_or("census"));
    let rho = "1/20".parse()?;
    let tables = synthetic::tables(&workload, &synthetic::organisations(), parts::window(), persons, &rho);
    let signer = parts::TestSigner::new(7);
    let occasion = if persons > 50_000.0 { parts::bounty(signer.address()) } else { parts::stand_alone() };
    let input = parts::parts(&workload, &tables, occasion, &rho, Some(&signer));
    write(&folder, &input, WriteOptions { replace: true })?;
    let packed = folder.with_extension("tar.zst");
    if packed.exists() {
        std::fs::remove_file(&packed)?;
    }
    archive(&folder, &packed, Padding::None)?;
    let verification = verify(&packed, &VerifyOptions::default())?;
    let failed =
        verification.checks.iter().find(|check| check.outcome == medrec_anonymizer::bundle::Outcome::Failed);
    match failed {
        None => Ok(()),
        Some(check) => Err(format!("{}: {}", check.name, check.detail).into()),
    }
}
