//! `eth_getWork`: several nodes, the first that answers as it should is used, the others stand by.
//!
//! - The node in use is polled over one connection at the pace of its blocks (`pace.rs`); a notification or a solved
//!   block makes the next poll come at once.
//! - A node that fails is left alone for a while that grows, with jitter; the next one is asked at once. A better one (its
//!   URL comes first) is tried in the background, so that a dead one never delays a poll.
//! - Nodes are held against each other at a slow pace: one that stands still while another goes on is left until it has
//!   caught up (`heads.rs`), unless there is no other.
//! - A solution goes to the node that gave the work. Where that one cannot be reached, the others are asked too: two URLs
//!   may lead to one node, and only a node that knows the work takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256};
use medrec_kernels::ethash::Schedule;
use parking_lot::Mutex;
use tokio::sync::{Notify, broadcast};
use tokio::task::JoinSet;

use super::heads::{Change, Heads};
use super::node::{Given, Node, Turn};
use super::pace::{Pace, SHORTEST};
use super::rpc::RpcClient;
use super::{Assignment, NodeStatistics, Submission, Verdict, WorkSource};
use crate::error::MinerError;
use crate::event::MinerEvent;
use crate::work::Work;

/// After a solved block new work is looked for at the shortest interval for this long.
const EAGER: Duration = Duration::from_secs(1);
/// No node in use.
const NOBODY: usize = usize::MAX;

/// What the source is told.
pub(crate) struct GetWorkOptions {
    /// URLs, the preferred one first.
    pub(crate) urls: Vec<String>,
    /// Whom blocks should pay.
    pub(crate) coinbase: Option<Address>,
    /// How blocks share epochs.
    pub(crate) schedule: Schedule,
    /// How long a node may take for an answer.
    pub(crate) timeout: Duration,
}

/// The nodes.
pub(crate) struct GetWork {
    nodes: Vec<Arc<Node>>,
    in_use: AtomicUsize,
    heads: Mutex<Heads>,
    given: Mutex<Option<B256>>,
    pace: Mutex<Pace>,
    eager_until: Mutex<Option<Instant>>,
    /// The block's number in the last notification.
    hint: Mutex<Option<u64>>,
    sooner: Notify,
    at_once: Notify,
    events: broadcast::Sender<MinerEvent>,
}

impl GetWork {
    /// The nodes at the URLs of `options`.
    ///
    /// # Errors
    /// [`MinerError::Option`] for a URL that is none, or when there is none.
    pub(crate) fn new(
        options: GetWorkOptions,
        events: broadcast::Sender<MinerEvent>,
    ) -> Result<Self, MinerError> {
        let GetWorkOptions { urls, coinbase, schedule, timeout } = options;
        if urls.is_empty() {
            return Err(MinerError::Option { what: "nodes".to_owned(), why: "none is named".to_owned() });
        }
        let node = |url: &String| Ok(Arc::new(Node::new(RpcClient::new(url, timeout)?, schedule, coinbase)));
        Ok(Self {
            nodes: urls.iter().map(node).collect::<Result<_, MinerError>>()?,
            in_use: AtomicUsize::new(NOBODY),
            heads: Mutex::new(Heads::new(urls.len())),
            given: Mutex::new(None),
            pace: Mutex::new(Pace::new(Instant::now())),
            eager_until: Mutex::new(None),
            hint: Mutex::new(None),
            sooner: Notify::new(),
            at_once: Notify::new(),
            events,
        })
    }

    /// A node says that it has new work.
    pub(crate) fn was_notified(&self, work: &Work) {
        if *self.given.lock() != Some(work.seal_hash) {
            *self.hint.lock() = work.number;
            self.sooner.notify_one();
        }
    }

    /// The first node that has not failed and is not behind; else the first that has not failed.
    fn best(&self) -> Option<usize> {
        let up_to_date = self.nodes.iter().position(|node| node.is_usable() && !node.is_behind());
        up_to_date.or_else(|| self.nodes.iter().position(|node| node.is_usable()))
    }

    /// Asks one node and tells what changed about it.
    async fn ask(&self, at: usize) -> Option<Given> {
        let node = &self.nodes[at];
        let (given, turn) = node.work().await;
        tell(node, turn, given.as_ref().err(), &self.events);
        given.ok()
    }

    /// Tries nodes that failed and would be preferred to the one in use, in the background.
    fn probe_better(&self, best: usize) {
        let now = Instant::now();
        let better = if self.nodes[best].is_behind() { &self.nodes[..] } else { &self.nodes[..best] };
        for node in better.iter().filter(|node| !node.is_usable()) {
            if node.retry_at() <= now && node.start_probe() {
                let (node, events) = (Arc::clone(node), self.events.clone());
                tokio::spawn(async move {
                    let (given, turn) = node.work().await;
                    tell(&node, turn, given.as_ref().err(), &events);
                    node.end_probe();
                });
            }
        }
    }

    /// Waits until the node in use should be asked again.
    async fn wait_for_next_poll(&self, at: usize) {
        let now = Instant::now();
        let is_eager = self.eager_until.lock().is_some_and(|until| now < until);
        let pause = if is_eager { SHORTEST } else { self.pace.lock().pause(self.nodes[at].latency(), now) };
        let rest = async {
            // Whoever hastens cannot make polls closer than the shortest interval.
            tokio::time::sleep(SHORTEST.min(pause)).await;
            tokio::select! {
                () = tokio::time::sleep(pause.saturating_sub(SHORTEST)) => {}
                () = self.sooner.notified() => {}
            }
        };
        tokio::select! {
            () = rest => {}
            () = self.at_once.notified() => {}
        }
    }

