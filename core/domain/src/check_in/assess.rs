//! The judgement of a check-in: a pure function of its evidence and the policy. The device runs it to tell the rep, the server and any
//! verifier run it again, and all three must say the same to the last byte; so everything beyond plain arithmetic goes through `libm`.
//!
//! The rule is asymmetric. *Inside* needs most of what the fix allows to lie inside. *Outside* needs the fix to be farther out than it can be
//! wrong: for a rep who is inside, the distance to the fence never exceeds the error of the fix, so the chance of being called outside is at
//! most exp(-k²/2), 0.5 % at k = 3.26, whatever the radius and the accuracy. Everything else is *uncertain*. Fixes of one acquisition err
//! together, so their probabilities are never multiplied: the one with the smallest stated error is judged, chosen by that alone and never by
//! where it lies, which would undo the bound.

use chrono::{DateTime, TimeDelta};

use crate::check_in::evidence::Evidence;
use crate::check_in::policy::{Accept, CheckInPolicy};
use crate::check_in::signals::{rounded, score, signals};
use crate::check_in::verdict::{RULES, Reason, Verdict, WouldPass};
use crate::fix::{Fix, MAX_ACCURACY_M};
use crate::geo::Wgs84;
use crate::geo::accuracy::sigma_m;
use crate::geo::fence::{Area, Side, judge};
use crate::refusal::{Code, Refusal};
use crate::time::TimeClass;

/// Judges `evidence` by `policy`.
///
/// # Errors
/// What [`Evidence::check`] says; never for what the verdict would be.
pub fn assess(evidence: &Evidence, policy: &CheckInPolicy) -> Result<Verdict, Refusal> {
    evidence.check()?;
    let limit_ms = i64::from(policy.max_fix_age_s) * 1_000;
    let (index, fix) =
        decisive(evidence, limit_ms).ok_or(Refusal::of_field(Code::Required, "fixes"))?;
    let age_ms = evidence.age_ms(fix);
    let sigma = sigma_m(fix.accuracy_m, fix.source);
    let at = fix.position.to_wgs84(policy.regions);
    let areas = evidence
        .site
        .fences
        .iter()
        .map(|fence| fence.area(policy.regions));
    let areas = areas.collect::<Result<Vec<_>, _>>()?;
    let nearest = nearest(&areas, at, sigma, policy);

    let mut reasons = Vec::new();
    let mut side = match &nearest {
        None => {
            reasons.push(Reason::NoPlace);
            Side::Uncertain
        }
        Some(nearest) => {
            reasons.extend(position_reason(nearest, sigma, policy));
            nearest.side
        }
    };
    let mut undecided = |reason| {
        reasons.push(reason);
        side = Side::Uncertain;
    };
    if evidence.device.coarse == Some(true) {
        undecided(Reason::CoarsePermission);
    }
    if age_ms > limit_ms {
        undecided(Reason::Stale { limit_ms });
    }
    // what is about the visit and not about the place: it takes an "inside" back, and does not soften an "outside"
    if let Some(reason) = hours_reason(evidence, policy) {
        reasons.push(reason.clone());
        if side == Side::Inside && reason == Reason::ClosedHours {
            side = Side::Uncertain;
        }
    }
    if let Some(reason) = stay_reason(evidence, policy) {
        reasons.push(reason);
        if side == Side::Inside {
            side = Side::Uncertain;
        }
    }

    let would_pass = match &nearest {
        Some(nearest) if nearest.side != Side::Inside => would_pass(nearest, fix, at, policy),
        _ => None,
    };
    let (accepted, acceptable) = match side {
        Side::Uncertain => acceptance(evidence, policy),
        Side::Inside | Side::Outside => (None, Vec::new()),
    };
    let signals = signals(evidence, policy, fix);
    let score = score(&signals);
    Ok(Verdict {
        rules: RULES,
        policy: evidence.policy,
        side,
        inside_ppm: nearest.as_ref().map(|nearest| ppm(nearest.inside)),
        fix: index,
        age_ms,
        sigma_cm: centimetres(sigma),
        fence: nearest.as_ref().map(|nearest| nearest.index),
        door_cm: nearest.as_ref().map(|nearest| centimetres(nearest.door_m)),
        gap_cm: nearest.as_ref().map(|nearest| centimetres(nearest.gap_m)),
        reasons,
        would_pass,
        accepted,
        acceptable,
        signals,
        score,
        flagged: score >= policy.flag_from,
    })
}

