//! The network as a wallet sees it: nodes, contracts, and where each provider's gatekeeper is.
//!
//! Endpoints come from the Registrar, which only the provider itself can change; a wallet is told of one network file and
//! of nodes, and of nothing else.

use std::time::Duration;

use alloy_primitives::Address as ChainAddress;
use medrec_chain::contracts::Role;
use medrec_chain::{Client, Contracts, Network, View};
use medrec_domain::identifier::Address;
use medrec_protocol::bridge::{from_chain, to_chain};
use serde::Serialize;

use crate::error::WalletError;
use crate::gatekeeper::{GatekeeperClient, GatekeeperOptions};

/// A chain with MedRec's contracts on it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its nodes.
    pub client: Client,
    /// Its contracts.
    pub contracts: Contracts,
}

/// What is public of a provider or researcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Institution {
    /// Its account.
    pub account: Address,
    /// Its name.
    pub name: String,
    /// Where it is reached.
    pub endpoint: String,
}

impl Place {
    /// The network of a file, asked through these nodes. Nobody is asked yet.
    ///
    /// # Errors
    /// [`WalletError::Chain`] without a node or with a URL that cannot be used.
    pub fn new(
        network: &Network,
        nodes: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, WalletError> {
        let client = Client::new(network.client_options(nodes))?;
        Ok(Self { client, contracts: network.contracts })
    }

    /// The chain as it is now, waiting a little for a node.
    ///
    /// # Errors
    /// [`WalletError::Chain`] with the state of each node.
    pub async fn view(&self) -> Result<View, WalletError> {
        Ok(self.client.wait_until_ready(Duration::from_secs(15)).await?)
    }

    /// Whether the contracts stand where the network file says.
    ///
    /// # Errors
    /// [`WalletError::Chain`] with the first that does not.
    pub async fn verify(&self) -> Result<(), WalletError> {
        let view = self.view().await?;
        Ok(self.contracts.at(&view).verify().await?)
    }

    /// Every provider, by name.
    ///
    /// # Errors
    /// [`WalletError::Chain`].
    pub async fn providers(&self) -> Result<Vec<Institution>, WalletError> {
        let view = self.view().await?;
        let reader = self.contracts.at(&view);
        let mut providers = Vec::new();
        for account in reader.providers().await? {
            providers.push(institution(account, reader.institution(account).await?));
        }
        providers.sort_by(|one, other| (&one.name, one.account).cmp(&(&other.name, other.account)));
        Ok(providers)
    }

    /// The provider that a name or an address means.
    ///
    /// # Errors
    /// [`WalletError::Unknown`] with the names that there are; [`WalletError::Chain`].
    pub async fn provider(&self, text: &str) -> Result<Institution, WalletError> {
        let providers = self.providers().await?;
        let account = text.parse::<Address>().ok();
        let found = providers.iter().find(|known| known.name == text || Some(known.account) == account);
        found.cloned().ok_or_else(|| {
            let names: Vec<_> = providers.iter().map(|known| known.name.as_str()).collect();
            let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
            WalletError::Unknown(format!("there is no provider {text:?}\n\nhint: on this chain are {names}"))
        })
    }

    /// A client of a provider's gatekeeper, at the endpoint that the Registrar has.
    ///
    /// # Errors
    /// [`WalletError::NotRegistered`] for who is no provider; [`WalletError::Chain`], [`WalletError::Gatekeeper`].
    pub async fn gatekeeper(
        &self,
        provider: Address,
        options: GatekeeperOptions,
    ) -> Result<GatekeeperClient, WalletError> {
        let view = self.view().await?;
        let reader = self.contracts.at(&view);
        let account = to_chain(provider);
        if reader.role_of(account).await? != Role::Provider {
            return Err(WalletError::NotRegistered { account, what: "provider" });
        }
        let endpoint = reader.institution(account).await?.endpoint;
        GatekeeperClient::new(&endpoint, self.contracts.chain_id, provider, options)
    }

    /// The key that speaks for an account now.
    ///
    /// # Errors
    /// [`WalletError::NotRegistered`]; [`WalletError::Chain`].
    pub async fn key_of(&self, account: Address) -> Result<ChainAddress, WalletError> {
        let view = self.view().await?;
        let account = to_chain(account);
        let key = self.contracts.at(&view).key_of(account).await?;
        key.ok_or(WalletError::NotRegistered { account, what: "participant" })
    }
}

fn institution(account: ChainAddress, found: medrec_contracts::Registrar::Institution) -> Institution {
    Institution { account: from_chain(account), name: found.name, endpoint: found.endpoint }
}
