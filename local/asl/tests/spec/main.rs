//! The rules of the States Language, one small machine each.
//!
//! "Guide" is the AWS Step Functions Developer Guide, "Spec" the Amazon States Language
//! Specification. What neither says was taken from histories that AWS recorded.

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
