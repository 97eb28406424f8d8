//! What is known of the nodes: ready, behind, on another chain, or not there.
//!
//! Why here: whoever guards records by the chain has to refuse in every state but one, so the states
//! are words and not an error text. What not: nothing here asks a node.

use std::fmt;
use std::time::Duration;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

/// A block by its number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockRef {
    /// Its number.
    pub number: u64,
    /// The hash of its header.
    pub hash: B256,
}

impl fmt::Display for BlockRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "block {} ({})", self.number, self.hash)
    }
}

/// Why a node that answers may not be believed about the present.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lag {
    /// Its newest block is older than the limit of the options.
    OldHead {
        /// How old.
        age: Duration,
        /// How old it may be.
        limit: Duration,
    },
    /// Its newest block lies in the future: its clock or ours is wrong.
    FutureHead {
        /// How far ahead of our clock.
        ahead: Duration,
    },
    /// It says that it is synchronising.
    Syncing {
        /// The highest block that it knows of, if it says so.
        highest: Option<u64>,
    },
    /// A higher block was shown a short time ago, by another node or by itself.
    LowerHead {
        /// That block's number.
        highest: u64,
    },
}

impl fmt::Display for Lag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OldHead { age, limit } => {
                write!(
                    formatter,
                    "its newest block is {} s old, allowed are {} s",
                    age.as_secs(),
                    limit.as_secs()
                )
            }
            Self::FutureHead { ahead } => {
                write!(formatter, "its newest block is {} s ahead of our clock", ahead.as_secs())
            }
            Self::Syncing { highest: Some(highest) } => {
                write!(formatter, "it is synchronising to block {highest}")
            }
            Self::Syncing { highest: None } => formatter.write_str("it is synchronising"),
            Self::LowerHead { highest } => write!(formatter, "block {highest} was seen already"),
        }
    }
}

/// The state of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeState {
    /// It is on the right chain and up to date.
    Ready {
        /// Its newest block.
        head: BlockRef,
        /// That block's time, in Unix seconds.
        timestamp_s: u64,
    },
    /// It answers, but its newest block is not the present.
    Behind {
        /// Its newest block.
        head: BlockRef,
        /// Why.
        lag: Lag,
    },
    /// Its chain has another id.
    WrongChain {
        /// The id of the options.
        expected: u64,
        /// Its own.
        found: u64,
    },
    /// Its chain has the same id and another block 0.
    WrongGenesis {
        /// The hash of the options.
        expected: B256,
        /// Its own.
        found: B256,
    },
    /// It does not answer, or not as an Ethereum node does.
    Down {
        /// What happened.
        why: String,
    },
}

impl NodeState {
    /// How much the state tells: what [`Health::state`] prefers.
    fn rank(&self) -> u8 {
        match self {
            Self::Ready { .. } => 4,
            Self::Behind { .. } => 3,
            Self::WrongGenesis { .. } => 2,
            Self::WrongChain { .. } => 1,
            Self::Down { .. } => 0,
        }
    }
}

impl fmt::Display for NodeState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { head, .. } => write!(formatter, "ready at {head}"),
            Self::Behind { head, lag } => write!(formatter, "behind at block {}: {lag}", head.number),
            Self::WrongChain { expected, found } => {
                write!(formatter, "on chain {found}, expected is {expected}")
            }
            Self::WrongGenesis { expected, found } => {
                write!(formatter, "its block 0 is {found}, expected is {expected}")
            }
            Self::Down { why } => write!(formatter, "down: {why}"),
        }
    }
}

/// One node and its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeHealth {
    /// Where it is.
    pub url: String,
    /// What is known of it.
    pub state: NodeState,
}

/// The states of all nodes, in the order of the options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// One for each URL.
    pub nodes: Vec<NodeHealth>,
}

impl Health {
    /// The best state of any node: ready before behind, behind before another chain, that before down.
    pub fn state(&self) -> Option<&NodeState> {
        self.nodes.iter().map(|node| &node.state).max_by_key(|state| state.rank())
    }

    /// Whether there is a node that may be asked.
    pub fn is_ready(&self) -> bool {
        matches!(self.state(), Some(NodeState::Ready { .. }))
    }
}

impl fmt::Display for Health {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, node) in self.nodes.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{} is {}", node.url, node.state)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_several_nodes_is_the_best_one() {
        let down = NodeHealth { url: "http://a".into(), state: NodeState::Down { why: "refused".into() } };
        let foreign =
            NodeHealth { url: "http://b".into(), state: NodeState::WrongChain { expected: 1, found: 2 } };
        let head = BlockRef { number: 7, hash: B256::ZERO };
        let ready = NodeHealth { url: "http://c".into(), state: NodeState::Ready { head, timestamp_s: 1 } };
        let without = Health { nodes: vec![down.clone(), foreign.clone()] };
        assert!(matches!(without.state(), Some(NodeState::WrongChain { .. })) && !without.is_ready());
        assert_eq!(without.to_string(), "http://a is down: refused; http://b is on chain 2, expected is 1");
        assert!(Health { nodes: vec![down, ready, foreign] }.is_ready());
    }
}
