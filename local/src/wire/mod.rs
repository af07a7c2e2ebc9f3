//! The simulated EC2 behind EC2's own protocol.

mod actions;
mod call;
mod credentials;
mod dispatch;
mod fault;
mod filters;
mod groups;
mod json;
mod looks;
mod pages;
mod params;
mod server;
mod tags;
mod xml;

#[cfg(test)]
mod tests;

pub use credentials::Accounts;
pub use server::{WireError, WireServer};

/// The largest body of a request.
const MOST_BODY_BYTES: usize = 1 << 20;
