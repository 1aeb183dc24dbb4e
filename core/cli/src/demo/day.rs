//! A rep's day along a recording: where to stop, and what is done at each stop.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use waymark_client::{
    CaptureRequest, CheckInRequest, CustomerEdit, NoteRequest, PhotoFacts, PhotoOf, PlanRequest,
    VisitRow, Waymark, WaymarkError,
};
use waymark_domain::geo::{Datum, Position, Wgs84};
use waymark_domain::ids::{CustomerId, VisitId};
use waymark_domain::time::UnixMs;
use waymark_domain::visit::State;

use super::clock::{MINUTE, SECOND, World};
use super::tracks::Track;
use crate::failure::Outcome;

/// Fixes with a larger radius do not decide where a stop is. Check-ins take whatever the recording has at that time.
const GOOD_FIX_M: f64 = 100.0;

/// Visits of a day.
const VISITS: usize = 20;

/// Stops that are skipped instead of visited.
const SKIPPED: [usize; 3] = [3, 9, 16];

/// After these stops there is an unplanned visit next door.
const UNPLANNED_AFTER: [usize; 1] = [7];

/// At these stops the rep changes something about the customer, besides the stops that `office` clashes with.
const EDITED: [usize; 5] = [1, 5, 11, 13, 18];

/// What a stop clashes about with the office. The same numbers stand in `office.rs`.
pub(super) const PHONE_CLASH: usize = 0;
/// See [`PHONE_CLASH`].
pub(super) const NAME_CLASH: usize = 2;
/// See [`PHONE_CLASH`].
pub(super) const TAKEN_AWAY: usize = 4;
/// See [`PHONE_CLASH`].
pub(super) const SKIPPED_BY_OFFICE: usize = 6;

/// At these stops the rep takes a photo, of these pictures: their licences stand in `tests/fixtures/photos/README.md`.
const PHOTOGRAPHED: [(usize, &[u8]); 3] = [
    (
        1,
        include_bytes!("../../../../tests/fixtures/photos/nokia_n70_422_iptc.jpg"),
    ),
    (
        8,
        include_bytes!("../../../../tests/fixtures/photos/flower_444_icc_thumb.jpg"),
    ),
    (
        12,
        include_bytes!("../../../../tests/fixtures/photos/no_exif.jpg"),
    ),
];

const NOTES: &[&str] = &[
    "Wants the new price list before the holidays.",
    "货架缺两个规格，下周补货。",
    "Owner away until Thursday; spoke to the deputy.",
    "陈列整齐，竞品促销堆头在入口处。",
    "Order of 24 units agreed, delivery on Friday before 10.",
    "客户希望付款期延长到 45 天，需主管确认。",
    "Fridge is out of order - service called.",
    "店长更换，新联系人：李女士。",
    "No stock of the small size; took a photo of the shelf for later.",
];

const REASONS: &[&str] = &[
    "Closed for stocktaking",
    "门店今日盘点，不接待",
    "Owner ill, asked to come next week",
];

/// A stop of the day.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stop {
    /// Whom.
    pub(super) customer: CustomerId,
    /// When the recording passes.
    pub(super) at_ms: UnixMs,
    /// Somebody next door whom nobody planned to visit.
    neighbour: Option<CustomerId>,
}

/// What was saved, as the worker reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Saved {
    /// The visit has begun.
    Started(VisitId),
    /// A check-in belongs to the visit.
    CheckedIn(VisitId),
    /// A note belongs to the visit.
    Noted(VisitId),
    /// A photo belongs to the visit.
    Photographed(VisitId),
    /// The visit is over.
    Finished(VisitId),
    /// The visit was given up.
    Skipped(VisitId),
    /// The customer was changed.
    Edited(CustomerId),
}

/// The customers in whose area the recording is to lie.
pub(super) fn own_places(waymark: &Waymark) -> Result<Vec<(CustomerId, Wgs84)>, WaymarkError> {
    let rows = waymark.customers().page(true, 5_000, 0)?;
    let mut places: Vec<(CustomerId, Wgs84)> = rows
        .into_iter()
        .filter_map(|row| match row.position {
            Some(Position::Wgs84(at)) => Some((row.id, at)),
            _ => None,
        })
        .collect();
    places.sort_by_key(|(id, _)| *id);
    Ok(places)
}

