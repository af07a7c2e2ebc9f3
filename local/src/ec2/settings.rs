//! The settings of the simulated cloud: durations, throttles, limits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub const REGIONS: [&str; 10] = [
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "us-east-1",
    "us-east-2",
    "us-west-2",
];

/// The settings of the cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub durations: Durations,
    pub throttles: Throttles,
    pub limits: Limits,
}

impl Settings {
    /// Settings in which nothing takes time and nothing is throttled, for tests of other things.
    pub fn instant() -> Self {
        Self {
            durations: Durations::zero(),
            throttles: Throttles {
                enabled: false,
                ..Throttles::default()
            },
            limits: Limits::default(),
        }
    }
}

/// How long things take. If AWS documents no figure, the default is assumed: a round number close to what people
/// report for small Linux instances. Durations that depend on an amount of data say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Durations {
    /// From StopInstances to `stopped`. Assumed.
    pub stop: Duration,
    /// From StartInstances or RunInstances to `running`. Assumed.
    pub start: Duration,
    /// From the request for a reboot until the operating system is down. Assumed.
    pub shutdown: Duration,
    /// From the last snapshot of a rebooted instance until its operating system has booted. Assumed.
    pub boot: Duration,
    /// From TerminateInstances to `terminated`. Assumed.
    pub terminate: Duration,
    /// For how long a terminated instance is still returned by its ID. EC2 says "about an hour".
    pub terminated_visible: Duration,
    /// From `running` to passed status checks. Assumed; EC2 says "a few minutes".
    pub status_checks: Duration,
    /// From CreateImage to the moment that the first snapshot captures. It does not depend on sizes: the moment is
    /// fixed before any block is copied (EC2 fact 1). Assumed.
    pub snapshot_initiation: Duration,
    /// How much later each further volume is captured. Assumed.
    pub snapshot_stagger: Duration,
    /// How long a snapshot takes in addition to copying. Assumed.
    pub snapshot_base: Duration,
    /// Bytes of changed data that a snapshot copies per second; 0 means that copying takes no time. Assumed.
    pub snapshot_bytes_per_s: u64,
    /// From the last completed snapshot to an `available` AMI. Assumed.
    pub registration: Duration,
    /// For how long an AMI does not name its snapshots after they exist (EC2 fact 2). Assumed.
    pub mapping_delay: Duration,
    /// How long a copy to another Region takes in addition to copying the data. Assumed.
    pub copy_base: Duration,
    /// Bytes that a copy to another Region transfers per second; 0 means that it takes no time. Assumed.
    pub copy_bytes_per_s: u64,
    /// For how long a new ID is not found (EC2 fact 6). Assumed.
    pub consistency: Duration,
    /// For how long after the stop CreateImage still returns that the instance is in the wrong state (EC2 fact 5).
    /// Off by default.
    pub stopped_settles: Duration,
    /// For how long DescribeImages still returns a deregistered AMI: "a short interval". Assumed.
    pub deregistered_visible: Duration,
    /// From the stop of a Mac instance to the end of its host's scrubbing. EC2 says "up to 110 minutes" for Intel,
    /// and more if the firmware is updated.
    pub scrub: Duration,
    /// From the stop of an Auto Scaling member to its replacement. Assumed: one health check.
    pub replacement: Duration,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            stop: Duration::from_secs(20),
            start: Duration::from_secs(15),
            shutdown: Duration::from_secs(10),
            boot: Duration::from_secs(20),
            terminate: Duration::from_secs(20),
            terminated_visible: Duration::from_hours(1),
            status_checks: Duration::from_mins(2),
            snapshot_initiation: Duration::from_secs(2),
            snapshot_stagger: Duration::from_millis(200),
            snapshot_base: Duration::from_secs(30),
            snapshot_bytes_per_s: 64 << 20,
            registration: Duration::from_secs(10),
            mapping_delay: Duration::from_secs(10),
            copy_base: Duration::from_mins(1),
            copy_bytes_per_s: 50 << 20,
            consistency: Duration::from_secs(1),
            stopped_settles: Duration::ZERO,
            deregistered_visible: Duration::from_mins(1),
            scrub: Duration::from_mins(110),
            replacement: Duration::from_mins(1),
        }
    }
}

