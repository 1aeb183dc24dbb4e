use proptest::prelude::*;
use waymark_domain::fix::{AccuracySource, Fix, Provider};
use waymark_domain::geo::{Datum, Position};
use waymark_domain::refusal::Code;
use waymark_domain::track::{Entry, GapReason, HOLE_MS, PackError, Track, pack, unpack};

use crate::sim::{Plan, day};

/// What a reader makes of a packed track at a time: written from the words of the format, not with its code.
fn position_at(track: &Track, mono_ms: i64) -> Option<(f64, f64)> {
    let fixes = track.fixes();
    let exact = fixes.iter().find(|fix| fix.mono_ms == mono_ms);
    if let Some(fix) = exact {
        return Some((fix.position.lat(), fix.position.lon()));
    }
    let next = fixes.iter().position(|fix| fix.mono_ms > mono_ms)?;
    if next == 0 || track.gap_before(next) {
        return None;
    }
    let (a, b) = (&fixes[next - 1], &fixes[next]);
    let share = (mono_ms - a.mono_ms) as f64 / (b.mono_ms - a.mono_ms) as f64;
    let mut turn = b.position.lon() - a.position.lon();
    turn -= 360.0 * (turn / 360.0).round();
    let lat = a.position.lat() + (b.position.lat() - a.position.lat()) * share;
    let lon = a.position.lon() + turn * share;
    Some((
        lat,
        if lon > 180.0 {
            lon - 360.0
        } else if lon < -180.0 {
            lon + 360.0
        } else {
            lon
        },
    ))
}

/// The promise of packing, checked from outside. Haversine on the mean sphere is up to 0.6 % from the ellipsoid.
fn keeps_its_promise(entries: &[Entry], bound_m: f64) -> Result<(), TestCaseError> {
    let packed = pack(entries, bound_m).unwrap();
    let read = unpack(&packed.bytes).unwrap();
    let whole = Track::new(entries, HOLE_MS).unwrap();
    prop_assert!(packed.worst_error_m <= bound_m);
    prop_assert!(read.worst_error_m >= packed.worst_error_m);
    prop_assert_eq!(read.track.gaps().len(), whole.gaps().len());
    for (a, b) in read.track.gaps().iter().zip(whole.gaps()) {
        prop_assert_eq!((a.mono_ms, a.reason), (b.mono_ms, b.reason));
    }
    prop_assert_eq!(read.fixes_in, whole.fixes().len());
    prop_assert_eq!(read.track.fixes().len(), packed.points_out);
    for (i, fix) in whole.fixes().iter().enumerate() {
        let twin = |other: Option<&Fix>| other.is_some_and(|other| other.mono_ms == fix.mono_ms);
        if twin(whole.fixes().get(i + 1)) || (i > 0 && twin(whole.fixes().get(i - 1))) {
            continue; // of two fixes of one millisecond a reader can give but one
        }
        let (lat, lon) = position_at(&read.track, fix.mono_ms).unwrap();
        let there = Position::new(fix.position.datum(), lat, lon).unwrap();
        let off = there.distance_m(fix.position).unwrap();
        prop_assert!(off <= bound_m * 1.007 + 0.001, "fix {i}: {off} m");
    }
    Ok(())
}

#[test]
fn a_day_of_fixes_is_a_few_kilobytes_and_every_fix_is_within_ten_metres() {
    for (interval_s, at_most) in [(10.0, 12_000), (1.0, 16_000)] {
        let plan = Plan {
            interval_s,
            ..Plan::PHONE
        };
        let day = day(7, plan);
        let packed = pack(&day.entries, 10.0).unwrap();
        assert!(
            packed.bytes.len() <= at_most,
            "{interval_s} s: {} bytes",
            packed.bytes.len()
        );
        assert!(packed.worst_error_m <= 10.0);
        if interval_s > 5.0 {
            keeps_its_promise(&day.entries, 10.0).unwrap();
        }
    }
}

#[test]
fn a_session_without_a_single_fix_is_still_told() {
    let entries = [
        Entry::Gap {
            mono_ms: 5,
            reason: GapReason::PermissionOff,
        },
        Entry::Gap {
            mono_ms: 900,
            reason: GapReason::PhoneOff,
        },
    ];
    let packed = pack(&entries, 10.0).unwrap();
    assert_eq!(
        (packed.datum, packed.first_mono_ms, packed.last_mono_ms),
        (None, 5, 900)
    );
    assert_eq!(unpack(&packed.bytes).unwrap().track.entries(), entries);
    assert_eq!(pack(&[], 10.0), Err(PackError::Empty));
    assert_eq!(pack(&entries, f64::NAN), Err(PackError::Bound));
}

