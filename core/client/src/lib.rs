//! Waymark's API: one function a use case.
//!
//! [`Waymark`] opens a database file and gives sub-handles: [`Waymark::customers`], [`Waymark::visits`], [`Waymark::sync`], … Local calls
//! block for milliseconds and need no network, ever; only waits are async. What a screen shows is a `View` or a `Row`, what it submits a
//! `Request`. What changes is pulled with [`Waymark::next_events`].

pub mod error;
pub mod evidence;
pub mod import;
pub mod keys;
pub mod lang;
pub mod photos;
pub mod system;
pub mod track;
pub mod verdict;
pub mod when;

mod adapter;
mod admin;
mod attention;
mod check_ins;
mod customers;
mod enrol;
mod events;
mod exceptions;
mod export;
mod notes;
mod photo_mark;
mod policies;
mod privacy;
mod shift;
mod sos;
mod status;
mod sync;
mod team;
mod time;
mod today;
mod tracks;
mod visits;
mod waymark;

pub use adapter::DeviceStore;
pub use admin::Admin;
pub use attention::{Attention, AttentionRow};
pub use check_ins::{CheckInRequest, CheckInView, CheckIns};
pub use customers::{CustomerEdit, CustomerRow, CustomerView, Customers, NewCustomerRequest};
pub use enrol::EnrolWith;
pub use error::{ErrorCode, WaymarkError};
pub use events::ClientEvent;
pub use exceptions::{ExceptionsView, GapNoteView, GapView, SessionView, thousandths};
pub use lang::Lang;
pub use notes::{NoteRequest, NoteView, Notes};
pub use photo_mark::PhotoMark;
pub use photos::{
    Capture, CaptureRequest, ExportMode, FileState, NoPreview, PhotoExport, PhotoFacts, PhotoOf,
    PhotoView, Photos, ReconcileReport, SlotView, Unsigned,
};
pub use policies::{CheckInRules, Policies};
pub use privacy::{CollectedView, DayView, LookView, Privacy, PrivacyView, Sort};
pub use shift::{ShiftView, Shifts, Stands, TrackPolicy};
pub use sos::{SosRequest, SosView};
pub use status::{OpenNotice, StatusView};
pub use sync::{Sync, SyncReport};
pub use team::{MemberRow, Team};
pub use time::{Time, TimeView};
pub use today::TodayView;
pub use tracks::{
    AdviceRequest, AdviceView, CrossingView, CrossingsView, FeedReport, HiddenPiece, LIVE_MS,
    LOOK_MS, LatestView, LeafReport, NextCustomer, OpeningReport, StayView, StopView, TrackDay,
    TrackPiece, Tracks, Unproven, check_opening,
};
pub use visits::{PlanRequest, VisitRow, VisitView, Visits};
pub use waymark::{Config, Parts, Waymark};
