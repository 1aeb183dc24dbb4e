//! Days without a clock: every visit is made and nothing has to be in time, so only travel counts.
//!
//! Iterated local search on the path: 2-opt with the cost of driving the stretch backwards (prefix sums both ways, so one-way
//! streets count), segment insertion of up to three visits either way round (Or 1976), and the exchange of two neighbouring
//! stretches (the "or-3opt" move, which keeps directions). Candidates come from neighbour lists, visits whose surroundings
//! did not change are not looked at again (don't-look bits, Bentley 1992), and a local double bridge (Martin, Otto & Felten
//! 1991; segment length limited as in Applegate, Cook & Rohe 2003) leads out of a local optimum.
#![expect(
    clippy::indexing_slicing,
    reason = "positions run from 0 to m + 1 along the path, nodes likewise; candidates that would leave the path are refused first"
)]
#![expect(clippy::cast_precision_loss, reason = "temperatures need no 53 bits")]

use crate::budget::Meter;
use crate::inst::{Inst, Node};
use crate::rng::Rng;

/// Candidates per visit and direction.
const NEAR: usize = 8;
/// The temperature at the beginning, in mean arcs of the path; it falls to nothing. A path that is known is good already.
const HEAT: f64 = 1.0;
const HEAT_KNOWN: f64 = 0.1;
/// The longest stretch that a double bridge moves.
const KICK: usize = 50;

pub(crate) struct Ils<'a> {
    inst: &'a Inst,
    rng: Rng,
    heat: f64,
    /// For each node the cheapest nodes to drive on to, and to come from.
    on: Vec<Vec<Node>>,
    from: Vec<Vec<Node>>,
    path: Vec<Node>,
    at: Vec<usize>,
    /// Travel from the start to each position, and the same driven backwards.
    there: Vec<i64>,
    back: Vec<i64>,
    /// The path that was accepted last; `path` differs from it within `changed` alone.
    saved: Vec<Node>,
    changed: (usize, usize),
    queue: Vec<Node>,
    queued: Vec<bool>,
    pub(crate) best: Vec<Node>,
    pub(crate) best_travel: i64,
}

/// A change of the path.
enum Move {
    /// Turn round the stretch between two positions.
    Turn(usize, usize),
    /// Exchange the stretches `a..b` and `b..c`.
    Swap(usize, usize, usize),
    /// The same, and turn round the one that comes from `a..b`.
    SwapTurnFirst(usize, usize, usize),
    /// The same, and turn round the one that comes from `b..c`.
    SwapTurnSecond(usize, usize, usize),
}

impl<'a> Ils<'a> {
    pub(crate) fn new(inst: &'a Inst, seed: u64, visits: &[Node], known: bool) -> Self {
        let size = inst.m + 2;
        let lists = |way: &dyn Fn(Node, Node) -> i64| -> Vec<Vec<Node>> {
            (0..size)
                .map(|a| {
                    let others = (0..size).filter(|&b| a != b);
                    let mut near: Vec<(i64, Node)> = others.map(|b| (way(a, b), b)).collect();
                    near.sort_unstable();
                    near.into_iter().take(NEAR).map(|(_, b)| b).collect()
                })
                .collect()
        };
        // the start is never driven on to, the end never come from
        let far = i64::MAX;
        let on = lists(&|a, b| if b == 0 { far } else { inst.d(a, b) });
        let from = lists(&|a, b| if b == inst.end() { far } else { inst.d(b, a) });
        let mut path = vec![0];
        path.extend_from_slice(visits);
        path.push(inst.end());
        let mut ils = Self {
            inst,
            rng: Rng::new(seed),
            heat: if known { HEAT_KNOWN } else { HEAT },
            on,
            from,
            at: vec![0; size],
            there: vec![0; size],
            back: vec![0; size],
            saved: path.clone(),
            path,
            changed: (size, 0),
            queue: Vec::new(),
            queued: vec![false; size],
            best: visits.to_vec(),
            best_travel: i64::MAX,
        };
        ils.refresh(0);
        ils
    }

    /// Positions and sums from a position on.
    fn refresh(&mut self, from: usize) {
        for i in from..self.path.len() {
            let node = self.path[i];
            self.at[node] = i;
            if i > 0 {
                let before = self.path[i - 1];
                self.there[i] = self.there[i - 1] + self.inst.d(before, node);
                self.back[i] = self.back[i - 1] + self.inst.d(node, before);
            }
        }
    }

    fn travel(&self) -> i64 {
        self.there[self.path.len() - 1]
    }

    fn push(&mut self, node: Node) {
        if !self.queued[node] {
            self.queued[node] = true;
            self.queue.push(node);
        }
    }

