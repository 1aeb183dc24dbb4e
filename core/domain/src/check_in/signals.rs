//! Signs that a position or a clock may not be what it seems. Each is recorded with what it rests on and a weight; none of them ever
//! refuses or alters work. A phone that is merely unusual, such as one with an external receiver, stays far below any flag.

use serde::{Deserialize, Serialize};

use crate::check_in::evidence::Evidence;
use crate::check_in::policy::CheckInPolicy;
use crate::fix::{Fix, Provider};
use crate::geo::Wgs84;
use crate::geo::accuracy::sigma_m;

/// Fixes that a standing receiver needs to show that it is alive: with fewer, equal ones may be chance.
const LIVELY: usize = 10;
/// Fastest that anything on the ground moves, metres per second.
const FASTEST_MPS: f64 = 150.0;
/// Finest accuracy that a phone's own receiver reaches, metres.
const FINEST_M: f64 = 0.5;
/// How far apart in time two providers may be asked and still have to agree, milliseconds.
const TOGETHER_MS: i64 = 30_000;
/// How far the satellites' time may lie outside what is known, milliseconds: leap seconds and receivers that round.
const GNSS_SLACK_MS: i64 = 5_000;
/// Smallest move of the wall clock that is a sign: zone changes do not move it, time servers move it by less.
const WALL_JUMP_MS: i64 = 60_000;

/// A sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// What it is.
    pub sign: Sign,
    /// What it adds to the score.
    pub weight: u8,
    /// The number that it rests on, in the sign's unit; 0 where there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub value: i64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// What a sign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// The platform says that an app supplied the fixes. Value: how many.
    Mock,
    /// So it says, and they live as an external receiver's do, or come from an accessory. Value: how many.
    ExternalReceiver,
    /// The platform says that software simulated them. Value: how many.
    Simulated,
    /// Many fixes and not a centimetre between them. Value: how many.
    Frozen,
    /// Finer than such a receiver can be. Value: the accuracy, millimetres.
    ImpossiblePrecision,
    /// The fix that decided was old. Value: its age, milliseconds.
    StaleFix,
    /// Faster from one fix to the next than anything moves. Value: metres per second.
    Teleport,
    /// Two providers at the same time in two places. Value: metres between them.
    ProvidersDisagree,
    /// Satellites claimed, too few of them for the accuracy. Value: how many.
    TooFewSatellites,
    /// The place was typed. Value: how many fixes.
    Typed,
    /// The satellites' time is not the device's. Value: milliseconds outside what is known.
    GnssTimeDiffers,
    /// The wall clock was moved. Value: by how many milliseconds.
    ClockMoved,
    /// Sources of time contradict each other.
    ClocksDisagree,
    /// Developer options are on.
    DeveloperOptions,
    /// Rooted or jailbroken.
    Rooted,
    /// An emulator.
    Emulator,
    /// A second copy of the app.
    Cloned,
}

/// Everything that is noticed about `evidence`, in a fixed order; `decided` is the fix that decided.
pub(super) fn signals(evidence: &Evidence, policy: &CheckInPolicy, decided: &Fix) -> Vec<Signal> {
    let mut found = Vec::new();
    let mut note = |sign, weight, value| {
        found.push(Signal {
            sign,
            weight,
            value,
        });
    };
    let fixes = &evidence.fixes;
    let count = |holds: fn(&Fix) -> bool| whole(fixes.iter().filter(|fix| holds(fix)).count());
    let frozen = frozen(fixes);
    let accessory = count(|fix| fix.accessory);
    match count(|fix| fix.mock && !fix.accessory) {
        0 if accessory > 0 => note(Sign::ExternalReceiver, 0, accessory),
        0 => {}
        mocked if frozen.is_none() && lives(fixes) => note(Sign::ExternalReceiver, 5, mocked),
        mocked => note(Sign::Mock, 20, mocked),
    }
    match count(|fix| fix.simulated) {
        0 => {}
        simulated => note(Sign::Simulated, 60, simulated),
    }
    if let Some((equal, weight)) = frozen {
        note(Sign::Frozen, weight, equal);
    }
    let precise = |fix: &&Fix| {
        fix.accuracy_m < FINEST_M && !fix.accessory && fix.provider != Provider::Manual
    };
    let finest = fixes
        .iter()
        .filter(precise)
        .map(|fix| fix.accuracy_m)
        .reduce(f64::min);
    if let Some(finest) = finest {
        // an external receiver with corrections from the ground is that fine, and arrives as a mock
        note(Sign::ImpossiblePrecision, 30, rounded(finest * 1_000.0));
    }
    let age = evidence.age_ms(decided);
    if age > i64::from(policy.max_fix_age_s) * 1_000 {
        note(Sign::StaleFix, 10, age);
    }
    if let Some(speed) = teleport(evidence, policy) {
        note(Sign::Teleport, 40, speed);
    }
    if let Some(metres) = disagreement(fixes, policy) {
        note(Sign::ProvidersDisagree, 25, metres);
    }
    let poor = |fix: &&Fix| fix.provider == Provider::Gnss && fix.accuracy_m < 20.0;
    let fewest = fixes
        .iter()
        .filter(poor)
        .filter_map(|fix| fix.satellites)
        .min();
    if let Some(fewest) = fewest.filter(|&fewest| fewest < 4) {
        note(Sign::TooFewSatellites, 25, i64::from(fewest));
    }
    match count(|fix| fix.provider == Provider::Manual) {
        0 => {}
        typed => note(Sign::Typed, 25, typed),
    }
    if let Some(off) = gnss_off(evidence) {
        note(Sign::GnssTimeDiffers, 25, off);
    }
    let device = &evidence.device;
    if let Some(jump) = device
        .wall_jump_ms
        .filter(|jump| jump.saturating_abs() >= WALL_JUMP_MS)
    {
        note(Sign::ClockMoved, 15, jump);
    }
    for (reported, sign, weight) in [
        (device.clocks_disagree, Sign::ClocksDisagree, 15),
        (device.developer_options, Sign::DeveloperOptions, 5),
        (device.rooted, Sign::Rooted, 15),
        (device.emulator, Sign::Emulator, 40),
        (device.cloned, Sign::Cloned, 30),
    ] {
        if reported == Some(true) {
            note(sign, weight, 0);
        }
    }
    found
}

