//! The operations that many tests ask for, with the arguments in which the tests differ.
#![expect(
    missing_docs,
    async_fn_in_trait,
    reason = "each method asks for the operation of its name, and only tests call it"
)]

use std::num::NonZeroU32;

use prism_functions::domain::audit::AuditEvent;
use prism_functions::domain::budget::BudgetRequest;
use prism_functions::domain::copy::{CopyPlan, CopyRequest};
use prism_functions::domain::diff::TemplateDiff;
use prism_functions::domain::grant::Grant;
use prism_functions::domain::inventory::Inventory;
use prism_functions::domain::project::{Approval, Member, ProjectRole};
use prism_functions::domain::public_key::PublicKey;
use prism_functions::domain::save::{SavePlan, SaveRequest};
use prism_functions::domain::schedule::{Schedule, ScheduleRequest};
use prism_functions::domain::session::SessionKind;
use prism_functions::domain::template::{TemplateRef, Version};
use prism_functions::domain::{Problem, ProjectName, Region, SaveId, ScheduleName};
use prism_functions::domain::{TemplateName, UserId};
use prism_functions::operations::parts::{
    DryRun, Either, IdempotencyKey, InRegion, InstanceName, Json, MustMatch, Nothing, Page, Paging,
    Told, Trial, Valued, VersionRef,
};
use prism_functions::operations::{
    AddKey, AddMember, ApproveTemplate, Asked, AuditPage, BeginSave, CancelSave, ChangeSchedule,
    Copies, CopyVersion, CreateProject, CreateSchedule, DeleteProject, DeleteSchedule,
    DeleteTemplate, DeleteVersion, Deleting, Deletion, DeletionPlan, DeprecateTemplate,
    DeprecateVersion, DiffVersions, DisapproveTemplate, EditProject, EditTemplate, EditVersion,
    Expected, ExportVersion, ImportRequest, ImportTemplate, Imported, InstanceView, InstancesPage,
    KeyRequest, KeyView, LaunchInstance, LaunchPlan, LaunchRequest, Lineage, ListApprovals,
    ListAuditEvents, ListInstances, ListPackages, ListProjectTemplates, ListProjects, ListSaves,
    ListSchedules, ListShares, ListTemplates, ListVersions, MemberRequest, Operation, ProjectCosts,
    ProjectEdit, ProjectRequest, ProjectTemplateView, ProjectView, RecoverSave, RemoveMember,
    RestoreTemplate, RestoreVersion, RollBackTemplate, RolledBack, RunSchedule, SaveView,
    SavesPage, ScheduleEdit, ScheduleView, SchedulesPage, Service, Session, SetBudget, SharePlan,
    ShareRequest, ShareTemplate, Shared, SharedWith, ShowLineage, ShowProjectCosts, ShowSchedule,
    StartInstance, StartSession, Started, StopInstance, Target, TemplateEdit, TemplateSummary,
    TemplateView, TemplatesPage, TerminateInstance, UnshareTemplate, Who, With,
};
use prism_functions::rules::access::Caller;

type Got<T> = Result<T, Problem>;
type Cursor = Option<String>;

/// Asks the service of a world, on its clock.
#[macro_export]
macro_rules! ask {
    ($world:expr, $method:ident($($argument:expr),* $(,)?)) => {
        $world.run($world.service.$method($($argument),*))
    };
}

/// Asks a service.
pub trait Asks: Sync {
    fn service(&self) -> &Service;

    /// Asks for an operation that returns a value.
    async fn told<O, T>(&self, by: &Caller, asked: Asked<O>) -> Got<T>
    where
        O: Operation<Output: Valued<Value = T>>,
    {
        let told = O::run(self.service(), by, asked).await?.into_value();
        Ok(told.expect("the request has no condition"))
    }

    async fn saves(&self, by: &Caller, limit: usize, cursor: Cursor) -> Got<Page<SaveView>> {
        let asked = Asked::<ListSaves>::by(Nothing {}, SavesPage::of(page(limit, cursor)));
        self.told(by, asked).await
    }

    async fn plan_save(&self, by: &Caller, request: SaveRequest) -> Got<SavePlan> {
        let asked = Asked::with(Nothing {}, request).query(DryRun { dry_run: true });
        Ok(planned(BeginSave::run(self.service(), by, asked).await?))
    }

