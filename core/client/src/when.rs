//! Times and lengths of time, as people read them: never without how well they are known.

use chrono::{DateTime, TimeDelta};
use waymark_domain::time::{AnchorSource, Basis, Stay, TimeClass, TimeInterval, UnixMs};

use crate::lang::Lang;

/// A time as it is printed on a photo or a page: `2026-03-14 14:03:22 +08:00 (±2 s, server 3 h ago)`, or that it is not verified.
///
/// `basis` is what the time rests on, where that is still known: at capture it is, of a stored time only the class is.
#[must_use]
pub fn time_text(when: &TimeInterval, basis: Option<Basis>, offset_min: i16, lang: Lang) -> String {
    let time = format!(
        "{} {}",
        local(when.best_ms(), offset_min, "%Y-%m-%d %H:%M:%S"),
        offset(offset_min)
    );
    match (when.uncertainty_ms(), lang) {
        (Some(ms), Lang::En) => {
            let rests_on = rests_on(when.class, basis, lang);
            format!("{time} ({}, {rests_on})", uncertainty(ms, lang))
        }
        (Some(ms), Lang::ZhHans) => {
            let rests_on = rests_on(when.class, basis, lang);
            format!("{time}（{}，{rests_on}）", uncertainty(ms, lang))
        }
        (None, _) => unverified(&time, when.class, lang),
    }
}

/// The time of day, and how well it is known: `14:03:22 ±2 s`, or that it is not verified.
#[must_use]
pub fn time_of_day(when: &TimeInterval, offset_min: i16, lang: Lang) -> String {
    let time = local(when.best_ms(), offset_min, "%H:%M:%S");
    match when.uncertainty_ms() {
        Some(ms) => format!("{time} {}", uncertainty(ms, lang)),
        None => unverified(&time, when.class, lang),
    }
}

/// The day and the time of day.
#[must_use]
pub fn day_and_time(when: &TimeInterval, offset_min: i16, lang: Lang) -> String {
    format!(
        "{} {}",
        local(when.best_ms(), offset_min, "%Y-%m-%d"),
        time_of_day(when, offset_min, lang)
    )
}

/// A moment that is known exactly, such as the server's own.
#[must_use]
pub fn moment(ms: UnixMs, offset_min: i16) -> String {
    local(ms, offset_min, "%Y-%m-%d %H:%M")
}

/// The hour and the minute of a moment: `14:03`.
#[must_use]
pub fn short_time(ms: UnixMs, offset_min: i16) -> String {
    local(ms, offset_min, "%H:%M")
}

/// `+08:00`.
#[must_use]
pub fn offset(offset_min: i16) -> String {
    let sign = if offset_min < 0 { '-' } else { '+' };
    let minutes = offset_min.unsigned_abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// How long a visit lasted: `stayed 18 min 20 s`, or between which lengths when one clock did not see both ends of it.
#[must_use]
pub fn stay_text(stay: Stay, lang: Lang) -> String {
    let zh = lang == Lang::ZhHans;
    if stay.exact {
        let most = stay.most_ms.unwrap_or(stay.least_ms);
        let counted = stay.least_ms + most.saturating_sub(stay.least_ms) / 2;
        // to the nearest second: 50 ppm of a morning is less
        let length = length(counted.saturating_add(500) / 1000, lang);
        return if zh {
            format!("停留 {length}")
        } else {
            format!("stayed {length}")
        };
    }
    let why = lang.pick("(the phone restarted or changed)", "（期间手机重启或更换）");
    let minutes = |ms: i64| ms / 60_000;
    let up = |ms: i64| minutes(ms.saturating_add(59_999));
    match (minutes(stay.least_ms), stay.most_ms.map(up), zh) {
        (0, None, false) => format!("stayed for an unknown time {why}"),
        (0, None, true) => format!("停留时长未知{why}"),
        (least, None, false) => format!("stayed at least {least} min {why}"),
        (least, None, true) => format!("至少停留 {least} 分钟{why}"),
        (0, Some(most), false) => format!("stayed at most {most} min {why}"),
        (0, Some(most), true) => format!("最多停留 {most} 分钟{why}"),
        (least, Some(most), false) => {
            format!("stayed between {least} and {most} min {why}")
        }
        (least, Some(most), true) => format!("停留 {least} 至 {most} 分钟{why}"),
    }
}

/// `18 min 20 s`, `2 h 5 min 0 s`.
fn length(seconds: i64, lang: Lang) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let units = match lang {
        Lang::En => [" h ", " min ", " s"],
        Lang::ZhHans => [" 小时 ", " 分 ", " 秒"],
    };
    let [h, min, s] = units;
    match (hours, minutes) {
        (0, 0) => format!("{seconds}{s}"),
        (0, _) => format!("{minutes}{min}{seconds}{s}"),
        _ => format!("{hours}{h}{minutes}{min}{seconds}{s}"),
    }
}

