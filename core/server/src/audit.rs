//! Looking for what never arrived.

use waymark_domain::time::UnixMs;

use crate::error::Result;
use crate::server::Server;
use crate::storage::{Alarm, DeviceRecord, Storage, View};

/// How long a count may be missing before somebody should ask, milliseconds. An operation waits that long for another at the most when its
/// device was seen every day.
const GAP_MS: i64 = 24 * 60 * 60 * 1000;

impl<S: Storage> Server<S> {
    /// Raises an alarm for every count that has been missing for a day although its device was seen since. Gives the new alarms.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub fn audit(&self, now: UnixMs) -> Result<Vec<Alarm>> {
        let found = self.storage.read(|view| {
            let mut found = Vec::new();
            for device in view.devices()? {
                gaps(view, &device, now, &mut found)?;
            }
            Ok(found)
        })?;
        if found.is_empty() {
            return Ok(found);
        }
        self.storage.write(move |tx| {
            let mut new = Vec::new();
            for alarm in found {
                if tx.raise(&alarm)? {
                    new.push(alarm);
                }
            }
            Ok(new)
        })
    }
}

fn gaps(view: &dyn View, device: &DeviceRecord, now: UnixMs, found: &mut Vec<Alarm>) -> Result<()> {
    for &(first, last) in device.have.gaps(device.have.last()).as_slice() {
        // a gap is known since the operation after it arrived
        let after = last + 1;
        let mut links = view.links_around(device.device, after)?;
        links.retain(|link| link.n == after);
        let Some(since) = links.iter().map(|link| link.at_ms).min() else {
            continue;
        };
        let due = since.saturating_add(GAP_MS);
        if now >= due && device.seen_ms >= due {
            let detail = format!("{first}-{last}");
            found.push(Alarm::new("gap", now, Some(device.device), None, detail));
        }
    }
    Ok(())
}
