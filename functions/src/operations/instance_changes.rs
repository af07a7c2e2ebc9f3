//! Changes of instances: start, stop, terminate.

use super::parts::{Accepted, InRegion, InstanceName};
use super::{Asked, InstanceView, Service};
use crate::domain::audit::{AuditAction, AuditEvent, Subject};
use crate::domain::ec2::InstanceState;
use crate::domain::save::{SaveRecord, SaveState};
use crate::domain::sizes::usd_per_hour;
use crate::domain::tags::PROJECT_TAG;
use crate::domain::{Code, InstanceId, Problem, ProjectName, Region, SaveId};
use crate::operations::operation::{Answered, operation};
use crate::ports::{Instance, from_ec2};
use crate::rules::access::Caller;
use crate::rules::holdings;
use crate::rules::lookup::check_regions;
use crate::rules::starting::{self, Beginning};
use crate::rules::{budget, compute};

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
    let (instance, owed) = match service.free_or_owed(caller, &region, &name).await {
        Err(busy) if busy.code == Code::InstanceBusy => {
            match service.owed_a_start(caller, &region, &name, busy).await? {
                Owed::Now(instance) => (instance, true),
                Owed::ByRecovery(instance) => {
                    return service.view_after(caller, &region, &instance).await;
                }
            }
        }
        free => {
            let (instance, owed) = free?;
            if !owed {
                service.check_project_of(&instance).await?;
            }
            (instance, owed)
        }
    };
    match instance.state {
        InstanceState::Stopped => {
            // A save has to bring its instance back, whatever it costs (promise P1).
            let project = project_of(&instance).filter(|_| !owed);
            if let Some(project) = &project {
                budget::check_start(&service.env, project, &caller.user).await?;
            }
            let hour = project.as_ref().map(|project| Beginning {
                project,
                key: instance.id.as_str(),
                usd_per_hour: usd_per_hour(&instance.instance_type),
            });
            let start = service.start(caller, &region, &instance);
            return starting::counted(&service.env, hour, start).await;
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
        holdings::ended(&service.env, &caller.user, &instance.id).await;
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

    /// Starts a stopped instance, and its meter.
    async fn start(
        &self,
        caller: &Caller,
        region: &Region,
        instance: &Instance,
    ) -> Result<Accepted<InstanceView>, Problem> {
        let noted = self.note(caller, AuditAction::InstanceStart, region, instance);
        noted.await?;
        // EC2 no longer says when an instance was stopped once it is started.
        compute::note(&self.env, region, instance).await;
        let started = self.env.ec2.start_instance(region, &instance.id).await;
        started.map_err(from_ec2)?;
        self.view_after(caller, region, instance).await
    }

    /// Returns the state of an instance after its change has begun. The instance is read by ID, because its name may
    /// refer to another instance by now.
    pub(super) async fn view_after(
        &self,
        caller: &Caller,
        region: &Region,
        before: &Instance,
    ) -> Result<Accepted<InstanceView>, Problem> {
        let after = self.instance(caller, region, before.id.as_str());
        let after = match after.await {
            // EC2 no longer lists terminated instances after a while.
            Err(problem) if problem.code == Code::InstanceNotFound => before.clone(),
            after => after?,
        };
        compute::note(&self.env, region, &after).await;
        self.view_of(region, &after).await.map(Accepted::new)
    }

    /// Records a change before it is requested from EC2.
    async fn note(
        &self,
        caller: &Caller,
        action: AuditAction,
        region: &Region,
        instance: &Instance,
    ) -> Result<(), Problem> {
        let event = self.noting(caller, action, region, instance);
        self.audit(&event).await
    }

    /// Returns the audit event of a change.
    pub(super) fn noting(
        &self,
        caller: &Caller,
        action: AuditAction,
        region: &Region,
        instance: &Instance,
    ) -> AuditEvent {
        let subject = Subject::Instance(region.clone(), instance.id.clone());
        self.event(caller, action, subject)
            .of_project(project_of(instance).as_ref())
            .with("name", instance.name())
    }

    /// Returns an instance that no save holds. Starting an instance during a save would spoil the image, and stopping
    /// it would undo the restart. A stranded save does not hold the instance, because its owner is the one who can
    /// bring it back.
    pub(super) async fn free_instance(
        &self,
        caller: &Caller,
        region: &Region,
        name: &str,
    ) -> Result<Instance, Problem> {
        let free = self.free_or_owed(caller, region, name).await?;
        Ok(free.0)
    }

    /// The same, and whether a stranded save has to bring the instance back.
    async fn free_or_owed(
        &self,
        caller: &Caller,
        region: &Region,
        name: &str,
    ) -> Result<(Instance, bool), Problem> {
        check_regions(&self.env, [region]).await?;
        let instance = self.instance(caller, region, name).await?;
        match self.lock_of(region, &instance.id).await? {
            None => Ok((instance, false)),
            Some((_, Some(save))) if save.state.is_final() => {
                let plan = save.plan.as_ref();
                let ran = plan.is_some_and(|it| it.instance.original_state == InstanceState::Running);
                Ok((instance, ran && save.state == SaveState::Stranded))
            }
            Some((holder, _)) => Err(Problem::new(Code::InstanceBusy, format!("{name} is being saved by {holder}."))
            .hint(format!("Wait for it with \"prism saves watch {holder}\", or cancel it with \"prism saves cancel {holder}\"."))),
        }
    }

    /// Returns the save that holds an instance, unless it has ended stranded.
    pub(in crate::operations) async fn holding(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<Option<SaveId>, Problem> {
        let held = self.lock_of(region, id).await?;
        let goes_on =
            |save: &Option<SaveRecord>| save.as_ref().is_none_or(|it| !it.state.is_final());
        Ok(held
            .filter(|(_, save)| goes_on(save))
            .map(|(holder, _)| holder))
    }

    /// Returns the save whose lock an instance has, with its record.
    async fn lock_of(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<Option<(SaveId, Option<SaveRecord>)>, Problem> {
        let registry = &self.env.registry;
        let Some(holder) = registry.lock_holder(region, id).await? else {
            return Ok(None);
        };
        let stored = registry.save(&holder).await?;
        Ok(Some((holder, stored.map(|stored| stored.value))))
    }
}

/// How to start an instance that a save must start.
enum Owed {
    /// By a request of the caller.
    Now(Instance),
    /// By the recovery of the save.
    ByRecovery(Instance),
}

/// The project that an instance is for. Anyone who can tag instances may have written it.
pub(super) fn project_of(instance: &Instance) -> Option<ProjectName> {
    instance.tags.get(PROJECT_TAG)?.parse().ok()
}

pub(in crate::operations) fn wrong_state(
    instance: &Instance,
    name: &str,
    what: &str,
    hint: &str,
) -> Problem {
    let message = format!(
        "{name} is {} and cannot be {what} now.",
        instance.state.as_str()
    );
    Problem::new(Code::InstanceStateWrong, message).hint(hint)
}
