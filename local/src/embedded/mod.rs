//! The embedded cloud: everything that `prism` needs, on one machine.
//!
//! | file in the folder | holds |
//! |---|---|
//! | `cloud.db` | the simulated EC2 |
//! | `registry.db` | templates, versions, saves, locks, duties, schedules |
//! | `local.db` | executions and their histories, notices, the settings |
//! | `pace.json` | how fast the time runs, for processes that already run |
//! | `leases/` | one locked file for each running execution |
//! | `opening.lock` | nothing: it is locked while a process opens the folder |
//! | `background.log` | what processes in the background had to say |

mod adapters;
mod explain;
mod home;
mod pace;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use prism_functions::domain::{AccountId, Code, InstanceId, Problem, Region, UserId};
use prism_functions::operations::Service;
use prism_functions::ports::{Clock, Couriers, Executions, Notice, OsEntropy};
use prism_functions::registry::Registry;
use prism_functions::rules::{Env, Identity, Settings};

use crate::ec2::{Cloud, CloudError, GuestError, Purchase, SimEc2};
use crate::executions::{LocalExecutions, Place, Records, detached};
use crate::schedules::PolledSchedules;
use crate::sqlite::SqliteError;
use crate::store::SqliteTable;
use adapters::LocalNotifier;
use pace::{Pace, PacedClock};

pub use explain::explain;
pub use home::LOCK as OPENING_LOCK;
pub use pace::FILE as PACE_FILE;

const ACCOUNT: &str = "000000000000";
/// How many notices are read at once.
const NOTICES: u32 = 100;
pub const FILES: [&str; 3] = ["cloud.db", "registry.db", "local.db"];

/// The result of a command inside a simulated instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestAnswer {
    pub exit_code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// A property of a simulated instance that only an administrator of the embedded cloud can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    Spot,
    AutoScaling,
    StopProtection(bool),
    InstanceStoreRoot,
    Hibernation,
    ProductCode,
    ElasticIp,
}

/// The embedded cloud in a folder. Several processes may use the same folder.
pub struct Embedded {
    home: PathBuf,
    program: PathBuf,
    records: Records,
    cloud: Cloud,
    account: AccountId,
    clock: PacedClock,
    env: Env,
    ec2: SimEc2,
    executions: LocalExecutions,
    couriers: Couriers,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded")
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

impl Embedded {
    /// Opens the cloud in a folder, and creates it if it does not exist. `program` is the executable that runs
    /// detached executions, as `program --home HOME local run EXECUTION`, and delivers notices, without an execution. A
    /// folder is refused if a database is missing or belongs to another home.
    pub fn open(home: &Path, program: &Path) -> Result<Self, Problem> {
        let _opening = home::lock(home)?;
        home::check_whole(home)?;
        Self::opened(home, program, false)
    }

    /// Makes the contents of a folder one home: missing databases are created empty, and those of another home are
    /// taken over. Returns the databases that were missing.
    pub fn adopt(home: &Path, program: &Path) -> Result<Vec<&'static str>, Problem> {
        let _opening = home::lock(home)?;
        let missing = home::missing(home);
        Self::opened(home, program, true)?;
        Ok(missing)
    }

    fn opened(home: &Path, program: &Path, adopt: bool) -> Result<Self, Problem> {
        let records = Records::open(&home.join("local.db")).map_err(file)?;
        let pace: Option<Pace> = records.setting("pace").map_err(file)?;
        let clock = PacedClock::new(home, pace);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let cloud = Cloud::open(&home.join("cloud.db"), Arc::clone(&shared)).map_err(cloud_file)?;
        let table = SqliteTable::open(&home.join("registry.db")).map_err(file)?;
        let account: AccountId = ACCOUNT.parse()?;
        let ec2 = cloud.account(account.clone());
        let registry = Registry::new(Arc::new(table));
        let env = Env {
            ec2: Arc::new(ec2.clone()),
            inspect: Arc::new(ec2.clone()),
            identity: Identity::known(home::identity(home, &records, &cloud, &registry, adopt)?),
            registry,
            clock: Arc::clone(&shared),
            notifier: Arc::new(LocalNotifier {
                records: records.clone(),
            }),
            settings: settings(&records)?,
        };
        let executions = LocalExecutions::new(home, records.clone(), shared);
        executions.set_env(env.clone());
        executions.listen_to(cloud.clone());
        let (home, program) = (home.to_owned(), program.to_owned());
        Ok(Self {
            home,
            program,
            records,
            cloud,
            account,
            clock,
            env,
            ec2,
            executions,
            couriers: Couriers::default(),
        })
    }

