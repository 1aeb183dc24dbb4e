//! The covered original, sealed inside the file. The format stands in `core/docs/photo.md`.
//!
//! What is sealed is not the picture but the difference: for each range of bytes that stamping replaced, the bytes that stood there. So it is
//! about as large as the part of the file under the stamp, and putting it back gives the original file to the last bit.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, Tag, UnboundKey};
use waymark_domain::hash::Hash;

use crate::error::Error;
use crate::jpeg::{self, Segment};
use crate::limits::MAX_FILE_BYTES;
use crate::patch::Patch;

/// The application segment that is ours. Nobody else uses it in photographs with this name.
pub(crate) const APP9: u8 = 0xE9;

/// What our segments begin with, followed by the kind.
const NAME: &[u8; 8] = b"WAYMARK\0";
const KIND_SEALED: u8 = b'S';
const KIND_ABOUT: u8 = b'A';
const KIND_MARK: u8 = b'M';
const VERSION: u8 = 1;

/// Name, kind, version, number and count of the piece.
const HEAD: usize = NAME.len() + 2 + 4;

/// Of a segment's 65,533 bytes.
const PIECE: usize = 65_533 - HEAD;

/// What is authenticated beside the sealed bytes.
const AAD: &[u8] = b"waymark photo seal 1";

/// The key for sealing, 32 bytes, and a nonce that is never used twice with it. Both come from the caller: there is no randomness here.
#[derive(Clone)]
pub struct SealKey {
    /// The key.
    pub key: [u8; 32],
    /// 12 random bytes, new for every picture.
    pub nonce: [u8; NONCE_LEN],
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey")
    }
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey, Error> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| Error::WrongKey)
}

/// One of our segments.
fn segment(kind: u8, number: u16, count: u16, body: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(2 + HEAD + body.len()).ok()?;
    let mut bytes = Vec::with_capacity(body.len() + HEAD + 4);
    bytes.extend([0xFF, APP9]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(NAME);
    bytes.extend([kind, VERSION]);
    bytes.extend(number.to_be_bytes());
    bytes.extend(count.to_be_bytes());
    bytes.extend(body);
    Some(bytes)
}

/// The segment that says in the clear what was done.
pub(crate) fn about(json: &[u8]) -> Option<Vec<u8>> {
    segment(KIND_ABOUT, 0, 1, json)
}

/// The segment with the device's statement.
pub(crate) fn mark(statement: &[u8]) -> Option<Vec<u8>> {
    segment(KIND_MARK, 0, 1, statement)
}

/// How long the segment of a mark with so many bytes is.
pub(crate) const fn mark_length(statement: usize) -> usize {
    4 + HEAD + statement
}

/// The statements in a file, each with the range of its segment.
pub(crate) fn marks<'d, 's>(
    data: &'d [u8],
    segments: &'s [Segment],
) -> impl Iterator<Item = (&'s Segment, &'d [u8])> {
    segments
        .iter()
        .filter_map(move |segment| match ours(data, segment) {
            Some((KIND_MARK, 0, 1, body)) => Some((segment, body)),
            _ => None,
        })
}

/// The segments with what `patches` replaced in `data`, sealed.
pub(crate) fn seal(data: &[u8], patches: &[Patch], with: &SealKey) -> Result<Vec<u8>, Error> {
    let mut plain = Vec::new();
    plain.extend(Hash::of(data).as_bytes());
    plain.extend((data.len() as u64).to_be_bytes());
    plain.extend((patches.len() as u64).to_be_bytes());
    let mut covered = 0;
    let mut shift = 0_i64;
    for patch in patches {
        // where the range starts in the stamped file without its sealed segments and its mark
        let at = patch.range.start as i64 + shift;
        shift += patch.bytes.len() as i64 - patch.range.len() as i64;
        plain.extend(at.to_be_bytes());
        plain.extend((patch.bytes.len() as u64).to_be_bytes());
        plain.extend((patch.range.len() as u64).to_be_bytes());
        covered += patch.range.len();
    }
    plain.reserve(covered);
    for patch in patches {
        plain.extend(data.get(patch.range.clone()).ok_or(Error::SealDamaged)?);
    }
    let nonce = Nonce::assume_unique_for_key(with.nonce);
    let tag = cipher(&with.key)?
        .seal_in_place_separate_tag(nonce, Aad::from(AAD), &mut plain)
        .map_err(|_| Error::SealDamaged)?;
    let head = with.nonce.iter().chain(tag.as_ref());
    let sealed: Vec<u8> = head.copied().chain(plain).collect();
    let count = u16::try_from(sealed.len().div_ceil(PIECE)).map_err(|_| Error::SealDamaged)?;
    let mut segments = Vec::with_capacity(sealed.len() + usize::from(count) * (HEAD + 4));
    for (number, piece) in (0..).zip(sealed.chunks(PIECE)) {
        segments.extend(segment(KIND_SEALED, number, count, piece).ok_or(Error::SealDamaged)?);
    }
    Ok(segments)
}

/// Our segment's kind, number, count and body; `None` for anybody else's.
fn ours<'d>(data: &'d [u8], segment: &Segment) -> Option<(u8, u16, u16, &'d [u8])> {
    if segment.marker != APP9 {
        return None;
    }
    let rest = data.get(segment.body.clone())?.strip_prefix(NAME)?;
    let ([kind, VERSION, n1, n0, c1, c0], body) = rest.split_first_chunk::<6>()? else {
        return None;
    };
    Some((
        *kind,
        u16::from_be_bytes([*n1, *n0]),
        u16::from_be_bytes([*c1, *c0]),
        body,
    ))
}

