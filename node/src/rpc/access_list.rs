//! `eth_createAccessList`: what a transaction would touch, as EIP-2930 lists it.

use super::calls::call_env;
use super::params::Params;
use super::{Answer, Rpc, RpcError};
use crate::evm;
use alloy_eips::BlockId;
use alloy_primitives::U64;
use alloy_rpc_types_eth::TransactionRequest;
use revm::context::result::ExecutionResult;
use revm::{InspectEvm, MainBuilder};
use revm_inspectors::access_list::AccessListInspector;
use serde_json::json;

/// Executions until a list counts as stable. A list changes what gas is left, and gas left may change
/// what is touched; two executions are the rule.
const MAXIMUM_EXECUTIONS: usize = 8;

impl Rpc {
    pub(super) fn access_lists(&self, method: &str, params: &Params) -> Option<Answer> {
        (method == "eth_createAccessList").then(|| self.create_access_list(params))
    }

    /// The list, and the gas that the transaction uses with it. A call that fails has a list too, and an
    /// `error`.
    fn create_access_list(&self, params: &Params) -> Answer {
        params.at_most(2)?;
        let mut request: TransactionRequest = params.required(0)?;
        let block = self.resolve_for_state(params.optional::<BlockId>(1)?)?;
        let header = block.header();
        let spec = self.backend.chain().spec();
        let gas = request.gas.unwrap_or(u64::MAX).min(self.limits.call_gas);
        for _ in 0..MAXIMUM_EXECUTIONS {
            let list = request.access_list.clone().unwrap_or_default();
            let call = call_env(&request, spec.chain_id, header.base_fee_per_gas.unwrap_or_default(), gas)?;
            let mut inspector = AccessListInspector::new(list.clone());
            let mut context = evm::context(spec, header, self.state_in(&block)?);
            context.cfg.disable_nonce_check = true;
            context.cfg.disable_eip3607 = true;
            context.cfg.disable_block_gas_limit = true;
            context.cfg.disable_base_fee = call.gas_price == 0;
            let mut evm = context.build_mainnet_with_inspector(&mut inspector);
            let outcome = evm.inspect_tx(call).map_err(|error| RpcError::refused(error.to_string()))?;
            let found = inspector.into_access_list();
            if request.access_list.is_some() && found == list {
                let mut answer =
                    json!({ "accessList": found, "gasUsed": U64::from(outcome.result.tx_gas_used()) });
                if let Some(error) = failure(&outcome.result) {
                    answer["error"] = json!(error);
                }
                return Ok(answer);
            }
            request.access_list = Some(found);
        }
        Err(RpcError::refused(format!("no stable access list after {MAXIMUM_EXECUTIONS} executions")))
    }
}

fn failure(result: &ExecutionResult) -> Option<String> {
    match result {
        ExecutionResult::Success { .. } => None,
        ExecutionResult::Revert { .. } => Some("execution reverted".to_owned()),
        ExecutionResult::Halt { reason, .. } => Some(reason.to_string()),
    }
}
