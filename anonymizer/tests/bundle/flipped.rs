//! One changed byte, anywhere, and the bundle is refused.

use std::fs;

use medrec_anonymizer::bundle::{Padding, VerifyOptions, WriteOptions, archive, verify, verify_files, write};

use crate::{parts, small, small_files, small_tables};

/// Files up to this size are changed at every byte, larger ones at every k-th.
const WHOLE_BYTES: usize = 250;

/// Changes that a byte can suffer: its lowest and its highest bit.
const FLIPS: [u8; 2] = [0x01, 0x80];

fn positions(length: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by((length / WHOLE_BYTES).max(1))
}

#[test]
fn a_changed_byte_in_any_file_is_noticed_signed_or_not() {
    for signer in [None, Some(&parts::TestSigner::new(7))] {
        let files = small_files(signer);
        let mut tried = 0;
        let mut changed = files.clone();
        for path in files.keys() {
            for position in positions(files[path].len()) {
                let flip = FLIPS[position % 2];
                changed.get_mut(path).unwrap()[position] ^= flip;
                let verification = verify_files(&changed, &VerifyOptions::default());
                assert!(!verification.valid, "{path}: byte {position} ^ {flip:#x} was not noticed");
                changed.get_mut(path).unwrap()[position] ^= flip;
                tried += 1;
            }
        }
        assert!(tried > 3_000, "{tried}");
    }
}

#[test]
fn every_byte_of_the_signature_and_the_manifest_counts() {
    let files = small_files(Some(&parts::TestSigner::new(7)));
    for path in ["signature.json", "manifest.json"] {
        for position in 0..files[path].len() {
            let mut changed = files.clone();
            changed.get_mut(path).unwrap()[position] ^= 0x20;
            assert!(!verify_files(&changed, &VerifyOptions::default()).valid, "{path}: byte {position}");
        }
    }
}

#[test]
fn a_changed_byte_in_an_archive_is_noticed_padding_included() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, packed) = (folder.path().join("bundle"), folder.path().join("bundle.tar.zst"));
    write(&bundle, &small(&small_tables(), None), WriteOptions::default()).unwrap();
    archive(&bundle, &packed, Padding::ToBytes(20_000)).unwrap();
    assert!(verify(&packed, &VerifyOptions::default()).unwrap().valid);
    let bytes = fs::read(&packed).unwrap();
    assert_eq!(bytes.len(), 20_000);
    let other = folder.path().join("other.tar.zst");
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= FLIPS[position % 2];
        fs::write(&other, &changed).unwrap();
        assert!(!verify(&other, &VerifyOptions::default()).unwrap().valid, "byte {position}");
    }
    for length in [0, 10, bytes.len() - 1] {
        fs::write(&other, &bytes[..length]).unwrap();
        assert!(!verify(&other, &VerifyOptions::default()).unwrap().valid, "cut to {length}");
    }
    fs::write(&other, [&bytes[..], &[0]].concat()).unwrap();
    assert!(!verify(&other, &VerifyOptions::default()).unwrap().valid, "one byte more");
}
