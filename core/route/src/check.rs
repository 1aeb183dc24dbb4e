//! A second opinion: takes a problem and an answer, and works out from the problem alone whether the answer is what it says.
//!
//! Shares nothing with the solver but the types of the model. Slow and plain on purpose.

use std::collections::HashMap;

use crate::answer::{Answer, Certificate, Cost, Measure, Proof, Where};
use crate::model::{Break, Lock, Problem, Stop, Window};

/// Replays are checked up to so many visits.
pub const MOST_REPLAYED: usize = 11;

/// What is not as the answer says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The order names a place that is no visit, or one twice.
    #[error("place {0} is no visit or stands in the order twice")]
    Order(usize),
    /// A visit that must be made is not, or a skipped one is made, or one is in neither list.
    #[error("place {0} is neither in the order nor rightly left out")]
    Missing(usize),
    /// `rank` is not the inverse of `order`.
    #[error("the rank of place {0} does not fit the order")]
    Rank(usize),
    /// A lock is broken.
    #[error("the lock of place {0} is broken")]
    Lock(usize),
    /// There is no way to a place from the one before it.
    #[error("there is no way to place {0}")]
    NoWay(usize),
    /// Times of a visit are not as said.
    #[error("the times of place {0} are wrong")]
    Times(usize),
    /// A visit that may be left out is late.
    #[error("place {0} is late and need not be")]
    LateForNothing(usize),
    /// A break is not as said, or missing.
    #[error("break {0} is wrong")]
    Break(usize),
    /// The end or the cost is not as said.
    #[error("the cost is wrong")]
    Cost,
    /// Lateness without, or with another, relaxation.
    #[error("what has to give way is wrong")]
    Relaxation,
    /// A bound does not hold, or does not fit the answer.
    #[error("the bound does not hold")]
    Bound,
    /// A better order exists.
    #[error("the order is said to be the best and is not")]
    NotBest,
}

/// How far a proof could be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// The certificate bears out what the answer claims.
    Proven,
    /// Replaying needs more memory than a checker should take; the order was checked, its optimality was not.
    TooLarge,
}

/// Checks the order, its times, its cost and its proof.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(problem: &Problem, answer: &Answer) -> Result<Checked, Wrong> {
    check_order(problem, answer)?;
    check_times(problem, answer)?;
    check_proof(problem, answer)
}

fn stop(problem: &Problem, place: usize) -> Result<&Stop, Wrong> {
    problem.stops.get(place).ok_or(Wrong::Order(place))
}

/// Checks who is visited and in what order.
fn check_order(problem: &Problem, answer: &Answer) -> Result<(), Wrong> {
    let places = problem.stops.len();
    let mut times = vec![0_u32; places];
    for &place in &answer.order {
        let visits = times.get_mut(place).ok_or(Wrong::Order(place))?;
        *visits += 1;
        if *visits > 1 || !problem.is_visit(place) {
            return Err(Wrong::Order(place));
        }
    }
    for skipped in &answer.skipped {
        let visits = times
            .get_mut(skipped.stop)
            .ok_or(Wrong::Missing(skipped.stop))?;
        *visits += 1;
        if *visits > 1 || !problem.is_visit(skipped.stop) || problem.is_must(skipped.stop) {
            return Err(Wrong::Missing(skipped.stop));
        }
    }
    for (place, visits) in times.iter().enumerate() {
        if problem.is_visit(place) && *visits != 1 {
            return Err(Wrong::Missing(place));
        }
        let position = answer.order.iter().position(|&p| p == place);
        if answer.rank.get(place) != Some(&position) {
            return Err(Wrong::Rank(place));
        }
        let lock = if problem.is_visit(place) {
            stop(problem, place)?.lock
        } else {
            Lock::Free
        };
        let kept = match lock {
            Lock::Free => true,
            Lock::First => position == Some(0),
            Lock::Last => position.is_some_and(|p| p + 1 == answer.order.len()),
            Lock::At(p) => position == Some(p),
            Lock::After(other) => {
                let before = answer.order.iter().position(|&p| p == other);
                before.is_none() || position.is_none() || before < position
            }
        };
        if !kept {
            return Err(Wrong::Lock(place));
        }
    }
    Ok(())
}

