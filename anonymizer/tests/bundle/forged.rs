//! Bundles by a publisher who lies consistently: digests and signature are right, the story is not.

use std::sync::Arc;

use medrec_anonymizer::bundle::{
    Files, SignatureFile, VerifyOptions, recover, render, signing_digest, verify_files,
};
use medrec_anonymizer::figures::{Statistic, TableFigures};
use medrec_domain::identifier::ChainId;
use medrec_domain::manifest::FileDigest;
use medrec_domain::{Digest, Manifest, canonical, keccak256};

use crate::{parts, small, small_files, small_tables, verdict};

/// Changes files, then makes manifest and digests fit again, as a publisher could.
fn reforged(change: impl Fn(&mut Files, &mut Manifest)) -> Files {
    let mut files = small_files(None);
    let mut manifest = Manifest::from_canonical_bytes(&files["manifest.json"]).unwrap();
    change(&mut files, &mut manifest);
    for (path, digest) in &mut manifest.files {
        *digest = files.get(path).map_or_else(|| digest.clone(), |bytes| FileDigest::of(bytes));
    }
    let bytes = canonical::encode(&manifest).unwrap();
    let mut signature: SignatureFile = serde_json::from_slice(&files["signature.json"]).unwrap();
    signature.manifest = keccak256(&bytes);
    files.insert("manifest.json".into(), bytes);
    files.insert("signature.json".into(), canonical::encode(&signature).unwrap());
    files
}

/// A bundle of changed figures, written by the writer itself.
fn with_tables(change: impl Fn(&mut Vec<TableFigures>)) -> Files {
    let mut tables = small_tables();
    change(&mut tables);
    render(&small(&tables, None)).unwrap().1
}

fn assert_refused(files: &Files, check: &str, because: &str) {
    let (name, detail) = verdict(files);
    assert_eq!(name, check, "{detail}");
    assert!(detail.contains(because), "{detail}");
}

#[test]
fn reforging_without_a_change_is_still_the_same_bundle() {
    assert_eq!(reforged(|_, _| {}), small_files(None));
}

#[test]
fn a_report_or_descriptor_that_tells_another_story_is_refused() {
    for path in ["report.html", "README.md", "datapackage.json", "croissant.json", "measure-report.ndjson"] {
        let files = reforged(|files, _| {
            let text = String::from_utf8(files[path].clone()).unwrap().replacen('1', "2", 1);
            files.insert(path.into(), text.into_bytes());
        });
        assert_refused(&files, "derived", path);
    }
}

#[test]
fn a_csv_that_differs_from_its_parquet_is_refused() {
    let files = reforged(|files, _| {
        let text =
            String::from_utf8(files["tables/people.csv"].clone()).unwrap().replacen(",false", ",true", 1);
        files.insert("tables/people.csv".into(), text.into_bytes());
    });
    assert_refused(&files, "tables", "does not say what");
}

#[test]
fn files_that_the_format_does_not_have_are_refused_even_when_listed() {
    let files = reforged(|files, manifest| {
        files.insert("notes.txt".into(), b"buy now".to_vec());
        manifest.files.insert("notes.txt".into(), FileDigest::of(b""));
    });
    assert_refused(&files, "files", "notes.txt is not a file of this format");
    let files = reforged(|files, manifest| {
        files.remove("croissant.json");
        manifest.files.remove("croissant.json");
    });
    assert_refused(&files, "files", "croissant.json is not in the manifest");
}

