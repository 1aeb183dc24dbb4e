//! The plain search: for days with breaks, positions locked in the middle, or no order in time. Every candidate is walked through.
//!
//! Ruin and recreate again, on the visits that have no fixed position; those that have one are put in their places each time,
//! so their locks hold by construction. What counts is the cost itself: lateness, priority, travel, finish.
#![expect(
    clippy::indexing_slicing,
    reason = "positions run along paths made here; nodes run from 0 to m + 1"
)]
#![expect(
    clippy::cast_precision_loss,
    reason = "temperatures and weights need no 53 bits"
)]

use crate::answer::Cost;
use crate::budget::Meter;
use crate::inst::{Inst, Node};
use crate::rng::Rng;
use crate::ruin::neighbours;

/// Weighs a second of lateness, in seconds of travel, while searching; in the end any lateness counts for more.
const LATE: f64 = 20.0;
/// Weighs a visit that stands before its position because there are too few others.
const EARLY: f64 = 1e8;

pub(crate) struct Plain<'a> {
    inst: &'a Inst,
    rng: Rng,
    near: Vec<Vec<Node>>,
    /// Visits with a fixed position, by position; and the last one.
    fixed: Vec<(usize, Node)>,
    free: Vec<bool>,
    current: Vec<Node>,
    current_score: f64,
    rate: f64,
    /// The temperature at the beginning, in mean arcs.
    heat: f64,
    best: Vec<Node>,
    best_cost: Option<Cost>,
    scratch: Vec<Node>,
}

impl<'a> Plain<'a> {
    /// From the visits of some path; those that must be made and are missing are put in.
    pub(crate) fn new(inst: &'a Inst, seed: u64, visits: &[Node], meter: &mut Meter<'_>) -> Self {
        let mut free = vec![true; inst.m + 2];
        for node in inst.locks.at.iter().map(|&(_, n)| n).chain(inst.locks.last) {
            free[node] = false;
        }
        let mut plain = Self {
            inst,
            rng: Rng::new(seed ^ 0x5eed),
            near: neighbours(inst, 40),
            fixed: inst.locks.at.clone(),
            current: Vec::new(),
            current_score: f64::MAX,
            rate: 0.0,
            heat: if visits.is_empty() { 0.5 } else { 0.1 },
            best: Vec::new(),
            best_cost: None,
            scratch: Vec::new(),
            free,
        };
        let start: Vec<Node> = visits.iter().copied().filter(|&n| plain.free[n]).collect();
        let whole: i64 = inst.priority.iter().sum();
        let mean = plain.mean();
        plain.rate = 4.0 * mean * inst.m as f64 / whole.max(1) as f64;
        let mut missing: Vec<Node> = (1..=inst.m)
            .filter(|n| plain.free[*n] && !start.contains(n))
            .collect();
        missing.sort_by_key(|&n| (!inst.must[n], inst.close[n]));
        plain.current = start;
        plain.recreate(&missing, meter);
        plain.current_score = plain.score(&plain.current.clone()).unwrap_or(f64::MAX);
        plain.note(meter);
        plain
    }

    fn mean(&self) -> f64 {
        let inst = self.inst;
        let near = (1..=inst.m).filter_map(|a| {
            self.near[a]
                .first()
                .map(|&b| inst.d(a, b).min(inst.d(b, a)))
        });
        let sum: i64 = near.clone().sum();
        2.0 * sum as f64 / inst.m.max(1) as f64
    }

    /// The whole path: the free visits with the fixed ones among them. Gives how many stand too early, for want of others before.
    fn merged(&self, free: &[Node], into: &mut Vec<Node>) -> usize {
        into.clear();
        let mut fixed = self.fixed.iter().peekable();
        let mut free = free.iter();
        loop {
            if let Some(&&(position, node)) = fixed.peek()
                && position == into.len()
            {
                into.push(node);
                fixed.next();
            } else if let Some(&node) = free.next() {
                into.push(node);
            } else {
                break;
            }
        }
        let early = fixed.map(|&(_, node)| into.push(node)).count();
        into.extend(self.inst.locks.last);
        early
    }

    fn score_of(&self, cost: &Cost) -> f64 {
        let finish = (cost.finish - self.inst.depart) as f64;
        LATE * cost.late as f64 + self.rate * cost.lost as f64 + cost.travel as f64 + 1e-3 * finish
    }

    /// What the whole path costs, and how many of its visits stand too early.
    fn cost(&mut self, free: &[Node]) -> Option<(Cost, usize)> {
        let mut path = std::mem::take(&mut self.scratch);
        let early = self.merged(free, &mut path);
        let pairs = &self.inst.locks.pairs;
        let keeps = pairs.is_empty() || early > 0 || self.inst.keeps_locks(&path);
        let cost = keeps.then(|| self.inst.cost(&path)).flatten();
        self.scratch = path;
        cost.map(|cost| (cost, early))
    }

