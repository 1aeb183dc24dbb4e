//! The people of the company that this user may see.

use serde::Serialize;
use waymark_domain::ids::UserId;
use waymark_domain::record::Role;

use crate::error::{ErrorCode, WaymarkError};
use crate::waymark::Waymark;

/// The team.
pub struct Team(pub(crate) Waymark);

/// A colleague.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemberRow {
    /// The user.
    pub user: UserId,
    /// The name.
    pub name: String,
    /// What the colleague may do.
    pub role: Role,
    /// The team.
    pub team: String,
}

impl Team {
    /// Everybody that this user may see, by name.
    ///
    /// # Errors
    /// What reading may say.
    pub fn list(&self) -> Result<Vec<MemberRow>, WaymarkError> {
        let rows = self.0.read(|reader| reader.members())?;
        let row = |member: waymark_domain::member::Member| MemberRow {
            user: member.user,
            name: member.name,
            role: member.role,
            team: member.team,
        };
        Ok(rows.into_iter().map(|found| row(found.record)).collect())
    }

    /// The colleague of that id or name; capitals do not matter.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::Ambiguous`].
    pub fn find(&self, text: &str) -> Result<MemberRow, WaymarkError> {
        let wanted = text.trim().to_lowercase();
        let mut fitting = self
            .list()?
            .into_iter()
            .filter(|row| row.user.to_string() == wanted || row.name.to_lowercase() == wanted);
        match (fitting.next(), fitting.next()) {
            (Some(row), None) => Ok(row),
            (None, _) => Err(WaymarkError::new(ErrorCode::NotFound, "colleague")),
            (Some(_), Some(_)) => Err(WaymarkError::new(ErrorCode::Ambiguous, "colleague")),
        }
    }
}

impl Waymark {
    /// The team.
    #[must_use]
    pub fn team(&self) -> Team {
        Team(self.clone())
    }
}
