//! Finds what uses the versions of a template. Deletion, retention, the doctor and all dry runs rely on the same
//! result.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::Env;
use crate::domain::grant::{Grant, Grantee};
use crate::domain::template::{TemplateRef, Version};
use crate::domain::{Class, ImageId, LaunchTemplateId, Problem, Region, TemplateName};
use crate::ports::{Instance, InstanceFilter, from_ec2};
use crate::registry::SavesTo;

/// The maximum number of IDs in one request to EC2.
const IDS: usize = 200;
/// The maximum number of AMIs in one request for launch templates (EC2 fact 11), and the number of such requests at
/// once.
const REFERRED: usize = 10;
const AT_ONCE: usize = 8;
/// The maximum number of other versions of an AMI that are read for each one.
const USERS: usize = 1000;
/// The maximum number of schedules that are read.
const SCHEDULES: usize = 100;

/// An AMI in its Region.
type Place = (Region, ImageId);

pub(crate) struct Uses {
    instances: BTreeMap<Place, Vec<Instance>>,
    pub(crate) launch_templates: LaunchTemplates,
    /// Those of their AMIs that other versions have too, by imports.
    shared: BTreeSet<Place>,
    grants: Vec<Grant>,
    /// The schedules that save to the template, if the whole template was asked for.
    pub(crate) schedules: Vec<SavesTo>,
}

/// The launch templates of this account that refer to AMIs. EC2 does not show those of other accounts.
#[derive(Default)]
pub(crate) struct LaunchTemplates {
    found: BTreeMap<Place, BTreeSet<LaunchTemplateId>>,
    /// Why EC2 did not report them for all AMIs, if it refused a request. In that case no AMI counts as unused.
    pub(crate) unseen: Option<Problem>,
}

/// Finds what uses these versions. If they are the `whole` template, the schedules that save to it are included.
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
        launch_templates: launch_templates_of(env, places()).await?,
        shared,
        grants: registry.grants(template).await?,
        schedules: if whole {
            registry.schedules_into(template, SCHEDULES).await?
        } else {
            Vec::new()
        },
    })
}

/// Finds the running and stopped instances that were launched from AMIs, by anyone in this account.
pub(crate) async fn instances_of<'a>(
    env: &Env,
    images: impl IntoIterator<Item = (&'a Region, &'a ImageId)>,
) -> Result<BTreeMap<Place, Vec<Instance>>, Problem> {
    let mut all: BTreeMap<Place, Vec<Instance>> = BTreeMap::new();
    for (region, images) in by_region(images) {
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

pub(crate) async fn launch_templates_of<'a>(
    env: &Env,
    images: impl IntoIterator<Item = (&'a Region, &'a ImageId)>,
) -> Result<LaunchTemplates, Problem> {
    let mut all = LaunchTemplates::default();
    for (region, images) in by_region(images) {
        let questions: Vec<&[ImageId]> = images.chunks(REFERRED).collect();
        for some in questions.chunks(AT_ONCE) {
            let looks = some.iter().map(|ids| launch_templates_in(env, region, ids));
            for named in join_all(looks).await {
                match named {
                    Ok(named) => all.found.extend(
                        (named.into_iter()).map(|(image, by)| ((region.clone(), image), by)),
                    ),
                    Err(problem) if problem.code.class() == Class::Transient => {
                        return Err(problem);
                    }
                    Err(problem) => all.unseen = Some(unseen(region, problem)),
                }
            }
            // A refusal of one request applies to all of them.
            if all.unseen.is_some() {
                return Ok(all);
            }
        }
    }
    Ok(all)
}

/// Finds the same for a few AMIs in a Region. One unknown ID makes a whole request fail, so the IDs of a failed request
/// are requested again in halves. A launch template that refers to an unknown AMI cannot use it.
async fn launch_templates_in(
    env: &Env,
    region: &Region,
    ids: &[ImageId],
) -> Result<BTreeMap<ImageId, BTreeSet<LaunchTemplateId>>, Problem> {
    let mut found = BTreeMap::new();
    let mut open = vec![ids];
    while let Some(some) = open.pop() {
        match env.ec2.launch_templates_of(region, some).await {
            Ok(named) => found.extend(named),
            Err(error) if error.is_gone() => {
                if some.len() > 1 {
                    let (one, other) = some.split_at(some.len() / 2);
                    open.extend([one, other]);
                }
            }
            Err(error) => return Err(from_ec2(error)),
        }
    }
    Ok(found)
}

/// Creates the problem that EC2 does not report which launch templates refer to AMIs.
fn unseen(region: &Region, mut problem: Problem) -> Problem {
    problem.message = format!(
        "EC2 does not report in {region} whether launch templates refer to the AMIs, so they count as used: {}",
        problem.message
    );
    problem.hint(
        "Ask an administrator to allow ec2:DescribeImageReferences, ec2:DescribeLaunchTemplates and ec2:DescribeLaunchTemplateVersions. Or check it yourself, and delete with --force.",
    )
}

fn by_region<'a>(
    images: impl IntoIterator<Item = (&'a Region, &'a ImageId)>,
) -> BTreeMap<&'a Region, Vec<ImageId>> {
    let mut by_region: BTreeMap<&Region, BTreeSet<&ImageId>> = BTreeMap::new();
    for (region, image) in images {
        by_region.entry(region).or_default().insert(image);
    }
    let each = by_region.into_iter();
    each.map(|(region, images)| (region, images.into_iter().cloned().collect()))
        .collect()
}

impl LaunchTemplates {
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Region, &LaunchTemplateId)> {
        let places = self.found.iter();
        places.flat_map(|((region, _), here)| here.iter().map(move |it| (region, it)))
    }

    /// Returns whether a launch template refers to an AMI of a version, or might do so.
    pub(crate) fn may_name(&self, version: &Version) -> bool {
        let mut places = version.images();
        self.unseen.is_some()
            || places
                .any(|(region, image)| (self.found).contains_key(&(region.clone(), image.clone())))
    }
}

impl Uses {
    pub(crate) fn instances(&self) -> impl Iterator<Item = (&Region, &Instance)> {
        let places = self.instances.iter();
        places.flat_map(|((region, _), here)| here.iter().map(move |it| (region, it)))
    }

    pub(crate) fn has_instances(&self, version: &Version) -> bool {
        let mut places = version.images();
        places.any(|(region, image)| {
            self.instances
                .contains_key(&(region.clone(), image.clone()))
        })
    }

    /// Returns whether other versions, besides those that were asked about, have the AMI too.
    pub(crate) fn is_shared(&self, region: &Region, image: &ImageId) -> bool {
        self.shared.contains(&(region.clone(), image.clone()))
    }

    pub(crate) fn shares(&self, version: &Version) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(|grant| counts_on(grant, version))
    }
}

/// Returns whether a grantee may rely on a version. Users and projects rely on the versions that existed when the
/// template was shared with them. Grantees who can launch the AMIs in EC2 may rely on every version, because their
/// instances are not visible to this account.
fn counts_on(grant: &Grant, version: &Version) -> bool {
    match grant.to {
        _ if grant.launch.is_some() => true,
        Grantee::Public => false,
        _ => version.saved_date <= grant.at,
    }
}
