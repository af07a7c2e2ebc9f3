//! Approvals of templates by projects.

use super::{as_expected, of_project};
use crate::domain::audit::AuditAction;
use crate::domain::project::Approval;
use crate::domain::template::TemplateRef;
use crate::domain::{Problem, ProjectName, TemplateName};
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Found, IfMatch, NoContent, Page, Paging};
use crate::operations::{Asked, Expected, Service};
use crate::rules::access::{Action, Caller, Relation, Resource, allowed};

operation! {
    /// Lists the templates that a project has approved, by name
    ListApprovals by list_approvals: Get "/v1/projects/{name}/approvals" of "projects",
    path: ProjectName, query: Paging,
    output: Found<Page<Approval>>,
    rights: [See Project, Approve Project],
}

async fn list_approvals(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListApprovals>,
) -> Answered<ListApprovals> {
    let (limit, project) = (asked.query.limit()?, asked.path);
    let (_, role) = service.project_for(caller, &project, Action::See).await?;
    let registry = &service.env.registry;
    let listed = registry.approvals(&project, limit, asked.query.cursor);
    let mut page: Page<Approval> = listed.await?.into();
    // A caller who may approve sees all of them, to be able to withdraw any.
    if allowed(Relation::of_role(role), Action::Approve, Resource::Project) {
        return Ok(Found::new(page));
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
    Ok(Found::new(page))
}

operation! {
    /// Approves a template for a project
    ApproveTemplate by approve_template: Put "/v1/projects/{name}/approvals/{template}" of "projects",
    path: (ProjectName, TemplateName), head: IfMatch,
    output: Found<Approval>,
    rights: [Approve Project, See Template],
}

async fn approve_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<ApproveTemplate>,
) -> Answered<ApproveTemplate> {
    let (project, template) = &asked.path;
    let approval = service.approve_template(caller, project, template, asked.head.0.as_ref());
    approval.await.map(Found::new)
}

impl Service {
    /// Approves a template for a project, if it is not approved yet.
    pub(in crate::operations) async fn approve_template(
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
        let event = of_project(self, caller, AuditAction::ProjectApprove, project)
            .with("template", template);
        let registry = &self.env.registry;
        let given =
            registry.change_approval(project, template, Some(&approval), &event, |stored| {
                as_expected(stored, expected)
            });
        Ok(given.await?.unwrap_or(approval))
    }
}

operation! {
    /// Withdraws a project's approval of a template
    DisapproveTemplate by disapprove_template: Delete "/v1/projects/{name}/approvals/{template}" of "projects",
    path: (ProjectName, TemplateName), head: IfMatch,
    output: NoContent,
    rights: [Approve Project],
}

async fn disapprove_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<DisapproveTemplate>,
) -> Answered<DisapproveTemplate> {
    let (project, template) = &asked.path;
    service
        .project_for(caller, project, Action::Approve)
        .await?;
    let event = of_project(service, caller, AuditAction::ProjectDisapprove, project)
        .with("template", template);
    let registry = &service.env.registry;
    let withdrawn = registry.change_approval(project, template, None, &event, |stored| {
        as_expected(stored, asked.head.0.as_ref())
    });
    withdrawn.await.map(|_| NoContent)
}
