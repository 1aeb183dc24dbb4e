//! The account at the end: every operation, on both sides.

use std::collections::BTreeSet;

use serde::Serialize;
use waymark_client::{Lang, WaymarkError};
use waymark_domain::hash::Hash;
use waymark_domain::ids::DeviceId;
use waymark_domain::ranges::Ranges;
use waymark_server::Server;
use waymark_server::inspect::Counts;
use waymark_server::storage::OpRow;
use waymark_server::storage::sqlite::SqliteStorage;

use super::cast::Person;
use crate::failure::{Outcome, Own};
use crate::width::Table;
use crate::words::demo as words;

/// What a device says, and what the server says of it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DeviceLine {
    name: &'static str,
    device: DeviceId,
    // the device's own account
    pub(super) created: u64,
    acknowledged: u64,
    pending: u64,
    needs_attention: u64,
    balanced: bool,
    /// The device's database checked its file, its digests, its views and its account anew.
    sound: bool,
    // the server's account
    #[serde(flatten)]
    counts: Counts,
    /// Operations that are there more than once, by id or by count.
    duplicates: u64,
    /// Operations that the device made and the server does not have.
    missing: u64,
    /// Every operation names the hash of the one before, and the last one is the device's last: the same operations byte for byte.
    chain_equal: bool,
    scopes: Vec<ScopeLine>,
}

/// One scope, on both sides.
#[derive(Debug, Clone, Serialize)]
struct ScopeLine {
    scope: String,
    device: String,
    /// Counted anew from the server's records.
    server: String,
    equal: bool,
}

/// The account.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ledger {
    pub(super) devices: Vec<DeviceLine>,
    /// Things that somebody who runs the server should look at.
    alarms: usize,
}

/// Draws up the account. Closes the devices' databases.
pub(super) fn draw_up(
    people: &mut [&mut Person],
    server: &Server<SqliteStorage>,
    lang: Lang,
) -> Outcome<Ledger> {
    let ops = server.ops()?;
    let counts = server.counts()?;
    let recount = server.recount()?;
    let mut devices = Vec::new();
    for person in people.iter_mut() {
        let name = person.name;
        let waymark = person.waymark()?;
        let (me, status) = (waymark.me()?, waymark.status()?);
        let store = person.close().and_then(waymark_client::Waymark::into_store);
        let store = store.ok_or_else(|| Own::Demo(words::still_open(lang, name)))?;
        let held = store
            .read(|reader| reader.digests())
            .map_err(WaymarkError::from)?;
        let state = store.sync_state().map_err(WaymarkError::from)?;
        let check = store.check().map_err(WaymarkError::from)?;
        let mine: Vec<&OpRow> = ops.iter().filter(|row| row.device == me.device).collect();
        let have = server.have(me.device)?;
        let seen = server.scopes_of(me.user)?;
        let scopes: BTreeSet<_> = held.keys().chain(&seen).cloned().collect();
        let scopes = scopes.into_iter().map(|scope| {
            let server = recount.get(&scope).copied().unwrap_or_default().to_text();
            let device = held
                .get(&scope)
                .cloned()
                .unwrap_or_else(|| waymark_domain::scope::Digest::default().to_text());
            let equal = device == server && seen.contains(&scope);
            ScopeLine {
                scope: scope.to_string(),
                device,
                server,
                equal,
            }
        });
        devices.push(DeviceLine {
            name,
            device: me.device,
            created: status.created,
            acknowledged: status.acknowledged,
            pending: status.pending,
            needs_attention: status.needs_attention,
            balanced: status.balanced,
            sound: check.is_clean(),
            counts: counts.get(&me.device).copied().unwrap_or_default(),
            duplicates: duplicates(&mine),
            missing: have.gaps(status.created.max(have.last())).count()
                + status.created.saturating_sub(mine.len() as u64),
            chain_equal: state.n_last == status.created && chain(&mine, &have) == Some(state.head),
            scopes: scopes.collect(),
        });
    }
    Ok(Ledger {
        devices,
        alarms: server.alarms()?.len(),
    })
}

