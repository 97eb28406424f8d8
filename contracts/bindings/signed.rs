//! The messages that patients, guardians, institutions and miners sign.
//!
//! What: one struct for each EIP-712 type of the contracts, and the domain that each is signed in. Why here: a wallet has to hash
//! exactly what the contract hashes; the tests hold every type to the text of the Solidity sources, and digests to vectors that
//! the contracts accepted. What not: no key and no signature.
//!
//! Hash with [`SolStruct::eip712_signing_hash`](alloy_sol_types::SolStruct::eip712_signing_hash) and the domain of the contract.
//! Addresses named `patient` are the account in [`crate::Registrar`] and [`crate::Relationships`], the present *key* in
//! [`crate::Consents`]. Times are Unix seconds, privacy loss is in units of 1e-9 rho.
#![expect(clippy::pedantic, reason = "generated code")]

use alloy_primitives::Address;
use alloy_sol_types::{Eip712Domain, eip712_domain};

/// The domain of one contract: its EIP-712 name is "MedRec " and the contract's own, version "1".
///
/// `contract` is "Registrar", "Relationships", "Consents" or "Bounties"; Releases takes no signatures.
pub fn domain(contract: &str, chain_id: u64, address: Address) -> Eip712Domain {
    eip712_domain! {
        name: format!("MedRec {contract}"),
        version: "1",
        chain_id: chain_id,
        verifying_contract: address,
    }
}

/// Signed for the Registrar.
pub mod registrar {
    alloy_sol_types::sol! {
        /// Enter as a patient (role 1) or a guardian (role 2).
        struct Registration { address account; uint8 role; bytes32 identityCommitment; uint256 nonce; uint256 deadline; }
        /// Take the identity commitment off the state.
        struct IdentityErasure { address account; bytes32 identityCommitment; uint256 nonce; uint256 deadline; }
        /// Hand over to another key: signed by the present one.
        struct KeyRotation { address account; address newKey; uint256 nonce; uint256 deadline; }
        /// Become the key of an account: signed by the new one.
        struct KeyAcceptance { address account; address newKey; uint256 nonce; uint256 deadline; }
        /// Name the guardians that can recover the key.
        struct GuardianChange { address account; address[] guardians; uint8 threshold; uint256 nonce; uint256 deadline; }
        /// Support, as a guardian, that a new key takes over.
        struct RecoverySupport { address account; address newKey; uint64 round; uint256 nonce; uint256 deadline; }
        /// Stop a recovery, with the present key.
        struct RecoveryCancellation { address account; uint64 round; uint256 nonce; uint256 deadline; }
    }
}

/// Signed for Relationships.
pub mod relationships {
    alloy_sol_types::sol! {
        /// Enter, and begin the relationship with this provider.
        struct Onboarding { address patient; address provider; bytes32 identityCommitment; uint256 nonce; uint256 deadline; }
        /// Ask a provider for a relationship.
        struct Request { address patient; address provider; uint256 nonce; uint256 deadline; }
        /// Accept what a provider proposed.
        struct Accept { address patient; address provider; uint256 nonce; uint256 deadline; }
        /// Reject what a provider proposed.
        struct Reject { address patient; address provider; uint256 nonce; uint256 deadline; }
        /// Take note of an update.
        struct Acknowledge { address patient; address provider; uint256 nonce; uint256 deadline; }
        /// End the relationship, or take back the request.
        struct End { address patient; address provider; uint256 nonce; uint256 deadline; }
    }
}

/// Signed for Consents.
pub mod consents {
    alloy_sol_types::sol! {
        /// Put a consent document in force.
        struct Grant { address patient; bytes24 document; uint32 start; uint32 expiry; uint256 nonce; uint256 deadline; }
        /// Put it out of force.
        struct Revocation { address patient; bytes24 document; uint32 start; uint32 expiry; uint256 nonce; uint256 deadline; }
        /// Put several in force.
        struct Grants { address patient; bytes32[] terms; uint256 nonce; uint256 deadline; }
        /// Appoint a guardian for day-to-day acts.
        struct Appointment { address patient; address guardian; uint8 powers; uint32 start; uint32 expiry; uint256 nonce; uint256 deadline; }
        /// Dismiss a guardian, or lay down the office.
        struct Dismissal { address patient; address guardian; uint256 nonce; uint256 deadline; }
        /// Release to research, up to a yearly cap.
        struct ResearchRelease { address patient; bytes32 purpose; bytes32 scopeCommitment; uint32 start; uint32 expiry; uint64 yearlyCapNanoRho; uint256 nonce; uint256 deadline; }
        /// Withdraw from research.
        struct ResearchWithdrawal { address patient; bytes32 purpose; uint256 nonce; uint256 deadline; }
        /// Change who has to agree: signed by the patient, and by the present second party if there is one.
        struct CosignerChange { address patient; address from; address to; uint256 nonce; uint256 deadline; }
        /// Agree, as the second party, to one item.
        struct Cosignature { address patient; bytes32 item; bool agreed; uint256 nonce; uint256 deadline; }
        /// Found a group of viewers.
        struct GroupFoundation { address owner; bytes32 salt; uint256 nonce; uint256 deadline; }
        /// Take a member in or out.
        struct GroupMembership { address owner; address group; address member; bool admitted; uint256 nonce; uint256 deadline; }
    }
}

