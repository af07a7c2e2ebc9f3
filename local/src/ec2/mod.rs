//! A simulated EC2: instances, volumes, snapshots, AMIs, launch permissions, throttles, in time.
//!
//! [`Cloud`] is the whole of it. [`Cloud::account`] is what a caller of EC2 sees: it implements the
//! core's ports. [`Cloud::admin`] is everybody else: who sets up instances, takes capacity away,
//! makes the next image fail, and looks afterwards at what is left. [`Cloud::guest`] is the
//! researcher at the keyboard of an instance. Facts are numbered as in `docs/ec2-facts.md`.
//!
//! Time comes in through the `Clock` port. Nothing happens between calls: each call first lets
//! happen what was due, each thing at its own moment.

mod admin;
mod cloud;
mod cloud_error;
mod errors;
mod events;
mod facts;
mod file;
mod guest;
mod model;
mod port;
mod rows;
mod settings;
mod types;

#[cfg(test)]
mod tests;

#[cfg(feature = "wire")]
pub(crate) use errors::instances_not_found;
#[cfg(feature = "wire")]
pub(crate) use model::PUBLISHER;

pub use admin::Admin;
pub use cloud::Cloud;
pub use cloud_error::CloudError;
#[cfg(feature = "wire")]
pub(crate) use errors::check_ascii;
pub use events::Event;
pub use facts::{InstanceFacts, InstanceSpec, Inventory, VolumeSpec};
pub use guest::{Disk, FileBody, GuestError, GuestOutput, INSTANCE_STORE, Package, System};
pub use model::{Capacity, KeyPolicy, Purchase, Traffic};
pub use port::{Guest, SimEc2};
pub use settings::{Durations, Limits, REGIONS, Settings, Throttles};
pub use types::{TYPES, TypeFacts, facts_of};
