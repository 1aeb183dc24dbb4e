//! Bounds: how good a day can be at best, with what a checker needs to see that.
//!
//! - Travel: the spanning tree of Held & Karp (1970, 1971), raised by subgradient steps on the prices of the nodes, and the
//!   assignment bound (Kuhn 1955, in the shortest-path form of Jonker & Volgenant 1987). Arcs that the windows rule out are left
//!   out of both.
//! - Priority: the visits as items of a fractional knapsack (Dantzig 1957).
#![expect(
    clippy::indexing_slicing,
    reason = "nodes run from 0 to m + 1 and every table made here has m + 2 entries or their square"
)]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "step lengths only steer the ascent; the bound itself is summed in whole numbers"
)]

use crate::answer::{Certificate, Cost, Measure, Proof};
use crate::budget::Meter;
use crate::inst::{FAR, Inst, Node};

/// The most visits for which the assignment bound is worked out: it takes the cube of their number.
const MOST_ASSIGNED: usize = 150;

/// Arcs that a day in time can use, with their seconds; [`FAR`] for the others.
struct Arcs {
    size: usize,
    seconds: Vec<i64>,
}

impl Arcs {
    fn new(inst: &Inst) -> Self {
        let size = inst.m + 2;
        let end = inst.end();
        let mut seconds = vec![FAR; size * size];
        for a in 0..end {
            let leave = if a == 0 {
                inst.depart
            } else {
                inst.open[a].max(inst.depart) + inst.service[a]
            };
            for b in 1..size {
                let through = a == 0 && b == end && inst.m > 0;
                if a != b && !through && inst.way(a, b) && leave + inst.d(a, b) <= inst.close[b] {
                    seconds[a * size + b] = inst.d(a, b);
                }
            }
        }
        Self { size, seconds }
    }

    fn at(&self, a: Node, b: Node) -> i64 {
        self.seconds[a * self.size + b]
    }
}

impl Inst {
    /// The proof that goes with a path in time (or late) found by searching. Uses what is left of the budget.
    pub(crate) fn bounded(&self, cost: &Cost, complete: bool, meter: &mut Meter<'_>) -> Proof {
        if cost.late > 0 {
            return gap(Measure::Late, 0, cost.late, cost.late, Certificate::Trivial);
        }
        let arcs = Arcs::new(self);
        let whole: i64 = self.priority.iter().sum();
        if cost.lost > 0 || !complete {
            let bound = self.knapsack(&arcs).clamp(0, cost.lost);
            return gap(
                Measure::Lost,
                bound,
                cost.lost,
                whole,
                Certificate::Knapsack,
            );
        }
        let mut best = (0, Certificate::Trivial);
        if !self.symmetric && self.m <= MOST_ASSIGNED {
            best = assignment(&arcs);
        }
        if best.0 < cost.travel {
            let tree = tree(&arcs, cost.travel, meter);
            if tree.0 > best.0 {
                best = tree;
            }
        }
        if best.0 >= cost.travel && self.all_must && !self.timed {
            return Proof::Optimal(best.1);
        }
        let bound = best.0.min(cost.travel);
        gap(Measure::Travel, bound, cost.travel, bound, best.1)
    }

    /// The least priority that any day in time leaves out.
    fn knapsack(&self, arcs: &Arcs) -> i64 {
        let end = self.end();
        let shortest = |b: Node| (0..end).map(|a| arcs.at(a, b)).filter(|&s| s < FAR).min();
        // the model's latest end, which the end's own windows cannot extend
        let mut room = self.latest - self.depart - shortest(end).unwrap_or(0);
        let mut items = Vec::new();
        let whole: i64 = self.priority.iter().sum();
        for node in 1..end {
            let Some(way) = shortest(node) else { continue };
            let weight = way + self.service[node];
            if self.must[node] {
                room -= weight;
            } else {
                items.push((self.priority[node], weight));
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
                if room > 0 {
                    most += value * room / weight;
                }
                break;
            }
        }
        whole - most
    }
}

fn gap(measure: Measure, bound: i64, value: i64, of: i64, certificate: Certificate) -> Proof {
    let above = (value - bound) as f64;
    let percent = if value == bound {
        0.0
    } else {
        100.0 * above / of.max(1) as f64
    };
    Proof::Gap {
        measure,
        bound,
        percent,
        certificate,
    }
}

