//! `debug_traceTransaction` and `debug_traceCall`, with go-ethereum's built-in tracers.

use super::calls::call_env;
use super::params::Params;
use super::resolve::Resolved;
use super::{Answer, Rpc, RpcError, view};
use crate::Header;
use crate::evm;
use crate::state::BlockState;
use alloy_eips::BlockId;
use alloy_primitives::B256;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::GethDebugTracingOptions;
use revm::context::TxEnv;
use revm::{ExecuteCommitEvm, InspectEvm, MainBuilder};
use revm_inspectors::tracing::{DebugInspector, TransactionContext};

impl Rpc {
    pub(super) fn debug(&self, method: &str, params: &Params) -> Option<Answer> {
        Some(match method {
            "debug_traceTransaction" => self.trace_transaction(params),
            "debug_traceCall" => self.trace_call(params),
            _ => return None,
        })
    }

    fn trace_transaction(&self, params: &Params) -> Answer {
        params.at_most(2)?;
        let hash: B256 = params.required(0)?;
        let options: GethDebugTracingOptions = params.optional(1)?.unwrap_or_default();
        let (block, index) = self.mined(hash)?.ok_or_else(|| RpcError::refused("transaction not found"))?;
        let chain = self.backend.chain();
        let header = &block.block.header;
        let parent = chain.reader()?.known_block(header.parent_hash)?;
        let mut state = BlockState::new(chain.state_after(&parent)?, parent.hash, parent.number());
        let mut transactions = block
            .block
            .body
            .transactions
            .iter()
            .zip(&block.senders)
            .map(|(transaction, sender)| evm::transaction_env(transaction, *sender));
        {
            let mut before = evm::context(chain.spec(), header, &mut state).build_mainnet();
            for transaction in transactions.by_ref().take(index) {
                before.transact_commit(transaction).map_err(|error| RpcError::refused(error.to_string()))?;
            }
        }
        let traced = transactions.next().ok_or_else(|| RpcError::refused("transaction not found"))?;
        let context =
            TransactionContext { block_hash: Some(block.hash), tx_index: Some(index), tx_hash: Some(hash) };
        self.trace(header, &mut state, &traced, options, Some(context), false)
    }

    fn trace_call(&self, params: &Params) -> Answer {
        params.at_most(3)?;
        let request: TransactionRequest = params.required(0)?;
        let block: Resolved = self.resolve_for_state(params.optional::<BlockId>(1)?)?;
        let options: GethDebugTracingOptions = params.optional(2)?.unwrap_or_default();
        let header = block.header();
        let gas = request.gas.unwrap_or(u64::MAX).min(self.limits.call_gas);
        let chain_id = self.backend.chain().spec().chain_id;
        let call = call_env(&request, chain_id, header.base_fee_per_gas.unwrap_or_default(), gas)?;
        let mut state = self.state_in(&block)?;
        self.trace(header, &mut state, &call, options, None, true)
    }

    fn trace(
        &self,
        header: &Header,
        state: &mut BlockState<'_>,
        traced: &TxEnv,
        options: GethDebugTracingOptions,
        transaction: Option<TransactionContext>,
        is_call: bool,
    ) -> Answer {
        let refused = |error: String| RpcError::refused(error);
        let mut inspector = DebugInspector::new(options).map_err(|error| refused(error.to_string()))?;
        let block_env = evm::block_env(header);
        let mut context = evm::context(self.backend.chain().spec(), header, &mut *state);
        if is_call {
            context.cfg.disable_nonce_check = true;
            context.cfg.disable_eip3607 = true;
            context.cfg.disable_block_gas_limit = true;
            context.cfg.disable_base_fee = traced.gas_price == 0;
        }
        let mut evm = context.build_mainnet_with_inspector(&mut inspector);
        let outcome = evm.inspect_tx(traced.clone()).map_err(|error| refused(error.to_string()))?;
        let trace = inspector
            .get_result(transaction, traced, &block_env, &outcome, state)
            .map_err(|error| refused(error.to_string()))?;
        view::to_json(&trace)
    }
}
