//! The HTTP API behind API Gateway: converts HTTP API events (payload version 2.0) into requests, and responses back.
//!
//! The event types are lambda_http's, but the conversion into a request is Prism's own. API Gateway decodes the path,
//! and lambda_http puts it into a URL unchanged, so that `a%23b` would become `a` followed by a fragment: the caller
//! would stop a different instance from the one that was named.

use std::fmt::Write as _;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;

use super::config::Config;
use super::panics;
use crate::api::{Anonymous, Api, Authenticated, PROBLEM_JSON, Portal, ProblemBody, RequestId};
use crate::domain::audit::Origin;
use crate::domain::ids::shown;
use crate::domain::principal::{IamIdentity, user_of_arn};
use crate::domain::{Code, Problem, UserId};
use crate::operations::Service;
use crate::rules::access::Caller;

/// The maximum size of a response, in bytes: Lambda's limit.
const ANSWER_BYTES: usize = 6 * 1024 * 1024;
/// The claim that says whether the claim `email` is verified.
const EMAIL_VERIFIED: &str = "email_verified";
/// The prefix of users that are IAM principals.
const IAM_USERS: &str = "iam:";

/// The API, and the rules that identify its users.
pub(super) struct Gateway {
    router: Router,
    user_claim: String,
    iam_identity: IamIdentity,
}

impl Gateway {
    pub(super) fn new(service: &Service, config: &Config) -> Self {
        let settings = &service.env.settings;
        let mut api = Api::new(service.clone());
        // Without an issuer there are no routes to the files, and nobody could sign in.
        if let Some(sign_in) = &settings.sign_in {
            api = api.with_portal(Portal::deployed(&sign_in.origins()));
        }
        Self {
            router: api.router(),
            user_claim: config.user_claim.clone(),
            iam_identity: config.iam_identity,
        }
    }

    /// Handles an event. Fails only if the event is not one of an HTTP API: whoever asked gets a response even after a
    /// panic.
    pub(super) async fn answer(&self, event: Value) -> Result<Value, Problem> {
        let id = request_id(&event).unwrap_or_default().to_owned();
        let answered = panics::caught(self.respond(event)).await;
        answered.unwrap_or_else(|_| Ok(broken(&id)))
    }

    async fn respond(&self, mut event: Value) -> Result<Value, Problem> {
        let (user, origin) = (self.user(&event), origin(&event));
        texts(&mut event);
        let event: ApiGatewayV2httpRequest = serde_json::from_value(event).map_err(no_event)?;
        let mut request = request(event)?;
        match user.transpose() {
            Ok(Some(user)) => {
                let caller = Authenticated(Caller { user, origin });
                request.extensions_mut().insert(caller);
            }
            Ok(None) => {}
            Err(problem) => {
                request.extensions_mut().insert(Anonymous::because(problem));
            }
        }
        let answered = self.router.clone().oneshot(request).await;
        let answered = answered.unwrap_or_else(|never| match never {});
        let (parts, body) = answered.into_parts();
        let body = to_bytes(body, ANSWER_BYTES).await.map_err(|error| {
            Problem::new(Code::Internal, "The response is too large for Lambda.").because(error)
        })?;
        let mut response = ApiGatewayV2httpResponse::default();
        response.status_code = i64::from(parts.status.as_u16());
        response.headers = parts.headers;
        // Every response is text (JSON, YAML or CSV), except for the portal's files that are compressed.
        let text = if let Ok(text) = std::str::from_utf8(&body) {
            text.to_owned()
        } else {
            response.is_base64_encoded = true;
            BASE64_STANDARD.encode(&body)
        };
        response.body = Some(text.into());
        serde_json::to_value(response).map_err(|error| {
            Problem::new(Code::Internal, "The response could not be serialized.").because(error)
        })
    }

