//! Runs the functions' binary as Lambda does: what it reports if it is misconfigured, and what its logs never
//! contain.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use prism_functions::ports::Table;
use prism_local::wire::{Accounts, WireServer};
use prism_tests::harness::{self, Answer, DynamoDb, Function, Program, RuntimeApi};
use prism_tests::world::{Setup, World, begun, launched, save_request};
use serde_json::{Value, json};

/// A secret that must not appear in any log.
const KEY: &str = "AKIACANARYKEY0000001";
const SECRET: &str = "canary/secret+key0123456789abcdefghijklm";
const TOKEN: &str = "CANARY//session+token==";

/// The program and its arguments. A variable names another line, part by part: one for another processor, under an
/// emulator (`cargo xtask arm64`).
#[expect(clippy::disallowed_methods, reason = "a chore chooses the program")]
fn line() -> Vec<String> {
    match std::env::var("PRISM_BOOTSTRAP") {
        Ok(line) => line.lines().map(str::to_owned).collect(),
        Err(_) => vec![env!("CARGO_BIN_EXE_bootstrap").to_owned()],
    }
}

/// A function with its own working folder.
struct Run {
    lambda: RuntimeApi,
    program: Program,
    folder: tempfile::TempDir,
}

impl Run {
    /// The step AwaitStopped, configured correctly except for AWS's endpoints.
    async fn new() -> Self {
        let lambda = RuntimeApi::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let program = Program::new(line(), folder.path())
            .with("AWS_LAMBDA_RUNTIME_API", lambda.host())
            .with("AWS_EC2_METADATA_DISABLED", "true")
            .with("_HANDLER", "AwaitStopped")
            .with("PRISM_TABLE", "prism");
        Self {
            lambda,
            program,
            folder,
        }
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.program = self.program.with(name, value);
        self
    }

    fn asking(self, dynamo: &DynamoDb) -> Self {
        let url = format!("http://{}", dynamo.host());
        self.with("AWS_ENDPOINT_URL_DYNAMODB", url)
    }

    /// Starts the function and waits for its first response.
    async fn start(&mut self) -> (Function, Answer) {
        let function = self.program.start(&self.folder.path().join("log"));
        let answer = self.lambda.answer().await.unwrap();
        (function.unwrap(), answer.1)
    }

    /// What a function that cannot start reports to Lambda and writes to its log.
    async fn refusal(mut self) -> String {
        let (mut function, answer) = self.start().await;
        let Answer::NotBegun(name, text) = answer else {
            panic!("it began: {answer:?}");
        };
        assert_eq!(name, "Prism.InitError");
        assert!(!function.end().unwrap().success());
        assert_one_line(&function, "ERROR", &text);
        text
    }

    /// How an invocation fails under that code: its text, and the log line with AWS's own message.
    async fn failure(
        mut self,
        code: &str,
        answers: impl Fn() -> harness::Reply + Send + Sync + 'static,
    ) -> (String, String) {
        let dynamo = DynamoDb::start(move |_, _| answers()).await.unwrap();
        self = self.asking(&dynamo);
        self.failure_there(code).await
    }

    async fn failure_there(mut self, code: &str) -> (String, String) {
        self.lambda.invoke(&invocation("save-0123456789abcdef"));
        let (function, answer) = self.start().await;
        let Answer::Failed(name, text) = answer else {
            panic!("it did not fail: {answer:?}");
        };
        assert_eq!(name, code, "{text}");
        let logged = assert_one_line(&function, "WARN", &text);
        (text, logged)
    }
}

/// Asserts that the log is one line, with the text that Lambda gets, the hint, and possibly the causes.
fn assert_one_line(function: &Function, level: &str, given: &str) -> String {
    let log = function.log().unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let [line] = lines.as_slice() else {
        panic!("not one line: {log}");
    };
    assert_eq!(line["level"], level);
    let (text, hint) = given.split_once("\nhint: ").unwrap();
    let logged = line["problem"].as_str().or(line["error"].as_str()).unwrap();
    assert!(logged.starts_with(text.trim_end_matches('.')), "{logged}");
    assert_eq!(line["hint"].as_str(), Some(hint));
    logged.to_owned()
}

fn invocation(save: &str) -> Value {
    json!({"save_id": save, "epoch": 1, "limit_s": 1e12})
}

