//! What a day's track amounts to: customers entered and left, stays, files, and how often to ask for a position.

use waymark_client::track::{Recording, geojson, gpx};
use waymark_client::{
    AdviceRequest, CrossingsView, CustomerEdit, ErrorCode, NewCustomerRequest, PlanRequest, Waymark,
};
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::crossing::Way;
use waymark_domain::geo::fence::Fence;
use waymark_domain::geo::{Datum, Position, Regions, Wgs84};
use waymark_domain::ids::CustomerId;
use waymark_domain::track::GapReason;
use waymark_testkit::fleet::Fleet;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// Where the stories play: metres north and east of here.
const HERE: (f64, f64) = (31.2, 121.5);

fn place(north: f64, east: f64) -> (f64, f64) {
    let lat = HERE.0 + north / 111_132.0;
    (lat, HERE.1 + east / (111_320.0 * HERE.0.to_radians().cos()))
}

fn wgs84(north: f64, east: f64) -> Position {
    let (lat, lon) = place(north, east);
    Position::new(Datum::Wgs84, lat, lon).unwrap()
}

/// A rep's phone on its way: a fix every ten seconds, some metres off, never twice the same.
struct Walk<'a> {
    fleet: &'a Fleet,
    anna: Waymark,
    at: (f64, f64),
    steps: u32,
}

impl Walk<'_> {
    fn step(&mut self, (north, east): (f64, f64)) {
        self.fleet.pass(10 * SECOND);
        self.steps += 1;
        self.at = (north, east);
        let jitter = |salt: u32| f64::from(self.steps.wrapping_mul(salt) % 97) / 97.0 * 8.0 - 4.0;
        let at = place(north + jitter(7_919), east + jitter(104_729));
        let fix = self
            .anna
            .fix(at, Datum::Wgs84, 9.0, AccuracySource::Android, 0)
            .unwrap();
        assert_eq!(self.anna.tracks().record(&[fix]).unwrap().kept, 1);
    }

    /// Straight on at 8 m/s.
    fn go(&mut self, to: (f64, f64)) {
        let from = self.at;
        let (north, east) = (to.0 - from.0, to.1 - from.1);
        let steps = (north.hypot(east) / 80.0).ceil();
        let mut done = 0.0;
        while done < steps {
            done += 1.0;
            let share = done / steps;
            self.step((from.0 + north * share, from.1 + east * share));
        }
    }

    fn stay(&mut self, minutes: u32) {
        for _ in 0..minutes * 6 {
            self.step(self.at);
        }
    }

    fn now(&self) -> i64 {
        self.anna.now().unwrap().best_ms()
    }
}

fn company() -> Fleet {
    Fleet::new().admin("ada").manager("mia").rep("anna")
}

fn shop(device: &Waymark, name: &str, position: Option<Position>) -> CustomerId {
    let request = NewCustomerRequest {
        name: name.to_owned(),
        owner: None,
        position,
        address: None,
        phone: None,
    };
    device.customers().add(request).unwrap()
}

fn fence(device: &Waymark, customer: CustomerId, fence: Fence) {
    let edit = CustomerEdit {
        add_fences: vec![fence],
        ..CustomerEdit::default()
    };
    device.customers().edit(customer, edit).unwrap();
}

/// A court of 160 by 120 metres, drawn on a Chinese map, whose inner corner is cut out.
fn court(north: f64, east: f64) -> Fence {
    let corners = [
        (0.0, 0.0),
        (160.0, 0.0),
        (160.0, 40.0),
        (80.0, 40.0),
        (80.0, 120.0),
        (0.0, 120.0),
    ];
    let corner = |&(n, e): &(f64, f64)| {
        let (lat, lon) = place(north + n, east + e);
        let map = Wgs84::new(lat, lon).unwrap().to_gcj02(Regions::default());
        (map.lat(), map.lon())
    };
    Fence::Polygon {
        datum: Datum::Gcj02,
        ring: corners.iter().map(corner).collect(),
        name: Some("yard".to_owned()),
    }
}

fn ways(found: &CrossingsView) -> Vec<(&str, Way)> {
    let crossings = found.crossings.iter();
    crossings
        .map(|crossing| (crossing.customer_name.as_str(), crossing.way))
        .collect()
}

