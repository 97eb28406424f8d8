//! Work for miners: `eth_getWork`, `eth_submitWork` and their company.

use super::params::Params;
use super::{Answer, Rpc, RpcError};
use alloy_primitives::{Address, B64, B256, U64, U256};
use serde_json::json;

impl Rpc {
    pub(super) fn mining(&self, method: &str, params: &Params) -> Option<Answer> {
        Some(match method {
            "eth_getWork" => self.work(params),
            "eth_submitWork" => self.submit_work(params),
            "eth_submitHashrate" => self.submit_hashrate(params),
            "eth_hashrate" => Ok(json!(U64::from(self.backend.board().hashrate_hps()))),
            "eth_mining" => Ok(json!(self.backend.options().coinbase.is_some())),
            "eth_coinbase" => match self.backend.options().coinbase {
                Some(coinbase) => Ok(json!(coinbase)),
                None => Err(RpcError::refused("etherbase must be explicitly specified")),
            },
            _ => return None,
        })
    }

    /// go-ethereum takes no argument. Ours may be the address to pay, so that one node serves miners
    /// who each own their blocks.
    fn work(&self, params: &Params) -> Answer {
        params.at_most(1)?;
        let coinbase: Option<Address> = params.optional(0)?;
        Ok(json!(self.backend.work(coinbase)?.strings()))
    }

    fn submit_work(&self, params: &Params) -> Answer {
        params.at_most(3)?;
        let (nonce, seal_hash, mix): (B64, B256, B256) =
            (params.required(0)?, params.required(1)?, params.required(2)?);
        Ok(json!(self.backend.submit_work(nonce, seal_hash, mix)?))
    }

    fn submit_hashrate(&self, params: &Params) -> Answer {
        params.at_most(2)?;
        // go-ethereum wants a compact quantity, ethminer pads to 32 bytes: both are numbers.
        let rate: U256 = params.required(0)?;
        let id: B256 = params.required(1)?;
        self.backend.board().report_hashrate(id, rate.saturating_to());
        Ok(json!(true))
    }
}
