//! One trie node: its three forms, and their RLP (yellow paper, appendix D).

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::{Decodable, Encodable, Header};
use std::collections::BTreeMap;

/// Nodes that a commit made: RLP by hash.
pub type NewNodes = BTreeMap<B256, Bytes>;

/// A child of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Link {
    /// Nothing there.
    #[default]
    Empty,
    /// A node known by its hash only.
    Stored(B256),
    /// A node in memory: changed, or so short that its parent's RLP contains it.
    Loaded(Box<Node>),
}

/// A node. Paths are nibbles, one a byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// The end of a key.
    Leaf {
        /// What is left of the key.
        path: Vec<u8>,
        /// The value.
        value: Vec<u8>,
    },
    /// Nibbles that all keys below share.
    Extension {
        /// The shared nibbles, never empty.
        path: Vec<u8>,
        /// A branch.
        child: Link,
    },
    /// A fork in 16.
    Branch {
        /// By nibble.
        children: Box<[Link; 16]>,
    },
}

/// The children of a branch before it has any.
pub fn no_children() -> Box<[Link; 16]> {
    Box::default()
}

impl Node {
    /// The node's RLP. Loaded children that are long enough to be stored on their own go to `nodes`.
    pub fn encode(&self, nodes: &mut NewNodes) -> Vec<u8> {
        let mut payload = Vec::with_capacity(64);
        match self {
            Self::Leaf { path, value } => {
                hex_prefix(path, true).as_slice().encode(&mut payload);
                value.as_slice().encode(&mut payload);
            }
            Self::Extension { path, child } => {
                hex_prefix(path, false).as_slice().encode(&mut payload);
                child.encode(&mut payload, nodes);
            }
            Self::Branch { children } => {
                for child in &**children {
                    child.encode(&mut payload, nodes);
                }
                // The branch's own value, which fixed-length keys never have.
                payload.push(alloy_rlp::EMPTY_STRING_CODE);
            }
        }
        let mut rlp = Vec::with_capacity(payload.len() + 4);
        Header { list: true, payload_length: payload.len() }.encode(&mut rlp);
        rlp.extend_from_slice(&payload);
        rlp
    }

    /// Reads a node's RLP.
    ///
    /// # Errors
    /// RLP errors, and lists that are no node.
    pub fn decode(rlp: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let mut payload = Header::decode_bytes(rlp, true)?;
        let mut items = Vec::with_capacity(17);
        while !payload.is_empty() {
            let start = payload;
            let header = Header::decode(&mut payload)?;
            payload = payload.get(header.payload_length..).ok_or(alloy_rlp::Error::InputTooShort)?;
            items.push(&start[..start.len() - payload.len()]);
        }
        match items.as_slice() {
            [path, rest] => {
                let (path, is_leaf) = decode_hex_prefix(Header::decode_bytes(&mut &**path, false)?)?;
                if is_leaf {
                    let value = Header::decode_bytes(&mut &**rest, false)?.to_vec();
                    Ok(Self::Leaf { path, value })
                } else {
                    Ok(Self::Extension { path, child: Link::decode(rest)? })
                }
            }
            [children_rlp @ .., _value] if children_rlp.len() == 16 => {
                let mut children = no_children();
                for (child, rlp) in children.iter_mut().zip(children_rlp) {
                    *child = Link::decode(rlp)?;
                }
                Ok(Self::Branch { children })
            }
            _ => Err(alloy_rlp::Error::Custom("a trie node has 2 or 17 items")),
        }
    }
}

impl Link {
    fn encode(&self, out: &mut Vec<u8>, nodes: &mut NewNodes) {
        match self {
            Self::Empty => out.push(alloy_rlp::EMPTY_STRING_CODE),
            Self::Stored(hash) => hash.encode(out),
            Self::Loaded(node) => {
                let rlp = node.encode(nodes);
                if rlp.len() < 32 {
                    out.extend_from_slice(&rlp);
                } else {
                    let hash = keccak256(&rlp);
                    nodes.insert(hash, rlp.into());
                    hash.encode(out);
                }
            }
        }
    }

    fn decode(mut rlp: &[u8]) -> alloy_rlp::Result<Self> {
        match rlp.first() {
            Some(&alloy_rlp::EMPTY_STRING_CODE) => Ok(Self::Empty),
            Some(&first) if first >= alloy_rlp::EMPTY_LIST_CODE => {
                Ok(Self::Loaded(Box::new(Node::decode(&mut rlp)?)))
            }
            _ => Ok(Self::Stored(B256::decode(&mut rlp)?)),
        }
    }
}

/// Nibbles as bytes, with a flag for odd length and one for leaves.
fn hex_prefix(path: &[u8], is_leaf: bool) -> Vec<u8> {
    let flag = if is_leaf { 0x20 } else { 0 };
    let (first, rest) = match path {
        [odd, rest @ ..] if path.len() % 2 == 1 => (flag | 0x10 | odd, rest),
        even => (flag, even),
    };
    let pairs = rest.as_chunks::<2>().0.iter();
    std::iter::once(first).chain(pairs.map(|[high, low]| high << 4 | low)).collect()
}

fn decode_hex_prefix(bytes: &[u8]) -> alloy_rlp::Result<(Vec<u8>, bool)> {
    let (first, rest) = bytes.split_first().ok_or(alloy_rlp::Error::InputTooShort)?;
    let mut path = Vec::with_capacity(2 * bytes.len());
    if first & 0x10 != 0 {
        path.push(first & 0xf);
    }
    path.extend(rest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]));
    Ok((path, first & 0x20 != 0))
}
