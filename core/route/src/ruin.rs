//! Ruin and recreate: short runs of neighbouring visits are taken out and put back where they cost least, and a worse order
//! is kept with a chance that falls as the budget is used (Schrimpf et al. 2000; Christiaens & Vanden Berghe 2020, "SISR").
//!
//! A visit that finds no place in time waits in the bank. One that must be made weighs more the longer it has waited, so the
//! search first drives the bank empty (as SISR does to save vehicles); visits that may be left out weigh their priority.
#![expect(
    clippy::indexing_slicing,
    reason = "nodes run from 0 to m + 1 and every table made here has m + 2 entries"
)]
#![expect(
    clippy::cast_precision_loss,
    reason = "temperatures and weights need no 53 bits"
)]

use crate::budget::Meter;
use crate::inst::{Inst, Node};
use crate::rng::Rng;
use crate::route::Route;

/// For each node the others, nearest first: by the way there or back, and the waiting in between.
pub(crate) fn neighbours(inst: &Inst, most: usize) -> Vec<Vec<Node>> {
    (0..inst.m + 2)
        .map(|a| {
            let mut near: Vec<(i64, Node)> = (1..=inst.m)
                .filter(|&b| b != a)
                .map(|b| {
                    let way = if a == 0 {
                        inst.d(0, b)
                    } else if a == inst.end() {
                        inst.d(b, a)
                    } else {
                        inst.d(a, b).min(inst.d(b, a))
                    };
                    (way, b)
                })
                .collect();
            near.sort_unstable();
            near.truncate(most);
            near.into_iter().map(|(_, b)| b).collect()
        })
        .collect()
}

/// What a route is worth: fewer unmade musts, then priority, then travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Worth {
    pub(crate) unmade: usize,
    pub(crate) lost: i64,
    pub(crate) travel: i64,
}

/// Weighs a visit that waits above all travel.
const BIG: f64 = 1e9;
/// The longest run of visits that is taken out at once.
const LONGEST: usize = 10;
/// The chance that a gap is overlooked.
const BLINK: f64 = 0.01;
/// The temperature at the beginning and at the end, in mean arcs of the first route; hotter when visits can be left out.
const HOT: f64 = 0.5;
const HOT_CHOOSING: f64 = 0.75;
const COLD: f64 = 0.005;
/// A route that is known is good already: the temperature begins lower by this.
const COOLED: f64 = 0.1;
/// A unit of priority is worth so many times the mean travel per unit of the first route.
const RATE: f64 = 4.0;

pub(crate) struct Ruin<'a> {
    inst: &'a Inst,
    rng: Rng,
    near: Vec<Vec<Node>>,
    current: Route,
    trial: Route,
    pub(crate) best: Route,
    pub(crate) best_worth: Worth,
    out: Vec<bool>,
    /// How often a visit that must be made was left waiting.
    waited: Vec<u32>,
    /// Travel that a unit of priority is worth while searching.
    rate: f64,
    /// Priority and travel of the current route in one number, and the musts that wait.
    current_score: f64,
    begun: bool,
    cooled: f64,
    /// Whether nobody is told of better routes.
    pub(crate) quiet: bool,
    waiting: Vec<Node>,
    waiting_trial: Vec<Node>,
    queue: Vec<(i64, Node)>,
    /// A table by node, kept to spare allocations.
    stale: Vec<usize>,
}

impl<'a> Ruin<'a> {
    pub(crate) fn new(inst: &'a Inst, seed: u64) -> Self {
        let empty = Route::empty(inst);
        let mut ruin = Self {
            inst,
            rng: Rng::new(seed),
            near: neighbours(inst, 60),
            current: empty.clone(),
            trial: empty.clone(),
            best: empty,
            best_worth: Worth {
                unmade: usize::MAX,
                lost: i64::MAX,
                travel: i64::MAX,
            },
            out: vec![false; inst.m + 2],
            waited: vec![1; inst.m + 2],
            rate: 0.0,
            current_score: 0.0,
            begun: false,
            cooled: 1.0,
            quiet: false,
            waiting: Vec::new(),
            waiting_trial: Vec::new(),
            queue: Vec::new(),
            stale: Vec::new(),
        };
        ruin.construct();
        ruin
    }

    fn worth(&self, route: &Route) -> Worth {
        let inst = self.inst;
        let mut made = vec![false; inst.m + 2];
        for &node in &route.path {
            made[node] = true;
        }
        let unmade = (1..=inst.m).filter(|&n| !made[n]);
        Worth {
            unmade: unmade.clone().filter(|&n| inst.must[n]).count(),
            lost: unmade.map(|n| inst.priority[n]).sum(),
            travel: route.travel,
        }
    }

