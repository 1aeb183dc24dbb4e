//! Feeding a recording into the open session, as demos and trials do: the sensors are simulated, and every fix says so.

use chrono::DateTime;
use csv::ReaderBuilder;
use serde::Serialize;
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::{Datum, Position};
use waymark_domain::shift::OutsideShift;
use waymark_domain::track::Entry;
use waymark_store::Refused;

use super::Tracks;
use crate::error::{ErrorCode, WaymarkError};
use crate::track::{geojson, gpx};

/// Largest recording, bytes: a day of one fix a second is five megabytes as CSV, and ten times that in a talkative dialect of GPX.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Most fixes of a recording: a day of one a second.
const MAX_FIXES: usize = 86_400;

/// Accuracy of a recording that states none, metres.
const ACCURACY_M: f64 = 15.0;

/// What became of a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FeedReport {
    /// Fixes in the file.
    pub read: usize,
    /// Fixes that were kept.
    pub kept: usize,
    /// Fixes that lie before the session began, once the last of them is now.
    pub before: usize,
    /// Fixes that are none, or lie after now.
    pub others: usize,
    /// Fixes of which the file says no time.
    pub untimed: usize,
    /// By how many milliseconds the recording was moved to end now.
    pub moved_ms: i64,
    /// Its length in time was changed to fit the session, in thousandths of what it was; absent when it was not.
    pub squeezed_to: Option<i64>,
}

/// A recording on the clock of its file: milliseconds since 1970 UTC.
#[derive(Debug, Default)]
struct Read {
    entries: Vec<Entry>,
    untimed: usize,
}

impl Tracks {
    /// Feeds a recording into the open session: moved in time so that its last fix is now, and with `squeeze` shortened so that the first is not
    /// before the session. The file is GPX or GeoJSON, which are WGS-84, or CSV with a header line: `time` (RFC 3339, or milliseconds since
    /// 1970), `lat`, `lon`, and `accuracy` in metres where it is known. Which of them it is its content tells. Gaps that the file states
    /// stay gaps.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] with the line that does not read, or naming the datum: CSV needs one, and GPX and GeoJSON have no other
    /// than WGS-84. As [`Tracks::record`].
    pub fn feed(
        &self,
        bytes: &[u8],
        datum: Option<Datum>,
        squeeze: bool,
    ) -> Result<FeedReport, WaymarkError> {
        let Read { entries, untimed } = read(bytes, datum)?;
        let me = self.0.me()?;
        self.0.shift().tidy()?;
        let open = self
            .0
            .read(|reader| reader.open_shift(me.user, me.device))?;
        let open = open.ok_or(WaymarkError::new(ErrorCode::NoShift, ""))?;
        let reading = self.0.reading();
        let times = entries.iter().map(Entry::mono_ms);
        let (Some(first), Some(last)) = (times.clone().min(), times.max()) else {
            return Ok(FeedReport {
                read: untimed,
                untimed,
                ..FeedReport::default()
            });
        };
        let length = last.saturating_sub(first).max(1);
        let leg = open.record.leg();
        let room = if leg.boot == reading.boot {
            reading.mono_ms.saturating_sub(leg.mono)
        } else {
            reading.mono_ms
        };
        let target = if squeeze { length.min(room) } else { length };
        let moved = |at_ms: i64| {
            let back = i128::from(last.saturating_sub(at_ms));
            let back = back * i128::from(target) / i128::from(length);
            let back = i64::try_from(back).unwrap_or(i64::MAX);
            reading.mono_ms.saturating_sub(back)
        };
        let entries: Vec<Entry> = entries
            .into_iter()
            .map(|entry| match entry {
                Entry::Fix(fix) => Entry::Fix(Fix {
                    mono_ms: moved(fix.mono_ms),
                    simulated: true,
                    ..fix
                }),
                Entry::Gap { mono_ms, reason } => Entry::Gap {
                    mono_ms: moved(mono_ms),
                    reason,
                },
            })
            .collect();
        let appended = self.append(&entries)?;
        let is_fix = |at: usize| matches!(entries.get(at), Some(Entry::Fix(_)));
        let refused: Vec<Refused> = appended
            .refused
            .iter()
            .filter(|(at, _)| is_fix(*at))
            .map(|(_, why)| *why)
            .collect();
        let before = |why: &&Refused| **why == Refused::Outside(OutsideShift::Before);
        let before = refused.iter().filter(before).count();
        let fixes = (0..entries.len()).filter(|at| is_fix(*at)).count();
        Ok(FeedReport {
            read: fixes + untimed,
            kept: fixes - refused.len(),
            before,
            others: refused.len() - before,
            untimed,
            moved_ms: reading.wall_ms.saturating_sub(last),
            squeezed_to: (target != length).then(|| {
                target
                    .saturating_mul(1_000)
                    .checked_div(length)
                    .unwrap_or(0)
            }),
        })
    }
}

