//! From a path to an answer: its times, its slack, what was left out and why.
#![expect(
    clippy::indexing_slicing,
    reason = "positions run along the path, whose tables are made here with its length"
)]

use crate::answer::{Answer, Gives, Proof, Relaxation, Rest, Skipped, Visit, Where, Why};
use crate::error::{Error, Fault};
use crate::inst::{FAR, Inst, NO_WAY, Node};
use crate::model::Problem;

/// The day on the clock.
struct Day {
    visits: Vec<Visit>,
    rests: Vec<Rest>,
    finish: i64,
    end_late: i64,
}

impl Inst {
    /// # Errors
    /// When the path needs an arc that does not exist; the error names the stop where it ends.
    pub(crate) fn answer(
        &self,
        problem: &Problem,
        path: &[Node],
        proof: Proof,
    ) -> Result<Answer, Error> {
        let mut from = 0;
        for &to in path.iter().chain([&self.end()]) {
            if self.d(from, to) == i64::from(NO_WAY) {
                let stop = if to == self.end() { from } else { to };
                return Err(Error::at(self.place[stop], Fault::NoWay));
            }
            from = to;
        }
        let places = self.breaks(path);
        let mut day = self.simulate(path, &places);
        let latest = self.latest(path, &places);
        for (visit, latest) in day.visits.iter_mut().zip(latest) {
            visit.slack = (latest - visit.arrival).clamp(0, FAR);
        }
        let late: i64 = day.visits.iter().map(|visit| visit.late).sum();
        let late = late + day.rests.iter().map(|rest| rest.late).sum::<i64>() + day.end_late;
        let mut rank = vec![None; problem.stops.len()];
        for (position, &node) in path.iter().enumerate() {
            rank[self.place[node]] = Some(position);
        }
        let skipped = (1..=self.m).filter(|node| !path.contains(node));
        Ok(Answer {
            order: self.places(path),
            rank,
            cost: crate::answer::Cost {
                late,
                lost: self.lost(path),
                travel: self.travel(path),
                finish: day.finish,
            },
            end_late: day.end_late,
            skipped: skipped
                .map(|node| Skipped {
                    stop: self.place[node],
                    why: self.why(node),
                })
                .collect(),
            relaxation: (late > 0).then(|| relaxation(&day)),
            visits: day.visits,
            breaks: day.rests,
            proof,
        })
    }

    fn why(&self, node: Node) -> Why {
        if self.cost(&[node]).is_none_or(|cost| cost.late > 0) {
            Why::OutOfReach
        } else if self.priority[node] == 0 {
            Why::NoValue
        } else {
            Why::NoRoom
        }
    }

    fn simulate(&self, path: &[Node], places: &[Where]) -> Day {
        let mut rests: Vec<Rest> = Vec::new();
        let mut time = self.depart;
        let mut visits = Vec::new();
        let take = |time: &mut i64, rests: &mut Vec<Rest>, place: Where| {
            let mut taken = 0;
            while rests.len() < places.len() && places[rests.len()] == place {
                let pause = &self.pauses[rests.len()];
                let begin = (*time).max(pause.open);
                let late = (begin - pause.close).max(0);
                rests.push(Rest { place, begin, late });
                *time = begin + pause.seconds;
                taken += pause.seconds;
            }
            taken
        };
        let mut from = 0;
        for (position, &node) in path.iter().enumerate() {
            take(&mut time, &mut rests, Where::BeforeDrive(position));
            let arrival = time + self.d(from, node);
            time = arrival;
            let rested = take(&mut time, &mut rests, Where::BeforeVisit(position));
            let begin = self.begin(node, time);
            visits.push(Visit {
                stop: self.place[node],
                arrival,
                wait: begin - arrival - rested,
                begin,
                late: (begin - self.close[node]).max(0),
                slack: 0,
            });
            time = begin + self.service[node];
            from = node;
        }
        take(&mut time, &mut rests, Where::BeforeDrive(path.len()));
        let finish = self.begin(self.end(), time + self.d(from, self.end()));
        while rests.len() < places.len() {
            let begin = self.pauses[rests.len()].open;
            let (place, late) = (Where::NotDue, 0);
            rests.push(Rest { place, begin, late });
        }
        Day {
            visits,
            rests,
            finish,
            end_late: (finish - self.close[self.end()]).max(0),
        }
    }

    /// For each position the latest arrival with which it and everything after it is in time, the breaks where they are.
    fn latest(&self, path: &[Node], places: &[Where]) -> Vec<i64> {
        let before = |place: Where, limit: i64| {
            let here = (0..places.len()).rev().filter(|&n| places[n] == place);
            here.fold(limit, |limit, n| {
                let pause = &self.pauses[n];
                if pause.open + pause.seconds > limit {
                    -FAR
                } else {
                    (limit - pause.seconds).min(pause.close)
                }
            })
        };
        let not_due = places.iter().position(|&place| place == Where::NotDue);
        let over = not_due.map_or(FAR, |n| self.pauses[n].open);
        let mut limit = self.last_arrival(self.end(), over);
        let mut next = self.end();
        let mut latest = vec![0; path.len()];
        for (position, &node) in path.iter().enumerate().rev() {
            let leave = before(Where::BeforeDrive(position + 1), limit - self.d(node, next));
            let begin = self.last_arrival(node, leave - self.service[node]);
            limit = before(Where::BeforeVisit(position), begin);
            latest[position] = limit;
            next = node;
        }
        latest
    }
}

fn relaxation(day: &Day) -> Relaxation {
    let visits = day.visits.iter();
    let mut later: Vec<(Gives, i64)> = visits
        .filter(|visit| visit.late > 0)
        .map(|visit| (Gives::Visit(visit.stop), visit.late))
        .collect();
    let rests = day.rests.iter().enumerate();
    later.extend(
        rests
            .filter(|(_, rest)| rest.late > 0)
            .map(|(n, rest)| (Gives::Break(n), rest.late)),
    );
    if day.end_late > 0 {
        later.push((Gives::End, day.end_late));
    }
    Relaxation {
        later,
        without: Vec::new(),
        proven: false,
    }
}
