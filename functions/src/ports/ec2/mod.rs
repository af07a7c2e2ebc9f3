//! The parts of EC2 that a save needs: instances, volumes, AMIs, snapshots and launch permissions.
//!
//! Every method is one EC2 action, or all pages of one action, in one Region, so that permissions, throttling and
//! faults can be handled per call. Facts are numbered as in `docs/ec2-facts.md`.

mod error;
mod images;
mod instances;
mod places;
mod problem;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::domain::ec2::{LaunchPermission, StatusChecks};
use crate::domain::{
    AccountId, ImageId, InstanceId, LaunchTemplateId, Region, SnapshotId, VolumeId,
};

pub use error::{Ec2Error, Ec2ErrorKind};
pub use images::*;
pub use instances::*;
pub use places::*;
pub(crate) use problem::{for_reason, from_ec2, reason_code};

/// Tags by key. EC2 allows 50 tags per resource; keys have at most 128 characters, values 256.
pub type Tags = BTreeMap<String, String>;

/// A mutating action that can be tried with DryRun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    Stop(InstanceId),
    Start(InstanceId),
    /// CreateImage with the exact request that follows, because EC2 also validates its name, description and tags.
    CreateImage(NewImage),
    /// CreateGrant of KMS on the key with this ARN. EC2 uses such a grant to attach a volume that is encrypted with
    /// the key.
    Grant(String),
}

/// The EC2 API and related services. DryRun calls of mutating actions use [`Ec2::probe`].
#[async_trait]
pub trait Ec2: Send + Sync {
    /// The Regions that the account can use (DescribeRegions).
    async fn regions(&self) -> Result<Vec<Region>, Ec2Error>;

    /// Returns instances (DescribeInstances, all pages). New instances may be missing for some seconds.
    async fn instances(
        &self,
        region: &Region,
        filter: &InstanceFilter,
    ) -> Result<Vec<Instance>, Ec2Error>;

    /// Whether `disableApiStop` is set (DescribeInstanceAttribute).
    async fn stop_protection(&self, region: &Region, id: &InstanceId) -> Result<bool, Ec2Error>;

