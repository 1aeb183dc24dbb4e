//! The store itself: what all the rest is called on.

use std::path::Path;

use rusqlite::Connection;

use crate::connections::{self, Connections};
use crate::error::StoreError;
use crate::open::{self, Opened};
use crate::reader::Reader;
use crate::schema;

/// What may be done with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everything.
    ReadWrite,
    /// The file is of a later version of the app: what waits in it can be sent, nothing can be written.
    PushOnly,
}

/// The store of one user of one company on this device.
pub struct Store {
    connections: Connections,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("mode", &self.mode())
            .finish_non_exhaustive()
    }
}

impl Store {
    pub(crate) const fn new(connections: Connections) -> Self {
        Self { connections }
    }

    /// Opens the file at `path`, and makes it when there is none.
    ///
    /// The schema is brought up to date, the views are rebuilt when their definition changed, and every operation that waits to be sent is
    /// checked against its hash. A damaged file is moved aside, never deleted, and what can be read of it is saved into a fresh one.
    ///
    /// # Errors
    /// [`StoreError::NotOurs`], [`StoreError::SqliteTooOld`], [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Busy`].
    pub fn open(path: &Path) -> Result<Opened, StoreError> {
        open::open(path)
    }

    /// Uses a connection of the caller's, as tests and the simulator do: in memory, or to a file that they manage.
    ///
    /// # Errors
    /// As [`Store::open`]; damage is [`StoreError::Corrupt`] and left to the caller.
    pub fn from_connection(conn: Connection) -> Result<Opened, StoreError> {
        open::from_connection(conn)
    }

    /// Gives the connection of [`Store::from_connection`] back; `None` for a store that opened its own.
    #[must_use]
    pub fn into_connection(self) -> Option<Connection> {
        self.connections.into_borrowed()
    }

    /// What may be done with the file.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.connections.mode()
    }

    /// Waits for the writer and the readers, moves the log into the file and closes it, so that the system may stop the process or lock the
    /// disk. Calls that follow give [`StoreError::Closed`] until [`Store::resume`].
    ///
    /// A borrowed connection stays open.
    ///
    /// # Errors
    /// What closing the log says; everything is closed all the same, and nothing is lost.
    pub fn suspend(&self) -> Result<(), StoreError> {
        self.connections.suspend()
    }

    /// Opens the file again after [`Store::suspend`].
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn resume(&self) -> Result<(), StoreError> {
        self.connections.resume()
    }

    /// Reads in one transaction: everything that `f` asks for is of the same moment.
    ///
    /// # Errors
    /// What `f` says, [`StoreError::Closed`].
    pub fn read<R>(
        &self,
        f: impl FnOnce(&Reader<'_>) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        self.connections
            .with_reader(|conn| connections::snapshot(conn, |conn| f(&Reader { conn })))
    }

    /// Writes in one transaction.
    pub(crate) fn write<R>(
        &self,
        f: impl FnOnce(&Connection) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        match self.mode() {
            Mode::ReadWrite => self
                .connections
                .with_writer(|conn| connections::immediate(conn, f)),
            Mode::PushOnly => Err(StoreError::NewerDatabase),
        }
    }

    /// The statements that make up the file, for `core/docs/schema.sql`.
    ///
    /// # Errors
    /// As every read.
    pub fn schema_sql(&self) -> Result<String, StoreError> {
        self.read(|reader| schema::text(reader.conn))
    }
}
