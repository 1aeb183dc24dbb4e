//! A segment of a track that stays on its phone: what of it is told. A fact without any position.
//!
//! It says who, when, for how long without a gap, and how many fixes there are; and it binds the phone to those fixes by the root of a tree over
//! them, so that single ones can be opened later and checked: [`opening`].

pub mod opening;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::ids::{BootId, ShiftId, UserId};
use crate::merkle;
use crate::presence::Presence;
use crate::record::{Actor, Body, Finding, Kind, OnConflict, RecordKey, Shape, SyncRecord};
use crate::refusal::{Code, Refusal};
use crate::scope::Scope;
use crate::shift::Shift;
use crate::time::TimeInterval;
use crate::track::MAX_ENTRIES;
use crate::track_segment::{self, TrackSegment};

/// Most stretches and causes of one segment: they have to fit into an operation.
pub const MAX_PRESENCE: usize = 1_000;

/// What is told of a segment that stays on its phone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackRoot {
    /// The work session that it lies in.
    pub shift: ShiftId,
    /// Whose track.
    pub rep: UserId,
    /// Its number within the session, from 0, counted with those that were sent whole.
    pub i: u32,
    /// The local calendar day of its beginning, fixed at capture.
    pub day: NaiveDate,
    /// When it begins.
    pub at: TimeInterval,
    /// When it ends.
    pub until: TimeInterval,
    /// The boot of the clocks.
    pub boot: BootId,
    /// Boot-time clock of the first entry, milliseconds.
    pub first_mono: i64,
    /// Boot-time clock of the last entry, milliseconds.
    pub last_mono: i64,
    /// Fixes that were recorded: the leaves of the tree.
    pub fixes: u32,
    /// The root of the tree ([`merkle`]) over the salted fixes, in order of time.
    pub root: Hash,
    /// From when to when, and why not.
    #[serde(default, skip_serializing_if = "Presence::is_empty")]
    pub presence: Presence,
    /// Fields of a later version, kept.
    #[serde(flatten)]
    pub extra: Body,
}

impl TrackRoot {
    /// What is told of `segment`, whose fixes have `root`.
    #[must_use]
    pub fn of(segment: &TrackSegment, root: Hash, presence: Presence) -> Self {
        Self {
            shift: segment.shift,
            rep: segment.rep,
            i: segment.i,
            day: segment.day,
            at: segment.at,
            until: segment.until,
            boot: segment.boot,
            first_mono: segment.first_mono,
            last_mono: segment.last_mono,
            fixes: segment.fixes,
            root,
            presence,
            extra: Body::new(),
        }
    }

    /// The moment of an entry at `mono` of this segment's boot.
    #[must_use]
    pub fn moment(&self, mono: i64) -> TimeInterval {
        crate::shift::later(self.at, mono.saturating_sub(self.first_mono))
    }
}

impl SyncRecord for TrackRoot {
    const KIND: Kind = Kind::new("track_root");
    const SHAPE: Shape = Shape::Fact;

    fn check(&self) -> Result<(), Refusal> {
        let wrong = |field: &str| Err(Refusal::of_field(Code::Malformed, field));
        let within = |mono: i64| (self.first_mono..=self.last_mono).contains(&mono);
        if self.last_mono < self.first_mono {
            return wrong("last_mono");
        }
        let few = usize::try_from(self.fixes).is_ok_and(|fixes| fixes <= MAX_ENTRIES);
        if !few {
            return wrong("fixes");
        }
        if (self.fixes == 0) != (self.root == merkle::root(&[])) {
            return wrong("root");
        }
        if self.presence.len() > MAX_PRESENCE {
            return Err(Refusal::of_field(Code::TooLong, "presence"));
        }
        let seen = self.presence.seen.iter();
        let fits = seen
            .clone()
            .all(|seen| within(seen.from) && within(seen.to) && seen.from <= seen.to)
            && self.presence.causes.iter().all(|cause| within(cause.from))
            && seen.len() <= usize::try_from(self.fixes).unwrap_or(usize::MAX);
        if !fits {
            return wrong("presence");
        }
        Ok(())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::user(self.rep)]
    }

    fn references(&self) -> Vec<RecordKey> {
        vec![RecordKey::of::<Shift>(self.shift)]
    }

    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool {
        stored.is_none() && next.rep == actor.user
    }

    fn on_conflict(_: &str) -> OnConflict {
        OnConflict::CommandOnly
    }

    /// A segment lies within its session, whether it is sent or not.
    fn second_look(&self, find: &dyn Fn(&RecordKey) -> Vec<Body>) -> Vec<Finding> {
        track_segment::outside_session(
            find,
            (self.shift, self.rep, self.boot),
            (self.first_mono, self.last_mono),
            (self.at, self.until),
        )
    }
}
