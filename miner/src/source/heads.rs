//! Which nodes stand still while others of the same chain go on.
//!
//! A node can answer promptly and give work on a head that the network left behind: it lost its peers, or its disk is full.
//! Nothing about its answers is wrong, so it is only seen beside another node:
//!
//! - it is *behind* when its work stayed at one number for three looks or more, while another node's went on by three blocks
//!   and is three ahead;
//! - it has *caught up* when it was level with the best of the others, one block apart at the most, for two looks in a
//!   row; twice as many after each fall, so that a node that keeps stumbling is left alone.
//!
//! Nodes of another chain (its id, its block 0) are never compared. A node that merely has fewer blocks and makes more is
//! left in peace: which of two living branches is right is not for numbers to say.

use alloy_primitives::B256;

/// Blocks that another node has to go on by, and to be ahead by.
const BLOCKS: u64 = 3;
/// Looks at one number after the first one.
const STILL_LOOKS: u32 = 2;
/// Looks at which a node is level before it counts as caught up, the first time.
const LEVEL_LOOKS: u32 = 2;
/// The number of looks is doubled this often at the most.
const DOUBLINGS: u32 = 6;
/// Falls are forgiven after this many looks without one.
const FORGIVEN_LOOKS: u32 = 1_000;

/// What makes a chain one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chain {
    /// Its id.
    pub(super) id: u64,
    /// Hash of its block 0.
    pub(super) genesis: B256,
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Its chain.
    pub(super) chain: Chain,
    /// Number of the block that it gives work for.
    pub(super) number: u64,
}

/// What changed about the node at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It fell behind.
    Behind {
        /// The node.
        at: usize,
        /// Its number.
        number: u64,
        /// A node that went on.
        other: usize,
        /// That one's number.
        other_number: u64,
    },
    /// It caught up.
    CaughtUp {
        /// The node.
        at: usize,
    },
}

/// What is remembered of a node.
#[derive(Debug, Clone, Default)]
struct History {
    standing: Option<Standing>,
    /// Looks at that standing after the first one.
    still: u32,
    /// Where each node stood when this one was first seen there.
    others: Vec<Option<Standing>>,
    is_behind: bool,
    level: u32,
    falls: u32,
    steady: u32,
}

/// All nodes, in their order.
#[derive(Debug)]
pub(super) struct Heads {
    nodes: Vec<History>,
}

impl Heads {
    /// Of so many nodes, of which nothing is known.
    pub(super) fn new(nodes: usize) -> Self {
        Self { nodes: vec![History::default(); nodes] }
    }

    /// Takes a look at every node; `None` for one that could not be asked.
    pub(super) fn look(&mut self, standings: &[Option<Standing>]) -> Vec<Change> {
        for (history, standing) in self.nodes.iter_mut().zip(standings) {
            history.remember(*standing, standings);
        }
        let changes: Vec<Change> = (0..self.nodes.len()).filter_map(|at| self.judge(at, standings)).collect();
        for change in &changes {
            match *change {
                Change::Behind { at, .. } => self.nodes[at].fall(),
                Change::CaughtUp { at } => self.nodes[at].is_behind = false,
            }
        }
        changes
    }

    /// The best of the other nodes of the same chain that are not behind.
    fn best_beside(&self, at: usize, standings: &[Option<Standing>]) -> Option<(usize, u64)> {
        let own = standings.get(at).copied().flatten()?;
        let others = standings.iter().enumerate().filter(|(other, _)| *other != at);
        others
            .filter(|(other, _)| !self.nodes[*other].is_behind)
            .filter_map(|(other, standing)| standing.map(|standing| (other, standing)))
            .filter(|(_, standing)| standing.chain == own.chain)
            .map(|(other, standing)| (other, standing.number))
            .max_by_key(|(_, number)| *number)
    }

    fn judge(&mut self, at: usize, standings: &[Option<Standing>]) -> Option<Change> {
        let (other, other_number) = self.best_beside(at, standings)?;
        let history = &mut self.nodes[at];
        let own = history.standing?;
        if history.is_behind {
            let is_level = own.number.saturating_add(1) >= other_number;
            history.level = if is_level { history.level + 1 } else { 0 };
            return (history.level >= history.level_looks()).then_some(Change::CaughtUp { at });
        }
        let before = history.others.get(other).copied().flatten();
        let went_on = before.is_some_and(|before| {
            before.chain == own.chain && other_number >= before.number.saturating_add(BLOCKS)
        });
        let is_ahead = other_number >= own.number.saturating_add(BLOCKS);
        let has_fallen = history.still >= STILL_LOOKS && went_on && is_ahead;
        has_fallen.then_some(Change::Behind { at, number: own.number, other, other_number })
    }
}

impl History {
    fn remember(&mut self, standing: Option<Standing>, all: &[Option<Standing>]) {
        self.steady = if self.is_behind { 0 } else { self.steady.saturating_add(1) };
        if self.steady >= FORGIVEN_LOOKS {
            self.falls = 0;
        }
        if standing.is_none() || self.standing != standing {
            (self.standing, self.still, self.others) = (standing, 0, all.to_vec());
            return;
        }
        self.still = self.still.saturating_add(1);
        // Who could not be asked then, or was on another chain, has to go on from where it is seen first.
        for (known, now) in self.others.iter_mut().zip(all) {
            if let Some(now) = now
                && known.is_none_or(|known| known.chain != now.chain)
            {
                *known = Some(*now);
            }
        }
    }

