//! The order of the day.

pub mod answer;
mod budget;
pub mod check;
mod error;
mod exact;
mod finish;
mod inst;
pub mod json;
pub mod model;
mod rng;
mod solve;
mod walk;

pub use answer::{Answer, Cost};
pub use budget::{Budget, Work};
pub use error::{Error, Fault};
pub use model::{Break, Lock, Matrix, Need, Problem, Stop, Window};
pub use solve::{Options, solve};