/// When a visit reached at `t` begins, and how late that is.
fn open(windows: &[Window], t: i64) -> (i64, i64) {
    let Some(last) = windows.last() else {
        return (t, 0);
    };
    match windows.iter().find(|window| window.close >= t) {
        Some(window) => (window.open.max(t), 0),
        None => (t, t - last.close),
    }
}

/// The day from a position on, from a time, with the breaks where the answer has them. Gives the lateness and the finish.
struct Replay<'a> {
    problem: &'a Problem,
    answer: &'a Answer,
    breaks: usize,
    late: i64,
    finish: i64,
    /// Whether the end is late by itself.
    end_late: i64,
}

impl Replay<'_> {
    fn breaks_at(&mut self, place: Where, mut time: i64) -> (i64, i64) {
        let mut rested = 0;
        while let (Some(rest), Some(pause)) = (
            self.answer.breaks.get(self.breaks),
            self.problem.breaks.get(self.breaks),
        ) {
            if rest.place != place {
                break;
            }
            let begin = time.max(pause.window.open);
            self.late += (begin - pause.window.close).max(0);
            time = begin + i64::from(pause.seconds);
            rested += i64::from(pause.seconds);
            self.breaks += 1;
        }
        (time, rested)
    }

    /// From the arrival at position `from` on; calls back with position, arrival, begin, lateness and rest at the place.
    fn run(
        &mut self,
        from: usize,
        arrival: i64,
        mut each: impl FnMut(usize, i64, i64, i64, i64),
    ) -> Result<(), Wrong> {
        let mut arrival = arrival;
        let order = &self.answer.order;
        for (position, &place) in order.iter().enumerate().skip(from) {
            let (ready, rested) = self.breaks_at(Where::BeforeVisit(position), arrival);
            let here = stop(self.problem, place)?;
            let (begin, late) = open(&here.windows, ready);
            self.late += late;
            each(position, arrival, begin, late, rested);
            let over = begin + i64::from(here.service);
            let (leave, _) = self.breaks_at(Where::BeforeDrive(position + 1), over);
            let next = order.get(position + 1).copied().or(self.problem.end);
            arrival = match next {
                Some(next) => {
                    let way = self.problem.travel.seconds(place, next);
                    leave + i64::from(way.ok_or(Wrong::NoWay(next))?)
                }
                None => leave,
            };
        }
        self.close(arrival)
    }

    fn close(&mut self, arrival: i64) -> Result<(), Wrong> {
        let windows = match self.problem.end {
            Some(end) => stop(self.problem, end)?.windows.as_slice(),
            None => &[],
        };
        let (finish, late) = open(windows, arrival);
        self.finish = finish;
        self.end_late = late.max(finish - self.problem.latest).max(0);
        self.late += self.end_late;
        for number in self.breaks..self.problem.breaks.len() {
            let due = self
                .problem
                .breaks
                .get(number)
                .is_some_and(|rest| rest.window.open < finish);
            let said = self.answer.breaks.get(number).map(|rest| rest.place);
            if due || said != Some(Where::NotDue) {
                return Err(Wrong::Break(number));
            }
        }
        Ok(())
    }
}

