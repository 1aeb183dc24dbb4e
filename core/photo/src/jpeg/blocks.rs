//! Blocks of a scan: skipped, decoded, written.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of a block have at most 15 bits; runs at most 63"
)]

use super::bits::{Place, Reader, Writer};
use super::huffman::{AcDecoder, DcDecoder, EOB, Encoder, ZRL, size_of};
use super::scaled::Scaled;
use super::{Broken, Jpeg, RST0, RST7};

/// The 64 quantised coefficients of a block in zigzag order; the first is the DC value itself, not its difference.
pub(crate) type Block = [i16; 64];

/// The DC values that the next differences start from, by component.
pub(crate) type Predictors = [i32; 3];

/// A DC value beyond this is damage: 8-bit pictures stay below 2048 (F.1.2.1.2). Some encoders overshoot a little.
const MAX_DC: i32 = 1 << 13;

/// One block of an MCU: which component, and which decoders.
#[derive(Debug, Clone, Copy)]
struct Step<'t> {
    component: usize,
    dc: &'t DcDecoder,
    ac: &'t AcDecoder,
}

/// The decoders of a picture, by table number.
#[derive(Debug, Clone)]
pub(crate) struct Decoders {
    dc: [Option<DcDecoder>; 4],
    ac: [Option<AcDecoder>; 4],
}

impl Decoders {
    pub(crate) fn new(jpeg: &Jpeg<'_>) -> Result<Self, Broken> {
        let mut decoders = Self {
            dc: [const { None }; 4],
            ac: [const { None }; 4],
        };
        for component in &jpeg.components {
            if let Some(slot) = decoders.dc.get_mut(component.dc)
                && slot.is_none()
            {
                let spec = jpeg.dc.get(component.dc).and_then(Option::as_ref);
                *slot = Some(DcDecoder::new(spec.ok_or(Broken::HuffmanTable)?)?);
            }
            if let Some(slot) = decoders.ac.get_mut(component.ac)
                && slot.is_none()
            {
                let spec = jpeg.ac.get(component.ac).and_then(Option::as_ref);
                *slot = Some(AcDecoder::new(spec.ok_or(Broken::HuffmanTable)?)?);
            }
        }
        Ok(decoders)
    }
}

/// Goes through the MCUs of a scan in order.
#[derive(Debug, Clone)]
pub(crate) struct Walker<'a, 't> {
    bits: Reader<'a>,
    data: &'a [u8],
    end: usize,
    plan: Vec<Step<'t>>,
    predictors: Predictors,
    /// MCUs done.
    at: usize,
    restart: usize,
    /// Restart markers passed.
    interval: usize,
}

impl<'a, 't> Walker<'a, 't> {
    pub(crate) fn new(jpeg: &Jpeg<'a>, decoders: &'t Decoders) -> Result<Self, Broken> {
        let mut plan = Vec::new();
        for (number, component) in jpeg.components.iter().enumerate() {
            let dc = decoders.dc.get(component.dc).and_then(Option::as_ref);
            let ac = decoders.ac.get(component.ac).and_then(Option::as_ref);
            let step = Step {
                component: number,
                dc: dc.ok_or(Broken::HuffmanTable)?,
                ac: ac.ok_or(Broken::HuffmanTable)?,
            };
            plan.extend(std::iter::repeat_n(step, component.h * component.v));
        }
        // nothing after the scan must be taken for it
        let data = jpeg.data.get(..jpeg.scan.end).ok_or(Broken::CutOff)?;
        Ok(Self {
            bits: Reader::new(data, jpeg.scan.start),
            data,
            end: jpeg.scan.end,
            plan,
            predictors: [0; 3],
            at: 0,
            restart: jpeg.restart,
            interval: 0,
        })
    }

    pub(crate) const fn predictors(&self) -> Predictors {
        self.predictors
    }

    /// Where the next bit lies.
    pub(crate) fn place(&self) -> Place {
        self.bits.place()
    }

    fn resume(&mut self, at: usize) {
        self.bits = Reader::new(self.data, at);
        self.predictors = [0; 3];
        self.interval += 1;
    }