    fn score(&mut self, free: &[Node]) -> Option<f64> {
        let (cost, early) = self.cost(free)?;
        Some(self.score_of(&cost) + EARLY * early as f64)
    }

    /// What a score is at least: the walk, which takes most of the time, is spared where travel alone is too much.
    fn floor(&mut self, free: &[Node]) -> f64 {
        let mut path = std::mem::take(&mut self.scratch);
        self.merged(free, &mut path);
        let floor = self.rate * self.inst.lost(&path) as f64 + self.inst.travel(&path) as f64;
        self.scratch = path;
        floor
    }

    /// Puts the missing ones where they cost least. `false`, and nothing is put in, when the budget ends first.
    fn recreate(&mut self, missing: &[Node], meter: &mut Meter<'_>) -> bool {
        let mut trial = self.current.clone();
        for &node in missing {
            let must = self.inst.must[node];
            let without = self.score(&trial);
            let mut best: Option<(f64, usize)> = None;
            trial.push(node);
            for at in (0..trial.len()).rev() {
                if at + 1 < trial.len() {
                    trial.swap(at, at + 1);
                }
                if best.is_some_and(|(best, _)| self.floor(&trial) >= best) {
                    continue;
                }
                let score = self.score(&trial);
                if let Some(score) = score
                    && best.is_none_or(|(best, _)| score < best)
                    && self.rng.below(100) > 0
                {
                    best = Some((score, at));
                }
            }
            trial.remove(0);
            match (best, without) {
                (Some((with, at)), Some(without)) if must || with < without => {
                    trial.insert(at, node)
                }
                (Some((_, at)), None) => trial.insert(at, node),
                (None, _) if must => trial.push(node),
                _ => {}
            }
            let work = trial.len() * trial.len() / 40 + 2;
            if !meter.go_on(work as u64) && self.best_cost.is_some() {
                return false;
            }
        }
        self.current = trial;
        true
    }

    fn ruin(&mut self) -> Vec<Node> {
        let mut missing: Vec<Node> = (1..=self.inst.m)
            .filter(|node| self.free[*node] && !self.current.contains(node))
            .collect();
        let visits = self.current.len();
        if visits > 0 {
            let seed = 1 + self.rng.below(self.inst.m);
            let longest = (visits / 3).clamp(1, 6);
            let runs = 1 + self.rng.below(2);
            let near: Vec<Node> = std::iter::once(seed)
                .chain(self.near[seed].iter().copied())
                .collect();
            let mut done = 0;
            for node in near {
                if done >= runs {
                    break;
                }
                let Some(at) = self.current.iter().position(|&n| n == node) else {
                    continue;
                };
                let length = 1 + self.rng.below(longest);
                let from = at.saturating_sub(self.rng.below(length));
                let to = (from + length).min(self.current.len());
                missing.extend(self.current.drain(from..to));
                done += 1;
            }
        }
        for i in (1..missing.len()).rev() {
            missing.swap(i, self.rng.below(i + 1));
        }
        match self.rng.below(4) {
            0 => missing.sort_by_key(|&n| self.inst.close[n]),
            1 => missing.sort_by_key(|&n| (!self.inst.must[n], -self.inst.priority[n])),
            _ => {}
        }
        missing
    }

    pub(crate) fn run(&mut self, meter: &mut Meter<'_>, from: f64, to: f64) {
        let (hot, cold) = (self.mean() * self.heat, self.mean() * 0.01);
        let mut before = self.current.clone();
        while meter.go_on(1) && meter.share() < to {
            let share = ((meter.share() - from) / (to - from).max(1e-9)).clamp(0.0, 1.0);
            let temperature = hot * (cold / hot.max(1e-9)).powf(share);
            before.clone_from(&self.current);
            let missing = self.ruin();
            if !self.recreate(&missing, meter) {
                return;
            }
            let score = self.score(&self.current.clone()).unwrap_or(f64::MAX);
            let allowed = self.current_score - temperature * self.rng.unit().max(1e-12).ln();
            if score < allowed {
                self.current_score = score;
                self.note(meter);
            } else {
                self.current.clone_from(&before);
            }
        }
    }

    /// The best path; `None` when none keeps the locks.
    pub(crate) fn found(self) -> Option<Vec<Node>> {
        self.best_cost.map(|_| self.best)
    }

    fn note(&mut self, meter: &mut Meter<'_>) {
        let Some((cost, 0)) = self.cost(&self.current.clone()) else {
            return;
        };
        if self.best_cost.is_none_or(|best| cost < best) {
            self.best_cost = Some(cost);
            self.best.clone_from(&self.scratch);
            meter.better(&cost, &self.inst.places(&self.best));
        }
    }
}
