//! The nodes of one chain: which of them may be asked, and a look at the chain through one that may.
//!
//! Why here: fail-over, identity and freshness are decided in one place, before any answer is used. What
//! not: contracts, transactions, events; those look through a [`View`].

pub(crate) mod endpoint;
mod options;
mod transport;
mod view;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy_primitives::{B256, Bytes, U64};
use medrec_transport::Bounds;
use serde_json::Value;
use tokio::task::JoinSet;

use self::endpoint::Endpoint;
pub use self::options::ClientOptions;
pub use self::view::{Call, Head, Receipt, View};
use crate::backoff::Backoff;
use crate::error::ChainError;
use crate::health::{Health, Lag, NodeHealth, NodeState};

/// How long a comparison of chain id and block 0 holds while the node answers.
const IDENTITY_HOLDS: Duration = Duration::from_secs(30);
/// How long a node that failed is asked last.
const FAILURE_HOLDS: Duration = Duration::from_secs(5);
/// How long a height is held against nodes that are lower.
const HEIGHT_HOLDS: Duration = Duration::from_mins(10);
/// Blocks of a miner with a fast clock: go-ethereum takes 15 s; more than minutes is a wrong clock.
const MAX_FUTURE: Duration = Duration::from_mins(15);

/// A client of one chain over any of its nodes. Cheap to clone; clones share what is known of the nodes.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: ClientOptions,
    endpoints: Vec<Arc<Endpoint>>,
}

impl Client {
    /// A client that has asked nobody yet: for services that start before their node does.
    ///
    /// # Errors
    /// [`ChainError::Config`] without a URL or with one that cannot be used.
    pub fn new(options: ClientOptions) -> Result<Self, ChainError> {
        if options.urls.is_empty() {
            return Err(ChainError::Config {
                what: "node URLs".to_owned(),
                why: "there are none".to_owned(),
            });
        }
        let bounds = Bounds { timeout: options.call_timeout, bytes: options.max_response_bytes };
        let endpoints = options.urls.iter().map(|url| Endpoint::new(url, bounds).map(Arc::new));
        let endpoints = endpoints.collect::<Result<_, _>>()?;
        Ok(Self { inner: Arc::new(Inner { options, endpoints }) })
    }

    /// A client one of whose nodes is ready.
    ///
    /// # Errors
    /// Those of [`Client::new`], and [`ChainError::Unavailable`] with the state of each node.
    pub async fn connect(options: ClientOptions) -> Result<Self, ChainError> {
        let client = Self::new(options)?;
        client.view().await?;
        Ok(client)
    }

    /// The id of the chain.
    pub fn chain_id(&self) -> u64 {
        self.inner.options.chain_id
    }

    /// Asks every node how it is. Nothing remembered is used.
    pub async fn health(&self) -> Health {
        let mut probes = JoinSet::new();
        for (index, endpoint) in self.inner.endpoints.iter().enumerate() {
            let (client, endpoint) = (self.clone(), Arc::clone(endpoint));
            endpoint.memory.lock().identified_at = None;
            probes.spawn(async move { (index, client.probe(&endpoint).await) });
        }
        let mut states = probes.join_all().await;
        states.sort_by_key(|(index, _)| *index);
        let urls = self.inner.options.urls.iter();
        let nodes = urls.zip(states).map(|(url, (_, state))| NodeHealth { url: url.clone(), state });
        Health { nodes: nodes.collect() }
    }

    /// The chain as it is now: its newest block at the first node that is ready. All that is read through the
    /// view is read at that block and from that node.
    ///
    /// # Errors
    /// [`ChainError::Unavailable`] when no node is ready. Callers that guard something refuse then.
    pub async fn view(&self) -> Result<View, ChainError> {
        let mut health = Health { nodes: Vec::new() };
        for endpoint in self.order() {
            match self.ready(&endpoint).await {
                Ok(view) => return Ok(view),
                Err(state) => health.nodes.push(NodeHealth { url: endpoint.url.clone(), state }),
            }
        }
        Err(ChainError::Unavailable { health })
    }

    /// Like [`Client::view`], and asks again while no node is ready.
    ///
    /// # Errors
    /// The last [`ChainError::Unavailable`] after `patience`.
    pub async fn wait_until_ready(&self, patience: Duration) -> Result<View, ChainError> {
        let deadline = Instant::now() + patience;
        let mut backoff = Backoff::default();
        loop {
            match self.view().await {
                Err(_) if Instant::now() < deadline => backoff.pause().await,
                outcome => return outcome,
            }
        }
    }

