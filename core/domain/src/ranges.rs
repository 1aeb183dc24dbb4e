//! A set of numbers kept as ranges: which of a device's operations have arrived.

use serde::{Deserialize, Serialize};

/// Sorted, disjoint, never adjacent; on the wire `[[1,40],[42,42]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Adds one number. Already there: no change.
    pub fn insert(&mut self, n: u64) {
        // the first range that ends at or after n - 1, that is the first that n may touch
        let at = self.0.partition_point(|&(_, hi)| hi.saturating_add(1) < n);
        let touching = self
            .0
            .get(at)
            .copied()
            .filter(|&(lo, _)| lo <= n.saturating_add(1));
        let Some((lo, hi)) = touching else {
            self.0.insert(at, (n, n));
            return;
        };
        let mut joined = (lo.min(n), hi.max(n));
        let mut end = at + 1;
        if let Some(&(next_lo, next_hi)) = self
            .0
            .get(end)
            .filter(|&&(next_lo, _)| next_lo <= joined.1.saturating_add(1))
        {
            joined = (joined.0.min(next_lo), joined.1.max(next_hi));
            end += 1;
        }
        self.0.splice(at..end, [joined]);
    }

    /// Whether `n` is in the set.
    #[must_use]
    pub fn contains(&self, n: u64) -> bool {
        let at = self.0.partition_point(|&(_, hi)| hi < n);
        self.0.get(at).is_some_and(|&(lo, _)| lo <= n)
    }

    /// The numbers of `1..=last` that are missing, as ranges.
    #[must_use]
    pub fn gaps(&self, last: u64) -> Self {
        let mut missing = Vec::new();
        let mut next = 1;
        for &(lo, hi) in &self.0 {
            if lo > last {
                break;
            }
            if lo > next {
                missing.push((next, lo - 1));
            }
            next = hi.saturating_add(1);
        }
        if next <= last {
            missing.push((next, last));
        }
        Self(missing)
    }

    /// How many numbers are in the set.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|&(lo, hi)| hi - lo + 1).sum()
    }

    /// The largest number, 0 when empty.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.0.last().map_or(0, |&(_, hi)| hi)
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, both ends included.
    #[must_use]
    pub fn as_slice(&self) -> &[(u64, u64)] {
        &self.0
    }
}

impl FromIterator<u64> for Ranges {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut ranges = Self::default();
        for n in numbers {
            ranges.insert(n);
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_set_of_what_was_inserted(numbers in proptest::collection::vec(0_u64..60, 0..80)) {
            let set: BTreeSet<u64> = numbers.iter().copied().collect();
            let ranges: Ranges = numbers.into_iter().collect();
            for n in 0..=61 {
                prop_assert_eq!(ranges.contains(n), set.contains(&n));
            }
            prop_assert_eq!(ranges.count(), set.len() as u64);
            prop_assert!(ranges.as_slice().windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
            let gaps = ranges.gaps(61);
            for n in 1..=61 {
                prop_assert_eq!(gaps.contains(n), !set.contains(&n));
            }
        }
    }
}
