//! The simulated EC2 with deviations that a test chooses: things that happen in real accounts and that the simulator
//! cannot produce.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use prism_functions::domain::ec2::{LaunchPermission, StatusChecks};
use prism_functions::domain::{
    ImageId, InstanceId, LaunchTemplateId, Region, SnapshotId, VolumeId,
};
use prism_functions::ports::{
    EbsDefaults, Ec2, Ec2Error, Encryption, Image, ImageCopy, ImageFilter, Instance,
    InstanceFilter, InstanceType, KeyState, NewImage, NewInstance, Probe, Reservation, Snapshot,
    SnapshotFilter, Volume,
};
use prism_local::ec2::SimEc2;

/// EC2 with deviations; see the module.
#[derive(Debug)]
pub struct Bent {
    /// The simulator.
    pub ec2: SimEc2,
    /// Changes the result of DescribeImages.
    pub images: fn(Image) -> Image,
    /// Which snapshots DescribeSnapshots returns.
    pub snapshots: fn(&Snapshot) -> bool,
    /// The status checks of a running instance, instead of the simulator's.
    pub checks: Option<StatusChecks>,
    /// Whether the first response to each different mutating request is lost.
    pub forgetful: bool,
    /// Changes the instances that EC2 returns.
    pub instances: fn(Instance) -> Instance,
    /// The error with which an action is refused before it has an effect.
    pub refuses: fn(&'static str) -> Option<Ec2Error>,
    /// The Regions in which AMIs can be shared.
    pub opens_in: fn(&Region) -> bool,
    /// Called just after an AMI was shared.
    pub opened: fn(&ImageId),
    /// The requests whose response was lost.
    pub lost: Mutex<BTreeSet<String>>,
}

impl Bent {
    /// Creates one without deviations.
    pub fn straight(ec2: SimEc2) -> Self {
        Self {
            ec2,
            images: |image| image,
            snapshots: |_| true,
            checks: None,
            instances: |instance| instance,
            refuses: |_| None,
            forgetful: false,
            opens_in: |_| true,
            opened: |_| {},
            lost: Mutex::default(),
        }
    }

    fn asked(&self, action: &'static str) -> Result<(), Ec2Error> {
        (self.refuses)(action).map_or(Ok(()), Err)
    }

    /// The response to a request that has taken effect, or the error that none arrived.
    fn answer<T>(
        &self,
        action: &str,
        request: impl std::fmt::Debug,
        answer: Result<T, Ec2Error>,
    ) -> Result<T, Ec2Error> {
        let mut lost = self.lost.lock().expect("no test panics while it holds it");
        if self.forgetful && lost.insert(format!("{action} {request:?}")) {
            return Err(Ec2Error::new(action, "Timeout", "no answer came"));
        }
        answer
    }
}

#[async_trait]
impl Ec2 for Bent {
    async fn regions(&self) -> Result<Vec<Region>, Ec2Error> {
        self.asked("DescribeRegions")?;
        self.ec2.regions().await
    }

    async fn instances(
        &self,
        region: &Region,
        filter: &InstanceFilter,
    ) -> Result<Vec<Instance>, Ec2Error> {
        self.asked("DescribeInstances")?;
        let told = self.ec2.instances(region, filter).await?;
        Ok(told.into_iter().map(self.instances).collect())
    }

    async fn stop_protection(&self, region: &Region, id: &InstanceId) -> Result<bool, Ec2Error> {
        self.asked("DescribeInstanceAttribute")?;
        self.ec2.stop_protection(region, id).await
    }

    async fn status_checks(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<StatusChecks, Ec2Error> {
        self.asked("DescribeInstanceStatus")?;
        let told = self.ec2.status_checks(region, id).await?;
        Ok(self.checks.unwrap_or(told))
    }

    async fn volumes(&self, region: &Region, ids: &[VolumeId]) -> Result<Vec<Volume>, Ec2Error> {
        self.asked("DescribeVolumes")?;
        self.ec2.volumes(region, ids).await
    }

    async fn key_state(&self, region: &Region, key: &str) -> Result<Option<KeyState>, Ec2Error> {
        self.asked("kms:DescribeKey")?;
        self.ec2.key_state(region, key).await
    }

    async fn instance_type(&self, region: &Region, name: &str) -> Result<InstanceType, Ec2Error> {
        self.asked("DescribeInstanceTypes")?;
        self.ec2.instance_type(region, name).await
    }

    async fn reservation(&self, region: &Region, id: &str) -> Result<Reservation, Ec2Error> {
        self.asked("DescribeCapacityReservations")?;
        self.ec2.reservation(region, id).await
    }

    async fn fleet_maintains(&self, region: &Region, id: &str) -> Result<bool, Ec2Error> {
        self.asked("DescribeFleets")?;
        self.ec2.fleet_maintains(region, id).await
    }

    async fn public_images_blocked(&self, region: &Region) -> Result<bool, Ec2Error> {
        self.asked("GetImageBlockPublicAccessState")?;
        self.ec2.public_images_blocked(region).await
    }

    async fn ebs_defaults(&self, region: &Region) -> Result<EbsDefaults, Ec2Error> {
        self.asked("GetEbsEncryptionByDefault")?;
        self.ec2.ebs_defaults(region).await
    }

    async fn probe(&self, region: &Region, probe: &Probe) -> Result<(), Ec2Error> {
        self.asked("DryRun")?;
        self.ec2.probe(region, probe).await
    }

    async fn stop_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        self.asked("StopInstances")?;
        let answer = self.ec2.stop_instance(region, id).await;
        self.answer("StopInstances", id, answer)
    }

