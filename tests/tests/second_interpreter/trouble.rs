//! The steps as both interpreters invoke them, with injected faults.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use prism_asl::{Functions, TaskFailure};
use prism_functions::domain::SaveId;
use prism_functions::operations::Service;
use prism_local::executions::StepFunctions;
use prism_tests::asks::Asks as _;
use prism_tests::recorded::outside;
use prism_tests::world::caller;
use serde_json::{Value, json};

/// The request ID in the responses of a failing Lambda service.
pub(crate) const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Fail(&'static str),
    /// Lambda refuses the invocation with status 429 and this error.
    Refuse(&'static str),
    /// The step is run, and its response takes this many seconds.
    Dawdle(u64),
    /// The step is run, and its execution is stopped before it responds.
    Stop,
    /// The step is run, and the wait for which it has a token ends before it responds.
    Wake,
    /// The save is cancelled, then the step is run.
    Cancel,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) step: &'static str,
    pub(crate) region: Option<&'static str>,
    pub(crate) after: u32,
    pub(crate) times: u32,
    pub(crate) act: Act,
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) step: String,
    pub(crate) payload: Value,
    pub(crate) answer: Result<Value, TaskFailure>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) result: Result<Value, TaskFailure>,
    pub(crate) takes: Duration,
}

#[derive(Debug)]
pub(crate) struct Trouble {
    faults: Mutex<Vec<Fault>>,
    calls: Mutex<Vec<Call>>,
    service: OnceLock<Service>,
}

impl Trouble {
    pub(crate) fn new(faults: &[Fault]) -> Arc<Self> {
        Arc::new(Self {
            faults: Mutex::new(faults.to_vec()),
            calls: Mutex::default(),
            service: OnceLock::new(),
        })
    }

    pub(crate) fn set_service(&self, service: Service) {
        self.service.get_or_init(|| service);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn left(&self) -> Vec<Fault> {
        let faults = self.faults.lock().unwrap();
        faults.iter().filter(|f| f.times > 0).copied().collect()
    }

    pub(crate) async fn invoke(&self, steps: &StepFunctions, step: &str, payload: Value) -> Answer {
        let act = self.next(step, &payload);
        let mut takes = Duration::ZERO;
        let result = match act {
            Some(Act::Fail(code)) => Err(TaskFailure::from_handler(code, "it was told to")),
            Some(Act::Refuse(error)) => Err(refused(error)),
            Some(Act::Dawdle(seconds)) => {
                takes = Duration::from_secs(seconds);
                steps.invoke(step, payload.clone()).await
            }
            Some(Act::Stop) => {
                let result = steps.invoke(step, payload.clone()).await;
                let (name, executions) = (execution(&payload), &self.service().executions);
                let stopped = executions.stop(&name, "the test stops it");
                outside(stopped).await.unwrap();
                result
            }
            Some(Act::Wake) => {
                let result = steps.invoke(step, payload.clone()).await;
                let token = payload["token"].as_str().unwrap();
                let woken = outside(self.service().executions.wake(token)).await;
                assert!(woken.unwrap(), "nobody waits for {payload}");
                result
            }
            Some(Act::Cancel) => {
                let id: SaveId = payload["save_id"].as_str().unwrap().parse().unwrap();
                let ada = caller("ada");
                let cancelled = self.service().cancel_save(&ada, &id);
                outside(cancelled).await.unwrap();
                steps.invoke(step, payload.clone()).await
            }
            None => steps.invoke(step, payload.clone()).await,
        };
        self.calls.lock().unwrap().push(Call {
            step: step.to_owned(),
            payload,
            answer: result.clone(),
        });
        Answer { result, takes }
    }

    fn next(&self, step: &str, payload: &Value) -> Option<Act> {
        let mut faults = self.faults.lock().unwrap();
        let meant = |fault: &&mut Fault| {
            let here = fault
                .region
                .is_none_or(|region| payload["region"] == region);
            fault.step == step && here && fault.times > 0
        };
        let fault = faults.iter_mut().find(meant)?;
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        fault.times -= 1;
        Some(fault.act)
    }

    fn service(&self) -> &Service {
        self.service.get().expect("it is set before anything runs")
    }
}

fn execution(payload: &Value) -> String {
    let id = payload["save_id"].as_str().unwrap();
    match payload["epoch"].as_u64() {
        Some(epoch) if epoch > 1 => format!("{id}-{epoch}"),
        _ => id.to_owned(),
    }
}

/// The failure that Step Functions derives from a refused invocation.
fn refused(error: &str) -> TaskFailure {
    TaskFailure {
        error: format!("Lambda.{error}"),
        cause: format!(
            "{} (Service: AWSLambda; Status Code: 429; Error Code: {error}; Request ID: {REQUEST_ID}; \
             Proxy: null)",
            refusal()["message"].as_str().unwrap()
        ),
    }
}

pub(crate) fn refusal() -> Value {
    json!({ "message": "Rate exceeded" })
}

thread_local! {
    static TROUBLE: RefCell<Option<Arc<Trouble>>> = const { RefCell::new(None) };
}

/// Sets the faults of the executions that this thread starts on this project's interpreter.
pub(crate) fn set(trouble: Arc<Trouble>) {
    TROUBLE.set(Some(trouble));
}

/// Injects this thread's faults between the definition and the steps.
pub(crate) fn wrap(steps: StepFunctions) -> Arc<dyn Functions> {
    let trouble = TROUBLE.with_borrow(Clone::clone);
    let trouble = trouble.expect("it is set before anything runs");
    Arc::new(Troubled { trouble, steps })
}

struct Troubled {
    trouble: Arc<Trouble>,
    steps: StepFunctions,
}

#[async_trait]
impl Functions for Troubled {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let answer = self.trouble.invoke(&self.steps, function, payload).await;
        if !answer.takes.is_zero() {
            self.steps.env.clock.sleep(answer.takes).await;
        }
        answer.result
    }
}
