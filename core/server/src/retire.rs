//! Letting go: positions are emptied when their period is over, wherever the server has them.
//!
//! A record keeps what is no position, and says that and why it was emptied. Its former revisions and the bytes of its operations go as well;
//! an operation's hash and its place in the device's chain stay, so the chain still proves that nothing is missing. Devices empty theirs by
//! the same change, which comes to them like any other.

use chrono::DateTime;
use serde_json::json;
use waymark_domain::ids::UserId;
use waymark_domain::merge::Stored;
use waymark_domain::record::{Kind, RecordKey, rules};
use waymark_domain::retention::{self, ERASED, Rule};
use waymark_domain::time::UnixMs;
use waymark_protocol::error::ApiCode;

use crate::commit;
use crate::error::{Error, Result};
use crate::server::{Server, note};
use crate::storage::{DueOp, HoldRow, Storage, Tx};

/// Operations that one transaction empties: others want to write as well.
const BATCH: usize = 200;

/// What a run has emptied.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Retired {
    /// Records, by kind.
    pub records: Vec<(Kind, u64)>,
    /// Operations whose bytes went, those that had been refused among them.
    pub ops: u64,
    /// Users on hold, of whom nothing was emptied.
    pub held: u64,
}

impl<S: Storage> Server<S> {
    /// Empties what is due at `now`, by `rules`. Interrupted at any point it goes on at the next run.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn retire_by(&self, rules: &[Rule], now: UnixMs) -> Result<Retired> {
        let mut retired = Retired::default();
        for rule in rules {
            let mut records = 0;
            loop {
                let (kind, cut) = (rule.kind.clone(), rule.cut(now));
                let (ops, emptied) = self
                    .storage
                    .write(move |tx| empty_batch(tx, &kind, cut, now))?;
                records += emptied;
                retired.ops += ops;
                if ops == 0 {
                    break;
                }
            }
            retired.records.push((rule.kind.clone(), records));
        }
        retired.held = self
            .storage
            .read(|view| Ok(u64::try_from(view.holds()?.len()).unwrap_or(u64::MAX)))?;
        if retired.ops > 0 {
            let parts = retired.records.iter();
            let parts: Vec<String> = parts
                .map(|(kind, count)| format!("{kind} {count}"))
                .collect();
            let about = format!("{}, operations {}", parts.join(", "), retired.ops);
            self.storage
                .write(move |tx| note(tx, now, None, "retire", about))?;
        }
        Ok(retired)
    }

    /// Empties what is due at `now` by [`retention::defaults`].
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn retire(&self, now: UnixMs) -> Result<Retired> {
        self.retire_by(&retention::defaults(), now)
    }

    /// The same now, by the server's own clock.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn retire_now(&self) -> Result<Retired> {
        self.retire(self.now_ms())
    }

    /// Puts a user on hold, as a court or a works council may ask: nothing of the user is emptied until the hold ends. `None` ends it.
    ///
    /// # Errors
    /// [`ApiCode::NotFound`], [`ApiCode::Malformed`] for an empty reason.
    pub fn set_hold(&self, user: UserId, why: Option<String>) -> Result<()> {
        let now = self.now_ms();
        if why.as_ref().is_some_and(|why| why.trim().is_empty()) {
            return Err(Error::api(ApiCode::Malformed, "why"));
        }
        self.storage.write(move |tx| {
            if tx.user(user)?.is_none() {
                return Err(Error::api(ApiCode::NotFound, "user"));
            }
            let what = if why.is_some() { "hold" } else { "release" };
            tx.put_hold(
                user,
                why.map(|why| HoldRow {
                    user,
                    at_ms: now,
                    why,
                })
                .as_ref(),
            )?;
            note(tx, now, None, what, user.to_string())
        })
    }

    /// Who is on hold.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn holds(&self) -> Result<Vec<HoldRow>> {
        self.storage.read(|view| view.holds())
    }
}

/// Empties a few operations of a kind and the records that they are about. Gives how many of each.
fn empty_batch(tx: &mut dyn Tx, kind: &Kind, cut: UnixMs, now: UnixMs) -> Result<(u64, u64)> {
    let due = tx.due_ops(kind, cut, BATCH)?;
    let mut records = 0;
    for DueOp { op, key } in &due {
        if empty_record(tx, key, now)? {
            records += 1;
        }
        let why = json!({ "at_ms": now, "why": "retention" }).to_string();
        tx.erase_op(*op, &why)?;
    }
    Ok((u64::try_from(due.len()).unwrap_or(u64::MAX), records))
}

fn empty_record(tx: &mut dyn Tx, key: &RecordKey, now: UnixMs) -> Result<bool> {
    let Some(stored) = tx.record(key)? else {
        return Ok(false);
    };
    if retention::is_erased(&stored.body) {
        return Ok(false);
    }
    let on = DateTime::from_timestamp_millis(now)
        .ok_or_else(|| Error::corrupt("the clock"))?
        .date_naive();
    let body = retention::erase(&key.kind, &stored.body, on);
    let body = body.ok_or_else(|| Error::corrupt("a kind that is kept"))?;
    let rules = rules(&key.kind).ok_or_else(|| Error::corrupt("a kind"))?;
    tx.erase_history(key, &json!({ ERASED: body.get(ERASED) }).to_string())?;
    write(tx, rules, key, &stored, body, now)?;
    Ok(true)
}

fn write(
    tx: &mut dyn Tx,
    rules: &dyn waymark_domain::record::KindRules,
    key: &RecordKey,
    stored: &Stored,
    body: waymark_domain::record::Body,
    now: UnixMs,
) -> Result<()> {
    let step = commit::write(tx, rules, key.clone(), Some(stored), body, None)?;
    let step = step.map_err(|refusal| Error::api(ApiCode::Malformed, refusal.to_string()))?;
    let seq = tx.take_seq(1)?;
    commit::publish(tx, step, seq, now)
}
