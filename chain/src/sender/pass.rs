//! One look at everything that is not settled: what a block carries, what has to be sent again, what has to offer
//! more.
//!
//! Why here: a pass is a function of the file and the chain, so that a restart, a re-organisation and an ordinary
//! minute are the same code. What not: when passes happen, and where entries are kept.

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, Bytes, TxKind, U64, U256};
use alloy_signer::Signer;
use serde_json::{Value, json};

use super::entry::{Attempt, Entry, Inclusion, State, Wait};
use super::fees::{FeePolicy, Fees};
use crate::client::{Call, Client, View};
use crate::error::ChainError;

/// What a pass needs beside the entries.
pub(crate) struct Passing<'a> {
    pub(crate) client: &'a Client,
    pub(crate) signer: &'a (dyn Signer + Send + Sync),
    pub(crate) view: &'a View,
    pub(crate) policy: FeePolicy,
    /// Blocks after the carrying one until an entry is settled.
    pub(crate) confirmations: u64,
    /// Age of the newest attempt, in milliseconds, from which on it is replaced.
    pub(crate) replace_after_ms: u64,
    /// The time of the pass, in Unix milliseconds.
    pub(crate) now_ms: u64,
    /// Transactions of the account at the view's block.
    pub(crate) transaction_count: u64,
}

/// What is left to do for an entry after a look at it.
pub(crate) enum Standing {
    /// A block carries it, or its nonce is gone.
    Carried,
    /// No block carries it: it has to be in a pool. With `is_capped` it should offer more and may not.
    Open { is_capped: bool },
}

