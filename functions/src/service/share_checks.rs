//! What is known before a template is shared: which AMIs it has, what EC2 would refuse of them, and
//! which files on them were not meant for others.

use std::collections::BTreeMap;

use crate::domain::save::Warning;
use crate::domain::template::{Template, Version};
use crate::domain::{Code, ImageId, Problem, Region, SnapshotId, TemplateName};
use crate::ports::{Ec2, Encryption, ImageFilter, LaunchPermission, SensitiveFile};
use crate::registry::Registry;
use crate::steps::from_ec2;

/// The most AMIs that are opened or closed by one request: as many calls as EC2 takes at once, with
/// what it allows besides within the half minute that a request may take.
pub(super) const IMAGES: usize = 200;
/// How many of the newest versions are looked through for files that others should not have.
const LOOKED_AT: usize = 20;
/// How many files a warning names.
const NAMED: usize = 5;

/// An AMI of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) version: u32,
    pub(super) region: Region,
    pub(super) image: ImageId,
    pub(super) snapshots: Vec<SnapshotId>,
}

/// All AMIs of a template.
pub(super) async fn targets(
    registry: &Registry,
    name: &TemplateName,
) -> Result<Vec<Target>, Problem> {
    let versions = registry.all_versions(name).await?;
    let targets: Vec<Target> = versions.iter().flat_map(of_version).collect();
    if targets.len() <= IMAGES {
        return Ok(targets);
    }
    let message = format!(
        "The template {name} has {} AMIs, and at most {IMAGES} can be opened or closed at once.",
        targets.len()
    );
    Err(Problem::new(Code::LimitReached, message)
        .hint("Delete versions that nobody needs, then share it."))
}

fn of_version(version: &Version) -> impl Iterator<Item = Target> {
    version.amis.iter().flat_map(|(region, amis)| {
        amis.values().map(|image| Target {
            version: version.number,
            region: region.clone(),
            image: image.clone(),
            snapshots: version.snapshots.get(region).cloned().unwrap_or_default(),
        })
    })
}

/// Refuses what EC2 would refuse of these AMIs (EC2 facts, "Before the stop" and "Sharing"), before
/// anything is changed. Answers what it would let pass and others would stumble over.
pub(super) async fn impediments(
    ec2: &dyn Ec2,
    launch: &LaunchPermission,
    targets: &[Target],
) -> Result<Vec<Warning>, Problem> {
    let everyone = *launch == LaunchPermission::Everyone;
    let mut by_region: BTreeMap<&Region, Vec<&Target>> = BTreeMap::new();
    for target in targets {
        by_region.entry(&target.region).or_default().push(target);
    }
    let mut warnings = Vec::new();
    for (region, targets) in by_region {
        if everyone && ec2.public_images_blocked(region).await.map_err(from_ec2)? {
            let message = format!("The account blocks public AMIs in {region}.");
            let hint = format!(
                "Share it with somebody in particular, or have an administrator allow it: aws ec2 disable-image-block-public-access --region {region}"
            );
            return Err(Problem::new(Code::PublicImagesBlocked, message).hint(hint));
        }
        if everyone {
            product_codes(ec2, region, &targets).await?;
        }
        warnings.extend(encryption(ec2, region, &targets, everyone).await?);
    }
    Ok(warnings)
}

async fn product_codes(ec2: &dyn Ec2, region: &Region, targets: &[&Target]) -> Result<(), Problem> {
    let ids = targets.iter().map(|target| target.image.clone()).collect();
    let images = ec2.images(region, &ImageFilter::Ids(ids)).await;
    let images = images.map_err(from_ec2)?;
    match images.iter().find(|image| !image.product_codes.is_empty()) {
        None => Ok(()),
        Some(image) => {
            let message = format!(
                "The AMI {} in {region} carries the Marketplace product code {}: it cannot be made public.",
                image.id, image.product_codes[0]
            );
            Err(Problem::new(Code::MarketplacePublic, message)
                .hint("Share it with somebody in particular."))
        }
    }
}

