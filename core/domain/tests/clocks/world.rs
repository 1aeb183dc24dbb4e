//! A world whose true time is known, and a device in it whose clocks are attacked: schedules of work, reboots, sleep, jumps of the wall
//! clock, anchors that come late or never, and satellites that lie and say so.

use waymark_domain::fix::{AccuracySource, Fix, Provider};
use waymark_domain::geo::{Datum, Position};
use waymark_domain::ids::{BootId, uuid_v7};
use waymark_domain::time::{
    Anchor, Anchors, BootClock, Candidate, ChainEvent, DRIFT_PPM, Hlc, MAX_FIX_AGE_MS, Reading,
    Receipt, Stamp, Stay, TimeClass, narrow,
};

/// 2026-03-14T00:00:00Z, microseconds.
const BEGIN_US: i64 = 1_773_446_400_000_000;
const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// Width of an interval beyond which only this is counted: it was wider, milliseconds.
const WIDEST: usize = 60_000;

/// What many schedules showed.
pub(crate) struct Tally {
    /// Events by class: A, B, C, D.
    pub(crate) classes: [u64; 4],
    /// Events whose true time was outside the interval, by class. Those of C and D count only against their earliest moment.
    pub(crate) outside: [u64; 4],
    /// Events whose true time was outside what chain and receipts left of the interval.
    pub(crate) outside_narrowed: u64,
    /// Events of class C or D that chain and receipts gave two ends.
    pub(crate) closed: u64,
    /// Stays, and those whose true length was outside.
    pub(crate) stays: (u64, u64),
    /// Stays measured on one clock, of at most four hours, that were off by more than a second.
    pub(crate) stays_off: u64,
    /// Days that moved although they were fixed.
    pub(crate) days_moved: u64,
    /// Declared mock fixes that were taken.
    pub(crate) mocks_taken: u64,
    /// Widths in milliseconds of events within 8 hours of an anchor, counted.
    widths: Vec<u32>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            classes: [0; 4],
            outside: [0; 4],
            outside_narrowed: 0,
            closed: 0,
            stays: (0, 0),
            stays_off: 0,
            days_moved: 0,
            mocks_taken: 0,
            widths: vec![0; WIDEST + 1],
        }
    }

    /// The width in milliseconds that so many per cent of the events within 8 hours of an anchor do not exceed.
    pub(crate) fn width_ms(&self, per_cent: u64) -> usize {
        let all: u64 = self.widths.iter().map(|count| u64::from(*count)).sum();
        let mut seen = 0;
        let mut widths = self.widths.iter();
        widths
            .position(|count| {
                seen += u64::from(*count);
                seen * 100 >= all * per_cent
            })
            .unwrap_or(WIDEST)
    }
}

/// splitmix64 (Steele, Lea, Flood 2014): fast, and the same on every machine.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: i64) -> i64 {
        i64::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below(to - from + 1)
    }

    fn chance(&mut self, per_cent: i64) -> bool {
        self.below(100) < per_cent
    }
}

