//! The people of a company. The server makes these records from its directory; devices read them to show names.

use serde::{Deserialize, Serialize};

use crate::ids::UserId;
use crate::record::{Actor, Body, Kind, OnConflict, Role, Shape, SyncRecord};
use crate::refusal::{Refusal, check_text};
use crate::scope::Scope;

/// Longest name of a person or a team, characters.
pub const MAX_NAME: usize = 80;

/// A person who works for the company. Its record id is the user's id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The user.
    pub user: UserId,
    /// The name that colleagues read.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// The team whose work the user shares or leads.
    pub team: String,
    /// Fields of a later version, kept.
    #[serde(flatten)]
    pub extra: Body,
}

impl SyncRecord for Member {
    const KIND: Kind = Kind::new("member");
    const SHAPE: Shape = Shape::Living;

    fn check(&self) -> Result<(), Refusal> {
        check_text("name", &self.name, MAX_NAME)?;
        check_text("team", &self.team, MAX_NAME)
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::team(&self.team)]
    }

    fn may_write(_: &Actor, _: Option<&Self>, _: &Self) -> bool {
        false
    }

    fn on_conflict(_: &str) -> OnConflict {
        OnConflict::CommandOnly
    }
}
