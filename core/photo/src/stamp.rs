//! Stamping: in place where the picture allows it, decoded and encoded anew where not.

use std::io::{self, Write};

use serde::Serialize;
use waymark_domain::hash::Hash;

use crate::error::Error;
use crate::exif::{self, ExifTrouble, Tags};
use crate::facts::{Facts, Source};
use crate::font::Fonts;
use crate::jpeg::edit::{Area, edit};
use crate::jpeg::{APP0, APP1, APP15, Broken, Jpeg, Obstacle, Segment, Why};
use crate::layout::{self, Layout};
use crate::limits::{MAX_FILE_BYTES, MAX_FONT_BYTES};
use crate::mark::code::{self, Code};
use crate::mark::digest::Cells;
use crate::mark::statement::{self, Statement};
use crate::mark::{CodeOutcome, Drawn, Looks, Marker, NoCode, walk};
use crate::mpf;
use crate::paint::{Cover, Mask, Painter, Plate};
use crate::patch::{self, Patch};
use crate::reencode;
use crate::seal::{self, SealKey};
use crate::template::{MissingField, Template};
use crate::turn::{Rect, Turn};

/// What to make of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The picture itself, its pixels outside the stamp untouched.
    Evidence,
    /// A smaller copy for sending.
    Copy,
    /// The whole picture with the stamp on a strip below it, so that nothing is covered.
    Canvas,
}

/// A stamp to be put on a picture.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// What to make.
    pub mode: Mode,
    /// What the stamp looks like.
    pub template: &'a Template,
    /// What it says.
    pub facts: &'a Facts,
    /// With this the original is kept in the file, in the mode [`Mode::Evidence`]; without it what the stamp covers is gone.
    pub seal: Option<&'a SealKey>,
    /// A font of the device for characters that the built-in one lacks.
    pub device_font: Option<&'a [u8]>,
    /// With this the photo verifies itself, see [`crate::verify`].
    pub mark: Option<&'a Marker<'a>>,
}

/// How it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum Method {
    /// Outside the stamp every coefficient is the original's.
    InPlace {
        /// Whether symbols were added to the Huffman tables.
        tables_extended: bool,
        /// Blocks of the stamp that are drawn a little less exactly, because the picture's tables lack symbols.
        fitted_blocks: usize,
    },
    /// The whole picture was decoded and encoded anew.
    Reencoded {
        /// Why it was not stamped in place.
        why: Why,
    },
}

/// What became of the EXIF tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExifOutcome {
    /// These were set.
    Set(Vec<&'static str>),
    /// The block was left as it was.
    Left(ExifTrouble),
}

/// What was done, for a person and for the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was asked for.
    pub mode: Mode,
    /// How it was done.
    pub method: Method,
    /// Width and height of the result as it is shown.
    pub size: (usize, usize),
    /// Outside this no pixel is changed, in the picture as it is shown. Decoders smooth colours into a neighbouring pixel, so where colours
    /// are stored at half size this is a pixel more than the plate.
    pub band: Rect,
    /// The size of the letters in pixels.
    pub em: u32,
    /// How much of the picture the plate takes, in percent.
    pub plate_opacity: u8,
    /// Characters that no font has; a square is drawn for each.
    pub missing_glyphs: Vec<char>,
    /// Fields without a value.
    pub missing_fields: Vec<MissingField>,
    /// Where the picture comes from.
    pub source: Source,
    /// SHA-256 of the file that was given.
    pub original: Hash,
    /// Bytes of the sealed original in the file; 0: it was not sealed.
    pub sealed_bytes: usize,
    /// What became of the EXIF tags.
    pub exif: ExifOutcome,
    /// What became of the code; absent when no mark was ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeOutcome>,
}

/// A stamped picture that is not written yet.
#[derive(Debug)]
pub struct Stamped<'a> {
    data: &'a [u8],
    patches: Vec<Patch>,
    report: Report,
}

impl Stamped<'_> {
    /// What was done.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// Writes the file.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        patch::write(self.data, &self.patches, out)
    }
}

