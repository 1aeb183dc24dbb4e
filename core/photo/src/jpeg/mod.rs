//! Our own layer over baseline JPEG (ITU-T T.81): strict, bounded, and fast where it only has to find its way.
//!
//! What it does not take is no error yet: [`Why`] says why the picture has to go through a general decoder instead.

pub(crate) mod bits;
pub(crate) mod blocks;
pub(crate) mod dct;
pub(crate) mod edit;
pub(crate) mod encode;
pub(crate) mod fit;
pub(crate) mod huffman;
pub(crate) mod scaled;
pub(crate) mod standard;

use std::ops::Range;

use huffman::Spec;

use crate::limits::{MAX_MCU_BLOCKS, MAX_PIXELS, MAX_SEGMENTS};

/// What is wrong with a file that should be a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The first two bytes are not those of a JPEG.
    #[error("the file does not begin as a JPEG does")]
    NoStart,
    /// A segment ends after the file, or there is no picture.
    #[error("the file is cut off")]
    CutOff,
    /// Bytes between segments that belong to none.
    #[error("bytes between the segments that belong to none")]
    Junk,
    /// More segments than any real file has.
    #[error("there are more segments than any real file has")]
    TooManySegments,
    /// The frame header contradicts itself.
    #[error("the frame header makes no sense")]
    Frame,
    /// The picture has more pixels than any phone takes.
    #[error("the picture has too many pixels")]
    TooLarge,
    /// A quantisation table is wrong or missing.
    #[error("a quantisation table is wrong or missing")]
    QuantTable,
    /// A Huffman table is wrong or missing.
    #[error("a Huffman table is wrong or missing")]
    HuffmanTable,
    /// The scan header contradicts the frame header.
    #[error("the scan header makes no sense")]
    Scan,
    /// A code that is in no table, or a number out of range.
    #[error("the picture's data is damaged")]
    Code,
    /// The data ends before the picture does.
    #[error("the picture's data ends too early")]
    EndsEarly,
}

/// Why a picture cannot be edited in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// No JPEG at all.
    NotJpeg,
    /// Progressive coding.
    Progressive,
    /// Arithmetic coding.
    Arithmetic,
    /// Lossless or hierarchical coding.
    OtherCoding,
    /// Not 8 bits a sample.
    Depth,
    /// Neither one nor three components.
    Components,
    /// Components that are sampled in a ratio that is no whole number.
    Sampling,
    /// More than one scan.
    Scans,
    /// The Huffman tables have no room for what the stamp needs.
    Tables,
    /// A damaged or unusual structure, which a general decoder may see past.
    Structure,
    /// The stamp stands beside the picture, not on it.
    Canvas,
    /// A copy of another size was asked for.
    Copy,
}

/// What came in the way of editing in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    Broken(Broken),
    Not(Why),
}

impl From<Broken> for Obstacle {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<Why> for Obstacle {
    fn from(why: Why) -> Self {
        Self::Not(why)
    }
}

/// A marker segment before the scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) marker: u8,
    /// From the FF of the marker, without fill bytes before it, to the end of the body.
    pub(crate) whole: Range<usize>,
    /// What follows the two bytes of the length.
    pub(crate) body: Range<usize>,
}

/// One colour component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) id: u8,
    /// Blocks of it in an MCU, across and down.
    pub(crate) h: usize,
    pub(crate) v: usize,
    /// Which tables.
    pub(crate) quant: usize,
    pub(crate) dc: usize,
    pub(crate) ac: usize,
}

