//! The views: one table per kind, with the columns that screens ask by.
//!
//! Every view table has `id`, `rev`, `pending`, `deleted` and `body`; the rest is its own. A new kind brings a file here and a line in
//! [`VIEWS`].

pub(crate) mod check_in;
pub(crate) mod customer;
pub(crate) mod gap_note;
pub(crate) mod location_access;
pub(crate) mod member;
pub(crate) mod note;
pub(crate) mod photo;
pub(crate) mod policy;
pub(crate) mod shift;
pub(crate) mod sos;
pub(crate) mod track_root;
pub(crate) mod track_segment;
pub(crate) mod visit;

use rusqlite::{Connection, OptionalExtension};
use waymark_domain::ids::RecordId;
use waymark_domain::record::{Body, Kind, SyncRecord};

use crate::error::StoreError;
use crate::sql::{self, Columns};

/// Every view.
pub(crate) static VIEWS: &[&dyn View] = &[
    &member::Members,
    &customer::Customers,
    &visit::Visits,
    &check_in::CheckIns,
    &note::Notes,
    &policy::Policies,
    &shift::Shifts,
    &track_segment::TrackSegments,
    &location_access::LocationAccesses,
    &track_root::TrackRoots,
    &gap_note::GapNotes,
    &sos::SosCalls,
    &photo::Photos,
];

/// The view of a kind; `None` for a kind that this version does not know.
pub(crate) fn of(kind: &Kind) -> Option<&'static dyn View> {
    VIEWS.iter().copied().find(|view| view.kind() == *kind)
}

/// What is written for one record.
pub(crate) struct ViewRow<'a> {
    pub(crate) id: RecordId,
    /// The server's revision, as far as this device knows of it.
    pub(crate) rev: u64,
    /// Operations of this device that the server has not answered for good.
    pub(crate) pending: u64,
    pub(crate) body: &'a Body,
}

/// One kind's view.
pub(crate) trait View: Sync {
    /// The kind.
    fn kind(&self) -> Kind;
    /// The table and its indexes.
    fn ddl(&self) -> &'static str;
    /// The statements that every view has.
    fn common(&self) -> &'static Common;
    /// Whether the body reads as the kind, so that it can be shown.
    fn reads(&self, body: &Body) -> bool;
    /// Writes one record's row. `false` when the body does not read as the kind.
    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError>;
}

/// Statements that differ between views by the table's name alone.
pub(crate) struct Common {
    pub(crate) get: &'static str,
    pub(crate) exists: &'static str,
    pub(crate) remove: &'static str,
    pub(crate) export: &'static str,
    pub(crate) counts: &'static str,
    pub(crate) keys: &'static str,
    pub(crate) by_part: &'static str,
}

impl Common {
    /// All of them, for the plan test.
    #[cfg(test)]
    pub(crate) const fn all(&self) -> [(&'static str, &'static str); 7] {
        [
            ("get", self.get),
            ("exists", self.exists),
            ("remove", self.remove),
            ("export", self.export),
            ("counts", self.counts),
            ("keys", self.keys),
            ("by_part", self.by_part),
        ]
    }
}

/// [`Common`] for a table.
macro_rules! common {
    ($table:literal) => {
        $crate::views::Common {
            get: concat!(
                "SELECT rev, pending, deleted, body FROM ",
                $table,
                " WHERE id = ?1"
            ),
            exists: concat!("SELECT 1 FROM ", $table, " WHERE id = ?1"),
            remove: concat!("DELETE FROM ", $table, " WHERE id = ?1"),
            export: concat!(
                "SELECT id, rev, pending, body FROM ",
                $table,
                " WHERE id > ?1 ORDER BY id LIMIT ?2"
            ),
            keys: concat!("SELECT ?1, id FROM ", $table),
            by_part: concat!(
                "SELECT id FROM ",
                $table,
                " WHERE instr(lower(hex(id)), ?1) AND deleted = 0 ORDER BY id LIMIT ?2"
            ),
            counts: concat!(
                "SELECT count(*), coalesce(sum(pending > 0), 0), coalesce(sum(deleted), 0) FROM ",
                $table
            ),
        }
    };
}
pub(crate) use common;

/// A record in a view.
pub(crate) struct Current {
    pub(crate) rev: u64,
    pub(crate) pending: u64,
    pub(crate) deleted: bool,
    pub(crate) body: Body,
}

/// A record as the view has it.
pub(crate) fn get(
    conn: &Connection,
    view: &dyn View,
    id: RecordId,
) -> Result<Option<Current>, StoreError> {
    let found = conn
        .prepare_cached(view.common().get)?
        .query_row([sql::rec(id)], |row| {
            Ok((
                row.count(0)?,
                row.count(1)?,
                row.get(2)?,
                row.get::<_, String>(3)?,
            ))
        })
        .optional()?;
    found
        .map(|(rev, pending, deleted, body)| {
            Ok(Current {
                rev,
                pending,
                deleted,
                body: sql::body_of(&body)?,
            })
        })
        .transpose()
}

/// Whether the view has a record.
pub(crate) fn exists(conn: &Connection, view: &dyn View, id: RecordId) -> Result<bool, StoreError> {
    Ok(conn
        .prepare_cached(view.common().exists)?
        .exists([sql::rec(id)])?)
}

/// Takes a record out of its view.
pub(crate) fn remove(conn: &Connection, view: &dyn View, id: RecordId) -> Result<(), StoreError> {
    conn.prepare_cached(view.common().remove)?
        .execute([sql::rec(id)])?;
    Ok(())
}

/// The body as its type; `None` when it does not read, as one of a much later version might not.
pub(crate) fn typed<R: SyncRecord>(body: &Body) -> Option<R> {
    waymark_domain::record::read(body).ok()
}
