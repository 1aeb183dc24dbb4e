//! Merkle trees as certificate transparency has them (RFC 9162, section 2.1; the same trees as RFC 6962's): one hash stands for a list, and
//! a short proof shows that an entry is in it, at which place, without the others.

use sha2::{Digest as _, Sha256};

use crate::hash::Hash;

/// Longest proof that is looked at: no tree here has anywhere near 2^32 leaves.
pub const MAX_PROOF: usize = 32;

/// The hash of an entry, given in parts that are read one after the other.
#[must_use]
pub fn leaf(data: &[&[u8]]) -> Hash {
    hash(0, data)
}

/// The root over the hashes of all entries, in their order. Of none it is the hash of nothing.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of(&[]),
        [one] => *one,
        _ => {
            let (left, right) = halves(leaves);
            node(root(left), root(right))
        }
    }
}

/// What shows that the entry at `index` is in the tree; `None` when there is no such entry.
#[must_use]
pub fn proof(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if leaves.len() <= 1 {
        return (index < leaves.len()).then(Vec::new);
    }
    let (left, right) = halves(leaves);
    let (mut path, other) = match index.checked_sub(left.len()) {
        None => (proof(left, index)?, right),
        Some(index) => (proof(right, index)?, left),
    };
    path.push(root(other));
    Some(path)
}

/// Whether `proof` shows that `leaf` is the entry at `index` of the `count` entries that `root` stands for.
#[must_use]
pub fn verifies(leaf: Hash, index: u64, count: u64, proof: &[Hash], root: Hash) -> bool {
    if index >= count || proof.len() > MAX_PROOF {
        return false;
    }
    // RFC 9162, section 2.1.3.2
    let (mut at, mut last, mut found) = (index, count - 1, leaf);
    for other in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            found = node(*other, found);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            found = node(found, *other);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && found == root
}

fn node(left: Hash, right: Hash) -> Hash {
    hash(1, &[left.as_bytes(), right.as_bytes()])
}

/// The prefix keeps an entry from being passed off as a node.
fn hash(prefix: u8, parts: &[&[u8]]) -> Hash {
    let mut digest = Sha256::new();
    digest.update([prefix]);
    for part in parts {
        digest.update(part);
    }
    // a SHA-256 has the 32 bytes of a hash
    Hash::from_slice(&digest.finalize()).unwrap_or(Hash::ZERO)
}

/// At the largest power of two that leaves something to the right.
fn halves(leaves: &[Hash]) -> (&[Hash], &[Hash]) {
    let middle = leaves.len().next_power_of_two() / 2;
    leaves.split_at_checked(middle).unwrap_or((leaves, &[]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // the leaves and tree heads that the implementations of certificate transparency share as their test data
    const ENTRIES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn entries() -> Vec<Hash> {
        let bytes = |hex: &&str| data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
        ENTRIES.iter().map(|hex| leaf(&[&bytes(hex)])).collect()
    }

    fn many(count: u32) -> Vec<Hash> {
        (0..count).map(|i| leaf(&[&i.to_be_bytes()])).collect()
    }

    #[test]
    fn the_roots_are_those_of_certificate_transparency() {
        let leaves = entries();
        for (count, expected) in ROOTS.iter().enumerate() {
            assert_eq!(root(&leaves[..count]).to_string(), *expected, "{count}");
        }
    }

    #[test]
    fn the_proofs_are_those_of_certificate_transparency() {
        let path = |count: usize, index| -> Vec<String> {
            let path = proof(&entries()[..count], index).unwrap();
            path.iter().map(Hash::to_string).collect()
        };
        assert_eq!(
            path(8, 5),
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        );
        assert_eq!(
            path(8, 0),
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        );
    }

    #[test]
    fn every_entry_of_every_tree_is_proven_at_its_place_and_at_no_other() {
        for count in 0..=70_u32 {
            let leaves = many(count);
            let root = root(&leaves);
            let size = u64::from(count);
            assert_eq!(proof(&leaves, leaves.len()), None);
            for (index, leaf) in leaves.iter().enumerate() {
                let path = proof(&leaves, index).unwrap();
                for other in 0..=size {
                    let proven = verifies(*leaf, other, size, &path, root);
                    assert_eq!(
                        proven,
                        other == index as u64,
                        "{index} as {other} of {count}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_altered_is_proven(
            count in 1_u32..200, pick in any::<prop::sample::Index>(), which in 0..5_u8, byte in 0..32_usize, bit in 0..8_u8,
        ) {
            let leaves = many(count);
            let index = pick.index(leaves.len());
            let (mut leaf, mut path, mut top) = (leaves[index], proof(&leaves, index).unwrap(), root(&leaves));
            prop_assert!(verifies(leaf, index as u64, count.into(), &path, top));
            let flip = |hash: Hash| {
                let mut bytes = *hash.as_bytes();
                bytes[byte] ^= 1 << bit;
                Hash::from_slice(&bytes).unwrap()
            };
            let at = path.len().checked_sub(1).map(|last| byte.min(last));
            match (which, at) {
                (0, _) => leaf = flip(leaf),
                (1, _) => top = flip(top),
                (2, Some(at)) => path[at] = flip(path[at]),
                (3, Some(at)) => drop(path.remove(at)),
                _ => path.push(leaf),
            }
            prop_assert!(!verifies(leaf, index as u64, count.into(), &path, top));
        }
    }
}
