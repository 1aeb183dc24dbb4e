use proptest::prelude::*;

use super::*;

const NONE: Regions = Regions {
    hong_kong: false,
    macau: false,
    taiwan: false,
};

fn wgs(lat: f64, lon: f64) -> Wgs84 {
    Wgs84::new(lat, lon).unwrap()
}

fn circle(lat: f64, lon: f64, radius_m: f64) -> Fence {
    Fence::Circle {
        center: Position::Wgs84(wgs(lat, lon)),
        radius_m,
        name: None,
    }
}

fn ring(corners: &[(f64, f64)]) -> Fence {
    Fence::Polygon {
        datum: Datum::Wgs84,
        ring: corners.to_vec(),
        name: None,
    }
}

#[test]
fn a_fence_reads_as_people_write_it() {
    let circle: Fence = serde_json::from_str(
        r#"{"shape":"circle","center":{"lat":43.7,"lon":7.4,"datum":"wgs84"},"radius_m":80,"name":"Shop"}"#,
    )
    .unwrap();
    circle.check().unwrap();
    let polygon: Fence = serde_json::from_str(
        r#"{"shape":"polygon","datum":"gcj02","ring":[[31.0,121.0],[31.0,121.01],[31.01,121.0]]}"#,
    )
    .unwrap();
    polygon.check().unwrap();
    for fence in [circle, polygon] {
        let text = serde_json::to_string(&fence).unwrap();
        assert_eq!(serde_json::from_str::<Fence>(&text).unwrap(), fence);
    }
}

#[test]
fn what_is_no_area_is_refused_with_its_field() {
    for radius in [0.0, 0.99, 50_001.0, f64::NAN, f64::INFINITY, -5.0] {
        assert_eq!(
            circle(1.0, 1.0, radius).check(),
            Err(Refusal::of_field(Code::Malformed, "radius_m"))
        );
    }
    let wrong: [&[(f64, f64)]; 9] = [
        &[],
        &[(0.0, 0.0), (0.0, 0.01)],
        &[(0.0, 0.0), (0.0, 0.01), (0.0, 0.0)],
        &[(0.0, 0.0), (0.01, 0.01), (0.0, 0.01), (0.01, 0.0)], // a bow tie
        &[(0.0, 0.0), (0.0, 0.01), (0.0, 0.02)],               // a line
        &[(0.0, 0.0), (0.0, 0.01), (f64::NAN, 0.0)],
        &[(0.0, 0.0), (0.0, 0.01), (91.0, 0.0)],
        &[(0.0, 0.0), (0.0, 1.0), (0.01, 0.0)], // 111 km
        &[
            (0.0, 0.0),
            (0.01, 0.01),
            (0.01, 0.02),
            (0.0, 0.0),
            (-0.01, 0.02),
            (-0.01, 0.01),
        ], // a corner twice
    ];
    for corners in wrong {
        assert_eq!(
            ring(corners).check(),
            Err(Refusal::of_field(Code::Malformed, "ring")),
            "{corners:?}"
        );
    }
    assert_eq!(
        ring(&[(0.0, 0.0), (0.0, 180.0), (0.0, -90.0)]).check(),
        Err(Refusal::of_field(Code::Malformed, "ring"))
    );
    let many: Vec<_> = (0..201)
        .map(|i| f64::from(i) * std::f64::consts::TAU / 201.0)
        .map(|angle| (0.01 * libm::sin(angle), 0.01 * libm::cos(angle)))
        .collect();
    assert_eq!(
        ring(&many).check(),
        Err(Refusal::of_field(Code::TooLong, "ring"))
    );
    ring(&many[..200]).check().unwrap();
    let unnamed = Fence::Circle {
        center: Position::Wgs84(wgs(0.0, 0.0)),
        radius_m: 9.0,
        name: Some(" ".into()),
    };
    assert_eq!(
        unnamed.check(),
        Err(Refusal::of_field(Code::Required, "name"))
    );
}

