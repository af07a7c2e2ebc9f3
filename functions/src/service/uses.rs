//! What uses versions of a template: one answer for deleting them, for what schedules keep, for the doctor, and for
//! each dry run.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::grant::{Grant, Grantee};
use crate::domain::template::{TemplateRef, Version};
use crate::domain::{ImageId, Problem, Region, TemplateName};
use crate::ports::{Instance, InstanceFilter};
use crate::registry::SavesTo;
use crate::steps::{Env, from_ec2};

/// The most ids in one question to EC2.
const IDS: usize = 200;
/// The most versions of an AMI that are looked at for one beside those that are asked about.
const USERS: usize = 1000;
/// The most schedules that are looked for.
const SCHEDULES: usize = 100;

/// An AMI in its Region.
type Place = (Region, ImageId);

/// What uses some versions of a template.
pub(crate) struct Uses {
    instances: BTreeMap<Place, Vec<Instance>>,
    /// Their AMIs that versions beside them have too, by imports.
    shared: BTreeSet<Place>,
    grants: Vec<Grant>,
    /// The schedules that save to the template, where it was asked about whole.
    pub(crate) schedules: Vec<SavesTo>,
}

/// What uses these versions; where they are the `whole` template, the schedules that save to it too.
pub(crate) async fn of(
    env: &Env,
    template: &TemplateName,
    versions: &[Version],
    whole: bool,
) -> Result<Uses, Problem> {
    let registry = &env.registry;
    let places = || versions.iter().flat_map(Version::images);
    let asked: BTreeSet<String> = versions
        .iter()
        .map(|it| it.reference().to_string())
        .collect();
    let mut shared = BTreeSet::new();
    for (region, image) in places() {
        let users = registry
            .users_of(region, image, USERS.min(asked.len() + 1))
            .await?;
        let beside = |user: &TemplateRef| !asked.contains(&user.to_string());
        if users.iter().any(beside) {
            shared.insert((region.clone(), image.clone()));
        }
    }
    Ok(Uses {
        instances: instances_of(env, places()).await?,
        shared,
        grants: registry.grants(template).await?,
        schedules: if whole {
            registry.schedules_into(template, SCHEDULES).await?
        } else {
            Vec::new()
        },
    })
}

/// The instances that run from AMIs, or stand still, whoever launched them.
pub(crate) async fn instances_of<'a>(
    env: &Env,
    images: impl IntoIterator<Item = (&'a Region, &'a ImageId)>,
) -> Result<BTreeMap<Place, Vec<Instance>>, Problem> {
    let mut by_region: BTreeMap<&Region, BTreeSet<&ImageId>> = BTreeMap::new();
    for (region, image) in images {
        by_region.entry(region).or_default().insert(image);
    }
    let mut all: BTreeMap<Place, Vec<Instance>> = BTreeMap::new();
    for (region, images) in by_region {
        let images: Vec<ImageId> = images.into_iter().cloned().collect();
        for some in images.chunks(IDS) {
            let filter = InstanceFilter::Images(some.to_vec());
            let found = env.ec2.instances(region, &filter).await;
            for instance in found.map_err(from_ec2)? {
                let place = (region.clone(), instance.image.clone());
                all.entry(place).or_default().push(instance);
            }
        }
    }
    Ok(all)
}

impl Uses {
    /// All of the instances, with their Regions.
    pub(crate) fn instances(&self) -> impl Iterator<Item = (&Region, &Instance)> {
        let places = self.instances.iter();
        places.flat_map(|((region, _), here)| here.iter().map(move |it| (region, it)))
    }

    /// Whether an instance is of an AMI of a version.
    pub(crate) fn has_instances(&self, version: &Version) -> bool {
        let mut places = version.images();
        places.any(|(region, image)| {
            self.instances
                .contains_key(&(region.clone(), image.clone()))
        })
    }

    /// Whether versions beside those that were asked about have an AMI too.
    pub(crate) fn is_shared(&self, region: &Region, image: &ImageId) -> bool {
        self.shared.contains(&(region.clone(), image.clone()))
    }

    /// With whom a version is shared who may count on it.
    pub(crate) fn shares(&self, version: &Version) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(|grant| counts_on(grant, version))
    }
}

/// Whether somebody counts on a version since the template was given to them: a user or a project on
/// those that were there then; whoever else may launch its AMIs on every one, since nobody sees what
/// runs in their accounts.
fn counts_on(grant: &Grant, version: &Version) -> bool {
    match grant.to {
        _ if grant.launch.is_some() => true,
        Grantee::Public => false,
        _ => version.saved_date <= grant.at,
    }
}
