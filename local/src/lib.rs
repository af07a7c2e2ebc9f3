//! The embedded cloud: the services that Prism needs, on one machine.

mod embedded;

pub use embedded::{Embedded, Feature, GuestAnswer};