/// The recording, in whichever form its content shows it to be.
fn read(bytes: &[u8], datum: Option<Datum>) -> Result<Read, WaymarkError> {
    if bytes.len() > MAX_BYTES {
        return Err(WaymarkError::new(ErrorCode::TooLong, "recording"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let imported = match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'<') => gpx::read(bytes)?,
        Some(b'{') => geojson::read(bytes)?,
        _ => {
            let datum = datum.ok_or(WaymarkError::new(ErrorCode::InvalidInput, "datum"))?;
            let rows = read_csv(bytes, datum)?;
            let fix = |row: Row| {
                let (at, accuracy_m) = (row.at_ms, row.accuracy_m);
                Entry::Fix(Fix::new(
                    row.position,
                    accuracy_m,
                    AccuracySource::Stated,
                    at,
                ))
            };
            return Ok(Read {
                entries: rows.into_iter().map(fix).collect(),
                untimed: 0,
            });
        }
    };
    if datum.is_some_and(|datum| datum != Datum::Wgs84) {
        let about = "datum: GPX and GeoJSON are WGS-84";
        return Err(WaymarkError::new(ErrorCode::InvalidInput, about));
    }
    if imported.recording.points().count() > MAX_FIXES {
        return Err(WaymarkError::new(ErrorCode::TooLong, "recording"));
    }
    let (entries, untimed) = imported.recording.entries(0, ACCURACY_M);
    Ok(Read { entries, untimed })
}

struct Row {
    at_ms: i64,
    position: Position,
    accuracy_m: f64,
}

fn read_csv(bytes: &[u8], datum: Datum) -> Result<Vec<Row>, WaymarkError> {
    let wrong = |what: String| WaymarkError::new(ErrorCode::InvalidInput, what);
    let mut reader = ReaderBuilder::new().from_reader(bytes);
    let header = reader
        .headers()
        .map_err(|_| wrong("header line".to_owned()))?;
    let column = |name: &str| header.iter().position(|cell| cell.trim() == name);
    let needed = |name: &str| column(name).ok_or_else(|| wrong(format!("no column `{name}`")));
    let (time, lat, lon) = (needed("time")?, needed("lat")?, needed("lon")?);
    let accuracy = column("accuracy");
    let mut rows: Vec<Row> = Vec::new();
    for (record, line) in reader.records().zip(2_u32..) {
        let bad = |what: &str| wrong(format!("line {line}: {what}"));
        let record = record.map_err(|_| bad("does not read"))?;
        let cell = |at: usize| record.get(at).unwrap_or_default().trim();
        let number = |at: usize| cell(at).parse::<f64>().ok();
        let at_ms = moment(cell(time)).ok_or_else(|| bad("time"))?;
        if rows.last().is_some_and(|last| last.at_ms > at_ms) {
            return Err(bad("goes back in time"));
        }
        let (lat, lon) = number(lat)
            .zip(number(lon))
            .ok_or_else(|| bad("position"))?;
        let stated = accuracy.map(cell).filter(|text| !text.is_empty());
        let accuracy_m = match stated {
            Some(text) => text.parse().map_err(|_| bad("accuracy"))?,
            None => ACCURACY_M,
        };
        rows.push(Row {
            at_ms,
            position: Position::new(datum, lat, lon).map_err(|_| bad("position"))?,
            accuracy_m,
        });
        if rows.len() > MAX_FIXES {
            return Err(WaymarkError::new(ErrorCode::TooLong, "recording"));
        }
    }
    Ok(rows)
}

fn moment(text: &str) -> Option<i64> {
    match text.parse() {
        Ok(ms) => Some(ms),
        Err(_) => Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_that_does_not_read_names_its_line() {
        let read = |text: &str| read_csv(text.as_bytes(), Datum::Wgs84);
        let good = "time,lat,lon\n2026-11-23T08:00:00Z,43.7,7.4\n1795420810000,43.7,7.4\n";
        let rows = read(good).unwrap();
        assert_eq!(rows[1].at_ms - rows[0].at_ms, 10_000);
        assert_eq!(rows[0].accuracy_m, ACCURACY_M);
        for (text, says) in [
            ("lat,lon\n1,2\n", "no column `time`"),
            ("time,lat,lon\nnoon,1,2\n", "line 2: time"),
            ("time,lat,lon\n1,1,2\n0,1,2\n", "line 3: goes back in time"),
            ("time,lat,lon\n1,91,2\n", "line 2: position"),
            ("time,lat,lon,accuracy\n1,1,2,x\n", "line 2: accuracy"),
        ] {
            let error = read(text).err().unwrap();
            assert_eq!(
                (error.code, error.about.as_str()),
                (ErrorCode::InvalidInput, says)
            );
        }
    }
}
