//! What must hold when everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use serde_json::Value;
use uuid::Uuid;

use crate::oracle::{Checked, Oracle, broken, scope_of, text};

use super::{Copies, World};

impl World {
    /// The end: everything is where it belongs.
    pub(super) fn check_everything(&mut self) -> Checked {
        self.read_log()?;
        let revoked = self.oracle.revoked.clone();
        self.oracle.settled(&|device| revoked.contains(&device))?;
        self.check_server()?;
        self.check_alarms()?;
        self.check_positions()?;
        for at in 0..self.devices.len() {
            self.check_ledger(at)?;
            if revoked.contains(&at) {
                self.check_nothing_lost(at)?;
                continue;
            }
            self.check_copy(at)?;
            self.check_outcomes(at)?;
        }
        for at in 0..self.devices.len() {
            if let Some(store) = self.devices[at].close() {
                check_store(at, &store)?;
            }
        }
        Ok(())
    }

    /// The server's records are what its log makes them.
    pub(super) fn check_server(&mut self) -> Checked {
        let server = self.host.server();
        let records = self.server_records();
        for ((kind, id), (rev, body)) in &records {
            if kind == "member" {
                continue;
            }
            match self.oracle.records.get(&(kind.clone(), id.clone())) {
                Some(made) if made.rev == *rev && made.body == *body => {}
                made => {
                    return broken(
                        "model",
                        format!("{kind} {id} is {rev} {body:?}, and should be {made:?}"),
                    );
                }
            }
        }
        let facts = records.keys().filter(|(kind, _)| kind != "member").count();
        if facts != self.oracle.records.len() {
            return broken(
                "model",
                format!("{facts} records, {} made", self.oracle.records.len()),
            );
        }
        let (kept, counted) = (
            server.digests().expect("digests"),
            server.recount().expect("recount"),
        );
        if kept != counted {
            return broken("digests", format!("server keeps {kept:?}, has {counted:?}"));
        }
        Ok(())
    }

    /// The server's second look at each check-in and each piece of a track agrees with the device's.
    fn check_alarms(&self) -> Checked {
        let alarms = self.host.server().alarms().expect("alarms");
        let disputes = ["verdict_differs", "bad_statement", "outside_shift"];
        match alarms
            .iter()
            .find(|alarm| disputes.contains(&alarm.code.as_str()))
        {
            Some(alarm) => broken("second look", format!("{alarm:?}")),
            None => Ok(()),
        }
    }

    /// Every position that a device said it had kept is in exactly one piece of a track.
    fn check_positions(&self) -> Checked {
        for (at, device) in self.devices.iter().enumerate() {
            let mine = self.oracle.promises.values();
            let mine = mine.filter(|promise| promise.device == at);
            let pieces = mine.filter_map(|promise| {
                let op: Value = serde_json::from_slice(&promise.bytes).ok()?;
                op["set"]["fixes"][1].as_u64()
            });
            let (least, most) = device.positions;
            let found: u64 = pieces.sum();
            if !(least..=most).contains(&found) {
                return broken(
                    "positions",
                    format!("d{at} kept {least} to {most} and has {found} in its track"),
                );
            }
        }
        Ok(())
    }

    pub(super) fn server_records(&self) -> Copies {
        records(
            self.database.look(),
            "SELECT kind, id, rev, body FROM record",
        )
    }

    /// I8: the device's copy is the server's, row by row and in its digests, and so is what its user reads.
    pub(super) fn check_copy(&mut self, at: usize) -> Checked {
        let device = &self.devices[at];
        let person = &self.oracle.people[device.person].user;
        let scopes = self.oracle.scopes(person);
        let mut expected = self.server_records();
        expected.retain(|(kind, _), (_, body)| scopes.contains(&scope_of(kind, body)));
        let base = records(
            device.database.look(),
            "SELECT kind, id, rev, body FROM base",
        );
        if let Some(difference) = differ(&expected, &base) {
            return broken("diverged", format!("d{at} base: {difference}"));
        }
        let mut shown = BTreeMap::new();
        for (kind, view) in [
            ("customer", "view_customer"),
            ("visit", "view_visit"),
            ("check_in", "view_check_in"),
            ("note", "view_note"),
            ("shift", "view_shift"),
            ("track_segment", "view_track_segment"),
            ("member", "view_member"),
        ] {
            let sql = format!("SELECT '{kind}', id, rev, body FROM {view}");
            shown.extend(records(device.database.look(), &sql));
        }
        if let Some(difference) = differ(&expected, &shown) {
            return broken("diverged", format!("d{at} views: {difference}"));
        }
        let server = self.host.server();
        let theirs = server.digests().expect("digests");
        let mut statement = device
            .database
            .look()
            .prepare("SELECT scope, digest FROM scope_state")
            .expect("digests");
        let mut rows = statement.query([]).expect("digests");
        while let Some(row) = rows.next().expect("digests") {
            let (scope, digest): (String, String) =
                (row.get(0).expect("scope"), row.get(1).expect("digest"));
            let scope = waymark_domain::scope::Scope::from_wire(scope);
            let their = theirs.get(&scope).copied().unwrap_or_default().to_text();
            if their != digest {
                return broken(
                    "diverged",
                    format!("d{at} {scope}: {digest}, server {their}"),
                );
            }
        }
        Ok(())
    }

