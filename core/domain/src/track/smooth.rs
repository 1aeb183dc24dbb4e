//! A path without most of its jitter: a Kalman filter forwards and a Rauch-Tung-Striebel smoother backwards, with constant velocity and
//! white-noise acceleration, each axis by itself. Only exact operations, so that every machine gets the same bits.

/// Spectral density of the acceleration, m²/s³: a walker turning a corner in two seconds, a car braking for a light.
const Q: f64 = 1.0;
/// Least deviation of a fix, metres. Receivers that claim less do not keep to it in streets.
const LEAST_SIGMA_M: f64 = 2.0;
/// Deviation of the velocity before anything is known, metres per second.
const START_SPEED_MPS: f64 = 15.0;

/// A place on the way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) s: f64,
    pub(super) east: f64,
    pub(super) north: f64,
    pub(super) sigma_m: f64,
}

/// Covariance of place and speed; the same for both axes.
#[derive(Clone, Copy)]
struct Cov {
    pp: f64,
    pv: f64,
    vv: f64,
}

#[derive(Clone, Copy)]
struct State {
    place: [f64; 2],
    speed: [f64; 2],
    cov: Cov,
}

impl State {
    fn ahead(self, dt: f64) -> Self {
        let Cov { pp, pv, vv } = self.cov;
        let [e, n] = self.place;
        let [ve, vn] = self.speed;
        Self {
            place: [e + ve * dt, n + vn * dt],
            speed: self.speed,
            cov: Cov {
                pp: pp + 2.0 * dt * pv + dt * dt * vv + Q * dt * dt * dt / 3.0,
                pv: pv + dt * vv + Q * dt * dt / 2.0,
                vv: vv + Q * dt,
            },
        }
    }

    fn seeing(self, sample: &Sample) -> Self {
        let sigma = sample.sigma_m.max(LEAST_SIGMA_M);
        let Cov { pp, pv, vv } = self.cov;
        let total = pp + sigma * sigma;
        let (gain_p, gain_v) = (pp / total, pv / total);
        let [e, n] = self.place;
        let [ve, vn] = self.speed;
        let (off_e, off_n) = (sample.east - e, sample.north - n);
        Self {
            place: [e + gain_p * off_e, n + gain_p * off_n],
            speed: [ve + gain_v * off_e, vn + gain_v * off_n],
            cov: Cov {
                pp: pp * (1.0 - gain_p),
                pv: pv * (1.0 - gain_p),
                vv: vv - gain_v * pv,
            },
        }
    }

    /// This state, knowing how it went on: `next` is the smoothed one `dt` later.
    fn knowing(self, dt: f64, next: Self) -> Self {
        let ahead = self.ahead(dt);
        let Cov { pp, pv, vv } = self.cov;
        let a = ahead.cov;
        let det = a.pp * a.vv - a.pv * a.pv;
        if dt <= 0.0 || det <= 0.0 {
            return self;
        }
        // C = P Fᵀ A⁻¹ with F = [1 dt; 0 1]
        let (p0, p1) = (pp + dt * pv, pv);
        let (v0, v1) = (pv + dt * vv, vv);
        let c = [
            (p0 * a.vv - p1 * a.pv) / det,
            (p1 * a.pp - p0 * a.pv) / det,
            (v0 * a.vv - v1 * a.pv) / det,
            (v1 * a.pp - v0 * a.pv) / det,
        ];
        let axis = |i: usize| {
            let at = |pair: [f64; 2]| pair.get(i).copied().unwrap_or(0.0);
            let dp = at(next.place) - at(ahead.place);
            let dv = at(next.speed) - at(ahead.speed);
            let [c0, c1, c2, c3] = c;
            (
                at(self.place) + c0 * dp + c1 * dv,
                at(self.speed) + c2 * dp + c3 * dv,
            )
        };
        let ((e, ve), (n, vn)) = (axis(0), axis(1));
        Self {
            place: [e, n],
            speed: [ve, vn],
            cov: self.cov,
        }
    }
}

/// The smoothed places (east, north) of samples in order of time.
pub(super) fn smooth(samples: &[Sample]) -> Vec<(f64, f64)> {
    let Some(first) = samples.first() else {
        return Vec::new();
    };
    let sigma = first.sigma_m.max(LEAST_SIGMA_M);
    let mut state = State {
        place: [first.east, first.north],
        speed: [0.0, 0.0],
        cov: Cov {
            pp: sigma * sigma,
            pv: 0.0,
            vv: START_SPEED_MPS * START_SPEED_MPS,
        },
    };
    let mut states = vec![(0.0, state)];
    let mut time = first.s;
    for sample in samples.iter().skip(1) {
        let dt = (sample.s - time).max(0.0);
        state = state.ahead(dt).seeing(sample);
        states.push((dt, state));
        time = sample.s;
    }
    let mut later: Option<(f64, State)> = None;
    let mut places: Vec<(f64, f64)> = Vec::with_capacity(states.len());
    for (dt, state) in states.into_iter().rev() {
        let state = match later {
            Some((dt, next)) => state.knowing(dt, next),
            None => state,
        };
        later = Some((dt, state));
        let [e, n] = state.place;
        places.push((e, n));
    }
    places.reverse();
    places
}