    #[inline]
    fn arc(&self, i: usize) -> i64 {
        self.there[i + 1] - self.there[i]
    }

    #[inline]
    fn d(&self, i: usize, j: usize) -> i64 {
        self.inst.d(self.path[i], self.path[j])
    }

    /// What turning round the positions `i..=j` adds inside the stretch.
    #[inline]
    fn turned(&self, i: usize, j: usize) -> i64 {
        (self.back[j] - self.back[i]) - (self.there[j] - self.there[i])
    }

    /// A change around a node that shortens the path, if one of the candidates does.
    fn improvement(&self, node: Node) -> Option<Move> {
        self.turning(node)
            .or_else(|| self.exchanging(node))
            .or_else(|| self.inserting(node))
    }

    fn turning(&self, node: Node) -> Option<Move> {
        let last = self.path.len() - 1;
        let i = self.at[node];
        if i < last {
            for &other in &self.on[node] {
                let gain = self.arc(i) - self.inst.d(node, other);
                if gain <= 0 {
                    break;
                }
                let j = self.at[other];
                if j > i + 1 && j < last {
                    let delta = self.d(i + 1, j + 1) - self.arc(j) + self.turned(i + 1, j);
                    if delta < gain {
                        return Some(Move::Turn(i + 1, j));
                    }
                }
            }
        }
        if i > 0 && i < last {
            // the node becomes the first of a stretch that is turned: other -> node
            for &other in &self.from[node] {
                let j = self.at[other];
                let new = self.inst.d(other, node);
                if new >= self.arc(i) && new >= self.arc(i - 1) {
                    break;
                }
                if j + 1 < i {
                    let delta = new + self.d(j + 1, i + 1) - self.arc(j) - self.arc(i)
                        + self.turned(j + 1, i);
                    if delta < 0 {
                        return Some(Move::Turn(j + 1, i));
                    }
                }
            }
        }
        None
    }

    /// The arc node -> next is cut; node -> other closes one stretch, and some third arc is cut beyond.
    fn exchanging(&self, node: Node) -> Option<Move> {
        let last = self.path.len() - 1;
        let i = self.at[node];
        if i >= last {
            return None;
        }
        let next = self.path[i + 1];
        for &other in &self.on[node] {
            let gain = self.arc(i) - self.inst.d(node, other);
            if gain <= 0 {
                break;
            }
            let j = self.at[other];
            if j > i + 1 {
                // i | i+1 .. j-1 | j .. k | k+1
                let gain = gain + self.arc(j - 1);
                for &third in &self.from[next] {
                    let k = self.at[third];
                    let new = self.inst.d(third, next);
                    if new >= gain {
                        break;
                    }
                    if k >= j && k < last && gain - new - self.d(j - 1, k + 1) + self.arc(k) > 0 {
                        return Some(Move::Swap(i + 1, j, k + 1));
                    }
                }
            } else if j > 0 && j < i {
                // j-1 | j .. k | k+1 .. i | i+1, with the third arc between: k -> i+1 and j-1 -> k+1
                let gain = gain + self.arc(j - 1);
                for &third in &self.from[next] {
                    let k = self.at[third];
                    let new = self.inst.d(third, next);
                    if new >= gain {
                        break;
                    }
                    if k >= j && k < i && gain - new - self.d(j - 1, k + 1) + self.arc(k) > 0 {
                        return Some(Move::Swap(j, k + 1, i + 1));
                    }
                }
            }
        }
        None
    }

    /// Stretches of up to three visits that begin or end with the node, put elsewhere turned round.
    fn inserting(&self, node: Node) -> Option<Move> {
        let last = self.path.len() - 1;
        let i = self.at[node];
        if i == 0 || i == last {
            return None;
        }
        for length in 1..=3 {
            for first in [i, (i + 1).saturating_sub(length)] {
                let end = first + length - 1;
                if first == 0 || end >= last {
                    continue;
                }
                let freed = self.arc(first - 1) + self.arc(end) - self.d(first - 1, end + 1);
                if freed <= 0 {
                    continue;
                }
                let turned = if length == 1 {
                    0
                } else {
                    self.turned(first, end)
                };
                // turned: other -> path[end] .. path[first] -> after
                for &other in &self.from[self.path[end]] {
                    let new = self.inst.d(other, self.path[end]);
                    if new >= freed {
                        break;
                    }
                    let j = self.at[other];
                    if j >= last || (j + 1 >= first && j <= end) {
                        continue;
                    }
                    if new + self.d(first, j + 1) - self.arc(j) + turned < freed {
                        return Some(if j < first {
                            Move::SwapTurnSecond(j + 1, first, end + 1)
                        } else {
                            Move::SwapTurnFirst(first, end + 1, j + 1)
                        });
                    }
                }
                // turned: before -> path[end] .. path[first] -> other
                for &other in &self.on[self.path[first]] {
                    let new = self.inst.d(self.path[first], other);
                    if new >= freed {
                        break;
                    }
                    let j = self.at[other];
                    if j == 0 || (j >= first && j <= end + 1) {
                        continue;
                    }
                    if new + self.d(j - 1, end) - self.arc(j - 1) + turned < freed {
                        return Some(if j < first {
                            Move::SwapTurnSecond(j, first, end + 1)
                        } else {
                            Move::SwapTurnFirst(first, end + 1, j)
                        });
                    }
                }
            }
        }
        None
    }

