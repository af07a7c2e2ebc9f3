//! Deletion of versions and templates. First the deletion is recorded, then the AMIs and snapshots are removed, in as
//! many attempts as necessary. If it is interrupted in between, the sweep continues it. Numbers and records are kept,
//! so that a number never refers to another version (promise P6).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::deletion_plan::{Deletion, DeletionPlan};
use super::expected::{check, tag};
use super::parts::{Found, IfMatch, VersionRef};
use super::removal::is_protected;
use super::templates::version_not_found;
use super::versions::changed_meanwhile;
use super::{Asked, Expected, Service};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::grant::Grantee;
use crate::domain::template::{Stuck, Template, TemplateRef, TemplateState, Version, Visibility};
use crate::domain::{Class, ImageId, Problem, TemplateName};
use crate::operations::operation::{Answered, operation};
use crate::registry::{Batch, Going, Stored, TRIES, version_unchanged};
use crate::rules::access::{Action, Caller};
use crate::rules::uses::{self, Uses};
use crate::rules::{budget, images};

/// The number of versions that are read at once to find the next latest version.
const PAGE: usize = 20;
/// The number of versions that are read at once.
const VERSIONS: usize = 200;

/// The query of a deletion.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Deleting {
    /// Returns what would be removed and what prevents it, without removing anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Deletes it even if instances run from it, it is shared with others, or a schedule saves to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

operation! {
    /// Deletes a template with all of its versions, AMIs and snapshots
    ///
    /// The template is deleted immediately, and its AMIs and snapshots are removed gradually. AMIs that other templates
    /// also have are kept.
    DeleteTemplate by delete_template: Delete "/v1/templates/{name}" of "templates",
    path: TemplateName, query: Deleting, head: IfMatch,
    output: Found<Deletion>,
    rights: [Delete Template, Share Template, See Instance],
    // Repeating a deletion fails, because the template no longer exists.
    repeatable: |asked| asked.query.dry_run,
}

async fn delete_template(
    service: &Service,
    caller: &Caller,
    asked: Asked<DeleteTemplate>,
) -> Answered<DeleteTemplate> {
    deleted(service, caller, asked.path, asked.query, asked.head).await
}

operation! {
    /// Deletes a version, its AMIs and its snapshots
    ///
    /// The number and the record of the version are kept. AMIs that other versions also have are kept.
    DeleteVersion by delete_version: Delete "/v1/templates/{name}/versions/{version}" of "templates",
    path: VersionRef, query: Deleting, head: IfMatch,
    output: Found<Deletion>,
    rights: [Delete Template, Share Template, See Instance],
    // Repeating a deletion fails, because the version no longer exists.
    repeatable: |asked| asked.query.dry_run,
}

async fn delete_version(
    service: &Service,
    caller: &Caller,
    asked: Asked<DeleteVersion>,
) -> Answered<DeleteVersion> {
    deleted(service, caller, asked.path, asked.query, asked.head).await
}

/// Deletes a template, or the version that the reference names. If it is in use, it is refused unless `force` is set:
/// instances continue to run without their AMI.
async fn deleted(
    service: &Service,
    caller: &Caller,
    what: impl Into<TemplateRef>,
    how: Deleting,
    IfMatch(expected): IfMatch,
) -> Result<Found<Deletion>, Problem> {
    let (env, expected) = (&service.env, expected.as_ref());
    let reference = &what.into();
    if how.dry_run {
        let (plan, _) = service
            .planned_deletion(caller, reference, expected)
            .await?;
        return Ok(Found::new(plan.undone()));
    }
    if let Some(deletion) = service.go_on_by_hand(caller, reference).await? {
        return Ok(Found::new(deletion));
    }
    let (plan, unseen) = service
        .planned_deletion(caller, reference, expected)
        .await?;
    if !how.force {
        plan.check()?;
        unseen.map_or(Ok(()), Err)?;
    }
    // Refused even with `force`: a template of which EC2 keeps a part is worse than a template that still exists.
    let mut protected = plan.protected.iter();
    if let Some((region, images)) = protected.next()
        && let Some(image) = images.first()
    {
        return Err(is_protected(region, image));
    }
    let before = env.registry.template(&reference.name).await?;
    let project = before.and_then(|stored| stored.value.project);
    let going = match reference.version {
        Some(number) => {
            let marked = service.mark_version(caller, &plan.template, number, expected);
            marked.await?
        }
        None => {
            service
                .mark_template(caller, &plan.template, expected)
                .await?
        }
    };
    // From here on, the AMIs will be removed even if this call is interrupted.
    if let Some(project) = &project {
        budget::costs_less(env, project).await;
    }
    Ok(Found::new(service.going_on(plan, &going).await))
}