    /// The status checks of an instance (DescribeInstanceStatus).
    async fn status_checks(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<StatusChecks, Ec2Error>;

    /// The last 64 KB of the serial console of an instance (GetConsoleOutput); what it has printed so far where EC2 can
    /// tell, and otherwise what it had printed some minutes ago. It is empty for a new instance.
    async fn console(&self, region: &Region, id: &InstanceId) -> Result<String, Ec2Error>;

    /// Returns volumes by ID (DescribeVolumes). The adapter determines whether a key is AWS managed or customer
    /// managed.
    async fn volumes(&self, region: &Region, ids: &[VolumeId]) -> Result<Vec<Volume>, Ec2Error>;

    /// Returns the volumes with this tag, whatever its value, that are attached to no instance (DescribeVolumes, all
    /// pages).
    async fn unused_volumes(
        &self,
        region: &Region,
        tag: &str,
    ) -> Result<Vec<UnusedVolume>, Ec2Error>;

    /// The state of a KMS key, by its ARN (DescribeKey of KMS); `None` if the key's own policy denies access to the
    /// caller.
    async fn key_state(&self, region: &Region, key: &str) -> Result<Option<KeyState>, Ec2Error>;

    /// Returns an instance type (DescribeInstanceTypes). The error is `InvalidInstanceType` if the Region does not
    /// offer it.
    async fn instance_type(&self, region: &Region, name: &str) -> Result<InstanceType, Ec2Error>;

    /// The Availability Zones of a Region that offer an instance type (DescribeInstanceTypeOfferings). Whether there is
    /// capacity is another question.
    async fn zones_offering(
        &self,
        region: &Region,
        instance_type: &str,
    ) -> Result<BTreeSet<String>, Ec2Error>;

    /// Returns subnets (DescribeSubnets, all pages), in no particular order.
    async fn subnets(
        &self,
        region: &Region,
        filter: &SubnetFilter,
    ) -> Result<Vec<Subnet>, Ec2Error>;

    /// Returns a Capacity Reservation or Capacity Block (DescribeCapacityReservations). An unknown ID returns the
    /// error `InvalidCapacityReservationId.NotFound`.
    async fn reservation(&self, region: &Region, id: &str) -> Result<Reservation, Ec2Error>;

    /// Whether an EC2 Fleet exists and replaces instances that are not running (DescribeFleets).
    async fn fleet_maintains(&self, region: &Region, id: &str) -> Result<bool, Ec2Error>;

    /// Whether the account blocks public sharing of AMIs (GetImageBlockPublicAccessState).
    async fn public_images_blocked(&self, region: &Region) -> Result<bool, Ec2Error>;

    /// The default encryption of the account's volumes in a Region (GetEbsEncryptionByDefault, GetEbsDefaultKmsKeyId).
    /// The adapter determines whether the key is AWS managed or customer managed.
    async fn ebs_defaults(&self, region: &Region) -> Result<EbsDefaults, Ec2Error>;

    /// Checks with DryRun whether the caller may perform an action. EC2's `DryRunOperation` returns `Ok`; a missing
    /// permission returns `UnauthorizedOperation`. If a key's own policy denies a grant, the error code is
    /// [`Ec2Error::KEY_POLICY`].
    async fn probe(&self, region: &Region, probe: &Probe) -> Result<(), Ec2Error>;

    /// Begins to stop an instance (StopInstances). This has no effect on a stopping or stopped instance.
    async fn stop_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error>;

    /// Begins to start an instance (StartInstances). This has no effect on a running instance; a stopping instance
    /// returns `IncorrectInstanceState`.
    async fn start_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error>;

    /// Sets the name of an instance, which is its tag `Name` (CreateTags).
    async fn rename_instance(
        &self,
        region: &Region,
        id: &InstanceId,
        name: &str,
    ) -> Result<(), Ec2Error>;

    /// Changes the type of a stopped instance (ModifyInstanceAttribute).
    async fn resize_instance(
        &self,
        region: &Region,
        id: &InstanceId,
        instance_type: &str,
    ) -> Result<(), Ec2Error>;

    /// Begins to terminate an instance (TerminateInstances).
    async fn terminate_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error>;

    /// Launches one instance (RunInstances). An error whose kind is [`Ec2ErrorKind::is_about_the_place`] launched nothing,
    /// and another place may accept the launch.
    async fn run_instance(&self, region: &Region, new: &NewInstance) -> Result<Instance, Ec2Error>;

    /// Begins to create an AMI from an instance (CreateImage).
    async fn create_image(&self, region: &Region, new: &NewImage) -> Result<ImageId, Ec2Error>;

    /// Returns AMIs (DescribeImages, all pages).
    async fn images(&self, region: &Region, filter: &ImageFilter) -> Result<Vec<Image>, Ec2Error>;

    /// Returns the account's own launch templates that use any of up to 10 AMIs (DescribeImageReferences, all pages;
    /// EC2 fact 11). AMIs that no launch template uses are omitted.
    async fn launch_templates_of(
        &self,
        region: &Region,
        ids: &[ImageId],
    ) -> Result<BTreeMap<ImageId, BTreeSet<LaunchTemplateId>>, Ec2Error>;

    /// Returns snapshots (DescribeSnapshots, all pages).
    async fn snapshots(
        &self,
        region: &Region,
        filter: &SnapshotFilter,
    ) -> Result<Vec<Snapshot>, Ec2Error>;

    /// The encryption of snapshots (DescribeSnapshots). The adapter determines whether a key is AWS managed or
    /// customer managed. An unknown ID returns the error `InvalidSnapshot.NotFound`.
    async fn snapshot_keys(
        &self,
        region: &Region,
        ids: &[SnapshotId],
    ) -> Result<BTreeMap<SnapshotId, Encryption>, Ec2Error>;

    /// Begins to copy an AMI into `region` (CopyImage).
    async fn copy_image(&self, region: &Region, copy: &ImageCopy) -> Result<ImageId, Ec2Error>;

    /// Deregisters an AMI (DeregisterImage). Its snapshots are kept.
    async fn deregister_image(&self, region: &Region, id: &ImageId) -> Result<(), Ec2Error>;

    /// Deletes a snapshot (DeleteSnapshot). The error is `InvalidSnapshot.InUse` while an AMI uses it.
    async fn delete_snapshot(&self, region: &Region, id: &SnapshotId) -> Result<(), Ec2Error>;

    /// Adds launch permissions to an AMI (ModifyImageAttribute).
    async fn add_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error>;

    /// Removes launch permissions from an AMI (ModifyImageAttribute). Removing a permission that the AMI does not have
    /// is not an error.
    async fn remove_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error>;

    /// The launch permissions of an AMI (DescribeImageAttribute).
    async fn launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
    ) -> Result<Vec<LaunchPermission>, Ec2Error>;

    /// Lets an account use a snapshot, without which it cannot copy the AMI (ModifySnapshotAttribute).
    async fn share_snapshot(
        &self,
        region: &Region,
        id: &SnapshotId,
        account: &AccountId,
    ) -> Result<(), Ec2Error>;

    /// Lets an account no longer use a snapshot (ModifySnapshotAttribute). It is not an error if it could not.
    async fn unshare_snapshot(
        &self,
        region: &Region,
        id: &SnapshotId,
        account: &AccountId,
    ) -> Result<(), Ec2Error>;

    /// The accounts that may use a snapshot (DescribeSnapshotAttribute).
    async fn snapshot_shares(
        &self,
        region: &Region,
        id: &SnapshotId,
    ) -> Result<Vec<AccountId>, Ec2Error>;
}