/// The picture as its headers describe it.
#[derive(Debug, Clone)]
pub(crate) struct Jpeg<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) segments: Vec<Segment>,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) components: Vec<Component>,
    /// Pixels of an MCU.
    pub(crate) mcu_width: usize,
    pub(crate) mcu_height: usize,
    /// MCUs of the picture.
    pub(crate) across: usize,
    pub(crate) down: usize,
    /// In zigzag order, by table number.
    pub(crate) quant: [Option<[u16; 64]>; 4],
    pub(crate) dc: [Option<Spec>; 4],
    pub(crate) ac: [Option<Spec>; 4],
    /// MCUs between restart markers; 0: there are none.
    pub(crate) restart: usize,
    /// The entropy-coded bytes, restart markers and all.
    pub(crate) scan: Range<usize>,
    /// What an Adobe segment says of the colours: 0 none, 1 YCbCr.
    pub(crate) adobe: Option<u8>,
}

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const DQT: u8 = 0xDB;
const DHT: u8 = 0xC4;
const DAC: u8 = 0xCC;
const DNL: u8 = 0xDC;
const DRI: u8 = 0xDD;
const RST0: u8 = 0xD0;
const RST7: u8 = 0xD7;
const TEM: u8 = 0x01;
pub(crate) const APP0: u8 = 0xE0;
pub(crate) const APP1: u8 = 0xE1;
pub(crate) const APP2: u8 = 0xE2;
pub(crate) const APP14: u8 = 0xEE;
pub(crate) const APP13: u8 = 0xED;
pub(crate) const APP15: u8 = 0xEF;
pub(crate) const COM: u8 = 0xFE;

/// The segments from the start of the file up to and with the scan header.
pub(crate) fn segments(data: &[u8]) -> Result<Vec<Segment>, Broken> {
    if data.first_chunk::<2>() != Some(&[0xFF, SOI]) {
        return Err(Broken::NoStart);
    }
    let mut segments = Vec::new();
    let mut pos = 2;
    loop {
        if data.get(pos) != Some(&0xFF) {
            return Err(if pos >= data.len() {
                Broken::CutOff
            } else {
                Broken::Junk
            });
        }
        // any number of fill bytes may stand before a marker (B.1.1.2)
        while data.get(pos + 1) == Some(&0xFF) {
            pos += 1;
        }
        let marker = *data.get(pos + 1).ok_or(Broken::CutOff)?;
        match marker {
            0 | TEM | RST0..=SOI => return Err(Broken::Junk),
            EOI => return Err(Broken::CutOff),
            _ => {}
        }
        let length = data
            .get(pos + 2..)
            .and_then(|rest| rest.first_chunk::<2>())
            .ok_or(Broken::CutOff)?;
        let end = pos + 2 + usize::from(u16::from_be_bytes(*length));
        if end < pos + 4 || end > data.len() {
            return Err(Broken::CutOff);
        }
        if segments.len() >= MAX_SEGMENTS {
            return Err(Broken::TooManySegments);
        }
        segments.push(Segment {
            marker,
            whole: pos..end,
            body: pos + 4..end,
        });
        if marker == SOS {
            return Ok(segments);
        }
        pos = end;
    }
}

/// The end of the entropy-coded bytes that start at `start`: the FF of the first marker that is no restart marker.
fn scan_end(data: &[u8], start: usize) -> Option<usize> {
    let mut pos = start;
    loop {
        pos += next_ff(data.get(pos..)?)?;
        match data.get(pos + 1)? {
            0 | RST0..=RST7 => pos += 2,
            0xFF => pos += 1,
            _ => return Some(pos),
        }
    }
}

/// The place of the first FF. Chunk by chunk at first, as a loop that can stop at every byte looks at one after the other.
fn next_ff(data: &[u8]) -> Option<usize> {
    let (chunks, _) = data.as_chunks::<32>();
    let none = |chunk: &&[u8; 32]| !chunk.iter().fold(false, |any, byte| any | (*byte == 0xFF));
    let skipped = chunks.iter().take_while(none).count() * 32;
    let rest = data.get(skipped..)?;
    Some(skipped + rest.iter().position(|byte| *byte == 0xFF)?)
}

/// Whether the marker that ends a picture comes after all its scans. Decoders fill up what is missing with grey and say nothing.
pub(crate) fn is_complete(data: &[u8]) -> bool {
    picture_end(data).is_some()
}

/// Where the marker stands that ends a picture, behind all its scans.
pub(crate) fn picture_end(data: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        let next = scan_end(data, at)?;
        let Some([_, marker, high, low]) =
            data.get(next..).and_then(|rest| rest.first_chunk::<4>())
        else {
            return (data.get(next + 1) == Some(&EOI)).then_some(next);
        };
        if *marker == EOI {
            return Some(next);
        }
        at = next + 2 + usize::from(u16::from_be_bytes([*high, *low]));
    }
}

