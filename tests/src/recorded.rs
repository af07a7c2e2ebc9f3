//! Ports that record which function makes which calls. A step that makes a call it does not declare fails any test in
//! which this happens, because on AWS its function would lack the permission.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use prism_asl::{Functions, TaskFailure};
use prism_functions::domain::ec2::{LaunchPermission, StatusChecks};
use prism_functions::domain::inventory::Inventory;
use prism_functions::domain::schedule::Schedule;
use prism_functions::domain::{
    ImageId, InstanceId, LaunchTemplateId, Region, SnapshotId, Timestamp, VolumeId,
};
use prism_functions::operations::calls;
use prism_functions::ports::{
    Call, EbsDefaults, Ec2, Ec2Error, Encryption, Execution, Executions, ExecutionsError, Firing,
    Image, ImageCopy, ImageFilter, Index, Inspect, Instance, InstanceFilter, InstanceType, Item,
    Key, KeyState, NewImage, NewInstance, Notice, Notifier, NotifierError, Page, Parameters, Probe,
    Query, Reservation, Schedules, SchedulesError, Snapshot, SnapshotFilter, Table, TableError,
    Volume, Write,
};
use serde_json::Value;

thread_local! {
    /// The function that is being polled on this thread.
    static CALLER: Cell<Option<&'static str>> = const { Cell::new(None) };
    /// The calls that this thread has recorded already. Most calls are in it, and need no lock.
    static NOTED: RefCell<BTreeSet<(&'static str, Call)>> = const { RefCell::new(BTreeSet::new()) };
}

/// The calls by function in this process.
static SEEN: Mutex<BTreeSet<(&'static str, Call)>> = Mutex::new(BTreeSet::new());

/// The calls that the function with this handler has made in this process.
pub fn seen(handler: &str) -> BTreeSet<Call> {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let of_it = seen.iter().filter(|(caller, _)| *caller == handler);
    of_it.map(|(_, call)| *call).collect()
}

/// Runs a future as the function with this handler.
pub async fn calling<T>(handler: &'static str, future: impl Future<Output = T>) -> T {
    called_by(Some(handler), future).await
}

/// Runs a future on behalf of the test, outside the function that is being polled.
pub async fn outside<T>(future: impl Future<Output = T>) -> T {
    called_by(None, future).await
}

async fn called_by<T>(caller: Option<&'static str>, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|context| {
        let _restored = Restored(CALLER.replace(caller));
        future.as_mut().poll(context)
    })
    .await
}

/// Restores the previous caller when dropped, even if the callee panics.
struct Restored(Option<&'static str>);

impl Drop for Restored {
    fn drop(&mut self) {
        CALLER.set(self.0);
    }
}

fn note(call: Call) {
    let Some(caller) = CALLER.get() else {
        return;
    };
    if NOTED.with_borrow(|noted| noted.contains(&(caller, call))) {
        return;
    }
    let declared = calls::of(caller).is_some_and(|declared| declared.contains(&call));
    assert!(declared, "{caller} calls {call:?} and does not declare it");
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.insert((caller, call));
    NOTED.with_borrow_mut(|noted| noted.insert((caller, call)));
}

/// A port whose calls are recorded.
pub struct Recorded<P: ?Sized>(pub Arc<P>);

impl<P: ?Sized> std::fmt::Debug for Recorded<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorded")
    }
}

/// The functions of a definition, each recorded under its own name.
pub(crate) struct Named(pub(crate) Arc<dyn Functions>);

#[async_trait]
impl Functions for Named {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let called = self.0.invoke(function, payload);
        match prism_functions::steps::find(function) {
            Some(step) => calling(step.name, called).await,
            None => called.await,
        }
    }
}

#[async_trait]
impl Table for Recorded<dyn Table> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        note(Call::Get);
        self.0.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        note(match query.index {
            Index::Primary => Call::Query,
            Index::Gsi1 => Call::QueryGsi1,
            Index::Gsi2 => Call::QueryGsi2,
        });
        self.0.query(query).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        for write in writes {
            note(match write {
                Write::Put(_, _) => Call::Put,
                Write::Update(_, _, _) => Call::Update,
                Write::Delete(_, _) => Call::Delete,
                Write::Check(_, _) => Call::Check,
            });
        }
        self.0.transact(writes).await
    }
}