    /// Three constructions; the best is the start.
    fn construct(&mut self) {
        for kind in 0..4 {
            self.trial = Route::empty(self.inst);
            self.queue.clear();
            for node in 1..=self.inst.m {
                let key = self.key(node, kind);
                self.queue.push((key, node));
            }
            self.recreate(0.0);
            let worth = self.worth(&self.trial);
            if worth < self.best_worth {
                self.best_worth = worth;
                self.best.copy(&self.trial);
            }
        }
        let served: i64 = self.inst.priority.iter().sum::<i64>() - self.best_worth.lost;
        self.rate = RATE * self.best.travel.max(1) as f64 / served.max(1) as f64;
        let best = std::mem::take(&mut self.best);
        self.current.copy(&best);
        self.best = best;
        self.begun = false;
    }

    /// Starts from another path.
    pub(crate) fn take(&mut self, visits: &[Node]) {
        let mut route = Route::empty(self.inst);
        route.set(self.inst, visits);
        if !route.in_time(self.inst) || !self.inst.keeps_locks(visits) {
            return;
        }
        let worth = self.worth(&route);
        self.cooled = COOLED;
        self.current.copy(&route);
        self.begun = false;
        if worth < self.best_worth {
            self.best_worth = worth;
            self.best.copy(&route);
        }
    }

    /// The order of insertion, smallest first.
    fn key(&mut self, node: Node, kind: usize) -> i64 {
        let inst = self.inst;
        // what has a locked place comes first: the others find theirs around it
        if inst.locks.any() {
            let locked =
                inst.locks.last == Some(node) || inst.locks.at.iter().any(|&(_, n)| n == node);
            if locked {
                return i64::MIN;
            }
        }
        match kind {
            0 => inst.close[node],
            1 => inst.close[node] - inst.open[node],
            2 => -inst.d(0, node),
            3 => -(inst.priority[node] * 1000) / (inst.service[node] + 60),
            4 => inst.d(0, node),
            5 => -inst.priority[node],
            _ => i64::try_from(self.rng.next() >> 2).unwrap_or(0),
        }
    }

    /// Puts the queue back, each visit where it costs least; what finds no place stays out.
    fn recreate(&mut self, blink: f64) {
        let mut queue = std::mem::take(&mut self.queue);
        queue.sort_unstable();
        let (inst, rng) = (self.inst, &mut self.rng);
        for &(_, node) in &queue {
            let gap = self
                .trial
                .best_gap(inst, node, || blink > 0.0 && rng.unit() < blink);
            if let Some(gap) = gap
                && (inst.must[node] || inst.priority[node] > 0)
            {
                self.trial.insert(inst, node, gap);
            }
        }
        self.queue = queue;
    }

    /// Takes out runs of visits around a visit drawn at random.
    fn ruin(&mut self) {
        let visits = self.current.path.len() - 2;
        if visits == 0 {
            return;
        }
        let mut pos = std::mem::take(&mut self.stale);
        pos.clear();
        pos.resize(self.inst.m + 2, 0);
        for (at, &node) in self.current.path.iter().enumerate() {
            pos[node] = at;
        }
        let longest = (visits / 3).clamp(2, LONGEST);
        let runs = 1 + self.rng.below(3);
        let seed = 1 + self.rng.below(self.inst.m);
        let mut done = 0;
        let near = &self.near[seed];
        for node in std::iter::once(&seed).chain(near) {
            if done >= runs {
                break;
            }
            let at = pos[*node];
            if at == 0 || self.out[*node] {
                continue;
            }
            let length = 1 + self.rng.below(longest);
            let from = (at + 1).saturating_sub(1 + self.rng.below(length)).max(1);
            let to = (from + length).min(visits + 1);
            // sometimes a stretch in the middle of the run stays
            let keep = if length > 2 && self.rng.below(2) == 0 {
                1 + self.rng.below(length - 1)
            } else {
                0
            };
            let keep_from = from + self.rng.below((length + 1).saturating_sub(keep));
            for i in from..to {
                let node = self.current.path[i];
                if i < keep_from || i >= keep_from + keep {
                    self.out[node] = true;
                }
            }
            done += 1;
        }
        self.stale = pos;
    }

    /// Marks the visits of a path in `stale`.
    fn mark(&mut self, path: &[Node]) {
        self.stale.clear();
        self.stale.resize(self.inst.m + 2, 0);
        for &node in path {
            self.stale[node] = 1;
        }
    }

