//! Shards of a census: committed first, earned later, and never another table than the committed one.

use medrec_anonymizer::AnonymizerError;
use medrec_anonymizer::bundle::{
    BundleInput, Files, FinishedTable, ShardFile, Signer as _, VerifyOptions, content_digest, finish, render,
    render_shard, shard_leaf, verify_files,
};
use medrec_anonymizer::figures::TableFigures;
use medrec_domain::identifier::{Address, BlockReference, EpochNumber};
use medrec_domain::manifest::{FileDigest, Occasion};
use medrec_domain::{Digest, Manifest, Rho, Workload, canonical, keccak256, merkle};

use crate::{failed, parts, synthetic, verdict, workloads};

const EPOCH: EpochNumber = EpochNumber(12);

/// A finished release with everything that its shards are made from.
struct Release {
    workload: Workload,
    finished: Vec<FinishedTable>,
    leaves: Vec<Digest>,
    signer: parts::TestSigner,
}

fn rho() -> Rho {
    "1/20".parse().unwrap()
}

fn salt(index: usize) -> Digest {
    keccak256(&[u8::try_from(index).unwrap()])
}

impl Release {
    fn new(name: &str) -> Self {
        let (workload, persons) = workloads::named(name);
        let window = parts::window();
        let tables = synthetic::tables(&workload, &synthetic::organisations(), window, persons, &rho());
        let signer = parts::TestSigner::new(7);
        let mut release = Self { workload, finished: Vec::new(), leaves: Vec::new(), signer };
        release.finished = finish(&release.input(&tables, 0, parts::block(b"none"))).unwrap();
        let leaf = |(index, finished): (usize, &FinishedTable)| {
            let content = content_digest(&finished.files).unwrap();
            shard_leaf(release.signer.address(), EPOCH, u32::try_from(index).unwrap(), &salt(index), &content)
        };
        release.leaves = release.finished.iter().enumerate().map(leaf).collect();
        release
    }

    fn input<'a>(
        &'a self,
        tables: &'a [TableFigures],
        shard: usize,
        block: BlockReference,
    ) -> BundleInput<'a> {
        let occasion = Occasion::CensusShard {
            block,
            miner: Address([0x3d; 20]),
            provider: self.signer.address(),
            epoch: EPOCH,
            shard: u32::try_from(shard).unwrap(),
            shards: u32::try_from(self.leaves.len().max(1)).unwrap(),
            release_root: merkle::root(&self.leaves),
        };
        parts::parts(&self.workload, tables, occasion, &rho(), Some(&self.signer))
    }

    fn seal(&self, shard: usize) -> ShardFile {
        let content = content_digest(&self.finished[shard].files).unwrap();
        ShardFile::new(content, salt(shard), merkle::proof(&self.leaves, shard).unwrap())
    }

    fn bundle(&self, shard: usize, block: &[u8]) -> Files {
        let input = self.input(&[], shard, parts::block(block));
        render_shard(&input, &self.finished[shard], &self.seal(shard)).unwrap().1
    }

    /// The bundle of the first shard after a change by a provider who signs whatever fits.
    fn forged(&self, change: impl Fn(&mut Files, &mut Manifest)) -> Files {
        let mut files = self.bundle(0, b"block");
        let mut manifest = Manifest::from_canonical_bytes(&files["manifest.json"]).unwrap();
        change(&mut files, &mut manifest);
        for (path, digest) in &mut manifest.files {
            *digest = FileDigest::of(&files[path]);
        }
        let bytes = canonical::encode(&manifest).unwrap();
        let chain = medrec_domain::identifier::ChainId(20_160_822);
        let digest = medrec_anonymizer::bundle::signing_digest(chain, &keccak256(&bytes));
        let signature = self.signer.sign(digest).unwrap();
        let mut file: medrec_anonymizer::bundle::SignatureFile =
            serde_json::from_slice(&files["signature.json"]).unwrap();
        file.manifest = keccak256(&bytes);
        file.signature = Some(signature.iter().fold("0x".into(), |text, byte| text + &format!("{byte:02x}")));
        files.insert("signature.json".into(), canonical::encode(&file).unwrap());
        files.insert("manifest.json".into(), bytes);
        files
    }
}