#[test]
fn statements_about_privacy_that_are_too_good_are_refused() {
    let noise = |change: fn(&mut medrec_domain::manifest::MeasureNoise)| {
        reforged(move |_, manifest| change(&mut manifest.tables[0].noise[0]))
    };
    assert_refused(&noise(|own| own.scale = "1".parse().unwrap()), "noise", "is charged");
    assert_refused(
        &noise(|own| own.sensitivity = "1/2".parse().unwrap()),
        "noise",
        "one person can move it by 1",
    );
    assert_refused(&noise(|own| own.scale = "0".parse().unwrap()), "noise", "scale 0");
    let claimed = |epsilon: &'static str| {
        reforged(move |_, manifest| manifest.privacy.epsilon[1].epsilon = epsilon.parse().unwrap())
    };
    assert_refused(&claimed("0.5"), "epsilon", "no conversion of rho gives so little");
    assert_refused(&claimed("9"), "epsilon", "at most");
    // The tight conversion of rho 0.05 at delta 1e-7 is 1.62; the classic bound 1.85 is honest too.
    let (name, detail) = verdict(&claimed("1.62"));
    assert_ne!(name, "epsilon", "{detail}");
    let files = small_files(None);
    let exact = |_: &medrec_domain::Rho, _: &str| Some("3".parse().unwrap());
    let options = VerifyOptions { epsilon_at: Some(&exact), ..VerifyOptions::default() };
    assert!(!verify_files(&files, &options).valid);
}

#[test]
fn another_query_than_the_one_named_is_refused() {
    let files = reforged(|files, _| {
        let text = String::from_utf8(files["workload.json"].clone()).unwrap();
        files.insert(
            "workload.json".into(),
            text.replace("\"small_cell_threshold\":11", "\"small_cell_threshold\":5").into_bytes(),
        );
    });
    assert_refused(&files, "query", "is not the query");
    let files = reforged(|_, manifest| manifest.tables[0].query.rows_per_person = 2);
    assert!(["query", "noise"].contains(&verdict(&files).0.as_str()));
}

#[test]
fn rows_that_are_missing_repeated_or_out_of_order_are_refused() {
    type Change = fn(&mut Vec<TableFigures>);
    let changes: [Change; 6] = [
        |tables| drop(tables[0].figures.pop()),
        |tables| tables[0].figures.swap(0, 1),
        |tables| {
            let first = tables[1].figures[0].clone();
            tables[1].figures.insert(0, first);
        },
        |tables| drop(tables[0].raw.remove(3)),
        |tables| tables[1].raw[0].component = 1,
        |tables| tables[0].figures[2].cell = ["Berkshire", "=1+1"].map(Arc::from).into(),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let (name, detail) = verdict(&with_tables(change));
        assert_eq!(name, "tables", "change {index}: {detail}");
    }
}

#[test]
fn counts_totals_and_small_cells_are_held_to_their_rules() {
    let at = |tables: &mut Vec<TableFigures>, estimate: f64| {
        let open = tables[0].figures.iter_mut().find(|figure| !figure.withheld).unwrap();
        open.estimate = Some(estimate);
    };
    let mut tables = small_tables();
    tables[1].figures[0].estimate = Some(-1.0);
    let unwritten = render(&small(&tables, None)).unwrap_err().to_string();
    assert!(unwritten.contains("-1 is not a count"), "{unwritten}");
    assert_refused(
        &with_tables(|tables| tables[1].figures[1].estimate = Some(21.0)),
        "counts",
        "outside the bounds",
    );
    assert_refused(&with_tables(|tables| at(tables, 7.0)), "counts", "below the threshold");
    let reversed = |tables: &mut Vec<TableFigures>| {
        (tables[1].figures[0].lower, tables[1].figures[0].upper) = (Some(5.0), Some(4.0));
    };
    assert_refused(&with_tables(reversed), "counts", "ends before it starts");
    let total = |tables: &mut Vec<TableFigures>| {
        for figure in &mut tables[0].figures {
            (figure.withheld, figure.estimate) =
                (false, Some(if figure.level.is_some() { 61.0 } else { 20.0 }));
        }
    };
    assert_refused(&with_tables(total), "totals", "their total says 61");
}

#[test]
fn a_withheld_figure_that_can_be_worked_out_is_refused() {
    let one_part = |tables: &mut Vec<TableFigures>| {
        for figure in &mut tables[0].figures {
            let is_total = figure.level.is_some();
            (figure.withheld, figure.estimate) = (false, Some(if is_total { 60.0 } else { 20.0 }));
        }
        let figure = &mut tables[0].figures[0];
        (figure.withheld, figure.estimate, figure.standard_error, figure.lower, figure.upper) =
            (true, None, None, None, None);
        tables[0].raw[0].value = None;
    };
    assert_refused(&with_tables(one_part), "totals", "is its total less the others");
    let raw = |tables: &mut Vec<TableFigures>| {
        let hidden = tables[0].figures.iter().position(|figure| figure.withheld).unwrap();
        tables[0].raw[hidden].value = Some(4);
    };
    assert_refused(&with_tables(raw), "withheld", "has its raw integer");
}

