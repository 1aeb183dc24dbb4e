//! Painting over a rectangle of MCUs so that no bit outside it changes its meaning, and almost no byte its value.
//!
//! The MCUs of the rectangle lie in stretches: one, where it is as wide as the picture, or one in each row. Between stretches the scan is
//! walked, after the last one not even that. A stretch is decoded, painted and written again with the picture's own tables. The MCU after it
//! is written again too, since its DC differences start from what the stretch ends with. Then the stretch is brought to end at the bit of a
//! byte at which it ended before, so that all that follows stays as it is, byte for byte.

use std::collections::VecDeque;

use super::bits::{Place, Writer};
use super::blocks::{Block, Decoders, Predictors, Tables, Walker, write};
use super::fit::{Missing, fit, lengthen, note_missing};
use super::huffman::{Encoder, Spec};
use super::{Broken, DHT, Jpeg, Obstacle, Why, tables_in};
use crate::patch::Patch;

/// A rectangle in MCUs; right and bottom are outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) right: usize,
    pub(crate) bottom: usize,
}

/// What an edit comes to.
#[derive(Debug)]
pub(crate) struct Edited {
    /// In the order of the file.
    pub(crate) patches: Vec<Patch>,
    /// Whether symbols were added to the Huffman tables.
    pub(crate) tables_extended: bool,
    /// Blocks under the stamp that were drawn a little less exactly because the tables lack symbols.
    pub(crate) fitted_blocks: usize,
}

/// Paints an MCU, given its column and row: the blocks in the order of the scan, in zigzag order, quantised.
pub(crate) type Paint<'p> = dyn FnMut(usize, usize, &mut [Block]) + 'p;

/// MCUs between two stretches of a row below which they are one: fewer than this could begin and end in the same byte.
const NEAR: usize = 10;

/// Blocks at the end of a stretch of which one is made longer or shorter. Nearly always the first try fits.
const ADJUSTABLE: usize = 24;

/// From this many quantisation steps on a block that was fitted to poor tables shows it.
const VISIBLE: u32 = 48;

/// One in this many painted blocks may show it; beyond that the picture is better encoded anew.
const VISIBLE_ONE_IN: usize = 64;

/// Paints over `area`.
pub(crate) fn edit(jpeg: &Jpeg<'_>, area: Area, paint: &mut Paint<'_>) -> Result<Edited, Obstacle> {
    let decoders = Decoders::new(jpeg)?;
    let mut missing = Missing::new();
    let first = Pass::new(jpeg, &decoders, &jpeg.dc, &jpeg.ac)?.run(area, paint, &mut missing);
    if missing.is_empty() {
        return first;
    }
    let (mut dc, mut ac) = (jpeg.dc.clone(), jpeg.ac.clone());
    if !extend(&mut dc, 0, &missing) & !extend(&mut ac, 1, &missing) {
        return first;
    }
    let mut rest = Missing::new();
    let mut edited = Pass::new(jpeg, &decoders, &dc, &ac)?.run(area, paint, &mut rest)?;
    edited.tables_extended = true;
    let mut patches = table_patches(jpeg, &dc, &ac)?;
    patches.append(&mut edited.patches);
    edited.patches = patches;
    Ok(edited)
}

/// Adds what is missing to the tables of a class, as far as there is room; whether any was added.
fn extend(tables: &mut [Option<Spec>; 4], class: u8, missing: &Missing) -> bool {
    let mut any = false;
    for (number, table) in tables.iter_mut().enumerate() {
        let wanted: Vec<u8> = missing
            .iter()
            .filter(|(c, n, _)| (*c, *n) == (class, number))
            .map(|(_, _, symbol)| *symbol)
            .collect();
        if let Some(extended) = table.as_ref().and_then(|table| table.extended(&wanted)) {
            *table = Some(extended);
            any = true;
        }
    }
    any
}

