//! What a syncing record is.
//!
//! A feature brings a type that implements [`SyncRecord`] and adds it to [`KINDS`]. Store, sync and server treat every kind alike through
//! [`KindRules`]; nothing else has to be taught.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{RecordId, UserId};
use crate::op::{Blob, Operation};
use crate::refusal::{Code, Refusal};
use crate::scope::Scope;

/// The fields of a record as both ends store them. A field that is absent and one that is null are the same; fields that this version
/// does not know are kept as they are.
pub type Body = serde_json::Map<String, Value>;

/// The name of a kind of record, such as `visit`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kind(Cow<'static, str>);

impl Kind {
    /// A kind known when the program was built.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// A kind as it came over the wire, known or not.
    #[must_use]
    pub fn from_wire(name: String) -> Self {
        Self(Cow::Owned(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({})", self.0)
    }
}

/// Which record: its kind and its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey {
    /// The kind.
    pub kind: Kind,
    /// The id within the kind.
    pub id: RecordId,
}

impl RecordKey {
    /// The key of a record of type `R`.
    #[must_use]
    pub fn of<R: SyncRecord>(id: impl Into<RecordId>) -> Self {
        Self {
            kind: R::KIND,
            id: id.into(),
        }
    }
}

/// Whether a record lives or is a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Changes over time, by patches and commands.
    Living,
    /// Append-only: written once. A correction is a new fact that names the old one.
    Fact,
}

/// How two edits of the same field are settled. The operation carries the value its author saw, so no history is needed to notice them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// A person decides: the operation is set aside with all three values.
    Review,
    /// What arrives at the server last wins; the value that lost is kept with the outcome.
    NewestArrival,
    /// A set of texts: additions and removals of both sides count.
    Union,
    /// Only a command changes the field.
    CommandOnly,
}

/// What a user may do in the company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Works in the field.
    Rep,
    /// Leads a team.
    Manager,
    /// Runs the installation.
    Admin,
}

impl Role {
    /// The role's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rep => "rep",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }
}

/// Who acts. Both ends know the same three things, so both ends answer the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user.
    pub user: UserId,
    /// The user's role.
    pub role: Role,
    /// The user's effective scopes, as the server computed them last.
    pub scopes: BTreeSet<Scope>,
}

impl Actor {
    /// Whether the user sees something that is in `scopes`.
    #[must_use]
    pub fn sees(&self, scopes: &[Scope]) -> bool {
        scopes.iter().any(|scope| self.scopes.contains(scope))
    }

    /// Whether the user leads others.
    #[must_use]
    pub const fn leads(&self) -> bool {
        matches!(self.role, Role::Manager | Role::Admin)
    }
}

/// What a command made of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commanded<R> {
    /// The record after the command.
    Done(R),
    /// The same had been done before; the first time counts and the record stays.
    Already,
    /// It clashes with what others did meanwhile: a person decides. Names the field.
    Clash(&'static str),
}

/// A record that syncs. The whole of a kind's rules; everything else about syncing follows from them.
pub trait SyncRecord: Serialize + DeserializeOwned + 'static {
    /// The kind's name, for ever.
    const KIND: Kind;
    /// Living or a fact.
    const SHAPE: Shape;
    /// Version of the body that this code writes; rises when a field is added.
    const VERSION: u16 = 1;

    /// Refuses a body that no merge could mend.
    ///
    /// # Errors
    /// A [`Refusal`] that names the fields.
    fn check(&self) -> Result<(), Refusal>;

    /// The scopes that hold the record, from its fields alone.
    fn scopes(&self) -> Vec<Scope>;

    /// The records that this one points at; they must exist.
    fn references(&self) -> Vec<RecordKey> {
        Vec::new()
    }

    /// The files that the record is about, as the operation that makes it has to declare them in [`Operation::blobs`].
    fn attachments(&self) -> Vec<Blob> {
        Vec::new()
    }

    /// Whether `actor` may turn `stored` (absent when new) into `next`. That the actor sees `stored` is checked already.
    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool;

    /// How two edits of `field` are settled.
    fn on_conflict(field: &str) -> OnConflict;

    /// The statement that the author's device signed and the record carries: its type, and a compact JWS (RFC 7515, ES256).
    fn statement(&self) -> Option<(&'static str, &str)> {
        None
    }

    /// What a second look at the record finds: a rule computed again, two places that do not fit. `find` gives every state of a record that is
    /// known, the newest first. It raises alarms and fills a verifier's report; it never refuses work.
    fn second_look(&self, find: &dyn Fn(&RecordKey) -> Vec<Body>) -> Vec<Finding> {
        let _ = find;
        Vec::new()
    }

    /// Carries out a command of this kind on `self`.
    ///
    /// # Errors
    /// [`Code::Unsupported`] for an unknown command, [`Code::WrongState`] when the state machine has no such step.
    fn command(&self, op: &Operation) -> Result<Commanded<Self>, Refusal> {
        let _ = op;
        Err(Refusal::new(Code::Unsupported))
    }
}

/// What a second look finds to differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What differs, such as `verdict_differs`.
    pub code: &'static str,
    /// How, without personal data.
    pub detail: String,
}

