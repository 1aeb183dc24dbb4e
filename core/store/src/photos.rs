//! Slots of the camera, and the files of photos. The bytes are the caller's business; what is known of them is kept here.

use rusqlite::{Connection, OptionalExtension as _, Row};
use uuid::Uuid;
use waymark_domain::hash::Hash;
use waymark_domain::ids::PhotoId;
use waymark_domain::time::{Reading, UnixMs};

use crate::commit::{Committed, Unit, commit_in};
use crate::error::StoreError;
use crate::reader::Reader;
use crate::sql::{self, Columns, queries};
use crate::store::Store;

/// A slot of the camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The slot; also the photo, once it is saved.
    pub id: PhotoId,
    /// Its file, relative to the folder of photos.
    pub path: String,
    /// How far it has come.
    pub state: CaptureState,
    /// Bytes that were held free for it.
    pub reserved: u64,
    /// When it was opened, by the device's wall clock.
    pub begun_ms: UnixMs,
    /// The hash of the picture in it, once that is on its way to its place.
    pub sha256: Option<Hash>,
    /// What it is for, as the caller's JSON; absent when nobody knows.
    pub purpose: Option<String>,
}

/// How far a slot has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureState {
    /// The camera may write into it.
    Open,
    /// A start found nothing in it. What comes into it later is found by the next one.
    Closed,
    /// A file that no slot was written for.
    Found,
}

/// A file of a photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRow {
    /// The hash of its bytes.
    pub sha256: Hash,
    /// How many there are.
    pub len: u64,
    /// Their media type.
    pub mime: String,
    /// Where, relative to the folder of photos.
    pub path: String,
    /// What it is to its record.
    pub role: String,
    /// What is known of the file.
    pub state: BlobState,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobState {
    /// It is here, and nowhere else as far as is known.
    Local,
    /// It is not there any more.
    Missing,
    /// Its bytes do not give the hash any more.
    Altered,
}

impl CaptureState {
    const ALL: [Self; 3] = [Self::Open, Self::Closed, Self::Found];

    const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Found => "found",
        }
    }
}

impl BlobState {
    const ALL: [Self; 3] = [Self::Local, Self::Missing, Self::Altered];

    const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Missing => "missing",
            Self::Altered => "altered",
        }
    }
}

queries! {
    BEGIN = "
        INSERT INTO capture (id, path, state, reserved, begun_ms, sha256, purpose) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT DO NOTHING";
    MOVE = "UPDATE capture SET sha256 = ?2 WHERE id = ?1";
    STATE = "UPDATE capture SET state = ?2 WHERE id = ?1";
    END = "DELETE FROM capture WHERE id = ?1";
    CAPTURE = "SELECT id, path, state, reserved, begun_ms, sha256, purpose FROM capture WHERE id = ?1";
    CAPTURES = "SELECT id, path, state, reserved, begun_ms, sha256, purpose FROM capture ORDER BY begun_ms, id";
    KEEP = "
        INSERT INTO blob (sha256, len, mime, path, role, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (sha256) DO UPDATE SET state = excluded.state, path = excluded.path";
    MARK = "UPDATE blob SET state = ?2 WHERE sha256 = ?1";
    BLOB = "SELECT sha256, len, mime, path, role, state FROM blob WHERE sha256 = ?1";
    BLOBS = "SELECT sha256, len, mime, path, role, state FROM blob ORDER BY sha256";
}

impl Store {
    /// Writes down that the camera is about to open. `false` when the slot is here already; it stays as it is.
    ///
    /// # Errors
    /// As every write.
    pub fn begin_capture(&self, capture: &Capture) -> Result<bool, StoreError> {
        self.write(|tx| begin(tx, capture))
    }

    /// Writes down which picture of a slot is about to be moved to its place, so that it is found there should the process die in between.
    ///
    /// # Errors
    /// As every write.
    pub fn move_capture(&self, id: PhotoId, sha256: Hash) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.prepare_cached(MOVE)?
                .execute((sql::rec(id.into()), sha256.as_bytes()))?;
            Ok(())
        })
    }

    /// Changes the state of a slot.
    ///
    /// # Errors
    /// As every write.
    pub fn set_capture_state(&self, id: PhotoId, state: CaptureState) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.prepare_cached(STATE)?
                .execute((sql::rec(id.into()), state.name()))?;
            Ok(())
        })
    }

    /// Forgets a slot.
    ///
    /// # Errors
    /// As every write.
    pub fn end_capture(&self, id: PhotoId) -> Result<(), StoreError> {
        self.write(|tx| end(tx, id))
    }

    /// [`Store::commit`] of the photo of a slot: its operations and the rows of its files are saved, and the slot is gone, in one transaction.
    ///
    /// # Errors
    /// As there.
    pub fn commit_capture(
        &self,
        id: PhotoId,
        units: Vec<Unit>,
        files: &[BlobRow],
        reading: Reading,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Result<Vec<Committed>, StoreError> {
        self.write(|tx| {
            let committed = commit_in(tx, units, reading, new_id)?;
            keep(tx, files)?;
            end(tx, id)?;
            Ok(committed)
        })
    }

    /// Takes files over that are here although nothing was known of them.
    ///
    /// # Errors
    /// As every write.
    pub fn keep_blobs(&self, files: &[BlobRow]) -> Result<(), StoreError> {
        self.write(|tx| keep(tx, files))
    }

    /// Writes down what was found of a file.
    ///
    /// # Errors
    /// As every write.
    pub fn mark_blob(&self, sha256: Hash, state: BlobState) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.prepare_cached(MARK)?
                .execute((sha256.as_bytes(), state.name()))?;
            Ok(())
        })
    }
}

