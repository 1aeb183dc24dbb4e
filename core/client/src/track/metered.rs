//! A reader that counts lines and lets no single piece grow without end.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// What has gone through a [`Metered`] reader; shared with whoever drives it.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Line feeds so far.
    lines: Cell<u64>,
    /// Bytes since the piece began.
    piece: Cell<usize>,
    /// Bytes in all.
    total: Cell<u64>,
}

impl Meter {
    /// The line that is being read; the first is 1.
    pub(super) fn line(&self) -> u64 {
        self.lines.get() + 1
    }

    /// A new piece begins.
    pub(super) fn next_piece(&self) {
        self.piece.set(0);
    }
}

/// Ends with an error when one piece has more than `piece` bytes or all have more than `total`.
pub(super) struct Metered<R> {
    inner: R,
    meter: Rc<Meter>,
    piece: usize,
    total: u64,
}

impl<R: BufRead> Metered<R> {
    pub(super) const fn new(inner: R, meter: Rc<Meter>, piece: usize, total: u64) -> Self {
        Self {
            inner,
            meter,
            piece,
            total,
        }
    }
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut there = self.fill_buf()?;
        let n = there.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.meter.piece.get() > self.piece || self.meter.total.get() > self.total {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        // one byte more than allowed at most, so that a large buffer does not hide a large piece
        let piece = self.piece - self.meter.piece.get() + 1;
        let total = self.total - self.meter.total.get() + 1;
        let most = piece.min(usize::try_from(total).unwrap_or(usize::MAX));
        let there = self.inner.fill_buf()?;
        Ok(there.get(..most).unwrap_or(there))
    }

    fn consume(&mut self, n: usize) {
        // the bytes are still in the buffer, so this reads nothing
        if let Ok(there) = self.inner.fill_buf() {
            let feeds = there.iter().take(n).filter(|byte| **byte == b'\n').count();
            self.meter.lines.set(self.meter.lines.get() + feeds as u64);
        }
        self.meter.piece.set(self.meter.piece.get() + n);
        self.meter.total.set(self.meter.total.get() + n as u64);
        self.inner.consume(n);
    }
}
