//! Leftovers: resources of saves that no record explains, in every Region that the deployment allows; AMIs whose launch
//! permissions differ from the records; sums of costs that are wrong; and how all of these are fixed (promises P5 and
//! P7).
//!
//! Resources with another deployment's tag are not considered (promise P9). Resources without a deployment tag were
//! created by a version of Prism from before there were deployment tags. They are leftovers if a record of the registry
//! says where they come from; otherwise they are reported separately as unknown.
//!
//! Before leftovers are fixed, they are searched for again, so that it is safe to fix them twice, or while saves are in
//! progress. Resources that a registered version uses are never changed.

mod fix;
mod permissions;
mod saves;
mod schedules;
mod sums;
mod used;
mod versions;
mod volumes;

use std::collections::BTreeSet;

use futures::future::{join_all, join4};
use serde::Serialize;

use super::Service;
use crate::domain::ec2::Opening;
use crate::domain::save::{Duty, SaveRecord, SaveState};
use crate::domain::tags::{DEPLOYMENT_TAG, OWNER_TAG, SAVE_TAG, TEMPLATE_TAG};
use crate::domain::template::TemplateRef;
use crate::domain::{
    ImageId, InstanceId, Problem, ProjectName, Region, SaveId, ScheduleName, SnapshotId,
    TemplateName, UserId,
};
use crate::ports::{
    Image, ImageFilter, ImageState, Instance, InstanceFilter, Snapshot, SnapshotFilter, Tags,
    from_ec2,
};
use crate::registry::Awaited;
use crate::rules::{ImageFault, Maker};

pub use fix::Fixed;
use saves::Saves;
use used::Used;
pub use volumes::UnusedVolume;

/// The number of records on one page of a list.
const PAGE: usize = 100;

/// A resource or record that is left over.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leftover {
    /// The resource or record.
    #[serde(flatten)]
    pub what: Left,
    /// The save that it belongs to, if it is known.
    pub save_id: Option<SaveId>,
    /// Why it is left over.
    pub why: String,
    /// Whether the registry contains no record at all of an AMI or a snapshot, not even a save that has ended. Such a
    /// resource is removed only if a person asks for it (promise P9).
    pub unexplained: bool,
}

/// The kinds of leftovers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Left {
    /// An AMI with a save's tag.
    Image {
        /// The Region of the AMI.
        region: Region,
        /// The ID of the AMI.
        id: ImageId,
    },
    /// A snapshot with a save's tag.
    Snapshot {
        /// The Region of the snapshot.
        region: Region,
        /// The ID of the snapshot.
        id: SnapshotId,
    },
    /// An AMI of a version whose launch permissions in EC2 differ from the grants of its template.
    Permissions {
        /// The Region of the AMI.
        region: Region,
        /// The ID of the AMI.
        id: ImageId,
        /// The versions that have it.
        users: Vec<TemplateRef>,
        /// The launch permissions that no grant explains.
        open_to: BTreeSet<Opening>,
        /// The launch permissions that a grant requires and that are missing.
        closed_to: BTreeSet<Opening>,
    },
    /// An AMI of a version that cannot be launched: it no longer exists in EC2, or is disabled.
    Version {
        /// The Region of the AMI.
        region: Region,
        /// The ID of the AMI.
        id: ImageId,
        /// The versions that have it.
        users: Vec<TemplateRef>,
        /// What is wrong with it.
        fault: ImageFault,
    },
    /// A deletion that EC2 blocks.
    Removal {
        /// The template.
        template: TemplateName,
        /// The number of the version; `None` if the whole template is being deleted.
        version: Option<u32>,
    },
    /// The lock of an instance.
    Lock {
        /// The instance's Region.
        region: Region,
        /// The instance.
        id: InstanceId,
    },
    /// The lock of a version in a Region that it is copied to.
    CopyLock {
        /// The Region that the version is copied to.
        region: Region,
        /// The template.
        template: TemplateName,
        /// The number of the version.
        version: u32,
    },
    /// The duty to bring an instance back.
    Duty {
        /// The instance's Region.
        region: Region,
        /// The instance.
        id: InstanceId,
    },
    /// The wait for an AMI.
    Wait {
        /// The AMI's Region.
        region: Region,
        /// The AMI.
        id: ImageId,
    },
    /// A save without a running execution.
    Save {
        /// The save.
        id: SaveId,
    },
    /// A schedule whose instance no longer exists.
    Schedule {
        /// The owner of the schedule.
        owner: UserId,
        /// The name of the schedule.
        id: ScheduleName,
    },
    /// The recorded sum of a template's costs.
    TemplateSum {
        /// The template.
        template: TemplateName,
    },
    /// The recorded sums of a project's costs and pledges.
    ProjectSum {
        /// The project.
        project: ProjectName,
    },
    /// The recorded sums of what a project's instances use this month.
    ComputeSum {
        /// The project.
        project: ProjectName,
    },
    /// An entry in the scheduler that belongs to no schedule.
    Firing {
        /// The name of the entry.
        id: String,
        /// The owner of the former schedule.
        owner: UserId,
        /// The name of the former schedule.
        schedule: ScheduleName,
    },
}

