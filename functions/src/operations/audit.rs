//! Audit events: who changed what, for callers who may see it.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::parts::{Found, Page, Paging};
use super::{Asked, Service};
use crate::domain::audit::{AuditAction, AuditEvent, Subject};
use crate::domain::clock::check_year;
use crate::domain::{Code, Problem, ProjectName, Timestamp, UserId};
use crate::operations::operation::{Answered, operation};
use crate::registry::{AuditOf, Listed, Times};
use crate::rules::access::{Action, Caller, project_not_found, schedule_not_found};
use crate::rules::audit::event;

/// The query of a request for audit events.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditPage {
    /// Only events about this resource. You must own it or manage its project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Subject>,
    /// Only events of this project. You must manage it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Only events of this user. Without a resource or a project, this can only be yourself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Only events at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Only events before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The maximum number of items on the page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page begins: the cursor of the previous page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl AuditPage {
    fn times(&self) -> Result<Times, Problem> {
        let (from, until) = (self.from, self.until);
        from.into_iter().chain(until).try_for_each(check_year)?;
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            let message = "The query value until must be later than from.";
            return Err(Problem::new(Code::InvalidInput, message));
        }
        Ok(Times { from, until })
    }
}

operation! {
    /// Lists audit events, newest first
    ///
    /// An event says who changed what, when and from where. Without a filter, your own changes are listed. A page of a
    /// filtered list may contain fewer items than requested, or none, even if more pages follow.
    ListAuditEvents by list_audit_events: Get "/v1/audit" of "audit",
    query: AuditPage,
    output: Found<Page<AuditEvent>>,
    rights: [SeeAudit Template, SeeAudit Project, See Save, SeeAudit Save, Change Instance, SeeAudit Instance],
    may_miss: true,
}

async fn list_audit_events(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListAuditEvents>,
) -> Answered<ListAuditEvents> {
    let limit = Paging::new(asked.query.limit, None).limit()?;
    let listed = service.events(caller, asked.query, limit).await?;
    Ok(Found::new(listed.into()))
}

impl Service {
    /// Creates an event by the caller, now.
    pub(crate) fn event(
        &self,
        caller: &Caller,
        action: AuditAction,
        resource: Subject,
    ) -> AuditEvent {
        event(caller, self.env.clock.now(), action, resource)
    }

    /// Writes an event on its own, before a change that does not involve the registry.
    pub(crate) async fn audit(&self, event: &AuditEvent) -> Result<(), Problem> {
        self.env.registry.audit(event, self.entropy.next()).await
    }

    /// Returns a page of the events that the filter selects, if the caller may read them.
    pub(super) async fn events(
        &self,
        caller: &Caller,
        filter: AuditPage,
        limit: usize,
    ) -> Result<Listed<AuditEvent>, Problem> {
        let times = filter.times()?;
        let of = self.audited(caller, &filter).await?;
        let registry = &self.env.registry;
        let listed = registry.audit_events(&of, times, limit, filter.cursor);
        let mut listed = listed.await?;
        listed.items.retain(|event| {
            let by_user = filter.user.as_ref().is_none_or(|user| event.user == *user);
            by_user && (filter.project.is_none() || event.project == filter.project)
        });
        Ok(listed)
    }

    /// Resolves the filter to a list that the caller may read.
    async fn audited(&self, caller: &Caller, filter: &AuditPage) -> Result<AuditOf, Problem> {
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
                    "You may see only what {user} did in a project that you manage or to a resource of yours."
                );
                Err(Problem::new(Code::NotAllowed, message)
                    .hint("Specify the project with --project or the resource with --resource."))
            }
            _ => Ok(AuditOf::User(caller.user.clone())),
        }
    }

    /// Returns since when a resource exists, for a caller who may read its events. An earlier resource with the same
    /// name may have belonged to somebody else.
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
                // The ID of an instance is never reused.
                Ok(Timestamp::UNIX_EPOCH)
            }
            Subject::Schedule(name) => {
                let stored = registry.schedule(&caller.user, name).await?;
                let stored = stored.ok_or_else(|| schedule_not_found(name.as_str()))?;
                Ok(stored.value.created_at)
            }
            // A removed key keeps its events: nobody else can have had it under this user's name.
            // The same goes for the settings, which each user has.
            Subject::Key(_) | Subject::Notify => Ok(Timestamp::UNIX_EPOCH),
        }
    }
}