#[test]
fn every_shard_of_a_census_verifies_for_any_block_with_the_very_tables_that_were_committed() {
    let release = Release::new("census");
    assert!(release.finished.len() > 10);
    for shard in 0..release.finished.len() {
        let files = release.bundle(shard, b"block");
        let verification = verify_files(&files, &VerifyOptions::default());
        assert!(verification.valid, "{shard}: {:?}", failed(&verification));
        assert_eq!(verification.checks.len(), 13);
        assert!(verification.checks.iter().any(|check| check.name == "shard"));
        let other = release.bundle(shard, b"another block");
        for path in release.finished[shard].files.keys() {
            assert_eq!(files[path], other[path], "{path}");
        }
        assert_ne!(files["manifest.json"], other["manifest.json"]);
    }
}

#[test]
fn a_changed_byte_in_any_file_of_a_shard_is_noticed() {
    let files = Release::new("small").bundle(0, b"block");
    for path in files.keys() {
        for position in (0..files[path].len()).step_by((files[path].len() / 60).max(1)) {
            let mut changed = files.clone();
            changed.get_mut(path).unwrap()[position] ^= 0x01;
            let verification = verify_files(&changed, &VerifyOptions::default());
            assert!(!verification.valid, "{path}: byte {position} was not noticed");
        }
    }
}

/// Digests, signature and report are made to fit: only the committed root tells.
#[test]
fn a_provider_that_changes_its_release_after_committing_is_found_out() {
    let release = Release::new("small");
    assert!(verdict(&release.forged(|_, _| {})).0.is_empty(), "an unchanged bundle is still the same");
    let honest = verdict(&release.forged(|files, _| {
        let text = String::from_utf8(files["tables/people.csv"].clone()).unwrap();
        files.insert("tables/people.csv".into(), text.replacen('1', "2", 1).into_bytes());
    }));
    assert_eq!(honest.0, "shard", "{}", honest.1);
    let resealed = verdict(&release.forged(|files, _| {
        files.get_mut("tables/people.csv").unwrap().push(b'\n');
        let mut seal = release.seal(0);
        seal.content = content_digest(files).unwrap();
        files.insert("shard.json".into(), canonical::encode(&seal).unwrap());
    }));
    assert!(resealed.0 == "shard" && resealed.1.contains("release root"), "{resealed:?}");
}

#[test]
fn a_seal_of_another_shard_number_epoch_or_form_is_refused() {
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Occasion));
    let release = Release::new("small");
    let changes: [Change<'_>; 3] = [
        ("release root", &|occasion| {
            if let Occasion::CensusShard { epoch, .. } = occasion {
                *epoch = EpochNumber(13);
            }
        }),
        ("release root", &|occasion| {
            if let Occasion::CensusShard { shard, shards, .. } = occasion {
                (*shard, *shards) = (1, 9);
            }
        }),
        ("there is no shard", &|occasion| {
            if let Occasion::CensusShard { shard, shards, .. } = occasion {
                *shard = *shards;
            }
        }),
    ];
    for (because, change) in changes {
        let (name, detail) = verdict(&release.forged(|_, manifest| change(&mut manifest.occasion)));
        assert!(name == "shard" && detail.contains(because), "{name}: {detail}");
    }
    let (name, _) = verdict(&release.forged(|files, _| {
        let seal = ShardFile { version: 2, ..release.seal(0) };
        files.insert("shard.json".into(), canonical::encode(&seal).unwrap());
    }));
    assert_eq!(name, "shard");
}

#[test]
fn a_shard_is_made_with_its_seal_and_no_other_occasion_is_one() {
    let release = Release::new("small");
    let input = release.input(&[], 0, parts::block(b"block"));
    assert!(matches!(render(&input), Err(AnonymizerError::Bundle { .. })));
    let mut seal = release.seal(0);
    seal.salt = salt(9);
    assert!(matches!(render_shard(&input, &release.finished[0], &seal), Err(AnonymizerError::Bundle { .. })));
    let stand_alone = BundleInput { occasion: parts::stand_alone(), ..input };
    assert!(render_shard(&stand_alone, &release.finished[0], &release.seal(0)).is_err());
    assert!(finish(&BundleInput { tables: &[], ..stand_alone }).unwrap().is_empty());
}
