//! Simulated calls: `eth_call` and `eth_estimateGas`.

use super::params::Params;
use super::resolve::Resolved;
use super::{Answer, Rpc, RpcError};
use crate::NodeError;
use crate::evm;
use crate::state::BlockState;
use alloy_eips::BlockId;
use alloy_primitives::{Bytes, TxKind, U64, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_eth::state::{AccountOverride, StateOverride};
use revm::bytecode::Bytecode;
use revm::context::TxEnv;
use revm::context::result::{EVMError, ExecutionResult, InvalidTransaction};
use revm::database_interface::Database;
use revm::{ExecuteEvm, MainBuilder};
use serde_json::json;

/// Gas of the simplest transaction.
const TRANSACTION_GAS: u64 = 21_000;

/// What a simulation starts from.
struct Simulation<'r> {
    rpc: &'r Rpc,
    block: Resolved,
    request: TransactionRequest,
    overrides: StateOverride,
}

impl Rpc {
    pub(super) fn calls(&self, method: &str, params: &Params) -> Option<Answer> {
        Some(match method {
            "eth_call" => self.simulation(params).and_then(|simulation| simulation.call()),
            "eth_estimateGas" => self.simulation(params).and_then(|simulation| simulation.estimate()),
            _ => return None,
        })
    }

    fn simulation(&self, params: &Params) -> Result<Simulation<'_>, RpcError> {
        params.at_most(3)?;
        Ok(Simulation {
            rpc: self,
            request: params.required(0)?,
            block: self.resolve_for_state(params.optional::<BlockId>(1)?)?,
            overrides: params.optional(2)?.unwrap_or_default(),
        })
    }

    /// The state of `block`, as a transaction at its end would see it.
    pub(super) fn state_in(&self, block: &Resolved) -> Result<BlockState<'_>, RpcError> {
        let header = block.header();
        Ok(BlockState::new(self.state_of(block)?, header.parent_hash, header.number.saturating_sub(1)))
    }
}

impl Simulation<'_> {
    fn call(&self) -> Answer {
        let gas = self.request.gas.unwrap_or(u64::MAX).min(self.rpc.limits.call_gas);
        match self.run(gas)? {
            Ok(ExecutionResult::Success { output, .. }) => Ok(json!(output.data())),
            Ok(ExecutionResult::Revert { output, .. }) => Err(RpcError::reverted(&output)),
            Ok(ExecutionResult::Halt { reason, .. }) => Err(RpcError::refused(reason.to_string())),
            Err(invalid) => Err(RpcError::refused(invalid.to_string())),
        }
    }

    /// The least gas limit with which the transaction succeeds, by bisection as go-ethereum does it:
    /// gas used is not enough where a call needs gas left over (63/64 rule, refunds).
    fn estimate(&self) -> Answer {
        let block_limit = self.block.header().gas_limit;
        let wanted = self.request.gas.filter(|gas| *gas >= TRANSACTION_GAS).unwrap_or(block_limit);
        let mut high = wanted.min(self.rpc.limits.call_gas).min(self.affordable_gas()?);
        let mut low = match self.run(high)? {
            Ok(ExecutionResult::Success { gas, .. }) => gas.tx_gas_used().saturating_sub(1),
            Ok(ExecutionResult::Revert { output, .. }) => return Err(RpcError::reverted(&output)),
            Ok(ExecutionResult::Halt { .. })
            | Err(InvalidTransaction::CallGasCostMoreThanGasLimit { .. }) => {
                return Err(RpcError::refused(format!("gas required exceeds allowance ({high})")));
            }
            Err(invalid) => return Err(RpcError::refused(invalid.to_string())),
        };
        while low + 1 < high {
            // Most calls need little more than they use: look there first.
            let middle = low.midpoint(high).min(low.saturating_mul(2));
            if self.run(middle)?.is_ok_and(|result| result.is_success()) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(json!(U64::from(high)))
    }

    /// How much gas the sender can pay for, when a price is given.
    fn affordable_gas(&self) -> Result<u64, RpcError> {
        let price = self.request.max_fee_per_gas.or(self.request.gas_price).unwrap_or_default();
        if price == 0 {
            return Ok(u64::MAX);
        }
        let mut state = self.state()?;
        let sender = state.basic(self.request.from.unwrap_or_default())?.unwrap_or_default();
        let value = self.request.value.unwrap_or_default();
        let left = sender
            .balance
            .checked_sub(value)
            .ok_or_else(|| RpcError::refused("insufficient funds for transfer"))?;
        Ok((left / U256::from(price)).saturating_to())
    }

    fn state(&self) -> Result<BlockState<'_>, RpcError> {
        let mut state = self.rpc.state_in(&self.block)?;
        let mut accounts: Vec<_> = self.overrides.iter().collect();
        accounts.sort_by_key(|(address, _)| **address);
        for (address, change) in accounts {
            let code = change.code.clone().map(|code| {
                Bytecode::new_raw_checked(code)
                    .map_err(|error| RpcError::invalid_params(format!("code of {address}: {error}")))
            });
            let code = code.transpose()?;
            state.change_info(*address, |info| {
                info.balance = change.balance.unwrap_or(info.balance);
                info.nonce = change.nonce.unwrap_or(info.nonce);
                if let Some(code) = code {
                    info.code_hash = code.hash_slow();
                    info.code = Some(code);
                }
            })?;
            override_slots(&mut state, *address, change)?;
        }
        Ok(state)
    }

    /// Executes the request once. Outside: what keeps it from being tried at all.
    fn run(&self, gas: u64) -> Result<Result<ExecutionResult, InvalidTransaction>, RpcError> {
        let spec = self.rpc.backend.chain().spec();
        let header = self.block.header();
        let mut context = evm::context(spec, header, self.state()?);
        context.cfg.disable_nonce_check = true;
        context.cfg.disable_eip3607 = true;
        // A block's gas limit does not bind a call that nobody mines.
        context.cfg.disable_block_gas_limit = true;
        context.cfg.disable_base_fee = fee_cap(&self.request) == 0;
        let env = call_env(&self.request, spec.chain_id, header.base_fee_per_gas.unwrap_or_default(), gas)?;
        match context.build_mainnet().transact(env) {
            Ok(outcome) => Ok(Ok(outcome.result)),
            Err(EVMError::Transaction(invalid)) => Ok(Err(invalid)),
            Err(EVMError::Database(error)) => Err(NodeError::into(error)),
            Err(error) => Err(RpcError::refused(error.to_string())),
        }
    }
}

