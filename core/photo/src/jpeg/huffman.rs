//! Huffman tables (ITU-T T.81 Annex C and F.2.2.3), laid out for three jobs: to skip blocks, to decode them, and to write them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "table entries are packed into few bits; each field is bounded where it is made"
)]

use super::Broken;
use super::bits::Reader;

/// How many bits one look resolves. The tables for skipping take 8 KB each, so that those of a picture stay in the first-level cache.
const LOOK: u32 = 12;
const ENTRIES: usize = 1 << LOOK;

/// The most bits of a number behind a code in 8-bit baseline: 11 for DC, 10 for AC (F.1.2.1.2, F.1.2.2.1).
const MAX_DC_SIZE: u8 = 11;
const MAX_AC_SIZE: u8 = 10;

/// End of block.
pub(crate) const EOB: u8 = 0x00;
/// Sixteen zeros.
pub(crate) const ZRL: u8 = 0xF0;

/// A table as its segment defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spec {
    /// How many codes have 1 to 16 bits.
    pub(crate) counts: [u8; 16],
    /// The symbols in the order of their codes.
    pub(crate) symbols: Vec<u8>,
}

impl Spec {
    /// Every symbol with its code and the code's length; `Broken` when there are more codes than bits allow.
    fn codes(&self) -> Result<Vec<(u8, u32, u32)>, Broken> {
        let mut codes = Vec::with_capacity(self.symbols.len());
        let mut symbols = self.symbols.iter();
        let mut code = 0_u32;
        for (length, count) in (1..=16).zip(self.counts) {
            for symbol in symbols.by_ref().take(count.into()) {
                if code >= 1 << length {
                    return Err(Broken::HuffmanTable);
                }
                codes.push((*symbol, code, length));
                code += 1;
            }
            code <<= 1;
        }
        if codes.len() != self.symbols.len() || symbols.next().is_some() {
            return Err(Broken::HuffmanTable);
        }
        Ok(codes)
    }

    /// The same table with `wanted` added behind all codes that it has, so that none of these changes; as many as there is room for. The
    /// code of all ones stays free, as C.2 demands.
    pub(crate) fn extended(&self, wanted: &[u8]) -> Option<Self> {
        let mut spec = self.clone();
        // codes of 16 bits that are not used up
        let used: u32 = (1..=16_u32)
            .zip(self.counts)
            .map(|(length, count)| u32::from(count) << (16 - length))
            .sum();
        let room = (1_u32 << 16).checked_sub(used + 1)?;
        let [.., sixteen] = &mut spec.counts;
        for symbol in wanted.iter().take(room as usize) {
            if !spec.symbols.contains(symbol) {
                *sixteen = sixteen.checked_add(1)?;
                spec.symbols.push(*symbol);
            }
        }
        (spec != *self).then_some(spec)
    }
}

/// Codes longer than one look, by length: F.2.2.3's MAXCODE and VALPTR.
#[derive(Debug, Clone)]
struct Long {
    /// For 13 to 16 bits: the code after the last one, left-aligned in 16 bits, and what to add to a code to find its symbol.
    steps: [(u32, i32); 4],
    symbols: Vec<u8>,
}

impl Long {
    fn new(spec: &Spec) -> Self {
        let mut steps = [(0, 0); 4];
        let mut code = 0_u32;
        let mut at = 0_i32;
        for (length, count) in (1..=16_u32).zip(spec.counts) {
            let offset = at - code.cast_signed();
            code += u32::from(count);
            at += i32::from(count);
            if let Some(step) = length
                .checked_sub(LOOK + 1)
                .and_then(|index| steps.get_mut(index as usize))
            {
                *step = (code << (16 - length), offset);
            }
            code <<= 1;
        }
        Self {
            steps,
            symbols: spec.symbols.clone(),
        }
    }

