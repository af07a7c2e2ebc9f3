//! Implements the port [`Executions`] with Step Functions.

use std::error::Error;

use async_trait::async_trait;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::types::ExecutionStatus as Told;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::Value;

use super::clients::{Clients, OnDemand};
use super::failure::Failure;
use crate::domain::Timestamp;
use crate::ports::{Execution, ExecutionStatus, Executions, ExecutionsError};

/// The name of an execution that is requested only to check permissions and that never starts.
const DOCTOR: &str = "prism-doctor";
/// Invalid JSON, which Step Functions refuses as an input.
const NO_INPUT: &str = "{";
/// The IAM action that starts an execution.
const START: &str = "states:StartExecution";

/// The executions of a state machine.
#[derive(Debug, Clone)]
pub struct StepFunctions {
    client: OnDemand<Client>,
    /// The ARN of the state machine, which may include a version or an alias.
    machine: String,
}

impl StepFunctions {
    /// The executions, in the home Region, of the state machine with this ARN.
    pub fn new(clients: &Clients, machine: impl Into<String>) -> Self {
        Self {
            client: OnDemand::new(clients, Client::new),
            machine: machine.into(),
        }
    }

    /// The definition of the state machine as it is deployed.
    pub async fn definition(&self) -> Result<String, ExecutionsError> {
        let told = self
            .client
            .get()
            .describe_state_machine()
            .state_machine_arn(&self.machine)
            .send()
            .await
            .map_err(|error| self.of("states:DescribeStateMachine", DOCTOR, error))?;
        Ok(told.definition)
    }

    /// Whether the caller may start executions. The request has an invalid input: Step Functions checks the caller's
    /// permissions first, then refuses the input and starts nothing.
    pub async fn may_start(&self) -> Result<(), ExecutionsError> {
        let asked = self
            .client
            .get()
            .start_execution()
            .state_machine_arn(&self.machine)
            .name(DOCTOR)
            .input(NO_INPUT)
            .send()
            .await;
        match asked {
            Ok(_) => Ok(()),
            Err(error) => match error
                .as_service_error()
                .and_then(ProvideErrorMetadata::code)
            {
                Some("InvalidExecutionInput") => Ok(()),
                _ => Err(self.of(START, DOCTOR, error)),
            },
        }
    }

    fn execution(&self, name: &str) -> String {
        execution_arn(&self.machine, name)
    }

    /// Converts the SDK's error for a call about an execution. `action` is the IAM action that the call requires.
    fn of<E>(&self, action: &str, name: &str, error: SdkError<E, HttpResponse>) -> ExecutionsError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let failure = Failure::of(error);
        let name = name.to_owned();
        match failure.code.as_str() {
            "ExecutionAlreadyExists" => ExecutionsError::AlreadyExists { name },
            "ExecutionDoesNotExist" => ExecutionsError::NotFound { name },
            _ => self.failed(action, failure),
        }
    }

    fn failed(&self, action: &str, failure: Failure) -> ExecutionsError {
        // Omit the ARN, which contains the account ID: the caller sees this message.
        let machine = self.machine.rsplit(':').next().unwrap_or_default();
        match failure.refusal(action, &format!("the state machine {machine}")) {
            Ok(refusal) => ExecutionsError::Refused(refusal),
            Err(failure) => ExecutionsError::Unavailable {
                reason: failure.reason(),
                source: failure.source,
            },
        }
    }
}

#[async_trait]
impl Executions for StepFunctions {
    async fn start(&self, name: &str, input: Value) -> Result<(), ExecutionsError> {
        self.client
            .get()
            .start_execution()
            .state_machine_arn(&self.machine)
            .name(name)
            .input(input.to_string())
            .send()
            .await
            .map_err(|error| self.of(START, name, error))?;
        Ok(())
    }

    async fn describe(&self, name: &str) -> Result<Execution, ExecutionsError> {
        let told = self
            .client
            .get()
            .describe_execution()
            .execution_arn(self.execution(name))
            .send()
            .await
            .map_err(|error| self.of("states:DescribeExecution", name, error))?;
        execution(name, &told)
    }

    async fn wake(&self, token: &str) -> Result<bool, ExecutionsError> {
        let answered = self
            .client
            .get()
            .send_task_success()
            .task_token(token)
            .output("{}")
            .send()
            .await;
        let Err(error) = answered else {
            return Ok(true);
        };
        let failure = Failure::of(error);
        match failure.code.as_str() {
            // Nothing waits any more: the task has a result or timed out, or its execution has ended.
            "TaskDoesNotExist" | "TaskTimedOut" | "InvalidToken" => Ok(false),
            _ => Err(self.failed("states:SendTaskSuccess", failure)),
        }
    }

    async fn stop(&self, name: &str, cause: &str) -> Result<(), ExecutionsError> {
        self.client
            .get()
            .stop_execution()
            .execution_arn(self.execution(name))
            .cause(cause)
            .send()
            .await
            .map_err(|error| self.of("states:StopExecution", name, error))?;
        Ok(())
    }
}

/// The ARN of an execution: the state machine's ARN without version or alias, followed by the execution's name.
fn execution_arn(machine: &str, name: &str) -> String {
    let parts: Vec<&str> = machine.split(':').take(7).collect();
    let base = parts.join(":").replacen(":stateMachine:", ":execution:", 1);
    format!("{base}:{name}")
}

