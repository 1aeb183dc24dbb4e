//! The rules of check-ins, as data. A company publishes them as a [`crate::policy::Policy`]; what it leaves out has the values built in here.

use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDateTime, NaiveTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::geo::Regions;
use crate::geo::fence::Thresholds;
use crate::refusal::{Code, Refusal};

/// Smallest radius that a policy may set, metres: below it a street's width decides (facts: "never < 50 m" for a default; an
/// outline of one's own may be tighter).
pub const MIN_RADIUS_M: f64 = 50.0;
/// Largest radius that a policy may set, metres.
pub const MAX_RADIUS_M: f64 = 5_000.0;
/// Most categories or windows of hours.
pub const MAX_ENTRIES: usize = 100;

/// The rules of check-ins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckInPolicy {
    /// Radius around a customer that has no fence of its own, metres. Street shops: 100 (DingTalk's usual range is 100-500).
    pub radius_m: f64,
    /// The same for categories, such as `amenity=hospital`, where halls are large and satellites few.
    pub radius_by_category: BTreeMap<String, f64>,
    /// When a position is inside or outside.
    pub thresholds: Thresholds,
    /// Oldest fix that decides, seconds by the boot-time clock.
    pub max_fix_age_s: u32,
    /// Shortest stay, seconds, judged when the rep leaves; 0 for none.
    pub min_stay_s: u32,
    /// Local times at which visits count; any time when empty.
    pub hours: Vec<Hours>,
    /// With what an uncertain check-in counts as a visit.
    pub accept_uncertain: Vec<Accept>,
    /// Score from which the integrity signals are brought before a manager. Nothing is ever refused for a score.
    pub flag_from: u8,
    /// Oldest Wi-Fi scan that counts, seconds. Android may hand out old results.
    pub max_scan_age_s: u32,
    /// Whether tracks are kept during a work session, and where. Where the law forbids them (CNIL names travelling reps) check-ins work all
    /// the same.
    pub tracks: TrackKeeping,
    /// Longest work session, minutes: it ends by itself.
    pub shift_limit_min: u32,
    /// How the map provider treats the three regions.
    pub regions: Regions,
}

/// With what an uncertain check-in is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accept {
    /// A reason that the rep states.
    Reason,
    /// A photo, named by its hash.
    Photo,
    /// One of the customer's Wi-Fi stations, seen lately.
    Bssid,
}

/// Where the tracks of work sessions are kept. As JSON: `false`, `true`, `"device"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrackKeeping {
    /// Nowhere: no position is recorded between check-ins.
    Nowhere,
    /// On the phone, and sent to the server.
    #[default]
    Server,
    /// On the phone alone. What is sent says when and how much, and binds the phone to it: [`crate::track_root`].
    Device,
}

impl Serialize for TrackKeeping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nowhere => serializer.serialize_bool(false),
            Self::Server => serializer.serialize_bool(true),
            Self::Device => serializer.serialize_str("device"),
        }
    }
}

impl<'de> Deserialize<'de> for TrackKeeping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(false) => Ok(Self::Nowhere),
            Value::Bool(true) => Ok(Self::Server),
            Value::String(place) if place == "device" => Ok(Self::Device),
            _ => Err(de::Error::custom(r#"tracks is true, false or "device""#)),
        }
    }
}

/// Times of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// ISO days: 1 is Monday, 7 Sunday.
    pub days: Vec<u8>,
    /// From, local time.
    pub from: NaiveTime,
    /// To, local time, not included. Before `from`: until that time of the next day.
    pub to: NaiveTime,
}

impl Default for CheckInPolicy {
    fn default() -> Self {
        let wide = ["amenity=hospital", "shop=mall", "building=office"];
        Self {
            radius_m: 100.0,
            radius_by_category: wide.map(|name| (name.to_owned(), 200.0)).into(),
            thresholds: Thresholds::default(),
            max_fix_age_s: 30,
            min_stay_s: 0,
            hours: Vec::new(),
            accept_uncertain: vec![Accept::Reason, Accept::Photo, Accept::Bssid],
            flag_from: 50,
            max_scan_age_s: 120,
            tracks: TrackKeeping::Server,
            shift_limit_min: 720,
            regions: Regions::default(),
        }
    }
}

