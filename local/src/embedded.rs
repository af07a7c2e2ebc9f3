//! The embedded cloud, put together: everything that `prism` needs on one machine.

use std::path::{Path, PathBuf};

use prism_functions::domain::{InstanceId, Problem, Region};
use prism_functions::service::Service;
use prism_functions::steps::Settings;

/// What a command inside a simulated instance answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestAnswer {
    /// Its exit code.
    pub exit_code: i32,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained about.
    pub stderr: Vec<u8>,
}

/// Something about a simulated instance that only its maker can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// It becomes a one-time Spot instance.
    Spot,
    /// It becomes a member of an Auto Scaling group.
    AutoScaling,
    /// Its stop protection is set.
    StopProtection(bool),
    /// Its root device lies in the instance store.
    InstanceStoreRoot,
    /// Hibernation is enabled.
    Hibernation,
    /// It carries a Marketplace product code.
    ProductCode,
    /// Its address is an Elastic IP.
    ElasticIp,
}

/// The embedded cloud in a folder. Several processes may have the same one open.
#[derive(Debug)]
pub struct Embedded {
    home: PathBuf,
    program: PathBuf,
}

impl Embedded {
    /// Opens the cloud in a folder, and makes it where there is none. `program` is the executable
    /// that detached executions are handed to, as `program --home HOME local run EXECUTION`.
    pub fn open(home: &Path, program: &Path) -> Result<Self, Problem> {
        Ok(Self {
            home: home.to_owned(),
            program: program.to_owned(),
        })
    }

    /// The folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The service whose executions run inside this process, on the current tokio runtime.
    pub fn service(&self) -> Service {
        let _ = &self.program;
        unimplemented!()
    }

    /// The service whose executions are handed to detached processes.
    pub fn detaching(&self) -> Service {
        unimplemented!()
    }

    /// Carries an execution that another process has handed over, to its end.
    pub async fn run(&self, execution: &str) -> Result<(), Problem> {
        let _ = execution;
        unimplemented!()
    }

    /// Runs a command inside a running simulated instance.
    pub async fn guest(
        &self,
        region: &Region,
        instance: &InstanceId,
        command: &[String],
        stdin: &[u8],
    ) -> Result<GuestAnswer, Problem> {
        let _ = (region, instance, command, stdin);
        unimplemented!()
    }

    /// Gives a simulated instance a feature.
    pub fn alter(
        &self,
        region: &Region,
        instance: &InstanceId,
        feature: Feature,
    ) -> Result<(), Problem> {
        let _ = (region, instance, feature);
        unimplemented!()
    }

    /// How many times faster than the wall clock the cloud's time runs.
    pub fn speed(&self) -> Result<f64, Problem> {
        unimplemented!()
    }

    /// Changes that for every process that opens the cloud from now on; 0.1 to 10,000.
    pub fn set_speed(&self, speed: f64) -> Result<(), Problem> {
        let _ = speed;
        unimplemented!()
    }

    /// The deployment's settings.
    pub fn settings(&self) -> Result<Settings, Problem> {
        unimplemented!()
    }

    /// Changes the deployment's settings.
    pub fn set_settings(&self, settings: Settings) -> Result<(), Problem> {
        let _ = settings;
        unimplemented!()
    }
}
