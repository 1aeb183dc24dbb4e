//! The operation: the only thing that changes a record.
//!
//! An operation is sealed when the user saves: serialised once, hashed, chained to the one before it. Those exact bytes are stored and
//! sent; nobody ever serialises it again, so there is no question of canonical JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hash::Hash;
use crate::ids::{GroupId, OpId, RecordId};
use crate::record::{self, Body, Kind, OnConflict, RecordKey, Shape, SyncRecord};
use crate::refusal::{Code, Refusal};
use crate::time::Stamp;

/// Largest serialised operation, bytes. A note of 20,000 characters in three-byte UTF-8 with its frame fits twice.
pub const MAX_OP_BYTES: usize = 128 * 1024;

/// Most operations in one group. All of them are held in memory and in one transaction.
pub const MAX_GROUP: u32 = 500;

/// One change to one record, as its author made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id, and its idempotency key.
    pub op: OpId,
    /// The device's count: 1, 2, 3, … Proves completeness; orders nothing on the server.
    pub n: u64,
    /// Version of the kind's body.
    pub v: u16,
    /// The kind of the record.
    pub kind: Kind,
    /// The record.
    pub rec: RecordId,
    /// What is done to it.
    pub act: Act,
    /// What the author looked at.
    pub base: BaseRef,
    /// Fields with the value the author saw and the value the author gave: a three-way merge needs no history.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Change>,
    /// Members added to set-like fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub add: BTreeMap<String, BTreeSet<String>>,
    /// Members removed from set-like fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rm: BTreeMap<String, BTreeSet<String>>,
    /// The command, for [`Act::Cmd`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Command>,
    /// Pending operations on other records that this one points at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deps: Vec<OpId>,
    /// Operations that stand or fall together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// Attachments, by the hash of their original. Their bytes come later, and never hold the operation up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<Blob>,
    /// The refused operation that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixes: Option<OpId>,
    /// When.
    pub t: Stamp,
    /// SHA-256 of the bytes of this device's operation before this one.
    pub prev: Hash,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Makes a living record.
    Create,
    /// Writes a fact.
    Append,
    /// Changes fields.
    Patch,
    /// Marks as deleted.
    Delete,
    /// Steps a state machine.
    Cmd,
}

/// A field's value before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change(pub Value, pub Value);

/// What the author looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseRef {
    /// The server's revision; 0 for none.
    pub rev: u64,
    /// The author's own newest pending operation on the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<OpId>,
}

/// A step of a state machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Such as `start`; the kind gives it its meaning.
    pub name: String,
    /// Its parameters.
    #[serde(default, skip_serializing_if = "Body::is_empty")]
    pub args: Body,
}

/// A place in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The group.
    pub id: GroupId,
    /// 1 for the first.
    pub i: u32,
    /// How many there are.
    pub of: u32,
}

/// An attachment's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// Hash of the original's bytes.
    pub sha256: Hash,
    /// Its length in bytes.
    pub len: u64,
    /// Its media type.
    pub mime: String,
    /// What it is to the record, such as `receipt`.
    pub role: String,
}

/// What a use case wants done, before the store seals it.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Version of the kind's body.
    pub v: u16,
    /// The record.
    pub key: RecordKey,
    /// What is done to it.
    pub act: Act,
    /// See [`Operation::set`].
    pub set: BTreeMap<String, Change>,
    /// See [`Operation::add`].
    pub add: BTreeMap<String, BTreeSet<String>>,
    /// See [`Operation::rm`].
    pub rm: BTreeMap<String, BTreeSet<String>>,
    /// See [`Operation::cmd`].
    pub cmd: Option<Command>,
    /// Records that it points at; those still pending become [`Operation::deps`].
    pub references: Vec<RecordKey>,
    /// See [`Operation::blobs`].
    pub blobs: Vec<Blob>,
    /// See [`Operation::fixes`].
    pub fixes: Option<OpId>,
}

impl Draft {
    fn empty<R: SyncRecord>(id: impl Into<RecordId>, act: Act) -> Self {
        Self {
            v: R::VERSION,
            key: RecordKey::of::<R>(id),
            act,
            set: BTreeMap::new(),
            add: BTreeMap::new(),
            rm: BTreeMap::new(),
            cmd: None,
            references: Vec::new(),
            blobs: Vec::new(),
            fixes: None,
        }
    }

    /// A new record. A fact is appended, a living record created.
    ///
    /// # Errors
    /// What [`SyncRecord::check`] says.
    pub fn new<R: SyncRecord>(id: impl Into<RecordId>, record: &R) -> Result<Self, Refusal> {
        record.check()?;
        let act = match R::SHAPE {
            Shape::Living => Act::Create,
            Shape::Fact => Act::Append,
        };
        let mut draft = Self::empty::<R>(id, act);
        draft.set = record::write(record)?
            .into_iter()
            .map(|(field, new)| (field, Change(Value::Null, new)))
            .collect();
        draft.references = record.references();
        draft.blobs = record.attachments();
        Ok(draft)
    }

