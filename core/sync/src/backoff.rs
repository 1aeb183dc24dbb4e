//! When to try again: exponential with full jitter, from one second to five minutes (Brooker, "Exponential Backoff And Jitter", 2015).

use waymark_domain::ambient::Entropy;

/// Longest time between two attempts while there is something to send, milliseconds (invariant I15).
pub const LONGEST_MS: i64 = 5 * 60 * 1000;

/// Shortest time before another attempt, milliseconds: a failing link is not hammered.
const SHORTEST_MS: i64 = 200;

/// Milliseconds to wait after `failures` failures in a row.
pub(crate) fn wait_ms(failures: u32, entropy: &dyn Entropy) -> i64 {
    let cap = 1000_i64
        .saturating_mul(1_i64 << failures.saturating_sub(1).min(16))
        .min(LONGEST_MS);
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    let share = i64::from_be_bytes(bytes).rem_euclid(cap);
    share.max(SHORTEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);

    impl Entropy for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn an_attempt_is_never_more_than_five_minutes_away() {
        for failures in 0..=u32::from(u16::MAX) {
            for chance in [0, 1, 127, 255] {
                let wait = wait_ms(failures, &Always(chance));
                assert!(
                    (SHORTEST_MS..=LONGEST_MS).contains(&wait),
                    "{failures} {chance} {wait}"
                );
            }
        }
    }
}
