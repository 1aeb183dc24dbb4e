//! Where the plate stands and how large the letters are.

use crate::error::Error;
use crate::font::Fonts;
use crate::template::{Shape, Template};
use crate::text::{Block, Line, Sizes};
use crate::turn::Rect;

/// Below this an em is no longer readable: Chinese characters have up to thirty strokes.
const LEAST_EM: usize = 10;

/// A stamp covers at most one part in so many of the picture's height.
const MOST_HEIGHT: usize = 4;

/// Text in its place.
pub(crate) struct Layout {
    /// The plate, in the picture as it is shown.
    pub(crate) plate: Rect,
    pub(crate) text: Block,
    /// Pixels.
    pub(crate) em: u32,
    /// The white square of the code, which stands at the end of the plate away from the text.
    pub(crate) square: Option<Rect>,
}

impl Layout {
    /// The part of the plate that is the text's.
    pub(crate) const fn text_area(&self) -> Rect {
        let plate = self.plate;
        match self.square {
            None => plate,
            // it may stand a little inside at its own end
            Some(square) if square.left + square.right > plate.left + plate.right => Rect {
                right: square.left,
                ..plate
            },
            Some(square) => Rect {
                left: square.right,
                ..plate
            },
        }
    }

    /// The square in the plate, which may have grown, and as far from its end as from its other sides.
    fn with_square(mut self, side: usize, to_the_right: bool) -> Self {
        let plate = self.plate;
        let top = plate.top + plate.height().saturating_sub(side) / 2;
        let inset = (plate.height().saturating_sub(side) / 2).min(side / 16);
        let left = if to_the_right {
            plate.right.saturating_sub(side + inset)
        } else {
            plate.left + inset
        };
        self.square = (side > 0).then_some(Rect {
            left,
            top,
            right: left + side,
            bottom: top + side,
        });
        self
    }
}

/// The size that a template asks for on a picture of this size, in pixels.
fn wanted_em(template: &Template, (width, height): (usize, usize)) -> usize {
    (width.min(height) * usize::from(template.text_permille) / 1000).max(LEAST_EM)
}

/// Places the text on a picture of this size, and beside it a code with sides of so many pixels (0: none); `snap` makes a plate as large as it has to be.
pub(crate) fn on_picture(
    fonts: &Fonts<'_>,
    lines: &[Line],
    template: &Template,
    code: usize,
    (width, height): (usize, usize),
    snap: impl Fn(Rect) -> Rect,
) -> Result<Layout, Error> {
    let too_small = Error::TooSmall { width, height };
    if width < LEAST_EM * 4 || height < LEAST_EM * 4 {
        return Err(too_small);
    }
    let mut em = wanted_em(template, (width, height));
    // the square may stand a little inside
    let beside = code + code / 16;
    if beside * 2 > width || code * MOST_HEIGHT > height {
        return Err(too_small);
    }
    loop {
        let sizes = Sizes {
            em: u32::try_from(em).unwrap_or(u32::MAX),
        };
        let text = Block::set(fonts, lines, sizes, width - beside);
        let high = text.height().max(code);
        let wide = match template.shape {
            Shape::Band => width,
            Shape::Block => (text.width() + beside).min(width),
        };
        if high <= height {
            let plate = snap(corner(template, (wide, high), (width, height)));
            if plate.height() * MOST_HEIGHT <= height {
                let layout = Layout {
                    plate,
                    text,
                    em: sizes.em,
                    square: None,
                };
                return Ok(layout.with_square(code, !template.corner.right()));
            }
        }
        if em <= LEAST_EM {
            return Err(too_small);
        }
        em = (em * 24 / 25).min(em - 1).max(LEAST_EM);
    }
}

fn corner(template: &Template, plate: (usize, usize), picture: (usize, usize)) -> Rect {
    let left = if template.corner.right() {
        picture.0 - plate.0
    } else {
        0
    };
    let top = if template.corner.top() {
        0
    } else {
        picture.1 - plate.1
    };
    Rect {
        left,
        top,
        right: left + plate.0,
        bottom: top + plate.1,
    }
}

/// Text on a strip of its own beside a picture of this size, as wide as the picture; the strip starts at (0, 0).
pub(crate) fn beside_picture(
    fonts: &Fonts<'_>,
    lines: &[Line],
    template: &Template,
    code: usize,
    (width, height): (usize, usize),
) -> Result<Layout, Error> {
    let beside = code + code / 16;
    if width < LEAST_EM * 4 || beside * 2 > width {
        return Err(Error::TooSmall { width, height });
    }
    let em = u32::try_from(wanted_em(template, (width, height))).unwrap_or(u32::MAX);
    let text = Block::set(fonts, lines, Sizes { em }, width - beside);
    let layout = Layout {
        plate: Rect {
            left: 0,
            top: 0,
            right: width,
            // a whole number of MCUs of 4:2:0, so that the edge is sharp
            bottom: text.height().max(code).next_multiple_of(16),
        },
        text,
        em,
        square: None,
    };
    Ok(layout.with_square(code, !template.corner.right()))
}