/// [`SyncRecord`] for callers that know the kind only by name.
pub trait KindRules: Sync {
    /// [`SyncRecord::KIND`].
    fn kind(&self) -> Kind;
    /// [`SyncRecord::SHAPE`].
    fn shape(&self) -> Shape;
    /// [`SyncRecord::VERSION`].
    fn version(&self) -> u16;
    /// Reads the body and checks it.
    ///
    /// # Errors
    /// [`Code::Malformed`] when it does not read as its kind, else what [`SyncRecord::check`] says.
    fn check(&self, body: &Body) -> Result<(), Refusal>;
    /// [`SyncRecord::scopes`].
    ///
    /// # Errors
    /// [`Code::Malformed`].
    fn scopes(&self, body: &Body) -> Result<Vec<Scope>, Refusal>;
    /// [`SyncRecord::references`].
    ///
    /// # Errors
    /// [`Code::Malformed`].
    fn references(&self, body: &Body) -> Result<Vec<RecordKey>, Refusal>;
    /// [`SyncRecord::attachments`].
    ///
    /// # Errors
    /// [`Code::Malformed`].
    fn attachments(&self, body: &Body) -> Result<Vec<Blob>, Refusal>;
    /// [`SyncRecord::may_write`].
    ///
    /// # Errors
    /// [`Code::Malformed`].
    fn may_write(&self, actor: &Actor, stored: Option<&Body>, next: &Body)
    -> Result<bool, Refusal>;
    /// [`SyncRecord::on_conflict`].
    fn on_conflict(&self, field: &str) -> OnConflict;
    /// [`SyncRecord::statement`].
    ///
    /// # Errors
    /// [`Code::Malformed`].
    fn statement(&self, body: &Body) -> Result<Option<(&'static str, String)>, Refusal>;
    /// [`SyncRecord::second_look`].
    ///
    /// # Errors
    /// [`Code::Malformed`].
    fn second_look(
        &self,
        body: &Body,
        find: &dyn Fn(&RecordKey) -> Vec<Body>,
    ) -> Result<Vec<Finding>, Refusal>;
    /// [`SyncRecord::command`].
    ///
    /// # Errors
    /// As there, and [`Code::Malformed`].
    fn command(&self, stored: &Body, op: &Operation) -> Result<Commanded<Body>, Refusal>;
}

/// The rules of a kind; `None` for a kind that this version does not know.
#[must_use]
pub fn rules(kind: &Kind) -> Option<&'static dyn KindRules> {
    KINDS.iter().copied().find(|rules| rules.kind() == *kind)
}

/// Every kind that syncs.
pub static KINDS: &[&dyn KindRules] = &[
    &Of::<crate::member::Member>(PhantomData),
    &Of::<crate::customer::Customer>(PhantomData),
    &Of::<crate::visit::Visit>(PhantomData),
    &Of::<crate::check_in::CheckIn>(PhantomData),
    &Of::<crate::note::Note>(PhantomData),
    &Of::<crate::policy::Policy>(PhantomData),
    &Of::<crate::shift::Shift>(PhantomData),
    &Of::<crate::track_segment::TrackSegment>(PhantomData),
    &Of::<crate::location_access::LocationAccess>(PhantomData),
    &Of::<crate::track_root::TrackRoot>(PhantomData),
    &Of::<crate::gap_note::GapNote>(PhantomData),
    &Of::<crate::sos::Sos>(PhantomData),
    &Of::<crate::photo::Photo>(PhantomData),
];

/// Reads a body as its type.
///
/// # Errors
/// [`Code::Malformed`].
pub fn read<R: SyncRecord>(body: &Body) -> Result<R, Refusal> {
    R::deserialize(body).map_err(|_| Refusal::new(Code::Malformed))
}

/// Writes a record as a body, without its nulls.
///
/// # Errors
/// [`Code::Malformed`] when the type does not serialise to an object.
pub fn write<R: SyncRecord>(record: &R) -> Result<Body, Refusal> {
    match serde_json::to_value(record) {
        Ok(Value::Object(mut body)) => {
            body.retain(|_, value| !value.is_null());
            Ok(body)
        }
        _ => Err(Refusal::new(Code::Malformed)),
    }
}

struct Of<R>(PhantomData<fn() -> R>);

impl<R: SyncRecord> KindRules for Of<R> {
    fn kind(&self) -> Kind {
        R::KIND
    }

    fn shape(&self) -> Shape {
        R::SHAPE
    }

    fn version(&self) -> u16 {
        R::VERSION
    }

    fn check(&self, body: &Body) -> Result<(), Refusal> {
        read::<R>(body)?.check()
    }

    fn scopes(&self, body: &Body) -> Result<Vec<Scope>, Refusal> {
        Ok(read::<R>(body)?.scopes())
    }

    fn references(&self, body: &Body) -> Result<Vec<RecordKey>, Refusal> {
        Ok(read::<R>(body)?.references())
    }

    fn attachments(&self, body: &Body) -> Result<Vec<Blob>, Refusal> {
        Ok(read::<R>(body)?.attachments())
    }

    fn may_write(
        &self,
        actor: &Actor,
        stored: Option<&Body>,
        next: &Body,
    ) -> Result<bool, Refusal> {
        let stored = stored.map(read::<R>).transpose()?;
        Ok(R::may_write(actor, stored.as_ref(), &read(next)?))
    }

    fn on_conflict(&self, field: &str) -> OnConflict {
        R::on_conflict(field)
    }

    fn statement(&self, body: &Body) -> Result<Option<(&'static str, String)>, Refusal> {
        let record = read::<R>(body)?;
        Ok(record.statement().map(|(typ, jws)| (typ, jws.to_owned())))
    }

    fn second_look(
        &self,
        body: &Body,
        find: &dyn Fn(&RecordKey) -> Vec<Body>,
    ) -> Result<Vec<Finding>, Refusal> {
        Ok(read::<R>(body)?.second_look(find))
    }

    fn command(&self, stored: &Body, op: &Operation) -> Result<Commanded<Body>, Refusal> {
        Ok(match read::<R>(stored)?.command(op)? {
            Commanded::Done(next) => Commanded::Done(write(&next)?),
            Commanded::Already => Commanded::Already,
            Commanded::Clash(field) => Commanded::Clash(field),
        })
    }
}
