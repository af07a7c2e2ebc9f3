//! The end of an instance: show, set, remove.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::audit::{AuditAction, AuditEvent, Subject};
use crate::domain::end::{End, EndRequest, EndState, InstanceEnd, Then};
use crate::domain::ids::shown;
use crate::domain::save::{SaveRequest, check_name};
use crate::domain::tags::OWNER_TAG;
use crate::domain::{Code, How, InstanceId, Problem, Region, TemplateName, UserId};
use crate::operations::instance_changes::project_of;
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Found, InRegion, InstanceName, Json, NoContent};
use crate::operations::{Asked, Service};
use crate::ports::{Instance, InstanceFilter, from_ec2};
use crate::registry::TRIES;
use crate::rules::Maker;
use crate::rules::access::{Action, Caller, Relation, Resource, any_allowed};
use crate::rules::lookup::check_regions;
use crate::steps;

/// The end of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndOfInstance {
    /// The name of the instance, or its ID if it has no name.
    pub name: String,
    /// The instance ID.
    pub id: InstanceId,
    /// The Region of the instance.
    pub region: Region,
    /// Its end; null if it has none.
    pub end: Option<End>,
}

operation! {
    /// Returns when an instance ends by itself
    ///
    /// The owner of an instance and the managers of its project may see and set its end.
    ShowInstanceEnd by show_instance_end: Get "/v1/instances/{name}/end" of "instances",
    path: InstanceName, query: InRegion,
    output: Found<EndOfInstance>,
    rights: [SetEnd Instance],
}

async fn show_instance_end(
    service: &Service,
    caller: &Caller,
    asked: Asked<ShowInstanceEnd>,
) -> Answered<ShowInstanceEnd> {
    let (InstanceName(name), InRegion { region }) = (asked.path, asked.query);
    let instance = service.endable(caller, &region, &name).await?;
    let stored = service.env.registry.end(&region, &instance.id).await?;
    let end = stored.map(|stored| stored.value.end);
    Ok(Found::new(view(&instance, &region, end)))
}

operation! {
    /// Sets when an instance ends by itself
    ///
    /// The end replaces one that was set before. At that time, the instance is saved if the request says so, and then stopped
    /// or terminated. If the save fails, the instance is stopped and not terminated. Its owner is warned beforehand. Only the
    /// owner decides that the instance is saved or terminated; others may have it stopped, or postpone what the owner wants.
    SetInstanceEnd by set_instance_end: Put "/v1/instances/{name}/end" of "instances",
    path: InstanceName, query: InRegion, body: Json<EndRequest>,
    output: Found<EndOfInstance>,
    rights: [SetEnd Instance, SaveVersion Template, Contribute Project],
}

async fn set_instance_end(
    service: &Service,
    caller: &Caller,
    asked: Asked<SetInstanceEnd>,
) -> Answered<SetInstanceEnd> {
    let (InstanceName(name), InRegion { region }) = (asked.path, asked.query);
    let Json(request) = asked.body;
    let end = request.check(&caller.user, service.env.clock.now())?;
    let instance = service.endable(caller, &region, &name).await?;
    let owner = service.owner_of(&instance).await?;
    service.check_project_of(&instance).await?;
    if let Some(template) = &end.last_save {
        let by = Caller::new(owner.clone());
        service.check_last_save(&by, &region, template).await?;
    }
    let new = InstanceEnd {
        region: region.clone(),
        instance: instance.id.clone(),
        name: instance.name().unwrap_or(instance.id.as_str()).to_owned(),
        owner,
        project: project_of(&instance),
        next_at: Some(end.warn_at()),
        end,
        asked_at: None,
        is_audited: false,
        stopping_since: None,
        stop_is_audited: false,
        refusals: 0,
    };
    let event = about(service, caller, &region, &instance).with("end", &new.end);
    let registry = &service.env.registry;
    for _ in 0..TRIES {
        let before = registry.end(&region, &instance.id).await?;
        let known = before.as_ref().map(|stored| &stored.value.end);
        check_by(caller, &new, known)?;
        let written = registry.put_end(before.as_ref(), new.clone(), Some(&event));
        if let Some(written) = written.await? {
            let end = Some(written.value.end);
            return Ok(Found::new(view(&instance, &region, end)));
        }
    }
    Err(changed(&name))
}

operation! {
    /// Removes the end of an instance, which then runs until somebody stops it
    RemoveInstanceEnd by remove_instance_end: Delete "/v1/instances/{name}/end" of "instances",
    path: InstanceName, query: InRegion,
    output: NoContent,
    rights: [SetEnd Instance],
}

async fn remove_instance_end(
    service: &Service,
    caller: &Caller,
    asked: Asked<RemoveInstanceEnd>,
) -> Answered<RemoveInstanceEnd> {
    let (InstanceName(name), InRegion { region }) = (asked.path, asked.query);
    let instance = service.endable(caller, &region, &name).await?;
    service.check_project_of(&instance).await?;
    let event = about(service, caller, &region, &instance).with("end", None::<End>);
    let registry = &service.env.registry;
    for _ in 0..TRIES {
        let Some(stored) = registry.end(&region, &instance.id).await? else {
            return Ok(NoContent);
        };
        if registry.remove_end(&stored, Some(&event)).await? {
            return Ok(NoContent);
        }
    }
    Err(changed(&name))
}

fn view(instance: &Instance, region: &Region, end: Option<End>) -> EndOfInstance {
    EndOfInstance {
        name: instance.name().unwrap_or(instance.id.as_str()).to_owned(),
        id: instance.id.clone(),
        region: region.clone(),
        end,
    }
}

