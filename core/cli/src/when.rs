//! Days and times, as people read them.

use chrono::{Datelike as _, NaiveDate, Weekday};
use waymark_client::Lang;
pub(crate) use waymark_client::when::{
    day_and_time, moment, offset, short_time, stay_text, time_of_day,
};

use crate::words::rep as words;

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
