//! The ports whose calls pass through the conductor.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use prism_functions::domain::ec2::{LaunchPermission, StatusChecks};
use prism_functions::domain::inventory::Inventory;
use prism_functions::domain::{
    ImageId, InstanceId, LaunchTemplateId, Region, SnapshotId, VolumeId,
};
use prism_functions::ports::{
    Call, EbsDefaults, Ec2, Ec2Error, Encryption, Image, ImageCopy, ImageFilter, Index, Inspect,
    Instance, InstanceFilter, InstanceType, Item, Key, KeyState, NewImage, NewInstance, Page,
    Probe, Query, Reservation, Snapshot, SnapshotFilter, Table, TableError, Volume, Write,
};
use prism_local::ec2::{Cloud, SimEc2};

use super::conductor::{Asked, Conductor, Wrong};
use super::mutant::Mutant;

/// A port behind the conductor.
pub(crate) struct Through<P: ?Sized> {
    pub(crate) port: Arc<P>,
    pub(crate) conductor: Conductor,
    pub(crate) mutant: Option<&'static Mutant>,
}

/// Calls a method with owned copies of its arguments, so that the call may outlive its caller.
macro_rules! through {
    ($self:ident, $call:expr, $wrong:expr, $past:expr, $method:ident($($arg:ident),*)) => {{
        let port = Arc::clone(&$self.port);
        $(let $arg = $arg.to_owned();)*
        let ask = move || -> BoxFuture<'static, Result<_, _>> {
            let port = Arc::clone(&port);
            $(let $arg = $arg.clone();)*
            Box::pin(async move { port.$method($(&$arg),*).await })
        };
        let asked = Asked { call: $call, wrong: $wrong, ask: &ask, past: $past };
        $self.conductor.through(asked).await
    }};
}

/// Calls a method that makes an AMI, as [`through!`] does, and records the AMI.
macro_rules! made {
    ($self:ident, $call:expr, $action:expr, $method:ident($region:ident, $what:ident)) => {{
        let (port, conductor) = (Arc::clone(&$self.port), $self.conductor.clone());
        let (region, what) = ($region.clone(), $what.clone());
        let ask = move || -> BoxFuture<'static, Result<_, _>> {
            let (port, conductor) = (Arc::clone(&port), conductor.clone());
            let (region, what) = (region.clone(), what.clone());
            Box::pin(async move {
                let made = port.$method(&region, &what).await;
                if let Ok(image) = &made {
                    conductor.note_made(&what.tags, &region, image);
                }
                made
            })
        };
        let asked = Asked {
            call: $call,
            wrong: &ec2_error($action),
            ask: &ask,
            past: None,
        };
        $self.conductor.through(asked).await
    }};
}

mod executions;

/// A text in AWS's error messages that must not be shown to users.
pub(crate) const SECRET: &str = "arn:aws:iam::123456789012:role/secret";

/// EC2's errors.
fn ec2_error(action: &'static str) -> impl Fn(Wrong) -> Ec2Error + Send + Sync {
    move |wrong| {
        let (code, message) = wrong.of_ec2();
        Ec2Error::new(action, code, format!("{message} ({SECRET})"))
    }
}

fn account(cloud: &Cloud) -> SimEc2 {
    cloud.account(crate::world::account())
}

/// The result of a call to a past state of the simulated EC2, which returns immediately.
fn at_once<T>(told: Option<Result<T, Ec2Error>>) -> Result<T, Ec2Error> {
    told.expect("the simulated EC2 answers at once")
}

#[async_trait]
impl Ec2 for Through<dyn Ec2> {
    async fn regions(&self) -> Result<Vec<Region>, Ec2Error> {
        let wrong = ec2_error("DescribeRegions");
        through!(self, Call::Regions, &wrong, None, regions())
    }

    async fn instances(
        &self,
        region: &Region,
        filter: &InstanceFilter,
    ) -> Result<Vec<Instance>, Ec2Error> {
        let wrong = ec2_error("DescribeInstances");
        let past = |cloud: Cloud| at_once(account(&cloud).instances(region, filter).now_or_never());
        through!(
            self,
            Call::Instances,
            &wrong,
            Some(&past),
            instances(region, filter)
        )
    }

    async fn stop_protection(&self, region: &Region, id: &InstanceId) -> Result<bool, Ec2Error> {
        let wrong = ec2_error("DescribeInstanceAttribute");
        through!(
            self,
            Call::StopProtection,
            &wrong,
            None,
            stop_protection(region, id)
        )
    }

