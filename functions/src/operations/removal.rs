//! The removal of AMIs and snapshots after a deletion was recorded, in as many attempts as necessary (ADR 13).

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::Service;
use crate::domain::clock::is_recent;
use crate::domain::pace::Paced;
use crate::domain::tags::SAVE_TAG;
use crate::domain::template::{Stuck, TemplateState, Version};
use crate::domain::{Class, Code, ImageId, Problem, Region, SnapshotId, TemplateName, Timestamp};
use crate::ports::{
    Ec2Error, Ec2ErrorKind, Image, ImageFilter, ImageState, SnapshotFilter, from_ec2,
};
use crate::registry::{Batch, Going, Stored};
use crate::rules::Maker;
use crate::rules::versions::deleted;
use crate::steps::pacing;

/// The number of versions of a template that are read at once.
const VERSIONS: usize = 100;
/// The maximum number of versions whose AMIs are removed before the caller gets a response; the sweep removes the rest.
const AT_ONCE: usize = 5;
/// The maximum number that is tried in that time: versions that cannot be removed do not block others, but take time
/// too.
const TRIED_AT_ONCE: usize = 20;
/// The number of deletions that one sweep finishes, and the number that it tries: deletions that cannot be finished do
/// not block others.
const SWEEP: usize = 20;
const TRIED: usize = 100;
/// For how long the deletion of a snapshot in use is retried, in seconds: EC2 takes a moment to notice that its AMI is
/// gone. A resource that still uses the snapshot after that does not belong to this deployment, and the snapshot is
/// kept.
const IN_USE_S: f64 = 3600.0;

/// For how long a deletion, or all deletions of a sweep together, wait for the turns of removals. The next sweep does
/// the rest.
const PATIENCE: TimeDelta = TimeDelta::seconds(5);

impl Service {
    /// Continues interrupted deletions. A failed deletion does not block others.
    pub(super) async fn sweep_deletions(&self) -> Result<(), Problem> {
        let (mut done, until) = (0, self.patient_until());
        for going in self.env.registry.deletions(TRIED).await? {
            match self.go_on_noting(&going, until).await {
                Ok(_) => done += 1,
                Err(problem) => {
                    tracing::warn!(?going, code = %problem.code, problem = problem.chain(), "a deletion continues later");
                }
            }
            if done == SWEEP {
                break;
            }
        }
        Ok(())
    }

    /// Returns the writes that mark a version's record as deleted now.
    pub(super) fn deleted(&self, before: &Stored<Version>) -> Result<Batch, Problem> {
        deleted(before, self.env.clock.now())
    }

    /// Returns until when an operation that begins now waits for the turns of its removals.
    pub(super) fn patient_until(&self) -> Timestamp {
        self.env.clock.now() + PATIENCE
    }

    /// Continues a deletion, and records what blocks it, so that its owner sees it. Waits for the turns of removals
    /// until `until`.
    pub(super) async fn go_on_noting(
        &self,
        going: &Going,
        until: Timestamp,
    ) -> Result<bool, Problem> {
        let went = self.go_on(going, until).await;
        if let Err(problem) = &went
            && problem.code.class() != Class::Transient
        {
            self.note_stuck(going, problem).await?;
        }
        went
    }

    async fn note_stuck(&self, going: &Going, problem: &Problem) -> Result<(), Problem> {
        let (registry, stuck) = (&self.env.registry, Stuck::of(problem, self.env.clock.now()));
        let same = |before: &Option<Stuck>| {
            let before = before.as_ref();
            before.is_some_and(|it| (&it.code, &it.message) == (&stuck.code, &stuck.message))
        };
        // If somebody else was faster, they have recorded the same or finished the deletion.
        match going {
            Going::Template(name) => {
                let stored = registry.template(name).await?;
                let going = stored.filter(|it| it.value.is_going() && !same(&it.value.stuck));
                if let Some(before) = going {
                    let mut after = before.value.clone();
                    after.stuck = Some(stuck);
                    registry.finish_deletion(&before, &after).await?;
                }
            }
            Going::Version(name, number) => {
                let stored = registry.stored_version(name, *number).await?;
                let going = stored.filter(|it| it.value.is_going() && !same(&it.value.stuck));
                if let Some(before) = going {
                    let mut after = before.value.clone();
                    after.stuck = Some(stuck);
                    registry.replace_version(&before, &after, None).await?;
                }
            }
        }
        Ok(())
    }

