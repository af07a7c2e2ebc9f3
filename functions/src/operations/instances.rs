//! Instances: list, start, stop, terminate.

use serde::{Deserialize, Serialize};

use super::Service;
use crate::domain::audit::Subject;
use crate::domain::ec2::InstanceState;
use crate::domain::save::check_name;
use crate::domain::tags::{OWNER_TAG, PROJECT_TAG, TEMPLATE_TAG};
use crate::domain::{Code, Problem, ProjectName, Region, SaveId, Timestamp};
use crate::ports::{Instance, InstanceFilter, from_ec2};
use crate::rules::Maker;
use crate::rules::access::Caller;
use crate::rules::lookup::{check_regions, own_instance};

/// An instance as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InstanceView {
    /// Its name, or its id where it has none.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Its state.
    pub state: InstanceState,
    /// EC2's code for why it is in that state, such as `Client.UserInitiatedShutdown`, where it gives one.
    pub state_reason: Option<String>,
    /// Its Region.
    pub region: Region,
    /// Its type.
    pub instance_type: String,
    /// What it was launched from: `name` or `name@version`.
    pub template: Option<String>,
    /// Its public IPv4 address.
    pub public_ip: Option<String>,
    /// When it was last launched or started.
    pub launched_at: Timestamp,
    /// The save that holds it.
    pub save_id: Option<SaveId>,
}

impl Service {
    /// The caller's instances in a Region, by name.
    pub async fn instances(
        &self,
        caller: &Caller,
        region: &Region,
    ) -> Result<Vec<InstanceView>, Problem> {
        let filter = InstanceFilter::Tag(OWNER_TAG.to_owned(), caller.user.to_string());
        let deployment = self.env.deployment().await?;
        let mut views = Vec::new();
        for instance in self
            .env
            .ec2
            .instances(region, &filter)
            .await
            .map_err(from_ec2)?
        {
            if Maker::is_another(&instance.tags, deployment) {
                continue;
            }
            let save_id = self.env.registry.lock_holder(region, &instance.id).await?;
            views.push(InstanceView::of(&instance, region, save_id));
        }
        views.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(views)
    }

    /// Refuses a Region that the account cannot use: EC2 is not even reached there.
    pub async fn check_region(&self, region: &Region) -> Result<(), Problem> {
        check_regions(&self.env, [region]).await
    }

    /// The caller's instance of that name or id, as a list shows it.
    pub async fn instance_view(
        &self,
        caller: &Caller,
        region: &Region,
        name: &str,
    ) -> Result<InstanceView, Problem> {
        let instance = self.instance(caller, region, name).await?;
        let save_id = self.env.registry.lock_holder(region, &instance.id).await?;
        Ok(InstanceView::of(&instance, region, save_id))
    }

    /// The caller's instance of that name or id; another's answers as one that is not there.
    pub async fn instance(
        &self,
        caller: &Caller,
        region: &Region,
        name: &str,
    ) -> Result<Instance, Problem> {
        check_name("instance name or id", name)?;
        own_instance(&self.env, caller, region, name).await
    }

    /// Begins to start an instance; one that runs stays as it is.
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

    /// An instance that a save holds, and that may be started all the same: the save is about to start it itself and meets
    /// no room or the like, or nobody works on the save any more, which is then recovered. Every other one is `busy`.
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

    /// Begins to stop an instance; one that is stopped stays as it is.
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

    /// Begins to end an instance for good; one that is gone stays gone.
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

    /// Writes down what is about to be asked of an instance.
    async fn note(
        &self,
        caller: &Caller,
        action: &str,
        region: &Region,
        instance: &Instance,
    ) -> Result<(), Problem> {
        let subject = Subject::Instance(region.clone(), instance.id.clone());
        // Whoever can tag instances can write anything there.
        let project = instance.tags.get(PROJECT_TAG);
        let project: Option<ProjectName> = project.and_then(|name| name.parse().ok());
        let event = self
            .event(caller, action, subject)
            .of_project(project.as_ref())
            .with("name", instance.name());
        self.audit(&event).await
    }

    /// An instance that no save holds: starting it would spoil the save's image, stopping it the
    /// restart. A stranded save does not hold it: its owner is the one who can bring it back.
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

/// How an instance is started that a save owes its start.
enum Owed {
    /// By whoever asks.
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

impl InstanceView {
    /// An instance, and the save that holds it.
    pub(crate) fn of(instance: &Instance, region: &Region, save_id: Option<SaveId>) -> Self {
        Self {
            name: instance.name().unwrap_or(instance.id.as_str()).to_owned(),
            id: instance.id.to_string(),
            state: instance.state,
            state_reason: instance.state_reason.as_ref().map(|why| why.code.clone()),
            region: region.clone(),
            instance_type: instance.instance_type.clone(),
            template: instance.tags.get(TEMPLATE_TAG).cloned(),
            public_ip: instance.public_ip.clone(),
            launched_at: instance.launched_at,
            save_id,
        }
    }
}
