//! The demo's time: one truth for everybody, and each device's own idea of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use waymark_domain::ambient::Clock;
use waymark_domain::ids::BootId;
use waymark_domain::time::{Reading, UnixMs};

/// Midnight UTC of the demo's day, 2012-12-18: the date of the longer of the two recordings.
pub(super) const MIDNIGHT: UnixMs = 1_355_788_800_000;

/// When the devices of the demo were switched on.
const SWITCHED_ON: UnixMs = MIDNIGHT + 5 * 60 * MINUTE;

/// Local time minus UTC in Monaco and Rome in December, minutes.
pub(super) const OFFSET_MIN: i16 = 60;

/// Milliseconds of a second.
pub(super) const SECOND: i64 = 1000;
/// Milliseconds of a minute.
pub(super) const MINUTE: i64 = 60 * SECOND;

/// The true time. It moves only when the story moves it, and never back.
#[derive(Debug, Clone)]
pub(super) struct World(Arc<AtomicI64>);

impl World {
    /// A world in which it is `now_ms`.
    pub(super) fn at(now_ms: UnixMs) -> Self {
        Self(Arc::new(AtomicI64::new(now_ms)))
    }

    /// The true time.
    pub(super) fn now_ms(&self) -> UnixMs {
        self.0.load(Ordering::SeqCst)
    }

    /// Moves on to `to_ms`, unless it is later already.
    pub(super) fn move_to(&self, to_ms: UnixMs) {
        self.0.fetch_max(to_ms, Ordering::SeqCst);
    }

    /// Moves on by `ms`.
    pub(super) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms.max(0), Ordering::SeqCst);
    }
}

/// A device's clocks, or the server's.
#[derive(Debug, Clone)]
pub(super) struct VirtualClock {
    world: World,
    boot: BootId,
    /// By how much the wall clock is wrong.
    pub(super) skew_ms: i64,
}

impl VirtualClock {
    /// The clocks of a machine that was switched on this morning, whose wall clock is wrong by `skew_ms`.
    pub(super) const fn new(world: World, boot: BootId, skew_ms: i64) -> Self {
        Self {
            world,
            boot,
            skew_ms,
        }
    }

    /// The boot, for a second process on the same device.
    pub(super) const fn boot(&self) -> BootId {
        self.boot
    }
}

impl Clock for VirtualClock {
    fn read(&self) -> Reading {
        let now = self.world.now_ms();
        Reading {
            wall_ms: now + self.skew_ms,
            mono_ms: now - SWITCHED_ON,
            boot: self.boot,
            utc_offset_min: OFFSET_MIN,
            zone: None,
        }
    }
}
