//! What a researcher does on an instance, simulated on a disk.
//!
//! Nothing is actually executed. A small set of commands is supported and changes the disk as the real commands
//! would. Everything else is refused with a message that says so, because an honest refusal is better than a
//! pretended success.

mod cloud_config;
mod commands;
pub(super) mod disk;
mod files;
mod packages;

pub use cloud_config::words_of;
pub use disk::{Disk, FileBody, Package, System};

use prism_functions::domain::catalogue::{CONSOLE_MARK, SETUP_FILE};
use prism_functions::domain::ec2::{Architecture, InstanceState};
use prism_functions::domain::inventory::Inventory;
use prism_functions::domain::sensitive::sensitive;
use prism_functions::domain::{InstanceId, Timestamp};

use super::model::{Model, Scope};
use super::types;

/// The result of a command on an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuestOutput {
    /// The exit code: 0 if it succeeded, and 127 for commands that the simulated disk does not support.
    pub exit_code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl GuestOutput {
    pub(super) fn ok(stdout: impl Into<String>) -> Self {
        Self {
            stdout: stdout.into(),
            ..Self::default()
        }
    }

    pub(super) fn failed(exit_code: i32, stderr: impl Into<String>) -> Self {
        let mut stderr: String = stderr.into();
        if !stderr.ends_with('\n') {
            stderr.push('\n');
        }
        Self {
            exit_code,
            stderr,
            ..Self::default()
        }
    }
}

/// Why a command could not be run on an instance.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    #[error("the instance {0} does not exist in this account and Region")]
    NotFound(InstanceId),
    #[error("the instance {id} is {}, so nothing can be run on it", state.as_str())]
    NotRunning {
        id: InstanceId,
        state: InstanceState,
    },
    #[error("the instance {0} is rebooting, so nothing can be run on it")]
    Rebooting(InstanceId),
    #[error("the instance {0} has no EBS root volume, so it has no simulated disk")]
    NoDisk(InstanceId),
    /// The cloud's file could not be read or written.
    #[error("the simulated cloud could not be read or written")]
    Cloud(#[source] super::cloud_error::CloudError),
}

/// The mount point of the instance store, on instances that have one. Its files are not on the root disk: snapshots
/// do not contain them, and a stop erases them.
pub const INSTANCE_STORE: &str = "/mnt/instance-store";

/// What the file about the setup contains.
#[derive(Debug, serde::Deserialize)]
struct Outcome {
    state: String,
    step: String,
    output: String,
    instance_id: InstanceId,
}

impl Outcome {
    /// The line on the console. On an instance of a saved template, the file is about another instance, and whatever was
    /// under way there was interrupted.
    fn line(&self, id: &InstanceId) -> String {
        let Self {
            state,
            step,
            output,
            instance_id,
        } = self;
        match state.as_str() {
            "preparing" if instance_id != id => {
                format!("{CONSOLE_MARK}failed: setup: a restart interrupted it\n")
            }
            "failed" => format!("{CONSOLE_MARK}failed: {step}: {output}\n"),
            _ => format!("{CONSOLE_MARK}{state}\n"),
        }
    }
}

#[derive(Debug)]
pub(super) struct Session {
    disk: Disk,
    host: Host,
    /// The number of bytes written, which the next snapshot has to copy.
    written: u64,
    changed: bool,
}

#[derive(Debug)]
struct Host {
    name: String,
    architecture: Architecture,
    size_bytes: u64,
    file_limit_bytes: u64,
    has_instance_store: bool,
}

impl Host {
    fn is_in_instance_store(&self, path: &str) -> bool {
        let rest = path.strip_prefix(INSTANCE_STORE);
        self.has_instance_store && rest.is_some_and(|rest| rest.starts_with('/'))
    }
}

impl Model {
    /// Runs a command on an instance's root disk.
    pub(crate) fn guest(
        &mut self,
        id: &InstanceId,
        argv: &[String],
        stdin: &[u8],
        now: Timestamp,
    ) -> Result<GuestOutput, GuestError> {
        let mut session = self.enter_guest(id, now)?;
        let output = session.run(argv, stdin);
        self.end_session(id, session);
        Ok(output)
    }

