//! The best order by dynamic programming over (set visited, last visit, breaks taken), in three passes.
//!
//! 1. Forward: the earliest time in every state. Times are FIFO (who leaves later arrives no earlier), so this decides which
//!    states can be reached at all, and with that the most priority.
//! 2. Backward: the least travel (when late: the least lateness) from every state to an end worth reaching, each step taken at the
//!    state's earliest time. That never overestimates.
//! 3. Forward: labels (time, travel, lateness) that no other beats, while what they cost so far plus pass 2 stays within a
//!    limit; the limit starts at the bound and grows until something ends within it. What ends within it is optimal.
//!
//! Held & Karp 1962 (the states); Dumas, Desrosiers, Gélinas & Solomon 1995 (labels under windows).
#![expect(
    clippy::indexing_slicing,
    reason = "states are built from sets below 2^m and nodes below m, and the tables have exactly that many entries"
)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "times and travel are within i32 by the limits of the model (MAX_TIME + 17 x (travel + service)), label counts within u32"
)]

use crate::answer::Cost;
use crate::budget::Meter;
use crate::inst::{Inst, Node};
use crate::walk::State;

/// The most visits for which the tables stay within some 20 MB.
pub(crate) const MOST: usize = 16;
/// The most labels of the third pass; 24 bytes each.
const MOST_LABELS: usize = 700_000;
const NEVER: i32 = i32::MAX;
const NONE: u32 = u32::MAX;

/// What an exact search found out.
pub(crate) enum Exact {
    /// The best path, all in time.
    Best(Vec<Node>),
    /// Nothing is in time. The least late path if that was settled, and the fewest visits that would have to go.
    Late {
        path: Option<Vec<Node>>,
        without: Option<Vec<Node>>,
    },
    /// No order keeps the locks on the ways that there are, however late.
    Impossible,
    /// The budget or the memory ended first.
    Unsettled,
}

/// Whether an exact search fits.
pub(crate) const fn fits(inst: &Inst) -> bool {
    inst.m > 0
        && inst.m
            <= if inst.pauses.is_empty() {
                MOST
            } else {
                MOST - 1
            }
}

