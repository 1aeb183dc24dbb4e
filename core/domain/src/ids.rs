//! Identities. Every id is a UUIDv7 made where the thing was made; the time inside is never trusted nor used for order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is not an id: 36 characters, hexadecimal with four hyphens, as in `0190a5c2-…`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

/// Makes a UUIDv7 (RFC 9562 §5.7) from Unix milliseconds and ten random bytes.
///
/// A time before 1970 counts as 1970: the order of ids is a convenience for the index, not a promise.
#[must_use]
pub fn uuid_v7(unix_ms: i64, random: [u8; 10]) -> Uuid {
    let millis = u64::try_from(unix_ms).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an id that was made elsewhere.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }

            /// The bare id.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid { self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(&self.0, f) }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                Uuid::try_parse(text).map(Self).map_err(|_| NotAnId)
            }
        }
    )+};
}

ids! {
    /// A company. Nothing is ever shared between two of them.
    TenantId;
    /// A person who works for the tenant.
    UserId;
    /// One installation on one phone, with its own key.
    DeviceId;
    /// The continuity of the server's log: a restore from a backup starts a new epoch.
    Epoch;
    /// One operation. Also its idempotency key.
    OpId;
    /// Operations that stand or fall together.
    GroupId;
    /// Any record, whatever its kind.
    RecordId;
    /// One run of the device between two boots.
    BootId;
}

macro_rules! record_ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {
        ids! { $($(#[$doc])* $name;)+ }
        $(
            impl From<$name> for RecordId {
                fn from(id: $name) -> Self { Self(id.0) }
            }
            impl From<RecordId> for $name {
                fn from(id: RecordId) -> Self { Self(id.0) }
            }
        )+
    };
}

record_ids! {
    /// A customer: a place that is visited.
    CustomerId;
    /// A visit, from the plan to its end.
    VisitId;
    /// One check-in.
    CheckInId;
    /// One note.
    NoteId;
    /// One version of a policy.
    PolicyId;
    /// A work session.
    ShiftId;
    /// A piece of a track.
    TrackSegmentId;
    /// What is told of a piece of a track that stays on its phone.
    TrackRootId;
    /// One look at somebody's position.
    LocationAccessId;
    /// One explanation of a gap.
    GapNoteId;
    /// One call for help.
    SosId;
    /// One photo.
    PhotoId;
}

impl From<UserId> for RecordId {
    fn from(id: UserId) -> Self {
        Self(id.0)
    }
}

impl From<RecordId> for UserId {
    fn from(id: RecordId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_version_7_uuid_that_carries_its_milliseconds() {
        let id = uuid_v7(1_700_000_000_123, [0xff; 10]);
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.as_u128() >> 80, 1_700_000_000_123);
    }

    #[test]
    fn a_clock_before_1970_still_gives_an_id() {
        assert_eq!(uuid_v7(-5, [1; 10]).as_u128() >> 80, 0);
    }

    #[test]
    fn an_id_survives_text() {
        let id = OpId::from_uuid(uuid_v7(1, [7; 10]));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("visit-1".parse::<OpId>(), Err(NotAnId));
    }
}
