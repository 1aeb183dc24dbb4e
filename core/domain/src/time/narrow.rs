//! What a chain of events and the server's receipts prove together about each event's time.

use std::collections::BTreeMap;

use super::{DRIFT_PPM, TimeClass, TimeInterval, UnixMs};
use crate::ids::BootId;

/// An event of a device's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainEvent {
    /// Its count.
    pub n: u64,
    /// What its stamp claims.
    pub when: TimeInterval,
    /// Boot-time clock.
    pub mono_ms: i64,
    /// Which boot.
    pub boot: BootId,
}

/// The server's signed word that it had the hash of a chain's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The head's count: it covers this event and all before it.
    pub n: u64,
    /// When, by the server.
    pub at_ms: UnixMs,
}

/// Lengths of time are counted in `1 / UNIT` milliseconds here, so that a chain of any length adds no rounding.
const UNIT: i128 = (1_000_000 - DRIFT_PPM) as i128;

/// Whole milliseconds that the readings of two clocks may be cut by, with the one of [`narrow`]'s own last division.
const CUT_MS: i64 = 2;

/// Narrows the interval of each event, in the order given:
///
/// - not after the first receipt that covers it;
/// - not before an event of a smaller count, not after one of a greater: a device seals one after the other;
/// - within one boot, as far from every other event as the boot-time clock counted, give or take its drift. So the first anchor after an
///   event bounds it from above, and a receipt bounds a whole morning to the minute.
///
/// A receipt does not prove that later events came after it: a device may seal one while the request with the head is on its way, and one
/// that cheats may keep it back. What such an event claims of its earliest moment comes from the anchor that the same answer brought.
///
/// The receipts are the server's word and stand. An event that claims to be later than its receipt contradicts them: its claim is dropped, it
/// keeps the upper end, and its class is [`TimeClass::D`].
#[must_use]
pub fn narrow(events: &[ChainEvent], receipts: &[Receipt]) -> Vec<TimeInterval> {
    let mut order: Vec<(usize, &ChainEvent)> = events.iter().enumerate().collect();
    order.sort_by_key(|(_, event)| event.n);
    let mut chain: Vec<Link> = order.iter().map(|(_, event)| Link::of(event)).collect();
    apply_receipts(&mut chain, receipts);
    // a bound from the right can sharpen one from the left and the other way round; each pass is exact, so few are needed. Later events speak
    // first: where two claims contradict each other and no receipt decides, the one that ran ahead loses
    for _ in 0..MOST_PASSES {
        let before = chain.clone();
        for pass in [from_later, from_earlier] {
            pass(&mut chain);
            chain.iter_mut().for_each(Link::drop_contradicted);
        }
        if chain == before {
            break;
        }
    }
    let mut narrowed: Vec<TimeInterval> = events.iter().map(|event| event.when).collect();
    for ((place, _), link) in order.iter().zip(&chain) {
        if let Some(interval) = narrowed.get_mut(*place) {
            *interval = link.interval(interval);
        }
    }
    narrowed
}

/// Bounds stay true when the passes end early; they are only wider than they could be.
const MOST_PASSES: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    n: u64,
    mono: i128,
    boot: BootId,
    lo: Option<i128>,
    hi: Option<i128>,
    contradicted: bool,
}

impl Link {
    fn of(event: &ChainEvent) -> Self {
        let scaled = |ms: i64| i128::from(ms) * UNIT;
        let mut link = Self {
            n: event.n,
            mono: i128::from(event.mono_ms),
            boot: event.boot,
            lo: event.when.earliest.map(scaled),
            hi: event.when.latest.map(scaled),
            contradicted: false,
        };
        link.drop_contradicted();
        link
    }

    fn not_before(&mut self, lo: Option<i128>) {
        self.lo = self.lo.max(lo);
    }

    fn not_after(&mut self, hi: Option<i128>) {
        self.hi = least(self.hi, hi);
    }

    fn drop_contradicted(&mut self) {
        if let (Some(lo), Some(hi)) = (self.lo, self.hi)
            && lo > hi
        {
            self.lo = None;
            self.contradicted = true;
        }
    }

    fn interval(&self, claimed: &TimeInterval) -> TimeInterval {
        let ms = |scaled: i128| i64::try_from(scaled.div_euclid(UNIT)).ok();
        let claim = |claim: Option<i64>| claim.filter(|_| !self.contradicted);
        // what another event proved is cut to whole milliseconds; the own claim and a receipt are whole already
        let lo = self.lo.and_then(ms);
        let hi = self.hi.and_then(|hi| ms(hi + UNIT - 1));
        TimeInterval {
            earliest: lo.or(claim(claimed.earliest)),
            latest: hi.or(claimed.latest),
            class: if self.contradicted {
                TimeClass::D
            } else {
                claimed.class
            },
            wall: claimed.wall,
        }
    }
}

fn least(one: Option<i128>, other: Option<i128>) -> Option<i128> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn apply_receipts(chain: &mut [Link], receipts: &[Receipt]) {
    let mut receipts: Vec<&Receipt> = receipts.iter().collect();
    receipts.sort_by_key(|receipt| receipt.n);
    let mut covering: Option<i128> = None;
    for link in chain.iter_mut().rev() {
        while let Some(receipt) = receipts.pop_if(|receipt| receipt.n >= link.n) {
            covering = least(covering, Some(i128::from(receipt.at_ms) * UNIT));
        }
        link.not_after(covering);
        link.drop_contradicted();
    }
}

/// True time passes between `UNIT - DRIFT` and `UNIT + DRIFT` for each `UNIT` that the device counts.
const SLOW: i128 = UNIT - DRIFT_PPM as i128;
const FAST: i128 = UNIT + DRIFT_PPM as i128;
const CUT: i128 = CUT_MS as i128 * UNIT;

/// What earlier events say of later ones. For each boot the sharpest claim is kept as what it says of the moment of its boot.
fn from_earlier(chain: &mut [Link]) {
    let mut passed: Option<i128> = None;
    let mut boots: BTreeMap<BootId, (Option<i128>, Option<i128>)> = BTreeMap::new();
    for link in chain {
        let (lo, hi) = boots.entry(link.boot).or_default();
        link.not_before(passed);
        link.not_before(lo.map(|lo| lo + SLOW * link.mono - CUT));
        link.not_after(hi.map(|hi| hi + FAST * link.mono + CUT));
        link.drop_contradicted();
        *lo = (*lo).max(link.lo.map(|lo| lo - SLOW * link.mono));
        *hi = least(*hi, link.hi.map(|hi| hi - FAST * link.mono));
        passed = passed.max(link.lo);
    }
}

/// What later events say of earlier ones.
fn from_later(chain: &mut [Link]) {
    let mut ahead: Option<i128> = None;
    let mut boots: BTreeMap<BootId, (Option<i128>, Option<i128>)> = BTreeMap::new();
    for link in chain.iter_mut().rev() {
        let (lo, hi) = boots.entry(link.boot).or_default();
        link.not_after(ahead);
        link.not_after(hi.map(|hi| hi + SLOW * link.mono + CUT));
        link.not_before(lo.map(|lo| lo + FAST * link.mono - CUT));
        link.drop_contradicted();
        *lo = (*lo).max(link.lo.map(|lo| lo - FAST * link.mono));
        *hi = least(*hi, link.hi.map(|hi| hi - SLOW * link.mono));
        ahead = least(ahead, link.hi);
    }
}
