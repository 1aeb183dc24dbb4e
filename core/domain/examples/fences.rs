//! The fence rule, drawn by lot: 40,000 Gaussian fixes a cell, for every radius and accuracy of facts.md §5.2.
//!
//! `cargo run -p waymark-domain --example fences`. Exits with 1 when a bound is broken: of reps truly inside at most 0.5 % are called
//! outside, of those truly at twice the radius at most 0.5 % inside, and at the centre at most 5 % uncertain when the accuracy is a third
//! of the radius or better.
#![expect(clippy::print_stdout, reason = "it is a report")]

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use waymark_domain::fix::AccuracySource;
use waymark_domain::geo::accuracy::sigma_m;
use waymark_domain::geo::fence::{Area, Fence, Side, Thresholds};
use waymark_domain::geo::{NotAPosition, Position, Regions, Wgs84};
use waymark_domain::refusal::{Code, Refusal};

const FIXES: u32 = 40_000;
const CELLS: [(f64, f64); 14] = [
    (50.0, 10.0),
    (50.0, 15.0),
    (50.0, 30.0),
    (100.0, 10.0),
    (100.0, 30.0),
    (100.0, 65.0),
    (100.0, 100.0),
    (100.0, 200.0),
    (200.0, 65.0),
    (200.0, 100.0),
    (300.0, 30.0),
    (300.0, 100.0),
    (300.0, 200.0),
    (1_000.0, 300.0),
];
/// Metres in a degree of latitude at the equator of WGS-84, where the fences lie, and of longitude.
const DEGREE_M: (f64, f64) = (110_574.276, 111_319.491);

struct Shares {
    inside: f64,
    outside: f64,
    uncertain: f64,
}

/// Percent of the fixes of somebody at `truth_m` from the middle that fall on each side.
fn draw(
    area: &Area,
    truth_m: f64,
    sigma: f64,
    random: &mut ChaCha8Rng,
) -> Result<Shares, NotAPosition> {
    let mut uniform = || (f64::from(random.next_u32()) + 0.5) / 4_294_967_296.0;
    let (mut inside, mut outside, mut uncertain) = (0.0, 0.0, 0.0);
    let one = 100.0 / f64::from(FIXES);
    for _ in 0..FIXES {
        let off = sigma * (-2.0 * libm::log(uniform())).sqrt();
        let angle = std::f64::consts::TAU * uniform();
        let (north, east) = (truth_m + off * libm::cos(angle), off * libm::sin(angle));
        let fix = Wgs84::new(north / DEGREE_M.0, east / DEGREE_M.1)?;
        match area.judge(fix, sigma, Thresholds::default()) {
            Side::Inside => inside += one,
            Side::Outside => outside += one,
            Side::Uncertain => uncertain += one,
        }
    }
    Ok(Shares {
        inside,
        outside,
        uncertain,
    })
}

fn main() -> Result<std::process::ExitCode, Refusal> {
    let lost = |_: NotAPosition| Refusal::new(Code::Malformed);
    let mut random = ChaCha8Rng::seed_from_u64(52);
    let mut broken = 0;
    println!(
        "{FIXES} fixes a cell; inside if P >= 0.85, outside if beyond the fence by 3.26 sigma; percent"
    );
    println!(
        "    R  acc68 | called outside: centre  at 0.9 R | called inside at 2 R | uncertain at the centre"
    );
    for (radius_m, accuracy) in CELLS {
        let center = Position::Wgs84(Wgs84::new(0.0, 0.0).map_err(lost)?);
        let area = Fence::Circle {
            center,
            radius_m,
            name: None,
        }
        .area(Regions::default())?;
        let sigma = sigma_m(accuracy, AccuracySource::Android);
        let mut at = |share: f64| draw(&area, share * radius_m, sigma, &mut random).map_err(lost);
        let (middle, edge, away) = (at(0.0)?, at(0.9)?, at(2.0)?);
        let good = accuracy > radius_m / 3.0 || middle.uncertain <= 5.0;
        let holds = middle.outside <= 0.5 && edge.outside <= 0.5 && away.inside <= 0.5 && good;
        println!(
            "{radius_m:>5}  {accuracy:>5} | {:>22.3}  {:>8.3} | {:>20.3} | {:>23.1}{}",
            middle.outside,
            edge.outside,
            away.inside,
            middle.uncertain,
            if holds { "" } else { "  BROKEN" }
        );
        broken += i32::from(!holds);
    }
    println!(
        "{} of {} cells hold",
        CELLS.len() - usize::try_from(broken).unwrap_or_default(),
        CELLS.len()
    );
    Ok(if broken == 0 {
        std::process::ExitCode::SUCCESS
    } else {
        std::process::ExitCode::FAILURE
    })
}
