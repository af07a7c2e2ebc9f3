//! The calls of commands on a [`Service`] in this process: what the embedded cloud and the backend
//! on AWS share.

use std::time::Duration;

use async_trait::async_trait;
use prism_functions::domain::audit::AuditEvent;
use prism_functions::domain::copy::{CopyPlan, CopyRequest};
use prism_functions::domain::diff::TemplateDiff;
use prism_functions::domain::inventory::Inventory;
use prism_functions::domain::save::{SavePlan, SaveRecord, SaveRequest};
use prism_functions::domain::schedule::{Schedule, ScheduleRequest};
use prism_functions::domain::template::{TemplateRef, Version};
use prism_functions::domain::{
    Code, Problem, Region, SaveId, ScheduleName, TemplateName, Timestamp, UserId,
};
use prism_functions::operations::{
    AuditFilter, Deletion, Expected, ImportRequest, Imported, InstanceView, LaunchPlan,
    LaunchRequest, Lineage, Recovery, RolledBack, ScheduleEdit, ScheduleView, Service, Started,
    TemplateEdit, TemplateFilter, TemplateSummary, TemplateView,
};
use prism_functions::registry::Listed;
use prism_functions::rules::access::Caller;

use super::{Backend, Local, Pace, Place, Seen, Unrecorded};

/// How often a launch is asked for whose turn is not now.
const LAUNCHES: u32 = 4;

/// A backend whose service runs in this process.
#[async_trait]
pub(super) trait Served: Send + Sync {
    /// The service.
    fn service(&self) -> &Service;

    /// The service that carries executions out at a place.
    fn service_at(&self, _place: Place) -> &Service {
        self.service()
    }

    /// Who asks.
    fn caller(&self) -> &Caller;

    /// See [`Backend::embedded`].
    fn embedded(&self) -> Option<&Local> {
        None
    }

    /// See [`Backend::pace`].
    fn pace(&self) -> Pace {
        Pace::REMOTE
    }

    /// See [`Backend::sweep`].
    async fn sweep(&self) -> Result<Vec<Recovery>, Problem> {
        Ok(Vec::new())
    }

    /// See [`Backend::hand_over`].
    async fn hand_over(&self, _id: &SaveId) -> Result<(), Problem> {
        Ok(())
    }

    /// See [`Backend::let_end`].
    async fn let_end(&self, _record: &SaveRecord) {}

    /// See [`Backend::trouble`].
    fn trouble(&self) -> Option<String> {
        None
    }
}

#[async_trait]
impl<S: Served> Backend for S {
    fn embedded(&self) -> Option<&Local> {
        Served::embedded(self)
    }

    fn pace(&self) -> Pace {
        Served::pace(self)
    }

    fn now(&self) -> Timestamp {
        self.service().env.clock.now()
    }

    async fn user(&self) -> Result<UserId, Problem> {
        Ok(self.caller().user.clone())
    }

    async fn sweep(&self) -> Result<Vec<Recovery>, Problem> {
        Served::sweep(self).await
    }

    async fn instances(&self, region: &Region) -> Result<Vec<InstanceView>, Problem> {
        self.service().instances(self.caller(), region).await
    }

    async fn instance(&self, region: &Region, name: &str) -> Result<Seen, Problem> {
        let found = self.service().instance(self.caller(), region, name).await;
        found.map(Seen::from)
    }

    async fn start(&self, region: &Region, name: &str) -> Result<Seen, Problem> {
        let service = self.service_at(Place::Detached);
        let started = service.start_instance(self.caller(), region, name).await;
        started.map(Seen::from)
    }

    async fn stop(&self, region: &Region, name: &str) -> Result<Seen, Problem> {
        let service = self.service();
        let stopped = service.stop_instance(self.caller(), region, name).await;
        stopped.map(Seen::from)
    }

    async fn terminate(&self, region: &Region, name: &str) -> Result<Seen, Problem> {
        let service = self.service();
        let ended = service
            .terminate_instance(self.caller(), region, name)
            .await;
        ended.map(Seen::from)
    }

