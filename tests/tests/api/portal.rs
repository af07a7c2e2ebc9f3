//! The API of a whole deployment on a virtual clock, without a socket.

use std::sync::LazyLock;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use prism_functions::api::{self, Api, Authenticated, PROBLEM_JSON};
use prism_tests::untouched::{self, Sight};
use prism_tests::world::{Setup, World, caller};
use serde_json::Value;
use tower::ServiceExt as _;

static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

pub(crate) fn document() -> Value {
    serde_json::to_value(api::document()).unwrap()
}

pub(crate) struct Portal {
    pub(crate) world: World,
    pub(crate) router: Router,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.ok(status);
        assert_eq!(self.header("content-type"), PROBLEM_JSON);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:prism:problem:{code}"));
        for text in ["title", "detail", "hint"] {
            assert!(!problem[text].as_str().unwrap().is_empty(), "{problem}");
        }
        problem
    }
}

pub(crate) struct Ask<'a> {
    pub(crate) user: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: String,
}

impl<'a> Ask<'a> {
    pub(crate) fn new(user: &'a str, method: &'a str, path: &'a str) -> Self {
        Self {
            user: Some(user),
            method,
            path,
            headers: &[],
            body: String::new(),
        }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        Self {
            headers: &[("content-type", "application/json")],
            body: body.to_string(),
            ..self
        }
    }

    pub(crate) fn with(self, headers: &'a [(&'a str, &'a str)]) -> Self {
        Self { headers, ..self }
    }
}

impl Portal {
    /// A deployment in which Ada has a running instance called `work`.
    pub(crate) fn new() -> Self {
        let portal = Self::over(Setup::seeded(7));
        portal.world.launch("ada", "ubuntu", "work");
        portal
    }

    pub(crate) fn over(setup: Setup) -> Self {
        let world = setup.build();
        let router = Api::new(world.service.clone()).router();
        Self { world, router }
    }

    pub(crate) fn sight(&self) -> Sight {
        untouched::sight(&self.world)
    }

    /// Sends a request, and asserts that the document has the response's status.
    #[track_caller]
    pub(crate) fn ask(&self, ask: Ask<'_>) -> Answer {
        let mut request = Request::builder().method(ask.method).uri(ask.path);
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        if let Some(user) = ask.user {
            request = request.extension(Authenticated(caller(user)));
        }
        let request = request.body(Body::from(ask.body)).unwrap();
        let answered = self.world.run(self.router.clone().oneshot(request));
        let (parts, body) = answered.unwrap().into_parts();
        let body = self.world.run(to_bytes(body, usize::MAX)).unwrap();
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        };
        assert!(!answer.header("x-request-id").is_empty());
        assert_eq!(answer.header("cache-control"), "no-store");
        if let Some(operation) = operation(ask.method, ask.path) {
            let status = answer.status.as_str();
            let listed = operation["responses"].get(status);
            let listed = listed.unwrap_or_else(|| panic!("{} {}: {status}", ask.method, ask.path));
            let Some(content) = listed["content"].as_object() else {
                assert!(answer.text.is_empty(), "{}", answer.text);
                return answer;
            };
            let media = answer.header("content-type").split(';').next();
            assert!(content.contains_key(media.unwrap()), "{listed}");
        }
        answer
    }

    #[track_caller]
    pub(crate) fn get(&self, user: &str, path: &str) -> Answer {
        self.ask(Ask::new(user, "GET", path))
    }

    #[track_caller]
    pub(crate) fn post(&self, user: &str, path: &str, body: &Value) -> Answer {
        self.ask(Ask::new(user, "POST", path).json(body))
    }
}

pub(crate) fn fits(template: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (parts, templates) = (path.split('/'), template.split('/'));
    parts.clone().count() == templates.clone().count()
        && parts
            .zip(templates)
            .all(|(part, template)| template.starts_with('{') || part == template)
}

/// The document's description of a route, if it has one.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next()?;
    let paths = DOCUMENT["paths"].as_object()?;
    let (_, item) = paths.iter().find(|(template, _)| fits(template, path))?;
    item.get(method.to_lowercase())
}

/// The operations in the document. The configuration, which is for everybody, is none.
pub(crate) fn operations() -> Vec<(Method, String, &'static Value)> {
    let mut all = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation.get("security").is_some() {
                continue;
            }
            let method = method.to_uppercase().parse().unwrap();
            all.push((method, path.clone(), operation));
        }
    }
    all
}
