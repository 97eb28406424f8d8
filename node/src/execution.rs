//! Running a block: its transactions in order, the receipts that they leave, the rewards at the end.
//!
//! The same object serves import, which knows all transactions, and block building, which tries one
//! after the other. Whether the results agree with a header is checked by [`Execution::check`].

use crate::spec::rewards::block_rewards;
use crate::state::BlockState;
use crate::store::NewState;
use crate::{ChainSpec, Header, NodeError, ReceiptEnvelope, RejectedBlock, Transaction, evm};
use alloy_consensus::{Eip658Value, Receipt, ReceiptWithBloom, Transaction as _, TxReceipt, TxType};
use alloy_primitives::{Address, B256, Bloom, U256};
use revm::context::result::{EVMError, ExecutionResult};
use revm::handler::MainnetEvm;
use revm::{ExecuteCommitEvm, MainBuilder};

/// Why a transaction cannot be part of a block here and now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unexecutable {
    /// The block has not enough gas left; the next block may have.
    #[error("gas limit {wanted} exceeds the {left} left in the block")]
    BlockGas {
        /// The transaction's gas limit.
        wanted: u64,
        /// Gas left.
        left: u64,
    },
    /// A type that London does not know.
    #[error("transaction type {0} does not exist under London rules")]
    Type(TxType),
    /// Nonce, balance, fee or size.
    #[error("{0}")]
    Invalid(String),
}

/// What a whole block gave.
#[derive(Debug)]
pub struct Execution {
    /// One receipt a transaction.
    pub receipts: Vec<ReceiptEnvelope>,
    /// Gas of all transactions.
    pub gas_used: u64,
    /// The union of the receipts' blooms.
    pub logs_bloom: Bloom,
    /// Root of the receipts.
    pub receipts_root: B256,
    /// Root of the state after the rewards.
    pub state_root: B256,
    /// What the state root needs to be read.
    pub state: NewState,
}

impl Execution {
    /// Compares with what `header` states.
    ///
    /// # Errors
    /// The first difference.
    pub fn check(&self, header: &Header) -> Result<(), RejectedBlock> {
        if header.gas_used != self.gas_used {
            return Err(RejectedBlock::Value {
                field: "gas used",
                found: U256::from(header.gas_used),
                expected: U256::from(self.gas_used),
            });
        }
        let root = |field, found, expected| {
            if found == expected { Ok(()) } else { Err(RejectedBlock::Root { field, found, expected }) }
        };
        root("receipts root", header.receipts_root, self.receipts_root)?;
        if header.logs_bloom != self.logs_bloom {
            return Err(RejectedBlock::Bloom);
        }
        root("state root", header.state_root, self.state_root)
    }
}

/// A block while it is executed.
pub struct BlockExecution<'s> {
    evm: MainnetEvm<evm::EvmContext<BlockState<'s>>>,
    gas_limit: u64,
    gas_used: u64,
    receipts: Vec<ReceiptEnvelope>,
}

impl<'s> BlockExecution<'s> {
    /// Starts the block that `header` describes on the state of its parent. Only number, coinbase,
    /// time, gas limit, base fee and difficulty of the header are read.
    pub fn new(spec: &ChainSpec, header: &Header, state: BlockState<'s>) -> Self {
        Self {
            evm: evm::context(spec, header, state).build_mainnet(),
            gas_limit: header.gas_limit,
            gas_used: 0,
            receipts: Vec::new(),
        }
    }

    /// Gas that the block has left.
    pub fn gas_left(&self) -> u64 {
        self.gas_limit - self.gas_used
    }

    /// Executes one transaction. One that cannot be part of the block leaves no trace.
    ///
    /// # Errors
    /// Outside: storage errors. Inside: [`Unexecutable`].
    pub fn transact(
        &mut self,
        transaction: &Transaction,
        sender: Address,
    ) -> Result<Result<(), Unexecutable>, NodeError> {
        let kind = transaction.tx_type();
        if !matches!(kind, TxType::Legacy | TxType::Eip2930 | TxType::Eip1559) {
            return Ok(Err(Unexecutable::Type(kind)));
        }
        if transaction.gas_limit() > self.gas_left() {
            let (wanted, left) = (transaction.gas_limit(), self.gas_left());
            return Ok(Err(Unexecutable::BlockGas { wanted, left }));
        }
        let result = match self.evm.transact_commit(evm::transaction_env(transaction, sender)) {
            Ok(result) => result,
            Err(EVMError::Database(error)) => return Err(error),
            Err(error) => return Ok(Err(Unexecutable::Invalid(error.to_string()))),
        };
        self.gas_used += result.tx_gas_used();
        self.receipts.push(receipt(kind, result, self.gas_used));
        Ok(Ok(()))
    }

    /// Pays the rewards and computes the roots.
    ///
    /// # Errors
    /// Storage errors.
    pub fn finish(self, header: &Header, ommers: &[Header]) -> Result<Execution, NodeError> {
        let mut state = self.evm.ctx.journaled_state.database;
        for (address, wei) in block_rewards(header, ommers) {
            state.credit(address, wei)?;
        }
        let (state_root, state) = state.commit()?;
        let logs_bloom = self.receipts.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | receipt.bloom());
        Ok(Execution {
            gas_used: self.gas_used,
            logs_bloom,
            receipts_root: alloy_consensus::proofs::calculate_receipt_root(&self.receipts),
            receipts: self.receipts,
            state_root,
            state,
        })
    }
}

fn receipt(kind: TxType, result: ExecutionResult, cumulative_gas_used: u64) -> ReceiptEnvelope {
    let receipt = Receipt {
        status: Eip658Value::Eip658(result.is_success()),
        cumulative_gas_used,
        logs: if result.is_success() { result.into_logs() } else { Vec::new() },
    };
    let receipt: ReceiptWithBloom<Receipt> = receipt.into_with_bloom();
    match kind {
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
        _ => ReceiptEnvelope::Legacy(receipt),
    }
}
