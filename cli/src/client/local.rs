//! The embedded cloud on this machine: what only a simulation can do, and what needs its process.

use std::time::Duration;

use prism_functions::domain::save::SaveRecord;
use prism_functions::domain::{InstanceId, Problem, Region};
use prism_functions::operations::Service;
use prism_functions::ports::ExecutionStatus;
use prism_local::{Embedded, GuestAnswer};

/// How often to look whether an execution of this process has ended.
const EVERY: Duration = Duration::from_millis(20);
/// How many looks to wait for an execution that has ended its save and is about to end itself.
const LAST: u32 = 20;

/// The embedded cloud.
#[derive(Debug)]
pub(crate) struct Local {
    /// The cloud itself.
    pub(crate) cloud: Embedded,
    /// Its service; what begins there is carried out in this process.
    pub(super) here: Service,
    /// The same; what begins there is carried out in a process of its own.
    pub(super) detached: Service,
}

impl Local {
    /// See the type.
    pub(crate) fn new(cloud: Embedded) -> Self {
        Self {
            here: cloud.service(),
            detached: cloud.detaching(),
            cloud,
        }
    }

    /// Runs a command inside an instance.
    pub(crate) fn guest(
        &self,
        region: &Region,
        instance: &InstanceId,
        command: &[String],
        stdin: &[u8],
    ) -> Result<GuestAnswer, Problem> {
        self.cloud.guest(region, instance, command, stdin)
    }

    /// Gives an execution of this process, which has ended its save, the moment to end itself: the record is final a
    /// moment before the execution that wrote it, which would otherwise be cut off by the end of this process.
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

    /// What keeps a save in this process from going on, while it tries again.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.cloud.trouble()
    }
}
