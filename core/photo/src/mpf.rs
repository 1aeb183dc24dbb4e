//! Further pictures behind the first one in a file: the second eye of a stereo camera, the gain map of a high dynamic range. A table in the first
//! one says where they start, and must follow when the first one grows (CIPA DC-007, Multi-Picture Format).

use crate::exif::Tiff;
use crate::jpeg::{APP2, Jpeg, Segment};
use crate::patch::Patch;

const PREFIX: &[u8; 4] = b"MPF\0";
/// The tag of the table, and the length of an entry: attributes, size, offset, two dependent pictures.
const ENTRIES: u16 = 0xB002;
const ENTRY: usize = 16;

/// The segment with the table, as a patch that changes nothing yet; `None` where there is none.
pub(crate) fn patch(jpeg: &Jpeg<'_>) -> Option<Patch> {
    let segment = jpeg
        .segments
        .iter()
        .find(|segment| is_table(jpeg, segment))?;
    let bytes = jpeg.data.get(segment.whole.clone())?.to_vec();
    Some(Patch {
        range: segment.whole.clone(),
        bytes,
    })
}

fn is_table(jpeg: &Jpeg<'_>, segment: &Segment) -> bool {
    let body = jpeg.data.get(segment.body.clone());
    segment.marker == APP2 && body.is_some_and(|body| body.starts_with(PREFIX))
}

/// Corrects the table in `patches` for where everything comes to lie; `now` tells where a byte of the old file is. A table that contradicts itself stays
/// as it is.
pub(crate) fn follow(jpeg: &Jpeg<'_>, patches: &mut [Patch], now: impl Fn(usize) -> usize) {
    let Some(segment) = jpeg.segments.iter().find(|segment| is_table(jpeg, segment)) else {
        return;
    };
    let base = segment.body.start + PREFIX.len();
    let changed = jpeg
        .data
        .get(base..segment.body.end)
        .and_then(|table| followed(table, base, jpeg.data.len(), now));
    let patch = patches
        .iter_mut()
        .find(|patch| patch.range == segment.whole);
    if let (Some(changed), Some(patch)) = (changed, patch) {
        patch.bytes.truncate(base - segment.whole.start);
        patch.bytes.extend(changed);
    }
}

/// The table with its sizes and offsets corrected. Offsets count from the table's own header, those of the first picture are 0.
fn followed(
    table: &[u8],
    base: usize,
    length: usize,
    now: impl Fn(usize) -> usize,
) -> Option<Vec<u8>> {
    let mut tiff = Tiff::read(table).ok()?;
    let directory = tiff.directory(tiff.get32(4).ok()?).ok()?;
    let (_, at) = directory.entries.get(&ENTRIES)?;
    let bytes = usize::try_from(tiff.get32(at + 4).ok()?).ok()?;
    let start = usize::try_from(tiff.get32(at + 8).ok()?).ok()?;
    for number in 0..bytes / ENTRY {
        let at = start.checked_add(number * ENTRY)?;
        let size = usize::try_from(tiff.get32(at + 4).ok()?).ok()?;
        let offset = usize::try_from(tiff.get32(at + 8).ok()?).ok()?;
        let from = if offset == 0 {
            0
        } else {
            base.checked_add(offset)?
        };
        let end = from.checked_add(size)?;
        if end > length {
            return None;
        }
        let start_now = now(from);
        let size = u32::try_from(now(end).checked_sub(start_now)?).ok()?;
        tiff.set32(at + 4, size).ok()?;
        if offset != 0 {
            let offset = start_now.checked_sub(now(base))?;
            tiff.set32(at + 8, u32::try_from(offset).ok()?).ok()?;
        }
    }
    Some(tiff.bytes)
}