impl<'a> Jpeg<'a> {
    /// Reads the headers of a baseline picture.
    pub(crate) fn parse(data: &'a [u8]) -> Result<Self, Obstacle> {
        if data.first_chunk::<2>() != Some(&[0xFF, SOI]) {
            return Err(Why::NotJpeg.into());
        }
        let segments = segments(data)?;
        let mut jpeg = Self {
            data,
            segments: Vec::new(),
            width: 0,
            height: 0,
            components: Vec::new(),
            mcu_width: 8,
            mcu_height: 8,
            across: 0,
            down: 0,
            quant: [None; 4],
            dc: [const { None }; 4],
            ac: [const { None }; 4],
            restart: 0,
            scan: 0..0,
            adobe: None,
        };
        for segment in &segments {
            let body = data.get(segment.body.clone()).ok_or(Broken::CutOff)?;
            jpeg.read(segment, body)?;
        }
        jpeg.segments = segments;
        let end = scan_end(data, jpeg.scan.start).ok_or(Broken::EndsEarly)?;
        jpeg.scan.end = end;
        match data.get(end + 1) {
            Some(&EOI) => Ok(jpeg),
            Some(&DNL) => Err(Why::Structure.into()),
            _ => Err(Why::Scans.into()),
        }
    }

    fn read(&mut self, segment: &Segment, body: &[u8]) -> Result<(), Obstacle> {
        match segment.marker {
            0xC0 | 0xC1 => self.read_frame(body),
            0xC2 => Err(Why::Progressive.into()),
            0xC9 | 0xCA | DAC => Err(Why::Arithmetic.into()),
            DHT => self.read_huffman(body),
            0xC3..=0xCF => Err(Why::OtherCoding.into()),
            DQT => self.read_quant(body),
            DRI => {
                let [high, low] = body else {
                    return Err(Broken::Scan.into());
                };
                self.restart = usize::from(u16::from_be_bytes([*high, *low]));
                Ok(())
            }
            APP14 => {
                if let Some(rest) = body.strip_prefix(b"Adobe") {
                    self.adobe = rest.get(6).copied();
                }
                Ok(())
            }
            SOS => {
                self.read_scan(body)?;
                self.scan = segment.whole.end..segment.whole.end;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn read_frame(&mut self, body: &[u8]) -> Result<(), Obstacle> {
        let Some(([depth, h1, h0, w1, w0, count], rest)) = body.split_first_chunk::<6>() else {
            return Err(Broken::Frame.into());
        };
        if !self.components.is_empty() {
            return Err(Broken::Frame.into());
        }
        if *depth != 8 {
            return Err(Why::Depth.into());
        }
        self.height = u16::from_be_bytes([*h1, *h0]).into();
        self.width = u16::from_be_bytes([*w1, *w0]).into();
        if rest.len() != usize::from(*count) * 3 || self.height == 0 || self.width == 0 {
            return Err(Broken::Frame.into());
        }
        if self.width as u64 * self.height as u64 > MAX_PIXELS {
            return Err(Broken::TooLarge.into());
        }
        if *count != 1 && *count != 3 {
            return Err(Why::Components.into());
        }
        for [id, sampling, quant] in rest.as_chunks::<3>().0 {
            let (h, v) = (usize::from(sampling >> 4), usize::from(sampling & 15));
            if !(1..=4).contains(&h) || !(1..=4).contains(&v) || *quant > 3 {
                return Err(Broken::Frame.into());
            }
            self.components.push(Component {
                id: *id,
                h,
                v,
                quant: (*quant).into(),
                dc: 0,
                ac: 0,
            });
        }
        if let [only] = self.components.as_mut_slice() {
            // a scan of one component has MCUs of one block, whatever the sampling says (A.2.2)
            (only.h, only.v) = (1, 1);
        }
        let h_max = self.components.iter().map(|c| c.h).max().unwrap_or(1);
        let v_max = self.components.iter().map(|c| c.v).max().unwrap_or(1);
        let blocks: usize = self.components.iter().map(|c| c.h * c.v).sum();
        if blocks > MAX_MCU_BLOCKS {
            return Err(Broken::Frame.into());
        }
        if self
            .components
            .iter()
            .any(|c| h_max % c.h != 0 || v_max % c.v != 0)
        {
            return Err(Why::Sampling.into());
        }
        (self.mcu_width, self.mcu_height) = (h_max * 8, v_max * 8);
        self.across = self.width.div_ceil(self.mcu_width);
        self.down = self.height.div_ceil(self.mcu_height);
        Ok(())
    }

    fn read_quant(&mut self, mut body: &[u8]) -> Result<(), Obstacle> {
        while let Some((head, rest)) = body.split_first() {
            let wide = match head >> 4 {
                0 => false,
                1 => true,
                _ => return Err(Broken::QuantTable.into()),
            };
            let mut table = [0; 64];
            let (bytes, after) = rest
                .split_at_checked(if wide { 128 } else { 64 })
                .ok_or(Broken::QuantTable)?;
            if wide {
                for (entry, pair) in table.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *entry = u16::from_be_bytes(*pair);
                }
            } else {
                for (entry, byte) in table.iter_mut().zip(bytes) {
                    *entry = u16::from(*byte);
                }
            }
            if table.contains(&0) {
                return Err(Broken::QuantTable.into());
            }
            *self
                .quant
                .get_mut(usize::from(head & 15))
                .ok_or(Broken::QuantTable)? = Some(table);
            body = after;
        }
        Ok(())
    }

    fn read_huffman(&mut self, body: &[u8]) -> Result<(), Obstacle> {
        for (class, slot, spec) in tables_in(body)? {
            let tables = if class == 0 {
                &mut self.dc
            } else {
                &mut self.ac
            };
            *tables.get_mut(slot).ok_or(Broken::HuffmanTable)? = Some(spec);
        }
        Ok(())
    }

    fn read_scan(&mut self, body: &[u8]) -> Result<(), Obstacle> {
        let (count, rest) = body.split_first().ok_or(Broken::Scan)?;
        let (selectors, range) = rest
            .split_at_checked(usize::from(*count) * 2)
            .ok_or(Broken::Scan)?;
        if self.components.is_empty() {
            return Err(Broken::Frame.into());
        }
        if usize::from(*count) != self.components.len() {
            return Err(Why::Scans.into());
        }
        if range != [0, 63, 0] {
            return Err(Broken::Scan.into());
        }
        for (component, [id, tables]) in
            self.components.iter_mut().zip(selectors.as_chunks::<2>().0)
        {
            if component.id != *id {
                return Err(Broken::Scan.into());
            }
            (component.dc, component.ac) = ((tables >> 4).into(), (tables & 15).into());
        }
        Ok(())
    }

    /// Whether the components are red, green and blue as they stand: as libjpeg guesses it.
    pub(crate) fn is_rgb(&self) -> bool {
        let ids: Vec<u8> = self.components.iter().map(|c| c.id).collect();
        let jfif = self.segments.iter().any(|segment| {
            segment.marker == APP0
                && self
                    .data
                    .get(segment.body.clone())
                    .is_some_and(|body| body.starts_with(b"JFIF\0"))
        });
        ids.len() == 3
            && !jfif
            && match self.adobe {
                Some(transform) => transform == 0,
                None => ids == *b"RGB",
            }
    }
}

/// The tables of a DHT segment: class (0 DC, 1 AC), number, table.
pub(crate) fn tables_in(mut body: &[u8]) -> Result<Vec<(u8, usize, Spec)>, Broken> {
    let mut tables = Vec::new();
    while let Some((head, rest)) = body.split_first() {
        let (counts, rest) = rest.split_first_chunk::<16>().ok_or(Broken::HuffmanTable)?;
        let total = counts.iter().map(|count| usize::from(*count)).sum();
        let (symbols, after) = rest.split_at_checked(total).ok_or(Broken::HuffmanTable)?;
        if total > 256 || head >> 4 > 1 || head & 15 > 3 {
            return Err(Broken::HuffmanTable);
        }
        let spec = Spec {
            counts: *counts,
            symbols: symbols.to_vec(),
        };
        tables.push((head >> 4, usize::from(head & 15), spec));
        body = after;
    }
    Ok(tables)
}
