//! Letters as coverage, in integers only: the same pixels on every machine.
//!
//! The font's outlines are scaled to 1/256 of a pixel and flattened; each edge then adds to every pixel that it crosses exactly the area
//! between itself and the pixel's right side, as FreeType's smooth rasteriser does.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "coordinates are bounded by the size of a letter, at most some thousand pixels"
)]

use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// Noto Sans SC, medium: GB 2312, Latin, punctuation, and characters of names that GB 2312 lacks. 2.3 MB, SIL Open Font License 1.1 (`assets/OFL.txt`).
const EMBEDDED: &[u8] = include_bytes!("../assets/noto-sans-sc-gb2312.ttf");

/// One pixel.
pub(crate) const ONE: i32 = 256;

/// Shown where no font has the character, so that its absence is seen: U+25A1, a square.
const MISSING: char = '□';

/// The fonts to draw with, in the order in which they are asked.
pub(crate) struct Fonts<'f> {
    faces: Vec<Face<'f>>,
}

/// A letter found in a font.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letter {
    face: usize,
    glyph: GlyphId,
}

impl<'f> Fonts<'f> {
    /// The embedded font, and behind it the device's own where one is given. `Err` when that one cannot be read.
    pub(crate) fn new(device: Option<&'f [u8]>) -> Result<Self, ttf_parser::FaceParsingError> {
        let mut faces = vec![Face::parse(EMBEDDED, 0)?];
        if let Some(device) = device {
            faces.push(Face::parse(device, 0)?);
        }
        Ok(Self { faces })
    }

    /// The letter, or the sign for a missing one together with `false`.
    pub(crate) fn letter(&self, character: char) -> (Letter, bool) {
        match self.find(character) {
            Some(letter) => (letter, true),
            None => (
                self.find(MISSING).unwrap_or(Letter {
                    face: 0,
                    glyph: GlyphId(0),
                }),
                false,
            ),
        }
    }

    fn find(&self, character: char) -> Option<Letter> {
        self.faces.iter().enumerate().find_map(|(face, font)| {
            let glyph = font.glyph_index(character)?;
            Some(Letter { face, glyph })
        })
    }

    /// How far the pen moves, in 1/256 of a pixel, at this size in pixels.
    pub(crate) fn advance(&self, letter: Letter, size: u32) -> i32 {
        let Some(face) = self.faces.get(letter.face) else {
            return 0;
        };
        let units = i64::from(face.glyph_hor_advance(letter.glyph).unwrap_or_default());
        (units * i64::from(size) * i64::from(ONE) / i64::from(face.units_per_em().max(1))) as i32
    }

    /// Draws a letter with its origin at (x, y), in 1/256 of a pixel with y downwards: `dot` gets column, row and coverage of each pixel.
    pub(crate) fn draw(
        &self,
        letter: Letter,
        size: u32,
        (x, y): (i32, i32),
        raster: &mut Raster,
        dot: impl FnMut(i32, i32, u8),
    ) {
        let Some(face) = self.faces.get(letter.face) else {
            return;
        };
        raster.clear(Scale {
            size: size.into(),
            units: face.units_per_em().max(1).into(),
            x: x.rem_euclid(ONE),
            y: y.rem_euclid(ONE),
        });
        let _ = face.outline_glyph(letter.glyph, raster);
        raster.fill((x.div_euclid(ONE), y.div_euclid(ONE)), dot);
    }
}

/// From font units to 1/256 of a pixel.
#[derive(Debug, Clone, Copy)]
struct Scale {
    size: i64,
    units: i64,
    x: i32,
    y: i32,
}

impl Scale {
    fn of(&self, x: f32, y: f32) -> (i32, i32) {
        // a font's coordinates are whole numbers, the points between two of them halves; 64ths hold both exactly
        let fixed = |value: f32| {
            let sixty_fourths = (value * 64.0) as i64;
            (sixty_fourths * self.size * i64::from(ONE)).div_euclid(self.units * 64) as i32
        };
        (fixed(x) + self.x, self.y - fixed(y))
    }
}

/// The edges of one letter, and the pixels under them. Kept between letters for its memory.
#[derive(Debug)]
pub(crate) struct Raster {
    scale: Scale,
    edges: Vec<((i32, i32), (i32, i32))>,
    start: (i32, i32),
    pen: (i32, i32),
    /// For each pixel the height of the edges in it, and twice the area to their left.
    cells: Vec<(i32, i32)>,
}