    async fn cancel_save(&self, by: &Caller, id: &SaveId) -> Got<SaveView> {
        self.told(by, Asked::<CancelSave>::of(id.clone())).await
    }

    async fn recover_save(&self, by: &Caller, id: &SaveId) -> Got<SaveView> {
        self.told(by, Asked::<RecoverSave>::of(id.clone())).await
    }

    async fn templates(
        &self,
        by: &Caller,
        filter: &TemplatesPage,
        limit: usize,
        cursor: Cursor,
    ) -> Got<Page<TemplateSummary>> {
        let Paging { limit, cursor } = page(limit, cursor);
        let wanted = TemplatesPage {
            limit,
            cursor,
            ..filter.clone()
        };
        self.told(by, Asked::<ListTemplates>::by(Nothing {}, wanted))
            .await
    }

    async fn versions(
        &self,
        by: &Caller,
        of: &TemplateName,
        limit: usize,
        cursor: Cursor,
    ) -> Got<Page<Version>> {
        let asked = Asked::<ListVersions>::by(of.clone(), page(limit, cursor));
        self.told(by, asked).await
    }

    async fn packages(&self, by: &Caller, at: &TemplateRef) -> Got<Option<Inventory>> {
        let packages = ListPackages::run(self.service(), by, Asked::of(at.clone()));
        packages.await.map(|it| it.0)
    }

    async fn export_template(&self, by: &Caller, at: &TemplateRef) -> Got<String> {
        let file = ExportVersion::run(self.service(), by, Asked::of(at.clone()));
        file.await.map(|it| it.0)
    }

    async fn plan_copy(&self, by: &Caller, request: &CopyRequest) -> Got<CopyPlan> {
        let asked = copies(request).query(DryRun { dry_run: true });
        Ok(planned(CopyVersion::run(self.service(), by, asked).await?))
    }

    async fn start_copy(&self, by: &Caller, of: &CopyRequest, key: Option<&str>) -> Got<Started> {
        let asked = copies(of).head(IdempotencyKey(key.map(str::to_owned)));
        Ok(done(CopyVersion::run(self.service(), by, asked).await?))
    }

    async fn lineage(&self, by: &Caller, of: &TemplateName) -> Got<Lineage> {
        self.told(by, Asked::<ShowLineage>::of(of.clone())).await
    }

    async fn diff(&self, by: &Caller, from: &TemplateRef, to: &TemplateRef) -> Got<TemplateDiff> {
        let with = With { with: to.clone() };
        let asked = Asked::<DiffVersions>::by(from.clone(), with);
        self.told(by, asked).await
    }

    async fn rollback(
        &self,
        by: &Caller,
        of: &TemplateName,
        to: Option<u32>,
        publish_sensitive: bool,
    ) -> Got<RolledBack> {
        let to = to.and_then(NonZeroU32::new);
        let target = Target {
            to,
            publish_sensitive,
            dry_run: false,
        };
        let asked = Asked::<RollBackTemplate>::by(of.clone(), target);
        self.told(by, asked).await
    }

    async fn plan_import(
        &self,
        by: &Caller,
        of: &TemplateName,
        it: &ImportRequest,
    ) -> Got<Imported> {
        let asked = Asked::with(of.clone(), it.clone()).query(DryRun { dry_run: true });
        imported(ImportTemplate::run(self.service(), by, asked).await)
    }

    async fn import_template(
        &self,
        by: &Caller,
        of: &TemplateName,
        it: &ImportRequest,
    ) -> Got<Imported> {
        let asked = Asked::with(of.clone(), it.clone());
        imported(ImportTemplate::run(self.service(), by, asked).await)
    }

    async fn edit_template(
        &self,
        by: &Caller,
        at: &TemplateRef,
        edit: &TemplateEdit,
        expected: Option<&Expected>,
    ) -> Got<TemplateView> {
        let template = at.name.clone();
        match at.version {
            None => {
                let asked = edits::<EditTemplate>(template, edit, expected);
                self.told(by, asked).await
            }
            Some(number) => {
                let version = VersionRef { template, number };
                let asked = edits::<EditVersion>(version, edit, expected);
                self.told(by, asked).await
            }
        }
    }

