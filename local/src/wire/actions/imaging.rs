//! CreateImage, CopyImage, DeregisterImage.

use std::collections::BTreeSet;

use prism_functions::domain::kms_keys::KmsKeys;
use prism_functions::domain::{ImageId, InstanceId, Region};
use prism_functions::ports::{Ec2 as _, ImageCopy, NewImage, Probe, Tags};

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::looks;
use super::super::params::Params;
use super::super::tags::TagSpecs;
use super::super::xml::Xml;
use super::done;

pub(super) async fn create(mut call: Call) -> Result<Xml, Fault> {
    let dry = call.params.flag("DryRun")?;
    let no_reboot = call.params.flag("NoReboot")?;
    let instance: InstanceId = call.params.required_id("InstanceId")?;
    let name = call.params.required("Name")?;
    let description = call.params.take("Description").unwrap_or_default();
    call.params.only("SnapshotLocation", "regional")?;
    let exclude = excluded(&mut call)?;
    let specs = TagSpecs::take(&mut call.params, &["image", "snapshot"])?;
    call.finish()?;
    let new = NewImage {
        instance,
        name,
        description,
        tags: alike(specs.of("image"), &specs.of("snapshot"))?,
        reboot: !no_reboot,
        exclude,
    };
    if dry {
        let probe = Probe::CreateImage(new);
        call.ec2.probe(&call.region, &probe).await?;
        return Err(Fault::dry_run());
    }
    let id = call.ec2.create_image(&call.region, &new).await?;
    Ok(Xml::of("imageId", id))
}

/// The devices that are left out. Nothing else in `BlockDeviceMapping` is supported.
fn excluded(call: &mut Call) -> Result<BTreeSet<String>, Fault> {
    let mut devices = BTreeSet::new();
    for mut mapping in call.params.structs("BlockDeviceMapping") {
        devices.insert(mapping.required("DeviceName")?);
        if mapping.take("NoDevice").is_none() {
            let rule = "the simulator can only leave devices out of an image";
            return Err(mapping.invalid("NoDevice", "", rule));
        }
        mapping.finish()?;
    }
    Ok(devices)
}

pub(super) async fn copy(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let kms_key = key(&mut call.params)?;
    let copy_tags = call.params.flag("CopyImageTags")?;
    let source_image: ImageId = call.params.required_id("SourceImageId")?;
    let region = call.params.required("SourceRegion")?;
    let source_region: Region = region.parse().map_err(|_| {
        let rule = "it is the name of a Region";
        call.params.invalid("SourceRegion", &region, rule)
    })?;
    let name = call.params.required("Name")?;
    let description = call.params.take("Description").unwrap_or_default();
    let client_token = call.params.take("ClientToken").unwrap_or_default();
    let specs = TagSpecs::take(&mut call.params, &["image", "snapshot"])?;
    call.finish()?;

    let mut tags = Tags::new();
    if copy_tags {
        tags = looks::own_image_tags(&call, &source_image)?;
        tags.retain(|key, _| !key.starts_with("aws:"));
    }
    tags.extend(specs.of("image"));
    let copy = ImageCopy {
        source_region,
        source_image,
        name,
        description,
        client_token,
        kms_key,
        tags: alike(tags, &specs.of("snapshot"))?,
    };
    let id = call.ec2.copy_image(&call.region, &copy).await?;
    Ok(Xml::of("imageId", id))
}

/// The key that encrypts a copy or a volume. The simulator takes it as an ARN, and only with the flag that EC2 requires.
pub(super) fn key(params: &mut Params) -> Result<Option<String>, Fault> {
    let encrypted = params.flag("Encrypted")?;
    let key = params.take("KmsKeyId");
    match &key {
        Some(key) if key.parse::<KmsKeys>().is_err() => {
            Err(params.invalid("KmsKeyId", key, "the simulator takes the ARN of a key"))
        }
        Some(_) if !encrypted => {
            let message = "The parameter KmsKeyId requires the parameter Encrypted to be set.";
            Err(Fault::new("InvalidParameterDependency", message))
        }
        None if encrypted => {
            let rule = "the simulator encrypts with the key that is given";
            Err(params.invalid("Encrypted", "true", rule))
        }
        _ => Ok(key),
    }
}

pub(super) async fn deregister(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    call.params.only("DeleteAssociatedSnapshots", "false")?;
    let id: ImageId = call.params.required_id("ImageId")?;
    call.finish()?;
    call.ec2.deregister_image(&call.region, &id).await?;
    Ok(done())
}

/// The tags of an image and its snapshots. The simulator gives both the same tags. If it tagged resources that EC2
/// would not tag, it would hide that a caller forgot the snapshots.
fn alike(image: Tags, snapshots: &Tags) -> Result<Tags, Fault> {
    if image == *snapshots {
        return Ok(image);
    }
    let message = "The simulator gives an image and its snapshots the same tags: give the same tags for both \
                   resource types";
    Err(Fault::new("InvalidParameterValue", message))
}
