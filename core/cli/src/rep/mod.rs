//! A rep's commands, one file each.

pub(crate) mod attention;
pub(crate) mod check_in;
pub(crate) mod customer;
pub(crate) mod enrol;
pub(crate) mod evidence;
mod exceptions;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod photo;
pub(crate) mod policy;
pub(crate) mod privacy;
pub(crate) mod shift;
pub(crate) mod sos;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod today;
pub(crate) mod track;
pub(crate) mod visit;

use waymark_client::{CustomerRow, ErrorCode, Lang, Waymark};
use waymark_domain::geo::Position;
use waymark_domain::ids::UserId;
use waymark_domain::record::Role;
use waymark_domain::visit::State;

use crate::args::Place;
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::words::rep as words;

/// The last group of an id: enough to name it by, and other than its beginning not shared by records of the same moment.
pub(crate) fn short_id(id: impl std::fmt::Display) -> String {
    let text = id.to_string();
    text.rsplit('-').next().unwrap_or_default().to_owned()
}

/// A visit's state as a symbol and a word; a colour alone would not reach everybody.
pub(crate) fn state_text(state: &State, lang: Lang) -> String {
    match state {
        State::Planned => format!("[ ] {}", words::planned(lang)),
        State::InProgress { .. } => format!("[>] {}", words::in_progress(lang)),
        State::Done { .. } => format!("[x] {}", words::done(lang)),
        State::Skipped { .. } => format!("[-] {}", words::skipped(lang)),
        State::Unknown(_) => format!("[?] {}", words::unknown_state(lang, state.name())),
    }
}

/// The name of a visit's customer; it is empty when the customer is no longer this user's to see.
pub(crate) fn customer_name(name: &str, lang: Lang) -> String {
    if name.is_empty() {
        words::customer_gone(lang)
    } else {
        name.to_owned()
    }
}

/// A role's name.
pub(crate) fn role_text(role: Role, lang: Lang) -> String {
    match role {
        Role::Rep => words::role_rep(lang),
        Role::Manager => words::role_manager(lang),
        Role::Admin => words::role_admin(lang),
    }
}

/// The colleague of that name or id; oneself is known before the first sync.
pub(crate) fn user(waymark: &Waymark, text: &str) -> Outcome<UserId> {
    let me = waymark.me()?;
    if text == me.user.to_string() || text.to_lowercase() == me.user_name.to_lowercase() {
        return Ok(me.user);
    }
    Ok(waymark.team().find(text)?.user)
}

/// A position from three options: all, or none.
pub(crate) fn position(place: &Place) -> Outcome<Option<Position>> {
    match (place.lat, place.lon, place.datum) {
        (None, None, None) => Ok(None),
        (Some(lat), Some(lon), Some(datum)) => Ok(Some(
            Position::new(datum.into(), lat, lon).map_err(|_| Own::NotAPosition)?,
        )),
        _ => Err(Own::HalfAPosition.into()),
    }
}

/// The customer that `text` names; when it fits several, the first of them are shown, so that the next try can be the right one.
pub(crate) fn customer_named(
    context: &Context,
    waymark: &Waymark,
    text: &str,
) -> Outcome<CustomerRow> {
    waymark.customers().find(text).map_err(|error| {
        if error.code == ErrorCode::Ambiguous {
            for row in waymark.customers().search(text, 5).unwrap_or_default() {
                let address = row.address.unwrap_or_default();
                context.tell(&format!("  {}  {}  {address}", short_id(row.id), row.name));
            }
        }
        error.into()
    })
}

#[cfg(test)]
mod tests {
    use waymark_domain::ids::VisitId;

    use super::*;

    #[test]
    fn a_short_id_is_the_end_of_it() {
        let id: VisitId = "0190a5c2-1111-7222-8333-444455556666".parse().unwrap();
        assert_eq!(short_id(id), "444455556666");
    }

    #[test]
    fn a_state_has_a_symbol_and_a_word() {
        let later = State::Unknown(serde_json::json!({ "is": "paused" }));
        assert_eq!(state_text(&State::Planned, Lang::En), "[ ] planned");
        assert_eq!(state_text(&later, Lang::ZhHans), "[?] paused（新版本）");
    }
}
