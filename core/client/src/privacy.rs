//! What is known about the user here: what was collected, when, why, who may see it, how long it is kept, and who looked.

use chrono::{Days, NaiveDate};
use serde::Serialize;
use waymark_domain::check_in::CheckIn;
use waymark_domain::ids::UserId;
use waymark_domain::location_access::What;
use waymark_domain::photo::{Photo, Place};
use waymark_domain::record::{Role, SyncRecord as _};
use waymark_domain::retention;
use waymark_domain::sos::Sos;
use waymark_domain::time::{TimeInterval, local_day};
use waymark_domain::track_root::TrackRoot;
use waymark_domain::track_segment::TrackSegment;
use waymark_store::{Collected, Row};

use crate::error::{ErrorCode, WaymarkError};
use crate::lang::Lang;
use crate::waymark::Waymark;

/// Privacy.
pub struct Privacy(pub(crate) Waymark);

/// Everything about some days.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PrivacyView {
    /// The first local calendar day.
    pub from: NaiveDate,
    /// The last.
    pub to: NaiveDate,
    /// What was collected, sort by sort.
    pub collected: Vec<CollectedView>,
    /// Who may see it: the user, and by name those who lead the user.
    pub seen_by: Vec<String>,
    /// Who looked, the first first.
    pub looked: Vec<LookView>,
}

/// A sort of data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CollectedView {
    /// What it is.
    pub what: Sort,
    /// For how many days the server keeps it.
    pub kept_days: Option<u32>,
    /// Day by day.
    pub days: Vec<DayView>,
}

/// One day of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayView {
    /// The local calendar day.
    pub day: NaiveDate,
    /// Records.
    pub records: u64,
    /// Positions in them that were recorded.
    pub positions: u64,
    /// Best single moment of the first, milliseconds since 1970 UTC.
    pub first_ms: i64,
    /// The same of the last.
    pub last_ms: i64,
    /// Bytes.
    pub bytes: u64,
}

/// Sorts of data that hold positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Positions at customers.
    CheckIns,
    /// Tracks inside work sessions.
    Tracks,
    /// Tracks inside work sessions that stay on the phone.
    TracksKeptBack,
    /// Positions in calls for help.
    CallsForHelp,
    /// Photos, and the positions that were recorded with them.
    Photos,
}

/// Somebody looked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LookView {
    /// Who.
    pub viewer: UserId,
    /// The name, where it is known here.
    pub viewer_name: Option<String>,
    /// At what.
    pub what: What,
    /// Of which day.
    pub day: NaiveDate,
    /// What for.
    pub purpose: String,
    /// When.
    pub at: TimeInterval,
}

impl Sort {
    /// Why it is collected.
    #[must_use]
    pub const fn purpose(self, lang: Lang) -> &'static str {
        match self {
            Self::CheckIns => lang.pick(
                "To show that a visit took place at the customer",
                "用于证明拜访确实在客户处进行",
            ),
            Self::Tracks => lang.pick(
                "To show the way of the working day, inside work sessions that you open yourself; no visit needs it",
                "用于记录工作时段内的行程，仅在您自己开启的工作时段内采集；拜访不依赖轨迹",
            ),
            Self::TracksKeptBack => lang.pick(
                "To show when you were at work; where you were stays on your phone, and only you can open it",
                "用于说明您何时在工作；位置留在您的手机上，只有您可以公开",
            ),
            Self::CallsForHelp => lang.pick(
                "To find you when you call for help",
                "用于在您求助时找到您",
            ),
            Self::Photos => lang.pick(
                "To show what was found at the customer; a position only inside work sessions that you open yourself",
                "用于说明客户现场情况；仅在您自己开启的工作时段内记录位置",
            ),
        }
    }
}

/// Most days of one view: a year and a bit, more than anything with a position is kept.
pub(crate) const MAX_DAYS: u64 = 400;

