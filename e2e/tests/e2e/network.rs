//! A development network: our node sealing on this machine, people with keys, an outbox for each who pays.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, keccak256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use medrec_chain::{
    Client, ClientOptions, Contract, Contracts, Request, Sender, SenderOptions, SignedAct, State,
};
use medrec_contracts::Registrar;
use medrec_node::node::LightSealing;
use medrec_node::spec::{DEV_ACCOUNTS, DEV_CHAIN_ID, DEV_MNEMONIC};
use medrec_node::{ChainSpec, Node, NodeOptions};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A node that runs until it is stopped.
pub(crate) struct RunningNode {
    pub(crate) url: String,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl RunningNode {
    /// Starts a development node in `datadir` that pays `coinbase`.
    pub(crate) async fn start(datadir: PathBuf, coinbase: Address, address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let spec = ChainSpec::dev(DEV_MNEMONIC, DEV_ACCOUNTS).unwrap();
        let mut options = NodeOptions::new(spec, datadir);
        options.backend.coinbase = Some(coinbase);
        // A block for transactions at once, and one now and then, so that confirmations come.
        let period = Some(Duration::from_millis(200));
        options.sealing = Some(LightSealing { threads: 1, period });
        let (stop, stopped) = oneshot::channel::<()>();
        let node = Node::open(options).unwrap();
        let served = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            node.serve(listener, stopped).await.unwrap();
        });
        Self { url, stop, served }
    }

    /// Stops it as an operator would.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.served.await.unwrap();
    }
}

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
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let node = RunningNode::start(folder.path().join("chain"), miner.address(), anywhere).await;
        let client = Client::new(client_options(&node.url)).unwrap();
        client.wait_until_ready(Duration::from_mins(1)).await.unwrap();
        let provider = outbox(&client, funded(0), &folder.path().join("provider.redb"));
        let hospital = Registrar::Candidate {
            account: provider.account(),
            role: 4,
            identityCommitment: keccak256("hospital"),
            institution: Registrar::Institution {
                name: "hospital".to_owned(),
                endpoint: "http://127.0.0.1:7000".to_owned(),
                encryptionKey: keccak256("encryption key"),
            },
        };
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
    pub(crate) async fn owner_nonce(&self) -> alloy_primitives::U256 {
        let view = self.client.view().await.unwrap();
        self.contracts.at(&view).nonce(Contract::Bounties, self.miner.address()).await.unwrap()
    }
}

/// Options for a node of the development chain.
pub(crate) fn client_options(url: &str) -> ClientOptions {
    ClientOptions::new([url], DEV_CHAIN_ID)
}

/// An outbox that looks often and is content with two confirmations.
pub(crate) fn outbox(client: &Client, signer: PrivateKeySigner, path: &Path) -> Sender {
    let options = SenderOptions {
        confirmations: 2,
        poll_interval: Duration::from_millis(50),
        ..SenderOptions::default()
    };
    Sender::open(client.clone(), Arc::new(signer), path, options).unwrap()
}

/// An account of the development chain, with ether.
pub(crate) fn funded(index: u32) -> PrivateKeySigner {
    MnemonicBuilder::from_phrase_nth(DEV_MNEMONIC, index)
}

/// Somebody without ether.
pub(crate) fn person(name: &str) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(name)).unwrap()
}

/// Unix seconds in an hour.
pub(crate) fn in_an_hour_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 3_600
}
