//! The trie against alloy-trie, which recomputes roots from all leaves at once.

use super::*;
use parking_lot::Mutex;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Default)]
struct Memory(Mutex<NewNodes>);

impl NodeSource for Memory {
    fn node(&self, hash: B256) -> Result<Arc<Node>, NodeError> {
        let rlp = self.0.lock().get(&hash).cloned().expect("the node was committed");
        Ok(Arc::new(Node::decode(&mut rlp.as_ref()).unwrap()))
    }
}

/// Few keys with long shared prefixes, so that branches split and collapse often.
fn key() -> impl Strategy<Value = B256> {
    (0_u8..4, 0_u8..4, 0_u8..32, prop::sample::select(vec![0_usize, 1, 15, 30])).prop_map(
        |(head, middle, tail, at)| {
            let mut key = B256::repeat_byte(0x11);
            key[0] = head * 0x11;
            key[at] ^= middle << 4;
            key[31] = tail;
            key
        },
    )
}

fn values() -> impl Strategy<Value = Vec<(B256, Option<Vec<u8>>)>> {
    let value = prop::option::weighted(0.6, prop::collection::vec(1_u8..255, 1..40));
    prop::collection::vec((key(), value), 1..60)
}

fn expected_root(leaves: &BTreeMap<B256, Vec<u8>>) -> B256 {
    let mut builder = alloy_trie::HashBuilder::default();
    for (key, value) in leaves {
        builder.add_leaf(alloy_trie::Nibbles::unpack(key), value);
    }
    builder.root()
}

proptest! {
    #[test]
    fn every_commit_has_the_root_that_a_full_recomputation_gives(
        rounds in prop::collection::vec(values(), 1..5)
    ) {
        let memory = Memory::default();
        let mut leaves = BTreeMap::new();
        let mut root = EMPTY_ROOT_HASH;
        for changes in rounds {
            let mut trie = Trie::at(&memory, root);
            for (key, value) in changes {
                if let Some(value) = value {
                    trie.insert(key, value.clone()).unwrap();
                    leaves.insert(key, value);
                } else {
                    trie.remove(key).unwrap();
                    leaves.remove(&key);
                }
            }
            let mut nodes = NewNodes::new();
            root = trie.commit(&mut nodes);
            memory.0.lock().append(&mut nodes);
            prop_assert_eq!(root, expected_root(&leaves));
            let trie = Trie::at(&memory, root);
            for (key, value) in &leaves {
                let found = trie.value(*key).unwrap();
                prop_assert_eq!(found.as_ref(), Some(value));
            }
        }
    }

    #[test]
    fn proofs_of_presence_and_of_absence_verify(changes in values(), absent in key()) {
        let memory = Memory::default();
        let mut trie = Trie::at(&memory, EMPTY_ROOT_HASH);
        for (key, value) in &changes {
            trie.insert(*key, value.clone().unwrap_or_else(|| vec![7])).unwrap();
        }
        let mut nodes = NewNodes::new();
        let root = trie.commit(&mut nodes);
        memory.0.lock().append(&mut nodes);
        let trie = Trie::at(&memory, root);
        for key in changes.iter().map(|(key, _)| *key).chain([absent]) {
            let proof = trie.proof(key).unwrap();
            let value = trie.value(key).unwrap();
            alloy_trie::proof::verify_proof(root, alloy_trie::Nibbles::unpack(key), value, &proof).unwrap();
        }
    }
}

#[test]
fn an_empty_trie_has_the_empty_root() {
    let memory = Memory::default();
    let mut trie = Trie::at(&memory, EMPTY_ROOT_HASH);
    trie.insert(B256::ZERO, vec![1]).unwrap();
    trie.remove(B256::ZERO).unwrap();
    assert_eq!(trie.commit(&mut NewNodes::new()), EMPTY_ROOT_HASH);
}