/// Up to [`VISITS`] stops: the customers that the recording passes closest, far enough apart in time.
pub(super) fn itinerary(places: &[(CustomerId, Wgs84)], track: &Track) -> Vec<Stop> {
    let good: Vec<(UnixMs, Wgs84)> = track
        .fixes
        .iter()
        .filter(|fix| fix.accuracy_m <= GOOD_FIX_M)
        .filter_map(|fix| Some((fix.at_ms, Wgs84::new(fix.lat, fix.lon).ok()?)))
        .collect();
    let (Some((first, _)), Some((last, _))) = (good.first(), good.last()) else {
        return Vec::new();
    };
    let apart = (last - first) / (i64::try_from(VISITS).unwrap_or(1) * 5 / 3);
    // every stay that every customer could be visited in, the closest first
    let mut passes: Vec<(f64, UnixMs, CustomerId)> = Vec::new();
    for (id, at) in places {
        passes.extend(
            good.iter()
                .map(|(time, fix)| (fix.distance_m(*at), *time, *id)),
        );
    }
    passes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut stops: Vec<Stop> = Vec::new();
    for (_, at_ms, customer) in &passes {
        let free = stops
            .iter()
            .all(|stop| (stop.at_ms - at_ms).abs() >= apart && stop.customer != *customer);
        if free && stops.len() < VISITS {
            stops.push(Stop {
                customer: *customer,
                at_ms: *at_ms,
                neighbour: None,
            });
        }
    }
    stops.sort_by_key(|stop| stop.at_ms);
    let planned: BTreeSet<CustomerId> = stops.iter().map(|stop| stop.customer).collect();
    for stop in &mut stops {
        let here = places
            .iter()
            .find(|(id, _)| *id == stop.customer)
            .map(|(_, at)| *at);
        let others = places.iter().filter(|(id, _)| !planned.contains(id));
        stop.neighbour = here.and_then(|here| {
            let nearest =
                others.min_by(|a, b| a.1.distance_m(here).total_cmp(&b.1.distance_m(here)));
            nearest.map(|(id, _)| *id)
        });
    }
    stops
}

/// Plans the day's visits, one after the other: their order is the one in which they were made.
pub(super) fn plan(
    waymark: &Waymark,
    stops: &[Stop],
    day: NaiveDate,
    world: &World,
) -> Result<(), WaymarkError> {
    for stop in stops {
        world.advance(4 * SECOND);
        waymark.visits().plan(&PlanRequest {
            customer: stop.customer,
            day: Some(day),
            rep: None,
        })?;
    }
    Ok(())
}

/// The rep at work. What is done already, also by a process that was killed since, is not done again.
pub(super) struct Worker<'a> {
    pub(super) waymark: &'a Waymark,
    pub(super) track: &'a Track,
    pub(super) world: &'a World,
    pub(super) day: NaiveDate,
    /// Hears of every saved operation.
    pub(super) report: &'a mut dyn FnMut(Saved) -> Outcome,
}

