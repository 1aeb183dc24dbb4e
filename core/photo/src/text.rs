//! Lines of text in a box: where they break, how high they become, and how they get into a mask.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "pixels of a picture of at most 65,535 a side"
)]

use std::collections::BTreeSet;

use crate::font::{Fonts, Letter, ONE, Raster};

/// A line as it is given: it may become several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// Larger than the others.
    pub(crate) large: bool,
}

/// Sizes that follow from the size of the letters, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// An em.
    pub(crate) em: u32,
}

impl Sizes {
    const fn of(self, line: &Line) -> u32 {
        if line.large {
            self.em * 13 / 10
        } else {
            self.em
        }
    }

    /// From one base line to the next: 1.35 em, what Chinese needs to be read in lines.
    const fn height_of(self, line: &Line) -> usize {
        (self.of(line) * 27 / 20) as usize
    }

    /// Between the text and the plate's edges.
    pub(crate) const fn padding(self) -> usize {
        (self.em * 11 / 20) as usize
    }
}

/// A line that fits, with its letters and their places from its left end, in 1/256 of a pixel.
#[derive(Debug)]
struct Set {
    letters: Vec<(Letter, i32)>,
    width: i32,
    size: u32,
    height: usize,
}

/// Text that is broken into lines.
#[derive(Debug)]
pub(crate) struct Block {
    lines: Vec<Set>,
    padding: usize,
    /// Characters that no font has, in order.
    pub(crate) missing: BTreeSet<char>,
}

/// Must not begin a line (GB/T 15834: closing marks and marks that belong to what stands before).
const NOT_FIRST: &str = "、。，．：；？！）］｝〕】》〉」』”’…—～·,.:;?!)]}%°′″‰℃m";
/// Must not end one.
const NOT_LAST: &str = "（［｛〔【《〈「『“‘([{#№±";

