//! Embedded executions of the save state machine: the interpreter runs the definition exactly as deployed, with the
//! steps as its functions.
//!
//! An execution runs inside the process that started it, or in a detached process that it is handed to. While it
//! runs, its process holds a file lock, the lease, and sends heartbeats. When the process ends for any reason, the
//! operating system releases the lease, and the next process that checks records the execution as aborted, as Step
//! Functions would report it. The same happens if the process is suspended: when it resumes, it finds that its
//! execution has ended and that the epoch of its save belongs to another execution.

mod definition;
mod lease;
mod listener;
mod memory;
mod records;
mod runner;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Either, join, select};
use prism_asl::{StopHandle, TaskTokens};
use prism_functions::ports::{Clock, Execution, ExecutionStatus, Executions, ExecutionsError};
use prism_functions::rules::Env;
use serde_json::Value;

use crate::clock::{WallClock, system_time};
use crate::ec2::Cloud;
use lease::{BEAT, Lease};

pub use definition::{DEFINITION, StepFunctions, Trouble, load, machine, substituted};
pub use memory::{MemoryExecutions, VirtualTime, Wrap};
pub use records::Records;

/// How long a detached process may take to take over an execution, in real seconds.
const ADOPTION_S: u64 = 15;
/// How long another process may take between the lease of an execution and its record, in real seconds.
const ENTRY_S: u64 = 15;
/// How often a process checks whether another one stopped its execution, in real milliseconds.
const STOP_POLL_MS: u64 = 250;

/// The shortest pause between two reads of the cloud's file for events that end a wait, in real milliseconds.
const LISTEN_MS: u64 = 50;

/// Where an execution runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Inside this process, on the current tokio runtime.
    Here,
    /// In its own process, started as `program --home HOME local run NAME`.
    Detached { program: PathBuf },
}

/// The executions in the embedded cloud's folder.
#[derive(Clone)]
pub struct LocalExecutions {
    shared: Arc<Shared>,
    place: Place,
}

struct Shared {
    home: PathBuf,
    records: Records,
    clock: Arc<dyn Clock>,
    /// The environment of the steps. It is set once, after the service has been put together.
    env: OnceLock<Env>,
    /// The cloud whose events end waits, if there is one.
    cloud: OnceLock<Cloud>,
    tokens: TaskTokens,
    running: Mutex<Vec<Running>>,
    trouble: Trouble,
}

struct Running {
    name: String,
    stop: StopHandle,
    task: tokio::task::JoinHandle<()>,
}

