//! Prism's core: what a save is, what it needs from the outside, and the steps that carry it out.
//!
//! In layers, each of which knows only those before it: `domain` holds the nouns, `ports` what the core asks of the
//! world, `registry` how records lie in the table, `rules` who may do what, `steps` one file per step of a save,
//! `operations` what callers ask for, `api` the HTTP API. None of these knows whether it runs on AWS or embedded on one
//! machine; `aws` holds the adapters for AWS, behind the feature of that name.

pub mod api;
#[cfg(feature = "aws")]
pub mod aws;
pub mod domain;
pub mod operations;
pub mod ports;
pub mod registry;
pub mod rules;
pub mod steps;
