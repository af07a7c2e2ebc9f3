//! Code shared by the tests of several packages.

pub mod asks;
pub mod bent;
pub mod between;
pub mod burst;
pub mod checked;
pub mod clean;
pub mod cloudformation;
pub mod contract;
mod forward;
#[cfg(feature = "harness")]
pub mod harness;
pub mod interleaved;
pub mod keys;
pub mod letters;
pub mod recorded;
pub mod repeated;
pub mod rights;
pub mod simulation;
pub mod story;
pub mod sums;
pub mod turns;
pub mod untouched;
pub mod watched;
pub mod world;
