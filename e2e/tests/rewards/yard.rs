//! A chain whose blocks the test makes itself: who solves each, on which parent, at which time.
//!
//! The node is our own, over HTTP, with the real rules; its chain starts 40 days ago, so that time can pass without waiting.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B64, B256, Bytes, U256, keccak256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use medrec_chain::{Client, ClientOptions, Contracts, Request, Sender, SenderOptions, SignedAct, State};
use medrec_contracts::Registrar;
use medrec_node::backend::Backend;
use medrec_node::chain::building::{BlockTemplate, Candidate, TransactionSource};
use medrec_node::chain::{ImportOptions, Imported};
use medrec_node::execution::Unexecutable;
use medrec_node::header::child_base_fee_wei;
use medrec_node::spec::{DEV_ACCOUNTS, DEV_CHAIN_ID, DEV_MNEMONIC, DifficultyRule};
use medrec_node::store::ChainBlock;
use medrec_node::work::light;
use medrec_node::{ChainSpec, Node, NodeOptions, Transaction};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Seconds between two blocks.
const BLOCK_S: u64 = 13;
const DAY_S: u64 = 86_400;

/// A chain, the contracts on it, and the outbox of the founding provider.
pub(crate) struct Yard {
    pub(crate) backend: Arc<Backend>,
    pub(crate) client: Client,
    pub(crate) contracts: Contracts,
    pub(crate) sender: Arc<Sender>,
    pub(crate) folder: TempDir,
    _stop: oneshot::Sender<()>,
}

/// Nothing from the pool.
struct Nothing;

impl TransactionSource for Nothing {
    fn next(&mut self) -> Option<(Arc<Transaction>, Address)> {
        None
    }

    fn skipped(&mut self, _: &Unexecutable) {}
}

