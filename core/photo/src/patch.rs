//! A file as another one with some ranges replaced.

use std::io::{self, Write};
use std::ops::Range;

/// Some bytes in the place of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Patch {
    /// What is replaced; empty where something is only put in.
    pub(crate) range: Range<usize>,
    pub(crate) bytes: Vec<u8>,
}

/// Writes `data` with the patches, which are in order and do not overlap.
pub(crate) fn write(data: &[u8], patches: &[Patch], out: &mut impl Write) -> io::Result<()> {
    write_range(data, patches, 0..data.len(), out)
}

/// Writes a range of `data` with patches that all lie in it.
pub(crate) fn write_range(
    data: &[u8],
    patches: &[Patch],
    range: Range<usize>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut at = range.start;
    for patch in patches {
        out.write_all(between(data, at..patch.range.start)?)?;
        out.write_all(&patch.bytes)?;
        at = patch.range.end;
    }
    out.write_all(between(data, at..range.end)?)
}

fn between(data: &[u8], range: Range<usize>) -> io::Result<&[u8]> {
    data.get(range)
        .ok_or_else(|| io::Error::other("patches out of order"))
}
