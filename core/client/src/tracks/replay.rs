//! A day's replay from what the device has.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use waymark_domain::check_in::Moment;
use waymark_domain::geo::fence::Side;
use waymark_domain::ids::{CustomerId, UserId};
use waymark_domain::location_access::What;
use waymark_domain::time::UnixMs;
use waymark_domain::visit::State;

use super::Tracks;
use super::watched::Watched;
use crate::error::WaymarkError;
use crate::track::replay::{Mark, MarkKind, Place, Replay, Verdict};

impl Tracks {
    /// The replay of a rep's day: the way, stops, gaps, visits, check-ins, and the fences of the customers of the day. Another's is looked at
    /// for a purpose, as [`Tracks::of`] says, and the positions of the check-ins likewise. Its title is the caller's to add.
    ///
    /// # Errors
    /// As [`Tracks::of`].
    pub fn replay(
        &self,
        rep: UserId,
        day: NaiveDate,
        purpose: &str,
    ) -> Result<Replay, WaymarkError> {
        let found = self.of(rep, day, purpose)?;
        let regions = self.0.regions()?;
        let watched = self.0.watched(rep, day)?;
        let seen = found.crossings(&watched, regions)?;
        let (marks, customers) = self.marks(rep, day, &watched, purpose)?;
        let stayed = seen.stays.iter().map(|stay| stay.customer);
        let stopped = seen.stops.iter().filter_map(|stop| stop.customer);
        let shown: BTreeSet<CustomerId> = stayed.chain(stopped).chain(customers).collect();
        let day_kept = found.on_one_clock(regions)?;
        let mut replay = Replay::of(&day_kept.restored()?.track, 0);
        // judged with what packing left out, drawn with what it kept: between two of those the way is straight
        let kept: BTreeSet<UnixMs> = day_kept
            .track
            .fixes()
            .iter()
            .map(|fix| fix.mono_ms)
            .collect();
        replay.points.retain(|point| kept.contains(&point.at));
        for (stop, view) in replay.stops.iter_mut().zip(&seen.stops) {
            stop.name = view.customer_name.clone().unwrap_or_default();
        }
        Ok(Replay {
            day: day.to_string(),
            rep: self.name_of(rep)?,
            utc_offset_min: self.0.reading().utc_offset_min,
            marks,
            fences: watched
                .iter()
                .filter(|watched| shown.contains(&watched.customer))
                .flat_map(|watched| {
                    let places = watched.fences.iter();
                    places.filter_map(|place| Place::of(&watched.name, &place.fence, regions))
                })
                .collect(),
            ..replay
        })
    }

    /// The name of a colleague, where it is known here.
    ///
    /// # Errors
    /// What reading may say.
    pub fn name_of(&self, rep: UserId) -> Result<String, WaymarkError> {
        let me = self.0.me()?;
        if rep == me.user {
            return Ok(me.user_name);
        }
        let member = self.0.read(|reader| reader.member(rep))?;
        Ok(member.map(|member| member.record.name).unwrap_or_default())
    }

    /// Visits and check-ins of the day in the order of time, and the customers of the visits.
    fn marks(
        &self,
        rep: UserId,
        day: NaiveDate,
        watched: &[Watched],
        purpose: &str,
    ) -> Result<(Vec<Mark>, BTreeSet<CustomerId>), WaymarkError> {
        let regions = self.0.regions()?;
        let rows = self.0.read(|reader| {
            let mut rows = Vec::new();
            for row in reader.visits_of_day(day, Some(rep))? {
                let check_ins = reader.check_ins_of_visit(row.visit.id.into())?;
                rows.push((row.visit.record, check_ins));
            }
            Ok(rows)
        })?;
        if rows.iter().any(|(_, check_ins)| !check_ins.is_empty()) {
            self.0.note_access(rep, What::CheckIn, day, purpose)?;
        }
        let mut marks = Vec::new();
        for (visit, check_ins) in &rows {
            let known = watched
                .iter()
                .find(|known| known.customer == visit.customer);
            let label = known.map(|known| known.name.clone()).unwrap_or_default();
            let (started, finished) = match &visit.state {
                State::InProgress { started, .. } => (Some(started), None),
                State::Done {
                    started, finished, ..
                } => (Some(started), Some(finished)),
                State::Skipped { .. } | State::Planned | State::Unknown(_) => (None, None),
            };
            let ends = started
                .map(|at| (MarkKind::VisitStart, at))
                .into_iter()
                .chain(finished.map(|at| (MarkKind::VisitEnd, at)));
            marks.extend(ends.map(|(kind, at)| Mark {
                at: at.best_ms(),
                position: None,
                label: label.clone(),
                kind,
                verdict: None,
            }));
            marks.extend(check_ins.iter().map(|row| {
                let check_in = &row.record;
                let position = check_in.position.to_wgs84(regions);
                Mark {
                    at: check_in.at.best_ms(),
                    position: Some(waymark_domain::geo::Position::Wgs84(position)),
                    label: label.clone(),
                    kind: match check_in.moment {
                        Moment::Arrival => MarkKind::CheckIn,
                        Moment::Departure => MarkKind::CheckOut,
                    },
                    verdict: check_in.verdict.as_ref().map(|verdict| match verdict.side {
                        Side::Inside => Verdict::Inside,
                        Side::Outside => Verdict::Outside,
                        Side::Uncertain => Verdict::Uncertain,
                    }),
                }
            }));
        }
        marks.sort_by_key(|mark| mark.at);
        let customers = rows.iter().map(|(visit, _)| visit.customer).collect();
        Ok((marks, customers))
    }
}
