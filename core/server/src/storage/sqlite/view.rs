//! Reading.

use rusqlite::{Row, params};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, Epoch, OpId, RecordId, TenantId, UserId};
use waymark_domain::merge::Stored;
use waymark_domain::record::{Kind, RecordKey};
use waymark_domain::scope::{Digest, Scope};
use waymark_domain::time::UnixMs;
use waymark_protocol::proof::PublicKey;

use super::sql::{
    Sql, get, hash, id, json, key, kind, maybe_hash, maybe_id, maybe_uint, role, uint,
};
use super::tx::int_or_max;
use crate::error::{Error, Result};
use crate::storage::{
    Alarm, AuditRow, Change, DeviceRecord, DueOp, Entry, HeadEvidence, HistoryRow, HoldRow,
    Identity, InviteRow, Link, OpRow, RecordRow, ScopeHead, StatementRow, UserRow, View, Visit,
};

const OP: &str =
    "SELECT op, sha, prev, device, user, n, kind, id, at_ms, outcome, bytes, erased FROM op";
const DEVICE: &str = "SELECT device, user, key, name, app, enrolled_ms, seen_ms, revoked, have, head_n, head, head_sig FROM device";
const LINK: &str = "SELECT op, n, sha, prev, at_ms FROM op";
const STATEMENT: &str = "SELECT device, n, at_ms, head, sig, ops, complete, epoch FROM statement";

