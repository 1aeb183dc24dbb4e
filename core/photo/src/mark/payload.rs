//! What the code says, in bytes and as text.

use uuid::Uuid;
use waymark_domain::ids::DeviceId;

use super::digest::{self, BITS, Cells, Phase};
use super::{Head, Interval, Verdict};
use crate::turn::Rect;

/// What the text begins with.
pub(crate) const PREFIX: &str = "WM1:";

const VERSION: u8 = 1;
const VOUCHED: u8 = 0x80;

/// The longest payload, in bytes; no verifier has to read more.
pub(crate) const MAX_BYTES: usize = 410;

/// What the code of a photo says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) device: DeviceId,
    pub(crate) key: [u8; 33],
    pub(crate) vouch: Option<[u8; 64]>,
    pub(crate) verdict: Verdict,
    /// Width and height as shown.
    pub(crate) size: (usize, usize),
    pub(crate) band: Rect,
    /// The corner of the white square, and the pixels of a module.
    pub(crate) code: (usize, usize),
    pub(crate) module: usize,
    pub(crate) phase: Phase,
    pub(crate) time: Interval,
    pub(crate) head: Head,
    /// Of each cell.
    pub(crate) means: Vec<u8>,
}

/// Why bytes are no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAPayload {
    #[error("not the text of a code")]
    Text,
    #[error("another version")]
    Version,
    #[error("too short or too long")]
    Length,
    #[error("a size, a place or a time that cannot be")]
    Value,
}

struct Reader<'d>(&'d [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], NotAPayload> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(NotAPayload::Length)?;
        self.0 = rest;
        Ok(*head)
    }

    fn short(&mut self) -> Result<usize, NotAPayload> {
        Ok(usize::from(u16::from_be_bytes(self.take()?)))
    }

    fn six(&mut self) -> Result<u64, NotAPayload> {
        let [a, b, c, d, e, f] = self.take()?;
        Ok(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }
}

impl Payload {
    /// The cells that the means are of.
    pub(crate) fn cells(&self) -> Cells {
        Cells::new(self.size, self.band, self.phase)
    }

    /// What is signed: all but the signature. `None` when a number is larger than its place.
    pub(crate) fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = vec![VERSION];
        let vouched = if self.vouch.is_some() { VOUCHED } else { 0 };
        bytes.push(self.verdict.code() | vouched);
        bytes.extend(self.device.as_uuid().as_bytes());
        bytes.extend(self.key);
        bytes.extend(self.vouch.iter().flatten());
        let Rect {
            left,
            top,
            right,
            bottom,
        } = self.band;
        let (width, height) = self.size;
        let (x, y) = self.code;
        for number in [width, height, left, top, right, bottom, x, y, self.module] {
            bytes.extend(u16::try_from(number).ok()?.to_be_bytes());
        }
        let (x, y) = self.phase;
        bytes.push(u8::try_from(x | y << 4).ok()?);
        six(&mut bytes, u64::try_from(self.time.from_ms).ok()?)?;
        let width = self.time.to_ms.checked_sub(self.time.from_ms)?;
        bytes.extend(u32::try_from(width).ok()?.to_be_bytes());
        six(&mut bytes, self.head.n)?;
        bytes.extend(self.head.hash);
        bytes.extend(digest::pack(&self.means));
        Some(bytes)
    }

    /// Reads what [`Self::to_bytes`] wrote, and the signature behind it.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, [u8; 64]), NotAPayload> {
        if bytes.len() > MAX_BYTES {
            return Err(NotAPayload::Length);
        }
        let mut reader = Reader(bytes);
        let [version, what] = reader.take()?;
        if version != VERSION {
            return Err(NotAPayload::Version);
        }
        let verdict = Verdict::of_code(what & !VOUCHED).ok_or(NotAPayload::Value)?;
        let device = DeviceId::from_uuid(Uuid::from_bytes(reader.take()?));
        let key = reader.take()?;
        let vouch = (what & VOUCHED != 0).then(|| reader.take()).transpose()?;
        let size = (reader.short()?, reader.short()?);
        let band = Rect {
            left: reader.short()?,
            top: reader.short()?,
            right: reader.short()?,
            bottom: reader.short()?,
        };
        let code = (reader.short()?, reader.short()?);
        let module = reader.short()?;
        let [phase] = reader.take()?;
        let phase = (usize::from(phase & 15), usize::from(phase >> 4));
        let from_ms = i64::try_from(reader.six()?).map_err(|_| NotAPayload::Value)?;
        let width = u32::from_be_bytes(reader.take()?);
        let time = Interval {
            from_ms,
            to_ms: from_ms + i64::from(width),
        };
        let head = Head {
            n: reader.six()?,
            hash: reader.take()?,
        };
        let inside = band.left < band.right
            && band.top < band.bottom
            && band.right <= size.0
            && band.bottom <= size.1
            && size.0.min(size.1) >= 64
            && phase.0 < 8
            && phase.1 < 8
            && module > 0;
        if !inside {
            return Err(NotAPayload::Value);
        }
        let mut payload = Self {
            device,
            key,
            vouch,
            verdict,
            size,
            band,
            code,
            module,
            phase,
            time,
            head,
            means: Vec::new(),
        };
        let count = payload.cells().count();
        let packed = (count * BITS).div_ceil(8);
        let (packed, signature) = reader
            .0
            .split_at_checked(packed)
            .ok_or(NotAPayload::Length)?;
        payload.means = digest::unpack(packed, count);
        if digest::pack(&payload.means) != packed {
            return Err(NotAPayload::Value);
        }
        let signature = <[u8; 64]>::try_from(signature).map_err(|_| NotAPayload::Length)?;
        Ok((payload, signature))
    }
}

