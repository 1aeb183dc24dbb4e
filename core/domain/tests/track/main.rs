//! Tracks: packing, plausibility, stays and distances, on recordings and on simulated days.

mod packing;
mod score;
mod sim;
mod staying;
