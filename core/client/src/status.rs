//! Where the work stands: counts that must balance.

use serde::Serialize;
use waymark_store::OpenReport;

use crate::error::WaymarkError;
use crate::waymark::Waymark;

/// The ledger of this device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StatusView {
    /// Operations ever made here.
    pub created: u64,
    /// Operations that the server has taken, or that a person has settled since.
    pub acknowledged: u64,
    /// Operations that the server has not spoken about yet.
    pub pending: u64,
    /// Operations that the server would not take as they are, and that nobody has settled yet.
    pub needs_attention: u64,
    /// Operations that a damaged disk destroyed.
    pub lost: u64,
    /// Whether `created = acknowledged + pending + needs_attention + lost`. If ever not, that is a bug to be reported.
    pub balanced: bool,
    /// Whether a newer app wrote the database, so that this one only reads and sends.
    pub read_only: bool,
}

/// What happened when the database was opened that its user should know.
pub type OpenNotice = OpenReport;

impl Waymark {
    /// Where the work stands.
    ///
    /// # Errors
    /// What reading may say.
    pub fn status(&self) -> Result<StatusView, WaymarkError> {
        let ledger = self.0.store.ledger()?;
        let sum = ledger.acknowledged + ledger.pending + ledger.needs_attention + ledger.lost;
        Ok(StatusView {
            created: ledger.created,
            acknowledged: ledger.acknowledged,
            pending: ledger.pending,
            needs_attention: ledger.needs_attention,
            lost: ledger.lost,
            balanced: ledger.created == sum,
            read_only: self.is_push_only(),
        })
    }

    /// What happened when the database was opened: a migration, a rescue.
    #[must_use]
    pub fn opened(&self) -> &OpenNotice {
        &self.0.opened
    }
}
