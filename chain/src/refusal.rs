//! Why a contract refused, as a type.
//!
//! Why here: "execution reverted" helps nobody; the contracts say what was wrong in custom errors
//! with arguments. What not: which act was refused; the error around this says so.

use std::fmt;

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::{Panic, Revert, SolError, SolInterface};
use medrec_contracts::{Bounties, Consents, Registrar, Relationships, Releases};

use crate::contract::Contract;

/// What a reverted call returned.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A custom error of the Registrar.
    Registrar(Registrar::RegistrarErrors),
    /// A custom error of Relationships.
    Relationships(Relationships::RelationshipsErrors),
    /// A custom error of Consents.
    Consents(Consents::ConsentsErrors),
    /// A custom error of Bounties.
    Bounties(Bounties::BountiesErrors),
    /// A custom error of Releases.
    Releases(Releases::ReleasesErrors),
    /// `require` or `revert` with a text.
    Text(String),
    /// A check of the compiler failed, with Solidity's panic code (0x11 is an overflow).
    Panic(U256),
    /// Bytes that no contract of ours returns.
    Unknown(Bytes),
    /// Nothing was returned: out of gas, an invalid instruction or a bare revert.
    Silent,
}

impl Refusal {
    /// Decodes what a call of `called` returned when it reverted.
    ///
    /// Contracts call each other and pass errors on, so an error that `called` does not know is looked up
    /// in the others. Errors of one name have one signature everywhere.
    pub fn decode(data: &[u8], called: Option<Contract>) -> Self {
        if data.is_empty() {
            return Self::Silent;
        }
        if let Ok(revert) = Revert::abi_decode(data) {
            return Self::Text(revert.reason);
        }
        if let Ok(panic) = Panic::abi_decode(data) {
            return Self::Panic(panic.code);
        }
        let order = called.into_iter().chain(Contract::ALL);
        let mut decoded = order.filter_map(|contract| Self::of(contract, data));
        decoded.next().unwrap_or_else(|| Self::Unknown(Bytes::copy_from_slice(data)))
    }

    fn of(contract: Contract, data: &[u8]) -> Option<Self> {
        match contract {
            Contract::Registrar => Registrar::RegistrarErrors::abi_decode(data).ok().map(Self::Registrar),
            Contract::Relationships => {
                Relationships::RelationshipsErrors::abi_decode(data).ok().map(Self::Relationships)
            }
            Contract::Consents => Consents::ConsentsErrors::abi_decode(data).ok().map(Self::Consents),
            Contract::Bounties => Bounties::BountiesErrors::abi_decode(data).ok().map(Self::Bounties),
            Contract::Releases => Releases::ReleasesErrors::abi_decode(data).ok().map(Self::Releases),
        }
    }

    /// The name of the custom error, if it is one.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::Registrar(error) => Registrar::RegistrarErrors::name_by_selector(error.selector()),
            Self::Relationships(error) => {
                Relationships::RelationshipsErrors::name_by_selector(error.selector())
            }
            Self::Consents(error) => Consents::ConsentsErrors::name_by_selector(error.selector()),
            Self::Bounties(error) => Bounties::BountiesErrors::name_by_selector(error.selector()),
            Self::Releases(error) => Releases::ReleasesErrors::name_by_selector(error.selector()),
            Self::Text(_) | Self::Panic(_) | Self::Unknown(_) | Self::Silent => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The derived form is Variant(Error { argument: value }): the part within the parentheses.
            Self::Registrar(error) => write!(formatter, "{}", inner(&format!("{error:?}"))),
            Self::Relationships(error) => write!(formatter, "{}", inner(&format!("{error:?}"))),
            Self::Consents(error) => write!(formatter, "{}", inner(&format!("{error:?}"))),
            Self::Bounties(error) => write!(formatter, "{}", inner(&format!("{error:?}"))),
            Self::Releases(error) => write!(formatter, "{}", inner(&format!("{error:?}"))),
            Self::Text(text) => write!(formatter, "{text:?}"),
            Self::Panic(code) => write!(formatter, "panic {code:#x}"),
            Self::Unknown(data) => write!(formatter, "unknown error {data}"),
            Self::Silent => formatter.write_str("no reason given (out of gas, or an invalid instruction)"),
        }
    }
}

fn inner(shown: &str) -> &str {
    shown.split_once('(').map_or(shown, |(_, rest)| rest.strip_suffix(')').unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;

    use super::*;

    #[test]
    fn a_custom_error_is_decoded_with_its_arguments() {
        let patient = Address::repeat_byte(1);
        let error = Consents::NothingToRevoke { patient, terms: U256::from(5).into() };
        let refusal = Refusal::decode(&error.abi_encode(), Some(Contract::Consents));
        assert_eq!(refusal, Refusal::Consents(Consents::ConsentsErrors::NothingToRevoke(error)));
        assert_eq!(refusal.name(), Some("NothingToRevoke"));
        let shown = refusal.to_string();
        assert!(shown.starts_with("NothingToRevoke { patient: 0x0101"), "{shown}");
    }

    #[test]
    fn an_error_that_another_contract_passed_on_is_found() {
        let error = Registrar::AddressTaken { taken: Address::repeat_byte(2) };
        let refusal = Refusal::decode(&error.abi_encode(), Some(Contract::Relationships));
        assert_eq!(refusal, Refusal::Registrar(Registrar::RegistrarErrors::AddressTaken(error)));
    }

    #[test]
    fn texts_panics_silence_and_the_unknown_are_told_apart() {
        let text = Revert { reason: "no".to_owned() }.abi_encode();
        assert_eq!(Refusal::decode(&text, None), Refusal::Text("no".to_owned()));
        let panic = Panic { code: U256::from(0x11) }.abi_encode();
        assert_eq!(Refusal::decode(&panic, None).to_string(), "panic 0x11");
        assert_eq!(Refusal::decode(&[], None), Refusal::Silent);
        assert_eq!(Refusal::decode(&[1, 2, 3, 4], None).to_string(), "unknown error 0x01020304");
    }
}
