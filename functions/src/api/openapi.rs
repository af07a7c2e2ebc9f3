//! The OpenAPI document: its head, the problems that routes share, and its own route.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, LicenseBuilder, OpenApi,
    OpenApiBuilder, Ref, RefOr, Required, Response, ResponseBuilder, SecurityRequirement,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::{Api, PROBLEM_JSON, ProblemBody, config};
use crate::operations::{self, Entry, Method};

const PATH: &str = "/v1/openapi.json";

/// Returns the document, with all routes.
pub fn document() -> OpenApi {
    let mut document = head();
    config::describe(&mut document);
    add_operations(&mut document);
    document
}

/// Returns the document without routes.
fn head() -> OpenApi {
    let license = LicenseBuilder::new()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"));
    let info = InfoBuilder::new()
        .title("Prism")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Saves running EC2 instances as versioned templates that can be launched again.",
        ))
        .license(Some(license.build()));
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of the deployment's identity provider."));
    let signed = ApiKeyValue::with_description(
        "Authorization",
        "AWS Signature Version 4 for the service execute-api.",
    );
    let components = ComponentsBuilder::new()
        .schema(ProblemBody::name(), ProblemBody::schema())
        .security_scheme("bearer", SecurityScheme::Http(bearer.build()))
        .security_scheme("sigv4", SecurityScheme::ApiKey(ApiKey::Header(signed)));
    let none: [&str; 0] = [];
    OpenApiBuilder::new()
        .info(info.build())
        .components(Some(components.build()))
        .security(Some([
            SecurityRequirement::new("bearer", none),
            SecurityRequirement::new("sigv4", none),
        ]))
        .build()
}

/// Returns the route of the document. It requires no authentication, because the document contains nothing
/// confidential.
pub(super) fn route(document: &OpenApi) -> Router<Api> {
    let text = document.to_json().expect("the document serializes to JSON");
    let answer = move || async move { ([(CONTENT_TYPE, "application/json")], text) };
    Router::new().route(PATH, get(answer))
}

fn add_operations(document: &mut OpenApi) {
    let mut schemas = Vec::new();
    for entry in operations::ALL {
        document
            .paths
            .add_path_operation(entry.path, vec![method(entry.method)], operation(entry));
        (entry.schemas)(&mut schemas);
    }
    let components = document.components.get_or_insert_default();
    components.schemas.extend(schemas);
}

fn method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Put => HttpMethod::Put,
        Method::Patch => HttpMethod::Patch,
        Method::Delete => HttpMethod::Delete,
    }
}

fn operation(entry: &Entry) -> Operation {
    let text = plain(entry.text);
    let (summary, description) = match text.split_once("\n\n") {
        Some((summary, description)) => (summary, Some(description)),
        None => (text.as_str(), None),
    };
    let parameters = (entry.parameters)();
    let body = (entry.body)().map(|schema| {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let body = RequestBodyBuilder::new().content("application/json", content);
        body.required(Some(Required::True)).build()
    });
    OperationBuilder::new()
        .tag(entry.tag)
        .operation_id(Some(entry.id))
        .summary(Some(summary))
        .description(description)
        .parameters((!parameters.is_empty()).then_some(parameters))
        .request_body(body)
        .responses(responses(entry))
        .build()
}

fn plain(comment: &str) -> String {
    let lines = comment
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

fn responses(entry: &Entry) -> utoipa::openapi::Responses {
    let missing = entry.may_miss.then_some(NAMED);
    let bodies = entry.has_body.then_some(BODIES).into_iter().flatten();
    let conditions = [OTHERWISE, CONDITION].into_iter();
    let conditions = conditions.filter(|(status, _)| entry.conditions.contains(status));
    let mut all = problems(missing.into_iter().chain(bodies).chain(conditions));
    let mut answers = BTreeMap::new();
    for one in (entry.answers)() {
        // A response with several media types is described by each of them.
        let response = answers.remove(&one.status);
        let mut response =
            response.unwrap_or_else(|| ResponseBuilder::new().description(one.means));
        if let Some((kind, schema)) = one.content {
            response = response.content(kind, ContentBuilder::new().schema(Some(schema)).build());
        }
        answers.insert(one.status, response);
    }
    for (status, response) in answers {
        all.insert(status.to_string(), response.build().into());
    }
    let mut responses = utoipa::openapi::Responses::new();
    responses.responses = all;
    responses
}

type Responses = BTreeMap<String, RefOr<Response>>;

const ALWAYS: [(u16, &str); 7] = [
    (400, "The request is not valid; the problem names the rule"),
    (401, "The request is not authenticated"),
    (403, "You do not have permission to do this"),
    // Operations that only read can return it too, if AWS denies Prism the access.
    (
        409,
        "The current state does not allow the request; nothing was changed",
    ),
    (500, "An internal error in Prism"),
    (502, "AWS refused the request, or an operation failed"),
    (
        503,
        "A temporary error: retry after the number of seconds in `Retry-After`",
    ),
];
const NAMED: (u16, &str) = (404, "The resource does not exist, or you may not see it");
const BODIES: [(u16, &str); 2] = [
    (413, "The body is too large"),
    (415, "The content type of the body is not JSON"),
];

const OTHERWISE: (u16, &str) = (412, "The record has changed since it was read");
const CONDITION: (u16, &str) = (428, "The header `If-Match` is missing");

fn problems(statuses: impl IntoIterator<Item = (u16, &'static str)>) -> Responses {
    let schema = Ref::from_schema_name(ProblemBody::name());
    let statuses = ALWAYS.into_iter().chain(statuses);
    let problem = |(status, means): (u16, &str)| {
        let content = ContentBuilder::new().schema(Some(schema.clone())).build();
        let response = ResponseBuilder::new()
            .description(means)
            .content(PROBLEM_JSON, content);
        (status.to_string(), RefOr::T(response.build()))
    };
    statuses.map(problem).collect()
}
