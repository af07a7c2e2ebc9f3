//! AMIs: CreateImage, CopyImage, DescribeImages, DeregisterImage, and launch permissions.

use std::collections::BTreeSet;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::create_image::builders::CreateImageFluentBuilder;
use aws_sdk_ec2::types::{
    self, BlockDeviceMapping, ImageAttributeName, LaunchPermissionModifications, PermissionGroup,
    ResourceType,
};

use super::instances::{architecture, state_reason};
use super::pages::{self, PAGE_ITEMS};
use super::writes::would_succeed;
use super::{errors, filter, tag_filter, tag_specifications, tags};
use crate::domain::ec2::LaunchPermission;
use crate::domain::{ImageId, Timestamp};
use crate::ports::{Ec2Error, Image, ImageCopy, ImageFilter, ImageState, ImageVolume, NewImage};

const DESCRIBE: &str = "DescribeImages";
const CREATE: &str = "CreateImage";
const COPY: &str = "CopyImage";

/// The resources that CreateImage and CopyImage create and tag.
const MADE: [ResourceType; 2] = [ResourceType::Image, ResourceType::Snapshot];

/// The request, without the DryRun flag.
fn creation(client: &Client, new: &NewImage) -> CreateImageFluentBuilder {
    client
        .create_image()
        .instance_id(new.instance.as_str())
        .name(&new.name)
        .description(&new.description)
        .no_reboot(!new.reboot)
        .set_block_device_mappings(left_out(&new.exclude))
        .set_tag_specifications(tag_specifications(MADE, &new.tags))
}

/// The mappings that leave out volumes; `None` if there are none.
fn left_out(devices: &BTreeSet<String>) -> Option<Vec<BlockDeviceMapping>> {
    let mappings = devices.iter().map(|device| {
        BlockDeviceMapping::builder()
            .device_name(device)
            // EC2 wants an empty value.
            .no_device("")
            .build()
    });
    (!devices.is_empty()).then(|| mappings.collect())
}

pub(super) async fn create(client: &Client, new: &NewImage) -> Result<ImageId, Ec2Error> {
    let made = creation(client, new).send().await;
    let made = made.map_err(errors::of(CREATE))?;
    errors::id(CREATE, "AMI id", made.image_id())
}

pub(super) async fn may_create(client: &Client, new: &NewImage) -> Result<(), Ec2Error> {
    would_succeed(CREATE, creation(client, new).dry_run(true).send().await)
}

pub(super) async fn copy(client: &Client, copy: &ImageCopy) -> Result<ImageId, Ec2Error> {
    let made = client
        .copy_image()
        .source_region(copy.source_region.as_str())
        .source_image_id(copy.source_image.as_str())
        .name(&copy.name)
        .description(&copy.description)
        .client_token(&copy.client_token)
        // EC2 refuses a key without the flag.
        .set_encrypted(copy.kms_key.as_ref().map(|_| true))
        .set_kms_key_id(copy.kms_key.clone())
        .set_tag_specifications(tag_specifications(MADE, &copy.tags))
        .send()
        .await
        .map_err(errors::of(COPY))?;
    errors::id(COPY, "AMI id", made.image_id())
}

pub(super) async fn describe(
    client: &Client,
    wanted: &ImageFilter,
) -> Result<Vec<Image>, Ec2Error> {
    // EC2 omits disabled AMIs unless the request includes them.
    let request = client.describe_images().include_disabled(true);
    let request = match wanted {
        ImageFilter::Ids(ids) if ids.is_empty() => return Ok(Vec::new()),
        ImageFilter::Ids(ids) => {
            request.set_image_ids(Some(ids.iter().map(ToString::to_string).collect()))
        }
        ImageFilter::OwnName(name) => request.owners("self").filters(filter("name", name)),
        ImageFilter::OwnTag(key, value) => request.owners("self").filters(tag_filter(key, value)),
        ImageFilter::OwnTagged(key) => request
            .owners("self")
            .filters(filter("tag-key", key))
            .max_results(PAGE_ITEMS),
        ImageFilter::OwnPublic => request
            .owners("self")
            .filters(filter("is-public", "true"))
            .max_results(PAGE_ITEMS),
    };
    let told = pages::all(DESCRIBE, |token| {
        let request = request.clone().set_next_token(token);
        async {
            let page = request.send().await?;
            Ok((page.images.unwrap_or_default(), page.next_token))
        }
    })
    .await?;
    told.iter().map(image).collect()
}

pub(super) async fn deregister(client: &Client, id: &ImageId) -> Result<(), Ec2Error> {
    let request = client.deregister_image().image_id(id.as_str());
    request
        .send()
        .await
        .map_err(errors::of("DeregisterImage"))
        .map(drop)
}

pub(super) async fn allow(
    client: &Client,
    id: &ImageId,
    permissions: &[LaunchPermission],
) -> Result<(), Ec2Error> {
    let add = permissions.iter().map(permission).collect();
    let added = LaunchPermissionModifications::builder().set_add(Some(add));
    modify(client, id, permissions, added.build()).await
}

pub(super) async fn disallow(
    client: &Client,
    id: &ImageId,
    permissions: &[LaunchPermission],
) -> Result<(), Ec2Error> {
    let remove = permissions.iter().map(permission).collect();
    let removed = LaunchPermissionModifications::builder().set_remove(Some(remove));
    modify(client, id, permissions, removed.build()).await
}

