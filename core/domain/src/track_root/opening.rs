//! Opening single fixes of a track that stays on its phone, and checking what somebody else has opened.
//!
//! A leaf is 32 bytes of chance and the text of a fix. The chance is what keeps an unopened leaf shut: without it, whoever knows about where a rep was
//! could try places until the hash fits.

use serde::{Deserialize, Serialize};

use crate::fix::Fix;
use crate::hash::Hash;
use crate::ids::TrackRootId;
use crate::merkle::{self, MAX_PROOF};

/// The version of the form.
pub const VERSION: u16 = 1;

/// Bytes of chance before each fix.
pub const SALT_BYTES: usize = 32;

/// Longest text of a fix, bytes: all of its fields take less than half of it.
pub const MAX_FIX: usize = 1_024;

/// Most leaves that one file may open: a day of one fix a second.
pub const MAX_LEAVES: usize = 100_000;

/// Fixes that a rep has opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// [`VERSION`].
    pub waymark_opening: u16,
    /// By segment.
    pub segments: Vec<OpenedSegment>,
}

/// Opened fixes of one segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedSegment {
    /// The record that carries the root.
    pub segment: TrackRootId,
    /// The root that it carries.
    pub root: Hash,
    /// How many leaves the tree has.
    pub count: u32,
    /// The opened ones.
    pub leaves: Vec<OpenedLeaf>,
}

/// An opened fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedLeaf {
    /// Its place, from 0.
    pub index: u32,
    /// Its chance, 64 hexadecimal digits in lower case.
    pub salt: String,
    /// The fix: JSON as text, since its very bytes were hashed.
    pub fix: String,
    /// The hashes beside its way to the root, the lowest first.
    pub proof: Vec<Hash>,
}

/// Why a leaf is not what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NotOpened {
    /// The salt or the proof does not read.
    #[error("the salt or the proof does not read")]
    Unreadable,
    /// What was hashed is no fix.
    #[error("what was hashed is no fix")]
    NotAFix,
    /// It is not under the root at that place.
    #[error("it does not lead to the root")]
    OtherRoot,
}

/// The hash of a leaf: of its chance and the text of its fix.
#[must_use]
pub fn leaf(salt: &[u8; SALT_BYTES], fix: &str) -> Hash {
    merkle::leaf(&[salt, fix.as_bytes()])
}

impl OpenedSegment {
    /// Opens the leaves at `indexes` of the tree over `leaves`, each its chance and the text of its fix. An index beyond them is left out.
    #[must_use]
    pub fn of(
        segment: TrackRootId,
        leaves: &[([u8; SALT_BYTES], String)],
        indexes: &[usize],
    ) -> Self {
        let hashes: Vec<Hash> = leaves.iter().map(|(salt, fix)| leaf(salt, fix)).collect();
        let opened = indexes.iter().filter_map(|&index| {
            let (salt, fix) = leaves.get(index)?;
            Some(OpenedLeaf {
                index: u32::try_from(index).ok()?,
                salt: data_encoding::HEXLOWER.encode(salt),
                fix: fix.clone(),
                proof: merkle::proof(&hashes, index)?,
            })
        });
        Self {
            segment,
            root: merkle::root(&hashes),
            count: u32::try_from(hashes.len()).unwrap_or(u32::MAX),
            leaves: opened.collect(),
        }
    }
}

impl OpenedLeaf {
    /// The fix, when it is the one that stands at this place under `root`.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn check(&self, root: Hash, count: u32) -> Result<Fix, NotOpened> {
        let salt = data_encoding::HEXLOWER
            .decode(self.salt.as_bytes())
            .ok()
            .and_then(|salt| <[u8; SALT_BYTES]>::try_from(salt).ok())
            .ok_or(NotOpened::Unreadable)?;
        if self.proof.len() > MAX_PROOF || self.fix.len() > MAX_FIX {
            return Err(NotOpened::Unreadable);
        }
        let hash = leaf(&salt, &self.fix);
        if !merkle::verifies(hash, self.index.into(), count.into(), &self.proof, root) {
            return Err(NotOpened::OtherRoot);
        }
        let fix: Fix = serde_json::from_str(&self.fix).map_err(|_| NotOpened::NotAFix)?;
        fix.check().map_err(|_| NotOpened::NotAFix)?;
        Ok(fix)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fix::AccuracySource;
    use crate::geo::{Datum, Position};

    fn leaves(count: u8) -> Vec<([u8; SALT_BYTES], String)> {
        let fix = |i: u8| {
            let position = Position::new(Datum::Wgs84, 43.7 + f64::from(i) * 1e-4, 7.4).unwrap();
            Fix::new(position, 8.0, AccuracySource::Android, i64::from(i) * 1_000)
        };
        (0..count)
            .map(|i| ([i; SALT_BYTES], serde_json::to_string(&fix(i)).unwrap()))
            .collect()
    }

    fn segment() -> TrackRootId {
        "0190a5c2-1111-7222-8333-444455556666".parse().unwrap()
    }

    #[test]
    fn what_is_opened_is_checked_and_says_nothing_of_the_others() {
        let leaves = leaves(9);
        let opened = OpenedSegment::of(segment(), &leaves, &[2, 8, 40]);
        let indexes: Vec<u32> = opened.leaves.iter().map(|leaf| leaf.index).collect();
        assert_eq!((opened.count, indexes), (9, vec![2, 8]));
        let text = serde_json::to_string(&opened).unwrap();
        let read: OpenedSegment = serde_json::from_str(&text).unwrap();
        for leaf in &read.leaves {
            let fix = leaf.check(opened.root, opened.count).unwrap();
            assert_eq!(fix.mono_ms, i64::from(leaf.index) * 1_000);
        }
        for (i, (salt, _)) in leaves.iter().enumerate() {
            let shown = text.contains(&data_encoding::HEXLOWER.encode(salt));
            assert_eq!(shown, [2, 8].contains(&i), "{i}");
            let place = format!("43.{}", 7000 + i);
            assert_eq!(
                text.contains(place.trim_end_matches('0')),
                [2, 8].contains(&i) || i == 0
            );
        }
    }

    #[test]
    fn the_same_fixes_with_other_salts_have_another_root() {
        let one = leaves(3);
        let mut other = one.clone();
        other[1].0[31] ^= 1;
        let root = |leaves: &[_]| OpenedSegment::of(segment(), leaves, &[]).root;
        assert_ne!(root(&one), root(&other));
    }

    proptest! {
        #[test]
        fn a_leaf_that_was_touched_is_noticed(index in 0_usize..40, what in 0..5_u8, at in any::<prop::sample::Index>()) {
            let opened = OpenedSegment::of(segment(), &leaves(40), &[index]);
            let mut leaf = opened.leaves[0].clone();
            let (mut root, mut count) = (opened.root, opened.count);
            prop_assert!(leaf.check(root, count).is_ok());
            match what {
                0 => leaf.fix = leaf.fix.replace("43.7", "43.8"),
                1 => {
                    let at = at.index(leaf.salt.len());
                    let digit = if leaf.salt.as_bytes()[at] == b'f' { "e" } else { "f" };
                    leaf.salt.replace_range(at..=at, digit);
                }
                2 => leaf.index = (leaf.index + 1 + u32::try_from(at.index(39)).unwrap()) % 40,
                3 => root = Hash::of(root.as_bytes()),
                // a tree of twice the size has other ways to its root for every place
                _ => count *= 4,
            }
            prop_assert!(leaf.check(root, count).is_err());
        }
    }
}
