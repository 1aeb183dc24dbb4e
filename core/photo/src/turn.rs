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
}
