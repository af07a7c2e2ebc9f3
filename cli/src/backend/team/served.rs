//! The same on a service in this process.

use async_trait::async_trait;
use prism_functions::domain::budget::BudgetRequest;
use prism_functions::domain::grant::Grant;
use prism_functions::domain::project::{Approval, Member, ProjectRole};
use prism_functions::domain::{Problem, ProjectName, TemplateName, UserId};
use prism_functions::operations::{
    ProjectCosts, ProjectEdit, ProjectRequest, ProjectTemplateView, ProjectView, SharePlan,
    ShareRequest, Shared,
};
use prism_functions::registry::Listed;

use super::Team;
use crate::backend::served::Served;

#[async_trait]
impl<S: Served> Team for S {
    async fn plan_share(
        &self,
        name: &TemplateName,
        request: &ShareRequest,
    ) -> Result<SharePlan, Problem> {
        let service = self.service();
        service.plan_share(self.caller(), name, request, None).await
    }

    async fn share(&self, name: &TemplateName, request: &ShareRequest) -> Result<Shared, Problem> {
        self.service()
            .share(self.caller(), name, request, None)
            .await
    }

    async fn unshare(&self, name: &TemplateName, request: &ShareRequest) -> Result<(), Problem> {
        let taken_back = self.service().unshare(self.caller(), name, request, None);
        taken_back.await.map(drop)
    }

    async fn shares(&self, name: &TemplateName) -> Result<Vec<Grant>, Problem> {
        self.service().shares(self.caller(), name).await
    }

    async fn create_project(&self, request: ProjectRequest) -> Result<ProjectView, Problem> {
        self.service().create_project(self.caller(), request).await
    }

    async fn projects(&self) -> Result<Vec<ProjectView>, Problem> {
        self.service().projects(self.caller()).await
    }

    async fn project(&self, name: &ProjectName) -> Result<ProjectView, Problem> {
        self.service().project(self.caller(), name).await
    }

    async fn edit_project(
        &self,
        name: &ProjectName,
        edit: &ProjectEdit,
    ) -> Result<ProjectView, Problem> {
        self.service()
            .edit_project(self.caller(), name, edit, None)
            .await
    }

    async fn delete_project(&self, name: &ProjectName) -> Result<(), Problem> {
        self.service()
            .delete_project(self.caller(), name, None)
            .await
    }

    async fn members(
        &self,
        name: &ProjectName,
        limit: usize,
    ) -> Result<(Vec<Member>, bool), Problem> {
        let listed = self.service().members(self.caller(), name, limit, None);
        listed.await.map(part)
    }

    async fn add_member(
        &self,
        name: &ProjectName,
        user: &UserId,
        role: ProjectRole,
    ) -> Result<Member, Problem> {
        let service = self.service();
        service
            .add_member(self.caller(), name, user, role, None)
            .await
    }

    async fn remove_member(&self, name: &ProjectName, user: &UserId) -> Result<(), Problem> {
        let service = self.service();
        service.remove_member(self.caller(), name, user, None).await
    }

    async fn project_templates(
        &self,
        name: &ProjectName,
        limit: usize,
    ) -> Result<(Vec<ProjectTemplateView>, bool), Problem> {
        let (service, caller) = (self.service(), self.caller());
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let wanted = limit - items.len();
            let page = service.project_templates(caller, name, wanted, cursor);
            let page = page.await?;
            items.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() || items.len() >= limit {
                return Ok((items, cursor.is_some()));
            }
        }
    }

    async fn approvals(
        &self,
        name: &ProjectName,
        limit: usize,
    ) -> Result<(Vec<Approval>, bool), Problem> {
        let listed = self.service().approvals(self.caller(), name, limit, None);
        listed.await.map(part)
    }

    async fn approve(
        &self,
        name: &ProjectName,
        template: &TemplateName,
    ) -> Result<Approval, Problem> {
        self.service()
            .approve(self.caller(), name, template, None)
            .await
    }

    async fn disapprove(&self, name: &ProjectName, template: &TemplateName) -> Result<(), Problem> {
        let service = self.service();
        service
            .disapprove(self.caller(), name, template, None)
            .await
    }

    async fn set_budget(
        &self,
        name: &ProjectName,
        request: Option<&BudgetRequest>,
    ) -> Result<(), Problem> {
        let set = self
            .service()
            .set_budget(self.caller(), name, request, None);
        set.await.map(drop)
    }

    async fn project_costs(&self, name: &ProjectName) -> Result<ProjectCosts, Problem> {
        self.service().project_costs(self.caller(), name).await
    }
}

fn part<T>(listed: Listed<T>) -> (Vec<T>, bool) {
    let more = listed.cursor.is_some();
    (listed.items, more)
}
