//! People and institutions of test networks.

use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, keccak256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use medrec_contracts::Registrar;
use medrec_node::spec::DEV_MNEMONIC;

/// An account of the development chain, with ether.
pub fn funded(index: u32) -> PrivateKeySigner {
    MnemonicBuilder::from_phrase_nth(DEV_MNEMONIC, index)
}

/// Somebody without ether, always the same for a name.
pub fn person(name: &str) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(name)).unwrap()
}

/// An institution as a ballot describes it; role 4 is a provider, 3 a researcher.
pub fn candidate(account: Address, role: u8, name: &str) -> Registrar::Candidate {
    Registrar::Candidate {
        account,
        role,
        identityCommitment: keccak256(name),
        institution: Registrar::Institution {
            name: name.to_owned(),
            endpoint: format!("http://{name}.example"),
            encryptionKey: keccak256("encryption key"),
        },
    }
}

/// Unix seconds.
pub fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
