//! The sweep of ends. It may be interrupted at any point, and run twice at once: each instance moves on by a write that
//! fails if another sweep, or a user, has changed its end in the meantime.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::future::join_all;

use crate::domain::end::{EndState, InstanceEnd, Then, ends_at};
use crate::domain::tags::OWNER_TAG;
use crate::domain::{InstanceId, NoticeEvent, Problem, Region, Timestamp};
use crate::operations::Service;
use crate::ports::{Instance, InstanceFilter, from_ec2};
use crate::registry::Stored;
use crate::rules::Maker;
use crate::steps;

/// The number of ends that are read at once.
const PAGE: usize = 100;
/// How many instances are looked after side by side.
const AT_ONCE: usize = 8;

/// How long EC2 may not list a new instance. It does within seconds.
const UNLISTED: TimeDelta = TimeDelta::minutes(5);

/// An instance that was stopped or terminated at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The name of the instance.
    pub name: String,
    /// The instance.
    pub instance: InstanceId,
    /// What happened.
    pub then: Then,
}

/// The instances of a page, as EC2 lists them, by Region; the problem if a Region did not answer.
pub(super) type Seen = BTreeMap<Region, Result<BTreeMap<InstanceId, Instance>, String>>;

impl Service {
    /// Ends what is due: warns owners and members, saves, stops and terminates. Waits for turns for at most `within`; what
    /// has no turn until then is left to the next sweep. Something that fails does not hold up the others; the first
    /// failure is returned at the end.
    pub async fn sweep_ends(&self, within: TimeDelta) -> Result<Vec<Ended>, Problem> {
        let now = self.env.clock.now();
        let until = now + within;
        // First, so that a table of another deployment ends nothing.
        self.env.deployment().await?;
        let of_launches = self.settle_launch_ends(now).await;
        let of_projects = self.sweep_project_ends(now).await;
        let (mut ended, mut failed) = (Vec::new(), None);
        let mut cursor = None;
        loop {
            let page = self.env.registry.due_ends(now, PAGE, cursor).await?;
            let seen = self.instances_of(&page.items).await;
            for some in page.items.chunks(AT_ONCE) {
                let each = some.iter().map(|end| self.move_on(end, &seen, until));
                for (end, outcome) in some.iter().zip(join_all(each).await) {
                    match outcome {
                        Ok(it) => ended.extend(it),
                        Err(problem) => {
                            tracing::warn!(instance.id = %end.instance, code = %problem.code, problem = problem.chain(), "an instance could not be ended and will be tried again");
                            failed.get_or_insert(problem);
                        }
                    }
                }
            }
            cursor = page.cursor;
            if cursor.is_none() || self.env.clock.now() > until {
                break;
            }
        }
        of_launches.and(of_projects)?;
        failed.map_or(Ok(ended), Err)
    }

    /// Looks at all instances of a page with one request for each Region.
    async fn instances_of(&self, ends: &[InstanceEnd]) -> Seen {
        let mut wanted: BTreeMap<&Region, Vec<InstanceId>> = BTreeMap::new();
        for end in ends {
            let of_region = wanted.entry(&end.region).or_default();
            of_region.push(end.instance.clone());
        }
        let mut seen = Seen::new();
        for (region, ids) in wanted {
            let found = self.instances_by_id(region, ids).await;
            let found =
                found.map(|found| found.into_iter().map(|it| (it.id.clone(), it)).collect());
            seen.insert(region.clone(), found.map_err(|problem| problem.chain()));
        }
        seen
    }

    async fn instances_by_id(
        &self,
        region: &Region,
        ids: Vec<InstanceId>,
    ) -> Result<Vec<Instance>, Problem> {
        let all = InstanceFilter::Ids(ids.clone());
        match self.env.ec2.instances(region, &all).await {
            // EC2 forgets terminated instances after a while, and one unknown ID fails the whole request.
            Err(error) if error.is_not_found() => {}
            found => return found.map_err(from_ec2),
        }
        let mut found = Vec::new();
        for id in &ids {
            found.extend(steps::look(&*self.env.ec2, region, id).await?);
        }
        Ok(found)
    }

