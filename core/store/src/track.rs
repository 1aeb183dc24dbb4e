//! The gate in front of positions: the one place that writes a point of a track, and it writes none outside an open work session.
//!
//! Points wait in `track_point` until they are packed into a segment. Whether the session is open is asked in the transaction that writes the
//! point; packing, sealing and emptying the buffer are one transaction too, so that no crash loses a fix or keeps it twice.

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use waymark_domain::ambient::Entropy;
use waymark_domain::check_in::policy::TrackKeeping;
use waymark_domain::fix::Fix;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{BootId, ShiftId, TrackRootId, TrackSegmentId};
use waymark_domain::merkle;
use waymark_domain::op::Draft;
use waymark_domain::presence::Presence;
use waymark_domain::record::Body;
use waymark_domain::refusal::{Code, Refusal};
use waymark_domain::shift::{Closed, End, EndedBy, OutsideShift, Shift, State, Step, later};
use waymark_domain::time::{Reading, TimeInterval, local_day, place};
use waymark_domain::track::{Entry, HOLE_MS, MAX_MONO_MS, Track, pack};
use waymark_domain::track_root::opening::{self, SALT_BYTES};
use waymark_domain::track_root::{MAX_PRESENCE, TrackRoot};
use waymark_domain::track_segment::{BOUND_M, SEGMENT_ENTRIES, SEGMENT_MS, TrackSegment};

use crate::commit::{Unit, commit_in};
use crate::error::StoreError;
use crate::identity::Identity;
use crate::meta;
use crate::reader::{Reader, Row};
use crate::sql::{self, queries};
use crate::store::Store;
use crate::track_kept::{self, Leaves};
use crate::views::track_segment::next_i;

/// A segment that stays on the phone is sealed when it has so many entries: each may be a gap, and a gap between two fixes is two things to tell.
const HIDDEN_ENTRIES: usize = MAX_PRESENCE / 2;

queries! {
    APPEND = "INSERT INTO track_point (shift, entry) VALUES (?1, ?2)";
    // as bytes: a damaged row may be no text
    OF_SHIFT = "SELECT seq, CAST(entry AS BLOB) FROM track_point WHERE shift = ?1 ORDER BY seq";
    COUNT = "SELECT count(*) FROM track_point WHERE shift = ?1";
    SHIFTS = "SELECT DISTINCT shift FROM track_point";
    DRAINED = "DELETE FROM track_point WHERE seq = ?1";
}

/// A point that waits to be packed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackPoint {
    /// The boot of every clock in it.
    pub boot: BootId,
    /// Local time minus UTC when it was recorded, minutes.
    pub tz: i16,
    /// Boot-time clock when it was recorded, milliseconds.
    pub mono: i64,
    /// What was known of the world's time then.
    pub at: TimeInterval,
    /// The fix, or the beginning of a gap.
    pub entry: Entry,
    /// The rules that held when it was recorded keep it on the phone. Later rules do not send it after all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// Points of a session that wait to be packed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waiting {
    /// Those that read, in the order in which they came.
    pub points: Vec<TrackPoint>,
    /// How many rows do not read: the disk damaged them. They stay where they are, and nothing waits for them.
    pub damaged: u64,
}

/// What became of entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appended {
    /// How many were kept.
    pub kept: usize,
    /// Those that were not, by their place in the call.
    pub refused: Vec<(usize, Refused)>,
    /// Segments that were sealed on the way.
    pub segments: usize,
}

/// Why an entry was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// It lies outside the session.
    Outside(OutsideShift),
    /// It is no fix.
    NotAFix,
}

/// A session that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Began {
    /// The session.
    pub shift: ShiftId,
    /// The one before it, when that had to be ended first.
    pub ended: Option<Ended>,
}

/// A session that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The session.
    pub shift: ShiftId,
    /// By what.
    pub by: EndedBy,
}

impl TrackPoint {
    /// When the entry was true.
    #[must_use]
    pub fn moment(&self) -> TimeInterval {
        later(self.at, self.entry.mono_ms().saturating_sub(self.mono))
    }
}

