//! The paths under which the API has templates, and what is asked of them.

use std::fmt::Write as _;

use hyper::Method;
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::{Problem, TemplateName};
use prism_functions::operations::{
    ImportRequest, TemplateEdit, TemplateFilter, TemplateSummary, TemplateView,
};
use prism_functions::registry::Listed;
use serde_json::json;

use super::{Api, Call, Page, encoded};
use crate::backend::Backend as _;

/// A page of the list.
pub(super) async fn list(
    api: &Api,
    filter: &TemplateFilter,
    limit: usize,
    cursor: Option<String>,
) -> Result<Listed<TemplateSummary>, Problem> {
    let page: Page<TemplateSummary> = api.get(&list_path(filter, limit, cursor)).await?;
    Ok(Listed {
        items: page.items,
        cursor: page.cursor,
    })
}

fn list_path(filter: &TemplateFilter, limit: usize, cursor: Option<String>) -> String {
    let mut path = format!("/v1/templates?limit={limit}");
    let project = filter.project.as_ref().map(ToString::to_string);
    let architecture = filter.architecture.map(|it| it.as_str().to_owned());
    for (name, value) in [
        ("mine", filter.mine.then(|| "true".to_owned())),
        ("public", filter.public.then(|| "true".to_owned())),
        ("project", project),
        ("search", filter.search.clone()),
        ("arch", architecture),
        ("cursor", cursor),
    ] {
        if let Some(value) = value {
            let _ = write!(path, "&{name}={}", encoded(&value));
        }
    }
    path
}

/// Where a template is, or a version of it.
pub(super) fn path(reference: &TemplateRef) -> String {
    let name = &reference.name;
    match reference.version {
        Some(number) => format!("/v1/templates/{name}/versions/{number}"),
        None => format!("/v1/templates/{name}"),
    }
}

/// Where something about a version is. Of a built-in template, which has none, the API says so when
/// it is asked for the first.
pub(super) async fn numbered(
    api: &Api,
    reference: &TemplateRef,
    what: &str,
) -> Result<String, Problem> {
    let number = match reference.version {
        Some(number) => number,
        None => match api.template(reference).await? {
            TemplateView::Saved { template, .. } => template.latest,
            TemplateView::BuiltIn { .. } => 1,
        },
    };
    let name = &reference.name;
    Ok(format!("/v1/templates/{name}/versions/{number}/{what}"))
}

/// Where the difference of two versions is.
pub(super) fn diff_path(from: &TemplateRef, to: &TemplateRef) -> String {
    let version = from.version.map(|number| number.to_string());
    let version = version.unwrap_or_else(|| "latest".to_owned());
    let with = encoded(&to.to_string());
    let name = &from.name;
    format!("/v1/templates/{name}/versions/{version}/diff?with={with}")
}

/// To a version that is named, twice is no more than once.
pub(super) fn rollback(name: &TemplateName, to: Option<u32>, publish_sensitive: bool) -> Call {
    let path = format!("/v1/templates/{name}/rollback?publish_sensitive={publish_sensitive}");
    match to {
        Some(number) => Call::of(Method::POST, format!("{path}&to={number}")).harmless(),
        None => Call::of(Method::POST, path),
    }
}

/// Decided on by a revision, it is done once; whatever there is, as often as it is asked for.
pub(super) fn edit(reference: &TemplateRef, edit: &TemplateEdit, revision: Option<u64>) -> Call {
    let tag = revision.map_or("*".to_owned(), |revision| format!("\"{revision}\""));
    let call = Call::of(Method::PATCH, path(reference)).body(json!(edit));
    call.if_match(tag)
}

/// The same file twice is one version.
pub(super) fn import(name: &TemplateName, request: &ImportRequest, dry_run: bool) -> Call {
    let path = format!("/v1/templates/{name}/import?dry_run={dry_run}");
    let call = Call::of(Method::POST, path).body(json!(request));
    call.harmless()
}

/// Twice is no more than once.
pub(super) fn deprecate(reference: &TemplateRef, deprecated: bool) -> Call {
    let what = if deprecated { "deprecate" } else { "restore" };
    Call::of(Method::POST, format!("{}/{what}", path(reference))).harmless()
}

/// A deletion that was begun is not there to be deleted again: it is asked for once.
pub(super) fn delete(reference: &TemplateRef, dry_run: bool, force: bool) -> Call {
    let path = path(reference);
    let call = Call::of(
        Method::DELETE,
        format!("{path}?dry_run={dry_run}&force={force}"),
    );
    if dry_run { call } else { call.once() }
}
