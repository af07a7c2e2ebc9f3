//! Deleting versions and templates: first a record that says so, then their AMIs and snapshots, as
//! often as it takes. Whoever is interrupted in between leaves it to the sweep. Numbers and records
//! stay, so that a number never means another version (promise P6).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::access::{Action, Caller, OWNER_TAG};
use super::expected::{check, tag};
use super::removal::is_foreign;
use super::templates::version_not_found;
use super::versions::changed_meanwhile;
use super::{Expected, Service, projects};
use crate::domain::audit::Subject;
use crate::domain::template::{Template, TemplateRef, TemplateState, Version, Visibility};
use crate::domain::{Code, ImageId, InstanceId, Problem, Region, ScheduleName, TemplateName};
use crate::ports::InstanceFilter;
use crate::registry::{Batch, Going, Stored, TRIES, version_unchanged};
use crate::steps::from_ec2;

/// How many versions are read at once to find the one that a name stands for next.
const PAGE: usize = 20;
/// The most versions that an AMI is said to belong to.
const USERS: usize = 10;
/// The most schedules that are looked for.
const SCHEDULES: usize = 100;
/// The most ids in one question to EC2.
const IDS: usize = 200;

/// What a deletion removes, and what speaks against it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct DeletionPlan {
    /// The template.
    pub template: TemplateName,
    /// The versions that are deleted.
    pub versions: Vec<u32>,
    /// Whether nothing is left of the template then.
    pub whole: bool,
    /// The version that the name stands for afterwards.
    pub latest: Option<u32>,
    /// The AMIs that are removed with their snapshots, by Region.
    pub images: BTreeMap<Region, BTreeSet<ImageId>>,
    /// The AMIs that stay, because other versions have them too or they were not made here.
    pub kept: BTreeMap<Region, BTreeSet<ImageId>>,
    /// The caller's instances that run from it, with their Regions.
    pub instances: BTreeMap<Region, BTreeSet<InstanceId>>,
    /// How many instances of others run from it.
    pub instances_of_others: usize,
    /// The caller's schedules that save to it.
    pub schedules: Vec<ScheduleName>,
    /// How many schedules of others save to it.
    pub schedules_of_others: usize,
    /// At most what it will cost less a month, in USD.
    pub usd_per_month: f64,
}

/// A deletion, and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct Deletion {
    /// What it removes.
    pub plan: DeletionPlan,
    /// Whether it was begun, and not only asked for.
    pub begun: bool,
    /// Whether everything is removed by now; otherwise it goes on by itself.
    pub finished: bool,
}

impl DeletionPlan {
    /// The deletion that was not begun.
    pub fn undone(self) -> Deletion {
        Deletion {
            plan: self,
            begun: false,
            finished: false,
        }
    }

    /// Refuses what is in use.
    fn check(&self) -> Result<(), Problem> {
        let own: usize = self.instances.values().map(BTreeSet::len).sum();
        let mut users = Vec::new();
        let names = self.instances.values().flatten().take(5);
        let names: Vec<&str> = names.map(InstanceId::as_str).collect();
        match own {
            0 => {}
            1 => users.push(format!("the instance {}", names.join(", "))),
            own => users.push(format!("{own} instances of yours ({})", names.join(", "))),
        }
        if self.instances_of_others > 0 {
            let count = self.instances_of_others;
            users.push(format!("{count} instances of others"));
        }
        if let Some(name) = self.schedules.first() {
            users.push(format!("the schedule {name}, which saves to it"));
        } else if self.schedules_of_others > 0 {
            users.push("a schedule of somebody else's, which saves to it".to_owned());
        }
        if users.is_empty() {
            return Ok(());
        }
        let what = match self.versions.as_slice() {
            [number] if !self.whole => format!("{}@{number}", self.template),
            _ => self.template.to_string(),
        };
        let message = format!("{what} is in use: {}.", users.join("; "));
        Err(Problem::new(Code::TemplateInUse, message))
    }
}