/// The result of a search for leftovers.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// The Regions that were searched.
    pub regions: Vec<Region>,
    /// The leftovers.
    pub found: Vec<Leftover>,
    /// AMIs and snapshots with a save's tag that neither a deployment tag nor the registry assigns to a deployment.
    /// Prism never removes them.
    pub unknown: Vec<Leftover>,
    /// Volumes of former instances that nothing uses. Prism never removes them, because they may contain data.
    pub volumes: Vec<UnusedVolume>,
    /// The Regions that could not be searched, and why.
    pub unseen: Vec<(Region, Problem)>,
    /// Why the entries of the scheduler could not be read, if that failed.
    pub scheduler: Option<Problem>,
}

/// The resources in EC2 in one Region.
struct Seen {
    region: Region,
    images: Vec<Image>,
    snapshots: Vec<Snapshot>,
    instances: Vec<Instance>,
    volumes: Vec<UnusedVolume>,
}

impl Service {
    /// Searches for resources of saves that no record explains. Changes nothing.
    pub async fn leftovers(&self) -> Result<Leftovers, Problem> {
        let mut all = Leftovers::default();
        let mut seen = Vec::new();
        all.regions = self.regions_in_use().await?;
        let looks = all.regions.iter().map(|region| self.see(region));
        for (region, found) in all.regions.iter().zip(join_all(looks).await) {
            match found {
                Ok(found) => seen.push(found),
                Err(problem) => all.unseen.push((region.clone(), problem)),
            }
        }
        let used = self.used(&seen).await?;
        let mut saves = Saves::default();
        for region in &mut seen {
            all.volumes.append(&mut region.volumes);
        }
        for region in &seen {
            self.left_in(region, &used, &mut saves, &mut all).await?;
            let found = &mut all.found;
            let refused = self.left_permissions(region, &used, &mut saves, found);
            let refused = refused.await?;
            let unseen = self.left_versions(region, &used, &mut all.found).await;
            let refused = refused.into_iter().chain(unseen);
            all.unseen
                .extend(refused.map(|problem| (region.region.clone(), problem)));
        }
        self.left_removals(&mut all.found).await?;
        self.left_locks(&used, &mut saves, &mut all.found).await?;
        self.left_duties(&mut saves, &mut all.found).await?;
        let open = self.open_saves().await?;
        self.left_saves(&open, &mut all.found).await?;
        self.left_sums(&used, &open, &mut all.found).await?;
        self.left_schedules(&mut all.found).await?;
        all.scheduler = self.left_firing(&mut all.found).await?;
        Ok(all)
    }

    /// Returns the Regions that the deployment allows and the account can use.
    async fn regions_in_use(&self) -> Result<Vec<Region>, Problem> {
        let mut regions = self.env.ec2.regions().await.map_err(from_ec2)?;
        let allowed = &self.env.settings.allowed_regions;
        regions.retain(|region| allowed.check([region]).is_ok());
        regions.sort();
        Ok(regions)
    }

