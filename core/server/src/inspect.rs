//! What the server holds: for tests, the ledger, and the office.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use data_encoding::BASE64;
use serde::Serialize;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, OpId, UserId};
use waymark_domain::ranges::Ranges;
use waymark_domain::record::{Kind, RecordKey};
use waymark_domain::scope::{Digest, Scope};
use waymark_domain::time::UnixMs;
use waymark_protocol::lines::write_line;
use waymark_protocol::outcome::Outcome;

use crate::access::scopes_of;
use crate::error::Result;
use crate::server::Server;
use crate::storage::{
    Alarm, AuditRow, DeviceRecord, HistoryRow, OpRow, RecordRow, Storage, UserRow, View,
};

/// How many operations of a device had which outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All.
    pub stored: u64,
    /// Done as asked.
    pub applied: u64,
    /// Done, where they met other changes.
    pub merged: u64,
    /// Before a person.
    pub review: u64,
    /// Refused.
    pub rejected: u64,
    /// Kept as bytes.
    pub vaulted: u64,
}

/// A line of the ledger: an operation as it arrived, with what became of it.
#[derive(Debug, Clone, Serialize)]
struct LedgerLine<'a> {
    op: OpId,
    sha: Hash,
    device: DeviceId,
    user: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    at_ms: UnixMs,
    outcome: &'a Outcome,
    /// The exact bytes, base64; empty once erased.
    bytes: String,
    /// When and why they were emptied.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<serde_json::Value>,
}

impl<S: Storage> Server<S> {
    /// All operations, in the order of their arrival.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn ops(&self) -> Result<Vec<OpRow>> {
        self.storage.read(|view| {
            let mut rows = Vec::new();
            view.ops(&mut |row| {
                rows.push(row);
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(rows)
        })
    }

    /// All records of a kind, by id.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn records(&self, kind: &Kind) -> Result<Vec<RecordRow>> {
        self.storage.read(|view| {
            let mut rows = Vec::new();
            view.records(kind, &mut |row| {
                rows.push(row);
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(rows)
        })
    }

    /// What a record went through, revision by revision.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn history(&self, key: &RecordKey) -> Result<Vec<HistoryRow>> {
        self.storage.read(|view| view.history(key))
    }

    /// What every scope holds, as a digest.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn digests(&self) -> Result<BTreeMap<Scope, Digest>> {
        self.storage.read(|view| {
            let heads = view.scope_heads()?.into_iter();
            Ok(heads.map(|(scope, head)| (scope, head.digest)).collect())
        })
    }

    /// The same, counted anew from the records of each scope.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn recount(&self) -> Result<BTreeMap<Scope, Digest>> {
        self.storage.read(|view| {
            let heads = view.scope_heads()?.into_iter();
            heads
                .map(|(scope, _)| {
                    let digest = recount(view, &scope)?;
                    Ok((scope, digest))
                })
                .collect()
        })
    }

    /// The scopes that a user sees now.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn scopes_of(&self, user: UserId) -> Result<Vec<Scope>> {
        self.storage.read(|view| match view.user(user)? {
            Some(row) => scopes_of(view, &row),
            None => Ok(Vec::new()),
        })
    }

    /// The last place taken in the order.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn head_seq(&self) -> Result<u64> {
        self.storage.read(|view| view.head_seq())
    }

    /// All people.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn users(&self) -> Result<Vec<UserRow>> {
        self.storage.read(|view| view.users())
    }

    /// All devices, with their keys and the last heads that they signed.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn device_records(&self) -> Result<Vec<DeviceRecord>> {
        self.storage.read(|view| view.devices())
    }

    /// A device's counts that are here.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn have(&self, device: DeviceId) -> Result<Ranges> {
        let row = self.storage.read(|view| view.device(device))?;
        Ok(row.map(|row| row.have).unwrap_or_default())
    }

    /// All alarms, the oldest first.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn alarms(&self) -> Result<Vec<Alarm>> {
        self.storage.read(|view| view.alarms())
    }

    /// What admins and the operator did, the oldest first.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn audit_trail(&self) -> Result<Vec<AuditRow>> {
        self.storage.read(|view| view.audit())
    }

    /// What became of each device's operations.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn counts(&self) -> Result<BTreeMap<DeviceId, Counts>> {
        self.storage.read(|view| {
            let mut counts: BTreeMap<DeviceId, Counts> = BTreeMap::new();
            view.ops(&mut |row| {
                counts.entry(row.device).or_default().add(&row.outcome);
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(counts)
        })
    }

    /// Every operation with its bytes and its outcome, one JSON line each, in the order of their arrival.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn export_ledger(&self) -> Result<Vec<u8>> {
        self.storage.read(|view| {
            let mut ledger = Vec::new();
            view.ops(&mut |row| {
                let line = LedgerLine {
                    op: row.op,
                    sha: row.sha,
                    device: row.device,
                    user: row.user,
                    n: row.n,
                    at_ms: row.at_ms,
                    outcome: &row.outcome,
                    bytes: BASE64.encode(&row.bytes),
                    erased: row
                        .erased
                        .map(|why| serde_json::from_str(&why).unwrap_or(why.into())),
                };
                write_line(&mut ledger, &line)?;
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(ledger)
        })
    }
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        self.stored += 1;
        *match outcome {
            Outcome::Applied { .. } => &mut self.applied,
            Outcome::Merged { .. } => &mut self.merged,
            Outcome::Review { .. } => &mut self.review,
            Outcome::Vaulted => &mut self.vaulted,
            // the other two are never stored
            Outcome::Rejected { .. } | Outcome::Deferred { .. } | Outcome::Retry { .. } => {
                &mut self.rejected
            }
        } += 1;
    }
}

fn recount(view: &dyn View, scope: &Scope) -> Result<Digest> {
    let mut digest = Digest::default();
    view.content(scope, None, &mut |change| {
        if let Some((rev, _)) = change.record {
            digest.add(&change.key.kind, change.key.id, rev);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(digest)
}
