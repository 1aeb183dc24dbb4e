//! Who takes part, each with a database file and clocks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use waymark_client::system::SystemEntropy;
use waymark_client::{Config, EnrolWith, Waymark, WaymarkError};
use waymark_domain::ambient::Entropy as _;
use waymark_domain::ids::BootId;

use super::clock::{VirtualClock, World};
use super::tracks::Track;

/// Somebody with a device.
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) clock: VirtualClock,
    path: PathBuf,
    open: Option<Waymark>,
}

impl Person {
    /// A person with a fresh database in `folder`, whose wall clock is wrong by `skew_ms`.
    pub(super) fn new(name: &'static str, folder: &Path, world: &World, skew_ms: i64) -> Self {
        let boot = BootId::from_uuid(SystemEntropy.new_id(world.now_ms()));
        let path = folder.join(format!("{}.db", name.to_lowercase()));
        Self {
            name,
            clock: VirtualClock::new(world.clone(), boot, skew_ms),
            path,
            open: None,
        }
    }

    /// The database file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The client; opened when it is not.
    pub(super) fn waymark(&mut self) -> Result<&Waymark, WaymarkError> {
        let waymark = match self.open.take() {
            Some(waymark) => waymark,
            None => open(&self.path, self.clock.clone())?,
        };
        Ok(self.open.insert(waymark))
    }

    /// Closes the database, as when an app goes away. Gives its store for the audit, when it was open.
    pub(super) fn close(&mut self) -> Option<Waymark> {
        self.open.take()
    }

    /// Makes the device known.
    pub(super) async fn enrol(&mut self, server: String, code: String) -> Result<(), WaymarkError> {
        let device_name = format!("{}'s phone", self.name);
        let with = EnrolWith {
            server,
            code,
            device_name,
            authority: None,
        };
        self.waymark()?.enrol(&with).await?;
        Ok(())
    }
}

/// Opens a database with virtual clocks and the machine's chance.
pub(super) fn open(path: &Path, clock: VirtualClock) -> Result<Waymark, WaymarkError> {
    Waymark::open(Config {
        wait: true,
        clock: Arc::new(clock),
        ..Config::at(path)
    })
}

/// A rep, and the recording that the rep's day goes along.
pub(super) struct Rep {
    pub(super) person: Person,
    pub(super) city: &'static str,
    pub(super) track: Track,
    pub(super) stops: Vec<super::day::Stop>,
}
