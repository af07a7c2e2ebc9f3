//! Changes to what an instance is: its name and its size.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::instance_changes::{project_of, wrong_state};
use super::operation::{Answered, operation};
use super::parts::{Accepted, Either, Found, InRegion, InstanceName, Json, Trial};
use super::{Asked, InstanceView, Service};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::ec2::InstanceState;
use crate::domain::save::{SaveRecord, check_name};
use crate::domain::schedule::{Schedule, ScheduleState};
use crate::domain::sizes::{Size, usd_per_hour};
use crate::domain::{Code, InstanceId, Problem, Region};
use crate::ports::{Instance, from_ec2};
use crate::registry::Stored;
use crate::rules::access::Caller;
use crate::rules::lookup::check_regions;
use crate::rules::{budget, ends, holdings, limits};

/// The number of schedules that are read at once.
const PAGE: usize = 100;

/// The new name of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewName {
    /// The new name.
    #[schema(min_length = 1, max_length = 128)]
    pub name: String,
}

operation! {
    /// Renames an instance
    ///
    /// Your schedules that save the instance by its name follow it.
    RenameInstance by rename_instance: Patch "/v1/instances/{name}" of "instances",
    path: InstanceName, query: InRegion, body: Json<NewName>,
    output: Found<InstanceView>,
    rights: [Change Instance],
}

async fn rename_instance(
    service: &Service,
    caller: &Caller,
    asked: Asked<RenameInstance>,
) -> Answered<RenameInstance> {
    let (InstanceName(name), InRegion { region }) = (asked.path, asked.query);
    let Json(NewName { name: new }) = asked.body;
    check_new_name(&new)?;
    check_regions(&service.env, [&region]).await?;
    let instance = service.instance(caller, &region, &name).await?;
    if instance.state.is_gone() {
        let hint = "A terminated instance cannot be changed any more.";
        return Err(wrong_state(&instance, &name, "renamed", hint));
    }
    let (env, user) = (&service.env, &caller.user);
    let before = instance.name().unwrap_or_default();
    if before != new {
        service.check_awaited(caller, &region, &instance).await?;
        holdings::rename(env, user, &region, &instance, &new).await?;
        let action = AuditAction::InstanceRename;
        let event = service.noting(caller, action, &region, &instance);
        service.audit(&event.with("new_name", &new)).await?;
        let renamed = env.ec2.rename_instance(&region, &instance.id, &new).await;
        if let Err(error) = renamed {
            holdings::renamed(env, user, &instance.id, before).await;
            return Err(from_ec2(error));
        }
    }
    service
        .schedules_follow(caller, &region, &instance, &new)
        .await?;
    let id = instance.id.as_str();
    let view = service.instance_view(caller, &region, id).await?;
    // EC2 may still return the old name for a moment.
    Ok(Found::new(InstanceView { name: new, ..view }))
}

/// Checks the name of a new or a renamed instance.
pub(super) fn check_new_name(name: &str) -> Result<(), Problem> {
    check_name("instance name", name)?;
    if name.parse::<InstanceId>().is_err() {
        return Ok(());
    }
    let message =
        format!("An instance cannot be named {name}, because that looks like an instance ID.");
    Err(Problem::new(Code::InvalidName, message))
}

/// The new size of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSize {
    /// The new size.
    pub size: Size,
}

/// The query of a change that has a dry run.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TryInRegion {
    /// The Region of the instance.
    pub region: Region,
    /// Checks everything and returns the plan, without doing anything. The instance may be running.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What a change of an instance's size does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ResizePlan {
    /// The instance.
    pub instance: InstanceView,
    /// The new instance type.
    pub instance_type: String,
    /// The on-demand price of the new type for Linux in us-east-1 while the instance runs, in USD per hour.
    pub usd_per_hour: Option<f64>,
    /// Whether the instance must be stopped first.
    pub must_stop: bool,
    /// Whether a stop changes the public address, because it is not an Elastic IP address.
    pub address_changes: bool,
}

operation! {
    /// Changes the size of a stopped instance
    ///
    /// The instance keeps its volumes and its name. A dry run also accepts a running instance, and tells that it must be
    /// stopped first.
    ResizeInstance by resize_instance: Post "/v1/instances/{name}/resize" of "instances",
    path: InstanceName, query: TryInRegion, body: Json<NewSize>,
    output: Trial<ResizePlan, Accepted<InstanceView>>,
    rights: [Change Instance],
    // Repeating it changes nothing.
    repeatable: |_| true,
}

async fn resize_instance(
    service: &Service,
    caller: &Caller,
    asked: Asked<ResizeInstance>,
) -> Answered<ResizeInstance> {
    let InstanceName(name) = asked.path;
    let TryInRegion { region, dry_run } = asked.query;
    let instance = service.free_instance(caller, &region, &name).await?;
    let size = asked.body.0.size;
    let plan = service
        .plan_resize(caller, &region, &instance, size)
        .await?;
    if dry_run {
        return Ok(Trial::plan(plan));
    }
    if instance.state != InstanceState::Stopped {
        let hint = "Stop it first; \"prism resize\" does that, and starts it again.";
        return Err(wrong_state(&instance, &name, "resized", hint));
    }
    if instance.instance_type != plan.instance_type {
        let (action, to) = (AuditAction::InstanceResize, &plan.instance_type);
        let event = service.noting(caller, action, &region, &instance);
        service.audit(&event.with("instance_type", to)).await?;
        let ec2 = &service.env.ec2;
        let resized = ec2.resize_instance(&region, &instance.id, to).await;
        resized.map_err(from_ec2)?;
    }
    let after = service.view_after(caller, &region, &instance).await?;
    Ok(Either::Other(after))
}

