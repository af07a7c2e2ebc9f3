//! Prism's core: what a save is, what it needs from the outside, and the steps that carry it out.
//!
//! The modules form layers, each of which depends only on the layers before it:
//!
//! - `domain`: the data types.
//! - `ports`: the interfaces to everything outside the core.
//! - `registry`: the layout of the records in the table.
//! - `rules`: who may do what.
//! - `steps`: one file for each step of a save.
//! - `operations`: the operations that callers can request.
//! - `api`: the HTTP API.
//!
//! None of these depends on whether Prism runs on AWS or embedded on one machine. `aws` contains the adapters for AWS,
//! behind the feature of the same name. `webhooks` calls webhooks, for AWS and for the embedded cloud, behind another.

pub mod api;
#[cfg(feature = "aws")]
pub mod aws;
pub mod domain;
pub mod operations;
pub mod ports;
pub mod registry;
pub mod rules;
pub mod steps;
#[cfg(feature = "webhooks")]
pub mod webhooks;
