//! Bundles as their readers meet them: written, packed, changed, forged, verified.

#![expect(clippy::unwrap_used, reason = "the parts of made-up bundles are known to be valid")]

#[path = "bundle/flipped.rs"]
mod flipped;
#[path = "bundle/forged.rs"]
mod forged;
#[path = "support/parts.rs"]
mod parts;
#[path = "bundle/shards.rs"]
mod shards;
#[path = "support/synthetic.rs"]
mod synthetic;
#[path = "support/withholding.rs"]
mod withholding;
#[path = "support/workloads.rs"]
mod workloads;
#[path = "bundle/written.rs"]
mod written;

use medrec_anonymizer::bundle::{
    BundleInput, Check, Files, Outcome, Signer as _, Verification, VerifyOptions, render, verify_files,
};
use medrec_anonymizer::figures::TableFigures;
use medrec_domain::identifier::Address;

/// The tables of the small bundle.
fn small_tables() -> Vec<TableFigures> {
    let (workload, persons) = workloads::named("small");
    synthetic::tables(
        &workload,
        &synthetic::organisations(),
        parts::window(),
        persons,
        &"1/20".parse().unwrap(),
    )
}

/// The parts of the small bundle: stand-alone and signed.
fn small<'a>(tables: &'a [TableFigures], signer: Option<&'a parts::TestSigner>) -> BundleInput<'a> {
    let signer = signer.map(|signer| signer as &dyn medrec_anonymizer::bundle::Signer);
    parts::parts(&workloads::named("small").0, tables, parts::stand_alone(), &"1/20".parse().unwrap(), signer)
}

fn small_files(signer: Option<&parts::TestSigner>) -> Files {
    render(&small(&small_tables(), signer)).unwrap().1
}

fn failed(verification: &Verification) -> Vec<&Check> {
    verification.checks.iter().filter(|check| check.outcome == Outcome::Failed).collect()
}

/// The first failed check's name, with its detail.
fn verdict(files: &Files) -> (String, String) {
    let verification = verify_files(files, &VerifyOptions::default());
    let check = failed(&verification).first().map(|check| (check.name.to_owned(), check.detail.clone()));
    assert_eq!(verification.valid, check.is_none());
    check.unwrap_or_default()
}

#[test]
fn every_made_up_bundle_is_valid_and_every_check_was_made() {
    for name in ["small", "foreign", "census"] {
        let (workload, persons) = workloads::named(name);
        let rho = "1/20".parse().unwrap();
        let tables =
            synthetic::tables(&workload, &synthetic::organisations(), parts::window(), persons, &rho);
        let signer = parts::TestSigner::new(7);
        let input = parts::parts(&workload, &tables, parts::bounty(signer.address()), &rho, Some(&signer));
        let (manifest, files) = render(&input).unwrap();
        let verification = verify_files(&files, &VerifyOptions::default());
        assert!(verification.valid, "{name}: {:?}", failed(&verification));
        assert!(verification.checks.iter().all(|check| check.outcome == Outcome::Passed), "{name}");
        assert_eq!(verification.checks.len(), 12);
        assert_eq!(verification.signer, Some(signer.address()));
        assert_eq!(verification.manifest, Some(manifest));
        let again = render(&input).unwrap().1;
        assert_eq!(files, again, "{name} has not the same bytes twice");
    }
}

#[test]
fn an_unsigned_bundle_says_so_and_is_refused_where_a_signature_is_asked_for() {
    let files = small_files(None);
    let verification = verify_files(&files, &VerifyOptions::default());
    assert!(verification.valid && verification.signer.is_none());
    let signature = verification.checks.iter().find(|check| check.name == "signature").unwrap();
    assert!(signature.detail.contains("not signed"), "{}", signature.detail);
    let strict = VerifyOptions { require_signature: true, ..VerifyOptions::default() };
    assert!(!verify_files(&files, &strict).valid);
    let somebody = VerifyOptions { signer: Some(Address([1; 20])), ..VerifyOptions::default() };
    assert!(!verify_files(&files, &somebody).valid);
}

#[test]
fn the_result_is_readable_by_programs() {
    let json = serde_json::to_value(verify_files(&small_files(None), &VerifyOptions::default())).unwrap();
    assert_eq!(json["valid"], true);
    assert_eq!(json["checks"][0]["outcome"], "passed");
    assert_eq!(json["manifest"]["occasion"]["kind"], "stand-alone");
}
