//! The operations on shares: list, create and revoke.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::parts::{Created, DryRun, Either, Found, IfMatch, Json, NoContent, Page, Paging, Trial};
use super::share_checks::{IMAGES, Which, closed_at_once, targets};
use super::share_opening::{as_expected, share_failed};
use super::sharing::Unshared;
use super::versions::changed_meanwhile;
use super::{Asked, Service, SharePlan, ShareRequest, Shared};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::grant::{Grant, Grantee};
use crate::domain::{Code, Problem, TemplateName};
use crate::operations::operation::{Answered, operation};
use crate::registry::TRIES;
use crate::rules::access::{Action, Caller};

operation! {
    /// Lists the shares of a template
    ///
    /// Only the owner of the template and those who manage its project can list its shares.
    ListShares by list_shares: Get "/v1/templates/{name}/shares" of "shares",
    path: TemplateName, query: Paging,
    output: Found<Page<Grant>>,
    rights: [SeeShares Template],
}

async fn list_shares(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListShares>,
) -> Answered<ListShares> {
    let (name, paging) = (asked.path, asked.query);
    paging.limit()?;
    service.shareable(caller, &name, Action::SeeShares).await?;
    let mut all = service.env.registry.grants(&name).await?;
    // The AMIs of this template may be open in EC2 because of grants of other templates.
    all.extend(service.openings_by_others(&name).await?);
    let key = |grant: &Grant| [grant.to.to_string(), String::new()];
    let page = paging.of(&format!("shares {name}"), all, key);
    page.map(Found::new)
}

operation! {
    /// Shares a template
    ///
    /// A template can be shared with a user or a project of this deployment, another AWS account, an organization, or
    /// everyone within the deployment's public scope. Accounts and organizations can then launch the AMIs of all of its
    /// current and future versions, in every Region. With `approve`, a template that is shared with a project is also
    /// approved for it; should that fail, the template is shared already, and the request can be repeated. With `dry_run`, the plan and its warnings are returned and nothing
    /// is shared.
    ShareTemplate by share_template: Post "/v1/templates/{name}/shares" of "shares",
    path: TemplateName, query: DryRun, head: IfMatch, body: Json<ShareRequest>,
    output: Trial<SharePlan, Created<Shared>>,
    rights: [Share Template, SeeShares Template, Open Template, Contribute Project, Approve Project, See Template],
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
    for _ in 0..TRIES {
        match service.share_once(caller, name, request, expected).await {
            // A version was registered since the check, or somebody else shared the template.
            Err(Unshared::Changed) => {}
            Err(Unshared::Problem(problem)) => return Err(problem),
            Ok(mut shared) => {
                if let (true, Grantee::Project(project)) = (request.approve, &shared.grant.to) {
                    service
                        .approve_template(caller, project, name, None)
                        .await?;
                    shared.approved = true;
                }
                if !shared.repeated {
                    service.tell_shared(caller, &shared).await;
                }
                return Ok(Either::Other(Created::new(shared)));
            }
        }
    }
    Err(changed_meanwhile(name))
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
    rights: [Share Template],
}

async fn unshare_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<UnshareTemplate>,
) -> Answered<UnshareTemplate> {
    let (name, expected) = (&asked.path, asked.head.0.as_ref());
    let named = service.named(&asked.query.to)?;
    let stored = service.shareable(caller, name, Action::Share).await?;
    as_expected(&stored, expected)?;
    let to = named.map_or_else(|| service.colleagues(&stored.value), Ok)?;
    let registry = &service.env.registry;
    let grants = registry.grants(name).await?;
    let Some(grant) = grants.into_iter().find(|grant| grant.to == to) else {
        let message = format!("The template {name} is not shared with {to}.");
        return Err(Problem::new(Code::ShareNotFound, message));
    };
    let event = service.event(
        caller,
        AuditAction::TemplateUnshare,
        Subject::Template(name.clone()),
    );
    let event = event.with("to", &to);
    if grant.launch.is_none() {
        service.remove_grant(name, &to, &event, expected).await?;
        return Ok(NoContent);
    }
    service.closing(&grant, &event, expected).await?;
    let newest = grant
        .closed_from
        .map_or(u32::MAX, |from| from.saturating_sub(1));
    let left = targets(registry, name, Which::Between(0, newest)).await?;
    let oldest = closed_at_once(&left);
    let part = Which::Between(oldest.unwrap_or(0), newest);
    let failed = service.agree_on(&grant, part).await?;
    if !failed.is_empty() {
        let rest = "Everywhere else, the share is revoked. Repeat the request.";
        return Err(share_failed(name, "taken back", &failed, rest));
    }
    let Some(oldest) = oldest else {
        service.closed(name, &to).await?;
        return Ok(NoContent);
    };
    service.closed_so_far(name, &to, oldest).await?;
    let still = left.iter().filter(|target| target.version < oldest);
    let message = format!(
        "{} AMIs of the template {name} are still open to {to}, because about {IMAGES} are closed at a time.",
        still.count()
    );
    Err(Problem::new(Code::ShareFailed, message))
}
