//! What the tests of several packages share.

pub mod clean;
pub mod contract;
pub mod world;
