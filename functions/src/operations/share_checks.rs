//! Checks before a template is shared: which AMIs it has, and what EC2 would refuse.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ec2::LaunchPermission;
use crate::domain::save::Warning;
use crate::domain::tags::SAVE_TAG;
use crate::domain::template::{TemplateState, Version};
use crate::domain::{Code, ImageId, Problem, Region, SnapshotId, TemplateName};
use crate::ports::{Ec2, Encryption, ImageState, from_ec2};
use crate::registry::Registry;
use crate::rules::images::{self, ImageFault};
use crate::rules::{Env, Maker, lending};
use crate::steps::opening;

/// The maximum number of AMIs that one request opens or closes. It is limited by the calls that EC2 accepts at once and
/// within the half minute that a request may take.
pub(super) const IMAGES: usize = 200;

/// An AMI of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) version: u32,
    pub(super) region: Region,
    pub(super) image: ImageId,
    pub(super) snapshots: Vec<SnapshotId>,
    /// Whether it is borrowed from another template, whose grants alone decide whom it is open to.
    pub(super) borrowed: bool,
}

/// A selection of a template's AMIs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    /// The AMIs of the versions from the first to the second, inclusive.
    Between(u32, u32),
    /// The AMIs of one version.
    Version(u32),
}

impl Which {
    /// The AMIs of all versions.
    pub(super) const ALL: Self = Self::Between(0, u32::MAX);
}

/// Returns AMIs of a template, newest version first.
pub(super) async fn targets(
    registry: &Registry,
    name: &TemplateName,
    which: Which,
) -> Result<Vec<Target>, Problem> {
    let versions = match which {
        Which::Between(from, to) => {
            let mut versions = registry.all_versions(name).await?;
            versions.retain(|version| (from..=to).contains(&version.number));
            versions
        }
        Which::Version(number) => {
            let there = |version: &Version| version.state != TemplateState::Deleted;
            let version = registry.version(name, number).await?;
            version.into_iter().filter(there).collect()
        }
    };
    let mut targets = Vec::new();
    for version in &versions {
        let borrowed = lending::is_borrowed(registry, version).await?;
        targets.extend(of_version(version, borrowed));
    }
    Ok(targets)
}

/// Refuses to open more AMIs than one request can.
pub(super) fn check_count(
    name: &TemplateName,
    targets: &[Target],
    with_snapshots: bool,
) -> Result<(), Problem> {
    let each = |it: &Target| {
        1 + if with_snapshots {
            it.snapshots.len()
        } else {
            0
        }
    };
    let count: usize = targets.iter().map(each).sum();
    if count <= IMAGES {
        return Ok(());
    }
    let what = if with_snapshots {
        "AMIs and snapshots"
    } else {
        "AMIs"
    };
    let message = format!(
        "The template {name} has {count} {what}, but at most {IMAGES} can be opened at once."
    );
    Err(Problem::new(Code::LimitReached, message)
        .hint("Delete versions that are no longer needed, then share it."))
}

/// Returns the oldest of the newest versions whose AMIs one request closes; `None` if the request closes all AMIs.
pub(super) fn closed_at_once(targets: &[Target]) -> Option<u32> {
    let first_left = targets.get(IMAGES)?.version;
    // The AMIs of a version are closed together.
    let mut whole = targets[..IMAGES].iter().rev();
    let last = whole.find(|target| target.version != first_left);
    Some(last.map_or(first_left, |target| target.version))
}

fn of_version(version: &Version, borrowed: bool) -> impl Iterator<Item = Target> {
    version.amis.iter().flat_map(move |(region, amis)| {
        amis.values().map(move |image| Target {
            version: version.number,
            region: region.clone(),
            image: image.clone(),
            snapshots: version.snapshots.get(region).cloned().unwrap_or_default(),
            borrowed,
        })
    })
}

