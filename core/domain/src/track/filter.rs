//! Which fixes of a track are plausible. Nothing is deleted: each fix gets a [`Mark`] with its reason.

use super::Track;
use super::plane::{apart_m, length, step};
use crate::fix::Fix;
use crate::geo::accuracy::sigma_m;

/// What is taken for plausible.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Coarsest accuracy of use, metres as stated.
    pub accuracy_m: f64,
    /// Largest speed between two fixes, metres per second, once both accuracies are taken off the distance. 150 lets every car and train
    /// pass.
    pub speed_mps: f64,
    /// How far a single fix may lie beside the way from the one before to the one after it, metres, when both of them stand still. Four
    /// deviations are added, and what a turn at the speed around could take.
    pub spike_m: f64,
    /// How many fixes in a row that agree with each other outweigh the track before a jump.
    pub run: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            accuracy_m: 200.0,
            speed_mps: 150.0,
            spike_m: 20.0,
            run: 4,
        }
    }
}

/// What a fix is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mark {
    /// Plausible, and somewhere else than the fixes before it.
    Moved,
    /// Plausible, and by its accuracy not to be told from fix `since`: the device stands still.
    Standing {
        /// The fix that began it.
        since: usize,
    },
    /// Of no use.
    Rejected(Rejection),
}

/// Why a fix is of no use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rejection {
    /// Its accuracy is coarser than [`Limits::accuracy_m`].
    TooCoarse,
    /// The same place at the same time as fix `of`.
    Duplicate {
        /// The first of the two.
        of: usize,
    },
    /// Another place at the same time as fix `of`, which is at least as accurate.
    RepeatedTime {
        /// The one that counts.
        of: usize,
    },
    /// Too far from fix `from` for the time between them.
    Teleport {
        /// A plausible fix.
        from: usize,
        /// The speed that it would have taken, metres per second.
        speed_mps: f64,
    },
    /// Out of the way and back again faster than the fixes around it move.
    Spike {
        /// Distance from where the fixes before and after it put it at its time, metres.
        off_m: f64,
    },
}

/// The marks of a track.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filtered {
    /// One for each fix.
    pub marks: Vec<Mark>,
    /// Plausible fixes to which no plausible way leads from the plausible fix before them: the track continues elsewhere. No gap was
    /// stated there.
    pub jumps: Vec<usize>,
}

impl Filtered {
    /// The plausible fixes' indices.
    pub fn usable(&self) -> impl Iterator<Item = usize> + '_ {
        let marks = self.marks.iter().enumerate();
        marks.filter_map(|(i, mark)| (!matches!(mark, Mark::Rejected(_))).then_some(i))
    }
}

/// Marks each fix of a track.
#[must_use]
pub fn filter(track: &Track, limits: Limits) -> Filtered {
    let fixes = track.fixes();
    let mut marks = vec![None; fixes.len()];
    repeats_and_coarse(fixes, limits, &mut marks);
    let jumps = teleports(fixes, limits, &mut marks);
    spikes(track, limits, &jumps, &mut marks);
    standing(track, &jumps, &mut marks);
    Filtered {
        marks: marks
            .into_iter()
            .map(|mark| mark.unwrap_or(Mark::Moved))
            .collect(),
        jumps,
    }
}

fn reject(marks: &mut [Option<Mark>], i: usize, why: Rejection) {
    if let Some(mark) = marks.get_mut(i) {
        *mark = Some(Mark::Rejected(why));
    }
}

/// Of the fixes of one millisecond the most accurate counts, of equals the first.
fn repeats_and_coarse(fixes: &[Fix], limits: Limits, marks: &mut [Option<Mark>]) {
    let mut counts = 0;
    for (i, fix) in fixes.iter().enumerate() {
        let best = fixes.get(counts).filter(|best| best.mono_ms == fix.mono_ms);
        match best.filter(|_| counts != i) {
            None => counts = i,
            Some(best) if best.position == fix.position => {
                reject(marks, i, Rejection::Duplicate { of: counts });
            }
            Some(best) if best.accuracy_m <= fix.accuracy_m => {
                reject(marks, i, Rejection::RepeatedTime { of: counts });
            }
            Some(_) => {
                reject(marks, counts, Rejection::RepeatedTime { of: i });
                counts = i;
            }
        }
    }
    for (i, fix) in fixes.iter().enumerate() {
        if fix.accuracy_m > limits.accuracy_m {
            reject(marks, i, Rejection::TooCoarse);
        }
    }
}

/// The speed that it takes from `a` to `b` when both are as far off towards each other as their accuracies say, metres per second.
fn speed_mps(a: &Fix, b: &Fix) -> f64 {
    let away = apart_m(a.position, b.position) - a.accuracy_m - b.accuracy_m;
    let seconds = seconds(a, b);
    if away <= 0.0 {
        0.0
    } else if seconds > 0.0 {
        away / seconds
    } else {
        f64::INFINITY
    }
}

/// A fix too far from the last plausible one begins a run of its own. Whichever comes first decides: a fix that goes with the track
/// again (the run was wrong), or [`Limits::run`] fixes in a row that go with each other (then the shorter of the two sides was wrong, or,
/// when both are long, the track jumped).
fn teleports(fixes: &[Fix], limits: Limits, marks: &mut [Option<Mark>]) -> Vec<usize> {
    let mut jumps = Vec::new();
    let mut track: Vec<usize> = Vec::new();
    let mut run: Vec<usize> = Vec::new();
    let goes = |from: Option<&usize>, to: &Fix| {
        let from = fixes.get(*from?)?;
        Some(speed_mps(from, to))
    };
    for (i, fix) in fixes.iter().enumerate() {
        if marks.get(i).is_some_and(Option::is_some) {
            continue;
        }
        let speed = goes(track.last(), fix).unwrap_or(0.0);
        if speed <= limits.speed_mps {
            disown(fixes, &mut run, track.last().copied(), marks);
            track.push(i);
            continue;
        }
        if goes(run.last(), fix).is_some_and(|speed| speed > limits.speed_mps) {
            disown(fixes, &mut run, track.last().copied(), marks);
        }
        run.push(i);
        if run.len() >= limits.run {
            if track.len() < limits.run {
                disown(fixes, &mut track, run.first().copied(), marks);
            } else {
                jumps.extend(run.first());
            }
            track = std::mem::take(&mut run);
        }
    }
    disown(fixes, &mut run, track.last().copied(), marks);
    jumps
}

