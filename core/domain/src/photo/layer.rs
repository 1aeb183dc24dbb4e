//! What is drawn over a picture: a layer of its own, in coordinates relative to the picture. The picture and its stamp are never touched by it.

use serde::{Deserialize, Serialize};

use crate::ids::UserId;
use crate::refusal::{Code, Refusal, check_text};
use crate::time::TimeInterval;

/// The far edge: coordinates are ten-thousandths of the picture's width and height as it is shown, finer than a pixel of any screen.
pub const EDGE: u16 = 10_000;
/// Most marks of one layer. What a person draws on a shelf's photo has ten.
pub const MAX_MARKS: usize = 64;
/// Most points of all strokes together: a point a millimetre gives four metres of line. With full texts the layer still fits an operation.
pub const MAX_POINTS: usize = 4_000;
/// Longest text of a mark, characters.
pub const MAX_MARK_TEXT: usize = 200;
/// Thickest line, ten-thousandths of the picture's width: a twentieth.
pub const MAX_WIDTH: u16 = 500;

/// Everything drawn over a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// 1 for the first; each change replaces the whole layer.
    pub version: u32,
    /// Who drew this version.
    pub by: UserId,
    /// When.
    pub at: TimeInterval,
    /// The marks, the lowest first; none when all were wiped off.
    pub marks: Vec<Mark>,
}

/// A place on a picture: across, then down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point(pub u16, pub u16);

/// One mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its colour.
    #[serde(default)]
    pub ink: Ink,
    /// How thick its line is, ten-thousandths of the picture's width; of a text, the height of its letters.
    pub width: u16,
    /// What it is.
    #[serde(flatten)]
    pub form: Form,
}

/// The form of a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Form {
    /// A line drawn by hand.
    Stroke {
        /// Through these.
        points: Vec<Point>,
    },
    /// An arrow.
    Arrow {
        /// Where it begins.
        from: Point,
        /// Where it points.
        to: Point,
    },
    /// A rectangle.
    Rect {
        /// A corner.
        from: Point,
        /// The one across.
        to: Point,
    },
    /// Some words.
    Text {
        /// The upper left corner of the first letter.
        at: Point,
        /// The words.
        text: String,
    },
}

/// A colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ink {
    /// Red, what people reach for first.
    #[default]
    Red,
    /// Yellow.
    Yellow,
    /// Green.
    Green,
    /// Blue.
    Blue,
    /// Black.
    Black,
    /// White.
    White,
}

/// Refuses marks that are too many, too long or off the picture.
///
/// # Errors
/// [`Code::TooLong`], [`Code::Required`] or [`Code::Malformed`], naming `marks`.
pub fn check(marks: &[Mark]) -> Result<(), Refusal> {
    let refuse = |code| Err(Refusal::of_field(code, "marks"));
    if marks.len() > MAX_MARKS {
        return refuse(Code::TooLong);
    }
    let mut points = 0;
    for mark in marks {
        if !(1..=MAX_WIDTH).contains(&mark.width) {
            return refuse(Code::Malformed);
        }
        let corners: &[Point] = match &mark.form {
            Form::Stroke { points: through } => {
                points += through.len();
                if through.is_empty() {
                    return refuse(Code::Required);
                }
                through
            }
            Form::Arrow { from, to } | Form::Rect { from, to } => &[*from, *to],
            Form::Text { at, text } => {
                check_text("marks", text, MAX_MARK_TEXT)?;
                // what is no letter would be six bytes of an operation each
                if text.chars().any(|c| c.is_control() && c != '\n') {
                    return refuse(Code::Malformed);
                }
                &[*at]
            }
        };
        if corners.iter().any(|Point(x, y)| *x > EDGE || *y > EDGE) {
            return refuse(Code::Malformed);
        }
    }
    if points > MAX_POINTS {
        return refuse(Code::TooLong);
    }
    Ok(())
}