/// `server 3 h ago`; without an age when it is no longer known.
fn rests_on(class: TimeClass, basis: Option<Basis>, lang: Lang) -> String {
    let source = basis.map(|basis| basis.source).or(match class {
        TimeClass::A => Some(AnchorSource::Server),
        _ => None,
    });
    let name = match source {
        Some(AnchorSource::Server) => lang.pick("server", "服务器"),
        Some(AnchorSource::Gnss) => lang.pick("satellites", "卫星"),
        Some(AnchorSource::Network) => lang.pick("network clock", "网络时钟"),
        None if class == TimeClass::B => lang.pick("satellites or network clock", "卫星或网络时钟"),
        None => lang.pick("bounded afterwards", "事后限定"),
    };
    let Some(basis) = basis else {
        return name.to_owned();
    };
    let minutes = basis.age_ms / 60_000;
    match (minutes, lang) {
        (..1, Lang::En) => format!("{name} just now"),
        (..1, Lang::ZhHans) => format!("{name}刚刚"),
        (1..60, Lang::En) => format!("{name} {minutes} min ago"),
        (1..60, Lang::ZhHans) => format!("{name} {minutes} 分钟前"),
        (60..2880, Lang::En) => format!("{name} {} h ago", minutes / 60),
        (60..2880, Lang::ZhHans) => format!("{name} {} 小时前", minutes / 60),
        (_, Lang::En) => format!("{name} {} days ago", minutes / 1440),
        (_, Lang::ZhHans) => format!("{name} {} 天前", minutes / 1440),
    }
}

fn unverified(time: &str, class: TimeClass, lang: Lang) -> String {
    match (class, lang) {
        (TimeClass::D, Lang::En) => format!("{time} (time unverified, clock was changed)"),
        (TimeClass::D, Lang::ZhHans) => format!("{time}（时间未核实，时钟曾被更改）"),
        (_, Lang::En) => format!("{time} (time unverified)"),
        (_, Lang::ZhHans) => format!("{time}（时间未核实）"),
    }
}

fn uncertainty(ms: i64, lang: Lang) -> String {
    let seconds = (ms.saturating_add(999) / 1000).max(1);
    match (seconds, lang) {
        (..120, Lang::En) => format!("±{seconds} s"),
        (..120, Lang::ZhHans) => format!("±{seconds} 秒"),
        (_, Lang::En) => format!("±{} min", (seconds + 59) / 60),
        (_, Lang::ZhHans) => format!("±{} 分钟", (seconds + 59) / 60),
    }
}

