//! The order of the day.

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
