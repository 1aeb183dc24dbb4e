//! What a picture looks like, coarsely: the mean brightness of some hundred cells outside the band. A copy at another size or quality has
//! nearly the same means; a picture in which something was changed has others where it was changed.
//!
//! Everything is whole numbers, so that two implementations cut the picture into the same cells. The rules stand in `core/docs/photo.md`.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "means are at most 255 times 16, edges at most 65,535"
)]

use crate::turn::Rect;

/// The most cells. At six bits each this is what the code has room for.
pub(crate) const MAX_CELLS: usize = 240;

/// Bits of a cell's mean.
pub(crate) const BITS: usize = 6;

/// What one step of a stored mean stands for, in 16ths of a level of brightness (of 256).
pub(crate) const STEP: i32 = 16 << (8 - BITS);

/// One level, in the unit of means.
pub(crate) const LEVEL: i32 = 16;

/// A rectangle cut into cells: its edges, one more than cells, in pixels of the signed picture.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Grid {
    xs: Vec<usize>,
    ys: Vec<usize>,
}

/// The cells of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cells {
    grids: Vec<Grid>,
    size: (usize, usize),
}

/// Where a multiple of 8 stored pixels lies, seen from the corner of the picture as it is shown: 0 to 7 each.
pub(crate) type Phase = (usize, usize);

impl Cells {
    /// The cells of a picture of this size as shown, outside the band.
    pub(crate) fn new(size: (usize, usize), band: Rect, phase: Phase) -> Self {
        let (width, height) = size;
        // a picture that is made smaller mixes the band into its neighbours
        let margin = width.max(height).div_ceil(256);
        let snapped = |edge: usize, phase: usize| edge.saturating_sub((edge + 8 - phase % 8) % 8);
        let (left, top) = (
            snapped(band.left.saturating_sub(margin), phase.0),
            snapped(band.top.saturating_sub(margin), phase.1),
        );
        let right = snapped((band.right + margin + 7).min(width), phase.0);
        let bottom = snapped((band.bottom + margin + 7).min(height), phase.1);
        // above and below over the whole width, beside the band what is left of its rows
        let above = (band.top > 0).then_some((0, 0, width, top));
        let below = (band.bottom < height).then_some((0, bottom, width, height));
        let first = above.map_or(0, |rows| rows.3);
        let last = below.map_or(height, |rows| rows.1);
        let before = (band.left > 0).then_some((0, first, left, last));
        let behind = (band.right < width).then_some((right, first, width, last));
        let areas: Vec<(usize, usize, usize, usize)> = [above, below, before, behind]
            .into_iter()
            .flatten()
            .filter(|(x0, y0, x1, y1)| *x1 >= x0 + 16 && *y1 >= y0 + 16)
            .collect();
        let count = |side: usize| -> usize {
            areas
                .iter()
                .map(|(x0, y0, x1, y1)| parts(x1 - x0, side) * parts(y1 - y0, side))
                .sum()
        };
        // the smallest squares that are not too many
        let mut side = 16;
        while count(side) > MAX_CELLS {
            side += 1;
        }
        let edges = |from: usize, to: usize, phase: usize, end: usize| -> Vec<usize> {
            let parts = parts(to - from, side);
            (0..=parts)
                .map(|part| from + (to - from) * part / parts)
                .map(|edge| {
                    if edge == 0 || edge == end {
                        edge
                    } else {
                        snapped(edge, phase)
                    }
                })
                .collect()
        };
        let grids = areas
            .iter()
            .map(|(x0, y0, x1, y1)| Grid {
                xs: edges(*x0, *x1, phase.0, width),
                ys: edges(*y0, *y1, phase.1, height),
            })
            .collect();
        Self { grids, size }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        let cells = |grid: &Grid| (grid.xs.len() - 1) * (grid.ys.len() - 1);
        self.grids.iter().map(cells).sum()
    }

    /// Their rectangles, in pixels of the signed picture, in their order.
    pub(crate) fn rects(&self) -> impl Iterator<Item = Rect> {
        self.grids.iter().flat_map(|grid| {
            grid.ys.windows(2).flat_map(|rows| {
                grid.xs.windows(2).filter_map(move |columns| {
                    let ([left, right], [top, bottom]) = (columns, rows) else {
                        return None;
                    };
                    Some(Rect {
                        left: *left,
                        top: *top,
                        right: *right,
                        bottom: *bottom,
                    })
                })
            })
        })
    }