#[async_trait]
impl Notifier for Recorded<dyn Notifier> {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifierError> {
        note(if notice.alarm {
            Call::Alarm
        } else {
            Call::Notice
        });
        self.0.notify(notice).await
    }
}

#[async_trait]
impl Executions for Recorded<dyn Executions> {
    async fn start(&self, name: &str, input: Value) -> Result<(), ExecutionsError> {
        note(Call::StartExecution);
        self.0.start(name, input).await
    }

    async fn describe(&self, name: &str) -> Result<Execution, ExecutionsError> {
        note(Call::DescribeExecution);
        self.0.describe(name).await
    }

    async fn wake(&self, token: &str) -> Result<bool, ExecutionsError> {
        note(Call::EndWait);
        self.0.wake(token).await
    }

    async fn stop(&self, name: &str, cause: &str) -> Result<(), ExecutionsError> {
        note(Call::StopExecution);
        self.0.stop(name, cause).await
    }
}

#[async_trait]
impl Schedules for Recorded<dyn Schedules> {
    async fn put(&self, schedule: &Schedule, next: Timestamp) -> Result<(), SchedulesError> {
        note(Call::PutSchedule);
        self.0.put(schedule, next).await
    }

    async fn delete(&self, schedule: &Schedule) -> Result<(), SchedulesError> {
        note(Call::DeleteSchedule);
        self.0.delete(schedule).await
    }

    fn id(&self, schedule: &Schedule) -> String {
        self.0.id(schedule)
    }

    async fn firing(&self) -> Result<Vec<Firing>, SchedulesError> {
        note(Call::ListSchedules);
        self.0.firing().await
    }

    async fn remove(&self, id: &str) -> Result<(), SchedulesError> {
        note(Call::DeleteSchedule);
        self.0.remove(id).await
    }
}

#[async_trait]
impl Inspect for Recorded<dyn Inspect> {
    async fn packages(
        &self,
        region: &Region,
        instance: &InstanceId,
    ) -> Result<Option<Inventory>, Ec2Error> {
        note(Call::Packages);
        self.0.packages(region, instance).await
    }
}

#[async_trait]
impl Parameters for Recorded<dyn Parameters> {
    async fn image(&self, region: &Region, parameter: &str) -> Result<ImageId, Ec2Error> {
        note(Call::PublicParameter);
        self.0.image(region, parameter).await
    }
}

#[async_trait]
impl Ec2 for Recorded<dyn Ec2> {
    async fn regions(&self) -> Result<Vec<Region>, Ec2Error> {
        note(Call::Regions);
        self.0.regions().await
    }

    async fn instances(
        &self,
        region: &Region,
        filter: &InstanceFilter,
    ) -> Result<Vec<Instance>, Ec2Error> {
        note(Call::Instances);
        self.0.instances(region, filter).await
    }

    async fn stop_protection(&self, region: &Region, id: &InstanceId) -> Result<bool, Ec2Error> {
        note(Call::StopProtection);
        self.0.stop_protection(region, id).await
    }