    async fn start_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        self.asked("StartInstances")?;
        let answer = self.ec2.start_instance(region, id).await;
        self.answer("StartInstances", id, answer)
    }

    async fn terminate_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        self.asked("TerminateInstances")?;
        self.ec2.terminate_instance(region, id).await
    }

    async fn run_instance(&self, region: &Region, new: &NewInstance) -> Result<Instance, Ec2Error> {
        self.asked("RunInstances")?;
        self.ec2.run_instance(region, new).await.map(self.instances)
    }

    async fn create_image(&self, region: &Region, new: &NewImage) -> Result<ImageId, Ec2Error> {
        self.asked("CreateImage")?;
        let answer = self.ec2.create_image(region, new).await;
        // The attempts differ only in a tag, so they count as the same request.
        self.answer("CreateImage", &new.name, answer)
    }

    async fn images(&self, region: &Region, filter: &ImageFilter) -> Result<Vec<Image>, Ec2Error> {
        self.asked("DescribeImages")?;
        let told = self.ec2.images(region, filter).await?;
        Ok(told.into_iter().map(self.images).collect())
    }

    async fn launch_templates_of(
        &self,
        region: &Region,
        ids: &[ImageId],
    ) -> Result<BTreeMap<ImageId, BTreeSet<LaunchTemplateId>>, Ec2Error> {
        self.asked("DescribeImageReferences")?;
        self.ec2.launch_templates_of(region, ids).await
    }

    async fn snapshots(
        &self,
        region: &Region,
        filter: &SnapshotFilter,
    ) -> Result<Vec<Snapshot>, Ec2Error> {
        self.asked("DescribeSnapshots")?;
        let mut told = self.ec2.snapshots(region, filter).await?;
        told.retain(self.snapshots);
        Ok(told)
    }

    async fn snapshot_keys(
        &self,
        region: &Region,
        ids: &[SnapshotId],
    ) -> Result<BTreeMap<SnapshotId, Encryption>, Ec2Error> {
        self.asked("DescribeSnapshotKeys")?;
        self.ec2.snapshot_keys(region, ids).await
    }

    async fn copy_image(&self, region: &Region, copy: &ImageCopy) -> Result<ImageId, Ec2Error> {
        self.asked("CopyImage")?;
        let answer = self.ec2.copy_image(region, copy).await;
        self.answer("CopyImage", (region, copy), answer)
    }

    async fn deregister_image(&self, region: &Region, id: &ImageId) -> Result<(), Ec2Error> {
        self.asked("DeregisterImage")?;
        let answer = self.ec2.deregister_image(region, id).await;
        self.answer("DeregisterImage", id, answer)
    }

    async fn delete_snapshot(&self, region: &Region, id: &SnapshotId) -> Result<(), Ec2Error> {
        self.asked("DeleteSnapshot")?;
        let answer = self.ec2.delete_snapshot(region, id).await;
        self.answer("DeleteSnapshot", id, answer)
    }

    async fn add_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error> {
        self.asked("AddLaunchPermissions")?;
        if !(self.opens_in)(region) {
            let code = "OperationNotPermitted";
            return Err(Ec2Error::new("ModifyImageAttribute", code, "not there"));
        }
        let added = self.ec2.add_launch_permissions(region, id, permissions);
        let answer = added.await;
        (self.opened)(id);
        self.answer("ModifyImageAttribute", id, answer)
    }

    async fn remove_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error> {
        self.asked("RemoveLaunchPermissions")?;
        let removed = self.ec2.remove_launch_permissions(region, id, permissions);
        let answer = removed.await;
        self.answer("ModifyImageAttribute", id, answer)
    }

    async fn launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
    ) -> Result<Vec<LaunchPermission>, Ec2Error> {
        self.asked("DescribeImageAttribute")?;
        self.ec2.launch_permissions(region, id).await
    }
}