impl Reader<'_> {
    /// The points of a session that wait to be packed.
    ///
    /// # Errors
    /// As every read; a row that does not read is counted instead.
    pub fn track_points(&self, shift: ShiftId) -> Result<Waiting, StoreError> {
        let mut waiting = Waiting::default();
        each_point(self.conn, shift, |_, point| {
            match point {
                Some(point) => waiting.points.push(point),
                None => waiting.damaged += 1,
            }
            true
        })?;
        Ok(waiting)
    }
}

impl Store {
    /// Opens a work session: one at a time for a rep and a device. One that ended by itself meanwhile is ended first; so is one that a reboot cut
    /// and that nobody resumed.
    ///
    /// # Errors
    /// [`StoreError::ShiftOpen`], [`StoreError::Refused`]; as every write.
    pub fn begin_shift(
        &self,
        limit_min: u16,
        reading: Reading,
        entropy: &dyn Entropy,
    ) -> Result<Began, StoreError> {
        self.write(|tx| {
            let mut gate = Gate::new(tx, reading, entropy)?;
            let ended = gate.make_room()?;
            let id = ShiftId::from_uuid(gate.new_id());
            let shift = Shift {
                rep: gate.me.user,
                device: gate.me.device,
                started: gate.now,
                mono: reading.mono_ms,
                boot: reading.boot,
                limit_min,
                resumed: Vec::new(),
                state: State::Open,
                extra: Body::new(),
            };
            gate.commit(vec![Draft::new(id, &shift)?])?;
            Ok(Began { shift: id, ended })
        })
    }

    /// Ends the open session by its rep, and packs what waits.
    ///
    /// # Errors
    /// [`StoreError::NoShift`]; as every write.
    pub fn end_shift(&self, reading: Reading, entropy: &dyn Entropy) -> Result<Ended, StoreError> {
        self.write(|tx| {
            let mut gate = Gate::new(tx, reading, entropy)?;
            let open = gate.open()?.ok_or(StoreError::NoShift)?;
            // what has ended by itself did not end by the rep
            let over = open.record.admits(reading, gate.now) == Err(Closed::Limit);
            gate.end(&open, if over { End::Limit } else { End::Rep })
        })
    }

    /// Goes on with the open session after a reboot. Gives whether that was needed.
    ///
    /// # Errors
    /// [`StoreError::NoShift`]; [`StoreError::ShiftClosed`] when its limit is over by all that is known; as every write.
    pub fn resume_shift(
        &self,
        reading: Reading,
        entropy: &dyn Entropy,
    ) -> Result<bool, StoreError> {
        self.write(|tx| {
            let mut gate = Gate::new(tx, reading, entropy)?;
            let open = gate.open()?.ok_or(StoreError::NoShift)?;
            match open.record.admits(reading, gate.now) {
                Ok(()) => Ok(false),
                Err(Closed::TimeUnknown) => {
                    let used_ms = gate.used_ms(&open)?;
                    if used_ms >= open.record.limit_ms() {
                        return Err(StoreError::ShiftClosed(Closed::Limit));
                    }
                    gate.commit(vec![Step::Resume { used_ms }.draft(open.id.into())])?;
                    Ok(true)
                }
                Err(closed) => Err(StoreError::ShiftClosed(closed)),
            }
        })
    }

    /// Writes the end of a session whose limit is over, and packs what is due. Whoever calls before anything else finds the record to say what
    /// the gate says.
    ///
    /// # Errors
    /// As every write.
    pub fn tidy_shift(
        &self,
        reading: Reading,
        entropy: &dyn Entropy,
    ) -> Result<Option<Ended>, StoreError> {
        // nearly always there is nothing to write
        if !self.read(|reader| untidy(reader.conn, reading))? {
            return Ok(None);
        }
        self.write(|tx| {
            let mut gate = Gate::new(tx, reading, entropy)?;
            let open = gate.open()?;
            for shift in buffered(tx)? {
                let current = open.as_ref().is_some_and(|open| open.id == shift.into());
                gate.pack(shift, !current)?;
            }
            match open {
                Some(open) if open.record.admits(reading, gate.now) == Err(Closed::Limit) => {
                    gate.end(&open, End::Limit).map(Some)
                }
                _ => Ok(None),
            }
        })
    }

