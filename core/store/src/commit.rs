//! The write path of every use case: drafts become sealed operations and the views show them, in one transaction.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;
use waymark_domain::ids::{GroupId, OpId};
use waymark_domain::merge::{Settled, Stored, authorise, settle};
use waymark_domain::op::{Act, BaseRef, Draft, Group, MAX_GROUP, Seal, Sealed};
use waymark_domain::record::{Actor, Body, KindRules, RecordKey, Role, rules};
use waymark_domain::refusal::{Code, Refusal};
use waymark_domain::scope::Scope;
use waymark_domain::time::{Anchors, Reading, Stamp};

use crate::attention;
use crate::error::StoreError;
use crate::fold;
use crate::identity::Identity;
use crate::meta::{self, Chain};
use crate::sql::{self, Columns, queries};
use crate::store::Store;
use crate::sync;
use crate::views::{self, View, ViewRow};

/// What is sealed together.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a unit is handed over once and never kept in numbers"
)]
pub enum Unit {
    /// An operation of its own.
    One(Draft),
    /// Operations that stand or fall together, here and on the server.
    Group(Vec<Draft>),
}

/// An operation that is safe now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Its id.
    pub op_id: OpId,
    /// Its count.
    pub n: u64,
    /// Its record.
    pub key: RecordKey,
}

queries! {
    NEWEST = "SELECT op_id FROM outbox WHERE kind = ?1 AND rec = ?2 ORDER BY n DESC LIMIT 1";
    MAKER = "SELECT op_id FROM outbox WHERE kind = ?1 AND rec = ?2 AND act IN ('create', 'append') ORDER BY n";
    ANSWERED = "SELECT 1 FROM history WHERE kind = ?1 AND rec = ?2";
    INSERT = "
        INSERT INTO outbox (n, op_id, kind, rec, act, group_id, bytes, sha) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
}

