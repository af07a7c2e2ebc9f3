//! Leftovers: what a save owns that no record explains, in every Region that the deployment allows, AMIs that
//! are open to others than the records say, sums of costs that are not what they are of, and how all of it is
//! fixed (promises P5 and P7).
//!
//! What carries another deployment's tag is not looked at (promise P9). What carries none was made by a version of
//! Prism that knew no deployments: it is left over where a record of the registry explains it, and is told apart as
//! unknown where none does.
//!
//! What is to be fixed is looked for again first, so that fixing twice, or while saves go on, does
//! no harm. What a registered version uses is never touched.

mod fix;
mod permissions;
mod saves;
mod schedules;
mod sums;
mod used;
mod versions;

use std::collections::BTreeSet;

use futures::future::{join_all, join3};
use serde::Serialize;

use super::Service;
use crate::domain::ec2::LaunchPermission;
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

/// How many records one page of a list has.
const PAGE: usize = 100;

/// Something that is left over.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leftover {
    /// What it is.
    #[serde(flatten)]
    pub what: Left,
    /// The save that it is of, where that is known.
    pub save_id: Option<SaveId>,
    /// Why nothing explains it.
    pub why: String,
    /// Whether the registry knows nothing at all of an AMI or a snapshot, not even a save that has ended: it is
    /// removed only where a person says so (promise P9).
    pub unexplained: bool,
}

/// What is left over.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Left {
    /// An AMI with a save's tag.
    Image {
        /// Its Region.
        region: Region,
        /// Its id.
        id: ImageId,
    },
    /// A snapshot with a save's tag.
    Snapshot {
        /// Its Region.
        region: Region,
        /// Its id.
        id: SnapshotId,
    },
    /// An AMI of a version that EC2 opens to others than the grants of its template name.
    Permissions {
        /// Its Region.
        region: Region,
        /// Its id.
        id: ImageId,
        /// The versions that have it.
        users: Vec<TemplateRef>,
        /// Whom it is open to by no grant.
        open_to: BTreeSet<LaunchPermission>,
        /// Whom a grant names and it is closed to.
        closed_to: BTreeSet<LaunchPermission>,
    },
    /// An AMI of a version that nobody can launch: it is gone from EC2, or disabled.
    Version {
        /// Its Region.
        region: Region,
        /// Its id.
        id: ImageId,
        /// The versions that have it.
        users: Vec<TemplateRef>,
        /// What is wrong with it.
        fault: ImageFault,
    },
    /// A deletion that EC2 does not let get through.
    Removal {
        /// The template.
        template: TemplateName,
        /// The number of the version, where it is not the whole template.
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
        /// That Region.
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
    /// A save that has lost its execution.
    Save {
        /// The save.
        id: SaveId,
    },
    /// A schedule whose instance is gone.
    Schedule {
        /// Whose it is.
        owner: UserId,
        /// Its name.
        id: ScheduleName,
    },
    /// The sum that is kept of what a template costs.
    TemplateSum {
        /// The template.
        template: TemplateName,
    },
    /// The sums that are kept of what a project costs, and of what is pledged to it.
    ProjectSum {
        /// The project.
        project: ProjectName,
    },
    /// What fires in the scheduler without a schedule.
    Firing {
        /// Its name there.
        id: String,
        /// Whose schedule it was.
        owner: UserId,
        /// The schedule's name.
        schedule: ScheduleName,
    },
}

/// What one look has found.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// The Regions that were looked at.
    pub regions: Vec<Region>,
    /// What is left over.
    pub found: Vec<Leftover>,
    /// AMIs and snapshots with a save's tag, of which neither a deployment's tag nor the registry says whose they
    /// are. Nothing of Prism removes them.
    pub unknown: Vec<Leftover>,
    /// The Regions that could not be looked at, and why.
    pub unseen: Vec<(Region, Problem)>,
    /// Why what fires could not be looked at, where it could not.
    pub scheduler: Option<Problem>,
}

/// What EC2 has in one Region.
struct Seen {
    region: Region,
    images: Vec<Image>,
    snapshots: Vec<Snapshot>,
    instances: Vec<Instance>,
}

impl Service {
    /// Looks for what a save owns and no record explains. Changes nothing.
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

    /// The Regions that the deployment allows, as far as the account has them.
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
        let (images, snapshots, instances) = join3(
            ec2.images(region, &images),
            ec2.snapshots(region, &snapshots),
            ec2.instances(region, &instances),
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

    /// The wait for an AMI that nobody waits for any more.
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

    /// The locks of versions that are not being copied any more.
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
                let why = "its execution has ended without it".to_owned();
                found.push(left(Left::Save { id: id.clone() }, Some(id), why));
            }
        }
        Ok(())
    }
}

impl Leftovers {
    /// Adds an AMI or a snapshot to what is left over, or to what nobody knows the maker of.
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

/// An AMI or a snapshot, and whether the registry has a record that says where it comes from.
fn made(what: Left, save_id: Option<SaveId>, why: String, known: bool) -> Leftover {
    Leftover {
        what,
        save_id,
        why,
        unexplained: !known,
    }
}

/// Why nothing explains what carries the tag of a save and no version uses.
fn unexplained(record: Option<&SaveRecord>) -> Option<String> {
    match record.map(|record| record.state) {
        Some(SaveState::Running | SaveState::Stranded) => None,
        Some(SaveState::Succeeded) => Some("the version of its save does without it".to_owned()),
        Some(SaveState::Failed | SaveState::Cancelled) => over(record),
        None => Some("no save of that id is known".to_owned()),
    }
}

/// Why a save needs nothing any more that only one under way needs.
fn over(record: Option<&SaveRecord>) -> Option<String> {
    match record.map(|record| record.state) {
        Some(SaveState::Running | SaveState::Stranded) => None,
        Some(state) => Some(format!("its save has ended as {}", state.as_str())),
        None => Some("no save of that id is known".to_owned()),
    }
}

/// The template that something was made for.
fn template_of(tags: &crate::ports::Tags) -> Option<TemplateName> {
    tags.get(TEMPLATE_TAG)?.parse().ok()
}
