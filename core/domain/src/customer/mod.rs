//! Customers: the places that are visited.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::check_in::evidence::{MAX_FENCES, MAX_STATIONS, check_bssid};
use crate::geo::Position;
use crate::geo::fence::Fence;
use crate::ids::UserId;
use crate::record::{Actor, Body, Kind, OnConflict, Shape, SyncRecord};
use crate::refusal::{Refusal, check_length, check_text};
use crate::scope::Scope;

/// Longest name, characters.
pub const MAX_NAME: usize = 200;
/// Longest address, opening hours, phone, external reference or tag, characters.
pub const MAX_LINE: usize = 500;
/// Most tags.
pub const MAX_TAGS: usize = 32;

/// A place that is visited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// What people call it.
    pub name: String,
    /// The rep whose customer it is; nobody's when absent.
    #[serde(default)]
    pub owner: Option<UserId>,
    /// Where it is.
    #[serde(default)]
    pub position: Option<Position>,
    /// Its doors, gates and outlines; being in one of them is being there. A circle around [`Self::position`] when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fences: Vec<Fence>,
    /// Its Wi-Fi stations, as lower-case `aa:bb:cc:dd:ee:ff`: where satellites do not reach they tell that one is there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub stations: BTreeSet<String>,
    /// Postal address.
    #[serde(default)]
    pub address: Option<String>,
    /// Telephone number.
    #[serde(default)]
    pub phone: Option<String>,
    /// What sort of place, such as `amenity=pharmacy`.
    #[serde(default)]
    pub category: Option<String>,
    /// In the syntax of OpenStreetMap's `opening_hours`, as imported.
    #[serde(default)]
    pub hours: Option<String>,
    /// Its identity in the system that it was imported from.
    #[serde(default)]
    pub external: Option<String>,
    /// Free words to find it by.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// Fields of a later version, kept.
    #[serde(flatten)]
    pub extra: Body,
}

impl Customer {
    /// A customer of which only the name is known.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            owner: None,
            position: None,
            fences: Vec::new(),
            stations: BTreeSet::new(),
            address: None,
            phone: None,
            category: None,
            hours: None,
            external: None,
            tags: BTreeSet::new(),
            extra: Body::new(),
        }
    }
}

impl SyncRecord for Customer {
    const KIND: Kind = Kind::new("customer");
    const SHAPE: Shape = Shape::Living;
    const VERSION: u16 = 2;

    fn check(&self) -> Result<(), Refusal> {
        check_text("name", &self.name, MAX_NAME)?;
        let lines = [
            ("address", &self.address),
            ("phone", &self.phone),
            ("category", &self.category),
            ("hours", &self.hours),
            ("external", &self.external),
        ];
        for (field, line) in lines {
            check_length(field, line.as_deref().unwrap_or_default(), MAX_LINE)?;
        }
        if self.fences.len() > MAX_FENCES {
            return Err(Refusal::of_field(crate::refusal::Code::TooLong, "fences"));
        }
        self.fences.iter().try_for_each(Fence::check)?;
        if self.stations.len() > MAX_STATIONS {
            return Err(Refusal::of_field(crate::refusal::Code::TooLong, "stations"));
        }
        self.stations
            .iter()
            .try_for_each(|bssid| check_bssid(bssid))?;
        if self.tags.len() > MAX_TAGS {
            return Err(Refusal::of_field(crate::refusal::Code::TooLong, "tags"));
        }
        self.tags
            .iter()
            .try_for_each(|tag| check_text("tags", tag, MAX_LINE))
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![self.owner.map_or(Scope::POOL, Scope::user)]
    }

    /// A rep adds customers of the rep's own and edits them; whose a customer is, managers decide.
    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool {
        if actor.leads() {
            return actor.sees(&next.scopes());
        }
        next.owner == Some(actor.user) && stored.is_none_or(|stored| stored.owner == next.owner)
    }

    fn on_conflict(field: &str) -> OnConflict {
        match field {
            "tags" | "stations" => OnConflict::Union,
            "phone" | "hours" | "category" => OnConflict::NewestArrival,
            // identity and whose it is: a wrong guess costs a sale or a visit to the wrong street
            _ => OnConflict::Review,
        }
    }
}
