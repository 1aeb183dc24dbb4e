//! Photos: a picture that was taken for a visit or a customer, with what was known when it was taken.
//!
//! The record names the picture by the SHA-256 of its original, so that later bytes cannot be swapped. The bytes themselves come later and are
//! nobody's condition. What was recorded never changes; what may be added is a layer drawn over the picture, and its author's withdrawal.

pub mod camera;
pub mod layer;
pub mod look;
pub mod signals;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::camera::Camera;
use self::layer::{Layer, Mark};
use self::look::Look;
use self::signals::{Alike, MAX_ALIKE};
use crate::check_in::CheckIn;
use crate::customer::Customer;
use crate::fix::Fix;
use crate::hash::Hash;
use crate::ids::{BootId, CheckInId, CustomerId, PhotoId, ShiftId, UserId, VisitId};
use crate::merge::DELETED;
use crate::op::{Blob, Draft, Operation};
use crate::record::{
    self, Actor, Body, Commanded, Finding, Kind, OnConflict, RecordKey, Shape, SyncRecord,
};
use crate::refusal::{Code, Refusal, check_length, check_text};
use crate::scope::Scope;
use crate::shift::Shift;
use crate::time::TimeInterval;
use crate::visit::Visit;

/// Longest name of a slot, characters: a key such as `shelf`, not a sentence.
pub const MAX_SLOT: usize = 40;
/// Longest caption or reason for a withdrawal, characters.
pub const MAX_TEXT: usize = 500;
/// Largest original, bytes: the largest pictures of phones (200 megapixels, best quality) have about 50 MB.
pub const MAX_BYTES: u64 = 96 << 20;
/// Largest preview, bytes: it is sent before everything else, over whatever network there is.
pub const MAX_PREVIEW_BYTES: u64 = 30 << 10;
/// Longest side of a picture, pixels: what a JPEG can state.
pub const MAX_SIDE: u32 = 65_535;

/// The role of the picture as the camera wrote it, in [`Operation::blobs`].
pub const ORIGINAL: &str = "original";
/// The role of the small stamped picture.
pub const PREVIEW: &str = "preview";

/// A photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Photo {
    /// Who took it.
    pub rep: UserId,
    /// The customer that it is of.
    pub customer: CustomerId,
    /// The visit during which it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<VisitId>,
    /// The check-in of that visit that it goes with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_in: Option<CheckInId>,
    /// Its number among the photos of this rep on this device, from 1.
    pub number: u32,
    /// The picture as the camera wrote it.
    pub original: Original,
    /// The small stamped picture; absent when none could be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Attachment>,
    /// Where the picture comes from.
    pub source: Source,
    /// When it was taken; of a picture that was brought from elsewhere, when it was brought.
    pub at: TimeInterval,
    /// Local time minus UTC there and then, minutes.
    pub tz: i16,
    /// Where it was taken, or why that is not known.
    pub place: Place,
    /// What it is to show, such as `shelf`: a key of the company's own.
    pub slot: String,
    /// In the rep's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// What it looks like, to find it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Look>,
    /// Whether there was too little in it for a look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nothing_to_see: bool,
    /// Earlier pictures that its author's device took for the same one, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alike: Vec<Alike>,
    /// What the camera wrote into it.
    #[serde(default, skip_serializing_if = "Camera::is_empty")]
    pub camera: Camera,
    /// What is drawn over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<Layer>,
    /// Whether it stands.
    pub state: State,
    /// Fields of a later version, kept.
    #[serde(flatten)]
    pub extra: Body,
}

/// The identity of some bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// SHA-256 of all of them.
    pub sha256: Hash,
    /// How many there are.
    pub len: u64,
    /// Their media type.
    pub mime: String,
}

/// The picture as the camera wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// Its bytes.
    #[serde(flatten)]
    pub file: Attachment,
    /// Columns as stored, before any orientation is applied.
    pub width: u32,
    /// Rows as stored.
    pub height: u32,
}

/// Where a picture comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The camera inside the app.
    Camera,
    /// The device's gallery.
    Gallery,
    /// Another app, or a file whose way here is not known.
    OtherApp,
    /// One of a later version.
    #[serde(other)]
    Unknown,
}

/// Where a photo was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Place {
    /// A fix that came with it, inside an open work session.
    Session {
        /// The session.
        shift: ShiftId,
        /// The boot whose clock the fix names.
        boot: BootId,
        /// The fix.
        fix: Fix,
    },
    /// That of the check-in that it goes with; nothing was measured anew.
    CheckIn,
    /// None is known.
    None {
        /// Why.
        why: NoPlace,
    },
    /// One of a later version.
    #[serde(untagged)]
    Unknown(Value),
}

/// Why no place is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoPlace {
    /// Neither a work session nor a check-in: then no position is recorded.
    OutsideWork,
    /// The device had no fix.
    NoFix,
    /// It was not taken in the app, so where the device is says nothing.
    NotTakenHere,
    /// Its period is over.
    Erased,
    /// A reason of a later version.
    #[serde(other)]
    Unknown,
}