    /// The fields that differ between what the user saw and what the user saved; `None` when none does.
    ///
    /// # Errors
    /// What [`SyncRecord::check`] says of `after`, [`Code::CommandOnly`] when a field differs that only a command changes.
    pub fn patch<R: SyncRecord>(
        id: impl Into<RecordId>,
        before: &R,
        after: &R,
    ) -> Result<Option<Self>, Refusal> {
        after.check()?;
        let mut draft = Self::empty::<R>(id, Act::Patch);
        let (before, after_body) = (record::write(before)?, record::write(after)?);
        let fields: BTreeSet<&String> = before.keys().chain(after_body.keys()).collect();
        for field in fields {
            let (old, new) = (before.get(field), after_body.get(field));
            if old == new {
                continue;
            }
            match R::on_conflict(field) {
                OnConflict::CommandOnly => return Err(Refusal::of_field(Code::CommandOnly, field)),
                OnConflict::Union => {
                    let (old, new) = (texts(old), texts(new));
                    note_members(&mut draft.add, field, new.difference(&old));
                    note_members(&mut draft.rm, field, old.difference(&new));
                }
                OnConflict::Review | OnConflict::NewestArrival => {
                    let change = Change(
                        old.cloned().unwrap_or_default(),
                        new.cloned().unwrap_or_default(),
                    );
                    draft.set.insert(field.clone(), change);
                }
            }
        }
        draft.references = after.references();
        let unchanged = draft.set.is_empty() && draft.add.is_empty() && draft.rm.is_empty();
        Ok((!unchanged).then_some(draft))
    }

    /// A step of the record's state machine.
    #[must_use]
    pub fn command<R: SyncRecord>(id: impl Into<RecordId>, name: &str, args: Body) -> Self {
        let mut draft = Self::empty::<R>(id, Act::Cmd);
        draft.cmd = Some(Command {
            name: name.to_owned(),
            args,
        });
        draft
    }

    /// The same work again, in place of the refused operation `op`, on top of what the record is now.
    ///
    /// `current` is the record as the user sees it today: its values become the ones that the author has seen.
    #[must_use]
    pub fn again(op: &Operation, current: Option<&Body>) -> Self {
        let seen = |field: &str| {
            current
                .and_then(|body| body.get(field))
                .cloned()
                .unwrap_or_default()
        };
        Self {
            v: op.v,
            key: RecordKey {
                kind: op.kind.clone(),
                id: op.rec,
            },
            act: op.act,
            set: op
                .set
                .iter()
                .map(|(field, change)| (field.clone(), Change(seen(field), change.1.clone())))
                .collect(),
            add: op.add.clone(),
            rm: op.rm.clone(),
            cmd: op.cmd.clone(),
            references: Vec::new(),
            blobs: op.blobs.clone(),
            fixes: Some(op.op),
        }
    }

    /// Seals the draft.
    ///
    /// # Errors
    /// [`Code::TooLong`] when the bytes would exceed [`MAX_OP_BYTES`].
    pub fn seal(self, seal: Seal) -> Result<Sealed, Refusal> {
        let op = Operation {
            op: seal.op,
            n: seal.n,
            v: self.v,
            kind: self.key.kind,
            rec: self.key.id,
            act: self.act,
            base: seal.base,
            set: self.set,
            add: self.add,
            rm: self.rm,
            cmd: self.cmd,
            deps: seal.deps,
            group: seal.group,
            blobs: self.blobs,
            fixes: self.fixes,
            t: seal.t,
            prev: seal.prev,
        };
        let bytes = serde_json::to_vec(&op).map_err(|_| Refusal::new(Code::Malformed))?;
        if bytes.len() > MAX_OP_BYTES {
            return Err(Refusal::new(Code::TooLong));
        }
        Ok(Sealed {
            sha: Hash::of(&bytes),
            op,
            bytes,
        })
    }
}

/// What the store adds to a draft.
#[derive(Debug, Clone)]
pub struct Seal {
    /// See [`Operation::op`].
    pub op: OpId,
    /// See [`Operation::n`].
    pub n: u64,
    /// See [`Operation::base`].
    pub base: BaseRef,
    /// See [`Operation::deps`].
    pub deps: Vec<OpId>,
    /// See [`Operation::group`].
    pub group: Option<Group>,
    /// See [`Operation::t`].
    pub t: Stamp,
    /// See [`Operation::prev`].
    pub prev: Hash,
}

/// An operation with the bytes that are its identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// The operation.
    pub op: Operation,
    /// The exact bytes: stored, hashed, sent.
    pub bytes: Vec<u8>,
    /// Their hash.
    pub sha: Hash,
}

impl Operation {
    /// Reads an operation from its bytes.
    ///
    /// # Errors
    /// [`Code::TooLong`], [`Code::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_OP_BYTES {
            return Err(Refusal::new(Code::TooLong));
        }
        serde_json::from_slice(bytes).map_err(|_| Refusal::new(Code::Malformed))
    }

    /// The record it is about.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        RecordKey {
            kind: self.kind.clone(),
            id: self.rec,
        }
    }

    /// Every operation that must be applied before this one: the newest of its own record and those it points at.
    pub fn needs(&self) -> impl Iterator<Item = OpId> + '_ {
        self.base.after.into_iter().chain(self.deps.iter().copied())
    }
}

pub(crate) fn texts(value: Option<&Value>) -> BTreeSet<String> {
    let members = value.and_then(Value::as_array).into_iter().flatten();
    members
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn note_members<'a>(
    into: &mut BTreeMap<String, BTreeSet<String>>,
    field: &str,
    members: impl Iterator<Item = &'a String>,
) {
    let members: BTreeSet<String> = members.cloned().collect();
    if !members.is_empty() {
        into.insert(field.to_owned(), members);
    }
}
