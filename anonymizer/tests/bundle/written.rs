//! Bundles on disk: whole or not at all, one archive, nothing read that should not be.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use medrec_anonymizer::AnonymizerError;
use medrec_anonymizer::bundle::{Limits, Padding, VerifyOptions, WriteOptions, archive, verify, write};
use medrec_domain::keccak256;

use crate::{failed, parts, small, small_tables};

const REPLACE: WriteOptions = WriteOptions { replace: true };

#[test]
fn a_folder_that_holds_something_is_replaced_only_when_asked_and_then_whole() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("deep/er/bundle");
    let tables = small_tables();
    write(&bundle, &small(&tables, None), WriteOptions::default()).unwrap();
    let refused = write(&bundle, &small(&tables, None), WriteOptions::default()).unwrap_err();
    assert!(matches!(refused, AnonymizerError::Exists { .. }), "{refused}");
    fs::write(bundle.join("left-over.txt"), "x").unwrap();
    write(&bundle, &small(&tables, None), REPLACE).unwrap();
    assert!(!bundle.join("left-over.txt").exists());
    assert!(verify(&bundle, &VerifyOptions::default()).unwrap().valid);
    let beside: Vec<_> = fs::read_dir(bundle.parent().unwrap()).unwrap().collect();
    assert_eq!(beside.len(), 1, "something was left beside the bundle: {beside:?}");
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    write(&empty, &small(&tables, None), WriteOptions::default()).unwrap();
}

#[test]
fn a_place_that_cannot_be_written_is_named_and_nothing_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error =
        write(&file.join("bundle"), &small(&small_tables(), None), WriteOptions::default()).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
    assert!(matches!(error, AnonymizerError::Io { .. }), "{error}");
    // A file system of its own that is too small; where none can be made the kernel's full device serves.
    let error =
        write(std::path::Path::new("/dev/full/bundle"), &small(&small_tables(), None), REPLACE).unwrap_err();
    assert!(error.to_string().contains("/dev/full"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_failed_signature_writes_nothing() {
    struct Broken;
    impl medrec_anonymizer::bundle::Signer for Broken {
        fn address(&self) -> medrec_domain::identifier::Address {
            medrec_domain::identifier::Address([5; 20])
        }
        fn sign(&self, _digest: [u8; 32]) -> Result<[u8; 65], medrec_anonymizer::bundle::SignerError> {
            Ok([1; 65])
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let tables = small_tables();
    let mut input = small(&tables, None);
    input.signer = Some(&Broken);
    let error = write(&folder.path().join("bundle"), &input, WriteOptions::default()).unwrap_err();
    assert!(matches!(error, AnonymizerError::Signing(_)), "{error}");
    let signer = parts::TestSigner::new(9);
    input.signer = Some(&signer);
    input.occasion = parts::bounty(medrec_domain::identifier::Address([5; 20]));
    assert!(matches!(
        write(&folder.path().join("bundle"), &input, WriteOptions::default()),
        Err(AnonymizerError::Signing(_))
    ));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_archive_is_the_same_wherever_and_whenever_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut digests = Vec::new();
    for name in ["one", "two"] {
        let bundle = folder.path().join(name);
        write(&bundle, &small(&small_tables(), None), WriteOptions::default()).unwrap();
        fs::set_permissions(bundle.join("README.md"), fs::Permissions::from_mode(0o600)).unwrap();
        let packed = folder.path().join(format!("{name}.tar.zst"));
        archive(&bundle, &packed, Padding::None).unwrap();
        assert!(matches!(archive(&bundle, &packed, Padding::None), Err(AnonymizerError::Exists { .. })));
        digests.push(keccak256(&fs::read(&packed).unwrap()));
    }
    assert_eq!(digests[0], digests[1]);
    let too_small = archive(&folder.path().join("one"), &folder.path().join("x"), Padding::ToBytes(100));
    assert!(too_small.unwrap_err().to_string().contains("more than the 100"));
    assert!(!folder.path().join("x").exists());
}

/// The bytes of an archive around any tar, sealed as the format asks.
fn sealed(tar: &[u8]) -> Vec<u8> {
    let mut bytes = zstd::encode_all(tar, 3).unwrap();
    bytes.extend_from_slice(&0x184D_2A50_u32.to_le_bytes());
    bytes.extend_from_slice(&36_u32.to_le_bytes());
    let digest = keccak256(&bytes);
    bytes.extend_from_slice(&digest.0);
    bytes.extend_from_slice(&36_u32.to_le_bytes());
    bytes
}

fn refused(bytes: &[u8], because: &str) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let verification = verify(file.path(), &VerifyOptions::default()).unwrap();
    let details: Vec<_> = failed(&verification).iter().map(|check| check.detail.clone()).collect();
    assert!(details.iter().any(|detail| detail.contains(because)), "{details:?}");
}

#[test]
fn archives_that_climb_link_or_swell_are_refused() {
    let tar_of = |path: &str, kind: tar::EntryType| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_size(u64::from(kind == tar::EntryType::Regular));
        header.set_mode(0o644);
        header.set_cksum();
        let content: &[u8] = if kind == tar::EntryType::Regular { b"x" } else { b"" };
        tar.append(&header, content).unwrap();
        tar.into_inner().unwrap()
    };
    let regular = tar::EntryType::Regular;
    refused(&sealed(&tar_of("medrec-bundle/../../etc/x", regular)), "not a path inside");
    refused(&sealed(&tar_of("/etc/passwd", regular)), "is not inside");
    refused(&sealed(&tar_of("medrec-bundle/x", tar::EntryType::Symlink)), "not a regular file");
    refused(&sealed(&tar_of("medrec-bundle/x", tar::EntryType::Link)), "not a regular file");
    refused(&sealed(&[tar_of("medrec-bundle/x", regular), vec![0; 512]].concat()), "not in the form");
    refused(&sealed(&vec![0; 600 << 20]), "unpacks to more than");
    refused(b"not an archive at all, just some words that are long enough to look at", "closing digest");
}

#[test]
fn folders_with_links_strangers_or_too_much_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    write(&bundle, &small(&small_tables(), None), WriteOptions::default()).unwrap();
    let verdict = |options: &VerifyOptions<'_>| {
        let verification = verify(&bundle, options).unwrap();
        failed(&verification).first().map_or_else(String::new, |check| check.detail.clone())
    };
    assert_eq!(verdict(&VerifyOptions::default()), "");
    let tight = VerifyOptions { limits: Limits { bytes: 5_000, files: 100 }, ..VerifyOptions::default() };
    assert!(verdict(&tight).contains("more than 5000 bytes"));
    let few = VerifyOptions { limits: Limits { files: 3, ..Limits::default() }, ..VerifyOptions::default() };
    assert!(verdict(&few).contains("more than 3 files"));
    symlink("/etc/hostname", bundle.join("link")).unwrap();
    assert!(verdict(&VerifyOptions::default()).contains("neither a file nor a folder"));
    fs::remove_file(bundle.join("link")).unwrap();
    fs::write(bundle.join("extra.txt"), "x").unwrap();
    assert!(verdict(&VerifyOptions::default()).contains("extra.txt is not in the manifest"));
    fs::remove_file(bundle.join("extra.txt")).unwrap();
    fs::remove_file(bundle.join("tables/people.csv")).unwrap();
    assert!(verdict(&VerifyOptions::default()).contains("tables/people.csv is missing"));
    assert!(verify(&folder.path().join("nothing"), &VerifyOptions::default()).is_err());
}
