//! Which calls a provider carries for others, and whose signature each holds.
//!
//! A list of calls, not a pattern: everything that is not named here is refused, so that nobody has the provider's key
//! call a contract in the provider's own name. Each of these calls proves its author by the signature inside.

use alloy_primitives::Address;
use alloy_sol_types::SolCall as _;
use medrec_chain::{Act, Contract, ContractCall, Contracts};
use medrec_contracts::{Bounties, Consents, Registrar, Relationships};

/// A call that may be carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Carried {
    /// What is sent.
    pub(crate) act: Act,
    /// Whose act it is: the signer of its permit.
    pub(crate) author: Address,
    /// Whether it enters a new patient under this provider.
    pub(crate) is_onboarding: bool,
    /// The patient whom it is about, where that need not be the author: her account or her key.
    pub(crate) patient: Option<Address>,
    /// The provider whose posting it is about.
    pub(crate) poster: Option<Address>,
}

/// One call of the list: decodes it, reads its author, the patient that it is about and the posting that it is of.
macro_rules! calls {
    ($contracts:ident, $wanted:ident, $data:ident; $($contract:ident: $(
        $call:ident by $permit:ident $(about $patient:ident)? $(of $posting:ident)?,
    )*;)*) => {
        $($(if let Some(call) = decode::<$contract::$call>($wanted, $data) {
            return Some(Carried {
                act: exact($contracts, &call, $data)?,
                author: call.$permit.signer,
                is_onboarding: $contract::$call::SELECTOR == Relationships::onboardCall::SELECTOR,
                patient: [$(call.$patient)?].into_iter().next(),
                poster: [$(call.$posting.provider)?].into_iter().next(),
            });
        })*)*
    };
}

/// The call, if the bytes are its one encoding for the contract that is wanted.
fn decode<C: ContractCall>(wanted: Contract, data: &[u8]) -> Option<C> {
    let is_meant = wanted == C::CONTRACT && data.get(..4) == Some(C::SELECTOR.as_slice());
    is_meant.then(|| C::abi_decode_validate(data).ok()).flatten()
}

/// The act, if encoding it again gives the same bytes: nothing hides behind the arguments.
fn exact<C: ContractCall>(contracts: &Contracts, call: &C, data: &[u8]) -> Option<Act> {
    Some(contracts.act(call)).filter(|act| act.data.as_ref() == data)
}

fn read(contracts: &Contracts, wanted: Contract, data: &[u8]) -> Option<Carried> {
    calls! { contracts, wanted, data;
        Registrar:
            registerBySigCall by permit,
            eraseIdentityBySigCall by permit,
            rotateKeyBySigCall by ofOldKey,
            setGuardiansBySigCall by permit,
            supportRecoveryBySigCall by permit about account,
            cancelRecoveryBySigCall by permit,
            finishRecoveryCall by ofNewKey about account,
        ;
        Relationships:
            onboardCall by permit,
            actBySigCall by permit about patient,
        ;
        Consents:
            grantBySigCall by permit about patient,
            grantManyBySigCall by permit,
            revokeBySigCall by permit about patient,
            appointBySigCall by permit,
            dismissBySigCall by permit about patient,
            releaseToResearchBySigCall by permit about patient,
            withdrawFromResearchBySigCall by permit about patient,
            requireCosignerBySigCall by permit,
            changeCosignerCall by ofPatient,
            cosignBySigCall by permit about patient,
            foundGroupBySigCall by permit,
            setMemberBySigCall by permit,
        ;
        Bounties:
            claimBySigCall by permit of posting,
            confirmBySigCall by permit of posting,
            declareNonDeliveryBySigCall by permit of posting,
        ;
    }
    None
}

impl Carried {
    /// Reads a call; `None` for one that is not carried.
    pub(crate) fn read(contracts: &Contracts, contract: &str, data: &[u8]) -> Option<Self> {
        let wanted = Contract::ALL.into_iter().find(|known| known.name() == contract)?;
        read(contracts, wanted, data)
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Bytes, U256};
    use medrec_contracts::Releases;

    use super::*;

    fn contracts() -> Contracts {
        Contracts::predicted(1337, Address::repeat_byte(1), 0)
    }

    fn permit() -> Consents::Permit {
        Consents::Permit {
            signer: Address::repeat_byte(7),
            deadline: U256::from(9),
            signature: Bytes::from(vec![1; 65]),
        }
    }

    fn grant() -> Consents::grantBySigCall {
        let (patient, terms) = (Address::repeat_byte(8), alloy_primitives::B256::repeat_byte(3));
        Consents::grantBySigCall { patient, terms, permit: permit() }
    }

    #[test]
    fn a_signed_grant_is_carried_as_its_signers() {
        let carried = Carried::read(&contracts(), "Consents", &grant().abi_encode()).unwrap();
        assert_eq!(carried.author, Address::repeat_byte(7));
        assert_eq!(carried.act.to, Some(contracts().consents));
        assert!(!carried.is_onboarding && carried.poster.is_none());
        assert_eq!(carried.patient, Some(Address::repeat_byte(8)));
    }

    #[test]
    fn calls_in_the_providers_own_name_are_never_carried() {
        let own = [
            ("Consents", Consents::grantCall { terms: [3; 32].into() }.abi_encode()),
            ("Registrar", Registrar::resignCall {}.abi_encode()),
            ("Registrar", Registrar::voteToRemoveCall { account: Address::ZERO }.abi_encode()),
            ("Relationships", Relationships::endAsProviderCall { patient: Address::ZERO }.abi_encode()),
            ("Releases", Releases::declareCapCall { capNanoRho: 1 }.abi_encode()),
        ];
        for (contract, data) in own {
            assert_eq!(Carried::read(&contracts(), contract, &data), None, "{contract}");
        }
    }

    #[test]
    fn another_contract_rubbish_and_bytes_behind_the_call_are_refused() {
        let data = grant().abi_encode();
        assert_eq!(Carried::read(&contracts(), "Registrar", &data), None);
        assert_eq!(Carried::read(&contracts(), "consents", &data), None);
        assert_eq!(Carried::read(&contracts(), "Consents", &data[..40]), None);
        assert_eq!(Carried::read(&contracts(), "Consents", &[]), None);
        let longer = [data.as_slice(), &[0; 32]].concat();
        assert_eq!(Carried::read(&contracts(), "Consents", &longer), None);
    }
}