    async fn plan_launch(&self, request: &LaunchRequest) -> Result<LaunchPlan, Problem> {
        self.service().plan_launch(self.caller(), request).await
    }

    async fn launch(&self, request: &LaunchRequest) -> Result<(LaunchPlan, InstanceView), Problem> {
        let service = self.service();
        for _ in 1..LAUNCHES {
            match service.launch(self.caller(), request).await {
                // It is not this launch's turn, and EC2 was not asked.
                Err(Problem {
                    code: Code::Throttled,
                    retry_after_s: Some(pause),
                    ..
                }) => {
                    let pause = Duration::from_secs(pause.into());
                    service.env.clock.sleep(pause).await;
                }
                outcome => return outcome,
            }
        }
        service.launch(self.caller(), request).await
    }

    async fn plan_save(&self, request: SaveRequest) -> Result<SavePlan, Problem> {
        self.service().plan_save(self.caller(), request).await
    }

    async fn asked_before(
        &self,
        request: &SaveRequest,
        request_id: &str,
    ) -> Result<Option<Started>, Problem> {
        let service = self.service();
        service
            .asked_before(self.caller(), request, request_id)
            .await
    }

    async fn start_save(
        &self,
        place: Place,
        request: SaveRequest,
        request_id: Option<&str>,
    ) -> Result<Started, Problem> {
        let service = self.service_at(place);
        service.start_save(self.caller(), request, request_id).await
    }

    async fn save(&self, id: &SaveId) -> Result<SaveRecord, Problem> {
        self.service().save(self.caller(), id).await
    }

    async fn unrecorded(&self, id: &SaveId) -> Result<Unrecorded, Problem> {
        self.service().unrecorded(self.caller(), id).await
    }

    async fn saves(&self, limit: usize) -> Result<(Vec<SaveRecord>, bool), Problem> {
        let listed = self.service().saves(self.caller(), limit, None).await?;
        Ok((listed.items, listed.cursor.is_some()))
    }

    async fn cancel_save(&self, id: &SaveId) -> Result<SaveRecord, Problem> {
        self.service().cancel_save(self.caller(), id).await
    }

    async fn recover_save(&self, id: &SaveId) -> Result<SaveRecord, Problem> {
        self.service_at(Place::Detached)
            .recover_save(self.caller(), id)
            .await
    }

    async fn hand_over(&self, id: &SaveId) -> Result<(), Problem> {
        Served::hand_over(self, id).await
    }

    async fn let_end(&self, record: &SaveRecord) {
        Served::let_end(self, record).await;
    }

    fn trouble(&self) -> Option<String> {
        Served::trouble(self)
    }

    async fn create_schedule(&self, asked: ScheduleRequest) -> Result<Schedule, Problem> {
        self.service().create_schedule(self.caller(), asked).await
    }

    async fn schedules(&self, limit: usize) -> Result<(Vec<ScheduleView>, bool), Problem> {
        let (service, caller) = (self.service(), self.caller());
        let listed = service.schedules(caller, limit, None).await?;
        Ok((listed.items, listed.cursor.is_some()))
    }

    async fn schedule(&self, name: &ScheduleName) -> Result<ScheduleView, Problem> {
        self.service().schedule(self.caller(), name).await
    }

    async fn edit_schedule(
        &self,
        name: &ScheduleName,
        edit: &ScheduleEdit,
    ) -> Result<Schedule, Problem> {
        let (service, caller) = (self.service(), self.caller());
        service.edit_schedule(caller, name, edit, None).await
    }

    async fn run_schedule(
        &self,
        place: Place,
        name: &ScheduleName,
        request_id: Option<&str>,
    ) -> Result<Started, Problem> {
        let service = self.service_at(place);
        service.run_schedule(self.caller(), name, request_id).await
    }

    async fn delete_schedule(&self, name: &ScheduleName) -> Result<(), Problem> {
        self.service()
            .delete_schedule(self.caller(), name, None)
            .await
    }