/// The segments of Huffman tables that change.
fn table_patches(
    jpeg: &Jpeg<'_>,
    dc: &[Option<Spec>; 4],
    ac: &[Option<Spec>; 4],
) -> Result<Vec<Patch>, Obstacle> {
    let mut patches = Vec::new();
    for segment in jpeg.segments.iter().filter(|s| s.marker == DHT) {
        let body = jpeg
            .data
            .get(segment.body.clone())
            .ok_or(Broken::HuffmanTable)?;
        let mut new = Vec::with_capacity(body.len() + 32);
        for (class, number, spec) in tables_in(body)? {
            let (old, now) = if class == 0 {
                (jpeg.dc.get(number), dc.get(number))
            } else {
                (jpeg.ac.get(number), ac.get(number))
            };
            // a table that a later segment replaces stays as it is
            let current = old == Some(&Some(spec.clone()));
            let spec = match now {
                Some(Some(extended)) if current => extended,
                _ => &spec,
            };
            let number = u8::try_from(number).map_err(|_| Broken::HuffmanTable)?;
            new.push(class << 4 | number);
            new.extend(spec.counts);
            new.extend(&spec.symbols);
        }
        if new != body {
            let length = u16::try_from(new.len() + 2).map_err(|_| Why::Tables)?;
            let mut bytes = vec![0xFF, DHT];
            bytes.extend(length.to_be_bytes());
            bytes.extend(new);
            patches.push(Patch {
                range: segment.whole.clone(),
                bytes,
            });
        }
    }
    Ok(patches)
}

/// What a block needs of its component.
#[derive(Debug, Clone, Copy)]
struct Kind {
    component: usize,
    quant: [u16; 64],
    dc: usize,
    ac: usize,
}

/// The blocks of one MCU; those that were painted may still be changed.
#[derive(Debug)]
struct Waiting {
    blocks: Vec<Block>,
    painted: bool,
}

/// One way through the scan with one set of tables.
struct Pass<'a, 't> {
    jpeg: &'t Jpeg<'a>,
    decoders: &'t Decoders,
    kinds: Vec<Kind>,
    dc: [Option<Encoder>; 4],
    ac: [Option<Encoder>; 4],
    /// Whether the tables may lack a symbol, so that each block has to be looked at.
    gaps: bool,
    painted_blocks: usize,
    fitted_blocks: usize,
    visible_blocks: usize,
}

impl<'a, 't> Pass<'a, 't> {
    fn new(
        jpeg: &'t Jpeg<'a>,
        decoders: &'t Decoders,
        dc: &[Option<Spec>; 4],
        ac: &[Option<Spec>; 4],
    ) -> Result<Self, Obstacle> {
        let mut kinds = Vec::new();
        let mut gaps = false;
        for (number, component) in jpeg.components.iter().enumerate() {
            let quant = jpeg.quant.get(component.quant).copied().flatten();
            let kind = Kind {
                component: number,
                quant: quant.ok_or(Broken::QuantTable)?,
                dc: component.dc,
                ac: component.ac,
            };
            kinds.extend(std::iter::repeat_n(kind, component.h * component.v));
            let symbols = |table: &[Option<Spec>; 4], number: usize| {
                table
                    .get(number)
                    .and_then(Option::as_ref)
                    .map_or(0, |spec| spec.symbols.len())
            };
            gaps |= symbols(dc, component.dc) < 12 || symbols(ac, component.ac) < 162;
        }
        let encoders = |specs: &[Option<Spec>; 4]| -> Result<[Option<Encoder>; 4], Broken> {
            let mut encoders = [const { None }; 4];
            for (encoder, spec) in encoders.iter_mut().zip(specs) {
                *encoder = spec.as_ref().map(Encoder::new).transpose()?;
            }
            Ok(encoders)
        };
        Ok(Self {
            jpeg,
            decoders,
            kinds,
            dc: encoders(dc)?,
            ac: encoders(ac)?,
            gaps,
            painted_blocks: 0,
            fitted_blocks: 0,
            visible_blocks: 0,
        })
    }