/// Whether a line may break after any such character: Chinese is written without spaces.
const fn stands_alone(character: char) -> bool {
    matches!(character, '\u{2E80}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE4F}' | '\u{FF00}'..='\u{FFEF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Characters that are not drawn: controls, and marks that only say in which direction to write.
const fn is_drawn(character: char) -> bool {
    !matches!(character, '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

impl Block {
    /// Breaks the lines to fit into `width` pixels, padding included.
    pub(crate) fn set(fonts: &Fonts<'_>, lines: &[Line], sizes: Sizes, width: usize) -> Self {
        let room = (width.saturating_sub(2 * sizes.padding()) as i32).saturating_mul(ONE);
        let mut block = Self {
            lines: Vec::new(),
            padding: sizes.padding(),
            missing: BTreeSet::new(),
        };
        for line in lines {
            block.break_line(fonts, line, sizes, room);
        }
        block
    }

    fn break_line(&mut self, fonts: &Fonts<'_>, line: &Line, sizes: Sizes, room: i32) {
        let size = sizes.of(line);
        let letters: Vec<(char, Letter, i32)> = line
            .text
            .chars()
            .map(|character| {
                if character.is_whitespace() {
                    ' '
                } else {
                    character
                }
            })
            .filter(|character| is_drawn(*character))
            .map(|character| {
                let (letter, known) = fonts.letter(character);
                if !known {
                    self.missing.insert(character);
                }
                (character, letter, fonts.advance(letter, size))
            })
            .collect();
        let mut rest = letters.as_slice();
        loop {
            let (now, later) = first_line(rest, room);
            let mut pen = 0;
            let mut set = Vec::with_capacity(now.len());
            for (_, letter, advance) in now {
                set.push((*letter, pen));
                pen += advance;
            }
            self.lines.push(Set {
                letters: set,
                width: pen,
                size,
                height: sizes.height_of(line),
            });
            if later.is_empty() {
                return;
            }
            rest = later;
        }
    }

    /// The height of all lines with the padding, in pixels.
    pub(crate) fn height(&self) -> usize {
        self.lines.iter().map(|line| line.height).sum::<usize>() + 2 * self.padding
    }

    /// The width of the longest line with the padding, in pixels.
    pub(crate) fn width(&self) -> usize {
        let longest = self.lines.iter().map(|line| line.width).max().unwrap_or(0);
        (longest.max(0) / ONE) as usize + 1 + 2 * self.padding
    }

    /// Draws the text into a box of this size with its corner at (0, 0), the lines in the middle of its height: `dot` gets column, row and
    /// coverage.
    pub(crate) fn draw(
        &self,
        fonts: &Fonts<'_>,
        (width, height): (usize, usize),
        to_the_right: bool,
        mut dot: impl FnMut(usize, usize, u8),
    ) {
        let mut raster = Raster::default();
        let mut top = self.padding as i32 + (height.saturating_sub(self.height()) / 2) as i32;
        for line in &self.lines {
            let left = if to_the_right {
                (width as i32 - self.padding as i32) * ONE - line.width
            } else {
                self.padding as i32 * ONE
            };
            // letters of Chinese reach from about 0.88 em above the base line to 0.12 em below
            let em = line.size as i32;
            let base = (top + (line.height as i32 - em) / 2) * ONE + em * ONE * 22 / 25;
            for (letter, at) in &line.letters {
                fonts.draw(
                    *letter,
                    line.size,
                    (left + at, base),
                    &mut raster,
                    |x, y, coverage| {
                        if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y))
                            && x < width
                            && y < height
                        {
                            dot(x, y, coverage);
                        }
                    },
                );
            }
            top += line.height as i32;
        }
    }
}

type Measured = (char, Letter, i32);

/// As much as fits on a line, without the spaces at its end, and what is left. At least one character, so that it comes to an end.
fn first_line(letters: &[Measured], room: i32) -> (&[Measured], &[Measured]) {
    let mut width = 0_i32;
    let mut fits = 0;
    for (count, (_, _, advance)) in (1..).zip(letters) {
        width = width.saturating_add(*advance);
        if width > room {
            break;
        }
        fits = count;
    }
    if fits == letters.len() {
        return (letters, &[]);
    }
    let at = (1..=fits)
        .rev()
        .find(|at| may_break(letters, *at))
        .unwrap_or_else(|| fits.max(1));
    let (now, later) = letters.split_at_checked(at).unwrap_or((letters, &[]));
    let spaces = later.iter().take_while(|(c, ..)| *c == ' ').count();
    let end = now.iter().rev().take_while(|(c, ..)| *c == ' ').count();
    (
        now.get(..now.len() - end).unwrap_or(now),
        later.get(spaces..).unwrap_or_default(),
    )
}

/// Whether a line may end before the character at `at`.
fn may_break(letters: &[Measured], at: usize) -> bool {
    let character = |at: usize| letters.get(at).map(|(character, ..)| *character);
    let (Some(before), Some(after)) = (at.checked_sub(1).and_then(character), character(at)) else {
        return false;
    };
    if before == ' ' || after == ' ' {
        return true;
    }
    (stands_alone(before) || stands_alone(after) || before == '-' || before == '/')
        && !NOT_FIRST.contains(after)
        && !NOT_LAST.contains(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str, width: usize) -> Vec<String> {
        let fonts = Fonts::new(None).unwrap();
        let letters: Vec<Measured> = text
            .chars()
            .map(|c| (c, fonts.letter(c).0, 10 * ONE))
            .collect();
        let mut rest = letters.as_slice();
        let mut lines = Vec::new();
        while !rest.is_empty() {
            let (now, later) = first_line(rest, width as i32 * 10 * ONE);
            lines.push(now.iter().map(|(c, ..)| *c).collect());
            rest = later;
        }
        lines
    }

    #[test]
    fn chinese_breaks_anywhere_but_before_a_comma_and_after_a_bracket() {
        assert_eq!(
            broken("浙江省杭州市西湖区", 4),
            ["浙江省杭", "州市西湖", "区"]
        );
        assert_eq!(broken("杭州鑫源，商行", 4), ["杭州鑫", "源，商行"]);
        assert_eq!(broken("杭州鑫（商行）", 4), ["杭州鑫", "（商行）"]);
    }

    #[test]
    fn words_and_numbers_stay_whole_unless_they_alone_are_too_long() {
        assert_eq!(broken("Rue de la Paix", 9), ["Rue de la", "Paix"]);
        assert_eq!(broken("文三路478号", 5), ["文三路", "478号"]);
        assert_eq!(broken("ABCDEFGHIJ", 4), ["ABCD", "EFGH", "IJ"]);
        assert_eq!(broken("宽", 0), ["宽"]);
    }
}
