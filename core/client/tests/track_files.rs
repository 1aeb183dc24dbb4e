//! Tracks as files: what is written reads back, what is odd is told, what is hostile is refused.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufReader, Cursor, Read};

use proptest::prelude::*;
use waymark_client::track::replay::Replay;
use waymark_client::track::{MAX_FILE, Oddity, Part, Point, Recording, geojson, gpx};
use waymark_client::{ErrorCode, Lang};
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::{Datum, Position, Regions, Wgs84};
use waymark_domain::track::{Entry, GapReason, HOLE_MS, Track};

const SOURCES: [AccuracySource; 4] = [
    AccuracySource::Android,
    AccuracySource::Apple,
    AccuracySource::Web,
    AccuracySource::Stated,
];

fn any_point() -> impl Strategy<Value = Point> {
    let place = (-90.0_f64..=90.0, -180.0_f64..=180.0);
    let at = proptest::option::weighted(0.9, 320_000_000_000_i64..4_000_000_000_000);
    let accuracy =
        proptest::option::of((0.001_f64..100_000.0, proptest::sample::select(&SOURCES[..])));
    (
        place,
        at,
        proptest::option::of(-500.0_f64..9_000.0),
        accuracy,
    )
        .prop_map(|((lat, lon), at, altitude_m, accuracy)| Point {
            position: Wgs84::new(lat, lon).unwrap(),
            at,
            altitude_m,
            accuracy,
        })
}

fn any_recording() -> impl Strategy<Value = Recording> {
    let gap = (
        proptest::sample::select(GapReason::ALL),
        proptest::option::of(320_000_000_000_i64..4_000_000_000_000),
    );
    let part = prop_oneof![
        3 => proptest::collection::vec(any_point(), 1..20).prop_map(Part::Points),
        1 => gap.prop_map(|(reason, from)| Part::Gap { reason, from }),
    ];
    (
        "[a-z&<>\"'\\]é路线 ]{0,20}",
        proptest::collection::vec(part, 0..8),
    )
        .prop_map(|(name, parts)| Recording { name, parts })
}

type Bits = (u64, u64, Option<i64>, Option<u64>, Option<u64>);

/// Floats compared by their bits.
fn bits(recording: &Recording) -> Vec<Bits> {
    recording
        .points()
        .map(|point| {
            let (lat, lon) = (point.position.lat(), point.position.lon());
            let accuracy = point.accuracy.map(|(metres, _)| metres.to_bits());
            (
                lat.to_bits(),
                lon.to_bits(),
                point.at,
                point.altitude_m.map(f64::to_bits),
                accuracy,
            )
        })
        .collect()
}

proptest! {
    #[test]
    fn gpx_reads_back_bit_for_bit(recording in any_recording()) {
        let mut file = Vec::new();
        gpx::write(&recording, &mut file).unwrap();
        let read = gpx::read(file.as_slice()).unwrap().recording;
        prop_assert_eq!(bits(&read), bits(&recording));
        prop_assert_eq!(read, recording);
    }

    #[test]
    fn geojson_reads_back_bit_for_bit(recording in any_recording()) {
        let mut file = Vec::new();
        geojson::write(&recording, &mut file).unwrap();
        let read = geojson::read(file.as_slice()).unwrap().recording;
        prop_assert_eq!(bits(&read), bits(&recording));
        prop_assert_eq!(read, recording);
    }

    #[test]
    fn no_bytes_make_reading_a_file_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in any::<proptest::sample::Index>(), recording in any_recording()) {
        let _ = gpx::read(bytes.as_slice());
        let _ = geojson::read(bytes.as_slice());
        for write in [gpx::write, geojson::write] {
            let mut file = Vec::new();
            write(&recording, &mut file).unwrap();
            let at = at.index(file.len());
            file.splice(at..at, bytes.iter().copied());
            let _ = gpx::read(file.as_slice());
            let _ = geojson::read(file.as_slice());
        }
    }
}

fn refused(text: &str) -> String {
    let error = gpx::read(text.as_bytes()).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidInput);
    error.about
}