    /// Continues a deletion. Returns whether it is finished.
    async fn go_on(&self, going: &Going, until: Timestamp) -> Result<bool, Problem> {
        match going {
            Going::Version(name, number) => {
                let registry = &self.env.registry;
                let stored = registry.stored_version(name, *number).await?;
                if let Some(version) = stored.filter(|version| version.value.is_going()) {
                    self.remove_version(&version, until).await?;
                }
                Ok(true)
            }
            Going::Template(name) => self.go_on_with_template(name, until).await,
        }
    }

    async fn go_on_with_template(
        &self,
        name: &TemplateName,
        until: Timestamp,
    ) -> Result<bool, Problem> {
        let registry = &self.env.registry;
        let stored = registry.template(name).await?;
        // Somebody else may have finished the deletion, and a new template with the same name may exist since.
        let Some(template) = stored.filter(|stored| stored.value.is_going()) else {
            return Ok(true);
        };
        let (mut removed, mut tried, mut failed) = (0, 0, None);
        let mut cursor = None;
        loop {
            let versions = registry.versions(name, VERSIONS, cursor).await?;
            for version in versions.items {
                if version.state == TemplateState::Deleted && !version.is_going() {
                    continue;
                }
                if removed == AT_ONCE || tried == TRIED_AT_ONCE {
                    return failed.map_or(Ok(false), Err);
                }
                tried += 1;
                let Some(stored) = registry.stored_version(name, version.number).await? else {
                    continue;
                };
                if !stored.value.is_going() {
                    let deleted = self.deleted(&stored)?;
                    if !registry.delete_with_template(&template, deleted).await? {
                        return Ok(false);
                    }
                }
                let Some(stored) = registry.stored_version(name, version.number).await? else {
                    continue;
                };
                // A version that cannot be removed does not block others.
                match self.remove_version(&stored, until).await {
                    Ok(()) => removed += 1,
                    // The turns of the other versions would be later still.
                    Err(problem) if problem.code == Code::Throttled => return Err(problem),
                    Err(problem) => failed = failed.or(Some(problem)),
                }
            }
            cursor = versions.cursor;
            if cursor.is_none() {
                break;
            }
        }
        if let Some(problem) = failed {
            return Err(problem);
        }
        let mut after = template.value.clone();
        after.removed_at = Some(self.env.clock.now());
        after.stuck = None;
        registry.finish_deletion(&template, &after).await
    }

    /// Removes those AMIs of a deleted version that no other version has, and their snapshots, and records it.
    async fn remove_version(
        &self,
        stored: &Stored<Version>,
        until: Timestamp,
    ) -> Result<(), Problem> {
        let version = &stored.value;
        let mut failed = None;
        for region in version.amis.keys() {
            if let Err(problem) = self.remove_in(version, region, until).await {
                failed = failed.or(Some(problem));
            }
        }
        if let Some(problem) = failed {
            return Err(problem);
        }
        let mut after = version.clone();
        after.removed_at = Some(self.env.clock.now());
        after.stuck = None;
        // If somebody else was faster, they have done the same.
        let registry = &self.env.registry;
        registry.replace_version(stored, &after, None).await?;
        Ok(())
    }

    async fn remove_in(
        &self,
        version: &Version,
        region: &Region,
        until: Timestamp,
    ) -> Result<(), Problem> {
        let ec2 = &self.env.ec2;
        let deployment = self.env.deployment().await?;
        let mut kept: BTreeSet<SnapshotId> = BTreeSet::new();
        for (_, image) in version.images().filter(|(here, _)| *here == region) {
            let known = self.image(region, image).await?;
            let used = self.env.registry.users_of(region, image, 1).await?;
            let another = |image: &Image| Maker::is_another(&image.tags, deployment);
            let of_another = known.as_ref().is_some_and(another);
            if !used.is_empty() || of_another || is_foreign(version, region) {
                let made_here =
                    |image: &Image| image.tags.contains_key(SAVE_TAG) && !another(image);
                if known.as_ref().is_some_and(made_here) {
                    self.close_to_former(region, image).await?;
                }
                let volumes = known.into_iter().flat_map(|image| image.volumes);
                kept.extend(volumes.filter_map(|volume| volume.snapshot));
                continue;
            }
            pacing::until_removal(&self.env, region, Paced::Removal, until).await?;
            match ec2.deregister_image(region, image).await {
                Err(error) if !error.is_gone() => {
                    return Err(not_deregistered(region, image, error));
                }
                _ => {}
            }
        }
        let recorded = version.snapshots.get(region).into_iter().flatten();
        let recorded = recorded.filter(|snapshot| !kept.contains(*snapshot));
        let recorded: Vec<SnapshotId> = recorded.cloned().collect();
        for snapshot in &self.not_of_another(region, &recorded).await? {
            pacing::until_removal(&self.env, region, Paced::SnapshotRemoval, until).await?;
            match ec2.delete_snapshot(region, snapshot).await {
                Err(error) if error.kind() == Ec2ErrorKind::SnapshotInUse => {
                    self.still_in_use(version, snapshot, error)?;
                }
                outcome => gone(outcome)?,
            }
        }
        Ok(())
    }