impl Service {
    /// Checks that an instance can have a size, and returns what the change does.
    async fn plan_resize(
        &self,
        caller: &Caller,
        region: &Region,
        instance: &Instance,
        size: Size,
    ) -> Result<ResizePlan, Problem> {
        let env = &self.env;
        let instance_type = size.machine(instance.architecture).instance_type;
        env.settings.allowed_types.check(instance_type)?;
        if let Some(name) = &project_of(instance)
            && let Some(project) = env.registry.project(name).await?
        {
            let limits = &project.value.limits;
            limits::check_type(name, limits, instance_type, instance.architecture)?;
            if instance.state != InstanceState::Stopped {
                // It must be possible to start it again before it is stopped.
                ends::check_open(&project.value, env.clock.now())?;
                let types = [&instance.instance_type, instance_type];
                budget::check_restart(env, &project.value, &caller.user, types).await?;
            }
        }
        let offering = env.ec2.zones_offering(region, instance_type).await;
        let offering = offering.map_err(from_ec2)?;
        if let Some(zone) = &instance.zone
            && !offering.contains(zone)
        {
            let message = format!(
                "The zone {zone}, in which the instance is, does not offer {instance_type}."
            );
            let hint = "Choose another size, or save the instance and launch it in another zone.";
            return Err(Problem::new(Code::InstanceTypeNotOffered, message).hint(hint));
        }
        let view = self
            .instance_view(caller, region, instance.id.as_str())
            .await?;
        Ok(ResizePlan {
            instance: view,
            instance_type: instance_type.to_owned(),
            usd_per_hour: usd_per_hour(instance_type),
            must_stop: instance.state != InstanceState::Stopped,
            address_changes: instance.public_ip.is_some() && !instance.elastic_ip,
        })
    }

    /// Refuses a new name while a save waits for its turn that will look for the instance by the old one: it would find
    /// none, or another instance that has the name by then.
    async fn check_awaited(
        &self,
        caller: &Caller,
        region: &Region,
        instance: &Instance,
    ) -> Result<(), Problem> {
        let Some(name) = instance.name() else {
            return Ok(());
        };
        let registry = &self.env.registry;
        let saves = registry.saves_of(&caller.user, PAGE, None).await?.items;
        let waits = |save: &SaveRecord| {
            let request = &save.request;
            save.awaited_turn().is_some() && request.region == *region && request.instance == name
        };
        let Some(save) = saves.into_iter().find(waits) else {
            return Ok(());
        };
        let id = save.save_id;
        let message = format!("The save {id} of {name} waits for its turn.");
        Err(Problem::new(Code::InstanceBusy, message).hint(format!(
            "Wait for it with \"prism saves watch {id}\", or cancel it with \"prism saves cancel {id}\"."
        )))
    }

    /// Changes the caller's schedules that save an instance by its old name.
    async fn schedules_follow(
        &self,
        caller: &Caller,
        region: &Region,
        instance: &Instance,
        new: &str,
    ) -> Result<(), Problem> {
        let registry = &self.env.registry;
        let (mut cursor, mut failed) = (None, None);
        loop {
            let page = registry.schedules_of(&caller.user, PAGE, cursor).await?;
            for listed in page.items {
                if followed(&listed, region, instance, new).is_none() {
                    continue;
                }
                let Some(stored) = registry.schedule(&caller.user, &listed.name).await? else {
                    continue;
                };
                if let Some(after) = followed(&stored.value, region, instance, new) {
                    // One that fails keeps none of the others from following.
                    let follows = self.schedule_follows(caller, &stored, after, new);
                    failed = failed.or(follows.await.err());
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return failed.map_or(Ok(()), Err);
            }
        }
    }

    /// Changes a schedule whose instance has a new name.
    async fn schedule_follows(
        &self,
        caller: &Caller,
        stored: &Stored<Schedule>,
        after: Schedule,
        new: &str,
    ) -> Result<(), Problem> {
        let subject = Subject::Schedule(after.name.clone());
        let event = self.event(caller, AuditAction::ScheduleEdit, subject);
        let event = event.with("instance", new);
        if after.state == ScheduleState::Active {
            let replaced = self.replace_schedule(stored, after, &event);
            return replaced.await.map(drop);
        }
        let change = |schedule: &mut Schedule| schedule.clone_from(&after);
        let registry = &self.env.registry;
        let changed = registry.change_schedule(stored, Some(&event), change);
        changed.await.map(drop)
    }
}

/// A schedule after its instance got a new name; `None` if it does not change.
fn followed(
    schedule: &Schedule,
    region: &Region,
    instance: &Instance,
    new: &str,
) -> Option<Schedule> {
    let request = &schedule.request;
    let same = match &schedule.instance_id {
        Some(id) => *id == instance.id,
        None => Some(request.instance.as_str()) == instance.name(),
    };
    if !same || request.region != *region {
        return None;
    }
    let mut after = schedule.clone();
    if request.instance.parse::<InstanceId>().is_err() {
        new.clone_into(&mut after.request.instance);
    }
    // The consent to the loss of its data names the instance, too. If an earlier attempt has renamed only the instance,
    // the old name is that of the schedule.
    let before = [
        instance.name().unwrap_or(instance.id.as_str()),
        &request.instance,
    ];
    let consent = request.accept_instance_store_loss.as_deref();
    if consent.is_some_and(|it| before.contains(&it)) {
        after.request.accept_instance_store_loss = Some(new.to_owned());
    }
    (after != *schedule).then_some(after)
}
