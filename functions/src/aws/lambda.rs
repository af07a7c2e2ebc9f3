//! The life of a Lambda function, from its start to its last invocation.

use std::error::Error;
use std::fmt;
use std::io::Write as _;
use std::sync::Arc;

use axum::http::Method;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use lambda_runtime_api_client::{PooledClient, build_request};
use serde_json::Value;
use tracing::{Instrument as _, field};

use super::clients::{Clients, Limits, NoRegion};
use super::clock::SystemClock;
use super::config::Config;
use super::ec2::AwsEc2;
use super::executions::StepFunctions;
use super::gateway::Gateway;
use super::handler::{Handler, UnknownHandler};
use super::inspect::SsmInventory;
use super::mailer::SesMailer;
use super::notifier::EventNotifier;
use super::parameters::PublicParameters;
use super::schedules::EventBridgeSchedules;
use super::sessions::SessionManager;
use super::table::DynamoTable;
use super::{gateway, logs, metrics, panics};
use crate::domain::save::SaveRecord;
use crate::domain::{Class, Code, InstanceId, Problem, SaveId};
use crate::operations::Service;
use crate::ports::{Couriers, Mailer, OsEntropy};
use crate::registry::Registry;
use crate::rules::{Env, Identity, Settings};
use crate::webhooks::{self, HttpWebhooks};

/// The environment variable with the name of the handler.
const HANDLER: &str = "_HANDLER";
/// The environment variable with the address of Lambda's Runtime API.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
/// The environment variable with the log filter.
const LOG: &str = "PRISM_LOG";
/// The error type that Lambda shows if a function could not start.
const INIT_ERROR: &str = "Prism.InitError";
/// The steps that end a save. The metrics of the save are written after them.
const LAST_STEPS: [&str; 3] = ["CompleteSave", "FailSave", "Stranded"];

type BoxError = Box<dyn Error + Send + Sync>;

/// Runs the function until Lambda ends the process. `variable` looks up an environment variable. Returns an error if
/// the function cannot start, after reporting the reason to Lambda.
pub async fn run(variable: impl Fn(&str) -> Option<String>) -> Result<(), BoxError> {
    logs::init(variable(LOG).as_deref());
    panics::log();
    let start = async {
        let function = Arc::new(Function::begin(&variable).await?);
        let invoke = move |event: LambdaEvent<Value>| {
            let function = Arc::clone(&function);
            async move {
                let request_id = event.context.request_id;
                function.invoke(&request_id, event.payload).await
            }
        };
        // This panics if Lambda's own variables are missing.
        Ok::<_, BoxError>(Runtime::new(service_fn(invoke)))
    };
    let problem = match panics::caught(start).await {
        Ok(Ok(runtime)) => return runtime.run().await,
        Ok(Err(error)) => cannot_begin(&*error),
        Err(panicked) => panicked,
    };
    if let Some(host) = variable(RUNTIME_API) {
        report(&host, problem.wire()).await?;
    }
    Err(problem.into())
}

/// Reports to the Runtime API at `host` why the function cannot start. lambda_runtime has no call for this, and if the
/// process just ended, Lambda would show `Runtime.ExitError`.
async fn report(host: &str, error_message: String) -> Result<(), BoxError> {
    let diagnostic = Diagnostic {
        error_type: INIT_ERROR.to_owned(),
        error_message,
    };
    let request = build_request()
        .method(Method::POST)
        .uri("/2018-06-01/runtime/init/error")
        .header("lambda-runtime-function-error-type", INIT_ERROR)
        .body(serde_json::to_vec(&diagnostic)?.into())?;
    let endpoint = format!("http://{host}").parse()?;
    let client = PooledClient::builder().with_endpoint(endpoint).build();
    client.call(request).await.map(drop)
}

/// A function: its handler and its environment.
struct Function {
    handler: Handler,
    service: Service,
    /// The namespace of its metrics.
    metrics: String,
    /// Replaces the handler if the function serves the API.
    gateway: Option<Gateway>,
}

impl Function {
    async fn begin(variable: &impl Fn(&str) -> Option<String>) -> Result<Self, BoxError> {
        let handler = Handler::find(&variable(HANDLER).unwrap_or_default())?;
        let config = Config::read(variable)?;
        // Only these start executions; the steps do not need the state machine's ARN.
        let machine = match handler {
            Handler::Sweep | Handler::Ends | Handler::Wake | Handler::Api => {
                config.state_machine()?
            }
            Handler::Step(_) | Handler::Deliver => {
                config.state_machine.as_deref().unwrap_or_default()
            }
        };
        let limits = match handler {
            Handler::Api => Limits::OF_A_REQUEST,
            Handler::Step(_)
            | Handler::Sweep
            | Handler::Ends
            | Handler::Wake
            | Handler::Deliver => Limits::OF_A_STEP,
        };
        let clients = Arc::new(Clients::load(limits).await?);
        let service = service(&clients, &config, machine);
        let gateway = matches!(handler, Handler::Api).then(|| Gateway::new(&service, &config));
        Ok(Self {
            handler,
            service,
            metrics: config.metrics_namespace,
            gateway,
        })
    }