/// The fix that decides: of those that are young enough the one with the smallest error, the latest of equals; of all when none is.
fn decisive(evidence: &Evidence, limit_ms: i64) -> Option<(usize, &Fix)> {
    let finest = |young_only: bool| {
        let fixes = evidence.fixes.iter().enumerate();
        let eligible = fixes.filter(|(_, fix)| !young_only || evidence.age_ms(fix) <= limit_ms);
        eligible.min_by(|(_, one), (_, other)| {
            let sigma = |fix: &Fix| sigma_m(fix.accuracy_m, fix.source);
            sigma(one)
                .total_cmp(&sigma(other))
                .then(other.mono_ms.cmp(&one.mono_ms))
        })
    };
    finest(true).or_else(|| finest(false))
}

/// A fence as seen from a fix.
struct Nearest<'a> {
    index: usize,
    area: &'a Area,
    inside: f64,
    door_m: f64,
    gap_m: f64,
    side: Side,
}

/// The fence that speaks most for the rep: the likeliest, and of equally likely ones the nearest. Being in any one of them is being there,
/// so its probability is a lower bound of being in some of them, and its distance is the distance to all of them.
fn nearest<'a>(
    areas: &'a [Area],
    at: Wgs84,
    sigma: f64,
    policy: &CheckInPolicy,
) -> Option<Nearest<'a>> {
    let seen = areas.iter().enumerate().map(|(index, area)| {
        let (inside, gap_m) = (area.probability_inside(at, sigma), area.distance_m(at));
        Nearest {
            index,
            area,
            inside,
            door_m: area.center().distance_m(at),
            gap_m,
            side: judge(inside, gap_m, sigma, policy.thresholds),
        }
    });
    seen.min_by(|one, other| {
        let rank = |nearest: &Nearest<'_>| match nearest.side {
            Side::Inside => 0,
            Side::Uncertain => 1,
            Side::Outside => 2,
        };
        rank(one)
            .cmp(&rank(other))
            .then(one.gap_m.total_cmp(&other.gap_m))
            .then(other.inside.total_cmp(&one.inside))
            .then(one.door_m.total_cmp(&other.door_m))
    })
}

fn position_reason(nearest: &Nearest<'_>, sigma: f64, policy: &CheckInPolicy) -> Option<Reason> {
    match nearest.side {
        Side::Inside => None,
        Side::Outside => Some(Reason::TooFar {
            allowance_cm: centimetres(policy.thresholds.outside_sigmas * sigma),
        }),
        Side::Uncertain => {
            let at_best = nearest
                .area
                .probability_inside(nearest.area.center(), sigma);
            Some(if at_best < policy.thresholds.inside {
                Reason::TooCoarse
            } else {
                Reason::AtTheEdge
            })
        }
    }
}

/// Hours are compared with the local time at capture. A time that nobody vouches for closes no door.
fn hours_reason(evidence: &Evidence, policy: &CheckInPolicy) -> Option<Reason> {
    if policy.hours.is_empty() {
        return None;
    }
    if evidence.t.when.class >= TimeClass::C {
        return Some(Reason::HoursUnknown);
    }
    let utc = DateTime::from_timestamp_millis(evidence.best_ms());
    let local =
        utc.and_then(|utc| utc.checked_add_signed(TimeDelta::minutes(i64::from(evidence.t.tz))));
    match local {
        Some(local) if policy.is_open(local.naive_utc()) => None,
        Some(_) => Some(Reason::ClosedHours),
        None => Some(Reason::HoursUnknown),
    }
}

