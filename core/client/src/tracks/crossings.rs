//! Who was entered and left when, and where the rep stayed besides: worked out from the day's track whenever somebody asks.
//!
//! Nothing of it is kept: the points are, so that no event can be lost, made twice, or made by a phone that was offline; and a fence that
//! is corrected later is judged anew. Each event has the time of the fix that showed it, not of the moment at which it was found out.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use waymark_domain::geo::crossing::{Settings, Watch, Way};
use waymark_domain::geo::fence::{Side, Thresholds};
use waymark_domain::geo::{Position, Wgs84};
use waymark_domain::ids::{CustomerId, UserId};
use waymark_domain::time::TimeInterval;
use waymark_domain::track::distance::distance;
use waymark_domain::track::filter::{Limits, filter};
use waymark_domain::track::stops::{Params, Stop, stops};

use super::day::{Day, Sample};
use super::watched::{Watched, WatchedFence};
use super::{TrackDay, Tracks};
use crate::error::WaymarkError;

/// A day's movements among the customers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CrossingsView {
    /// Whose.
    pub rep: UserId,
    /// The local calendar day.
    pub day: NaiveDate,
    /// Fences that were watched: of the rep's own customers, and of those of the day's visits.
    pub fences: usize,
    /// What was entered and left, in the order of time.
    pub crossings: Vec<CrossingView>,
    /// The same as stays, in the order of time.
    pub stays: Vec<StayView>,
    /// Where the rep stood for five minutes or more, at customers or elsewhere, in the order of time.
    pub stops: Vec<StopView>,
    /// Length of the way that was seen, metres.
    pub way_m: f64,
    /// How much it may be off, metres.
    pub way_plus_minus_m: f64,
}

/// A customer's area was entered or left.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CrossingView {
    /// The customer.
    pub customer: CustomerId,
    /// Its name.
    pub customer_name: String,
    /// What people call the door or outline, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fence: Option<String>,
    /// In or out.
    pub way: Way,
    /// When: between the last position that was certainly on the one side and the first that was on the other. Without a beginning where the
    /// recording began on the spot.
    pub at: TimeInterval,
}

/// A stay at a customer: in one of its fences or several that overlap in time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StayView {
    /// The customer.
    pub customer: CustomerId,
    /// Its name.
    pub customer_name: String,
    /// When the rep came.
    pub entered: TimeInterval,
    /// When the rep left; absent when the day's track ends there.
    pub left: Option<TimeInterval>,
    /// How long it was at least, milliseconds.
    pub least_ms: i64,
    /// How long it was at most, milliseconds; absent when nothing bounds it.
    pub most_ms: Option<i64>,
    /// How much of it nobody saw, milliseconds.
    pub unobserved_ms: i64,
}

/// A stop.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StopView {
    /// Its middle, in WGS-84.
    pub position: Position,
    /// Nine of ten of its fixes lie within this of the middle, metres.
    pub radius_m: f64,
    /// When it began.
    pub from: TimeInterval,
    /// When it ended.
    pub until: TimeInterval,
    /// How much of it nobody saw, milliseconds.
    pub unobserved_ms: i64,
    /// The customer in one of whose fences the middle lies, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
}

impl Tracks {
    /// What a rep entered and left on a day, with the stays and stops. Another's is looked at for a purpose, as [`Tracks::of`] says.
    ///
    /// # Errors
    /// As [`Tracks::of`].
    pub fn crossings(
        &self,
        rep: UserId,
        day: NaiveDate,
        purpose: &str,
    ) -> Result<CrossingsView, WaymarkError> {
        let found = self.of(rep, day, purpose)?;
        let watched = self.0.watched(rep, day)?;
        found.crossings(&watched, self.0.regions()?)
    }
}

