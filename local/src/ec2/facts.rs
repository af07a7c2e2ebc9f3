//! What the outside actor sets up, changes and looks at.

use prism_functions::domain::Region;
use prism_functions::ports::{Encryption, Image, Instance, Snapshot, Tags, Ties, Volume};
use serde::{Deserialize, Serialize};

use super::model::Purchase;

/// An instance to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSpec {
    /// The public parameter of its AMI.
    pub parameter: String,
    /// Its type.
    pub instance_type: String,
    /// The size of its root volume in GiB, where it is larger than the AMI's.
    pub root_size_gib: Option<u32>,
    /// Its tags.
    pub tags: Tags,
    /// Whether it is to be stopped; else it runs.
    pub stopped: bool,
    /// How long it takes to stop and to start, in percent of what is usual.
    pub pace_percent: u32,
}

impl InstanceSpec {
    /// A running `t3.large` with Ubuntu and a name.
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

/// What is special about an instance (EC2 facts, "Before the stop").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceFacts {
    /// All of its tags, those of AWS's own too.
    pub tags: Tags,
    /// How it is paid for.
    pub purchase: Purchase,
    /// The fleet that it is in.
    pub fleet: Option<String>,
    /// The Auto Scaling group that it is in.
    pub autoscaling_group: Option<String>,
    /// Whether `disableApiStop` is set.
    pub stop_protection: bool,
    /// Whether hibernation is enabled.
    pub hibernation: bool,
    /// Its Marketplace product codes.
    pub product_codes: Vec<String>,
    /// Whether its public address is an Elastic IP.
    pub elastic_ip: bool,
    /// Whether its root device is an EBS volume. Without one it loses its root volume here.
    pub ebs_root: bool,
    /// Its type; to change it is not checked.
    pub instance_type: String,
    /// What a stop would undo.
    pub ties: Ties,
}

/// A volume to attach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeSpec {
    /// The device name, such as `/dev/sdf`.
    pub device: String,
    /// Its size in GiB.
    pub size_gib: u32,
    /// How much of it is in use.
    pub used_bytes: u64,
    /// How it is encrypted.
    pub encryption: Encryption,
    /// Whether it goes with the instance.
    pub delete_on_termination: bool,
}

/// What exists of an account, over all Regions: what a leak check looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// Instances, terminated ones not among them.
    pub instances: Vec<(Region, Instance)>,
    /// AMIs that are not deregistered.
    pub images: Vec<(Region, Image)>,
    /// Snapshots, those that DescribeSnapshots does not tell yet among them.
    pub snapshots: Vec<(Region, Snapshot)>,
    /// Volumes, attached or not.
    pub volumes: Vec<(Region, Volume)>,
}
