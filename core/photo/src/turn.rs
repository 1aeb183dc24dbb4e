//! The eight ways a picture can lie in its file (EXIF orientation, tag 0x0112).

/// A rectangle in pixels; right and bottom are outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rect {
    /// The first column.
    pub left: usize,
    /// The first row.
    pub top: usize,
    /// The column after the last.
    pub right: usize,
    /// The row after the last.
    pub bottom: usize,
}

impl Rect {
    /// Columns.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.right.saturating_sub(self.left)
    }

    /// Rows.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.bottom.saturating_sub(self.top)
    }
}

/// Pixels of a tile, each way.
const TILE: usize = 8;

/// How what is shown is found in what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    transposed: bool,
    mirrored_x: bool,
    mirrored_y: bool,
    /// Of what is stored.
    width: usize,
    height: usize,
}

/// Rows as columns. In words of eight bytes: squares of 1, 2 and 4 change places across the diagonal.
#[inline(always)]
pub(crate) fn transposed(tile: [[u8; TILE]; TILE]) -> [[u8; TILE]; TILE] {
    let [a, b, c, d, e, f, g, h] = tile.map(u64::from_le_bytes);
    let swap = |upper: u64, lower: u64, bits: u32, mask: u64| {
        let changed = (upper >> bits ^ lower) & mask;
        (upper ^ changed << bits, lower ^ changed)
    };
    const ONES: u64 = 0x00FF_00FF_00FF_00FF;
    const TWOS: u64 = 0x0000_FFFF_0000_FFFF;
    const FOURS: u64 = 0x0000_0000_FFFF_FFFF;
    let ((a, b), (c, d)) = (swap(a, b, 8, ONES), swap(c, d, 8, ONES));
    let ((e, f), (g, h)) = (swap(e, f, 8, ONES), swap(g, h, 8, ONES));
    let ((a, c), (b, d)) = (swap(a, c, 16, TWOS), swap(b, d, 16, TWOS));
    let ((e, g), (f, h)) = (swap(e, g, 16, TWOS), swap(f, h, 16, TWOS));
    let ((a, e), (b, f)) = (swap(a, e, 32, FOURS), swap(b, f, 32, FOURS));
    let ((c, g), (d, h)) = (swap(c, g, 32, FOURS), swap(d, h, 32, FOURS));
    [a, b, c, d, e, f, g, h].map(u64::to_le_bytes)
}

