//! Shares as callers ask for them: list, make, take back.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::parts::{Created, DryRun, Either, Found, IfMatch, Json, NoContent, Page, Paging, Trial};
use super::{Asked, Service, SharePlan, ShareRequest, Shared};
use crate::domain::TemplateName;
use crate::domain::grant::{Grant, Grantee};
use crate::operations::operation::{Answered, operation};
use crate::rules::access::Caller;

operation! {
    /// With whom a template is shared
    ///
    /// For its owner, and for those who manage its project.
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
    /// Share a template
    ///
    /// With a user or a project of this deployment, another AWS account, an organisation, or everybody as
    /// far as the deployment means that. Accounts and organisations may then launch the AMIs of all of its
    /// versions, in every Region, and of those that come. With `dry_run`, it tells what to know before.
    ShareTemplate by share_template: Post "/v1/templates/{name}/shares" of "shares",
    path: TemplateName, query: DryRun, head: IfMatch, body: Json<ShareRequest>,
    output: Trial<SharePlan, Created<Shared>>,
    // The same again is the same.
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

/// With whom it is shared.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SharedWith {
    /// Who has it no more.
    // A text, as in the request to share: it may say what only the deployment or the template can resolve.
    #[param(value_type = Grantee)]
    pub to: String,
}

operation! {
    /// Take a share back
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
