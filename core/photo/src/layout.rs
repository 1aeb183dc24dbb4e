//! Where the plate stands and how large the letters are.

use crate::error::Error;
use crate::font::Fonts;
use crate::logo;
use crate::planes::Plane;
use crate::template::{Shape, Template};
use crate::text::{Block, Line, Sizes};
use crate::turn::Rect;

/// Below this an em is no longer readable: Chinese characters have up to thirty strokes.
const LEAST_EM: usize = 10;

/// A stamp covers at most one part in so many of the picture's height.
const MOST_HEIGHT: usize = 4;

/// A logo is at most so many times as high as letters, and one part in so many of the picture's width.
const LOGO_EMS: usize = 4;
const LOGO_WIDTH: usize = 5;

/// A logo in its place, and how much of each of its pixels is drawn.
pub(crate) struct PlacedLogo {
    rect: Rect,
    ink: Plane,
}

/// Text in its place.
pub(crate) struct Layout {
    /// The plate, in the picture as it is shown.
    pub(crate) plate: Rect,
    pub(crate) text: Block,
    /// Pixels.
    pub(crate) em: u32,
    /// The white square of the code, which stands at the end of the plate away from the text.
    pub(crate) square: Option<Rect>,
    /// The logo beside it.
    logo: Option<PlacedLogo>,
}

impl Layout {
    /// Draws text and logo: `dot` gets each pixel of the picture as it is shown, and how much of it is letter.
    pub(crate) fn draw(
        &self,
        fonts: &Fonts<'_>,
        template: &Template,
        mut dot: impl FnMut(usize, usize, u8),
    ) {
        let area = self.text_area();
        self.text.draw(
            fonts,
            (area.width(), area.height()),
            template.corner.right(),
            |x, y, coverage| dot(area.left + x, area.top + y, coverage),
        );
        if let Some(PlacedLogo { rect, ink }) = &self.logo {
            for y in 0..rect.height() {
                for (x, coverage) in ink.row(y).iter().enumerate() {
                    dot(rect.left + x, rect.top + y, *coverage);
                }
            }
        }
    }

    /// The same farther down.
    pub(crate) fn lowered(self, down: usize) -> Self {
        let lower = |rect: Rect| Rect {
            top: rect.top + down,
            bottom: rect.bottom + down,
            ..rect
        };
        Self {
            plate: lower(self.plate),
            square: self.square.map(lower),
            logo: self.logo.map(|logo| PlacedLogo {
                rect: lower(logo.rect),
                ..logo
            }),
            ..self
        }
    }

    /// The part of the plate that is the text's.
    fn text_area(&self) -> Rect {
        let logo = self.logo.as_ref().map(|logo| logo.rect);
        let mut area = self.plate;
        for taken in [self.square, logo].into_iter().flatten() {
            // it may stand a little inside at its own end
            if taken.left + taken.right > self.plate.left + self.plate.right {
                area.right = area.right.min(taken.left);
            } else {
                area.left = area.left.max(taken.right);
            }
        }
        area
    }

    /// The logo, beside the square or where it would be.
    fn with_logo(mut self, ink: Option<Plane>, to_the_right: bool, gap: usize) -> Self {
        let Some(ink) = ink else { return self };
        let (plate, (width, height)) = (self.plate, (ink.width, ink.height));
        let left = if to_the_right {
            let end = self.square.map_or(plate.right, |square| square.left);
            end.saturating_sub(gap + width)
        } else {
            self.square.map_or(plate.left, |square| square.right) + gap
        };
        let top = plate.top + plate.height().saturating_sub(height) / 2;
        let rect = Rect {
            left,
            top,
            right: left + width,
            bottom: top + height,
        };
        self.logo = Some(PlacedLogo { rect, ink });
        self
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
    let square = code + code / 16;
    if square * 2 > width || code * MOST_HEIGHT > height {
        return Err(too_small);
    }
    let logo = ink_of(template)?;
    loop {
        let logo = logo.as_ref().map(|ink| sized(ink, em, width));
        let beside = square + logo.as_ref().map_or(0, |logo| logo.width + em);
        let sizes = Sizes {
            em: u32::try_from(em).unwrap_or(u32::MAX),
        };
        let text = Block::set(fonts, lines, sizes, width.saturating_sub(beside));
        let high = text.height().max(code);
        let high = logo
            .as_ref()
            .map_or(high, |logo| high.max(logo.height + em));
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
                    logo: None,
                };
                let away = !template.corner.right();
                return Ok(layout.with_square(code, away).with_logo(logo, away, em / 2));
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
    let square = code + code / 16;
    if width < LEAST_EM * 4 || square * 2 > width {
        return Err(Error::TooSmall { width, height });
    }
    let wanted = wanted_em(template, (width, height));
    let em = u32::try_from(wanted).unwrap_or(u32::MAX);
    let logo = ink_of(template)?.map(|ink| sized(&ink, wanted, width));
    let beside = square + logo.as_ref().map_or(0, |logo| logo.width + wanted);
    let text = Block::set(fonts, lines, Sizes { em }, width.saturating_sub(beside));
    let high = text.height().max(code);
    let high = logo
        .as_ref()
        .map_or(high, |logo| high.max(logo.height + wanted));
    let layout = Layout {
        plate: Rect {
            left: 0,
            top: 0,
            right: width,
            // a whole number of MCUs of 4:2:0, so that the edge is sharp
            bottom: high.next_multiple_of(16),
        },
        text,
        em,
        square: None,
        logo: None,
    };
    let away = !template.corner.right();
    Ok(layout
        .with_square(code, away)
        .with_logo(logo, away, wanted / 2))
}

fn ink_of(template: &Template) -> Result<Option<Plane>, Error> {
    template.logo.as_ref().map(|logo| logo.ink()).transpose()
}

/// The logo beside letters of this size on a picture of this width, never larger than it is.
fn sized(ink: &Plane, em: usize, width: usize) -> Plane {
    let (own_width, own_height) = (ink.width, ink.height);
    let high = own_height.min(em * LOGO_EMS);
    let most = (width / LOGO_WIDTH).max(1);
    // whichever of the two binds
    let (wide, high) = if own_width * high > most * own_height {
        (most.min(own_width), own_height * most / own_width)
    } else {
        (own_width * high / own_height, high)
    };
    logo::fitted(ink, (wide.max(1), high.max(1)))
}