/// Whether a photo stands. Changes only by [`Step`]s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum State {
    /// It stands.
    Kept,
    /// Its author withdrew it. The record stays, and says so.
    Withdrawn {
        /// When.
        at: TimeInterval,
        /// Why.
        reason: String,
    },
    /// A state of a later version.
    #[serde(untagged)]
    Unknown(Value),
}

/// What is done to a photo after it was taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Something is drawn over it, in place of what was drawn before.
    Annotate {
        /// The version that its author saw; 0 for none.
        over: u32,
        /// Who draws.
        by: UserId,
        /// All the marks.
        marks: Vec<Mark>,
    },
    /// Its author withdraws it.
    Withdraw {
        /// Why; never empty.
        reason: String,
    },
}

impl Step {
    /// The step as an operation on `photo`.
    ///
    /// # Errors
    /// What [`layer::check`] says of the marks; [`Code::Required`] or [`Code::TooLong`] for the reason.
    pub fn draft(self, photo: PhotoId) -> Result<Draft, Refusal> {
        let (name, args) = match self {
            Self::Annotate { over, by, marks } => {
                layer::check(&marks)?;
                (
                    "annotate",
                    json!({ "over": over, "by": by, "marks": marks }),
                )
            }
            Self::Withdraw { reason } => {
                check_text("reason", &reason, MAX_TEXT)?;
                ("withdraw", json!({ "reason": reason }))
            }
        };
        let Value::Object(args) = args else {
            return Err(Refusal::new(Code::Malformed));
        };
        Ok(Draft::command::<Photo>(photo, name, args))
    }

    fn read(op: &Operation) -> Result<Self, Refusal> {
        #[derive(Deserialize)]
        struct Annotate {
            over: u32,
            by: UserId,
            marks: Vec<Mark>,
        }
        let command = op.cmd.as_ref().ok_or(Refusal::new(Code::Malformed))?;
        match command.name.as_str() {
            "annotate" => {
                let Annotate { over, by, marks } = Annotate::deserialize(&command.args)
                    .map_err(|_| Refusal::of_field(Code::Malformed, "marks"))?;
                layer::check(&marks)?;
                Ok(Self::Annotate { over, by, marks })
            }
            "withdraw" => {
                let reason = command.args.get("reason").and_then(Value::as_str);
                let reason = reason.unwrap_or_default();
                check_text("reason", reason, MAX_TEXT)?;
                Ok(Self::Withdraw {
                    reason: reason.to_owned(),
                })
            }
            _ => Err(Refusal::new(Code::Unsupported)),
        }
    }
}

impl Attachment {
    fn check(&self, field: &str, most: u64) -> Result<(), Refusal> {
        if self.len > most {
            return Err(Refusal::of_field(Code::TooLong, field));
        }
        let picture = self.mime.starts_with("image/") && self.mime.len() <= 100;
        if self.len == 0 || !picture {
            return Err(Refusal::of_field(Code::Malformed, field));
        }
        Ok(())
    }

    fn blob(&self, role: &str) -> Blob {
        Blob {
            sha256: self.sha256,
            len: self.len,
            mime: self.mime.clone(),
            role: role.to_owned(),
        }
    }
}

impl Photo {
    /// Whether its author withdrew it.
    #[must_use]
    pub const fn is_withdrawn(&self) -> bool {
        matches!(self.state, State::Withdrawn { .. })
    }

    /// Version of what is drawn over it; 0 for nothing yet.
    #[must_use]
    pub fn layer_version(&self) -> u32 {
        self.layer.as_ref().map_or(0, |layer| layer.version)
    }

    fn check_place(&self) -> Result<(), Refusal> {
        let wrong = || Err(Refusal::of_field(Code::Malformed, "place"));
        match &self.place {
            Place::Session { fix, .. } if self.source == Source::Camera => fix.check(),
            // where the device is now says nothing about where a picture from elsewhere was taken
            Place::Session { .. } => wrong(),
            Place::CheckIn if self.check_in.is_none() || self.source != Source::Camera => wrong(),
            Place::CheckIn | Place::None { .. } | Place::Unknown(_) => Ok(()),
        }
    }

    /// The same photo as far as it can never change.
    fn taken(&self) -> Self {
        Self {
            layer: None,
            state: State::Kept,
            ..self.clone()
        }
    }
}

impl SyncRecord for Photo {
    const KIND: Kind = Kind::new("photo");
    const SHAPE: Shape = Shape::Living;

