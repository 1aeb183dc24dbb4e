//! Tracks that stay on the phone: opening single fixes of one's own, and checking what somebody has opened.

use std::collections::BTreeMap;
use std::io::BufRead;

use chrono::{NaiveDate, NaiveTime};
use serde::Serialize;
use waymark_domain::fix::Fix;
use waymark_domain::ids::TrackRootId;
use waymark_domain::op::{Act, Operation};
use waymark_domain::record::{Body, SyncRecord as _, read};
use waymark_domain::time::{TimeInterval, UnixMs};
use waymark_domain::track_root::TrackRoot;
use waymark_domain::track_root::opening::{NotOpened, OpenedLeaf, OpenedSegment, Opening, VERSION};
use waymark_evidence::{Report, verify_and_read};
use waymark_protocol::proof::PublicKey;

use super::Tracks;
use crate::error::{ErrorCode, WaymarkError};
use crate::waymark::Waymark;

/// What became of checking opened fixes against a bundle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpeningReport {
    /// What the verifier says of the bundle.
    pub bundle: Report,
    /// The opened fixes, in the order of the file.
    pub leaves: Vec<LeafReport>,
}

/// One opened fix.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeafReport {
    /// Its segment.
    pub segment: TrackRootId,
    /// Its place in the segment, from 0.
    pub index: u32,
    /// The fix, when it leads to the root in the bundle.
    pub fix: Option<Fix>,
    /// When it was true, by what the operation says of the clock.
    pub at: Option<TimeInterval>,
    /// Why it is not proven.
    pub why: Option<Unproven>,
}

/// Why an opened fix is not proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unproven {
    /// No operation of the bundle tells of its segment.
    NoSuchSegment,
    /// The operation tells of another root or count than the file.
    OtherSegment,
    /// It does not lead to the root.
    Leaf(NotOpened),
}

impl OpeningReport {
    /// Whether the bundle is proven and every fix leads to a root in it. A file that opens nothing proves nothing.
    #[must_use]
    pub fn proven(&self) -> bool {
        self.bundle.proven()
            && !self.leaves.is_empty()
            && self.leaves.iter().all(|leaf| leaf.why.is_none())
    }
}

impl Tracks {
    /// Opens the user's own fixes of a day, from one local time to another, both included, of what this phone kept back. What waits is sealed first.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] for times in the wrong order, [`ErrorCode::NotFound`] when nothing was kept back then.
    pub fn open(
        &self,
        day: NaiveDate,
        from: NaiveTime,
        to: NaiveTime,
    ) -> Result<Opening, WaymarkError> {
        if to < from {
            return Err(WaymarkError::new(ErrorCode::InvalidInput, "to"));
        }
        let me = self.0.user()?;
        if !self.0.is_push_only() {
            let store = &self.0.0.store;
            store.flush_track(self.0.reading(), self.0.entropy())?;
        }
        let (from, to) = (self.0.local_ms(day, from), self.0.local_ms(day, to));
        let segments = self.0.read(|reader| {
            let mut found = Vec::new();
            for row in reader.segments_of_day(me, day)? {
                let id = TrackRootId::from(row.id);
                if let Some(leaves) = reader.leaves(id)? {
                    found.push((id, row.record, leaves));
                }
            }
            Ok(found)
        })?;
        let mut opening = Opening {
            waymark_opening: VERSION,
            segments: Vec::new(),
        };
        for (id, segment, leaves) in segments {
            let inside = |text: &str| {
                let fix: Option<Fix> = serde_json::from_str(text).ok();
                fix.is_some_and(|fix| (from..=to).contains(&segment.moment(fix.mono_ms).best_ms()))
            };
            let indexes: Vec<usize> = (0..)
                .zip(&leaves)
                .filter_map(|(index, (_, fix))| inside(fix).then_some(index))
                .collect();
            if !indexes.is_empty() {
                opening
                    .segments
                    .push(OpenedSegment::of(id, &leaves, &indexes));
            }
        }
        if opening.segments.is_empty() {
            return Err(WaymarkError::new(ErrorCode::NotFound, "fixes"));
        }
        Ok(opening)
    }
}

impl Waymark {
    /// A local time of a day as this device counts it now, milliseconds since 1970 UTC.
    pub(crate) fn local_ms(&self, day: NaiveDate, time: NaiveTime) -> UnixMs {
        let offset = i64::from(self.reading().utc_offset_min) * 60_000;
        day.and_time(time).and_utc().timestamp_millis() - offset
    }
}

/// Checks opened fixes against the operations of a bundle, with nothing but the key to trust; without one the key in the bundle is used, and
/// nothing is proven.
///
/// # Errors
/// [`ErrorCode::Unsupported`] for a file of a later version; what reading the bundle may say.
pub fn check_opening(
    opening: &Opening,
    bundle: &mut dyn BufRead,
    company: Option<&PublicKey>,
) -> Result<OpeningReport, WaymarkError> {
    if opening.waymark_opening != VERSION {
        return Err(WaymarkError::new(ErrorCode::Unsupported, "version"));
    }
    let mut roots: BTreeMap<TrackRootId, TrackRoot> = BTreeMap::new();
    let bundle = verify_and_read(bundle, company, &mut |op| {
        if let Some(root) = root_of(op) {
            roots.insert(op.rec.into(), root);
        }
    })?;
    // an operation of somebody else's track proves nothing about this device's user
    roots.retain(|_, root| bundle.user.is_none_or(|user| user == root.rep));
    let leaves = opening.segments.iter().flat_map(|segment| {
        let root = roots.get(&segment.segment);
        segment
            .leaves
            .iter()
            .map(move |leaf| checked(segment, leaf, root))
    });
    let leaves = leaves.collect();
    Ok(OpeningReport { bundle, leaves })
}

fn root_of(op: &Operation) -> Option<TrackRoot> {
    if op.kind != TrackRoot::KIND || op.act != Act::Append {
        return None;
    }
    let fields = op.set.iter().filter(|(_, change)| !change.1.is_null());
    let body: Body = fields
        .map(|(field, change)| (field.clone(), change.1.clone()))
        .collect();
    read::<TrackRoot>(&body)
        .ok()
        .filter(|root| root.check().is_ok())
}

fn checked(segment: &OpenedSegment, leaf: &OpenedLeaf, root: Option<&TrackRoot>) -> LeafReport {
    let result = match root {
        None => Err(Unproven::NoSuchSegment),
        Some(root) if (root.root, root.fixes) != (segment.root, segment.count) => {
            Err(Unproven::OtherSegment)
        }
        Some(root) => leaf
            .check(root.root, root.fixes)
            .map(|fix| (root.moment(fix.mono_ms), fix))
            .map_err(Unproven::Leaf),
    };
    let (at, fix, why) = match result {
        Ok((at, fix)) => (Some(at), Some(fix), None),
        Err(why) => (None, None, Some(why)),
    };
    LeafReport {
        segment: segment.segment,
        index: leaf.index,
        fix,
        at,
        why,
    }
}
