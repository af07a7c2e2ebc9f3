//! The end of a project: its members are told beforehand, and then its instances end.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::audit::{AuditAction, Subject};
use crate::domain::end::{
    End, EndState, InstanceEnd, LONGEST_MINUTES, ProjectEnd, Then, check_time, ends_at, template_of,
};
use crate::domain::project::Project;
use crate::domain::tags::{OWNER_TAG, PROJECT_TAG};
use crate::domain::{NoticeEvent, Problem, ProjectName, Region, Timestamp};
use crate::operations::instance_regions::Looked;
use crate::operations::metering::project_of;
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Found, IfMatch, Json, NoContent};
use crate::operations::projects::{ProjectView, as_expected, found};
use crate::operations::{Asked, Service};
use crate::ports::{Instance, InstanceFilter, Notice};
use crate::registry::Stored;
use crate::rules::Maker;
use crate::rules::access::{Action, Caller};

/// The longest time until the end of a project, in minutes: five years.
const LONGEST: u32 = 5 * LONGEST_MINUTES;
/// The number of projects that one sweep looks at.
const PAGE: usize = 20;
/// How many instances are given their ends side by side.
const AT_ONCE: usize = 8;
/// How long the instances of a project are looked at after its end even if none is left. A launch that was admitted just
/// before the end takes less.
const LOOKED_AT: TimeDelta = TimeDelta::minutes(5);
/// The shortest and the longest pause between two looks.
const PAUSES: [TimeDelta; 2] = [TimeDelta::minutes(1), TimeDelta::hours(1)];

/// The end of a project, as requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectEndRequest {
    /// When the project ends.
    pub at: Timestamp,
    /// Whether each instance is stopped, saved as its owner and then terminated: to the template that its owner has chosen,
    /// or to a new one that is named after the instance. Otherwise the instances are stopped, except those whose owners have
    /// chosen a template for the last save.
    #[serde(default)]
    pub last_save: bool,
}

operation! {
    /// Sets when a project ends
    ///
    /// Its members are told a week, a day and an hour before. From then on, nothing is launched or started for the project, and
    /// its instances end. An instance whose last save fails is stopped and not terminated.
    SetProjectEnd by set_project_end: Put "/v1/projects/{name}/end" of "projects",
    path: ProjectName, head: IfMatch, body: Json<ProjectEndRequest>,
    output: Found<ProjectView>,
    rights: [SetEnd Project, SeeCosts Project],
}

async fn set_project_end(
    service: &Service,
    caller: &Caller,
    asked: Asked<SetProjectEnd>,
) -> Answered<SetProjectEnd> {
    let Json(request) = &asked.body;
    let now = service.env.clock.now();
    check_time("end", request.at, now, LONGEST)?;
    let mut end = ProjectEnd {
        at: request.at,
        last_save: request.last_save,
        set_by: caller.user.clone(),
        set_at: now,
        ended_at: None,
        next_at: None,
    };
    end.next_at = Some(end.first());
    change_end(service, caller, &asked.path, Some(end), &asked.head).await
}

operation! {
    /// Removes the end of a project
    ///
    /// If the project has ended, instances can be launched and started for it again. Those that are gone do not come back.
    LiftProjectEnd by lift_project_end: Delete "/v1/projects/{name}/end" of "projects",
    path: ProjectName, head: IfMatch,
    output: NoContent,
    rights: [SetEnd Project, SeeCosts Project],
}

async fn lift_project_end(
    service: &Service,
    caller: &Caller,
    asked: Asked<LiftProjectEnd>,
) -> Answered<LiftProjectEnd> {
    let lifted = change_end(service, caller, &asked.path, None, &asked.head);
    lifted.await.map(|_| NoContent)
}