async fn encryption(
    ec2: &dyn Ec2,
    region: &Region,
    targets: &[&Target],
    everyone: bool,
) -> Result<Vec<Warning>, Problem> {
    let ids: Vec<SnapshotId> = targets
        .iter()
        .flat_map(|target| target.snapshots.iter().cloned())
        .collect();
    let keys = ec2.snapshot_keys(region, &ids).await.map_err(from_ec2)?;
    let mut warnings: BTreeMap<String, Warning> = BTreeMap::new();
    for target in targets {
        for snapshot in &target.snapshots {
            let version = target.version;
            match keys.get(snapshot) {
                None | Some(Encryption::None) => {}
                Some(Encryption::AwsManagedKey) => {
                    let message = format!(
                        "The snapshot {snapshot} of version {version} in {region} is encrypted with the AWS managed key: its AMI cannot be used outside the account."
                    );
                    return Err(Problem::new(Code::DefaultKeyShared, message).hint(
                        "Share it with users or projects of this deployment, or save it anew from volumes under a key of your own.",
                    ));
                }
                Some(Encryption::CustomerKey(key)) if everyone => {
                    let message = format!(
                        "The snapshot {snapshot} of version {version} in {region} is encrypted (with {key}): its AMI cannot be made public."
                    );
                    return Err(Problem::new(Code::ShareImpossible, message)
                        .hint("Share it with accounts or an organisation that may use the key."));
                }
                Some(Encryption::CustomerKey(key)) => {
                    let text = format!(
                        "Snapshots in {region} are encrypted with {key}: whoever launches the AMI needs the key's policy to allow kms:DescribeKey, kms:CreateGrant, kms:Decrypt, kms:ReEncrypt* and kms:GenerateDataKey*."
                    );
                    let code = "KeyPolicyNeeded".to_owned();
                    warnings.insert(key.clone(), Warning { code, text });
                }
            }
        }
    }
    Ok(warnings.into_values().collect())
}

/// Files on the newest versions that were perhaps not meant for others, as far as anybody told.
pub(super) async fn sensitive(
    registry: &Registry,
    template: &Template,
) -> Result<Vec<Warning>, Problem> {
    let mut warnings = Vec::new();
    let mut unknown = Vec::new();
    let versions = registry.versions(&template.name, LOOKED_AT, None).await?;
    for version in &versions.items {
        let told = registry.packages(&template.name, version.number).await?;
        match told.and_then(|told| told.sensitive) {
            None => unknown.push(version.number.to_string()),
            Some(files) => warnings.extend(of_files(version, &files)),
        }
    }
    let older = versions.cursor.is_some();
    if !unknown.is_empty() || older {
        let which = match (unknown.is_empty(), older) {
            (true, _) => format!("the versions before the newest {LOOKED_AT}"),
            (false, false) => format!("version {}", unknown.join(", ")),
            (false, true) => format!("version {}, nor of older ones", unknown.join(", ")),
        };
        warnings.push(Warning {
            code: "NotInspected".to_owned(),
            text: format!(
                "Which files {} has of {which} is not known: look for SSH keys, credentials and shell histories yourself.",
                template.name
            ),
        });
    }
    Ok(warnings)
}

fn of_files(version: &Version, files: &[SensitiveFile]) -> Option<Warning> {
    if files.is_empty() {
        return None;
    }
    let mut named: Vec<String> = files
        .iter()
        .take(NAMED)
        .map(|file| format!("{} ({})", file.path, file.kind.means()))
        .collect();
    if files.len() > NAMED {
        named.push(format!("and {} more", files.len() - NAMED));
    }
    Some(Warning {
        code: "SensitiveFiles".to_owned(),
        text: format!(
            "Whoever launches {}@{} gets {}.",
            version.template,
            version.number,
            named.join(", ")
        ),
    })
}