async fn modify(
    client: &Client,
    id: &ImageId,
    permissions: &[LaunchPermission],
    modified: LaunchPermissionModifications,
) -> Result<(), Ec2Error> {
    // EC2 refuses a request that modifies nothing.
    if permissions.is_empty() {
        return Ok(());
    }
    let request = client.modify_image_attribute().image_id(id.as_str());
    let done = request.launch_permission(modified).send().await;
    done.map_err(errors::of("ModifyImageAttribute")).map(drop)
}

pub(super) async fn allowed(
    client: &Client,
    id: &ImageId,
) -> Result<Vec<LaunchPermission>, Ec2Error> {
    let told = client
        .describe_image_attribute()
        .image_id(id.as_str())
        .attribute(ImageAttributeName::LaunchPermission)
        .send()
        .await
        .map_err(errors::of("DescribeImageAttribute"))?;
    Ok(told
        .launch_permissions()
        .iter()
        .filter_map(told_permission)
        .collect())
}

fn image(told: &types::Image) -> Result<Image, Ec2Error> {
    let volumes = told
        .block_device_mappings()
        .iter()
        .filter_map(|mapping| Some((mapping.device_name()?, mapping.ebs()?)))
        .map(|(device, ebs)| ImageVolume {
            device: device.to_owned(),
            snapshot: ebs.snapshot_id().and_then(|id| id.parse().ok()),
            size_gib: ebs
                .volume_size()
                .and_then(|size| size.try_into().ok())
                .unwrap_or_default(),
        })
        .collect();
    let state = told.state().and_then(image_state);
    let architecture = told.architecture().and_then(architecture);
    let owner = told.owner_id();
    Ok(Image {
        id: errors::id(DESCRIBE, "AMI id", told.image_id())?,
        name: told.name().unwrap_or_default().to_owned(),
        owner: errors::id(DESCRIBE, "owner of the AMI", owner)?,
        state: errors::need(DESCRIBE, "AMI state", state)?,
        state_reason: told.state_reason().and_then(state_reason),
        architecture: errors::need(DESCRIBE, "architecture", architecture)?,
        root_device: told.root_device_name().unwrap_or_default().to_owned(),
        volumes,
        source_instance: told.source_instance_id().and_then(|id| id.parse().ok()),
        product_codes: told
            .product_codes()
            .iter()
            .filter_map(|code| code.product_code_id().map(str::to_owned))
            .collect(),
        protected: told
            .deregistration_protection()
            .is_some_and(|state| state.starts_with("enabled")),
        tags: tags(told.tags()),
        created_at: errors::need(
            DESCRIBE,
            "creation date",
            told.creation_date().and_then(instant),
        )?,
    })
}

fn image_state(told: &types::ImageState) -> Option<ImageState> {
    use types::ImageState as Told;
    match told {
        Told::Pending | Told::Transient => Some(ImageState::Pending),
        Told::Available => Some(ImageState::Available),
        Told::Failed | Told::Error | Told::Invalid => Some(ImageState::Failed),
        Told::Disabled => Some(ImageState::Disabled),
        Told::Deregistered => Some(ImageState::Deregistered),
        _ => None,
    }
}

/// EC2 returns this one timestamp as text.
fn instant(text: &str) -> Option<Timestamp> {
    Some(chrono::DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

fn permission(permission: &LaunchPermission) -> types::LaunchPermission {
    let told = types::LaunchPermission::builder();
    match permission {
        LaunchPermission::Everyone => told.group(PermissionGroup::All),
        LaunchPermission::Account(account) => told.user_id(account.as_str()),
        LaunchPermission::Organization(arn) if is_unit(arn) => told.organizational_unit_arn(arn),
        LaunchPermission::Organization(arn) => told.organization_arn(arn),
    }
    .build()
}

fn told_permission(told: &types::LaunchPermission) -> Option<LaunchPermission> {
    if told.group() == Some(&PermissionGroup::All) {
        return Some(LaunchPermission::Everyone);
    }
    if let Some(account) = told.user_id() {
        return Some(LaunchPermission::Account(account.parse().ok()?));
    }
    let arn = told.organization_arn().or(told.organizational_unit_arn())?;
    Some(LaunchPermission::Organization(arn.to_owned()))
}

/// Whether an ARN belongs to an organizational unit: `arn:aws:organizations::111122223333:ou/o-a/ou-b`.
fn is_unit(arn: &str) -> bool {
    arn.contains(":ou/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launch_permissions_keep_their_meaning_there_and_back() {
        for one in [
            LaunchPermission::Everyone,
            LaunchPermission::Account("111122223333".parse().unwrap()),
            LaunchPermission::Organization(
                "arn:aws:organizations::111122223333:organization/o-a".to_owned(),
            ),
            LaunchPermission::Organization(
                "arn:aws:organizations::111122223333:ou/o-a/ou-b".to_owned(),
            ),
        ] {
            let told = permission(&one);
            assert_eq!(told_permission(&told), Some(one));
        }
        let unit = permission(&LaunchPermission::Organization("a:ou/b".to_owned()));
        assert!(unit.organization_arn().is_none() && unit.organizational_unit_arn().is_some());
    }
}
