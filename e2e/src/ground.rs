//! A chain whose blocks the test makes itself: who solves each, on which parent, at which time.
//!
//! The node is our own, over HTTP, with the real rules, at difficulty 1; its chain starts in the past, so that time can pass without waiting.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use alloy_primitives::{Address, B64, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use medrec_chain::{Act, Client, Contracts, Request, Sender, SignedAct, State, View};
use medrec_contracts::Registrar;
use medrec_node::backend::Backend;
use medrec_node::chain::ImportOptions;
use medrec_node::chain::building::{BlockTemplate, Candidate, TransactionSource};
use medrec_node::execution::Unexecutable;
use medrec_node::header::child_base_fee_wei;
use medrec_node::store::ChainBlock;
use medrec_node::work::light;
use medrec_node::{Block, Transaction};
use tempfile::TempDir;

use crate::CHAIN;
use crate::node::RunningNode;
use crate::outbox::outbox;
use crate::people::{funded, now_s, person};

/// What a chain begins with.
pub struct Setting {
    /// How long ago it begins, in seconds: the time that can pass in a test.
    pub age_s: u64,
    /// Seconds between two blocks, where the test says nothing else.
    pub block_s: u64,
    /// The funded account that deploys the contracts and carries what others signed.
    pub carrier: u32,
    /// The founding providers.
    pub founders: Vec<Registrar::Candidate>,
}

