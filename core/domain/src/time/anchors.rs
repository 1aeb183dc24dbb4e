//! Moments at which the world's time was known, and what they prove together.
//!
//! Three sources are kept, the best anchor of each: the server, whose answers are signed; the satellites; and the platform's network clock.
//! Where they fit, the time lies in what all of them allow. Where they do not, the server is believed and the contradiction shows.

use serde::{Deserialize, Serialize};

use super::{Reading, TimeClass, TimeInterval, UnixMs, drift_ms};
use crate::fix::{Fix, Provider};
use crate::ids::BootId;

/// How well a satellite receiver's time is taken to be known, milliseconds. An assumption, no measurement: receivers report whole seconds,
/// and one that has not heard the leap seconds yet is off by those that its maker did not know of.
pub const GNSS_UNCERTAINTY_MS: i64 = 2_000;

/// How well the platform's network clock is taken to be known when it states no bound, milliseconds. An assumption: plain SNTP over a slow
/// mobile network, whose round trip the platform does not tell.
pub const NETWORK_UNCERTAINTY_MS: i64 = 5_000;

/// Largest bound of a network clock that says anything worth keeping: an hour, milliseconds.
pub const MAX_UNCERTAINTY_MS: i64 = 3_600_000;

/// How long ago a fix may have been made, milliseconds. A fix names no boot: an old one could be from before the last.
pub const MAX_FIX_AGE_MS: i64 = 10 * 60 * 1000;

/// A change of the wall clock within a boot that is taken for a correction by the platform's own network time, milliseconds; an assumption.
pub const WALL_JUMP_MS: i64 = 5_000;

/// Not before 2025-01-01T00:00:00Z: Waymark did not exist.
const EPOCH_OF_WAYMARK_MS: UnixMs = 1_735_689_600_000;

/// 1024 weeks, milliseconds: satellite receivers that miss a rollover of the week number are off by this (GPS, IS-GPS-200, 10-bit week).
const ROLLOVER_MS: i64 = 1024 * 7 * 86_400_000;

/// Who told the time.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AnchorSource {
    /// The server; its answer is signed and echoes what the device asked.
    #[default]
    Server,
    /// Satellites, by a fix.
    Gnss,
    /// The platform's network clock (Android `SystemClock.currentNetworkTimeClock`, Google's `TrustedTime`).
    Network,
}

/// A moment at which the world's time was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredAnchor")]
pub struct Anchor {
    /// The world's time.
    #[serde(rename = "server_ms")]
    pub utc_ms: UnixMs,
    /// The true time lies within so many milliseconds of it.
    pub uncertainty_ms: i64,
    /// Boot-time clock at that moment.
    pub mono_ms: i64,
    /// The boot of `mono_ms`.
    pub boot: BootId,
    /// Who told it.
    pub source: AnchorSource,
}

/// [`Anchor`] as any version wrote it: version 1 knew the server alone, and the round trip in place of the uncertainty.
#[derive(Deserialize)]
struct StoredAnchor {
    server_ms: UnixMs,
    #[serde(default)]
    rtt_ms: i64,
    uncertainty_ms: Option<i64>,
    mono_ms: i64,
    boot: BootId,
    #[serde(default)]
    source: AnchorSource,
}

impl From<StoredAnchor> for Anchor {
    fn from(stored: StoredAnchor) -> Self {
        Self {
            utc_ms: stored.server_ms,
            uncertainty_ms: stored.uncertainty_ms.unwrap_or(half(stored.rtt_ms)),
            mono_ms: stored.mono_ms,
            boot: stored.boot,
            source: stored.source,
        }
    }
}

const fn half(rtt_ms: i64) -> i64 {
    rtt_ms / 2 + rtt_ms % 2
}

impl Anchor {
    /// The anchor of a round trip: the server read its clock somewhere within it, so the middle, give or take half of it.
    #[must_use]
    pub fn of_round_trip(server_ms: UnixMs, sent: Reading, received: Reading) -> Self {
        let rtt_ms = received.mono_ms.saturating_sub(sent.mono_ms).max(0);
        Self {
            utc_ms: server_ms.saturating_add(rtt_ms / 2),
            uncertainty_ms: half(rtt_ms),
            mono_ms: received.mono_ms,
            boot: received.boot,
            source: AnchorSource::Server,
        }
    }

    /// What it proves of the moment `mono_ms` in its boot.
    fn at(&self, mono_ms: i64) -> Span {
        let elapsed = mono_ms.saturating_sub(self.mono_ms);
        let middle = self.utc_ms.saturating_add(elapsed);
        let spread = self
            .uncertainty_ms
            .saturating_add(drift_ms(elapsed))
            // both clocks, the world's and the device's, were cut to whole milliseconds
            .saturating_add(2);
        Span {
            lo: middle.saturating_sub(spread),
            hi: middle.saturating_add(spread),
        }
    }

