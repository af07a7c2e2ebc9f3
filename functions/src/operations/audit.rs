//! Who changed what, for those who may see it.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::parts::{Found, Page, Paging};
use super::{Asked, Service};
use crate::domain::audit::{AuditEvent, Subject};
use crate::domain::{Code, Problem, ProjectName, Timestamp, UserId};
use crate::operations::operation::{Answered, operation};
use crate::registry::{AuditOf, Listed};
use crate::rules::access::{Action, Caller, project_not_found, schedule_not_found};
use crate::rules::audit::event;

/// Which events are listed. Without anything, the caller's own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuditFilter {
    /// Those about this thing.
    pub resource: Option<Subject>,
    /// Those of this project, its templates and the saves for it.
    pub project: Option<ProjectName>,
    /// Those of this user.
    pub user: Option<UserId>,
}

/// Which page of which events.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditPage {
    /// Those about this thing, which you own, or whose project you manage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Subject>,
    /// Those of this project, which you manage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Those of this user. Without a thing or a project it can only be you.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The most items of the page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page begins: the cursor of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

operation! {
    /// Who changed what, when and from where, the newest first
    ///
    /// Without a filter it is what you did yourself. A page of a filtered list may have fewer items than
    /// were asked for, or none, and yet another page behind it.
    ListAuditEvents by list_audit_events: Get "/v1/audit" of "audit",
    query: AuditPage,
    output: Found<Page<AuditEvent>>,
    may_miss: true,
}

async fn list_audit_events(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListAuditEvents>,
) -> Answered<ListAuditEvents> {
    let AuditPage {
        resource,
        project,
        user,
        limit,
        cursor,
    } = asked.query;
    let filter = AuditFilter {
        resource,
        project,
        user,
    };
    let paging = Paging::new(limit, cursor);
    let limit = paging.limit()?;
    let events = service.audit_events(caller, &filter, limit, paging.cursor);
    Ok(Found::new(events.await?.into()))
}

impl Service {
    /// An event of the caller's, now.
    pub(crate) fn event(&self, caller: &Caller, action: &str, resource: Subject) -> AuditEvent {
        event(caller, self.env.clock.now(), action, resource)
    }

    /// Writes an event by itself, before a change that the registry takes no part in.
    pub(crate) async fn audit(&self, event: &AuditEvent) -> Result<(), Problem> {
        self.env.registry.audit(event, self.entropy.next()).await
    }

    /// Events, the newest first; `limit` is 1 to 1,000. A page of a filtered list may have fewer than
    /// that and yet another page behind it.
    pub async fn audit_events(
        &self,
        caller: &Caller,
        filter: &AuditFilter,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<AuditEvent>, Problem> {
        let of = self.audited(caller, filter).await?;
        let mut listed = self.env.registry.audit_events(&of, limit, cursor).await?;
        if let Some(user) = &filter.user {
            listed.items.retain(|event| event.user == *user);
        }
        if let Some(project) = &filter.project {
            listed
                .items
                .retain(|event| event.project.as_ref() == Some(project));
        }
        Ok(listed)
    }

    /// Which list it is, for somebody who may read that.
    async fn audited(&self, caller: &Caller, filter: &AuditFilter) -> Result<AuditOf, Problem> {
        let registry = &self.env.registry;
        if let Some(resource) = &filter.resource {
            let since = self.visible_since(caller, resource).await?;
            return Ok(AuditOf::Subject {
                subject: resource.clone(),
                user: caller.user.clone(),
                since,
            });
        }
        if let Some(project) = &filter.project {
            caller
                .check_project(registry, Action::SeeAudit, project)
                .await?;
            let Some(stored) = registry.project(project).await? else {
                return Err(project_not_found(project));
            };
            return Ok(AuditOf::Project {
                project: project.clone(),
                since: stored.value.created_at,
            });
        }
        match &filter.user {
            Some(user) if *user != caller.user => {
                let message = format!(
                    "You may see all that {user} did in a project of yours, or to a thing of yours."
                );
                Err(Problem::new(Code::NotAllowed, message)
                    .hint("Name the project with --project, or the thing with --resource."))
            }
            _ => Ok(AuditOf::User(caller.user.clone())),
        }
    }

    /// Since when a thing exists, for somebody who may see who changed it: an earlier one of the same
    /// name was perhaps somebody else's.
    async fn visible_since(
        &self,
        caller: &Caller,
        resource: &Subject,
    ) -> Result<Timestamp, Problem> {
        let registry = &self.env.registry;
        match resource {
            Subject::Template(name) => {
                let Some(stored) = registry.template(name).await? else {
                    return Err(caller.no_template(registry, name).await);
                };
                let template = stored.value;
                caller
                    .check_template(registry, Action::SeeAudit, &template)
                    .await?;
                Ok(template.created_at)
            }
            Subject::Project(name) => {
                caller
                    .check_project(registry, Action::SeeAudit, name)
                    .await?;
                let stored = registry.project(name).await?;
                let stored = stored.ok_or_else(|| project_not_found(name))?;
                Ok(stored.value.created_at)
            }
            Subject::Save(id) => {
                let record = self.save(caller, id).await?;
                caller
                    .check_save(registry, Action::SeeAudit, &record)
                    .await?;
                Ok(record.started_at)
            }
            Subject::Instance(region, id) => {
                let instance = self.instance(caller, region, id.as_str()).await?;
                if !caller.may(Action::SeeAudit, &instance) {
                    return Err(Problem::new(
                        Code::NotAllowed,
                        format!("{id} is not yours."),
                    ));
                }
                // The id of an instance is never another's.
                Ok(Timestamp::UNIX_EPOCH)
            }
            Subject::Schedule(name) => {
                let stored = registry.schedule(&caller.user, name).await?;
                let stored = stored.ok_or_else(|| schedule_not_found(name.as_str()))?;
                Ok(stored.value.created_at)
            }
        }
    }
}
