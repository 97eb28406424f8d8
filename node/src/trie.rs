//! A persistent Merkle-Patricia trie over nodes that are stored by their hash.
//!
//! Updates are incremental: only the nodes on the paths that change are read and hashed again, and
//! the old nodes stay, so that every root ever committed can still be read. That makes re-orgs,
//! calls on old blocks and proofs plain look-ups, for the price of disk space (see docs/CHAIN.md).
//!
//! Keys are 32-byte hashes ("secure" trie), so no value ever sits in a branch. [`node`] has the
//! encoding; storage is behind [`NodeSource`].

pub mod node;

pub use node::NewNodes;

use crate::NodeError;
use alloy_consensus::constants::EMPTY_ROOT_HASH;
use alloy_primitives::{B256, Bytes, keccak256};
use node::{Link, Node};
use std::sync::Arc;

/// Where stored nodes come from.
pub trait NodeSource {
    /// The node whose RLP hashes to `hash`.
    ///
    /// # Errors
    /// Storage errors; [`NodeError::Corrupt`] when it is missing, for a root never points at nothing.
    fn node(&self, hash: B256) -> Result<Arc<Node>, NodeError>;
}

/// The 64 nibbles of a key.
type Path = [u8; 64];

fn path_of(key: B256) -> Path {
    let mut path = [0; 64];
    for (pair, byte) in path.as_chunks_mut::<2>().0.iter_mut().zip(key.0) {
        *pair = [byte >> 4, byte & 0xf];
    }
    path
}

/// A trie at some root, with changes in memory until [`Trie::commit`].
pub struct Trie<'a, S> {
    source: &'a S,
    root: Link,
}

impl<'a, S: NodeSource> Trie<'a, S> {
    /// The trie with this root.
    pub fn at(source: &'a S, root: B256) -> Self {
        let root = if root == EMPTY_ROOT_HASH { Link::Empty } else { Link::Stored(root) };
        Self { source, root }
    }

    /// The value at `key`.
    ///
    /// # Errors
    /// Those of the source.
    pub fn value(&self, key: B256) -> Result<Option<Vec<u8>>, NodeError> {
        let path = path_of(key);
        find(self.source, &self.root, &path)
    }

    /// The RLP of every stored node on the way to `key`, root first: a proof of its value, or of its
    /// absence (EIP-1186).
    ///
    /// # Errors
    /// Those of the source.
    pub fn proof(&self, key: B256) -> Result<Vec<Bytes>, NodeError> {
        let path = path_of(key);
        let mut proof = Vec::new();
        prove(self.source, &self.root, &path, &mut proof)?;
        Ok(proof)
    }

    /// Sets the value at `key`.
    ///
    /// # Errors
    /// Those of the source.
    pub fn insert(&mut self, key: B256, value: Vec<u8>) -> Result<(), NodeError> {
        let root = std::mem::take(&mut self.root);
        self.root = insert(self.source, root, &path_of(key), value)?;
        Ok(())
    }

    /// Removes the value at `key`, if there is one.
    ///
    /// # Errors
    /// Those of the source.
    pub fn remove(&mut self, key: B256) -> Result<(), NodeError> {
        let root = std::mem::take(&mut self.root);
        self.root = remove(self.source, root, &path_of(key))?;
        Ok(())
    }

    /// Hashes what changed. The new nodes are added to `nodes`; the new root is returned.
    pub fn commit(self, nodes: &mut NewNodes) -> B256 {
        match self.root {
            Link::Empty => EMPTY_ROOT_HASH,
            Link::Stored(root) => root,
            Link::Loaded(node) => {
                let rlp = node.encode(nodes);
                let root = keccak256(&rlp);
                nodes.insert(root, rlp.into());
                root
            }
        }
    }
}

/// Reads through a link without taking it apart.
fn with_node<S: NodeSource, T>(
    source: &S,
    link: &Link,
    read: impl FnOnce(Option<&Node>) -> Result<T, NodeError>,
) -> Result<T, NodeError> {
    match link {
        Link::Empty => read(None),
        Link::Loaded(node) => read(Some(node)),
        Link::Stored(hash) => read(Some(&*source.node(*hash)?)),
    }
}

fn find<S: NodeSource>(source: &S, link: &Link, path: &[u8]) -> Result<Option<Vec<u8>>, NodeError> {
    with_node(source, link, |node| match node {
        None => Ok(None),
        Some(Node::Leaf { path: rest, value }) => Ok((rest == path).then(|| value.clone())),
        Some(Node::Extension { path: shared, child }) => match path.strip_prefix(shared.as_slice()) {
            Some(rest) => find(source, child, rest),
            None => Ok(None),
        },
        Some(Node::Branch { children }) => match path.split_first() {
            Some((nibble, rest)) => find(source, &children[usize::from(*nibble)], rest),
            None => Ok(None),
        },
    })
}