    fn run(
        mut self,
        area: Area,
        paint: &mut Paint<'_>,
        missing: &mut Missing,
    ) -> Result<Edited, Obstacle> {
        let mut walker = Walker::new(self.jpeg, self.decoders)?;
        let mut patches = Vec::new();
        for stretch in stretches(self.jpeg, area) {
            walker.skip_to(stretch.start)?;
            patches.push(self.stretch(&mut walker, stretch, area, paint, missing)?);
        }
        if self.visible_blocks * VISIBLE_ONE_IN > self.painted_blocks {
            return Err(Why::Tables.into());
        }
        Ok(Edited {
            patches,
            tables_extended: false,
            fitted_blocks: self.fitted_blocks,
        })
    }

    fn stretch(
        &mut self,
        walker: &mut Walker<'a, 't>,
        stretch: std::ops::Range<usize>,
        area: Area,
        paint: &mut Paint<'_>,
        missing: &mut Missing,
    ) -> Result<Patch, Obstacle> {
        let start = walker.place();
        let mut writer = Writer::default();
        if start.bit > 0 {
            let byte = self.jpeg.data.get(start.byte).ok_or(Broken::EndsEarly)?;
            writer.put(u32::from(*byte) >> (8 - start.bit), start.bit);
        }
        let mut predictors = walker.predictors();
        let keep = ADJUSTABLE.div_ceil(self.kinds.len().max(1));
        let mut waiting: VecDeque<Waiting> = VecDeque::with_capacity(keep + 1);
        let mut spare: Vec<Block> = Vec::new();
        for number in stretch.clone() {
            let mut blocks = std::mem::take(&mut spare);
            walker.decode(&mut blocks)?;
            let (x, y) = (number % self.jpeg.across, number / self.jpeg.across);
            let painted = (area.left..area.right).contains(&x);
            if painted {
                paint(x, y, &mut blocks);
                self.painted_blocks += blocks.len();
            }
            if self.gaps {
                self.close_gaps(&mut blocks, painted, &waiting, predictors, missing)?;
            }
            waiting.push_back(Waiting { blocks, painted });
            if waiting.len() > keep
                && let Some(first) = waiting.pop_front()
            {
                self.write(&mut writer, &first.blocks, &mut predictors)?;
                spare = first.blocks;
            }
        }
        let restarts = self.jpeg.restart > 0 && stretch.end.is_multiple_of(self.jpeg.restart);
        if stretch.end == self.jpeg.across * self.jpeg.down || restarts {
            for mcu in &waiting {
                self.write(&mut writer, &mcu.blocks, &mut predictors)?;
            }
            let end = after(self.jpeg.data, walker.place());
            return Ok(Patch {
                range: start.byte..end,
                bytes: writer.finish(),
            });
        }
        self.join(walker, writer, predictors, waiting, start, missing)
    }

    /// Ends a stretch in the middle of the scan: the next MCU's differences, and the bit at which it ends.
    fn join(
        &mut self,
        walker: &mut Walker<'a, 't>,
        mut writer: Writer,
        mut predictors: Predictors,
        mut waiting: VecDeque<Waiting>,
        start: Place,
        missing: &mut Missing,
    ) -> Result<Patch, Obstacle> {
        let mut blocks = Vec::new();
        walker.decode(&mut blocks)?;
        if self.gaps {
            self.close_gaps(&mut blocks, false, &waiting, predictors, missing)?;
        }
        waiting.push_back(Waiting {
            blocks,
            painted: false,
        });
        let end = walker.place();
        let mut trial = writer.trial();
        let mut trial_predictors = predictors;
        for mcu in &waiting {
            self.write(&mut trial, &mcu.blocks, &mut trial_predictors)?;
        }
        let bits = (end.bit + 8 - trial.phase()) % 8;
        let Self { kinds, ac, .. } = self;
        let adjustable = waiting
            .iter_mut()
            .rev()
            .filter(|mcu| mcu.painted)
            .flat_map(|mcu| mcu.blocks.iter_mut().zip(&*kinds).rev())
            .filter_map(|(block, kind)| {
                let table = ac.get(kind.ac).and_then(Option::as_ref)?;
                Some((block, &kind.quant, table))
            });
        if !lengthen(adjustable, bits) {
            return Err(Why::Tables.into());
        }
        for mcu in &waiting {
            self.write(&mut writer, &mcu.blocks, &mut predictors)?;
        }
        if writer.phase() != end.bit {
            return Err(Why::Tables.into());
        }
        if end.bit > 0 {
            let byte = self.jpeg.data.get(end.byte).ok_or(Broken::EndsEarly)?;
            let left = 8 - end.bit;
            writer.put(u32::from(*byte) & ((1 << left) - 1), left);
        }
        Ok(Patch {
            range: start.byte..after(self.jpeg.data, end),
            bytes: writer.finish(),
        })
    }