#[test]
fn customers_are_entered_and_left_at_the_times_at_which_it_happened_packed_or_not() {
    let fleet = company();
    let anna = fleet.device("anna");
    shop(&anna, "Kiosk", Some(wgs84(0.0, 0.0)));
    let works = shop(&anna, "Works", None);
    fence(&anna, works, court(3_000.0, -40.0));
    // a second gate, half a kilometre away
    fence(
        &anna,
        works,
        Fence::Circle {
            center: wgs84(3_500.0, 600.0),
            radius_m: 60.0,
            name: Some("gate 2".to_owned()),
        },
    );
    // nobody goes there, and past this one the way only leads
    shop(&anna, "Far", Some(wgs84(-9_000.0, 0.0)));
    shop(&anna, "Passed", Some(wgs84(1_500.0, 0.0)));
    anna.shift().start(None).unwrap();
    let mut walk = Walk {
        fleet: &fleet,
        anna: anna.clone(),
        at: (-1_200.0, 0.0),
        steps: 0,
    };
    walk.go((0.0, 0.0));
    // 100 m before the middle at 8 m/s
    let came = walk.now() - 12_500;
    walk.stay(20);
    let went = walk.now() + 12_500;
    walk.go((3_040.0, 0.0));
    walk.stay(10);
    anna.tracks().gap(GapReason::BatterySaver).unwrap();
    fleet.pass(12 * MINUTE);
    walk.stay(5);
    walk.go((3_500.0, 600.0));
    walk.stay(15);
    walk.go((6_000.0, 600.0));
    walk.stay(6);

    let (user, day) = (fleet.user("anna"), anna.today_date().unwrap());
    let expected = [
        ("Kiosk", Way::Enter),
        ("Kiosk", Way::Leave),
        ("Works", Way::Enter),
        ("Works", Way::Leave),
        ("Works", Way::Enter),
        ("Works", Way::Leave),
    ];
    let look = |found: &CrossingsView| {
        assert_eq!(found.fences, 5);
        assert_eq!(ways(found), expected);
        let names: Vec<_> = found
            .crossings
            .iter()
            .map(|one| one.fence.as_deref())
            .collect();
        assert_eq!(
            names[2..],
            [Some("yard"), Some("yard"), Some("gate 2"), Some("gate 2")]
        );
        for (crossing, truth) in found.crossings.iter().zip([came, went]) {
            let (earliest, latest) = (crossing.at.earliest.unwrap(), crossing.at.latest.unwrap());
            // a fix every ten seconds, and 9 m of accuracy at 8 m/s
            assert!(
                earliest - 10 * SECOND <= truth && truth <= latest + 10 * SECOND,
                "{truth} {crossing:?}"
            );
            assert!(latest - earliest <= 45 * SECOND, "{crossing:?}");
        }
        let [kiosk, yard, gate] = found.stays.as_slice() else {
            panic!("{:?}", found.stays)
        };
        let true_ms = went - came;
        assert!(
            kiosk.least_ms <= true_ms && true_ms <= kiosk.most_ms.unwrap() + 10 * SECOND,
            "{true_ms} {kiosk:?}"
        );
        assert_eq!((kiosk.unobserved_ms, gate.unobserved_ms), (0, 0));
        // the gap is inside the stay, and nobody claims to have seen it
        assert!(
            (yard.unobserved_ms - 12 * MINUTE).abs() <= 30 * SECOND,
            "{yard:?}"
        );
        assert!(yard.least_ms >= 26 * MINUTE, "{yard:?}");
        let at: Vec<_> = found
            .stops
            .iter()
            .map(|stop| stop.customer_name.as_deref())
            .collect();
        assert_eq!(at, [Some("Kiosk"), Some("Works"), Some("Works"), None]);
    };
    look(&anna.tracks().crossings(user, day, "").unwrap());
    // packed, most points are gone, and it says the same
    anna.shift().end().unwrap();
    let packed = anna.tracks().of(user, day, "").unwrap();
    let points: usize = packed
        .pieces
        .iter()
        .map(|piece| piece.track.fixes().len())
        .sum();
    assert!(
        points as u64 * 4 < packed.recorded,
        "{points} of {}",
        packed.recorded
    );
    look(&anna.tracks().crossings(user, day, "").unwrap());
    // and so does the manager's device, which has to say what for
    fleet.sync("anna").unwrap();
    fleet.sync("mia").unwrap();
    let mia = fleet.device("mia");
    let refused = mia.tracks().crossings(user, day, "").unwrap_err();
    assert_eq!(refused.code, ErrorCode::Required);
    look(&mia.tracks().crossings(user, day, "Stay times").unwrap());
    assert_eq!(mia.status().unwrap().pending, 1, "the look is written down");
    // a fence that is corrected afterwards is judged anew
    fence(
        &anna,
        works,
        Fence::Circle {
            center: wgs84(6_000.0, 600.0),
            radius_m: 80.0,
            name: None,
        },
    );
    let anew = anna.tracks().crossings(user, day, "").unwrap();
    assert_eq!(anew.stays.len(), 4);
    assert_eq!(anew.stays[3].left, None, "still there when the track ends");
}

