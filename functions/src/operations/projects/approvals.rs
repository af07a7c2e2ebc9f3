//! Approvals of templates by projects.

use super::as_expected;
use crate::domain::audit::{AuditEvent, Subject};
use crate::domain::project::Approval;
use crate::domain::template::TemplateRef;
use crate::domain::{Problem, ProjectName, TemplateName};
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Found, IfMatch, NoContent, Page, Paging};
use crate::operations::{Asked, Expected, Service};
use crate::registry::Listed;
use crate::rules::access::{Action, Caller, Relation, Resource, allowed};

operation! {
    /// Lists the templates that a project has approved, by name
    ListApprovals by list_approvals: Get "/v1/projects/{name}/approvals" of "projects",
    path: ProjectName, query: Paging,
    output: Found<Page<Approval>>,
}

async fn list_approvals(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListApprovals>,
) -> Answered<ListApprovals> {
    let (limit, cursor) = (asked.query.limit()?, asked.query.cursor);
    let listed = service.approvals(caller, &asked.path, limit, cursor);
    Ok(Found::new(listed.await?.into()))
}

operation! {
    /// Approves a template for a project
    ApproveTemplate by approve_template: Put "/v1/projects/{name}/approvals/{template}" of "projects",
    path: (ProjectName, TemplateName), head: IfMatch,
    output: Found<Approval>,
}

async fn approve_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<ApproveTemplate>,
) -> Answered<ApproveTemplate> {
    let (name, template) = &asked.path;
    let approved = service.approve(caller, name, template, asked.head.0.as_ref());
    approved.await.map(Found::new)
}

operation! {
    /// Withdraws a project's approval of a template
    DisapproveTemplate by disapprove_template: Delete "/v1/projects/{name}/approvals/{template}" of "projects",
    path: (ProjectName, TemplateName), head: IfMatch,
    output: NoContent,
}

async fn disapprove_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<DisapproveTemplate>,
) -> Answered<DisapproveTemplate> {
    let (name, template) = &asked.path;
    let withdrawn = service.disapprove(caller, name, template, asked.head.0.as_ref());
    withdrawn.await.map(|()| NoContent)
}

impl Service {
    /// Lists the templates that a project has approved, by name, as far as the caller may see them. A caller who may
    /// approve sees all of them, to be able to withdraw any. `limit` is 1 to 1,000; a page may contain fewer items even
    /// if more pages follow.
    pub async fn approvals(
        &self,
        caller: &Caller,
        project: &ProjectName,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Approval>, Problem> {
        let (_, role) = self.project_for(caller, project, Action::See).await?;
        let registry = &self.env.registry;
        let mut page = registry.approvals(project, limit, cursor).await?;
        if allowed(Relation::of_role(role), Action::Approve, Resource::Project) {
            return Ok(page);
        }
        let mut seen = Vec::new();
        for approval in page.items {
            let stored = registry.template(&approval.template).await?;
            if let Some(template) = stored.map(|stored| stored.value)
                && caller.sees_in_list(registry, &template).await?
            {
                seen.push(approval);
            }
        }
        page.items = seen;
        Ok(page)
    }

    /// Approves a template that the caller can see for a project. Repeating it changes nothing. Fails if the project
    /// does not match `expected`.
    pub async fn approve(
        &self,
        caller: &Caller,
        project: &ProjectName,
        template: &TemplateName,
        expected: Option<&Expected>,
    ) -> Result<Approval, Problem> {
        self.project_for(caller, project, Action::Approve).await?;
        let newest = TemplateRef {
            name: template.clone(),
            version: None,
        };
        self.template(caller, &newest).await?;
        let approval = Approval {
            template: template.clone(),
            by: caller.user.clone(),
            at: self.env.clock.now(),
        };
        let event = self
            .event(caller, "project.approve", Subject::Project(project.clone()))
            .of_project(Some(project))
            .with("template", template);
        let given = self
            .change_approval(project, template, Some(&approval), &event, expected)
            .await?;
        Ok(given.unwrap_or(approval))
    }

    /// Withdraws an approval. It is not an error if there is none. Fails if the project does not match `expected`.
    pub async fn disapprove(
        &self,
        caller: &Caller,
        project: &ProjectName,
        template: &TemplateName,
        expected: Option<&Expected>,
    ) -> Result<(), Problem> {
        self.project_for(caller, project, Action::Approve).await?;
        let subject = Subject::Project(project.clone());
        let event = self
            .event(caller, "project.disapprove", subject)
            .of_project(Some(project))
            .with("template", template);
        self.change_approval(project, template, None, &event, expected)
            .await
            .map(drop)
    }

    async fn change_approval(
        &self,
        project: &ProjectName,
        template: &TemplateName,
        after: Option<&Approval>,
        event: &AuditEvent,
        expected: Option<&Expected>,
    ) -> Result<Option<Approval>, Problem> {
        let registry = &self.env.registry;
        registry
            .change_approval(project, template, after, event, |stored| {
                as_expected(stored, expected)
            })
            .await
    }
}
