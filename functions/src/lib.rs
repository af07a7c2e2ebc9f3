//! Prism's core: what a save is, what it needs from the outside, and the steps that carry it out.
//!
//! `domain` holds the nouns, `ports` what the core asks of the world, `registry` how records lie in
//! the table, `steps` one file per step of a save, `service` what callers ask for. Nothing in here
//! knows whether it runs on AWS or embedded on one machine.

pub mod domain;
pub mod ports;
pub mod registry;
pub mod service;
pub mod steps;
