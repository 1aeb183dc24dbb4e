//! Time that the test decides.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;
use waymark_domain::ambient::Clock;
use waymark_domain::ids::BootId;
use waymark_domain::time::{Reading, UnixMs};

/// A quiet Monday morning in November 2026, where the clocks of tests begin: 2026-11-23T08:00:00Z.
pub const MORNING: UnixMs = 1_795_420_800_000;

/// A device's two clocks, each moved by hand.
#[derive(Debug)]
pub struct VirtualClock {
    now: Mutex<Reading>,
}

impl VirtualClock {
    /// A clock that shows `wall_ms`, a minute after a boot.
    #[must_use]
    pub fn at(wall_ms: UnixMs) -> Arc<Self> {
        let now = Reading {
            wall_ms,
            mono_ms: 60_000,
            boot: boot(0),
            utc_offset_min: 480,
            zone: "Asia/Shanghai".parse().ok(),
        };
        Arc::new(Self {
            now: Mutex::new(now),
        })
    }

    /// Time passes, on both clocks.
    pub fn advance(&self, ms: i64) {
        self.change(|now| {
            now.wall_ms += ms;
            now.mono_ms += ms;
        });
    }

    /// Time passes on the boot-time clock alone.
    pub fn advance_mono(&self, ms: i64) {
        self.change(|now| now.mono_ms += ms);
    }

    /// Somebody sets the wall clock forward, or back.
    pub fn shift_wall(&self, ms: i64) {
        self.change(|now| now.wall_ms += ms);
    }

    /// Somebody sets the wall clock.
    pub fn set_wall(&self, wall_ms: UnixMs) {
        self.change(|now| now.wall_ms = wall_ms);
    }

    /// The device was off for `off_ms` and boots for the `nth` time: the boot-time clock begins anew.
    pub fn reboot(&self, nth: u32, off_ms: i64) {
        self.change(|now| {
            now.wall_ms += off_ms;
            now.mono_ms = 5_000;
            now.boot = boot(nth);
        });
    }

    /// What the wall clock shows.
    #[must_use]
    pub fn wall_ms(&self) -> UnixMs {
        self.read().wall_ms
    }

    /// What the boot-time clock shows.
    #[must_use]
    pub fn mono_ms(&self) -> i64 {
        self.read().mono_ms
    }

    fn change(&self, change: impl FnOnce(&mut Reading)) {
        change(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Clock for VirtualClock {
    fn read(&self) -> Reading {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn boot(nth: u32) -> BootId {
    BootId::from_uuid(Uuid::from_u128(
        0xb007_0000_0000_7000_8000_0000_0000_0000 | u128::from(nth),
    ))
}
