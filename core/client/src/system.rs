//! The machine's clock and chance. The only place in Waymark that reads either.

use std::time::{SystemTime, UNIX_EPOCH};

use waymark_domain::ambient::{Clock, Entropy};
use waymark_domain::ids::BootId;
use waymark_domain::time::{Reading, Zone};

/// The machine's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    boot: BootId,
}

impl SystemClock {
    /// The clocks of this boot.
    #[must_use]
    pub fn new() -> Self {
        Self { boot: boot_id() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the wall clock"
    )]
    fn read(&self) -> Reading {
        let since_1970 = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        };
        Reading {
            wall_ms: since_1970,
            mono_ms: since_boot_ms(),
            boot: self.boot,
            utc_offset_min: utc_offset_min(),
            zone: zone(),
        }
    }
}

/// Seconds of processor time that this process has used: what a busy machine takes away does not count.
#[must_use]
pub fn cpu_seconds() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    std::time::Duration::new(
        u64::try_from(used.tv_sec).unwrap_or(0),
        u32::try_from(used.tv_nsec).unwrap_or(0),
    )
    .as_secs_f64()
}

/// Milliseconds since boot, sleep included: `CLOCK_BOOTTIME` on Linux and Android; Darwin's `CLOCK_MONOTONIC` counts sleep as well.
fn since_boot_ms() -> i64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let id = rustix::time::ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let id = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(id);
    time.tv_sec
        .saturating_mul(1000)
        .saturating_add(time.tv_nsec / 1_000_000)
}

/// The kernel's id of this boot, or an id of its own for this process where there is none: then every start counts as a boot, which only
/// makes times less certain, never wrong.
fn boot_id() -> BootId {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let parsed = kernel
        .as_deref()
        .map(str::trim)
        .and_then(|text| text.parse().ok());
    parsed.unwrap_or_else(|| BootId::from_uuid(SystemEntropy.new_id(0)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that asks for the zone"
)]
fn utc_offset_min() -> i16 {
    use chrono::Offset as _;
    let seconds = chrono::Local::now().offset().fix().local_minus_utc();
    i16::try_from(seconds / 60).unwrap_or(0)
}

/// The zone that the machine is set to, where the platform tells.
fn zone() -> Option<Zone> {
    iana_time_zone::get_timezone().ok()?.parse().ok()
}

/// The machine's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        clippy::panic,
        reason = "the one place that asks for chance; without it no id is safe"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        // every system that we run on has had a random source that cannot fail after start-up for a decade
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the system has no randomness: {error}");
        }
    }
}