impl Turn {
    /// For a stored picture of this size. An orientation that does not exist counts as upright, as viewers take it.
    pub(crate) const fn new(orientation: u16, width: usize, height: usize) -> Self {
        let (transposed, mirrored_x, mirrored_y) = match orientation {
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, false, true),
            7 => (true, true, true),
            8 => (true, true, false),
            _ => (false, false, false),
        };
        Self {
            transposed,
            mirrored_x,
            mirrored_y,
            width,
            height,
        }
    }

    /// Width and height as shown.
    pub(crate) const fn shown(&self) -> (usize, usize) {
        if self.transposed {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        }
    }

    /// Whether rows are stored as columns.
    pub(crate) const fn is_transposed(&self) -> bool {
        self.transposed
    }

    /// The stored pixel that is shown at (x, y).
    #[inline(always)]
    pub(crate) const fn stored(&self, x: usize, y: usize) -> (usize, usize) {
        let (x, y) = if self.transposed { (y, x) } else { (x, y) };
        (
            if self.mirrored_x {
                (self.width - 1).wrapping_sub(x)
            } else {
                x
            },
            if self.mirrored_y {
                (self.height - 1).wrapping_sub(y)
            } else {
                y
            },
        )
    }

    /// Turns a stored picture, row by row, into what is shown. By tiles, as what lies side by side in one lies far apart in the other.
    pub(crate) fn turn(&self, stored: &[u8], shown: &mut [u8]) {
        let (width, height) = self.shown();
        if width == 0 || self.width == 0 {
            return;
        }
        if !self.transposed {
            for (y, line) in shown.chunks_exact_mut(width).enumerate() {
                let (_, from) = self.stored(0, y);
                let Some(from) = stored.get(from * width..(from + 1) * width) else {
                    continue;
                };
                line.copy_from_slice(from);
                if self.mirrored_x {
                    line.reverse();
                }
            }
            return;
        }
        for top in (0..height).step_by(TILE) {
            let rows = top..(top + TILE).min(height);
            for left in (0..width).step_by(TILE) {
                let columns = left..(left + TILE).min(width);
                if rows.len() == TILE && columns.len() == TILE {
                    self.tile(stored, shown, (left, top));
                    continue;
                }
                for y in rows.clone() {
                    for x in columns.clone() {
                        let (from_x, from_y) = self.stored(x, y);
                        if let (Some(to), Some(from)) = (
                            shown.get_mut(y * width + x),
                            stored.get(from_y * self.width + from_x),
                        ) {
                            *to = *from;
                        }
                    }
                }
            }
        }
    }

    /// A whole tile of a picture that is transposed.
    fn tile(&self, stored: &[u8], shown: &mut [u8], (left, top): (usize, usize)) {
        let width = self.height;
        // a column of the tile is a row of what is stored, either way round
        let mut tile = [[0_u8; TILE]; TILE];
        for (x, column) in (left..).zip(&mut tile) {
            let (a, row) = self.stored(x, top);
            let (b, _) = self.stored(x, top + TILE - 1);
            if let Some(from) = stored
                .get(row * self.width + a.min(b)..)
                .and_then(|rest| rest.first_chunk())
            {
                *column = *from;
            }
        }
        let mut rows = transposed(tile);
        if self.mirrored_x {
            rows.reverse();
        }
        for (y, row) in (top..).zip(rows) {
            if let Some(to) = shown
                .get_mut(y * width + left..)
                .and_then(|rest| rest.first_chunk_mut())
            {
                *to = row;
            }
        }
    }

    /// The stored rectangle of a shown one that lies inside the picture and is not empty.
    pub(crate) fn stored_rect(&self, shown: Rect) -> Rect {
        let a = self.stored(shown.left, shown.top);
        let b = self.stored(
            shown.right.saturating_sub(1),
            shown.bottom.saturating_sub(1),
        );
        Rect {
            left: a.0.min(b.0),
            top: a.1.min(b.1),
            right: a.0.max(b.0) + 1,
            bottom: a.1.max(b.1) + 1,
        }
    }

    /// The shown rectangle of a stored one, likewise.
    pub(crate) fn shown_rect(&self, stored: Rect) -> Rect {
        self.back().stored_rect(stored)
    }

    /// The turn that leads from what is stored to what is shown.
    const fn back(&self) -> Self {
        let (width, height) = self.shown();
        let (mirrored_x, mirrored_y) = if self.transposed {
            (self.mirrored_y, self.mirrored_x)
        } else {
            (self.mirrored_x, self.mirrored_y)
        };
        Self {
            transposed: self.transposed,
            mirrored_x,
            mirrored_y,
            width,
            height,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A letter F of 3x5, in the eight orientations of a well-known test chart.
    const F: [&str; 5] = ["###", "#..", "##.", "#..", "#.."];

    #[test]
    fn the_letter_f_stands_upright_in_every_orientation() {
        // what is stored for each orientation, so that the letter is shown upright (TIFF 6.0: where row 0 and column 0 of the file lie)
        let stored: [&[&str]; 8] = [
            &["###", "#..", "##.", "#..", "#.."],
            &["###", "..#", ".##", "..#", "..#"],
            &["..#", "..#", ".##", "..#", "###"],
            &["#..", "#..", "##.", "#..", "###"],
            &["#####", "#.#..", "#...."],
            &["#....", "#.#..", "#####"],
            &["....#", "..#.#", "#####"],
            &["#####", "..#.#", "....#"],
        ];
        for (orientation, rows) in (1..).zip(stored) {
            let turn = Turn::new(orientation, rows[0].len(), rows.len());
            assert_eq!(turn.shown(), (3, 5));
            for (y, line) in F.iter().enumerate() {
                for (x, pixel) in line.bytes().enumerate() {
                    let (sx, sy) = turn.stored(x, y);
                    assert_eq!(rows[sy].as_bytes()[sx], pixel, "{orientation} {x},{y}");
                }
            }
            let shown = Rect {
                left: 0,
                top: 3,
                right: 2,
                bottom: 5,
            };
            assert_eq!(turn.shown_rect(turn.stored_rect(shown)), shown);
        }
    }

    proptest! {
        #[test]
        fn a_picture_turned_by_tiles_is_one_turned_pixel_by_pixel(
            orientation in 0_u16..10,
            (width, height) in (1_usize..70, 1_usize..70),
            seed in any::<u8>(),
        ) {
            let stored: Vec<u8> = (0..width * height).map(|at| (at * 31 / 7).to_le_bytes()[0] ^ seed).collect();
            let turn = Turn::new(orientation, width, height);
            let (wide, high) = turn.shown();
            let mut shown = vec![0; stored.len()];
            turn.turn(&stored, &mut shown);
            for y in 0..high {
                for x in 0..wide {
                    let (from_x, from_y) = turn.stored(x, y);
                    prop_assert_eq!(shown[y * wide + x], stored[from_y * width + from_x]);
                }
            }
        }
    }
}
