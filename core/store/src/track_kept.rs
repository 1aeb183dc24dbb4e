//! Segments of tracks that stay on this phone, with everything that opening single fixes of them takes.
//!
//! The record of the same id is all that is ever sent. A row is written in the transaction that commits that record, and goes when the record's
//! period is over.

use rusqlite::{Connection, OptionalExtension as _};
use waymark_domain::ids::{RecordId, TrackRootId};
use waymark_domain::record::{self, Body};
use waymark_domain::track_root::opening::SALT_BYTES;
use waymark_domain::track_segment::TrackSegment;

use crate::error::StoreError;
use crate::reader::Reader;
use crate::sql::{self, queries};

queries! {
    KEEP = "
        INSERT INTO track_kept (id, shift, rep, i, day, at_ms, body, fixes, salts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT DO NOTHING";
    FORGET = "DELETE FROM track_kept WHERE id = ?1";
    LEAVES = "SELECT fixes, salts FROM track_kept WHERE id = ?1";
}

/// The leaves of a tree, in their order: for each its chance, and the text of its fix.
pub type Leaves = Vec<([u8; SALT_BYTES], String)>;

/// Keeps a segment and the leaves of its tree.
pub(crate) fn keep(
    tx: &Connection,
    id: TrackRootId,
    segment: &TrackSegment,
    leaves: &Leaves,
) -> Result<(), StoreError> {
    let fixes: Vec<&str> = leaves.iter().map(|(_, fix)| fix.as_str()).collect();
    let salts: Vec<u8> = leaves.iter().flat_map(|(salt, _)| *salt).collect();
    insert(
        tx,
        id.into(),
        segment,
        &sql::body_text(&record::write(segment)?)?,
        (&fixes.join("\n"), &salts),
    )?;
    Ok(())
}

/// The same from a row that was rescued. `false` when it does not read, or is here already.
pub(crate) fn keep_rescued(
    tx: &Connection,
    id: RecordId,
    body: &str,
    fixes: &str,
    salts: &[u8],
) -> Result<bool, StoreError> {
    let body_of: Option<Body> = serde_json::from_str(body).ok();
    let Some(segment) = body_of.and_then(|body| record::read::<TrackSegment>(&body).ok()) else {
        return Ok(false);
    };
    insert(tx, id, &segment, body, (fixes, salts))
}

fn insert(
    tx: &Connection,
    id: RecordId,
    segment: &TrackSegment,
    body: &str,
    (fixes, salts): (&str, &[u8]),
) -> Result<bool, StoreError> {
    let rows = tx.prepare_cached(KEEP)?.execute((
        sql::rec(id),
        sql::blob(segment.shift.as_uuid()),
        sql::blob(segment.rep.as_uuid()),
        segment.i,
        segment.day.to_string(),
        segment.at.best_ms(),
        body,
        fixes,
        salts,
    ))?;
    Ok(rows > 0)
}

/// Lets go of a segment.
pub(crate) fn forget(tx: &Connection, id: RecordId) -> Result<(), StoreError> {
    tx.prepare_cached(FORGET)?.execute([sql::rec(id)])?;
    Ok(())
}

impl Reader<'_> {
    /// The leaves of a segment's tree; `None` when this phone does not have it.
    ///
    /// # Errors
    /// As every read.
    pub fn leaves(&self, id: TrackRootId) -> Result<Option<Leaves>, StoreError> {
        let found = self
            .conn
            .prepare_cached(LEAVES)?
            .query_row([sql::rec(id.into())], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .optional()?;
        let Some((fixes, salts)) = found else {
            return Ok(None);
        };
        let (salts, rest) = salts.as_chunks::<SALT_BYTES>();
        let lines: Vec<&str> = fixes.lines().collect();
        if !rest.is_empty() || lines.len() != salts.len() {
            return Err(StoreError::Unreadable("the leaves of a track"));
        }
        let leaves = salts
            .iter()
            .copied()
            .zip(lines.into_iter().map(str::to_owned));
        Ok(Some(leaves.collect()))
    }
}
