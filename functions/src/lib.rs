//! Prism's core: what a save is, what it needs from the outside, and the steps that carry it out.
//!
//! `domain` holds the nouns, `ports` what the core asks of the world, `registry` how records lie in
//! the table, `steps` one file per step of a save, `service` what callers ask for. None of these
//! knows whether it runs on AWS or embedded on one machine; `aws` holds the adapters for AWS, behind
//! the feature of that name, and `api` the HTTP API, behind another.

#[cfg(feature = "api")]
pub mod api;
#[cfg(feature = "aws")]
pub mod aws;
pub mod domain;
pub mod ports;
pub mod registry;
pub mod service;
pub mod steps;
