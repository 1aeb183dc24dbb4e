//! What a check-in is judged by: everything, as it was when the rep stood there, so that anyone can judge it again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::check_in::policy::CheckInPolicy;
use crate::customer::Customer;
use crate::fix::Fix;
use crate::geo::Position;
use crate::geo::fence::Fence;
use crate::hash::Hash;
use crate::policy::PolicyRef;
use crate::refusal::{Code, Refusal, check_length, check_text};
use crate::time::{Stamp, UnixMs};

/// Most fixes of one acquisition: two a second for a minute.
pub const MAX_FIXES: usize = 120;
/// Most fences of one customer: doors, gates, an outline.
pub const MAX_FENCES: usize = 50;
/// Most Wi-Fi stations of one scan or one customer.
pub const MAX_STATIONS: usize = 64;
/// Longest stated reason, characters.
pub const MAX_REASON: usize = 500;

/// Everything that a verdict follows from, besides the policy that it names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Every fix of the acquisition, in the order in which they came.
    pub fixes: Vec<Fix>,
    /// Where the customer is, as the device knew it.
    pub site: Site,
    /// When it was judged, by all the clocks.
    pub t: Stamp,
    /// The rules.
    pub policy: PolicyRef,
    /// What the shell reports about the device.
    #[serde(default, skip_serializing_if = "Device::is_silent")]
    pub device: Device,
    /// The last fix before this acquisition that this device recorded in the same boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Fix>>,
    /// The last Wi-Fi scan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stations: Vec<Station>,
    /// What the rep offers where the position does not decide.
    #[serde(default, skip_serializing_if = "Offer::is_empty")]
    pub offer: Offer,
    /// How long the rep stayed, when leaving: the least and the most that the clocks allow, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stayed_ms: Option<(i64, Option<i64>)>,
}

/// Where a customer is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Its areas; being in one of them is being there. Empty when nobody knows where it is.
    #[serde(default)]
    pub fences: Vec<Fence>,
    /// Its Wi-Fi stations, as lower-case `aa:bb:cc:dd:ee:ff`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub stations: BTreeSet<String>,
}

/// What the shell reports about the device. A field that is absent was not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// The permission gives only an approximate place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coarse: Option<bool>,
    /// Developer options are on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub developer_options: Option<bool>,
    /// Rooted or jailbroken, by what the shell could see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rooted: Option<bool>,
    /// An emulator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emulator: Option<bool>,
    /// A second copy of the app in a space of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloned: Option<bool>,
    /// By how much the wall clock was moved since the last look, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_jump_ms: Option<i64>,
    /// The server, the satellites or the network say about the time what cannot all be true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clocks_disagree: Option<bool>,
}

impl Device {
    fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

/// A Wi-Fi station that was heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Station {
    /// Its address, as lower-case `aa:bb:cc:dd:ee:ff`.
    pub bssid: String,
    /// How long ago it was heard, milliseconds. A station without it is no evidence.
    pub age_ms: i64,
}

/// What the rep offers where the position does not decide.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Why the position may be uncertain, in the rep's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A photo taken there: the SHA-256 of its original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<Hash>,
}

impl Offer {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Site {
    /// The site of a customer: its own fences, else a circle around its position with the radius of the policy.
    #[must_use]
    pub fn of(customer: &Customer, policy: &CheckInPolicy) -> Self {
        let around = |center: Position| Fence::Circle {
            center,
            radius_m: policy.radius_for(customer.category.as_deref()),
            name: None,
        };
        let fences = if customer.fences.is_empty() {
            customer.position.map(around).into_iter().collect()
        } else {
            customer.fences.clone()
        };
        Self {
            fences,
            stations: customer.stations.clone(),
        }
    }
}

impl Evidence {
    /// Refuses what nothing could be judged by.
    ///
    /// # Errors
    /// [`Code::Required`] without a fix, [`Code::TooLong`] for too much of anything, [`Code::Malformed`]; names the field.
    pub fn check(&self) -> Result<(), Refusal> {
        let few = |name: &str, count: usize, most: usize| {
            (count <= most)
                .then_some(())
                .ok_or_else(|| Refusal::of_field(Code::TooLong, name))
        };
        if self.fixes.is_empty() {
            return Err(Refusal::of_field(Code::Required, "fixes"));
        }
        few("fixes", self.fixes.len(), MAX_FIXES)?;
        self.fixes
            .iter()
            .chain(self.before.as_deref())
            .try_for_each(Fix::check)?;
        few("fences", self.site.fences.len(), MAX_FENCES)?;
        self.site.fences.iter().try_for_each(Fence::check)?;
        few(
            "stations",
            self.site.stations.len().max(self.stations.len()),
            MAX_STATIONS,
        )?;
        let heard = self.stations.iter().map(|station| &station.bssid);
        heard
            .chain(&self.site.stations)
            .try_for_each(|bssid| check_bssid(bssid))?;
        if let Some(reason) = &self.offer.reason {
            check_text("reason", reason, MAX_REASON)?;
        }
        Ok(())
    }

    /// How old a fix was when it was judged, milliseconds; never below 0.
    #[must_use]
    pub fn age_ms(&self, fix: &Fix) -> i64 {
        self.t.mono.saturating_sub(fix.mono_ms).max(0)
    }

    /// The moment it was judged, as the middle of what is known.
    pub(super) fn best_ms(&self) -> UnixMs {
        self.t.when.best_ms()
    }
}

/// Refuses what is no Wi-Fi station's address in lower-case `aa:bb:cc:dd:ee:ff`.
///
/// # Errors
/// [`Code::Malformed`], naming `bssid`.
pub fn check_bssid(text: &str) -> Result<(), Refusal> {
    check_length("bssid", text, 17)?;
    let pairs = text.split(':');
    let is_pair = |pair: &str| {
        pair.len() == 2
            && pair
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if pairs.clone().count() == 6 && pairs.clone().all(is_pair) {
        Ok(())
    } else {
        Err(Refusal::of_field(Code::Malformed, "bssid"))
    }
}
