//! The chain at one block, through one node.
//!
//! Why here: two answers that are compared must be about the same state. Everything here names the
//! block by its hash, so a re-organisation in between is an error and never a mixture. What not: which block
//! and node to take; [`super::Client`] decides that.

use std::ops::RangeInclusive;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::{BlockId, Header, RpcBlockHash};
use alloy_sol_types::SolCall;
use serde::Deserialize;
use serde_json::{Value, json};

use super::endpoint::{Endpoint, Execution};
use crate::error::ChainError;
use crate::health::BlockRef;

/// Calls in one exchange; nodes bound their batches (the embedded one at 1,000).
const BATCH_CALLS: usize = 100;

/// What is used of a block's header. The header was hashed and its hash compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Number and hash.
    pub block: BlockRef,
    /// The hash of the block before it.
    pub parent_hash: B256,
    /// Its time, in Unix seconds.
    pub timestamp_s: u64,
    /// Who solved it.
    pub coinbase: Address,
    /// Gas that its transactions may use together.
    pub gas_limit: u64,
    /// Base fee in wei per gas; `None` before London.
    pub base_fee_per_gas: Option<u64>,
}

impl From<&Header> for Head {
    fn from(header: &Header) -> Self {
        let fields = &header.inner;
        Self {
            block: BlockRef { number: fields.number, hash: header.hash },
            parent_hash: fields.parent_hash,
            timestamp_s: fields.timestamp,
            coinbase: fields.beneficiary,
            gas_limit: fields.gas_limit,
            base_fee_per_gas: fields.base_fee_per_gas,
        }
    }
}

/// A call without a transaction.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who seems to call.
    pub from: Option<Address>,
    /// What is called; `None` creates a contract.
    pub to: Option<Address>,
    /// Its input.
    pub data: Bytes,
    /// Wei that go along.
    pub value: U256,
}

impl Call {
    fn json(&self) -> Value {
        // Older nodes read `data`, newer ones `input`; both with one value is understood by all.
        let mut call = json!({ "data": self.data, "input": self.data, "value": self.value });
        if let Some(from) = self.from {
            call["from"] = json!(from);
        }
        if let Some(to) = self.to {
            call["to"] = json!(to);
        }
        call
    }
}

/// A receipt: what became of a transaction in the block that carries it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The transaction.
    pub transaction_hash: B256,
    /// The block that carries it.
    pub block_hash: B256,
    /// That block's number.
    pub block_number: U64,
    /// One if it ran to its end, zero if it reverted.
    pub status: U64,
    /// Gas that it used.
    pub gas_used: U64,
    /// The contract that it created, if it was to create one.
    #[serde(default)]
    pub contract_address: Option<Address>,
}

impl Receipt {
    /// Whether it ran to its end.
    pub fn succeeded(&self) -> bool {
        self.status == U64::ONE
    }

    /// The block that carries it.
    pub fn block(&self) -> BlockRef {
        BlockRef { number: self.block_number.to(), hash: self.block_hash }
    }
}

/// The chain at one block, through one node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct View {
    endpoint: Arc<Endpoint>,
    head: Head,
}