/// Checks arrival, wait, begin, lateness and slack of every visit, the breaks, and the cost.
fn check_times(problem: &Problem, answer: &Answer) -> Result<(), Wrong> {
    if answer.breaks.len() != problem.breaks.len() {
        return Err(Wrong::Break(answer.breaks.len()));
    }
    let mut replay = Replay {
        problem,
        answer,
        breaks: 0,
        late: 0,
        finish: 0,
        end_late: 0,
    };
    let (leave, _) = replay.breaks_at(Where::BeforeDrive(0), problem.depart);
    let first = answer.order.first().copied().or(problem.end);
    let way = match first {
        Some(first) if first != problem.start => problem
            .travel
            .seconds(problem.start, first)
            .ok_or(Wrong::NoWay(first))?,
        _ => 0,
    };
    let mut seen = Vec::new();
    replay.run(
        0,
        leave + i64::from(way),
        |position, arrival, begin, late, rested| {
            seen.push((position, arrival, begin, late, rested));
        },
    )?;
    if seen.len() != answer.visits.len() {
        return Err(Wrong::Cost);
    }
    let mut travel = i64::from(way);
    let mut from: Option<usize> = None;
    for ((position, arrival, begin, late, rested), said) in seen.into_iter().zip(&answer.visits) {
        let place = said.stop;
        let times = said.arrival == arrival
            && said.begin == begin
            && said.late == late
            && said.wait == begin - arrival - rested
            && answer.order.get(position) == Some(&place);
        if !times {
            return Err(Wrong::Times(place));
        }
        if late > 0 && !problem.is_must(place) {
            return Err(Wrong::LateForNothing(place));
        }
        check_slack(problem, answer, position)?;
        if let Some(from) = from {
            travel += i64::from(
                problem
                    .travel
                    .seconds(from, place)
                    .ok_or(Wrong::NoWay(place))?,
            );
        }
        from = Some(place);
    }
    if let (Some(last), Some(end)) = (from, problem.end) {
        travel += i64::from(problem.travel.seconds(last, end).ok_or(Wrong::NoWay(end))?);
    }
    check_breaks(problem, answer)?;
    let lost: i64 = answer
        .skipped
        .iter()
        .map(|s| problem.priority(s.stop))
        .sum();
    let cost = Cost {
        late: replay.late,
        lost,
        travel,
        finish: replay.finish,
    };
    if cost != answer.cost || replay.end_late != answer.end_late {
        return Err(Wrong::Cost);
    }
    let given = answer.relaxation.as_ref();
    let sum = given.map_or(0, |r| r.later.iter().map(|&(_, seconds)| seconds).sum());
    if sum != cost.late || given.is_some() != (cost.late > 0) {
        return Err(Wrong::Relaxation);
    }
    Ok(())
}

/// The breaks begin when the answer says: the visits' times were checked, so each begins where the one before it ends.
fn check_breaks(problem: &Problem, answer: &Answer) -> Result<(), Wrong> {
    let mut before = i64::MIN;
    for (number, (rest, pause)) in answer.breaks.iter().zip(&problem.breaks).enumerate() {
        let reached = match rest.place {
            Where::NotDue => {
                if rest.begin != pause.window.open || rest.late != 0 {
                    return Err(Wrong::Break(number));
                }
                continue;
            }
            Where::BeforeVisit(position) => answer.visits.get(position).map(|visit| visit.arrival),
            Where::BeforeDrive(0) => Some(problem.depart),
            Where::BeforeDrive(position) => {
                let visit = answer.visits.get(position - 1);
                let over = |visit: &crate::answer::Visit| {
                    let here = problem.stops.get(visit.stop)?;
                    Some(visit.begin + i64::from(here.service))
                };
                visit.and_then(over)
            }
        };
        let reached = reached.ok_or(Wrong::Break(number))?.max(before);
        let begin = reached.max(pause.window.open);
        if rest.begin != begin || rest.late != (begin - pause.window.close).max(0) {
            return Err(Wrong::Break(number));
        }
        before = begin + i64::from(pause.seconds);
    }
    Ok(())
}

/// With the slack everything after is in time, with a second more it is not.
fn check_slack(problem: &Problem, answer: &Answer, position: usize) -> Result<(), Wrong> {
    let Some(visit) = answer.visits.get(position) else {
        return Ok(());
    };
    let in_time = |arrival: i64| {
        let earlier = answer.breaks.iter().filter(|rest| match rest.place {
            Where::BeforeDrive(p) => p <= position,
            Where::BeforeVisit(p) => p < position,
            Where::NotDue => false,
        });
        let mut replay = Replay {
            problem,
            answer,
            breaks: earlier.count(),
            late: 0,
            finish: 0,
            end_late: 0,
        };
        match replay.run(position, arrival, |_, _, _, _, _| {}) {
            Ok(()) => replay.late == 0,
            // later still, a break comes due that was not
            Err(_) => false,
        }
    };
    let latest = visit.arrival + visit.slack;
    let unbounded = latest > 2_000_000_000;
    let holds = visit.slack >= 0
        && (visit.slack == 0 || in_time(latest))
        && (unbounded || !in_time(latest + 1));
    if holds {
        Ok(())
    } else {
        Err(Wrong::Times(visit.stop))
    }
}