    fn tables(&self, kind: &Kind) -> Result<Tables<'_>, Broken> {
        let dc = self.dc.get(kind.dc).and_then(Option::as_ref);
        let ac = self.ac.get(kind.ac).and_then(Option::as_ref);
        Ok(Tables {
            dc: dc.ok_or(Broken::HuffmanTable)?,
            ac: ac.ok_or(Broken::HuffmanTable)?,
        })
    }

    fn write(
        &self,
        writer: &mut Writer,
        blocks: &[Block],
        predictors: &mut Predictors,
    ) -> Result<(), Obstacle> {
        for (block, kind) in blocks.iter().zip(&self.kinds) {
            let tables = self.tables(kind)?;
            let predictor = predictors.get_mut(kind.component).ok_or(Why::Components)?;
            if !write(writer, block, predictor, tables) {
                return Err(Why::Tables.into());
            }
        }
        Ok(())
    }

    /// Looks for symbols that the tables lack, and draws painted blocks so that they need none of them.
    fn close_gaps(
        &mut self,
        blocks: &mut [Block],
        painted: bool,
        before: &VecDeque<Waiting>,
        mut predictors: Predictors,
        missing: &mut Missing,
    ) -> Result<(), Obstacle> {
        // what the last MCU before this one ends with, as far as it is not written yet
        if let Some(last) = before.back() {
            for (block, kind) in last.blocks.iter().zip(&self.kinds) {
                if let (Some(predictor), [dc, ..]) = (predictors.get_mut(kind.component), block) {
                    *predictor = (*dc).into();
                }
            }
        }
        for (number, block) in blocks.iter_mut().enumerate() {
            let Some(kind) = self.kinds.get(number).copied() else {
                continue;
            };
            let predictor = predictors.get(kind.component).copied().unwrap_or_default();
            let tables = self.tables(&kind)?;
            let known = missing.len();
            let mut needed = Missing::new();
            note_missing(block, predictor, tables, (kind.dc, kind.ac), &mut needed);
            if !needed.is_empty() {
                missing.append(&mut needed);
                debug_assert!(missing.len() >= known, "symbols are only added");
                let moved = painted
                    .then(|| fit(block, predictor, tables))
                    .flatten()
                    .ok_or(Why::Tables)?;
                self.fitted_blocks += 1;
                self.visible_blocks += usize::from(moved > VISIBLE);
            }
            if let (Some(predictor), [dc, ..]) = (predictors.get_mut(kind.component), &*block) {
                *predictor = (*dc).into();
            }
        }
        Ok(())
    }
}

/// The end of the byte in which a place lies, its stuffing included; the place itself where that is the start of a byte.
fn after(data: &[u8], place: Place) -> usize {
    match (place.bit, data.get(place.byte)) {
        (0, _) => place.byte,
        (_, Some(0xFF)) => place.byte + 2,
        _ => place.byte + 1,
    }
}

