//! Acts of a provider on the chain: contracts, admissions, endpoint, cap.
//!
//! What the gatekeeper does for a provider (invite, link, propose, post, epochs) is asked of the gatekeeper with
//! [`crate::GatekeeperClient::ask`].

mod rotation;

use std::path::Path;

use alloy_primitives::{Address as ChainAddress, B256};
use medrec_chain::contracts::Role;
use medrec_chain::{Act, Network, Request, Sender};
use medrec_contracts::{Registrar, Releases};
use medrec_domain::identifier::Address;
use medrec_protocol::bridge::to_chain;
use serde::{Deserialize, Serialize};

use crate::account::{Account, Done};
use crate::disk::write_whole;
use crate::error::WalletError;

pub use self::rotation::{Rotated, rotate_key};

/// Gas of a vote: more than admitting somebody with a long name and endpoint takes.
const VOTE_GAS: u64 = 1_000_000;

/// Who asks to be let in, as a public file: providers vote for exactly this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The account.
    pub account: ChainAddress,
    /// `provider` or `researcher`.
    pub role: InstitutionRole,
    /// Salted commitment of the existing identity; zero for none.
    pub identity_commitment: B256,
    /// Public name, unique on the chain.
    pub name: String,
    /// Where it is reached; a provider's gatekeeper.
    pub endpoint: String,
    /// Public key for encryption to it; zero for none.
    pub encryption_key: B256,
}

/// Roles that are voted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstitutionRole {
    /// Holds records.
    Provider,
    /// Mines and collects.
    Researcher,
}

impl Candidate {
    /// Reads a candidate's file.
    ///
    /// # Errors
    /// [`WalletError::File`], [`WalletError::Form`].
    pub fn read(path: &Path) -> Result<Self, WalletError> {
        let bytes = std::fs::read(path).map_err(WalletError::file(path))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| WalletError::Form { path: path.to_path_buf(), problem: error.to_string() })
    }

    /// In the contract's words.
    pub fn to_contract(&self) -> Registrar::Candidate {
        let role = match self.role {
            InstitutionRole::Provider => Role::Provider,
            InstitutionRole::Researcher => Role::Researcher,
        };
        Registrar::Candidate {
            account: self.account,
            role: role.number(),
            identityCommitment: self.identity_commitment,
            institution: Registrar::Institution {
                name: self.name.clone(),
                endpoint: self.endpoint.clone(),
                encryptionKey: self.encryption_key,
            },
        }
    }
}

/// Creates the five contracts with these founders and writes the network file, which must not exist. After a crash the same
/// command goes on where it stopped.
///
/// # Errors
/// [`WalletError::Chain`]; [`WalletError::File`] when the file is there.
pub async fn deploy(sender: &Sender, founders: &[Candidate], file: &Path) -> Result<Network, WalletError> {
    if std::fs::symlink_metadata(file).is_ok() {
        return Err(WalletError::File {
            path: file.to_path_buf(),
            source: std::io::Error::from(std::io::ErrorKind::AlreadyExists),
        });
    }
    let founders = founders.iter().map(Candidate::to_contract).collect();
    let contracts = sender.deploy("medrec contracts", founders).await?;
    let view = sender.client().view().await?;
    let genesis_hash = view.at(0).await?.head().block.hash;
    let network = Network { genesis_hash, contracts };
    let text = network
        .to_json()
        .map_err(|error| WalletError::Form { path: file.to_path_buf(), problem: error.to_string() })?;
    write_whole(file, text.as_bytes(), 0o644, false).map_err(WalletError::file(file))?;
    Ok(network)
}

/// How a vote stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VoteOutcome {
    /// The vote's transaction.
    #[serde(flatten)]
    pub done: Done,
    /// What the account is now.
    pub role: String,
}

async fn role_now(account: &Account, candidate: ChainAddress) -> Result<Role, WalletError> {
    let view = account.place.view().await?;
    Ok(account.place.contracts.at(&view).role_of(candidate).await?)
}

/// A vote that opens a ballot costs other gas than the one that decides it, and which of the two it is shows in its block
/// alone: an estimate made beside somebody else's vote can be too low.
async fn vote(account: &Account, act: Act) -> Result<Done, WalletError> {
    account.execute(Request::from(act).with_gas_limit(VOTE_GAS)).await
}

/// Votes to admit exactly this candidate.
///
/// # Errors
/// As [`Account::send`].
pub async fn admit(account: &Account, candidate: &Candidate) -> Result<VoteOutcome, WalletError> {
    let call = Registrar::voteToAdmitCall { candidate: candidate.to_contract() };
    let done = vote(account, account.place.contracts.act(&call)).await?;
    Ok(VoteOutcome {
        done,
        role: format!("{:?}", role_now(account, candidate.account).await?).to_lowercase(),
    })
}

/// Votes to remove a provider or researcher.
///
/// # Errors
/// As [`Account::send`].
pub async fn remove(account: &Account, whom: Address) -> Result<VoteOutcome, WalletError> {
    let call = Registrar::voteToRemoveCall { account: to_chain(whom) };
    let done = vote(account, account.place.contracts.act(&call)).await?;
    Ok(VoteOutcome { done, role: format!("{:?}", role_now(account, to_chain(whom)).await?).to_lowercase() })
}

/// States where the institution is reached from now on.
///
/// # Errors
/// As [`Account::send`].
pub async fn set_endpoint(account: &Account, endpoint: String) -> Result<Done, WalletError> {
    let view = account.place.view().await?;
    let reader = account.place.contracts.at(&view);
    let key = account.signer.address();
    let participant = reader.account_of(key).await?;
    let participant = participant.ok_or(WalletError::NotRegistered { account: key, what: "participant" })?;
    let encryption_key = reader.institution(participant).await?.encryptionKey;
    account.call(&Registrar::setEndpointCall { endpoint, encryptionKey: encryption_key }, None).await
}

/// Declares the most that this provider will ever release, once and for ever, in units of 1e-9 rho.
///
/// # Errors
/// As [`Account::send`].
pub async fn declare_cap(account: &Account, cap_nano_rho: u64) -> Result<Done, WalletError> {
    account.call(&Releases::declareCapCall { capNanoRho: cap_nano_rho }, None).await
}

/// A provider's cap and what it has spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// Most that it may ever release, in units of 1e-9 rho; 0 until it is declared.
    pub cap_nano_rho: u64,
    /// What it has released.
    pub spent_nano_rho: u64,
    /// Its newest epoch, where there is one.
    pub last_epoch: Option<u64>,
    /// Number of its epochs.
    pub epochs: u64,
}

/// A provider's budget as the chain has it.
///
/// # Errors
/// [`WalletError::Chain`].
pub async fn budget(place: &crate::network::Place, provider: Address) -> Result<Budget, WalletError> {
    let view = place.view().await?;
    let budget = place.contracts.at(&view).budget_of(to_chain(provider)).await?;
    let epochs = budget.epochs;
    Ok(Budget {
        cap_nano_rho: budget.capNanoRho,
        spent_nano_rho: budget.spentNanoRho,
        last_epoch: (epochs > 0).then_some(budget.lastEpoch),
        epochs,
    })
}