/// Refuses what EC2 would refuse for these AMIs (EC2 facts, "Before the stop" and "Sharing"), before anything is
/// changed. Returns warnings about what EC2 would accept but would cause problems for others.
pub(super) async fn impediments(
    env: &Env,
    launch: &LaunchPermission,
    targets: &[Target],
) -> Result<Vec<Warning>, Problem> {
    let ec2 = &*env.ec2;
    let whom = BTreeSet::from([launch.clone()]);
    let everyone = *launch == LaunchPermission::Everyone;
    let mut by_region: BTreeMap<&Region, Vec<&Target>> = BTreeMap::new();
    for target in targets {
        by_region.entry(&target.region).or_default().push(target);
    }
    let mut warnings = Vec::new();
    for (region, targets) in by_region {
        let faults = openable(env, region, &targets, everyone).await?;
        let (usable, lost): (Vec<&Target>, Vec<&Target>) = targets
            .into_iter()
            .partition(|target| !faults.contains_key(&target.image));
        warnings.extend(opening::check_region(ec2, region, &whom, usable.len()).await?);
        warnings.extend(
            lost.into_iter()
                .map(|target| unopened(target, faults[&target.image])),
        );
        warnings.extend(encryption(ec2, region, &usable, &whom).await?);
    }
    Ok(warnings)
}

/// Refuses AMIs that must not be opened: those that no save of this deployment has created (promise P9), and, if they
/// are to become public, those with a Marketplace product code. Returns the faults of AMIs that cannot be opened at
/// all.
async fn openable(
    env: &Env,
    region: &Region,
    targets: &[&Target],
    everyone: bool,
) -> Result<BTreeMap<ImageId, ImageFault>, Problem> {
    let ids: BTreeSet<ImageId> = targets.iter().map(|target| target.image.clone()).collect();
    let ids: Vec<ImageId> = ids.into_iter().collect();
    let images = images::known(&*env.ec2, region, &ids).await?;
    let deployment = env.deployment().await?;
    for image in images.values() {
        if Maker::is_another(&image.tags, deployment) {
            let message = format!(
                "The AMI {} in {region} has the tag of another deployment, so this deployment must not open it.",
                image.id
            );
            return Err(Problem::new(Code::ShareImpossible, message)
                .hint("Share it there, or launch it and save the instance, and then share the saved template."));
        }
        if !image.tags.contains_key(SAVE_TAG) {
            let message = format!(
                "The AMI {} in {region} was not created by a save, so Prism can share it only with users of this deployment.",
                image.id
            );
            return Err(Problem::new(Code::ShareImpossible, message)
                .hint("Launch it and save the instance, and then share the saved template."));
        }
        if let (true, Some(code)) = (everyone, image.product_codes.first()) {
            let message = format!(
                "The AMI {} in {region} has the Marketplace product code {code}, so it cannot be public.",
                image.id
            );
            return Err(Problem::new(Code::MarketplacePublic, message)
                .hint("Share it with individual users or accounts instead."));
        }
    }
    let fault = |id: &ImageId| match images.get(id).map(|image| image.state) {
        None => Some(ImageFault::Gone),
        Some(ImageState::Disabled) => Some(ImageFault::Disabled),
        Some(_) => None,
    };
    let faults = ids.iter().filter_map(|id| Some((id.clone(), fault(id)?)));
    Ok(faults.collect())
}

fn unopened(target: &Target, fault: ImageFault) -> Warning {
    Warning {
        code: "ImageNotOpened".to_owned(),
        text: format!(
            "The AMI {} of version {} in {} is {}, so it is not opened.",
            target.image,
            target.version,
            target.region,
            fault.means()
        ),
    }
}

async fn encryption(
    ec2: &dyn Ec2,
    region: &Region,
    targets: &[&Target],
    whom: &BTreeSet<LaunchPermission>,
) -> Result<Vec<Warning>, Problem> {
    let ids: Vec<SnapshotId> = targets
        .iter()
        .flat_map(|target| target.snapshots.iter().cloned())
        .collect();
    let keys = ec2.snapshot_keys(region, &ids).await.map_err(from_ec2)?;
    let mut warnings: BTreeMap<String, Warning> = BTreeMap::new();
    for target in targets {
        for snapshot in &target.snapshots {
            let Some(encryption) = keys.get(snapshot) else {
                continue;
            };
            let version = target.version;
            let what = format!("the snapshot {snapshot} of version {version} in {region}");
            let checked = opening::check_encryption(whom, &what, encryption);
            let checked = checked.map_err(|problem| match problem.code {
                Code::DefaultKeyShared => problem.hint(
                    "Share it with users or projects of this deployment, or save it again from volumes that are encrypted with a customer managed key; copies in other Regions get the key that the setting KmsKeys has for their Region.",
                ),
                _ => problem,
            })?;
            if let (Some(warning), Encryption::CustomerKey(key)) = (checked, encryption) {
                warnings.entry(key.clone()).or_insert(warning);
            }
        }
    }
    Ok(warnings.into_values().collect())
}
