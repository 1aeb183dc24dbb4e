//! Making a block writable with the tables that there are, and making it a few bits longer.
//!
//! A picture's own Huffman tables often lack symbols that it does not use. A block that needs one gets the nearest block that the tables can
//! write. And so that the bytes behind an edited stretch need not be shifted, the stretch must end at the same bit of a byte as before:
//! a coefficient more or less, of one quantisation step and in a block that is being painted over anyway, brings it there.

#![expect(
    clippy::cast_possible_truncation,
    reason = "positions in a block are below 64, sizes below 16"
)]

use std::collections::BTreeSet;

use super::blocks::{Block, Tables};
use super::huffman::{EOB, Encoder, ZRL, size_of};

/// Symbols that the tables lack: (table class, 0 DC or 1 AC; table number; symbol).
pub(crate) type Missing = BTreeSet<(u8, usize, u8)>;

/// Notes what a block needs and the tables lack.
pub(crate) fn note_missing(
    block: &Block,
    predictor: i32,
    tables: Tables<'_>,
    numbers: (usize, usize),
    missing: &mut Missing,
) {
    let [dc, ac @ ..] = block;
    let size = size_of(i32::from(*dc) - predictor) as u8;
    if tables.dc.length(size).is_none() {
        missing.insert((0, numbers.0, size));
    }
    let mut need = |symbol: u8| {
        if tables.ac.length(symbol).is_none() {
            missing.insert((1, numbers.1, symbol));
        }
    };
    let mut run = 0_u8;
    for value in ac {
        if *value == 0 {
            run += 1;
            continue;
        }
        if run > 15 {
            need(ZRL);
        }
        need((run & 15) << 4 | size_of(i32::from(*value)) as u8);
        run = 0;
    }
    if run > 0 {
        need(EOB);
    }
}

/// Changes a block as little as need be so that the tables can write it; `None` when they cannot at all. The answer is how far the
/// coefficients were moved, in quantisation steps.
pub(crate) fn fit(block: &mut Block, predictor: i32, tables: Tables<'_>) -> Option<u32> {
    let before = *block;
    let [dc, ..] = block;
    *dc = nearest_dc(i32::from(*dc), predictor, tables.dc)?;
    let mut last = 0_usize;
    for k in 1..64 {
        let value = i32::from(before.get(k).copied().unwrap_or_default());
        if value == 0 {
            continue;
        }
        let Some((at, filled, value)) = nearest_ac(last, k, value, tables.ac) else {
            set(block, k, 0);
            continue;
        };
        for position in filled {
            set(block, position, 1);
        }
        set(block, at, value as i16);
        last = at;
    }
    if last < 63 && tables.ac.length(EOB).is_none() {
        return None;
    }
    let moved = before
        .iter()
        .zip(&*block)
        .map(|(a, b)| u32::from(a.abs_diff(*b)))
        .sum::<u32>();
    Some(moved)
}

fn set(block: &mut Block, k: usize, value: i16) {
    if let Some(entry) = block.get_mut(k) {
        *entry = value;
    }
}

/// The DC value nearest to `wanted` whose difference has a code.
fn nearest_dc(wanted: i32, predictor: i32, table: &Encoder) -> Option<i16> {
    let difference = wanted - predictor;
    let size = size_of(difference);
    if table.length(size as u8).is_some() {
        return i16::try_from(wanted).ok();
    }
    let sign = difference.signum();
    let below = (0..size).rev().find(|s| table.length(*s as u8).is_some());
    let above = (size + 1..=11).find(|s| table.length(*s as u8).is_some());
    let below = below.map(|s| sign * ((1 << s) - 1));
    let above = above.map(|s| sign * (1 << (s - 1)));
    let nearest = [below, above]
        .into_iter()
        .flatten()
        .min_by_key(|found| (found - difference).abs())?;
    i16::try_from(predictor + nearest).ok()
}

/// The nearest that can be written for `value` at `k` after a coefficient at `last`: where it goes, which zeros before it become a one, and
/// the value.
fn nearest_ac(
    last: usize,
    k: usize,
    value: i32,
    table: &Encoder,
) -> Option<(usize, Vec<usize>, i32)> {
    let size = size_of(value);
    for smaller in (1..=size).rev() {
        let value = if smaller == size {
            value
        } else {
            value.signum() * ((1 << smaller) - 1)
        };
        if length_of_run(k - last - 1, smaller, table).is_some() {
            return Some((k, Vec::new(), value));
        }
        // a one among the zeros makes two shorter runs of one
        let between = (last + 1..k).find(|between| {
            length_of_run(between - last - 1, 1, table).is_some()
                && length_of_run(k - between - 1, smaller, table).is_some()
        });
        if let Some(between) = between {
            return Some((k, vec![between], value));
        }
    }
    None
}

