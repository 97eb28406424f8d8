//! Events of the contracts from a stored position on, each exactly once, through re-organisations.
//!
//! [`Follower::next`] gives a [`Step`]: events, or the news that blocks were replaced; and the [`Position`] after it. A consumer
//! that stores the position in the same transaction as the effects of the step has every effect exactly once, whatever is
//! killed in between.
//!
//! How it is made sure: headers are hashed and form a chain from the position on; logs are asked for by block *hash* and
//! must add up to the bloom filter of that very header, so a node that leaves one out or adds one is found out. Blocks whose
//! filter knows none of the contracts are not asked for.
//!
//! What not: what events mean. Nothing is delivered from blocks above the chosen depth, and none is guessed while nodes are
//! down: the state says so.

mod event;
mod position;

use std::time::Duration;

use alloy_primitives::{Address, Bloom, BloomInput};
use alloy_rpc_types_eth::{Header, Log};
use serde_json::json;
use tokio::sync::watch;

use self::event::decode;
pub use self::event::{ContractEvent, Event};
pub use self::position::{Position, PositionFile};
use crate::backoff::Backoff;
use crate::client::{Client, Head, View};
use crate::contract::Contract;
use crate::contracts::Contracts;
use crate::error::{ChainError, Remedy};
use crate::health::BlockRef;

/// How events are followed.
#[derive(Debug, Clone)]
pub struct FollowerOptions {
    /// Blocks that must stand on top of a block before its events are delivered. With 12 a roll-back is an incident; with 0 events
    /// come at once and roll-backs are everyday.
    pub confirmations: u64,
    /// Most blocks a step.
    pub batch_blocks: u64,
    /// Most events a step. With 1 each event has a position of its own.
    pub batch_events: usize,
    /// Pause before the chain is looked at again when there is nothing new.
    pub poll_interval: Duration,
}

impl Default for FollowerOptions {
    /// 12 confirmations, 64 blocks and 1,000 events a step, a look a second.
    fn default() -> Self {
        Self {
            confirmations: 12,
            batch_blocks: 64,
            batch_events: 1_000,
            poll_interval: Duration::from_secs(1),
        }
    }
}

/// What is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// The chain went on; these are the events of it, in their order. Often there are none: the position is news enough.
    Advanced {
        /// The events.
        events: Vec<Event>,
    },
    /// Blocks were replaced: every event that was delivered from a block above this one never happened. Their successors
    /// come with the next steps.
    RolledBack {
        /// The newest block that stands.
        to: BlockRef,
    },
}

/// What is new, and the position after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is new.
    pub update: Update,
    /// To be stored with the effects of it.
    pub position: Position,
}

/// How the following goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowerState {
    /// Nothing was asked yet.
    Starting,
    /// All is well.
    Following {
        /// The newest block of which something was delivered.
        delivered: BlockRef,
        /// The newest block of the chain.
        head: BlockRef,
    },
    /// Nodes are down, behind or disagree with themselves; it goes on by itself when that ends.
    Waiting {
        /// What is the matter.
        why: String,
    },
}

/// Follows the events of the contracts.
#[derive(Debug)]
pub struct Follower {
    client: Client,
    contracts: Contracts,
    options: FollowerOptions,
    position: Position,
    /// The head at which there was nothing new.
    idle_at: Option<BlockRef>,
    state: watch::Sender<FollowerState>,
}

impl Follower {
    /// Follows from `position` on: a stored one, or [`Position::before`] a block.
    pub fn new(client: Client, contracts: Contracts, position: Position, options: FollowerOptions) -> Self {
        let state = watch::Sender::new(FollowerState::Starting);
        Self { client, contracts, options, position, idle_at: None, state }
    }

    /// How far it has come.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// How it goes; changes are signalled.
    pub fn state(&self) -> watch::Receiver<FollowerState> {
        self.state.subscribe()
    }

    /// The next step, waited for as long as it takes. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// Errors that asking again does not help: [`ChainError::ReorgTooDeep`], or a log of the contracts that is none of theirs.
    pub async fn next(&mut self) -> Result<Step, ChainError> {
        let mut backoff = Backoff::new(self.options.poll_interval, Duration::from_secs(10));
        loop {
            match self.step().await {
                Ok(Some(step)) => return Ok(step),
                Ok(None) => {
                    backoff.reset();
                    tokio::time::sleep(self.options.poll_interval).await;
                }
                Err(error) if error.remedy() == Remedy::Retry => backoff.pause().await,
                Err(error) => return Err(error),
            }
        }
    }

    /// One look at the chain; `None` when nothing is new.
    ///
    /// # Errors
    /// Those of a view and of any exchange, [`ChainError::ReorgTooDeep`], [`ChainError::NoContract`] for a log that the contracts
    /// do not write. The position stays where it was.
    pub async fn step(&mut self) -> Result<Option<Step>, ChainError> {
        let outcome = self.look().await;
        if let Err(error) = &outcome {
            self.tell(FollowerState::Waiting { why: error.to_string() });
        }
        outcome
    }

    async fn look(&mut self) -> Result<Option<Step>, ChainError> {
        let view = self.client.view().await?;
        let head = view.head().block;
        if self.idle_at == Some(head) {
            return Ok(None);
        }
        let from = self.position.block.number;
        if head.number < from {
            // The chain is shorter than what was delivered; whether it was replaced shows when it is as long again.
            let why = format!("the chain ends below {}", self.position.block);
            return Err(ChainError::Interrupted {
                url: view.url().to_owned(),
                method: "eth_getBlockByNumber",
                why,
            });
        }
        let deep_enough = head.number.saturating_sub(self.options.confirmations);
        let last = deep_enough.min(from.saturating_add(self.options.batch_blocks)).max(from);
        let numbers: Vec<u64> = (from..=last).collect();
        let headers = view.endpoint().headers(&numbers).await?;
        let step = if headers.first().is_some_and(|header| header.hash != self.position.block.hash) {
            self.roll_back(&view).await?
        } else {
            check_chain(&view, &headers)?;
            self.advance(&view, &headers).await?
        };
        match &step {
            Some(step) => self.position = step.position.clone(),
            None => self.idle_at = Some(head),
        }
        self.tell(FollowerState::Following { delivered: self.position.block, head });
        Ok(step)
    }