#[test]
fn a_closed_ring_an_open_one_and_one_drawn_the_other_way_are_the_same_area() {
    let open = [(43.7, 7.4), (43.7, 7.41), (43.71, 7.41), (43.705, 7.403)];
    let closed = [open[0], open[1], open[2], open[3], open[0]];
    let back = [open[3], open[2], open[1], open[0]];
    for at in [wgs(43.704, 7.406), wgs(43.703, 7.399), wgs(43.72, 7.42)] {
        let of = |corners: &[(f64, f64)]| {
            let area = ring(corners).area(NONE).unwrap();
            (
                area.distance_m(at),
                area.depth_m(at),
                area.probability_inside(at, 70.0),
            )
        };
        let (d, depth, p) = of(&open);
        for (d2, depth2, p2) in [of(&closed), of(&back)] {
            assert!(
                (d - d2).abs() < 1e-6 && (depth - depth2).abs() < 1e-6 && (p - p2).abs() < 1e-9
            );
        }
        assert!(d == 0.0 || depth == 0.0);
    }
}

#[test]
fn poles_and_the_antimeridian_are_places_like_others() {
    let fiji = ring(&[
        (-16.8, 179.98),
        (-16.8, -179.98),
        (-16.84, -179.98),
        (-16.84, 179.98),
    ])
    .area(NONE)
    .unwrap();
    assert!(fiji.depth_m(wgs(-16.82, 180.0)) > 2_000.0);
    assert!(fiji.depth_m(wgs(-16.82, -180.0)) > 2_000.0);
    assert!((fiji.distance_m(wgs(-16.82, -179.97)) - 1_066.0).abs() < 5.0);
    let pole = ring(&[(89.9, 0.0), (89.9, 120.0), (89.9, -120.0)])
        .area(NONE)
        .unwrap();
    assert!((pole.depth_m(wgs(90.0, 77.0)) - 11_169.4 / 2.0).abs() < 1.0);
    assert!(
        (circle(90.0, 0.0, 1_000.0)
            .distance_m(wgs(89.9, 50.0), NONE)
            .unwrap()
            - 10_169.4)
            .abs()
            < 0.5
    );
    let antipode = circle(10.0, 20.0, 100.0)
        .distance_m(wgs(-10.0, -160.0), NONE)
        .unwrap();
    assert!(antipode > 1.9e7, "{antipode}");
}

#[test]
fn a_fence_of_another_datum_is_where_its_map_shows_it() {
    let shop = wgs(31.2397, 121.4906);
    for datum in [Datum::Gcj02, Datum::Bd09] {
        let center = Position::Wgs84(shop).in_datum(datum, NONE);
        let fence = Fence::Circle {
            center,
            radius_m: 50.0,
            name: None,
        };
        assert!((fence.area(NONE).unwrap().depth_m(shop) - 50.0).abs() < 1e-3);
        let corners = [(0.001, 0.0), (-0.001, 0.001), (-0.001, -0.001)].map(|(north, east)| {
            let corner =
                Position::Wgs84(wgs(shop.lat() + north, shop.lon() + east)).in_datum(datum, NONE);
            (corner.lat(), corner.lon())
        });
        let fence = Fence::Polygon {
            datum,
            ring: corners.to_vec(),
            name: None,
        };
        assert!(
            fence
                .area(NONE)
                .unwrap()
                .center()
                .distance_m(wgs(shop.lat() - 0.001 / 3.0, shop.lon()))
                < 0.1
        );
    }
}

#[test]
fn an_exact_fix_is_inside_or_outside_and_nonsense_is_uncertain() {
    let area = circle(0.0, 0.0, 100.0).area(NONE).unwrap();
    let t = Thresholds::default();
    assert_eq!(area.judge(wgs(0.0, 0.0), 0.0, t), Side::Inside);
    assert_eq!(area.judge(wgs(0.01, 0.0), 0.0, t), Side::Outside);
    assert_eq!(
        area.judge(wgs(0.01, 0.0), f64::INFINITY, t),
        Side::Uncertain
    );
    assert_eq!(judge(f64::NAN, f64::NAN, 1.0, t), Side::Uncertain);
}

/// Distances of pyproj 3.7.2 (`Geod(ellps="WGS84").inv`): metres from the centre of a circle of 1 m, plus 1.
#[test]
fn distances_agree_with_geodesics_of_pyproj() {
    for (a, b, must) in GEODESICS {
        let is = circle(a.0, a.1, 1.0)
            .distance_m(wgs(b.0, b.1), NONE)
            .unwrap()
            + 1.0;
        assert!(
            (is - must).abs() < 1e-3 + must * 1.5e-5,
            "{a:?} {b:?}: {is} is not {must}"
        );
    }
}

