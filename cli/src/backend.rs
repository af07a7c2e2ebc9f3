//! The backend: Prism embedded on this machine, as one caller sees it.
//!
//! It has exactly the calls that commands make, each with the caller filled in. The other two
//! backends, AWS itself and the API, will show which of them a trait has to name.

use prism_functions::domain::save::{SavePlan, SaveRecord, SaveRequest};
use prism_functions::domain::template::{TemplateRef, Version};
use prism_functions::domain::{
    InstanceId, Problem, Region, SaveId, TemplateName, Timestamp, UserId,
};
use prism_functions::ports::{Execution, ExecutionsError, Instance};
use prism_functions::service::access::Caller;
use prism_functions::service::{
    InstanceView, LaunchPlan, LaunchRequest, Recovery, Service, Started, TemplateSummary,
    TemplateView,
};
use prism_local::{Embedded, GuestAnswer};

/// Where a save is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this process, which waits for it.
    Here,
    /// In a process of its own, which outlives this one.
    Detached,
}

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
            caller: Caller { user },
            cloud,
        }
    }

    /// Who asks.
    pub(crate) fn user(&self) -> &UserId {
        &self.caller.user
    }

    /// The cloud's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.here.env.clock.now()
    }

    /// Has saves that lost their process brought to an end in the background.
    pub(crate) async fn sweep(&self) -> Result<Vec<Recovery>, Problem> {
        self.detached.sweep().await
    }

    /// The caller's instances.
    pub(crate) async fn instances(&self, region: &Region) -> Result<Vec<InstanceView>, Problem> {
        self.here.instances(&self.caller, region).await
    }

    /// The caller's instance of that name or id.
    pub(crate) async fn instance(&self, region: &Region, name: &str) -> Result<Instance, Problem> {
        self.here.instance(&self.caller, region, name).await
    }

    /// Begins to start an instance.
    pub(crate) async fn start(&self, region: &Region, name: &str) -> Result<Instance, Problem> {
        self.here.start_instance(&self.caller, region, name).await
    }

    /// Begins to stop an instance.
    pub(crate) async fn stop(&self, region: &Region, name: &str) -> Result<Instance, Problem> {
        self.here.stop_instance(&self.caller, region, name).await
    }

    /// Begins to end an instance for good.
    pub(crate) async fn terminate(&self, region: &Region, name: &str) -> Result<Instance, Problem> {
        self.here
            .terminate_instance(&self.caller, region, name)
            .await
    }

    /// Says what a launch would do.
    pub(crate) async fn plan_launch(&self, request: &LaunchRequest) -> Result<LaunchPlan, Problem> {
        self.here.plan_launch(&self.caller, request).await
    }

    /// Launches an instance.
    pub(crate) async fn launch(
        &self,
        request: &LaunchRequest,
    ) -> Result<(LaunchPlan, InstanceView), Problem> {
        self.here.launch(&self.caller, request).await
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

    /// Says what a save would do.
    pub(crate) async fn plan_save(&self, request: SaveRequest) -> Result<SavePlan, Problem> {
        self.here.plan_save(&self.caller, request).await
    }

    /// The save that this request has led to before, under the same request id.
    pub(crate) async fn asked_before(
        &self,
        request: &SaveRequest,
        request_id: &str,
    ) -> Result<Option<Started>, Problem> {
        self.here
            .asked_before(&self.caller, request, request_id)
            .await
    }

    /// Starts a save.
    pub(crate) async fn start_save(
        &self,
        place: Place,
        request: SaveRequest,
        request_id: Option<&str>,
    ) -> Result<Started, Problem> {
        let service = match place {
            Place::Here => &self.here,
            Place::Detached => &self.detached,
        };
        service.start_save(&self.caller, request, request_id).await
    }

    /// The record of a save.
    pub(crate) async fn save(&self, id: &SaveId) -> Result<SaveRecord, Problem> {
        self.here.save(&self.caller, id).await
    }

    /// The caller's saves, the newest first, and whether there are more.
    pub(crate) async fn saves(&self, limit: usize) -> Result<(Vec<SaveRecord>, bool), Problem> {
        let listed = self.here.saves(&self.caller, limit, None).await?;
        Ok((listed.items, listed.cursor.is_some()))
    }

    /// How an execution of a save stands.
    pub(crate) async fn execution(&self, name: &str) -> Result<Execution, ExecutionsError> {
        self.here.executions.describe(name).await
    }

    /// Asks a save to end.
    pub(crate) async fn cancel_save(&self, id: &SaveId) -> Result<SaveRecord, Problem> {
        self.here.cancel_save(&self.caller, id).await
    }

    /// Leaves a save of this process to a process of its own.
    pub(crate) async fn hand_over(&self, id: &SaveId) -> Result<(), Problem> {
        self.detached.hand_over(&self.caller, id).await
    }

    /// The templates that the caller can launch.
    pub(crate) async fn templates(&self) -> Result<Vec<TemplateSummary>, Problem> {
        self.here.templates(&self.caller).await
    }

    /// A template and the version that the reference names.
    pub(crate) async fn template(&self, reference: &TemplateRef) -> Result<TemplateView, Problem> {
        self.here.template(&self.caller, reference).await
    }

    /// The newest versions of a saved template, the newest first.
    pub(crate) async fn versions(
        &self,
        name: &TemplateName,
        limit: usize,
    ) -> Result<Vec<Version>, Problem> {
        self.here.versions(&self.caller, name, limit).await
    }

    /// The YAML file of a template's version.
    pub(crate) async fn export_template(&self, reference: &TemplateRef) -> Result<String, Problem> {
        self.here.export_template(&self.caller, reference).await
    }
}