    /// The user that API Gateway authenticated, or `None` if the request passed no authoriser.
    fn user(&self, event: &Value) -> Option<Result<UserId, Problem>> {
        let authorizer = event.pointer("/requestContext/authorizer")?;
        if let Some(claims) = authorizer.pointer("/jwt/claims") {
            return Some(self.user_of_claims(claims));
        }
        let arn = authorizer.pointer("/iam/userArn")?.as_str()?;
        Some(user_of_arn(arn, self.iam_identity))
    }

    fn user_of_claims(&self, claims: &Value) -> Result<UserId, Problem> {
        let (name, refused) = (&self.user_claim, |message: String| {
            Problem::new(Code::NotAllowed, message)
        });
        let Some(claim) = claims.get(name).and_then(Value::as_str) else {
            let message = format!("The token has no claim {name}, which identifies the user.");
            return Err(refused(message).hint("Sign in with the scope that includes this claim."));
        };
        // API Gateway passes every claim as text.
        let believed = claims.get(EMAIL_VERIFIED).is_none_or(|verified| {
            verified == &Value::Bool(true)
                || verified
                    .as_str()
                    .is_some_and(|text| text.eq_ignore_ascii_case("true"))
        });
        if name == "email" && !believed {
            let message = format!("The address {} is not verified.", shown(claim));
            return Err(refused(message)
                .hint("Verify the address with the identity provider, then sign in again."));
        }
        if claim.starts_with(IAM_USERS) {
            let message = format!("{} could be mistaken for an IAM principal.", shown(claim));
            return Err(refused(message));
        }
        claim.parse().map_err(|invalid| {
            let message = format!("The claim {name} of the token is not a valid user name.");
            refused(message)
                .because(invalid)
                .hint("Ask an administrator to choose another claim: PRISM_USER_CLAIM.")
        })
    }
}

/// The request ID that API Gateway assigned, if the event is one of an HTTP API.
pub(super) fn request_id(event: &Value) -> Option<&str> {
    event.pointer("/requestContext/requestId")?.as_str()
}

/// The response to a request that made the function panic. It has all headers of the portal's files, which come from the
/// same origin.
fn broken(request_id: &str) -> Value {
    let problem = Problem::new(Code::Internal, "The API could not process the request.");
    let body = ProblemBody::of(&problem);
    let mut headers = HeaderMap::new();
    Portal::deployed(&[]).secure(&mut headers);
    let texts = headers.iter().map(|(name, value)| {
        let text = value.to_str().unwrap_or_default();
        (name.to_string(), Value::from(text))
    });
    let own = [
        ("cache-control", "no-store"),
        ("content-type", PROBLEM_JSON),
        ("x-request-id", request_id),
        // It shows nothing that would have to load anything.
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ];
    let own = own.map(|(name, text)| (name.to_owned(), Value::from(text)));
    let headers: Map<String, Value> = texts.chain(own).collect();
    json!({
        "statusCode": body.status,
        "headers": headers,
        "body": json!(body).to_string(),
        "isBase64Encoded": false,
    })
}

/// The origin of the request, as API Gateway saw it.
fn origin(event: &Value) -> Origin {
    let text = |name: &str| {
        let place = format!("/requestContext/http/{name}");
        event.pointer(&place).and_then(Value::as_str)
    };
    Origin::api(text("sourceIp"), text("userAgent"))
}

/// Converts claims to text, as API Gateway does. Other authorisers keep numbers and booleans.
fn texts(event: &mut Value) {
    let claims = event.pointer_mut("/requestContext/authorizer/jwt/claims");
    for claim in claims.and_then(Value::as_object_mut).into_iter().flatten() {
        if !claim.1.is_string() {
            *claim.1 = Value::String(claim.1.to_string());
        }
    }
}

