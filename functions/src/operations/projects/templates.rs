//! The templates of a project: those that belong to it, and those that were shared with it.

use serde::{Deserialize, Serialize};

use crate::domain::grant::{Grant, GrantState, Grantee};
use crate::domain::project::ProjectRole;
use crate::domain::template::{Template, Visibility};
use crate::domain::{Code, Problem, ProjectName, TemplateName};
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Found, Page, Paging};
use crate::operations::templates::summary;
use crate::operations::{Asked, Service, TemplateSummary};
use crate::rules::access::{Action, Caller};

/// The prefix of cursors in the part of the list that was shared with the project.
const GIVEN: &str = "given-";
/// The prefix of cursors in the part of the list that belongs to the project.
const OWN: &str = "own-";

/// A template in the list of a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProjectTemplateView {
    /// The template.
    pub template: TemplateSummary,
    /// Whether the template belongs to the project, which then pays for it. Otherwise it was shared with the project.
    pub belongs: bool,
    /// Whether the project has approved the template.
    pub approved: bool,
}

operation! {
    /// Lists the templates of a project that you may see
    ///
    /// Templates that belong to the project come first, followed by those that were shared with it. A page may contain
    /// fewer items than requested, or none, even if more pages follow.
    ListProjectTemplates by list_project_templates: Get "/v1/projects/{name}/templates" of "projects",
    path: ProjectName, query: Paging,
    output: Found<Page<ProjectTemplateView>>,
    rights: [See Project],
}

async fn list_project_templates(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListProjectTemplates>,
) -> Answered<ListProjectTemplates> {
    let (limit, project) = (asked.query.limit()?, &asked.path);
    let (_, role) = service.project_for(caller, project, Action::See).await?;
    let cursor = asked.query.cursor.as_deref();
    let inner = |prefix| cursor.and_then(|text| text.strip_prefix(prefix));
    if let Some(rest) = inner(GIVEN) {
        let rest = (!rest.is_empty()).then(|| rest.to_owned());
        return service.given(project, limit, rest).await.map(Found::new);
    }
    let rest = inner(OWN).map(str::to_owned);
    if cursor.is_some() && rest.is_none() {
        let message = "The cursor is not valid for this list.";
        return Err(Problem::new(Code::InvalidInput, message));
    }
    let registry = &service.env.registry;
    let places = registry.templates_of_project(project, limit, rest).await?;
    let mut items = Vec::new();
    for place in places.items {
        let Some(template) = service.template_of(&place.template).await? else {
            continue;
        };
        if service.sees(caller, role, &template).await? {
            items.push(service.listed(project, &template, true).await?);
        }
    }
    let cursor = places.cursor.map(|cursor| format!("{OWN}{cursor}"));
    Ok(Found::new(Page {
        items,
        cursor: cursor.or_else(|| Some(GIVEN.to_owned())),
    }))
}

impl Service {
    async fn given(
        &self,
        project: &ProjectName,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Page<ProjectTemplateView>, Problem> {
        let registry = &self.env.registry;
        let given = Grantee::Project(project.clone());
        let grants = registry.given_to(&given, limit, cursor).await?;
        let mut items = Vec::new();
        let open = |grant: &&Grant| grant.state == GrantState::Open;
        for grant in grants.items.iter().filter(open) {
            let Some(template) = self.template_of(&grant.template).await? else {
                continue;
            };
            // Those that belong to the project are already listed.
            if template.project.as_ref() != Some(project) {
                items.push(self.listed(project, &template, false).await?);
            }
        }
        Ok(Page {
            items,
            cursor: grants.cursor.map(|cursor| format!("{GIVEN}{cursor}")),
        })
    }

    async fn template_of(&self, name: &TemplateName) -> Result<Option<Template>, Problem> {
        let stored = self.env.registry.template(name).await?;
        Ok(stored.map(|stored| stored.value))
    }

    /// Returns whether a caller with that role in the project sees a template. Most cases need no further read.
    pub(super) async fn sees(
        &self,
        caller: &Caller,
        role: ProjectRole,
        template: &Template,
    ) -> Result<bool, Problem> {
        let open = template.visibility == Visibility::Public;
        if role.manages() || open || template.owner == caller.user {
            return Ok(true);
        }
        caller.sees_in_list(&self.env.registry, template).await
    }

    async fn listed(
        &self,
        project: &ProjectName,
        template: &Template,
        belongs: bool,
    ) -> Result<ProjectTemplateView, Problem> {
        let registry = &self.env.registry;
        let approval = registry.approval(project, &template.name).await?;
        Ok(ProjectTemplateView {
            template: summary(template, self.env.clock.now()),
            belongs,
            approved: approval.is_some(),
        })
    }
}