fn disown(fixes: &[Fix], run: &mut Vec<usize>, from: Option<usize>, marks: &mut [Option<Mark>]) {
    for i in run.drain(..) {
        if let Some(from) = from
            && let (Some(a), Some(b)) = (fixes.get(from.min(i)), fixes.get(from.max(i)))
        {
            let speed_mps = speed_mps(a, b);
            reject(marks, i, Rejection::Teleport { from, speed_mps });
        }
    }
}

/// A single fix beside the way of its neighbours. How far it may be: the limit, two deviations of each side, and the smaller of what the speed
/// around reaches in the time and what an acceleration of [`TURN_MPS2`] bends off a straight line (half of it times both times).
fn spikes(track: &Track, limits: Limits, jumps: &[usize], marks: &mut [Option<Mark>]) {
    let fixes = track.fixes();
    let left: Vec<usize> = (0..fixes.len())
        .filter(|i| marks.get(*i).is_some_and(Option::is_none))
        .collect();
    // how far each is beyond what may be, so that of three in a row the wild one goes and not the two beside it
    let beyond: Vec<f64> = (0..left.len())
        .map(|n| beside(track, &left, n, limits, jumps).map_or(0.0, |(_, beyond)| beyond))
        .collect();
    let of = |n: Option<usize>| n.and_then(|n| beyond.get(n)).copied().unwrap_or(0.0);
    for (n, i) in left.iter().enumerate() {
        let own = of(Some(n));
        if own > 0.0
            && own >= of(n.checked_sub(1))
            && own > of(Some(n + 1))
            && let Some((off_m, _)) = beside(track, &left, n, limits, jumps)
        {
            reject(marks, *i, Rejection::Spike { off_m });
        }
    }
}

/// How far fix `left[n]` is beside the way of its neighbours in `left`, and how much of that is too much, metres.
fn beside(
    track: &Track,
    left: &[usize],
    n: usize,
    limits: Limits,
    jumps: &[usize],
) -> Option<(f64, f64)> {
    let at = |n: usize| left.get(n).copied();
    let (a, c) = (at(n.checked_sub(1)?)?, at(n + 1)?);
    if (a + 1..=c).any(|i| track.gap_before(i) || jumps.binary_search(&i).is_ok()) {
        return None;
    }
    let fixes = track.fixes();
    let (before, fix, after) = (fixes.get(a)?, fixes.get(at(n)?)?, fixes.get(c)?);
    let (in_s, out_s) = (seconds(before, fix), seconds(fix, after));
    let share = in_s / (in_s + out_s).max(0.001);
    let (east, north) = step(before.position, after.position);
    let (at_east, at_north) = step(before.position, fix.position);
    let off_m = length(at_east - east * share, at_north - north * share);
    let earlier = n.checked_sub(2).and_then(at).and_then(|i| fixes.get(i));
    let later = at(n + 2).and_then(|i| fixes.get(i));
    let speed = pace(before, after)
        .max(earlier.map_or(0.0, |earlier| pace(earlier, before)))
        .max(later.map_or(0.0, |later| pace(after, later)));
    let reach = (speed * in_s.min(out_s)).min(TURN_MPS2 / 2.0 * in_s * out_s);
    let sigma = |fix: &Fix| sigma_m(fix.accuracy_m, fix.source);
    let sigmas = 2.0 * sigma(fix) + 2.0 * sigma(before).max(sigma(after));
    Some((off_m, off_m - limits.spike_m - sigmas - reach))
}

/// Acceleration that a turn or a hard stop keeps up for seconds, m/s².
const TURN_MPS2: f64 = 2.5;

#[expect(clippy::cast_precision_loss, reason = "times are at most 2^53")]
fn seconds(a: &Fix, b: &Fix) -> f64 {
    (b.mono_ms - a.mono_ms) as f64 / 1000.0
}

/// Speed between two fixes as they are, metres per second.
fn pace(a: &Fix, b: &Fix) -> f64 {
    let s = seconds(a, b);
    if s > 0.0 {
        apart_m(a.position, b.position) / s
    } else {
        0.0
    }
}

fn standing(track: &Track, jumps: &[usize], marks: &mut [Option<Mark>]) {
    let fixes = track.fixes();
    let mut since: Option<usize> = None;
    let mut last = 0;
    for (i, fix) in fixes.iter().enumerate() {
        let Some(mark) = marks.get_mut(i).filter(|mark| mark.is_none()) else {
            continue;
        };
        let broken = jumps.binary_search(&i).is_ok()
            || (last + 1..=i).any(|between| track.gap_before(between));
        last = i;
        let anchor = since.filter(|_| !broken);
        let near = anchor.filter(|anchor| {
            fixes.get(*anchor).is_some_and(|anchor| {
                apart_m(anchor.position, fix.position) <= anchor.accuracy_m.max(fix.accuracy_m)
            })
        });
        if let Some(since) = near {
            *mark = Some(Mark::Standing { since });
        } else {
            *mark = Some(Mark::Moved);
            since = Some(i);
        }
    }
}
