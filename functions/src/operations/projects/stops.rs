//! Stopping the instances that others have launched for a project.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::ProjectInstance;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::ec2::InstanceState;
use crate::domain::ids::shown;
use crate::domain::save::check_name;
use crate::domain::tags::{OWNER_TAG, PROJECT_TAG};
use crate::domain::{Code, InstanceId, Problem, ProjectName, Region, UserId};
use crate::operations::instance_changes::wrong_state;
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Accepted, InstanceName};
use crate::operations::{Asked, Service};
use crate::ports::{Instance, InstanceFilter, from_ec2};
use crate::rules::access::{Action, Caller, Relation, Resource, allowed};
use crate::rules::lookup::check_regions;

/// The query that says which of the instances of that name is meant.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhoseInstance {
    /// The Region of the instance.
    pub region: Region,
    /// The user who owns the instance. It is needed if instances of several users have the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
}

operation! {
    /// Stops an instance that was launched for a project, whoever owns it
    ///
    /// The volumes of the instance are kept, and its owner can start it again. The event in the audit names you, and so does
    /// the instance when its owner looks at it.
    StopProjectInstance by stop_project_instance: Post "/v1/projects/{name}/instances/{instance}/stop" of "projects",
    path: (ProjectName, InstanceName), query: WhoseInstance,
    output: Accepted<ProjectInstance>,
    rights: [SeeActivity Project, Stop Instance],
}

async fn stop_project_instance(
    service: &Service,
    caller: &Caller,
    asked: Asked<StopProjectInstance>,
) -> Answered<StopProjectInstance> {
    let ((project, InstanceName(name)), query) = (asked.path, asked.query);
    let region = &query.region;
    check_name("instance name or ID", &name)?;
    let (_, role) = service
        .project_for(caller, &project, Action::SeeActivity)
        .await?;
    if !allowed(Relation::of_role(role), Action::Stop, Resource::Instance) {
        let message = format!("The role {role} of the project {project} does not allow this.");
        return Err(Problem::new(Code::NotAllowed, message));
    }
    check_regions(&service.env, [region]).await?;
    let instance = service.of_project(&project, &name, &query).await?;
    if let Some(save) = service.holding(region, &instance.id).await? {
        let message = format!("{name} is being saved by {save}. It was not stopped.");
        return Err(
            Problem::new(Code::InstanceBusy, message).hint("Wait until the save has ended.")
        );
    }
    match instance.state {
        InstanceState::Running => {
            service
                .stop_for(caller, &project, region, &instance)
                .await?;
        }
        InstanceState::Stopped | InstanceState::Stopping => {}
        _ => {
            return Err(wrong_state(
                &instance,
                &name,
                "stopped",
                "Wait until it is running.",
            ));
        }
    }
    let filter = InstanceFilter::Ids(vec![instance.id.clone()]);
    let now = service.instances_in(region, &filter).await?.pop();
    let now = now.map_or(instance, |(_, instance)| instance);
    let end = service.env.registry.end(region, &now.id).await?;
    Ok(Accepted::new(ProjectInstance {
        end: end.map(|stored| stored.value.end),
        ..ProjectInstance::of(&now, region)
    }))
}

impl Service {
    /// Returns the instance of a project with that name or ID.
    async fn of_project(
        &self,
        project: &ProjectName,
        name: &str,
        query: &WhoseInstance,
    ) -> Result<Instance, Problem> {
        let region = &query.region;
        let of_project = InstanceFilter::Tag(PROJECT_TAG.to_owned(), project.to_string());
        let found = self.instances_in(region, &of_project).await?.into_iter();
        let id = name.parse::<InstanceId>().ok();
        let meant = |instance: &Instance| match &id {
            Some(id) => instance.id == *id,
            None => instance.name() == Some(name) && !instance.state.is_gone(),
        };
        let owner = |instance: &Instance| instance.tags.get(OWNER_TAG).cloned();
        let of_owner = |instance: &Instance| match &query.owner {
            Some(wanted) => owner(instance).as_deref() == Some(wanted.as_str()),
            None => true,
        };
        let mut found: Vec<Instance> = found
            .map(|(_, instance)| instance)
            .filter(|it| meant(it) && of_owner(it))
            .collect();
        if found.len() > 1 {
            let each = found.iter().map(|it| match owner(it) {
                Some(owner) => format!("{} ({owner})", it.id),
                None => it.id.to_string(),
            });
            let each = each.collect::<Vec<_>>().join(", ");
            let message = format!(
                "{} instances of the project {project} are named {name}: {each}.",
                found.len()
            );
            return Err(Problem::new(Code::InstanceNameAmbiguous, message)
                .hint("Name the owner of the instance, or use its ID."));
        }
        found.pop().ok_or_else(|| {
            let message = format!("The project {project} has no instance {} in {region}.", shown(name));
            Problem::new(Code::InstanceNotFound, message).hint(format!(
                "\"prism list --project {project}\" shows its instances, with their owners and Regions."
            ))
        })
    }

    /// Stops an instance, after this was recorded.
    async fn stop_for(
        &self,
        caller: &Caller,
        project: &ProjectName,
        region: &Region,
        instance: &Instance,
    ) -> Result<(), Problem> {
        let subject = Subject::Instance(region.clone(), instance.id.clone());
        let event = self
            .event(caller, AuditAction::InstanceStop, subject)
            .of_project(Some(project))
            .with("name", instance.name())
            .with("owner", instance.tags.get(OWNER_TAG));
        self.audit(&event).await?;
        let stopped = self.env.ec2.stop_instance(region, &instance.id).await;
        stopped.map_err(from_ec2)
    }
}
