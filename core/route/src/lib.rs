//! The order of the day: the best order of the visits under all that binds them, proven, or with how far from proven it is.
//!
//! [`solve`] takes a [`Problem`] and a [`Budget`] and gives an [`Answer`]: the order and its inverse, the times of each visit, what was
//! left out and why, and a [`answer::Proof`]. [`replan`] and [`from_here`] change a day that is planned. [`check::check`] is a second
//! opinion that shares nothing with the solver but the types. How it works, and what a proof is: `core/docs/route.md`.
//!
//! No clock, no files, no randomness but a seed.
//!
//! ```
//! use waymark_route::{Matrix, Options, Problem, Stop, Work, solve};
//!
//! let rows = [vec![0, 60, 300], vec![60, 0, 60], vec![90, 60, 0]];
//! let problem = Problem {
//!     travel: Matrix::from_rows(&rows)?,
//!     stops: vec![Stop::must(0), Stop::must(600), Stop::must(600)],
//!     start: 0,
//!     end: Some(0),
//!     depart: 32_400,
//!     latest: 64_800,
//!     breaks: Vec::new(),
//! };
//! let answer = solve(&problem, Options::default(), &mut Work(10_000))?;
//! assert_eq!(answer.order, [1, 2]);
//! assert_eq!(answer.cost.travel, 210);
//! # Ok::<(), waymark_route::Error>(())
//! ```

pub mod answer;
mod bound;
mod budget;
pub mod check;
mod error;
mod exact;
mod finish;
mod ils;
mod inst;
pub mod json;
pub mod model;
mod plain;
mod replan;
mod rng;
mod route;
mod ruin;
mod solve;
mod walk;

pub use answer::{Answer, Cost};
pub use budget::{Budget, Work};
pub use error::{Error, Fault};
pub use model::{Break, Lock, Matrix, Need, Problem, Stop, Window};
pub use replan::{Change, from_here, replan};
pub use solve::{Options, improve, solve};
