//! The embedded cloud: the services that Prism needs, on one machine.

pub mod clock;
pub mod ec2;
mod embedded;
pub mod executions;
#[cfg(feature = "http")]
pub mod http;
mod schedules;
pub mod sqlite;
pub mod store;
#[cfg(feature = "wire")]
pub mod wire;

pub use embedded::{Embedded, FILES, Feature, GuestAnswer, OPENING_LOCK, PACE_FILE, explain};
pub use prism_functions::ports::OsEntropy;
pub use schedules::PolledSchedules;
