//! From what clients call a block ("latest", a number, a hash) to the block.

use super::{Rpc, RpcError};
use crate::Header;
use crate::chain::building::Candidate;
use crate::state::StateView;
use crate::store::ChainBlock;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use std::sync::Arc;

/// A block that a client named.
pub(super) enum Resolved {
    /// One of the chain.
    Stored(Arc<ChainBlock>),
    /// The one that would come next.
    Pending(Arc<Candidate>),
}

impl Resolved {
    pub(super) fn header(&self) -> &Header {
        match self {
            Self::Stored(block) => &block.block.header,
            Self::Pending(candidate) => &candidate.block.header,
        }
    }
}

impl Rpc {
    /// The block, `None` when there is no such block.
    pub(super) fn resolve(&self, id: BlockId) -> Result<Option<Resolved>, RpcError> {
        match id {
            BlockId::Number(tag) => self.resolve_tag(tag),
            BlockId::Hash(hash) => {
                let block = self.stored_block(hash.block_hash)?;
                if let (Some(block), Some(true)) = (&block, hash.require_canonical) {
                    let canonical = self.backend.chain().reader()?.canonical_hash(block.number())?;
                    if canonical != Some(block.hash) {
                        return Err(RpcError::refused("hash is not currently canonical"));
                    }
                }
                Ok(block.map(Resolved::Stored))
            }
        }
    }

    fn resolve_tag(&self, tag: BlockNumberOrTag) -> Result<Option<Resolved>, RpcError> {
        match tag {
            BlockNumberOrTag::Latest => Ok(Some(Resolved::Stored(self.backend.chain().head()))),
            BlockNumberOrTag::Pending => Ok(Some(Resolved::Pending(self.backend.pending()?))),
            BlockNumberOrTag::Earliest => self.resolve_tag(BlockNumberOrTag::Number(0)),
            BlockNumberOrTag::Number(number) => {
                let block = self.backend.chain().reader()?.canonical_block(number)?;
                Ok(block.map(Resolved::Stored))
            }
            // Proof of work knows neither.
            BlockNumberOrTag::Finalized => Err(RpcError::refused("finalized block not found")),
            BlockNumberOrTag::Safe => Err(RpcError::refused("safe block not found")),
        }
    }

    /// The block that state is asked for; `latest` when none is named.
    pub(super) fn resolve_for_state(&self, id: Option<BlockId>) -> Result<Resolved, RpcError> {
        let resolved = self.resolve(id.unwrap_or_default())?;
        resolved.ok_or_else(|| RpcError::refused("header not found"))
    }

    pub(super) fn state_of(&self, block: &Resolved) -> Result<StateView<'_>, RpcError> {
        Ok(match block {
            Resolved::Stored(block) => self.backend.chain().state_after(block)?,
            Resolved::Pending(candidate) => self.backend.pending_state(candidate)?,
        })
    }

    pub(super) fn stored_block(&self, hash: B256) -> Result<Option<Arc<ChainBlock>>, RpcError> {
        Ok(self.backend.chain().reader()?.block(hash)?)
    }
}
