//! The embedded cloud: the services that Prism needs, on one machine.

mod embedded;
pub mod sqlite;
pub mod store;

pub use embedded::{Embedded, Feature, GuestAnswer};
