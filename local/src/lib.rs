//! The embedded cloud: what Prism asks of AWS, on one machine.

pub mod sqlite;
pub mod store;
