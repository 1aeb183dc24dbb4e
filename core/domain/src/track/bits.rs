//! Bits in and out, and the adaptive Rice code of the packed track.
//!
//! A context keeps the mean of what it coded (sum and count, both halved when the count reaches [`WINDOW`]) and from it the parameter
//! `k`: the smallest with `count << k >= sum`. A value `u` is `u >> k` one-bits, a zero-bit, and the low `k` bits, high bit first. When
//! `u >> k` is [`ESCAPE`] or more there are [`ESCAPE`] one-bits, six bits with the length of `u` in bits less one, and `u` itself.

/// Count at which a context halves its memory.
const WINDOW: u64 = 24;
/// One-bits that announce a value written out in full.
const ESCAPE: u64 = 20;
/// Largest parameter.
const MAX_K: u32 = 40;

/// What a stream of similar values has been like.
#[derive(Debug, Clone)]
pub(super) struct Context {
    sum: u64,
    count: u64,
}

impl Context {
    /// A context that expects values of about `mean`.
    pub(super) const fn expecting(mean: u64) -> Self {
        Self {
            sum: mean * 2,
            count: 2,
        }
    }

    fn k(&self) -> u32 {
        (0..MAX_K)
            .find(|k| self.count << k >= self.sum)
            .unwrap_or(MAX_K)
    }

    fn learn(&mut self, u: u64) {
        // capped, so that one outlier does not spoil what follows and nothing overflows
        self.sum = self.sum.saturating_add(u.min(1 << MAX_K));
        self.count += 1;
        if self.count >= WINDOW {
            self.sum /= 2;
            self.count /= 2;
        }
    }
}

/// Writes bits, high bit first.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    used: u32,
}

impl BitWriter {
    /// A writer behind whole bytes.
    pub(super) const fn after(bytes: Vec<u8>) -> Self {
        Self { bytes, used: 0 }
    }

    fn bit(&mut self, one: bool) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if one && let Some(last) = self.bytes.last_mut() {
            *last |= 0x80 >> self.used;
        }
        self.used = (self.used + 1) % 8;
    }

    /// The low `n` bits of `u`.
    pub(super) fn bits(&mut self, u: u64, n: u32) {
        for i in (0..n).rev() {
            self.bit((u >> i) & 1 == 1);
        }
    }

    /// `u` as `context` codes it.
    pub(super) fn rice(&mut self, context: &mut Context, u: u64) {
        let k = context.k();
        let high = u >> k;
        if high < ESCAPE {
            for _ in 0..high {
                self.bit(true);
            }
            self.bit(false);
            self.bits(u, k);
        } else {
            for _ in 0..ESCAPE {
                self.bit(true);
            }
            let length = 64 - u.leading_zeros();
            self.bits(u64::from(length.saturating_sub(1)), 6);
            self.bits(u, length.max(1));
        }
        context.learn(u);
    }

    /// The bytes; unused bits of the last one are zero.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads bits, high bit first. Every method gives `None` at the end of the bytes.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = (byte >> (7 - self.at % 8)) & 1 == 1;
        self.at += 1;
        Some(bit)
    }

    pub(super) fn bits(&mut self, n: u32) -> Option<u64> {
        let mut u = 0;
        for _ in 0..n {
            u = (u << 1) | u64::from(self.bit()?);
        }
        Some(u)
    }

    pub(super) fn rice(&mut self, context: &mut Context) -> Option<u64> {
        let k = context.k();
        let mut high = 0;
        while high < ESCAPE && self.bit()? {
            high += 1;
        }
        let u = if high < ESCAPE {
            (high << k) | self.bits(k)?
        } else {
            let length = u32::try_from(self.bits(6)?).ok()? + 1;
            self.bits(length)?
        };
        context.learn(u);
        Some(u)
    }

    /// Whether nothing but the zero-bits that fill the last byte is left.
    pub(super) fn at_end(&mut self) -> bool {
        if self.bytes.len() != self.at.div_ceil(8) {
            return false;
        }
        std::iter::from_fn(|| self.bit()).all(|bit| !bit)
    }
}

/// Signed to unsigned, small values to small values: 0, -1, 1, -2, … to 0, 1, 2, 3, …
pub(super) const fn zigzag(v: i64) -> u64 {
    ((v << 1) ^ (v >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub(super) const fn unzigzag(u: u64) -> i64 {
    (u >> 1).cast_signed() ^ -((u & 1).cast_signed())
}

/// Appends `u` in groups of seven bits, low group first, the high bit saying that more follow (LEB128).
pub(super) fn put_varint(bytes: &mut Vec<u8>, mut u: u64) {
    loop {
        let [low, ..] = u.to_le_bytes();
        u >>= 7;
        if u == 0 {
            bytes.push(low & 0x7f);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// Takes a varint off the front. `None` when the bytes end or it does not fit 64 bits.
pub(super) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut u = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        let group = u64::from(first & 0x7f);
        if group << shift >> shift != group {
            return None;
        }
        u |= group << shift;
        if first & 0x80 == 0 {
            return Some(u);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_code_is_the_one_that_the_header_describes() {
        // k = 1 (2 << 1 >= 4): 5 = 2 one-bits, zero, low bit 1
        let mut writer = BitWriter::default();
        writer.rice(&mut Context::expecting(2), 5);
        assert_eq!(writer.finish(), [0b1101_0000]);
        let mut bytes = Vec::new();
        put_varint(&mut bytes, 300);
        assert_eq!(bytes, [0xac, 0x02]);
        assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read(values in proptest::collection::vec(prop_oneof![0_u64..40, any::<u64>()], 0..200), mean in 0_u64..5_000) {
            let mut writer = BitWriter::default();
            let mut context = Context::expecting(mean);
            for value in &values {
                writer.rice(&mut context, *value);
            }
            let bytes = writer.finish();
            let mut reader = BitReader::new(&bytes);
            let mut context = Context::expecting(mean);
            for value in &values {
                prop_assert_eq!(reader.rice(&mut context), Some(*value));
            }
            prop_assert!(reader.at_end());
        }

        #[test]
        fn numbers_survive_their_codes(u in any::<u64>(), v in any::<i64>()) {
            prop_assert_eq!(unzigzag(zigzag(v)), v);
            let mut bytes = Vec::new();
            put_varint(&mut bytes, u);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(take_varint(&mut rest), Some(u));
            prop_assert!(rest.is_empty());
        }
    }
}
