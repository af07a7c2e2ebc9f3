//! The embedded cloud: what Prism asks of AWS, on one machine.

pub mod clock;
pub mod ec2;
pub mod sqlite;
pub mod store;