    /// Packs what waits of the open session, however little, so that it goes up with the sync that follows. Gives how many segments there were.
    ///
    /// # Errors
    /// As every write.
    pub fn flush_track(
        &self,
        reading: Reading,
        entropy: &dyn Entropy,
    ) -> Result<usize, StoreError> {
        self.write(|tx| {
            let mut gate = Gate::new(tx, reading, entropy)?;
            match gate.open()? {
                Some(open) => gate.pack(open.id.into(), true),
                None => Ok(0),
            }
        })
    }

    /// Keeps fixes and gaps of the open session: the only way in for a position outside a check-in.
    ///
    /// Whether the session is open at `reading` is asked in the transaction that writes. Entries that were true before the session, or that claim a
    /// time to come, are left out and named.
    ///
    /// # Errors
    /// [`StoreError::NoShift`], [`StoreError::ShiftClosed`]; as every write.
    pub fn append_track(
        &self,
        entries: &[Entry],
        reading: Reading,
        entropy: &dyn Entropy,
    ) -> Result<Appended, StoreError> {
        self.write(|tx| {
            let mut gate = Gate::new(tx, reading, entropy)?;
            let open = gate.open()?.ok_or(StoreError::NoShift)?;
            let shift = &open.record;
            shift
                .admits(reading, gate.now)
                .map_err(StoreError::ShiftClosed)?;
            let mut appended = Appended::default();
            for (at, entry) in entries.iter().enumerate() {
                match fits(shift, entry, reading) {
                    Ok(()) => gate.append(open.id.into(), entry)?,
                    Err(why) => appended.refused.push((at, why)),
                }
            }
            appended.kept = entries.len() - appended.refused.len();
            appended.segments = gate.pack(open.id.into(), false)?;
            Ok(appended)
        })
    }
}

fn fits(shift: &Shift, entry: &Entry, reading: Reading) -> Result<(), Refused> {
    if !is_entry(entry) {
        return Err(Refused::NotAFix);
    }
    shift
        .admits_fix(entry.mono_ms(), reading)
        .map_err(Refused::Outside)
}

/// What is known at one reading, within one transaction.
struct Gate<'a> {
    tx: &'a Connection,
    reading: Reading,
    entropy: &'a dyn Entropy,
    me: Identity,
    now: TimeInterval,
    /// Whether the company's rules keep tracks on the phone.
    hides: bool,
}

impl<'a> Gate<'a> {
    fn new(
        tx: &'a Connection,
        reading: Reading,
        entropy: &'a dyn Entropy,
    ) -> Result<Self, StoreError> {
        let rules = Reader { conn: tx }.check_in_rules()?;
        let keeping = rules.map_or_else(TrackKeeping::default, |(_, rules)| rules.tracks);
        Ok(Self {
            tx,
            reading,
            entropy,
            me: meta::get(tx, meta::IDENTITY)?.ok_or(StoreError::NoIdentity)?,
            now: now(tx, reading)?,
            hides: keeping == TrackKeeping::Device,
        })
    }

    fn commit(&mut self, drafts: Vec<Draft>) -> Result<(), StoreError> {
        let units = drafts.into_iter().map(Unit::One).collect();
        let (entropy, wall_ms) = (self.entropy, self.reading.wall_ms);
        commit_in(self.tx, units, self.reading, &mut || {
            entropy.new_id(wall_ms)
        })?;
        Ok(())
    }

    fn new_id(&self) -> Uuid {
        self.entropy.new_id(self.reading.wall_ms)
    }

    fn open(&self) -> Result<Option<Row<Shift>>, StoreError> {
        Reader { conn: self.tx }.open_shift(self.me.user, self.me.device)
    }