    /// Reads a file of an instance; `None` if there is no such file.
    pub(crate) fn guest_file(
        &mut self,
        id: &InstanceId,
        path: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, GuestError> {
        let session = self.enter_guest(id, now)?;
        Ok(session.bytes(path).map(<[u8]>::to_vec))
    }

    fn enter_guest(&self, id: &InstanceId, now: Timestamp) -> Result<Session, GuestError> {
        let Some(row) = self.data.instances.get(id) else {
            return Err(GuestError::NotFound(id.clone()));
        };
        let state = row.state;
        if state != InstanceState::Running {
            return Err(GuestError::NotRunning {
                id: id.clone(),
                state,
            });
        }
        if row.is_rebooting(now) {
            return Err(GuestError::Rebooting(id.clone()));
        }
        self.session(id)
            .ok_or_else(|| GuestError::NoDisk(id.clone()))
    }

    /// The packages that the agent on an instance has reported; `None` if the instance does not exist.
    pub(crate) fn guest_packages(&self, scope: &Scope<'_>, id: &InstanceId) -> Option<Inventory> {
        let row = self.data.instances.get(id)?;
        if row.account != *scope.account || row.region != *scope.region {
            return None;
        }
        let volume = self.data.volumes.get(row.root_volume()?)?;
        let disk = self.disk(volume.disk)?;
        let packages = disk.packages.values();
        let told = packages.map(|package| prism_functions::domain::inventory::Package {
            name: package.name.clone(),
            version: package.version.clone(),
            manager: package.manager.clone(),
        });
        let (files, more) = sensitive(disk.files.keys().map(String::as_str));
        let inventory = Inventory::of(scope.now, told.collect(), false);
        Some(inventory.with_sensitive(Some(files), more))
    }

    /// What an instance has printed on its serial console: the line about its setup, as the disk has it.
    ///
    /// Nothing takes time on a simulated disk, so a setup is under way only if somebody writes so.
    pub(crate) fn printed(&self, id: &InstanceId) -> String {
        let file = self.session(id).and_then(|it| it.read(SETUP_FILE));
        let outcome = file.and_then(|it| serde_json::from_str::<Outcome>(&it).ok());
        outcome.map_or_else(String::new, |it| it.line(id))
    }

    /// Runs cloud-init with the user data of the launch; returns a description for the event.
    pub(crate) fn run_cloud_config(&mut self, id: &InstanceId, user_data: &str) -> String {
        let Some(mut session) = self.session(id) else {
            return "cloud-init: no disk".to_owned();
        };
        let said = cloud_config::apply(&mut session, id, user_data);
        self.end_session(id, session);
        said
    }

    fn session(&self, id: &InstanceId) -> Option<Session> {
        let row = self.data.instances.get(id)?;
        let volume = self.data.volumes.get(row.root_volume()?)?;
        let address = row.private_ip.replace('.', "-");
        let mut disk = self.disk(volume.disk)?.clone();
        disk.files.extend(row.instance_store.clone());
        let facts = types::facts_of(&row.instance_type);
        Some(Session {
            disk,
            host: Host {
                name: format!("ip-{address}"),
                architecture: row.architecture,
                size_bytes: u64::from(volume.size_gib) << 30,
                file_limit_bytes: self.settings().limits.disk_file_bytes,
                has_instance_store: facts.is_some_and(|f| f.instance_store_gb > 0),
            },
            written: 0,
            changed: false,
        })
    }

    fn end_session(&mut self, id: &InstanceId, mut session: Session) {
        if !session.changed {
            return;
        }
        let (host, files) = (&session.host, &mut session.disk.files);
        let (store, root) = std::mem::take(files)
            .into_iter()
            .partition(|(path, _)| host.is_in_instance_store(path));
        *files = root;
        if let Some(row) = self.data.instances.get_mut(id) {
            row.instance_store = store;
        }
        let row = self.data.instances.get(id);
        if let Some(volume) = row.and_then(|row| row.root_volume()).cloned() {
            self.write_volume(&volume, session.disk, session.written);
        }
    }
}
