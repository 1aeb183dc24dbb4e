//! A path walked through: its times, its breaks, its cost. Breaks are placed so that the lateness is least, then the finish.
#![expect(
    clippy::indexing_slicing,
    reason = "positions and break counts are made here and stay inside the tables made beside them"
)]

use crate::answer::{Cost, Where};
use crate::inst::{Inst, NO_WAY, Node, Pause};

/// Where the walk stands: the time, and the lateness so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) time: i64,
    pub(crate) late: i64,
}

/// How a leg was driven: breaks taken before driving and on arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pauses {
    pub(crate) before: usize,
    pub(crate) after: usize,
}

/// A way of having come this far, with `taken` breaks behind it.
#[derive(Debug, Clone, Copy)]
struct Step {
    state: State,
    taken: usize,
    from: usize,
    pauses: Pauses,
}

fn rest(state: State, pause: &Pause) -> State {
    let begin = state.time.max(pause.open);
    State {
        time: begin + pause.seconds,
        late: state.late + (begin - pause.close).max(0),
    }
}

impl Inst {
    /// Every way of driving a leg from `from` (left at `state.time`) with breaks on it: calls back with the breaks taken and
    /// the state before the visit begins. On the leg to the end breaks are taken before driving only.
    #[inline]
    pub(crate) fn legs(
        &self,
        state: State,
        taken: usize,
        from: Node,
        to: Node,
        mut each: impl FnMut(Pauses, State),
    ) {
        let travel = self.d(from, to);
        let left = self.pauses.len() - taken.min(self.pauses.len());
        let mut leaving = state;
        for before in 0..=left {
            if before > 0 {
                leaving = rest(leaving, &self.pauses[taken + before - 1]);
            }
            let mut there = State {
                time: leaving.time + travel,
                late: leaving.late,
            };
            let most = if to == self.end() { 0 } else { left - before };
            for after in 0..=most {
                if after > 0 {
                    there = rest(there, &self.pauses[taken + before + after - 1]);
                }
                each(Pauses { before, after }, there);
            }
        }
    }

    /// The state when the visit is over that was reached with `state`.
    #[inline]
    pub(crate) fn visited(&self, state: State, node: Node) -> State {
        let begin = self.begin(node, state.time);
        State {
            time: begin + self.service[node],
            late: state.late + (begin - self.close[node]).max(0),
        }
    }

    /// Whether the day may end at `time` with so many breaks taken.
    #[inline]
    pub(crate) fn may_end(&self, taken: usize, time: i64) -> bool {
        self.pauses
            .get(taken)
            .is_none_or(|pause| time <= pause.open)
    }

    /// Travel of a path.
    pub(crate) fn travel(&self, path: &[Node]) -> i64 {
        let mut from = 0;
        let mut sum = 0;
        for &to in path {
            sum += self.d(from, to);
            from = to;
        }
        sum + self.d(from, self.end())
    }

    /// Priority that a path leaves out.
    pub(crate) fn lost(&self, path: &[Node]) -> i64 {
        self.whole - path.iter().map(|&node| self.priority[node]).sum::<i64>()
    }

    /// What a path costs. An optional visit that is late makes its path worth nothing: `None`; so does an arc that is no way.
    pub(crate) fn cost(&self, path: &[Node]) -> Option<Cost> {
        let mut from = 0;
        for &to in path.iter().chain([&self.end()]) {
            if self.d(from, to) == i64::from(NO_WAY) {
                return None;
            }
            from = to;
        }
        let end = if self.pauses.is_empty() {
            self.walk_plain(path)?
        } else {
            self.walk_front(path)?
        };
        Some(Cost {
            late: end.late,
            lost: self.lost(path),
            travel: self.travel(path),
            finish: end.time,
        })
    }

    fn walk_plain(&self, path: &[Node]) -> Option<State> {
        let mut state = State {
            time: self.depart,
            late: 0,
        };
        let mut from = 0;
        for &to in path.iter().chain([&self.end()]) {
            state.time += self.d(from, to);
            let begin = self.begin(to, state.time);
            let late = (begin - self.close[to]).max(0);
            if late > 0 && !self.must[to] {
                return None;
            }
            state.time = begin + self.service[to];
            state.late += late;
            from = to;
        }
        Some(state)
    }

    /// The ways of having come to `to` that none beats, from those of having come to `from`.
    fn step_on(&self, before: &[Step], from: Node, to: Node, next: &mut Vec<Step>) {
        next.clear();
        for (index, step) in before.iter().enumerate() {
            self.legs(step.state, step.taken, from, to, |pauses, there| {
                let on_time = self.begin(to, there.time) <= self.close[to];
                if !on_time && !self.must[to] {
                    return;
                }
                let state = self.visited(there, to);
                let taken = step.taken + pauses.before + pauses.after;
                if to == self.end() && !self.may_end(taken, state.time) {
                    return;
                }
                let beats = |a: &Step, state: State, taken: usize| {
                    a.taken == taken && a.state.time <= state.time && a.state.late <= state.late
                };
                if next.iter().any(|other| beats(other, state, taken)) {
                    return;
                }
                let new = Step {
                    state,
                    taken,
                    from: index,
                    pauses,
                };
                next.retain(|other| !beats(&new, other.state, other.taken));
                next.push(new);
            });
        }
    }

    const fn first_step(&self) -> Step {
        Step {
            state: State {
                time: self.depart,
                late: 0,
            },
            taken: 0,
            from: 0,
            pauses: Pauses {
                before: 0,
                after: 0,
            },
        }
    }

    /// The best state in which a path ends.
    fn walk_front(&self, path: &[Node]) -> Option<State> {
        let mut front = vec![self.first_step()];
        let mut next = Vec::with_capacity(8);
        let mut from = 0;
        for &to in path.iter().chain([&self.end()]) {
            self.step_on(&front, from, to, &mut next);
            std::mem::swap(&mut front, &mut next);
            from = to;
        }
        let states = front.iter().map(|step| step.state);
        states.min_by_key(|state| (state.late, state.time))
    }

    /// Per position the ways of having come there that none beats; the last entry is sorted, its first one is the best.
    fn walk_table(&self, path: &[Node]) -> Vec<Vec<Step>> {
        let mut table = vec![vec![self.first_step()]];
        let mut from = 0;
        for &to in path.iter().chain([&self.end()]) {
            let mut next = Vec::new();
            let before = table.last().map_or(&[][..], Vec::as_slice);
            self.step_on(before, from, to, &mut next);
            table.push(next);
            from = to;
        }
        if let Some(last) = table.last_mut() {
            last.sort_by_key(|step| (step.state.late, step.state.time, step.taken));
        }
        table
    }

    /// Where the breaks of a path are taken: one entry per break. Empty when the path cannot be walked.
    pub(crate) fn breaks(&self, path: &[Node]) -> Vec<Where> {
        if self.pauses.is_empty() {
            return Vec::new();
        }
        let table = self.walk_table(path);
        let mut places = Vec::new();
        let mut index = 0;
        for position in (1..table.len()).rev() {
            let Some(step) = table[position].get(index) else {
                return Vec::new();
            };
            for _ in 0..step.pauses.after {
                places.push(Where::BeforeVisit(position - 1));
            }
            for _ in 0..step.pauses.before {
                places.push(Where::BeforeDrive(position - 1));
            }
            index = step.from;
        }
        places.reverse();
        places.resize(self.pauses.len(), Where::NotDue);
        places
    }
}