/// Signed for Bounties.
pub mod bounties {
    alloy_sol_types::sol! {
        /// Ask for the bundle of a bounty.
        struct Claim { bytes32 bounty; address owner; uint256 nonce; uint256 deadline; }
        /// Confirm that the bundle has come.
        struct Receipt { bytes32 bounty; address owner; bytes32 bundleHash; uint256 nonce; uint256 deadline; }
        /// State that nothing came in time.
        struct NonDelivery { bytes32 bounty; address owner; uint256 nonce; uint256 deadline; }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use alloy_primitives::{Address, B256, FixedBytes, U256};
    use alloy_sol_types::SolStruct;
    use serde_json::Value;

    use super::*;

    /// All Solidity sources, with literals that are broken over lines joined.
    fn sources(folder: &Path) -> String {
        let mut text = String::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            text += &if path.is_dir() { sources(&path) } else { fs::read_to_string(&path).unwrap() };
        }
        text
    }

    fn types() -> Vec<String> {
        macro_rules! of {
            ($($message:ty),* $(,)?) => { vec![$(<$message>::eip712_root_type().into_owned()),*] };
        }
        of![
            registrar::Registration,
            registrar::IdentityErasure,
            registrar::KeyRotation,
            registrar::KeyAcceptance,
            registrar::GuardianChange,
            registrar::RecoverySupport,
            registrar::RecoveryCancellation,
            relationships::Onboarding,
            relationships::Request,
            relationships::Accept,
            relationships::Reject,
            relationships::Acknowledge,
            relationships::End,
            consents::Grant,
            consents::Revocation,
            consents::Grants,
            consents::Appointment,
            consents::Dismissal,
            consents::ResearchRelease,
            consents::ResearchWithdrawal,
            consents::CosignerChange,
            consents::Cosignature,
            consents::GroupFoundation,
            consents::GroupMembership,
            bounties::Claim,
            bounties::Receipt,
            bounties::NonDelivery,
        ]
    }

    #[test]
    fn every_type_is_the_one_of_the_solidity_sources_and_none_is_missing() {
        let text = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        let types = types();
        for name in &types {
            assert!(text.contains(&format!("\"{name}\"")), "no contract knows {name}");
        }
        assert_eq!(text.matches("uint256 nonce,uint256 deadline)\"").count(), types.len());
    }

    /// What a vector of `vectors/eip712.json` says, and the hash of the message rebuilt here.
    fn compare<M: SolStruct>(vectors: &Value, name: &str, contract: &str, message: &M) {
        let chain_id = vectors["chainId"].as_u64().unwrap();
        let vector = &vectors[name];
        let address: Address = vector["contract"].as_str().unwrap().parse().unwrap();
        let digest: B256 = vector["digest"].as_str().unwrap().parse().unwrap();
        assert_eq!(message.eip712_signing_hash(&domain(contract, chain_id, address)), digest, "{name}");
    }

    #[test]
    fn digests_equal_those_whose_signatures_the_contracts_accepted() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/eip712.json");
        let vectors: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let patient: Address = vectors["patient"].as_str().unwrap().parse().unwrap();
        let provider: Address = vectors["provider"].as_str().unwrap().parse().unwrap();
        let guardian: Address = vectors["guardian"].as_str().unwrap().parse().unwrap();
        let deadline = U256::from(vectors["deadline"].as_u64().unwrap());
        let document = FixedBytes::<24>::repeat_byte(0x11);
        let (start, expiry) = (1_800_000_000, 1_900_000_000);
        let terms = crate::hashes::terms(document, start, expiry);
        let later = crate::hashes::terms(FixedBytes::<24>::repeat_byte(0x77), 0, expiry);
        compare(
            &vectors,
            "Onboarding",
            "Relationships",
            &relationships::Onboarding {
                patient,
                provider,
                identityCommitment: B256::repeat_byte(0x22),
                nonce: U256::ZERO,
                deadline,
            },
        );
        compare(
            &vectors,
            "Grant",
            "Consents",
            &consents::Grant { patient, document, start, expiry, nonce: U256::ZERO, deadline },
        );
        compare(
            &vectors,
            "Grants",
            "Consents",
            &consents::Grants { patient, terms: vec![terms, later], nonce: U256::from(1), deadline },
        );
        compare(
            &vectors,
            "ResearchRelease",
            "Consents",
            &consents::ResearchRelease {
                patient,
                purpose: B256::repeat_byte(0x33),
                scopeCommitment: B256::repeat_byte(0x44),
                start,
                expiry,
                yearlyCapNanoRho: 50_000_000,
                nonce: U256::from(2),
                deadline,
            },
        );
        compare(
            &vectors,
            "GuardianChange",
            "Registrar",
            &registrar::GuardianChange {
                account: patient,
                guardians: vec![guardian, provider],
                threshold: 2,
                nonce: U256::ZERO,
                deadline,
            },
        );
    }
}
