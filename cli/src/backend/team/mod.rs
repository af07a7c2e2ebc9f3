//! What commands ask for about others: sharing, projects, members, budgets.

mod api;
mod served;

use async_trait::async_trait;
use prism_functions::domain::budget::BudgetRequest;
use prism_functions::domain::grant::Grant;
use prism_functions::domain::project::{Approval, Member, ProjectRole};
use prism_functions::domain::{Problem, ProjectName, TemplateName, UserId};
use prism_functions::operations::{
    ProjectCosts, ProjectEdit, ProjectRequest, ProjectTemplateView, ProjectView, SharePlan,
    ShareRequest, Shared,
};

/// See the module. Lists come up to a limit, with whether there is more.
#[async_trait]
pub(crate) trait Team: Send + Sync {
    /// Says what sharing a template would do, and what to know before.
    async fn plan_share(
        &self,
        name: &TemplateName,
        request: &ShareRequest,
    ) -> Result<SharePlan, Problem>;

    /// Shares a template.
    async fn share(&self, name: &TemplateName, request: &ShareRequest) -> Result<Shared, Problem>;

    /// Takes a share back.
    async fn unshare(&self, name: &TemplateName, request: &ShareRequest) -> Result<(), Problem>;

    /// With whom a template is shared.
    async fn shares(&self, name: &TemplateName) -> Result<Vec<Grant>, Problem>;

    /// Makes a project.
    async fn create_project(&self, request: ProjectRequest) -> Result<ProjectView, Problem>;

    /// The caller's projects.
    async fn projects(&self) -> Result<Vec<ProjectView>, Problem>;

    /// A project.
    async fn project(&self, name: &ProjectName) -> Result<ProjectView, Problem>;

    /// Changes a project.
    async fn edit_project(
        &self,
        name: &ProjectName,
        edit: &ProjectEdit,
    ) -> Result<ProjectView, Problem>;

    /// Deletes a project.
    async fn delete_project(&self, name: &ProjectName) -> Result<(), Problem>;

    /// The members of a project.
    async fn members(
        &self,
        name: &ProjectName,
        limit: usize,
    ) -> Result<(Vec<Member>, bool), Problem>;

    /// Adds somebody to a project, or gives them another role.
    async fn add_member(
        &self,
        name: &ProjectName,
        user: &UserId,
        role: ProjectRole,
    ) -> Result<Member, Problem>;

    /// Takes somebody out of a project.
    async fn remove_member(&self, name: &ProjectName, user: &UserId) -> Result<(), Problem>;

    /// The templates of a project.
    async fn project_templates(
        &self,
        name: &ProjectName,
        limit: usize,
    ) -> Result<(Vec<ProjectTemplateView>, bool), Problem>;

    /// The templates that a project has approved.
    async fn approvals(
        &self,
        name: &ProjectName,
        limit: usize,
    ) -> Result<(Vec<Approval>, bool), Problem>;

    /// Approves a template for a project.
    async fn approve(
        &self,
        name: &ProjectName,
        template: &TemplateName,
    ) -> Result<Approval, Problem>;

    /// Withdraws the approval of a template.
    async fn disapprove(&self, name: &ProjectName, template: &TemplateName) -> Result<(), Problem>;

    /// Sets a project's budget, or lifts it.
    async fn set_budget(
        &self,
        name: &ProjectName,
        request: Option<&BudgetRequest>,
    ) -> Result<(), Problem>;

    /// What a project costs.
    async fn project_costs(&self, name: &ProjectName) -> Result<ProjectCosts, Problem>;
}