/// Whether one of these segments is ours.
pub(crate) fn is_stamped(data: &[u8], segments: &[Segment]) -> bool {
    segments.iter().any(|segment| ours(data, segment).is_some())
}

/// Reads numbers off the front of bytes.
struct Cursor<'d>(&'d [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Error::SealDamaged)?;
        self.0 = rest;
        Ok(*head)
    }

    fn number(&mut self) -> Result<usize, Error> {
        let number = u64::from_be_bytes(self.take()?);
        usize::try_from(number)
            .ok()
            .filter(|number| *number <= MAX_FILE_BYTES * 2)
            .ok_or(Error::SealDamaged)
    }
}

/// The original of a stamped picture, bit for bit as it was.
///
/// # Errors
/// [`Error::NotSealed`], [`Error::SealDamaged`], [`Error::WrongKey`], or [`Error::Changed`] when the picture was changed after it was stamped.
pub fn restore(data: &[u8], key: &[u8; 32]) -> Result<Vec<u8>, Error> {
    if data.len() > MAX_FILE_BYTES * 2 {
        return Err(Error::FileTooLarge(data.len()));
    }
    let segments = jpeg::segments(data)?;
    let mut stripped = Vec::with_capacity(data.len());
    let mut sealed = Vec::new();
    let (mut at, mut next, mut expected) = (0, 0, None);
    for segment in &segments {
        match ours(data, segment) {
            Some((KIND_SEALED, number, count, body)) => {
                if number != next || expected.is_some_and(|expected| expected != count) {
                    return Err(Error::SealDamaged);
                }
                next += 1;
                expected = Some(count);
                sealed.extend(body);
            }
            // it came last, when all else stood
            Some((KIND_MARK, ..)) => {}
            _ => continue,
        }
        stripped.extend(
            data.get(at..segment.whole.start)
                .ok_or(Error::SealDamaged)?,
        );
        at = segment.whole.end;
    }
    if next != expected.ok_or(Error::NotSealed)? {
        return Err(Error::SealDamaged);
    }
    stripped.extend(data.get(at..).ok_or(Error::SealDamaged)?);

    let mut cursor = Cursor(&sealed);
    let nonce = Nonce::assume_unique_for_key(cursor.take()?);
    let tag = Tag::from(cursor.take::<16>()?);
    let mut secret = cursor.0.to_vec();
    let plain = cipher(key)?
        .open_in_place_separate_tag(nonce, Aad::from(AAD), tag, &mut secret, 0..)
        .map_err(|_| Error::WrongKey)?;
    let mut cursor = Cursor(plain);
    let hash = Hash::from_slice(&cursor.take::<32>()?).ok_or(Error::SealDamaged)?;
    let length = cursor.number()?;
    let count = cursor.number()?;
    let mut ranges = Vec::new();
    for _ in 0..count {
        ranges.push((cursor.number()?, cursor.number()?, cursor.number()?));
    }
    let mut original = Vec::with_capacity(length.min(MAX_FILE_BYTES));
    let mut covered = cursor.0;
    let mut at = 0;
    for (start, new, old) in ranges {
        original.extend(stripped.get(at..start).ok_or(Error::Changed)?);
        let (piece, rest) = covered.split_at_checked(old).ok_or(Error::SealDamaged)?;
        original.extend(piece);
        covered = rest;
        at = start + new;
    }
    original.extend(stripped.get(at..).ok_or(Error::Changed)?);
    if original.len() != length || Hash::of(&original) != hash {
        return Err(Error::Changed);
    }
    Ok(original)
}