fn local(ms: UnixMs, offset_min: i16, format: &str) -> String {
    let local = DateTime::from_timestamp_millis(ms)
        .and_then(|utc| utc.checked_add_signed(TimeDelta::minutes(i64::from(offset_min))));
    local.map_or_else(|| "?".to_owned(), |local| local.format(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_355_832_202_000; // 2012-12-18T12:03:22Z
    const MINUTE: i64 = 60_000;

    fn when(earliest: Option<i64>, latest: Option<i64>, class: TimeClass) -> TimeInterval {
        TimeInterval {
            earliest,
            latest,
            class,
            wall: NOON,
        }
    }

    #[test]
    fn a_time_says_how_well_it_is_known() {
        let known = |ms| when(Some(NOON - ms), Some(NOON + ms), TimeClass::A);
        assert_eq!(time_of_day(&known(101), 60, Lang::En), "13:03:22 ±1 s");
        assert_eq!(time_of_day(&known(1_200), -300, Lang::En), "07:03:22 ±2 s");
        assert_eq!(
            time_of_day(&known(600_000), 0, Lang::ZhHans),
            "12:03:22 ±10 分钟"
        );
        let open = when(Some(1), None, TimeClass::C);
        assert_eq!(
            time_of_day(&open, 0, Lang::En),
            "12:03:22 (time unverified)"
        );
        assert_eq!(
            time_of_day(&when(Some(1), None, TimeClass::D), 0, Lang::ZhHans),
            "12:03:22（时间未核实，时钟曾被更改）"
        );
        assert_eq!(
            day_and_time(&open, 720, Lang::En),
            "2012-12-19 00:03:22 (time unverified)"
        );
    }

    #[test]
    fn a_printed_time_says_what_it_rests_on_and_how_old_that_is() {
        let known = |class| when(Some(NOON - 1_500), Some(NOON + 1_500), class);
        let basis = |source, minutes| {
            let age_ms = minutes * MINUTE;
            Some(Basis { source, age_ms })
        };
        let text = |class, basis, lang| time_text(&known(class), basis, 480, lang);
        let of = |source, minutes| text(TimeClass::A, basis(source, minutes), Lang::En);
        assert_eq!(
            of(AnchorSource::Server, 190),
            "2012-12-18 20:03:22 +08:00 (±2 s, server 3 h ago)"
        );
        assert!(of(AnchorSource::Gnss, 0).ends_with("satellites just now)"));
        assert!(of(AnchorSource::Network, 59).ends_with("network clock 59 min ago)"));
        assert!(of(AnchorSource::Server, 5 * 1440).ends_with("server 5 days ago)"));
        assert_eq!(
            text(TimeClass::A, basis(AnchorSource::Server, 190), Lang::ZhHans),
            "2012-12-18 20:03:22 +08:00（±2 秒，服务器 3 小时前）"
        );
        assert!(text(TimeClass::A, None, Lang::En).ends_with("(±2 s, server)"));
        assert!(text(TimeClass::B, None, Lang::En).ends_with("satellites or network clock)"));
        let open = when(Some(1), None, TimeClass::C);
        assert_eq!(
            time_text(&open, None, 480, Lang::En),
            "2012-12-18 20:03:22 +08:00 (time unverified)"
        );
        assert_eq!(
            time_text(&open, None, -210, Lang::ZhHans),
            "2012-12-18 08:33:22 -03:30（时间未核实）"
        );
    }

    #[test]
    fn a_stay_is_a_length_or_the_lengths_between_which_it_lies() {
        let exact = |ms: i64| Stay {
            least_ms: ms - 56,
            most_ms: Some(ms + 56),
            exact: true,
        };
        assert_eq!(stay_text(exact(1_100_000), Lang::En), "stayed 18 min 20 s");
        assert_eq!(
            stay_text(exact(1_100_000), Lang::ZhHans),
            "停留 18 分 20 秒"
        );
        assert_eq!(
            stay_text(exact(7_500_000), Lang::En),
            "stayed 2 h 5 min 0 s"
        );
        assert_eq!(stay_text(exact(4_499), Lang::En), "stayed 4 s");
        let open = |least_ms, most_ms| Stay {
            least_ms,
            most_ms,
            exact: false,
        };
        let between = open(12 * MINUTE + 59_000, Some(30 * MINUTE + 1));
        assert_eq!(
            stay_text(between, Lang::En),
            "stayed between 12 and 31 min (the phone restarted or changed)"
        );
        assert_eq!(
            stay_text(between, Lang::ZhHans),
            "停留 12 至 31 分钟（期间手机重启或更换）"
        );
        for (stay, en) in [
            (open(5 * MINUTE, None), "stayed at least 5 min"),
            (open(0, Some(5 * MINUTE)), "stayed at most 5 min"),
            (open(0, None), "stayed for an unknown time"),
        ] {
            assert!(stay_text(stay, Lang::En).starts_with(en), "{stay:?}");
            assert!(stay_text(stay, Lang::ZhHans).contains("停留"), "{stay:?}");
        }
    }

    #[test]
    fn a_time_beyond_the_calendar_is_a_question_mark_and_no_panic() {
        assert_eq!(moment(i64::MAX, 0), "?");
        assert_eq!(moment(i64::MIN, -720), "?");
        let beyond = Stay {
            least_ms: i64::MAX,
            most_ms: Some(i64::MAX),
            exact: false,
        };
        assert!(!stay_text(beyond, Lang::En).is_empty());
    }

    #[test]
    fn offsets_have_a_sign_and_minutes() {
        assert_eq!(
            (offset(480), offset(-210), offset(0)),
            ("+08:00".into(), "-03:30".into(), "+00:00".into())
        );
    }
}