    /// Which of two anchors of one source to keep. In one boot the narrower, when they fit; when they do not, one of them was wrong, and the
    /// later one is what the source says now. Of two boots the one that comes now.
    fn better(self, other: Self) -> Self {
        if self.boot != other.boot {
            return other;
        }
        let now = self.mono_ms.max(other.mono_ms);
        let (mine, its) = (self.at(now), other.at(now));
        let take_other = if mine.meets(its) {
            (its.width(), self.mono_ms) <= (mine.width(), other.mono_ms)
        } else {
            other.mono_ms >= self.mono_ms
        };
        if take_other { other } else { self }
    }
}

/// From, to; never the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    lo: UnixMs,
    hi: UnixMs,
}

impl Span {
    const fn meets(self, other: Self) -> bool {
        self.lo <= other.hi && other.lo <= self.hi
    }

    const fn width(self) -> i64 {
        self.hi.saturating_sub(self.lo)
    }

    /// What both allow, when they fit.
    fn within(self, other: Self) -> Option<Self> {
        self.meets(other).then(|| Self {
            lo: self.lo.max(other.lo),
            hi: self.hi.min(other.hi),
        })
    }

    /// What either allows, and all between.
    fn or(self, other: Self) -> Self {
        Self {
            lo: self.lo.min(other.lo),
            hi: self.hi.max(other.hi),
        }
    }
}

/// A time that the shell has from its platform.
#[derive(Debug, Clone, PartialEq)]
pub enum Candidate {
    /// The platform's network clock.
    Network {
        /// What it shows.
        utc_ms: UnixMs,
        /// The bound that it states, milliseconds; [`NETWORK_UNCERTAINTY_MS`] when it states none.
        error_ms: Option<i64>,
        /// Boot-time clock at that moment.
        mono_ms: i64,
    },
    /// A fix that states the satellites' time.
    Fix(Fix),
}

/// Why a time was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// The fix states no satellite time, or was not made by satellites.
    #[error("no satellite time")]
    NoTime,
    /// The platform declares the fix to be a mock or simulated, or it comes from an accessory, whose delay nobody knows.
    #[error("simulated")]
    Simulated,
    /// Its boot-time clock is ahead of now.
    #[error("from the future")]
    Future,
    /// It is older than [`MAX_FIX_AGE_MS`].
    #[error("too old")]
    Stale,
    /// It lies before what is known for certain: a receiver that missed a rollover of the week number, a clock that was set back.
    #[error("before what is known")]
    BeforeKnown,
    /// More than 1024 weeks after what is known, or no bound within an hour.
    #[error("absurd")]
    Absurd,
    /// What is known already is no worse.
    #[error("no better")]
    NoBetter,
}

/// Both clocks once, to compare with later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    wall_ms: UnixMs,
    mono_ms: i64,
    boot: BootId,
}

/// What a time rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Basis {
    /// Who told the time.
    pub source: AnchorSource,
    /// How long before, milliseconds.
    pub age_ms: i64,
}

/// Everything that a device knows of the world's time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Anchors {
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Anchor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gnss: Option<Anchor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<Anchor>,
    /// The latest moment that the server's time proves to be over. Goes back only when the server itself says that it has not come yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    known_ms: Option<UnixMs>,
    /// The same by the other sources; forgotten when the server says that it has not come yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    heard_ms: Option<UnixMs>,
    /// The clocks when work was saved last.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<Seen>,
    /// By how much the wall clock was changed in a boot, all changes together.
    #[serde(skip_serializing_if = "Option::is_none")]
    jumped: Option<(BootId, i64)>,
}

impl From<Anchor> for Anchors {
    fn from(anchor: Anchor) -> Self {
        let mut anchors = Self::default();
        anchors.take(anchor);
        anchors
    }
}

impl Anchors {
    /// The server's anchor.
    #[must_use]
    pub const fn server(&self) -> Option<Anchor> {
        self.server
    }

    /// The best anchor of a source.
    #[must_use]
    pub const fn of(&self, source: AnchorSource) -> Option<Anchor> {
        match source {
            AnchorSource::Server => self.server,
            AnchorSource::Gnss => self.gnss,
            AnchorSource::Network => self.network,
        }
    }

    /// The latest moment that is known to be over, whatever the clocks show. No clock of the device takes it back.
    #[must_use]
    pub fn known_ms(&self) -> Option<UnixMs> {
        self.known_ms.max(self.heard_ms)
    }

