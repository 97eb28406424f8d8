//! A chain whose blocks the tests make for whom they like, and one provider, whose outbox carries everything.

use std::ops::Deref;
use std::sync::Arc;

use alloy_primitives::Address;
use medrec_contracts::Registrar;
use medrec_e2e::{Ground, Setting, candidate};
use medrec_node::store::ChainBlock;

pub(crate) use medrec_e2e::{funded, now_s, person};

/// Seconds between two blocks.
const BLOCK_S: u64 = 13;
const DAY_S: u64 = 86_400;

/// The ground, with words of its own for blocks that belong to somebody.
pub(crate) struct Yard(Ground);

impl Deref for Yard {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.0
    }
}

impl Yard {
    /// Starts a chain that began 40 days ago; account 0 is the founding provider.
    pub(crate) async fn start() -> Self {
        let founders = vec![candidate(funded(0).address(), 4, "hospital")];
        let setting = Setting { age_s: 40 * DAY_S, block_s: BLOCK_S, carrier: 0, founders };
        Self(Ground::start(setting).await)
    }

    /// Solves the next block for a coinbase, with what is in the pool.
    pub(crate) fn mine(&self, coinbase: Address) -> Arc<ChainBlock> {
        self.mine_for(coinbase, BLOCK_S)
    }

    /// Solves several blocks.
    pub(crate) fn mine_many(&self, coinbase: Address, blocks: u64) {
        for _ in 0..blocks {
            self.mine(coinbase);
        }
    }

    /// Admits an account as a researcher.
    pub(crate) async fn admit_researcher(&self, account: Address, name: &str) {
        let call = Registrar::voteToAdmitCall { candidate: candidate(account, 3, name) };
        self.execute(self.contracts.act(&call)).await;
    }
}