impl Durations {
    /// Everything is done by the next call. Terminated instances are still returned for an hour.
    pub fn zero() -> Self {
        Self {
            stop: Duration::ZERO,
            start: Duration::ZERO,
            shutdown: Duration::ZERO,
            boot: Duration::ZERO,
            terminate: Duration::ZERO,
            terminated_visible: Duration::from_hours(1),
            status_checks: Duration::ZERO,
            snapshot_initiation: Duration::ZERO,
            snapshot_stagger: Duration::ZERO,
            snapshot_base: Duration::ZERO,
            snapshot_bytes_per_s: 0,
            registration: Duration::ZERO,
            mapping_delay: Duration::ZERO,
            copy_base: Duration::ZERO,
            copy_bytes_per_s: 0,
            consistency: Duration::ZERO,
            stopped_settles: Duration::ZERO,
            deregistered_visible: Duration::ZERO,
            scrub: Duration::ZERO,
            replacement: Duration::ZERO,
        }
    }

    /// The defaults divided by a factor: a demonstration does not have to take minutes.
    pub fn faster(by: u32) -> Self {
        let by = by.max(1);
        let whole = Self::default();
        Self {
            stop: whole.stop / by,
            start: whole.start / by,
            shutdown: whole.shutdown / by,
            boot: whole.boot / by,
            terminate: whole.terminate / by,
            terminated_visible: whole.terminated_visible,
            status_checks: whole.status_checks / by,
            snapshot_initiation: whole.snapshot_initiation / by,
            snapshot_stagger: whole.snapshot_stagger / by,
            snapshot_base: whole.snapshot_base / by,
            snapshot_bytes_per_s: whole.snapshot_bytes_per_s.saturating_mul(u64::from(by)),
            registration: whole.registration / by,
            mapping_delay: whole.mapping_delay / by,
            copy_base: whole.copy_base / by,
            copy_bytes_per_s: whole.copy_bytes_per_s.saturating_mul(u64::from(by)),
            consistency: whole.consistency / by,
            stopped_settles: whole.stopped_settles / by,
            deregistered_visible: whole.deregistered_visible / by,
            scrub: whole.scrub / by,
            replacement: whole.replacement / by,
        }
    }
}

/// Token buckets per account, Region and action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Throttles {
    pub enabled: bool,
    /// The size and the refill rate of each bucket, in percent of EC2's.
    pub scale_percent: u32,
    /// What the account's other users take from each bucket that Prism uses, in percent of its refill.
    pub neighbour_percent: u32,
}

impl Default for Throttles {
    fn default() -> Self {
        Self {
            enabled: true,
            scale_percent: 100,
            neighbour_percent: 0,
        }
    }
}

/// The limits on resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// The maximum number of pending or running instances of an account in a Region, unless set for the account.
    pub instances: u32,
    /// The maximum number of public AMIs of an account in a Region (EC2 facts, "Sharing and clean-up").
    pub public_images: u32,
    /// The maximum number of concurrent AMI copies to a Region (EC2 fact 8).
    pub copies_in_flight: u32,
    /// The maximum total size of the files on one simulated disk, in bytes. Packages count only by their stated size.
    pub disk_file_bytes: u64,
    /// The maximum number of events that are remembered; the oldest are removed first.
    pub events: usize,
    /// Whether the snapshots of an AMI that was deregistered before they were captured still appear. AWS does not
    /// document this; the harder case can be enabled to test that nothing is left behind.
    pub snapshots_outlive_deregistration: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            instances: 1000,
            public_images: 5,
            copies_in_flight: 300,
            disk_file_bytes: 4 << 20,
            events: 20_000,
            snapshots_outlive_deregistration: false,
        }
    }
}