impl Privacy {
    /// What was collected about the user from `from` to `to`, and who looked at it.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] when the days are in the wrong order or more than 400.
    pub fn collected(&self, from: NaiveDate, to: NaiveDate) -> Result<PrivacyView, WaymarkError> {
        let last = from.checked_add_days(Days::new(MAX_DAYS)).unwrap_or(from);
        if to < from || to > last {
            return Err(WaymarkError::new(ErrorCode::InvalidInput, "days"));
        }
        let me = self.0.me()?;
        let tz = self.0.reading().utc_offset_min;
        let begin = |day: NaiveDate| {
            let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc();
            midnight.timestamp_millis() - i64::from(tz) * 60_000
        };
        let after = to.succ_opt().unwrap_or(to);
        let (check_ins, tracks, kept_back, calls, photos, accesses) = self.0.read(|reader| {
            Ok((
                reader.check_ins_collected(me.user, from, to)?,
                reader.tracks_collected(me.user, from, to)?,
                reader.tracks_kept_back(me.user, from, to)?,
                reader.sos_of(me.user, begin(from), begin(after) - 1)?,
                reader.photos_between(me.user, begin(from), begin(after) - 1)?,
                reader.accesses_of(me.user, begin(from), begin(after))?,
            ))
        })?;
        let rules = retention::defaults();
        let members = self.0.team().list()?;
        let name = |user: UserId| {
            let member = members.iter().find(|member| member.user == user);
            member.map(|member| member.name.clone())
        };
        let leads = members.iter().filter(|member| {
            member.user != me.user
                && (member.role == Role::Admin
                    || (member.role == Role::Manager && member.team == me.team))
        });
        let looked = accesses.into_iter().map(|row| LookView {
            viewer: row.record.viewer,
            viewer_name: name(row.record.viewer),
            what: row.record.what,
            day: row.record.day,
            purpose: row.record.purpose,
            at: row.record.at,
        });
        Ok(PrivacyView {
            from,
            to,
            collected: vec![
                CollectedView {
                    what: Sort::CheckIns,
                    kept_days: retention::days_of(&rules, &CheckIn::KIND),
                    days: check_ins.into_iter().map(DayView::from).collect(),
                },
                CollectedView {
                    what: Sort::Tracks,
                    kept_days: retention::days_of(&rules, &TrackSegment::KIND),
                    days: tracks.into_iter().map(DayView::from).collect(),
                },
                CollectedView {
                    what: Sort::TracksKeptBack,
                    kept_days: retention::days_of(&rules, &TrackRoot::KIND),
                    days: kept_back.into_iter().map(DayView::from).collect(),
                },
                CollectedView {
                    what: Sort::CallsForHelp,
                    kept_days: retention::days_of(&rules, &Sos::KIND),
                    days: days_of(&calls, tz, |call| (call.at, call.last.is_some()))?,
                },
                CollectedView {
                    what: Sort::Photos,
                    kept_days: retention::days_of(&rules, &Photo::KIND),
                    days: days_of(&photos, tz, |photo| {
                        (photo.at, matches!(photo.place, Place::Session { .. }))
                    })?,
                },
            ],
            seen_by: std::iter::once(me.user_name.clone())
                .chain(leads.map(|member| member.name.clone()))
                .collect(),
            looked: looked.collect(),
        })
    }
}

/// Records in the order of time, day by day. `look` gives when one was made and whether it holds a position.
fn days_of<R: Serialize>(
    rows: &[Row<R>],
    tz: i16,
    look: impl Fn(&R) -> (TimeInterval, bool),
) -> Result<Vec<DayView>, WaymarkError> {
    let mut days: Vec<DayView> = Vec::new();
    for row in rows {
        let (at, placed) = look(&row.record);
        let at_ms = at.best_ms();
        let day = local_day(at_ms, tz);
        let bytes = serde_json::to_vec(&row.record)
            .map_err(|error| WaymarkError::new(ErrorCode::Internal, error.to_string()))?
            .len();
        let (positions, bytes) = (u64::from(placed), u64::try_from(bytes).unwrap_or(u64::MAX));
        match days.last_mut().filter(|last| last.day == day) {
            Some(last) => {
                last.records += 1;
                last.positions += positions;
                last.last_ms = at_ms;
                last.bytes += bytes;
            }
            None => days.push(DayView {
                day,
                records: 1,
                positions,
                first_ms: at_ms,
                last_ms: at_ms,
                bytes,
            }),
        }
    }
    Ok(days)
}

impl From<Collected> for DayView {
    fn from(found: Collected) -> Self {
        Self {
            day: found.day,
            records: found.records,
            positions: found.positions,
            first_ms: found.first_ms,
            last_ms: found.last_ms,
            bytes: found.bytes,
        }
    }
}

impl Waymark {
    /// Privacy.
    #[must_use]
    pub fn privacy(&self) -> Privacy {
        Privacy(self.clone())
    }
}
