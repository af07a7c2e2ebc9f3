//! Executions in memory, on a virtual clock: for tests and simulations, in which a day costs nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_trait::async_trait;
use futures::future::{Either, select};
use prism_asl::{
    Execution as Interpreted, Functions, History, Identity, Machine, MemoryHistory, StopHandle,
    TaskTokens, VirtualClock,
};
use prism_functions::ports::{Clock, Execution, ExecutionStatus, Executions, ExecutionsError};
use prism_functions::rules::Env;
use serde_json::Value;

use super::definition::{StepFunctions, Trouble, machine};
use super::listener::listen;
use super::runner::{seed, status, wake};
use crate::ec2::Cloud;

/// Turns the steps into an execution's functions, possibly with a wrapper around them.
pub type Wrap = fn(StepFunctions) -> Arc<dyn Functions>;

/// Executions that run as tasks of a virtual clock.
#[derive(Clone)]
pub struct MemoryExecutions {
    shared: Arc<Shared>,
}

struct Shared {
    clock: VirtualClock,
    machine: Arc<Machine>,
    wrap: Box<dyn Fn(StepFunctions) -> Arc<dyn Functions> + Send + Sync>,
    env: OnceLock<Env>,
    cloud: OnceLock<Cloud>,
    tokens: TaskTokens,
    /// Only one execution at a time listens for all of them; the next one continues from the last event.
    heard: futures::lock::Mutex<Option<u64>>,
    all: Mutex<BTreeMap<String, Kept>>,
}

struct Kept {
    execution: Execution,
    stop: StopHandle,
    history: Arc<MemoryHistory>,
}

impl std::fmt::Debug for MemoryExecutions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryExecutions")
    }
}

impl MemoryExecutions {
    /// Executions on this clock. Call [`set_env`](Self::set_env) before the first execution starts.
    pub fn new(clock: VirtualClock) -> Self {
        Self::of(clock, machine(), |steps| Arc::new(steps))
    }

    /// Executions of another definition, or with a wrapper around the steps.
    pub fn of(
        clock: VirtualClock,
        machine: Arc<Machine>,
        wrap: impl Fn(StepFunctions) -> Arc<dyn Functions> + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared {
            clock,
            machine,
            wrap: Box::new(wrap),
            env: OnceLock::new(),
            cloud: OnceLock::new(),
            tokens: TaskTokens::new(),
            heard: futures::lock::Mutex::new(None),
            all: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Sets the environment of the steps; only the first call has an effect.
    pub fn set_env(&self, env: Env) {
        self.shared.env.get_or_init(|| env);
    }

    /// Ends waits as soon as this cloud has new events; only the first call has an effect.
    pub fn listen_to(&self, cloud: Cloud) {
        self.shared.cloud.get_or_init(|| cloud);
    }

    /// Runs an execution to its end, and listens for events that end its waits.
    async fn carry(&self, execution: Interpreted, env: &Env) -> prism_asl::Outcome {
        let run = std::pin::pin!(execution.run());
        let Some(cloud) = self.shared.cloud.get() else {
            return run.await;
        };
        let clock = &self.shared.clock;
        let rest = |pause| prism_asl::Clock::sleep(clock, pause);
        let listener = std::pin::pin!(async {
            let mut heard = self.shared.heard.lock().await;
            listen(cloud, env, self, &self.shared.tokens, &mut heard, rest).await;
        });
        match select(run, listener).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), run)) => run.await,
        }
    }

    pub fn history(&self, name: &str) -> Option<Arc<MemoryHistory>> {
        self.all().get(name).map(|kept| Arc::clone(&kept.history))
    }

    /// Removes and returns the history of an execution that has ended; `None` if the execution is running or unknown.
    pub fn take_history(&self, name: &str) -> Option<Arc<MemoryHistory>> {
        let mut all = self.all();
        let kept = all.get_mut(name)?;
        let ended = kept.execution.status != ExecutionStatus::Running;
        ended.then(|| std::mem::take(&mut kept.history))
    }

    pub fn running(&self) -> Vec<String> {
        let all = self.all();
        let running = all
            .iter()
            .filter(|(_, kept)| kept.execution.status == ExecutionStatus::Running);
        running.map(|(name, _)| name.clone()).collect()
    }

    pub fn names(&self) -> Vec<String> {
        self.all().keys().cloned().collect()
    }

    /// Ends an execution as if the definition's own timeout had passed. An execution that has ended stays unchanged.
    pub fn time_out(&self, name: &str) {
        if let Some(kept) = self.all().get_mut(name)
            && kept.execution.status == ExecutionStatus::Running
        {
            kept.execution.status = ExecutionStatus::TimedOut;
            kept.execution.stopped_at = Some(prism_asl::Clock::now(&self.shared.clock));
            kept.stop.expire();
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        self.shared
            .all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, name: &str, outcome: prism_asl::Outcome) {
        let now = prism_asl::Clock::now(&self.shared.clock);
        if let Some(kept) = self
            .all()
            .get_mut(name)
            .filter(|kept| kept.execution.status == ExecutionStatus::Running)
        {
            kept.execution.status = status(outcome.status);
            kept.execution.output = outcome.output.map(|output| (*output).clone());
            kept.execution.error = outcome.error;
            kept.execution.cause = outcome.cause;
            kept.execution.stopped_at = Some(now);
        }
    }
}