/// Checks that the certificate bears out what the answer claims.
fn check_proof(problem: &Problem, answer: &Answer) -> Result<Checked, Wrong> {
    let (measure, bound, certificate, optimal) = match &answer.proof {
        Proof::Optimal(Certificate::Replay) => {
            let visits = answer.order.len() + answer.skipped.len();
            if visits > MOST_REPLAYED {
                return Ok(Checked::TooLarge);
            }
            let best = best_cost(problem);
            return if best == Some(answer.cost) {
                Ok(Checked::Proven)
            } else {
                Err(Wrong::NotBest)
            };
        }
        Proof::Optimal(certificate) => (Measure::Travel, answer.cost.travel, certificate, true),
        Proof::Gap {
            measure,
            bound,
            certificate,
            ..
        } => (*measure, *bound, certificate, false),
    };
    let value = match measure {
        Measure::Travel => answer.cost.travel,
        Measure::Lost => answer.cost.lost,
        Measure::Late => answer.cost.late,
    };
    if bound > value || (optimal && (answer.cost.late > 0 || answer.cost.lost > 0)) {
        return Err(Wrong::Bound);
    }
    // a bound on travel holds for days that visit everybody
    if measure == Measure::Travel && bound > 0 && !answer.skipped.is_empty() {
        return Err(Wrong::Bound);
    }
    let graph = Graph::new(problem);
    let holds = match (certificate, measure) {
        (Certificate::Trivial, _) => bound <= 0,
        (Certificate::Tree(prices), Measure::Travel) => graph.tree(prices) >= Some(bound),
        (Certificate::Assignment { leave, reach }, Measure::Travel) => {
            graph.assignment(leave, reach) >= Some(bound)
        }
        (Certificate::Knapsack, Measure::Lost) => graph.knapsack() >= bound,
        (Certificate::Replay, Measure::Late) => return Ok(Checked::TooLarge),
        _ => false,
    };
    if holds {
        Ok(Checked::Proven)
    } else {
        Err(Wrong::Bound)
    }
}

/// The places as nodes: the start, the visits in the order of their places, the end.
struct Graph<'a> {
    problem: &'a Problem,
    nodes: Vec<Option<usize>>,
}

impl<'a> Graph<'a> {
    fn new(problem: &'a Problem) -> Self {
        let visits = (0..problem.stops.len()).filter(|&p| problem.is_visit(p));
        let mut nodes = vec![Some(problem.start)];
        nodes.extend(visits.map(Some));
        nodes.push(problem.end);
        Self { problem, nodes }
    }

    /// Seconds of an arc that a day in time can use; `None` for one that it cannot.
    fn arc(&self, a: usize, b: usize) -> Option<i64> {
        let end = self.nodes.len() - 1;
        if a == b || a == end || b == 0 || (a == 0 && b == end && end > 1) {
            return None;
        }
        let from = *self.nodes.get(a)?;
        let to = *self.nodes.get(b)?;
        let seconds = match (from, to) {
            (Some(from), Some(to)) => i64::from(self.problem.travel.seconds(from, to)?),
            (_, None) => 0,
            (None, _) => return None,
        };
        let leave = if a == 0 {
            self.problem.depart
        } else {
            let here = self.problem.stops.get(from?)?;
            let opens = here.windows.first().map_or(i64::MIN, |window| window.open);
            opens.max(self.problem.depart) + i64::from(here.service)
        };
        let closes = to
            .and_then(|to| self.problem.stops.get(to))
            .and_then(|stop| stop.windows.last())
            .map_or(i64::MAX, |window| window.close);
        let closes = if b == end {
            closes.min(self.problem.latest)
        } else {
            closes
        };
        (leave + seconds <= closes).then_some(seconds)
    }

