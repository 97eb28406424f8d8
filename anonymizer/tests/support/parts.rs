//! The parts of a made-up bundle around its tables, and a key to sign it with.

use k256::ecdsa::SigningKey;
use medrec_anonymizer::bundle::{BundleInput, QueryDocument, Signer, SignerError};
use medrec_anonymizer::figures::TableFigures;
use medrec_domain::identifier::{Address, BlockNumber, BlockReference, ChainId};
use medrec_domain::manifest::{
    Assurance, BudgetStatement, Charging, EpsilonAtDelta, License, Occasion, PrivacyStatement, Software,
};
use medrec_domain::workload::cells::Window;
use medrec_domain::{Rho, Workload, keccak256};

/// A key in memory.
pub(crate) struct TestSigner(SigningKey);

impl TestSigner {
    /// The key of 32 equal bytes.
    pub(crate) fn new(byte: u8) -> Self {
        Self(SigningKey::from_slice(&[byte; 32]).unwrap())
    }
}

impl Signer for TestSigner {
    fn address(&self) -> Address {
        let point = self.0.verifying_key().to_encoded_point(false);
        Address(keccak256(&point.as_bytes()[1..]).0[12..].try_into().unwrap())
    }

    fn sign(&self, digest: [u8; 32]) -> Result<[u8; 65], SignerError> {
        let (signature, recovery) = self.0.sign_prehash_recoverable(&digest)?;
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = 27 + recovery.to_byte();
        Ok(bytes)
    }
}

/// The window of every made-up bundle: the year 2025.
pub(crate) fn window() -> Window {
    Window { from: "2025-01-01".parse().unwrap(), until: "2026-01-01".parse().unwrap() }
}

/// A block that earned something.
pub(crate) fn block(name: &[u8]) -> BlockReference {
    BlockReference { chain_id: ChainId(20_160_822), number: BlockNumber(4711), hash: keccak256(name) }
}

/// The answer to a bounty.
pub(crate) fn bounty(provider: Address) -> Occasion {
    let (block, miner) = (block(b"block"), Address([0x3d; 20]));
    Occasion::Bounty { block, miner, provider, bounty: keccak256(b"posting") }
}

/// A release outside any chain.
pub(crate) fn stand_alone() -> Occasion {
    Occasion::StandAlone { publisher: "Four Counties Health Office".into() }
}

/// The parts, with statements in the words of the product.
pub(crate) fn parts<'a>(
    workload: &Workload,
    tables: &'a [TableFigures],
    occasion: Occasion,
    rho: &Rho,
    signer: Option<&'a dyn Signer>,
) -> BundleInput<'a> {
    let spent: Rho = "3/20".parse().unwrap();
    BundleInput {
        title: workload.title.clone(),
        license: License { name: "CC-BY-4.0".into(), url: "https://creativecommons.org/licenses/by/4.0/".into() },
        occasion,
        window: window(),
        query: QueryDocument::Workload(workload.clone()),
        privacy: PrivacyStatement {
            unit: "one person with all her records at this provider".into(),
            neighbouring: "one person's whole record, her consents included, is added or removed".into(),
            rho: rho.clone(),
            epsilon: ["1e-6", "1e-7", "1e-9"].map(|delta| epsilon(rho, delta)).into(),
            noise_by: "The provider, before anything leaves it. Its own staff is trusted with its records as before.".into(),
            not_covered: vec![
                "A group of m persons is protected with m squared times the loss: a family or a practice is not one person.".into(),
                "What is true of a group can be inferred of its members, whether or not they took part.".into(),
                "The provider holds the records themselves in the clear.".into(),
            ],
            invariants: Vec::new(),
        },
        assurance: Assurance {
            bounds_enforced_by: "By code, before aggregation: rows a person are limited by a keyed hash, values are clamped to integers.".into(),
            records_seen_by: "The provider alone.".into(),
            exact_sums_seen_by: "Nobody: they exist in the memory of the process that adds the noise.".into(),
            randomness: "The operating system's generator, through the noise library; there is no seed.".into(),
            side_channels: "Releases appear at fixed heights with one padded size, refusals carry constant texts. Timing inside the provider's machine is not covered.".into(),
            composition: "Losses add over all releases of one window; a ledger refuses what would pass the cap.".into(),
            bias: "Published counts are not negative and consistent, which raises small counts on average. The raw integers are unbiased.".into(),
            tested_by: "Statistical tests on neighbouring inputs with a stated false-alarm rate, and mutation tests.".into(),
        },
        budget: BudgetStatement { cap: "1/2".parse().unwrap(), spent_after: &spent + rho, spent_before: spent, charging: Charging::Everybody },
        consent_root: Some(keccak256(b"consents")),
        software: Software { name: "medrec".into(), version: env!("CARGO_PKG_VERSION").into() },
        tables,
        signer,
    }
}

/// The classic conversion, rounded up.
fn epsilon(rho: &Rho, delta: &str) -> EpsilonAtDelta {
    let (loss, probability): (f64, f64) = (rho.to_f64_at_least(), delta.parse().unwrap());
    let epsilon = loss + 2.0 * (loss * (1.0 / probability).ln()).sqrt();
    let rounded = (epsilon * 1000.0).ceil() / 1000.0;
    EpsilonAtDelta { delta: delta.into(), epsilon: format!("{rounded}").parse().unwrap() }
}