/// The sum of the weights, 100 at most.
pub(super) fn score(signals: &[Signal]) -> u8 {
    let sum = signals
        .iter()
        .fold(0_u8, |sum, signal| sum.saturating_add(signal.weight));
    sum.min(100)
}

/// How many fixes of at least [`LIVELY`] are equal to the last digit, and what that weighs: a receiver that stands still wanders by metres.
/// Radio networks do give the same place again and again.
fn frozen(fixes: &[Fix]) -> Option<(i64, u8)> {
    let first = fixes.first()?;
    let equal = fixes.len() >= LIVELY && fixes.iter().all(|fix| fix.position == first.position);
    let taken = fixes.iter().all(|fix| fix.mono_ms == first.mono_ms);
    if !equal || taken {
        // the same fix handed over ten times proves nothing
        return None;
    }
    let by_radio = fixes.iter().all(|fix| fix.provider == Provider::Network);
    Some((whole(fixes.len()), if by_radio { 5 } else { 40 }))
}

/// Whether the fixes live as a receiver's do: they wander, and satellites are named.
fn lives(fixes: &[Fix]) -> bool {
    let wander = fixes.windows(2).any(|pair| match pair {
        [before, after] => before.position != after.position,
        _ => false,
    });
    wander
        && fixes
            .iter()
            .all(|fix| fix.satellites.is_some_and(|count| count >= 4))
}

/// The fastest impossible move between successive fixes, the last known one before them included, metres per second. What the two may be
/// wrong by counts in their favour.
fn teleport(evidence: &Evidence, policy: &CheckInPolicy) -> Option<i64> {
    let mut fixes: Vec<&Fix> = evidence
        .before
        .as_deref()
        .into_iter()
        .chain(&evidence.fixes)
        .collect();
    fixes.sort_by_key(|fix| fix.mono_ms);
    let speeds = fixes.windows(2).filter_map(|pair| {
        let [before, after] = pair else { return None };
        let apart = apart_m(before, after, policy);
        // two fixes within a second are two opinions about one place, not a move
        let seconds = seconds(after.mono_ms.saturating_sub(before.mono_ms).max(1_000));
        Some(apart / seconds).filter(|speed| *speed > FASTEST_MPS)
    });
    speeds.reduce(f64::max).map(rounded)
}

/// The largest distance between fixes of two providers at about the same time that their accuracies do not explain, metres.
fn disagreement(fixes: &[Fix], policy: &CheckInPolicy) -> Option<i64> {
    let mut worst: Option<f64> = None;
    for (index, one) in fixes.iter().enumerate() {
        for other in fixes.iter().skip(index + 1) {
            let together =
                one.mono_ms.saturating_sub(other.mono_ms).saturating_abs() <= TOGETHER_MS;
            let apart = apart_m(one, other, policy);
            if one.provider != other.provider && together && apart > 0.0 {
                worst = Some(worst.map_or(apart, |worst| worst.max(apart)));
            }
        }
    }
    worst.map(rounded)
}

/// How much farther apart two fixes are than they may be wrong, metres; 0 when their accuracies explain it.
fn apart_m(one: &Fix, other: &Fix, policy: &CheckInPolicy) -> f64 {
    let place = |fix: &Fix| -> Wgs84 { fix.position.to_wgs84(policy.regions) };
    let sigma = |fix: &Fix| sigma_m(fix.accuracy_m, fix.source);
    let (one_sigma, other_sigma) = (sigma(one), sigma(other));
    let allowance = policy.thresholds.outside_sigmas
        * (one_sigma * one_sigma + other_sigma * other_sigma).sqrt();
    (place(one).distance_m(place(other)) - allowance).max(0.0)
}

/// How far the satellites' time lies outside what is known of the time, milliseconds; the largest of all fixes.
fn gnss_off(evidence: &Evidence) -> Option<i64> {
    let when = &evidence.t.when;
    let offs = evidence.fixes.iter().filter_map(|fix| {
        let at_judging = fix.gnss_ms?.saturating_add(evidence.age_ms(fix));
        let early = when
            .earliest
            .map_or(0, |earliest| earliest.saturating_sub(at_judging).max(0));
        let late = when
            .latest
            .map_or(0, |latest| at_judging.saturating_sub(latest).max(0));
        Some(early.max(late)).filter(|off| *off > GNSS_SLACK_MS)
    });
    offs.max()
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn seconds(ms: i64) -> f64 {
    // exact: an age in milliseconds is far below 2^53
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of a boot are far below 2^53"
    )]
    let ms = ms as f64;
    ms / 1_000.0
}

/// The nearest whole number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates, and a metre count is small"
)]
pub(super) fn rounded(value: f64) -> i64 {
    value.round() as i64
}
