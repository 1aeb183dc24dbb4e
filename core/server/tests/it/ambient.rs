//! A clock that moves when it is told to, and chance from a seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use waymark_domain::ambient::{Clock, Entropy};
use waymark_domain::ids::BootId;
use waymark_domain::time::Reading;

pub const START_MS: i64 = 1_790_000_000_000;
pub const HOUR_MS: i64 = 3_600_000;

/// A clock that moves when it is told to.
pub struct VirtualClock(AtomicI64);

impl Default for VirtualClock {
    fn default() -> Self {
        Self(AtomicI64::new(START_MS))
    }
}

impl VirtualClock {
    pub fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for VirtualClock {
    fn read(&self) -> Reading {
        let now = self.now();
        Reading {
            wall_ms: now,
            mono_ms: now - START_MS,
            boot: BootId::from_uuid(uuid::Uuid::nil()),
            utc_offset_min: 120,
            zone: None,
        }
    }
}

/// Chance from a seed (splitmix64).
pub struct Seeded(Mutex<u64>);

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    pub fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&self, n: u64) -> u64 {
        self.next() % n
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let random = self.next().to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}
