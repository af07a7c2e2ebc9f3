//! The operations on shares: list, create and revoke.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::parts::{Created, DryRun, Either, Found, IfMatch, Json, NoContent, Page, Paging, Trial};
use super::{Asked, Service, SharePlan, ShareRequest, Shared};
use crate::domain::TemplateName;
use crate::domain::grant::{Grant, Grantee};
use crate::operations::operation::{Answered, operation};
use crate::rules::access::Caller;

operation! {
    /// Lists the shares of a template
    ///
    /// Only the owner of the template and those who manage its project can list its shares.
    ListShares by list_shares: Get "/v1/templates/{name}/shares" of "shares",
    path: TemplateName, query: Paging,
    output: Found<Page<Grant>>,
}

async fn list_shares(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListShares>,
) -> Answered<ListShares> {
    let (name, paging) = (asked.path, asked.query);
    paging.limit()?;
    let all = service.shares(caller, &name).await?;
    let key = |grant: &Grant| [grant.to.to_string(), String::new()];
    let page = paging.of(&format!("shares {name}"), all, key);
    page.map(Found::new)
}

operation! {
    /// Shares a template
    ///
    /// A template can be shared with a user or a project of this deployment, another AWS account, an organization, or
    /// everyone within the deployment's public scope. Accounts and organizations can then launch the AMIs of all of its
    /// current and future versions, in every Region. With `dry_run`, the plan and its warnings are returned and nothing
    /// is shared.
    ShareTemplate by share_template: Post "/v1/templates/{name}/shares" of "shares",
    path: TemplateName, query: DryRun, head: IfMatch, body: Json<ShareRequest>,
    output: Trial<SharePlan, Created<Shared>>,
    // Repeating it changes nothing.
    repeatable: |_| true,
}

async fn share_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<ShareTemplate>,
) -> Answered<ShareTemplate> {
    let (name, Json(request)) = (&asked.path, &asked.body);
    let expected = asked.head.0.as_ref();
    if asked.query.dry_run {
        let plan = service.plan_share(caller, name, request, expected);
        return plan.await.map(Trial::plan);
    }
    let shared = service.share(caller, name, request, expected).await?;
    Ok(Either::Other(Created::new(shared)))
}

/// The query that names a grantee.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SharedWith {
    /// The grantee whose share is revoked.
    // A text, as in the request to share: some values can only be resolved by the deployment or the template.
    #[param(value_type = Grantee)]
    pub to: String,
}

operation! {
    /// Revokes a share of a template
    UnshareTemplate by unshare_template: Delete "/v1/templates/{name}/shares" of "shares",
    path: TemplateName, query: SharedWith, head: IfMatch,
    output: NoContent,
}

async fn unshare_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<UnshareTemplate>,
) -> Answered<UnshareTemplate> {
    let request = ShareRequest {
        to: asked.query.to,
        publish_sensitive: false,
    };
    let expected = asked.head.0.as_ref();
    let taken_back = service.unshare(caller, &asked.path, &request, expected);
    taken_back.await.map(|_| NoContent)
}
