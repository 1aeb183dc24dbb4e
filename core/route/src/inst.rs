//! The problem as the solver sees it: checked, and with nodes 0 (start), 1 to m (the visits) and m + 1 (the end).
#![expect(
    clippy::indexing_slicing,
    reason = "nodes run from 0 to m + 1 and every table has m + 2 rows; fuzzed in tests/fuzz.rs"
)]

use crate::error::{Error, Fault};
use crate::model::{
    Lock, MAX_BREAKS, MAX_PLACES, MAX_PRIORITY, MAX_TIME, MAX_WINDOWS, Need, Problem, Window,
};

/// Costs more than any day lasts: an arc that does not exist.
pub(crate) const NO_WAY: i32 = 1_500_000_000;
/// Before or after all times.
pub(crate) const FAR: i64 = 4_000_000_000_000;

/// A node of the path.
pub(crate) type Node = usize;

/// What binds the order of the visits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Locks {
    /// The node at each locked position.
    pub(crate) at: Vec<(usize, Node)>,
    /// The node that is last.
    pub(crate) last: Option<Node>,
    /// Pairs (earlier, later).
    pub(crate) pairs: Vec<(Node, Node)>,
}

impl Locks {
    pub(crate) const fn any(&self) -> bool {
        !self.at.is_empty() || self.last.is_some() || !self.pairs.is_empty()
    }
}

/// A break.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pause {
    pub(crate) open: i64,
    pub(crate) close: i64,
    pub(crate) seconds: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Inst {
    /// How many visits there are; the end is node `m + 1`.
    pub(crate) m: usize,
    /// The place of each node; for the end its place or the number of places.
    pub(crate) place: Vec<usize>,
    travel: Vec<i32>,
    pub(crate) service: Vec<i64>,
    pub(crate) open: Vec<i64>,
    pub(crate) close: Vec<i64>,
    /// All windows of the nodes that have several.
    several: Vec<Vec<Window>>,
    pub(crate) must: Vec<bool>,
    pub(crate) priority: Vec<i64>,
    pub(crate) depart: i64,
    pub(crate) latest: i64,
    pub(crate) pauses: Vec<Pause>,
    pub(crate) locks: Locks,
    /// Whether any node but the end has a window, or the end can be too late.
    pub(crate) timed: bool,
    pub(crate) symmetric: bool,
    pub(crate) all_must: bool,
    /// All priority there is.
    pub(crate) whole: i64,
}

impl Inst {
    /// Checks a problem. With `past`, visits that have closed already are planned late instead of being refused.
    pub(crate) fn new(problem: &Problem, past: bool) -> Result<Self, Error> {
        let places = problem.travel.places();
        if places > MAX_PLACES {
            return Err(Error::TooManyPlaces(places));
        }
        if places == 0 || problem.stops.len() != places {
            let stops = problem.stops.len();
            return Err(Error::Shape { stops, places });
        }
        for end in std::iter::once(problem.start).chain(problem.end) {
            if end >= places {
                return Err(Error::at(end, Fault::NoSuchPlace));
            }
        }
        let range = -MAX_TIME..=MAX_TIME;
        if !range.contains(&problem.depart)
            || !range.contains(&problem.latest)
            || problem.latest < problem.depart
        {
            return Err(Error::Day);
        }
        let visits: Vec<usize> = (0..places).filter(|&p| problem.is_visit(p)).collect();
        let m = visits.len();
        let mut place = vec![problem.start];
        place.extend(&visits);
        place.push(problem.end.unwrap_or(places));
        let size = m + 2;
        let mut travel = vec![0; size * size];
        for a in 0..size {
            for b in 0..size {
                travel[a * size + b] = if a == b || (place[b] == places) {
                    0
                } else if place[a] == places {
                    NO_WAY
                } else if place[a] == place[b] {
                    0
                } else {
                    let seconds = problem.travel.seconds(place[a], place[b]);
                    seconds
                        .and_then(|s| i32::try_from(s).ok())
                        .unwrap_or(NO_WAY)
                };
            }
        }
        let mut inst = Self {
            m,
            place,
            travel,
            service: vec![0; size],
            open: vec![-FAR; size],
            close: vec![FAR; size],
            several: vec![Vec::new(); size],
            must: vec![true; size],
            priority: vec![0; size],
            depart: problem.depart,
            latest: problem.latest,
            pauses: Vec::new(),
            locks: Locks::default(),
            timed: false,
            symmetric: false,
            all_must: true,
            whole: 0,
        };
        for node in 1..=m + 1 {
            inst.take_stop(problem, node, past)?;
        }
        let end = m + 1;
        inst.close[end] = inst.close[end].min(problem.latest);
        inst.take_breaks(problem)?;
        inst.take_locks(problem)?;
        inst.check_ways()?;
        inst.timed = !inst.pauses.is_empty() || inst.is_timed();
        inst.whole = inst.priority.iter().sum();
        inst.all_must = inst.must.iter().all(|&must| must);
        inst.symmetric = inst.place[0] == inst.place[end]
            && (0..=m).all(|a| (0..a).all(|b| inst.d(a, b) == inst.d(b, a)));
        Ok(inst)
    }