fn prove<S: NodeSource>(
    source: &S,
    link: &Link,
    path: &[u8],
    proof: &mut Vec<Bytes>,
) -> Result<(), NodeError> {
    with_node(source, link, |node| {
        if let (Link::Stored(_), Some(node)) = (link, node) {
            // An inline node is part of its parent's RLP already. Encoding a stored node makes no
            // new ones: its children are stored or inline.
            proof.push(node.encode(&mut NewNodes::new()).into());
        }
        match node {
            None | Some(Node::Leaf { .. }) => Ok(()),
            Some(Node::Extension { path: shared, child }) => match path.strip_prefix(shared.as_slice()) {
                Some(rest) => prove(source, child, rest, proof),
                None => Ok(()),
            },
            Some(Node::Branch { children }) => match path.split_first() {
                Some((nibble, rest)) => prove(source, &children[usize::from(*nibble)], rest, proof),
                None => Ok(()),
            },
        }
    })
}

/// Takes the node out of a link, loading it when it is only stored.
fn load<S: NodeSource>(source: &S, link: Link) -> Result<Option<Box<Node>>, NodeError> {
    match link {
        Link::Empty => Ok(None),
        Link::Loaded(node) => Ok(Some(node)),
        Link::Stored(hash) => Ok(Some(Box::new(Node::clone(&*source.node(hash)?)))),
    }
}

fn shared_length(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn loaded(node: Node) -> Link {
    Link::Loaded(Box::new(node))
}

/// A branch below `shared` nibbles, which become an extension when there are any.
fn branch_below(shared: &[u8], children: Box<[Link; 16]>) -> Link {
    let branch = loaded(Node::Branch { children });
    if shared.is_empty() { branch } else { loaded(Node::Extension { path: shared.to_vec(), child: branch }) }
}

fn insert<S: NodeSource>(source: &S, link: Link, path: &[u8], value: Vec<u8>) -> Result<Link, NodeError> {
    let Some(node) = load(source, link)? else {
        return Ok(loaded(Node::Leaf { path: path.to_vec(), value }));
    };
    match *node {
        Node::Leaf { path: rest, value: old } => {
            if rest == path {
                return Ok(loaded(Node::Leaf { path: rest, value }));
            }
            let shared = shared_length(&rest, path);
            let mut children = node::no_children();
            let leaf = |path: &[u8], value| loaded(Node::Leaf { path: path.to_vec(), value });
            children[usize::from(rest[shared])] = leaf(&rest[shared + 1..], old);
            children[usize::from(path[shared])] = leaf(&path[shared + 1..], value);
            Ok(branch_below(&path[..shared], children))
        }
        Node::Extension { path: rest, child } => {
            let shared = shared_length(&rest, path);
            if shared == rest.len() {
                let child = insert(source, child, &path[shared..], value)?;
                return Ok(loaded(Node::Extension { path: rest, child }));
            }
            let mut children = node::no_children();
            let below = &rest[shared + 1..];
            children[usize::from(rest[shared])] = if below.is_empty() {
                child
            } else {
                loaded(Node::Extension { path: below.to_vec(), child })
            };
            children[usize::from(path[shared])] =
                loaded(Node::Leaf { path: path[shared + 1..].to_vec(), value });
            Ok(branch_below(&path[..shared], children))
        }
        Node::Branch { mut children } => {
            let child = &mut children[usize::from(path[0])];
            *child = insert(source, std::mem::take(child), &path[1..], value)?;
            Ok(loaded(Node::Branch { children }))
        }
    }
}

fn remove<S: NodeSource>(source: &S, link: Link, path: &[u8]) -> Result<Link, NodeError> {
    // Absent keys must leave stored nodes stored, so that nothing is hashed in vain.
    if find(source, &link, path)?.is_none() {
        return Ok(link);
    }
    let Some(node) = load(source, link)? else { return Ok(Link::Empty) };
    match *node {
        Node::Leaf { .. } => Ok(Link::Empty),
        Node::Extension { path: shared, child } => {
            let child = remove(source, child, &path[shared.len()..])?;
            prefixed(source, &shared, child)
        }
        Node::Branch { mut children } => {
            let child = &mut children[usize::from(path[0])];
            *child = remove(source, std::mem::take(child), &path[1..])?;
            collapse(source, children)
        }
    }
}

/// A branch that lost a child: still a branch, or what its only child becomes.
fn collapse<S: NodeSource>(source: &S, mut children: Box<[Link; 16]>) -> Result<Link, NodeError> {
    let mut left = (0_u8..16).filter(|nibble| !matches!(children[usize::from(*nibble)], Link::Empty));
    match (left.next(), left.next()) {
        (None, _) => Ok(Link::Empty),
        (Some(only), None) => prefixed(source, &[only], std::mem::take(&mut children[usize::from(only)])),
        (Some(_), Some(_)) => Ok(loaded(Node::Branch { children })),
    }
}

/// `child` reached through `prefix`: leaves and extensions absorb it, a branch gets an extension.
fn prefixed<S: NodeSource>(source: &S, prefix: &[u8], child: Link) -> Result<Link, NodeError> {
    let Some(node) = load(source, child)? else { return Ok(Link::Empty) };
    Ok(loaded(match *node {
        Node::Leaf { path, value } => Node::Leaf { path: [prefix, &path].concat(), value },
        Node::Extension { path, child } => Node::Extension { path: [prefix, &path].concat(), child },
        branch @ Node::Branch { .. } => Node::Extension { path: prefix.to_vec(), child: loaded(branch) },
    }))
}

#[cfg(test)]
mod tests;