struct World {
    rng: Rng,
    true_us: i64,
    /// What the boot-time clock counts, in millionths of a microsecond over whole ones.
    mono_us: i64,
    mono_rest: i64,
    ppm: i64,
    boots: u32,
    wall_ahead_us: i64,
    offset_min: i16,
    anchors: Anchors,
    hlc: Hlc,
    events: Vec<(ChainEvent, i64)>,
    receipts: Vec<Receipt>,
    /// A visit under way: its stamp and true time.
    visit: Option<(Stamp, i64)>,
    /// An answer of the server that is still on its way.
    late: Option<Anchor>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng(seed);
        Self {
            true_us: BEGIN_US + rng.below(365 * DAY),
            mono_us: rng.below(30 * DAY),
            mono_rest: 0,
            ppm: rng.between(-DRIFT_PPM, DRIFT_PPM),
            boots: 0,
            wall_ahead_us: rng.between(-2 * SECOND, 2 * SECOND),
            offset_min: 480,
            anchors: Anchors::default(),
            hlc: Hlc::default(),
            events: Vec::new(),
            receipts: Vec::new(),
            visit: None,
            late: None,
            rng,
        }
    }

    fn pass(&mut self, us: i64) {
        self.true_us += us;
        let drifted = us * self.ppm + self.mono_rest;
        self.mono_us += us + drifted.div_euclid(1_000_000);
        self.mono_rest = drifted.rem_euclid(1_000_000);
    }

    fn boot(&self) -> BootId {
        let [a, b, c, d] = self.boots.to_be_bytes();
        BootId::from_uuid(uuid_v7(0, [a, b, c, d, 0, 0, 0, 0, 0, 1]))
    }

    fn read(&self) -> Reading {
        Reading {
            wall_ms: (self.true_us + self.wall_ahead_us).div_euclid(1_000),
            mono_ms: self.mono_us.div_euclid(1_000),
            boot: self.boot(),
            utc_offset_min: self.offset_min,
            zone: None,
        }
    }

    fn fix(&self, age_us: i64, gnss_us: i64) -> Fix {
        let position = Position::new(Datum::Wgs84, 31.2, 121.5).unwrap();
        Fix {
            provider: Provider::Gnss,
            // receivers report whole seconds
            gnss_ms: Some(gnss_us.div_euclid(SECOND) * 1_000),
            ..Fix::new(
                position,
                8.0,
                AccuracySource::Android,
                (self.mono_us - age_us).div_euclid(1_000),
            )
        }
    }

    fn exchange(&mut self) {
        let sent = self.read();
        let (there, back) = (
            self.rng.below(1 << (6 + self.rng.0 % 19)),
            self.rng.below(1 << (6 + self.rng.0 % 20)),
        );
        self.pass(there);
        let server_ms = self.true_us.div_euclid(1_000);
        // the head that the request named is covered, unless the answer is all that gets lost
        if let Some((head, _)) = self.events.last() {
            self.receipts.push(Receipt {
                n: head.n,
                at_ms: server_ms,
            });
        }
        if self.rng.chance(30) {
            self.save(); // work that goes on while the request is out
        }
        self.pass(back);
        let anchor = Anchor::of_round_trip(server_ms, sent, self.read());
        match self.rng.below(10) {
            0 | 1 => {}                    // lost
            2 => self.late = Some(anchor), // overtaken
            _ => self.anchors.take(anchor),
        }
    }

    fn save(&mut self) {
        let now = self.read();
        let stamp = Stamp::take(now, &self.anchors, self.hlc);
        self.hlc = stamp.hlc;
        self.anchors.note(now);
        let n = u64::try_from(self.events.len()).unwrap() + 1;
        let event = ChainEvent {
            n,
            when: stamp.when,
            mono_ms: stamp.mono,
            boot: stamp.boot,
        };
        self.events.push((event, self.true_us));
    }

    fn visit(&mut self, tally: &mut Tally) {
        let now = self.read();
        let stamp = Stamp::take(now, &self.anchors, self.hlc);
        let Some((begun, begun_us)) = self.visit.take() else {
            self.visit = Some((stamp, self.true_us));
            return;
        };
        let stay = Stay::between(
            (&begun.when, Some(BootClock::from(&begun))),
            (&stamp.when, BootClock::from(&stamp)),
        );
        let length = self.true_us - begun_us;
        // a clock that shows whole milliseconds is off by less than one at each end
        let inside = (stay.least_ms - 1) * 1_000 <= length
            && stay.most_ms.is_none_or(|most| length <= (most + 1) * 1_000);
        tally.stays.0 += 1;
        tally.stays.1 += u64::from(!inside);
        let counted = stay.least_ms + (stay.most_ms.unwrap_or(0) - stay.least_ms) / 2;
        let off = stay.exact && length <= 4 * HOUR && (counted * 1_000 - length).abs() > SECOND;
        tally.stays_off += u64::from(off);
    }

    fn step(&mut self, tally: &mut Tally) {
        match self.rng.below(100) {
            0..30 => self.save(),
            30..42 => self.visit(tally),
            42..56 => self.exchange(),
            56..64 => {
                let age_us = self.rng.below(MAX_FIX_AGE_MS * 500);
                if age_us < self.mono_us {
                    // true within the receiver's assumed bound: a whole second cut off, and the leap second it may not know
                    let off = self.rng.between(-SECOND, SECOND);
                    let fix = self.fix(age_us, self.true_us - age_us + off);
                    let _ = self.anchors.offer_fix(&fix, self.read());
                }
            }
            64..72 => {
                let lie = self.rng.between(-30 * DAY, 30 * DAY);
                let mut fix = self.fix(0, self.true_us + lie);
                fix.mock = true;
                let before = self.anchors;
                let taken = self
                    .anchors
                    .offer(&Candidate::Fix(fix), self.read())
                    .is_ok();
                tally.mocks_taken += u64::from(taken || self.anchors != before);
            }
            72..77 => {
                let error_ms = self.rng.between(0, 8_000);
                let off = self.rng.between(-error_ms, error_ms);
                let candidate = Candidate::Network {
                    utc_ms: self.true_us.div_euclid(1_000) + off,
                    error_ms: Some(error_ms),
                    mono_ms: self.read().mono_ms,
                };
                let _ = self.anchors.offer(&candidate, self.read());
            }
            77..83 => self.wall_ahead_us = self.rng.between(-10 * 365 * DAY, 10 * 365 * DAY),
            83..86 => self.wall_ahead_us = 0,
            86..90 => {
                // off for a while; the wall clock may begin anew, the other always does
                let off = self.rng.below(3 * DAY);
                self.true_us += off;
                self.boots += 1;
                (self.mono_us, self.mono_rest, self.late) = (self.rng.below(60 * SECOND), 0, None);
                if self.rng.chance(20) {
                    self.wall_ahead_us = -self.true_us;
                }
            }
            90..94 => self.pass(5 * DAY), // asleep
            94..97 => {
                self.offset_min = i16::try_from(self.rng.between(-12, 14) * 60).unwrap();
            }
            _ => {
                if let Some(late) = self.late.take() {
                    self.anchors.take(late);
                }
            }
        }
        // warmer, colder
        self.ppm = (self.ppm + self.rng.between(-5, 5)).clamp(-DRIFT_PPM, DRIFT_PPM);
        let longest = if self.rng.chance(70) { HOUR } else { 6 * HOUR };
        let passed = self.rng.below(longest);
        self.pass(passed);
    }
}

