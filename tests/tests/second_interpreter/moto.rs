//! A client of moto's Step Functions, and an implementation of the executions port for one state machine.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use prism_functions::domain::Timestamp;
use prism_functions::ports::{Execution, ExecutionStatus, Executions, ExecutionsError};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

/// The maximum duration of an execution, in real time.
const PATIENCE: Duration = Duration::from_mins(2);
const ENDS: [&str; 4] = [
    "ExecutionSucceeded",
    "ExecutionFailed",
    "ExecutionTimedOut",
    "ExecutionAborted",
];
const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-1";

/// Calls moto in the protocol of Step Functions. moto checks no signatures, so no SDK is needed.
#[derive(Debug)]
pub(crate) struct Moto {
    authority: String,
    runtime: Runtime,
}

impl Moto {
    /// moto at a URL such as `http://127.0.0.1:5000`.
    pub(crate) fn at(url: &str) -> Self {
        let authority = url.trim_start_matches("http://").trim_end_matches('/');
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self {
            authority: authority.to_owned(),
            runtime,
        }
    }

    fn call(&self, action: &str, body: &Value) -> Result<Value, (String, String)> {
        let request = Request::post("/")
            .header("host", &self.authority)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AWSStepFunctions.{action}"))
            .header(
                "authorization",
                format!(
                    "AWS4-HMAC-SHA256 Credential=test/20260105/{REGION}/states/aws4_request, \
                     SignedHeaders=host, Signature=0"
                ),
            )
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        let (status, text) = self.runtime.block_on(async {
            let stream = TcpStream::connect(&self.authority).await.unwrap();
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            let connection = tokio::spawn(connection);
            let answer = sender.send_request(request).await.unwrap();
            let status = answer.status();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            drop(sender);
            connection.abort();
            (status, body)
        });
        if text.is_empty() && status.is_success() {
            return Ok(Value::Null);
        }
        let answer: Value = serde_json::from_slice(&text)
            .unwrap_or_else(|_| panic!("{action}: {status} {}", String::from_utf8_lossy(&text)));
        if status.is_success() {
            return Ok(answer);
        }
        let told = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
        Err((told("__type"), told("message")))
    }

    pub(crate) fn create(&self, name: &str, definition: &str) {
        let made = self.call(
            "CreateStateMachine",
            &json!({
                "name": name,
                "definition": definition,
                "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            }),
        );
        made.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }

    pub(crate) fn start(
        &self,
        machine: &str,
        name: &str,
        input: &Value,
    ) -> Result<(), (String, String)> {
        let started = self.call(
            "StartExecution",
            &json!({
                "stateMachineArn": format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{machine}"),
                "name": name,
                "input": input.to_string(),
            }),
        );
        started.map(drop)
    }

    pub(crate) fn describe(&self, machine: &str, name: &str) -> Result<Value, (String, String)> {
        self.call(
            "DescribeExecution",
            &json!({ "executionArn": arn(machine, name) }),
        )
    }

    fn stop(&self, machine: &str, name: &str, cause: &str) -> Result<(), (String, String)> {
        let arn = arn(machine, name);
        let stopped = self.call(
            "StopExecution",
            &json!({ "executionArn": arn, "cause": cause }),
        );
        stopped.map(drop)
    }

    /// Waits for the end of an execution. Returns its description and all its events.
    pub(crate) fn ended(&self, machine: &str, name: &str) -> (Value, Vec<Value>) {
        let begin = Instant::now();
        loop {
            // Poll rarely, and read the long history last, because Python only runs one thread at a time.
            std::thread::sleep(Duration::from_millis(100));
            let said = self.describe(machine, name).unwrap();
            let late = begin.elapsed() > PATIENCE;
            if said["status"] == "RUNNING" && !late {
                continue;
            }
            let arn = arn(machine, name);
            let history = self.call("GetExecutionHistory", &json!({ "executionArn": arn }));
            let events = history.unwrap()["events"].as_array().unwrap().clone();
            // The last event may appear after the status has changed.
            let last = events.last().and_then(|event| event["type"].as_str());
            if last.is_some_and(|kind| ENDS.contains(&kind)) {
                return (said, events);
            }
            let tail = &events[events.len().saturating_sub(5)..];
            assert!(!late, "{machine} does not end: {said:#} after {tail:#?}");
        }
    }
}

fn arn(machine: &str, name: &str) -> String {
    format!("arn:aws:states:{REGION}:{ACCOUNT}:execution:{machine}:{name}")
}

#[derive(Debug, Clone)]
pub(crate) struct MotoExecutions {
    pub(crate) moto: &'static Moto,
    pub(crate) machine: String,
}

#[async_trait]
impl Executions for MotoExecutions {
    async fn start(&self, name: &str, input: Value) -> Result<(), ExecutionsError> {
        let started = self.moto.start(&self.machine, name, &input);
        started.map_err(|error| failure(name, error))
    }

    async fn describe(&self, name: &str) -> Result<Execution, ExecutionsError> {
        let said = self.moto.describe(&self.machine, name);
        let said = said.map_err(|error| failure(name, error))?;
        let json = |field: &str| {
            let text = said[field].as_str()?;
            Some(serde_json::from_str(text).expect("payloads are JSON"))
        };
        let text = |field: &str| said[field].as_str().map(str::to_owned);
        let instant = |field: &str| {
            let seconds = said[field].as_f64()?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "milliseconds since 1970 fit"
            )]
            Timestamp::from_timestamp_millis((seconds * 1000.0) as i64)
        };
        let status: ExecutionStatus = serde_json::from_value(said["status"].clone()).unwrap();
        Ok(Execution {
            name: name.to_owned(),
            status,
            input: json("input").expect("there is always an input"),
            output: json("output"),
            error: text("error"),
            cause: text("cause"),
            started_at: instant("startDate").expect("it was started"),
            stopped_at: instant("stopDate"),
        })
    }

    async fn wake(&self, token: &str) -> Result<bool, ExecutionsError> {
        let answer = json!({ "taskToken": token, "output": "{}" });
        match self.moto.call("SendTaskSuccess", &answer) {
            Ok(_) => Ok(true),
            Err((kind, _)) if kind.ends_with("TaskTimedOut") => Ok(false),
            Err(error) => Err(failure(token, error)),
        }
    }

    async fn stop(&self, name: &str, cause: &str) -> Result<(), ExecutionsError> {
        let stopped = self.moto.stop(&self.machine, name, cause);
        stopped.map_err(|error| failure(name, error))
    }
}

fn failure(name: &str, (kind, message): (String, String)) -> ExecutionsError {
    let name = name.to_owned();
    if kind.ends_with("ExecutionAlreadyExists") {
        ExecutionsError::AlreadyExists { name }
    } else if kind.ends_with("ExecutionDoesNotExist") {
        ExecutionsError::NotFound { name }
    } else {
        ExecutionsError::Unavailable {
            reason: format!("{kind}: {message}"),
            source: None,
        }
    }
}
