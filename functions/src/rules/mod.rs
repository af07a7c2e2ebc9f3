//! The rules of a deployment: who may do what, what may be shown to whom, what a project may cost, and which versions
//! are kept. Steps and operations use this module; it does not depend on them.

pub mod access;
pub(crate) mod audit;
pub(crate) mod budget;
mod caller;
pub mod compute;
pub mod config;
pub(crate) mod ends;
mod env;
pub(crate) mod holdings;
mod identity;
pub(crate) mod images;
pub(crate) mod lending;
pub(crate) mod limits;
pub(crate) mod lookup;
mod outbox;
pub(crate) mod publication;
mod relations;
pub(crate) mod retention;
pub(crate) mod starting;
pub(crate) mod uses;
pub(crate) mod versions;

pub use env::{Env, PublicScope, Settings, SignIn};
pub use identity::{Identity, Maker};
pub use images::ImageFault;
