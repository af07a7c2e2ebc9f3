//! A server that speaks EC2's own protocol for the simulated EC2, so that any AWS SDK and the AWS CLI can use it.
//!
//! [`WireServer`] listens on 127.0.0.1. It speaks EC2's Query protocol (version 2016-11-15), and the JSON protocol
//! for actions of other services that complement EC2's: SSM GetParameter and ListInventoryEntries, and KMS
//! DescribeKey. A client needs only an endpoint URL and any access key.
//!
//! - The caller and the Region are read from the Authorization header: the access key determines the account
//!   ([`Accounts`]), and the credential scope determines the Region. **Signatures are not verified.**
//! - Anything that is not supported is refused: an action with `InvalidAction`, a parameter with `UnknownParameter`,
//!   a filter or a value with `InvalidParameterValue`. A request is read completely before anything is done.
//! - Permissions, throttles, states and times are those of the simulated cloud, which is called through the ports.
//!
//! # Differences from EC2
//!
//! Refused, although EC2 would accept it: more than one instance in a RunInstances; block device mappings other than
//! the size of the root volume; user data that is not UTF-8 text; tags for an image that differ from those of its
//! snapshots; encryption in a copy; DeleteAssociatedSnapshots; forced and hibernating stops; dry runs of actions other
//! than StopInstances, StartInstances and CreateImage; most filters.
//!
//! Accepted without effect in RunInstances: KeyName, IamInstanceProfile, MetadataOptions, EbsOptimized, and security
//! groups by name. A Region has one VPC with one subnet. Groups that are given by ID open their TCP ports; they exist
//! for as long as the server runs.
//!
//! Different from EC2: if a Stop, Start or Terminate of several instances is refused because of the state of one of
//! them, it has already changed those before it; DescribeInstanceStatus, DescribeInstanceTypes and dry runs use one
//! token of the throttle for each ID, and SSM, KMS and security groups use none; DescribeSnapshots returns only the
//! caller's own snapshots; if the cloud changes between two reads within one request, the response may be partly from
//! before and partly from after the change.
//!
//! # How it was tested
//!
//! `tests/wire/run` uses boto3 1.44.3 and the AWS CLI 1.46.3 (botocore 1.44.5, Python 3.11) to save an instance by
//! hand, with waiters, paginators, dry runs and errors, and checks every element of every response against botocore's
//! model of EC2. HTTP statuses are those of EC2's error reference and of user reports; no response was compared with
//! one from AWS.

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

const MOST_BODY_BYTES: usize = 1 << 20;