impl Passing<'_> {
    /// Looks where the entry stands. An open one may get a new attempt, which the caller stores before it delivers.
    pub(crate) async fn examine(&self, entry: &mut Entry) -> Result<Standing, ChainError> {
        if let Some(inclusion) = self.inclusion(entry).await? {
            entry.state = self.included(entry, inclusion).await?;
            return Ok(Standing::Carried);
        }
        if entry.nonce < self.transaction_count {
            entry.state = self.taken(entry).await?;
            return Ok(Standing::Carried);
        }
        if !matches!(entry.state, State::Waiting(_)) {
            entry.state = State::Waiting(Wait::Displaced);
        }
        self.raise(entry).await.map(|is_capped| Standing::Open { is_capped })
    }

    /// Hands the newest attempt to the nodes unless one has it.
    pub(crate) async fn deliver(&self, entry: &mut Entry, is_capped: bool) -> Result<(), ChainError> {
        let Some(attempt) = entry.attempts.last_mut() else { return Ok(()) };
        let params = (attempt.hash,);
        let known: Option<Value> = self.view.endpoint().request("eth_getTransactionByHash", params).await?;
        let mut wait = if known.is_some() { Wait::Pooled } else { self.hand_over(attempt).await };
        if matches!(&wait, Wait::NodeRefuses { message } if message.contains("insufficient funds")) {
            let balance = self.view.balance(self.signer.address()).await?;
            wait = Wait::OutOfFunds { needed: entry.cost(), balance };
        }
        if is_capped {
            wait = Wait::FeeCap { cap: self.policy.cap };
        }
        entry.state = State::Waiting(wait);
        Ok(())
    }

    /// Sends an attempt to every node; any that takes it is enough.
    async fn hand_over(&self, attempt: &mut Attempt) -> Wait {
        const KNOWN: [&str; 3] = ["already known", "known transaction", "already imported"];
        let mut wait = Wait::Unsent;
        for outcome in self.client.broadcast(&attempt.raw).await {
            match outcome {
                Ok(_) => return Wait::Pooled,
                Err(ChainError::NodeRefused { message, .. }) => {
                    let message = message.to_ascii_lowercase();
                    if KNOWN.iter().any(|text| message.contains(text)) {
                        return Wait::Pooled;
                    }
                    attempt.is_underpriced |= message.contains("underpriced");
                    wait = Wait::NodeRefuses { message };
                }
                Err(_) => {}
            }
        }
        wait
    }

    /// Signs the entry's act with these fees, or with the same nonce nothing at all.
    pub(crate) async fn sign(&self, entry: &Entry, fees: Fees) -> Result<Attempt, ChainError> {
        let account = self.signer.address();
        let (to, value, input) = if entry.is_cancelled {
            (TxKind::Call(account), U256::ZERO, Bytes::new())
        } else {
            let to = entry.act.to.map_or(TxKind::Create, TxKind::Call);
            (to, entry.act.value, entry.act.data.clone())
        };
        let transaction = TxEip1559 {
            chain_id: self.client.chain_id(),
            nonce: entry.nonce,
            gas_limit: entry.gas_limit,
            max_fee_per_gas: fees.max_fee_per_gas.into(),
            max_priority_fee_per_gas: fees.max_priority_fee_per_gas.into(),
            to,
            value,
            access_list: alloy_eips::eip2930::AccessList::default(),
            input,
        };
        let signature = self.signer.sign_hash(&transaction.signature_hash()).await;
        let signature = signature.map_err(|error| ChainError::Signing { account, why: error.to_string() })?;
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        Ok(Attempt {
            hash: *envelope.tx_hash(),
            raw: envelope.encoded_2718().into(),
            fees,
            signed_at_ms: self.now_ms,
            is_cancellation: entry.is_cancelled,
            is_underpriced: false,
        })
    }

    /// The block that carries any of the attempts, as seen from the view's block.
    async fn inclusion(&self, entry: &Entry) -> Result<Option<Inclusion>, ChainError> {
        let hashes: Vec<_> = entry.attempts.iter().map(|attempt| attempt.hash).collect();
        for receipt in self.view.receipts(&hashes).await?.into_iter().flatten() {
            let block = receipt.block();
            // A block above the view's, or one that was replaced meanwhile, is left to the next pass.
            let is_canonical = block.number <= self.view.head().block.number
                && self.view.at(block.number).await?.head().block == block;
            if is_canonical {
                return Ok(Some(Inclusion {
                    transaction: receipt.transaction_hash,
                    block,
                    gas_used: receipt.gas_used.to(),
                    contract: receipt.contract_address,
                    succeeded: receipt.succeeded(),
                }));
            }
        }
        Ok(None)
    }

    async fn included(&self, entry: &Entry, inclusion: Inclusion) -> Result<State, ChainError> {
        let confirmations = self.view.head().block.number - inclusion.block.number;
        if confirmations < self.confirmations {
            return Ok(State::Included { inclusion, confirmations });
        }
        let attempt = entry.attempts.iter().find(|attempt| attempt.hash == inclusion.transaction);
        if attempt.is_some_and(|attempt| attempt.is_cancellation) {
            return Ok(State::Cancelled(inclusion));
        }
        if inclusion.succeeded {
            return Ok(State::Confirmed(inclusion));
        }
        let (data, is_traced) = self.revert_data(entry, inclusion).await?;
        Ok(State::Reverted { inclusion, data, is_traced })
    }

    /// What a reverted transaction returned: from the node's tracer, or else by calling again on the state before its
    /// block.
    async fn revert_data(&self, entry: &Entry, inclusion: Inclusion) -> Result<(Bytes, bool), ChainError> {
        let options = json!({ "tracer": "callTracer" });
        let params = (inclusion.transaction, options);
        let trace: Result<Value, _> = self.view.endpoint().request("debug_traceTransaction", params).await;
        match trace {
            Ok(trace) => {
                let output = trace["output"].as_str().and_then(|text| text.parse().ok());
                return Ok((output.unwrap_or_default(), true));
            }
            // Most nodes do not trace for strangers.
            Err(ChainError::NodeRefused { .. }) => {}
            Err(error) => return Err(error),
        }
        let before = self.view.at(inclusion.block.number.saturating_sub(1)).await?;
        let call = call_of(self.signer.address(), entry);
        Ok((before.simulate(&call).await?.err().unwrap_or_default(), false))
    }

    /// The nonce was used and by none of the attempts: settled once that is as old as a confirmed block.
    async fn taken(&self, entry: &Entry) -> Result<State, ChainError> {
        let deep = self.view.head().block.number.saturating_sub(self.confirmations);
        let count = self.view.at(deep).await?.transaction_count(self.signer.address()).await?;
        if entry.nonce < count { Ok(State::NonceTaken) } else { Ok(State::Waiting(Wait::NonceTaken)) }
    }

    /// Adds an attempt that offers more, if the newest one had its time and the entry is the account's next. True if
    /// it should offer more and the cap forbids it.
    async fn raise(&self, entry: &mut Entry) -> Result<bool, ChainError> {
        let Some(last) = entry.last() else { return Ok(false) };
        let must_cancel = entry.is_cancelled && !last.is_cancellation;
        let had_its_time = self.now_ms.saturating_sub(last.signed_at_ms) >= self.replace_after_ms;
        let is_next = entry.nonce == self.transaction_count;
        if !must_cancel && !(is_next && (had_its_time || last.is_underpriced)) {
            return Ok(false);
        }
        let fresh = fresh_fees(self.view, &self.policy).await?;
        let fees = self.policy.replacement(last.fees, fresh);
        if let Some(fees) = fees {
            entry.attempts.push(self.sign(entry, fees).await?);
        }
        Ok(fees.is_none())
    }
}

/// What the chain would be offered for a new transaction at the view's block.
pub(crate) async fn fresh_fees(view: &View, policy: &FeePolicy) -> Result<Fees, ChainError> {
    let base_fee = view.head().base_fee_per_gas.ok_or_else(|| ChainError::Config {
        what: format!("the chain of {}", view.url()),
        why: "its blocks have no base fee; London rules are needed".to_owned(),
    })?;
    let tip: Option<U64> = match view.endpoint().request("eth_maxPriorityFeePerGas", ()).await {
        Ok(tip) => Some(tip),
        // Not every node has an opinion.
        Err(ChainError::NodeRefused { .. }) => None,
        Err(error) => return Err(error),
    };
    Ok(policy.offer(base_fee, tip.map(|tip| tip.to())))
}

fn call_of(from: Address, entry: &Entry) -> Call {
    Call { from: Some(from), to: entry.act.to, data: entry.act.data.clone(), value: entry.act.value }
}
