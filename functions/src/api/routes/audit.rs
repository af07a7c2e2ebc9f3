//! `/v1/audit`.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::identity::Authenticated;
use crate::api::input::Params;
use crate::api::openapi::Reading;
use crate::api::{Api, Page, Refused};
use crate::domain::audit::{AuditEvent, Subject};
use crate::domain::{Problem, ProjectName, UserId};
use crate::operations::AuditFilter;
use crate::operations::parts::Paging;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which page of which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditPage {
    /// Those about this thing, which you own, or whose project you manage.
    #[param(value_type = Option<Subject>)]
    resource: Option<String>,
    /// Those of this project, which you manage.
    #[param(value_type = Option<ProjectName>)]
    project: Option<String>,
    /// Those of this user. Without a thing or a project it can only be you.
    #[param(value_type = Option<UserId>)]
    user: Option<String>,
    /// The most items of the page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Where the page begins: the cursor of the page before.
    cursor: Option<String>,
}

impl AuditPage {
    fn filter(&self) -> Result<AuditFilter, Problem> {
        Ok(AuditFilter {
            resource: self.resource.as_deref().map(str::parse).transpose()?,
            project: self.project.as_deref().map(str::parse).transpose()?,
            user: self.user.as_deref().map(str::parse).transpose()?,
        })
    }
}

/// Who changed what, when and from where, the newest first
///
/// Without a filter it is what you did yourself. A page of a filtered list may have fewer items than
/// were asked for, or none, and yet another page behind it.
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "list_audit_events", tag = "audit", params(AuditPage),
    responses((status = 200, description = "So it stands", body = Page<AuditEvent>), Reading)
)]
async fn list(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Params(asked): Params<AuditPage>,
) -> Result<Json<Page<AuditEvent>>, Refused> {
    let filter = asked.filter()?;
    let paging = Paging::new(asked.limit, asked.cursor);
    let limit = paging.limit()?;
    let events = api
        .service
        .audit_events(&caller, &filter, limit, paging.cursor);
    Ok(Json(events.await?.into()))
}