impl View {
    pub(crate) fn new(endpoint: Arc<Endpoint>, head: Head) -> Self {
        Self { endpoint, head }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The block that is looked at.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The node that is asked.
    pub fn url(&self) -> &str {
        &self.endpoint.url
    }

    /// The same node's chain at an earlier block.
    ///
    /// # Errors
    /// [`ChainError::Interrupted`] if there is no such block, and those of any exchange.
    pub async fn at(&self, number: u64) -> Result<Self, ChainError> {
        let headers = self.endpoint.headers(&[number]).await?;
        let head = headers.first().map_or_else(|| self.head.clone(), Head::from);
        Ok(Self { endpoint: Arc::clone(&self.endpoint), head })
    }

    /// The heads of the node's present chain with these numbers, in their order.
    ///
    /// # Errors
    /// [`ChainError::Interrupted`] if there is no such block, and those of any exchange.
    pub async fn heads(&self, numbers: RangeInclusive<u64>) -> Result<Vec<Head>, ChainError> {
        let headers = self.endpoint.headers(&numbers.collect::<Vec<_>>()).await?;
        Ok(headers.iter().map(Head::from).collect())
    }

    /// Calls a function at this block.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with the contract's reason, [`ChainError::NoContract`] when what answers is none of that type,
    /// [`ChainError::BlockGone`] after a re-organisation, and those of any exchange.
    pub async fn call<C: SolCall>(&self, contract: Address, call: &C) -> Result<C::Return, ChainError> {
        let data = Bytes::from(call.abi_encode());
        let call = Call { from: None, to: Some(contract), data, value: U256::ZERO };
        let outcome = self.simulate(&call).await?;
        self.decode::<C>(contract, outcome)
    }

    /// Calls one function with several arguments at this block, in as few exchanges as the node's bounds allow.
    ///
    /// # Errors
    /// Those of [`View::call`], for the first call that has one.
    pub async fn calls<C: SolCall>(
        &self,
        contract: Address,
        calls: &[C],
    ) -> Result<Vec<C::Return>, ChainError> {
        let mut answers = Vec::with_capacity(calls.len());
        for calls in calls.chunks(BATCH_CALLS) {
            let params = calls.iter().map(|call| {
                let data = Bytes::from(call.abi_encode());
                let call = Call { from: None, to: Some(contract), data, value: U256::ZERO };
                (call.json(), self.block_id())
            });
            let params: Vec<_> = params.collect();
            let outcome = self.endpoint.execute_batch::<_, Bytes>("eth_call", &params).await;
            for execution in self.explain(outcome).await? {
                answers.push(self.decode::<C>(contract, execution)?);
            }
        }
        Ok(answers)
    }

    /// Runs a call at this block: what it returns, or (as the inner error) what it reverted with.
    ///
    /// # Errors
    /// [`ChainError::BlockGone`] after a re-organisation, and those of any exchange.
    pub async fn simulate(&self, call: &Call) -> Result<Result<Bytes, Bytes>, ChainError> {
        let outcome = self.endpoint.execute("eth_call", (call.json(), self.block_id())).await;
        self.explain(outcome).await
    }

    /// Gas that a transaction like this call would need on top of this block, or what it reverts with.
    ///
    /// # Errors
    /// Those of any exchange.
    pub async fn estimate_gas(&self, call: &Call) -> Result<Result<u64, Bytes>, ChainError> {
        // Nodes differ in whether they estimate at a hash; all do at a number.
        let number = U64::from(self.head.block.number);
        let gas: Execution<U64> = self.endpoint.execute("eth_estimateGas", (call.json(), number)).await?;
        Ok(gas.map(|gas| gas.to()))
    }

    /// Wei that an account has.
    ///
    /// # Errors
    /// [`ChainError::BlockGone`] after a re-organisation, and those of any exchange.
    pub async fn balance(&self, account: Address) -> Result<U256, ChainError> {
        let outcome = self.endpoint.request("eth_getBalance", (account, self.block_id())).await;
        self.explain(outcome).await
    }

    /// How many transactions of an account are on the chain: the nonce of its next one.
    ///
    /// # Errors
    /// Those of [`View::balance`].
    pub async fn transaction_count(&self, account: Address) -> Result<u64, ChainError> {
        let outcome = self.endpoint.request("eth_getTransactionCount", (account, self.block_id())).await;
        self.explain(outcome).await.map(|count: U64| count.to())
    }

    /// The code of a contract; empty if there is none.
    ///
    /// # Errors
    /// Those of [`View::balance`].
    pub async fn code(&self, contract: Address) -> Result<Bytes, ChainError> {
        let outcome = self.endpoint.request("eth_getCode", (contract, self.block_id())).await;
        self.explain(outcome).await
    }

    /// The receipts of transactions, in their order; `None` where no block of the node's present chain carries it.
    ///
    /// # Errors
    /// Those of any exchange; [`ChainError::Malformed`] if one is another transaction's receipt.
    pub async fn receipts(&self, transactions: &[B256]) -> Result<Vec<Option<Receipt>>, ChainError> {
        const METHOD: &str = "eth_getTransactionReceipt";
        let mut receipts = Vec::with_capacity(transactions.len());
        for transactions in transactions.chunks(BATCH_CALLS) {
            let params: Vec<_> = transactions.iter().map(|hash| (*hash,)).collect();
            let found: Vec<Option<Receipt>> = self.endpoint.batch(METHOD, &params).await?;
            for (receipt, asked) in found.iter().zip(transactions) {
                if let Some(receipt) = receipt.as_ref().filter(|receipt| receipt.transaction_hash != *asked) {
                    let why = format!("asked for {asked}, got {}", receipt.transaction_hash);
                    return Err(self.endpoint.malformed(METHOD, why));
                }
            }
            receipts.extend(found);
        }
        Ok(receipts)
    }

    fn block_id(&self) -> BlockId {
        BlockId::Hash(RpcBlockHash { block_hash: self.head.block.hash, require_canonical: Some(true) })
    }

    /// A node that refuses a question about a block of which it no longer knows says so in words of its own; whether
    /// that is the reason can be asked.
    async fn explain<T>(&self, outcome: Result<T, ChainError>) -> Result<T, ChainError> {
        if let Err(ChainError::NodeRefused { .. }) = &outcome {
            let number = U64::from(self.head.block.number);
            let header = self.endpoint.header("eth_getBlockByNumber", number).await?;
            if header.is_none_or(|header| header.hash != self.head.block.hash) {
                return Err(ChainError::BlockGone { block: self.head.block });
            }
        }
        outcome
    }

    fn decode<C: SolCall>(
        &self,
        contract: Address,
        outcome: Result<Bytes, Bytes>,
    ) -> Result<C::Return, ChainError> {
        let block = self.head.block;
        let absent = |why: &str| ChainError::NoContract { contract, block, why: why.to_owned() };
        match outcome {
            Ok(data) if data.is_empty() => Err(absent("there is no contract")),
            Ok(data) => C::abi_decode_returns(&data)
                .map_err(|error| absent(&format!("{} returned something else: {error}", C::SIGNATURE))),
            Err(data) => Err(ChainError::refused(C::SIGNATURE, &data)),
        }
    }
}
