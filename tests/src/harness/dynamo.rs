//! The part of DynamoDB's protocol that a function's first calls need. Responses are prepared, or read from a table.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use prism_functions::ports::{Condition, Item, Key, Table, TableError, Write};
use serde_json::{Map, Value, json};

use super::http::Server;

pub type Reply = (u16, Value);
type Answers = Arc<dyn Fn(&str, &Value) -> Reply + Send + Sync>;

#[derive(Debug)]
pub struct DynamoDb {
    server: Server,
    shared: Shared,
}

#[derive(Clone)]
struct Shared {
    answers: Answers,
    headers: Arc<Mutex<Vec<String>>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl DynamoDb {
    /// Starts a server. `answers` maps the action and the request to a response.
    pub async fn start(
        answers: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let shared = Shared {
            answers: Arc::new(answers),
            headers: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(shared.clone());
        Ok(Self {
            server: Server::start(router).await?,
            shared,
        })
    }

    pub fn host(&self) -> String {
        self.server.address().to_string()
    }

    pub fn header_values(&self, name: &str) -> Vec<String> {
        let headers = self.shared.headers.lock();
        let headers = headers.unwrap_or_else(PoisonError::into_inner);
        let values = headers.iter().filter_map(|line| {
            let (known, value) = line.split_once(": ")?;
            (known == name).then(|| value.to_owned())
        });
        values.collect()
    }
}

async fn answer(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let lines = headers.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some(format!("{name}: {value}"))
    });
    let mut kept = shared
        .headers
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    kept.extend(lines);
    drop(kept);
    let target = headers.get("x-amz-target");
    let target = target
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let action = target.rsplit('.').next().unwrap_or_default();
    let request = serde_json::from_slice(&body).unwrap_or_default();
    let (status, body) = (shared.answers)(action, &request);
    (
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        [("content-type", "application/x-amz-json-1.0")],
        body.to_string(),
    )
}

/// Responses from a table: GetItem reads it, Query returns nothing, TransactWriteItems puts its items without their
/// conditions and accepts everything else, and other actions are refused.
pub fn table(table: Arc<dyn Table>) -> impl Fn(&str, &Value) -> Reply + Send + Sync + 'static {
    move |action, request| match action {
        "GetItem" => {
            let part = |name: &str| request["Key"][name]["S"].as_str().unwrap_or_default();
            let key = Key::new(part("pk"), part("sk"));
            match futures::executor::block_on(table.get(&key)) {
                Ok(Some(found)) => (200, json!({ "Item": item(&found) })),
                Ok(None) => (200, json!({})),
                Err(error) => failed(&error),
            }
        }
        "Query" => (200, json!({"Items": [], "Count": 0, "ScannedCount": 0})),
        "TransactWriteItems" => {
            let writes = request["TransactItems"].as_array().into_iter().flatten();
            let puts = writes.filter_map(|write| write["Put"]["Item"].as_object());
            let puts: Vec<Write> = puts
                .map(|put| Write::Put(stored(put), Condition::Always))
                .collect();
            match futures::executor::block_on(table.transact(&puts)) {
                Ok(()) => (200, json!({})),
                Err(error) => failed(&error),
            }
        }
        other => (
            400,
            json!({"__type": "UnknownOperationException", "message": format!("no {other} here")}),
        ),
    }
}

fn failed(error: &TableError) -> Reply {
    let message = error.to_string();
    (
        500,
        json!({"__type": "InternalServerError", "message": message}),
    )
}

/// The item that a request puts.
fn stored(put: &Map<String, Value>) -> Item {
    let part = |name: &str| put[name]["S"].as_str().unwrap_or_default();
    let others = put
        .iter()
        .filter(|(name, _)| !["pk", "sk"].contains(&name.as_str()));
    Item {
        key: Key::new(part("pk"), part("sk")),
        attributes: others
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
    }
}

fn plain(attribute: &Value) -> Value {
    let Some((kind, value)) = attribute.as_object().and_then(|it| it.iter().next()) else {
        return Value::Null;
    };
    match (kind.as_str(), value) {
        ("N", Value::String(number)) => serde_json::from_str(number).unwrap_or_default(),
        ("L", Value::Array(values)) => values.iter().map(plain).collect(),
        ("M", Value::Object(values)) => {
            let values = values.iter();
            values
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect()
        }
        ("NULL", _) => Value::Null,
        (_, value) => value.clone(),
    }
}

pub fn item(item: &Item) -> Value {
    let key = [("pk", &item.key.pk), ("sk", &item.key.sk)];
    let key = key.map(|(name, value)| (name.to_owned(), json!({ "S": value })));
    let others = item.attributes.iter();
    let others = others.map(|(name, value)| (name.clone(), attribute(value)));
    key.into_iter().chain(others).collect::<Map<_, _>>().into()
}

fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(yes) => json!({ "BOOL": yes }),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({ "S": text }),
        Value::Array(values) => json!({"L": values.iter().map(attribute).collect::<Vec<_>>()}),
        Value::Object(values) => {
            let values = values.iter();
            let values = values.map(|(name, value)| (name.clone(), attribute(value)));
            json!({"M": values.collect::<Map<_, _>>()})
        }
    }
}