    async fn status_checks(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<StatusChecks, Ec2Error> {
        let wrong = ec2_error("DescribeInstanceStatus");
        through!(
            self,
            Call::StatusChecks,
            &wrong,
            None,
            status_checks(region, id)
        )
    }

    async fn volumes(&self, region: &Region, ids: &[VolumeId]) -> Result<Vec<Volume>, Ec2Error> {
        let wrong = ec2_error("DescribeVolumes");
        through!(self, Call::Volumes, &wrong, None, volumes(region, ids))
    }

    async fn key_state(&self, region: &Region, key: &str) -> Result<Option<KeyState>, Ec2Error> {
        let wrong = ec2_error("kms:DescribeKey");
        through!(self, Call::KeyState, &wrong, None, key_state(region, key))
    }

    async fn instance_type(&self, region: &Region, name: &str) -> Result<InstanceType, Ec2Error> {
        let wrong = ec2_error("DescribeInstanceTypes");
        through!(
            self,
            Call::InstanceType,
            &wrong,
            None,
            instance_type(region, name)
        )
    }

    async fn reservation(&self, region: &Region, id: &str) -> Result<Reservation, Ec2Error> {
        let wrong = ec2_error("DescribeCapacityReservations");
        through!(
            self,
            Call::Reservation,
            &wrong,
            None,
            reservation(region, id)
        )
    }

    async fn fleet_maintains(&self, region: &Region, id: &str) -> Result<bool, Ec2Error> {
        let wrong = ec2_error("DescribeFleets");
        through!(self, Call::Fleet, &wrong, None, fleet_maintains(region, id))
    }

    async fn public_images_blocked(&self, region: &Region) -> Result<bool, Ec2Error> {
        let wrong = ec2_error("GetImageBlockPublicAccessState");
        through!(
            self,
            Call::PublicImagesBlocked,
            &wrong,
            None,
            public_images_blocked(region)
        )
    }

    async fn ebs_defaults(&self, region: &Region) -> Result<EbsDefaults, Ec2Error> {
        let wrong = ec2_error("GetEbsEncryptionByDefault");
        through!(self, Call::EbsDefaults, &wrong, None, ebs_defaults(region))
    }

    async fn probe(&self, region: &Region, probe: &Probe) -> Result<(), Ec2Error> {
        let (call, action) = match probe {
            Probe::Stop(_) => (Call::ProbeStop, "StopInstances"),
            Probe::Start(_) => (Call::ProbeStart, "StartInstances"),
            Probe::CreateImage(_) => (Call::ProbeCreateImage, "CreateImage"),
            Probe::Grant(_) => (Call::ProbeGrant, "kms:CreateGrant"),
        };
        through!(self, call, &ec2_error(action), None, probe(region, probe))
    }

    async fn stop_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        let wrong = ec2_error("StopInstances");
        through!(
            self,
            Call::StopInstance,
            &wrong,
            None,
            stop_instance(region, id)
        )
    }

