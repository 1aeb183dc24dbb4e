//! A snapshot: a scope's content in pages, for a device that has nothing of it.
//!
//! A page shows records as they are when it is read, in the order of their keys. What changes while a device turns the pages has a higher
//! place in the tenant's order than the snapshot's pin, so the exchange that follows brings it: nothing can be missed.

use serde::{Deserialize, Serialize};
use waymark_domain::ids::{Epoch, RecordId};
use waymark_domain::record::{Kind, RecordKey};
use waymark_domain::scope::Scope;

use crate::response::Put;

/// Asks for a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRequest {
    /// The scope.
    pub scope: Scope,
    /// The place in the tenant's order that the first page named; absent for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<u64>,
    /// The last record of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<PageToken>,
    /// Most bytes.
    pub limit_bytes: u32,
}

/// A place among the pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageToken {
    /// The kind.
    pub kind: Kind,
    /// The id.
    pub id: RecordId,
}

impl From<RecordKey> for PageToken {
    fn from(key: RecordKey) -> Self {
        Self {
            kind: key.kind,
            id: key.id,
        }
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotPage {
    /// The continuity that it is from.
    pub epoch: Epoch,
    /// The place in the tenant's order from which an exchange goes on.
    pub pin: u64,
    /// Records of the scope.
    pub puts: Vec<Put>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<PageToken>,
}