    /// Runs the handler once, in a span with the IDs of what it works on. A panic fails the invocation.
    async fn invoke(&self, request_id: &str, payload: Value) -> Result<Value, Failed> {
        let span = tracing::info_span!(
            "invocation",
            step = self.handler.name(),
            request.id = request_id,
            api.request.id = gateway::request_id(&payload),
            save.id = field::Empty,
            instance.id = field::Empty,
            user = field::Empty,
            method = field::Empty,
            route = field::Empty
        );
        let result = panics::caught(self.work(payload)).instrument(span).await;
        result.unwrap_or_else(Err).map_err(Failed)
    }

    /// Runs the handler. This is the only place that logs its errors.
    async fn work(&self, payload: Value) -> Result<Value, Problem> {
        let span = tracing::Span::current();
        let save_id = save_id(&payload);
        if let Some(id) = &save_id {
            span.record("save.id", id.as_str());
        }
        span.record("instance.id", instance_id(&payload));
        let ends = save_id.filter(|_| LAST_STEPS.contains(&self.handler.name()));
        let ended_before = self.ended(ends.as_ref()).await.is_some();
        let result = match &self.gateway {
            Some(gateway) => gateway.answer(payload).await,
            None => self.handler.invoke(&self.service, payload).await,
        };
        match &result {
            Ok(output) => {
                span.record("instance.id", instance_id(output));
                tracing::debug!("done");
                if !ended_before && let Some(record) = self.ended(ends.as_ref()).await {
                    self.write_metrics(&record);
                }
            }
            Err(problem) => log(problem),
        }
        if matches!(self.handler, Handler::Sweep) {
            self.write_backlog().await;
        }
        result
    }

    async fn ended(&self, id: Option<&SaveId>) -> Option<SaveRecord> {
        // A failure to write metrics must not fail the invocation.
        let stored = self.service.env.registry.save(id?).await.ok()??;
        Some(stored.value).filter(|record| record.state.is_final())
    }

    fn write_metrics(&self, record: &SaveRecord) {
        let now = self.service.env.clock.now();
        write(&metrics::line(&self.metrics, record, now));
    }

    /// Writes the backlog metrics even if the sweep has failed: that is when operators must know.
    async fn write_backlog(&self) {
        match self.service.backlog().await {
            Ok(backlog) => write(&metrics::backlog_line(
                &self.metrics,
                &backlog,
                self.service.env.clock.now(),
            )),
            Err(problem) => tracing::warn!(
                problem = problem.chain(),
                "the open saves and duties could not be counted"
            ),
        }
    }
}

fn write(line: &str) {
    // Without standard output there is no log at all.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// The service of a deployment, which uses these clients.
pub fn service(clients: &Arc<Clients>, config: &Config, machine: &str) -> Service {
    let table = DynamoTable::new(clients, &config.table);
    let topic = config.alarm_topic.clone();
    let ec2 = AwsEc2::new(Arc::clone(clients), &config.launch_networks)
        .tagging_groups(config.settings.resource_tags.all());
    // A deployment always learns of the events of its own Region.
    let reached = config.event_regions.iter().chain([clients.home()]);
    Service {
        env: Env {
            ec2: Arc::new(ec2),
            inspect: Arc::new(SsmInventory::new(Arc::clone(clients))),
            registry: Registry::new(Arc::new(table)),
            clock: Arc::new(SystemClock),
            notifier: Arc::new(EventNotifier::new(clients, &config.event_bus, topic)),
            settings: Settings {
                events_from: Some(reached.cloned().collect()),
                ..config.settings.clone()
            },
            identity: Identity::configured(config.deployment.clone()),
        },
        executions: Arc::new(StepFunctions::new(clients, machine)),
        schedules: Arc::new(EventBridgeSchedules::new(clients, config.schedules.clone())),
        parameters: Arc::new(PublicParameters::new(Arc::clone(clients))),
        sessions: Arc::new(SessionManager::new(Arc::clone(clients))),
        couriers: Couriers {
            mail: config
                .notice_sender
                .as_ref()
                .map(|sender| Arc::new(SesMailer::new(clients, sender)) as Arc<dyn Mailer>),
            webhooks: Some(Arc::new(HttpWebhooks::new(webhooks::Limits::USUAL, false))),
        },
        entropy: Arc::new(OsEntropy),
    }
}

/// A problem that is returned to Step Functions: its code is the error name, which the definition matches, and its
/// text can be parsed back into the problem.
struct Failed(Problem);

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.chain())
    }
}

impl From<Failed> for Diagnostic {
    fn from(Failed(problem): Failed) -> Self {
        Self {
            error_type: problem.code.as_str().to_owned(),
            error_message: problem.wire(),
        }
    }
}

