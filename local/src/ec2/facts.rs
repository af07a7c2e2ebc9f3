//! What the outside actor sets up, changes and inspects.

use prism_functions::domain::Region;
use prism_functions::ports::{Encryption, Image, Instance, Snapshot, Tags, Ties, Volume};
use serde::{Deserialize, Serialize};

use super::model::{AtReboot, Purchase};

/// An instance that exists from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSpec {
    pub parameter: String,
    pub instance_type: String,
    /// The size of its root volume in GiB, if it is larger than the AMI's.
    pub root_size_gib: Option<u32>,
    pub tags: Tags,
    pub stopped: bool,
    /// How long it takes to stop and to start, in percent of the usual duration.
    pub pace_percent: u32,
}

impl InstanceSpec {
    /// A running `t3.large` with Ubuntu and this name.
    pub fn named(name: &str) -> Self {
        Self {
            parameter: "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/\
                        ebs-gp3/ami-id"
                .to_owned(),
            instance_type: "t3.large".to_owned(),
            root_size_gib: None,
            tags: Tags::from([("Name".to_owned(), name.to_owned())]),
            stopped: false,
            pace_percent: 100,
        }
    }
}

/// The special properties of an instance (EC2 facts, "Before the stop").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceFacts {
    /// All of its tags, including those that AWS sets.
    pub tags: Tags,
    pub purchase: Purchase,
    /// What its operating system does when it is to reboot.
    pub at_reboot: AtReboot,
    pub fleet: Option<String>,
    pub autoscaling_group: Option<String>,
    pub stop_protection: bool,
    pub hibernation: bool,
    pub product_codes: Vec<String>,
    pub elastic_ip: bool,
    /// Whether its root device is an EBS volume. If this is set to false, it loses its root volume in the simulator.
    pub ebs_root: bool,
    /// Its type. Changes are not validated.
    pub instance_type: String,
    /// Properties that a stop would change.
    pub ties: Ties,
}

/// A volume to attach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeSpec {
    /// The device name, such as `/dev/sdf`.
    pub device: String,
    pub size_gib: u32,
    pub used_bytes: u64,
    pub encryption: Encryption,
    pub delete_on_termination: bool,
}

/// All resources of an account, in all Regions, for leak checks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// Instances that are not terminated.
    pub instances: Vec<(Region, Instance)>,
    /// AMIs that are not deregistered.
    pub images: Vec<(Region, Image)>,
    /// Snapshots, including those that DescribeSnapshots does not return yet.
    pub snapshots: Vec<(Region, Snapshot)>,
    /// Volumes, including those that are not attached.
    pub volumes: Vec<(Region, Volume)>,
}