fn refused(name: &str, message: &str) -> impl Fn() -> harness::Reply + Send + Sync + 'static {
    let body =
        json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": message});
    move || (400, body.clone())
}

#[tokio::test]
async fn a_function_that_is_set_up_wrongly_says_what_and_where() {
    for (name, value, said) in [
        ("PRISM_TABLE", "", "PRISM_TABLE is not set"),
        (
            "PRISM_PUBLIC_SCOPE",
            "everybody",
            "must be \"deployment\", \"organization\" or \"world\"",
        ),
        ("PRISM_ALARM_TOPIC_ARN", "alarms", "must be an ARN"),
        ("AWS_REGION", "", "no AWS Region is configured"),
        ("AWS_REGION", "us east", "no AWS Region is configured"),
        ("_HANDLER", "bootstrap", "there is no handler \"bootstrap\""),
    ] {
        let text = Run::new().await.with(name, value).refusal().await;
        assert!(text.contains(said), "{name}={value}: {text}");
    }
    let sweep = Run::new().await.with("_HANDLER", "Sweep").refusal().await;
    assert!(sweep.contains("PRISM_STATE_MACHINE_ARN"), "{sweep}");
}

#[tokio::test]
async fn a_table_that_cannot_be_used_says_why_and_what_to_do() {
    for (named, code, message, hint) in [
        (
            "DeploymentNotFound",
            "ResourceNotFoundException",
            "Requested resource not found",
            "PRISM_TABLE",
        ),
        (
            "PermissionMissing",
            "AccessDeniedException",
            "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: dynamodb:GetItem",
            "Ask an administrator",
        ),
        (
            "CredentialsExpired",
            "ExpiredTokenException",
            "The security token included in the request is expired",
            "Get new credentials",
        ),
        (
            "CredentialsRefused",
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "Check that the credentials",
        ),
        (
            "ClockWrong",
            "InvalidSignatureException",
            "Signature expired: 20260105T090000Z is now earlier than 20260105T095500Z",
            "Set the clock",
        ),
    ] {
        let (text, logged) = Run::new()
            .await
            .failure(named, refused(code, message))
            .await;
        assert!(!text.contains(message), "{text}");
        assert!(
            logged.contains(code) && logged.contains(message),
            "{logged}"
        );
        assert!(
            text.split_once("\nhint: ").unwrap().1.contains(hint),
            "{text}"
        );
        if named == "PermissionMissing" {
            let said = "The permission for dynamodb:GetItem on the table ";
            assert!(text.contains(said), "{text}");
        }
    }
}

#[tokio::test]
async fn a_region_that_leads_nowhere_says_so() {
    // Nothing listens on this port, and the host name does not exist on any network.
    let run = Run::new()
        .await
        .with("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9");
    let (text, logged) = run.failure_there("RegistryUnavailable").await;
    assert!(text.contains("AWS_REGION"), "{text}");
    assert!(logged.contains("Unreachable"), "{logged}");
}

#[tokio::test]
async fn a_function_without_credentials_asks_for_them() {
    let run = Run::new()
        .await
        .with("AWS_ACCESS_KEY_ID", "")
        .with("AWS_SECRET_ACCESS_KEY", "");
    let (text, _) = run
        .failure("CredentialsMissing", refused("Unasked", "nobody may ask"))
        .await;
    assert!(text.contains("Provide credentials"), "{text}");
}

#[tokio::test]
async fn a_function_that_cannot_report_why_it_cannot_begin_ends_at_once() {
    let nowhere = "127.0.0.1:9";
    let run = Run::new()
        .await
        .with("PRISM_TABLE", "")
        .with("AWS_LAMBDA_RUNTIME_API", nowhere);
    let function = run.program.start(&run.folder.path().join("log"));
    let mut function = function.unwrap();
    assert!(!function.end().unwrap().success());
    let log = function.log().unwrap();
    assert!(log.contains("PRISM_TABLE is not set"), "{log}");
}