    /// Hands a signed transaction to every node of the right chain: what one of them forgets another one keeps.
    /// The outcomes stand in the order in which the nodes were asked.
    pub(crate) async fn broadcast(&self, raw: &Bytes) -> Vec<Result<B256, ChainError>> {
        let mut outcomes = Vec::new();
        for endpoint in self.order() {
            if self.identify(&endpoint).await.is_ok() {
                outcomes.push(endpoint.request("eth_sendRawTransaction", (raw,)).await);
            }
        }
        outcomes
    }

    /// Every node, those that failed a moment ago last.
    fn order(&self) -> Vec<Arc<Endpoint>> {
        let mut endpoints = self.inner.endpoints.clone();
        let failed = |endpoint: &Arc<Endpoint>| {
            endpoint.memory.lock().failed_at.is_some_and(|at| at.elapsed() < FAILURE_HOLDS)
        };
        endpoints.sort_by_cached_key(failed);
        endpoints
    }

    /// The full probe: [`Client::ready`], and what the node says about its synchronisation.
    async fn probe(&self, endpoint: &Arc<Endpoint>) -> NodeState {
        let view = match self.ready(endpoint).await {
            Ok(view) => view,
            Err(state) => return state,
        };
        let head = view.head();
        match endpoint.request::<_, Value>("eth_syncing", ()).await {
            Ok(Value::Bool(false)) => NodeState::Ready { head: head.block, timestamp_s: head.timestamp_s },
            Ok(syncing) => {
                let highest = syncing["highestBlock"].as_str().and_then(|text| text.parse::<U64>().ok());
                let highest = highest.map(|number| number.to::<u64>());
                NodeState::Behind { head: head.block, lag: Lag::Syncing { highest } }
            }
            Err(error) => NodeState::Down { why: error.to_string() },
        }
    }

    /// A view through this node, or why it may not be asked.
    async fn ready(&self, endpoint: &Arc<Endpoint>) -> Result<View, NodeState> {
        let down = |error: ChainError| NodeState::Down { why: error.to_string() };
        self.identify(endpoint).await?;
        let header = endpoint.header("eth_getBlockByNumber", "latest").await.map_err(down)?;
        let header = header.ok_or_else(|| NodeState::Down { why: "it has no newest block".to_owned() })?;
        let head = Head::from(&header);
        if let Some(lag) = self.lag(&head) {
            return Err(NodeState::Behind { head: head.block, lag });
        }
        let mut memory = endpoint.memory.lock();
        memory.failed_at = None;
        let shown = memory.highest.filter(|(_, at)| at.elapsed() < HEIGHT_HOLDS);
        if shown.is_none_or(|(highest, _)| head.block.number >= highest) {
            memory.highest = Some((head.block.number, Instant::now()));
        }
        drop(memory);
        Ok(View::new(Arc::clone(endpoint), head))
    }

    /// Compares the node's chain with the options, unless that was done a moment ago.
    async fn identify(&self, endpoint: &Endpoint) -> Result<(), NodeState> {
        if endpoint.memory.lock().identified_at.is_some_and(|at| at.elapsed() < IDENTITY_HOLDS) {
            return Ok(());
        }
        let down = |error: ChainError| NodeState::Down { why: error.to_string() };
        let options = &self.inner.options;
        let found: U64 = endpoint.request("eth_chainId", ()).await.map_err(down)?;
        let found = found.to::<u64>();
        if found != options.chain_id {
            return Err(NodeState::WrongChain { expected: options.chain_id, found });
        }
        if let Some(expected) = options.genesis_hash {
            let header = endpoint.header("eth_getBlockByNumber", U64::ZERO).await.map_err(down)?;
            let header = header.ok_or_else(|| NodeState::Down { why: "it has no block 0".to_owned() })?;
            if header.hash != expected {
                return Err(NodeState::WrongGenesis { expected, found: header.hash });
            }
        }
        endpoint.memory.lock().identified_at = Some(Instant::now());
        Ok(())
    }

    /// Why this head is not the present, if it is not.
    fn lag(&self, head: &Head) -> Option<Lag> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = Duration::from_secs(head.timestamp_s);
        let ahead = time.saturating_sub(now);
        if ahead > MAX_FUTURE {
            return Some(Lag::FutureHead { ahead });
        }
        let age = now.saturating_sub(time);
        if let Some(limit) = self.inner.options.max_head_age.filter(|limit| age > *limit) {
            return Some(Lag::OldHead { age, limit });
        }
        let memories = self.inner.endpoints.iter().filter_map(|endpoint| endpoint.memory.lock().highest);
        let recent = memories.filter(|(_, at)| at.elapsed() < HEIGHT_HOLDS).map(|(number, _)| number);
        let highest = recent.max()?;
        let is_low = head.block.number.saturating_add(self.inner.options.max_lag_blocks) < highest;
        is_low.then_some(Lag::LowerHead { highest })
    }
}
