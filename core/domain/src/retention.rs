//! How long each sort of data is kept, and what erasing leaves.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::check_in::CheckIn;
use crate::fix::MAX_ACCURACY_M;
use crate::merge::DELETED;
use crate::photo::Photo;
use crate::record::{Body, Kind, SyncRecord as _};
use crate::sos::Sos;
use crate::time::UnixMs;
use crate::track_root::TrackRoot;
use crate::track_segment::TrackSegment;

/// The field that says when and why a body was emptied.
pub const ERASED: &str = "erased";

/// How long the positions in records of a kind are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The kind.
    pub kind: Kind,
    /// Days, counted from when the server received them: its clock is the only one that nobody in the field can set.
    pub days: u32,
}

/// The periods that hold when a company sets no others: a track 30 days, whether it was sent or stayed on its phone, the position of a call
/// for help as long, the position of a check-in and of a photo 12 months (quality.md PRIVACY-4).
#[must_use]
pub fn defaults() -> Vec<Rule> {
    vec![
        Rule {
            kind: TrackSegment::KIND,
            days: 30,
        },
        Rule {
            kind: TrackRoot::KIND,
            days: 30,
        },
        Rule {
            kind: Sos::KIND,
            days: 30,
        },
        Rule {
            kind: CheckIn::KIND,
            days: 365,
        },
        Rule {
            kind: Photo::KIND,
            days: 365,
        },
    ]
}

impl Rule {
    /// What was received before this moment is due at `now`.
    #[must_use]
    pub fn cut(&self, now: UnixMs) -> UnixMs {
        now.saturating_sub(i64::from(self.days) * 86_400_000)
    }
}

/// The rule of a kind, in days; `None` for a kind that holds no position.
#[must_use]
pub fn days_of(rules: &[Rule], kind: &Kind) -> Option<u32> {
    rules
        .iter()
        .find(|rule| rule.kind == *kind)
        .map(|rule| rule.days)
}

/// Whether a body was emptied already.
#[must_use]
pub fn is_erased(body: &Body) -> bool {
    body.contains_key(ERASED)
}

/// What is left of any piece of a track: whose, when, how much.
const PIECE: &[&str] = &[
    "shift",
    "rep",
    "i",
    "day",
    "at",
    "until",
    "boot",
    "first_mono",
    "last_mono",
    "fixes",
];

/// What is left of a body when its period is over; `None` for a kind that has none.
///
/// A track segment, and what is told of one that stays on its phone, says who, when and how much, and is deleted; the phone lets go of the
/// segment itself with it. A call for help keeps its time, without a position. A check-in stays, with its visit, rep and time; its position is
/// rounded to whole degrees and its accuracy says so (half a degree each way is at most 79 km), and whatever else it carried is gone. A photo
/// stays as it is, without its position.
#[must_use]
pub fn erase(kind: &Kind, body: &Body, on: NaiveDate) -> Option<Body> {
    let mut left = if *kind == TrackSegment::KIND {
        let mut left = only(body, &[PIECE, &["points", "worst_error_m"]].concat());
        left.insert("packed".to_owned(), Value::String(String::new()));
        left.insert(DELETED.to_owned(), Value::Bool(true));
        left
    } else if *kind == TrackRoot::KIND {
        let mut left = only(body, &[PIECE, &["root"]].concat());
        left.insert(DELETED.to_owned(), Value::Bool(true));
        left
    } else if *kind == Sos::KIND {
        only(body, &["rep", "at", "battery"])
    } else if *kind == CheckIn::KIND {
        let mut left = only(
            body,
            &["visit", "customer", "rep", "position", "source", "at"],
        );
        if let Some(Value::Object(position)) = left.get_mut("position") {
            for value in position.values_mut() {
                if let Some(degrees) = value.as_f64() {
                    *value = json!(degrees.round());
                }
            }
        }
        left.insert("accuracy_m".to_owned(), json!(MAX_ACCURACY_M));
        left
    } else if *kind == Photo::KIND {
        let mut left = body.clone();
        // that of a check-in stands in the check-in, and why there is none is no position
        if let Some(place) = left.get_mut("place")
            && place.get("fix").is_some()
        {
            *place = json!({ "is": "none", "why": "erased" });
        }
        left
    } else {
        return None;
    };
    left.insert(ERASED.to_owned(), json!({ "on": on, "why": "retention" }));
    Some(left)
}

fn only(body: &Body, fields: &[&str]) -> Body {
    fields
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), body.get(*field)?.clone())))
        .collect()
}
