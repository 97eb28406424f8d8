//! The five contracts, created through the outbox.
//!
//! Why here: their addresses follow from consecutive nonces, which only the outbox can promise. What not: what the
//! contracts are created with; [`Contracts::creations`] knows.

use medrec_contracts::Registrar;

use super::Sender;
use super::entry::State;
use super::options::Request;
use crate::contracts::Contracts;
use crate::error::ChainError;

impl Sender {
    /// Creates the five contracts, waits until all are confirmed and checks that they name each other. After a crash, the
    /// same `key` goes on where it stopped.
    ///
    /// # Errors
    /// Those of [`Sender::send`] and [`Sender::wait`]; [`ChainError::Refused`] or [`ChainError::NotPossible`] when a creation
    /// ends otherwise than confirmed.
    pub async fn deploy(
        &self,
        key: &str,
        founders: Vec<Registrar::Candidate>,
    ) -> Result<Contracts, ChainError> {
        const CREATION_GAS: u64 = 5_000_000;
        const FOUNDER_GAS: u64 = 400_000;
        let (chain_id, account) = (self.client.chain_id(), self.account());
        let named = |index: usize| format!("{key}/{index}");
        let gas =
            CREATION_GAS + FOUNDER_GAS * u64::try_from(founders.len()).unwrap_or(u64::MAX / FOUNDER_GAS);
        let build = |first| {
            let creations = Contracts::predicted(chain_id, account, first).creations(founders);
            let requests = creations.into_iter().enumerate();
            let request = |(index, act)| Request::from(act).with_key(named(index)).with_gas_limit(gas);
            requests.map(request).collect()
        };
        let first = match self.find(&named(0)) {
            Some(entry) => entry.nonce,
            None => self.send_all(build).await?.first().copied().unwrap_or_default(),
        };
        let contracts = Contracts::predicted(chain_id, account, first);
        for nonce in first..first + 5 {
            match self.wait(nonce).await? {
                State::Confirmed(_) => {}
                State::Reverted { data, .. } => {
                    return Err(ChainError::refused(format!("deployment {key}"), &data));
                }
                _ => return Err(ChainError::NotPossible { nonce, why: "the creation was not executed" }),
            }
        }
        let view = self.client.view().await?;
        contracts.at(&view).verify().await?;
        Ok(contracts)
    }
}
