//! Chains in temporary folders, funded senders, and blocks sealed with light hashing.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxLegacy};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256, bytes};
use alloy_signer_local::coins_bip39::English;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use medrec_node::backend::{Backend, BackendOptions};
use medrec_node::chain::building::{BlockTemplate, TransactionSource};
use medrec_node::chain::{Chain, ImportOptions, Imported};
use medrec_node::execution::Unexecutable;
use medrec_node::spec::DEV_MNEMONIC;
use medrec_node::store::ChainBlock;
use medrec_node::work::light;
use medrec_node::{Block, ChainSpec, Transaction};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

pub(crate) const GWEI: u128 = 1_000_000_000;
/// A miner that owns nothing at the start.
pub(crate) const MINER: Address = Address::repeat_byte(0xaa);

/// Init code whose contract stores its call data's first word at slot 0, adds one to slot 1 and logs
/// the word; an empty call reverts with 32 bytes.
///
/// Runtime: `CALLDATASIZE PUSH1 9 JUMPI PUSH1 32 PUSH1 0 REVERT JUMPDEST PUSH1 0 CALLDATALOAD DUP1
/// PUSH1 0 SSTORE PUSH1 0 MSTORE PUSH1 1 SLOAD PUSH1 1 ADD PUSH1 1 SSTORE PUSH1 7 PUSH1 32 PUSH1 0
/// LOG1 STOP`.
pub(crate) const CONTRACT: Bytes = bytes!(
    "6025600c60003960256000f33660095760206000fd5b60003580600055600052600154600101600155600760206000a100"
);

/// Init code whose contract stores what it sees of the block (parent hash, difficulty, coinbase, base
/// fee, time, chain id) in slots 0 to 5, and destroys itself when it is called with data.
pub(crate) const PROBE: Bytes = bytes!(
    "6025600c60003960256000f3436001900340600055446001554160025548600355426004554660055536602257005b41ff"
);

pub(crate) fn spec(difficulty: u64) -> ChainSpec {
    let mut spec = ChainSpec::dev(DEV_MNEMONIC, 4).unwrap();
    spec.difficulty = medrec_node::DifficultyRule::Ethash { minimum: difficulty };
    spec.genesis.difficulty = U256::from(difficulty);
    spec.genesis.timestamp = 1_700_000_000;
    spec
}

/// A backend over a chain in a folder that goes away with it.
pub(crate) struct TestNode {
    pub(crate) backend: Backend,
    pub(crate) folder: Arc<TempDir>,
}

impl TestNode {
    pub(crate) fn new(spec: ChainSpec) -> Self {
        Self::reopen(spec, Arc::new(TempDir::new().unwrap()))
    }

    pub(crate) fn reopen(spec: ChainSpec, folder: Arc<TempDir>) -> Self {
        let chain = Chain::open(folder.path(), spec).unwrap();
        let options = BackendOptions {
            coinbase: Some(MINER),
            gas_limit_target: chain.spec().genesis.gas_limit,
            ..BackendOptions::default()
        };
        Self { backend: Backend::new(chain, options).unwrap(), folder }
    }

    pub(crate) fn head(&self) -> Arc<ChainBlock> {
        self.backend.chain().head()
    }