#[test]
fn hostile_xml_is_refused_with_its_line() {
    let bomb = "<?xml version=\"1.0\"?>\n<!DOCTYPE gpx [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>\n<gpx><trk><name>&b;</name></trk></gpx>";
    assert_eq!(refused(bomb), "line 2: a document type is not allowed");
    assert_eq!(
        refused("<gpx>\n<trk>\n<name>&b;</name></trk></gpx>"),
        "line 3: an entity that XML does not know"
    );
    assert_eq!(
        refused("<gpx>\n<trk><trkseg><trkpt lat=\"91\" lon=\"0\"/></trkseg></trk></gpx>"),
        "line 2: lat and lon are no coordinates in degrees"
    );
    assert!(refused("<gpx><trk>").contains("ends too early"));
    assert!(refused("<kml/>").contains("not a GPX file"));
    assert!(refused("").contains("no GPX"));
    assert!(refused(&format!("<gpx>{}", "<a>".repeat(100_000))).contains("nested too deeply"));
    assert!(
        refused(&format!(
            "<gpx><trk><name>{}</name></trk></gpx>",
            "x".repeat(1_000_000)
        ))
        .contains("more than may be read")
    );
}

#[test]
fn a_file_without_end_is_read_no_further_than_its_limit() {
    struct Counted<R>(R, u64);
    impl<R: Read> Read for Counted<R> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let n = self.0.read(out)?;
            self.1 += n as u64;
            Ok(n)
        }
    }
    struct Again(&'static [u8], usize);
    impl Read for Again {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            for byte in out.iter_mut() {
                *byte = self.0[self.1 % self.0.len()];
                self.1 += 1;
            }
            Ok(out.len())
        }
    }
    let endless = Cursor::new(b"<gpx>").chain(Again(b"<wpt lat=\"1\" lon=\"1\"/>\n", 0));
    let mut counted = Counted(endless, 0);
    let error = gpx::read(BufReader::new(&mut counted)).unwrap_err();
    assert!(
        error.about.contains("more than may be read"),
        "{}",
        error.about
    );
    assert!(counted.1 < MAX_FILE + 100_000);
}

#[test]
fn what_is_odd_is_imported_with_what_is_known_and_told_with_its_line() {
    let file = "<gpx><trk><trkseg>
        <trkpt lat=\"46\" lon=\"13\"><time>1901-12-13T20:45:52.207Z</time></trkpt>
        <trkpt lat=\"46\" lon=\"13\"><ele>high</ele></trkpt>
        <trkpt lat=\"46\" lon=\"13\"><time>noon</time></trkpt>
        <trkpt lat=\"46\" lon=\"13\"><time>2010-08-05T14:23:59Z</time></trkpt>
        <trkpt lat=\"46\" lon=\"13\"><time>2010-08-05T14:23:59</time></trkpt>
        <trkpt lat=\"46\" lon=\"13\"><time>2010-08-05T14:23:58.5+00:00</time></trkpt></trkseg></trk></gpx>";
    let read = gpx::read(file.as_bytes()).unwrap();
    let odd: Vec<(u64, Oddity)> = read
        .oddities
        .iter()
        .map(|odd| (odd.line, odd.what))
        .collect();
    use Oddity::{BadNumber, ClockNotSet, NoTime, RepeatedTime, TimeWentBack, UnreadableTime};
    assert_eq!(
        odd,
        [
            (2, ClockNotSet),
            (3, BadNumber),
            (3, NoTime),
            (4, UnreadableTime),
            (6, RepeatedTime),
            (7, TimeWentBack)
        ]
    );
    let times: Vec<_> = read.recording.points().map(|point| point.at).collect();
    assert_eq!(
        times,
        [
            None,
            None,
            None,
            Some(1_281_018_239_000),
            Some(1_281_018_239_000),
            Some(1_281_018_238_500)
        ]
    );
    let (entries, untimed) = read.recording.entries(1_281_018_000_000, 20.0);
    assert_eq!(
        (entries.len(), untimed, entries[0].mono_ms()),
        (3, 3, 239_000)
    );
}

#[test]
fn a_recording_of_another_maker_is_read_whole() {
    let file = include_bytes!("../../../tests/fixtures/tracks/ExampleTrack.gpx");
    let read = gpx::read(file.as_slice()).unwrap();
    assert_eq!((read.recording.points().count(), read.odd), (1024, 0));
    let first = read.recording.points().next().unwrap();
    assert_eq!(
        (first.position.lat(), first.position.lon()),
        (45.840_660, 4.830_770)
    );
}