    /// Moves the end of one instance on, as far as it goes now.
    async fn move_on(
        &self,
        listed: &InstanceEnd,
        seen: &Seen,
        until: Timestamp,
    ) -> Result<Option<Ended>, Problem> {
        let (region, id) = (&listed.region, &listed.instance);
        let registry = &self.env.registry;
        // The index may be out of date, so the record itself decides.
        let Some(stored) = registry.end(region, id).await? else {
            return Ok(None);
        };
        let now = self.env.clock.now();
        if stored.value.next_at.is_none_or(|at| at > now) {
            return Ok(None);
        }
        let Some(Ok(of_region)) = seen.get(region) else {
            let message = format!("The instances in {region} could not be read.");
            let problem = Problem::new(crate::domain::Code::AwsUnavailable, message);
            return Err(match seen.get(region) {
                Some(Err(why)) => problem.because(why.clone()),
                _ => problem,
            });
        };
        let found = of_region.get(id);
        let is_new = now - stored.value.end.set_at < UNLISTED;
        if found.is_none() && is_new && stored.value.asked_at.is_none() {
            return Ok(None);
        }
        let Some(instance) = found.filter(|it| !it.state.is_gone()) else {
            let asked = stored.value.asked_at.is_some();
            if asked && stored.value.end.then == Then::Terminate {
                return self.ended(&stored).await;
            }
            registry.remove_end(&stored, None).await?;
            return Ok(None);
        };
        if !self.is_ours(instance, &stored.value).await? {
            tracing::info!(instance.id = %id, "the instance is no longer this deployment's, so its end was removed");
            registry.remove_end(&stored, None).await?;
            return Ok(None);
        }
        if !self.is_wanted(&stored.value, now).await? {
            registry.remove_end(&stored, None).await?;
            return Ok(None);
        }
        if now < stored.value.end.at {
            self.warn(&stored, now).await?;
            return Ok(None);
        }
        self.end_now(stored, instance, until).await
    }

    /// Whether the instance still belongs to this deployment and to the same user (promise P9).
    async fn is_ours(&self, instance: &Instance, end: &InstanceEnd) -> Result<bool, Problem> {
        let deployment = self.env.deployment().await?;
        let owner = instance.tags.get(OWNER_TAG).map(String::as_str);
        let ours = Maker::of(&instance.tags, deployment) == Maker::This;
        Ok(ours && owner == Some(end.owner.as_str()))
    }

    /// Whether the end is still wanted: one that follows from the end of a project is not if that end has been removed or
    /// replaced, until EC2 may have been asked.
    async fn is_wanted(&self, end: &InstanceEnd, now: Timestamp) -> Result<bool, Problem> {
        let Some(project) = end.project.as_ref().filter(|_| end.end.of_project) else {
            return Ok(true);
        };
        if end.asked_at.is_some() {
            return Ok(true);
        }
        let stored = self.env.registry.project(project).await?;
        let of_project = stored.and_then(|stored| stored.value.end);
        Ok(of_project.is_some_and(|it| it.set_at == end.end.set_at && it.is_over(now)))
    }

    /// Warns the owner. The warning is sent before this is recorded, so that it is never lost. A repetition is about
    /// the same time, and arrives once.
    async fn warn(&self, stored: &Stored<InstanceEnd>, now: Timestamp) -> Result<(), Problem> {
        let (value, end) = (&stored.value, &stored.value.end);
        let saved = match &end.last_save {
            Some(template) => format!(" after a save to {template}"),
            None => String::new(),
        };
        let due = value.next_at.unwrap_or(now);
        let text = format!(
            "{} ({}, {}) {}: it is then {}{saved}. To extend it: prism extend {} --for 2h --region {}",
            value.name,
            value.instance,
            value.region,
            ends_at(end.at, due, now),
            end.then.done(),
            value.instance,
            value.region,
        );
        self.tell_owner(value, NoticeEvent::InstanceEnding, due, text)
            .await?;
        let mut after = value.clone();
        after.next_at = Some(end.at);
        self.env.registry.put_end(Some(stored), after, None).await?;
        Ok(())
    }

    /// Ends an instance whose end is due, unless a save holds it.
    async fn end_now(
        &self,
        mut stored: Stored<InstanceEnd>,
        instance: &Instance,
        until: Timestamp,
    ) -> Result<Option<Ended>, Problem> {
        if stored.value.end.state == EndState::Ahead && stored.value.end.last_save.is_some() {
            if self.holder(&stored.value).await?.is_some() {
                // The last save would be refused while another one is in progress.
                return Ok(None);
            }
            match self.stop_before_save(stored, instance, until).await? {
                Some(stopped) => stored = stopped,
                None => return Ok(None),
            }
            match self.begin_last_save(stored).await? {
                Some(saving) => stored = saving,
                None => return Ok(None),
            }
        }
        if stored.value.end.state == EndState::Saving {
            match self.after_last_save(stored).await? {
                Some(saved) => stored = saved,
                None => return Ok(None),
            }
        }
        self.ask_ec2(stored, instance, until).await
    }
}
