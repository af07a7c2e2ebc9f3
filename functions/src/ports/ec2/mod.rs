//! EC2 as a save needs it: instances, volumes, images, snapshots, launch permissions.
//!
//! Every method is one EC2 action, or one paged run of it, in one Region, so that permissions,
//! throttles and faults can be told per call. Facts are numbered as in `docs/ec2-facts.md`.

mod error;
mod images;
mod instances;
mod problem;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::domain::ec2::{LaunchPermission, StatusChecks};
use crate::domain::{ImageId, InstanceId, LaunchTemplateId, Region, SnapshotId, VolumeId};

pub use error::Ec2Error;
pub use images::*;
pub use instances::*;
pub(crate) use problem::{for_reason, from_ec2, reason_code};

/// Tags by key. EC2 allows 50 for each resource; keys have at most 128 characters, values 256.
pub type Tags = BTreeMap<String, String>;

/// EC2 and what belongs to it. `dry_run` of a mutating action goes through [`Ec2::probe`].
#[async_trait]
pub trait Ec2: Send + Sync {
    /// The Regions that the account can use (DescribeRegions).
    async fn regions(&self) -> Result<Vec<Region>, Ec2Error>;

    /// Instances (DescribeInstances, all pages). Newly made ones may be missing for some seconds.
    async fn instances(
        &self,
        region: &Region,
        filter: &InstanceFilter,
    ) -> Result<Vec<Instance>, Ec2Error>;

    /// Whether `disableApiStop` is set (DescribeInstanceAttribute).
    async fn stop_protection(&self, region: &Region, id: &InstanceId) -> Result<bool, Ec2Error>;

    /// The status checks (DescribeInstanceStatus).
    async fn status_checks(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<StatusChecks, Ec2Error>;

    /// Volumes by id (DescribeVolumes; the adapter tells AWS's own key from a customer's).
    async fn volumes(&self, region: &Region, ids: &[VolumeId]) -> Result<Vec<Volume>, Ec2Error>;

    /// The state of a KMS key, by its ARN (DescribeKey of KMS); `None` where the key's own policy keeps it
    /// from the caller.
    async fn key_state(&self, region: &Region, key: &str) -> Result<Option<KeyState>, Ec2Error>;

    /// An instance type (DescribeInstanceTypes); `InvalidInstanceType` where the Region lacks it.
    async fn instance_type(&self, region: &Region, name: &str) -> Result<InstanceType, Ec2Error>;

    /// A Capacity Reservation or Capacity Block (DescribeCapacityReservations); an unknown id is the
    /// error `InvalidCapacityReservationId.NotFound`.
    async fn reservation(&self, region: &Region, id: &str) -> Result<Reservation, Ec2Error>;

    /// Whether an EC2 Fleet is there and replaces members that are down (DescribeFleets).
    async fn fleet_maintains(&self, region: &Region, id: &str) -> Result<bool, Ec2Error>;

    /// Whether the account may make no AMI public (GetImageBlockPublicAccessState).
    async fn public_images_blocked(&self, region: &Region) -> Result<bool, Ec2Error>;

    /// How the account's volumes are encrypted in a Region unless somebody says otherwise
    /// (GetEbsEncryptionByDefault, GetEbsDefaultKmsKeyId; the adapter tells AWS's own key from a customer's).
    async fn ebs_defaults(&self, region: &Region) -> Result<EbsDefaults, Ec2Error>;

    /// Asks with DryRun whether the caller may do it. `Ok` is EC2's `DryRunOperation`; a missing
    /// permission is `UnauthorizedOperation`. A grant that the key's own policy refuses is
    /// [`Ec2Error::KEY_POLICY`].
    async fn probe(&self, region: &Region, probe: &Probe) -> Result<(), Ec2Error>;

    /// Begins to stop an instance (StopInstances); of a stopping or stopped one, nothing happens.
    async fn stop_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error>;

    /// Begins to start an instance (StartInstances); of a running one, nothing happens; of a
    /// stopping one, `IncorrectInstanceState`.
    async fn start_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error>;

    /// Begins to end an instance for good (TerminateInstances).
    async fn terminate_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error>;

    /// Launches one instance (RunInstances).
    async fn run_instance(&self, region: &Region, new: &NewInstance) -> Result<Instance, Ec2Error>;

    /// Begins to make an AMI of an instance (CreateImage).
    async fn create_image(&self, region: &Region, new: &NewImage) -> Result<ImageId, Ec2Error>;

    /// Images (DescribeImages, all pages).
    async fn images(&self, region: &Region, filter: &ImageFilter) -> Result<Vec<Image>, Ec2Error>;

    /// The account's own launch templates of which a version names one of up to 10 AMIs
    /// (DescribeImageReferences, all pages; EC2 fact 11). AMIs that none names are left out.
    async fn launch_templates_of(
        &self,
        region: &Region,
        ids: &[ImageId],
    ) -> Result<BTreeMap<ImageId, BTreeSet<LaunchTemplateId>>, Ec2Error>;

    /// Snapshots (DescribeSnapshots, all pages).
    async fn snapshots(
        &self,
        region: &Region,
        filter: &SnapshotFilter,
    ) -> Result<Vec<Snapshot>, Ec2Error>;

    /// Whose keys snapshots are encrypted with (DescribeSnapshots; the adapter tells AWS's own key from
    /// a customer's). An unknown id is the error `InvalidSnapshot.NotFound`.
    async fn snapshot_keys(
        &self,
        region: &Region,
        ids: &[SnapshotId],
    ) -> Result<BTreeMap<SnapshotId, Encryption>, Ec2Error>;

    /// Begins to copy an AMI into `region` (CopyImage).
    async fn copy_image(&self, region: &Region, copy: &ImageCopy) -> Result<ImageId, Ec2Error>;

    /// Ends the registration of an AMI (DeregisterImage); its snapshots stay.
    async fn deregister_image(&self, region: &Region, id: &ImageId) -> Result<(), Ec2Error>;

    /// Deletes a snapshot (DeleteSnapshot); `InvalidSnapshot.InUse` while an AMI needs it.
    async fn delete_snapshot(&self, region: &Region, id: &SnapshotId) -> Result<(), Ec2Error>;

    /// Allows launches of an AMI (ModifyImageAttribute).
    async fn add_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error>;

    /// Takes launch permissions back (ModifyImageAttribute); those that it has not are no error.
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
}
