//! The rules of the States Language, each tested with a small machine.
//!
//! "Guide" is the AWS Step Functions Developer Guide, and "Spec" is the Amazon States Language Specification. Rules
//! that neither states were taken from recorded AWS histories.

#![expect(
    clippy::needless_pass_by_value,
    reason = "`json!` literals read better without a borrow"
)]

mod data;
mod errors;
mod flow;
mod fuzz;
mod history;
mod recorded;
mod refusals;
mod stories;
mod support;
mod tokens;
