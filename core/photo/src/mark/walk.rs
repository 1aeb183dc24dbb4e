//! The means of a picture as it lies in its file: the first coefficient of a block is its mean, so no block has to be decoded.

use super::digest::{Cells, Lie, Phase};
use crate::jpeg::blocks::{Decoders, Walker};
use crate::jpeg::{Broken, Jpeg};
use crate::turn::Turn;

/// Where the squares of 8 by 8 stored pixels begin in the picture as it is shown.
pub(crate) const fn phase(turn: Turn) -> Phase {
    let corner = turn.stored(0, 0);
    let (x, y) = (begins(corner.0), begins(corner.1));
    if turn.is_transposed() { (y, x) } else { (x, y) }
}

/// A mirrored side begins with what its last square has.
const fn begins(at: usize) -> usize {
    if at == 0 { 0 } else { (at + 1) % 8 }
}

/// The mean of each cell.
pub(crate) fn means(jpeg: &Jpeg<'_>, turn: Turn, cells: &Cells) -> Result<Vec<i32>, Broken> {
    let squares = Squares::read(jpeg)?;
    let phase = phase(turn);
    let cut = ((8 - phase.0) % 8, (8 - phase.1) % 8);
    let shown = turn.shown();
    let (across, down) = ((shown.0 + cut.0).div_ceil(8), (shown.1 + cut.1).div_ceil(8));
    let row = |y: usize, out: &mut Vec<u32>| {
        let y = (y * 8).saturating_sub(cut.1);
        out.extend((0..across).map(|x| {
            let (x, y) = turn.stored((x * 8).saturating_sub(cut.0), y);
            squares.at(x / 8, y / 8)
        }));
    };
    Ok(cells.means((across, down), Lie::Blocks(phase), row))
}

/// The mean brightness of each square of 8 by 8 pixels, as they are stored, in 8ths of a level.
struct Squares {
    across: usize,
    /// Around zero.
    values: Vec<i16>,
}

impl Squares {
    fn at(&self, x: usize, y: usize) -> u32 {
        let value = self.values.get(y * self.across + x).copied();
        u32::try_from((i32::from(value.unwrap_or_default()) + 1024).clamp(0, 2040)).unwrap_or(0)
    }

    fn read(jpeg: &Jpeg<'_>) -> Result<Self, Broken> {
        let (wide, high) = (jpeg.mcu_width / 8, jpeg.mcu_height / 8);
        let across = jpeg.across * wide;
        let mut squares = Self {
            across,
            values: vec![0; across * jpeg.down * high],
        };
        // JFIF 1.02, times 2^16
        let weights = if jpeg.is_rgb() {
            [19_595, 38_470, 7_471]
        } else {
            [1 << 16, 0, 0]
        };
        // each block of an MCU: what its first coefficient counts for, and the squares that it covers
        let mut plan = Vec::new();
        for (component, weight) in jpeg.components.iter().zip(weights) {
            let quant = jpeg.quant.get(component.quant).copied().flatten();
            let [step, ..] = quant.ok_or(Broken::QuantTable)?;
            let (w, h) = (wide / component.h, high / component.v);
            for y in 0..component.v {
                for x in 0..component.h {
                    plan.push((
                        i64::from(step) * weight,
                        x * w..(x + 1) * w,
                        y * h..(y + 1) * h,
                    ));
                }
            }
        }
        let decoders = Decoders::new(jpeg)?;
        let mut walker = Walker::new(jpeg, &decoders)?;
        walker.note_means(jpeg.across * jpeg.down, &mut |mcu, block, dc| {
            let Some((weight, columns, rows)) = plan.get(block) else {
                return;
            };
            if *weight == 0 {
                return;
            }
            let part = (i64::from(dc) * weight + (1 << 15)) >> 16;
            let part = i16::try_from(part.clamp(-1024, 1016)).unwrap_or_default();
            let (left, top) = (mcu % jpeg.across * wide, mcu / jpeg.across * high);
            for y in rows.clone() {
                for x in columns.clone() {
                    if let Some(value) = squares.values.get_mut((top + y) * across + left + x) {
                        *value = value.saturating_add(part);
                    }
                }
            }
        })?;
        Ok(squares)
    }
}