/// The bits of so many zeros and the number of this size after them.
fn length_of_run(run: usize, size: u32, table: &Encoder) -> Option<u32> {
    let sixteens = (run / 16) as u32;
    let zeros = if sixteens > 0 {
        table.length(ZRL)? * sixteens
    } else {
        0
    };
    Some(zeros + table.length(((run % 16) << 4) as u8 | size as u8)? + size)
}

/// One way to make a block longer or shorter: put this value at this place.
#[derive(Debug, Clone, Copy)]
struct Way {
    cost: u32,
    k: usize,
    value: i16,
}

/// For each change of length modulo 8 the cheapest way to it by one coefficient.
fn ways(block: &Block, quant: &[u16; 64], table: &Encoder) -> [Option<Way>; 8] {
    let mut ways = [None; 8];
    let mut offer = |bits: u32, way: Way| {
        if let Some(slot) = ways.get_mut((bits % 8) as usize)
            && slot.is_none_or(|there: Way| way.cost < there.cost)
        {
            *slot = Some(way);
        }
    };
    // for each place the next coefficient after it
    let mut next_of = [64_usize; 64];
    let mut next = 64;
    for (k, slot) in next_of.iter_mut().enumerate().rev() {
        *slot = next;
        if block.get(k).is_some_and(|value| *value != 0) {
            next = k;
        }
    }
    let value_at = |k: usize| i32::from(block.get(k).copied().unwrap_or_default());
    // from the coefficient at `from` to that at `to`, or to the end of the block
    let stretch = |from: usize, to: usize| {
        if to < 64 {
            length_of_run(to - from - 1, size_of(value_at(to)), table)
        } else if from < 63 {
            table.length(EOB)
        } else {
            Some(0)
        }
    };
    let mut last = 0;
    for (k, next) in next_of.into_iter().enumerate().skip(1) {
        let cost = quant.get(k).map_or(u32::MAX, |step| u32::from(*step));
        match value_at(k) {
            0 => {
                let (Some(before), Some(to), Some(after)) = (
                    stretch(last, next),
                    length_of_run(k - last - 1, 1, table),
                    stretch(k, next),
                ) else {
                    continue;
                };
                // + 64 keeps it above zero and changes nothing modulo 8
                offer(
                    (64 * 8 + to + after).wrapping_sub(before),
                    Way { cost, k, value: 1 },
                );
            }
            value => {
                if value.abs() == 1
                    && let (Some(to), Some(after), Some(without)) =
                        (stretch(last, k), stretch(k, next), stretch(last, next))
                {
                    offer(
                        (64 * 8 + without).wrapping_sub(to + after),
                        Way { cost, k, value: 0 },
                    );
                }
                last = k;
            }
        }
    }
    ways
}

/// Changes these blocks so that together they take `bits` bits more, modulo 8; at most one coefficient of each. `false` when that cannot be.
///
/// The last block is tried first, and one more only as long as the goal is out of reach.
pub(crate) fn lengthen<'b>(
    blocks: impl Iterator<Item = (&'b mut Block, &'b [u16; 64], &'b Encoder)>,
    bits: u32,
) -> bool {
    let wanted = (bits % 8) as usize;
    if wanted == 0 {
        return true;
    }
    let mut seen: Vec<(&mut Block, [Option<Way>; 8])> = Vec::new();
    // for each length modulo 8: the cost, and the change of each block seen that leads there
    let mut reached: [Option<(u32, Vec<Option<Way>>)>; 8] = [const { None }; 8];
    let [zero, ..] = &mut reached;
    *zero = Some((0, Vec::new()));
    for (block, quant, table) in blocks {
        let of_block = ways(block, quant, table);
        let mut next: [Option<(u32, Vec<Option<Way>>)>; 8] = [const { None }; 8];
        for (from, state) in reached.iter().enumerate() {
            let Some((cost, path)) = state else { continue };
            let unchanged = std::iter::once((0, None));
            let changed = of_block
                .iter()
                .enumerate()
                .filter_map(|(by, way)| way.map(|way| (by, Some(way))));
            for (by, way) in unchanged.chain(changed) {
                let cost = cost + way.map_or(0, |way| way.cost);
                if let Some(slot) = next.get_mut((from + by) % 8)
                    && slot.as_ref().is_none_or(|(there, _)| cost < *there)
                {
                    *slot = Some((cost, path.iter().copied().chain([way]).collect()));
                }
            }
        }
        reached = next;
        seen.push((block, of_block));
        if let Some(Some((_, path))) = reached.get(wanted) {
            for ((block, _), way) in seen.iter_mut().zip(path) {
                if let Some(way) = way {
                    set(block, way.k, way.value);
                }
            }
            return true;
        }
    }
    false
}