#[test]
fn figures_that_no_file_can_hold_are_not_written() {
    let refused = |change: fn(&mut TableFigures)| {
        let mut tables = small_tables();
        change(&mut tables[1]);
        render(&small(&tables, None)).unwrap_err().to_string()
    };
    assert!(refused(|table| table.figures[1].estimate = Some(f64::NAN)).contains("not a finite number"));
    assert!(refused(|table| table.figures[1].withheld = true).contains("a withheld figure has a number"));
    assert!(refused(|table| table.figures[1].measure = 9).contains("does not have"));
    assert!(refused(|table| table.figures[0].cell = [Arc::from("x")].into()).contains("does not have"));
    let is_bin = |statistic: &Statistic| matches!(statistic, Statistic::Bin { .. });
    assert!(small_tables()[1].figures.iter().any(|figure| is_bin(&figure.statistic)));
}

#[test]
fn a_signature_of_another_key_manifest_or_chain_is_refused() {
    let signer = parts::TestSigner::new(7);
    let original = small_files(Some(&signer));
    let swapped = |change: &dyn Fn(&mut SignatureFile)| {
        let mut files = original.clone();
        let mut signature: SignatureFile = serde_json::from_slice(&files["signature.json"]).unwrap();
        change(&mut signature);
        files.insert("signature.json".into(), canonical::encode(&signature).unwrap());
        verdict(&files).0
    };
    assert_eq!(swapped(&|_| {}), "");
    assert_eq!(swapped(&|own| own.chain_id = ChainId(1)), "signature");
    assert_eq!(swapped(&|own| own.manifest = keccak256(b"other")), "signature");
    assert_eq!(swapped(&|own| own.signer = None), "signature");
    assert_eq!(swapped(&|own| own.signer = Some(medrec_domain::identifier::Address([9; 20]))), "signature");
    assert_eq!(
        swapped(&|own| own.signature = own.signature.as_ref().map(|text| text.to_uppercase())),
        "signature"
    );
}

/// The other signature of the same key over the same digest: s is the group's order less s, v the other.
#[test]
fn a_signature_has_no_twin() {
    use medrec_anonymizer::bundle::Signer as _;
    let signer = parts::TestSigner::new(7);
    let digest = signing_digest(ChainId(5), &keccak256(b"manifest"));
    let signature = signer.sign(digest).unwrap();
    assert_eq!(recover(&digest, &signature), Some(signer.address()));
    let parsed = k256::ecdsa::Signature::from_slice(&signature[..64]).unwrap();
    let mut twin = signature;
    twin[32..64].copy_from_slice(&(-*parsed.s()).to_bytes());
    twin[64] = 27 + 28 - twin[64];
    assert_eq!(recover(&digest, &twin), None);
}

/// Made with `eth_account` 0.14 (`encode_typed_data`): domain {name "MedRec bundle", version "1", chainId 20160822},
/// message {manifest: 0x11…11}, private key 0x07…07.
#[test]
fn the_digest_and_the_signature_are_those_of_other_wallets() {
    use medrec_anonymizer::bundle::Signer as _;
    let digest = signing_digest(ChainId(20_160_822), &Digest([0x11; 32]));
    assert_eq!(
        Digest(digest).to_string(),
        "0x5b87e6b97d6fe53b270049eb16a428e248535b3431d2d36294883e5eb918103e"
    );
    let signature = parts::TestSigner::new(7).sign(digest).unwrap();
    let text: String = signature.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    assert_eq!(
        text,
        "119a0891052bf2eb85daa6e4521746dafb115209ae9cc0dfc42facbcc9cf4c9332fee7adbbc9b16b7025b362a69a021ef8af1ac579b4c8d69760dae00e25de661b"
    );
}