    async fn see(&self, region: &Region) -> Result<Seen, Problem> {
        let ec2 = &self.env.ec2;
        let tag = || SAVE_TAG.to_owned();
        let images = ImageFilter::OwnTagged(tag());
        let snapshots = SnapshotFilter::Tagged(tag());
        let instances = InstanceFilter::Tagged(OWNER_TAG.to_owned());
        let (images, snapshots, instances, volumes) = join4(
            ec2.images(region, &images),
            ec2.snapshots(region, &snapshots),
            ec2.instances(region, &instances),
            self.unused_volumes(region),
        )
        .await;
        let deployment = self.env.deployment().await?;
        let foreign = |tags: &Tags| Maker::is_another(tags, deployment);
        let mut images = images.map_err(from_ec2)?;
        images.retain(|it| it.state != ImageState::Deregistered && !foreign(&it.tags));
        let mut snapshots = snapshots.map_err(from_ec2)?;
        snapshots.retain(|it| !foreign(&it.tags));
        let mut instances = instances.map_err(from_ec2)?;
        instances.retain(|it| !foreign(&it.tags));
        Ok(Seen {
            region: region.clone(),
            images,
            snapshots,
            instances,
            volumes: volumes?,
        })
    }

    async fn left_in(
        &self,
        seen: &Seen,
        used: &Used,
        saves: &mut Saves,
        all: &mut Leftovers,
    ) -> Result<(), Problem> {
        let region = &seen.region;
        let mut kept = BTreeSet::new();
        for image in &seen.images {
            let save = image.tags.get(SAVE_TAG).and_then(|id| id.parse().ok());
            let record = saves.of(self, save.as_ref()).await?;
            let why = if used
                .images
                .contains_key(&(region.clone(), image.id.clone()))
            {
                None
            } else {
                unexplained(record.as_ref())
            };
            if let Some(why) = why {
                let what = Left::Image {
                    region: region.clone(),
                    id: image.id.clone(),
                };
                let known = record.is_some();
                all.add(made(what, save.clone(), why, known), &image.tags);
            } else {
                kept.extend(image.volumes.iter().filter_map(|it| it.snapshot.clone()));
            }
            self.left_wait(region, image, saves, &mut all.found).await?;
        }
        for snapshot in &seen.snapshots {
            let place = (region.clone(), snapshot.id.clone());
            if kept.contains(&snapshot.id) || used.snapshots.contains(&place) {
                continue;
            }
            let save = snapshot.tags.get(SAVE_TAG).and_then(|id| id.parse().ok());
            let record = saves.of(self, save.as_ref()).await?;
            if let Some(why) = unexplained(record.as_ref()) {
                let (region, id) = place;
                let what = Left::Snapshot { region, id };
                let known = record.is_some();
                all.add(made(what, save, why, known), &snapshot.tags);
            }
        }
        for instance in &seen.instances {
            let holder = self.env.registry.lock_holder(region, &instance.id).await?;
            let Some(save) = holder else { continue };
            let record = saves.of(self, Some(&save)).await?;
            if let Some(why) = over(record.as_ref()) {
                let what = Left::Lock {
                    region: region.clone(),
                    id: instance.id.clone(),
                };
                all.found.push(left(what, Some(save), why));
            }
        }
        Ok(())
    }

    /// Returns the recorded wait for an AMI if no save waits for it any more.
    async fn left_wait(
        &self,
        region: &Region,
        image: &Image,
        saves: &mut Saves,
        found: &mut Vec<Leftover>,
    ) -> Result<(), Problem> {
        let awaited = Awaited::Image(&image.id);
        let Some(wait) = self.env.registry.stored_wait(region, awaited).await? else {
            return Ok(());
        };
        let record = saves.of(self, Some(&wait.save_id)).await?;
        if let Some(why) = over(record.as_ref()) {
            let what = Left::Wait {
                region: region.clone(),
                id: image.id.clone(),
            };
            found.push(left(what, Some(wait.save_id), why));
        }
        Ok(())
    }

