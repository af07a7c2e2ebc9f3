//! The embedded cloud on this machine.

use std::time::Duration;

use async_trait::async_trait;
use prism_functions::domain::audit::Channel;
use prism_functions::domain::save::SaveRecord;
use prism_functions::domain::{InstanceId, Problem, Region, SaveId, UserId};
use prism_functions::operations::{Recovery, Service};
use prism_functions::ports::ExecutionStatus;
use prism_functions::rules::access::Caller;
use prism_local::{Embedded, GuestAnswer};

use super::served::Served;
use super::{Pace, Place};

/// How often to look whether an execution of this process has ended.
const EVERY: Duration = Duration::from_millis(20);
/// How many looks to wait for an execution that has ended its save and is about to end itself.
const LAST: u32 = 20;

/// The embedded cloud and who asks.
#[derive(Debug)]
pub(crate) struct Local {
    /// The cloud itself, for what only a simulation can do.
    pub(crate) cloud: Embedded,
    here: Service,
    detached: Service,
    caller: Caller,
}

impl Local {
    /// The embedded cloud, for one caller.
    pub(crate) fn new(cloud: Embedded, user: UserId) -> Self {
        Self {
            here: cloud.service(),
            detached: cloud.detaching(),
            caller: Caller::new(user).by(Channel::Cli),
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
}

#[async_trait]
impl Served for Local {
    fn service(&self) -> &Service {
        &self.here
    }

    fn service_at(&self, place: Place) -> &Service {
        match place {
            Place::Here => &self.here,
            Place::Detached => &self.detached,
        }
    }

    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn embedded(&self) -> Option<&Local> {
        Some(self)
    }

    fn pace(&self) -> Pace {
        Pace::EMBEDDED
    }

    async fn sweep(&self) -> Result<Vec<Recovery>, Problem> {
        self.detached.sweep().await
    }

    async fn hand_over(&self, id: &SaveId) -> Result<(), Problem> {
        self.detached.hand_over(&self.caller, id).await
    }

    /// The record is final a moment before the execution that wrote it, which would otherwise be
    /// cut off by the end of this process.
    async fn let_end(&self, record: &SaveRecord) {
        let mut ticks = tokio::time::interval(EVERY);
        for _ in 0..LAST {
            ticks.tick().await;
            match self.here.executions.describe(&record.execution).await {
                Ok(execution) if execution.status == ExecutionStatus::Running => {}
                _ => return,
            }
        }
    }

    fn trouble(&self) -> Option<String> {
        self.cloud.trouble()
    }
}