impl TrackDay {
    pub(super) fn crossings(
        &self,
        watched: &[Watched],
        regions: waymark_domain::geo::Regions,
    ) -> Result<CrossingsView, WaymarkError> {
        let day = self.on_one_clock(regions)?.restored()?;
        let filtered = filter(&day.track, Limits::default());
        let samples = day.samples(&filtered);
        let fences: Vec<(&Watched, &WatchedFence)> = watched
            .iter()
            .flat_map(|watched| watched.fences.iter().map(move |fence| (watched, fence)))
            .collect();
        let passages = passages(&fences, &samples);
        let look = Look {
            fences: &fences,
            samples: &samples,
            settings: Settings::default(),
        };
        let mut crossings: Vec<CrossingView> = passages
            .iter()
            .flat_map(|passage| look.events(passage))
            .collect();
        crossings.sort_by_key(|crossing| crossing.at.best_ms());
        let found = stops(&day.track, &filtered, &Params::default());
        let way = distance(&day.track, &filtered, &found);
        Ok(CrossingsView {
            rep: self.rep,
            day: self.day,
            fences: fences.len(),
            crossings,
            stays: look.stays(passages),
            stops: found
                .iter()
                .filter_map(|stop| stop_view(&day, stop, &fences))
                .collect(),
            way_m: way.metres,
            way_plus_minus_m: way.plus_minus_m,
        })
    }
}

/// A stay in one fence: the samples that showed coming and going.
#[derive(Debug, Clone, Copy)]
struct Passage {
    fence: usize,
    entered: usize,
    left: Option<usize>,
}

fn passages(fences: &[(&Watched, &WatchedFence)], samples: &[Sample]) -> Vec<Passage> {
    let areas = fences.iter().map(|(_, fence)| fence.area.clone());
    let mut watch = Watch::new(areas.enumerate(), Settings::default());
    let mut open: BTreeMap<usize, usize> = BTreeMap::new();
    let mut passages = Vec::new();
    for sample in samples {
        for crossing in watch.observe(sample.at, sample.sigma_m, sample.utc_ms) {
            // every sample was handed over, so its number is its index
            let at = usize::try_from(crossing.fix).unwrap_or(usize::MAX);
            match crossing.way {
                Way::Enter => {
                    open.insert(crossing.fence, at);
                }
                Way::Leave => {
                    passages.extend(open.remove(&crossing.fence).map(|entered| Passage {
                        fence: crossing.fence,
                        entered,
                        left: Some(at),
                    }));
                }
            }
        }
    }
    passages.extend(open.into_iter().map(|(fence, entered)| Passage {
        fence,
        entered,
        left: None,
    }));
    passages
}

struct Look<'a> {
    fences: &'a [(&'a Watched, &'a WatchedFence)],
    samples: &'a [Sample],
    settings: Settings,
}

/// The two samples between which something happened; without the first one where nothing before is certain.
#[derive(Debug, Clone, Copy)]
struct Between<'a> {
    before: Option<&'a Sample>,
    after: &'a Sample,
}

impl Between<'_> {
    fn time(&self) -> TimeInterval {
        let after = self.after.moment();
        let Some(before) = self.before else {
            return TimeInterval {
                earliest: None,
                wall: self.after.utc_ms,
                ..after
            };
        };
        let moment = before.moment();
        TimeInterval {
            earliest: moment.earliest,
            latest: after.latest,
            class: moment.class.max(after.class),
            wall: i64::midpoint(before.utc_ms, self.after.utc_ms),
        }
    }
}

