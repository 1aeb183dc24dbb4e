//! What proves this device's work to others: its operations in the order of its chain, and the server's receipts.

use rusqlite::{Connection, OptionalExtension as _};
use waymark_domain::hash::Hash;
use waymark_domain::time::UnixMs;

use crate::error::StoreError;
use crate::meta;
use crate::reader::Reader;
use crate::sql::{self, Columns, queries};

/// A receipt of the server's, verified by whoever brings it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// The device's count that it is for.
    pub n: u64,
    /// The server's clock.
    pub at_ms: UnixMs,
    /// Whether the server had every operation up to it.
    pub complete: bool,
    /// The receipt, a compact JWS.
    pub jws: String,
}

/// An operation of this device's chain, answered or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainRow {
    /// Its count.
    pub n: u64,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// Their hash, as it was when the operation was sealed.
    pub sha: Hash,
}

queries! {
    KEEP = "INSERT OR IGNORE INTO receipt (n, at_ms, complete, jws) VALUES (?1, ?2, ?3, ?4)";
    NEWEST = "SELECT n, complete FROM receipt ORDER BY n DESC, at_ms DESC LIMIT 1";
    RECEIPTS = "SELECT n, at_ms, complete, jws FROM receipt WHERE n BETWEEN ?1 AND ?2 ORDER BY n, at_ms";
    BEFORE = "SELECT n, at_ms, complete, jws FROM receipt WHERE n < ?1 ORDER BY n DESC, at_ms DESC LIMIT 1";
    FROM = "SELECT min(n) FROM receipt WHERE n >= ?1";
    FORGET = "DELETE FROM receipt";
    // a receipt matters as long as an operation at or before its count is here; the newest one stays for what comes next
    PRUNE = "
        DELETE FROM receipt
        WHERE n < (SELECT max(n) FROM receipt)
          AND n < min(ifnull((SELECT min(n) FROM history WHERE n IS NOT NULL), 9223372036854775807),
                      ifnull((SELECT min(n) FROM outbox), 9223372036854775807))";
    ANSWERED_CHAIN = "SELECT n, bytes, sha FROM history WHERE n > ?1 AND n <= ?2 ORDER BY n LIMIT ?3";
    WAITING_CHAIN = "SELECT n, bytes, sha FROM outbox WHERE n > ?1 AND n <= ?2 ORDER BY n LIMIT ?3";
    ANSWERED_DOWN = "SELECT n FROM history WHERE n <= ?1 ORDER BY n DESC";
    WAITING_DOWN = "SELECT n FROM outbox WHERE n <= ?1 ORDER BY n DESC";
}

/// Keeps a receipt; the same one again makes no difference.
pub(crate) fn keep(tx: &Connection, receipt: &ReceiptRow) -> Result<(), StoreError> {
    tx.prepare_cached(KEEP)?.execute((
        sql::int(receipt.n),
        receipt.at_ms,
        receipt.complete,
        &receipt.jws,
    ))?;
    Ok(())
}

/// The newest receipt: its count, and whether it is of everything up to it.
pub(crate) fn newest(conn: &Connection) -> Result<Option<(u64, bool)>, StoreError> {
    let newest = conn
        .prepare_cached(NEWEST)?
        .query_row([], |row| Ok((row.count(0)?, row.get(1)?)))
        .optional()?;
    Ok(newest)
}

/// Drops the receipts that no operation here needs, but never the newest.
pub(crate) fn prune(tx: &Connection) -> Result<(), StoreError> {
    tx.execute(PRUNE, [])?;
    Ok(())
}

/// Drops all receipts: they are of the device identity before this one.
pub(crate) fn forget(tx: &Connection) -> Result<(), StoreError> {
    tx.execute(FORGET, [])?;
    Ok(())
}

fn receipt(row: &rusqlite::Row<'_>) -> rusqlite::Result<ReceiptRow> {
    Ok(ReceiptRow {
        n: row.count(0)?,
        at_ms: row.get(1)?,
        complete: row.get(2)?,
        jws: row.get(3)?,
    })
}