impl Service {
    /// Says what deleting a template would remove, or a version of it where the reference names
    /// one, and what speaks against it, as it is expected to stand. Changes nothing.
    pub async fn plan_deletion(
        &self,
        caller: &Caller,
        reference: &TemplateRef,
        expected: Option<&Expected>,
    ) -> Result<DeletionPlan, Problem> {
        let template = self
            .own_template(caller, &reference.name, Action::Delete)
            .await?;
        match reference.version {
            Some(number) => {
                self.check_version(&reference.name, number, expected)
                    .await?;
            }
            None => check(
                expected,
                &format!("The template {}", reference.name),
                &tag(&template),
            )?,
        }
        let (doomed, latest) = self.doomed(&template.value, reference.version).await?;
        let whole = latest.is_none();
        let mut plan = DeletionPlan {
            template: reference.name.clone(),
            versions: doomed.iter().map(|version| version.number).collect(),
            whole,
            latest,
            images: BTreeMap::new(),
            kept: BTreeMap::new(),
            instances: BTreeMap::new(),
            instances_of_others: 0,
            schedules: Vec::new(),
            schedules_of_others: 0,
            usd_per_month: 0.0,
        };
        for version in &doomed {
            if self.sort_images(version, &doomed, &mut plan).await? {
                plan.usd_per_month += version.usd_per_month;
            }
        }
        self.find_instances(caller, &doomed, &mut plan).await?;
        if whole {
            let registry = &self.env.registry;
            for saves_to in registry.schedules_into(&reference.name, SCHEDULES).await? {
                if saves_to.owner == caller.user {
                    plan.schedules.push(saves_to.name);
                } else {
                    plan.schedules_of_others += 1;
                }
            }
        }
        Ok(plan)
    }

    /// Deletes a template, or a version of it where the reference names one. What is in use is
    /// refused, unless it is to be deleted all the same: instances run on without their AMI. Only as
    /// it is expected to stand.
    pub async fn delete_template(
        &self,
        caller: &Caller,
        reference: &TemplateRef,
        force: bool,
        expected: Option<&Expected>,
    ) -> Result<Deletion, Problem> {
        let plan = self.plan_deletion(caller, reference, expected).await?;
        if !force {
            plan.check()?;
        }
        let before = self.env.registry.template(&reference.name).await?;
        let project = before.and_then(|stored| stored.value.project);
        let going = match reference.version {
            Some(number) => {
                self.mark_version(caller, &plan.template, number, expected)
                    .await?
            }
            None => self.mark_template(caller, &plan.template, expected).await?,
        };
        // From here on it will be removed, whatever happens to this call.
        if let Some(project) = &project {
            projects::costs_less(&self.env, project).await;
        }
        let finished = match self.go_on(&going).await {
            Ok(finished) => finished,
            Err(problem) => {
                tracing::warn!(template = %plan.template, code = %problem.code, problem = problem.chain(), "a deletion goes on later");
                false
            }
        };
        Ok(Deletion {
            plan,
            begun: true,
            finished,
        })
    }

    /// Refuses a version that stands otherwise than it is expected to.
    async fn check_version(
        &self,
        name: &TemplateName,
        number: u32,
        expected: Option<&Expected>,
    ) -> Result<(), Problem> {
        if expected.is_none() {
            return Ok(());
        }
        match self.env.registry.stored_version(name, number).await? {
            Some(stored) => check(expected, &format!("{name}@{number}"), &tag(&stored)),
            // It is told below that there is none.
            None => Ok(()),
        }
    }

    /// The versions that are deleted, and the one that the name stands for afterwards, if any is left.
    async fn doomed(
        &self,
        template: &Template,
        number: Option<u32>,
    ) -> Result<(Vec<Version>, Option<u32>), Problem> {
        let (registry, name) = (&self.env.registry, &template.name);
        let there = |version: &Version| version.state != TemplateState::Deleted;
        let Some(number) = number else {
            return Ok((registry.all_versions(name).await?, None));
        };
        let version = registry.version(name, number).await?.filter(there);
        let Some(version) = version else {
            let why = format!("has the versions 1 to {}", template.newest());
            return Err(version_not_found(name, number, &why));
        };
        let latest = match template.latest {
            // What a name stands for is always there.
            latest if latest != number => Some(latest),
            _ => self.next_latest(name, number).await?,
        };
        Ok((vec![version], latest))
    }