fn stay_reason(evidence: &Evidence, policy: &CheckInPolicy) -> Option<Reason> {
    let wanted_ms = i64::from(policy.min_stay_s) * 1_000;
    let (least_ms, most_ms) = evidence.stayed_ms?;
    if wanted_ms == 0 || least_ms >= wanted_ms {
        return None;
    }
    Some(match most_ms {
        Some(most_ms) if most_ms < wanted_ms => Reason::StayTooShort { most_ms, wanted_ms },
        _ => Reason::StayUnknown { wanted_ms },
    })
}

/// What would have made the position "inside": a finer fix at the same place, or else the same fix nearer to the middle.
fn would_pass(
    nearest: &Nearest<'_>,
    fix: &Fix,
    at: Wgs84,
    policy: &CheckInPolicy,
) -> Option<WouldPass> {
    let area = nearest.area;
    let wanted = policy.thresholds.inside;
    let finer =
        |metres: u32| area.probability_inside(at, sigma_m(f64::from(metres), fix.source)) >= wanted;
    if let Some(metres) = largest(bounded(MAX_ACCURACY_M), finer) {
        return Some(WouldPass::AccuracyM(metres));
    }
    let sigma = sigma_m(fix.accuracy_m, fix.source);
    let middle = area.center();
    let door = nearest.door_m;
    // along the straight way from the middle to the fix
    let nearer = |metres: u32| {
        let share = (f64::from(metres) / door.max(1.0)).min(1.0);
        let between = |from: f64, to: f64| from + (to - from) * share;
        Wgs84::new(
            between(middle.lat(), at.lat()),
            between(middle.lon(), at.lon()),
        )
        .is_ok_and(|place| area.probability_inside(place, sigma) >= wanted)
    };
    largest(bounded(door), nearer).map(WouldPass::DoorM)
}

/// The largest whole number of metres from 1 to `most` that holds, given that it holds for all smaller ones; `None` when not even 1 does.
fn largest(most: u32, holds: impl Fn(u32) -> bool) -> Option<u32> {
    if !holds(1) {
        return None;
    }
    let (mut holding, mut failing) = (1, most.saturating_add(1));
    while failing - holding > 1 {
        let middle = holding + (failing - holding) / 2;
        if holds(middle) {
            holding = middle;
        } else {
            failing = middle;
        }
    }
    Some(holding)
}

/// With what an uncertain check-in is accepted, and with what it could be.
fn acceptance(evidence: &Evidence, policy: &CheckInPolicy) -> (Option<Accept>, Vec<Accept>) {
    let heard = evidence.stations.iter().any(|station| {
        let young = (0..=i64::from(policy.max_scan_age_s) * 1_000).contains(&station.age_ms);
        young && evidence.site.stations.contains(&station.bssid)
    });
    let offered = |accept: &Accept| match accept {
        Accept::Bssid => heard,
        Accept::Photo => evidence.offer.photo.is_some(),
        Accept::Reason => evidence.offer.reason.is_some(),
    };
    // the strongest first: a station cannot be made up on the spot, words can
    let order = [Accept::Bssid, Accept::Photo, Accept::Reason];
    let allowed = |accept: &&Accept| policy.accept_uncertain.contains(*accept);
    match order.iter().filter(allowed).find(|accept| offered(accept)) {
        Some(accept) => (Some(*accept), Vec::new()),
        None => (None, order.iter().filter(allowed).copied().collect()),
    }
}

fn ppm(share: f64) -> u32 {
    bounded((share * 1_000_000.0).round())
}

fn centimetres(metres: f64) -> u64 {
    u64::try_from(rounded(metres * 100.0)).unwrap_or(0)
}

fn bounded(value: f64) -> u32 {
    u32::try_from(rounded(value.ceil())).unwrap_or(u32::MAX)
}