impl Reader<'_> {
    /// The count of the newest operation of this device; 0 before the first.
    ///
    /// # Errors
    /// As every read.
    pub fn chain_end(&self) -> Result<u64, StoreError> {
        Ok(meta::chain(self.conn)?.head_n)
    }

    /// The newest operation of this device: its count and the hash of its bytes; 0 and zeros before the first.
    ///
    /// # Errors
    /// As every read.
    pub fn chain_head(&self) -> Result<(u64, Hash), StoreError> {
        let chain = meta::chain(self.conn)?;
        Ok((chain.head_n, chain.head))
    }

    /// The newest receipt of the server.
    ///
    /// # Errors
    /// As every read.
    pub fn newest_receipt(&self) -> Result<Option<ReceiptRow>, StoreError> {
        self.receipt_before(i64::MAX.unsigned_abs())
    }

    /// The lowest count from which every operation up to `end` is here; `None` when `end` itself is not.
    ///
    /// # Errors
    /// As every read.
    pub fn chain_begin(&self, end: u64) -> Result<Option<u64>, StoreError> {
        let mut answered = self.conn.prepare_cached(ANSWERED_DOWN)?;
        let mut answered = answered.query([sql::int(end)])?;
        let mut waiting = self.conn.prepare_cached(WAITING_DOWN)?;
        let mut waiting = waiting.query([sql::int(end)])?;
        let next = |rows: &mut rusqlite::Rows<'_>| -> Result<Option<u64>, StoreError> {
            Ok(rows.next()?.map(|row| row.count(0)).transpose()?)
        };
        let mut tops = (next(&mut answered)?, next(&mut waiting)?);
        let (mut begin, mut wanted) = (None, end);
        while wanted > 0 {
            if tops.0 == Some(wanted) {
                tops.0 = next(&mut answered)?;
            } else if tops.1 == Some(wanted) {
                tops.1 = next(&mut waiting)?;
            } else {
                break;
            }
            begin = Some(wanted);
            wanted -= 1;
        }
        Ok(begin)
    }

    /// Up to `limit` operations of the chain with counts over `after` and up to `end`, in order, answered or not.
    ///
    /// # Errors
    /// As every read.
    pub fn chain(&self, after: u64, end: u64, limit: u32) -> Result<Vec<ChainRow>, StoreError> {
        let mut rows = Vec::new();
        for sql in [ANSWERED_CHAIN, WAITING_CHAIN] {
            let mut statement = self.conn.prepare_cached(sql)?;
            let found = statement.query_map((sql::int(after), sql::int(end), limit), |row| {
                Ok(ChainRow {
                    n: row.count(0)?,
                    bytes: row.get(1)?,
                    sha: row.hash(2)?,
                })
            })?;
            for row in found {
                rows.push(row?);
            }
        }
        rows.sort_by_key(|row| row.n);
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(rows)
    }

    /// The receipts for counts from `from` to `to`, in order.
    ///
    /// # Errors
    /// As every read.
    pub fn receipts(&self, from: u64, to: u64) -> Result<Vec<ReceiptRow>, StoreError> {
        let mut statement = self.conn.prepare_cached(RECEIPTS)?;
        let rows = statement.query_map((sql::int(from), sql::int(to)), receipt)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The newest receipt for a count below `n`.
    ///
    /// # Errors
    /// As every read.
    pub fn receipt_before(&self, n: u64) -> Result<Option<ReceiptRow>, StoreError> {
        let mut statement = self.conn.prepare_cached(BEFORE)?;
        Ok(statement.query_row([sql::int(n)], receipt).optional()?)
    }

    /// The lowest count at or after `n` that a receipt is for.
    ///
    /// # Errors
    /// As every read.
    pub fn receipted_from(&self, n: u64) -> Result<Option<u64>, StoreError> {
        let mut statement = self.conn.prepare_cached(FROM)?;
        let found: Option<i64> = statement.query_row([sql::int(n)], |row| row.get(0))?;
        Ok(found.and_then(|n| u64::try_from(n).ok()))
    }
}