impl Store {
    /// Seals the drafts and saves them: all of them or none.
    ///
    /// Each is first judged as the server will judge it, on what this device shows at that moment, earlier drafts of the call included. What
    /// the server could only refuse or set aside is refused here, and nothing is written.
    ///
    /// # Errors
    /// [`StoreError::Refused`], [`StoreError::NoIdentity`], [`StoreError::NewerDatabase`], [`StoreError::Full`]; as every write.
    pub fn commit(
        &self,
        units: Vec<Unit>,
        reading: Reading,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Result<Vec<Committed>, StoreError> {
        self.write(|tx| commit_in(tx, units, reading, new_id))
    }
}

/// [`Store::commit`] within a transaction that writes more than operations.
pub(crate) fn commit_in(
    tx: &Connection,
    units: Vec<Unit>,
    reading: Reading,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Vec<Committed>, StoreError> {
    let mut sealer = Sealer::begin(tx, reading, new_id)?;
    for unit in units {
        match unit {
            Unit::One(draft) => sealer.add(draft, None)?,
            Unit::Group(drafts) => sealer.add_group(drafts)?,
        }
    }
    sealer.finish()
}

/// The state of one call of [`Store::commit`].
struct Sealer<'a> {
    tx: &'a Connection,
    reading: Reading,
    new_id: &'a mut dyn FnMut() -> Uuid,
    actor: Actor,
    anchors: Anchors,
    chain: Chain,
    done: Vec<Committed>,
}

/// A draft's record as this device shows it.
struct Seen {
    stored: Option<Stored>,
    pending: u64,
    base: BaseRef,
}

impl<'a> Sealer<'a> {
    fn begin(
        tx: &'a Connection,
        reading: Reading,
        new_id: &'a mut dyn FnMut() -> Uuid,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            tx,
            reading,
            new_id,
            actor: actor(tx)?,
            anchors: meta::anchors(tx)?,
            chain: meta::chain(tx)?,
            done: Vec::new(),
        })
    }

    fn finish(mut self) -> Result<Vec<Committed>, StoreError> {
        self.anchors.note(self.reading);
        meta::set(self.tx, meta::ANCHORS, &self.anchors)?;
        meta::set(self.tx, meta::CHAIN, &self.chain)?;
        Ok(self.done)
    }

    fn add_group(&mut self, drafts: Vec<Draft>) -> Result<(), StoreError> {
        let of = u32::try_from(drafts.len()).unwrap_or(u32::MAX);
        if of > MAX_GROUP {
            return Err(Refusal::new(Code::TooLong).into());
        }
        let id = GroupId::from_uuid((self.new_id)());
        for (i, draft) in (1..).zip(drafts) {
            self.add(draft, Some(Group { id, i, of }))?;
        }
        Ok(())
    }

    fn add(&mut self, draft: Draft, group: Option<Group>) -> Result<(), StoreError> {
        let unsupported = || Refusal::new(Code::Unsupported);
        let key = draft.key.clone();
        let rules = rules(&key.kind).ok_or_else(unsupported)?;
        let view = views::of(&key.kind).ok_or_else(unsupported)?;
        let references = draft.references.clone();
        let seen = self.seen(&key, view)?;
        let deps = self.deps(&key, &references)?;
        let sealed = self.seal(draft, seen.base, deps, group)?;
        let body = self.judge(rules, &seen, &sealed)?;
        self.check_references(rules, &seen, &body, &references)?;
        self.save(&sealed)?;
        self.show(view, &key, &seen, &body)?;
        self.done.push(Committed {
            op_id: sealed.op.op,
            n: sealed.op.n,
            key,
        });
        Ok(())
    }

    fn seen(&self, key: &RecordKey, view: &dyn View) -> Result<Seen, StoreError> {
        let after = self
            .tx
            .prepare_cached(NEWEST)?
            .query_row((key.kind.as_str(), sql::rec(key.id)), |row| row.op(0))
            .optional()?;
        let current = views::get(self.tx, view, key.id)?;
        let rev = current.as_ref().map_or(0, |current| current.rev);
        Ok(Seen {
            pending: current.as_ref().map_or(0, |current| current.pending),
            stored: current.map(|current| Stored {
                rev,
                body: current.body,
            }),
            base: BaseRef { rev, after },
        })
    }

    /// The pending operations that make the records this draft points at.
    fn deps(&self, key: &RecordKey, references: &[RecordKey]) -> Result<Vec<OpId>, StoreError> {
        let mut deps = Vec::new();
        for reference in references.iter().filter(|reference| *reference != key) {
            let mut statement = self.tx.prepare_cached(MAKER)?;
            let makers = statement
                .query_map((reference.kind.as_str(), sql::rec(reference.id)), |row| {
                    row.op(0)
                })?;
            for maker in makers {
                let maker = maker?;
                if !deps.contains(&maker) {
                    deps.push(maker);
                }
            }
        }
        Ok(deps)
    }

    fn seal(
        &mut self,
        draft: Draft,
        base: BaseRef,
        deps: Vec<OpId>,
        group: Option<Group>,
    ) -> Result<Sealed, StoreError> {
        let t = Stamp::take(self.reading, &self.anchors, self.chain.hlc);
        let sealed = draft.seal(Seal {
            op: OpId::from_uuid((self.new_id)()),
            n: self.chain.next_n,
            base,
            deps,
            group,
            t,
            prev: self.chain.head,
        })?;
        self.chain = Chain {
            next_n: self.chain.next_n + 1,
            head_n: sealed.op.n,
            head: sealed.sha,
            hlc: t.hlc,
            created: self.chain.created + 1,
        };
        Ok(sealed)
    }

    /// The record after the operation, if the server would take it.
    fn judge(
        &self,
        rules: &dyn KindRules,
        seen: &Seen,
        sealed: &Sealed,
    ) -> Result<Body, StoreError> {
        let new = matches!(sealed.op.act, Act::Create | Act::Append);
        if new && seen.stored.is_none() && seen.base.after.is_some() {
            // work waits on it: it is somewhere, only not where this device may look
            return Err(Refusal::new(Code::AlreadyExists).into());
        }
        let body = match settle(rules, seen.stored.as_ref(), &sealed.op) {
            Settled::Applied(body) | Settled::Merged(body, _) => body,
            // the author's own device shows something else than what the author claims to have seen
            Settled::Review(clashes) => {
                let fields = clashes.into_iter().map(|clash| clash.field).collect();
                let code = Code::WrongState;
                return Err(Refusal { code, fields }.into());
            }
            Settled::Refused(refusal) => return Err(refusal.into()),
        };
        authorise(rules, &self.actor, seen.stored.as_ref(), &body)?;
        Ok(body)
    }

    /// Every record that the operation newly points at must be here. What the stored record pointed at before was accepted before.
    fn check_references(
        &self,
        rules: &dyn KindRules,
        seen: &Seen,
        body: &Body,
        stated: &[RecordKey],
    ) -> Result<(), StoreError> {
        let before: BTreeSet<RecordKey> = match &seen.stored {
            Some(stored) => rules.references(&stored.body)?.into_iter().collect(),
            None => BTreeSet::new(),
        };
        let after = rules.references(body)?;
        for reference in after.iter().chain(stated) {
            let known = before.contains(reference)
                || match views::of(&reference.kind) {
                    Some(view) => views::exists(self.tx, view, reference.id)?,
                    None => false,
                };
            if !known {
                return Err(Refusal::new(Code::UnknownReference).into());
            }
        }
        Ok(())
    }

    /// Brings the view row up to date. What was shown with the operation on top is what folding gives, so nothing is folded again; only of a
    /// record that was not shown there may be older operations that do not show.
    fn show(
        &self,
        view: &dyn View,
        key: &RecordKey,
        seen: &Seen,
        body: &Body,
    ) -> Result<(), StoreError> {
        let record = (key.kind.as_str(), sql::rec(key.id));
        let readable =
            if seen.stored.is_none() && self.tx.prepare_cached(ANSWERED)?.exists(record)? {
                fold::refold(self.tx, key, meta::counter(self.tx, meta::CHECKPOINT)?)?
            } else {
                let row = ViewRow {
                    id: key.id,
                    rev: seen.base.rev,
                    pending: seen.pending + 1,
                    body,
                };
                view.put(self.tx, &row)?
            };
        if readable {
            Ok(())
        } else {
            Err(Refusal::new(Code::Malformed).into())
        }
    }

    fn save(&self, sealed: &Sealed) -> Result<(), StoreError> {
        let op = &sealed.op;
        self.tx.prepare_cached(INSERT)?.execute((
            sql::int(op.n),
            sql::op(op.op),
            op.kind.as_str(),
            sql::rec(op.rec),
            act_name(op.act),
            op.group.map(|group| sql::blob(group.id.as_uuid())),
            &sealed.bytes,
            sealed.sha.as_bytes(),
        ))?;
        if let Some(fixed) = op.fixes {
            attention::resolve(self.tx, fixed, &op.op.to_string(), self.reading.wall_ms)?;
        }
        Ok(())
    }
}

/// The act's name, as in the operation's bytes.
pub(crate) const fn act_name(act: Act) -> &'static str {
    match act {
        Act::Create => "create",
        Act::Append => "append",
        Act::Patch => "patch",
        Act::Delete => "delete",
        Act::Cmd => "cmd",
    }
}

/// Who works here. Before the first answer of the server a user has the scopes that everybody of the role has.
fn actor(tx: &Connection) -> Result<Actor, StoreError> {
    let identity: Identity = meta::get(tx, meta::IDENTITY)?.ok_or(StoreError::NoIdentity)?;
    let mut scopes: BTreeSet<Scope> = sync::scopes(tx)?;
    if scopes.is_empty() {
        scopes.insert(Scope::COMPANY);
        scopes.insert(Scope::user(identity.user));
        scopes.insert(Scope::team(&identity.team));
        if identity.role != Role::Rep {
            scopes.insert(Scope::POOL);
        }
    }
    Ok(Actor {
        user: identity.user,
        role: identity.role,
        scopes,
    })
}
