//! What must be true, by a model that knows nothing of the code under test: the operations that devices promised to keep, the people and
//! what they may see, and the records as a tiny interpreter of the server's log makes them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::session::{self, Stepped};
use crate::storage::Poison;

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
}

/// What a check finds.
pub type Checked<T = ()> = Result<T, Violation>;

/// A violation.
///
/// # Errors
/// Always.
pub fn broken<T>(invariant: &'static str, what: impl Into<String>) -> Checked<T> {
    let what = what.into();
    Err(Violation { invariant, what })
}

/// An operation that a device promised to keep.
#[derive(Debug, Clone)]
pub struct Promise {
    /// The device, by its place in the world.
    pub device: usize,
    /// The device's count.
    pub n: u64,
    /// The exact bytes.
    pub bytes: Vec<u8>,
}

/// A person, as the office knows one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id.
    pub user: String,
    /// `rep` or `manager`.
    pub role: &'static str,
    /// The team.
    pub team: String,
}

/// A record, as the interpreter makes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Made {
    /// Operations that changed it.
    pub rev: u64,
    /// Its fields.
    pub body: Map<String, Value>,
}

/// A row of the server's log.
#[derive(Debug, Clone)]
pub struct Logged {
    /// The operation.
    pub op: String,
    /// Who brought it.
    pub user: String,
    /// The outcome.
    pub outcome: Value,
    /// The exact bytes.
    pub bytes: Vec<u8>,
}

/// The model.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    /// What devices promised, by operation.
    pub promises: BTreeMap<String, Promise>,
    /// The people, by place.
    pub people: Vec<Person>,
    /// Their devices that are shut out, by place.
    pub revoked: BTreeSet<usize>,
    /// The server's log as far as it was read.
    pub log: BTreeMap<String, Logged>,
    /// The last row read.
    pub arrival: i64,
    /// The records, by kind and id.
    pub records: BTreeMap<(String, String), Made>,
    /// Scopes that each person ever saw.
    pub once: BTreeMap<String, BTreeSet<String>>,
    /// How often which outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Operations that break the server.
    pub poison: Poison,
    /// Operations that a person has settled on the device.
    pub resolved: BTreeSet<String>,
    /// Whether the server lost a part of its log, so that work may arrive before what it refers to.
    pub restored: bool,
}

impl Oracle {
    /// The scopes that a person sees.
    #[must_use]
    pub fn scopes(&self, user: &str) -> BTreeSet<String> {
        let Some(me) = self.people.iter().find(|person| person.user == user) else {
            return BTreeSet::new();
        };
        let mut scopes = BTreeSet::from([
            "org:company".to_owned(),
            format!("user:{user}"),
            format!("team:{}", me.team),
        ]);
        if me.role == "manager" {
            scopes.insert("org:pool".to_owned());
            let team = self.people.iter().filter(|other| other.team == me.team);
            scopes.extend(team.map(|other| format!("user:{}", other.user)));
        }
        scopes
    }

    /// Notes what everybody sees now.
    pub fn note_sights(&mut self) {
        for person in self.people.clone() {
            let scopes = self.scopes(&person.user);
            self.once.entry(person.user).or_default().extend(scopes);
        }
    }

    /// Takes the next row of the server's log.
    ///
    /// # Errors
    /// Whatever in it should not be.
    pub fn take(&mut self, row: Logged) -> Checked {
        let op: Value = serde_json::from_slice(&row.bytes).unwrap_or_default();
        let is = text(&row.outcome, "is");
        *self.outcomes.entry(is.clone()).or_default() += 1;
        if self.log.contains_key(&row.op) {
            return broken("duplicated", format!("{} is stored twice", row.op));
        }
        match self.promises.get(&row.op) {
            None => return broken("invented", format!("{} was never made", row.op)),
            Some(promise) if promise.bytes != row.bytes => {
                return broken("altered", format!("{} has other bytes", row.op));
            }
            Some(_) => {}
        }
        let seen = match is.as_str() {
            "applied" | "merged" => self.effect(&row, &op, is == "merged"),
            "review" => self.review(&row, &op),
            "rejected" => self.rejected(&row, &op),
            "vaulted" if self.may_be_vaulted(&row.op, &op) => Ok(()),
            "vaulted" => broken("vaulted", format!("{} was given up", row.op)),
            other => broken("terminal", format!("{} is stored as {other}", row.op)),
        };
        self.log.insert(row.op.clone(), row);
        seen
    }