/// Creates the event of a change to the end of an instance.
fn about(service: &Service, caller: &Caller, region: &Region, instance: &Instance) -> AuditEvent {
    let subject = Subject::Instance(region.clone(), instance.id.clone());
    let event = service.event(caller, AuditAction::InstanceEnd, subject);
    let event = event.of_project(project_of(instance).as_ref());
    event.with("name", instance.name())
}

/// Refuses an end by which somebody else would get the data of an instance, or destroy it: its data belongs to its owner.
/// What the owner has decided may be postponed.
fn check_by(caller: &Caller, new: &InstanceEnd, known: Option<&End>) -> Result<(), Problem> {
    let end = &new.end;
    let stops = end.then == Then::Stop && end.last_save.is_none();
    let postpones = known.is_some_and(|known| {
        known.state == EndState::Ahead
            && (known.then, &known.last_save) == (end.then, &end.last_save)
            && known.at <= end.at
    });
    if stops || postpones || new.owner == caller.user {
        return Ok(());
    }
    let message = format!(
        "The instance {} belongs to {}, who alone can have it saved or terminated at its end.",
        new.name, new.owner
    );
    Err(Problem::new(Code::NotAllowed, message).hint("Have it stopped at its end instead."))
}

fn changed(name: &str) -> Problem {
    let message = format!("Other requests kept changing the end of {name}.");
    Problem::new(Code::RegistryConflict, message)
}

impl Service {
    /// Finds the instance with that name or ID whose end the caller may set. One that the caller may not is refused as one
    /// that does not exist. If several have the name, the caller's own is meant.
    async fn endable(
        &self,
        caller: &Caller,
        region: &Region,
        name: &str,
    ) -> Result<Instance, Problem> {
        check_name("instance name or ID", name)?;
        check_regions(&self.env, [region]).await?;
        let filter = match name.parse::<InstanceId>() {
            Ok(id) => InstanceFilter::Ids(vec![id]),
            Err(_) => InstanceFilter::Tag("Name".to_owned(), name.to_owned()),
        };
        let found = match self.env.ec2.instances(region, &filter).await {
            Err(error) if error.is_not_found() => Vec::new(),
            found => found.map_err(from_ec2)?,
        };
        let deployment = self.env.deployment().await?;
        // Read even if nothing was found, so that the response time does not reveal whether the instance exists.
        let roles = self
            .env
            .registry
            .memberships(&caller.user)
            .await?
            .value
            .roles;
        let relations = |instance: &Instance| {
            let owner = instance.tags.get(OWNER_TAG).map(String::as_str);
            let own = (owner == Some(caller.user.as_str())).then_some(Relation::Owner);
            let project = project_of(instance);
            let role = project.and_then(|project| roles.get(&project).copied());
            let role = role.map(Relation::of_role);
            own.into_iter().chain(role).collect()
        };
        let may = |instance: &Instance| {
            !Maker::is_another(&instance.tags, deployment)
                && any_allowed(&relations(instance), Action::SetEnd, Resource::Instance)
        };
        let mut found: Vec<Instance> = found.into_iter().filter(may).collect();
        let own = |instance: &Instance| relations(instance).contains(&Relation::Owner);
        if found.iter().any(own) {
            found.retain(own);
        }
        if found.len() > 1 {
            let ids: Vec<&str> = found.iter().map(|instance| instance.id.as_str()).collect();
            let message = format!("{} instances are named {name}.", found.len());
            let hint = format!("Use the instance ID: {}.", ids.join(", "));
            return Err(Problem::new(Code::InstanceNameAmbiguous, message).hint(hint));
        }
        found.pop().ok_or_else(|| {
            let message = format!("You have no instance {} in {region}.", shown(name));
            Problem::new(Code::InstanceNotFound, message)
        })
    }

    /// Returns the owner of an instance. An instance without this deployment's tag would be left alone at its end (promise
    /// P9), so it gets none.
    async fn owner_of(&self, instance: &Instance) -> Result<UserId, Problem> {
        let deployment = self.env.deployment().await?;
        let owner = instance.tags.get(OWNER_TAG);
        match owner.and_then(|owner| owner.parse().ok()) {
            Some(owner) if Maker::of(&instance.tags, deployment) == Maker::This => Ok(owner),
            _ => {
                let message = format!(
                    "The instance {} was not launched by this deployment, which would leave it running.",
                    instance.id
                );
                Err(Problem::new(Code::NotAllowed, message)
                    .hint("Launch it again with this deployment, or stop it yourself."))
            }
        }
    }

    /// Checks that the owner of an instance may save to a template.
    pub(super) async fn check_last_save(
        &self,
        owner: &Caller,
        region: &Region,
        template: &TemplateName,
    ) -> Result<(), Problem> {
        let request = last_save("instance", region, template);
        steps::check_target(&self.env, owner, &request).await
    }
}

/// The request of a last save.
pub(super) fn last_save(instance: &str, region: &Region, template: &TemplateName) -> SaveRequest {
    SaveRequest {
        instance: instance.to_owned(),
        template: template.clone(),
        region: region.clone(),
        how: How::Stop,
        description: String::new(),
        copy_to: std::collections::BTreeSet::new(),
        public: false,
        project: None,
        move_template: false,
        exclude_volumes: std::collections::BTreeSet::new(),
        tags: std::collections::BTreeMap::new(),
        accept_instance_store_loss: None,
        publish_sensitive: false,
        exclude_from_latest: false,
        add_arch: false,
        version: None,
    }
}