    /// The same cloud, whose notices these carry.
    #[must_use]
    pub fn notifying_by(mut self, couriers: Couriers) -> Self {
        self.couriers = couriers;
        self
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    pub fn clock(&self) -> &PacedClock {
        &self.clock
    }

    pub fn records(&self) -> &Records {
        &self.records
    }

    /// The service that runs its executions inside this process, on the current tokio runtime.
    pub fn service(&self) -> Service {
        self.serve(Arc::new(self.executions.clone()))
    }

    pub fn detaching(&self) -> Service {
        let place = Place::Detached {
            program: self.program.clone(),
        };
        self.serve(Arc::new(self.executions.placed(place)))
    }

    fn serve(&self, executions: Arc<dyn Executions>) -> Service {
        Service {
            env: self.env.clone(),
            executions,
            schedules: Arc::new(PolledSchedules),
            parameters: Arc::new(self.ec2.clone()),
            sessions: Arc::new(self.ec2.clone()),
            couriers: self.couriers.clone(),
            entropy: Arc::new(OsEntropy),
        }
    }

    pub async fn run(&self, execution: &str) -> Result<(), Problem> {
        self.executions.run(execution).await.map_err(|error| {
            let message = format!("The execution {execution} could not be carried.");
            explain(Problem::new(Code::LocalIo, message).because(error))
        })
    }

    /// Delivers the notices that are due in a process of its own, which nobody waits for. If there are none, it starts no
    /// process.
    pub async fn deliver_detached(&self) -> Result<(), Problem> {
        if !self.service().has_due_notices().await? {
            return Ok(());
        }
        let started = detached(&self.program, &self.home, None);
        started.map(drop).map_err(|error| {
            let message = "The process that delivers notices could not be started.";
            Problem::new(Code::LocalIo, message).because(error)
        })
    }

    /// The notices to a user since the last call for the user, oldest first. The first call returns none.
    pub fn new_notices(&self, user: &UserId) -> Result<Vec<Notice>, Problem> {
        let mark = format!("notices seen by {user}");
        let mut new = self.records.new_notices(&mark, NOTICES).map_err(file)?;
        new.retain(|notice| notice.to.contains(user));
        Ok(new)
    }

    /// What blocks an execution inside this process while it retries.
    pub fn trouble(&self) -> Option<String> {
        self.executions.trouble()
    }

    /// Waits until the executions inside this process have ended.
    pub async fn idle(&self) {
        self.executions.idle().await;
    }

    /// Runs a command inside a running simulated instance.
    pub fn guest(
        &self,
        region: &Region,
        instance: &InstanceId,
        command: &[String],
        stdin: &[u8],
    ) -> Result<GuestAnswer, Problem> {
        let guest = self
            .cloud
            .guest(self.account.clone(), region.clone(), instance.clone());
        let output = guest.run(command, stdin).map_err(outside)?;
        Ok(GuestAnswer {
            exit_code: output.exit_code,
            stdout: output.stdout.into(),
            stderr: output.stderr.into(),
        })
    }

    /// Reads a file of a running simulated instance; `None` if there is no such file.
    pub fn guest_file(
        &self,
        region: &Region,
        instance: &InstanceId,
        path: &str,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let guest = self
            .cloud
            .guest(self.account.clone(), region.clone(), instance.clone());
        guest.file(path).map_err(outside)
    }

    pub fn alter(
        &self,
        region: &Region,
        instance: &InstanceId,
        feature: Feature,
    ) -> Result<(), Problem> {
        let _ = region;
        let edited = self
            .cloud
            .admin(self.account.clone())
            .edit(instance, |facts| match feature {
                Feature::Spot => facts.purchase = Purchase::SpotOneTime,
                Feature::AutoScaling => {
                    facts.autoscaling_group = Some("simulated-group".to_owned());
                }
                Feature::StopProtection(on) => facts.stop_protection = on,
                Feature::InstanceStoreRoot => facts.ebs_root = false,
                Feature::Hibernation => facts.hibernation = true,
                Feature::ProductCode => facts.product_codes = vec!["simulatedproduct".to_owned()],
                Feature::ElasticIp => facts.elastic_ip = true,
            });
        edited.map_err(|error| {
            explain(
                Problem::new(Code::LocalIo, "The instance could not be altered.").because(error),
            )
        })
    }

    /// How many times faster than real time the cloud's time runs.
    pub fn speed(&self) -> Result<f64, Problem> {
        let pace: Option<Pace> = self.records.setting("pace").map_err(file)?;
        Ok(pace.map_or(1.0, |pace| pace.speed))
    }

    /// Changes the speed, from 0.1 to 10,000, for every process that uses the cloud, also those that already
    /// run. The cloud's time continues a moment ahead of its present value.
    pub fn set_speed(&self, speed: f64) -> Result<(), Problem> {
        if !(0.1..=10_000.0).contains(&speed) {
            let message = format!("The speed {speed} is not possible: it is 0.1 to 10000.");
            return Err(
                Problem::new(Code::InvalidInput, message).hint("1 is the speed of the wall clock.")
            );
        }
        let pace = self.clock.set_speed(speed).map_err(|error| {
            let message = "The speed of the embedded cloud could not be changed.";
            Problem::new(Code::LocalIo, message).because(error)
        })?;
        self.records.set_setting("pace", &pace).map_err(file)
    }

    pub fn settings(&self) -> Result<Settings, Problem> {
        settings(&self.records)
    }

    /// Changes the deployment's settings for every process that opens the cloud from now on.
    pub fn set_settings(&self, settings: &Settings) -> Result<(), Problem> {
        self.records.set_setting("settings", settings).map_err(file)
    }
}

/// The problem of an instance whose inside cannot be used.
fn outside(error: GuestError) -> Problem {
    let code = match error {
        GuestError::NotFound(_) => Code::InstanceNotFound,
        GuestError::NotRunning { .. } | GuestError::Rebooting(_) => Code::InstanceStateWrong,
        GuestError::NoDisk(_) => Code::NotCustomisable,
        GuestError::Cloud(_) => Code::LocalIo,
    };
    explain(Problem::new(code, "Nothing can be run inside the instance.").because(error))
}

fn settings(records: &Records) -> Result<Settings, Problem> {
    Ok(records
        .setting("settings")
        .map_err(file)?
        .unwrap_or_default())
}

fn cloud_file(error: CloudError) -> Problem {
    explain(Problem::new(Code::LocalIo, "The simulated cloud could not be opened.").because(error))
}

fn file(error: SqliteError) -> Problem {
    explain(
        Problem::new(
            Code::LocalIo,
            "The embedded cloud could not be opened or changed.",
        )
        .because(error),
    )
}