/// Puts a stamp on a picture.
///
/// # Errors
/// [`Error`]: why not. The picture is not changed, and nothing is written, before it is known to work.
pub fn stamp<'a>(data: &'a [u8], order: &Order<'_>) -> Result<Stamped<'a>, Error> {
    if data.len() > MAX_FILE_BYTES {
        return Err(Error::FileTooLarge(data.len()));
    }
    order.template.check()?;
    order.facts.check()?;
    if let Some(marker) = order.mark {
        marker.check()?;
    }
    if order
        .device_font
        .is_some_and(|font| font.len() > MAX_FONT_BYTES)
    {
        return Err(Error::Font);
    }
    let fonts = Fonts::new(order.device_font).map_err(|_| Error::Font)?;
    let why = match order.mode {
        Mode::Canvas => Why::Canvas,
        Mode::Copy => Why::Copy,
        Mode::Evidence => match in_place(data, order, &fonts) {
            Ok(stamped) => return Ok(stamped),
            Err(Trouble::Obstacle(Obstacle::Not(why))) => why,
            // a general decoder would show grey or worse there, and call it a picture
            Err(Trouble::Obstacle(Obstacle::Broken(
                broken @ (Broken::Code | Broken::EndsEarly),
            ))) => {
                return Err(broken.into());
            }
            // of anything else it may see past, or will say what is wrong
            Err(Trouble::Obstacle(Obstacle::Broken(_))) => Why::Structure,
            Err(Trouble::Error(error)) => return Err(error),
        },
    };
    let (bytes, report) = reencode::stamp(data, order, &fonts, why)?;
    let mut bytes = vec![bytes];
    if let Some(marker) = order.mark {
        let [whole] = bytes.as_mut_slice() else {
            return Err(Error::Value("mark"));
        };
        let picture = statement::picture_of(whole).ok_or(Error::Value("mark"))?;
        let hashes = (Hash::of(whole), picture, report.original);
        let statement = Statement::new(marker, order.facts, hashes).sign(marker)?;
        let mark = seal::mark(&statement).ok_or(Error::Value("mark"))?;
        let segments = crate::jpeg::segments(whole)?;
        let rest = whole.split_off(ours_at(&segments));
        bytes.extend([mark, rest]);
    }
    let patch = |bytes| Patch { range: 0..0, bytes };
    Ok(Stamped {
        data: &[],
        patches: bytes.into_iter().map(patch).collect(),
        report,
    })
}

/// Why a picture was not stamped in place.
enum Trouble {
    /// Another way may work.
    Obstacle(Obstacle),
    /// No other way will.
    Error(Error),
}

impl<E: Into<Obstacle>> From<E> for Trouble {
    fn from(obstacle: E) -> Self {
        Self::Obstacle(obstacle.into())
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// The first EXIF segment.
pub(crate) fn exif_segment<'s>(data: &[u8], segments: &'s [Segment]) -> Option<&'s Segment> {
    segments.iter().find(|segment| {
        segment.marker == APP1
            && data
                .get(segment.body.clone())
                .is_some_and(|body| body.starts_with(exif::PREFIX))
    })
}

/// An APP1 segment with this TIFF block.
pub(crate) fn exif_bytes(tiff: &[u8]) -> Result<Vec<u8>, ExifTrouble> {
    let length =
        u16::try_from(2 + exif::PREFIX.len() + tiff.len()).map_err(|_| ExifTrouble::NoRoom)?;
    let mut bytes = vec![0xFF, APP1];
    bytes.extend(length.to_be_bytes());
    bytes.extend(exif::PREFIX);
    bytes.extend(tiff);
    Ok(bytes)
}

