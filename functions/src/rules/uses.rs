//! What uses versions of a template: one answer for deleting them, for what schedules keep, for the doctor, and for
//! each dry run.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::Env;
use crate::domain::grant::{Grant, Grantee};
use crate::domain::template::{TemplateRef, Version};
use crate::domain::{Class, ImageId, LaunchTemplateId, Problem, Region, TemplateName};
use crate::ports::{Instance, InstanceFilter, from_ec2};
use crate::registry::SavesTo;

/// The most ids in one question to EC2.
const IDS: usize = 200;
/// The most AMIs in one question about launch templates (EC2 fact 11), and how many such questions are asked at once.
const REFERRED: usize = 10;
const AT_ONCE: usize = 8;
/// The most versions of an AMI that are looked at for one beside those that are asked about.
const USERS: usize = 1000;
/// The most schedules that are looked for.
const SCHEDULES: usize = 100;

/// An AMI in its Region.
type Place = (Region, ImageId);

/// What uses some versions of a template.
pub(crate) struct Uses {
    instances: BTreeMap<Place, Vec<Instance>>,
    pub(crate) launch_templates: LaunchTemplates,
    /// Their AMIs that versions beside them have too, by imports.
    shared: BTreeSet<Place>,
    grants: Vec<Grant>,
    /// The schedules that save to the template, where it was asked about whole.
    pub(crate) schedules: Vec<SavesTo>,
}

/// The launch templates of this account that name AMIs. EC2 shows nobody those of other accounts.
#[derive(Default)]
pub(crate) struct LaunchTemplates {
    found: BTreeMap<Place, BTreeSet<LaunchTemplateId>>,
    /// Why EC2 did not say it of all of the AMIs, where it refuses to: none of them counts as unused then.
    pub(crate) unseen: Option<Problem>,
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

/// The instances that run from AMIs, or stand still, whoever launched them.
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

/// The launch templates that name AMIs.
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
            // What refuses one question refuses all of them.
            if all.unseen.is_some() {
                return Ok(all);
            }
        }
    }
    Ok(all)
}

/// The same of a few AMIs in a Region. One unknown id fails a question whole, so that is asked again in halves; what
/// EC2 does not know is named by nothing that could still use it.
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
            Err(error) if error.is_not_found() || error.code == "InvalidAMIID.Unavailable" => {
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

/// That EC2 refuses to say which launch templates name AMIs.
fn unseen(region: &Region, mut problem: Problem) -> Problem {
    problem.message = format!(
        "EC2 does not say in {region} whether launch templates name the AMIs, so they count as used: {}",
        problem.message
    );
    problem.hint(
        "Have ec2:DescribeImageReferences, ec2:DescribeLaunchTemplates and ec2:DescribeLaunchTemplateVersions allowed. Or look yourself, and delete it with --force.",
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
    /// All of them, with their Regions.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Region, &LaunchTemplateId)> {
        let places = self.found.iter();
        places.flat_map(|((region, _), here)| here.iter().map(move |it| (region, it)))
    }

    /// Whether one names an AMI of a version, or may do so.
    pub(crate) fn may_name(&self, version: &Version) -> bool {
        let mut places = version.images();
        self.unseen.is_some()
            || places
                .any(|(region, image)| (self.found).contains_key(&(region.clone(), image.clone())))
    }
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