    fn check(&self) -> Result<(), Refusal> {
        let wrong = |field: &str| Err(Refusal::of_field(Code::Malformed, field));
        check_text("slot", &self.slot, MAX_SLOT)?;
        check_length(
            "caption",
            self.caption.as_deref().unwrap_or_default(),
            MAX_TEXT,
        )?;
        self.original.file.check("original", MAX_BYTES)?;
        let fits = |side: u32| (1..=MAX_SIDE).contains(&side);
        if !fits(self.original.width) || !fits(self.original.height) {
            return wrong("original");
        }
        if let Some(preview) = &self.preview {
            preview.check("preview", MAX_PREVIEW_BYTES)?;
        }
        if self.number == 0 {
            return wrong("number");
        }
        if self.check_in.is_some() && self.visit.is_none() {
            return wrong("check_in");
        }
        self.check_place()?;
        self.camera.check()?;
        if self.alike.len() > MAX_ALIKE {
            return Err(Refusal::of_field(Code::TooLong, "alike"));
        }
        if let Some(layer) = &self.layer {
            layer::check(&layer.marks)?;
        }
        match &self.state {
            State::Withdrawn { reason, .. } => check_text("reason", reason, MAX_TEXT),
            State::Kept | State::Unknown(_) => Ok(()),
        }
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::user(self.rep)]
    }

    fn references(&self) -> Vec<RecordKey> {
        let mut keys = vec![RecordKey::of::<Customer>(self.customer)];
        keys.extend(self.visit.map(RecordKey::of::<Visit>));
        keys.extend(self.check_in.map(RecordKey::of::<CheckIn>));
        if let Place::Session { shift, .. } = &self.place {
            keys.push(RecordKey::of::<Shift>(*shift));
        }
        keys
    }

    fn attachments(&self) -> Vec<Blob> {
        let original = self.original.file.blob(ORIGINAL);
        let preview = self.preview.as_ref().map(|preview| preview.blob(PREVIEW));
        std::iter::once(original).chain(preview).collect()
    }

    /// A photo is its author's. Who leads the author may draw over it; what was recorded nobody changes, and nobody deletes it.
    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool {
        let own = next.rep == actor.user;
        let Some(stored) = stored else {
            return own && next.layer.is_none() && next.state == State::Kept;
        };
        let drawn = stored.layer != next.layer;
        let by_actor = next
            .layer
            .as_ref()
            .is_some_and(|layer| layer.by == actor.user);
        stored.taken() == next.taken()
            && !next.extra.contains_key(DELETED)
            && (own || (actor.leads() && actor.sees(&next.scopes())))
            && (!drawn || by_actor)
            && (own || stored.state == next.state)
    }

    fn on_conflict(_: &str) -> OnConflict {
        OnConflict::CommandOnly
    }

    /// The visit, the check-in and the session are other records: whether they fit is looked at here, and never refuses a photo.
    fn second_look(&self, find: &dyn Fn(&RecordKey) -> Vec<Body>) -> Vec<Finding> {
        fn states<R: SyncRecord>(
            find: &dyn Fn(&RecordKey) -> Vec<Body>,
            id: impl Into<crate::ids::RecordId>,
        ) -> Vec<R> {
            let bodies = find(&RecordKey::of::<R>(id)).into_iter();
            bodies.filter_map(|body| record::read(&body).ok()).collect()
        }
        let mut findings = Vec::new();
        let mut differs = |known: bool, fits: bool, code| {
            if known && !fits {
                let detail = String::new();
                findings.push(Finding { code, detail });
            }
        };
        if let Some(visit) = self.visit {
            let visits: Vec<Visit> = states(find, visit);
            let fits = |visit: &Visit| (visit.rep, visit.customer) == (self.rep, self.customer);
            differs(!visits.is_empty(), visits.iter().any(fits), "visit_differs");
        }
        if let Some(check_in) = self.check_in {
            let found: Vec<CheckIn> = states(find, check_in);
            let fits =
                |check_in: &CheckIn| (check_in.rep, Some(check_in.visit)) == (self.rep, self.visit);
            differs(
                !found.is_empty(),
                found.iter().any(fits),
                "check_in_differs",
            );
        }
        if let Place::Session { shift, boot, fix } = &self.place {
            let shifts: Vec<Shift> = states(find, *shift);
            let clock = (fix.mono_ms, fix.mono_ms);
            let fits = |shift: &Shift| {
                shift.rep == self.rep && shift.holds(*boot, clock, (self.at, self.at))
            };
            differs(
                !shifts.is_empty(),
                shifts.iter().any(fits),
                "outside_session",
            );
        }
        findings
    }

    fn command(&self, op: &Operation) -> Result<Commanded<Self>, Refusal> {
        let at = op.t.when;
        Ok(match (&self.state, Step::read(op)?) {
            (State::Unknown(_), _) => return Err(Refusal::new(Code::Unsupported)),
            (State::Withdrawn { .. }, Step::Withdraw { .. }) => Commanded::Already,
            // withdrawn here, drawn over there
            (State::Withdrawn { .. }, Step::Annotate { .. }) => Commanded::Clash("state"),
            (State::Kept, Step::Withdraw { reason }) => Commanded::Done(Self {
                state: State::Withdrawn { at, reason },
                ..self.clone()
            }),
            (State::Kept, Step::Annotate { over, by, marks }) => {
                let version = self.layer_version();
                let drawn = self.layer.as_ref();
                if drawn.is_some_and(|layer| (layer.by, &layer.marks) == (by, &marks)) {
                    Commanded::Already
                } else if version == over {
                    Commanded::Done(Self {
                        layer: Some(Layer {
                            version: version.saturating_add(1),
                            by,
                            at,
                            marks,
                        }),
                        ..self.clone()
                    })
                } else {
                    Commanded::Clash("layer")
                }
            }
        })
    }
}
