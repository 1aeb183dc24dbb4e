//! Days and times, as people read them.

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Weekday};
use waymark_client::Lang;
use waymark_domain::time::{TimeClass, TimeInterval, UnixMs};

use crate::words::rep as words;

/// The time of day, and how well it is known: `14:03:22 ±2 s`, or that it is not verified.
pub(crate) fn time_of_day(when: &TimeInterval, offset_min: i16, lang: Lang) -> String {
    let time = local(when.best_ms(), offset_min, "%H:%M:%S");
    match (when.uncertainty_ms(), when.class) {
        (Some(ms), _) => format!("{time} {}", uncertainty(ms, lang)),
        (None, TimeClass::D) => words::time_set_back(lang, time),
        (None, _) => words::time_unverified(lang, time),
    }
}

/// The day and the time of day.
pub(crate) fn day_and_time(when: &TimeInterval, offset_min: i16, lang: Lang) -> String {
    format!(
        "{} {}",
        local(when.best_ms(), offset_min, "%Y-%m-%d"),
        time_of_day(when, offset_min, lang)
    )
}

/// A moment that is known exactly, such as the server's own.
pub(crate) fn moment(ms: UnixMs, offset_min: i16) -> String {
    local(ms, offset_min, "%Y-%m-%d %H:%M")
}

/// `+08:00`.
pub(crate) fn offset(offset_min: i16) -> String {
    let sign = if offset_min < 0 { '-' } else { '+' };
    let minutes = offset_min.unsigned_abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The name of a day of the week.
pub(crate) fn weekday(day: NaiveDate, lang: Lang) -> String {
    match day.weekday() {
        Weekday::Mon => words::weekday_monday(lang),
        Weekday::Tue => words::weekday_tuesday(lang),
        Weekday::Wed => words::weekday_wednesday(lang),
        Weekday::Thu => words::weekday_thursday(lang),
        Weekday::Fri => words::weekday_friday(lang),
        Weekday::Sat => words::weekday_saturday(lang),
        Weekday::Sun => words::weekday_sunday(lang),
    }
}

fn uncertainty(ms: i64, lang: Lang) -> String {
    let seconds = ms.saturating_add(999) / 1000;
    if seconds < 120 {
        words::seconds(lang, seconds.max(1))
    } else {
        words::minutes(lang, (seconds + 59) / 60)
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
            "12:03:22（时钟曾被调回）"
        );
        assert_eq!(
            day_and_time(&open, 720, Lang::En),
            "2012-12-19 00:03:22 (time unverified)"
        );
    }

    #[test]
    fn a_time_beyond_the_calendar_is_a_question_mark_and_no_panic() {
        assert_eq!(moment(i64::MAX, 0), "?");
        assert_eq!(moment(i64::MIN, -720), "?");
    }

    #[test]
    fn offsets_have_a_sign_and_minutes() {
        assert_eq!(
            (offset(480), offset(-210), offset(0)),
            ("+08:00".into(), "-03:30".into(), "+00:00".into())
        );
    }
}