#[tokio::test]
async fn a_panic_is_logged_and_answered_and_the_function_goes_on() {
    let machine = "arn:aws:states:us-east-1:111122223333:stateMachine:prism";
    let mut run = Run::new()
        .await
        .with("_HANDLER", "Api")
        .with("PRISM_STATE_MACHINE_ARN", machine);
    let request = |id: &str, encoded: bool| {
        json!({
            "requestContext": {"requestId": id, "http": {"method": "GET", "path": "/"}},
            "rawPath": "/",
            "body": "no base64",
            "isBase64Encoded": encoded,
        })
    };
    // API Gateway never sends a body like this, and the code that reads it relies on that.
    run.lambda.invoke(&request("asked-1", true));
    let (function, answer) = run.start().await;
    let Answer::Returned(answer) = answer else {
        panic!("it was not answered: {answer:?}");
    };
    assert_eq!(answer["statusCode"], 500);
    assert_eq!(answer["headers"]["x-request-id"], "asked-1");
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["code"], "Internal");
    let log = function.log().unwrap();
    let line: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(line["level"], "ERROR", "{log}");
    assert_eq!(line["span"]["step"], "Api", "{log}");
    assert_eq!(line["span"]["api.request.id"], "asked-1", "{log}");
    let problem = line["problem"].as_str().unwrap();
    assert!(problem.starts_with("The function panicked at "), "{log}");
    assert!(problem.contains("base64"), "{log}");
    run.lambda.invoke(&request("asked-2", false));
    let Answer::Returned(next) = run.lambda.answer().await.unwrap().1 else {
        panic!("the next request was not answered");
    };
    assert_eq!(next["headers"]["x-request-id"], "asked-2");
}

#[tokio::test]
async fn a_panic_before_the_first_invocation_says_why_the_function_cannot_begin() {
    // lambda_runtime panics without this variable, which Lambda always sets.
    let run = Run::new().await.with("AWS_LAMBDA_FUNCTION_NAME", "");
    let text = run.refusal().await;
    assert!(text.contains("AWS_LAMBDA_FUNCTION_NAME"), "{text}");
}

/// The logs never contain a secret, even at the most verbose level.
#[test]
fn no_log_holds_a_secret() {
    let world = launched(Setup::seeded(1));
    let save = begun(&world, save_request("work", "kept"));
    world.pass(5);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        for filter in [
            "trace",
            "debug",
            "aws_sigv4=trace,aws_runtime=trace",
            "info",
        ] {
            let (log, signatures) = logged(&world, save.as_str(), filter).await;
            // Prism's own log lines show that the filter was applied.
            let ours = ["trace", "debug"].contains(&filter);
            assert_eq!(!log.is_empty(), ours, "{filter}: {log}");
            let secrets = [KEY, SECRET, TOKEN].map(str::to_owned);
            for secret in secrets.into_iter().chain(signatures) {
                let told = log.lines().find(|line| line.contains(&secret));
                assert_eq!(told, None, "{filter}");
            }
        }
    });
}

/// The log of a step that succeeded, and the signatures of the requests that it sent.
async fn logged(world: &World, save: &str, filter: &str) -> (String, Vec<String>) {
    let accounts = Accounts::all("111122223333".parse().unwrap());
    let wire = WireServer::start(world.cloud.clone(), accounts, 0)
        .await
        .unwrap();
    let table = Arc::clone(&world.table) as Arc<dyn Table>;
    let dynamo = DynamoDb::start(harness::table(table)).await.unwrap();
    let mut run = Run::new()
        .await
        .with("AWS_ENDPOINT_URL_EC2", wire.url())
        .asking(&dynamo)
        .with("AWS_ACCESS_KEY_ID", KEY)
        .with("AWS_SECRET_ACCESS_KEY", SECRET)
        .with("AWS_SESSION_TOKEN", TOKEN)
        .with("PRISM_LOG", filter);
    run.lambda.invoke(&invocation(save));
    let (function, answer) = run.start().await;
    assert_eq!(answer, Answer::Returned(json!({"done": false})));
    wire.stop().await;
    let tokens = dynamo.header_values("x-amz-security-token");
    assert_eq!(
        tokens,
        [TOKEN],
        "the token was sent, and could have been logged"
    );
    let sent = dynamo.header_values("authorization");
    let signatures = sent
        .iter()
        .filter_map(|value| value.split_once("Signature="));
    let signatures: Vec<String> = signatures
        .map(|(_, signature)| signature.to_owned())
        .collect();
    assert_eq!(signatures.len(), 1, "{sent:?}");
    (function.log().unwrap(), signatures)
}