    /// Waits until the clock has caught up with a block: blocks lie at least a second apart, so a fast
    /// machine would soon seal one too far in the future to be accepted.
    fn wait_for_clock(parent: &ChainBlock) {
        while parent.block.header.timestamp > medrec_node::chain::clock_s() + 10 {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }

    /// Seals the next block with what is in the pool.
    pub(crate) fn mine(&self) -> Arc<ChainBlock> {
        Self::wait_for_clock(&self.head());
        let candidate = self.backend.fresh_candidate(MINER).unwrap();
        let sealer = self.backend.chain().sealer();
        let (nonce, mix) = light::seal(sealer, &candidate, 2, &AtomicBool::new(false)).unwrap().unwrap();
        assert!(self.backend.submit_work(nonce, candidate.seal_hash, mix).unwrap());
        self.head()
    }

    /// Seals a block with these transactions on any parent, and imports it as if from outside.
    pub(crate) fn mine_on(
        &self,
        parent: &ChainBlock,
        coinbase: u8,
        transactions: Vec<Transaction>,
    ) -> (Block, Imported) {
        Self::wait_for_clock(parent);
        let template = BlockTemplate {
            coinbase: Address::repeat_byte(coinbase),
            extra_data: Bytes::new(),
            gas_limit_target: self.backend.options().gas_limit_target,
            timestamp_s: None,
        };
        let chain = self.backend.chain();
        let mut source = Listed::new(transactions);
        let candidate = chain.build(parent, &template, &mut source).unwrap();
        let (nonce, mix) =
            light::seal(chain.sealer(), &candidate, 2, &AtomicBool::new(false)).unwrap().unwrap();
        let mut block = candidate.block;
        block.header.nonce = nonce;
        block.header.mix_hash = mix;
        let imported = self.backend.import(block.clone(), ImportOptions::default()).unwrap();
        (block, imported)
    }

    pub(crate) fn stored(&self, block: &Block) -> Arc<ChainBlock> {
        self.backend.chain().reader().unwrap().known_block(block.header.hash_slow()).unwrap()
    }

    pub(crate) fn balance(&self, address: Address) -> U256 {
        let view = self.backend.chain().state_after(&self.head()).unwrap();
        view.account(address).unwrap().unwrap_or_default().balance
    }

    pub(crate) fn submit(&self, transaction: &Transaction) {
        use alloy_eips::eip2718::Encodable2718;
        self.backend.submit_transaction(&transaction.encoded_2718()).unwrap();
    }
}

struct Listed(VecDeque<(Arc<Transaction>, Address)>);

impl Listed {
    fn new(transactions: Vec<Transaction>) -> Self {
        use alloy_consensus::transaction::SignerRecoverable;
        let with_sender = |tx: Transaction| {
            let sender = tx.recover_signer().unwrap();
            (Arc::new(tx), sender)
        };
        Self(transactions.into_iter().map(with_sender).collect())
    }
}

impl TransactionSource for Listed {
    fn next(&mut self) -> Option<(Arc<Transaction>, Address)> {
        self.0.pop_front()
    }

    fn skipped(&mut self, why: &Unexecutable) {
        panic!("{why}");
    }
}

/// A funded account that counts its own nonces.
pub(crate) struct Sender {
    key: PrivateKeySigner,
    pub(crate) nonce: u64,
}

impl Sender {
    pub(crate) fn number(index: u32) -> Self {
        let builder = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC).index(index).unwrap();
        Self { key: builder.build().unwrap(), nonce: 0 }
    }

    pub(crate) fn address(&self) -> Address {
        self.key.address()
    }

    fn sign<T: SignableTransaction<Signature>>(&mut self, unsigned: T) -> Transaction
    where
        alloy_consensus::Signed<T>: Into<Transaction>,
    {
        self.nonce += 1;
        let hash = unsigned.signature_hash();
        let signature = self.key.credential().sign_prehash_recoverable(hash.as_slice()).unwrap();
        unsigned.into_signed(Signature::from(signature)).into()
    }

    /// An EIP-1559 transaction with a fee cap of 10 and a tip of 1 gwei.
    pub(crate) fn dynamic(&mut self, to: TxKind, value: u64, input: Bytes) -> Transaction {
        self.sign(TxEip1559 {
            chain_id: 1337,
            nonce: self.nonce,
            gas_limit: 200_000,
            max_fee_per_gas: 10 * GWEI,
            max_priority_fee_per_gas: GWEI,
            to,
            value: U256::from(value),
            input,
            ..TxEip1559::default()
        })
    }

    /// The simplest EIP-1559 transfer.
    pub(crate) fn transfer(&mut self, to: Address, value: u64) -> Transaction {
        self.sign(TxEip1559 {
            chain_id: 1337,
            nonce: self.nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 10 * GWEI,
            max_priority_fee_per_gas: GWEI / 2,
            to: TxKind::Call(to),
            value: U256::from(value),
            ..TxEip1559::default()
        })
    }

    /// A legacy transaction at 5 gwei.
    pub(crate) fn legacy(&mut self, to: TxKind, value: u64, input: Bytes) -> Transaction {
        self.sign(TxLegacy {
            chain_id: Some(1337),
            nonce: self.nonce,
            gas_price: 5 * GWEI,
            gas_limit: 200_000,
            to,
            value: U256::from(value),
            input,
        })
    }

    /// An EIP-2930 transaction at 5 gwei with an access list of one slot.
    pub(crate) fn listed(&mut self, to: Address, input: Bytes) -> Transaction {
        self.sign(TxEip2930 {
            chain_id: 1337,
            nonce: self.nonce,
            gas_price: 5 * GWEI,
            gas_limit: 200_000,
            to: TxKind::Call(to),
            input,
            access_list: vec![alloy_eips::eip2930::AccessListItem {
                address: to,
                storage_keys: vec![alloy_primitives::B256::ZERO],
            }]
            .into(),
            ..TxEip2930::default()
        })
    }
}