    /// The symbol and length of the code at the front of these 16 bits.
    #[cold]
    #[inline(never)]
    fn find(&self, bits: u32) -> Option<(u8, u32)> {
        let (length, (_, offset)) = (LOOK + 1..=16)
            .zip(self.steps)
            .find(|(_, (end, _))| bits < *end)?;
        let at = (bits >> (16 - length)).cast_signed() + offset;
        let symbol = self.symbols.get(usize::try_from(at).ok()?)?;
        Some((*symbol, length))
    }
}

/// Decodes DC differences.
#[derive(Debug, Clone)]
pub(crate) struct DcDecoder {
    /// Code and number together where they fit into one look: bits in the low byte, the number above. 0: not so.
    whole: Box<[i32; NUMBER_ENTRIES]>,
    /// The code alone: its length in the low byte, the number's size above. 0: none.
    code: Box<[u16; ENTRIES]>,
    long: Long,
}

impl DcDecoder {
    pub(crate) fn new(spec: &Spec) -> Result<Self, Broken> {
        let mut whole = Box::new([0; NUMBER_ENTRIES]);
        let mut code = boxed::<u16>();
        for (size, bits, length) in spec.codes()? {
            if length > LOOK || size > MAX_DC_SIZE {
                continue;
            }
            for entry in span(&mut code, bits, length) {
                *entry = length as u16 | u16::from(size) << 8;
            }
        }
        for (bits, entry) in (0_u32..).zip(whole.iter_mut()) {
            let found = code.get((bits << (LOOK - NUMBER_LOOK)) as usize);
            let found = found.copied().unwrap_or_default();
            let (length, size) = (u32::from(found & 0xFF), u32::from(found >> 8));
            let total = length + size;
            if found != 0 && total <= NUMBER_LOOK {
                let number = bits >> (NUMBER_LOOK - total) & ((1 << size) - 1);
                *entry = extend(number, size) << 8 | total.cast_signed();
            }
        }
        Ok(Self {
            whole,
            code,
            long: Long::new(spec),
        })
    }

    /// The next difference.
    #[inline(always)]
    pub(crate) fn next(&self, bits: &mut Reader<'_>) -> Result<i32, Broken> {
        bits.refill();
        let look = bits.peek(NUMBER_LOOK) as usize;
        let whole = self.whole.get(look).copied().unwrap_or_default();
        if whole != 0 {
            bits.skip((whole & 0xFF).cast_unsigned());
            return Ok(whole >> 8);
        }
        self.next_in_two_steps(bits)
    }

    fn next_in_two_steps(&self, bits: &mut Reader<'_>) -> Result<i32, Broken> {
        let look = bits.peek(LOOK);
        let code = self.code.get(look as usize).copied().unwrap_or_default();
        let (size, length) = if code == 0 {
            self.long.find(bits.peek(16)).ok_or(Broken::Code)?
        } else {
            ((code >> 8) as u8, u32::from(code & 0xFF))
        };
        if size > MAX_DC_SIZE {
            return Err(Broken::Code);
        }
        bits.skip(length);
        Ok(bits.signed(size.into()))
    }
}

/// Decodes AC coefficients, and skips them.
#[derive(Debug, Clone)]
pub(crate) struct AcDecoder {
    /// As many symbols as one look resolves, with their numbers: in the low 5 bits how many bits, in the next 7 how many coefficients (the
    /// end of the block counts as one), in the top bit whether the block ends. 0: none.
    skip: Box<[u16; ENTRIES]>,
    /// One code and the number behind it where they fit into one look: in the low 6 bits how many bits, in the next 7 the run of zeros before it, in
    /// the high half the number. 0: none.
    number: Box<[i32; NUMBER_ENTRIES]>,
    /// One code: its length in the low byte, the symbol above. 0: none.
    code: Box<[u16; ENTRIES]>,
    long: Long,
}

const BLOCK_ENDS: u16 = 1 << 15;

/// How many bits one look at a code and its number resolves.
const NUMBER_LOOK: u32 = 10;
const NUMBER_ENTRIES: usize = 1 << NUMBER_LOOK;

/// A run that no block has, for the end of one.
const ENDS: u32 = 127;

