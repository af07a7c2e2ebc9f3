//! Contracts: what every adapter of a port must do, checked one rule at a time.

pub mod inspect;
pub mod table;