    /// The events after the position in these blocks, the first of which is the position's own.
    async fn advance(&self, view: &View, headers: &[Header]) -> Result<Option<Step>, ChainError> {
        // The position's own block is looked into again only when a part of it is left.
        let skipped = usize::from(self.position.log_index.is_none());
        let headers = headers.get(skipped..).unwrap_or_default();
        let addresses = Contract::ALL.map(|contract| self.contracts.address(contract));
        let asked: Vec<_> = headers.iter().filter(|header| may_know(header, &addresses)).collect();
        let params: Vec<_> = asked.iter().map(|header| [json!({ "blockHash": header.hash })]).collect();
        let mut answers = view.endpoint().batch::<_, Vec<Log>>("eth_getLogs", &params).await?.into_iter();
        let (mut events, mut position) = (Vec::new(), self.position.clone());
        for header in headers {
            let head = Head::from(header);
            let mut found = Vec::new();
            if may_know(header, &addresses) {
                let logs = answers.next().unwrap_or_default();
                check_logs(view, header, &logs)?;
                found = self.events(&head, &logs)?;
            }
            let delivered = position.log_index.filter(|_| position.block == head.block);
            found.retain(|event| delivered.is_none_or(|index| event.log_index > index));
            let room = self.options.batch_events.max(1) - events.len();
            let is_cut = found.len() > room;
            found.truncate(room);
            let cut_at = found.last().filter(|_| is_cut).map(|event| event.log_index);
            events.append(&mut found);
            position = position.advanced(head.block, cut_at);
            if events.len() >= self.options.batch_events.max(1) {
                break;
            }
        }
        let is_news = position != self.position;
        Ok(is_news.then_some(Step { update: Update::Advanced { events }, position }))
    }

    fn events(&self, head: &Head, logs: &[Log]) -> Result<Vec<Event>, ChainError> {
        let mut events = Vec::new();
        for log in logs {
            let Some(contract) = self.contracts.contract_at(log.inner.address) else { continue };
            let what = decode(contract, &log.inner).ok_or_else(|| ChainError::NoContract {
                contract: log.inner.address,
                block: head.block,
                why: format!("{contract} has no event with topics {:?}", log.inner.topics()),
            })?;
            events.push(Event {
                block: head.block,
                timestamp_s: head.timestamp_s,
                coinbase: head.coinbase,
                transaction: log.transaction_hash.unwrap_or_default(),
                log_index: log.log_index.unwrap_or_default(),
                what,
            });
        }
        Ok(events)
    }

    /// Back to the newest remembered block that the chain still has.
    async fn roll_back(&self, view: &View) -> Result<Option<Step>, ChainError> {
        let remembered: Vec<_> = self.position.remembered().skip(1).collect();
        let numbers: Vec<_> = remembered.iter().map(|block| block.number).collect();
        let headers = view.endpoint().headers(&numbers).await?;
        let pairs = remembered.iter().zip(&headers);
        let standing =
            pairs.filter(|(block, header)| header.hash == block.hash).map(|(block, _)| *block).next();
        let Some(to) = standing else {
            let oldest = remembered.last().copied().unwrap_or(self.position.block);
            return Err(ChainError::ReorgTooDeep { oldest });
        };
        Ok(Some(Step { update: Update::RolledBack { to }, position: self.position.back_at(to) }))
    }

    fn tell(&self, state: FollowerState) {
        self.state.send_if_modified(|old| {
            let is_new = *old != state;
            *old = state;
            is_new
        });
    }
}

/// Whether a block can hold logs of the contracts.
fn may_know(header: &Header, contracts: &[Address]) -> bool {
    let bloom = &header.inner.logs_bloom;
    contracts.iter().any(|contract| bloom.contains_input(BloomInput::Raw(contract.as_slice())))
}

/// Headers that were read while the chain changed need not belong together.
fn check_chain(view: &View, headers: &[Header]) -> Result<(), ChainError> {
    for pair in headers.windows(2) {
        if pair[1].inner.parent_hash != pair[0].hash {
            let why =
                format!("block {} does not follow its predecessor: a re-organisation", pair[1].inner.number);
            return Err(ChainError::Interrupted {
                url: view.url().to_owned(),
                method: "eth_getBlockByNumber",
                why,
            });
        }
    }
    Ok(())
}

/// All logs of the block, each once, in order, and none that its header does not know.
fn check_logs(view: &View, header: &Header, logs: &[Log]) -> Result<(), ChainError> {
    let mut bloom = Bloom::ZERO;
    for (index, log) in (0..).zip(logs) {
        if log.block_hash != Some(header.hash) || log.log_index != Some(index) || log.removed {
            let why = format!("log {index} of block {} is another one's", header.inner.number);
            return Err(view.endpoint().malformed("eth_getLogs", why));
        }
        bloom.accrue_log(&log.inner);
    }
    if bloom != header.inner.logs_bloom {
        let why = format!(
            "the logs of block {} are not those that its header knows: some are missing or added",
            header.inner.number
        );
        return Err(view.endpoint().malformed("eth_getLogs", why));
    }
    Ok(())
}