fn duplicates(ops: &[&OpRow]) -> u64 {
    let ids: BTreeSet<_> = ops.iter().map(|row| row.op).collect();
    let counts: BTreeSet<_> = ops.iter().map(|row| row.n).collect();
    (ops.len() - ids.len().min(counts.len())) as u64
}

/// The head of a chain of operations that is whole; `None` when a link is missing, wrong, or its bytes do not give its hash.
fn chain(ops: &[&OpRow], have: &Ranges) -> Option<Hash> {
    let mut ops = ops.to_vec();
    ops.sort_by_key(|row| row.n);
    let whole =
        ops.iter().all(|row| Hash::of(&row.bytes) == row.sha) && have.last() == ops.len() as u64;
    ops.iter()
        .try_fold(Hash::ZERO, |before, row| {
            (row.prev == Some(before)).then_some(row.sha)
        })
        .filter(|_| whole)
}

impl DeviceLine {
    /// What does not add up, as names of fields.
    fn wrong(&self) -> Vec<&'static str> {
        let checks = [
            ("balanced", self.balanced),
            ("pending", self.pending == 0),
            ("needs_attention", self.needs_attention == 0),
            ("sound", self.sound),
            ("stored", self.counts.stored == self.created),
            ("duplicates", self.duplicates == 0),
            ("missing", self.missing == 0),
            ("chain_equal", self.chain_equal),
            (
                "scopes",
                !self.scopes.is_empty() && self.scopes.iter().all(|scope| scope.equal),
            ),
        ];
        checks
            .into_iter()
            .filter(|(_, right)| !right)
            .map(|(name, _)| name)
            .collect()
    }
}

impl Ledger {
    /// What does not add up; nothing when all does.
    pub(super) fn wrong(&self) -> Vec<String> {
        let mut wrong: Vec<String> = Vec::new();
        for device in &self.devices {
            wrong.extend(
                device
                    .wrong()
                    .into_iter()
                    .map(|what| format!("{}: {what}", device.name)),
            );
        }
        if self.alarms > 0 {
            wrong.push(format!("alarms: {}", self.alarms));
        }
        wrong
    }

