//! The view of an account's callers: implements the core's ports.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;

use async_trait::async_trait;
use prism_functions::domain::ec2::{LaunchPermission, StatusChecks};
use prism_functions::domain::inventory::Inventory;
use prism_functions::domain::session::SessionKind;
use prism_functions::domain::{
    AccountId, ImageId, InstanceId, LaunchTemplateId, Region, SnapshotId, Timestamp, VolumeId,
};
use prism_functions::ports::{
    EbsDefaults, Ec2, Ec2Error, Encryption, Image, ImageCopy, ImageFilter, Inspect, Instance,
    InstanceFilter, InstanceType, KeyState, NewImage, NewInstance, Parameters, Probe, Reservation,
    Sessions, Snapshot, SnapshotFilter, Subnet, SubnetFilter, Ticket, UnusedVolume, Volume,
};

use super::cloud::Cloud;
use super::cloud_error::CloudError;
use super::guest::{GuestError, GuestOutput};
use super::model::{Model, Scope};

/// An account of the simulated cloud, as its callers see it.
#[derive(Debug, Clone)]
pub struct SimEc2 {
    cloud: Cloud,
    account: AccountId,
}

impl Cloud {
    /// The ports `Ec2` and `Parameters` for the callers of an account.
    pub fn account(&self, account: AccountId) -> SimEc2 {
        let cloud = self.clone();
        SimEc2 { cloud, account }
    }

    pub fn guest(&self, account: AccountId, region: Region, instance: InstanceId) -> Guest {
        Guest {
            cloud: self.clone(),
            account,
            region,
            instance,
        }
    }
}