    async fn status_checks(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<StatusChecks, Ec2Error> {
        note(Call::StatusChecks);
        self.0.status_checks(region, id).await
    }

    async fn volumes(&self, region: &Region, ids: &[VolumeId]) -> Result<Vec<Volume>, Ec2Error> {
        note(Call::Volumes);
        self.0.volumes(region, ids).await
    }

    async fn key_state(&self, region: &Region, key: &str) -> Result<Option<KeyState>, Ec2Error> {
        note(Call::KeyState);
        self.0.key_state(region, key).await
    }

    async fn instance_type(&self, region: &Region, name: &str) -> Result<InstanceType, Ec2Error> {
        note(Call::InstanceType);
        self.0.instance_type(region, name).await
    }

    async fn reservation(&self, region: &Region, id: &str) -> Result<Reservation, Ec2Error> {
        note(Call::Reservation);
        self.0.reservation(region, id).await
    }

    async fn fleet_maintains(&self, region: &Region, id: &str) -> Result<bool, Ec2Error> {
        note(Call::Fleet);
        self.0.fleet_maintains(region, id).await
    }

    async fn public_images_blocked(&self, region: &Region) -> Result<bool, Ec2Error> {
        note(Call::PublicImagesBlocked);
        self.0.public_images_blocked(region).await
    }

    async fn ebs_defaults(&self, region: &Region) -> Result<EbsDefaults, Ec2Error> {
        note(Call::EbsDefaults);
        self.0.ebs_defaults(region).await
    }

    async fn probe(&self, region: &Region, probe: &Probe) -> Result<(), Ec2Error> {
        note(match probe {
            Probe::Stop(_) => Call::ProbeStop,
            Probe::Start(_) => Call::ProbeStart,
            Probe::CreateImage(_) => Call::ProbeCreateImage,
            Probe::Grant(_) => Call::ProbeGrant,
        });
        self.0.probe(region, probe).await
    }

    async fn stop_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        note(Call::StopInstance);
        self.0.stop_instance(region, id).await
    }

    async fn start_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        note(Call::StartInstance);
        self.0.start_instance(region, id).await
    }

    async fn terminate_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error> {
        note(Call::TerminateInstance);
        self.0.terminate_instance(region, id).await
    }

    async fn run_instance(&self, region: &Region, new: &NewInstance) -> Result<Instance, Ec2Error> {
        note(Call::RunInstance);
        self.0.run_instance(region, new).await
    }

    async fn create_image(&self, region: &Region, new: &NewImage) -> Result<ImageId, Ec2Error> {
        note(Call::CreateImage);
        self.0.create_image(region, new).await
    }

    async fn images(&self, region: &Region, filter: &ImageFilter) -> Result<Vec<Image>, Ec2Error> {
        note(Call::Images);
        self.0.images(region, filter).await
    }

    async fn launch_templates_of(
        &self,
        region: &Region,
        ids: &[ImageId],
    ) -> Result<BTreeMap<ImageId, BTreeSet<LaunchTemplateId>>, Ec2Error> {
        note(Call::LaunchTemplates);
        self.0.launch_templates_of(region, ids).await
    }

    async fn snapshots(
        &self,
        region: &Region,
        filter: &SnapshotFilter,
    ) -> Result<Vec<Snapshot>, Ec2Error> {
        note(Call::Snapshots);
        self.0.snapshots(region, filter).await
    }

    async fn snapshot_keys(
        &self,
        region: &Region,
        ids: &[SnapshotId],
    ) -> Result<BTreeMap<SnapshotId, Encryption>, Ec2Error> {
        note(Call::SnapshotKeys);
        self.0.snapshot_keys(region, ids).await
    }

    async fn copy_image(&self, region: &Region, copy: &ImageCopy) -> Result<ImageId, Ec2Error> {
        note(Call::CopyImage);
        self.0.copy_image(region, copy).await
    }

    async fn deregister_image(&self, region: &Region, id: &ImageId) -> Result<(), Ec2Error> {
        note(Call::DeregisterImage);
        self.0.deregister_image(region, id).await
    }

    async fn delete_snapshot(&self, region: &Region, id: &SnapshotId) -> Result<(), Ec2Error> {
        note(Call::DeleteSnapshot);
        self.0.delete_snapshot(region, id).await
    }

    async fn add_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error> {
        note(Call::AddLaunchPermissions);
        self.0.add_launch_permissions(region, id, permissions).await
    }

    async fn remove_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error> {
        note(Call::RemoveLaunchPermissions);
        let removed = self.0.remove_launch_permissions(region, id, permissions);
        removed.await
    }

    async fn launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
    ) -> Result<Vec<LaunchPermission>, Ec2Error> {
        note(Call::LaunchPermissions);
        self.0.launch_permissions(region, id).await
    }
}