    async fn deprecate_template(
        &self,
        by: &Caller,
        at: &TemplateRef,
        deprecated: bool,
    ) -> Got<TemplateView> {
        let (service, template) = (self.service(), at.name.clone());
        let version = |number| VersionRef {
            template: at.name.clone(),
            number,
        };
        let view = match (at.version, deprecated) {
            (None, true) => DeprecateTemplate::run(service, by, Asked::of(template)).await,
            (None, false) => RestoreTemplate::run(service, by, Asked::of(template)).await,
            (Some(n), true) => DeprecateVersion::run(service, by, Asked::of(version(n))).await,
            (Some(n), false) => RestoreVersion::run(service, by, Asked::of(version(n))).await,
        };
        Ok(view?.value)
    }

    async fn plan_deletion(&self, by: &Caller, at: &TemplateRef) -> Got<DeletionPlan> {
        let planned = self.deletion(by, at, true, false).await?;
        assert!(!planned.begun);
        Ok(planned.plan)
    }

    async fn delete_template(&self, by: &Caller, at: &TemplateRef, force: bool) -> Got<Deletion> {
        self.deletion(by, at, false, force).await
    }

    async fn deletion(
        &self,
        by: &Caller,
        at: &TemplateRef,
        dry_run: bool,
        force: bool,
    ) -> Got<Deletion> {
        let how = Deleting { dry_run, force };
        let template = at.name.clone();
        match at.version {
            None => {
                let asked = Asked::<DeleteTemplate>::by(template, how);
                self.told(by, asked).await
            }
            Some(number) => {
                let version = VersionRef { template, number };
                let asked = Asked::<DeleteVersion>::by(version, how);
                self.told(by, asked).await
            }
        }
    }

    async fn instances(&self, by: &Caller, region: &Region) -> Got<Vec<InstanceView>> {
        let wanted = InstancesPage {
            region: Some(region.clone()),
            limit: Some(100),
            cursor: None,
        };
        let asked = Asked::<ListInstances>::by(Nothing {}, wanted);
        Ok(self.told(by, asked).await?.items)
    }

    async fn plan_launch(&self, by: &Caller, request: &LaunchRequest) -> Got<LaunchPlan> {
        let asked = launches(request).query(DryRun { dry_run: true });
        let plan = LaunchInstance::run(self.service(), by, asked).await?;
        Ok(planned(plan))
    }

    async fn launch(&self, by: &Caller, asked: &LaunchRequest) -> Got<(LaunchPlan, InstanceView)> {
        match LaunchInstance::run(self.service(), by, launches(asked)).await? {
            Either::Other(launched) => Ok((launched.value.plan, launched.value.instance)),
            Either::One(plan) => panic!("it was only planned: {plan:?}"),
        }
    }

    async fn terminate_instance(&self, by: &Caller, at: &Region, name: &str) -> Got<InstanceView> {
        let (name, region) = named(at, name);
        self.told(by, Asked::<TerminateInstance>::by(name, region))
            .await
    }

    async fn start_instance(&self, by: &Caller, at: &Region, name: &str) -> Got<InstanceView> {
        let (name, region) = named(at, name);
        self.told(by, Asked::<StartInstance>::by(name, region))
            .await
    }

    async fn stop_instance(&self, by: &Caller, at: &Region, name: &str) -> Got<InstanceView> {
        let (name, region) = named(at, name);
        self.told(by, Asked::<StopInstance>::by(name, region)).await
    }

    async fn start_session(
        &self,
        by: &Caller,
        at: &Region,
        name: &str,
        kind: SessionKind,
    ) -> Got<Session> {
        let (path, query) = named(at, name);
        let asked = Asked::<StartSession> {
            path,
            query,
            head: Nothing {},
            body: Json((&kind).into()),
        };
        self.told(by, asked).await
    }

    async fn add_key(&self, by: &Caller, public_key: PublicKey) -> Got<KeyView> {
        let asked = Asked::<AddKey>::with(Nothing {}, KeyRequest { public_key });
        self.told(by, asked).await
    }

