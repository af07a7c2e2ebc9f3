//! The simulated EC2 behind EC2's own protocol, so that any AWS SDK and the AWS CLI can talk to it.
//!
//! [`WireServer`] listens on 127.0.0.1 and speaks EC2's Query protocol (version 2016-11-15), and
//! the JSON protocol for the actions of other services that belong to EC2's: SSM GetParameter and
//! ListInventoryEntries, and KMS DescribeKey. A client needs nothing but an endpoint URL and any access key.
//!
//! - Who asks, and where, is read from the Authorization header: the access key says which account
//!   ([`Accounts`]), the credential scope which Region. **Signatures are not verified.**
//! - What it does not know it refuses: an action with `InvalidAction`, a parameter with
//!   `UnknownParameter`, a filter or a value with `InvalidParameterValue`. A request is read to its
//!   end before anything is done.
//! - Permissions, throttles, states and times are the simulated cloud's, by way of the ports.
//!
//! # Where it is not EC2
//!
//! Refused, although EC2 would do it: more than one instance in a RunInstances; block device
//! mappings beyond the size of the root volume; user data that is no UTF-8 text; CreateImage of a
//! running instance without NoReboot; tags for an image that are not also those of its snapshots;
//! encryption in a copy; DeleteAssociatedSnapshots; forced and hibernating stops; dry runs of
//! actions other than StopInstances, StartInstances and CreateImage; most filters.
//!
//! Accepted without effect in RunInstances: KeyName, IamInstanceProfile, MetadataOptions,
//! EbsOptimized, and security groups by name. A Region has one VPC with one subnet. Groups by id open their TCP ports;
//! they live as long as the server does.
//!
//! Otherwise than on EC2: a Stop, Start or Terminate of several instances, of which one is refused
//! for its state, has changed those before it; DescribeInstanceStatus, DescribeInstanceTypes and
//! dry runs use up the throttle once for each id, and SSM, KMS and security groups never;
//! DescribeSnapshots tells only the caller's own; what changes between two looks at the cloud
//! within one request may be told half before and half after.
//!
//! # What it was checked with
//!
//! `tests/wire/run` has boto3 1.44.3 and the AWS CLI 1.46.3 (botocore 1.44.5, Python 3.11) save an
//! instance by hand, with waiters, paginators, dry runs and errors, and holds every element of
//! every answer against botocore's model of EC2. HTTP statuses are those of EC2's error reference
//! and of what its users report; no answer was compared with one of AWS's.

mod actions;
mod call;
mod credentials;
mod dispatch;
mod fault;
mod fields;
mod filters;
mod groups;
mod inventory;
mod json;
mod keys;
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