fn in_place<'a>(
    data: &'a [u8],
    order: &Order<'_>,
    fonts: &Fonts<'_>,
) -> Result<Stamped<'a>, Trouble> {
    let jpeg = Jpeg::parse(data)?;
    if seal::is_stamped(data, &jpeg.segments) {
        return Err(Error::AlreadyStamped.into());
    }
    let exif = exif_segment(data, &jpeg.segments);
    let tiff = exif
        .and_then(|segment| data.get(segment.body.clone()))
        .and_then(|body| body.strip_prefix(exif::PREFIX.as_slice()));
    let orientation = tiff.and_then(exif::orientation).unwrap_or(1);
    let turn = Turn::new(orientation, jpeg.width, jpeg.height);
    let (lines, missing_fields) = order.template.lines(order.facts);
    let shown = turn.shown();
    let (layout, module) = with_code(order, shown, |code| {
        layout::on_picture(fonts, &lines, order.template, code, shown, |plate| {
            turn.shown_rect(whole_mcus(&jpeg, turn.stored_rect(plate)))
        })
    })?;
    let stored = turn.stored_rect(layout.plate);
    let band = turn.shown_rect(with_fringe(&jpeg, stored));
    let drawn = match (order.mark, layout.square) {
        (Some(marker), Some(square)) => {
            let phase = walk::phase(turn);
            let cells = Cells::new(shown, band, phase);
            let looks = Looks {
                size: shown,
                band,
                corner: (square.left, square.top),
                module,
                phase,
                means: walk::means(&jpeg, turn, &cells)?,
            };
            Some((square, marker.code(looks)?))
        }
        _ => None,
    };
    let cover = drawn
        .as_ref()
        .map(|(square, drawn)| cover(&jpeg, &drawn.code, module, turn, *square));
    let mask = mask(fonts, &layout, order.template, turn, stored);
    let area = Area {
        left: stored.left / jpeg.mcu_width,
        top: stored.top / jpeg.mcu_height,
        right: stored.right.div_ceil(jpeg.mcu_width),
        bottom: stored.bottom.div_ceil(jpeg.mcu_height),
    };
    let plate = Plate::new(order.template.plate_opacity);
    let painter = Painter::new(&jpeg, &mask, cover.as_ref(), plate);
    let edited = edit(&jpeg, area, &mut |x, y, blocks| painter.paint(x, y, blocks))?;
    drop((mask, cover));

    let (mut patches, outcome) = exif_patch(&jpeg, exif, tiff, &Tags::of(order.facts));
    let mut report = Report {
        mode: order.mode,
        method: Method::InPlace {
            tables_extended: edited.tables_extended,
            fitted_blocks: edited.fitted_blocks,
        },
        size: turn.shown(),
        band,
        em: layout.em,
        plate_opacity: plate.opacity(),
        missing_glyphs: layout.text.missing.into_iter().collect(),
        missing_fields,
        source: order.facts.source,
        original: Hash::of(data),
        sealed_bytes: 0,
        exif: outcome,
        code: drawn_code(
            order,
            module,
            drawn.as_ref().map(|(square, drawn)| (*square, drawn)),
        ),
    };
    let ours = ours_at(&jpeg.segments);
    let about = seal::about(&about(&report, order)?).ok_or(Error::SealDamaged)?;
    patches.extend(mpf::patch(&jpeg));
    patches.push(put_in(ours, about));
    patches.extend(edited.patches);
    patches.sort_by_key(|patch| patch.range.start);
    let sealed = order
        .seal
        .map(|with| seal::seal(data, &patches, with))
        .transpose()?;
    report.sealed_bytes = sealed.as_ref().map_or(0, Vec::len);
    // the mark signs where everything lies, and lies there itself
    let unsigned = order.mark.map(|marker| {
        let hashes = (Hash::ZERO, Hash::ZERO, report.original);
        Statement::new(marker, order.facts, hashes)
    });
    let mark = unsigned
        .as_ref()
        .map(Statement::signed_length)
        .transpose()?;
    let added = report.sealed_bytes + mark.map_or(0, seal::mark_length);
    let moved = lengths(&patches);
    mpf::follow(&jpeg, &mut patches, |at| {
        let ours = if at >= ours { added } else { 0 };
        now(&moved, at) + ours
    });
    let at = patches
        .iter()
        .position(|patch| patch.range.start > ours)
        .unwrap_or(patches.len());
    patches.splice(at..at, sealed.map(|sealed| put_in(ours, sealed)));
    if let Some(marker) = order.mark {
        let picture = statement::picture_with(&jpeg, &patches).map_err(Error::from)?;
        let file = statement::file_with(data, &patches).map_err(Error::from)?;
        let hashes = (file, picture, report.original);
        let statement = Statement::new(marker, order.facts, hashes).sign(marker)?;
        let mark = seal::mark(&statement).ok_or(Error::Value("mark"))?;
        let at = patches
            .iter()
            .position(|patch| patch.range.start > ours)
            .unwrap_or(patches.len());
        patches.insert(at, put_in(ours, mark));
    }
    Ok(Stamped {
        data,
        patches,
        report,
    })
}

/// Something new at this place.
const fn put_in(at: usize, bytes: Vec<u8>) -> Patch {
    Patch {
        range: at..at,
        bytes,
    }
}

/// Where each patch ends in the old file, and how much longer it is than what it replaces.
fn lengths(patches: &[Patch]) -> Vec<(usize, isize)> {
    let longer = |patch: &Patch| patch.bytes.len().cast_signed() - patch.range.len().cast_signed();
    patches
        .iter()
        .map(|patch| (patch.range.end, longer(patch)))
        .collect()
}

/// Where a byte of the old file lies now.
fn now(lengths: &[(usize, isize)], at: usize) -> usize {
    let before = lengths.iter().filter(|(end, _)| *end <= at);
    at.saturating_add_signed(before.map(|(_, longer)| longer).sum())
}