impl Yard {
    /// Starts the node and deploys the contracts with account 0, the founding provider.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut spec = ChainSpec::dev(DEV_MNEMONIC, DEV_ACCOUNTS).unwrap();
        spec.difficulty = DifficultyRule::Fixed(1);
        spec.genesis.difficulty = U256::from(1);
        spec.genesis.timestamp = now_s() - 40 * DAY_S;
        let node = Node::open(NodeOptions::new(spec, folder.path().join("chain"))).unwrap();
        let backend = Arc::clone(node.backend());
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(node.serve(listener, async {
            let _ = stopped.await;
        }));
        let options = ClientOptions { max_head_age: None, ..ClientOptions::new([url], DEV_CHAIN_ID) };
        let client = Client::new(options).unwrap();
        client.wait_until_ready(Duration::from_mins(1)).await.unwrap();
        let sender = Arc::new(outbox(&client, funded(0), &folder.path().join("provider.redb")));
        let account = sender.account();
        let contracts = Contracts::predicted(DEV_CHAIN_ID, account, 0);
        let yard = Self { backend, client, contracts, sender, folder, _stop: stop };
        let founder = candidate(account, 4, "hospital");
        let creations = contracts.creations(vec![founder]);
        let request = |act| Request::from(act).with_gas_limit(8_000_000);
        let nonces = yard.sender.send_all(|_| creations.map(request).into()).await.unwrap();
        yard.settle(&nonces).await;
        yard
    }

    pub(crate) fn head(&self) -> Arc<ChainBlock> {
        self.backend.chain().head()
    }

    /// The head's number.
    pub(crate) fn height(&self) -> u64 {
        self.head().number()
    }

    /// Solves the next block for a coinbase, with what is in the pool.
    pub(crate) fn mine(&self, coinbase: Address) -> Arc<ChainBlock> {
        self.mine_after(coinbase, BLOCK_S)
    }

    /// Solves the next block so many seconds after the head.
    pub(crate) fn mine_after(&self, coinbase: Address, seconds: u64) -> Arc<ChainBlock> {
        let head = self.head();
        let mut best = self.backend.with_pool(|pool| pool.best(child_base_fee_wei(&head.block.header)));
        self.solve(&head, coinbase, seconds, &mut best);
        self.head()
    }

    /// Solves an empty block on any parent: the way to a re-organisation.
    pub(crate) fn mine_on(&self, parent: &ChainBlock, coinbase: Address) -> Arc<ChainBlock> {
        let (hash, _) = self.solve(parent, coinbase, BLOCK_S, &mut Nothing);
        self.backend.chain().reader().unwrap().known_block(hash).unwrap()
    }

    /// The block after `parent`, with what is in the pool, of whoever solves it first: nonces are tried in their order, each
    /// by the one whose turn it is, at this difficulty.
    pub(crate) fn race(
        &self,
        parent: &ChainBlock,
        difficulty: U256,
        turn: impl Fn(u64) -> Address,
    ) -> Arc<ChainBlock> {
        let chain = self.backend.chain();
        let mut candidates = BTreeMap::new();
        for nonce in 0.. {
            let coinbase = turn(nonce);
            let candidate =
                candidates.entry(coinbase).or_insert_with(|| self.build(parent, coinbase, BLOCK_S));
            let number = parent.number() + 1;
            let (mix, result) = chain
                .sealer()
                .hash_many(number, candidate.seal_hash, nonce, 1)
                .unwrap()
                .into_iter()
                .next()
                .unwrap();
            if U256::from_be_bytes(result.0) <= U256::MAX / difficulty {
                let mut block = candidate.block.clone();
                block.header.nonce = B64::from(nonce);
                block.header.mix_hash = mix;
                let hash = block.header.hash_slow();
                self.backend.import(block, ImportOptions::default()).unwrap();
                return chain.reader().unwrap().known_block(hash).unwrap();
            }
        }
        unreachable!("some nonce solves it")
    }

    /// A block after any parent, with what is in the pool; what cannot be executed there is left out.
    fn build(&self, parent: &ChainBlock, coinbase: Address, seconds: u64) -> Candidate {
        let mut best = self.backend.with_pool(|pool| pool.best(child_base_fee_wei(&parent.block.header)));
        self.candidate(parent, coinbase, seconds, &mut best)
    }

    fn candidate(
        &self,
        parent: &ChainBlock,
        coinbase: Address,
        seconds: u64,
        source: &mut dyn TransactionSource,
    ) -> Candidate {
        let template = BlockTemplate {
            coinbase,
            extra_data: Bytes::new(),
            gas_limit_target: self.backend.options().gas_limit_target,
            timestamp_s: Some(parent.block.header.timestamp + seconds),
        };
        self.backend.chain().build(parent, &template, source).unwrap()
    }

    fn solve(
        &self,
        parent: &ChainBlock,
        coinbase: Address,
        seconds: u64,
        source: &mut dyn TransactionSource,
    ) -> (B256, Imported) {
        let chain = self.backend.chain();
        let candidate = self.candidate(parent, coinbase, seconds, source);
        let (nonce, mix) =
            light::seal(chain.sealer(), &candidate, 1, &AtomicBool::new(false)).unwrap().unwrap();
        let mut block = candidate.block;
        block.header.nonce = nonce;
        block.header.mix_hash = mix;
        let hash = block.header.hash_slow();
        (hash, self.backend.import(block, ImportOptions::default()).unwrap())
    }

    /// Solves several blocks.
    pub(crate) fn mine_many(&self, coinbase: Address, blocks: u64) {
        for _ in 0..blocks {
            self.mine(coinbase);
        }
    }

    /// Has blocks made until every transaction is confirmed.
    pub(crate) async fn settle(&self, nonces: &[u64]) {
        for nonce in nonces {
            for round in 0.. {
                assert!(round < 200, "transaction {nonce}: {:?}", self.sender.entry(*nonce).unwrap().state);
                match self.sender.entry(*nonce).unwrap().state {
                    State::Confirmed(_) => break,
                    state if state.is_settled() => panic!("transaction {nonce}: {state:?}"),
                    _ => {
                        self.mine(person("somebody").address());
                        self.sender.pass().await.unwrap();
                    }
                }
            }
        }
    }

    /// Sends and has it confirmed.
    pub(crate) async fn execute(&self, request: impl Into<Request>) {
        let request = request.into();
        let what = request.act.what.clone();
        let nonce = self.sender.send(request).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        self.settle(&[nonce]).await;
    }

    /// Has somebody sign an act and the provider carry it.
    pub(crate) async fn relay<A: SignedAct>(&self, act: &A, signer: &PrivateKeySigner) {
        let view = self.client.view().await.unwrap();
        let nonce = self.contracts.at(&view).nonce(A::CONTRACT, signer.address()).await.unwrap();
        let authorisation = self.contracts.authorise(act, signer, nonce, now_s() + 3_600).await.unwrap();
        self.execute(self.contracts.relay(act, &authorisation)).await;
    }

    /// Admits an account as a researcher.
    pub(crate) async fn admit_researcher(&self, account: Address, name: &str) {
        let call = Registrar::voteToAdmitCall { candidate: candidate(account, 3, name) };
        self.execute(self.contracts.act(&call)).await;
    }
}

/// An institution as a ballot describes it.
pub(crate) fn candidate(account: Address, role: u8, name: &str) -> Registrar::Candidate {
    Registrar::Candidate {
        account,
        role,
        identityCommitment: keccak256(name),
        institution: Registrar::Institution {
            name: name.to_owned(),
            endpoint: format!("http://{name}.example"),
            encryptionKey: keccak256("encryption key"),
        },
    }
}

/// An outbox that is content with two confirmations.
pub(crate) fn outbox(client: &Client, signer: PrivateKeySigner, path: &Path) -> Sender {
    let options = SenderOptions {
        confirmations: 2,
        poll_interval: Duration::from_millis(20),
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

/// Unix seconds.
pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
