//! Bits of an entropy-coded segment, in and out. A byte FF is followed by a stuffed 00 there (ITU-T T.81 F.1.2.3); anything else after an FF
//! is a marker, at which reading stops.

#![expect(
    clippy::cast_possible_truncation,
    reason = "bytes are cut out of a word on purpose"
)]

/// Whether one of the eight bytes is FF.
const fn has_ff(word: u64) -> bool {
    (!word).wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 != 0
}

/// Reads bits, the first one from the top. Beyond the end, and beyond a marker, it gives zeros and counts them.
///
/// `Copy`, so that a loop can keep it in registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    data: &'a [u8],
    /// The next byte that is not in `word` yet.
    pos: usize,
    /// Bits to come, from the top; below them zeros.
    word: u64,
    /// How many bits of `word` are to come.
    held: u32,
    /// How many of the bits handed out or held were made up after the end.
    made_up: u32,
}

/// A bit in the file: the offset of its byte, and how many bits of that byte stand before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) byte: usize,
    pub(crate) bit: u32,
}

impl<'a> Reader<'a> {
    /// Starts at the byte `pos` of `data`. Places are told as offsets into `data`.
    pub(crate) const fn new(data: &'a [u8], pos: usize) -> Self {
        Self {
            data,
            pos,
            word: 0,
            held: 0,
            made_up: 0,
        }
    }

    /// Makes sure that at least 56 bits are held: the longest code with the longest number behind it has 31.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        if let Some(next) = self
            .data
            .get(self.pos..)
            .and_then(|rest| rest.first_chunk::<8>())
        {
            let next = u64::from_be_bytes(*next);
            if !has_ff(next) {
                // no branch on how many bits are missing, which nothing could foresee; bits beyond the last whole byte come again next time
                self.word |= next >> self.held;
                self.pos += ((63 - self.held) >> 3) as usize;
                self.held |= 56;
                return;
            }
        }
        *self = self.refilled_byte_by_byte();
    }

    #[cold]
    #[inline(never)]
    fn refilled_byte_by_byte(mut self) -> Self {
        while self.held < 56 {
            let byte = match (self.data.get(self.pos), self.data.get(self.pos + 1)) {
                (Some(0xFF), Some(0)) => {
                    self.pos += 2;
                    0xFF
                }
                (None, _) | (Some(0xFF), _) => {
                    self.made_up = self.made_up.saturating_add(8);
                    0
                }
                (Some(byte), _) => {
                    self.pos += 1;
                    *byte
                }
            };
            self.word |= u64::from(byte) << (56 - self.held);
            self.held += 8;
        }
        self
    }

    /// The next `count` bits, 1 to 32, as a number. Call `refill` before.
    #[inline(always)]
    pub(crate) const fn peek(&self, count: u32) -> u32 {
        (self.word >> (64 - count)) as u32
    }

    /// Moves on by `count` bits, at most 32.
    #[inline(always)]
    pub(crate) const fn skip(&mut self, count: u32) {
        self.word <<= count;
        self.held -= count;
    }

    /// Moves on by as many bits as the lowest 6 bits of `count` say, at most 32. What is above them costs nothing, as processors do not look there.
    #[inline(always)]
    pub(crate) const fn skip_lowest(&mut self, count: u32) {
        self.word = self.word.wrapping_shl(count);
        self.held -= count & 63;
    }

    /// The next `count` bits, 0 to 16, as the signed number of ITU-T T.81 F.2.2.1 (EXTEND). Call `refill` before.
    #[inline(always)]
    pub(crate) const fn signed(&mut self, count: u32) -> i32 {
        // in two steps, as nothing can be shifted by 64
        let bits = (self.word >> 1 >> (63 - count)) as i32;
        let positive = self.word.cast_signed() >> 63;
        self.skip(count);
        bits + (((-1 << count) + 1) & !(positive as i32))
    }

    /// Whether bits were used that are not there.
    pub(crate) const fn ran_out(&self) -> bool {
        self.made_up > self.held
    }

    /// Where the next bit lies.
    pub(crate) fn place(&self) -> Place {
        let ahead = self.held.saturating_sub(self.made_up);
        let mut byte = self.pos;
        for _ in 0..ahead.div_ceil(8) {
            let stuffed = byte >= 2 && self.data.get(byte - 2..byte) == Some(&[0xFF, 0]);
            byte = byte.saturating_sub(if stuffed { 2 } else { 1 });
        }
        Place {
            byte,
            bit: (8 - ahead % 8) % 8,
        }
    }
}