    /// The version that a template's name stands for when the one that it stands for goes: the newest that is
    /// active, or the newest. No more is read than it takes to find it.
    async fn next_latest(&self, name: &TemplateName, goes: u32) -> Result<Option<u32>, Problem> {
        let (mut newest, mut cursor) = (None, None);
        loop {
            let page = self.env.registry.versions(name, PAGE, cursor).await?;
            for version in page.items {
                match version.state {
                    _ if version.number == goes => {}
                    TemplateState::Active => return Ok(Some(version.number)),
                    TemplateState::Deprecated => newest = newest.or(Some(version.number)),
                    TemplateState::Deleted => {}
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(newest);
            }
        }
    }

    /// Tells the AMIs that go with the versions from those that stay. Answers whether any goes.
    async fn sort_images(
        &self,
        version: &Version,
        doomed: &[Version],
        plan: &mut DeletionPlan,
    ) -> Result<bool, Problem> {
        let mut goes = false;
        for (region, image) in version.images() {
            let users = self.env.registry.users_of(region, image, USERS).await?;
            let is_doomed = |user: &TemplateRef| {
                let mut doomed = doomed.iter();
                doomed.any(|version| version.reference() == *user)
            };
            let stays = is_foreign(version, region) || !users.iter().all(is_doomed);
            goes |= !stays;
            let place = if stays {
                &mut plan.kept
            } else {
                &mut plan.images
            };
            place
                .entry(region.clone())
                .or_default()
                .insert(image.clone());
        }
        Ok(goes)
    }

    async fn find_instances(
        &self,
        caller: &Caller,
        doomed: &[Version],
        plan: &mut DeletionPlan,
    ) -> Result<(), Problem> {
        let mut images: BTreeMap<&Region, BTreeSet<&ImageId>> = BTreeMap::new();
        for (region, image) in doomed.iter().flat_map(Version::images) {
            images.entry(region).or_default().insert(image);
        }
        for (region, images) in images {
            let images: Vec<ImageId> = images.into_iter().cloned().collect();
            for some in images.chunks(IDS) {
                let filter = InstanceFilter::Images(some.to_vec());
                let found = self.env.ec2.instances(region, &filter).await;
                for instance in found.map_err(from_ec2)? {
                    if caller.may(Action::See, &instance) {
                        let here = plan.instances.entry(region.clone()).or_default();
                        here.insert(instance.id);
                    } else if instance.tags.contains_key(OWNER_TAG) {
                        plan.instances_of_others += 1;
                    }
                }
            }
        }
        Ok(())
    }

    async fn mark_version(
        &self,
        caller: &Caller,
        name: &TemplateName,
        number: u32,
        expected: Option<&Expected>,
    ) -> Result<Going, Problem> {
        for _ in 0..TRIES {
            let before = self.own_template(caller, name, Action::Delete).await?;
            let (_, latest) = self.doomed(&before.value, Some(number)).await?;
            let Some(version) = self.env.registry.stored_version(name, number).await? else {
                continue;
            };
            check(expected, &format!("{name}@{number}"), &tag(&version))?;
            let Some(latest) = latest else {
                // It is the last one: only as long as nobody saves another.
                let still_so = version_unchanged(&version);
                if self
                    .mark_as_read(caller, &before, vec![still_so].into())
                    .await?
                {
                    return Ok(Going::Template(name.clone()));
                }
                continue;
            };
            let now = self.env.clock.now();
            let mut after = before.value.clone();
            let mut writes = Batch::default();
            if latest == before.value.latest {
                after.updated_at = now;
            } else {
                let registry = &self.env.registry;
                let Some(stored) = registry.stored_version(name, latest).await? else {
                    continue;
                };
                after.point_to(&stored.value, now);
                writes.push(version_unchanged(&stored));
            }
            writes.join(self.deleted(&version)?);
            let event = self.event(caller, "template.delete", Subject::Template(name.clone()));
            let event = event.with("version", number);
            let registry = &self.env.registry;
            let replaced = registry.replace_template(&before, &after, &event, writes);
            if replaced.await? {
                return Ok(Going::Version(name.clone(), number));
            }
        }
        Err(changed_meanwhile(name))
    }

    async fn mark_template(
        &self,
        caller: &Caller,
        name: &TemplateName,
        expected: Option<&Expected>,
    ) -> Result<Going, Problem> {
        for _ in 0..TRIES {
            let before = self.own_template(caller, name, Action::Delete).await?;
            check(expected, &format!("The template {name}"), &tag(&before))?;
            if self.mark_as_read(caller, &before, Batch::default()).await? {
                return Ok(Going::Template(name.clone()));
            }
        }
        Err(changed_meanwhile(name))
    }

    /// Marks a template deleted that nobody has changed since it was read, and does `more` in the same
    /// transaction. Answers whether it was done.
    async fn mark_as_read(
        &self,
        caller: &Caller,
        before: &Stored<Template>,
        mut more: Batch,
    ) -> Result<bool, Problem> {
        let (name, now) = (&before.value.name, self.env.clock.now());
        // It is nobody's any more, and in no project.
        let after = Template {
            state: TemplateState::Deleted,
            deleted_at: Some(now),
            updated_at: now,
            visibility: Visibility::Private,
            project: None,
            ..before.value.clone()
        };
        let event = self.event(caller, "template.delete", Subject::Template(name.clone()));
        let event = event.of_project(before.value.project.as_ref());
        let registry = &self.env.registry;
        more.extend(registry.without_grants(name).await?);
        registry
            .replace_template(before, &after, &event, more)
            .await
    }
}