    /// Returns the locks of versions that are no longer being copied.
    async fn left_locks(
        &self,
        used: &Used,
        saves: &mut Saves,
        found: &mut Vec<Leftover>,
    ) -> Result<(), Problem> {
        for template in &used.templates {
            for lock in self.env.registry.copy_locks(template).await? {
                let record = saves.of(self, Some(&lock.save_id)).await?;
                if let Some(why) = over(record.as_ref()) {
                    let what = Left::CopyLock {
                        region: lock.region,
                        template: template.clone(),
                        version: lock.version,
                    };
                    found.push(left(what, Some(lock.save_id), why));
                }
            }
        }
        Ok(())
    }

    async fn left_duties(
        &self,
        saves: &mut Saves,
        found: &mut Vec<Leftover>,
    ) -> Result<(), Problem> {
        for duty in self.open_duties().await? {
            let record = saves.of(self, Some(&duty.save_id)).await?;
            if let Some(why) = over(record.as_ref()) {
                let what = Left::Duty {
                    region: duty.region,
                    id: duty.instance,
                };
                found.push(left(what, Some(duty.save_id), why));
            }
        }
        Ok(())
    }

    async fn open_duties(&self) -> Result<Vec<Duty>, Problem> {
        let (mut duties, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.env.registry.open_duties(PAGE, cursor).await?;
            duties.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(duties);
            }
        }
    }

    async fn open_saves(&self) -> Result<Vec<SaveRecord>, Problem> {
        let (mut saves, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.env.registry.open_saves(PAGE, cursor).await?;
            saves.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(saves);
            }
        }
    }

    async fn left_saves(
        &self,
        open: &[SaveRecord],
        found: &mut Vec<Leftover>,
    ) -> Result<(), Problem> {
        for record in open {
            if self.is_lost(record).await? {
                let id = record.save_id.clone();
                let why = "its execution ended without removing it".to_owned();
                found.push(left(Left::Save { id: id.clone() }, Some(id), why));
            }
        }
        Ok(())
    }
}

impl Leftovers {
    /// Adds an AMI or a snapshot to the leftovers, or to the resources of unknown origin.
    fn add(&mut self, leftover: Leftover, tags: &Tags) {
        if leftover.unexplained && !tags.contains_key(DEPLOYMENT_TAG) {
            self.unknown.push(leftover);
        } else {
            self.found.push(leftover);
        }
    }
}

fn left(what: Left, save_id: Option<SaveId>, why: String) -> Leftover {
    made(what, save_id, why, true)
}

/// Creates a leftover; `known` says whether the registry has a record of where it comes from.
fn made(what: Left, save_id: Option<SaveId>, why: String, known: bool) -> Leftover {
    Leftover {
        what,
        save_id,
        why,
        unexplained: !known,
    }
}

/// Returns why a resource with the tag of a save, which no version uses, is left over; `None` if the save may still
/// need it.
fn unexplained(record: Option<&SaveRecord>) -> Option<String> {
    match record.map(|record| record.state) {
        Some(SaveState::Running | SaveState::Stranded) => None,
        Some(SaveState::Succeeded) => Some("the version of its save does not use it".to_owned()),
        Some(SaveState::Failed | SaveState::Cancelled) => over(record),
        None => Some("no save with that ID is known".to_owned()),
    }
}

/// Returns why a save no longer needs what is needed only while it is in progress; `None` if it is still in progress.
fn over(record: Option<&SaveRecord>) -> Option<String> {
    match record.map(|record| record.state) {
        Some(SaveState::Running | SaveState::Stranded) => None,
        Some(state) => Some(format!("its save has ended as {}", state.as_str())),
        None => Some("no save with that ID is known".to_owned()),
    }
}

/// Returns the template that a resource was created for, from its tags.
fn template_of(tags: &crate::ports::Tags) -> Option<TemplateName> {
    tags.get(TEMPLATE_TAG)?.parse().ok()
}