    async fn start_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        let wrong = ec2_error("StartInstances");
        through!(
            self,
            Call::StartInstance,
            &wrong,
            None,
            start_instance(region, id)
        )
    }

    async fn terminate_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        let wrong = ec2_error("TerminateInstances");
        through!(
            self,
            Call::TerminateInstance,
            &wrong,
            None,
            terminate_instance(region, id)
        )
    }

    async fn run_instance(&self, region: &Region, new: &NewInstance) -> Result<Instance, Ec2Error> {
        let wrong = ec2_error("RunInstances");
        through!(
            self,
            Call::RunInstance,
            &wrong,
            None,
            run_instance(region, new)
        )
    }

    async fn create_image(&self, region: &Region, new: &NewImage) -> Result<ImageId, Ec2Error> {
        let mut new = new.clone();
        if self.mutant.is_some_and(|mutant| mutant.renames) {
            let calls = self.conductor.trace().len();
            new.name = format!("{}-{calls}", new.name);
        }
        made!(
            self,
            Call::CreateImage,
            "CreateImage",
            create_image(region, new)
        )
    }

    async fn images(&self, region: &Region, filter: &ImageFilter) -> Result<Vec<Image>, Ec2Error> {
        if self.mutant.is_some_and(|m| m.by_id_alone) && matches!(filter, ImageFilter::OwnTag(..)) {
            return Ok(Vec::new());
        }
        let wrong = ec2_error("DescribeImages");
        let past = |cloud: Cloud| at_once(account(&cloud).images(region, filter).now_or_never());
        through!(
            self,
            Call::Images,
            &wrong,
            Some(&past),
            images(region, filter)
        )
    }

    async fn launch_templates_of(
        &self,
        region: &Region,
        ids: &[ImageId],
    ) -> Result<BTreeMap<ImageId, BTreeSet<LaunchTemplateId>>, Ec2Error> {
        let wrong = ec2_error("DescribeImageReferences");
        through!(
            self,
            Call::LaunchTemplates,
            &wrong,
            None,
            launch_templates_of(region, ids)
        )
    }

    async fn snapshots(
        &self,
        region: &Region,
        filter: &SnapshotFilter,
    ) -> Result<Vec<Snapshot>, Ec2Error> {
        let wrong = ec2_error("DescribeSnapshots");
        let past = |cloud: Cloud| at_once(account(&cloud).snapshots(region, filter).now_or_never());
        through!(
            self,
            Call::Snapshots,
            &wrong,
            Some(&past),
            snapshots(region, filter)
        )
    }

    async fn snapshot_keys(
        &self,
        region: &Region,
        ids: &[SnapshotId],
    ) -> Result<BTreeMap<SnapshotId, Encryption>, Ec2Error> {
        let wrong = ec2_error("DescribeSnapshots");
        through!(
            self,
            Call::SnapshotKeys,
            &wrong,
            None,
            snapshot_keys(region, ids)
        )
    }

    async fn copy_image(&self, region: &Region, copy: &ImageCopy) -> Result<ImageId, Ec2Error> {
        made!(self, Call::CopyImage, "CopyImage", copy_image(region, copy))
    }

    async fn deregister_image(&self, region: &Region, id: &ImageId) -> Result<(), Ec2Error> {
        let wrong = ec2_error("DeregisterImage");
        through!(
            self,
            Call::DeregisterImage,
            &wrong,
            None,
            deregister_image(region, id)
        )
    }

    async fn delete_snapshot(&self, region: &Region, id: &SnapshotId) -> Result<(), Ec2Error> {
        let wrong = ec2_error("DeleteSnapshot");
        through!(
            self,
            Call::DeleteSnapshot,
            &wrong,
            None,
            delete_snapshot(region, id)
        )
    }

    async fn add_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error> {
        if self.mutant.is_some_and(|mutant| mutant.keeps_closed) {
            return Ok(());
        }
        let wrong = ec2_error("ModifyImageAttribute");
        let call = Call::AddLaunchPermissions;
        through!(
            self,
            call,
            &wrong,
            None,
            add_launch_permissions(region, id, permissions)
        )
    }

    async fn remove_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error> {
        let wrong = ec2_error("ModifyImageAttribute");
        through!(
            self,
            Call::RemoveLaunchPermissions,
            &wrong,
            None,
            remove_launch_permissions(region, id, permissions)
        )
    }

    async fn launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
    ) -> Result<Vec<LaunchPermission>, Ec2Error> {
        let wrong = ec2_error("DescribeImageAttribute");
        through!(
            self,
            Call::LaunchPermissions,
            &wrong,
            None,
            launch_permissions(region, id)
        )
    }
}

#[async_trait]
impl Inspect for Through<dyn Inspect> {
    async fn packages(
        &self,
        region: &Region,
        instance: &InstanceId,
    ) -> Result<Option<Inventory>, Ec2Error> {
        let wrong = ec2_error("ListInventoryEntries");
        through!(
            self,
            Call::Packages,
            &wrong,
            None,
            packages(region, instance)
        )
    }
}

/// The table's errors. A throttled write is reported as a conflict.
fn table_error(writes: bool) -> impl Fn(Wrong) -> TableError + Send + Sync {
    move |wrong| match wrong {
        Wrong::Throttled if writes => TableError::Conflict,
        _ => TableError::Unavailable {
            reason: format!("the simulation has it so: {wrong:?} ({SECRET})"),
            transient: !matches!(wrong, Wrong::Refused | Wrong::Denied),
            advice: None,
            source: None,
        },
    }
}

#[async_trait]
impl Table for Through<dyn Table> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        through!(self, Call::Get, &table_error(false), None, get(key))
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let call = match query.index {
            Index::Primary => Call::Query,
            Index::Gsi1 => Call::QueryGsi1,
            Index::Gsi2 => Call::QueryGsi2,
        };
        through!(self, call, &table_error(false), None, query(query))
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        let mutated = self.mutant.map(|mutant| (mutant.writes)(writes.to_vec()));
        let writes = mutated.as_deref().unwrap_or(writes);
        // A transaction is one call: that of its first write.
        let call = match writes.first() {
            Some(Write::Delete(..)) => Call::Delete,
            Some(Write::Update(..)) => Call::Update,
            Some(Write::Check(..)) => Call::Check,
            Some(Write::Put(..)) | None => Call::Put,
        };
        let (port, conductor) = (Arc::clone(&self.port), self.conductor.clone());
        let writes = writes.to_vec();
        let ask = move || -> BoxFuture<'static, Result<_, _>> {
            let (port, conductor, writes) = (Arc::clone(&port), conductor.clone(), writes.clone());
            Box::pin(async move {
                port.transact(&writes).await?;
                conductor.note_written(&writes);
                Ok(())
            })
        };
        let asked = Asked {
            call,
            wrong: &table_error(true),
            ask: &ask,
            past: None,
        };
        self.conductor.through(asked).await
    }
}
