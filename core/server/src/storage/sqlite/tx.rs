//! Writing.

use rusqlite::params;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{OpId, UserId};
use waymark_domain::merge::Stored;
use waymark_domain::record::RecordKey;
use waymark_domain::scope::Scope;

use super::sql::{Sql, int, to_json, uint};
use crate::error::{Error, Result};
use crate::storage::{
    Alarm, AuditRow, DeviceRecord, Entry, HistoryRow, HoldRow, Identity, InviteRow, OpRow,
    ScopeHead, StatementRow, Tx, UserRow,
};

/// For comparisons: no stored count is larger than SQLite's largest integer.
pub(super) fn int_or_max(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Tx for Sql<'_> {
    fn lock(&mut self, _: &[RecordKey]) -> Result<()> {
        Ok(())
    }

    fn begin_nested(&mut self) -> Result<()> {
        Ok(self.0.execute_batch("SAVEPOINT part")?)
    }

    fn keep_nested(&mut self) -> Result<()> {
        Ok(self.0.execute_batch("RELEASE part")?)
    }

    fn undo_nested(&mut self) -> Result<()> {
        Ok(self.0.execute_batch("ROLLBACK TO part; RELEASE part")?)
    }

    fn put_identity(&mut self, identity: &Identity) -> Result<()> {
        self.run(
            "INSERT INTO identity (one, tenant, company, epoch, key, tickets) VALUES (1, ?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (one) DO UPDATE SET company = excluded.company, epoch = excluded.epoch",
            params![
                identity.tenant.as_uuid().into_bytes(),
                identity.company,
                identity.epoch.as_uuid().into_bytes(),
                identity.key,
                identity.tickets,
            ],
        )?;
        Ok(())
    }

    fn take_seq(&mut self, count: u64) -> Result<u64> {
        let first = self.one(
            "UPDATE feed SET seq = seq + ?1 RETURNING seq - ?1 + 1",
            [int(count)?],
            |row| uint(row, 0),
        )?;
        first.ok_or_else(|| Error::corrupt("the feed"))
    }

    fn put_op(&mut self, row: &OpRow) -> Result<()> {
        self.run(
            "INSERT INTO op (op, sha, prev, device, user, n, kind, id, at_ms, outcome, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (op) DO NOTHING",
            params![
                row.op.as_uuid().into_bytes(),
                row.sha.as_bytes(),
                row.prev.as_ref().map(Hash::as_bytes),
                row.device.as_uuid().into_bytes(),
                row.user.as_uuid().into_bytes(),
                row.n.map(int).transpose()?,
                row.key.as_ref().map(|key| key.kind.as_str()),
                row.key.as_ref().map(|key| key.id.as_uuid().into_bytes()),
                row.at_ms,
                to_json(&row.outcome)?,
                row.bytes,
            ],
        )?;
        Ok(())
    }

    fn put_record(&mut self, key: &RecordKey, stored: &Stored) -> Result<()> {
        self.run(
            "INSERT INTO record (kind, id, rev, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (kind, id) DO UPDATE SET rev = excluded.rev, body = excluded.body",
            params![
                key.kind.as_str(),
                key.id.as_uuid().into_bytes(),
                int(stored.rev)?,
                to_json(&stored.body)?
            ],
        )?;
        Ok(())
    }

    fn put_history(&mut self, row: &HistoryRow) -> Result<()> {
        self.run(
            "INSERT INTO history (kind, id, rev, seq, op, at_ms, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                row.key.kind.as_str(),
                row.key.id.as_uuid().into_bytes(),
                int(row.rev)?,
                int(row.seq)?,
                row.op.map(|op| op.as_uuid().into_bytes()),
                row.at_ms,
                to_json(&row.body)?,
            ],
        )?;
        Ok(())
    }

    fn put_entry(&mut self, key: &RecordKey, entry: &Entry) -> Result<()> {
        self.run(
            "INSERT INTO scope_entry (scope, kind, id, seq, present) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (scope, kind, id) DO UPDATE SET seq = excluded.seq, present = excluded.present",
            params![
                entry.scope.as_str(),
                key.kind.as_str(),
                key.id.as_uuid().into_bytes(),
                int(entry.seq)?,
                entry.present,
            ],
        )?;
        Ok(())
    }

    fn put_scope_head(&mut self, scope: &Scope, head: &ScopeHead) -> Result<()> {
        self.run(
            "INSERT INTO scope_head (scope, seq, digest) VALUES (?1, ?2, ?3)
             ON CONFLICT (scope) DO UPDATE SET seq = excluded.seq, digest = excluded.digest",
            params![scope.as_str(), int(head.seq)?, head.digest.to_text()],
        )?;
        Ok(())
    }

    fn put_user(&mut self, row: &UserRow) -> Result<()> {
        self.run(
            "INSERT INTO user (user, name, role, team, active) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (user) DO UPDATE SET name = excluded.name, role = excluded.role, team = excluded.team, active = excluded.active",
            params![row.user.as_uuid().into_bytes(), row.name, row.role.name(), row.team, row.active],
        )?;
        Ok(())
    }

    fn put_statement(&mut self, row: &StatementRow) -> Result<()> {
        self.run(
            "INSERT INTO statement (device, n, at_ms, head, sig, ops, complete, epoch)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
            params![
                row.device.as_uuid().into_bytes(),
                int(row.head.n)?,
                row.at_ms,
                row.head.head.as_bytes(),
                to_json(&row.head.sig)?,
                int(row.ops)?,
                row.complete,
                row.epoch.as_uuid().into_bytes(),
            ],
        )?;
        Ok(())
    }

    fn put_former_scope(&mut self, user: UserId, scope: &Scope) -> Result<()> {
        self.run(
            "INSERT INTO former_scope (user, scope) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![user.as_uuid().into_bytes(), scope.as_str()],
        )?;
        Ok(())
    }

    fn put_device(&mut self, row: &DeviceRecord) -> Result<()> {
        let head = row.head.as_ref();
        self.run(
            "INSERT INTO device (device, user, key, name, app, enrolled_ms, seen_ms, revoked, have, head_n, head, head_sig)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (device) DO UPDATE SET app = excluded.app, seen_ms = excluded.seen_ms, revoked = excluded.revoked,
               have = excluded.have, head_n = excluded.head_n, head = excluded.head, head_sig = excluded.head_sig",
            params![
                row.device.as_uuid().into_bytes(),
                row.user.as_uuid().into_bytes(),
                row.key.as_str(),
                row.name,
                row.app,
                row.enrolled_ms,
                row.seen_ms,
                row.revoked,
                to_json(&row.have)?,
                head.map(|head| int(head.n)).transpose()?,
                head.map(|head| head.head.as_bytes()),
                head.map(|head| to_json(&head.sig)).transpose()?,
            ],
        )?;
        Ok(())
    }

    fn put_invite(&mut self, row: &InviteRow) -> Result<()> {
        let used = row.used.as_ref();
        self.run(
            "INSERT INTO invite (code, user, until_ms, used_key, device) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (code) DO UPDATE SET used_key = excluded.used_key, device = excluded.device",
            params![
                row.code.as_bytes(),
                row.user.as_uuid().into_bytes(),
                row.until_ms,
                used.map(|(key, _)| key.as_str()),
                used.map(|(_, device)| device.as_uuid().into_bytes()),
            ],
        )?;
        Ok(())
    }

    fn raise(&mut self, alarm: &Alarm) -> Result<bool> {
        let times = self.one(
            "INSERT INTO alarm (code, device, op, detail, first_ms, last_ms, times) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)
             ON CONFLICT (code, ifnull(device, x''), ifnull(op, x''), detail)
             DO UPDATE SET last_ms = excluded.last_ms, times = times + 1 RETURNING times",
            params![
                alarm.code,
                alarm.device.map(|device| device.as_uuid().into_bytes()),
                alarm.op.map(|op| op.as_uuid().into_bytes()),
                alarm.detail,
                alarm.first_ms,
                alarm.last_ms,
            ],
            |row| uint(row, 0),
        )?;
        Ok(times == Some(1))
    }

    fn erase_op(&mut self, op: OpId, why: &str) -> Result<()> {
        self.run(
            "UPDATE op SET bytes = x'', erased = ?2 WHERE op = ?1",
            params![op.as_uuid().into_bytes(), why],
        )?;
        Ok(())
    }

    fn erase_history(&mut self, key: &RecordKey, body: &str) -> Result<()> {
        self.run(
            "UPDATE history SET body = ?3 WHERE kind = ?1 AND id = ?2",
            params![key.kind.as_str(), key.id.as_uuid().into_bytes(), body],
        )?;
        Ok(())
    }

    fn put_hold(&mut self, user: UserId, hold: Option<&HoldRow>) -> Result<()> {
        let user = user.as_uuid().into_bytes();
        match hold {
            Some(hold) => self.run(
                "INSERT INTO hold (user, at_ms, why) VALUES (?1, ?2, ?3)
                 ON CONFLICT (user) DO UPDATE SET at_ms = excluded.at_ms, why = excluded.why",
                params![user, hold.at_ms, hold.why],
            )?,
            None => self.run("DELETE FROM hold WHERE user = ?1", [user])?,
        };
        Ok(())
    }

    fn put_audit(&mut self, row: &AuditRow) -> Result<()> {
        self.run(
            "INSERT INTO audit (at_ms, by, what, about) VALUES (?1, ?2, ?3, ?4)",
            params![
                row.at_ms,
                row.by.map(|user| user.as_uuid().into_bytes()),
                row.what,
                row.about
            ],
        )?;
        Ok(())
    }
}