impl Default for Raster {
    fn default() -> Self {
        Self {
            scale: Scale {
                size: 1,
                units: 1,
                x: 0,
                y: 0,
            },
            edges: Vec::new(),
            start: (0, 0),
            pen: (0, 0),
            cells: Vec::new(),
        }
    }
}

/// Curves are flattened to within 1/16 of a pixel.
const FLATNESS: u32 = 16;

/// A letter may be this many times as wide or high as its size; what a broken font draws beyond is left out.
const MAX_SPREAD: i32 = 4;

impl Raster {
    fn clear(&mut self, scale: Scale) {
        self.scale = scale;
        self.edges.clear();
        self.start = (0, 0);
        self.pen = (0, 0);
    }

    fn to(&mut self, point: (i32, i32)) {
        if point.1 != self.pen.1 {
            self.edges.push((self.pen, point));
        }
        self.pen = point;
    }

    fn fill(&mut self, origin: (i32, i32), mut dot: impl FnMut(i32, i32, u8)) {
        let points = || self.edges.iter().flat_map(|(a, b)| [*a, *b]);
        let left = points().map(|p| p.0).min().unwrap_or(0).div_euclid(ONE);
        let top = points().map(|p| p.1).min().unwrap_or(0).div_euclid(ONE);
        let right = points().map(|p| p.0).max().unwrap_or(0).div_euclid(ONE) + 1;
        let bottom = points().map(|p| p.1).max().unwrap_or(0).div_euclid(ONE) + 1;
        let limit = self.scale.size as i32 * MAX_SPREAD;
        if right - left > limit || bottom - top > limit {
            return;
        }
        let width = (right - left) as usize;
        self.cells.clear();
        self.cells.resize(width * (bottom - top) as usize, (0, 0));
        let edges = std::mem::take(&mut self.edges);
        for ((x0, y0), (x1, y1)) in &edges {
            let shift = |x: i32, y: i32| (x - left * ONE, y - top * ONE);
            self.edge(shift(*x0, *y0), shift(*x1, *y1), width);
        }
        self.edges = edges;
        for (row, line) in (0..).zip(self.cells.chunks_exact(width.max(1))) {
            let mut height = 0;
            for (column, (cover, area)) in (0..).zip(line) {
                height += cover;
                // 2 * 256 * 256 is a whole pixel
                let value = (height * 2 * ONE - area).abs();
                let coverage = ((value * 255 + ONE * ONE) / (2 * ONE * ONE)).min(255) as u8;
                if coverage > 0 {
                    dot(origin.0 + left + column, origin.1 + top + row, coverage);
                }
            }
        }
    }

    fn edge(&mut self, from: (i32, i32), to: (i32, i32), width: usize) {
        let (sign, (x0, y0), (x1, y1)) = if from.1 < to.1 {
            (1, from, to)
        } else {
            (-1, to, from)
        };
        let (mut x, mut y) = (x0, y0);
        while y < y1 {
            let row = y / ONE;
            let next = ((row + 1) * ONE).min(y1);
            let next_x = if next == y1 {
                x1
            } else {
                x0 + (i64::from(x1 - x0) * i64::from(next - y0) / i64::from(y1 - y0)) as i32
            };
            let line = self
                .cells
                .chunks_exact_mut(width.max(1))
                .nth(row as usize)
                .unwrap_or_default();
            piece(line, x.min(next_x), x.max(next_x), next - y, sign);
            (x, y) = (next_x, next);
        }
    }
}

/// A piece of an edge inside one row of pixels, from `left` to `right` over this height.
fn piece(line: &mut [(i32, i32)], left: i32, right: i32, height: i32, sign: i32) {
    let mut x = left;
    let mut done = 0;
    loop {
        let column = x / ONE;
        let next = ((column + 1) * ONE).min(right);
        let upto = if next == right {
            height
        } else {
            height * (next - left) / (right - left)
        };
        if let Some((cover, area)) = line.get_mut(column as usize) {
            let part = sign * (upto - done);
            *cover += part;
            *area += part * ((x - column * ONE) + (next - column * ONE));
        }
        if next == right {
            return;
        }
        (x, done) = (next, upto);
    }
}