impl View for Sql<'_> {
    fn identity(&self) -> Result<Option<Identity>> {
        self.one(
            "SELECT tenant, company, epoch, key, tickets FROM identity",
            [],
            |row| {
                Ok(Identity {
                    tenant: id(row, 0, TenantId::from_uuid)?,
                    company: get(row, 1)?,
                    epoch: id(row, 2, Epoch::from_uuid)?,
                    key: get(row, 3)?,
                    tickets: get(row, 4)?,
                })
            },
        )
    }

    fn head_seq(&self) -> Result<u64> {
        let seq = self.one("SELECT seq FROM feed", [], |row| uint(row, 0))?;
        seq.ok_or_else(|| Error::corrupt("the feed"))
    }

    fn op(&self, op: OpId) -> Result<Option<OpRow>> {
        let sql = format!("{OP} WHERE op = ?1");
        self.one(&sql, [op.as_uuid().into_bytes()], op_row)
    }

    fn links_around(&self, device: DeviceId, n: u64) -> Result<Vec<Link>> {
        let (from, to) = (n.saturating_sub(1), n.saturating_add(1));
        self.all(
            &format!("{LINK} WHERE device = ?1 AND n BETWEEN ?2 AND ?3"),
            between(device, from, to),
            link,
        )
    }

    fn links(&self, device: DeviceId, from: u64, to: u64) -> Result<Vec<Link>> {
        self.all(
            &format!("{LINK} WHERE device = ?1 AND n BETWEEN ?2 AND ?3 ORDER BY n, arrival"),
            between(device, from, to),
            link,
        )
    }

    fn statement(&self, device: DeviceId, n: u64) -> Result<Option<StatementRow>> {
        self.one(
            &format!("{STATEMENT} WHERE device = ?1 AND n = ?2 ORDER BY at_ms DESC LIMIT 1"),
            params![device.as_uuid().into_bytes(), int_or_max(n)],
            statement_row,
        )
    }

    fn statements(&self, device: DeviceId, from: u64, to: u64) -> Result<Vec<StatementRow>> {
        self.all(
            &format!("{STATEMENT} WHERE device = ?1 AND n BETWEEN ?2 AND ?3 ORDER BY n, at_ms"),
            between(device, from, to),
            statement_row,
        )
    }

    fn ops(&self, visit: Visit<'_, OpRow>) -> Result<()> {
        self.each(&format!("{OP} ORDER BY arrival"), [], op_row, visit)
    }

    fn op_count(&self, device: DeviceId) -> Result<u64> {
        let count = self.one(
            "SELECT count(*) FROM op WHERE device = ?1",
            [device.as_uuid().into_bytes()],
            |row| uint(row, 0),
        )?;
        Ok(count.unwrap_or(0))
    }

    fn record(&self, key: &RecordKey) -> Result<Option<Stored>> {
        self.one(
            "SELECT rev, body FROM record WHERE kind = ?1 AND id = ?2",
            params![key.kind.as_str(), key.id.as_uuid().into_bytes()],
            |row| {
                Ok(Stored {
                    rev: uint(row, 0)?,
                    body: json(row, 1)?,
                })
            },
        )
    }

    fn has_record(&self, key: &RecordKey) -> Result<bool> {
        let found = self.one(
            "SELECT 1 FROM record WHERE kind = ?1 AND id = ?2",
            params![key.kind.as_str(), key.id.as_uuid().into_bytes()],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    fn records(&self, kind: &Kind, visit: Visit<'_, RecordRow>) -> Result<()> {
        self.each(
            "SELECT id, rev, body FROM record WHERE kind = ?1 ORDER BY id",
            [kind.as_str()],
            |row| {
                Ok(RecordRow {
                    id: id(row, 0, RecordId::from_uuid)?,
                    rev: uint(row, 1)?,
                    body: json(row, 2)?,
                })
            },
            visit,
        )
    }

    fn history(&self, of: &RecordKey) -> Result<Vec<HistoryRow>> {
        self.all(
            "SELECT kind, id, rev, seq, op, at_ms, body FROM history WHERE kind = ?1 AND id = ?2 ORDER BY rev",
            params![of.kind.as_str(), of.id.as_uuid().into_bytes()],
            |row| {
                Ok(HistoryRow {
                    key: key(row, 0)?,
                    rev: uint(row, 2)?,
                    seq: uint(row, 3)?,
                    op: maybe_id(row, 4, OpId::from_uuid)?,
                    at_ms: get(row, 5)?,
                    body: json(row, 6)?,
                })
            },
        )
    }

    fn entries_of(&self, key: &RecordKey) -> Result<Vec<Entry>> {
        self.all(
            "SELECT scope, seq, present FROM scope_entry WHERE kind = ?1 AND id = ?2 ORDER BY scope",
            params![key.kind.as_str(), key.id.as_uuid().into_bytes()],
            |row| {
                Ok(Entry {
                    scope: Scope::from_wire(get(row, 0)?),
                    seq: uint(row, 1)?,
                    present: get(row, 2)?,
                })
            },
        )
    }

    fn scope_head(&self, scope: &Scope) -> Result<ScopeHead> {
        let head = self.one(
            "SELECT seq, digest FROM scope_head WHERE scope = ?1",
            [scope.as_str()],
            |row| scope_head(row, 0),
        )?;
        Ok(head.unwrap_or_default())
    }

    fn scope_heads(&self) -> Result<Vec<(Scope, ScopeHead)>> {
        self.all(
            "SELECT scope, seq, digest FROM scope_head ORDER BY scope",
            [],
            |row| Ok((Scope::from_wire(get(row, 0)?), scope_head(row, 1)?)),
        )
    }

    fn changes(&self, scope: &Scope, after: u64, visit: Visit<'_, Change>) -> Result<()> {
        self.each(
            "SELECT e.seq, e.kind, e.id, r.rev, r.body FROM scope_entry e
             LEFT JOIN record r ON e.present AND r.kind = e.kind AND r.id = e.id
             WHERE e.scope = ?1 AND e.seq > ?2 ORDER BY e.seq",
            params![scope.as_str(), int_or_max(after)],
            change,
            visit,
        )
    }

    fn content(
        &self,
        scope: &Scope,
        after: Option<&RecordKey>,
        visit: Visit<'_, Change>,
    ) -> Result<()> {
        let (kind, id) = after.map_or(("", [0; 16]), |key| {
            (key.kind.as_str(), key.id.as_uuid().into_bytes())
        });
        self.each(
            "SELECT e.seq, e.kind, e.id, r.rev, r.body FROM scope_entry e
             JOIN record r ON r.kind = e.kind AND r.id = e.id
             WHERE e.scope = ?1 AND (e.kind, e.id) > (?2, ?3) AND e.present ORDER BY e.kind, e.id",
            params![scope.as_str(), kind, id],
            change,
            visit,
        )
    }

    fn user(&self, user: UserId) -> Result<Option<UserRow>> {
        self.one(
            "SELECT user, name, role, team, active FROM user WHERE user = ?1",
            [user.as_uuid().into_bytes()],
            user_row,
        )
    }

    fn users(&self) -> Result<Vec<UserRow>> {
        self.all(
            "SELECT user, name, role, team, active FROM user ORDER BY user",
            [],
            user_row,
        )
    }

    fn former_scopes(&self, user: UserId) -> Result<Vec<Scope>> {
        self.all(
            "SELECT scope FROM former_scope WHERE user = ?1 ORDER BY scope",
            [user.as_uuid().into_bytes()],
            |row| Ok(Scope::from_wire(get(row, 0)?)),
        )
    }

    fn device(&self, device: DeviceId) -> Result<Option<DeviceRecord>> {
        let sql = format!("{DEVICE} WHERE device = ?1");
        self.one(&sql, [device.as_uuid().into_bytes()], device_row)
    }

    fn devices(&self) -> Result<Vec<DeviceRecord>> {
        self.all(&format!("{DEVICE} ORDER BY device"), [], device_row)
    }

    fn invite(&self, code: Hash) -> Result<Option<InviteRow>> {
        self.one(
            "SELECT code, user, until_ms, used_key, device FROM invite WHERE code = ?1",
            [*code.as_bytes()],
            |row| {
                let used_key: Option<String> = get(row, 3)?;
                let device = maybe_id(row, 4, DeviceId::from_uuid)?;
                Ok(InviteRow {
                    code: hash(row, 0)?,
                    user: id(row, 1, UserId::from_uuid)?,
                    until_ms: get(row, 2)?,
                    used: used_key.map(PublicKey::from_text).zip(device),
                })
            },
        )
    }

    fn due_ops(&self, kind: &Kind, cut: UnixMs, limit: usize) -> Result<Vec<DueOp>> {
        self.all(
            "SELECT op, id FROM op WHERE kind = ?1 AND at_ms < ?2 AND erased IS NULL AND id IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM hold WHERE hold.user = op.user) ORDER BY at_ms LIMIT ?3",
            params![kind.as_str(), cut, i64::try_from(limit).unwrap_or(i64::MAX)],
            |row| {
                Ok(DueOp {
                    op: id(row, 0, OpId::from_uuid)?,
                    key: RecordKey {
                        kind: kind.clone(),
                        id: id(row, 1, RecordId::from_uuid)?,
                    },
                })
            },
        )
    }

    fn holds(&self) -> Result<Vec<HoldRow>> {
        self.all("SELECT user, at_ms, why FROM hold", [], |row| {
            Ok(HoldRow {
                user: id(row, 0, UserId::from_uuid)?,
                at_ms: get(row, 1)?,
                why: get(row, 2)?,
            })
        })
    }

    fn alarms(&self) -> Result<Vec<Alarm>> {
        self.all(
            "SELECT code, device, op, detail, first_ms, last_ms, times FROM alarm ORDER BY alarm",
            [],
            |row| {
                Ok(Alarm {
                    code: get(row, 0)?,
                    device: maybe_id(row, 1, DeviceId::from_uuid)?,
                    op: maybe_id(row, 2, OpId::from_uuid)?,
                    detail: get(row, 3)?,
                    first_ms: get(row, 4)?,
                    last_ms: get(row, 5)?,
                    times: uint(row, 6)?,
                })
            },
        )
    }

    fn audit(&self) -> Result<Vec<AuditRow>> {
        self.all(
            "SELECT at_ms, by, what, about FROM audit ORDER BY entry",
            [],
            |row| {
                Ok(AuditRow {
                    at_ms: get(row, 0)?,
                    by: maybe_id(row, 1, UserId::from_uuid)?,
                    what: get(row, 2)?,
                    about: get(row, 3)?,
                })
            },
        )
    }
}

fn between(device: DeviceId, from: u64, to: u64) -> ([u8; 16], i64, i64) {
    let device = device.as_uuid().into_bytes();
    (device, int_or_max(from), int_or_max(to))
}

fn link(row: &Row<'_>) -> Result<Link> {
    Ok(Link {
        op: id(row, 0, OpId::from_uuid)?,
        n: uint(row, 1)?,
        sha: hash(row, 2)?,
        prev: maybe_hash(row, 3)?,
        at_ms: get(row, 4)?,
    })
}

fn statement_row(row: &Row<'_>) -> Result<StatementRow> {
    Ok(StatementRow {
        device: id(row, 0, DeviceId::from_uuid)?,
        head: HeadEvidence {
            n: uint(row, 1)?,
            head: hash(row, 3)?,
            sig: json(row, 4)?,
        },
        at_ms: get(row, 2)?,
        ops: uint(row, 5)?,
        complete: get(row, 6)?,
        epoch: id(row, 7, Epoch::from_uuid)?,
    })
}

fn op_row(row: &Row<'_>) -> Result<OpRow> {
    let kind: Option<String> = get(row, 6)?;
    let record = maybe_id(row, 7, RecordId::from_uuid)?;
    Ok(OpRow {
        op: id(row, 0, OpId::from_uuid)?,
        sha: hash(row, 1)?,
        prev: maybe_hash(row, 2)?,
        device: id(row, 3, DeviceId::from_uuid)?,
        user: id(row, 4, UserId::from_uuid)?,
        n: maybe_uint(row, 5)?,
        key: kind
            .map(Kind::from_wire)
            .zip(record)
            .map(|(kind, id)| RecordKey { kind, id }),
        at_ms: get(row, 8)?,
        outcome: json(row, 9)?,
        bytes: get(row, 10)?,
        erased: get(row, 11)?,
    })
}

fn change(row: &Row<'_>) -> Result<Change> {
    Ok(Change {
        seq: uint(row, 0)?,
        key: RecordKey {
            kind: kind(row, 1)?,
            id: id(row, 2, RecordId::from_uuid)?,
        },
        record: maybe_uint(row, 3)?.zip(get(row, 4)?),
    })
}

fn scope_head(row: &Row<'_>, column: usize) -> Result<ScopeHead> {
    let digest: String = get(row, column + 1)?;
    Ok(ScopeHead {
        seq: uint(row, column)?,
        digest: Digest::from_text(&digest).ok_or_else(|| Error::corrupt("a digest"))?,
    })
}

fn user_row(row: &Row<'_>) -> Result<UserRow> {
    Ok(UserRow {
        user: id(row, 0, UserId::from_uuid)?,
        name: get(row, 1)?,
        role: role(row, 2)?,
        team: get(row, 3)?,
        active: get(row, 4)?,
    })
}

fn device_row(row: &Row<'_>) -> Result<DeviceRecord> {
    let head = match maybe_uint(row, 9)?.zip(maybe_hash(row, 10)?) {
        Some((n, head)) => Some(HeadEvidence {
            n,
            head,
            sig: json(row, 11)?,
        }),
        None => None,
    };
    Ok(DeviceRecord {
        device: id(row, 0, DeviceId::from_uuid)?,
        user: id(row, 1, UserId::from_uuid)?,
        key: PublicKey::from_text(get(row, 2)?),
        name: get(row, 3)?,
        app: get(row, 4)?,
        enrolled_ms: get(row, 5)?,
        seen_ms: get(row, 6)?,
        revoked: get(row, 7)?,
        have: json(row, 8)?,
        head,
    })
}