    /// I14: the device says of each of its operations what the server says, and shows what needs a person.
    pub(super) fn check_outcomes(&mut self, at: usize) -> Checked {
        let look = self.devices[at].database.look();
        let mut told = BTreeMap::new();
        let mut statement = look
            .prepare("SELECT op_id, outcome FROM history")
            .expect("history");
        let mut rows = statement.query([]).expect("history");
        while let Some(row) = rows.next().expect("history") {
            let outcome: String = row.get(1).expect("outcome");
            let outcome: Value = serde_json::from_str(&outcome).unwrap_or_default();
            told.insert(uuid(row.get(0).expect("op")), outcome);
        }
        let mut statement = look
            .prepare("SELECT op_id FROM attention")
            .expect("attention");
        let listed: BTreeSet<String> = statement
            .query_map([], |row| row.get(0).map(uuid))
            .expect("attention")
            .map(|row| row.expect("attention"))
            .collect();
        let mine = self
            .oracle
            .promises
            .iter()
            .filter(|(_, promise)| promise.device == at);
        for (op, promise) in mine {
            let said = &self.oracle.log[op].outcome;
            let needs = matches!(text(said, "is").as_str(), "review" | "rejected" | "vaulted");
            if told.get(op) != Some(said) {
                let n = promise.n;
                return broken(
                    "attention",
                    format!(
                        "d{at} n {n} {op}: told {:?}, server says {said}",
                        told.get(op)
                    ),
                );
            }
            if needs != listed.contains(op) {
                return broken(
                    "attention",
                    format!("d{at} {op}: {said}, listed: {}", !needs),
                );
            }
        }
        Ok(())
    }

    /// What a device that was shut out could not send is still on it.
    pub(super) fn check_nothing_lost(&self, at: usize) -> Checked {
        let look = self.devices[at].database.look();
        let kept: BTreeSet<String> = {
            let mut statement = look
                .prepare("SELECT op_id FROM outbox UNION ALL SELECT op_id FROM history")
                .expect("outbox");
            let rows = statement
                .query_map([], |row| row.get(0).map(uuid))
                .expect("outbox");
            rows.map(|row| row.expect("outbox")).collect()
        };
        let mut mine = self
            .oracle
            .promises
            .iter()
            .filter(|(_, promise)| promise.device == at);
        match mine.find(|(op, _)| !kept.contains(*op)) {
            Some((op, _)) => broken("lost", format!("d{at} is shut out and has lost {op}")),
            None => Ok(()),
        }
    }
}

impl Oracle {
    pub(super) fn clone_people(&self, people: &[crate::oracle::Person]) -> Self {
        Self {
            people: people.to_vec(),
            ..Self::default()
        }
    }
}

pub(super) fn check_store(at: usize, store: &waymark_store::Store) -> Checked {
    let report = store.check().expect("a check");
    if report.is_clean() {
        return Ok(());
    }
    broken("check", format!("d{at}: {report:?}"))
}

pub(super) fn differ(expected: &Copies, found: &Copies) -> Option<String> {
    if expected == found {
        return None;
    }
    let keys: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let key = keys
        .into_iter()
        .find(|key| expected.get(*key) != found.get(*key))?;
    Some(format!(
        "{key:?}: server {:?}, device {:?}",
        expected.get(key),
        found.get(key)
    ))
}

pub(super) fn records(look: &Connection, sql: &str) -> Copies {
    let mut statement = look.prepare(sql).expect("records");
    let rows = statement.query_map([], |row| {
        let body: String = row.get(3)?;
        let rev: i64 = row.get(2)?;
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        let key = (row.get(0)?, uuid(row.get(1)?));
        let body = body.as_object().cloned().unwrap_or_default();
        Ok((key, (u64::try_from(rev).unwrap_or(0), body)))
    });
    rows.expect("records")
        .map(|row| row.expect("a record"))
        .collect()
}

pub(crate) fn number(look: &Connection, sql: &str) -> i64 {
    let mut statement = look.prepare_cached(sql).expect("a query");
    statement.query_row([], |row| row.get(0)).expect("a number")
}

pub(super) fn texts(look: &Connection, sql: &str) -> BTreeSet<String> {
    let mut statement = look.prepare_cached(sql).expect("a query");
    let rows = statement.query_map([], |row| row.get(0)).expect("texts");
    rows.map(|row| row.expect("a text")).collect()
}

pub(crate) fn uuid(bytes: [u8; 16]) -> String {
    Uuid::from_bytes(bytes).to_string()
}
