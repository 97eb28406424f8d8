//! A signature is good for one request to one gatekeeper on one chain, for minutes; nothing in it can be changed.

use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use medrec_domain::Purpose;
use medrec_domain::identifier::Address;
use medrec_domain::schema::Table;
use medrec_protocol::bridge::{from_chain, to_chain};
use medrec_protocol::methods::records::{Audit, AuditBody, Read, ReadBody};
use medrec_protocol::{Asking, Hexadecimal, Method, ProtocolError, Signed, request_digest};
use proptest::prelude::*;

const CHAIN: u64 = 1337;
const NOW_S: u64 = 1_800_000_100;

fn key() -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[7; 32]).unwrap()
}

fn provider() -> Address {
    Address([0x11; 20])
}

fn body() -> ReadBody {
    ReadBody {
        patient: Address([0x22; 20]),
        purpose: Purpose::Treatment,
        table: Table::Measurement,
        columns: Some(vec!["code".to_owned(), "value".to_owned()]),
        from: None,
        until: Some("2026-01-01".parse().unwrap()),
        after: 0,
        limit: 100,
    }
}

fn asking() -> Asking {
    Asking {
        chain_id: CHAIN,
        audience: provider(),
        signer: from_chain(key().address()),
        nonce: Hexadecimal([9; 32]),
        issued_s: NOW_S - 100,
        expiry_s: NOW_S + 100,
    }
}

fn signed<M: Method>(body: M::Body, asking: &Asking) -> Signed<M::Body> {
    let digest = request_digest::<M>(&body, asking).unwrap();
    let signature = key().sign_hash_sync(&digest).unwrap();
    Signed::new(body, asking, signature.as_bytes())
}

fn check(request: &Signed<ReadBody>) -> Result<Address, ProtocolError> {
    request.check::<Read>(CHAIN, provider(), NOW_S)
}

#[test]
fn a_signed_request_names_its_signer() {
    let request = signed::<Read>(body(), &asking());
    assert_eq!(to_chain(check(&request).unwrap()), key().address());
}

#[test]
fn g4_the_signature_covers_every_argument() {
    let request = signed::<Read>(body(), &asking());
    let changes: [fn(&mut ReadBody); 8] = [
        |body| body.patient = Address([0x23; 20]),
        |body| body.purpose = Purpose::Personal,
        |body| body.table = Table::Condition,
        |body| body.columns = None,
        |body| body.from = Some("2020-01-01".parse().unwrap()),
        |body| body.until = None,
        |body| body.after = 1,
        |body| body.limit = 101,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut other = request.clone();
        change(&mut other.body);
        assert!(matches!(check(&other), Err(ProtocolError::Signature { .. })), "change {index}");
    }
}

#[test]
fn g4_the_signature_covers_method_audience_chain_signer_nonce_and_times() {
    let request = signed::<Read>(body(), &asking());
    let refused = |result: Result<Address, ProtocolError>| {
        assert!(matches!(result, Err(ProtocolError::Signature { .. })), "{result:?}");
    };
    refused(request.check::<Read>(CHAIN + 1, provider(), NOW_S));
    refused(request.check::<Read>(CHAIN, Address([0x12; 20]), NOW_S));
    refused(check(&Signed { signer: Address([1; 20]), ..request.clone() }));
    refused(check(&Signed { nonce: Hexadecimal([8; 32]), ..request.clone() }));
    refused(check(&Signed { issued_s: request.issued_s + 1, ..request.clone() }));
    refused(check(&Signed { expiry_s: request.expiry_s + 1, ..request.clone() }));
    // The same arguments under another method are another request.
    let audit = AuditBody { patient: Address([0x22; 20]), after: 0, limit: 1 };
    let (read, audit) = (
        request_digest::<Read>(&body(), &asking()).unwrap(),
        request_digest::<Audit>(&audit, &asking()).unwrap(),
    );
    assert_ne!(read, audit);
}

#[test]
fn g4_a_request_expires_and_is_never_good_for_long() {
    let request = signed::<Read>(body(), &asking());
    for now_s in [request.issued_s, request.expiry_s - 1] {
        assert!(request.check::<Read>(CHAIN, provider(), now_s).is_ok());
    }
    for now_s in [request.issued_s - 1, request.expiry_s] {
        let result = request.check::<Read>(CHAIN, provider(), now_s);
        assert!(matches!(result, Err(ProtocolError::Time { .. })), "{result:?}");
    }
    let long = Asking { expiry_s: asking().issued_s + 301, ..asking() };
    assert!(matches!(check(&signed::<Read>(body(), &long)), Err(ProtocolError::Time { .. })));
    let backwards = Asking { expiry_s: asking().issued_s - 1, ..asking() };
    assert!(matches!(check(&signed::<Read>(body(), &backwards)), Err(ProtocolError::Time { .. })));
}

#[test]
fn the_twin_of_a_signature_is_refused() {
    // (r, n - s, other v) recovers to the same key; two byte strings for one signing would make two requests of one.
    let request = signed::<Read>(body(), &asking());
    let order: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
        0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    ];
    let mut twin = request.signature.0;
    let mut borrow = 0_i16;
    for index in (0..32).rev() {
        let difference = i16::from(order[index]) - i16::from(twin[32 + index]) - borrow;
        borrow = i16::from(difference < 0);
        twin[32 + index] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    twin[64] = if twin[64] == 27 { 28 } else { 27 };
    let result = check(&Signed { signature: Hexadecimal(twin), ..request.clone() });
    assert!(matches!(result, Err(ProtocolError::Signature { .. })), "{result:?}");
    // v as 0 or 1 is another spelling of the same signature.
    let mut other = request.signature.0;
    other[64] -= 27;
    assert!(check(&Signed { signature: Hexadecimal(other), ..request }).is_err());
}

proptest! {
    #[test]
    fn no_changed_byte_of_a_signature_passes(index in 0_usize..65, flip in 1_u8..) {
        let mut request = signed::<Read>(body(), &asking());
        request.signature.0[index] ^= flip;
        prop_assert!(check(&request).is_err());
    }
}
