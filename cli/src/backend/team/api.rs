//! The same over the HTTP API.

use async_trait::async_trait;
use hyper::Method;
use prism_functions::api::{PAGE_MOST as PAGE, Planned};
use prism_functions::domain::budget::BudgetRequest;
use prism_functions::domain::grant::Grant;
use prism_functions::domain::project::{Approval, Member, ProjectRole};
use prism_functions::domain::{Problem, ProjectName, TemplateName, UserId};
use prism_functions::operations::{
    MemberRequest, ProjectCosts, ProjectEdit, ProjectRequest, ProjectTemplateView, ProjectView,
    SharePlan, ShareRequest, Shared,
};
use serde_json::json;

use super::Team;
use crate::backend::api::{Api, Call, PAGES, encoded};

fn shares_path(name: &TemplateName) -> String {
    format!("/v1/templates/{name}/shares")
}

fn project_path(name: &ProjectName) -> String {
    format!("/v1/projects/{name}")
}

#[async_trait]
impl Team for Api {
    async fn plan_share(
        &self,
        name: &TemplateName,
        request: &ShareRequest,
    ) -> Result<SharePlan, Problem> {
        let call = Call::of(Method::POST, format!("{}?dry_run=true", shares_path(name)));
        let call = call.body(json!(request)).harmless();
        Ok(self.client.send(call).await?.json::<Planned<_>>()?.plan)
    }

    // The same again is the same share, member, approval or budget: none of these needs a key.
    async fn share(&self, name: &TemplateName, request: &ShareRequest) -> Result<Shared, Problem> {
        let call = Call::of(Method::POST, shares_path(name));
        let call = call.body(json!(request)).harmless();
        self.client.send(call).await?.json()
    }

    async fn unshare(&self, name: &TemplateName, request: &ShareRequest) -> Result<(), Problem> {
        let path = format!("{}?to={}", shares_path(name), encoded(&request.to));
        let call = Call::of(Method::DELETE, path);
        self.client.send(call).await.map(drop)
    }

    async fn shares(&self, name: &TemplateName) -> Result<Vec<Grant>, Problem> {
        Ok(self.list(&shares_path(name), PAGE * PAGES).await?.0)
    }

    async fn create_project(&self, request: ProjectRequest) -> Result<ProjectView, Problem> {
        let call = Call::of(Method::POST, "/v1/projects").body(json!(request));
        self.client.send(call).await?.json()
    }

    async fn projects(&self) -> Result<Vec<ProjectView>, Problem> {
        Ok(self.list("/v1/projects", PAGE * PAGES).await?.0)
    }

    async fn project(&self, name: &ProjectName) -> Result<ProjectView, Problem> {
        self.get(&project_path(name)).await
    }

    async fn edit_project(
        &self,
        name: &ProjectName,
        edit: &ProjectEdit,
    ) -> Result<ProjectView, Problem> {
        let call = Call::of(Method::PATCH, project_path(name));
        let call = call.body(json!(edit)).harmless();
        self.client.send(call).await?.json()
    }

    async fn delete_project(&self, name: &ProjectName) -> Result<(), Problem> {
        let call = Call::of(Method::DELETE, project_path(name));
        self.client.send(call).await.map(drop)
    }

    async fn members(
        &self,
        name: &ProjectName,
        limit: usize,
    ) -> Result<(Vec<Member>, bool), Problem> {
        let path = format!("{}/members", project_path(name));
        self.list(&path, limit).await
    }

    async fn add_member(
        &self,
        name: &ProjectName,
        user: &UserId,
        role: ProjectRole,
    ) -> Result<Member, Problem> {
        let user = user.clone();
        let call = Call::of(Method::POST, format!("{}/members", project_path(name)));
        let call = call.body(json!(MemberRequest { user, role })).harmless();
        self.client.send(call).await?.json()
    }

    async fn remove_member(&self, name: &ProjectName, user: &UserId) -> Result<(), Problem> {
        let user = encoded(user.as_str());
        let path = format!("{}/members?user={user}", project_path(name));
        let call = Call::of(Method::DELETE, path);
        self.client.send(call).await.map(drop)
    }

    async fn project_templates(
        &self,
        name: &ProjectName,
        limit: usize,
    ) -> Result<(Vec<ProjectTemplateView>, bool), Problem> {
        let path = format!("{}/templates", project_path(name));
        self.list(&path, limit).await
    }

    async fn approvals(
        &self,
        name: &ProjectName,
        limit: usize,
    ) -> Result<(Vec<Approval>, bool), Problem> {
        let path = format!("{}/approvals", project_path(name));
        self.list(&path, limit).await
    }

    async fn approve(
        &self,
        name: &ProjectName,
        template: &TemplateName,
    ) -> Result<Approval, Problem> {
        let path = format!("{}/approvals/{template}", project_path(name));
        let call = Call::of(Method::PUT, path).harmless();
        self.client.send(call).await?.json()
    }

    async fn disapprove(&self, name: &ProjectName, template: &TemplateName) -> Result<(), Problem> {
        let path = format!("{}/approvals/{template}", project_path(name));
        let call = Call::of(Method::DELETE, path);
        self.client.send(call).await.map(drop)
    }

    async fn set_budget(
        &self,
        name: &ProjectName,
        request: Option<&BudgetRequest>,
    ) -> Result<(), Problem> {
        let path = format!("{}/budget", project_path(name));
        let call = match request {
            Some(request) => Call::of(Method::PUT, path).body(json!(request)).harmless(),
            None => Call::of(Method::DELETE, path),
        };
        self.client.send(call).await.map(drop)
    }

    async fn project_costs(&self, name: &ProjectName) -> Result<ProjectCosts, Problem> {
        let path = format!("{}/costs?limit={PAGE}", project_path(name));
        let mut costs: ProjectCosts = self.get(&path).await?;
        while let Some(cursor) = costs.cursor.take() {
            let next = format!("{path}&cursor={}", encoded(&cursor));
            let next: ProjectCosts = self.get(&next).await?;
            costs.templates.extend(next.templates);
            costs.cursor = next.cursor;
        }
        costs.dearest_first();
        Ok(costs)
    }
}