#[expect(clippy::type_complexity, reason = "a table")]
const GEODESICS: &[((f64, f64), (f64, f64), f64)] = &[
    ((0.5, -94.332734), (0.499565, -94.332857), 50.0106),
    ((31.2, -46.81614), (31.199642, -46.816459), 49.9979),
    ((-43.7, 45.259309), (-43.699588, 45.259558), 49.9830),
    ((68.0, -175.259523), (68.000234, -175.260543), 50.0086),
    ((0.5, -86.632555), (0.500133, -86.631214), 149.9965),
    ((31.2, 178.432141), (31.198671, 178.432433), 149.9550),
    ((-43.7, 121.126122), (-43.701335, 121.126398), 149.9863),
    ((68.0, 50.064531), (68.000786, 50.067441), 149.9869),
    ((0.5, 48.549837), (0.504888, 48.544538), 800.0381),
    ((31.2, 8.345236), (31.199603, 8.336854), 800.0545),
    ((-43.7, 61.708131), (-43.693375, 61.712017), 799.9673),
    ((68.0, 92.962889), (67.99397, 92.95253), 800.0459),
    ((0.5, -71.543643), (0.526618, -71.538424), 3000.0560),
    ((31.2, 131.589805), (31.173337, 131.595167), 3000.0541),
    ((-43.7, 78.776613), (-43.680453, 78.750943), 2999.9707),
    ((68.0, 77.086614), (68.023656, 77.052456), 3000.0477),
    ((0.5, -37.813175), (0.534124, -37.915509), 11999.9680),
    ((31.2, -19.93642), (31.299478, -19.986051), 11999.9928),
    ((-43.7, 136.391998), (-43.611586, 136.477436), 11999.9409),
    ((68.0, -131.05121), (68.021918, -130.770161), 11999.9789),
    ((0.5, 167.57285), (0.09203, 167.744709), 48999.9609),
    ((31.2, 45.593385), (31.059799, 46.080613), 49000.0263),
    ((-43.7, 2.607474), (-44.031682, 3.009199), 48999.9534),
    ((68.0, -53.672224), (67.620891, -54.259518), 48999.9514),
];

proptest! {
    #[test]
    fn nobody_within_the_error_is_called_outside(
        radius in 1.0..5_000.0_f64, inside in 0.0..1.0_f64, angle in 0.0..std::f64::consts::TAU, sigma in 0.5..3_000.0_f64, error in 0.0..1.0_f64, towards in 0.0..std::f64::consts::TAU,
    ) {
        let fence = circle(48.0, 11.0, radius).area(NONE).unwrap();
        let truth = (inside * radius * libm::cos(angle), inside * radius * libm::sin(angle));
        let t = Thresholds::default();
        let off = error * t.outside_sigmas * sigma * 0.999;
        let fix = fence.plane.place((truth.0 + off * libm::cos(towards), truth.1 + off * libm::sin(towards))).unwrap();
        prop_assert_ne!(fence.judge(fix, sigma, t), Side::Outside);
    }

    #[test]
    fn distance_on_the_map_is_that_of_geo(
        corners in prop::collection::vec(20.0..900.0_f64, 3..40), x in -2_000.0..2_000.0_f64, y in -2_000.0..2_000.0_f64, lat in -89.0..89.0_f64, lon in -180.0..180.0_f64,
    ) {
        use geo::{Distance as _, Euclidean};
        let plane = Plane::at(wgs(lat, lon));
        let turn = std::f64::consts::TAU / corners.len() as f64;
        let star: Vec<_> = corners.iter().enumerate().map(|(i, r)| {
            let angle = turn * i as f64;
            let place = plane.place((r * libm::cos(angle), r * libm::sin(angle))).unwrap();
            (place.lat(), place.lon())
        }).collect();
        let area = ring(&star).area(NONE).unwrap();
        let fix = plane.place((x, y)).unwrap();
        let flat = area.plane.flat(fix);
        let Shape::Ring { polygon } = &area.shape else { unreachable!() };
        let must = Euclidean.distance(&geo::Point::new(flat.0, flat.1), polygon);
        prop_assert!((area.distance_m(fix) - must).abs() < 1e-6);
        // the map returns to where it came from
        prop_assert!(area.plane.place(flat).unwrap().distance_m(fix) < 1e-3);
        let p = area.probability_inside(fix, 100.0);
        prop_assert!((0.0..=1.0).contains(&p));
    }
}