    fn apply(&mut self, change: &Move) {
        let (a, c) = match *change {
            Move::Turn(i, j) => {
                self.path[i..=j].reverse();
                for at in [i - 1, i, j, j + 1] {
                    self.push(self.path[at]);
                }
                (i, j + 1)
            }
            Move::Swap(a, b, c) | Move::SwapTurnFirst(a, b, c) | Move::SwapTurnSecond(a, b, c) => {
                self.path[a..c].rotate_left(b - a);
                let middle = a + c - b;
                match change {
                    Move::SwapTurnFirst(..) => self.path[middle..c].reverse(),
                    Move::SwapTurnSecond(..) => self.path[a..middle].reverse(),
                    Move::Swap(..) | Move::Turn(..) => {}
                }
                for at in [a - 1, a, middle - 1, middle, c - 1, c] {
                    self.push(self.path[at]);
                }
                (a, c)
            }
        };
        self.changed = (self.changed.0.min(a), self.changed.1.max(c));
        self.refresh(a);
    }

    fn descend(&mut self) {
        while let Some(node) = self.queue.pop() {
            self.queued[node] = false;
            while let Some(change) = self.improvement(node) {
                self.apply(&change);
            }
        }
    }

    /// A local double bridge: two neighbouring short stretches change places.
    fn kick(&mut self) {
        let visits = self.inst.m;
        if visits < 3 {
            return;
        }
        let span = KICK.min(visits);
        let a = 1 + self.rng.below(visits + 1 - span.min(visits) + 1);
        let room = (visits + 1 - a).min(span);
        if room < 2 {
            return;
        }
        let (x, y) = (1 + self.rng.below(room), 1 + self.rng.below(room));
        let (b, c) = (a + x.min(y), a + x.max(y));
        if b < c {
            self.apply(&Move::Swap(a, b, c));
        }
    }

    fn keep(&mut self) {
        let (from, to) = self.changed;
        if from < to {
            let (saved, path) = (&mut self.saved[from..to], &self.path[from..to]);
            saved.copy_from_slice(path);
        }
        self.changed = (self.path.len(), 0);
    }

    fn undo(&mut self) {
        let (from, to) = self.changed;
        if from < to {
            let (saved, path) = (&self.saved[from..to], &mut self.path[from..to]);
            path.copy_from_slice(saved);
            self.refresh(from);
        }
        self.changed = (self.path.len(), 0);
    }

    /// Searches until the meter or the share `to` of the budget ends it.
    pub(crate) fn run(&mut self, meter: &mut Meter<'_>, from: f64, to: f64) {
        for &node in &self.saved.clone() {
            self.push(node);
        }
        self.descend();
        self.keep();
        let mut current = self.travel();
        self.note(meter);
        let mean = current as f64 / self.path.len() as f64;
        let mut heat = 0.0;
        let mut steps = 0_u32;
        loop {
            if steps.is_multiple_of(32) {
                if !meter.go_on(320) || meter.share() >= to {
                    return;
                }
                let share = ((meter.share() - from) / (to - from).max(1e-9)).clamp(0.0, 1.0);
                heat = mean * self.heat * (1.0 - share);
            }
            steps += 1;
            self.kick();
            self.descend();
            let travel = self.travel();
            let allowed = -heat * self.rng.unit().max(1e-12).ln();
            if (travel - current) as f64 <= allowed {
                current = travel;
                self.keep();
                if travel < self.best_travel {
                    self.note(meter);
                }
            } else {
                self.undo();
            }
        }
    }

    fn note(&mut self, meter: &mut Meter<'_>) {
        self.best_travel = self.travel();
        self.best.clear();
        let end = self.path.len() - 1;
        self.best.extend_from_slice(&self.path[1..end]);
        if let Some(cost) = self.inst.cost(&self.best) {
            meter.better(&cost, &self.inst.places(&self.best));
        }
    }
}
