//! A chain whose blocks the test makes itself: our own node over HTTP, with the real rules, at difficulty 1.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use medrec_chain::{
    Act, Client, ClientOptions, Contracts, Request, Sender, SenderOptions, SignedAct, State, View,
};
use medrec_contracts::Registrar;
use medrec_node::backend::Backend;
use medrec_node::chain::ImportOptions;
use medrec_node::chain::building::{BlockTemplate, TransactionSource};
use medrec_node::execution::Unexecutable;
use medrec_node::header::child_base_fee_wei;
use medrec_node::spec::{DEV_ACCOUNTS, DEV_CHAIN_ID, DEV_MNEMONIC, DifficultyRule};
use medrec_node::store::ChainBlock;
use medrec_node::work::light;
use medrec_node::{ChainSpec, Node, NodeOptions, Transaction};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Id of the chain.
pub(crate) const CHAIN: u64 = DEV_CHAIN_ID;

/// A chain with the contracts on it, and somebody with ether who carries what others signed.
pub(crate) struct Ground {
    backend: Arc<Backend>,
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) contracts: Contracts,
    pub(crate) courier: Sender,
    pub(crate) folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

/// Nothing from the pool.
struct Nothing;

impl TransactionSource for Nothing {
    fn next(&mut self) -> Option<(Arc<Transaction>, Address)> {
        None
    }

    fn skipped(&mut self, _: &Unexecutable) {}
}

