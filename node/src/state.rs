//! Accounts, storage and code at a state root, and the changes that a block makes to them.
//!
//! [`StateView`] reads one root. [`BlockState`] puts a block's changes before it, is what revm
//! executes on, and turns the changes into trie nodes at the end. It knows no rules: those are
//! [`crate::execution`]'s and revm's. The state of block 0 is made in [`genesis`].

pub mod genesis;

use crate::NodeError;
use crate::store::{NewState, Reader};
use crate::trie::node::Node;
use crate::trie::{NewNodes, NodeSource, Trie};
use alloy_consensus::constants::EMPTY_ROOT_HASH;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_rlp::{Decodable, Encodable};
use alloy_trie::TrieAccount;
use revm::bytecode::Bytecode;
use revm::database_interface::{DBErrorMarker, Database, DatabaseCommit, DatabaseRef};
use revm::state::{Account, AccountInfo};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

impl DBErrorMarker for NodeError {}

/// The state at one root. `unstored` has the nodes of a pending block, which no disk knows yet.
pub struct StateView<'s> {
    reader: Reader<'s>,
    root: B256,
    unstored: Option<Arc<NewState>>,
}

impl NodeSource for StateView<'_> {
    fn node(&self, hash: B256) -> Result<Arc<Node>, NodeError> {
        let unstored = self.unstored.as_ref().and_then(|state| state.nodes.get(&hash));
        match unstored.map(|rlp| Node::decode(&mut rlp.as_ref())) {
            Some(Ok(node)) => Ok(Arc::new(node)),
            // Nodes that were just encoded decode; if one ever did not, the reader names it.
            Some(Err(_)) | None => self.reader.node(hash),
        }
    }
}

impl<'s> StateView<'s> {
    /// The state at `root`.
    pub fn new(reader: Reader<'s>, root: B256) -> Self {
        Self { reader, root, unstored: None }
    }

    /// The state at the root of a block that is not committed.
    pub fn pending(reader: Reader<'s>, root: B256, unstored: Arc<NewState>) -> Self {
        Self { reader, root, unstored: Some(unstored) }
    }

    /// The snapshot that this view reads from.
    pub fn reader(&self) -> &Reader<'s> {
        &self.reader
    }

    /// An account, if it exists.
    ///
    /// # Errors
    /// Storage errors.
    pub fn account(&self, address: Address) -> Result<Option<TrieAccount>, NodeError> {
        let Some(rlp) = Trie::at(self, self.root).value(keccak256(address))? else { return Ok(None) };
        let account = TrieAccount::decode(&mut rlp.as_slice());
        account.map(Some).map_err(|error| self.reader.corrupt(format!("account {address}: {error}")))
    }

    /// The slot `index` of the storage trie with this root; 0 where nothing was stored.
    ///
    /// # Errors
    /// Storage errors.
    pub fn slot(&self, storage_root: B256, index: U256) -> Result<U256, NodeError> {
        if storage_root == EMPTY_ROOT_HASH {
            return Ok(U256::ZERO);
        }
        let key = keccak256(index.to_be_bytes::<32>());
        let Some(rlp) = Trie::at(self, storage_root).value(key)? else { return Ok(U256::ZERO) };
        U256::decode(&mut rlp.as_slice())
            .map_err(|error| self.reader.corrupt(format!("storage slot {index}: {error}")))
    }

    /// Code by its hash.
    ///
    /// # Errors
    /// Storage errors.
    pub fn code(&self, hash: B256) -> Result<Bytecode, NodeError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        match self.unstored.as_ref().and_then(|state| state.codes.get(&hash)) {
            Some(code) => Ok(Bytecode::new_raw(code.clone())),
            None => self.reader.code(hash),
        }
    }

    /// The proof of an account at this root (EIP-1186).
    ///
    /// # Errors
    /// Storage errors.
    pub fn account_proof(&self, address: Address) -> Result<Vec<Bytes>, NodeError> {
        Trie::at(self, self.root).proof(keccak256(address))
    }

    /// The proof of a storage slot.
    ///
    /// # Errors
    /// Storage errors.
    pub fn slot_proof(&self, storage_root: B256, slot: B256) -> Result<Vec<Bytes>, NodeError> {
        Trie::at(self, storage_root).proof(keccak256(slot))
    }
}