#[test]
fn a_track_becomes_a_file_and_a_track_again_with_its_gaps() {
    let fix = |mono_ms, lat, datum| {
        Entry::Fix(Fix::new(
            Position::new(datum, lat, 121.0).unwrap(),
            7.5,
            AccuracySource::Apple,
            mono_ms,
        ))
    };
    let gap = Entry::Gap {
        mono_ms: 1_500,
        reason: GapReason::PermissionOff,
    };
    let entries = [
        fix(1_000, 31.0, Datum::Wgs84),
        gap,
        fix(60_000, 31.1, Datum::Wgs84),
    ];
    let track = Track::new(&entries, HOLE_MS).unwrap();
    let recording = Recording::of("Tuesday", &track, 1_700_000_000_000, Regions::default());
    let mut file = Vec::new();
    gpx::write(&recording, &mut file).unwrap();
    let read = gpx::read(file.as_slice()).unwrap().recording;
    assert_eq!(read.entries(1_700_000_000_000, 1.0), (track.entries(), 0));
}

#[test]
fn what_is_in_the_datum_of_chinese_maps_leaves_as_wgs84_and_the_file_says_so() {
    let place = Wgs84::new(31.2, 121.5).unwrap();
    let map = place.to_gcj02(Regions::default());
    let shifted = Position::new(Datum::Gcj02, map.lat(), map.lon()).unwrap();
    assert!(
        (map.lat() - place.lat()).abs() > 1e-3,
        "the datums differ here"
    );
    let fix = Fix::new(shifted, 5.0, AccuracySource::Android, 0);
    let track = Track::new(&[Entry::Fix(fix)], HOLE_MS).unwrap();
    let recording = Recording::of("", &track, 0, Regions::default());
    let point = recording.points().next().unwrap().position;
    assert!(point.distance_m(place) < 1e-3, "{point:?}");
    let (mut xml, mut json) = (Vec::new(), Vec::new());
    gpx::write(&recording, &mut xml).unwrap();
    geojson::write(&recording, &mut json).unwrap();
    let (xml, json) = (
        String::from_utf8(xml).unwrap(),
        String::from_utf8(json).unwrap(),
    );
    assert!(xml.contains("<wm:datum>WGS-84</wm:datum>"), "{xml}");
    assert!(json.contains(r#""datum":"WGS-84""#), "{json}");
    // a file that states another datum is not taken for WGS-84
    let other = |text: &str| text.replacen("WGS-84", "GCJ-02", 1);
    let refused = gpx::read(other(&xml).as_bytes()).unwrap_err();
    assert!(refused.about.contains("datum"), "{}", refused.about);
    let refused = geojson::read(other(&json).as_bytes()).unwrap_err();
    assert!(refused.about.contains("datum"), "{}", refused.about);
}

#[test]
fn no_line_leads_across_a_gap_and_both_of_its_ends_are_marked_with_the_reason() {
    let walk = |from_ms: i64, lat: f64| {
        (0..5_i32).map(move |n| {
            let place = Position::new(Datum::Wgs84, lat + f64::from(n) * 1e-4, 7.4).unwrap();
            let at = from_ms + i64::from(n) * 10_000;
            Entry::Fix(Fix::new(place, 8.0, AccuracySource::Android, at))
        })
    };
    let off = Entry::Gap {
        mono_ms: 50_000,
        reason: GapReason::PermissionOff,
    };
    let entries: Vec<Entry> = walk(0, 43.70)
        .chain([off])
        .chain(walk(3_600_000, 43.75))
        .collect();
    let track = Track::new(&entries, HOLE_MS).unwrap();
    let page = Replay::of(&track, 0).html(Lang::En).unwrap();
    let tags = |start: &str| page.matches(start).count();
    assert_eq!(tags("<circle class=\"gap\""), 2);
    assert_eq!(tags("<line class=\"gap\""), 0);
    // every stroke of the way is as short as the steps that were walked: none is the 5 km that nobody saw
    let ways: Vec<&str> = page
        .split("<polyline class=\"way\"")
        .skip(1)
        .filter_map(|rest| rest.split("points=\"").nth(1)?.split('"').next())
        .collect();
    assert!(!ways.is_empty());
    for way in ways {
        let heights: Vec<f64> = way
            .split_whitespace()
            .filter_map(|point| point.split(',').nth(1)?.parse().ok())
            .collect();
        let longest = heights.windows(2).map(|pair| (pair[0] - pair[1]).abs());
        assert!(longest.fold(0.0, f64::max) < 100.0, "{way}");
    }
    assert!(page.contains("permission"), "the reason is told");
}