#[test]
fn what_is_exported_is_fed_back_as_the_same_points() {
    let fleet = Fleet::new().rep("anna").rep("boris");
    let (anna, boris) = (fleet.device("anna"), fleet.device("boris"));
    anna.shift().start(None).unwrap();
    let mut walk = Walk {
        fleet: &fleet,
        anna: anna.clone(),
        at: (0.0, 0.0),
        steps: 0,
    };
    walk.go((500.0, 300.0));
    anna.tracks().gap(GapReason::PermissionOff).unwrap();
    fleet.pass(3 * MINUTE);
    walk.go((900.0, -200.0));
    let day = anna.today_date().unwrap();
    let found = anna.tracks().of(fleet.user("anna"), day, "").unwrap();
    let recording = Recording::of_day("Anna", &found, Regions::default()).unwrap();
    let (mut xml, mut json) = (Vec::new(), Vec::new());
    gpx::write(&recording, &mut xml).unwrap();
    geojson::write(&recording, &mut json).unwrap();
    for file in [xml, json] {
        // the other phone's session is older than the recording is long, so that nothing has to be shortened
        boris.shift().start(None).unwrap();
        fleet.pass(14 * MINUTE);
        let fed = boris.tracks().feed(&file, None, false).unwrap();
        assert_eq!(
            (fed.kept, fed.before + fed.others + fed.untimed),
            (fed.read, 0)
        );
        let again = boris.tracks().of(fleet.user("boris"), day, "").unwrap();
        let session = boris.shift().status().unwrap().unwrap().id;
        let own: Vec<_> = again
            .pieces
            .iter()
            .filter(|piece| piece.shift == session)
            .flat_map(|piece| piece.track.entries())
            .collect();
        let was: Vec<_> = found
            .pieces
            .iter()
            .flat_map(|piece| piece.track.entries())
            .collect();
        assert_eq!(own.len(), was.len());
        let moved = own[0].mono_ms() - was[0].mono_ms();
        for (own, was) in own.iter().zip(&was) {
            assert_eq!(own.mono_ms() - was.mono_ms(), moved);
            let parts = |entry: &waymark_domain::track::Entry| match entry {
                waymark_domain::track::Entry::Fix(fix) => {
                    let (lat, lon) = (fix.position.lat().to_bits(), fix.position.lon().to_bits());
                    Ok((lat, lon, fix.accuracy_m.to_bits(), fix.source))
                }
                waymark_domain::track::Entry::Gap { reason, .. } => Err(*reason),
            };
            assert_eq!(parts(own), parts(was));
        }
        boris.shift().end().unwrap();
    }
    let other = boris
        .tracks()
        .feed(b"<gpx></gpx>", Some(Datum::Gcj02), false);
    assert_eq!(other.unwrap_err().code, ErrorCode::InvalidInput);
    let csv = boris.tracks().feed(b"time,lat,lon\n1,2,3\n", None, false);
    assert_eq!(csv.unwrap_err().about, "datum");
}