fn execution(name: &str, told: &DescribeExecutionOutput) -> Result<Execution, ExecutionsError> {
    let unreadable = |what: &str| ExecutionsError::Unavailable {
        reason: format!("the response has no valid {what}"),
        source: None,
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).ok();
    Ok(Execution {
        name: name.to_owned(),
        status: match &told.status {
            // A redrive was requested, so it will run again.
            Told::Running | Told::PendingRedrive => ExecutionStatus::Running,
            Told::Succeeded => ExecutionStatus::Succeeded,
            Told::Failed => ExecutionStatus::Failed,
            Told::TimedOut => ExecutionStatus::TimedOut,
            Told::Aborted => ExecutionStatus::Aborted,
            _ => return Err(unreadable("state")),
        },
        input: told
            .input()
            .and_then(json)
            .ok_or_else(|| unreadable("input"))?,
        output: told.output().and_then(json),
        error: told.error().map(str::to_owned),
        cause: told.cause().map(str::to_owned),
        started_at: instant(&told.start_date).ok_or_else(|| unreadable("start"))?,
        stopped_at: told.stop_date().and_then(instant),
    })
}

fn instant(at: &DateTime) -> Option<Timestamp> {
    Timestamp::from_timestamp(at.secs(), at.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::testing::{Aws, Reply};

    const MACHINE: &str = "arn:aws:states:us-east-1:111122223333:stateMachine:save";

    #[test]
    fn an_execution_belongs_to_its_machine_whatever_the_alias() {
        let arn = "arn:aws:states:us-east-1:111122223333:execution:save:one";
        assert_eq!(execution_arn(MACHINE, "one"), arn);
        assert_eq!(execution_arn(&format!("{MACHINE}:live"), "one"), arn);
    }

    #[tokio::test]
    async fn a_name_that_is_taken_and_one_that_is_unknown_are_told_apart() {
        let aws = Aws::answering([
            Reply::json(
                400,
                json!({"__type": "com.amazonaws.sfn#ExecutionAlreadyExists"}),
            ),
            Reply::json(400, json!({"__type": "ExecutionDoesNotExist"})),
            Reply::json(
                400,
                json!({"__type": "AccessDeniedException", "message": "no"}),
            ),
        ]);
        let executions = StepFunctions::new(&aws.clients(), MACHINE);
        let taken = executions.start("one", json!({"a": 1})).await.unwrap_err();
        assert!(matches!(taken, ExecutionsError::AlreadyExists { name } if name == "one"));
        let unknown = executions.describe("one").await.unwrap_err();
        assert!(matches!(unknown, ExecutionsError::NotFound { .. }));
        let refused = executions.stop("one", "why").await.unwrap_err();
        let ExecutionsError::Refused(refusal) = refused else {
            panic!("{refused}");
        };
        assert_eq!(refusal.to_string(), "AccessDeniedException: no");
        assert_eq!(refusal.action, "states:StopExecution");
        assert_eq!(
            aws.json(0),
            json!({"stateMachineArn": MACHINE, "name": "one", "input": r#"{"a":1}"#})
        );
    }

    #[tokio::test]
    async fn who_may_start_executions_is_found_out_without_one() {
        let error = |code: &str| Reply::json(400, json!({"__type": code, "message": "no"}));
        let aws = Aws::answering([
            error("InvalidExecutionInput"),
            error("AccessDeniedException"),
            error("StateMachineDoesNotExist"),
        ]);
        let machine = StepFunctions::new(&aws.clients(), MACHINE);
        machine.may_start().await.unwrap();
        for code in ["AccessDeniedException", "StateMachineDoesNotExist"] {
            let refused = machine.may_start().await.unwrap_err();
            let ExecutionsError::Refused(refusal) = refused else {
                panic!("{refused}");
            };
            assert!(refusal.to_string().contains(code), "{refusal}");
        }
        let input = aws.json(0)["input"].as_str().unwrap().to_owned();
        assert!(serde_json::from_str::<Value>(&input).is_err(), "{input}");
    }

    #[tokio::test]
    async fn a_wait_that_is_over_is_no_error() {
        let over = [
            "TaskTimedOut",
            "com.amazonaws.sfn#TaskDoesNotExist",
            "InvalidToken",
        ];
        let replies = over.map(|code| Reply::json(400, json!({"__type": code})));
        let refused = Reply::json(400, json!({"__type": "AccessDeniedException"}));
        let answered = [Reply::json(200, json!({}))];
        let aws = Aws::answering(answered.into_iter().chain(replies).chain([refused]));
        let executions = StepFunctions::new(&aws.clients(), MACHINE);
        assert!(executions.wake("token").await.unwrap());
        for code in over {
            assert!(!executions.wake("token").await.unwrap(), "{code}");
        }
        let refused = executions.wake("token").await.unwrap_err();
        assert!(matches!(refused, ExecutionsError::Refused(_)), "{refused}");
        assert_eq!(aws.json(0), json!({"taskToken": "token", "output": "{}"}));
    }

    #[tokio::test]
    async fn an_execution_is_read_as_it_stands() {
        let aws = Aws::answering([Reply::json(
            200,
            json!({
                "executionArn": "arn", "stateMachineArn": MACHINE, "status": "FAILED",
                "startDate": 1_700_000_000.5, "stopDate": 1_700_000_060, "input": r#"{"a":1}"#,
                "error": "StopTimedOut", "cause": "It did not stop."
            }),
        )]);
        let told = StepFunctions::new(&aws.clients(), MACHINE);
        let told = told.describe("one").await.unwrap();
        assert_eq!(told.status, ExecutionStatus::Failed);
        assert_eq!(told.input, json!({"a": 1}));
        assert_eq!(told.error.as_deref(), Some("StopTimedOut"));
        assert_eq!(told.started_at.timestamp_millis(), 1_700_000_000_500);
        assert!(told.stopped_at.is_some() && told.output.is_none());
    }
}