    /// What breaks the server goes to the vault, and after a restore what a person has settled meanwhile; so does the rest of their groups.
    fn may_be_vaulted(&self, id: &str, op: &Value) -> bool {
        let poisonous = |other: &str| other.parse().is_ok_and(|op| self.poison.is(op));
        let settled = |other: &str| self.restored && self.resolved.contains(other);
        let fellows = self.promises.keys();
        let mut fellows = fellows.filter(|other| poisonous(other) || settled(other));
        fellows.any(|other| other == id || self.same_group(op, other))
    }

    fn needs(&self, op: &Value) -> Vec<(String, Option<String>)> {
        let after = op["base"]["after"].as_str();
        let deps = op["deps"].as_array().into_iter().flatten();
        let needs = deps.filter_map(Value::as_str).chain(after);
        needs
            .map(|need| {
                let outcome = self.log.get(need).map(|row| text(&row.outcome, "is"));
                (need.to_owned(), outcome)
            })
            .collect()
    }

    fn effect(&mut self, row: &Logged, op: &Value, merged: bool) -> Checked {
        let id = &row.op;
        for (need, outcome) in self.needs(op) {
            let group = self.same_group(op, &need);
            if !group && !matches!(outcome.as_deref(), Some("applied" | "merged")) {
                return broken("causality", format!("{id} was done before {need}"));
            }
        }
        let (kind, rec, act) = (text(op, "kind"), text(op, "rec"), text(op, "act"));
        let key = (kind.clone(), rec);
        let before = self.records.get(&key).cloned();
        let fresh = matches!(act.as_str(), "create" | "append");
        if fresh != before.is_none() {
            return broken(
                "model",
                format!("{id}: {act} of a {kind} that exists: {}", !fresh),
            );
        }
        let mine = self.scopes(&row.user);
        if let Some(before) = &before
            && !mine.contains(&scope_of(&kind, &before.body))
        {
            return broken(
                "unauthorised_write",
                format!("{id}: its author does not see the record"),
            );
        }
        let mut made = before.clone().unwrap_or_default();
        let clashes = apply(&kind, &mut made.body, op);
        if clashes.review.is_some() || clashes.impossible {
            return broken(
                "overwritten",
                format!("{id}: {:?} was decided silently", clashes.review),
            );
        }
        if clashes.lost != merged {
            return broken(
                "model",
                format!("{id}: merged is {merged}, and should be {}", clashes.lost),
            );
        }
        made.rev += 1;
        if row.outcome["rev"] != json!(made.rev) {
            return broken(
                "model",
                format!("{id}: rev {} for {}", row.outcome["rev"], made.rev),
            );
        }
        if !self.may_write(
            &row.user,
            &kind,
            before.as_ref().map(|made| &made.body),
            &made.body,
        ) {
            return broken("unauthorised_write", format!("{id}: {act} of {kind}"));
        }
        self.records.insert(key, made);
        Ok(())
    }

    fn same_group(&self, op: &Value, need: &str) -> bool {
        let group = &op["group"]["id"];
        let other = self.promises.get(need);
        let other = other.and_then(|promise| serde_json::from_slice::<Value>(&promise.bytes).ok());
        !group.is_null() && other.is_some_and(|other| other["group"]["id"] == *group)
    }

    fn review(&self, row: &Logged, op: &Value) -> Checked {
        let (kind, rec) = (text(op, "kind"), text(op, "rec"));
        let stored = self.records.get(&(kind.clone(), rec));
        let fair = match row.outcome["why"].as_str() {
            Some("clash") => stored
                .is_some_and(|stored| apply(&kind, &mut stored.body.clone(), op).review.is_some()),
            Some("out_of_scope") => stored.is_some_and(|stored| {
                let scope = scope_of(&kind, &stored.body);
                !self.scopes(&row.user).contains(&scope)
            }),
            Some("dependency") => {
                let needs = self.needs(op);
                let in_review =
                    |(_, outcome): &(String, Option<String>)| outcome.as_deref() == Some("review");
                needs.iter().any(in_review) || !op["group"].is_null()
            }
            _ => false,
        };
        if fair {
            return Ok(());
        }
        broken(
            "review",
            format!("{}: {} for no reason", row.op, row.outcome),
        )
    }

