//! How requests, refusals and digests look on the wire; wallets in other languages are held to the same.

use std::collections::BTreeSet;

use medrec_domain::Purpose;
use medrec_domain::identifier::Address;
use medrec_domain::schema::Table;
use medrec_protocol::methods::records::{Read, ReadBody};
use medrec_protocol::methods::{acts, claims, consents, notifications, provider, records};
use medrec_protocol::{Asking, Hexadecimal, Method, Refusal, RefusalCode, Signed, methods, request_digest};

fn body() -> ReadBody {
    ReadBody {
        patient: Address([0x22; 20]),
        purpose: Purpose::Personal,
        table: Table::Condition,
        columns: None,
        from: None,
        until: None,
        after: 0,
        limit: 10,
    }
}

#[test]
fn every_method_is_in_the_list_of_names_once() {
    let names = [
        acts::Relay::NAME,
        acts::State::NAME,
        records::Audit::NAME,
        claims::Bounty::NAME,
        claims::Shard::NAME,
        consents::Erase::NAME,
        consents::List::NAME,
        consents::Put::NAME,
        provider::RunEpoch::NAME,
        notifications::List::NAME,
        notifications::Stream::NAME,
        provider::Invite::NAME,
        provider::Link::NAME,
        provider::Unlink::NAME,
        Read::NAME,
        provider::Propose::NAME,
        provider::PostUpdate::NAME,
    ];
    assert_eq!(names, methods::NAMES);
    assert_eq!(BTreeSet::from(names).len(), names.len());
}

#[test]
fn a_request_travels_as_json_and_strangers_in_it_are_refused() {
    let request = Signed {
        body: body(),
        signer: Address([0x33; 20]),
        nonce: Hexadecimal([4; 32]),
        issued_s: 1,
        expiry_s: 2,
        signature: Hexadecimal([5; 65]),
    };
    let text = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<Signed<ReadBody>>(&text).unwrap(), request);
    let with_more = text.replacen("\"issued_s\"", "\"more\":1,\"issued_s\"", 1);
    assert!(serde_json::from_str::<Signed<ReadBody>>(&with_more).is_err());
    let short = text.replacen("0x0404", "0x04", 1);
    let error = serde_json::from_str::<Signed<ReadBody>>(&short).unwrap_err().to_string();
    assert!(error.contains("32 bytes in hexadecimal digits"), "{error}");
}

#[test]
fn the_digest_is_the_one_that_other_eip_712_software_computes() {
    // Computed with ethers 6.17: TypedDataEncoder.hash({name:"MedRec Gatekeeper",version:"1",chainId:1337}, types, message), where
    // body is keccak256 of {"after":0,"columns":null,"from":null,"limit":10,"patient":"0x2222…","purpose":"personal",
    // "table":"condition","until":null}.
    let asking = Asking {
        chain_id: 1337,
        audience: Address([0x11; 20]),
        signer: Address([0x33; 20]),
        nonce: Hexadecimal([4; 32]),
        issued_s: 1_800_000_000,
        expiry_s: 1_800_000_120,
    };
    let digest = request_digest::<Read>(&body(), &asking).unwrap();
    assert_eq!(digest.to_string(), "0xfbe631135c64d61f0f4604269e2cfe3c4c48e03248ff5af0620da1feeadd5e76");
}

#[test]
fn refusals_have_constant_texts_and_fitting_statuses() {
    let mut texts = BTreeSet::new();
    for &code in RefusalCode::ALL {
        assert!((400..=503).contains(&code.status()), "{code:?}");
        assert!(texts.insert(code.text()), "{code:?} shares its text");
        let refusal = Refusal::from(code);
        let text = serde_json::to_string(&refusal).unwrap();
        assert_eq!(serde_json::from_str::<Refusal>(&text).unwrap(), refusal);
    }
}
