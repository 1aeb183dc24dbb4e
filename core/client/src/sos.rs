//! Calls for help: a short message that is ready to be sent with no data network at all.

use serde::Serialize;
use waymark_domain::fix::Fix;
use waymark_domain::geo::links::{App, links};
use waymark_domain::geo::{Datum, Regions};
use waymark_domain::ids::{ShiftId, SosId};
use waymark_domain::op::Draft;
use waymark_domain::record::Body;
use waymark_domain::retention;
use waymark_domain::shift::later;
use waymark_domain::sos::sms::{self, Coding, Size};
use waymark_domain::sos::{LastSeen, Origin, Sos};
use waymark_domain::time::TimeInterval;
use waymark_domain::track::Entry;
use waymark_store::Unit;

use crate::error::{ErrorCode, WaymarkError};
use crate::lang::Lang;
use crate::waymark::Waymark;
use crate::when::{offset, short_time};

/// What a press brings.
#[derive(Debug, Clone, Default)]
pub struct SosRequest {
    /// A fix of now: the rep gives it with the press.
    pub fix: Option<Fix>,
    /// Charge of the battery, percent.
    pub battery: Option<u8>,
    /// To whom, a telephone number.
    pub to: Option<String>,
}

/// A call for help that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SosView {
    /// The message.
    pub text: String,
    /// What it takes.
    pub size: Size,
    /// The link that opens it in the phone's messages (RFC 5724); absent without a number.
    pub uri: Option<String>,
    /// The position in it; absent when none is known.
    pub last: Option<LastSeen>,
    /// How old that is at the most, milliseconds; absent when that is not known.
    pub age_ms: Option<i64>,
    /// The record of it; absent when it could not be saved. The message is good all the same.
    pub id: Option<SosId>,
    /// Why it could not be saved.
    pub not_saved: Option<String>,
}

/// A last position, and its age where one clock of this boot knows it.
struct Found {
    last: LastSeen,
    age_ms: Option<i64>,
}

impl Waymark {
    /// Makes a message that calls for help, and records that. It needs no network and no open session. The position is the one that the request
    /// brings, else the newest of the open session and of the last check-in; where there is none the message says so.
    ///
    /// # Errors
    /// [`ErrorCode::NotEnrolled`], [`ErrorCode::InvalidInput`] for what is no fix, number or percentage. A disk that takes no record is no error.
    pub fn sos(&self, request: &SosRequest, lang: Lang) -> Result<SosView, WaymarkError> {
        let me = self.me()?;
        let invalid = |field: &str| WaymarkError::new(ErrorCode::InvalidInput, field);
        if let Some(fix) = &request.fix {
            fix.check()?;
        }
        if request.battery.is_some_and(|percent| percent > 100) {
            return Err(invalid("battery"));
        }
        let number = match &request.to {
            Some(text) => Some(sms::number(text).ok_or_else(|| invalid("to"))?),
            None => None,
        };
        let now = self.now()?;
        let found = match &request.fix {
            Some(fix) => Some(self.pressed(fix, now)),
            // a database that cannot be read is no reason not to call for help
            None => self.last_seen().unwrap_or_default(),
        };
        let age_ms = found.as_ref().and_then(|found| {
            found
                .age_ms
                .or_else(|| {
                    now.latest
                        .zip(found.last.at.earliest)
                        .map(|(now, at)| now - at)
                })
                .map(|age| age.max(0))
        });
        let last = found.map(|found| found.last);
        let message = Message {
            name: &me.user_name,
            at: &now,
            offset_min: self.reading().utc_offset_min,
            last: last.as_ref(),
            age_ms,
            battery: request.battery,
            regions: self.regions().unwrap_or_default(),
        };
        let text = message.text(lang);
        let sos = Sos {
            rep: me.user,
            at: now,
            last,
            battery: request.battery,
            extra: Body::new(),
        };
        let id = SosId::from_uuid(self.new_id());
        let saved = Draft::new(id, &sos)
            .map_err(WaymarkError::from)
            .and_then(|draft| self.commit(vec![Unit::One(draft)]));
        Ok(SosView {
            size: sms::size(&text),
            uri: number.map(|number| sms::uri(&number, &text)),
            text,
            last,
            age_ms,
            id: saved.is_ok().then_some(id),
            not_saved: saved.err().map(|error| error.message(lang)),
        })
    }

    fn pressed(&self, fix: &Fix, now: TimeInterval) -> Found {
        let age = self.reading().mono_ms.saturating_sub(fix.mono_ms);
        Found {
            last: LastSeen {
                position: fix.position,
                accuracy_m: fix.accuracy_m,
                at: later(now, age.saturating_neg()),
                from: Origin::Press,
            },
            age_ms: Some(age),
        }
    }