    fn rejected(&self, row: &Logged, op: &Value) -> Checked {
        let (kind, rec) = (text(op, "kind"), text(op, "rec"));
        let stored = self.records.get(&(kind.clone(), rec));
        let code = text(&row.outcome["refusal"], "code");
        let fair = match code.as_str() {
            "dependency" => {
                let needs = self.needs(op);
                let refused = |(_, outcome): &(String, Option<String>)| {
                    matches!(outcome.as_deref(), Some("rejected" | "vaulted"))
                };
                needs.iter().any(refused) || !op["group"].is_null()
            }
            "forbidden" => {
                let mut next = stored.map(|stored| stored.body.clone()).unwrap_or_default();
                apply(&kind, &mut next, op);
                let unseen = stored.is_some_and(|stored| {
                    !self
                        .scopes(&row.user)
                        .contains(&scope_of(&kind, &stored.body))
                });
                unseen
                    || !self.may_write(&row.user, &kind, stored.map(|stored| &stored.body), &next)
            }
            "wrong_state" => {
                stored.is_some_and(|stored| apply(&kind, &mut stored.body.clone(), op).impossible)
            }
            // after a restore a colleague's customer may come back later than the visit to it; one's own comes first
            "unknown_reference" | "not_found" => {
                self.restored && !self.waits_for_its_own(&row.op, op)
            }
            _ => false,
        };
        if fair {
            return Ok(());
        }
        broken(
            "rejected",
            format!("{}: {} for no reason; {op}", row.op, row.outcome),
        )
    }

    /// Whether what an operation points at is still to come from the same device.
    fn waits_for_its_own(&self, id: &str, op: &Value) -> bool {
        let Some(mine) = self.promises.get(id) else {
            return false;
        };
        let set = &op["set"];
        let targets = [
            &op["rec"],
            &set["customer"][1],
            &set["visit"][1],
            &set["shift"][1],
        ];
        let earlier = self.promises.iter().filter(|(other, promise)| {
            promise.device == mine.device && promise.n < mine.n && !self.log.contains_key(*other)
        });
        earlier.into_iter().any(|(_, promise)| {
            let made: Value = serde_json::from_slice(&promise.bytes).unwrap_or_default();
            matches!(made["act"].as_str(), Some("create" | "append"))
                && targets.contains(&&made["rec"])
        })
    }

    fn may_write(
        &self,
        user: &str,
        kind: &str,
        stored: Option<&Map<String, Value>>,
        next: &Map<String, Value>,
    ) -> bool {
        let role = self.people.iter().find(|person| person.user == user);
        let leads = role.is_some_and(|person| person.role == "manager");
        let sees = self.scopes(user).contains(&scope_of(kind, next));
        match kind {
            "customer" if leads => sees,
            "customer" => {
                next["owner"] == json!(user)
                    && stored.is_none_or(|stored| stored.get("owner") == next.get("owner"))
            }
            "visit" => next["rep"] == json!(user) || (leads && sees),
            "check_in" | "shift" | "track_segment" => next["rep"] == json!(user),
            "note" => next["author"] == json!(user),
            _ => false,
        }
    }

    /// Everything that devices promised is on the server, once, and groups are whole.
    ///
    /// # Errors
    /// What is missing.
    pub fn settled(&self, open: &dyn Fn(usize) -> bool) -> Checked {
        let mut groups: BTreeMap<String, BTreeSet<bool>> = BTreeMap::new();
        for (op, promise) in &self.promises {
            if open(promise.device) {
                continue;
            }
            let Some(row) = self.log.get(op) else {
                return broken(
                    "lost",
                    format!("{op} (device {}, n {})", promise.device, promise.n),
                );
            };
            let body: Value = serde_json::from_slice(&promise.bytes).unwrap_or_default();
            if let Some(group) = body["group"]["id"].as_str() {
                let done = matches!(text(&row.outcome, "is").as_str(), "applied" | "merged");
                groups.entry(group.to_owned()).or_default().insert(done);
            }
        }
        match groups.iter().find(|(_, fates)| fates.len() > 1) {
            Some((group, _)) => broken("group", format!("{group} is half done")),
            None => Ok(()),
        }
    }
}

/// A text field.
#[must_use]
pub fn text(of: &Value, field: &str) -> String {
    of[field].as_str().unwrap_or_default().to_owned()
}

/// The scope that holds a record.
#[must_use]
pub fn scope_of(kind: &str, body: &Map<String, Value>) -> String {
    let field = |name: &str| body.get(name).and_then(Value::as_str);
    let user = match kind {
        "customer" => field("owner"),
        "visit" | "check_in" | "shift" | "track_segment" => field("rep"),
        "note" => field("author"),
        "member" => return format!("team:{}", field("team").unwrap_or_default()),
        _ => None,
    };
    user.map_or("org:pool".to_owned(), |user| format!("user:{user}"))
}

#[derive(Default)]
struct Clashes {
    lost: bool,
    review: Option<String>,
    impossible: bool,
}

