//! Our own node in this process, asked over HTTP as any other one.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, U256};
use medrec_chain::{Client, ClientOptions};
use medrec_node::backend::Backend;
use medrec_node::node::LightSealing;
use medrec_node::spec::{DEV_ACCOUNTS, DEV_MNEMONIC, DifficultyRule};
use medrec_node::{ChainSpec, Node, NodeError, NodeOptions};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::CHAIN;
use crate::people::now_s;

/// Longest wait for a node to be ready.
const PATIENCE: Duration = Duration::from_mins(1);

/// Options of a client of a chain that is made by hand: its newest block may be as old as it likes.
pub fn client_options(url: &str) -> ClientOptions {
    ClientOptions { max_head_age: None, ..ClientOptions::new([url], CHAIN) }
}

/// A node that runs until it is stopped or dropped.
pub struct RunningNode {
    /// Where it is asked.
    pub url: String,
    /// Its chain and pool.
    pub backend: Arc<Backend>,
    options: ClientOptions,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), NodeError>>,
}

impl RunningNode {
    /// A development node that seals blocks itself and pays `coinbase`: at once for transactions, and now and then without, so that
    /// confirmations come. It listens on `address`, or on any free port.
    pub async fn sealing(datadir: PathBuf, coinbase: Address, address: Option<SocketAddr>) -> Self {
        let mut options = NodeOptions::new(ChainSpec::dev(DEV_MNEMONIC, DEV_ACCOUNTS).unwrap(), datadir);
        options.backend.coinbase = Some(coinbase);
        options.sealing = Some(LightSealing { threads: 1, period: Some(Duration::from_millis(200)) });
        Self::start(options, address, |url| ClientOptions::new([url], CHAIN)).await
    }

    /// A node whose blocks somebody makes by hand, at difficulty 1; its block 0 is so many seconds old.
    pub async fn by_hand(datadir: PathBuf, age_s: u64) -> Self {
        let mut spec = ChainSpec::dev(DEV_MNEMONIC, DEV_ACCOUNTS).unwrap();
        spec.difficulty = DifficultyRule::Fixed(1);
        spec.genesis.difficulty = U256::from(1);
        spec.genesis.timestamp = now_s() - age_s;
        Self::start(NodeOptions::new(spec, datadir), None, client_options).await
    }

    async fn start(
        options: NodeOptions,
        address: Option<SocketAddr>,
        client_options: impl Fn(&str) -> ClientOptions,
    ) -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(address.unwrap_or(anywhere)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let node = Node::open(options).unwrap();
        let backend = Arc::clone(node.backend());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(node.serve(listener, async {
            let _ = stopped.await;
        }));
        Self { options: client_options(&url), url, backend, stop, served }
    }

    /// A client of this node, once it is ready.
    pub async fn client(&self) -> Client {
        let client = Client::new(self.options.clone()).unwrap();
        client.wait_until_ready(PATIENCE).await.unwrap();
        client
    }

    /// Stops it as an operator would: nobody answers on its port any more.
    pub async fn stop(self) {
        drop(self.stop);
        self.served.await.unwrap().unwrap();
    }
}