fn log(problem: &Problem) {
    let (code, chain, hint) = (problem.code, problem.chain(), problem.advice());
    match code.class() {
        _ if code == Code::Internal => tracing::error!(%code, problem = chain, hint, "failed"),
        // The definition retries while something is not ready yet, or was ready before the wait began: this is not an
        // error.
        Class::Transient if matches!(code, Code::NotReady | Code::EventMissed) => {
            tracing::debug!(%code, problem = chain, "not ready");
        }
        _ if code.is_about_setup() => tracing::warn!(%code, problem = chain, hint, "failed"),
        Class::BadInput | Class::Refused => tracing::info!(%code, problem = chain, hint, "refused"),
        Class::Failed | Class::Transient => tracing::warn!(%code, problem = chain, hint, "failed"),
    }
}

fn save_id(payload: &Value) -> Option<SaveId> {
    ["/save_id", "/recover"]
        .iter()
        .find_map(|place| payload.pointer(place)?.as_str()?.parse().ok())
}

/// The ID of the instance that an input or an output is about, if it has one.
fn instance_id(value: &Value) -> Option<&str> {
    let told = ["/plan/instance/id", "/request/instance"]
        .iter()
        .find_map(|place| value.pointer(place)?.as_str());
    told.filter(|text| text.parse::<InstanceId>().is_ok())
}

/// Logs why the function cannot start.
fn cannot_begin(error: &(dyn Error + Send + Sync + 'static)) -> Problem {
    let (text, hint) = (chain(error), hint(error));
    tracing::error!(error = text, hint, "the function cannot begin");
    Problem::new(Code::Internal, text).hint(hint)
}

/// Advice for a function that cannot start.
fn hint(error: &(dyn Error + 'static)) -> &'static str {
    if error.is::<UnknownHandler>() {
        "Set the function's Handler to one of these."
    } else if error.is::<NoRegion>() {
        "Set AWS_REGION, such as us-east-1; Lambda sets it automatically."
    } else {
        "Set it in the function's configuration; infra/template.yaml sets all required variables."
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::Aws;
    use super::*;
    use crate::steps::Entry;

    #[test]
    fn a_problem_reaches_step_functions_under_its_code_and_reads_back() {
        let problem =
            Problem::new(Code::StopProtected, "Stop protection is enabled.").hint("Lift it.");
        let sent = Diagnostic::from(Failed(problem));
        assert_eq!(sent.error_type, "StopProtected");
        let back = Problem::from_wire(&sent.error_type, &sent.error_message);
        assert_eq!(
            (back.code, back.advice()),
            (Code::StopProtected, "Lift it.")
        );
    }

    #[tokio::test]
    async fn a_step_that_panics_fails_under_a_code() {
        static BROKEN: Entry = Entry {
            name: "Broken",
            calls: &[],
            invoke: |_, _| panic!("on purpose"),
        };
        let config = Config::read(|name| Some("t".to_owned()).filter(|_| name == "PRISM_TABLE"));
        let config = config.unwrap();
        let clients = Arc::new(Aws::answering([]).clients());
        let function = Function {
            handler: Handler::Step(&BROKEN),
            service: service(&clients, &config, ""),
            metrics: config.metrics_namespace,
            gateway: None,
        };
        let failed = function.invoke("r-1", Value::Null).await.unwrap_err();
        let sent = Diagnostic::from(failed);
        assert_eq!(sent.error_type, "Internal");
        let back = Problem::from_wire(&sent.error_type, &sent.error_message);
        assert_eq!(back.code, Code::Internal);
        assert_eq!(back.advice(), Code::Internal.todo());
    }

    #[test]
    fn a_payload_says_which_save_and_which_instance() {
        let id = "save-0123456789abcdef";
        for payload in [json!({"save_id": id}), json!({"recover": id, "epoch": 2})] {
            assert_eq!(save_id(&payload).unwrap().as_str(), id);
        }
        assert_eq!(save_id(&json!({"save_id": 7})), None);
        let output = json!({"plan": {"instance": {"id": "i-0123456789abcdef0"}}});
        assert_eq!(instance_id(&output), Some("i-0123456789abcdef0"));
        assert_eq!(instance_id(&json!(null)), None);
    }

    #[tokio::test]
    async fn a_function_that_cannot_begin_says_why() {
        let begin = async |variables: &[(&str, &str)]| {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let error = Function::begin(&variable).await.map(drop).unwrap_err();
            error.to_string()
        };
        assert!(begin(&[]).await.contains("there is no handler \"\""));
        let error = begin(&[(HANDLER, "PlanSave")]).await;
        assert!(error.contains("PRISM_TABLE"), "{error}");
        for handler in ["Sweep", "Ends", "Wake", "Api"] {
            let error = begin(&[(HANDLER, handler), ("PRISM_TABLE", "t")]).await;
            assert!(error.contains("PRISM_STATE_MACHINE_ARN"), "{error}");
        }
    }
}