impl SimEc2 {
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    pub(crate) fn stop_instances(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<(), Ec2Error> {
        self.call(region, "StopInstances", |m, s| m.stop_instances(s, ids))
    }

    pub(crate) fn start_instances(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<(), Ec2Error> {
        self.call(region, "StartInstances", |m, s| m.start_instances(s, ids))
    }

    pub(crate) fn terminate_instances(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<(), Ec2Error> {
        let action = "TerminateInstances";
        self.call(region, action, |m, s| m.terminate_instances(s, ids))
    }

    /// Takes the additional token for a request that is neither filtered nor paginated.
    #[cfg(feature = "wire")]
    pub(crate) fn ask_for_everything(&self, region: &Region, action: &str) -> Result<(), Ec2Error> {
        self.call(region, action, |m, s| m.take_for_everything(s, action))
    }

    /// DescribeImageReferences, which searches this many versions of each launch template.
    pub(crate) fn launch_templates_within(
        &self,
        region: &Region,
        ids: &[ImageId],
        versions: usize,
    ) -> Result<BTreeMap<ImageId, BTreeSet<LaunchTemplateId>>, Ec2Error> {
        self.ask(region, "DescribeImageReferences", |m, s| {
            m.launch_templates_of(s, ids, versions)
        })
    }

    /// DescribeInstanceTypeOfferings, by zone, for every type.
    pub(crate) fn offerings(
        &self,
        region: &Region,
    ) -> Result<Vec<(&'static str, String)>, Ec2Error> {
        let action = "DescribeInstanceTypeOfferings";
        self.ask(region, action, Model::offerings)
    }

    /// A call that changes something.
    fn call<T>(
        &self,
        region: &Region,
        action: &str,
        act: impl FnOnce(&mut Model, &Scope<'_>) -> Result<T, Ec2Error>,
    ) -> Result<T, Ec2Error> {
        let done = self
            .cloud
            .with(|model, now| act(model, &self.scope(region, now)));
        answered(action, done)
    }

    /// A read-only call.
    fn ask<T>(
        &self,
        region: &Region,
        action: &str,
        act: impl FnOnce(&mut Model, &Scope<'_>) -> Result<T, Ec2Error>,
    ) -> Result<T, Ec2Error> {
        let done = self
            .cloud
            .look(|model, now| act(model, &self.scope(region, now)));
        answered(action, done)
    }

    fn scope<'a>(&'a self, region: &'a Region, now: Timestamp) -> Scope<'a> {
        Scope {
            account: &self.account,
            region,
            now,
        }
    }
}

fn answered<T>(action: &str, done: Result<Result<T, Ec2Error>, CloudError>) -> Result<T, Ec2Error> {
    // If the file cannot be used, callers see a failing service.
    done.unwrap_or_else(|error| {
        let message = "the simulated cloud cannot be used";
        Err(Ec2Error::new(action, "Unavailable", message).because(error))
    })
}

#[async_trait]
impl Ec2 for SimEc2 {
    async fn regions(&self) -> Result<Vec<Region>, Ec2Error> {
        let home: Region = super::model::parsed("us-east-1");
        self.ask(&home, "DescribeRegions", Model::regions)
    }

    async fn instances(
        &self,
        region: &Region,
        filter: &InstanceFilter,
    ) -> Result<Vec<Instance>, Ec2Error> {
        self.ask(region, "DescribeInstances", |m, s| m.instances(s, filter))
    }

    async fn stop_protection(&self, region: &Region, id: &InstanceId) -> Result<bool, Ec2Error> {
        let action = "DescribeInstanceAttribute";
        self.ask(region, action, |m, s| m.stop_protection(s, id))
    }

    async fn status_checks(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<StatusChecks, Ec2Error> {
        let action = "DescribeInstanceStatus";
        self.ask(region, action, |m, s| m.status_checks(s, id))
    }

    async fn console(&self, region: &Region, id: &InstanceId) -> Result<String, Ec2Error> {
        self.ask(region, "GetConsoleOutput", |m, s| m.console(s, id))
    }

    async fn volumes(&self, region: &Region, ids: &[VolumeId]) -> Result<Vec<Volume>, Ec2Error> {
        self.ask(region, "DescribeVolumes", |m, s| m.volumes(s, ids))
    }

    async fn unused_volumes(
        &self,
        region: &Region,
        tag: &str,
    ) -> Result<Vec<UnusedVolume>, Ec2Error> {
        self.ask(region, "DescribeVolumes", |m, s| m.unused_volumes(s, tag))
    }

    async fn key_state(&self, region: &Region, key: &str) -> Result<Option<KeyState>, Ec2Error> {
        self.ask(region, "kms:DescribeKey", |m, s| m.key_state(s, key))
    }

    async fn instance_type(&self, region: &Region, name: &str) -> Result<InstanceType, Ec2Error> {
        let action = "DescribeInstanceTypes";
        self.ask(region, action, |m, s| m.instance_type(s, name))
    }

    async fn zones_offering(
        &self,
        region: &Region,
        instance_type: &str,
    ) -> Result<BTreeSet<String>, Ec2Error> {
        // An unknown type is offered nowhere, which is not an error.
        let all = self.offerings(region)?.into_iter();
        let of_type = all.filter(|(name, _)| *name == instance_type);
        Ok(of_type.map(|(_, zone)| zone).collect())
    }

    async fn subnets(
        &self,
        region: &Region,
        filter: &SubnetFilter,
    ) -> Result<Vec<Subnet>, Ec2Error> {
        self.ask(region, "DescribeSubnets", |m, s| m.subnets(s, filter))
    }

    async fn reservation(&self, region: &Region, id: &str) -> Result<Reservation, Ec2Error> {
        let action = "DescribeCapacityReservations";
        self.ask(region, action, |m, s| m.reservation(s, id))
    }

    async fn fleet_maintains(&self, region: &Region, id: &str) -> Result<bool, Ec2Error> {
        self.ask(region, "DescribeFleets", |m, s| m.fleet_maintains(s, id))
    }

    async fn public_images_blocked(&self, region: &Region) -> Result<bool, Ec2Error> {
        let action = "GetImageBlockPublicAccessState";
        self.ask(region, action, Model::public_images_blocked)
    }

    async fn ebs_defaults(&self, region: &Region) -> Result<EbsDefaults, Ec2Error> {
        let action = "GetEbsEncryptionByDefault";
        self.ask(region, action, Model::ebs_defaults)
    }

    async fn probe(&self, region: &Region, probe: &Probe) -> Result<(), Ec2Error> {
        self.ask(region, "DryRun", |m, s| m.probe(s, probe))
    }

    async fn stop_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        self.stop_instances(region, slice::from_ref(id))
    }

    async fn start_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        self.start_instances(region, slice::from_ref(id))
    }

    async fn rename_instance(
        &self,
        region: &Region,
        id: &InstanceId,
        name: &str,
    ) -> Result<(), Ec2Error> {
        self.call(region, "CreateTags", |m, s| m.rename_instance(s, id, name))
    }

    async fn resize_instance(
        &self,
        region: &Region,
        id: &InstanceId,
        instance_type: &str,
    ) -> Result<(), Ec2Error> {
        let action = "ModifyInstanceAttribute";
        self.call(region, action, |m, s| {
            m.resize_instance(s, id, instance_type)
        })
    }

    async fn terminate_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        self.terminate_instances(region, slice::from_ref(id))
    }

    async fn run_instance(&self, region: &Region, new: &NewInstance) -> Result<Instance, Ec2Error> {
        self.call(region, "RunInstances", |m, s| m.run_instance(s, new))
    }

    async fn create_image(&self, region: &Region, new: &NewImage) -> Result<ImageId, Ec2Error> {
        self.call(region, "CreateImage", |m, s| m.create_image(s, new))
    }

    async fn images(&self, region: &Region, filter: &ImageFilter) -> Result<Vec<Image>, Ec2Error> {
        self.ask(region, "DescribeImages", |m, s| m.images(s, filter))
    }

    async fn launch_templates_of(
        &self,
        region: &Region,
        ids: &[ImageId],
    ) -> Result<BTreeMap<ImageId, BTreeSet<LaunchTemplateId>>, Ec2Error> {
        self.launch_templates_within(region, ids, usize::MAX)
    }

    async fn snapshots(
        &self,
        region: &Region,
        filter: &SnapshotFilter,
    ) -> Result<Vec<Snapshot>, Ec2Error> {
        self.ask(region, "DescribeSnapshots", |m, s| m.snapshots(s, filter))
    }

    async fn snapshot_keys(
        &self,
        region: &Region,
        ids: &[SnapshotId],
    ) -> Result<BTreeMap<SnapshotId, Encryption>, Ec2Error> {
        let wanted = SnapshotFilter::Ids(ids.to_vec());
        self.ask(region, "DescribeSnapshots", |m, s| {
            m.snapshots(s, &wanted)?;
            Ok(m.keys_of(ids))
        })
    }

    async fn copy_image(&self, region: &Region, copy: &ImageCopy) -> Result<ImageId, Ec2Error> {
        self.call(region, "CopyImage", |m, s| m.copy_image(s, copy))
    }

    async fn deregister_image(&self, region: &Region, id: &ImageId) -> Result<(), Ec2Error> {
        self.call(region, "DeregisterImage", |m, s| m.deregister_image(s, id))
    }

    async fn delete_snapshot(&self, region: &Region, id: &SnapshotId) -> Result<(), Ec2Error> {
        self.call(region, "DeleteSnapshot", |m, s| m.delete_snapshot(s, id))
    }

    async fn add_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error> {
        self.call(region, "ModifyImageAttribute", |m, s| {
            m.add_launch_permissions(s, id, permissions)
        })
    }

    async fn remove_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error> {
        self.call(region, "ModifyImageAttribute", |m, s| {
            m.remove_launch_permissions(s, id, permissions)
        })
    }

    async fn launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
    ) -> Result<Vec<LaunchPermission>, Ec2Error> {
        let action = "DescribeImageAttribute";
        self.ask(region, action, |m, s| m.launch_permissions(s, id))
    }

    async fn share_snapshot(
        &self,
        region: &Region,
        id: &SnapshotId,
        account: &AccountId,
    ) -> Result<(), Ec2Error> {
        self.call(region, "ModifySnapshotAttribute", |m, s| {
            m.share_snapshot(s, id, account, true)
        })
    }

    async fn unshare_snapshot(
        &self,
        region: &Region,
        id: &SnapshotId,
        account: &AccountId,
    ) -> Result<(), Ec2Error> {
        self.call(region, "ModifySnapshotAttribute", |m, s| {
            m.share_snapshot(s, id, account, false)
        })
    }

    async fn snapshot_shares(
        &self,
        region: &Region,
        id: &SnapshotId,
    ) -> Result<Vec<AccountId>, Ec2Error> {
        let action = "DescribeSnapshotAttribute";
        self.ask(region, action, |m, s| m.snapshot_shares(s, id))
    }
}

#[async_trait]
impl Parameters for SimEc2 {
    async fn image(&self, region: &Region, parameter: &str) -> Result<ImageId, Ec2Error> {
        // The AMI is created on the first request.
        self.call(region, "GetParameter", |m, s| m.parameter(s, parameter))
    }
}

#[async_trait]
impl Inspect for SimEc2 {
    async fn packages(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<Option<Inventory>, Ec2Error> {
        self.ask(region, "ListInventoryEntries", |m, s| {
            Ok(m.guest_packages(s, id))
        })
    }
}

#[async_trait]
impl Sessions for SimEc2 {
    async fn start(
        &self,
        region: &Region,
        id: &InstanceId,
        _: &SessionKind,
    ) -> Result<Ticket, Ec2Error> {
        self.call(region, "StartSession", |m, s| m.start_session(s, id))
    }
}

/// Runs commands on an instance, as a researcher would.
#[derive(Debug, Clone)]
pub struct Guest {
    cloud: Cloud,
    account: AccountId,
    region: Region,
    instance: InstanceId,
}

impl Guest {
    /// Runs a command, given as its words, on the instance's simulated disk.
    pub fn run(&self, argv: &[String], stdin: &[u8]) -> Result<GuestOutput, GuestError> {
        let id = &self.instance;
        let ran = self.cloud.with(|model, now| {
            self.check_ours(model)?;
            model.guest(id, argv, stdin, now)
        });
        ran.map_err(GuestError::Cloud)?
    }

    /// Reads a file of the instance's simulated disk; `None` if there is no such file.
    pub fn file(&self, path: &str) -> Result<Option<Vec<u8>>, GuestError> {
        let id = &self.instance;
        let read = self.cloud.with(|model, now| {
            self.check_ours(model)?;
            model.guest_file(id, path, now)
        });
        read.map_err(GuestError::Cloud)?
    }

    fn check_ours(&self, model: &Model) -> Result<(), GuestError> {
        let row = model.data.instances.get(&self.instance);
        let ours = row.is_some_and(|r| r.account == self.account && r.region == self.region);
        if ours {
            return Ok(());
        }
        Err(GuestError::NotFound(self.instance.clone()))
    }
}