/// One account as a block has changed it so far.
#[derive(Default)]
struct BlockAccount {
    info: Option<AccountInfo>,
    /// The storage trie before this block; the empty one once the account was created or destroyed.
    storage_root: B256,
    read: HashMap<U256, U256>,
    written: BTreeMap<U256, U256>,
    changed: bool,
}

/// A state with a block's changes on top.
pub struct BlockState<'s> {
    view: StateView<'s>,
    accounts: BTreeMap<Address, BlockAccount>,
    codes: BTreeMap<B256, Bytecode>,
    /// Hashes of the ancestors from the parent down, as far as they were asked for.
    ancestors: Vec<B256>,
    parent_number: u64,
}

impl<'s> BlockState<'s> {
    /// The state `view` as the child of the block with this hash and number changes it.
    pub fn new(view: StateView<'s>, parent_hash: B256, parent_number: u64) -> Self {
        Self {
            view,
            accounts: BTreeMap::new(),
            codes: BTreeMap::new(),
            ancestors: vec![parent_hash],
            parent_number,
        }
    }

    fn load(&mut self, address: Address) -> Result<&mut BlockAccount, NodeError> {
        use std::collections::btree_map::Entry;
        match self.accounts.entry(address) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let stored = self.view.account(address)?;
                let storage_root = stored.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
                let info = stored.map(account_info);
                Ok(entry.insert(BlockAccount { info, storage_root, ..BlockAccount::default() }))
            }
        }
    }

    /// Pays `wei` to `address`, as block rewards are paid: without a transaction.
    ///
    /// # Errors
    /// Storage errors.
    pub fn credit(&mut self, address: Address, wei: U256) -> Result<(), NodeError> {
        let account = self.load(address)?;
        let info = account.info.get_or_insert_with(AccountInfo::default);
        info.balance = info.balance.saturating_add(wei);
        account.changed = true;
        Ok(())
    }

    /// Replaces parts of an account for a simulated call.
    ///
    /// # Errors
    /// Storage errors.
    pub fn change_info(
        &mut self,
        address: Address,
        change: impl FnOnce(&mut AccountInfo),
    ) -> Result<(), NodeError> {
        let account = self.load(address)?;
        change(account.info.get_or_insert_with(AccountInfo::default));
        account.changed = true;
        Ok(())
    }

    /// Writes a slot for a simulated call; with `clear` every other slot becomes 0.
    ///
    /// # Errors
    /// Storage errors.
    pub fn change_slots(
        &mut self,
        address: Address,
        slots: impl IntoIterator<Item = (U256, U256)>,
        clear: bool,
    ) -> Result<(), NodeError> {
        let account = self.load(address)?;
        if clear {
            account.storage_root = EMPTY_ROOT_HASH;
            account.written.clear();
            account.read.clear();
        }
        account.written.extend(slots);
        account.changed = true;
        Ok(())
    }

    /// Turns the changes into trie nodes: the new state root, and what must be stored for it.
    ///
    /// # Errors
    /// Storage errors.
    pub fn commit(self) -> Result<(B256, NewState), NodeError> {
        let mut nodes = NewNodes::new();
        let mut trie = Trie::at(&self.view, self.view.root);
        for (address, account) in &self.accounts {
            if !account.changed {
                continue;
            }
            let key = keccak256(address);
            match account.info.as_ref().filter(|info| !info.is_empty()) {
                // EIP-161: a touched empty account does not exist.
                None => trie.remove(key)?,
                Some(info) => {
                    let storage_root = self.commit_storage(account, &mut nodes)?;
                    trie.insert(key, account_rlp(info, storage_root))?;
                }
            }
        }
        let root = trie.commit(&mut nodes);
        let codes = self.codes.into_iter().map(|(hash, code)| (hash, code.original_bytes())).collect();
        Ok((root, NewState { nodes, codes }))
    }

    fn commit_storage(&self, account: &BlockAccount, nodes: &mut NewNodes) -> Result<B256, NodeError> {
        let mut trie = Trie::at(&self.view, account.storage_root);
        for (slot, value) in &account.written {
            let key = keccak256(slot.to_be_bytes::<32>());
            if value.is_zero() {
                trie.remove(key)?;
            } else {
                trie.insert(key, alloy_rlp::encode(value))?;
            }
        }
        Ok(trie.commit(nodes))
    }
}

