//! Merkle trees over digests: consent snapshots and the shards of a release.
//!
//! Built so that the `MerkleProof.verify` of the contracts' library accepts the proofs on chain: a node is the
//! Keccak-256 of its two children, the smaller first. A leaf is hashed twice, once by
//! [`leaf`], so that no inner node can be passed off as a leaf. An odd node moves up unchanged.

use crate::digest::{Digest, keccak256, keccak256_of};

/// The leaf of a salted digest: `keccak256(keccak256(salt || digest))`.
///
/// The salt keeps a leaf from being guessed by somebody who knows what it might commit to.
pub fn leaf(salt: &[u8; 32], digest: &Digest) -> Digest {
    keccak256(&keccak256_of(&[salt, &digest.0]).0)
}

/// The root of the tree over `leaves`, in their order. The root of no leaves is 32 zero bytes.
pub fn root(leaves: &[Digest]) -> Digest {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = parents(&level);
    }
    level.first().copied().unwrap_or_default()
}

/// The proof that leaf `index` is in the tree: siblings from the bottom up; `None` past the end.
pub fn proof(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut level, mut index, mut siblings) = (leaves.to_vec(), index, Vec::new());
    while level.len() > 1 {
        siblings.extend(level.get(index ^ 1).copied());
        level = parents(&level);
        index /= 2;
    }
    Some(siblings)
}

/// Whether `proof` leads from `leaf` to `root`.
pub fn verify(root: &Digest, leaf: &Digest, proof: &[Digest]) -> bool {
    proof.iter().fold(*leaf, |node, sibling| parent(&node, sibling)) == *root
}

fn parents(level: &[Digest]) -> Vec<Digest> {
    level.chunks(2).map(|pair| pair.get(1).map_or(pair[0], |right| parent(&pair[0], right))).collect()
}

fn parent(one: &Digest, other: &Digest) -> Digest {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    keccak256_of(&[&first.0, &second.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u8) -> Vec<Digest> {
        (0..count).map(|index| leaf(&[index; 32], &keccak256(&[index]))).collect()
    }

    #[test]
    fn every_leaf_of_every_size_is_proven_and_no_other() {
        for count in 1..=20 {
            let leaves = leaves(count);
            let root = root(&leaves);
            for (index, leaf) in leaves.iter().enumerate() {
                let proof = proof(&leaves, index).unwrap();
                assert!(verify(&root, leaf, &proof), "leaf {index} of {count}");
                assert!(!verify(&root, &keccak256(b"stranger"), &proof));
                let other = &leaves[(index + 1) % leaves.len()];
                assert!(count < 3 || other == leaf || !verify(&root, other, &proof) || proof.len() == 1);
            }
            assert_eq!(proof(&leaves, leaves.len()), None);
        }
    }

    #[test]
    fn the_root_of_nothing_is_zero_and_of_one_leaf_is_that_leaf() {
        assert_eq!(root(&[]), Digest([0; 32]));
        let only = leaves(1);
        assert_eq!(root(&only), only[0]);
    }

    #[test]
    fn golden_root_of_three_leaves() {
        let [a, b, c] = [keccak256(b"a"), keccak256(b"b"), keccak256(b"c")];
        // Computed by hand from the definition: the pair (a, b) is sorted, c moves up.
        let pair = if a < b { keccak256_of(&[&a.0, &b.0]) } else { keccak256_of(&[&b.0, &a.0]) };
        let expected = if pair < c { keccak256_of(&[&pair.0, &c.0]) } else { keccak256_of(&[&c.0, &pair.0]) };
        assert_eq!(root(&[a, b, c]), expected);
        assert_eq!(
            expected.to_string(),
            "0x5842148bc6ebeb52af882a317c765fccd3ae80589b21a9b8cbf21abb630e46a7"
        );
    }
}