impl CheckInPolicy {
    /// Refuses rules that nobody could be judged by.
    ///
    /// # Errors
    /// [`Code::Malformed`], naming the rule.
    pub fn check(&self) -> Result<(), Refusal> {
        let fair = |name: &str, holds: bool| {
            holds
                .then_some(())
                .ok_or_else(|| Refusal::of_field(Code::Malformed, name))
        };
        let radius = |metres: &f64| (MIN_RADIUS_M..=MAX_RADIUS_M).contains(metres);
        fair("radius_m", radius(&self.radius_m))?;
        let by_category = &self.radius_by_category;
        let short = by_category.len() <= MAX_ENTRIES;
        fair(
            "radius_by_category",
            short && by_category.values().all(radius),
        )?;
        let Thresholds {
            inside,
            outside_sigmas,
        } = self.thresholds;
        // below 0.5 a position outside could be called inside; below 3.26 more than 0.5 % of those inside would be called outside
        let just = (0.5..=0.999).contains(&inside) && (3.26..=6.0).contains(&outside_sigmas);
        fair("thresholds", just)?;
        fair("max_fix_age_s", (5..=3_600).contains(&self.max_fix_age_s))?;
        fair("min_stay_s", self.min_stay_s <= 12 * 3_600)?;
        let weekly = |hours: &Hours| {
            !hours.days.is_empty()
                && hours.days.iter().all(|day| (1..=7).contains(day))
                && hours.from != hours.to
        };
        fair(
            "hours",
            self.hours.len() <= MAX_ENTRIES && self.hours.iter().all(weekly),
        )?;
        fair("flag_from", (1..=100).contains(&self.flag_from))?;
        fair("max_scan_age_s", (5..=3_600).contains(&self.max_scan_age_s))?;
        fair(
            "shift_limit_min",
            (30..=960).contains(&self.shift_limit_min),
        )
    }

    /// The radius for a customer of `category`, metres.
    #[must_use]
    pub fn radius_for(&self, category: Option<&str>) -> f64 {
        let own = category.and_then(|category| self.radius_by_category.get(category));
        own.copied().unwrap_or(self.radius_m)
    }

    /// Whether visits count at this local time.
    #[must_use]
    pub fn is_open(&self, local: NaiveDateTime) -> bool {
        self.hours.is_empty() || self.hours.iter().any(|hours| hours.holds(local))
    }
}

impl Hours {
    fn holds(&self, local: NaiveDateTime) -> bool {
        let (day, time) = (local.date(), local.time());
        let on = |day: chrono::NaiveDate| {
            let iso = day.weekday().number_from_monday();
            self.days.iter().any(|own| u32::from(*own) == iso)
        };
        if self.from < self.to {
            return on(day) && (self.from..self.to).contains(&time);
        }
        let yesterday = day.pred_opt();
        (on(day) && time >= self.from) || (yesterday.is_some_and(on) && time < self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_built_in_is_fair_and_what_a_company_leaves_out_is_built_in() {
        CheckInPolicy::default().check().unwrap();
        let rules: CheckInPolicy = serde_json::from_str(r#"{"radius_m": 150}"#).unwrap();
        assert_eq!(rules.max_fix_age_s, 30);
        assert!((rules.radius_for(Some("amenity=hospital")) - 200.0).abs() < 1e-9);
        assert!((rules.radius_for(Some("shop=bakery")) - 150.0).abs() < 1e-9);
    }

    #[test]
    fn a_rule_that_is_misspelt_or_unfair_is_refused() {
        assert!(serde_json::from_str::<CheckInPolicy>(r#"{"radius": 150}"#).is_err());
        for unfair in [
            r#"{"radius_m": 10}"#,
            r#"{"thresholds": {"inside": 0.4, "outside_sigmas": 3.26}}"#,
            r#"{"thresholds": {"inside": 0.85, "outside_sigmas": 1.0}}"#,
            r#"{"hours": [{"days": [8], "from": "08:00", "to": "18:00"}]}"#,
            r#"{"shift_limit_min": 1440}"#,
        ] {
            let rules: CheckInPolicy = serde_json::from_str(unfair).unwrap();
            assert!(rules.check().is_err(), "{unfair}");
        }
    }

    #[test]
    fn tracks_are_kept_nowhere_on_the_server_or_on_the_device_and_old_rules_stay_as_they_were() {
        for (text, keeping) in [
            ("false", TrackKeeping::Nowhere),
            ("true", TrackKeeping::Server),
            ("\"device\"", TrackKeeping::Device),
        ] {
            let rules: CheckInPolicy =
                serde_json::from_str(&format!(r#"{{"tracks": {text}}}"#)).unwrap();
            assert_eq!(rules.tracks, keeping);
            assert_eq!(serde_json::to_string(&keeping).unwrap(), text);
        }
        assert_eq!(CheckInPolicy::default().tracks, TrackKeeping::Server);
        for none in ["\"phone\"", "1", "null", "[]"] {
            let rules = serde_json::from_str::<CheckInPolicy>(&format!(r#"{{"tracks": {none}}}"#));
            assert!(rules.is_err(), "{none}");
        }
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_they_begin_on() {
        let rules: CheckInPolicy =
            serde_json::from_str(r#"{"hours": [{"days": [5], "from": "22:00", "to": "02:00"}]}"#)
                .unwrap();
        // 2026-03-13 is a Friday
        assert!(rules.is_open(at("2026-03-13T23:30:00")));
        assert!(rules.is_open(at("2026-03-14T01:59:00")));
        assert!(!rules.is_open(at("2026-03-14T02:00:00")));
        assert!(!rules.is_open(at("2026-03-13T01:00:00")));
    }
}