    /// The byte after the next restart marker, which must be the one with this number.
    fn next_restart(&self, from: usize, number: usize) -> Result<usize, Broken> {
        let mut pos = from;
        loop {
            let rest = self.data.get(pos..self.end).ok_or(Broken::EndsEarly)?;
            pos += rest
                .iter()
                .position(|byte| *byte == 0xFF)
                .ok_or(Broken::EndsEarly)?;
            match self.data.get(pos + 1) {
                Some(marker @ RST0..=RST7) if usize::from(marker - RST0) == number % 8 => {
                    return Ok(pos + 2);
                }
                Some(RST0..=RST7) | None => return Err(Broken::EndsEarly),
                Some(0) => pos += 2,
                Some(_) => pos += 1,
            }
        }
    }

    /// Goes on to the MCU `target`, not before the next one, and over the restart marker before it if there is one. Whole intervals are passed over by their markers.
    pub(crate) fn skip_to(&mut self, target: usize) -> Result<(), Broken> {
        if let Some(last) = target.checked_div(self.restart) {
            while self.interval < last {
                let from = self.place().byte;
                let after = self.next_restart(from, self.interval)?;
                self.resume(after);
                self.at = self.interval * self.restart;
            }
        }
        while self.at < target {
            let count = (target - self.at).min(256);
            self.skip_mcus(count)?;
            if self.bits.ran_out() {
                return Err(Broken::EndsEarly);
            }
        }
        Ok(())
    }

    fn skip_mcus(&mut self, count: usize) -> Result<(), Broken> {
        let mut bits = self.bits;
        let mut predictors = self.predictors;
        for _ in 0..count {
            for step in &self.plan {
                let difference = step.dc.next(&mut bits)?;
                if let Some(predictor) = predictors.get_mut(step.component) {
                    *predictor = predictor.wrapping_add(difference);
                }
                step.ac.skip(&mut bits)?;
            }
        }
        self.bits = bits;
        self.predictors = predictors;
        self.at += count;
        Ok(())
    }

    /// Goes on to the MCU `target`, and notes of each block on the way the MCU, its number in it, and its DC value.
    pub(crate) fn note_means(
        &mut self,
        target: usize,
        note: &mut impl FnMut(usize, usize, i32),
    ) -> Result<(), Broken> {
        while self.at < target {
            // over the restart marker, if one stands here
            self.skip_to(self.at)?;
            let left = match self.at.checked_rem(self.restart) {
                Some(since) => self.restart - since,
                None => 256,
            };
            let count = (target - self.at).min(left).min(256);
            let mut bits = self.bits;
            let mut predictors = self.predictors;
            for mcu in self.at..self.at + count {
                for (number, step) in self.plan.iter().enumerate() {
                    let difference = step.dc.next(&mut bits)?;
                    if let Some(predictor) = predictors.get_mut(step.component) {
                        *predictor = predictor.wrapping_add(difference);
                        note(mcu, number, *predictor);
                    }
                    step.ac.skip(&mut bits)?;
                }
            }
            self.bits = bits;
            self.predictors = predictors;
            self.at += count;
            if self.bits.ran_out() {
                return Err(Broken::EndsEarly);
            }
        }
        Ok(())
    }

    /// Decodes the next MCU into as many blocks as it has.
    pub(crate) fn decode(&mut self, blocks: &mut Vec<Block>) -> Result<(), Broken> {
        blocks.clear();
        let mut bits = self.bits;
        for step in &self.plan {
            let mut block = [0; 64];
            let value = dc(step, &mut bits, &mut self.predictors)?;
            step.ac.decode(&mut bits, 63, |k, value| {
                if let Some(place) = block.get_mut(k as usize) {
                    *place = value;
                }
            })?;
            let [first, ..] = &mut block;
            *first = value;
            blocks.push(block);
        }
        self.decoded(bits)
    }