/// A chain with the contracts on it, and somebody with ether who carries what others signed.
pub struct Ground {
    /// The node's chain and pool.
    pub backend: Arc<Backend>,
    /// Where the node is asked.
    pub url: String,
    /// A client of the node.
    pub client: Client,
    /// The contracts.
    pub contracts: Contracts,
    /// The carrier's outbox.
    pub sender: Arc<Sender>,
    /// Everything on disk, gone with this.
    pub folder: TempDir,
    block_s: u64,
    node: Option<RunningNode>,
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
    /// Starts the node and deploys the contracts.
    pub async fn start(setting: Setting) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let node = RunningNode::by_hand(folder.path().join("chain"), setting.age_s).await;
        let client = node.client().await;
        let sender = Arc::new(outbox(&client, funded(setting.carrier), &folder.path().join("carrier.redb")));
        let ground = Self {
            backend: Arc::clone(&node.backend),
            url: node.url.clone(),
            contracts: Contracts::predicted(CHAIN, sender.account(), 0),
            client,
            sender,
            folder,
            block_s: setting.block_s,
            node: Some(node),
        };
        let creations = ground.contracts.creations(setting.founders);
        let request = |act| Request::from(act).with_gas_limit(8_000_000);
        let nonces = ground.sender.send_all(|_| creations.map(request).into()).await.unwrap();
        ground.settle(&nonces).await;
        ground
    }

    /// The newest block.
    pub fn head(&self) -> Arc<ChainBlock> {
        self.backend.chain().head()
    }

    /// The newest block's number.
    pub fn height(&self) -> u64 {
        self.head().number()
    }

    /// The block before one.
    pub fn parent(&self, block: &ChainBlock) -> Arc<ChainBlock> {
        self.backend.chain().reader().unwrap().known_block(block.block.header.parent_hash).unwrap()
    }

    /// The newest block's time, in Unix seconds.
    pub fn time_s(&self) -> u64 {
        self.head().block.header.timestamp
    }

    /// The chain as it is now.
    pub async fn view(&self) -> View {
        self.client.view().await.unwrap()
    }

    /// The next block, with what is in the pool.
    pub fn mine(&self) -> Arc<ChainBlock> {
        self.mine_after(self.block_s)
    }

    /// The next block, so many seconds after the head.
    pub fn mine_after(&self, seconds: u64) -> Arc<ChainBlock> {
        self.mine_for(person("miner").address(), seconds)
    }

    /// The next block of a coinbase, so many seconds after the head.
    pub fn mine_for(&self, coinbase: Address, seconds: u64) -> Arc<ChainBlock> {
        let head = self.head();
        self.seal(&self.build(&head, coinbase, seconds));
        self.head()
    }

    /// An empty block of a coinbase on any parent: the way to a re-organisation.
    pub fn mine_on(&self, parent: &ChainBlock, coinbase: Address) -> Arc<ChainBlock> {
        self.seal(&self.candidate(parent, coinbase, self.block_s, &mut Nothing))
    }

    /// `count` empty blocks on any parent, each a second later than usual: none is one that is there already.
    pub fn branch(&self, parent: &Arc<ChainBlock>, count: usize) {
        let mut parent = Arc::clone(parent);
        for _ in 0..count {
            let coinbase = person("miner").address();
            parent = self.seal(&self.candidate(&parent, coinbase, self.block_s + 1, &mut Nothing));
        }
    }

    /// The block after `parent`, with what is in the pool, of whoever solves it first: nonces are tried in their order, each
    /// by the one whose turn it is, at this difficulty.
    pub fn race(
        &self,
        parent: &ChainBlock,
        difficulty: U256,
        turn: impl Fn(u64) -> Address,
    ) -> Arc<ChainBlock> {
        let sealer = self.backend.chain().sealer();
        let mut candidates = BTreeMap::new();
        for nonce in 0.. {
            let coinbase = turn(nonce);
            let candidate =
                candidates.entry(coinbase).or_insert_with(|| self.build(parent, coinbase, self.block_s));
            let hashes = sealer.hash_many(parent.number() + 1, candidate.seal_hash, nonce, 1).unwrap();
            let (mix, result) = hashes.into_iter().next().unwrap();
            if U256::from_be_bytes(result.0) <= U256::MAX / difficulty {
                let mut block = candidate.block.clone();
                block.header.nonce = B64::from(nonce);
                block.header.mix_hash = mix;
                return self.import(block);
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

    fn seal(&self, candidate: &Candidate) -> Arc<ChainBlock> {
        let sealer = self.backend.chain().sealer();
        let (nonce, mix) = light::seal(sealer, candidate, 1, &AtomicBool::new(false)).unwrap().unwrap();
        let mut block = candidate.block.clone();
        block.header.nonce = nonce;
        block.header.mix_hash = mix;
        self.import(block)
    }

    fn import(&self, block: Block) -> Arc<ChainBlock> {
        let hash = block.header.hash_slow();
        self.backend.import(block, ImportOptions::default()).unwrap();
        self.backend.chain().reader().unwrap().known_block(hash).unwrap()
    }

    /// Makes blocks until every transaction of the carrier is confirmed.
    pub async fn settle(&self, nonces: &[u64]) {
        for nonce in nonces {
            for round in 0.. {
                let state = self.sender.entry(*nonce).unwrap().state;
                assert!(round < 200, "transaction {nonce}: {state:?}");
                match state {
                    State::Confirmed(_) => break,
                    state if state.is_settled() => panic!("transaction {nonce}: {state:?}"),
                    _ => {
                        self.mine_for(person("somebody").address(), self.block_s);
                        self.sender.pass().await.unwrap();
                    }
                }
            }
        }
    }

    /// Has the carrier send an act, and confirms it.
    pub async fn execute(&self, request: impl Into<Request>) {
        let request = request.into();
        let what = request.act.what.clone();
        let nonce = self.sender.send(request).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        self.settle(&[nonce]).await;
    }

    /// Signs an act of somebody without ether, as a call that anybody may send; good for a day, by the chain's clock and by ours.
    pub async fn signed<A: SignedAct>(&self, act: &A, signer: &PrivateKeySigner) -> Act {
        let nonce = self.contracts.at(&self.view().await).nonce(A::CONTRACT, signer.address()).await.unwrap();
        let deadline_s = self.time_s().max(now_s()) + 86_400;
        let authorisation = self.contracts.authorise(act, signer, nonce, deadline_s).await.unwrap();
        self.contracts.relay(act, &authorisation)
    }

    /// Has somebody sign an act and the carrier carry it.
    pub async fn relay<A: SignedAct>(&self, act: &A, signer: &PrivateKeySigner) {
        self.execute(self.signed(act, signer).await).await;
    }

    /// Stops the node: nobody answers on its port any more.
    pub async fn stop_node(&mut self) {
        self.node.take().unwrap().stop().await;
    }
}