    /// Ends a session that cannot go on, so that another can begin.
    fn make_room(&mut self) -> Result<Option<Ended>, StoreError> {
        let Some(open) = self.open()? else {
            return Ok(None);
        };
        match open.record.admits(self.reading, self.now) {
            Ok(()) | Err(Closed::NotYet | Closed::Ended) => Err(StoreError::ShiftOpen),
            Err(Closed::Limit) => self.end(&open, End::Limit).map(Some),
            Err(Closed::TimeUnknown) => {
                let last_mono = self.last_mono(&open)?;
                self.end(&open, End::Reboot { last_mono }).map(Some)
            }
        }
    }

    fn end(&mut self, open: &Row<Shift>, end: End) -> Result<Ended, StoreError> {
        let shift = ShiftId::from(open.id);
        self.pack(shift, true)?;
        self.commit(vec![Step::End(end).draft(shift)])?;
        let by = match end {
            End::Rep => EndedBy::Rep,
            End::Limit => EndedBy::Limit,
            End::Reboot { .. } => EndedBy::RebootUnknown,
        };
        Ok(Ended { shift, by })
    }

    /// Boot-time clock of the last sign of life in the session's last leg.
    fn last_mono(&self, open: &Row<Shift>) -> Result<i64, StoreError> {
        let leg = open.record.leg();
        let reader = Reader { conn: self.tx };
        let waiting = reader.track_points(open.id.into())?;
        let segment = reader.last_segment(open.id.into())?;
        let monos = waiting
            .points
            .iter()
            .filter(|point| point.boot == leg.boot)
            .map(|point| point.entry.mono_ms())
            .chain(
                segment
                    .filter(|segment| segment.record.boot == leg.boot)
                    .map(|segment| segment.record.last_mono),
            );
        let last = leg
            .mono
            .saturating_add(open.record.limit_ms().saturating_sub(leg.used_ms));
        Ok(monos.max().unwrap_or(leg.mono).clamp(leg.mono, last))
    }

    /// How much of the limit is used up for certain, by every clock that says anything.
    fn used_ms(&self, open: &Row<Shift>) -> Result<i64, StoreError> {
        let leg = open.record.leg();
        let by_device = leg
            .used_ms
            .saturating_add(self.last_mono(open)?.saturating_sub(leg.mono));
        let by_world = self
            .now
            .earliest
            .zip(open.record.started.latest)
            .map_or(0, |(now, started)| now.saturating_sub(started));
        Ok(by_device.max(by_world))
    }

    fn append(&self, shift: ShiftId, entry: &Entry) -> Result<(), StoreError> {
        let point = TrackPoint {
            boot: self.reading.boot,
            tz: self.reading.utc_offset_min,
            mono: self.reading.mono_ms,
            at: self.now,
            entry: entry.clone(),
            hidden: self.hides,
        };
        let text = serde_json::to_string(&point)
            .map_err(|_| StoreError::Unreadable("a point of a track"))?;
        self.tx
            .prepare_cached(APPEND)?
            .execute((sql::blob(shift.as_uuid()), text))?;
        Ok(())
    }

    /// Packs a session's points into segments, when that is due or `anyway`. Gives how many there were.
    fn pack(&mut self, shift: ShiftId, anyway: bool) -> Result<usize, StoreError> {
        if !anyway && !is_due(self.tx, shift, self.reading)? {
            return Ok(0);
        }
        let Some(owner) = (Reader { conn: self.tx }).shift(shift)? else {
            // its session is not here to be named; the points wait
            return Ok(0);
        };
        let (mut seqs, mut points) = (Vec::new(), Vec::new());
        each_point(self.tx, shift, |seq, point| {
            if let Some(point) = point {
                seqs.push(seq);
                points.push(point);
            }
            true
        })?;
        if points.is_empty() {
            return Ok(0);
        }
        let first_i = next_i(self.tx, shift)?;
        let mut drafts = Vec::new();
        for (i, run) in (first_i..).zip(runs(&points, self.hides)) {
            let segment = segment(shift, &owner.record, i, run)?;
            drafts.push(if is_hidden(run, self.hides) {
                self.keep_back(&segment, run)?
            } else {
                Draft::new(TrackSegmentId::from_uuid(self.new_id()), &segment)?
            });
        }
        let segments = drafts.len();
        self.commit(drafts)?;
        // a row that does not read is in no segment, so it is not taken away
        let mut drained = self.tx.prepare_cached(DRAINED)?;
        for seq in seqs {
            drained.execute([seq])?;
        }
        Ok(segments)
    }

