//! Changes to what an instance is: its name and its size.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::instance_changes::{project_of, wrong_state};
use super::operation::{Answered, operation};
use super::parts::{Accepted, Either, Found, InRegion, InstanceName, Json, Trial};
use super::{Asked, InstanceView, Service};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::ec2::InstanceState;
use crate::domain::save::check_name;
use crate::domain::schedule::Schedule;
use crate::domain::sizes::{Size, usd_per_hour};
use crate::domain::{Code, InstanceId, Problem, Region};
use crate::ports::{Instance, from_ec2};
use crate::rules::access::Caller;
use crate::rules::lookup::check_regions;
use crate::rules::{holdings, limits};

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

    /// Changes the caller's schedules that save an instance by its old name.
    async fn schedules_follow(
        &self,
        caller: &Caller,
        region: &Region,
        instance: &Instance,
        new: &str,
    ) -> Result<(), Problem> {
        let (registry, before) = (&self.env.registry, instance.name().unwrap_or_default());
        let by_id = |name: &str| name.parse::<InstanceId>().is_ok();
        let mut cursor = None;
        loop {
            let page = registry.schedules_of(&caller.user, PAGE, cursor).await?;
            for schedule in page.items {
                let (request, id) = (&schedule.request, &schedule.instance_id);
                let same = match id {
                    Some(id) => *id == instance.id && !by_id(&request.instance),
                    None => request.instance == before,
                };
                if !same || request.region != *region || request.instance == new {
                    continue;
                }
                let stored = registry.schedule(&caller.user, &schedule.name).await?;
                if let Some(stored) = stored {
                    let subject = Subject::Schedule(schedule.name.clone());
                    let event = self.event(caller, AuditAction::ScheduleEdit, subject);
                    let event = event.with("instance", new);
                    let change = |schedule: &mut Schedule| {
                        new.clone_into(&mut schedule.request.instance);
                    };
                    registry
                        .change_schedule(&stored, Some(&event), change)
                        .await?;
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}
