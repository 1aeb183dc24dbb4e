//! Scopes: who holds a copy of a record. The server derives them from the record's fields, here and nowhere else.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::ids::{RecordId, UserId};
use crate::record::Kind;

/// A string such as `user:…`, `team:…` or `org:pool`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(Cow<'static, str>);

impl Scope {
    /// Customers that nobody owns: managers and admins see them.
    pub const POOL: Self = Self(Cow::Borrowed("org:pool"));

    /// What everybody of the company has, such as its policies.
    pub const COMPANY: Self = Self(Cow::Borrowed("org:company"));

    /// What is one user's own work.
    #[must_use]
    pub fn user(user: UserId) -> Self {
        Self(Cow::Owned(format!("user:{user}")))
    }

    /// What a whole team shares, such as the list of its members.
    #[must_use]
    pub fn team(team: &str) -> Self {
        Self(Cow::Owned(format!("team:{team}")))
    }

    /// A scope as it came over the wire.
    #[must_use]
    pub fn from_wire(text: String) -> Self {
        Self(Cow::Owned(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({})", self.0)
    }
}

/// What both ends compare to know that they hold the same records of a scope: a count, and a wrapping sum of 128 bits over the records'
/// identities and revisions.
///
/// It finds bugs and bit rot. It is no defence against an attacker: a sum is not collision-resistant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest {
    /// Records in the scope.
    pub count: u64,
    sum: u128,
}

impl Digest {
    /// Adds a record at a revision.
    pub fn add(&mut self, kind: &Kind, id: RecordId, rev: u64) {
        self.count = self.count.wrapping_add(1);
        self.sum = self.sum.wrapping_add(term(kind, id, rev));
    }

    /// Takes a record at a revision away again.
    pub fn remove(&mut self, kind: &Kind, id: RecordId, rev: u64) {
        self.count = self.count.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(term(kind, id, rev));
    }

    /// `<count>:<sum in 32 hexadecimal digits>`, as on the wire and in both databases.
    #[must_use]
    pub fn to_text(self) -> String {
        format!("{}:{:032x}", self.count, self.sum)
    }

    /// Reads what [`Self::to_text`] wrote.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (count, sum) = text.split_once(':')?;
        Some(Self {
            count: count.parse().ok()?,
            sum: u128::from_str_radix(sum, 16).ok()?,
        })
    }
}

fn term(kind: &Kind, id: RecordId, rev: u64) -> u128 {
    let hash = Hash::of(format!("{}|{id}|{rev}", kind.as_str()).as_bytes());
    let mut first = [0; 16];
    first.copy_from_slice(hash.as_bytes().first_chunk::<16>().unwrap_or(&[0; 16]));
    u128::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::uuid_v7;

    const KIND: Kind = Kind::new("visit");

    fn id(tag: u8) -> RecordId {
        RecordId::from_uuid(uuid_v7(0, [tag; 10]))
    }

    proptest! {
        #[test]
        fn the_digest_does_not_depend_on_order_or_on_detours(tags in proptest::collection::vec((any::<u8>(), 1_u64..9), 0..30)) {
            let mut forward = Digest::default();
            let mut backward = Digest::default();
            for &(tag, rev) in &tags {
                forward.add(&KIND, id(tag), rev);
            }
            for &(tag, rev) in tags.iter().rev() {
                backward.add(&KIND, id(tag), rev + 1);
                backward.remove(&KIND, id(tag), rev + 1);
                backward.add(&KIND, id(tag), rev);
            }
            prop_assert_eq!(forward, backward);
            prop_assert_eq!(Digest::from_text(&forward.to_text()), Some(forward));
        }
    }

    #[test]
    fn another_revision_is_another_digest() {
        let mut one = Digest::default();
        let mut two = Digest::default();
        one.add(&KIND, id(1), 1);
        two.add(&KIND, id(1), 2);
        assert_ne!(one, two);
    }
}