    async fn schedules(&self, by: &Caller, limit: usize, next: Cursor) -> Got<Page<ScheduleView>> {
        let asked = Asked::<ListSchedules>::by(Nothing {}, SchedulesPage::of(page(limit, next)));
        self.told(by, asked).await
    }

    async fn create_schedule(&self, by: &Caller, request: ScheduleRequest) -> Got<Schedule> {
        let asked = Asked::<CreateSchedule>::with(Nothing {}, request);
        self.told(by, asked).await
    }

    async fn schedule(&self, by: &Caller, of: &ScheduleName) -> Got<ScheduleView> {
        self.told(by, Asked::<ShowSchedule>::of(of.clone())).await
    }

    async fn edit_schedule(
        &self,
        by: &Caller,
        of: &ScheduleName,
        to: ScheduleEdit,
    ) -> Got<Schedule> {
        let asked = Asked::<ChangeSchedule>::with(of.clone(), to);
        self.told(by, asked).await
    }

    async fn pause_schedule(&self, by: &Caller, of: &ScheduleName, paused: bool) -> Got<Schedule> {
        self.edit_schedule(by, of, ScheduleEdit::pause(paused))
            .await
    }

    async fn delete_schedule(&self, by: &Caller, of: &ScheduleName) -> Got<()> {
        let deleted = DeleteSchedule::run(self.service(), by, Asked::of(of.clone()));
        deleted.await.map(drop)
    }

    async fn run_schedule(
        &self,
        by: &Caller,
        of: &ScheduleName,
        key: Option<&str>,
    ) -> Got<Started> {
        let head = IdempotencyKey(key.map(str::to_owned));
        let asked = Asked::<RunSchedule>::of(of.clone()).head(head);
        self.told(by, asked).await
    }

    async fn shares(&self, by: &Caller, of: &TemplateName) -> Got<Vec<Grant>> {
        let asked = Asked::<ListShares>::by(of.clone(), page(100, None));
        Ok(self.told(by, asked).await?.items)
    }

    async fn plan_share(
        &self,
        by: &Caller,
        of: &TemplateName,
        to: &ShareRequest,
    ) -> Got<SharePlan> {
        let asked = Asked::with(of.clone(), to.clone()).query(DryRun { dry_run: true });
        let plan = ShareTemplate::run(self.service(), by, asked).await?;
        Ok(planned(plan))
    }

    async fn share(&self, by: &Caller, of: &TemplateName, to: &ShareRequest) -> Got<Shared> {
        let asked = Asked::with(of.clone(), to.clone());
        Ok(done(ShareTemplate::run(self.service(), by, asked).await?))
    }

    async fn unshare(&self, by: &Caller, of: &TemplateName, from: &ShareRequest) -> Got<()> {
        let to = from.to.clone();
        let asked = Asked::by(of.clone(), SharedWith { to });
        let taken_back = UnshareTemplate::run(self.service(), by, asked);
        taken_back.await.map(drop)
    }

    async fn projects(&self, by: &Caller) -> Got<Vec<ProjectView>> {
        let asked = Asked::<ListProjects>::by(Nothing {}, page(100, None));
        Ok(self.told(by, asked).await?.items)
    }

    async fn create_project(&self, by: &Caller, request: ProjectRequest) -> Got<ProjectView> {
        let asked = Asked::<CreateProject>::with(Nothing {}, request);
        self.told(by, asked).await
    }

    async fn edit_project(
        &self,
        by: &Caller,
        of: &ProjectName,
        edit: ProjectEdit,
    ) -> Got<ProjectView> {
        let asked = Asked::<EditProject>::with(of.clone(), edit);
        self.told(by, asked).await
    }

    async fn delete_project(&self, by: &Caller, of: &ProjectName) -> Got<()> {
        let deleted = DeleteProject::run(self.service(), by, Asked::of(of.clone()));
        deleted.await.map(drop)
    }

    async fn project_templates(
        &self,
        by: &Caller,
        of: &ProjectName,
        limit: usize,
    ) -> Got<Page<ProjectTemplateView>> {
        let asked = Asked::<ListProjectTemplates>::by(of.clone(), page(limit, None));
        self.told(by, asked).await
    }

    async fn set_budget(
        &self,
        by: &Caller,
        of: &ProjectName,
        to: BudgetRequest,
    ) -> Got<ProjectView> {
        let asked = Asked::<SetBudget>::with(of.clone(), to);
        self.told(by, asked).await
    }

