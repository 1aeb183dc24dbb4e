//! The answer to an exchange: a header line, outcomes, changes, an end line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{Epoch, OpId, RecordId};
use waymark_domain::ranges::Ranges;
use waymark_domain::record::{Body, Kind, RecordKey};
use waymark_domain::scope::Scope;
use waymark_domain::time::UnixMs;

use crate::error::CallError;
use crate::lines::{LineCutter, read_line};
use crate::outcome::Outcome;
use crate::proof::Signature;

/// One line of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseLine {
    /// The first.
    Head(Box<Head>),
    /// What became of an operation of the request.
    Out(Out),
    /// A record of a scope, new or changed.
    Put(Put),
    /// A record that left a scope.
    Leave(Leave),
    /// The last.
    End(End),
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// [`crate::PROTO`] of the server.
    pub proto: u16,
    /// The request's.
    pub echo: String,
    /// The continuity of the server's log. Another one than the request's: its operations were not
    /// taken and no changes follow; the device first puts back what `have` lacks.
    pub epoch: Epoch,
    /// The server's clock.
    pub server_ms: UnixMs,
    /// The server's signature over [`crate::proof::time_payload`].
    pub sig: Signature,
    /// The device's counts that are stored here.
    pub have: Ranges,
    /// A receipt for the head that the request stated, when the device has none as good; a compact JWS, see [`crate::receipt::Receipt`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// The user's scopes, when they are not those that the request named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeList>,
    /// [`crate::SCHEMA`] versions that pulls are answered for.
    pub schemas: (u16, u16),
    /// Whether the device's schema is too old to be given changes. Pushing works all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub upgrade: bool,
}

/// All the scopes a user may see. Level-triggered: what is not on it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeList {
    /// See [`ScopeList::new`].
    pub hash: Hash,
    /// Sorted.
    pub ids: Vec<Scope>,
}

impl ScopeList {
    /// The list with its hash.
    #[must_use]
    pub fn new(mut ids: Vec<Scope>) -> Self {
        ids.sort();
        ids.dedup();
        let text: String = ids.iter().map(|scope| format!("{scope}\n")).collect();
        Self {
            hash: Hash::of(text.as_bytes()),
            ids,
        }
    }
}

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Out {
    /// Its place in the request, from 0.
    pub i: usize,
    /// Its id, where the server could read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<OpId>,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// A record of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Put {
    /// The scope.
    pub scope: Scope,
    /// When it came into the scope or changed in it.
    pub seq: u64,
    /// The record.
    pub kind: Kind,
    /// The record.
    pub id: RecordId,
    /// Its revision.
    pub rev: u64,
    /// Its fields.
    pub body: Body,
}

/// A record that left a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    /// The scope.
    pub scope: Scope,
    /// When.
    pub seq: u64,
    /// The record.
    pub kind: Kind,
    /// The record.
    pub id: RecordId,
}

/// The last line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The tenant's place in its order that this answer was read at.
    pub seq: u64,
    /// Where each scope of the answer stands now.
    #[serde(default)]
    pub next: BTreeMap<Scope, u64>,
    /// Whether more is to be had at once.
    #[serde(default)]
    pub more: bool,
    /// When nothing more is to be had: each scope's digest at `seq`, as [`waymark_domain::scope::Digest::to_text`].
    #[serde(default)]
    pub checkpoint: BTreeMap<Scope, String>,
    /// Scopes that the device has nothing of, or too little to go on from: to be had as snapshots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<Scope>,
}

/// A change to a scope's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeChange {
    /// New or changed.
    Put(Put),
    /// Gone.
    Leave(Leave),
}

impl ScopeChange {
    /// The scope.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        match self {
            Self::Put(put) => &put.scope,
            Self::Leave(leave) => &leave.scope,
        }
    }

    /// The record.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        match self {
            Self::Put(put) => RecordKey {
                kind: put.kind.clone(),
                id: put.id,
            },
            Self::Leave(leave) => RecordKey {
                kind: leave.kind.clone(),
                id: leave.id,
            },
        }
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ExchangeResponse {
    /// The first line.
    pub head: Head,
    /// What became of the operations.
    pub outs: Vec<Out>,
    /// What changed in the scopes.
    pub changes: Vec<ScopeChange>,
    /// The last line.
    pub end: End,
}

impl ExchangeResponse {
    /// Reads an answer: all of it or nothing.
    ///
    /// # Errors
    /// [`CallError::Cut`] when its end is missing, [`CallError::Malformed`] when it does not read,
    /// [`CallError::NotWaymark`] when it is the answer to another request.
    pub fn from_bytes(bytes: &[u8], echo: &str) -> Result<Self, CallError> {
        let malformed = |error: crate::error::ApiError| CallError::Malformed(error.detail);
        let lines = LineCutter::default().push(bytes).map_err(malformed)?;
        let mut lines = lines.into_iter();
        let first = lines.next().ok_or(CallError::Cut)?;
        let ResponseLine::Head(head) = read_line(&first).map_err(malformed)? else {
            return Err(CallError::Malformed("no head".to_owned()));
        };
        if head.echo != echo {
            return Err(CallError::NotWaymark);
        }
        let (mut outs, mut changes) = (Vec::new(), Vec::new());
        for line in lines {
            match read_line(&line).map_err(malformed)? {
                ResponseLine::Head(_) => return Err(CallError::Malformed("two heads".to_owned())),
                ResponseLine::Out(out) => outs.push(out),
                ResponseLine::Put(put) => changes.push(ScopeChange::Put(put)),
                ResponseLine::Leave(leave) => changes.push(ScopeChange::Leave(leave)),
                ResponseLine::End(end) => {
                    return Ok(Self {
                        head: *head,
                        outs,
                        changes,
                        end,
                    });
                }
            }
        }
        Err(CallError::Cut)
    }
}