    /// The newest position that was recorded and may still be known.
    fn last_seen(&self) -> Result<Option<Found>, WaymarkError> {
        let in_session = self.last_of_session()?;
        let me = self.user()?;
        let check_in = self.read(|reader| reader.latest_check_in(me))?;
        let check_in = check_in
            .map(|row| row.record)
            // one whose period is over has no place any more
            .filter(|check_in| !retention::is_erased(&check_in.extra))
            .map(|check_in| Found {
                last: LastSeen {
                    position: check_in.position,
                    accuracy_m: check_in.accuracy_m,
                    at: check_in.at,
                    from: Origin::CheckIn,
                },
                age_ms: None,
            });
        let both = in_session.into_iter().chain(check_in);
        Ok(both.max_by_key(|found| found.last.at.best_ms()))
    }

    fn last_of_session(&self) -> Result<Option<Found>, WaymarkError> {
        self.shift().tidy()?;
        let (me, reading) = (self.me()?, self.reading());
        let found = self.read(|reader| {
            let Some(open) = reader.open_shift(me.user, me.device)? else {
                return Ok(None);
            };
            let shift = ShiftId::from(open.id);
            let waiting = reader.track_points(shift)?.points.into_iter().rev();
            let waiting = waiting
                .filter_map(|point| match &point.entry {
                    Entry::Fix(fix) => Some((fix.clone(), point.moment(), point.boot)),
                    Entry::Gap { .. } => None,
                })
                .next();
            if waiting.is_some() {
                return Ok(waiting);
            }
            let Some(segment) = reader.last_segment(shift)? else {
                return Ok(None);
            };
            let segment = segment.record;
            let fix = segment.track()?.fixes().last().cloned();
            Ok(fix.map(|fix| {
                let at = segment.moment(fix.mono_ms);
                (fix, at, segment.boot)
            }))
        })?;
        Ok(found.map(|(fix, at, boot)| Found {
            last: LastSeen {
                position: fix.position,
                accuracy_m: fix.accuracy_m,
                at,
                from: Origin::Session,
            },
            age_ms: (boot == reading.boot).then(|| reading.mono_ms.saturating_sub(fix.mono_ms)),
        }))
    }
}

/// What a message is made of.
struct Message<'a> {
    name: &'a str,
    at: &'a TimeInterval,
    offset_min: i16,
    last: Option<&'a LastSeen>,
    age_ms: Option<i64>,
    battery: Option<u8>,
    regions: Regions,
}