/// Writes bits and stuffs them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) pending: Pending,
}

/// Bits that are not written yet. `Copy`, so that a loop can keep them in registers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pending {
    /// The last bit at the bottom. What is above those held is of no meaning.
    word: u64,
    /// How many there are, fewer than 64.
    held: u32,
}

impl Pending {
    /// Adds the lowest `count` bits of `bits`, 0 to 32; the higher ones must be zero.
    #[inline(always)]
    pub(crate) fn put(&mut self, bytes: &mut Vec<u8>, bits: u32, count: u32) {
        let held = self.held + count;
        if held < 64 {
            self.word = self.word << count | u64::from(bits);
            self.held = held;
        } else {
            let rest = held - 64;
            flush(bytes, self.word << (count - rest) | u64::from(bits) >> rest);
            self.word = bits.into();
            self.held = rest;
        }
    }
}

fn flush(bytes: &mut Vec<u8>, word: u64) {
    if has_ff(word) {
        for byte in word.to_be_bytes() {
            push(bytes, byte);
        }
    } else {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
}

fn push(bytes: &mut Vec<u8>, byte: u8) {
    bytes.push(byte);
    if byte == 0xFF {
        bytes.push(0);
    }
}

impl Writer {
    /// Behind these bytes.
    pub(crate) fn behind(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            pending: Pending::default(),
        }
    }

    /// Adds the lowest `count` bits of `bits`, 0 to 32; the higher ones must be zero.
    pub(crate) fn put(&mut self, bits: u32, count: u32) {
        self.pending.put(&mut self.bytes, bits, count);
    }

    /// A writer that goes on where this one is, without the bytes that are done: to see where something would end.
    pub(crate) const fn trial(&self) -> Self {
        Self {
            bytes: Vec::new(),
            pending: self.pending,
        }
    }

    /// How many bits of the last byte are used, 0 to 7.
    pub(crate) const fn phase(&self) -> u32 {
        self.pending.held % 8
    }

    /// The bytes; a last one that is not full is filled up with ones.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let fill = (8 - self.phase()) % 8;
        self.put((1 << fill) - 1, fill);
        while self.pending.held > 0 {
            self.pending.held -= 8;
            push(
                &mut self.bytes,
                (self.pending.word >> self.pending.held) as u8,
            );
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read_back_and_every_place_is_right(
            numbers in prop::collection::vec((0_u32..=16).prop_flat_map(|count| (Just(count), 0..(1_u32 << count))), 1..200),
            ones in any::<bool>(),
        ) {
            let mut writer = Writer::default();
            let mut bits = 0;
            for (count, number) in &numbers {
                // runs of ones make bytes FF, which must be stuffed
                let number = if ones { (1 << count) - 1 } else { *number };
                writer.put(number, *count);
                bits += count;
            }
            prop_assert_eq!(writer.phase(), bits % 8);
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes, 0);
            let mut read = 0;
            for (count, number) in &numbers {
                let number = if ones { (1 << count) - 1 } else { *number };
                reader.refill();
                let place = reader.place();
                let before = bytes[..place.byte].iter().zip(bytes[..place.byte].iter().skip(1)).filter(|pair| *pair == (&0xFF, &0)).count();
                prop_assert_eq!((place.byte - before) as u32 * 8 + place.bit, read);
                if *count > 0 {
                    prop_assert_eq!(reader.peek(*count), number);
                    reader.skip(*count);
                }
                read += count;
                prop_assert!(!reader.ran_out());
            }
        }
    }

    #[test]
    fn a_marker_ends_the_bits_and_zeros_follow() {
        let data = [0xAB, 0xFF, 0x00, 0xFF, 0xD9, 0x12];
        let mut reader = Reader::new(&data, 0);
        reader.refill();
        assert_eq!(reader.peek(24), 0x00AB_FF00);
        reader.skip(16);
        assert!(!reader.ran_out());
        assert_eq!(reader.place(), Place { byte: 3, bit: 0 });
        reader.skip(1);
        assert!(reader.ran_out());
    }
}