    /// Takes an anchor that was judged by whoever made it: the server's signature was checked.
    pub fn take(&mut self, anchor: Anchor) {
        let place = match anchor.source {
            AnchorSource::Server => &mut self.server,
            AnchorSource::Gnss => &mut self.gnss,
            AnchorSource::Network => &mut self.network,
        };
        *place = Some(place.map_or(anchor, |kept| kept.better(anchor)));
        self.learn(anchor.mono_ms, anchor.boot);
    }

    /// Takes a time that the shell has from its platform, if it is believable.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn offer(&mut self, candidate: &Candidate, now: Reading) -> Result<(), NotTaken> {
        match candidate {
            Candidate::Fix(fix) => self.offer_fix(fix, now),
            Candidate::Network {
                utc_ms,
                error_ms,
                mono_ms,
            } => {
                let uncertainty_ms = error_ms.unwrap_or(NETWORK_UNCERTAINTY_MS);
                if !(0..=MAX_UNCERTAINTY_MS).contains(&uncertainty_ms) {
                    return Err(NotTaken::Absurd);
                }
                self.judge(
                    Anchor {
                        utc_ms: *utc_ms,
                        uncertainty_ms,
                        mono_ms: *mono_ms,
                        boot: now.boot,
                        source: AnchorSource::Network,
                    },
                    now,
                )
            }
        }
    }

    /// Takes the satellites' time of a fix that was made in this boot and just now.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn offer_fix(&mut self, fix: &Fix, now: Reading) -> Result<(), NotTaken> {
        if fix.mock || fix.simulated || fix.accessory {
            return Err(NotTaken::Simulated);
        }
        let by_satellites = !matches!(fix.provider, Provider::Network | Provider::Manual);
        let utc_ms = fix
            .gnss_ms
            .filter(|_| by_satellites)
            .ok_or(NotTaken::NoTime)?;
        if now.mono_ms.saturating_sub(fix.mono_ms) > MAX_FIX_AGE_MS {
            return Err(NotTaken::Stale);
        }
        self.judge(
            Anchor {
                utc_ms,
                uncertainty_ms: GNSS_UNCERTAINTY_MS,
                mono_ms: fix.mono_ms,
                boot: now.boot,
                source: AnchorSource::Gnss,
            },
            now,
        )
    }

    fn judge(&mut self, anchor: Anchor, now: Reading) -> Result<(), NotTaken> {
        if anchor.mono_ms > now.mono_ms {
            return Err(NotTaken::Future);
        }
        let known = self.known_ms.unwrap_or(i64::MIN).max(EPOCH_OF_WAYMARK_MS);
        let says = anchor.at(now.mono_ms);
        if says.hi < known {
            return Err(NotTaken::BeforeKnown);
        }
        if says.lo > known.saturating_add(ROLLOVER_MS) {
            return Err(NotTaken::Absurd);
        }
        let before = *self;
        self.take(anchor);
        if *self == before {
            Err(NotTaken::NoBetter)
        } else {
            Ok(())
        }
    }

    /// Remembers the clocks as they are when work is saved: what is proven to be over, and whether the wall clock was changed.
    pub fn note(&mut self, now: Reading) {
        self.learn(now.mono_ms, now.boot);
        if let Some(jump_ms) = self.jump_since(now) {
            let before = self.jumped.filter(|(boot, _)| *boot == now.boot);
            let sum = before.map_or(0, |(_, sum)| sum).saturating_add(jump_ms);
            self.jumped = Some((now.boot, sum));
        }
        self.seen = Some(Seen {
            wall_ms: now.wall_ms,
            mono_ms: now.mono_ms,
            boot: now.boot,
        });
    }

    /// By how much the wall clock was changed in this boot, as far as was seen, milliseconds; all changes together.
    #[must_use]
    pub fn wall_jumped(&self, now: Reading) -> Option<i64> {
        let before = self
            .jumped
            .and_then(|(boot, sum)| (boot == now.boot).then_some(sum));
        match (before, self.jump_since(now)) {
            (Some(before), Some(since)) => Some(before.saturating_add(since)),
            (before, since) => before.or(since),
        }
    }

    fn jump_since(&self, now: Reading) -> Option<i64> {
        let seen = self.seen?;
        let before = Reading {
            wall_ms: seen.wall_ms,
            mono_ms: seen.mono_ms,
            boot: seen.boot,
            ..now
        };
        wall_jump(before, now)
    }

    /// Moves what is known to be over.
    fn learn(&mut self, mono_ms: i64, boot: BootId) {
        if let Some(server) = self.server.filter(|anchor| anchor.boot == boot) {
            let says = server.at(mono_ms);
            // whoever said that a later moment was over already was wrong
            let believed = |known: &UnixMs| *known <= says.hi;
            self.known_ms = self.known_ms.filter(believed).max(Some(says.lo));
            self.heard_ms = self.heard_ms.filter(believed);
        }
        if let Some(span) = self.unsigned(mono_ms, boot)
            && self
                .signed(mono_ms, boot)
                .is_none_or(|signed| signed.meets(span))
        {
            self.heard_ms = self.heard_ms.max(Some(span.lo));
        }
    }

    /// What the server proves.
    fn signed(&self, mono_ms: i64, boot: BootId) -> Option<Span> {
        let server = self.server.filter(|anchor| anchor.boot == boot)?;
        Some(server.at(mono_ms))
    }

    /// What the other sources prove together; where they contradict each other, all that either allows.
    fn unsigned(&self, mono_ms: i64, boot: BootId) -> Option<Span> {
        let of = |anchor: Option<Anchor>| {
            anchor
                .filter(|anchor| anchor.boot == boot)
                .map(|anchor| anchor.at(mono_ms))
        };
        match (of(self.gnss), of(self.network)) {
            (Some(gnss), Some(network)) => {
                Some(gnss.within(network).unwrap_or_else(|| gnss.or(network)))
            }
            (gnss, network) => gnss.or(network),
        }
    }

    /// Whether two sources of this boot say what cannot both be true.
    #[must_use]
    pub fn disagree(&self, now: Reading) -> bool {
        let spans: Vec<Span> = [self.server, self.gnss, self.network]
            .into_iter()
            .flatten()
            .filter(|anchor| anchor.boot == now.boot)
            .map(|anchor| anchor.at(now.mono_ms))
            .collect();
        spans
            .iter()
            .enumerate()
            .any(|(n, span)| spans.iter().skip(n + 1).any(|other| !span.meets(*other)))
    }

    /// What the time of `now` rests on: the server before the others, else the narrower; `None` when nobody told the time in this boot.
    #[must_use]
    pub fn basis(&self, now: Reading) -> Option<Basis> {
        let of = |anchor: Option<Anchor>| anchor.filter(|anchor| anchor.boot == now.boot);
        let others = [of(self.gnss), of(self.network)].into_iter().flatten();
        let anchor = of(self.server)
            .or_else(|| others.min_by_key(|anchor| anchor.at(now.mono_ms).width()))?;
        Some(Basis {
            source: anchor.source,
            age_ms: now.mono_ms.saturating_sub(anchor.mono_ms).max(0),
        })
    }
}