impl Message<'_> {
    /// The text, in one message of seven-bit characters or two of sixteen: in a village without data two may pass where four do not. The name gives
    /// way, everything else is short by itself.
    fn text(&self, lang: Lang) -> String {
        // a line feed in a name would make a message of its own look
        let mut name: String = self
            .name
            .trim()
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        loop {
            let text = self.with_name(&name, lang);
            let size = sms::size(&text);
            let most = match size.coding {
                Coding::Gsm7 => 1,
                Coding::Ucs2 => 2,
            };
            if size.parts <= most || name.pop().is_none() {
                return text;
            }
        }
    }

    fn with_name(&self, name: &str, lang: Lang) -> String {
        let time = short_time(self.at.best_ms(), self.offset_min);
        let offset = offset(self.offset_min);
        let mut text = match lang {
            Lang::En => format!("SOS {name} needs help, {time} {offset}."),
            Lang::ZhHans => format!("SOS {name}求助 {time} {offset}。"),
        };
        text.push_str(&self.place(lang));
        if let Some(percent) = self.battery {
            text.push_str(&match lang {
                Lang::En => format!(" Battery {percent}%."),
                Lang::ZhHans => format!("电量{percent}%。"),
            });
        }
        if let Some(last) = self.last
            && let Some(link) = links(last.position, "", self.regions)
                .into_iter()
                .find(|link| link.app == App::Geo)
        {
            text.push(' ');
            text.push_str(&link.url);
        }
        text
    }

    fn place(&self, lang: Lang) -> String {
        let Some(last) = self.last else {
            return lang.pick(" Position unknown.", "位置未知。").to_owned();
        };
        let (lat, lon) = (last.position.lat(), last.position.lon());
        let datum = match last.position.datum() {
            Datum::Wgs84 => "WGS-84",
            Datum::Gcj02 => "GCJ-02",
            Datum::Bd09 => "BD-09",
        };
        let metres = last.accuracy_m.ceil();
        let age = self.age(lang);
        match lang {
            Lang::En => format!(" {lat:.5},{lon:.5} {datum} +-{metres:.0}m, {age}."),
            Lang::ZhHans => format!("{lat:.5},{lon:.5} {datum} ±{metres:.0}米，{age}。"),
        }
    }

    /// Rounded up: it is no younger.
    fn age(&self, lang: Lang) -> String {
        let Some(ms) = self.age_ms else {
            return lang.pick("age unknown", "时间未知").to_owned();
        };
        let up = |unit: i64| (ms.saturating_add(unit - 1)) / unit;
        let units = [
            (120_000, 1_000, "s", "秒"),
            (7_200_000, 60_000, "min", "分钟"),
            (172_800_000, 3_600_000, "h", "小时"),
        ];
        let fitting = units.into_iter().find(|(most, ..)| ms <= *most);
        let (_, unit, en, zh) = fitting.unwrap_or((i64::MAX, 86_400_000, "days", "天"));
        let number = up(unit);
        match lang {
            Lang::En => format!("{number} {en} old"),
            Lang::ZhHans => format!("{number}{zh}前"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waymark_domain::geo::Position;
    use waymark_domain::time::TimeClass;

    use super::*;

    const AT: TimeInterval = TimeInterval {
        earliest: None,
        latest: None,
        class: TimeClass::D,
        wall: 1_773_000_180_000,
    };

    fn seen(datum: Datum, lat: f64, lon: f64, accuracy_m: f64) -> LastSeen {
        LastSeen {
            position: Position::new(datum, lat, lon).unwrap(),
            accuracy_m,
            at: AT,
            from: Origin::Session,
        }
    }

    fn message<'a>(name: &'a str, last: Option<&'a LastSeen>, age_ms: Option<i64>) -> Message<'a> {
        Message {
            name,
            at: &AT,
            offset_min: 60,
            last,
            age_ms,
            battery: Some(34),
            regions: Regions::default(),
        }
    }

    #[test]
    fn it_says_who_when_where_how_old_and_how_long_the_phone_will_last() {
        let last = seen(Datum::Wgs84, 43.7311, 7.4197, 11.2);
        let message = message("Anna Meyer", Some(&last), Some(170_000));
        assert_eq!(
            message.text(Lang::En),
            "SOS Anna Meyer needs help, 21:03 +01:00. 43.73110,7.41970 WGS-84 +-12m, 3 min old. Battery 34%. geo:43.7311000,7.4197000"
        );
        assert_eq!(
            message.text(Lang::ZhHans),
            "SOS Anna Meyer求助 21:03 +01:00。43.73110,7.41970 WGS-84 ±12米，3分钟前。电量34%。 geo:43.7311000,7.4197000"
        );
    }

    #[test]
    fn the_link_is_wgs_84_whatever_was_reported_and_the_text_names_the_datum() {
        // facts.md §5.3
        let last = seen(Datum::Gcj02, 39.910_103_5, 116.403_743_6, 8.0);
        let text = message("Li", Some(&last), None).text(Lang::En);
        assert!(
            text.contains("39.91010,116.40374 GCJ-02 +-8m, age unknown"),
            "{text}"
        );
        assert!(
            text.contains("geo:39.90870") && text.contains(",116.39750"),
            "{text}"
        );
    }

    #[test]
    fn what_is_not_known_is_not_invented() {
        let text = message("Anna", None, None).text(Lang::En);
        assert_eq!(
            text,
            "SOS Anna needs help, 21:03 +01:00. Position unknown. Battery 34%."
        );
    }

    proptest! {
        #[test]
        fn it_always_fits(
            name in "\\PC{0,60}", lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64, accuracy in 0.1..100_000.0_f64,
            age in prop::option::of(0..i64::MAX / 2), which in 0..3_usize,
        ) {
            let datum = [Datum::Wgs84, Datum::Gcj02, Datum::Bd09][which];
            let last = seen(datum, lat, lon, accuracy);
            let message = message(&name, Some(&last), age.map(|age| age % 100_000_000_000));
            for lang in [Lang::En, Lang::ZhHans] {
                let size = sms::size(&message.text(lang));
                let fits = match size.coding {
                    Coding::Gsm7 => size.units <= 160,
                    Coding::Ucs2 => size.parts <= 2,
                };
                prop_assert!(fits, "{size:?}");
            }
            let ascii: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            let english = sms::size(&Message { name: &ascii, ..message }.text(Lang::En));
            prop_assert_eq!((english.coding, english.parts), (Coding::Gsm7, 1));
        }
    }
}
