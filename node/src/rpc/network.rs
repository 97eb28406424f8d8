//! `web3_`, `net_`, and what is the same for every block.

use super::params::Params;
use super::{Answer, Rpc};
use alloy_primitives::{Bytes, keccak256};
use serde_json::json;

impl Rpc {
    pub(super) fn network(&self, method: &str, params: &Params) -> Option<Answer> {
        let chain_id = self.backend.chain().spec().chain_id;
        Some(match method {
            "web3_clientVersion" => Ok(json!(client_version())),
            "web3_sha3" => params.required::<Bytes>(0).map(|data| json!(keccak256(data))),
            "net_version" => Ok(json!(chain_id.to_string())),
            "net_peerCount" => Ok(json!("0x0")),
            "eth_chainId" => Ok(json!(format!("{chain_id:#x}"))),
            // It has no peers: it waits for none and it lags behind none.
            "net_listening" | "eth_syncing" => Ok(json!(false)),
            "eth_accounts" => Ok(json!([])),
            "eth_blockNumber" => Ok(json!(format!("{:#x}", self.backend.chain().head().number()))),
            "rpc_modules" => Ok(json!({
                "debug": "1.0", "eth": "1.0", "net": "1.0", "rpc": "1.0", "txpool": "1.0", "web3": "1.0"
            })),
            _ => return None,
        })
    }
}

/// Name, version and platform, in go-ethereum's form.
fn client_version() -> String {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("medrec/v{}/{os}-{arch}", env!("CARGO_PKG_VERSION"))
}