    /// The cheapest spanning tree under prices in 1/100 s, less what the prices add to any path; rounded up to seconds.
    fn tree(&self, prices: &[i64]) -> Option<i64> {
        let count = self.nodes.len();
        if prices.len() != count || prices.iter().any(|p| p.abs() > 1_000_000_000_000) {
            return None;
        }
        let price = |node: usize| prices.get(node).copied().unwrap_or(0);
        let edge = |a: usize, b: usize| {
            let there = self.arc(a, b);
            let back = self.arc(b, a);
            let seconds = there.into_iter().chain(back).min()?;
            Some(100 * seconds + price(a) + price(b))
        };
        let mut near: Vec<Option<i64>> = (0..count).map(|b| edge(0, b)).collect();
        let mut inside = vec![false; count];
        *inside.first_mut()? = true;
        let mut sum = 0;
        for _ in 1..count {
            let outside = inside.iter().zip(&near).enumerate();
            let outside = outside.filter(|(_, (inside, _))| !**inside);
            let (cost, next) = outside
                .filter_map(|(node, (_, cost))| cost.map(|cost| (cost, node)))
                .min()?;
            sum += cost;
            *inside.get_mut(next)? = true;
            for (node, cost) in near.iter_mut().enumerate() {
                if let Some(new) = edge(next, node) {
                    *cost = Some(cost.map_or(new, |old| old.min(new)));
                }
            }
        }
        let added: i64 = 2 * prices.iter().sum::<i64>() - price(0) - price(count - 1);
        Some((sum - added + 99).div_euclid(100))
    }

    /// The sum of the prices, if no arc that can be used costs less than its two.
    fn assignment(&self, leave: &[i64], reach: &[i64]) -> Option<i64> {
        let count = self.nodes.len();
        if leave.len() != count || reach.len() != count {
            return None;
        }
        for (a, leave) in leave.iter().enumerate().take(count - 1) {
            for (b, reach) in reach.iter().enumerate().skip(1) {
                if self
                    .arc(a, b)
                    .is_some_and(|seconds| seconds < leave + reach)
                {
                    return None;
                }
            }
        }
        let leaving: i64 = leave.iter().take(count - 1).sum();
        Some(leaving + reach.iter().skip(1).sum::<i64>())
    }

    /// The least priority that any day in time leaves out: the visits as items that weigh their service and the shortest way to
    /// them, filled by value per weight, the last one in part.
    fn knapsack(&self) -> i64 {
        let end = self.nodes.len() - 1;
        let shortest = |b: usize| (0..end).filter_map(|a| self.arc(a, b)).min();
        let mut room = self.problem.latest - self.problem.depart;
        room -= shortest(end).unwrap_or(0);
        let mut whole = 0;
        let mut items = Vec::new();
        for (node, place) in self.nodes.iter().enumerate().take(end).skip(1) {
            let Some(place) = *place else { continue };
            let value = self.problem.priority(place);
            whole += value;
            let Some(way) = shortest(node) else { continue };
            let service = self
                .problem
                .stops
                .get(place)
                .map_or(0, |s| i64::from(s.service));
            if self.problem.is_must(place) {
                room -= way + service;
            } else {
                items.push((value, way + service));
            }
        }
        items.sort_by(|a, b| {
            (i128::from(b.0) * i128::from(a.1)).cmp(&(i128::from(a.0) * i128::from(b.1)))
        });
        let mut most = 0;
        for (value, weight) in items {
            if weight <= room {
                room -= weight;
                most += value;
            } else {
                if room > 0 && weight > 0 {
                    most += value * room / weight;
                }
                break;
            }
        }
        whole - most
    }
}

/// Where a replay stands: the visits made, the last of them, the breaks taken.
type Key = (u32, Option<usize>, usize);
type Label = (i64, i64, i64);

/// The cost of the best day, found by looking at every set of visits and last visit. No bounds, no tables shared with the solver.
fn best_cost(problem: &Problem) -> Option<Cost> {
    let visits: Vec<usize> = (0..problem.stops.len())
        .filter(|&place| problem.is_visit(place))
        .collect();
    let mut best: Option<Cost> = None;
    let mut layer: HashMap<Key, Vec<Label>> = HashMap::new();
    layer.insert((0, None, 0), vec![(problem.depart, 0, 0)]);
    for position in 0..=visits.len() {
        let mut next: HashMap<Key, Vec<Label>> = HashMap::new();
        for (&(made, last, taken), labels) in &layer {
            for &label in labels {
                let state = (made, last, taken);
                if let Some(cost) = ended(problem, &visits, state, label)
                    && best.is_none_or(|best| cost < best)
                {
                    best = Some(cost);
                }
                for (bit, &to) in visits.iter().enumerate() {
                    if made & (1 << bit) == 0 && may_come(problem, &visits, made, to, position) {
                        let made = made | (1 << bit);
                        for (taken, label) in driven(problem, last, Some(to), taken, label) {
                            keep(next.entry((made, Some(to), taken)).or_default(), label);
                        }
                    }
                }
            }
        }
        layer = next;
    }
    best
}

