//! A development network: our node sealing on this machine, people with keys, an outbox for each who pays.

use std::time::Duration;

use alloy_primitives::U256;
use alloy_signer_local::PrivateKeySigner;
use medrec_chain::{Client, Contract, Contracts, Request, Sender, SignedAct, State};
use medrec_e2e::{RunningNode, candidate, funded, now_s, outbox, person};
use tempfile::TempDir;

/// A network with the contracts on it.
pub(crate) struct Network {
    pub(crate) node: RunningNode,
    pub(crate) miner: PrivateKeySigner,
    pub(crate) client: Client,
    pub(crate) contracts: Contracts,
    pub(crate) provider: Sender,
    pub(crate) folder: TempDir,
}

impl Network {
    /// Starts a node on a free port and deploys the contracts with account 0, the founding provider.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let miner = person("miner");
        let node = RunningNode::sealing(folder.path().join("chain"), miner.address(), None).await;
        let client = node.client().await;
        let provider = outbox(&client, funded(0), &folder.path().join("provider.redb"));
        let hospital = candidate(provider.account(), 4, "hospital");
        let contracts = provider.deploy("contracts", vec![hospital]).await.unwrap();
        Self { node, miner, client, contracts, provider, folder }
    }

    /// Sends and waits until it is confirmed.
    pub(crate) async fn execute(&self, request: impl Into<Request>) {
        let request = request.into();
        let what = request.act.what.clone();
        let nonce = self.provider.send(request).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let state = self.provider.wait(nonce).await.unwrap();
        assert!(matches!(state, State::Confirmed(_)), "{what}: {state:?}");
    }

    /// Has somebody sign an act and the provider carry it.
    pub(crate) async fn relay<A: SignedAct>(&self, act: &A, signer: &PrivateKeySigner) {
        let view = self.client.view().await.unwrap();
        let nonce = self.contracts.at(&view).nonce(A::CONTRACT, signer.address()).await.unwrap();
        let authorisation = self.contracts.authorise(act, signer, nonce, in_an_hour_s()).await.unwrap();
        self.execute(self.contracts.relay(act, &authorisation)).await;
    }

    /// Waits until this many blocks stand on the present one.
    pub(crate) async fn confirmations(&self, blocks: u64) {
        let wanted = self.client.view().await.unwrap().head().block.number + blocks;
        while self.client.view().await.unwrap().head().block.number < wanted {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The nonce of the miner's next signature at Bounties is read like any other.
    pub(crate) async fn owner_nonce(&self) -> U256 {
        let view = self.client.view().await.unwrap();
        self.contracts.at(&view).nonce(Contract::Bounties, self.miner.address()).await.unwrap()
    }
}

/// Unix seconds in an hour.
pub(crate) fn in_an_hour_s() -> u64 {
    now_s() + 3_600
}