    const fn fall(&mut self) {
        (self.is_behind, self.level, self.steady) = (true, 0, 0);
        self.falls = self.falls.saturating_add(1);
    }

    fn level_looks(&self) -> u32 {
        LEVEL_LOOKS << self.falls.saturating_sub(1).min(DOUBLINGS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: Chain = Chain { id: 1_337, genesis: B256::ZERO };

    const fn on(chain: Chain, number: u64) -> Standing {
        Standing { chain, number }
    }

    const fn at(number: u64) -> Standing {
        on(CHAIN, number)
    }

    /// Looks at two nodes, the numbers of each by turns.
    fn looks(heads: &mut Heads, numbers: impl IntoIterator<Item = (u64, u64)>) -> Vec<Change> {
        numbers.into_iter().flat_map(|(one, two)| heads.look(&[Some(at(one)), Some(at(two))])).collect()
    }

    const FALLEN: Change = Change::Behind { at: 0, number: 10, other: 1, other_number: 14 };

    #[test]
    fn a_node_that_stands_still_while_another_goes_on_is_told_once_until_it_has_caught_up() {
        let mut heads = Heads::new(2);
        assert_eq!(looks(&mut heads, [(10, 10), (10, 11), (10, 12)]), [], "two blocks are no proof");
        assert_eq!(looks(&mut heads, [(10, 14)]), [FALLEN]);
        assert_eq!(looks(&mut heads, (15..40).map(|other| (10, other))), [], "it is told once");
        assert_eq!(looks(&mut heads, [(38, 40), (40, 41)]), [], "level once is not level");
        assert_eq!(looks(&mut heads, [(42, 42)]), [Change::CaughtUp { at: 0 }]);
        assert_eq!(looks(&mut heads, (43..80).map(|number| (number, number))), []);
    }

    #[test]
    fn nodes_that_stand_still_together_or_are_slower_and_alive_are_left_in_peace() {
        let mut heads = Heads::new(2);
        assert_eq!(looks(&mut heads, [(10, 90); 50]), [], "a higher number alone is no proof");
        assert_eq!(looks(&mut heads, (0..50).map(|look| (10 + look / 2, 90 + 2 * look))), [], "it moves");
    }

    #[test]
    fn one_look_is_not_enough_however_many_blocks_the_other_made() {
        let mut heads = Heads::new(2);
        assert_eq!(looks(&mut heads, [(10, 10), (10, 500)]), []);
        assert_eq!(looks(&mut heads, [(11, 900), (11, 1_300)]), []);
    }

    #[test]
    fn a_node_of_another_chain_is_never_compared() {
        for other in [Chain { id: 1, ..CHAIN }, Chain { genesis: B256::repeat_byte(1), ..CHAIN }] {
            let mut heads = Heads::new(2);
            for number in 10..100 {
                assert_eq!(heads.look(&[Some(at(10)), Some(on(other, number))]), []);
            }
        }
    }

    #[test]
    fn what_a_node_did_before_it_could_be_compared_does_not_count() {
        let mut heads = Heads::new(2);
        // Of another chain first, silent then.
        let elsewhere = on(Chain { id: 1, ..CHAIN }, 10);
        for other in [Some(elsewhere), None, Some(at(50)), Some(at(50)), Some(at(51)), Some(at(52))] {
            assert_eq!(heads.look(&[Some(at(10)), other]), []);
        }
        assert_eq!(
            looks(&mut heads, [(10, 53)]).len(),
            1,
            "three blocks since it was first seen on the chain"
        );
    }

    #[test]
    fn a_node_that_keeps_stumbling_has_to_be_level_for_longer_each_time() {
        let mut heads = Heads::new(2);
        let mut number = 10;
        let mut waits = Vec::new();
        for _ in 0..4 {
            let stood = number;
            while heads.look(&[Some(at(stood)), Some(at(number))]).is_empty() {
                number += 1;
            }
            let mut looks = 1;
            while heads.look(&[Some(at(number)), Some(at(number))]).is_empty() {
                (number, looks) = (number + 1, looks + 1);
            }
            waits.push(looks);
        }
        assert_eq!(waits, [2, 4, 8, 16]);
        for _ in 0..FORGIVEN_LOOKS {
            number += 1;
            assert_eq!(heads.look(&[Some(at(number)), Some(at(number))]), []);
        }
        let stood = number;
        while heads.look(&[Some(at(stood)), Some(at(number))]).is_empty() {
            number += 1;
        }
        assert_eq!(heads.look(&[Some(at(number)), Some(at(number))]), []);
        assert_eq!(
            heads.look(&[Some(at(number)), Some(at(number))]),
            [Change::CaughtUp { at: 0 }],
            "it is forgiven"
        );
    }
}
