//! How values travel to and from SQLite: ids as 16 bytes, hashes as 32, counts as non-negative integers, bodies as JSON text.

use rusqlite::Row;
use rusqlite::types::Type;
use uuid::Uuid;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{OpId, RecordId};
use waymark_domain::record::{Body, Kind};

use crate::error::StoreError;

/// Declares statements by name and lists them all for the plan test.
macro_rules! queries {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+) => {
        $($(#[$doc])* pub(crate) const $name: &str = $sql;)+
        /// Every statement of this file, for the test of their plans.
        #[cfg_attr(not(test), expect(dead_code, reason = "read by the plan test"))]
        pub(crate) const QUERIES: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}
pub(crate) use queries;

/// The 16 bytes of an id.
pub(crate) fn blob(id: Uuid) -> [u8; 16] {
    *id.as_bytes()
}

/// The 16 bytes of a record's id.
pub(crate) fn rec(id: RecordId) -> [u8; 16] {
    blob(id.as_uuid())
}

/// The 16 bytes of an operation's id.
pub(crate) fn op(id: OpId) -> [u8; 16] {
    blob(id.as_uuid())
}

/// A count as SQLite stores it. No count here comes near 2^63.
pub(crate) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A number of things in memory, as a count.
pub(crate) fn len(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// A body as text.
pub(crate) fn body_text(body: &Body) -> Result<String, StoreError> {
    serde_json::to_string(body).map_err(|_| StoreError::Unreadable("a record's body"))
}

/// A body from its text.
pub(crate) fn body_of(text: &str) -> Result<Body, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Unreadable("a record's body"))
}

/// Reads columns as the types of the domain.
pub(crate) trait Columns {
    fn uuid(&self, i: usize) -> rusqlite::Result<Uuid>;
    fn count(&self, i: usize) -> rusqlite::Result<u64>;
    fn hash(&self, i: usize) -> rusqlite::Result<Hash>;
    fn kind(&self, i: usize) -> rusqlite::Result<Kind>;

    fn rec(&self, i: usize) -> rusqlite::Result<RecordId> {
        self.uuid(i).map(RecordId::from_uuid)
    }

    fn op(&self, i: usize) -> rusqlite::Result<OpId> {
        self.uuid(i).map(OpId::from_uuid)
    }
}

impl Columns for Row<'_> {
    fn uuid(&self, i: usize) -> rusqlite::Result<Uuid> {
        self.get(i).map(Uuid::from_bytes)
    }

    fn count(&self, i: usize) -> rusqlite::Result<u64> {
        let n: i64 = self.get(i)?;
        u64::try_from(n).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(i, n))
    }

    fn hash(&self, i: usize) -> rusqlite::Result<Hash> {
        let bytes: [u8; 32] = self.get(i)?;
        Hash::from_slice(&bytes)
            .ok_or_else(|| rusqlite::Error::InvalidColumnType(i, "a hash".to_owned(), Type::Blob))
    }

    fn kind(&self, i: usize) -> rusqlite::Result<Kind> {
        self.get(i).map(Kind::from_wire)
    }
}
