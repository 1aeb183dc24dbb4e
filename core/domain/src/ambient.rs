//! What the core is given and never takes: the clock and chance. One implementation reads the machine; tests bring virtual ones.

use uuid::Uuid;

use crate::ids::uuid_v7;
use crate::time::Reading;

/// Tells the time. Reading it twice may give a wall clock that went back; the boot-time clock never does.
pub trait Clock: Send + Sync {
    /// Both clocks, read together.
    fn read(&self) -> Reading;
}

/// Fills bytes by chance.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with unpredictable values.
    fn fill(&self, bytes: &mut [u8]);

    /// A new UUIDv7 for something made at `unix_ms`.
    fn new_id(&self, unix_ms: i64) -> Uuid {
        let mut random = [0; 10];
        self.fill(&mut random);
        uuid_v7(unix_ms, random)
    }
}