impl AcDecoder {
    pub(crate) fn new(spec: &Spec) -> Result<Self, Broken> {
        let mut code = boxed::<u16>();
        for (symbol, bits, length) in spec.codes()? {
            if length <= LOOK && allowed(symbol) {
                for entry in span(&mut code, bits, length) {
                    *entry = length as u16 | u16::from(symbol) << 8;
                }
            }
        }
        let mut skip = boxed::<u16>();
        for (bits, entry) in (0_u32..).zip(skip.iter_mut()) {
            *entry = skipped_by(bits, &code);
        }
        let mut number = Box::new([0; NUMBER_ENTRIES]);
        for (bits, entry) in (0_u32..).zip(number.iter_mut()) {
            *entry = numbered_by(bits, &code);
        }
        Ok(Self {
            skip,
            number,
            code,
            long: Long::new(spec),
        })
    }

    /// Passes over the 63 AC coefficients of a block.
    #[inline(always)]
    pub(crate) fn skip(&self, bits: &mut Reader<'_>) -> Result<(), Broken> {
        self.skip_from(bits, 1)
    }

    /// Passes over the coefficients from the one with the number `k` in zigzag order on.
    #[inline(always)]
    fn skip_from(&self, bits: &mut Reader<'_>, mut k: u32) -> Result<(), Broken> {
        while k < 64 {
            bits.refill();
            let look = bits.peek(LOOK) as usize;
            let entry = self.skip.get(look).copied().unwrap_or_default();
            let next = k + u32::from(entry >> 5 & 0x7F);
            if entry != 0 && next <= 64 {
                bits.skip(u32::from(entry & 0x1F));
                if entry & BLOCK_ENDS != 0 {
                    return Ok(());
                }
                k = next;
            } else {
                let (run, size) = self.symbol(bits)?;
                bits.skip(size);
                match (run, size) {
                    (0, 0) => return Ok(()),
                    (run, _) => k += run + 1,
                }
                if k > 64 {
                    return Err(Broken::Code);
                }
            }
        }
        Ok(())
    }

    /// Decodes the AC coefficients of a block up to the one with the number `last` in zigzag order and passes over the rest. `put` gets
    /// number and value of each that is not zero, and zeros among them.
    #[inline(always)]
    pub(crate) fn decode(
        &self,
        bits: &mut Reader<'_>,
        last: u32,
        mut put: impl FnMut(u32, i16),
    ) -> Result<(), Broken> {
        let mut k = 1_u32;
        while k <= last {
            bits.refill();
            // there are enough bits for two
            for _ in 0..2 {
                let entry = self
                    .number
                    .get(bits.peek(NUMBER_LOOK) as usize)
                    .copied()
                    .unwrap_or_default();
                let value = if entry == 0 {
                    let (run, size) = self.symbol(bits)?;
                    if run == 0 && size == 0 {
                        return Ok(());
                    }
                    k += run;
                    bits.signed(size) as i16
                } else {
                    bits.skip_lowest(entry.cast_unsigned());
                    k += entry.cast_unsigned() >> 6 & 0x7F;
                    (entry >> 16) as i16
                };
                if k > 63 {
                    return if k < ENDS { Err(Broken::Code) } else { Ok(()) };
                }
                put(k, value);
                k += 1;
                if k > last {
                    break;
                }
            }
        }
        self.skip_from(bits, k)
    }

    /// The next run and size; (0, 0) is the end of the block, (15, 0) sixteen zeros.
    #[inline(always)]
    fn symbol(&self, bits: &mut Reader<'_>) -> Result<(u32, u32), Broken> {
        let code = self
            .code
            .get(bits.peek(LOOK) as usize)
            .copied()
            .unwrap_or_default();
        let (symbol, length) = if code == 0 {
            let long = self.long.find(bits.peek(16));
            long.filter(|(symbol, _)| allowed(*symbol))
                .ok_or(Broken::Code)?
        } else {
            ((code >> 8) as u8, u32::from(code & 0xFF))
        };
        bits.skip(length);
        Ok((u32::from(symbol >> 4), u32::from(symbol & 15)))
    }
}