fn no_event(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Problem {
    let message = "The payload is not an event of an HTTP API (payload version 2.0).";
    Problem::new(Code::InvalidInput, message).because(error)
}

fn request(event: ApiGatewayV2httpRequest) -> Result<Request<Body>, Problem> {
    let context = event.request_context;
    let raw = event.raw_path.unwrap_or_default();
    let stage = context.stage.filter(|stage| stage != "$default");
    let path = stage
        .and_then(|stage| raw.strip_prefix(&format!("/{stage}")))
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(&raw);
    let mut uri = encoded(path);
    if let Some(query) = event.raw_query_string.filter(|query| !query.is_empty()) {
        uri.push('?');
        uri.push_str(&query);
    }
    let body = event.body.unwrap_or_default();
    let body = lambda_http::Body::from_maybe_encoded(event.is_base64_encoded, &body);
    let request = Request::builder().method(context.http.method).uri(uri);
    let mut request = request.body(Body::from(body.to_vec())).map_err(no_event)?;
    *request.headers_mut() = event.headers;
    if let Some(id) = context.request_id {
        request.extensions_mut().insert(RequestId(id));
    }
    Ok(request)
}

/// Encodes a path again that was decoded on the way. What is still encoded stays unchanged.
fn encoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut text = String::with_capacity(path.len());
    for (at, &byte) in bytes.iter().enumerate() {
        let escape = byte == b'%'
            && bytes
                .get(at + 1..at + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        if escape || byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn gateway(user_claim: &str) -> Gateway {
        Gateway {
            router: Router::new(),
            user_claim: user_claim.to_owned(),
            iam_identity: IamIdentity::Arn,
        }
    }

    fn event(authorizer: &Value) -> Value {
        json!({
            "version": "2.0", "rawPath": "/v1/me", "rawQueryString": "",
            "headers": {"host": "x"}, "isBase64Encoded": false,
            "requestContext": {
                "requestId": "r-1", "stage": "$default", "timeEpoch": 0,
                "http": {"method": "GET", "path": "/v1/me"},
                "authorizer": authorizer,
            },
        })
    }

    #[test]
    fn the_authoriser_says_who_asks() {
        let user = |claim: &str, authorizer: Value| {
            let user = gateway(claim).user(&event(&authorizer))?;
            Some(user.map(String::from).map_err(|problem| problem.code))
        };
        let ann = "ann@university.edu";
        for verified in [json!("true"), json!(true)] {
            let claims = json!({"jwt": {"claims": {"email": ann, "email_verified": verified}}});
            assert_eq!(user("email", claims), Some(Ok(ann.to_owned())));
        }
        let claims = json!({"jwt": {"claims": {"email": ann, "sub": "1f-2"}}});
        assert_eq!(user("email", claims.clone()), Some(Ok(ann.to_owned())));
        assert_eq!(user("sub", claims), Some(Ok("1f-2".to_owned())));
        let arn = json!({"iam": {"userArn": "arn:aws:iam::111122223333:user/ann"}});
        assert_eq!(user("email", arn), Some(Ok("iam:user/ann".to_owned())));
        assert_eq!(user("email", Value::Null), None);
        assert_eq!(user("email", json!({"lambda": {"email": ann}})), None);
    }

    #[test]
    fn what_cannot_be_believed_is_nobody() {
        for (claims, names) in [
            (json!({"sub": "1"}), "no claim email"),
            (json!({"email": "o'neil@x.ie"}), "neil@x.ie"),
            (json!({"email": "a b@x.ie"}), "user"),
            (
                json!({"email": "a@x.ie", "email_verified": "false"}),
                "not verified",
            ),
            (
                json!({"email": "a@x.ie", "email_verified": false}),
                "not verified",
            ),
            (json!({"email": "iam:user/ann"}), "IAM principal"),
            (json!({"email": 7}), "no claim email"),
        ] {
            let event = event(&json!({"jwt": {"claims": claims}}));
            let problem = gateway("email").user(&event).unwrap().unwrap_err();
            assert_eq!(problem.code, Code::NotAllowed);
            assert!(problem.chain().contains(names), "{}", problem.chain());
        }
    }

    fn uri(path: &str, query: &str, stage: &str) -> String {
        let mut event = event(&Value::Null);
        event["rawPath"] = path.into();
        event["rawQueryString"] = query.into();
        event["requestContext"]["stage"] = stage.into();
        let event = serde_json::from_value(event).unwrap();
        request(event).unwrap().uri().to_string()
    }

    #[test]
    fn a_path_names_the_same_thing_whether_it_was_decoded_or_not() {
        let query = "region=us-east-1";
        for (path, sent) in [
            ("/v1/instances/a", "/v1/instances/a"),
            ("/v1/instances/a#b", "/v1/instances/a%23b"),
            ("/v1/instances/a?b", "/v1/instances/a%3Fb"),
            ("/v1/instances/a b", "/v1/instances/a%20b"),
            ("/v1/instances/a%20b", "/v1/instances/a%20b"),
            ("/v1/instances/50%", "/v1/instances/50%25"),
            ("/v1/instances/ü", "/v1/instances/%C3%BC"),
        ] {
            assert_eq!(uri(path, query, "$default"), format!("{sent}?{query}"));
        }
        assert_eq!(uri("/prod/v1/me", "", "prod"), "/v1/me");
        assert_eq!(uri("/product/v1/me", "", "prod"), "/product/v1/me");
    }

    #[tokio::test]
    async fn answers_travel_with_status_headers_and_body() {
        let mut gateway = gateway("email");
        gateway.router = Router::new().route(
            "/v1/me",
            axum::routing::get(|who: Authenticated| async move { who.0.user.to_string() }),
        );
        let claims = json!({"jwt": {"claims": {"email": "ann@x.edu", "auth_time": 17}}});
        let answer = gateway.answer(event(&claims)).await.unwrap();
        assert_eq!(answer["statusCode"], 200);
        assert_eq!(answer["body"], "ann@x.edu");
        assert_eq!(answer["isBase64Encoded"], false);
        assert!(answer["headers"]["content-type"].is_string(), "{answer}");
        let nobody = gateway.answer(event(&Value::Null)).await.unwrap();
        assert_eq!(nobody["statusCode"], 401);
        let problem = gateway.answer(json!({"version": "1.0"})).await.unwrap_err();
        assert_eq!(problem.code, Code::InvalidInput);
    }

    #[tokio::test]
    async fn what_is_no_text_travels_encoded() {
        const PACKED: &[u8] = &[0x1f, 0x8b, 0x08, 0xff];
        let mut gateway = gateway("email");
        gateway.router = Router::new().fallback(async || PACKED);
        let answer = gateway.answer(event(&Value::Null)).await.unwrap();
        assert_eq!(answer["isBase64Encoded"], true);
        assert_eq!(answer["body"], BASE64_STANDARD.encode(PACKED));
    }

    #[tokio::test]
    async fn whoever_has_not_signed_in_gets_files_and_nothing_else() {
        let mut gateway = gateway("email");
        let users_only = |_: Authenticated| async move { "what only a user may see" };
        let router = Router::new().fallback(users_only);
        gateway.router = Portal::deployed(&[]).around(router);
        for (path, status) in [("/", 200), ("/saves", 401), ("/v1/me", 401), ("/v1", 401)] {
            let mut event = event(&Value::Null);
            event["rawPath"] = path.into();
            let answer = gateway.answer(event).await.unwrap();
            assert_eq!(answer["statusCode"], status, "{path}");
            assert!(
                answer["headers"]["content-security-policy"].is_string(),
                "{path}"
            );
        }
    }

    #[tokio::test]
    async fn a_panic_is_answered_without_what_lies_behind() {
        let mut gateway = gateway("email");
        gateway.router = Router::new().fallback(async || -> &'static str { panic!("secret") });
        let answer = gateway.answer(event(&Value::Null)).await.unwrap();
        assert_eq!(answer["statusCode"], 500);
        assert_eq!(answer["headers"]["x-request-id"], "r-1");
        let mut secure = HeaderMap::new();
        Portal::deployed(&[]).secure(&mut secure);
        for name in secure.keys() {
            assert!(answer["headers"][name.as_str()].is_string(), "{name}");
        }
        let policy = &answer["headers"]["content-security-policy"];
        assert!(policy.as_str().unwrap().starts_with("default-src 'none'"));
        assert!(!answer.to_string().contains("secret"));
    }
}