#[async_trait]
impl Executions for MemoryExecutions {
    async fn start(&self, name: &str, input: Value) -> Result<(), ExecutionsError> {
        let Some(env) = self.shared.env.get() else {
            return Err(ExecutionsError::Unavailable {
                reason: "the steps have no world yet".to_owned(),
                source: None,
            });
        };
        let (stop, history) = (StopHandle::new(), Arc::new(MemoryHistory::new()));
        {
            let mut all = self.all();
            if let Some(before) = all.get(name) {
                let same = before.execution.status == ExecutionStatus::Running
                    && before.execution.input == input;
                return if same {
                    Ok(())
                } else {
                    Err(ExecutionsError::AlreadyExists {
                        name: name.to_owned(),
                    })
                };
            }
            let execution = Execution {
                name: name.to_owned(),
                status: ExecutionStatus::Running,
                input: input.clone(),
                output: None,
                error: None,
                cause: None,
                started_at: prism_asl::Clock::now(&self.shared.clock),
                stopped_at: None,
            };
            all.insert(
                name.to_owned(),
                Kept {
                    execution,
                    stop: stop.clone(),
                    history: Arc::clone(&history),
                },
            );
        }
        let interpreted = Interpreted {
            machine: Arc::clone(&self.shared.machine),
            identity: Identity::of(
                "local",
                "000000000000",
                "prism-save",
                name,
                &self.shared.clock,
            ),
            input,
            clock: Arc::new(self.shared.clock.clone()),
            functions: (self.shared.wrap)(StepFunctions {
                env: env.clone(),
                trouble: Trouble::default(),
            }),
            history: history as Arc<dyn History>,
            seed: seed(name),
            stop,
            tokens: self.shared.tokens.clone(),
        };
        let (this, name, env) = (self.clone(), name.to_owned(), env.clone());
        self.shared.clock.spawn(async move {
            let outcome = this.carry(interpreted, &env).await;
            this.end(&name, outcome);
        });
        Ok(())
    }

    async fn describe(&self, name: &str) -> Result<Execution, ExecutionsError> {
        let found = self.all().get(name).map(|kept| kept.execution.clone());
        found.ok_or_else(|| ExecutionsError::NotFound {
            name: name.to_owned(),
        })
    }

    async fn wake(&self, token: &str) -> Result<bool, ExecutionsError> {
        wake(&self.shared.tokens, token)
    }

    async fn stop(&self, name: &str, cause: &str) -> Result<(), ExecutionsError> {
        let mut all = self.all();
        let Some(kept) = all.get_mut(name) else {
            return Err(ExecutionsError::NotFound {
                name: name.to_owned(),
            });
        };
        if kept.execution.status == ExecutionStatus::Running {
            kept.execution.status = ExecutionStatus::Aborted;
            kept.execution.cause = Some(cause.to_owned());
            kept.execution.stopped_at = Some(prism_asl::Clock::now(&self.shared.clock));
            kept.stop.stop(None, Some(cause.to_owned()));
        }
        Ok(())
    }
}

/// Adapts the virtual clock to the core's port.
#[derive(Clone)]
pub struct VirtualTime(pub VirtualClock);

impl std::fmt::Debug for VirtualTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VirtualTime")
    }
}

impl Clock for VirtualTime {
    fn now(&self) -> prism_functions::domain::Timestamp {
        prism_asl::Clock::now(&self.0)
    }

    fn sleep(&self, duration: std::time::Duration) -> futures::future::BoxFuture<'static, ()> {
        prism_asl::Clock::sleep(&self.0, duration)
    }
}
