//! One node: asked for work, given solutions, and remembered when it fails.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256};
use medrec_kernels::ethash::{Parameters, Schedule};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::heads::{Chain, Standing};
use super::rpc::RpcClient;
use super::{NodeStatistics, Submission};
use crate::backoff::Backoff;
use crate::error::MinerError;
use crate::work::{Work, quantity};

/// A node that failed is asked again after this long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// … and at the latest after this long.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// JSON-RPC's code for wrong parameters.
const INVALID_PARAMS: i64 = -32_602;

/// What a node gave.
pub(super) struct Given {
    pub(super) work: Work,
    pub(super) parameters: Parameters,
    /// Whom its blocks pay, where that is known.
    pub(super) coinbase: Option<Address>,
    /// The node has just refused to take an address.
    pub(super) has_refused_address: bool,
}

/// What changed about a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    None,
    /// It failed for the first time, or in a new way.
    Failed,
    /// It answers again.
    Recovered,
}

#[derive(Debug)]
struct State {
    is_healthy: Option<bool>,
    retry_at: Instant,
    backoff: Backoff,
    latency: Duration,
    answers: u64,
    failures: u64,
    last_failure: Option<String>,
    /// Whether it takes the address to pay; tried once.
    takes_address: bool,
    /// Whom it pays by itself.
    own_coinbase: Option<Address>,
    /// The last work that was held against its number, so that polls need not do it again.
    checked: Option<(B256, Parameters)>,
}

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    rpc: RpcClient,
    schedule: Schedule,
    coinbase: Option<Address>,
    state: Mutex<State>,
    is_probed: AtomicBool,
    is_behind: AtomicBool,
}

impl Node {
    pub(super) fn new(rpc: RpcClient, schedule: Schedule, coinbase: Option<Address>) -> Self {
        let state = State {
            is_healthy: None,
            retry_at: Instant::now(),
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            latency: Duration::ZERO,
            answers: 0,
            failures: 0,
            last_failure: None,
            takes_address: coinbase.is_some(),
            own_coinbase: None,
            checked: None,
        };
        let (is_probed, is_behind) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { rpc, schedule, coinbase, state: Mutex::new(state), is_probed, is_behind }
    }

    pub(super) fn name(&self) -> &str {
        self.rpc.name()
    }

    /// Whether it has not failed since it was last asked.
    pub(super) fn is_usable(&self) -> bool {
        self.state.lock().is_healthy != Some(false)
    }

