//! Changes of instances: start, stop, terminate.

use super::parts::{Accepted, InRegion, InstanceName};
use super::{Asked, InstanceView, Service};
use crate::domain::audit::Subject;
use crate::domain::ec2::InstanceState;
use crate::domain::tags::PROJECT_TAG;
use crate::domain::{Code, Problem, ProjectName, Region};
use crate::operations::operation::{Answered, operation};
use crate::ports::{Instance, from_ec2};
use crate::rules::access::Caller;

operation! {
    /// Starts a stopped instance
    StartInstance by start_instance: Post "/v1/instances/{name}/start" of "instances",
    path: InstanceName, query: InRegion,
    output: Accepted<InstanceView>,
}

async fn start_instance(
    service: &Service,
    caller: &Caller,
    asked: Asked<StartInstance>,
) -> Answered<StartInstance> {
    let (InstanceName(name), InRegion { region }) = (asked.path, asked.query);
    service.check_region(&region).await?;
    let before = service.start_instance(caller, &region, &name).await?;
    let view = service.view_after(caller, &region, &before);
    view.await.map(Accepted::new)
}

operation! {
    /// Stops a running instance
    ///
    /// The volumes of the instance are kept.
    StopInstance by stop_instance: Post "/v1/instances/{name}/stop" of "instances",
    path: InstanceName, query: InRegion,
    output: Accepted<InstanceView>,
}

async fn stop_instance(
    service: &Service,
    caller: &Caller,
    asked: Asked<StopInstance>,
) -> Answered<StopInstance> {
    let (InstanceName(name), InRegion { region }) = (asked.path, asked.query);
    service.check_region(&region).await?;
    let before = service.stop_instance(caller, &region, &name).await?;
    let view = service.view_after(caller, &region, &before);
    view.await.map(Accepted::new)
}

operation! {
    /// Terminates an instance permanently
    TerminateInstance by terminate_instance: Delete "/v1/instances/{name}" of "instances",
    path: InstanceName, query: InRegion,
    output: Accepted<InstanceView>,
}

async fn terminate_instance(
    service: &Service,
    caller: &Caller,
    asked: Asked<TerminateInstance>,
) -> Answered<TerminateInstance> {
    let (InstanceName(name), InRegion { region }) = (asked.path, asked.query);
    service.check_region(&region).await?;
    let before = service.terminate_instance(caller, &region, &name).await?;
    let view = service.view_after(caller, &region, &before);
    view.await.map(Accepted::new)
}

impl Service {
    /// Begins to start an instance. A running instance does not change.
    pub async fn start_instance(
        &self,
        caller: &Caller,
        region: &Region,
        name: &str,
    ) -> Result<Instance, Problem> {
        let instance = match self.free_instance(caller, region, name).await {
            Err(busy) if busy.code == Code::InstanceBusy => {
                match self.owed_a_start(caller, region, name, busy).await? {
                    Owed::Now(instance) => instance,
                    Owed::ByRecovery(instance) => return Ok(instance),
                }
            }
            free => free?,
        };
        match instance.state {
            InstanceState::Stopped => {
                self.note(caller, "instance.start", region, &instance)
                    .await?;
                let started = self.env.ec2.start_instance(region, &instance.id).await;
                started.map_err(from_ec2)?;
            }
            InstanceState::Running | InstanceState::Pending => {}
            _ => {
                return Err(wrong_state(
                    &instance,
                    name,
                    "started",
                    "Wait until it is stopped.",
                ));
            }
        }
        Ok(instance)
    }

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

    /// Begins to stop an instance. A stopped instance does not change.
    pub async fn stop_instance(
        &self,
        caller: &Caller,
        region: &Region,
        name: &str,
    ) -> Result<Instance, Problem> {
        let instance = self.free_instance(caller, region, name).await?;
        match instance.state {
            InstanceState::Running => {
                self.note(caller, "instance.stop", region, &instance)
                    .await?;
                let stopped = self.env.ec2.stop_instance(region, &instance.id).await;
                stopped.map_err(from_ec2)?;
            }
            InstanceState::Stopped | InstanceState::Stopping => {}
            _ => {
                return Err(wrong_state(
                    &instance,
                    name,
                    "stopped",
                    "Wait until it is running.",
                ));
            }
        }
        Ok(instance)
    }

    /// Begins to terminate an instance. A terminated instance does not change.
    pub async fn terminate_instance(
        &self,
        caller: &Caller,
        region: &Region,
        name: &str,
    ) -> Result<Instance, Problem> {
        let instance = self.free_instance(caller, region, name).await?;
        if !instance.state.is_gone() {
            self.note(caller, "instance.terminate", region, &instance)
                .await?;
            self.env
                .ec2
                .terminate_instance(region, &instance.id)
                .await
                .map_err(from_ec2)?;
        }
        Ok(instance)
    }

    /// Returns the state of an instance after its change has begun. The instance is read by ID, because its name may
    /// refer to another instance by now.
    async fn view_after(
        &self,
        caller: &Caller,
        region: &Region,
        before: &Instance,
    ) -> Result<InstanceView, Problem> {
        let view = self.instance_view(caller, region, before.id.as_str());
        match view.await {
            // EC2 no longer lists terminated instances after a while.
            Err(problem) if problem.code == Code::InstanceNotFound => {
                Ok(InstanceView::of(before, region, None))
            }
            view => view,
        }
    }

    /// Records a change before it is requested from EC2.
    async fn note(
        &self,
        caller: &Caller,
        action: &str,
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