impl Look<'_> {
    /// The sample `at` is the first on a new side; the last before it that was certainly on the `old` one.
    fn since(&self, fence: usize, at: usize, old: Side) -> Option<Between<'_>> {
        let (_, fence) = self.fences.get(fence)?;
        let certain = |sample: &&Sample| {
            let sigma_m = sample.sigma_m.max(self.settings.min_sigma_m);
            let side = fence.area.judge(sample.at, sigma_m, Thresholds::default());
            side == old
        };
        let earlier = self.samples.get(..at)?;
        Some(Between {
            before: earlier.iter().rev().find(certain),
            after: self.samples.get(at)?,
        })
    }

    fn entered(&self, passage: &Passage) -> Option<Between<'_>> {
        self.since(passage.fence, passage.entered, Side::Outside)
    }

    fn left(&self, passage: &Passage) -> Option<Between<'_>> {
        self.since(passage.fence, passage.left?, Side::Inside)
    }

    fn events(&self, passage: &Passage) -> Vec<CrossingView> {
        let Some((watched, fence)) = self.fences.get(passage.fence) else {
            return Vec::new();
        };
        let event = |way, between: Between<'_>| CrossingView {
            customer: watched.customer,
            customer_name: watched.name.clone(),
            fence: fence.name().map(str::to_owned),
            way,
            at: between.time(),
        };
        let entered = self.entered(passage).map(|at| event(Way::Enter, at));
        let left = self.left(passage).map(|at| event(Way::Leave, at));
        entered.into_iter().chain(left).collect()
    }

    fn stays(&self, passages: Vec<Passage>) -> Vec<StayView> {
        let mut by_customer: BTreeMap<CustomerId, Vec<Passage>> = BTreeMap::new();
        for passage in passages {
            if let Some((watched, _)) = self.fences.get(passage.fence) {
                let own = by_customer.entry(watched.customer).or_default();
                own.push(passage);
            }
        }
        let mut stays: Vec<StayView> = Vec::new();
        for mut own in by_customer.into_values() {
            own.sort_by_key(|passage| passage.entered);
            let mut merged: Vec<(Passage, Passage)> = Vec::new();
            for passage in own {
                // the last one to be left ends the stay; one that was not left ends after all others
                let end = |passage: &Passage| passage.left.unwrap_or(usize::MAX);
                match merged.last_mut() {
                    Some((_, last)) if passage.entered <= end(last) => {
                        if end(&passage) > end(last) {
                            *last = passage;
                        }
                    }
                    _ => merged.push((passage, passage)),
                }
            }
            stays.extend(
                merged
                    .iter()
                    .filter_map(|(first, last)| self.stay(first, last)),
            );
        }
        stays.sort_by_key(|stay| stay.entered.best_ms());
        stays
    }

    fn stay(&self, first: &Passage, last: &Passage) -> Option<StayView> {
        let (watched, _) = self.fences.get(first.fence)?;
        let entered = self.entered(first)?;
        let left = self.left(last);
        let end = last.left.unwrap_or(self.samples.len());
        let seen = self.samples.get(first.entered..end)?;
        // the last position that was certainly inside bounds the stay from below, the end of the track as far as it goes
        let inside = match left {
            Some(left) => left.before.unwrap_or(left.after),
            None => seen.last()?,
        };
        let beyond = left.map(|left| left.after);
        let unobserved = seen
            .iter()
            .chain(beyond)
            .zip(seen.iter().skip(1).chain(beyond))
            .filter(|(_, next)| next.after_gap)
            .map(|(sample, next)| next.utc_ms - sample.utc_ms);
        Some(StayView {
            customer: watched.customer,
            customer_name: watched.name.clone(),
            entered: entered.time(),
            left: left.map(|left| left.time()),
            least_ms: (inside.utc_ms - entered.after.utc_ms).max(0),
            most_ms: left
                .zip(entered.before)
                .map(|(left, before)| left.after.utc_ms - before.utc_ms),
            unobserved_ms: unobserved.sum(),
        })
    }
}

fn stop_view(day: &Day, stop: &Stop, fences: &[(&Watched, &WatchedFence)]) -> Option<StopView> {
    let Position::Wgs84(center) = stop.center else {
        return None;
    };
    let edge = |fix: usize, edge: &waymark_domain::track::stops::Edge| {
        let (earliest, latest) = (
            day.moment(fix, edge.earliest_ms)?,
            day.moment(fix, edge.latest_ms)?,
        );
        Some(TimeInterval {
            earliest: earliest.earliest,
            latest: latest.latest,
            class: latest.class,
            wall: edge.best_ms,
        })
    };
    let customer = at_customer(fences, center);
    Some(StopView {
        position: stop.center,
        radius_m: stop.radius_m,
        from: edge(stop.first_fix, &stop.start)?,
        until: edge(stop.last_fix, &stop.end)?,
        unobserved_ms: stop.unobserved_ms,
        customer: customer.map(|watched| watched.customer),
        customer_name: customer.map(|watched| watched.name.clone()),
    })
}

/// The customer in one of whose fences a place lies; of several the one whose fence's middle is nearest.
fn at_customer<'a>(
    fences: &[(&'a Watched, &'a WatchedFence)],
    place: Wgs84,
) -> Option<&'a Watched> {
    let holding = fences
        .iter()
        .filter(|(_, fence)| fence.area.distance_m(place) <= 0.0);
    let middle = |fence: &WatchedFence| fence.area.center().distance_m(place);
    let nearest = holding.min_by(|(_, a), (_, b)| middle(a).total_cmp(&middle(b)));
    nearest.map(|(watched, _)| *watched)
}

#[cfg(test)]
mod tests;
