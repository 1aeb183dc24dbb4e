//! Real receivers that stand still, replayed against fences whose edge runs through, beside and around them.

use std::collections::BTreeMap;

use waymark_domain::geo::crossing::{Settings, Watch};
use waymark_domain::geo::fence::Fence;
use waymark_domain::geo::{Position, Regions, Wgs84};

/// A rep's week of 50 hours, with a fix every 5 seconds.
const FIXES: usize = 36_000;

#[test]
fn a_receiver_that_stands_still_crosses_a_fence_at_most_once_in_a_week() {
    let text = include_str!("../../../tests/fixtures/tracks/standing_still.csv");
    let mut logs: BTreeMap<&str, Vec<Wgs84>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<_> = line.split(',').collect();
        let fix = Wgs84::new(cells[2].parse().unwrap(), cells[3].parse().unwrap()).unwrap();
        logs.entry(cells[0]).or_default().push(fix);
    }
    assert_eq!(logs.len(), 4);
    for (receiver, log) in logs {
        assert!(log.len() > 50, "{receiver}");
        let lat = log.iter().map(|fix| fix.lat()).sum::<f64>() / log.len() as f64;
        let lon = log.iter().map(|fix| fix.lon()).sum::<f64>() / log.len() as f64;
        for metres in [0.0, 80.0, 95.0, 100.0, 105.0, 110.0, 130.0] {
            let center = Position::Wgs84(Wgs84::new(lat + metres / 111_132.0, lon).unwrap());
            let area = Fence::Circle {
                center,
                radius_m: 100.0,
                name: None,
            }
            .area(Regions::default())
            .unwrap();
            let mut watch = Watch::new([(0, area)], Settings::default());
            // there and back through the log, so that it has no seam
            let there_and_back = log.iter().chain(log.iter().rev()).cycle().take(FIXES);
            let crossings: Vec<_> = there_and_back
                .zip(0_i64..)
                .flat_map(|(&fix, i)| watch.observe(fix, 3.0, i * 5_000))
                .collect();
            assert!(
                crossings.len() <= 1,
                "{receiver} at {metres} m: {crossings:?}"
            );
            if metres <= 80.0 {
                assert_eq!(crossings.len(), 1, "{receiver} at {metres} m is there");
            }
        }
    }
}