/// Whether baseline has this AC symbol: no number is longer than 10 bits, and of those without a number there are two.
const fn allowed(symbol: u8) -> bool {
    let (run, size) = (symbol >> 4, symbol & 15);
    size <= MAX_AC_SIZE && (size > 0 || run == 0 || run == 15)
}

/// The entry of the table for skipping: as many symbols as lie whole in these bits, and one more whose number sticks out.
fn skipped_by(bits: u32, code: &[u16; ENTRIES]) -> u16 {
    let (mut used, mut coefficients, mut ends) = (0_u32, 0_u32, 0);
    while used < LOOK {
        // what lies beyond the look is unknown; a code that fits into what is known is a code whatever follows
        let known = LOOK - used;
        let shifted = bits << used & (ENTRIES as u32 - 1);
        let entry = code.get(shifted as usize).copied().unwrap_or_default();
        let length = u32::from(entry & 0xFF);
        if entry == 0 || length > known {
            break;
        }
        let symbol = entry >> 8;
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        if coefficients + run + 1 > 64 {
            break;
        }
        coefficients += run + 1;
        used += length + size;
        if symbol == u16::from(EOB) {
            ends = BLOCK_ENDS;
            break;
        }
    }
    if used == 0 {
        return 0;
    }
    used as u16 | (coefficients as u16) << 5 | ends
}

/// The entry of the table for a code and its number.
fn numbered_by(bits: u32, code: &[u16; ENTRIES]) -> i32 {
    let free = LOOK - NUMBER_LOOK;
    let entry = code
        .get((bits << free) as usize)
        .copied()
        .unwrap_or_default();
    let length = u32::from(entry & 0xFF);
    let (run, size) = (u32::from(entry >> 12), u32::from(entry >> 8 & 15));
    if entry == 0 || length + size > NUMBER_LOOK {
        return 0;
    }
    let run = if run == 0 && size == 0 { ENDS } else { run };
    let number = bits >> (NUMBER_LOOK - length - size) & ((1 << size) - 1);
    extend(number, size) << 16 | (run << 6 | (length + size)).cast_signed()
}

/// Codes by symbol, for writing.
#[derive(Debug, Clone)]
pub(crate) struct Encoder {
    /// The code in the low half, its length above; 0 where the table has no code.
    codes: [u32; 256],
}

impl Encoder {
    pub(crate) fn new(spec: &Spec) -> Result<Self, Broken> {
        let mut codes = [0; 256];
        for (symbol, code, length) in spec.codes()? {
            if let Some(entry) = codes.get_mut(usize::from(symbol)) {
                // a symbol that stands twice is read by either code
                *entry = code | length << 16;
            }
        }
        Ok(Self { codes })
    }

    /// Code and length of `symbol`; a length of 0 says that there is none.
    #[inline(always)]
    pub(crate) fn code(&self, symbol: u8) -> (u32, u32) {
        let entry = self
            .codes
            .get(usize::from(symbol))
            .copied()
            .unwrap_or_default();
        (entry & 0xFFFF, entry >> 16)
    }

    /// How many bits the symbol takes, or `None` when the table lacks it.
    #[inline(always)]
    pub(crate) fn length(&self, symbol: u8) -> Option<u32> {
        match self.code(symbol).1 {
            0 => None,
            length => Some(length),
        }
    }
}

fn boxed<T: Copy + Default>() -> Box<[T; ENTRIES]> {
    Box::new([T::default(); ENTRIES])
}

/// The entries whose look begins with this code.
fn span<T>(table: &mut [T; ENTRIES], code: u32, length: u32) -> impl Iterator<Item = &mut T> {
    let free = LOOK - length;
    table
        .iter_mut()
        .skip((code << free) as usize)
        .take(1 << free)
}

