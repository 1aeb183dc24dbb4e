//! What every test uses: a fleet of devices, virtual clocks, a faulty network.
//!
//! - [`fleet::Fleet`]: a server and named people with real clients, in a line each.
//! - [`clock::VirtualClock`] and [`chance`]: time and chance that the test decides.
//! - [`wire::FaultyApi`]: the server in process, behind a network that loses, repeats and cuts bytes.
//! - [`database`]: databases in memory that survive the death of whoever used them, and the switch that kills.
//! - [`memory::MemoryStore`] and [`conformance`]: what a device's database owes the sync engine, as tests that any implementation can take.
//!
//! ```
//! use waymark_testkit::fleet::Fleet;
//!
//! let fleet = Fleet::new().admin("ada").manager("mia").rep("anna");
//! let bakery = fleet.customer("Bakery").owned_by("anna");
//! let anna = fleet.device("anna");
//! let visit = anna.visits().start_unplanned(bakery).unwrap();
//! anna.visits().finish(visit).unwrap();
//! assert_eq!(anna.status().unwrap().pending, 3);
//! fleet.sync("anna").unwrap();
//! assert_eq!(anna.status().unwrap().pending, 0);
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails by panicking"
)]

pub mod chance;
pub mod clock;
pub mod conformance;
pub mod database;
pub mod executor;
pub mod fleet;
pub mod host;
pub mod memory;
pub mod signer;
pub mod wire;