impl std::fmt::Debug for LocalExecutions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalExecutions")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl LocalExecutions {
    /// The executions of a folder. Call [`set_env`](Self::set_env) before the first execution starts.
    pub fn new(home: &Path, records: Records, clock: Arc<dyn Clock>) -> Self {
        let shared = Shared {
            home: home.to_owned(),
            records,
            clock,
            env: OnceLock::new(),
            cloud: OnceLock::new(),
            tokens: TaskTokens::new(),
            running: Mutex::new(Vec::new()),
            trouble: Trouble::default(),
        };
        Self {
            shared: Arc::new(shared),
            place: Place::Here,
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

    /// The same executions, but new ones start in this placement.
    #[must_use]
    pub fn placed(&self, place: Place) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            place,
        }
    }

    /// Takes over an execution that another process has handed over, and runs it to its end.
    pub async fn run(&self, name: &str) -> Result<(), ExecutionsError> {
        let real = WallClock::real();
        for _ in 0..100 {
            if let Some(lease) =
                Lease::take(&self.shared.home, name).map_err(ExecutionsError::because)?
            {
                self.shared
                    .records
                    .adopt(name)
                    .map_err(ExecutionsError::because)?;
                return self.carry(name, lease, StopHandle::new()).await;
            }
            real.sleep(Duration::from_millis(20)).await;
        }
        Err(ExecutionsError::unavailable(format!(
            "another process carries the execution {name}"
        )))
    }

    async fn carry(
        &self,
        name: &str,
        lease: Lease,
        stop: StopHandle,
    ) -> Result<(), ExecutionsError> {
        let Some(env) = self.shared.env.get() else {
            return Err(ExecutionsError::unavailable("the steps have no world yet"));
        };
        let functions = StepFunctions {
            env: env.clone(),
            trouble: self.shared.trouble.clone(),
        };
        let run = std::pin::pin!(runner::carry(
            &self.shared.records,
            functions,
            &self.shared.clock,
            name,
            stop,
            self.shared.tokens.clone(),
        ));
        let beats = std::pin::pin!(beat(&lease, name));
        let beside = match self.shared.cloud.get() {
            Some(cloud) => {
                let listener = self.listen(cloud, env);
                Box::pin(join(beats, listener).map(drop)) as BoxFuture<'_, ()>
            }
            None => Box::pin(beats),
        };
        match select(run, beside).await {
            Either::Left((result, _)) => result,
            Either::Right(((), run)) => run.await,
        }
    }

    async fn listen(&self, cloud: &Cloud, env: &Env) {
        let clock = Arc::clone(&self.shared.clock);
        let rest = |pause| {
            let (simulated, real) = (clock.sleep(pause), WallClock::real());
            // However fast the cloud's time runs, its file must not be read continuously.
            let real = async move { real.sleep(Duration::from_millis(LISTEN_MS)).await };
            Box::pin(join(simulated, real).map(drop)) as BoxFuture<'static, ()>
        };
        let tokens = &self.shared.tokens;
        listener::listen(cloud, env, self, tokens, &mut None, rest).await;
    }

    /// What blocks an execution inside this process while it retries.
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble.get()
    }

    pub async fn idle(&self) {
        loop {
            let next = self.running().pop();
            match next {
                Some(running) => {
                    let _ = running.task.await;
                }
                None => return,
            }
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Vec<Running>> {
        self.shared
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an execution that has no record. Returns whether it did: another process may be about to begin it.
    async fn begin(&self, name: &str, input: &Value) -> Result<bool, ExecutionsError> {
        // The lease comes before the record: there is never a record of a running execution without a lease.
        let Some(lease) = Lease::take(&self.shared.home, name).map_err(ExecutionsError::because)?
        else {
            return Ok(false);
        };
        let (records, now) = (&self.shared.records, self.shared.clock.now());
        let here = self.place == Place::Here;
        if !records
            .insert(name, input, here, now)
            .map_err(ExecutionsError::because)?
        {
            return Ok(false);
        }
        match &self.place {
            Place::Here => self.start_here(name, lease),
            Place::Detached { program } => {
                drop(lease);
                if let Err(error) = self.start_detached(program, name).await {
                    let cause = "No process took the execution over.";
                    let now = self.shared.clock.now();
                    records
                        .end_aborted(name, cause, now)
                        .map_err(ExecutionsError::because)?;
                    return Err(error);
                }
            }
        }
        Ok(true)
    }

    fn start_here(&self, name: &str, lease: Lease) {
        let stop = StopHandle::new();
        let (this, owned_name, handle) = (self.clone(), name.to_owned(), stop.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = this.carry(&owned_name, lease, handle).await {
                tracing::error!(execution = owned_name, %error, "the execution could not be carried");
            }
        });
        let mut running = self.running();
        running.retain(|running| !running.task.is_finished());
        running.push(Running {
            name: name.to_owned(),
            stop,
            task,
        });
    }

    async fn start_detached(&self, program: &Path, name: &str) -> Result<(), ExecutionsError> {
        let mut child =
            detached(program, &self.shared.home, Some(name)).map_err(ExecutionsError::because)?;
        let real = WallClock::real();
        for _ in 0..ADOPTION_S * 100 {
            if self
                .shared
                .records
                .is_adopted(name)
                .map_err(ExecutionsError::because)?
            {
                // The child outlives this process or ends earlier; a process that has ended remains a zombie until it
                // is waited for.
                std::thread::spawn(move || child.wait());
                return Ok(());
            }
            if let Some(status) = child.try_wait().map_err(ExecutionsError::because)? {
                return Err(ExecutionsError::Unavailable {
                    reason: format!(
                        "the background process ended at once ({status}); its log is {}",
                        log_path(&self.shared.home).display()
                    ),
                    source: None,
                });
            }
            real.sleep(Duration::from_millis(10)).await;
        }
        Err(ExecutionsError::unavailable(
            "the background process did not take over in time",
        ))
    }

    /// Checks whether an execution with a running record is really running; if not, it is aborted now.
    async fn settle(&self, execution: &mut Execution) -> Result<(), ExecutionsError> {
        if execution.status != ExecutionStatus::Running {
            return Ok(());
        }
        let name = execution.name.as_str();
        let here = self
            .running()
            .iter()
            .any(|running| running.name == name && !running.task.is_finished());
        if here
            || self
                .shared
                .records
                .awaits_adoption(name, ADOPTION_S)
                .map_err(ExecutionsError::because)?
        {
            return Ok(());
        }
        let cause = match Lease::take(&self.shared.home, name).map_err(ExecutionsError::because)? {
            Some(_lease) => "The process that carried the execution ended.",
            None if self.is_suspended(name).await? => {
                "The process that carried the execution is suspended."
            }
            None => return Ok(()),
        };
        self.shared
            .records
            .end_aborted(name, cause, self.shared.clock.now())
            .map_err(ExecutionsError::because)?;
        *execution = self.read(name)?;
        Ok(())
    }

    /// Whether the process that holds the lease of an execution is suspended. After the whole machine was asleep, the
    /// process only has to send its next heartbeat.
    async fn is_suspended(&self, name: &str) -> Result<bool, ExecutionsError> {
        let silent = || {
            Lease::is_silent(&self.shared.home, name, system_time())
                .map_err(ExecutionsError::because)
        };
        if !silent()? {
            return Ok(false);
        }
        WallClock::real().sleep(2 * BEAT).await;
        silent()
    }

    fn read(&self, name: &str) -> Result<Execution, ExecutionsError> {
        let found = self
            .shared
            .records
            .read(name)
            .map_err(ExecutionsError::because)?;
        found.ok_or_else(|| ExecutionsError::not_found(name))
    }
}

#[async_trait]
impl Executions for LocalExecutions {
    async fn start(&self, name: &str, input: Value) -> Result<(), ExecutionsError> {
        let real = WallClock::real();
        for _ in 0..ENTRY_S * 100 {
            if let Some(mut before) = self
                .shared
                .records
                .read(name)
                .map_err(ExecutionsError::because)?
            {
                self.settle(&mut before).await?;
                if before.status == ExecutionStatus::Running && before.input == input {
                    return Ok(());
                }
                return Err(ExecutionsError::AlreadyExists {
                    name: name.to_owned(),
                });
            }
            if self.begin(name, &input).await? {
                return Ok(());
            }
            // Another process is about to begin it; its input is known when the record exists.
            real.sleep(Duration::from_millis(10)).await;
        }
        Err(ExecutionsError::unavailable(format!(
            "another process holds the execution {name} and does not begin it"
        )))
    }

    async fn describe(&self, name: &str) -> Result<Execution, ExecutionsError> {
        let mut execution = self.read(name)?;
        self.settle(&mut execution).await?;
        Ok(execution)
    }

    async fn wake(&self, token: &str) -> Result<bool, ExecutionsError> {
        runner::wake(&self.shared.tokens, token)
    }

    async fn stop(&self, name: &str, cause: &str) -> Result<(), ExecutionsError> {
        self.read(name)?;
        // Change the record first: the process that runs the execution, this one or another, follows the record.
        self.shared
            .records
            .end_aborted(name, cause, self.shared.clock.now())
            .map_err(ExecutionsError::because)?;
        let task = {
            let mut running = self.running();
            let place = running.iter().position(|running| running.name == name);
            place.map(|place| running.swap_remove(place))
        };
        if let Some(running) = task {
            running.stop.stop(None, Some(cause.to_owned()));
            let _ = running.task.await;
        }
        Ok(())
    }
}

async fn beat(lease: &Lease, name: &str) {
    let real = WallClock::real();
    loop {
        real.sleep(BEAT).await;
        if let Err(error) = lease.beat() {
            tracing::warn!(execution = name, %error, "the lease could not be renewed");
        }
    }
}

/// Starts the process of a detached execution, or one that only delivers notices: in its own process group, so that a
/// Ctrl-C in the terminal does not reach it, and without any of the terminal's files.
pub(crate) fn detached(
    program: &Path,
    home: &Path,
    name: Option<&str>,
) -> std::io::Result<std::process::Child> {
    use std::os::unix::process::CommandExt;
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log_path(home))?;
    Command::new(program)
        .arg("--home")
        .arg(home)
        .args(["local", "run"])
        .args(name)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .current_dir("/")
        .process_group(0)
        .spawn()
}

fn log_path(home: &Path) -> PathBuf {
    home.join("background.log")
}