pub(crate) fn search(inst: &Inst, meter: &mut Meter<'_>) -> Exact {
    let mut table = Table::new(inst);
    if !table.earliest(false, meter) {
        return Exact::Unsettled;
    }
    if let Some(lost) = table.least_lost() {
        if !table.bound_to_go(Goal::Travel { lost }, meter) {
            return Exact::Unsettled;
        }
        return match table.deepen_or_rest(meter) {
            Labels::Best(_, path) => Exact::Best(path),
            Labels::Nothing | Labels::Unsettled => Exact::Unsettled,
        };
    }
    let without = table.fewest_without();
    let mut late = Table::new(inst);
    if !late.earliest(true, meter) || !late.bound_to_go(Goal::Late, meter) {
        let path = None;
        return Exact::Late { path, without };
    }
    match late.deepen_or_rest(meter) {
        Labels::Best(_, path) => Exact::Late {
            path: Some(path),
            without,
        },
        Labels::Nothing => Exact::Impossible,
        Labels::Unsettled => Exact::Late {
            path: None,
            without,
        },
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Goal {
    Travel { lost: i64 },
    Late,
}

#[derive(Clone, Copy)]
struct Label {
    time: i32,
    travel: i32,
    late: i32,
    state: u32,
    parent: u32,
    next: u32,
}

struct Table<'a> {
    inst: &'a Inst,
    m: usize,
    /// Breaks that can have been taken: from none to all.
    takes: usize,
    must: usize,
    /// For each node the nodes that must not have been visited before it.
    not_after: Vec<usize>,
    /// For each position the node that is locked there, and for each node the position.
    locked: Vec<Option<usize>>,
    position: Vec<Option<usize>>,
    last: Option<usize>,
    soft: bool,
    goal: Goal,
    time: Vec<i32>,
    go: Vec<i32>,
}

impl<'a> Table<'a> {
    fn new(inst: &'a Inst) -> Self {
        let m = inst.m;
        let mut table = Self {
            inst,
            m,
            takes: inst.pauses.len() + 1,
            must: (0..m).filter(|&i| inst.must[i + 1]).map(|i| 1 << i).sum(),
            not_after: vec![0; m],
            locked: vec![None; m],
            position: vec![None; m],
            last: inst.locks.last.map(|node| node - 1),
            soft: false,
            goal: Goal::Late,
            time: Vec::new(),
            go: Vec::new(),
        };
        for &(position, node) in &inst.locks.at {
            table.locked[position] = Some(node - 1);
            table.position[node - 1] = Some(position);
        }
        for &(a, b) in &inst.locks.pairs {
            table.not_after[a - 1] |= 1 << (b - 1);
        }
        table
    }

    const fn state(&self, set: usize, last: usize, taken: usize) -> usize {
        (set * self.m + last) * self.takes + taken
    }

    /// Whether visit `next` may come after the visits of `set`.
    fn may_follow(&self, set: usize, next: usize) -> bool {
        if set & (1 << next) != 0 || set & self.not_after[next] != 0 {
            return false;
        }
        if self.last.is_some_and(|last| set & (1 << last) != 0) {
            return false;
        }
        let position = set.count_ones() as usize;
        self.locked[position].is_none_or(|node| node == next)
            && self.position[next].is_none_or(|p| p == position)
    }

    /// Whether the day may end after `last` with the visits of `set`.
    fn may_stop(&self, set: usize, last: usize) -> bool {
        set & self.must == self.must && self.last.is_none_or(|node| node == last)
    }

    /// Every way on from a state: `each` gets the breaks then taken and the state after the visit.
    #[inline]
    fn on(
        &self,
        from: Node,
        to: Node,
        state: State,
        taken: usize,
        mut each: impl FnMut(usize, State),
    ) {
        let inst = self.inst;
        if !inst.way(from, to) {
            return;
        }
        let (close, service) = (inst.close[to], inst.service[to]);
        let may_be_late = self.soft && inst.must[to];
        let mut visit = |arrived: State, taken: usize| {
            if arrived.time > close && !may_be_late {
                return;
            }
            let begin = inst.begin(to, arrived.time);
            let late = (begin - close).max(0);
            if late > 0 && !may_be_late {
                return;
            }
            let time = begin + service;
            if to == inst.end() && !inst.may_end(taken, time) {
                return;
            }
            let late = arrived.late + late;
            each(taken, State { time, late });
        };
        let travel = inst.d(from, to);
        let none = State {
            time: state.time + travel,
            late: state.late,
        };
        if self.soft && !inst.pauses.is_empty() {
            inst.legs(state, taken, from, to, |pauses, arrived| {
                visit(arrived, taken + pauses.before + pauses.after);
            });
            return;
        }
        let Some(next) = inst.pauses.get(taken) else {
            return visit(none, taken);
        };
        // what is not taken on this leg has to begin after it, in time; at the end it may be not due
        if none.time <= next.close || to == inst.end() {
            visit(none, taken);
        }
        if taken + 1 < inst.pauses.len() {
            inst.legs(state, taken, from, to, |pauses, arrived| {
                let more = pauses.before + pauses.after;
                if more > 0 && arrived.late == 0 {
                    visit(arrived, taken + more);
                }
            });
            return;
        }
        // on arrival is never later than before driving, but may be too late for the break
        let after = none.time.max(next.open);
        let before = state.time.max(next.open);
        if after <= next.close && to != inst.end() {
            let time = after + next.seconds;
            visit(State { time, ..none }, taken + 1);
        } else if before <= next.close {
            let time = before + next.seconds + travel;
            visit(State { time, ..none }, taken + 1);
        }
    }

    fn at(time: i32) -> State {
        State {
            time: i64::from(time),
            late: 0,
        }
    }

    /// Pass 1.
    fn earliest(&mut self, soft: bool, meter: &mut Meter<'_>) -> bool {
        self.soft = soft;
        let sets = 1_usize << self.m;
        let mut times = vec![NEVER; sets * self.m * self.takes];
        let depart = self.inst.depart as i32;
        for next in (0..self.m).filter(|&next| self.may_follow(0, next)) {
            self.on(0, next + 1, Self::at(depart), 0, |taken, over| {
                let to = self.state(1 << next, next, taken);
                times[to] = times[to].min(over.time as i32);
            });
        }
        for set in 1..sets {
            if set % 1024 == 0 && !meter.go_on(400) {
                return false;
            }
            let open: Vec<usize> = (0..self.m).filter(|&n| self.may_follow(set, n)).collect();
            for last in (0..self.m).filter(|&i| set & (1 << i) != 0) {
                for taken in 0..self.takes {
                    let here = self.state(set, last, taken);
                    let time = times[here];
                    if time == NEVER {
                        continue;
                    }
                    if !soft && self.is_missed(last, taken, time) {
                        times[here] = NEVER;
                        continue;
                    }
                    for &next in &open {
                        self.on(last + 1, next + 1, Self::at(time), taken, |taken, over| {
                            let to = self.state(set | (1 << next), next, taken);
                            times[to] = times[to].min(over.time as i32);
                        });
                    }
                }
            }
        }
        self.time = times;
        true
    }

    /// Whether the next break can no longer be taken in time and is due all the same: nothing in time comes of such a state.
    fn is_missed(&self, last: usize, taken: usize, time: i32) -> bool {
        let next = self.inst.pauses.get(taken);
        next.is_some_and(|next| i64::from(time) > next.close) && !self.can_end_at(last, taken, time)
    }

    fn can_end_at(&self, last: usize, taken: usize, time: i32) -> bool {
        let mut can = false;
        let (from, to) = (last + 1, self.inst.end());
        self.on(from, to, Self::at(time), taken, |_, _| can = true);
        can
    }

    /// When the day can end after a state, in time if that is asked for.
    fn can_end(&self, set: usize, last: usize, taken: usize) -> bool {
        let time = self.time[self.state(set, last, taken)];
        time != NEVER && self.can_end_at(last, taken, time)
    }

    fn lost(&self, set: usize) -> i64 {
        (0..self.m)
            .filter(|&i| set & (1 << i) == 0)
            .map(|i| self.inst.priority[i + 1])
            .sum()
    }

    /// The least priority left out by any day that is in time; `None` when there is none. The empty day counts.
    fn least_lost(&self) -> Option<i64> {
        let mut best = None;
        if self.must == 0 {
            self.on(
                0,
                self.inst.end(),
                Self::at(self.inst.depart as i32),
                0,
                |_, _| {
                    best = Some(self.lost(0));
                },
            );
        }
        for set in 1..1_usize << self.m {
            if set & self.must != self.must {
                continue;
            }
            let lost = self.lost(set);
            if best.is_some_and(|best| best <= lost) {
                continue;
            }
            let ends = (0..self.m).any(|last| {
                set & (1 << last) != 0
                    && self.may_stop(set, last)
                    && (0..self.takes).any(|taken| self.can_end(set, last, taken))
            });
            if ends {
                best = Some(lost);
            }
        }
        best
    }

    /// The fewest visits that have to be made and without which all others can be in time; among as few, the most priority.
    fn fewest_without(&self) -> Option<Vec<Node>> {
        let mut best: Option<((u32, i64), usize)> = None;
        for set in 1..1_usize << self.m {
            let key = ((self.must & !set).count_ones(), self.lost(set));
            if best.is_some_and(|(best, _)| best <= key) {
                continue;
            }
            let ends = (0..self.m).any(|last| {
                let closing = self
                    .last
                    .is_none_or(|node| node == last || set & (1 << node) == 0);
                set & (1 << last) != 0
                    && closing
                    && (0..self.takes).any(|taken| self.can_end(set, last, taken))
            });
            if ends {
                best = Some((key, set));
            }
        }
        let (_, set) = best?;
        let left = (0..self.m).filter(|&i| self.must & !set & (1 << i) != 0);
        Some(left.map(|i| i + 1).collect())
    }

    /// Pass 2.
    fn bound_to_go(&mut self, goal: Goal, meter: &mut Meter<'_>) -> bool {
        self.goal = goal;
        let inst = self.inst;
        let sets = 1_usize << self.m;
        let mut go = vec![NEVER; sets * self.m * self.takes];
        for set in (1..sets).rev() {
            if set % 1024 == 0 && !meter.go_on(400) {
                return false;
            }
            let open: Vec<usize> = (0..self.m).filter(|&n| self.may_follow(set, n)).collect();
            let worth = match goal {
                Goal::Travel { lost } => self.lost(set) == lost,
                Goal::Late => true,
            };
            for last in (0..self.m).filter(|&i| set & (1 << i) != 0) {
                for taken in 0..self.takes {
                    let here = self.state(set, last, taken);
                    let time = self.time[here];
                    if time == NEVER {
                        continue;
                    }
                    let mut least = NEVER;
                    if worth && self.may_stop(set, last) {
                        self.on(last + 1, inst.end(), Self::at(time), taken, |_, over| {
                            let step = match goal {
                                Goal::Travel { .. } => inst.d(last + 1, inst.end()),
                                Goal::Late => over.late,
                            };
                            least = least.min(step as i32);
                        });
                    }
                    for &next in &open {
                        let to = set | (1 << next);
                        self.on(last + 1, next + 1, Self::at(time), taken, |taken, over| {
                            let rest = go[self.state(to, next, taken)];
                            if rest != NEVER {
                                let step = match goal {
                                    Goal::Travel { .. } => inst.d(last + 1, next + 1),
                                    Goal::Late => over.late,
                                };
                                least = least.min((step as i32).saturating_add(rest));
                            }
                        });
                    }
                    go[here] = least;
                }
            }
        }
        self.go = go;
        true
    }

    /// The best day, which may be the one without visits.
    fn deepen_or_rest(&self, meter: &mut Meter<'_>) -> Labels {
        let empty = (self.must == 0).then(|| self.inst.cost(&[])).flatten();
        match (self.deepen(meter), empty) {
            (Labels::Best(cost, _), Some(empty)) if empty < cost => Labels::Best(empty, Vec::new()),
            (Labels::Nothing, Some(empty)) => Labels::Best(empty, Vec::new()),
            (found, _) => found,
        }
    }

    /// Limits from the bound upwards until something ends within one.
    fn deepen(&self, meter: &mut Meter<'_>) -> Labels {
        let mut least = NEVER;
        for next in (0..self.m).filter(|&next| self.may_follow(0, next)) {
            let depart = Self::at(self.inst.depart as i32);
            self.on(0, next + 1, depart, 0, |taken, over| {
                let rest = self.go[self.state(1 << next, next, taken)];
                if rest != NEVER {
                    let step = match self.goal {
                        Goal::Travel { .. } => self.inst.d(0, next + 1),
                        Goal::Late => over.late,
                    };
                    least = least.min((step as i32).saturating_add(rest));
                }
            });
        }
        if least == NEVER {
            return Labels::Nothing;
        }
        for permille in [0_i64, 5, 15, 40, 80, 150, 300, 600, 1_500, 10_000] {
            let slack = i64::from(least) * permille / 1000 + permille.min(1) * 30;
            let limit = (i64::from(least) + slack).min(i64::from(NEVER - 1)) as i32;
            match self.labels(limit, meter) {
                Labels::Nothing => {}
                settled => return settled,
            }
        }
        self.labels(NEVER - 1, meter)
    }

    /// Pass 3 within a limit.
    fn labels(&self, limit: i32, meter: &mut Meter<'_>) -> Labels {
        let inst = self.inst;
        let mut pool = Pool {
            heads: vec![NONE; (self.m * self.takes) << self.m],
            labels: Vec::new(),
            soft: self.soft,
        };
        let mut best: Option<(Cost, u32)> = None;
        let within = |travel: i64, late: i64, state: usize| {
            let rest = self.go[state];
            let so_far = match self.goal {
                Goal::Travel { .. } => travel,
                Goal::Late => late,
            };
            rest != NEVER && so_far + i64::from(rest) <= i64::from(limit)
        };
        for next in (0..self.m).filter(|&next| self.may_follow(0, next)) {
            self.on(
                0,
                next + 1,
                Self::at(inst.depart as i32),
                0,
                |taken, over| {
                    let to = self.state(1 << next, next, taken);
                    let travel = inst.d(0, next + 1);
                    if within(travel, over.late, to) {
                        pool.add(over, travel, to, NONE);
                    }
                },
            );
        }
        let mut work = 0_u64;
        for set in 1..1_usize << self.m {
            let mut open: Option<Vec<usize>> = None;
            for last in (0..self.m).filter(|&i| set & (1 << i) != 0) {
                for taken in 0..self.takes {
                    let mut at = pool.heads[self.state(set, last, taken)];
                    while at != NONE {
                        let label = pool.labels[at as usize];
                        let state = State {
                            time: i64::from(label.time),
                            late: i64::from(label.late),
                        };
                        let travel = i64::from(label.travel);
                        if self.may_stop(set, last) {
                            let home = travel + inst.d(last + 1, inst.end());
                            let lost = self.lost(set);
                            let worth = match self.goal {
                                Goal::Travel { lost: least } => {
                                    lost == least && home <= i64::from(limit)
                                }
                                Goal::Late => true,
                            };
                            self.on(last + 1, inst.end(), state, taken, |_, over| {
                                let cost = Cost {
                                    late: over.late,
                                    lost,
                                    travel: home,
                                    finish: over.time,
                                };
                                let in_limit = !self.soft || over.late <= i64::from(limit);
                                if worth && in_limit && best.is_none_or(|(best, _)| cost < best) {
                                    best = Some((cost, at));
                                }
                            });
                        }
                        let open = open.get_or_insert_with(|| {
                            (0..self.m).filter(|&n| self.may_follow(set, n)).collect()
                        });
                        for &next in open.iter() {
                            let farther = travel + inst.d(last + 1, next + 1);
                            self.on(last + 1, next + 1, state, taken, |taken, over| {
                                let to = self.state(set | (1 << next), next, taken);
                                if within(farther, over.late, to) {
                                    pool.add(over, farther, to, at);
                                }
                            });
                        }
                        work += 1;
                        at = label.next;
                        if work.is_multiple_of(2048) && !meter.go_on(400) {
                            return Labels::Unsettled;
                        }
                    }
                }
            }
            if pool.labels.len() > MOST_LABELS {
                return Labels::Unsettled;
            }
        }
        match best {
            Some((cost, at)) => Labels::Best(cost, self.path(&pool, at)),
            None => Labels::Nothing,
        }
    }

    fn path(&self, pool: &Pool, mut at: u32) -> Vec<Node> {
        let mut path = Vec::new();
        while at != NONE {
            let label = pool.labels[at as usize];
            path.push(label.state as usize / self.takes % self.m + 1);
            at = label.parent;
        }
        path.reverse();
        path
    }
}

enum Labels {
    Best(Cost, Vec<Node>),
    Nothing,
    Unsettled,
}

/// Labels in lists, one list per state.
struct Pool {
    heads: Vec<u32>,
    labels: Vec<Label>,
    soft: bool,
}

impl Pool {
    /// Adds a label unless another of its state is as good in everything; takes out those that it beats. A label that was
    /// taken out stays in the pool, but nothing leads to it, and nothing has come from it: its set is still ahead.
    fn add(&mut self, over: State, travel: i64, state: usize, parent: u32) {
        let new = Label {
            time: over.time as i32,
            travel: travel as i32,
            late: over.late as i32,
            state: state as u32,
            parent,
            next: NONE,
        };
        let beats = |a: &Label, b: &Label| {
            a.time <= b.time && a.travel <= b.travel && (!self.soft || a.late <= b.late)
        };
        let mut before = NONE;
        let mut at = self.heads[state];
        while at != NONE {
            let label = self.labels[at as usize];
            if beats(&label, &new) {
                return;
            }
            if beats(&new, &label) {
                match before {
                    NONE => self.heads[state] = label.next,
                    before => self.labels[before as usize].next = label.next,
                }
            } else {
                before = at;
            }
            at = label.next;
        }
        let index = self.labels.len() as u32;
        let head = self.heads[state];
        self.labels.push(Label { next: head, ..new });
        self.heads[state] = index;
    }
}