impl Service {
    /// Returns what deleting a template, or the version that the reference names, would remove, and what prevents it;
    /// and the problem if EC2 does not report whether launch templates refer to the AMIs.
    async fn planned_deletion(
        &self,
        caller: &Caller,
        reference: &TemplateRef,
        expected: Option<&Expected>,
    ) -> Result<(DeletionPlan, Option<Problem>), Problem> {
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
            whole,
            latest,
            ..DeletionPlan::of(&reference.name, &doomed)
        };
        let uses = uses::of(&self.env, &reference.name, &doomed, whole).await?;
        for version in &doomed {
            if plan.sort_images(version, &uses) {
                plan.usd_per_month += version.usd_per_month;
            }
        }
        plan.find_instances(caller, &uses);
        plan.find_launch_templates(&uses);
        self.find_shares(caller, &template.value, &doomed, &uses, &mut plan)
            .await?;
        self.find_protected(&mut plan).await?;
        for saves_to in uses.schedules {
            if saves_to.owner == caller.user {
                plan.schedules.push(saves_to.name);
            } else {
                plan.schedules_of_others += 1;
            }
        }
        Ok((plan, uses.launch_templates.unseen))
    }

    /// Continues a deletion that has begun, as far as EC2 allows.
    async fn going_on(&self, plan: DeletionPlan, going: &Going) -> Deletion {
        let (finished, stuck) = match self.go_on_noting(going, self.patient_until()).await {
            Ok(finished) => (finished, None),
            Err(problem) => {
                tracing::warn!(template = %plan.template, code = %problem.code, problem = problem.chain(), "a deletion continues later");
                let stuck = problem.code.class() != Class::Transient;
                (
                    false,
                    stuck.then(|| Stuck::of(&problem, self.env.clock.now())),
                )
            }
        };
        Deletion {
            plan,
            begun: true,
            finished,
            stuck,
        }
    }

    /// If the caller asks to delete a template or version that is already being deleted, continues the deletion at once
    /// instead of waiting for the sweep.
    async fn go_on_by_hand(
        &self,
        caller: &Caller,
        reference: &TemplateRef,
    ) -> Result<Option<Deletion>, Problem> {
        let registry = &self.env.registry;
        let Some(template) = registry.template(&reference.name).await? else {
            return Ok(None);
        };
        let template = template.value;
        if !caller
            .may_template(registry, Action::Delete, &template)
            .await?
        {
            return Ok(None);
        }
        let (going, versions) = match reference.version {
            None if template.is_going() => {
                let name = Going::Template(template.name.clone());
                (name, self.going_versions(&template.name).await?)
            }
            Some(number) => {
                let version = registry.version(&template.name, number).await?;
                let Some(version) = version.filter(Version::is_going) else {
                    return Ok(None);
                };
                (Going::Version(template.name.clone(), number), vec![version])
            }
            None => return Ok(None),
        };
        let mut plan = DeletionPlan::of(&template.name, &versions);
        plan.whole = template.is_going();
        plan.latest = (!plan.whole).then_some(template.latest);
        let uses = uses::of(&self.env, &template.name, &versions, false).await?;
        for version in &versions {
            plan.sort_images(version, &uses);
        }
        Ok(Some(self.going_on(plan, &going).await))
    }

    /// Returns the versions of a template that still have something to remove.
    async fn going_versions(&self, name: &TemplateName) -> Result<Vec<Version>, Problem> {
        let (mut going, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.env.registry.versions(name, VERSIONS, cursor).await?;
            let left =
                |version: &Version| version.state != TemplateState::Deleted || version.is_going();
            going.extend(page.items.into_iter().filter(left));
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(going);
            }
        }
    }

    /// Refuses a version that does not match `expected`.
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
            // The missing version is reported below.
            None => Ok(()),
        }
    }

    /// Returns the versions to delete, and the latest version afterwards, if any is left.
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
            let why = format!("has no version after {}", template.newest());
            return Err(version_not_found(name, number, &why));
        };
        let latest = match template.latest {
            // The latest version always exists.
            latest if latest != number => Some(latest),
            _ => self.next_latest(name, number).await?,
        };
        Ok((vec![version], latest))
    }

    /// Returns the latest version of a template after its current latest version is deleted: the newest active one before
    /// it, because later ones were excluded from being the latest or rolled back from; otherwise the newest active one, or
    /// the newest one. Reads no more versions than necessary.
    async fn next_latest(&self, name: &TemplateName, goes: u32) -> Result<Option<u32>, Problem> {
        let (mut active, mut newest, mut cursor) = (None, None, None);
        let now = self.env.clock.now();
        loop {
            let page = self.env.registry.versions(name, PAGE, cursor).await?;
            for version in page.items {
                let number = Some(version.number);
                if version.number == goes || version.state == TemplateState::Deleted {
                    continue;
                }
                if version.is_current(now) {
                    if version.number < goes {
                        return Ok(number);
                    }
                    active = active.or(number);
                }
                newest = newest.or(number);
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(active.or(newest));
            }
        }
    }

    /// Finds whom the template is shared with. The grantees are named only to callers who may see them.
    async fn find_shares(
        &self,
        caller: &Caller,
        template: &Template,
        doomed: &[Version],
        uses: &Uses,
        plan: &mut DeletionPlan,
    ) -> Result<(), Problem> {
        let shares = doomed.iter().flat_map(|version| uses.shares(version));
        let shares: BTreeSet<&Grantee> = shares.map(|grant| &grant.to).collect();
        let registry = &self.env.registry;
        if caller
            .may_template(registry, Action::Share, template)
            .await?
        {
            plan.shares = shares.into_iter().cloned().collect();
        } else {
            plan.shares_of_others = shares.len();
        }
        Ok(())
    }

    /// Finds the AMIs that EC2 would refuse to deregister.
    async fn find_protected(&self, plan: &mut DeletionPlan) -> Result<(), Problem> {
        for (region, ids) in &plan.images {
            let ids: Vec<ImageId> = ids.iter().cloned().collect();
            let known = images::known(&*self.env.ec2, region, &ids).await?;
            let protected = known.into_values().filter(|image| image.protected);
            let protected: BTreeSet<ImageId> = protected.map(|image| image.id).collect();
            if !protected.is_empty() {
                plan.protected.insert(region.clone(), protected);
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
                // This is the last version, so the template is deleted too, unless another version is saved in the
                // meantime.
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
            let event = self.event(
                caller,
                AuditAction::TemplateDelete,
                Subject::Template(name.clone()),
            );
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

    /// Marks a template as deleted and writes `more` in the same transaction, if it has not changed since it was read.
    /// Returns whether it did.
    async fn mark_as_read(
        &self,
        caller: &Caller,
        before: &Stored<Template>,
        mut more: Batch,
    ) -> Result<bool, Problem> {
        let (name, now) = (&before.value.name, self.env.clock.now());
        // A deleted template is private and belongs to no project.
        let after = Template {
            state: TemplateState::Deleted,
            deleted_at: Some(now),
            updated_at: now,
            visibility: Visibility::Private,
            project: None,
            ..before.value.clone()
        };
        let event = self.event(
            caller,
            AuditAction::TemplateDelete,
            Subject::Template(name.clone()),
        );
        let event = event.of_project(before.value.project.as_ref());
        let registry = &self.env.registry;
        more.extend(registry.without_grants(name).await?);
        registry
            .replace_template(before, &after, &event, more)
            .await
    }
}