    /// Keeps a segment here, and gives what is told of it.
    fn keep_back(&self, segment: &TrackSegment, run: &[TrackPoint]) -> Result<Draft, StoreError> {
        let track = Track::new(&entries(run), HOLE_MS).map_err(|_| unpackable())?;
        let leaf = |fix: &Fix| {
            let mut salt = [0; SALT_BYTES];
            self.entropy.fill(&mut salt);
            let text = serde_json::to_string(fix);
            Ok((salt, text.map_err(|_| StoreError::Unreadable("a fix"))?))
        };
        let leaves: Leaves = track
            .fixes()
            .iter()
            .map(leaf)
            .collect::<Result<_, StoreError>>()?;
        let hashes: Vec<Hash> = leaves
            .iter()
            .map(|(salt, fix)| opening::leaf(salt, fix))
            .collect();
        let told = TrackRoot::of(segment, merkle::root(&hashes), Presence::of(&track));
        let id = TrackRootId::from_uuid(self.new_id());
        track_kept::keep(self.tx, id, segment, &leaves)?;
        Ok(Draft::new(id, &told)?)
    }
}

/// Now, as it is known. The one place here that places a reading in the world's time.
fn now(conn: &Connection, reading: Reading) -> Result<TimeInterval, StoreError> {
    Ok(place(reading, &meta::anchors(conn)?))
}

fn untidy(conn: &Connection, reading: Reading) -> Result<bool, StoreError> {
    let Some(me) = meta::get::<Identity>(conn, meta::IDENTITY)? else {
        return Ok(false);
    };
    let open = Reader { conn }.open_shift(me.user, me.device)?;
    if let Some(open) = &open
        && open.record.admits(reading, now(conn, reading)?) == Err(Closed::Limit)
    {
        return Ok(true);
    }
    for shift in buffered(conn)? {
        let current = open.as_ref().is_some_and(|open| open.id == shift.into());
        let due = if current {
            is_due(conn, shift, reading)?
        } else {
            first_point(conn, shift)?.is_some()
        };
        if due {
            return Ok(true);
        }
    }
    Ok(false)
}

fn buffered(conn: &Connection) -> Result<Vec<ShiftId>, StoreError> {
    let mut statement = conn.prepare_cached(SHIFTS)?;
    let shifts = statement.query_map([], |row| {
        row.get(0)
            .map(|id| ShiftId::from_uuid(Uuid::from_bytes(id)))
    })?;
    Ok(shifts.collect::<Result<_, _>>()?)
}

/// Hands over the rows of a session in the order in which they came, until `take` says that it has enough. `None` for a row that does not
/// read.
fn each_point(
    conn: &Connection,
    shift: ShiftId,
    mut take: impl FnMut(i64, Option<TrackPoint>) -> bool,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(OF_SHIFT)?;
    let mut rows = statement.query([sql::blob(shift.as_uuid())])?;
    while let Some(row) = rows.next()? {
        if !take(
            row.get(0)?,
            point(row.get_ref(1)?.as_blob().unwrap_or_default()),
        ) {
            break;
        }
    }
    Ok(())
}

/// The first point of a session that reads.
fn first_point(conn: &Connection, shift: ShiftId) -> Result<Option<TrackPoint>, StoreError> {
    let mut first = None;
    each_point(conn, shift, |_, point| {
        first = point;
        first.is_none()
    })?;
    Ok(first)
}

/// A point from its row; `None` when the row is not what was written there, or could not be packed.
pub(crate) fn point(text: &[u8]) -> Option<TrackPoint> {
    let point: TrackPoint = serde_json::from_slice(text).ok()?;
    is_entry(&point.entry).then_some(point)
}