    async fn project_costs(&self, by: &Caller, of: &ProjectName) -> Got<ProjectCosts> {
        let asked = Asked::<ShowProjectCosts>::by(of.clone(), page(100, None));
        self.told(by, asked).await
    }

    async fn add_member(
        &self,
        by: &Caller,
        of: &ProjectName,
        user: &UserId,
        role: ProjectRole,
    ) -> Got<Member> {
        let user = user.clone();
        let asked = Asked::<AddMember>::with(of.clone(), MemberRequest { user, role });
        self.told(by, asked).await
    }

    async fn remove_member(&self, by: &Caller, of: &ProjectName, user: &UserId) -> Got<()> {
        let user = user.clone();
        let asked = Asked::by(of.clone(), Who { user });
        RemoveMember::run(self.service(), by, asked).await.map(drop)
    }

    async fn approvals(&self, by: &Caller, of: &ProjectName, limit: usize) -> Got<Page<Approval>> {
        let asked = Asked::<ListApprovals>::by(of.clone(), page(limit, None));
        self.told(by, asked).await
    }

    async fn approve(
        &self,
        by: &Caller,
        of: &ProjectName,
        template: &TemplateName,
    ) -> Got<Approval> {
        let asked = Asked::<ApproveTemplate>::of((of.clone(), template.clone()));
        self.told(by, asked).await
    }

    async fn disapprove(&self, by: &Caller, of: &ProjectName, template: &TemplateName) -> Got<()> {
        let asked = Asked::of((of.clone(), template.clone()));
        DisapproveTemplate::run(self.service(), by, asked)
            .await
            .map(drop)
    }

    async fn audit_events(
        &self,
        by: &Caller,
        filter: &AuditPage,
        limit: usize,
        cursor: Cursor,
    ) -> Got<Page<AuditEvent>> {
        let Paging { limit, cursor } = page(limit, cursor);
        let wanted = AuditPage {
            limit,
            cursor,
            ..filter.clone()
        };
        self.told(by, Asked::<ListAuditEvents>::by(Nothing {}, wanted))
            .await
    }
}

impl Asks for Service {
    fn service(&self) -> &Service {
        self
    }
}

fn page(limit: usize, cursor: Cursor) -> Paging {
    let limit = u32::try_from(limit).expect("no page is as large");
    Paging::new(Some(limit), cursor)
}

fn named(region: &Region, name: &str) -> (InstanceName, InRegion) {
    let region = region.clone();
    (InstanceName(name.to_owned()), InRegion { region })
}

fn launches(request: &LaunchRequest) -> Asked<LaunchInstance> {
    Asked::with(Nothing {}, request.clone())
}

fn edits<O>(path: O::Path, edit: &TemplateEdit, expected: Option<&Expected>) -> Asked<O>
where
    O: Operation<Query = Nothing, Head = MustMatch, Body = Json<TemplateEdit>>,
{
    Asked {
        path,
        query: Nothing {},
        head: MustMatch(expected.cloned()),
        body: Json(edit.clone()),
    }
}

fn copies(request: &CopyRequest) -> Asked<CopyVersion> {
    let CopyRequest {
        template,
        version: number,
        regions,
        publish_sensitive,
    } = request.clone();
    let copies = Copies {
        regions,
        publish_sensitive,
    };
    Asked::with(VersionRef { template, number }, copies)
}

fn imported<const A: u16, const B: u16>(
    answer: Got<Either<Told<Imported, A>, Told<Imported, B>>>,
) -> Got<Imported> {
    Ok(match answer? {
        Either::One(told) => told.value,
        Either::Other(told) => told.value,
    })
}

/// The plan of a dry run.
fn planned<P, A>(answer: Trial<P, A>) -> P {
    match answer {
        Either::One(plan) => plan.value.plan,
        Either::Other(_) => panic!("a dry run does nothing"),
    }
}

/// The result of what was not a dry run.
fn done<P, T, const STATUS: u16>(answer: Trial<P, Told<T, STATUS>>) -> T {
    match answer {
        Either::One(_) => panic!("it was only planned"),
        Either::Other(done) => done.value,
    }
}