    fn take_stop(&mut self, problem: &Problem, node: Node, past: bool) -> Result<(), Error> {
        let place = self.place[node];
        let Some(stop) = problem.stops.get(place) else {
            return Ok(());
        };
        let wrong = |fault| Err(Error::at(place, fault));
        let mut before = -FAR;
        for window in &stop.windows {
            if window.open > window.close
                || window.open <= before
                || window.open.abs().max(window.close.abs()) > MAX_TIME
            {
                return wrong(Fault::Window);
            }
            before = window.close;
        }
        if stop.windows.len() > MAX_WINDOWS {
            return wrong(Fault::Window);
        }
        if let (Some(first), Some(last)) = (stop.windows.first(), stop.windows.last()) {
            self.open[node] = first.open;
            self.close[node] = last.close;
        }
        if stop.windows.len() > 1 {
            self.several[node].clone_from(&stop.windows);
        }
        if node > self.m {
            return Ok(());
        }
        if stop.service > crate::model::MAX_SPAN {
            return wrong(Fault::Service);
        }
        if matches!(stop.need, Need::Priority(priority) if priority > MAX_PRIORITY) {
            return wrong(Fault::Priority);
        }
        self.service[node] = i64::from(stop.service);
        self.must[node] = problem.is_must(place);
        self.priority[node] = problem.priority(place);
        if self.must[node] && self.close[node] < self.depart && !past {
            return wrong(Fault::Past);
        }
        Ok(())
    }

    fn take_breaks(&mut self, problem: &Problem) -> Result<(), Error> {
        let mut before = -MAX_TIME;
        for (number, rest) in problem.breaks.iter().enumerate() {
            let Window { open, close } = rest.window;
            if number >= MAX_BREAKS
                || open > close
                || open < before
                || close > MAX_TIME
                || rest.seconds > crate::model::MAX_SPAN
            {
                return Err(Error::Break(number));
            }
            before = open;
            let seconds = i64::from(rest.seconds);
            self.pauses.push(Pause {
                open,
                close,
                seconds,
            });
        }
        Ok(())
    }

    fn take_locks(&mut self, problem: &Problem) -> Result<(), Error> {
        for node in 1..=self.m {
            let place = self.place[node];
            let wrong = || Error::at(place, Fault::Lock);
            let lock = problem.stops.get(place).map_or(Lock::Free, |s| s.lock);
            let position = match lock {
                Lock::Free => continue,
                Lock::First => 0,
                Lock::At(position) => position,
                Lock::Last => {
                    if self.locks.last.replace(node).is_some() {
                        return Err(wrong());
                    }
                    continue;
                }
                Lock::After(other) => {
                    let other = (1..=self.m).find(|&n| self.place[n] == other && n != node);
                    self.locks.pairs.push((other.ok_or_else(wrong)?, node));
                    continue;
                }
            };
            if position >= self.m || self.locks.at.iter().any(|&(p, _)| p == position) {
                return Err(wrong());
            }
            self.locks.at.push((position, node));
        }
        self.locks.at.sort_unstable();
        self.contradictions()
    }

    /// Locks that no order can keep. What may be left out cannot contradict.
    fn contradictions(&self) -> Result<(), Error> {
        let wrong = |node: Node| Error::at(self.place[node], Fault::Lock);
        // beside the last one, so many musts must fit after every locked position as are after it already
        if let Some(last) = self.locks.last
            && let Some(&(_, node)) = self.locks.at.iter().find(|&&(p, _)| p + 1 >= self.m)
        {
            return Err(wrong(node.max(last)));
        }
        // a chain of pairs among visits that must be made and ends where it began
        let pairs = &self.locks.pairs;
        for &(_, node) in pairs {
            let mut reached = vec![false; self.m + 2];
            let mut open = vec![node];
            while let Some(from) = open.pop() {
                for &(a, b) in pairs {
                    if a == from && !reached[b] && self.must[a] && self.must[b] {
                        reached[b] = true;
                        open.push(b);
                    }
                }
            }
            if reached[node] {
                return Err(wrong(node));
            }
            for &(a, b) in pairs {
                let both = self.must[a] && self.must[b];
                if both && (self.position(b) < self.position(a) || self.locks.last == Some(a)) {
                    return Err(wrong(b));
                }
                if both && self.position(b) == Some(0) {
                    return Err(wrong(b));
                }
            }
        }
        Ok(())
    }

    fn position(&self, node: Node) -> Option<usize> {
        let found = self.locks.at.iter().find(|&&(_, n)| n == node);
        found.map(|&(position, _)| position)
    }