    async fn templates(
        &self,
        filter: &TemplateFilter,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<TemplateSummary>, Problem> {
        let (service, caller) = (self.service(), self.caller());
        service.templates(caller, filter, limit, cursor).await
    }

    async fn template(&self, reference: &TemplateRef) -> Result<TemplateView, Problem> {
        self.service().template(self.caller(), reference).await
    }

    async fn versions(&self, name: &TemplateName, limit: usize) -> Result<Vec<Version>, Problem> {
        let (service, caller) = (self.service(), self.caller());
        let listed = service.versions(caller, name, limit, None).await?;
        Ok(listed.items)
    }

    async fn plan_copy(&self, request: &CopyRequest) -> Result<CopyPlan, Problem> {
        self.service().plan_copy(self.caller(), request).await
    }

    async fn start_copy(
        &self,
        place: Place,
        request: &CopyRequest,
        request_id: Option<&str>,
    ) -> Result<Started, Problem> {
        let service = self.service_at(place);
        service.start_copy(self.caller(), request, request_id).await
    }

    async fn packages(&self, reference: &TemplateRef) -> Result<Option<Inventory>, Problem> {
        self.service().packages(self.caller(), reference).await
    }

    async fn audit_events(
        &self,
        filter: &AuditFilter,
        limit: usize,
    ) -> Result<(Vec<AuditEvent>, bool), Problem> {
        let (service, caller) = (self.service(), self.caller());
        // A page of a filtered list may be short, or empty, with others behind it.
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let wanted = limit - items.len();
            let page = service.audit_events(caller, filter, wanted, cursor).await?;
            items.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() || items.len() >= limit {
                return Ok((items, cursor.is_some()));
            }
        }
    }

    async fn export_template(&self, reference: &TemplateRef) -> Result<String, Problem> {
        let service = self.service();
        service.export_template(self.caller(), reference).await
    }
    async fn lineage(&self, name: &TemplateName) -> Result<Lineage, Problem> {
        self.service().lineage(self.caller(), name).await
    }

    async fn diff(&self, from: &TemplateRef, to: &TemplateRef) -> Result<TemplateDiff, Problem> {
        self.service().diff(self.caller(), from, to).await
    }

    async fn rollback(
        &self,
        name: &TemplateName,
        to: Option<u32>,
        publish_sensitive: bool,
    ) -> Result<RolledBack, Problem> {
        let (service, caller) = (self.service(), self.caller());
        service
            .rollback(caller, name, to, publish_sensitive, None)
            .await
    }
    async fn edit_template(
        &self,
        reference: &TemplateRef,
        edit: &TemplateEdit,
        revision: Option<u64>,
    ) -> Result<TemplateView, Problem> {
        let (service, caller) = (self.service(), self.caller());
        let expected = revision.map(Expected::revision);
        service
            .edit_template(caller, reference, edit, expected.as_ref())
            .await
    }

    async fn deprecate_template(
        &self,
        reference: &TemplateRef,
        deprecated: bool,
    ) -> Result<TemplateView, Problem> {
        let (service, caller) = (self.service(), self.caller());
        service
            .deprecate_template(caller, reference, deprecated, None)
            .await
    }

    async fn import_template(
        &self,
        name: &TemplateName,
        request: &ImportRequest,
        dry_run: bool,
    ) -> Result<Imported, Problem> {
        let (service, caller) = (self.service(), self.caller());
        if dry_run {
            return service.plan_import(caller, name, request, None).await;
        }
        service.import_template(caller, name, request, None).await
    }

    async fn delete_template(
        &self,
        reference: &TemplateRef,
        dry_run: bool,
        force: bool,
    ) -> Result<Deletion, Problem> {
        let (service, caller) = (self.service(), self.caller());
        if dry_run {
            return Ok(service
                .plan_deletion(caller, reference, None)
                .await?
                .undone());
        }
        service
            .delete_template(caller, reference, force, None)
            .await
    }
}