fn override_slots(
    state: &mut BlockState<'_>,
    address: alloy_primitives::Address,
    change: &AccountOverride,
) -> Result<(), RpcError> {
    let (slots, clear) = match (&change.state, &change.state_diff) {
        (Some(_), Some(_)) => {
            return Err(RpcError::refused(format!("account {address} has both 'state' and 'stateDiff'")));
        }
        (Some(slots), None) => (slots, true),
        (None, Some(slots)) => (slots, false),
        (None, None) => return Ok(()),
    };
    let words = slots.iter().map(|(slot, value)| (U256::from_be_bytes(slot.0), U256::from_be_bytes(value.0)));
    Ok(state.change_slots(address, words, clear)?)
}

fn fee_cap(request: &TransactionRequest) -> u128 {
    request.gas_price.or(request.max_fee_per_gas).unwrap_or_default()
}

/// The environment of a call as a client describes it; what is missing is what costs nothing.
pub(super) fn call_env(
    request: &TransactionRequest,
    chain_id: u64,
    base_fee_wei: u64,
    gas: u64,
) -> Result<TxEnv, RpcError> {
    if request.gas_price.is_some()
        && (request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some())
    {
        return Err(RpcError::refused("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"));
    }
    let data: Bytes = match (&request.input.input, &request.input.data) {
        (Some(input), Some(data)) if input != data => {
            return Err(RpcError::invalid_params("both \"data\" and \"input\" are set and not equal"));
        }
        (Some(data), _) | (None, Some(data)) => data.clone(),
        (None, None) => Bytes::new(),
    };
    let is_dynamic = request.gas_price.is_none() && request.max_fee_per_gas.is_some();
    let is_listed = request.access_list.is_some();
    let tip = request.max_priority_fee_per_gas.unwrap_or_default();
    let fee_cap = fee_cap(request);
    if is_dynamic && fee_cap != 0 && fee_cap < u128::from(base_fee_wei) {
        return Err(RpcError::refused(format!(
            "max fee per gas less than block base fee: maxFeePerGas: {fee_cap}, baseFee: {base_fee_wei}"
        )));
    }
    Ok(TxEnv {
        tx_type: if is_dynamic { 2 } else { u8::from(is_listed) },
        caller: request.from.unwrap_or_default(),
        gas_limit: gas,
        gas_price: fee_cap,
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data,
        nonce: request.nonce.unwrap_or_default(),
        chain_id: Some(chain_id),
        access_list: request.access_list.clone().unwrap_or_default(),
        gas_priority_fee: is_dynamic.then_some(tip),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    })
}