    /// The account as tables.
    pub(super) fn text(&self, lang: Lang) -> String {
        let yes = |right: bool| {
            if right {
                words::yes(lang)
            } else {
                words::no(lang)
            }
        };
        let mut device = Table::new([
            words::col_device(lang),
            words::col_created(lang),
            words::col_acknowledged(lang),
            words::col_pending(lang),
            words::col_attention(lang),
            words::col_balanced(lang),
            words::col_sound(lang),
        ]);
        let mut server = Table::new([
            words::col_of(lang),
            words::col_stored(lang),
            words::col_applied(lang),
            words::col_merged(lang),
            words::col_review(lang),
            words::col_rejected(lang),
            words::col_duplicates(lang),
            words::col_missing(lang),
            words::col_chain(lang),
        ]);
        let mut scopes = Table::new([
            words::col_copy(lang),
            words::col_scopes(lang),
            words::col_records(lang),
            words::col_digests(lang),
        ]);
        for line in &self.devices {
            let number = |count: u64| count.to_string();
            device.row([
                line.name.to_owned(),
                number(line.created),
                number(line.acknowledged),
                number(line.pending),
                number(line.needs_attention),
                yes(line.balanced),
                yes(line.sound),
            ]);
            let counts = line.counts;
            server.row([
                line.name.to_owned(),
                number(counts.stored),
                number(counts.applied),
                number(counts.merged),
                number(counts.review),
                number(counts.rejected + counts.vaulted),
                number(line.duplicates),
                number(line.missing),
                yes(line.chain_equal),
            ]);
            let records = line
                .scopes
                .iter()
                .filter_map(|scope| scope.device.split_once(':')?.0.parse::<u64>().ok())
                .sum();
            let equal = line.scopes.iter().all(|scope| scope.equal);
            scopes.row([
                line.name.to_owned(),
                line.scopes.len().to_string(),
                number(records),
                yes(equal),
            ]);
        }
        let parts = [
            words::on_devices(lang),
            device.render(),
            words::on_server(lang),
            server.render(),
            words::copies(lang),
            scopes.render(),
        ];
        parts.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use waymark_domain::ids::{OpId, UserId, uuid_v7};
    use waymark_protocol::outcome::Outcome as ServerOutcome;

    use super::*;

    /// A chain of operations as a server holds it.
    fn ops(count: u8) -> Vec<OpRow> {
        let mut prev = Hash::ZERO;
        let rows = (1..=count).map(|n| {
            let bytes = vec![n];
            let row = OpRow {
                op: OpId::from_uuid(uuid_v7(0, [n; 10])),
                sha: Hash::of(&bytes),
                prev: Some(prev),
                device: DeviceId::from_uuid(uuid_v7(0, [0; 10])),
                user: UserId::from_uuid(uuid_v7(0, [0; 10])),
                n: Some(u64::from(n)),
                key: None,
                at_ms: 0,
                outcome: ServerOutcome::Vaulted,
                bytes,
                erased: None,
            };
            prev = row.sha;
            row
        });
        rows.collect()
    }

    fn have(rows: &[OpRow]) -> Ranges {
        let mut have = Ranges::default();
        rows.iter()
            .filter_map(|row| row.n)
            .for_each(|n| have.insert(n));
        have
    }

    fn head(rows: &[OpRow]) -> Option<Hash> {
        chain(&rows.iter().collect::<Vec<_>>(), &have(rows))
    }

    #[test]
    fn a_whole_chain_has_a_head_in_whatever_order_it_came() {
        let mut rows = ops(4);
        let last = rows[3].sha;
        rows.reverse();
        assert_eq!(head(&rows), Some(last));
        assert_eq!(head(&[]), Some(Hash::ZERO));
    }

    #[test]
    fn a_chain_with_a_link_missing_changed_or_exchanged_has_none() {
        for lost in 0..3 {
            let mut rows = ops(4);
            rows.remove(lost);
            assert_eq!(head(&rows), None, "{lost}");
        }
        let mut changed = ops(4);
        changed[2].bytes.push(0);
        assert_eq!(head(&changed), None);
        let mut exchanged = ops(4);
        exchanged[2].prev = Some(Hash::ZERO);
        assert_eq!(head(&exchanged), None);
    }

    #[test]
    fn an_operation_that_is_there_twice_is_counted() {
        let mut rows = ops(3);
        assert_eq!(duplicates(&rows.iter().collect::<Vec<_>>()), 0);
        rows.push(OpRow {
            n: Some(9),
            ..rows[0].clone()
        });
        assert_eq!(
            duplicates(&rows.iter().collect::<Vec<_>>()),
            1,
            "the same id"
        );
        rows.pop();
        rows.push(OpRow {
            op: OpId::from_uuid(uuid_v7(0, [9; 10])),
            ..rows[0].clone()
        });
        assert_eq!(
            duplicates(&rows.iter().collect::<Vec<_>>()),
            1,
            "the same count"
        );
    }

    #[test]
    fn whatever_does_not_add_up_is_named() {
        let right = DeviceLine {
            name: "Anna",
            device: DeviceId::from_uuid(uuid_v7(0, [0; 10])),
            created: 2,
            acknowledged: 2,
            pending: 0,
            needs_attention: 0,
            balanced: true,
            sound: true,
            counts: Counts {
                stored: 2,
                applied: 2,
                ..Counts::default()
            },
            duplicates: 0,
            missing: 0,
            chain_equal: true,
            scopes: vec![ScopeLine {
                scope: "a".into(),
                device: "0:0".into(),
                server: "0:0".into(),
                equal: true,
            }],
        };
        assert_eq!(right.wrong(), Vec::<&str>::new());
        let unequal = ScopeLine {
            equal: false,
            ..right.scopes[0].clone()
        };
        let wrong = DeviceLine {
            missing: 1,
            duplicates: 1,
            pending: 1,
            scopes: vec![unequal],
            ..right.clone()
        };
        assert_eq!(
            wrong.wrong(),
            ["pending", "duplicates", "missing", "scopes"]
        );
        let stored = DeviceLine {
            created: 3,
            ..right.clone()
        };
        let ledger = Ledger {
            devices: vec![right, stored],
            alarms: 1,
        };
        assert_eq!(ledger.wrong(), ["Anna: stored", "alarms: 1"]);
    }
}