/// F.2.2.1's EXTEND.
const fn extend(number: u32, size: u32) -> i32 {
    if size == 0 {
        0
    } else if number < 1 << (size - 1) {
        number.cast_signed() - (1 << size) + 1
    } else {
        number.cast_signed()
    }
}

/// How many bits a number needs (F.1.2.1.2).
#[inline(always)]
pub(crate) const fn size_of(number: i32) -> u32 {
    32 - number.unsigned_abs().leading_zeros()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::super::bits::Place;
    use super::super::blocks::{Block, Tables, write};
    use super::super::{bits::Writer, standard};
    use super::*;

    /// The AC coefficients of a block, bit by bit as F.2.2 says it, and where they end.
    fn slowly(spec: &Spec, data: &[u8]) -> Option<(Block, Place)> {
        let codes: HashMap<(u32, u32), u8> = spec
            .codes()
            .unwrap()
            .into_iter()
            .map(|(symbol, code, length)| ((code, length), symbol))
            .collect();
        let mut reader = Reader::new(data, 0);
        let mut bit = || {
            reader.refill();
            let bit = reader.peek(1);
            reader.skip(1);
            (bit, reader)
        };
        let mut end = Reader::new(data, 0);
        let mut block = [0; 64];
        let mut k = 1;
        while k < 64 {
            let (mut code, mut length) = (0, 0);
            let symbol = loop {
                let (next, at) = bit();
                (code, length, end) = (code << 1 | next, length + 1, at);
                if let Some(symbol) = codes.get(&(code, length)) {
                    break *symbol;
                }
                if length == 16 {
                    return None;
                }
            };
            if symbol == EOB {
                break;
            }
            let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if !allowed(symbol) || k + run > 63 {
                return None;
            }
            let mut number = 0;
            for _ in 0..size {
                let (next, at) = bit();
                (number, end) = (number << 1 | next, at);
            }
            block[k + run] = extend(number, size) as i16;
            k += run + 1;
        }
        Some((block, end.place()))
    }

    proptest! {
        #[test]
        fn looking_up_is_reading_bit_by_bit(
            written in prop::collection::vec((1_usize..64, 0_u32..10, any::<i16>()), 0..40),
            noise in prop::collection::vec(any::<u8>(), 0..400),
            table in 0_usize..2,
            last in 0_u32..64,
            honest in any::<bool>(),
        ) {
            let spec = &standard::ac()[table];
            let data = if honest {
                let mut block = [0; 64];
                for (k, size, value) in written {
                    block[k] = value >> (15 - size);
                }
                let (dc, ac) = (Encoder::new(&standard::dc()[0]).unwrap(), Encoder::new(spec).unwrap());
                let mut writer = Writer::default();
                let tables = Tables { dc: &dc, ac: &ac };
                prop_assert!(write(&mut writer, &block, &mut 0, tables));
                // without the code of a difference of none, which has two bits
                let bytes = writer.finish();
                let mut reader = Reader::new(&bytes, 0);
                let mut bare = Writer::default();
                reader.refill();
                reader.skip(2);
                while !reader.ran_out() {
                    reader.refill();
                    bare.put(reader.peek(1), 1);
                    reader.skip(1);
                }
                bare.finish()
            } else {
                noise
            };
            let decoder = AcDecoder::new(spec).unwrap();
            let mut bits = Reader::new(&data, 0);
            let mut block = [0; 64];
            let found = decoder.decode(&mut bits, last, |k, value| block[k as usize] = value);
            let mut skipping = Reader::new(&data, 0);
            let skipped = decoder.skip(&mut skipping);
            if let Some((exact, end)) = slowly(spec, &data) {
                prop_assert!(found.is_ok() && skipped.is_ok());
                prop_assert_eq!(bits.place(), end);
                prop_assert_eq!(skipping.place(), end);
                let kept = last as usize;
                prop_assert_eq!(&block[..=kept], &exact[..=kept]);
            } else {
                prop_assert_eq!(found, Err(Broken::Code));
                prop_assert_eq!(skipped, Err(Broken::Code));
            }
        }
    }
}