/// Runs the schedule of `seed`, and counts what it shows.
pub(crate) fn run(seed: u64, tally: &mut Tally) {
    let mut world = World::new(seed);
    let steps = world.rng.between(8, 48);
    for _ in 0..steps {
        let before = world.events.len();
        let (anchors, at) = (world.anchors, world.read());
        world.step(tally);
        for (event, true_us) in world.events.get(before..).unwrap_or_default() {
            count(event, *true_us, tally);
        }
        let near = anchors
            .basis(at)
            .is_some_and(|basis| basis.age_ms <= 8 * 3_600_000);
        if near && world.events.len() == before + 1 && world.read().boot == at.boot {
            let when = world.events[before].0.when;
            if let (Some(lo), Some(hi)) = (when.earliest, when.latest) {
                let width = usize::try_from(hi - lo).unwrap_or(WIDEST).min(WIDEST);
                tally.widths[width] += 1;
            }
        }
        let stamp = Stamp::take(at, &anchors, Hlc::default());
        let kept: Stamp = stamp_after_a_move(stamp);
        tally.days_moved += u64::from(kept.local_day() != stamp.day);
    }
    let events: Vec<ChainEvent> = world.events.iter().map(|(event, _)| *event).collect();
    let narrowed = narrow(&events, &world.receipts);
    for ((event, true_us), when) in world.events.iter().zip(&narrowed) {
        let inside = inside(when.earliest, when.latest, *true_us);
        tally.outside_narrowed += u64::from(!inside);
        let open = matches!(event.when.class, TimeClass::C | TimeClass::D);
        tally.closed += u64::from(open && when.earliest.is_some() && when.latest.is_some());
    }
}

/// The zone's rules change and the time becomes better known after the stamp was written.
fn stamp_after_a_move(mut stamp: Stamp) -> Stamp {
    stamp.tz = if stamp.tz > 0 { -600 } else { 840 };
    stamp.when.earliest = Some(stamp.when.best_ms() - 86_400_000);
    stamp.when.latest = stamp.when.earliest;
    stamp
}

fn count(event: &ChainEvent, true_us: i64, tally: &mut Tally) {
    let class = match event.when.class {
        TimeClass::A => 0,
        TimeClass::B => 1,
        TimeClass::C => 2,
        TimeClass::D => 3,
    };
    tally.classes[class] += 1;
    let inside = inside(event.when.earliest, event.when.latest, true_us);
    tally.outside[class] += u64::from(!inside);
}

fn inside(earliest: Option<i64>, latest: Option<i64>, true_us: i64) -> bool {
    // a millisecond that has begun is within a bound that names it
    earliest.is_none_or(|lo| lo * 1_000 <= true_us)
        && latest.is_none_or(|hi| true_us < (hi + 1) * 1_000)
}