#[test]
fn sessions_and_reboots_of_a_day_are_one_track_with_gaps_that_say_why() {
    let fleet = company();
    let anna = fleet.device("anna");
    let mut walk = Walk {
        fleet: &fleet,
        anna: anna.clone(),
        at: (0.0, 0.0),
        steps: 0,
    };
    anna.shift().start(None).unwrap();
    walk.go((800.0, 0.0));
    fleet.clock("anna").reboot(1, 4 * MINUTE);
    anna.shift().resume().unwrap();
    walk.go((1_600.0, 0.0));
    // longer than a segment: two of them, without a gap in between
    walk.stay(25);
    anna.shift().end().unwrap();
    fleet.pass(40 * MINUTE);
    anna.shift().start(None).unwrap();
    walk.go((2_400.0, 0.0));
    anna.shift().end().unwrap();
    let day = anna.today_date().unwrap();
    let found = anna.tracks().of(fleet.user("anna"), day, "").unwrap();
    assert!(found.pieces.len() >= 4, "{}", found.pieces.len());
    let track = found.joined(Regions::default()).unwrap();
    let reasons: Vec<GapReason> = track.gaps().iter().map(|gap| gap.reason).collect();
    assert_eq!(reasons, [GapReason::PhoneOff, GapReason::OutsideShift]);
    let outside = track.gaps()[1];
    let next = track.fixes()[outside.fixes_before].mono_ms;
    assert!((next - outside.mono_ms - 40 * MINUTE).abs() <= 20 * SECOND);
}

fn asked(device: &Waymark, north: f64, east: f64) -> AdviceRequest {
    let fix = device.fix(
        place(north, east),
        Datum::Wgs84,
        8.0,
        AccuracySource::Android,
        0,
    );
    AdviceRequest {
        fix: Fix {
            speed_mps: Some(10.0),
            ..fix.unwrap()
        },
        battery: Some(0.8),
        charging: false,
    }
}

#[test]
fn positions_are_asked_for_by_the_distance_to_the_next_visit_and_never_outside_a_session() {
    let fleet = company();
    let anna = fleet.device("anna");
    let tracks = anna.tracks();
    let refused = tracks.advice(&asked(&anna, 0.0, 0.0)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::NoShift);
    anna.shift().start(None).unwrap();
    let nobody = tracks.advice(&asked(&anna, 0.0, 0.0)).unwrap();
    assert_eq!((nobody.next, nobody.advice), (None, None));
    assert_eq!(nobody.gap, Some(GapReason::Sparing));
    // without a visit of today one's own customers count
    let near = shop(&anna, "Near", Some(wgs84(900.0, 0.0)));
    let far = shop(&anna, "Far", Some(wgs84(9_100.0, 0.0)));
    let view = tracks.advice(&asked(&anna, 0.0, 0.0)).unwrap();
    let next = view.next.unwrap();
    assert_eq!((next.customer, next.planned), (near, false));
    assert!((next.distance_m - 800.0).abs() < 5.0, "{}", next.distance_m);
    // with one, the way there: half of the shortest time, 9 km at 15 m/s
    let request = PlanRequest {
        customer: far,
        day: None,
        rep: None,
    };
    let visit = anna.visits().plan(&request).unwrap();
    let view = tracks.advice(&asked(&anna, 0.0, 0.0)).unwrap();
    let (next, advice) = (view.next.unwrap(), view.advice.unwrap());
    assert_eq!((next.customer, next.planned), (far, true));
    assert!((advice.interval_s - 300.0).abs() < 2.0, "{advice:?}");
    // five minutes without a fix are a gap, and it says why
    assert_eq!(view.gap, Some(GapReason::Sparing));
    let here = tracks.advice(&asked(&anna, 9_100.0, 0.0)).unwrap();
    assert!(here.inside && here.gap.is_none());
    anna.visits().start(visit).unwrap();
    anna.visits().finish(visit).unwrap();
    let view = tracks.advice(&asked(&anna, 0.0, 0.0)).unwrap();
    assert_eq!(view.next.unwrap().customer, near, "the visit is made");
    fleet.clock("anna").reboot(1, MINUTE);
    let refused = tracks.advice(&asked(&anna, 0.0, 0.0)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::ShiftUnconfirmed);
}