/// What the report says of the code.
pub(crate) fn drawn_code(
    order: &Order<'_>,
    module: usize,
    drawn: Option<(Rect, &Drawn)>,
) -> Option<CodeOutcome> {
    order.mark?;
    Some(match drawn {
        None => CodeOutcome::None(NoCode::TooSmall),
        Some((square, drawn)) => CodeOutcome::Drawn {
            square,
            module,
            bytes: drawn.bytes,
            cells: drawn.cells,
        },
    })
}

/// Where our own segments go: before the first that is neither APPn nor a comment.
fn ours_at(segments: &[Segment]) -> usize {
    segments
        .iter()
        .find(|segment| !(APP0..=APP15).contains(&segment.marker))
        .map_or(2, |segment| segment.whole.start)
}

/// The layout with the largest code that a picture of this size has room for, and the pixels of its modules; without one where there is no room, and where
/// none was ordered.
pub(crate) fn with_code(
    order: &Order<'_>,
    size: (usize, usize),
    layout: impl Fn(usize) -> Result<Layout, Error>,
) -> Result<(Layout, usize), Error> {
    if order.mark.is_some() {
        for module in code::modules(size) {
            match layout(module * code::SIDE) {
                Ok(layout) => return Ok((layout, module)),
                Err(Error::TooSmall { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok((layout(0)?, 0))
}

/// The code over the pixels of the stored picture.
fn cover(jpeg: &Jpeg<'_>, code: &Code, module: usize, turn: Turn, square: Rect) -> Cover {
    let mut cover = Cover::new(whole_mcus(jpeg, turn.stored_rect(square)));
    for y in 0..square.height() {
        for x in 0..square.width() {
            let (left, top) = turn.stored(square.left + x, square.top + y);
            cover.dot(left, top, code.white(x, y, module));
        }
    }
    cover
}

/// What the file itself says about the stamp, in the clear.
pub(crate) fn about(report: &Report, order: &Order<'_>) -> Result<Vec<u8>, Error> {
    let json = serde_json::json!({
        "mode": report.mode,
        "method": report.method,
        "band": report.band,
        "source": report.source,
        "time": order.facts.time,
        "original": report.original,
    });
    serde_json::to_vec(&json).map_err(|_| Error::Value("about"))
}

/// The text as a mask over this rectangle of the stored picture.
fn mask(fonts: &Fonts<'_>, layout: &Layout, template: &Template, turn: Turn, stored: Rect) -> Mask {
    let mut mask = Mask::new(stored);
    layout.draw(fonts, template, |x, y, coverage| {
        let (x, y) = turn.stored(x, y);
        mask.dot(x, y, coverage);
    });
    mask
}

/// The smallest rectangle of whole MCUs around this one, as far as the picture goes.
fn whole_mcus(jpeg: &Jpeg<'_>, rect: Rect) -> Rect {
    let (wide, high) = (jpeg.mcu_width, jpeg.mcu_height);
    Rect {
        left: rect.left / wide * wide,
        top: rect.top / high * high,
        right: rect.right.next_multiple_of(wide).min(jpeg.width),
        bottom: rect.bottom.next_multiple_of(high).min(jpeg.height),
    }
}

/// Where decoders that smooth colours may show a difference: a pixel more in each direction in which colours are stored at half size.
fn with_fringe(jpeg: &Jpeg<'_>, rect: Rect) -> Rect {
    let (x, y) = (jpeg.mcu_width / 8 - 1, jpeg.mcu_height / 8 - 1);
    Rect {
        left: rect.left.saturating_sub(x),
        top: rect.top.saturating_sub(y),
        right: (rect.right + x).min(jpeg.width),
        bottom: (rect.bottom + y).min(jpeg.height),
    }
}

fn exif_patch(
    jpeg: &Jpeg<'_>,
    segment: Option<&Segment>,
    tiff: Option<&[u8]>,
    tags: &Tags,
) -> (Vec<Patch>, ExifOutcome) {
    if tags.is_empty() {
        return (Vec::new(), ExifOutcome::Set(Vec::new()));
    }
    let bytes = exif::with_tags(tiff, tags).and_then(|tiff| exif_bytes(&tiff));
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(trouble) => return (Vec::new(), ExifOutcome::Left(trouble)),
    };
    // a new segment goes where EXIF is looked for: first, or after the JFIF header that has to be first itself
    let first = jpeg
        .segments
        .first()
        .filter(|segment| segment.marker == APP0)
        .map_or(2, |segment| segment.whole.end);
    let range = segment.map_or(first..first, |segment| segment.whole.clone());
    (vec![Patch { range, bytes }], ExifOutcome::Set(tags.names()))
}
