//! A simulated EC2 with instances, volumes, snapshots, AMIs, launch permissions and throttles, which change over
//! time.
//!
//! [`Cloud`] is the entry point. [`Cloud::account`] is the view of an EC2 caller: it implements the core's ports.
//! [`Cloud::admin`] is the outside actor: it sets up instances, removes capacity, makes the next image fail, and
//! inspects the results. [`Cloud::guest`] is a researcher who runs commands on an instance. Facts are numbered as in
//! `docs/ec2-facts.md`.
//!
//! Time comes in through the `Clock` port. Nothing happens between calls: each call first processes everything that
//! was due, each at its own time.

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
pub(crate) use model::{Model, PUBLISHER, default_vpc, first_subnet, subnet_of, subnets_in};

pub use admin::Admin;
pub use cloud::Cloud;
pub use cloud_error::CloudError;
#[cfg(feature = "wire")]
pub(crate) use errors::check_ascii;
pub use events::Event;
pub use facts::{InstanceFacts, InstanceSpec, Inventory, VolumeSpec};
pub use guest::{
    Disk, FileBody, GuestError, GuestOutput, INSTANCE_STORE, Package, System, words_of,
};
pub use model::{AtReboot, Capacity, KeyPolicy, Purchase, Traffic};
pub use port::{Guest, SimEc2};
pub use settings::{Durations, Limits, REGIONS, Settings, Throttles};
pub use types::{TYPES, TypeFacts, facts_of};