    /// Whether it stands still while others go on.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind.load(Ordering::Acquire)
    }

    pub(super) fn set_behind(&self, is_behind: bool) {
        self.is_behind.store(is_behind, Ordering::Release);
    }

    /// When it may be asked again.
    pub(super) fn retry_at(&self) -> Instant {
        self.state.lock().retry_at
    }

    /// How long an answer takes.
    pub(super) fn latency(&self) -> Duration {
        self.state.lock().latency
    }

    /// Claims the right to probe it in the background; `false` when somebody does already.
    pub(super) fn start_probe(&self) -> bool {
        !self.is_probed.swap(true, Ordering::AcqRel)
    }

    pub(super) fn end_probe(&self) {
        self.is_probed.store(false, Ordering::Release);
    }

    /// Asks for work, checks it and notes how that went.
    pub(super) async fn work(&self) -> (Result<Given, MinerError>, Turn) {
        let started = Instant::now();
        let given = self.ask().await;
        let turn = match &given {
            Ok(_) => self.succeeded(started.elapsed()),
            Err(error) => self.failed(error),
        };
        (given, turn)
    }

    async fn ask(&self) -> Result<Given, MinerError> {
        let address = self.coinbase.filter(|_| self.state.lock().takes_address);
        let mut has_refused_address = false;
        let answer = match address {
            None => self.rpc.call("eth_getWork", json!([])).await?,
            Some(address) => match self.rpc.call("eth_getWork", json!([address])).await {
                Err(MinerError::Refused { code, message, .. }) if is_about_parameters(code, &message) => {
                    let answer = self.rpc.call("eth_getWork", json!([])).await?;
                    let own = self.rpc.call("eth_coinbase", json!([])).await.ok();
                    let own = own.as_ref().and_then(Value::as_str).and_then(|text| text.parse().ok());
                    let mut state = self.state.lock();
                    (state.takes_address, state.own_coinbase) = (false, own);
                    has_refused_address = own != Some(address);
                    answer
                }
                answer => answer?,
            },
        };
        let work = Work::parse(&answer).map_err(|why| self.rpc.nonsense(why))?;
        let known = self.state.lock().checked.filter(|(seal_hash, _)| *seal_hash == work.seal_hash);
        let parameters = match known {
            Some((_, parameters)) if parameters.seed_hash == work.seed_hash.0 => parameters,
            _ => work.parameters(self.schedule).map_err(|why| self.rpc.nonsense(why))?,
        };
        let mut state = self.state.lock();
        state.checked = Some((work.seal_hash, parameters));
        let coinbase = if state.takes_address { self.coinbase } else { state.own_coinbase };
        drop(state);
        Ok(Given { work, parameters, coinbase, has_refused_address })
    }

    /// Where it stands. Nothing is noted when it does not tell: polls find out what fails.
    pub(super) async fn standing(&self) -> Option<Standing> {
        let id = self.rpc.call("eth_chainId", json!([])).await.ok()?;
        let genesis = self.rpc.call("eth_getBlockByNumber", json!(["0x0", false])).await.ok()?;
        let chain = Chain {
            id: quantity(&id).ok()?,
            genesis: genesis.get("hash").and_then(Value::as_str)?.parse().ok()?,
        };
        let address = self.coinbase.filter(|_| self.state.lock().takes_address);
        let params = address.map_or_else(|| json!([]), |address| json!([address]));
        let answer = match self.rpc.call("eth_getWork", params).await {
            Err(MinerError::Refused { code, message, .. }) if is_about_parameters(code, &message) => {
                self.rpc.call("eth_getWork", json!([])).await.ok()?
            }
            answer => answer.ok()?,
        };
        let work = Work::parse(&answer).ok()?;
        work.parameters(self.schedule).ok()?;
        Some(Standing { chain, number: work.number? })
    }

    /// Brings a solution; whether the node took it.
    pub(super) async fn submit(&self, submission: &Submission) -> Result<bool, MinerError> {
        let params = json!([submission.nonce, submission.seal_hash, submission.mix_hash]);
        let answer = self.rpc.call("eth_submitWork", params).await?;
        answer
            .as_bool()
            .ok_or_else(|| self.rpc.nonsense("eth_submitWork is answered by true or false".to_owned()))
    }

    /// Tells the hashrate, as go-ethereum wants it: a compact quantity. A node that does not care is none that failed.
    pub(super) async fn report_hashrate(&self, hashrate_hps: u64, id: B256) {
        let params = json!([format!("{hashrate_hps:#x}"), id]);
        let _ = self.rpc.call("eth_submitHashrate", params).await;
    }

    fn succeeded(&self, latency: Duration) -> Turn {
        let mut state = self.state.lock();
        let was = state.is_healthy.replace(true);
        state.answers += 1;
        state.latency = if state.latency.is_zero() { latency } else { (state.latency * 7 + latency) / 8 };
        state.backoff.reset();
        if was == Some(false) { Turn::Recovered } else { Turn::None }
    }

    fn failed(&self, error: &MinerError) -> Turn {
        let mut state = self.state.lock();
        let text = error.to_string();
        let was = state.is_healthy.replace(false);
        let is_news = was != Some(false) || state.last_failure.as_ref() != Some(&text);
        state.failures += 1;
        state.last_failure = Some(text);
        state.retry_at = Instant::now() + state.backoff.advance();
        if is_news { Turn::Failed } else { Turn::None }
    }

    pub(super) fn statistics(&self, is_in_use: bool) -> NodeStatistics {
        let state = self.state.lock();
        NodeStatistics {
            node: self.name().to_owned(),
            is_healthy: state.is_healthy,
            is_in_use,
            is_behind: self.is_behind(),
            answers: state.answers,
            failures: state.failures,
            last_failure: state.last_failure.clone(),
            latency_ms: u64::try_from(state.latency.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Whether a node says that it takes no argument. go-ethereum: "too many arguments, want at most 0".
fn is_about_parameters(code: i64, message: &str) -> bool {
    code == INVALID_PARAMS || message.contains("too many arguments")
}
