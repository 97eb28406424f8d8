//! Documents: golden bytes, round trips, refusals.

#![expect(clippy::unwrap_used, reason = "the helpers of this file build values that are known to be valid")]

use std::collections::BTreeMap;

use medrec_domain::consent::{CONSENT_VERSION, Grantee};
use medrec_domain::identifier::{Address, BlockNumber, BlockReference, ChainId};
use medrec_domain::manifest::{
    Assurance, Axis, BudgetStatement, EpsilonAtDelta, FileDigest, License, MANIFEST_VERSION, MeasureNoise,
    Mechanism, Occasion, PrivacyStatement, QueryReference, ReleasedTable, Software,
};
use medrec_domain::schema::{Field, Table};
use medrec_domain::workload::{Measure, MeasureKind, TableQuery};
use medrec_domain::{
    ConditionScope, ConsentDocument, DomainError, FieldScope, Manifest, Purpose, Rho, Scope, canonical,
    keccak256,
};
use proptest::prelude::*;

fn research_consent() -> ConsentDocument {
    ConsentDocument {
        version: CONSENT_VERSION,
        chain_id: ChainId(63_063),
        provider: Address([0x11; 20]),
        patient: Address([0x22; 20]),
        signer: Address([0x22; 20]),
        grantee: Grantee::Purpose,
        scope: Scope {
            purpose: Purpose::ResearchAggregate,
            fields: FieldScope::Only(
                ["measurement.value", "person.sex"].map(|name| name.parse::<Field>().unwrap()).into(),
            ),
            conditions: ConditionScope::Except(["mental-health".to_owned()].into()),
        },
        start_s: 1_700_000_000,
        expiry_s: 1_800_000_000,
        yearly_cap: Some("1/2".parse().unwrap()),
    }
}

#[test]
fn golden_bytes_of_a_consent_document() {
    let expected = concat!(
        r#"{"chain_id":63063,"expiry_s":1800000000,"grantee":{"kind":"purpose"},"#,
        r#""patient":"0x2222222222222222222222222222222222222222","#,
        r#""provider":"0x1111111111111111111111111111111111111111","#,
        r#""scope":{"conditions":{"except":["mental-health"]},"#,
        r#""fields":{"only":["person.sex","measurement.value"]},"purpose":"research-aggregate"},"#,
        r#""signer":"0x2222222222222222222222222222222222222222","#,
        r#""start_s":1700000000,"version":1,"yearly_cap":"1/2"}"#
    );
    let consent = research_consent();
    let bytes = consent.to_canonical_bytes().unwrap();
    assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
    assert_eq!(ConsentDocument::from_canonical_bytes(&bytes).unwrap(), consent);
    assert_eq!(consent.digest().unwrap(), keccak256(expected.as_bytes()));
    assert_ne!(consent.commitment(&[1; 32]).unwrap(), consent.commitment(&[2; 32]).unwrap());
}