    /// Every visit that must be made can be reached from the start, and the end from it.
    fn check_ways(&self) -> Result<(), Error> {
        let reach = |from: Node, back: bool| {
            let mut reached = vec![false; self.m + 2];
            reached[from] = true;
            let mut open = vec![from];
            while let Some(a) = open.pop() {
                for (b, reached) in reached.iter_mut().enumerate() {
                    let way = if back { self.way(b, a) } else { self.way(a, b) };
                    if way && !*reached {
                        *reached = true;
                        open.push(b);
                    }
                }
            }
            reached
        };
        let (there, back) = (reach(0, false), reach(self.m + 1, true));
        for node in (1..=self.m).filter(|&n| self.must[n]) {
            if !there[node] || !back[node] {
                return Err(Error::at(self.place[node], Fault::NoWay));
            }
        }
        if self.m == 0 && !there[1] {
            return Err(Error::at(self.place[1], Fault::NoWay));
        }
        Ok(())
    }

    /// Whether time can matter at all: not when nobody has to wait and even the longest way round is in time.
    fn is_timed(&self) -> bool {
        let longest: i64 = (0..=self.m)
            .map(|a| {
                let ways = (1..=self.m + 1).filter(|&b| b != a).map(|b| self.d(a, b));
                self.service[a] + ways.max().unwrap_or(0)
            })
            .sum();
        let over = self.depart + longest;
        (1..=self.m + 1).any(|n| self.open[n] > self.depart || self.close[n] < over)
            || self.several.iter().any(|windows| !windows.is_empty())
    }

    /// Travel seconds; [`NO_WAY`] where there is none.
    #[inline]
    pub(crate) fn d(&self, from: Node, to: Node) -> i64 {
        i64::from(self.travel[from * (self.m + 2) + to])
    }

    #[inline]
    pub(crate) fn way(&self, from: Node, to: Node) -> bool {
        self.travel[from * (self.m + 2) + to] != NO_WAY
    }

    pub(crate) const fn end(&self) -> Node {
        self.m + 1
    }

    /// When a visit begins that is reached at `t`: now, or when the next window opens; now as well when all are past.
    #[inline]
    pub(crate) fn begin(&self, node: Node, t: i64) -> i64 {
        if self.several[node].is_empty() {
            return t.max(self.open[node]);
        }
        let next = self.several[node].iter().find(|w| t <= w.close);
        next.map_or(t, |window| t.max(window.open))
    }

    /// The latest arrival with which the visit begins at `begin` or before and in time; far in the past if there is none.
    #[inline]
    pub(crate) fn last_arrival(&self, node: Node, begin: i64) -> i64 {
        // the end's own limit stands in `close` alone
        let begin = begin.min(self.close[node]);
        if self.several[node].is_empty() {
            return if self.open[node] > begin { -FAR } else { begin };
        }
        let last = self.several[node].iter().rev().find(|w| w.open <= begin);
        last.map_or(-FAR, |window| begin.min(window.close))
    }

    /// Whether a path of visits keeps the locks.
    pub(crate) fn keeps_locks(&self, path: &[Node]) -> bool {
        if !self.locks.any() {
            return true;
        }
        let at = |node| path.iter().position(|&n| n == node);
        self.locks.at.iter().all(|&(p, n)| path.get(p) == Some(&n))
            && self.locks.last.is_none_or(|n| path.last() == Some(&n))
            && self.locks.pairs.iter().all(|&(a, b)| match (at(a), at(b)) {
                (Some(a), Some(b)) => a < b,
                _ => true,
            })
    }

    /// What to blame when no order keeps all locks on the ways that there are.
    pub(crate) fn impossible(&self) -> Error {
        let locked = self.locks.at.iter().map(|&(_, node)| node);
        let locked = locked.chain(self.locks.last);
        let locked = locked.chain(self.locks.pairs.iter().map(|&(_, later)| later));
        match locked.into_iter().next() {
            Some(node) => Error::at(self.place[node], Fault::Lock),
            None => {
                let must = (1..=self.m).find(|&node| self.must[node]);
                Error::at(self.place[must.unwrap_or(0)], Fault::NoWay)
            }
        }
    }

    /// The visits of an order of places; places that are none are left out.
    pub(crate) fn nodes(&self, order: &[usize]) -> Vec<Node> {
        let node = |&place: &usize| (1..=self.m).find(|&node| self.place[node] == place);
        order.iter().filter_map(node).collect()
    }

    /// The visits that must be made and are not in a path.
    pub(crate) fn musts_missing(&self, path: &[Node]) -> Vec<Node> {
        let missing = |node: &Node| self.must[*node] && !path.contains(node);
        (1..=self.m).filter(missing).collect()
    }

    /// The path as places.
    pub(crate) fn places(&self, path: &[Node]) -> Vec<usize> {
        path.iter().map(|&node| self.place[node]).collect()
    }
}
