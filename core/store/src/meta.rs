//! Single values by name, as JSON.

use rusqlite::{Connection, OptionalExtension};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use waymark_domain::hash::Hash;
use waymark_domain::time::{Anchor, Anchors, Hlc};

use crate::error::StoreError;
use crate::sql::queries;

/// The schema's version once more: tells a damaged header from a later version.
pub(crate) const SCHEMA: &str = "schema";
/// Hash of what the view tables follow from.
pub(crate) const VIEWS: &str = "views";
/// [`crate::Identity`].
pub(crate) const IDENTITY: &str = "identity";
/// The epoch that base is from.
pub(crate) const EPOCH: &str = "epoch";
/// [`waymark_domain::time::Anchors`].
pub(crate) const ANCHORS: &str = "anchors";
/// The last [`Anchor`], as version 1 kept it: read while there are no [`ANCHORS`].
pub(crate) const ANCHOR: &str = "anchor";
/// [`Chain`].
pub(crate) const CHAIN: &str = "chain";
/// The place in the tenant's order that base is complete up to.
pub(crate) const CHECKPOINT: &str = "checkpoint_seq";
/// Hash of the scope list.
pub(crate) const SCOPES_HASH: &str = "scopes_hash";
/// Operations that were acknowledged and have left history.
pub(crate) const PRUNED: &str = "pruned";
/// Operations that a damaged file did not give back.
pub(crate) const LOST: &str = "lost";

/// Where the device's chain of operations stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chain {
    /// The count that the next operation gets.
    pub(crate) next_n: u64,
    /// The count of the newest operation; 0 before the first.
    pub(crate) head_n: u64,
    /// Its hash.
    pub(crate) head: Hash,
    /// Its logical time.
    pub(crate) hlc: Hlc,
    /// Operations ever sealed here.
    pub(crate) created: u64,
}

impl Chain {
    /// Before the first operation.
    pub(crate) const START: Self = Self {
        next_n: 1,
        head_n: 0,
        head: Hash::ZERO,
        hlc: Hlc(0, 0),
        created: 0,
    };
}

queries! {
    GET = "SELECT value FROM meta WHERE key = ?1";
    SET = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
}

/// The value of `key`, when there is one.
pub(crate) fn get<T: DeserializeOwned>(
    conn: &Connection,
    key: &'static str,
) -> Result<Option<T>, StoreError> {
    let mut statement = conn.prepare_cached(GET)?;
    let text: Option<String> = statement.query_row([key], |row| row.get(0)).optional()?;
    text.map(|text| serde_json::from_str(&text).map_err(|_| StoreError::Unreadable(key)))
        .transpose()
}

/// Sets the value of `key`.
pub(crate) fn set<T: Serialize>(
    conn: &Connection,
    key: &'static str,
    value: &T,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(value).map_err(|_| StoreError::Unreadable(key))?;
    conn.prepare_cached(SET)?.execute((key, text))?;
    Ok(())
}

/// The chain; its start when there is none yet.
pub(crate) fn chain(conn: &Connection) -> Result<Chain, StoreError> {
    Ok(get(conn, CHAIN)?.unwrap_or(Chain::START))
}

/// What is known of the world's time.
pub(crate) fn anchors(conn: &Connection) -> Result<Anchors, StoreError> {
    if let Some(anchors) = get(conn, ANCHORS)? {
        return Ok(anchors);
    }
    let before: Option<Anchor> = get(conn, ANCHOR)?;
    Ok(before.map(Anchors::from).unwrap_or_default())
}

/// A counter; 0 when it was never set.
pub(crate) fn counter(conn: &Connection, key: &'static str) -> Result<u64, StoreError> {
    Ok(get(conn, key)?.unwrap_or(0))
}
