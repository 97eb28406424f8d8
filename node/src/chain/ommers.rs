//! Ommer rules (yellow paper, section 11.1), for checking a block and for choosing candidates.

use super::Chain;
use crate::store::{ChainBlock, Reader};
use crate::{Block, Header, NodeError, RejectedBlock, header};
use alloy_primitives::B256;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most ommers of a block.
pub const MAXIMUM_OMMERS: usize = 2;
/// An ommer's parent is one of the including block's ancestors this far up, its own parent excluded.
const GENERATIONS: usize = 7;

/// The nearest ancestors of a block that is being checked or built.
struct Family {
    /// From the parent up, at most [`GENERATIONS`] blocks.
    ancestors: Vec<Arc<ChainBlock>>,
    /// Ommers that those ancestors include already.
    included: BTreeSet<B256>,
}

impl Family {
    fn of_child(reader: &Reader<'_>, parent_hash: B256) -> Result<Self, NodeError> {
        let mut family = Self { ancestors: Vec::with_capacity(GENERATIONS), included: BTreeSet::new() };
        let mut hash = parent_hash;
        while family.ancestors.len() < GENERATIONS {
            let block = reader.known_block(hash)?;
            hash = block.block.header.parent_hash;
            let is_genesis = block.number() == 0;
            family.included.extend(block.block.body.ommers.iter().map(Header::hash_slow));
            family.ancestors.push(block);
            if is_genesis {
                break;
            }
        }
        Ok(family)
    }

    fn ancestor(&self, hash: B256) -> Option<&Arc<ChainBlock>> {
        self.ancestors.iter().find(|ancestor| ancestor.hash == hash)
    }

    /// The parent of a possible ommer, when the family rules admit the ommer.
    fn parent_of_ommer(&self, ommer: &Header, hash: B256) -> Result<&Header, &'static str> {
        if self.included.contains(&hash) {
            return Err("is included already");
        }
        if self.ancestor(hash).is_some() {
            return Err("is an ancestor");
        }
        if self.ancestors.first().is_some_and(|parent| parent.hash == ommer.parent_hash) {
            return Err("is a sibling of the block");
        }
        let parent = self.ancestor(ommer.parent_hash).ok_or("has no parent among the ancestors")?;
        Ok(&parent.block.header)
    }
}

/// Checks the ommers of `block`, seals included when `check_seal` says so.
///
/// # Errors
/// Inside: the first broken rule. Outside: storage errors.
pub fn check(
    chain: &Chain,
    reader: &Reader<'_>,
    block: &Block,
    check_seal: bool,
) -> Result<Result<(), RejectedBlock>, NodeError> {
    let ommers = &block.body.ommers;
    if ommers.is_empty() {
        return Ok(Ok(()));
    }
    let refused = |index, why: String| Ok(Err(RejectedBlock::Ommer { index, why }));
    if ommers.len() > MAXIMUM_OMMERS {
        return refused(MAXIMUM_OMMERS, format!("at most {MAXIMUM_OMMERS} are allowed"));
    }
    let mut family = Family::of_child(reader, block.header.parent_hash)?;
    for (index, ommer) in ommers.iter().enumerate() {
        let hash = ommer.hash_slow();
        let checked = match family.parent_of_ommer(ommer, hash) {
            Err(why) => return refused(index, why.to_owned()),
            Ok(parent) if check_seal => header::validate_sealed(&chain.spec, &chain.sealer, ommer, parent)?,
            Ok(parent) => header::validate(&chain.spec, ommer, parent),
        };
        if let Err(reason) = checked {
            return refused(index, reason.to_string());
        }
        family.included.insert(hash);
    }
    Ok(Ok(()))
}

/// Known side blocks that a child of `parent` may include, nearest generation first.
///
/// # Errors
/// Storage errors.
pub fn candidates(reader: &Reader<'_>, parent: &ChainBlock) -> Result<Vec<Header>, NodeError> {
    let family = Family::of_child(reader, parent.hash)?;
    let mut found = Vec::new();
    for ancestor in &family.ancestors {
        for hash in reader.siblings(ancestor.number())? {
            if found.len() == MAXIMUM_OMMERS {
                return Ok(found);
            }
            let side = reader.known_block(hash)?;
            if family.parent_of_ommer(&side.block.header, hash).is_ok() {
                found.push(side.block.header.clone());
            }
        }
    }
    Ok(found)
}