    /// The visits that were taken out, and those that wait or were left out before, in one of the orders of [`Self::key`].
    fn queue_up(&mut self) {
        let kind = match (self.rng.below(11), self.inst.all_must) {
            (0..=3, _) => 9,
            (4..=5, _) | (9, true) => 0,
            (6, _) => 1,
            (7..=8, _) => 2,
            (9, false) => 3,
            (_, true) => 4,
            (_, false) => 5,
        };
        self.queue.clear();
        let path = std::mem::take(&mut self.current.path);
        self.mark(&path);
        self.current.path = path;
        for node in 1..=self.inst.m {
            if self.out[node] || self.stale[node] == 0 {
                let key = self.key(node, kind);
                self.queue.push((key, node));
            }
        }
    }

    /// What the trial leaves out: the musts, which wait on, and the priority of the others.
    fn left_out(&mut self) -> i64 {
        self.waiting_trial.clear();
        let inst = self.inst;
        if self.trial.path.len() == inst.m + 2 {
            return 0;
        }
        let path = std::mem::take(&mut self.trial.path);
        self.mark(&path);
        self.trial.path = path;
        let mut lost = 0;
        for node in (1..=inst.m).filter(|&node| self.stale[node] == 0) {
            if inst.must[node] {
                self.waiting_trial.push(node);
            } else {
                lost += inst.priority[node];
            }
        }
        lost
    }

    /// What waiting musts weigh.
    fn weight(&self, waiting: &[Node]) -> f64 {
        let weights = waiting.iter().map(|&node| f64::from(self.waited[node]));
        BIG * weights.sum::<f64>()
    }

    /// One ruin and one recreation; whether the route is the best so far.
    fn step(&mut self, temperature: f64) -> bool {
        let inst = self.inst;
        self.out.fill(false);
        self.ruin();
        self.trial.copy(&self.current);
        self.queue_up();
        self.trial.remove(inst, &self.out);
        if !self.trial.in_time(inst) {
            // without the triangle inequality less can take longer
            return false;
        }
        self.recreate(BLINK);
        let lost = self.left_out();
        let travel = self.trial.travel;
        let base = self.rate * lost as f64 + travel as f64;
        let score = self.weight(&self.waiting_trial) + base;
        let current = if self.begun {
            self.weight(&self.waiting) + self.current_score
        } else {
            f64::MAX
        };
        for &node in &self.waiting_trial {
            self.waited[node] = self.waited[node].saturating_add(1);
        }
        if score >= current - temperature * self.rng.unit().max(1e-12).ln() {
            return false;
        }
        self.begun = true;
        self.current_score = base;
        std::mem::swap(&mut self.waiting, &mut self.waiting_trial);
        std::mem::swap(&mut self.current, &mut self.trial);
        let worth = Worth {
            unmade: self.waiting.len(),
            lost,
            travel,
        };
        let better = worth < self.best_worth;
        if better {
            self.best_worth = worth;
            self.best.copy(&self.current);
        }
        better
    }

    /// Searches while the meter lets it, the temperature falling from the share `from` of the budget to the share `to`.
    pub(crate) fn run(&mut self, meter: &mut Meter<'_>, from: f64, to: f64) {
        // what still has no place by then is left to the search for the least lateness
        let unmade_to = from + 0.5 * (to - from);
        let hot = if self.inst.all_must {
            HOT
        } else {
            HOT_CHOOSING
        };
        let mean = self.best.travel.max(1) as f64 / (self.best.path.len().max(2) - 1) as f64;
        let (hot, cold) = (mean * hot * self.cooled, mean * COLD);
        let work = (self.inst.m as u64 / 8).max(1);
        let mut temperature = hot;
        let mut steps = 0_u32;
        loop {
            if steps.is_multiple_of(16) {
                let until = if self.best_worth.unmade > 0 {
                    unmade_to
                } else {
                    to
                };
                if !meter.go_on(work * 16) || meter.share() >= until {
                    break;
                }
                let share = ((meter.share() - from) / (to - from).max(1e-9)).clamp(0.0, 1.0);
                temperature = hot * (cold / hot).powf(share);
            }
            steps += 1;
            let better = self.step(temperature) && !self.quiet;
            if better && self.best_worth.unmade == 0 && self.best.ways(self.inst) {
                let visits = self.best.visits();
                if let Some(cost) = self.inst.cost(visits) {
                    meter.better(&cost, &self.inst.places(visits));
                }
            }
        }
    }
}
