//! Which templates a project has approved.

use crate::domain::audit::Subject;
use crate::domain::project::Approval;
use crate::domain::template::TemplateRef;
use crate::domain::{Problem, ProjectName, TemplateName};
use crate::registry::Listed;
use crate::service::Service;
use crate::service::access::{Action, Caller};

impl Service {
    /// The templates that a project has approved, by name; `limit` is 1 to 1,000.
    pub async fn approvals(
        &self,
        caller: &Caller,
        project: &ProjectName,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Approval>, Problem> {
        self.project_for(caller, project, Action::See).await?;
        self.env.registry.approvals(project, limit, cursor).await
    }

    /// Approves a template, which the caller can see, for a project. The same again is the same.
    pub async fn approve(
        &self,
        caller: &Caller,
        project: &ProjectName,
        template: &TemplateName,
    ) -> Result<Approval, Problem> {
        self.project_for(caller, project, Action::Approve).await?;
        let newest = TemplateRef {
            name: template.clone(),
            version: None,
        };
        self.template(caller, &newest).await?;
        let registry = &self.env.registry;
        if let Some(before) = registry.approval(project, template).await? {
            return Ok(before);
        }
        let approval = Approval {
            template: template.clone(),
            by: caller.user.clone(),
            at: self.env.clock.now(),
        };
        let event = self
            .event(caller, "project.approve", Subject::Project(project.clone()))
            .of_project(Some(project))
            .with("template", template);
        let mark = self.entropy.next();
        registry
            .set_approval(project, template, Some(&approval), &event, mark)
            .await?;
        Ok(approval)
    }

    /// Withdraws an approval; one that was never given is no error.
    pub async fn disapprove(
        &self,
        caller: &Caller,
        project: &ProjectName,
        template: &TemplateName,
    ) -> Result<(), Problem> {
        self.project_for(caller, project, Action::Approve).await?;
        let registry = &self.env.registry;
        if registry.approval(project, template).await?.is_none() {
            return Ok(());
        }
        let subject = Subject::Project(project.clone());
        let event = self
            .event(caller, "project.disapprove", subject)
            .of_project(Some(project))
            .with("template", template);
        let mark = self.entropy.next();
        registry
            .set_approval(project, template, None, &event, mark)
            .await
    }
}