async fn change_end(
    service: &Service,
    caller: &Caller,
    name: &ProjectName,
    end: Option<ProjectEnd>,
    expected: &IfMatch,
) -> Result<Found<ProjectView>, Problem> {
    let (_, role) = service.project_for(caller, name, Action::SetEnd).await?;
    let now = service.env.clock.now();
    let event = service
        .event(
            caller,
            AuditAction::ProjectEnd,
            Subject::Project(name.clone()),
        )
        .of_project(Some(name))
        .with("end", &end);
    let change = |stored: &Stored<Project>, project: &mut Project| {
        as_expected(stored, expected.0.as_ref())?;
        let same = match (&project.end, &end) {
            (None, None) => true,
            (Some(before), Some(end)) => before.at == end.at && before.last_save == end.last_save,
            _ => false,
        };
        if !same {
            project.end.clone_from(&end);
            project.updated_at = now;
        }
        Ok(())
    };
    let registry = &service.env.registry;
    let stored = registry.change_project(name, Some(&event), change).await?;
    Ok(found(stored, role))
}

impl Service {
    /// Tells the members of projects that end soon, and gives the instances of projects that have ended their ends.
    pub(super) async fn sweep_project_ends(&self, now: Timestamp) -> Result<(), Problem> {
        let mut failed = None;
        for listed in self.env.registry.due_projects(now, PAGE).await? {
            if let Err(problem) = self.sweep_project_end(&listed.name, now).await {
                tracing::warn!(project = %listed.name, code = %problem.code, problem = problem.chain(), "the end of a project was not completed and will be tried again");
                failed.get_or_insert(problem);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn sweep_project_end(&self, name: &ProjectName, now: Timestamp) -> Result<(), Problem> {
        let registry = &self.env.registry;
        // The index may be out of date, so the record itself decides.
        let Some(stored) = registry.project(name).await? else {
            return Ok(());
        };
        let Some(end) = stored.value.end.clone() else {
            return Ok(());
        };
        if end.next_at.is_none_or(|at| at > now) {
            return Ok(());
        }
        let mut after = end.clone();
        if end.is_over(now) {
            let left = self.end_instances(name, &end, now).await?;
            if left || now - end.at < LOOKED_AT {
                let [least, most] = PAUSES;
                after.next_at = Some(now + ((now - end.at) / 10).clamp(least, most));
            } else {
                after.next_at = None;
                after.ended_at = Some(now);
            }
        } else {
            self.tell_members(name, &end, now).await?;
            after.next_at = Some(end.next_after(now));
        }
        let change = |_: &_, project: &mut Project| {
            // Unless somebody has set another end in the meantime.
            if project.end.as_ref() == Some(&end) {
                project.end = Some(after.clone());
            }
            Ok(())
        };
        registry.change_project(name, None, change).await.map(drop)
    }

    /// Tells the members of a project when it ends. This is done before it is recorded, so that it is never lost. A
    /// repetition is about the same time, and arrives once.
    async fn tell_members(
        &self,
        name: &ProjectName,
        end: &ProjectEnd,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let (what, choose) = if end.last_save {
            let saved = "Each of its instances is then stopped, saved, and terminated after that";
            (saved, "To choose the template of an instance")
        } else {
            let stopped = "Its instances are then stopped";
            (stopped, "To have an instance saved and terminated instead")
        };
        let due = end.next_at.unwrap_or(now);
        let text = format!(
            "The project {name} {}. {what}, and nothing is launched or started for it any more. {choose}: prism extend NAME --then terminate --last-save TEMPLATE, with --until {} if it has no end of its own.",
            ends_at(end.at, due, now),
            end.at.format("%Y-%m-%dT%H:%M:%SZ")
        );
        let members = self.env.registry.all_members(name).await?;
        let notice = Notice {
            to: members.into_iter().map(|it| it.user).collect(),
            project: Some(name.clone()),
            ..Notice::new(NoticeEvent::ProjectEnding, due, text)
        };
        self.env.tell_surely(&notice).await
    }

    /// Gives all instances of a project that has ended their ends. Returns whether any of them has not ended yet, or may
    /// not have been found.
    async fn end_instances(
        &self,
        name: &ProjectName,
        end: &ProjectEnd,
        now: Timestamp,
    ) -> Result<bool, Problem> {
        let deployment = self.env.deployment().await?;
        let filter = InstanceFilter::Tag(PROJECT_TAG.to_owned(), name.to_string());
        let looked = self.instances_of_project(name, &filter).await?;
        let mut left = !looked.unavailable.is_empty();
        let ours = |(_, instance): &&(Region, Instance)| {
            Maker::of(&instance.tags, deployment) == Maker::This && !instance.state.is_gone()
        };
        let found: Vec<_> = looked.found.iter().filter(ours).collect();
        for some in found.chunks(AT_ONCE) {
            let each = some
                .iter()
                .map(|(region, instance)| self.end_instance(name, end, region, instance, now));
            for outcome in join_all(each).await {
                left |= outcome?;
            }
        }
        Ok(left)
    }

    /// Returns the instances of a project, also those in Regions that the deployment allows no longer.
    async fn instances_of_project(
        &self,
        name: &ProjectName,
        filter: &InstanceFilter,
    ) -> Result<Looked, Problem> {
        let mut regions: BTreeSet<Region> = self.usable_regions().await?.into_iter().collect();
        let metered = self.open_meters().await?.into_values();
        let of_project = metered.filter(|meter| project_of(meter).as_ref() == Some(name));
        regions.extend(of_project.map(|meter| meter.region));
        let regions: Vec<Region> = regions.into_iter().collect();
        self.instances_in_each(&regions, filter).await
    }

    /// Gives an instance the end that follows from its project's. Returns whether it has not ended yet.
    async fn end_instance(
        &self,
        name: &ProjectName,
        end: &ProjectEnd,
        region: &Region,
        instance: &Instance,
        now: Timestamp,
    ) -> Result<bool, Problem> {
        let owner = instance.tags.get(OWNER_TAG);
        let Some(owner) = owner.and_then(|owner| owner.parse().ok()) else {
            return Ok(false);
        };
        let registry = &self.env.registry;
        let before = registry.end(region, &instance.id).await?;
        if let Some(known) = before.as_ref().map(|stored| &stored.value.end) {
            if known.of_project && known.set_at == end.set_at {
                return Ok(known.state != EndState::Ended);
            }
            // What its owner had set is happening at this moment.
            if matches!(known.state, EndState::Saving | EndState::Ending) {
                return Ok(true);
            }
        }
        let called = instance.name().unwrap_or(instance.id.as_str());
        // An earlier end of the project is no choice of the owner, and an end that is over has no further effect.
        let chosen = before
            .as_ref()
            .map(|stored| &stored.value.end)
            .filter(|known| !known.of_project && known.state != EndState::Ended)
            .and_then(|known| known.last_save.clone());
        let last_save = match chosen {
            None if end.last_save => Some(template_of(called, &instance.id)?),
            chosen => chosen,
        };
        let new = InstanceEnd {
            region: region.clone(),
            instance: instance.id.clone(),
            name: called.to_owned(),
            owner,
            project: Some(name.clone()),
            end: End {
                at: end.at,
                // Nothing is lost that was not saved.
                then: match last_save {
                    Some(_) => Then::Terminate,
                    None => Then::Stop,
                },
                last_save,
                warn_minutes: 1,
                set_by: end.set_by.clone(),
                set_at: end.set_at,
                of_project: true,
                state: EndState::Ahead,
                save_id: None,
                save_failure: None,
                refusal: None,
                ended_at: None,
            },
            asked_at: None,
            is_audited: false,
            stopping_since: None,
            stop_is_audited: false,
            refusals: 0,
            next_at: Some(now),
        };
        // If somebody changes it at the same time, the next sweep does this again.
        registry.put_end(before.as_ref(), new, None).await?;
        Ok(true)
    }
}
