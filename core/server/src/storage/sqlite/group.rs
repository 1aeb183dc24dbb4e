//! Group commit: one `fsync` for everybody who waits for one.
//!
//! Callers queue their work and then ask for the writer. Whoever gets it does the work of all: one transaction, a savepoint per piece, one
//! commit. Nobody waits on purpose: the group is whoever came while the commit before was under way.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rusqlite::Connection;

use super::sql::Sql;
use crate::error::{Error, Result};
use crate::storage::Tx;

/// Most pieces of work in one commit: bounds how long the first of them waits for the last.
const MAX_GROUP: usize = 64;

/// A piece of work in the queue.
pub(super) trait Queued: Send {
    /// Does the work; whether it is to be kept.
    fn run(&mut self, tx: &mut dyn Tx) -> bool;

    /// Tells the one who waits, once it is known whether the commit stands.
    fn settle(self: Box<Self>, commit: std::result::Result<(), &str>);
}

/// A piece of work with the one who waits for it.
pub(super) struct Task<T, F> {
    job: Option<F>,
    result: Option<Result<T>>,
    reply: SyncSender<Result<T>>,
}

impl<T, F> Task<T, F> {
    pub(super) fn new(job: F) -> (Self, Receiver<Result<T>>) {
        let (reply, answer) = sync_channel(1);
        let task = Self {
            job: Some(job),
            result: None,
            reply,
        };
        (task, answer)
    }
}

impl<T: Send, F: FnOnce(&mut dyn Tx) -> Result<T> + Send> Queued for Task<T, F> {
    fn run(&mut self, tx: &mut dyn Tx) -> bool {
        self.result = self.job.take().map(|job| job(tx));
        matches!(self.result, Some(Ok(_)))
    }

    fn settle(self: Box<Self>, commit: std::result::Result<(), &str>) {
        let result = match (commit, self.result) {
            (_, Some(Err(error))) => Err(error),
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(Error::Storage("the work broke off".to_owned())),
            (Err(why), _) => Err(Error::Unavailable(why.to_owned())),
        };
        // nobody waits any more: the work stands all the same
        let _ = self.reply.send(result);
    }
}

/// The next group.
pub(super) fn take(queue: &mut VecDeque<Box<dyn Queued>>) -> Vec<Box<dyn Queued>> {
    let size = queue.len().min(MAX_GROUP);
    queue.drain(..size).collect()
}

/// Does the work of a group in one transaction, and tells everybody.
pub(super) fn commit(connection: &Connection, mut tasks: Vec<Box<dyn Queued>>) {
    let done = run_all(connection, &mut tasks).and_then(|keep| {
        connection.execute_batch(if keep { "COMMIT" } else { "ROLLBACK" })?;
        Ok(())
    });
    if done.is_err() && !connection.is_autocommit() {
        // nothing of it is kept; a rollback that fails leaves the next BEGIN to fail and to say so
        let _ = connection.execute_batch("ROLLBACK");
    }
    let why = done.err().map(|error| error.to_string());
    for task in tasks {
        task.settle(why.as_deref().map_or(Ok(()), Err));
    }
}

/// Whether there is anything to commit.
fn run_all(connection: &Connection, tasks: &mut [Box<dyn Queued>]) -> Result<bool> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    if let [alone] = tasks {
        // the transaction is its own: a savepoint would only copy every page twice
        return run(connection, alone);
    }
    for task in tasks {
        connection.execute_batch("SAVEPOINT task")?;
        connection.execute_batch(if run(connection, task)? {
            "RELEASE task"
        } else {
            "ROLLBACK TO task; RELEASE task"
        })?;
    }
    Ok(true)
}

/// Whether the work is to be kept. One caller's panic is that caller's alone.
fn run(connection: &Connection, task: &mut Box<dyn Queued>) -> Result<bool> {
    let mut tx = Sql(connection);
    let keep = catch_unwind(AssertUnwindSafe(|| task.run(&mut tx))).unwrap_or(false);
    if connection.is_autocommit() {
        return Err(Error::Unavailable(
            "the database undid the group".to_owned(),
        ));
    }
    Ok(keep)
}