#[test]
fn consents_that_contradict_themselves_are_refused() {
    let refused = |change: fn(&mut ConsentDocument)| {
        let mut consent = research_consent();
        change(&mut consent);
        match consent.check() {
            Err(DomainError::Document { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(|consent| consent.version = 2), "version");
    assert_eq!(refused(|consent| consent.expiry_s = consent.start_s), "expiry_s");
    assert_eq!(refused(|consent| consent.expiry_s *= 1000), "expiry_s");
    assert_eq!(refused(|consent| consent.yearly_cap = None), "yearly_cap");
    assert_eq!(refused(|consent| consent.yearly_cap = Some(Rho::zero())), "yearly_cap");
    assert_eq!(refused(|consent| consent.scope.purpose = Purpose::Treatment), "yearly_cap");
    assert_eq!(refused(|consent| consent.grantee = Grantee::Person { address: Address([1; 20]) }), "grantee");
    assert_eq!(refused(|consent| consent.scope.fields = FieldScope::Only([].into())), "fields");
}

#[test]
fn consent_ends_with_its_last_second() {
    let consent = research_consent();
    assert!(!consent.is_in_force(1_699_999_999));
    assert!(consent.is_in_force(1_700_000_000));
    assert!(consent.is_in_force(1_799_999_999));
    assert!(!consent.is_in_force(1_800_000_000));
}

#[test]
fn unknown_keys_in_a_consent_are_refused_not_ignored() {
    let text = String::from_utf8(research_consent().to_canonical_bytes().unwrap()).unwrap();
    let more = text.replace("\"version\":1", "\"valid_for_ever\":true,\"version\":1");
    assert!(matches!(
        ConsentDocument::from_canonical_bytes(more.as_bytes()),
        Err(DomainError::Decode { .. })
    ));
}

fn assurance() -> Assurance {
    Assurance {
        bounds_enforced_by: "code".into(),
        records_seen_by: "the provider".into(),
        exact_sums_seen_by: "nobody".into(),
        randomness: "the operating system".into(),
        side_channels: "constant texts".into(),
        composition: "losses add".into(),
        bias: "none".into(),
        tested_by: "statistical tests".into(),
    }
}

fn manifest() -> Manifest {
    let query = TableQuery {
        name: "population".into(),
        of: Table::Person,
        dimensions: vec!["sex".into()],
        measures: vec![Measure { kind: MeasureKind::PersonCount, weight: 1 }],
        filter: Vec::new(),
        rows_per_person: 1,
        weight: 1,
    };
    let noise = MeasureNoise {
        measure: 0,
        level: None,
        mechanism: Mechanism::DiscreteGaussian,
        scale: "5".parse().unwrap(),
        sensitivity: "1".parse().unwrap(),
        rho: "1/50".parse().unwrap(),
    };
    Manifest {
        version: MANIFEST_VERSION,
        title: "Persons by sex".into(),
        license: License {
            name: "CC-BY-4.0".into(),
            url: "https://creativecommons.org/licenses/by/4.0/".into(),
        },
        occasion: Occasion::Bounty {
            block: BlockReference { chain_id: ChainId(1), number: BlockNumber(7), hash: keccak256(b"block") },
            miner: Address([3; 20]),
            provider: Address([4; 20]),
            bounty: keccak256(b"bounty"),
        },
        window_from: "2026-11-01".parse().unwrap(),
        window_until: "2026-12-01".parse().unwrap(),
        query: QueryReference {
            name: "census".into(),
            version: 1,
            digest: keccak256(b"query"),
            hierarchy: Vec::new(),
            small_cell_threshold: 11,
        },
        privacy: PrivacyStatement {
            unit: "one person with all her records".into(),
            neighbouring: "add or remove one person".into(),
            rho: "1/50".parse().unwrap(),
            epsilon: vec![EpsilonAtDelta { delta: "1e-7".into(), epsilon: "0.99".parse().unwrap() }],
            noise_by: "the provider alone".into(),
            not_covered: vec!["a group of m persons costs m squared".into()],
            invariants: Vec::new(),
        },
        assurance: assurance(),
        budget: BudgetStatement {
            cap: "1/2".parse().unwrap(),
            spent_before: "1/10".parse().unwrap(),
            spent_after: "3/25".parse().unwrap(),
        },
        consent_root: Some(keccak256(b"consents")),
        tables: vec![ReleasedTable {
            query,
            axes: vec![Axis {
                dimensions: vec!["sex".into()],
                labels: ["female", "male", "other"].map(|label| vec![label.into()]).into(),
            }],
            cells: 3,
            noise: vec![noise],
            withheld: 1,
        }],
        software: Software { name: "medrec".into(), version: "0.1.0".into() },
        files: BTreeMap::from([("tables/population.csv".into(), FileDigest::of(b"sex,estimate\n"))]),
    }
}

#[test]
fn a_manifest_round_trips_and_any_changed_byte_fails() {
    let bytes = manifest().to_canonical_bytes().unwrap();
    assert_eq!(Manifest::from_canonical_bytes(&bytes).unwrap(), manifest());
    let digest = manifest().digest().unwrap();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        // Either it is no manifest any more, or it is another one with another digest.
        if let Ok(other) = Manifest::from_canonical_bytes(&changed) {
            assert_ne!(other.digest().unwrap(), digest, "byte {position}");
        }
    }
}

#[test]
fn manifests_that_contradict_themselves_are_refused() {
    let refused = |change: fn(&mut Manifest)| {
        let mut manifest = manifest();
        change(&mut manifest);
        manifest.check().unwrap_err().to_string()
    };
    assert!(refused(|it| it.budget.spent_after = "1/5".parse().unwrap()).contains("do not differ by rho"));
    assert!(refused(|it| it.budget.cap = "1/9".parse().unwrap()).contains("passes the cap"));
    assert!(refused(|it| it.tables[0].noise[0].rho = "1/49".parse().unwrap()).contains("cost more"));
    assert!(refused(|it| it.tables[0].cells = 4).contains("do not match the axes"));
    assert!(refused(|it| it.tables[0].noise.clear()).contains("noise"));
    assert!(refused(|it| it.window_until = it.window_from).contains("window_from"));
    for path in ["../x", "/etc/passwd", "tables//x", "a\\b", "", "tables/..", "C:x"] {
        let mut manifest = manifest();
        manifest.files.insert(path.into(), FileDigest::of(b""));
        assert!(manifest.check().is_err(), "{path:?} was accepted");
    }
}

fn loss() -> impl Strategy<Value = Rho> {
    (any::<u64>(), 1_u64..)
        .prop_map(|(numerator, denominator)| Rho::from_ratio(numerator, denominator).unwrap())
}

/// JSON values without floating-point numbers, with keys that sort differently by UTF-8 and UTF-16.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (-(1_i64 << 53) + 1..1_i64 << 53).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_bytes_decode_to_the_same_value(value in json()) {
        let bytes = canonical::encode_value(&value).unwrap();
        prop_assert_eq!(&canonical::decode::<serde_json::Value>("value", &bytes).unwrap(), &value);
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap(), value);
    }

    #[test]
    fn losses_round_trip_through_text(loss in loss()) {
        prop_assert_eq!(loss.to_string().parse::<Rho>().unwrap(), loss);
    }

    #[test]
    fn losses_add_and_subtract_exactly_in_any_order(one in loss(), two in loss(), three in loss()) {
        let forward = &(&one + &two) + &three;
        let backward = &(&three + &two) + &one;
        prop_assert_eq!(&forward, &backward);
        prop_assert_eq!(forward.checked_sub(&one).unwrap(), &two + &three);
    }

    #[test]
    fn floating_point_bounds_enclose_the_loss(loss in loss()) {
        prop_assert!(Rho::exact(loss.to_f64_at_most()).unwrap() <= loss);
        prop_assert!(Rho::exact(loss.to_f64_at_least()).unwrap() >= loss);
        prop_assert!(loss.to_f64_at_most().next_up() >= loss.to_f64_at_least());
    }

    #[test]
    fn splits_add_up(loss in loss(), weights in prop::collection::vec(0_u64..1000, 1..20)) {
        prop_assume!(weights.iter().any(|&weight| weight > 0));
        let parts = loss.split(&weights).unwrap();
        prop_assert_eq!(parts.iter().sum::<Rho>(), loss);
    }

    #[test]
    fn consents_round_trip(
        start_s in 0_u64..1 << 33, length_s in 1_u64..1 << 33, cap in loss(), address in any::<[u8; 20]>(),
        ids in prop::collection::btree_set("[a-z]{1,9}", 1..5),
    ) {
        prop_assume!(!cap.is_zero());
        let consent = ConsentDocument {
            start_s, expiry_s: start_s + length_s, yearly_cap: Some(cap), patient: Address(address),
            scope: Scope { conditions: ConditionScope::Only(ids), ..research_consent().scope },
            ..research_consent()
        };
        let bytes = consent.to_canonical_bytes().unwrap();
        prop_assert_eq!(ConsentDocument::from_canonical_bytes(&bytes).unwrap(), consent);
    }
}
