//! Contracts: what every adapter of a port must do, one check per rule.

pub mod inspect;
pub mod table;