pub(crate) fn begin(tx: &Connection, capture: &Capture) -> Result<bool, StoreError> {
    let rows = tx.prepare_cached(BEGIN)?.execute((
        sql::rec(capture.id.into()),
        &capture.path,
        capture.state.name(),
        sql::int(capture.reserved),
        capture.begun_ms,
        capture.sha256.map(|sha256| *sha256.as_bytes()),
        &capture.purpose,
    ))?;
    Ok(rows > 0)
}

pub(crate) fn keep(tx: &Connection, files: &[BlobRow]) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(KEEP)?;
    for file in files {
        statement.execute((
            file.sha256.as_bytes(),
            sql::int(file.len),
            &file.mime,
            &file.path,
            &file.role,
            file.state.name(),
        ))?;
    }
    Ok(())
}

fn end(tx: &Connection, id: PhotoId) -> Result<(), StoreError> {
    tx.prepare_cached(END)?.execute([sql::rec(id.into())])?;
    Ok(())
}

/// The value whose name stands in a column; one of a later version reads as the first.
fn named<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, text: &str, or: T) -> T {
    let found = all.iter().copied().find(|value| name(*value) == text);
    found.unwrap_or(or)
}

pub(crate) fn capture_row(row: &Row<'_>) -> rusqlite::Result<Capture> {
    let state: String = row.get(2)?;
    let sha256: Option<[u8; 32]> = row.get(5)?;
    Ok(Capture {
        id: row.rec(0)?.into(),
        path: row.get(1)?,
        state: named(
            &CaptureState::ALL,
            CaptureState::name,
            &state,
            CaptureState::Open,
        ),
        reserved: row.count(3)?,
        begun_ms: row.get(4)?,
        sha256: sha256.and_then(|bytes| Hash::from_slice(&bytes)),
        purpose: row.get(6)?,
    })
}

pub(crate) fn blob_row(row: &Row<'_>) -> rusqlite::Result<BlobRow> {
    let state: String = row.get(5)?;
    Ok(BlobRow {
        sha256: row.hash(0)?,
        len: row.count(1)?,
        mime: row.get(2)?,
        path: row.get(3)?,
        role: row.get(4)?,
        state: named(&BlobState::ALL, BlobState::name, &state, BlobState::Local),
    })
}

impl Reader<'_> {
    /// A slot.
    ///
    /// # Errors
    /// As every read.
    pub fn capture(&self, id: PhotoId) -> Result<Option<Capture>, StoreError> {
        let mut statement = self.conn.prepare_cached(CAPTURE)?;
        let found = statement.query_row([sql::rec(id.into())], capture_row);
        Ok(found.optional()?)
    }

    /// Every slot that no photo came of yet, the oldest first.
    ///
    /// # Errors
    /// As every read.
    pub fn captures(&self) -> Result<Vec<Capture>, StoreError> {
        let mut statement = self.conn.prepare_cached(CAPTURES)?;
        let rows = statement.query_map([], capture_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What is known of a file here; `None` when it never was on this phone.
    ///
    /// # Errors
    /// As every read.
    pub fn blob(&self, sha256: Hash) -> Result<Option<BlobRow>, StoreError> {
        let mut statement = self.conn.prepare_cached(BLOB)?;
        let found = statement.query_row([sha256.as_bytes()], blob_row);
        Ok(found.optional()?)
    }

    /// Every file of a photo that is here, or should be.
    ///
    /// # Errors
    /// As every read.
    pub fn blobs(&self) -> Result<Vec<BlobRow>, StoreError> {
        let mut statement = self.conn.prepare_cached(BLOBS)?;
        let rows = statement.query_map([], blob_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