fn account_info(account: TrieAccount) -> AccountInfo {
    AccountInfo {
        balance: account.balance,
        nonce: account.nonce,
        code_hash: account.code_hash,
        account_id: None,
        code: None,
    }
}

fn account_rlp(info: &AccountInfo, storage_root: B256) -> Vec<u8> {
    let account =
        TrieAccount { nonce: info.nonce, balance: info.balance, storage_root, code_hash: info.code_hash };
    let mut rlp = Vec::with_capacity(account.length());
    account.encode(&mut rlp);
    rlp
}

impl Database for BlockState<'_> {
    type Error = NodeError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, NodeError> {
        Ok(self.load(address)?.info.clone())
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, NodeError> {
        match self.codes.get(&hash) {
            Some(code) => Ok(code.clone()),
            None => self.view.code(hash),
        }
    }

    fn storage(&mut self, address: Address, index: U256) -> Result<U256, NodeError> {
        let account = self.load(address)?;
        if let Some(value) = account.written.get(&index).or_else(|| account.read.get(&index)) {
            return Ok(*value);
        }
        let root = account.storage_root;
        let value = self.view.slot(root, index)?;
        self.load(address)?.read.insert(index, value);
        Ok(value)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, NodeError> {
        let Some(depth) = self.parent_number.checked_sub(number) else { return Ok(B256::ZERO) };
        let Ok(depth) = usize::try_from(depth) else { return Ok(B256::ZERO) };
        while let (Some(lowest), true) = (self.ancestors.last(), self.ancestors.len() <= depth) {
            let parent = self.view.reader.known_block(*lowest)?.block.header.parent_hash;
            self.ancestors.push(parent);
        }
        Ok(self.ancestors[depth])
    }
}

/// Reading without remembering, for tracers that look at the state after the fact.
impl DatabaseRef for BlockState<'_> {
    type Error = NodeError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, NodeError> {
        match self.accounts.get(&address) {
            Some(account) => Ok(account.info.clone()),
            None => Ok(self.view.account(address)?.map(account_info)),
        }
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, NodeError> {
        match self.codes.get(&hash) {
            Some(code) => Ok(code.clone()),
            None => self.view.code(hash),
        }
    }

    fn storage_ref(&self, address: Address, index: U256) -> Result<U256, NodeError> {
        let Some(account) = self.accounts.get(&address) else {
            let stored = self.view.account(address)?;
            let root = stored.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
            return self.view.slot(root, index);
        };
        match account.written.get(&index).or_else(|| account.read.get(&index)) {
            Some(value) => Ok(*value),
            None => self.view.slot(account.storage_root, index),
        }
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, NodeError> {
        let depth = self.parent_number.checked_sub(number).and_then(|depth| usize::try_from(depth).ok());
        Ok(depth.and_then(|depth| self.ancestors.get(depth)).copied().unwrap_or_default())
    }
}

impl DatabaseCommit for BlockState<'_> {
    fn commit(&mut self, changes: revm::primitives::AddressMap<Account>) {
        #[expect(clippy::iter_over_hash_type, reason = "accounts do not depend on each other's order")]
        for (address, change) in changes {
            if !change.is_touched() {
                continue;
            }
            let account = self.accounts.entry(address).or_default();
            account.changed = true;
            if change.is_created() || change.is_selfdestructed() {
                account.storage_root = EMPTY_ROOT_HASH;
                account.written.clear();
                account.read.clear();
            }
            if change.is_selfdestructed() {
                account.info = None;
                continue;
            }
            account
                .written
                .extend(change.changed_storage_slots().map(|(slot, value)| (*slot, value.present_value)));
            if let Some(code) = change.info.code.as_ref().filter(|code| !code.is_empty()) {
                self.codes.entry(change.info.code_hash).or_insert_with(|| code.clone());
            }
            account.info = Some(change.info);
        }
    }
}