fn keep(labels: &mut Vec<Label>, new: Label) {
    let beats = |a: &Label, b: &Label| a.0 <= b.0 && a.1 <= b.1 && a.2 <= b.2;
    if !labels.iter().any(|old| beats(old, &new)) {
        labels.retain(|old| !beats(&new, old));
        labels.push(new);
    }
}

fn may_come(problem: &Problem, visits: &[usize], made: u32, to: usize, position: usize) -> bool {
    visits.iter().enumerate().all(|(bit, &place)| {
        let was = made & (1 << bit) != 0;
        let lock = problem
            .stops
            .get(place)
            .map_or(Lock::Free, |stop| stop.lock);
        match lock {
            Lock::First => (position == 0) == (place == to),
            Lock::At(p) => (position == p) == (place == to),
            Lock::Last => !was,
            Lock::After(other) => !(was && other == to),
            Lock::Free => true,
        }
    })
}

/// Every way of driving on and making the visit: breaks then taken, and (time, travel, lateness).
fn driven(
    problem: &Problem,
    from: Option<usize>,
    to: Option<usize>,
    taken: usize,
    (time, travel, late): Label,
) -> Vec<(usize, Label)> {
    let from = from.unwrap_or(problem.start);
    let Some(way) = to.map_or(Some(0), |to| {
        if to == from {
            Some(0)
        } else {
            problem.travel.seconds(from, to)
        }
    }) else {
        return Vec::new();
    };
    let way = i64::from(way);
    let rest = |(time, late): (i64, i64), pause: &Break| {
        let begin = time.max(pause.window.open);
        let late = late + (begin - pause.window.close).max(0);
        (begin + i64::from(pause.seconds), late)
    };
    let pauses = problem.breaks.get(taken..).unwrap_or_default();
    let ending = to.is_none() || to == problem.end;
    let mut all = Vec::new();
    for before in 0..=pauses.len() {
        let first = pauses.iter().take(before);
        let (left, late) = first.fold((time, late), rest);
        let most = if ending { 0 } else { pauses.len() - before };
        for after in 0..=most {
            let then = pauses.iter().skip(before).take(after);
            let (ready, late) = then.fold((left + way, late), rest);
            let stop = to.and_then(|to| problem.stops.get(to));
            let (begin, too_late) = open(stop.map_or(&[], |s| s.windows.as_slice()), ready);
            let (over, too_late) = match (to, stop) {
                (Some(to), Some(stop)) if !ending => {
                    if too_late > 0 && !problem.is_must(to) {
                        continue;
                    }
                    (begin + i64::from(stop.service), too_late)
                }
                _ => (begin, too_late.max(begin - problem.latest).max(0)),
            };
            all.push((
                taken + before + after,
                (over, travel + way, late + too_late),
            ));
        }
    }
    all
}

fn ended(
    problem: &Problem,
    visits: &[usize],
    (made, last, taken): Key,
    label: Label,
) -> Option<Cost> {
    let mut lost = 0;
    for (bit, &place) in visits.iter().enumerate() {
        let was = made & (1 << bit) != 0;
        if !was && problem.is_must(place) {
            return None;
        }
        if !was {
            lost += problem.priority(place);
        }
        let stop = problem.stops.get(place)?;
        if stop.lock == Lock::Last && last != Some(place) {
            return None;
        }
    }
    let ends = driven(problem, last, problem.end, taken, label).into_iter();
    ends.filter(|&(taken, (finish, _, _))| {
        let left = problem.breaks.get(taken);
        left.is_none_or(|rest| finish <= rest.window.open)
    })
    .map(|(_, (finish, travel, late))| Cost {
        late,
        lost,
        travel,
        finish,
    })
    .min()
}