impl Worker<'_> {
    /// Works the stops.
    pub(super) fn work(&mut self, stops: &[Stop], first: usize) -> Outcome {
        for (number, stop) in (first..).zip(stops) {
            self.world.move_to(stop.at_ms);
            let Some(visit) = self.visit_at(stop.customer)? else {
                continue;
            };
            self.stop(number, &visit)?;
            if UNPLANNED_AFTER.contains(&number)
                && let Some(neighbour) = stop.neighbour
                && self.visit_at(neighbour)?.is_none()
            {
                self.world.advance(MINUTE);
                let visit = self.waymark.visits().start_unplanned(neighbour)?;
                (self.report)(Saved::Started(visit))?;
                self.stay(number + 1, visit)?;
            }
        }
        Ok(())
    }

    fn visit_at(&self, customer: CustomerId) -> Result<Option<VisitRow>, WaymarkError> {
        let rows = self.waymark.visits().of_day(self.day, true)?;
        Ok(rows.into_iter().find(|row| row.customer == customer))
    }

    fn stop(&mut self, number: usize, visit: &VisitRow) -> Outcome {
        match visit.state {
            State::Planned if SKIPPED.contains(&number) => {
                let reason = REASONS
                    .get(number % REASONS.len())
                    .copied()
                    .unwrap_or("closed");
                self.waymark.visits().skip(visit.id, reason)?;
                (self.report)(Saved::Skipped(visit.id))
            }
            State::Planned => {
                self.waymark.visits().start(visit.id)?;
                (self.report)(Saved::Started(visit.id))?;
                self.edit(number, visit.customer)?;
                self.stay(number, visit.id)
            }
            // begun before the process was killed: go on
            State::InProgress { .. } => {
                self.edit(number, visit.customer)?;
                self.stay(number, visit.id)
            }
            State::Done { .. } | State::Skipped { .. } | State::Unknown(_) => Ok(()),
        }
    }

    fn stay(&mut self, number: usize, visit: VisitId) -> Outcome {
        let view = self.waymark.visits().view(visit)?;
        self.world.advance(40 * SECOND);
        if view.check_ins.is_empty()
            && let Some(fix) = self.track.at(self.world.now_ms())
        {
            let place = (fix.lat, fix.lon);
            let fix =
                self.waymark
                    .fix(place, Datum::Wgs84, fix.accuracy_m, self.track.source, 0)?;
            let request = CheckInRequest::arriving(Some(visit), fix);
            self.waymark.check_ins().check_in(&request)?;
            (self.report)(Saved::CheckedIn(visit))?;
        }
        let notes = 1 + number % 2;
        for note in view.notes.len()..notes {
            self.world.advance(70 * SECOND);
            let text = NOTES
                .get((number * 2 + note) % NOTES.len())
                .copied()
                .unwrap_or("-");
            let customer = view.row.customer;
            let text = text.to_owned();
            self.waymark.notes().write(NoteRequest {
                customer,
                visit: Some(visit),
                text,
                corrects: None,
            })?;
            (self.report)(Saved::Noted(visit))?;
        }
        let pictures = PHOTOGRAPHED.iter().filter(|(at, _)| *at == number);
        for (_, picture) in pictures {
            self.photograph(visit, picture)?;
        }
        self.world.advance(30 * SECOND);
        self.waymark.visits().finish(visit)?;
        (self.report)(Saved::Finished(visit))
    }

    fn photograph(&mut self, visit: VisitId, picture: &[u8]) -> Outcome {
        let photos = self.waymark.photos();
        self.world.advance(20 * SECOND);
        // what the killed process left behind: a whole picture is kept, one that was cut off is taken again
        for slot in photos.slots()? {
            if usize::try_from(slot.len).is_ok_and(|len| len == picture.len()) {
                photos.recover(slot.id, None)?;
            } else {
                photos.discard(slot.id)?;
            }
        }
        if photos.list(PhotoOf::Visit(visit))?.is_empty() {
            let request = CaptureRequest::of(PhotoOf::Visit(visit), "shelf");
            let slot = photos.new_capture(&request)?;
            std::fs::write(&slot.path, picture)?;
            photos.commit(slot.id, &PhotoFacts::default())?;
            (self.report)(Saved::Photographed(visit))?;
        }
        Ok(())
    }

    fn edit(&mut self, number: usize, customer: CustomerId) -> Outcome {
        let Some(edit) = edit_at(number) else {
            return Ok(());
        };
        self.world.advance(5 * SECOND);
        if self.waymark.customers().edit(customer, edit)? {
            (self.report)(Saved::Edited(customer))?;
        }
        Ok(())
    }
}

/// What the rep changes at a stop.
fn edit_at(number: usize) -> Option<CustomerEdit> {
    let none = CustomerEdit::default();
    Some(match number {
        PHONE_CLASH => CustomerEdit {
            phone: Some("+377 93 10 00 01".to_owned()),
            ..none
        },
        NAME_CLASH => CustomerEdit {
            name: Some("New name as on the door".to_owned()),
            ..none
        },
        TAKEN_AWAY => CustomerEdit {
            address: Some("Entrance at the back".to_owned()),
            ..none
        },
        _ if EDITED.contains(&number) => CustomerEdit {
            hours: Some("Mo-Sa 09:00-19:30".to_owned()),
            add_tags: vec!["A-Kunde".to_owned(), "重点客户".to_owned()],
            ..none
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use waymark_domain::ids::{CustomerId, RecordId};

    use super::*;

    #[test]
    fn a_day_has_twenty_stops_in_order_and_far_enough_apart() {
        let track = Track::zurich();
        let places: Vec<(CustomerId, Wgs84)> = track
            .fixes
            .iter()
            .step_by(3)
            .enumerate()
            .map(|(i, fix)| {
                let id = waymark_domain::ids::uuid_v7(i64::try_from(i).unwrap(), [7; 10]);
                (
                    RecordId::from_uuid(id).into(),
                    Wgs84::new(fix.lat, fix.lon).unwrap(),
                )
            })
            .collect();
        let stops = itinerary(&places, &track);
        assert_eq!(stops.len(), VISITS);
        assert!(
            stops
                .windows(2)
                .all(|pair| pair[1].at_ms - pair[0].at_ms > 8 * MINUTE)
        );
        assert_eq!(
            stops,
            itinerary(&places, &track),
            "the worker finds the same stops"
        );
        assert!(stops.iter().all(|stop| {
            stop.neighbour
                .is_some_and(|next| stops.iter().all(|stop| stop.customer != next))
        }));
    }
}
