//! The device's SQLite: what the server said, what the rep did since, and the views folded from both.
//!
//! One file per tenant and user. Three things are kept and nothing else is a source of truth:
//!
//! - `base`: what the server said last, field for field.
//! - `outbox`: the operations of this device that the server has not answered for good, in their exact bytes.
//! - `history`: the operations that it has answered, with the answer.
//!
//! The `view_…` tables are `fold(base, operations in local order)`, one row per record, and can be rebuilt at any start.
//!
//! Every public function of [`Store`] that writes is one transaction: after a crash at any point it has happened wholly or not at all.

mod attention;
mod check;
mod commit;
mod connections;
mod digests;
mod epoch;
mod error;
mod evidence;
mod fold;
mod identity;
mod ledger;
mod meta;
mod open;
mod photos;
#[cfg(test)]
mod plans;
mod pull;
mod reader;
mod salvage;
mod schema;
mod settle;
mod sql;
mod store;
mod sync;
mod time;
mod track;
mod track_kept;
mod views;

pub use attention::{AttentionRow, Outboxed};
pub use check::CheckReport;
pub use commit::{Committed, Unit};
pub use epoch::Requeued;
pub use error::StoreError;
pub use evidence::{ChainRow, ReceiptRow};
pub use identity::Identity;
pub use ledger::Ledger;
pub use open::{OpenReport, Opened};
pub use photos::{BlobRow, BlobState, Capture, CaptureState};
pub use pull::{Change, Page, Published, SnapshotStage, StagedPut, What};
pub use reader::{Counts, ExportRow, Reader, Row};
pub use salvage::Salvage;
pub use settle::{SettleReport, SettledOp, Settlement};
pub use store::{Mode, Store};
pub use sync::{OutboxRow, ScopeProgress, SnapshotPlace, SyncState};
pub use track::{Appended, Began, Ended, Refused, TrackPoint, Waiting};
pub use track_kept::Leaves;
pub use views::customer::Owner;
pub use views::photo::Seen;
pub use views::track_segment::Collected;
pub use views::visit::VisitRow;
