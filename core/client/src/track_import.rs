//! Feeding a recording into the open session, as demos and trials do: the sensors are simulated, and every fix says so.

use chrono::DateTime;
use csv::ReaderBuilder;
use serde::Serialize;
use waymark_domain::fix::{AccuracySource, Fix, Provider};
use waymark_domain::geo::{Datum, Position};
use waymark_domain::shift::OutsideShift;
use waymark_store::Refused;

use crate::error::{ErrorCode, WaymarkError};
use crate::tracks::Tracks;

/// Largest recording, bytes: a day of one fix a second is five megabytes.
const MAX_BYTES: usize = 32 * 1024 * 1024;

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
    /// By how many milliseconds the recording was moved to end now.
    pub moved_ms: i64,
    /// Its length in time was changed to fit the session, in thousandths of what it was; absent when it was not.
    pub squeezed_to: Option<i64>,
}

impl Tracks {
    /// Feeds a recording into the open session: moved in time so that its last fix is now, and with `squeeze` shortened so that the first is not
    /// before the session. The file is CSV with a header line: `time` (RFC 3339, or milliseconds since 1970), `lat`, `lon`, and `accuracy` in
    /// metres where it is known.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] with the line that does not read; as [`Tracks::record`].
    pub fn feed(
        &self,
        bytes: &[u8],
        datum: Datum,
        squeeze: bool,
    ) -> Result<FeedReport, WaymarkError> {
        let rows = read(bytes, datum)?;
        let me = self.0.me()?;
        self.0.shift().tidy()?;
        let open = self
            .0
            .read(|reader| reader.open_shift(me.user, me.device))?;
        let open = open.ok_or(WaymarkError::new(ErrorCode::NoShift, ""))?;
        let reading = self.0.reading();
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(FeedReport::default());
        };
        let length = last.at_ms.saturating_sub(first.at_ms).max(1);
        let leg = open.record.leg();
        let room = if leg.boot == reading.boot {
            reading.mono_ms.saturating_sub(leg.mono)
        } else {
            reading.mono_ms
        };
        let target = if squeeze { length.min(room) } else { length };
        let fixes: Vec<Fix> = rows
            .iter()
            .map(|row| {
                let back = last.at_ms.saturating_sub(row.at_ms);
                let back = i128::from(back) * i128::from(target) / i128::from(length);
                let back = i64::try_from(back).unwrap_or(i64::MAX);
                let mono_ms = reading.mono_ms.saturating_sub(back);
                Fix {
                    provider: Provider::Unknown,
                    simulated: true,
                    ..Fix::new(
                        row.position,
                        row.accuracy_m,
                        AccuracySource::Stated,
                        mono_ms,
                    )
                }
            })
            .collect();
        let appended = self.record(&fixes)?;
        let before = |(_, why): &&(usize, Refused)| *why == Refused::Outside(OutsideShift::Before);
        let before = appended.refused.iter().filter(before).count();
        Ok(FeedReport {
            read: rows.len(),
            kept: appended.kept,
            before,
            others: appended.refused.len() - before,
            moved_ms: reading.wall_ms.saturating_sub(last.at_ms),
            squeezed_to: (target != length).then(|| {
                target
                    .saturating_mul(1_000)
                    .checked_div(length)
                    .unwrap_or(0)
            }),
        })
    }
}

struct Row {
    at_ms: i64,
    position: Position,
    accuracy_m: f64,
}

fn read(bytes: &[u8], datum: Datum) -> Result<Vec<Row>, WaymarkError> {
    let wrong = |what: String| WaymarkError::new(ErrorCode::InvalidInput, what);
    if bytes.len() > MAX_BYTES {
        return Err(WaymarkError::new(ErrorCode::TooLong, "recording"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
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
        let read = |text: &str| read(text.as_bytes(), Datum::Wgs84);
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