/// The highest spanning-tree bound that the ascent finds, in whole seconds, and its prices.
fn tree(arcs: &Arcs, upper: i64, meter: &mut Meter<'_>) -> (i64, Certificate) {
    let size = arcs.size;
    let mut edge = vec![FAR; size * size];
    for a in 0..size {
        for b in 0..size {
            let seconds = arcs.at(a, b).min(arcs.at(b, a));
            if seconds < FAR {
                edge[a * size + b] = 100 * seconds;
            }
        }
    }
    let target = |node: Node| if node == 0 || node == size - 1 { 1 } else { 2 };
    let mut prices = vec![0_i64; size];
    let mut best = (i64::MIN, prices.clone());
    let (mut factor, mut stale) = (1.0, 0);
    let mut degree = vec![0_i64; size];
    let mut before = vec![0_i64; size];
    let work = (size * size) as u64 / 600 + 1;
    for _ in 0..400 {
        let Some(sum) = spanning(&edge, &prices, size, &mut degree) else {
            // no path at all uses only arcs in time
            break;
        };
        let added: i64 = (0..size).map(|n| target(n) * prices[n]).sum();
        let value = sum - added;
        if value > best.0 {
            best = (value, prices.clone());
            stale = 0;
        } else {
            stale += 1;
            if stale >= 6 {
                factor *= 0.6;
                stale = 0;
            }
        }
        let excess = |n: Node, degree: &[i64]| degree[n] - target(n);
        let norm: i64 = (0..size).map(|n| excess(n, &degree).pow(2)).sum();
        if norm == 0 || factor < 0.002 || (best.0 + 99).div_euclid(100) >= upper {
            break;
        }
        let step = factor * (100 * upper - value).max(100) as f64 * 1.02 / norm as f64;
        for n in 0..size {
            let now = excess(n, &degree);
            let change = step * (0.7 * now as f64 + 0.3 * before[n] as f64);
            prices[n] += change.round() as i64;
            before[n] = now;
        }
        if !meter.go_on(work) {
            break;
        }
    }
    if best.0 == i64::MIN {
        return (0, Certificate::Trivial);
    }
    ((best.0 + 99).div_euclid(100), Certificate::Tree(best.1))
}

/// The cheapest spanning tree under the prices (Prim), and how many of its edges meet in each node.
fn spanning(edge: &[i64], prices: &[i64], size: usize, degree: &mut [i64]) -> Option<i64> {
    degree.fill(0);
    let mut near: Vec<(i64, Node)> = vec![(i64::MAX, 0); size];
    let mut outside: Vec<Node> = (1..size).collect();
    let mut latest = 0;
    let mut sum = 0;
    while !outside.is_empty() {
        let row = &edge[latest * size..(latest + 1) * size];
        let (mut least, mut found) = (i64::MAX, 0);
        for (index, &node) in outside.iter().enumerate() {
            let cost = row[node] + prices[node] + prices[latest];
            if cost < near[node].0 {
                near[node] = (cost, latest);
            }
            if near[node].0 < least {
                (least, found) = (near[node].0, index);
            }
        }
        if least > FAR / 2 {
            return None;
        }
        latest = outside.swap_remove(found);
        sum += least;
        degree[latest] += 1;
        degree[near[latest].1] += 1;
    }
    Some(sum)
}

/// The assignment of an arc on to every node but the end, each node but the start reached once, and its dual prices.
fn assignment(arcs: &Arcs) -> (i64, Certificate) {
    let size = arcs.size;
    let count = size - 1;
    // rows: nodes 0 to m; columns: nodes 1 to m + 1, both counted from 1, column 0 is the one to be matched
    let cost = |row: usize, column: usize| arcs.at(row - 1, column);
    let mut leave = vec![0_i64; count + 1];
    let mut reach = vec![0_i64; count + 1];
    let mut row_of = vec![0_usize; count + 1];
    for row in 1..=count {
        row_of[0] = row;
        let mut least = vec![i64::MAX; count + 1];
        let mut via = vec![0_usize; count + 1];
        let mut done = vec![false; count + 1];
        let mut column = 0;
        while row_of[column] != 0 {
            done[column] = true;
            let from = row_of[column];
            let (mut delta, mut next) = (i64::MAX, 0);
            for other in (1..=count).filter(|&c| !done[c]) {
                let reduced = cost(from, other) - leave[from] - reach[other];
                if reduced < least[other] {
                    least[other] = reduced;
                    via[other] = column;
                }
                if least[other] < delta {
                    (delta, next) = (least[other], other);
                }
            }
            if delta > FAR / 2 {
                // some visit cannot be reached in time from anywhere that is free
                return (0, Certificate::Trivial);
            }
            for c in 0..=count {
                if done[c] {
                    leave[row_of[c]] += delta;
                    reach[c] -= delta;
                } else {
                    least[c] = least[c].saturating_sub(delta);
                }
            }
            column = next;
        }
        while column != 0 {
            let before = via[column];
            row_of[column] = row_of[before];
            column = before;
        }
    }
    let bound: i64 = leave.iter().skip(1).sum::<i64>() + reach.iter().skip(1).sum::<i64>();
    let mut leaving: Vec<i64> = leave.into_iter().skip(1).collect();
    leaving.push(0);
    reach[0] = 0;
    let certificate = Certificate::Assignment {
        leave: leaving,
        reach,
    };
    (bound, certificate)
}