impl Ground {
    /// Starts the node; accounts 0 and 1 are the founding providers.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut spec = ChainSpec::dev(DEV_MNEMONIC, DEV_ACCOUNTS).unwrap();
        spec.difficulty = DifficultyRule::Fixed(1);
        spec.genesis.difficulty = U256::from(1);
        // A test makes hundreds of blocks in seconds of real time, each a second after the one before.
        spec.genesis.timestamp = now_s() - 7_200;
        let node = Node::open(NodeOptions::new(spec, folder.path().join("chain"))).unwrap();
        let backend = Arc::clone(node.backend());
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            node.serve(listener, stopped).await.unwrap();
        });
        let client = Client::new(client_options(&url)).unwrap();
        client.wait_until_ready(Duration::from_mins(1)).await.unwrap();
        let courier = Sender::open(
            client.clone(),
            Arc::new(funded(5)),
            &folder.path().join("courier.redb"),
            sender_options(),
        );
        let courier = courier.unwrap();
        let contracts = Contracts::predicted(CHAIN, courier.account(), 0);
        let (stop, served) = (Some(stop), Some(served));
        let ground = Self { backend, url, client, contracts, courier, folder, stop, served };
        let founders = [(0, "hospital"), (1, "clinic")];
        let founders = founders.map(|(index, name)| Registrar::Candidate {
            account: funded(index).address(),
            role: 4,
            identityCommitment: keccak256(name),
            institution: Registrar::Institution {
                name: name.to_owned(),
                endpoint: format!("http://{name}.example"),
                encryptionKey: keccak256("encryption key"),
            },
        });
        let creations = ground.contracts.creations(founders.to_vec());
        let request = |act| Request::from(act).with_gas_limit(8_000_000);
        let nonces = ground.courier.send_all(|_| creations.map(request).into()).await.unwrap();
        ground.settle(&nonces).await;
        ground
    }

    /// The newest block.
    pub(crate) fn head(&self) -> Arc<ChainBlock> {
        self.backend.chain().head()
    }

    /// The block before one.
    pub(crate) fn parent(&self, block: &ChainBlock) -> Arc<ChainBlock> {
        self.backend.chain().reader().unwrap().known_block(block.block.header.parent_hash).unwrap()
    }

    /// Its time, in Unix seconds.
    pub(crate) fn time_s(&self) -> u64 {
        self.head().block.header.timestamp
    }

    /// The chain as it is now.
    pub(crate) async fn view(&self) -> View {
        self.client.view().await.unwrap()
    }

    /// The next block, with what is in the pool.
    pub(crate) fn mine(&self) {
        self.mine_after(1);
    }

    /// The next block, so many seconds after the head.
    pub(crate) fn mine_after(&self, seconds: u64) {
        let head = self.head();
        let mut best = self.backend.with_pool(|pool| pool.best(child_base_fee_wei(&head.block.header)));
        self.solve(&head, seconds, &mut best);
    }

    /// `count` empty blocks on any parent: the way to a re-organisation.
    pub(crate) fn branch(&self, parent: &Arc<ChainBlock>, count: usize) {
        let mut parent = Arc::clone(parent);
        for _ in 0..count {
            parent = self.solve(&parent, 2, &mut Nothing);
        }
    }

    fn solve(
        &self,
        parent: &ChainBlock,
        seconds: u64,
        source: &mut dyn TransactionSource,
    ) -> Arc<ChainBlock> {
        let chain = self.backend.chain();
        let template = BlockTemplate {
            coinbase: person("miner").address(),
            extra_data: Bytes::new(),
            gas_limit_target: self.backend.options().gas_limit_target,
            timestamp_s: Some(parent.block.header.timestamp + seconds),
        };
        let candidate = chain.build(parent, &template, source).unwrap();
        let (nonce, mix) =
            light::seal(chain.sealer(), &candidate, 1, &AtomicBool::new(false)).unwrap().unwrap();
        let mut block = candidate.block;
        block.header.nonce = nonce;
        block.header.mix_hash = mix;
        let hash = block.header.hash_slow();
        self.backend.import(block, ImportOptions::default()).unwrap();
        chain.reader().unwrap().known_block(hash).unwrap()
    }

    /// Makes blocks until every transaction of the courier is confirmed.
    async fn settle(&self, nonces: &[u64]) {
        for nonce in nonces {
            for round in 0.. {
                let state = self.courier.entry(*nonce).unwrap().state;
                assert!(round < 200, "transaction {nonce}: {state:?}");
                match state {
                    State::Confirmed(_) => break,
                    state if state.is_settled() => panic!("transaction {nonce}: {state:?}"),
                    _ => {
                        self.mine();
                        self.courier.pass().await.unwrap();
                    }
                }
            }
        }
    }

    /// Has the courier send an act.
    pub(crate) async fn execute(&self, act: Act) {
        let what = act.what.clone();
        let nonce = self.courier.send(act).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        self.settle(&[nonce]).await;
    }

    /// Signs an act of somebody without ether, as a call that anybody may send.
    pub(crate) async fn signed<A: SignedAct>(&self, act: &A, signer: &PrivateKeySigner) -> Act {
        let view = self.view().await;
        let nonce = self.contracts.at(&view).nonce(A::CONTRACT, signer.address()).await.unwrap();
        let deadline_s = self.time_s() + 86_400;
        let authorisation = self.contracts.authorise(act, signer, nonce, deadline_s).await.unwrap();
        self.contracts.relay(act, &authorisation)
    }

    /// Has somebody sign an act and the courier carry it.
    pub(crate) async fn relay<A: SignedAct>(&self, act: &A, signer: &PrivateKeySigner) {
        self.execute(self.signed(act, signer).await).await;
    }

    /// Stops the node: nobody answers on its port any more.
    pub(crate) async fn stop_node(&mut self) {
        drop(self.stop.take());
        self.served.take().unwrap().await.unwrap();
    }
}

/// Options of a client of this chain: its newest block may be hours old.
pub(crate) fn client_options(url: &str) -> ClientOptions {
    ClientOptions { max_head_age: None, ..ClientOptions::new([url], CHAIN) }
}

/// An outbox that looks often and is content with two confirmations.
pub(crate) fn sender_options() -> SenderOptions {
    SenderOptions { confirmations: 2, poll_interval: Duration::from_millis(30), ..SenderOptions::default() }
}

/// An account of the development chain, with ether.
pub(crate) fn funded(index: u32) -> PrivateKeySigner {
    MnemonicBuilder::from_phrase_nth(DEV_MNEMONIC, index)
}

/// Somebody without ether.
pub(crate) fn person(name: &str) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(name)).unwrap()
}

/// Unix seconds.
pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