#[test]
fn what_is_kept_of_a_fix_comes_back_and_marks_are_never_lost_between_points() {
    let mut entries: Vec<Entry> = Vec::new();
    for i in 0..20 {
        let position = Position::new(Datum::Gcj02, 31.0, 121.0).unwrap();
        entries.push(Entry::Fix(Fix {
            mock: i == 9,
            provider: Provider::Fused,
            ..Fix::new(position, 8.0, AccuracySource::Apple, i * 1_000)
        }));
    }
    let read = unpack(&pack(&entries, 10.0).unwrap().bytes).unwrap().track;
    let kept: Vec<(i64, bool)> = read
        .fixes()
        .iter()
        .map(|fix| (fix.mono_ms, fix.mock))
        .collect();
    assert_eq!(
        kept,
        [(0, false), (9_000, true), (10_000, false), (19_000, false)]
    );
    let last = read.fixes().last().unwrap();
    assert_eq!(
        (last.source, last.provider, last.accuracy_m),
        (AccuracySource::Apple, Provider::Fused, 8.0)
    );
    assert_eq!(read.datum(), Some(Datum::Gcj02));
}

#[test]
fn a_bad_fix_is_not_hidden_between_two_good_ones() {
    let fix = |mono_ms, accuracy| {
        let position = Position::new(Datum::Wgs84, 31.0, 121.0).unwrap();
        Entry::Fix(Fix::new(
            position,
            accuracy,
            AccuracySource::Android,
            mono_ms,
        ))
    };
    let packed = pack(
        &[fix(0, 4.0), fix(1, 9.0), fix(2, 300.0), fix(3, 4.0)],
        10.0,
    )
    .unwrap();
    let accuracies: Vec<f64> = unpack(&packed.bytes)
        .unwrap()
        .track
        .fixes()
        .iter()
        .map(|fix| fix.accuracy_m)
        .collect();
    assert_eq!(accuracies.len(), 3, "{accuracies:?}");
    assert!(accuracies[1] >= 300.0);
}

#[test]
fn a_later_version_is_unsupported_and_a_huge_count_is_refused_before_it_costs_memory() {
    assert_eq!(unpack(&[2, 1]).unwrap_err().code, Code::Unsupported);
    assert_eq!(unpack(&[]).unwrap_err().code, Code::Malformed);
    // version, datum, bound 10 m, error 0, fixes 90,000, entries 90,000, tick 1, time 0, one byte of bits
    let huge = [
        1, 1, 0x90, 0x4e, 0, 0x90, 0xbf, 0x05, 0x90, 0xbf, 0x05, 1, 0, 0xff,
    ];
    let refusal = unpack(&huge).unwrap_err();
    assert_eq!(
        (refusal.code, refusal.fields),
        (Code::Malformed, vec!["entries".to_owned()])
    );
}

#[test]
fn cut_anywhere_or_with_a_byte_too_many_a_packed_track_is_refused() {
    let bytes = pack(
        &day(
            3,
            Plan {
                hours: 1.0,
                ..Plan::PHONE
            },
        )
        .entries,
        10.0,
    )
    .unwrap()
    .bytes;
    for length in 0..bytes.len() {
        assert!(
            unpack(&bytes[..length]).is_err(),
            "{length} of {}",
            bytes.len()
        );
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(unpack(&longer).is_err());
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let lon = prop_oneof![-0.01_f64..0.01, 179.99_f64..180.0, -180.0_f64..-179.99];
    let fix = (
        -0.01_f64..0.01,
        lon,
        0.1_f64..500.0,
        0_i64..2_000_000,
        any::<bool>(),
        any::<bool>(),
    );
    prop_oneof![
        12 => fix.prop_map(|(north, lon, accuracy, mono_ms, mock, web)| {
            let position = Position::new(Datum::Wgs84, 60.0 + north, lon).unwrap();
            let source = if web { AccuracySource::Web } else { AccuracySource::Android };
            Entry::Fix(Fix { mock, ..Fix::new(position, accuracy, source, mono_ms) })
        }),
        1 => (0_i64..2_000_000, 0_usize..9).prop_map(|(mono_ms, reason)| Entry::Gap { mono_ms, reason: GapReason::ALL[reason] }),
    ]
}

proptest! {
    #[test]
    fn no_dropped_fix_is_further_from_its_place_than_the_bound(entries in proptest::collection::vec(any_entry(), 1..120), bound_m in 0.05_f64..1_000.0) {
        keeps_its_promise(&entries, bound_m)?;
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = unpack(&bytes);
        let mut versioned = vec![1, 1, 0x90, 0x4e, 0];
        versioned.extend(bytes);
        if let Ok(read) = unpack(&versioned) {
            prop_assert!(read.track.fixes().len() <= versioned.len() * 8);
        }
    }

    #[test]
    fn a_flipped_bit_reads_as_something_else_or_not_at_all_and_never_panics(seed in 0_u64..50, at in any::<proptest::sample::Index>(), bit in 0_u32..8) {
        let mut bytes = pack(&day(seed, Plan { hours: 0.3, ..Plan::PHONE }).entries, 10.0).unwrap().bytes;
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let _ = unpack(&bytes);
    }
}