/// Places a reading in the world's time: inside everything that the anchors of its boot prove, and not before what is known to be over.
///
/// The server's word stands against the others'. Where only others speak and they contradict each other, or what is known, nothing is
/// narrowed by them. After a reboot only this is certain: it is later than the last time that was known.
#[must_use]
pub fn place(reading: Reading, anchors: &Anchors) -> TimeInterval {
    let (mono, boot, wall) = (reading.mono_ms, reading.boot, reading.wall_ms);
    let bounded = |span: Span, class| TimeInterval {
        earliest: Some(span.lo),
        latest: Some(span.hi),
        class,
        wall,
    };
    let others = anchors.unsigned(mono, boot);
    if let Some(signed) = anchors.signed(mono, boot) {
        let span = others
            .and_then(|others| signed.within(others))
            .unwrap_or(signed);
        return bounded(span, TimeClass::A);
    }
    if let Some(span) = others
        && anchors.known_ms.is_none_or(|known| known <= span.hi)
    {
        let lo = span.lo.max(anchors.known_ms.unwrap_or(i64::MIN));
        return bounded(Span { lo, hi: span.hi }, TimeClass::B);
    }
    let known = anchors.known_ms();
    let set_back = known.is_some_and(|known| wall < known);
    let class = if set_back || anchors.wall_jumped(reading).is_some() {
        TimeClass::D
    } else {
        TimeClass::C
    };
    TimeInterval {
        earliest: known,
        latest: None,
        class,
        wall,
    }
}

/// By how much somebody changed the wall clock between two readings of one boot, milliseconds: what it gained over the boot-time clock, when
/// that is more than drift and [`WALL_JUMP_MS`]. `None` without such a change, and across a reboot, where nobody can tell.
#[must_use]
pub fn wall_jump(before: Reading, now: Reading) -> Option<i64> {
    if before.boot != now.boot {
        return None;
    }
    let elapsed = now.mono_ms.saturating_sub(before.mono_ms);
    let jump_ms = now
        .wall_ms
        .saturating_sub(before.wall_ms)
        .saturating_sub(elapsed);
    let tolerated = WALL_JUMP_MS.saturating_add(drift_ms(elapsed));
    (jump_ms.saturating_abs() > tolerated).then_some(jump_ms)
}