fn is_entry(entry: &Entry) -> bool {
    let fits = match entry {
        Entry::Fix(fix) => fix.check().is_ok(),
        Entry::Gap { .. } => true,
    };
    fits && (-MAX_MONO_MS..=MAX_MONO_MS).contains(&entry.mono_ms())
}

/// Whether the points of a session are so many or so old that they should be a segment.
fn is_due(conn: &Connection, shift: ShiftId, reading: Reading) -> Result<bool, StoreError> {
    let id = sql::blob(shift.as_uuid());
    let Some(first) = first_point(conn, shift)? else {
        return Ok(false);
    };
    let old =
        first.boot != reading.boot || reading.mono_ms.saturating_sub(first.mono) >= SEGMENT_MS;
    let count: u64 = conn
        .prepare_cached(COUNT)?
        .query_row([id], |row| sql::Columns::count(row, 0))?;
    Ok(old || count >= sql::len(SEGMENT_ENTRIES))
}

/// Whether a run stays on the phone: by the rules under which it was recorded, or by those that hold now.
fn is_hidden(run: &[TrackPoint], hides: bool) -> bool {
    hides || run.first().is_some_and(|point| point.hidden)
}

/// Points that can be one segment: of one boot and one datum, to be sent or not, and not too many. One that stays has to tell its gaps in an
/// operation.
fn runs(points: &[TrackPoint], hides: bool) -> Vec<&[TrackPoint]> {
    let mut runs = Vec::new();
    let (mut from, mut datum) = (0, None);
    for (at, point) in points.iter().enumerate() {
        let own = match &point.entry {
            Entry::Fix(fix) => Some(fix.position.datum()),
            Entry::Gap { .. } => None,
        };
        let first = points.get(from);
        let other_boot = first.is_some_and(|first| first.boot != point.boot);
        let other_datum = own.is_some() && datum.is_some() && own != datum;
        let hidden = hides || point.hidden;
        let other_end = first.is_some_and(|first| (hides || first.hidden) != hidden);
        let most = if hidden {
            HIDDEN_ENTRIES
        } else {
            SEGMENT_ENTRIES
        };
        if other_boot || other_datum || other_end || at - from >= most {
            runs.extend(points.get(from..at));
            (from, datum) = (at, None);
        }
        datum = own.or(datum);
    }
    runs.extend(points.get(from..).filter(|rest| !rest.is_empty()));
    runs
}

fn entries(run: &[TrackPoint]) -> Vec<Entry> {
    run.iter().map(|point| point.entry.clone()).collect()
}

fn unpackable() -> StoreError {
    StoreError::Refused(Refusal::of_field(Code::Malformed, "packed"))
}

fn segment(
    id: ShiftId,
    shift: &Shift,
    i: u32,
    run: &[TrackPoint],
) -> Result<TrackSegment, StoreError> {
    let packed = pack(&entries(run), BOUND_M).map_err(|_| unpackable())?;
    let ends = |mono: i64| run.iter().find(|point| point.entry.mono_ms() == mono);
    let missing = || StoreError::Unreadable("a point of a track");
    // packed times may be rounded to ticks; the raw clocks hold them
    let monos = run.iter().map(|point| point.entry.mono_ms());
    let first = monos.clone().min().and_then(ends).ok_or_else(missing)?;
    let last = monos.max().and_then(ends).ok_or_else(missing)?;
    let at = first.moment();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(TrackSegment {
        shift: id,
        rep: shift.rep,
        i,
        day: local_day(at.best_ms(), first.tz),
        at,
        until: last.moment(),
        boot: first.boot,
        first_mono: first.entry.mono_ms(),
        last_mono: last.entry.mono_ms(),
        fixes: count(packed.fixes_in),
        points: count(packed.points_out),
        worst_error_m: packed.worst_error_m,
        datum: packed.datum,
        packed: data_encoding::BASE64.encode(&packed.bytes),
        extra: Body::new(),
    })
}
