//! A path with what makes trying an insertion cheap: when each visit can be left, and how late it may be reached.
#![expect(
    clippy::indexing_slicing,
    reason = "positions run along the path, and the three tables have its length"
)]

use crate::inst::{FAR, Inst, NO_WAY, Node};

/// A path from the start to the end, both included, that is in time throughout.
#[derive(Debug, Clone, Default)]
pub(crate) struct Route {
    pub(crate) path: Vec<Node>,
    /// When each position is left at the earliest.
    leave: Vec<i64>,
    /// When each position may be reached at the latest.
    latest: Vec<i64>,
    pub(crate) travel: i64,
}

/// A place for a visit: after this position, at this much more travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) after: usize,
    pub(crate) more: i64,
}

impl Route {
    /// The path without visits.
    pub(crate) fn empty(inst: &Inst) -> Self {
        let mut route = Self::default();
        route.set(inst, &[]);
        route
    }

    /// Takes over a path of visits.
    pub(crate) fn set(&mut self, inst: &Inst, visits: &[Node]) {
        self.path.clear();
        self.path.push(0);
        self.path.extend_from_slice(visits);
        self.path.push(inst.end());
        self.refresh(inst);
    }

    /// Copies without allocating.
    pub(crate) fn copy(&mut self, other: &Self) {
        self.path.clone_from(&other.path);
        self.leave.clone_from(&other.leave);
        self.latest.clone_from(&other.latest);
        self.travel = other.travel;
    }

    pub(crate) fn visits(&self) -> &[Node] {
        &self.path[1..self.path.len() - 1]
    }

    /// Works everything out anew.
    pub(crate) fn refresh(&mut self, inst: &Inst) {
        let size = self.path.len();
        self.leave.resize(size, 0);
        self.latest.resize(size, 0);
        self.travel = 0;
        self.leave[0] = inst.depart;
        for i in 1..size {
            self.travel += inst.d(self.path[i - 1], self.path[i]);
        }
        if inst.timed {
            self.forward(inst, 1);
            self.backward(inst, size - 1);
        }
    }

    /// Leaving times from a position on, until they are as they were.
    fn forward(&mut self, inst: &Inst, from: usize) {
        for i in from..self.path.len() {
            let (a, b) = (self.path[i - 1], self.path[i]);
            let leave = inst.begin(b, self.leave[i - 1] + inst.d(a, b)) + inst.service[b];
            self.leave[i] = leave;
        }
    }

    fn backward(&mut self, inst: &Inst, from: usize) {
        let size = self.path.len();
        for i in (0..=from).rev() {
            let a = self.path[i];
            let limit = if i + 1 == size {
                FAR
            } else {
                self.latest[i + 1] - inst.d(a, self.path[i + 1]) - inst.service[a]
            };
            self.latest[i] = inst.last_arrival(a, limit);
        }
    }

    /// Whether everything is in time.
    pub(crate) fn in_time(&self, inst: &Inst) -> bool {
        !inst.timed || self.latest[0] >= inst.depart
    }

    /// Which gaps keep the locks for a visit: from the first to the last, both included. Empty when the first is greater.
    fn gaps(&self, inst: &Inst, node: Node) -> (usize, usize) {
        let last = self.path.len() - 2;
        if !inst.locks.any() {
            return (0, last);
        }
        let (mut low, mut high) = (0, last);
        if let Some(&(_, first)) = inst.locks.at.first() {
            if node == first {
                high = 0;
            } else if self.path.get(1) == Some(&first) {
                low = 1;
            }
        }
        if let Some(final_one) = inst.locks.last {
            if node == final_one {
                low = last;
            } else if last > 0 && self.path[last] == final_one {
                high = high.min(last - 1);
            }
        }
        for &(a, b) in &inst.locks.pairs {
            let at = |node: Node| self.path.iter().position(|&n| n == node);
            if b == node
                && let Some(at) = at(a)
            {
                low = low.max(at);
            }
            if a == node
                && let Some(at) = at(b)
            {
                high = high.min(at - 1);
            }
        }
        (low, high)
    }

    /// The cheapest gap for a visit; `skip` drops some.
    #[inline]
    pub(crate) fn best_gap(
        &self,
        inst: &Inst,
        node: Node,
        mut skip: impl FnMut() -> bool,
    ) -> Option<Gap> {
        let (mut low, high) = self.gaps(inst, node);
        let mut best: Option<Gap> = None;
        if !inst.timed {
            for after in low..=high {
                let (a, b) = (self.path[after], self.path[after + 1]);
                let more = inst.d(a, node) + inst.d(node, b) - inst.d(a, b);
                if best.is_none_or(|best| more < best.more) && !skip() {
                    best = Some(Gap { after, more });
                }
            }
            return best;
        }
        let (open, close, service) = (inst.open[node], inst.close[node], inst.service[node]);
        // who comes before it opens leaves at open + service at the earliest
        low = low.max(self.latest[1..].partition_point(|&latest| latest < open + service));
        for after in low..=high {
            if self.leave[after] > close {
                break;
            }
            let (a, b) = (self.path[after], self.path[after + 1]);
            let (there, on) = (inst.d(a, node), inst.d(node, b));
            let more = there + on - inst.d(a, b);
            if best.is_some_and(|best| more >= best.more) {
                continue;
            }
            let arrival = self.leave[after] + there;
            if arrival > close {
                continue;
            }
            let leave = inst.begin(node, arrival) + service;
            if leave + on <= self.latest[after + 1] && !skip() {
                best = Some(Gap { after, more });
            }
        }
        best
    }

    pub(crate) fn insert(&mut self, inst: &Inst, node: Node, gap: Gap) {
        let at = gap.after + 1;
        self.path.insert(at, node);
        self.travel += gap.more;
        if inst.timed {
            self.leave.insert(at, 0);
            self.latest.insert(at, 0);
            self.forward(inst, at);
            self.backward(inst, at);
        }
    }

    /// Takes out the visits that `gone` marks. The rest has to be refreshed.
    pub(crate) fn remove(&mut self, inst: &Inst, gone: &[bool]) {
        self.path.retain(|&node| !gone[node]);
        self.refresh(inst);
    }

    /// Whether every arc of the path is there.
    pub(crate) fn ways(&self, inst: &Inst) -> bool {
        self.path
            .windows(2)
            .all(|arc| inst.d(arc[0], arc[1]) != i64::from(NO_WAY))
    }
}