/// The MCUs of the area as stretches of the scan: one behind the other where they touch or nearly do, and none across a restart marker.
fn stretches(jpeg: &Jpeg<'_>, area: Area) -> Vec<std::ops::Range<usize>> {
    let mut joined: Vec<std::ops::Range<usize>> = Vec::new();
    for row in area.top..area.bottom {
        let start = row * jpeg.across;
        let next = start + area.left..start + area.right;
        match joined.last_mut() {
            Some(last) if next.start < last.end + NEAR => last.end = next.end,
            _ => joined.push(next),
        }
    }
    if jpeg.restart == 0 {
        return joined;
    }
    let mut split = Vec::new();
    for mut stretch in joined {
        while !stretch.is_empty() {
            let boundary = (stretch.start / jpeg.restart + 1) * jpeg.restart;
            let end = boundary.min(stretch.end);
            split.push(stretch.start..end);
            stretch.start = end;
        }
    }
    split
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;
    use crate::patch;

    fn fixture(name: &str) -> Vec<u8> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/photos");
        std::fs::read(root.join(name)).unwrap()
    }

    fn pixels(data: &[u8]) -> image::RgbImage {
        image::load_from_memory_with_format(data, image::ImageFormat::Jpeg)
            .unwrap()
            .into_rgb8()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_painted_wherever_nothing_else_changes(
            name in prop::sample::select(vec![
                "restart_markers.jpg", "no_exif.jpg", "grayscale_small.jpg", "flower_444_icc_thumb.jpg", "adobe_rgb_no_ycc.jpg", "nokia_n70_422_iptc.jpg",
            ]),
            (x0, x1, y0, y1) in any::<(prop::sample::Index, prop::sample::Index, prop::sample::Index, prop::sample::Index)>(),
            keep in 0_i32..400,
            noise in 0_i32..40,
        ) {
            let data = fixture(name);
            let jpeg = Jpeg::parse(&data).unwrap();
            let side = |a: prop::sample::Index, b: prop::sample::Index, count: usize| {
                let (a, b) = (a.index(count), b.index(count));
                (a.min(b), a.max(b) + 1)
            };
            let ((left, right), (top, bottom)) = (side(x0, x1, jpeg.across), side(y0, y1, jpeg.down));
            let area = Area { left, top, right, bottom };
            let mut turn = 0_i32;
            let edited = edit(&jpeg, area, &mut |_, _, blocks| {
                for value in blocks.iter_mut().flatten() {
                    turn = (turn * 75 + 74) % 65_537;
                    let scaled = i32::from(*value) * keep / 256 + if turn % 16 == 0 { turn % (noise + 1) } else { 0 };
                    *value = i16::try_from(scaled.clamp(-1000, 1000)).unwrap();
                }
            });
            let edited = match edited {
                Ok(edited) => edited,
                // a picture of few colours has no codes for noise
                Err(obstacle) => {
                    prop_assert_eq!(obstacle, Obstacle::Not(Why::Tables));
                    return Ok(());
                }
            };
            let mut out = Vec::new();
            patch::write(&data, &edited.patches, &mut out).unwrap();
            let (before, after) = (pixels(&data), pixels(&out));
            let (wide, high) = (jpeg.mcu_width, jpeg.mcu_height);
            // colours at half size are smoothed into the next pixel
            let (fringe_x, fringe_y) = (wide / 8 - 1, high / 8 - 1);
            for ((x, y, a), b) in before.enumerate_pixels().zip(after.pixels()) {
                let (x, y) = (x as usize, y as usize);
                let inside = x + fringe_x >= left * wide && x < right * wide + fringe_x
                    && y + fringe_y >= top * high && y < bottom * high + fringe_y;
                prop_assert!(inside || a == b, "{name} {area:?} {x},{y}");
            }
            // and the second picture has the same headers but for tables
            let again = Jpeg::parse(&out).unwrap();
            prop_assert_eq!(again.segments.len(), jpeg.segments.len());
        }
    }
}