/// A number below 2^48.
fn six(bytes: &mut Vec<u8>, number: u64) -> Option<()> {
    let [0, 0, rest @ ..] = number.to_be_bytes() else {
        return None;
    };
    bytes.extend(rest);
    Some(())
}

/// The 45 characters of RFC 9285, which are those of the alphanumeric mode of a code.
const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// Bytes as text of a code.
pub(crate) fn to_text(bytes: &[u8]) -> String {
    let mut text = String::from(PREFIX);
    let mut put = |mut number: usize, digits: usize| {
        for _ in 0..digits {
            text.push(ALPHABET.get(number % 45).copied().map_or(' ', char::from));
            number /= 45;
        }
    };
    let (pairs, last) = bytes.as_chunks::<2>();
    for pair in pairs {
        put(u16::from_be_bytes(*pair).into(), 3);
    }
    if let [byte] = last {
        put((*byte).into(), 2);
    }
    text
}

/// The bytes of a code's text.
pub(crate) fn from_text(text: &str) -> Result<Vec<u8>, NotAPayload> {
    let text = text.strip_prefix(PREFIX).ok_or(NotAPayload::Text)?;
    if text.len() > MAX_BYTES.div_ceil(2) * 3 {
        return Err(NotAPayload::Length);
    }
    let mut bytes = Vec::with_capacity(text.len() / 3 * 2 + 1);
    for group in text.as_bytes().chunks(3) {
        let mut number = 0;
        for character in group.iter().rev() {
            let digit = ALPHABET
                .iter()
                .position(|known| known == character)
                .ok_or(NotAPayload::Text)?;
            number = number * 45 + digit;
        }
        if group.len() == 3 {
            let pair = u16::try_from(number).map_err(|_| NotAPayload::Text)?;
            bytes.extend(pair.to_be_bytes());
        } else if group.len() == 2 {
            bytes.push(u8::try_from(number).map_err(|_| NotAPayload::Text)?);
        } else {
            return Err(NotAPayload::Text);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn payload() -> Payload {
        let mut payload = Payload {
            device: DeviceId::from_uuid(Uuid::from_bytes([3; 16])),
            key: [2; 33],
            vouch: Some([9; 64]),
            verdict: Verdict::NotMet,
            size: (4000, 3000),
            band: Rect {
                left: 0,
                top: 2304,
                right: 4000,
                bottom: 3000,
            },
            code: (3300, 2306),
            module: 9,
            phase: (0, 4),
            time: Interval {
                from_ms: 1_790_000_000_000,
                to_ms: 1_790_000_004_000,
            },
            head: Head {
                n: 812,
                hash: [7; 16],
            },
            means: Vec::new(),
        };
        let count = payload.cells().count();
        payload.means = (0..64).cycle().take(count).collect();
        payload
    }

    /// The numbers come from another program, written from the documentation's rules.
    #[test]
    fn the_vector_of_the_documentation_holds() {
        let mut bytes = payload().to_bytes().unwrap();
        bytes.extend([5; 64]);
        let text = to_text(&bytes);
        assert_eq!(payload().cells().count(), 220);
        assert_eq!((bytes.len(), text.len()), (395, 597));
        assert!(text.starts_with("WM1:Q806H06H06H06H06H06H"), "{text}");
        let hash = waymark_domain::hash::Hash::of(text.as_bytes()).to_string();
        assert_eq!(
            hash,
            "def027c394b9648f3a78bd97fe7be19f02e6b85df56e333302390ba9ff496fbf"
        );
        let (read, signature) = Payload::read(&from_text(&text).unwrap()).unwrap();
        assert_eq!((read, signature), (payload(), [5; 64]));
    }

    #[test]
    fn base45_is_that_of_rfc_9285() {
        for (bytes, text) in [
            ("AB", "BB8"),
            ("Hello!!", "%69 VD92EX0"),
            ("base-45", "UJCLQE7W581"),
            ("ietf!", "QED8WEX0"),
        ] {
            assert_eq!(to_text(bytes.as_bytes()), format!("{PREFIX}{text}"));
            assert_eq!(
                from_text(&format!("{PREFIX}{text}")).unwrap(),
                bytes.as_bytes()
            );
        }
        for wrong in [
            "QED8WEX0", "WM1:A", "WM1:GGW", "WM1:::", "WM1:ab8", "WM1:é12",
        ] {
            assert!(from_text(wrong).is_err(), "{wrong}");
        }
        assert!(from_text(&format!("{PREFIX}{}", "0".repeat(2000))).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_what_reads_is_written_the_same(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
            cut in prop_oneof![3 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)],
        ) {
            let mut bytes = payload().to_bytes().unwrap();
            bytes.extend([5; 64]);
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            if let Ok((read, signature)) = Payload::read(&bytes) {
                let mut again = read.to_bytes().unwrap();
                again.extend(signature);
                prop_assert_eq!(again, bytes);
            }
        }

        #[test]
        fn the_cells_of_any_picture_are_few_and_lie_outside_the_band(
            (width, height) in (64_usize..9000, 64_usize..9000),
            (a, b, c, d) in any::<(prop::sample::Index, prop::sample::Index, prop::sample::Index, prop::sample::Index)>(),
            phase in (0_usize..8, 0_usize..8),
        ) {
            let side = |a: prop::sample::Index, b: prop::sample::Index, side: usize| {
                let (a, b) = (a.index(side), b.index(side));
                (a.min(b), a.max(b) + 1)
            };
            let ((left, right), (top, bottom)) = (side(a, b, width), side(c, d, height));
            let band = Rect { left, top, right, bottom };
            let cells = Cells::new((width, height), band, phase);
            prop_assert!(cells.count() <= digest::MAX_CELLS);
            prop_assert_eq!(cells.rects().count(), cells.count());
            for cell in cells.rects() {
                prop_assert!(cell.left < cell.right && cell.top < cell.bottom, "{:?}", cell);
                prop_assert!(cell.right <= width && cell.bottom <= height, "{:?}", cell);
                let apart = cell.right <= left || cell.left >= right || cell.bottom <= top || cell.top >= bottom;
                prop_assert!(apart, "{:?} {:?}", cell, band);
            }
            // and of a grey picture each has the mean of the grey
            let means = cells.means((33, 21), digest::Lie::Fitted, |_, row| row.extend([100 * 8; 33]));
            prop_assert!(means.iter().all(|mean| (*mean - 1600).abs() <= 1), "{:?}", means);
        }
    }
}