    /// Waits until some node may be asked again after all have failed.
    async fn wait_for_retry(&self) -> usize {
        let earliest = self.nodes.iter().enumerate().min_by_key(|(_, node)| node.retry_at());
        let (at, retry_at) = earliest.map_or((0, Instant::now()), |(at, node)| (at, node.retry_at()));
        tokio::time::sleep_until(retry_at.into()).await;
        at
    }

    /// Leaves a node, or comes back to it, and tells so.
    fn heed(&self, change: Change) {
        let name = |at: usize| self.nodes[at].name().to_owned();
        let event = match change {
            Change::Behind { at, number, other, other_number } => {
                self.nodes[at].set_behind(true);
                MinerEvent::NodeBehind { node: name(at), number, other: name(other), other_number }
            }
            Change::CaughtUp { at } => {
                self.nodes[at].set_behind(false);
                MinerEvent::NodeCaughtUp { node: name(at) }
            }
        };
        let _ = self.events.send(event);
        self.sooner.notify_one();
    }

    fn assignment(&self, at: usize, given: Given) -> Option<Assignment> {
        let node = self.nodes[at].name().to_owned();
        if self.in_use.swap(at, Ordering::AcqRel) != at {
            let _ = self.events.send(MinerEvent::NodeChosen { node: node.clone() });
        }
        if given.has_refused_address {
            let refused = MinerEvent::CoinbaseRefused { node: node.clone(), pays: given.coinbase };
            let _ = self.events.send(refused);
        }
        let Given { work, parameters, coinbase, .. } = given;
        let now = Instant::now();
        self.pace.lock().saw(work.number, now);
        if self.given.lock().replace(work.seal_hash) == Some(work.seal_hash) {
            return None;
        }
        // Notifications are relied on only when the node in use confirms them by new work of that number.
        let hint = self.hint.lock().take();
        if hint.is_some() && hint == work.number {
            self.pace.lock().was_notified(now);
        }
        *self.eager_until.lock() = None;
        Some(Assignment { work, parameters, origin: at, node, coinbase })
    }
}

impl WorkSource for GetWork {
    async fn next_work(&self) -> Assignment {
        loop {
            let at = match self.best() {
                Some(best) => {
                    self.probe_better(best);
                    if self.in_use.load(Ordering::Acquire) == best {
                        self.wait_for_next_poll(best).await;
                    }
                    best
                }
                None => self.wait_for_retry().await,
            };
            if let Some(given) = self.ask(at).await
                && let Some(assignment) = self.assignment(at, given)
            {
                return assignment;
            }
        }
    }

    async fn submit(&self, submission: Submission) -> Result<Verdict, MinerError> {
        let verdict =
            |at: usize, is_accepted| Verdict { is_accepted, node: self.nodes[at].name().to_owned() };
        let failure = match self.nodes[submission.origin].submit(&submission).await {
            Ok(is_accepted) => return Ok(verdict(submission.origin, is_accepted)),
            Err(error) => error,
        };
        for at in (0..self.nodes.len()).filter(|at| *at != submission.origin) {
            // "No" from a node that never gave the work means nothing.
            if self.nodes[at].is_usable() && matches!(self.nodes[at].submit(&submission).await, Ok(true)) {
                return Ok(verdict(at, true));
            }
        }
        Err(failure)
    }

    async fn report_hashrate(&self, hashrate_hps: u64, id: B256) {
        if let Some(node) = self.nodes.get(self.in_use.load(Ordering::Acquire)) {
            node.report_hashrate(hashrate_hps, id).await;
        }
    }

    async fn compare_nodes(&self) {
        let mut looks = JoinSet::new();
        for (at, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.is_usable()) {
            let node = Arc::clone(node);
            looks.spawn(async move { (at, node.standing().await) });
        }
        let mut standings = vec![None; self.nodes.len()];
        while let Some(look) = looks.join_next().await {
            if let Ok((at, standing)) = look {
                standings[at] = standing;
            }
        }
        for change in self.heads.lock().look(&standings) {
            self.heed(change);
        }
    }

    fn was_accepted(&self) {
        *self.eager_until.lock() = Some(Instant::now() + EAGER);
        self.at_once.notify_one();
    }

    fn hasten(&self) {
        *self.eager_until.lock() = Some(Instant::now() + EAGER);
        self.sooner.notify_one();
    }

    fn nodes(&self) -> Vec<NodeStatistics> {
        let in_use = self.in_use.load(Ordering::Acquire);
        self.nodes.iter().enumerate().map(|(at, node)| node.statistics(at == in_use)).collect()
    }
}

fn tell(node: &Node, turn: Turn, error: Option<&MinerError>, events: &broadcast::Sender<MinerEvent>) {
    let name = node.name().to_owned();
    let event = match (turn, error) {
        (Turn::Failed, Some(error)) => MinerEvent::NodeFailed { node: name, why: error.to_string() },
        (Turn::Recovered, _) => MinerEvent::NodeRecovered { node: name },
        _ => return,
    };
    // Nobody need listen.
    let _ = events.send(event);
}
