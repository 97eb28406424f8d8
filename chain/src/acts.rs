//! Acts that one person signs and anybody carries: every EIP-712 message of the contracts.
//!
//! Why here: patients, guardians and bounty owners hold no ether, so what they do is a signed message inside somebody
//! else's transaction. Message and call belong together; a pair that does not fit is refused by the contract long
//! after the mistake. What not: no key, no nonce, nothing is sent; [`crate::Contracts`] signs and [`crate::Sender`] sends.
//!
//! Addresses named `patient` are the account in Registrar and Relationships, the present *key* in Consents. Times are
//! Unix seconds; privacy loss is in units of 1e-9 rho.

pub mod bounties;
pub mod consents;
pub mod registrar;
pub mod relationships;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolStruct;
use medrec_contracts::{Bounties, Consents, Registrar, Relationships};
use serde::{Deserialize, Serialize};

use crate::contract::{Contract, ContractCall};

/// A signature of a message of the contracts: what a relayer needs beside the act itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorisation {
    /// Whose signature it is.
    pub signer: Address,
    /// The last Unix second at which it is good.
    pub deadline_s: u64,
    /// 65 bytes of ECDSA (r, s, v), or what an EIP-1271 contract asks for.
    pub signature: Bytes,
}

macro_rules! permits {
    ($($contract:ident)*) => {
        $(impl From<&Authorisation> for $contract::Permit {
            fn from(authorisation: &Authorisation) -> Self {
                Self {
                    signer: authorisation.signer,
                    deadline: U256::from(authorisation.deadline_s),
                    signature: authorisation.signature.clone(),
                }
            }
        })*
    };
}

permits! { Registrar Relationships Consents Bounties }

/// Something that is signed for one of the contracts.
pub trait SignedMessage: Send + Sync {
    /// The contract in whose domain it is signed.
    const CONTRACT: Contract;
    /// Its EIP-712 type.
    type Typed: SolStruct;
    /// The EIP-712 message of this signer.
    fn typed(&self, signer: Address, nonce: U256, deadline: U256) -> Self::Typed;
}

/// A signed message that one call carries.
pub trait SignedAct: SignedMessage {
    /// The call.
    type Carried: ContractCall;
    /// The call with the signature.
    fn carried(&self, authorisation: &Authorisation) -> Self::Carried;
}

/// One message a block: its fields, how they are signed, and the call that carries it, if one signature is enough.
macro_rules! messages {
    ($contract:ident, $signed:path; $(
        $(#[$documentation:meta])*
        $name:ident { $($(#[$about:meta])* $field:ident: $type:ty,)* }
        signs $typed:ident |$act:ident, $signer:ident| { $($key:ident: $value:expr,)* }
        $(carries $call:ident |$carried:ident| { $($argument:ident: $given:expr,)* } permit $permit:ident)?;
    )*) => {
        $(
            $(#[$documentation])*
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $name {
                $($(#[$about])* pub $field: $type,)*
            }

            impl $crate::acts::SignedMessage for $name {
                const CONTRACT: $crate::contract::Contract = $crate::contract::Contract::$contract;
                type Typed = signed::$typed;

                fn typed(
                    &self,
                    $signer: alloy_primitives::Address,
                    nonce: alloy_primitives::U256,
                    deadline: alloy_primitives::U256,
                ) -> signed::$typed {
                    let $act = self;
                    signed::$typed { $($key: $value,)* nonce, deadline }
                }
            }

            $(impl $crate::acts::SignedAct for $name {
                type Carried = medrec_contracts::$contract::$call;

                fn carried(&self, authorisation: &$crate::acts::Authorisation) -> Self::Carried {
                    let $carried = self;
                    medrec_contracts::$contract::$call {
                        $($argument: $given,)*
                        $permit: authorisation.into(),
                    }
                }
            })?
        )*
    };
}

pub(crate) use messages;
