//! Changes of instances: start, stop, terminate.

use super::parts::{Accepted, InRegion, InstanceName};
use super::{Asked, InstanceView, Service};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::ec2::InstanceState;
use crate::domain::tags::PROJECT_TAG;
use crate::domain::{Code, Problem, ProjectName, Region};
use crate::operations::operation::{Answered, operation};
use crate::ports::{Instance, from_ec2};
use crate::rules::access::Caller;
use crate::rules::lookup::check_regions;

operation! {
    /// Starts a stopped instance
    StartInstance by start_instance: Post "/v1/instances/{name}/start" of "instances",
    path: InstanceName, query: InRegion,
    output: Accepted<InstanceView>,
    rights: [Change Instance],
}

async fn start_instance(
    service: &Service,
    caller: &Caller,
    asked: Asked<StartInstance>,
) -> Answered<StartInstance> {
    let (InstanceName(name), InRegion { region }) = (asked.path, asked.query);
    let instance = match service.free_instance(caller, &region, &name).await {
        Err(busy) if busy.code == Code::InstanceBusy => {
            match service.owed_a_start(caller, &region, &name, busy).await? {
                Owed::Now(instance) => instance,
                Owed::ByRecovery(instance) => {
                    return service.view_after(caller, &region, &instance).await;
                }
            }
        }
        free => free?,
    };
    match instance.state {
        InstanceState::Stopped => {
            let noted = service.note(caller, AuditAction::InstanceStart, &region, &instance);
            noted.await?;
            let started = service.env.ec2.start_instance(&region, &instance.id).await;
            started.map_err(from_ec2)?;
        }
        InstanceState::Running | InstanceState::Pending => {}
        _ => {
            let hint = "Wait until it has stopped.";
            return Err(wrong_state(&instance, &name, "started", hint));
        }
    }
    service.view_after(caller, &region, &instance).await
}

operation! {
    /// Stops a running instance
    ///
    /// The volumes of the instance are kept.
    StopInstance by stop_instance: Post "/v1/instances/{name}/stop" of "instances",
    path: InstanceName, query: InRegion,
    output: Accepted<InstanceView>,
    rights: [Change Instance],
}

async fn stop_instance(
    service: &Service,
    caller: &Caller,
    asked: Asked<StopInstance>,
) -> Answered<StopInstance> {
    let (InstanceName(name), InRegion { region }) = (asked.path, asked.query);
    let instance = service.free_instance(caller, &region, &name).await?;
    match instance.state {
        InstanceState::Running => {
            let noted = service.note(caller, AuditAction::InstanceStop, &region, &instance);
            noted.await?;
            let stopped = service.env.ec2.stop_instance(&region, &instance.id).await;
            stopped.map_err(from_ec2)?;
        }
        InstanceState::Stopped | InstanceState::Stopping => {}
        _ => {
            let hint = "Wait until it is running.";
            return Err(wrong_state(&instance, &name, "stopped", hint));
        }
    }
    service.view_after(caller, &region, &instance).await
}

operation! {
    /// Terminates an instance permanently
    TerminateInstance by terminate_instance: Delete "/v1/instances/{name}" of "instances",
    path: InstanceName, query: InRegion,
    output: Accepted<InstanceView>,
    rights: [Change Instance],
}

async fn terminate_instance(
    service: &Service,
    caller: &Caller,
    asked: Asked<TerminateInstance>,
) -> Answered<TerminateInstance> {
    let (InstanceName(name), InRegion { region }) = (asked.path, asked.query);
    let instance = service.free_instance(caller, &region, &name).await?;
    if !instance.state.is_gone() {
        let noted = service.note(caller, AuditAction::InstanceTerminate, &region, &instance);
        noted.await?;
        let ec2 = &service.env.ec2;
        let terminated = ec2.terminate_instance(&region, &instance.id).await;
        terminated.map_err(from_ec2)?;
    }
    service.view_after(caller, &region, &instance).await
}

impl Service {
    /// Returns an instance that is held by a save and may be started nevertheless: either the save is trying to start
    /// it and cannot, for example because there is no capacity, or no execution works on the save any more, in which
    /// case the save is recovered. Any other instance is refused as `busy`.
    async fn owed_a_start(
        &self,
        caller: &Caller,
        region: &Region,
        name: &str,
        busy: Problem,
    ) -> Result<Owed, Problem> {
        let instance = self.instance(caller, region, name).await?;
        let holder = self.env.registry.lock_holder(region, &instance.id).await?;
        let Some(holder) = holder else {
            return Ok(Owed::Now(instance));
        };
        let Some(stored) = self.env.registry.save(&holder).await? else {
            return Err(busy);
        };
        if self.recover_for(caller, &stored.value).await? {
            return Ok(Owed::ByRecovery(instance));
        }
        let record = &stored.value;
        if record.start_requested_at.is_some() && record.trouble.is_some() {
            return Ok(Owed::Now(instance));
        }
        Err(busy)
    }

    /// Returns the state of an instance after its change has begun. The instance is read by ID, because its name may
    /// refer to another instance by now.
    async fn view_after(
        &self,
        caller: &Caller,
        region: &Region,
        before: &Instance,
    ) -> Result<Accepted<InstanceView>, Problem> {
        let view = self.instance_view(caller, region, before.id.as_str());
        let view = match view.await {
            // EC2 no longer lists terminated instances after a while.
            Err(problem) if problem.code == Code::InstanceNotFound => {
                InstanceView::of(before, region, None)
            }
            view => view?,
        };
        Ok(Accepted::new(view))
    }

    /// Records a change before it is requested from EC2.
    async fn note(
        &self,
        caller: &Caller,
        action: AuditAction,
        region: &Region,
        instance: &Instance,
    ) -> Result<(), Problem> {
        let subject = Subject::Instance(region.clone(), instance.id.clone());
        // Anyone who can tag instances may have written this value.
        let project = instance.tags.get(PROJECT_TAG);
        let project: Option<ProjectName> = project.and_then(|name| name.parse().ok());
        let event = self
            .event(caller, action, subject)
            .of_project(project.as_ref())
            .with("name", instance.name());
        self.audit(&event).await
    }

    /// Returns an instance that no save holds. Starting an instance during a save would spoil the image, and stopping
    /// it would undo the restart. A stranded save does not hold the instance, because its owner is the one who can
    /// bring it back.
    async fn free_instance(
        &self,
        caller: &Caller,
        region: &Region,
        name: &str,
    ) -> Result<Instance, Problem> {
        check_regions(&self.env, [region]).await?;
        let instance = self.instance(caller, region, name).await?;
        let Some(holder) = self.env.registry.lock_holder(region, &instance.id).await? else {
            return Ok(instance);
        };
        let stored = self.env.registry.save(&holder).await?;
        if stored.is_some_and(|stored| stored.value.state.is_final()) {
            return Ok(instance);
        }
        Err(Problem::new(Code::InstanceBusy, format!("{name} is being saved by {holder}."))
            .hint(format!("Wait for it with \"prism saves watch {holder}\", or cancel it with \"prism saves cancel {holder}\".")))
    }
}

/// How to start an instance that a save must start.
enum Owed {
    /// By a request of the caller.
    Now(Instance),
    /// By the recovery of the save.
    ByRecovery(Instance),
}

fn wrong_state(instance: &Instance, name: &str, what: &str, hint: &str) -> Problem {
    let message = format!(
        "{name} is {} and cannot be {what} now.",
        instance.state.as_str()
    );
    Problem::new(Code::InstanceStateWrong, message).hint(hint)
}
