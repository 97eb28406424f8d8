//! Which of the five contracts a call belongs to.
//!
//! Why here: a call that is sent to the wrong contract reverts at best; with this trait it does not
//! compile. What not: addresses, which a network decides.

use std::fmt;

use alloy_sol_types::SolCall;
use medrec_contracts::{Bounties, Consents, Registrar, Relationships, Releases};

/// One of the five contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Contract {
    /// Participants, roles, keys, ballots.
    Registrar,
    /// Patient-provider pairs and what providers posted.
    Relationships,
    /// Grants, guardians, groups, releases to research.
    Consents,
    /// Claims of posted bounties.
    Bounties,
    /// Census releases and audit heads.
    Releases,
}

impl Contract {
    /// All five, in the order of their addresses in [`crate::Contracts`].
    pub const ALL: [Self; 5] =
        [Self::Registrar, Self::Consents, Self::Relationships, Self::Bounties, Self::Releases];

    /// Its name, as in its EIP-712 domain after "MedRec ".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registrar => "Registrar",
            Self::Relationships => "Relationships",
            Self::Consents => "Consents",
            Self::Bounties => "Bounties",
            Self::Releases => "Releases",
        }
    }
}

impl fmt::Display for Contract {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A call of one of the contracts. Implemented for every function of theirs; nothing else should be.
pub trait ContractCall: SolCall + Send + Sync {
    /// The contract that has this function.
    const CONTRACT: Contract;
}

macro_rules! calls {
    ($($contract:ident: $($call:ident)*;)*) => {
        $($(impl ContractCall for $contract::$call {
            const CONTRACT: Contract = Contract::$contract;
        })*)*
    };
}

calls! {
    Registrar:
        BALLOT_PERIODCall DOMAIN_SEPARATORCall MAX_GUARDIANSCall RECOVERY_DELAYCall
        RELATIONSHIPSCall accountOfCall accountOfNameCall cancelRecoveryBySigCall cancelRecoveryCall
        eip712DomainCall enrolPatientCall eraseIdentityBySigCall eraseIdentityCall
        finishRecoveryCall guardiansOfCall institutionCall keyOfCall noncesCall participantCall
        providerCountCall providersCall recoveryCall registerBySigCall registerCall resignCall
        roleOfCall rotateKeyBySigCall rotateKeyCall setEndpointCall setGuardiansBySigCall
        setGuardiansCall supportRecoveryBySigCall supportRecoveryCall voteToAdmitCall
        voteToRemoveCall;
    Relationships:
        CONSENTSCall DOMAIN_SEPARATORCall REGISTRARCall acceptCall acceptRequestCall acknowledgeCall
        actBySigCall actTypeHashCall bountyIdCall eip712DomainCall endAsProviderCall endCall
        noncesCall onboardCall pointerLeafCall postedCall proposeCall providerKeyChangedCall
        providerOfKeyCall rejectCall rejectRequestCall requestCall statusOfCall updateBatchCall
        updateCall verifyPointerCall;
    Consents:
        DOMAIN_SEPARATORCall POWER_GRANTCall POWER_RELATECall POWER_RESEARCHCall POWER_REVOKECall
        REGISTRARCall appointBySigCall appointCall appointmentItemCall appointmentOfCall
        changeCosignerCall cosignBySigCall cosignCall cosignerOfCall dismissBySigCall dismissCall
        eip712DomainCall foundGroupBySigCall foundGroupCall grantBySigCall grantCall grantForCall
        grantManyBySigCall grantManyCall grantedAtCall groupNameCall groupOwnerCall isInForceCall
        isMemberCall mayActCall noncesCall packTermsCall releaseToResearchBySigCall
        releaseToResearchCall requireCosignerBySigCall requireCosignerCall researchItemCall
        researchOfCall revokeBySigCall revokeCall revokeForCall setMemberBySigCall setMemberCall
        withdrawFromResearchBySigCall withdrawFromResearchCall;
    Bounties:
        CONFIRMATIONSCall DOMAIN_SEPARATORCall REGISTRARCall RELATIONSHIPSCall TIME_OUTCall
        answerCall bountyIdCall claimBySigCall claimCall claimOfCall confirmBySigCall confirmCall
        declareNonDeliveryBySigCall declareNonDeliveryCall eip712DomainCall noncesCall ownershipCall;
    Releases:
        CONFIRMATIONSCall REGISTRARCall anchorAuditHeadCall auditHeadOfCall budgetOfCall commitCall
        declareCapCall releaseOfCall shardForBlockCall shardForHashCall shardLeafCall
        verifyShardCall;
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_function_of_the_artifacts_belongs_to_its_contract() {
        let artifacts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/artifacts");
        let source = include_str!("contract.rs");
        for contract in Contract::ALL {
            let text = fs::read_to_string(artifacts.join(format!("{contract}.json"))).unwrap();
            let artifact: serde_json::Value = serde_json::from_str(&text).unwrap();
            let table =
                source.split(&format!("    {contract}:\n")).nth(1).unwrap().split(';').next().unwrap();
            let listed: Vec<_> = table.split_whitespace().collect();
            let functions =
                artifact["abi"].as_array().unwrap().iter().filter(|item| item["type"] == "function");
            let mut names: Vec<_> =
                functions.map(|item| format!("{}Call", item["name"].as_str().unwrap())).collect();
            names.sort();
            assert_eq!(listed, names, "{contract}");
        }
    }
}