/// Does to a body what an operation says, and notes what it meets.
fn apply(kind: &str, body: &mut Map<String, Value>, op: &Value) -> Clashes {
    let mut clashes = Clashes::default();
    if op["cmd"].is_object() {
        if kind == "shift" {
            match session::step(body, op) {
                Stepped::Done => {}
                Stepped::Already => clashes.lost = true,
                Stepped::Impossible => clashes.impossible = true,
            }
        } else {
            step(body, op, &mut clashes);
        }
        return clashes;
    }
    let fresh = matches!(op["act"].as_str(), Some("create" | "append"));
    for (field, change) in op["set"].as_object().into_iter().flatten() {
        let (old, new) = (&change[0], &change[1]);
        let current = body.get(field).cloned().unwrap_or_default();
        let newest_wins = matches!(
            (kind, field.as_str()),
            ("customer", "phone" | "hours" | "category") | ("visit", "day")
        );
        if !fresh && current != *new && current != *old {
            if newest_wins {
                clashes.lost = true;
            } else {
                clashes.review = Some(field.clone());
            }
        }
        set(body, field, new.clone());
    }
    let members = |value: &Value| -> BTreeSet<String> {
        let members = value.as_array().into_iter().flatten();
        members
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let touched = [&op["add"], &op["rm"]];
    let touched = touched.iter().filter_map(|part| part.as_object());
    let fields: BTreeSet<String> = touched.flat_map(Map::keys).cloned().collect();
    for field in fields {
        let mut set_of = members(body.get(&field).unwrap_or(&Value::Null));
        for gone in members(&op["rm"][&field]) {
            set_of.remove(&gone);
        }
        set_of.extend(members(&op["add"][&field]));
        let value = if set_of.is_empty() {
            Value::Null
        } else {
            json!(set_of)
        };
        set(body, &field, value);
    }
    clashes
}

fn step(body: &mut Map<String, Value>, op: &Value, clashes: &mut Clashes) {
    let t = &op["t"];
    let at = json!({ "lo": t["lo"], "hi": t["hi"], "cls": t["cls"], "wall": t["wall"] });
    let state = body.get("state").cloned().unwrap_or_default();
    let reason = op["cmd"]["args"]["reason"].clone();
    let next = match (state["is"].as_str(), op["cmd"]["name"].as_str()) {
        (Some("planned"), Some("start")) => {
            let clock = json!({ "mono": t["mono"], "boot": t["boot"] });
            json!({ "is": "in_progress", "started": at, "clock": clock })
        }
        (Some("planned"), Some("skip")) => json!({ "is": "skipped", "at": at, "reason": reason }),
        (Some("in_progress"), Some("finish")) => {
            json!({ "is": "done", "started": state["started"], "finished": at, "stay": stay(&state, t) })
        }
        (Some("in_progress"), Some("skip")) => {
            json!({
                "is": "skipped", "started": state["started"], "at": at, "reason": reason, "stay": stay(&state, t),
            })
        }
        (Some("in_progress"), Some("start"))
        | (Some("done"), Some("finish"))
        | (Some("skipped"), Some("skip")) => {
            clashes.lost = true;
            return;
        }
        (Some("done" | "skipped"), Some(_)) => {
            clashes.review = Some("state".to_owned());
            return;
        }
        _ => {
            clashes.impossible = true;
            return;
        }
    };
    body.insert("state".to_owned(), next);
}

/// The length of a visit from the state that its start left to the step at `t`, by sync.md's rule, in JSON and by hand.
fn stay(state: &Value, t: &Value) -> Value {
    let clock = &state["clock"];
    let started = &state["started"];
    let between = |end: &Value, start: &Value| Some(end.as_i64()? - start.as_i64()?);
    if let Some(counted) = between(&t["mono"], &clock["mono"])
        && clock["boot"] == t["boot"]
        && counted >= 0
    {
        // 50 ppm of the true time, rounded up
        let drift = counted * 50 / 999_950 + 1;
        let least = (counted - drift).max(0);
        return json!({ "least_ms": least, "most_ms": counted + drift, "exact": true });
    }
    let least = between(&t["lo"], &started["hi"]).map_or(0, |least| least.max(0));
    match between(&t["hi"], &started["lo"]) {
        Some(most) if most >= least => {
            json!({ "least_ms": least, "most_ms": most, "exact": false })
        }
        _ => json!({ "least_ms": least, "exact": false }),
    }
}

fn set(body: &mut Map<String, Value>, field: &str, value: Value) {
    if value.is_null() {
        body.remove(field);
    } else {
        body.insert(field.to_owned(), value);
    }
}