    /// Returns those of the snapshots that EC2 knows and that do not carry another deployment's tag (promise P9). One
    /// unknown ID makes a whole request fail, so the IDs of a failed request are requested again in halves.
    async fn not_of_another(
        &self,
        region: &Region,
        ids: &[SnapshotId],
    ) -> Result<Vec<SnapshotId>, Problem> {
        let deployment = self.env.deployment().await?;
        let (mut ours, mut open) = (Vec::new(), vec![ids]);
        while let Some(some) = open.pop() {
            if some.is_empty() {
                continue;
            }
            let wanted = SnapshotFilter::Ids(some.to_vec());
            match self.env.ec2.snapshots(region, &wanted).await {
                Ok(known) => {
                    let known = known.into_iter();
                    let known = known.filter(|it| !Maker::is_another(&it.tags, deployment));
                    ours.extend(known.map(|it| it.id));
                }
                Err(error) if error.is_not_found() => {
                    if some.len() > 1 {
                        let (one, other) = some.split_at(some.len() / 2);
                        open.extend([one, other]);
                    }
                }
                Err(error) => return Err(from_ec2(error)),
            }
        }
        Ok(ours)
    }

    async fn image(&self, region: &Region, id: &ImageId) -> Result<Option<Image>, Problem> {
        let wanted = ImageFilter::Ids(vec![id.clone()]);
        match self.env.ec2.images(region, &wanted).await {
            Ok(images) => Ok(images
                .into_iter()
                .find(|image| image.state != ImageState::Deregistered)),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(from_ec2(error)),
        }
    }

    fn still_in_use(
        &self,
        version: &Version,
        snapshot: &SnapshotId,
        error: Ec2Error,
    ) -> Result<(), Problem> {
        let now = self.env.clock.now();
        let since = version.deleted_at.unwrap_or(now);
        if is_recent(since, IN_USE_S, now) {
            let message = format!("The snapshot {snapshot} is still in use.");
            return Err(Problem::new(Code::NotReady, message).because(error));
        }
        tracing::warn!(version = %version.reference(), %snapshot, "a snapshot is kept, because an AMI that is not Prism's uses it");
        Ok(())
    }
}

/// Returns whether the AMIs of a version in a Region were created by others. An import records no snapshots for such
/// AMIs.
pub(super) fn is_foreign(version: &Version, region: &Region) -> bool {
    let snapshots = version.snapshots.get(region);
    version.imported_by.is_some() && snapshots.is_none_or(Vec::is_empty)
}

/// Converts the result of a deletion. A resource that no longer exists needs none.
fn gone(result: Result<(), Ec2Error>) -> Result<(), Problem> {
    match result {
        Ok(()) => Ok(()),
        Err(error) if error.is_gone() => Ok(()),
        Err(error) => Err(from_ec2(error)),
    }
}

/// Creates the problem that EC2 does not deregister an AMI, with the reason.
pub(super) fn not_deregistered(region: &Region, image: &ImageId, error: Ec2Error) -> Problem {
    if error.kind() == Ec2ErrorKind::NotPermitted {
        return is_protected(region, image).because(error);
    }
    let mut problem = from_ec2(error);
    let why = problem.message.trim_end_matches('.');
    problem.message = format!("EC2 refused to deregister the AMI {image} in {region}: {why}.");
    problem
}

pub(super) fn is_protected(region: &Region, image: &ImageId) -> Problem {
    let message = format!("The AMI {image} in {region} is protected against deregistration.");
    Problem::new(Code::ImageProtected, message).hint(format!(
        "Disable the protection: aws ec2 disable-image-deregistration-protection --region {region} --image-id {image}. With a cooldown period, it remains for another 24 hours."
    ))
}