    /// Decodes what is kept of the next MCU: one destination for each of its blocks. What is zero is not written.
    pub(crate) fn decode_scaled(
        &mut self,
        destinations: &[Destination<'_>],
        coefficients: &mut [i16],
    ) -> Result<(), Broken> {
        let mut bits = self.bits;
        for (step, to) in self.plan.iter().zip(destinations) {
            let mut put = |k: u32, value: i16| {
                let (place, value) = to.scaled.place(k, value);
                if let Some(coefficient) = coefficients.get_mut(to.start + place) {
                    *coefficient = value;
                }
            };
            put(0, dc(step, &mut bits, &mut self.predictors)?);
            step.ac.decode(&mut bits, to.scaled.last, put)?;
        }
        self.decoded(bits)
    }

    fn decoded(&mut self, bits: Reader<'a>) -> Result<(), Broken> {
        self.bits = bits;
        if self.bits.ran_out() {
            return Err(Broken::EndsEarly);
        }
        self.at += 1;
        Ok(())
    }
}

/// The next DC value.
#[inline(always)]
fn dc(step: &Step<'_>, bits: &mut Reader<'_>, predictors: &mut Predictors) -> Result<i16, Broken> {
    let predictor = predictors.get_mut(step.component).ok_or(Broken::Frame)?;
    *predictor = predictor.wrapping_add(step.dc.next(bits)?);
    if predictor.abs() > MAX_DC {
        return Err(Broken::Code);
    }
    Ok(*predictor as i16)
}

/// Where what is kept of a block goes: one of many lanes.
#[derive(Debug)]
pub(crate) struct Destination<'s> {
    pub(crate) scaled: &'s Scaled,
    /// The place of its first coefficient; each next one lies as many lanes further.
    pub(crate) start: usize,
}

/// The tables of one component for writing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tables<'t> {
    pub(crate) dc: &'t Encoder,
    pub(crate) ac: &'t Encoder,
}

/// Writes a block; `false` when the tables lack a symbol, and then what was written is of no use.
#[inline]
pub(crate) fn write(
    writer: &mut Writer,
    block: &Block,
    predictor: &mut i32,
    tables: Tables<'_>,
) -> bool {
    let Writer { bytes, pending } = writer;
    let mut bits = *pending;
    let mut whole = true;
    let mut put = |table: &Encoder, symbol: u8, number: u32, size: u32| {
        let (code, length) = table.code(symbol);
        whole &= length > 0 && size < 16;
        bits.put(bytes, code << size | number, length + size);
    };
    let [dc, ..] = block;
    let (difference, size) = number(i32::from(*dc) - *predictor);
    put(tables.dc, size as u8, difference, size);
    *predictor = i32::from(*dc);
    let mut left = nonzero(block) & !1;
    let mut last = 0;
    while left != 0 {
        let k = left.trailing_zeros();
        left &= left - 1;
        let mut run = k - last - 1;
        while run > 15 {
            put(tables.ac, ZRL, 0, 0);
            run -= 16;
        }
        let value = block.get(k as usize).copied().unwrap_or_default();
        let (value, size) = number(value.into());
        put(tables.ac, (run << 4 | size) as u8, value, size);
        last = k;
    }
    if last < 63 {
        put(tables.ac, EOB, 0, 0);
    }
    *pending = bits;
    whole
}

/// A number's bits and how many it has. Negative ones are written less one (F.1.2.1.1).
#[inline(always)]
const fn number(value: i32) -> (u32, u32) {
    let size = size_of(value);
    ((value + (value >> 31)) as u32 & ((1 << size) - 1), size)
}

/// A bit for each coefficient that is not zero, the first one at the bottom.
#[inline(always)]
fn nonzero(block: &Block) -> u64 {
    let mut flags = [0_u8; 64];
    for (flag, value) in flags.iter_mut().zip(block) {
        *flag = u8::from(*value != 0);
    }
    // the product brings the lowest bits of eight bytes into the highest byte, side by side
    let (eights, _) = flags.as_chunks::<8>();
    eights.iter().rev().fold(0, |bits, eight| {
        let product = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080);
        bits << 8 | product >> 56
    })
}
