//! The embedded cloud on this machine: operations that only a simulation has, and executions in this process.

use std::time::Duration;

use prism_functions::domain::save::SaveRecord;
use prism_functions::domain::{InstanceId, Problem, Region};
use prism_functions::operations::Service;
use prism_functions::ports::ExecutionStatus;
use prism_local::{Embedded, GuestAnswer};

/// How often to check whether an execution of this process has ended.
const EVERY: Duration = Duration::from_millis(20);
/// The maximum number of checks for an execution that has ended its save and is about to end itself.
const LAST: u32 = 20;

#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) cloud: Embedded,
    /// The service whose executions run in this process.
    pub(super) here: Service,
    /// The service whose executions run in processes of their own.
    pub(super) detached: Service,
}

impl Local {
    pub(crate) fn new(cloud: Embedded) -> Self {
        Self {
            here: cloud.service(),
            detached: cloud.detaching(),
            cloud,
        }
    }

    pub(crate) fn guest(
        &self,
        region: &Region,
        instance: &InstanceId,
        command: &[String],
        stdin: &[u8],
    ) -> Result<GuestAnswer, Problem> {
        self.cloud.guest(region, instance, command, stdin)
    }

    /// Reads a file of a running instance; `None` if there is no such file.
    pub(crate) fn guest_file(
        &self,
        region: &Region,
        instance: &InstanceId,
        path: &str,
    ) -> Result<Option<Vec<u8>>, Problem> {
        self.cloud.guest_file(region, instance, path)
    }

    /// Waits briefly until an execution of this process that has ended its save ends itself. The record becomes final a
    /// moment before its execution ends, and the end of this process would interrupt the execution.
    pub(crate) async fn let_end(&self, record: &SaveRecord) {
        let mut ticks = tokio::time::interval(EVERY);
        for _ in 0..LAST {
            ticks.tick().await;
            match self.here.executions.describe(&record.execution).await {
                Ok(execution) if execution.status == ExecutionStatus::Running => {}
                _ => return,
            }
        }
    }

    /// The error that a save in this process is currently retrying, if any.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.cloud.trouble()
    }
}
