//! What is known of the world's time, kept over restarts and reboots.

use rusqlite::Connection;
use waymark_domain::time::{Anchor, Anchors, Candidate, NotTaken, Reading};

use crate::error::StoreError;
use crate::meta;
use crate::store::Store;

impl Store {
    /// What is known of the world's time.
    ///
    /// # Errors
    /// As every read.
    pub fn anchors(&self) -> Result<Anchors, StoreError> {
        self.read(|reader| meta::anchors(reader.conn))
    }

    /// Takes the times that the platform offers, as far as they are believable and tell something new. Gives for each why it was not taken.
    ///
    /// # Errors
    /// As every write; nothing is written when nothing was taken.
    pub fn offer_times(
        &self,
        candidates: &[Candidate],
        now: Reading,
    ) -> Result<Vec<Result<(), NotTaken>>, StoreError> {
        let mut known = self.anchors()?;
        let answers = offer(&mut known, candidates, now);
        if answers.iter().all(Result::is_err) {
            return Ok(answers);
        }
        self.write(|tx| {
            let mut known = meta::anchors(tx)?;
            let answers = offer(&mut known, candidates, now);
            meta::set(tx, meta::ANCHORS, &known)?;
            Ok(answers)
        })
    }
}

fn offer(known: &mut Anchors, candidates: &[Candidate], now: Reading) -> Vec<Result<(), NotTaken>> {
    candidates
        .iter()
        .map(|candidate| known.offer(candidate, now))
        .collect()
}

/// Takes the server's time.
pub(crate) fn take(tx: &Connection, anchor: Anchor) -> Result<(), StoreError> {
    let mut known = meta::anchors(tx)?;
    known.take(anchor);
    meta::set(tx, meta::ANCHORS, &known)
}