impl OutlineBuilder for Raster {
    fn move_to(&mut self, x: f32, y: f32) {
        self.start = self.scale.of(x, y);
        self.pen = self.start;
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.to(self.scale.of(x, y));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (a, b, c) = (self.pen, self.scale.of(x1, y1), self.scale.of(x, y));
        let bend = (a.0 - 2 * b.0 + c.0).unsigned_abs() + (a.1 - 2 * b.1 + c.1).unsigned_abs();
        // the curve leaves its chord by a quarter of the bend, and by that over n² with n chords
        let steps = i64::from((bend / (4 * FLATNESS)).isqrt() + 1);
        for step in 1..=steps {
            let (t, u) = (step, steps - step);
            let at = |a: i32, b: i32, c: i32| {
                let sum = i64::from(a) * u * u + 2 * i64::from(b) * u * t + i64::from(c) * t * t;
                sum.div_euclid(steps * steps) as i32
            };
            self.to((at(a.0, b.0, c.0), at(a.1, b.1, c.1)));
        }
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (a, b) = (self.pen, self.scale.of(x1, y1));
        let (c, d) = (self.scale.of(x2, y2), self.scale.of(x, y));
        let bend = (a.0 - 2 * b.0 + c.0)
            .unsigned_abs()
            .max((b.0 - 2 * c.0 + d.0).unsigned_abs())
            + (a.1 - 2 * b.1 + c.1)
                .unsigned_abs()
                .max((b.1 - 2 * c.1 + d.1).unsigned_abs());
        let steps = i64::from((bend / FLATNESS).isqrt() + 1);
        for step in 1..=steps {
            let (t, u) = (step, steps - step);
            let at = |a: i32, b: i32, c: i32, d: i32| {
                let (a, b, c, d) = (i64::from(a), i64::from(b), i64::from(c), i64::from(d));
                let sum = a * u * u * u + 3 * b * u * u * t + 3 * c * u * t * t + d * t * t * t;
                sum.div_euclid(steps * steps * steps) as i32
            };
            self.to((at(a.0, b.0, c.0, d.0), at(a.1, b.1, c.1, d.1)));
        }
    }

    fn close(&mut self) {
        self.to(self.start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_covers_exactly_its_area() {
        let mut raster = Raster::default();
        raster.clear(Scale {
            size: 10,
            units: 10,
            x: 0,
            y: 0,
        });
        // from (1, -1) to (3.5, -3.5) in pixels
        raster.move_to(1.0, 1.0);
        raster.line_to(3.5, 1.0);
        raster.line_to(3.5, 3.5);
        raster.line_to(1.0, 3.5);
        raster.close();
        let mut seen = Vec::new();
        raster.fill((0, 0), |x, y, coverage| seen.push((x, y, coverage)));
        let full: Vec<_> = seen.iter().filter(|dot| dot.2 == 255).collect();
        assert_eq!(
            full,
            [&(1, -3, 255), &(2, -3, 255), &(1, -2, 255), &(2, -2, 255)]
        );
        let half: Vec<_> = seen
            .iter()
            .filter(|dot| dot.2 == 128)
            .count()
            .to_string()
            .chars()
            .collect();
        assert_eq!((half.as_slice(), seen.len()), (['4'].as_slice(), 9));
        assert!(seen.contains(&(3, -4, 64)), "{seen:?}");
    }

    #[test]
    fn letters_keep_their_shape_on_every_machine() {
        let fonts = Fonts::new(None).unwrap();
        let mut raster = Raster::default();
        let mut sum = 0_u64;
        let mut pen = 0;
        for character in "浙江省杭州市西湖区文三路478号 30.274085°N".chars() {
            let (letter, known) = fonts.letter(character);
            assert!(known, "{character}");
            fonts.draw(
                letter,
                40,
                (pen, 40 * ONE),
                &mut raster,
                |x, y, coverage| {
                    let at = u64::from(x.cast_unsigned()) * 31 + u64::from(y.cast_unsigned()) * 7;
                    sum = sum.wrapping_add(at.wrapping_mul(coverage.into()));
                },
            );
            pen += fonts.advance(letter, 40);
        }
        // whoever changes the font or the way it is drawn changes this number, and no other machine may
        assert_eq!((pen, sum), (214_129, 32_073_951_139));
    }

    #[test]
    fn names_that_gb_2312_lacks_can_be_written_and_what_is_missing_is_told() {
        let fonts = Fonts::new(None).unwrap();
        for character in "喆堃玥璟犇瑢珺镕䶮𬭎±°′″№㎡".chars() {
            assert!(fonts.letter(character).1, "{character}");
        }
        assert!(!fonts.letter('\u{1F600}').1);
        assert!(!fonts.letter('ใ').1);
    }
}