    /// The mean of each cell in 16ths of a level, of a picture of `width` by `height` samples as shown. `row` adds the samples of a row, in 8ths
    /// of a level.
    pub(crate) fn means(
        &self,
        (width, height): (usize, usize),
        lie: Lie,
        row: impl Fn(usize, &mut Vec<u32>),
    ) -> Vec<i32> {
        let mut samples: Vec<u32> = Vec::with_capacity(width);
        let mut prefix: Vec<u64> = Vec::with_capacity(width + 1);
        let mut sums: Vec<Vec<u64>> = Vec::new();
        let mut places = Vec::new();
        for grid in &self.grids {
            sums.push(vec![0; (grid.xs.len() - 1) * (grid.ys.len() - 1)]);
            let xs: Vec<u64> = grid
                .xs
                .iter()
                .map(|x| lie.place(*x, 0, self.size.0, width))
                .collect();
            let ys: Vec<u64> = grid
                .ys
                .iter()
                .map(|y| lie.place(*y, 1, self.size.1, height))
                .collect();
            places.push((xs, ys));
        }
        for y in 0..height {
            samples.clear();
            row(y, &mut samples);
            prefix.clear();
            prefix.push(0);
            let mut sum = 0;
            prefix.extend(samples.iter().map(|sample| {
                sum += u64::from(*sample);
                sum
            }));
            // the sum up to a place between two samples, times 256
            let up_to = |place: u64| {
                let whole = (place >> 8) as usize;
                let sum = prefix.get(whole).or(prefix.last()).copied().unwrap_or(0);
                let next = samples.get(whole).copied().unwrap_or(0);
                (sum << 8) + u64::from(next) * (place & 255)
            };
            let (start, end) = ((y as u64) << 8, (y as u64 + 1) << 8);
            for ((xs, ys), sums) in places.iter().zip(&mut sums) {
                for (rows, line) in ys
                    .windows(2)
                    .zip(sums.chunks_exact_mut((xs.len() - 1).max(1)))
                {
                    let [top, bottom] = rows else { continue };
                    let part = end.min(*bottom).saturating_sub(start.max(*top));
                    if part == 0 {
                        continue;
                    }
                    for (columns, sum) in xs.windows(2).zip(line) {
                        let [left, right] = columns else { continue };
                        *sum += (up_to(*right) - up_to(*left)) * part;
                    }
                }
            }
        }
        let mut means = Vec::with_capacity(self.count());
        for ((xs, ys), sums) in places.iter().zip(&sums) {
            let mut sums = sums.iter();
            for rows in ys.windows(2) {
                for (columns, sum) in xs.windows(2).zip(&mut sums) {
                    let ([left, right], [top, bottom]) = (columns, rows) else {
                        continue;
                    };
                    let area = ((right - left) * (bottom - top)).max(1);
                    means.push(((*sum * 2 + area / 2) / area) as i32);
                }
            }
        }
        means
    }
}

/// Into how many parts a length is cut by a side; at least one.
const fn parts(length: usize, side: usize) -> usize {
    let parts = length / side;
    if parts == 0 { 1 } else { parts }
}

/// How samples lie over the signed picture.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lie {
    /// They cover it, whatever their number.
    Fitted,
    /// One for each square of 8 by 8 stored pixels, the first one cut off to this phase.
    Blocks(Phase),
}

impl Lie {
    /// Where an edge lies among samples, in 256ths.
    const fn place(self, edge: usize, axis: u8, side: usize, samples: usize) -> u64 {
        match self {
            Self::Fitted => ((edge * samples) as u64 * 256) / side as u64,
            Self::Blocks((x, y)) => {
                let phase = if axis == 0 { x } else { y };
                (edge + (8 - phase % 8) % 8) as u64 * 256 / 8
            }
        }
    }
}

/// A mean as it is stored.
pub(crate) fn coarse(mean: i32) -> u8 {
    (mean / STEP).clamp(0, (1 << BITS) - 1) as u8
}

/// Six bits each, the highest first, filled up with zeros.
pub(crate) fn pack(values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; (values.len() * BITS).div_ceil(8)];
    for (number, value) in values.iter().enumerate() {
        for bit in 0..BITS {
            let at = number * BITS + bit;
            if let Some(byte) = bytes.get_mut(at / 8) {
                *byte |= (value >> (BITS - 1 - bit) & 1) << (7 - at % 8);
            }
        }
    }
    bytes
}

/// The other way.
pub(crate) fn unpack(bytes: &[u8], count: usize) -> Vec<u8> {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    (0..count)
        .map(|number| (0..BITS).fold(0, |value, at| value << 1 | bit(number * BITS + at)))
        .collect()
}

/// How far each cell's mean lies outside the step that was signed, in 16ths of a level, after the change of all brightness that explains most.
///
/// Three ways to store brightness are tried, full range, limited range taken for full and the other way round (ITU-T T.871, BT.601), each
/// shifted by at most three levels. What a person would call brighter or darker is more than that.
pub(crate) fn deviations(signed: &[u8], means: &[i32]) -> Vec<i32> {
    let ranges: [fn(i32) -> i32; 3] = [
        |mean| mean,
        |mean| (mean - 16 * LEVEL) * 255 / 219,
        |mean| mean * 219 / 255 + 16 * LEVEL,
    ];
    let mut best: Option<(i32, Vec<i32>)> = None;
    for range in ranges {
        for shift in [0, -1, 1, -2, 2, -3, 3] {
            let deviations: Vec<i32> = signed
                .iter()
                .zip(means)
                .map(|(signed, mean)| {
                    let low = i32::from(*signed) * STEP;
                    let mean = range(*mean) + shift * LEVEL;
                    // what lies below black or above white is black or white
                    let mean = mean.clamp(0, 255 * LEVEL);
                    (low - mean).max(mean - low - (STEP - 1)).max(0)
                })
                .collect();
            // one that is far off says no more than one that is off
            let cost = deviations.iter().map(|d| (*d).min(16 * LEVEL)).sum();
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, deviations));
            }
        }
    }
    best.map(|(_, deviations)| deviations).unwrap_or_default()
}
