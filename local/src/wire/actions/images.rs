//! DescribeImages.

use chrono::SecondsFormat;
use prism_functions::domain::ImageId;
use prism_functions::domain::ids::shown;
use prism_functions::ports::{Ec2 as _, Encryption, Image, ImageFilter, ImageState};

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::filters::Filters;
use super::super::looks::{self, ImageLook};
use super::super::pages::Paging;
use super::super::xml::Xml;
use crate::ec2::PUBLISHER;

const FILTERS: [&str; 9] = [
    "architecture",
    "image-id",
    "is-public",
    "name",
    "owner-alias",
    "owner-id",
    "source-instance-id",
    "state",
    "tag-key",
];

pub(super) async fn describe(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    // No image in the simulator is deprecated.
    call.params.flag("IncludeDeprecated")?;
    let disabled = call.params.flag("IncludeDisabled")?;
    let ids: Vec<ImageId> = call.params.ids("ImageId")?;
    let owners = owners(&mut call)?;
    let filters = Filters::take(&mut call.params, &FILTERS)?;
    let paging = Paging::take(&mut call.params, call.action, 1..=1000)?;
    call.finish()?;

    let known = looks::images(&call)?;
    let wanted = looks::wanted(ids, &known);
    let filter = ImageFilter::Ids(wanted);
    let found = call.ec2.images(&call.region, &filter).await?;
    let mut told = looks::paired(found, &known, |it| &it.id);
    told.retain(|(image, _)| {
        let owned = owners.is_empty() || owners.iter().any(|o| o == image.owner.as_str());
        owned && (disabled || image.state != ImageState::Disabled)
    });
    let passes = |(image, look): &(Image, ImageLook)| {
        filters.pass(&image.tags, |name| field(image, look, name))
    };
    let (page, next) = paging.cut(told, |(image, _)| image.id.to_string(), passes);

    let mut xml = Xml::new();
    xml.list("imagesSet", &page, |xml, (image, look)| {
        write(xml, image, look);
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}

/// The accounts that `Owner.N` selects. `self` is the caller's account, and an alias stands for the account that
/// publishes under it, if the simulator has one.
pub(super) fn owners(call: &mut Call) -> Result<Vec<String>, Fault> {
    let account = call.account().to_string();
    let mut owners = Vec::new();
    for owner in call.params.list("Owner")? {
        let number = owner.len() == 12 && owner.bytes().all(|b| b.is_ascii_digit());
        owners.push(match owner.as_str() {
            "self" => account.clone(),
            "amazon" => PUBLISHER.to_owned(),
            "aws-backup-vault" | "aws-marketplace" => owner,
            _ if number => owner,
            _ => {
                let message = format!(
                    "Owner {} is not known: it is self, an account or an alias",
                    shown(&owner)
                );
                return Err(Fault::new("InvalidUserID.Malformed", message));
            }
        });
    }
    Ok(owners)
}

/// The owner's alias, if it is one that AWS maintains.
fn alias(image: &Image) -> Option<&'static str> {
    (image.owner.as_str() == PUBLISHER).then_some("amazon")
}

fn state(image: &Image) -> &'static str {
    match image.state {
        ImageState::Pending => "pending",
        ImageState::Available => "available",
        ImageState::Failed => "failed",
        ImageState::Disabled => "disabled",
        ImageState::Deregistered => "deregistered",
    }
}

fn field(image: &Image, look: &ImageLook, name: &str) -> Vec<String> {
    let value = match name {
        "architecture" => Some(image.architecture.as_str().to_owned()),
        "image-id" => Some(image.id.to_string()),
        "is-public" => Some(look.public.to_string()),
        "name" => Some(image.name.clone()),
        "owner-alias" => alias(image).map(ToOwned::to_owned),
        "owner-id" => Some(image.owner.to_string()),
        "source-instance-id" => image.source_instance.as_ref().map(ToString::to_string),
        "state" => Some(state(image).to_owned()),
        _ => None,
    };
    value.into_iter().collect()
}

fn write(xml: &mut Xml, image: &Image, look: &ImageLook) {
    xml.text("imageId", &image.id);
    xml.text("imageLocation", format!("{}/{}", image.owner, image.name));
    xml.text("imageState", state(image));
    xml.text("imageOwnerId", &image.owner);
    xml.maybe("imageOwnerAlias", alias(image));
    let created = image.created_at;
    let created = created.to_rfc3339_opts(SecondsFormat::Millis, true);
    xml.text("creationDate", created);
    xml.text("isPublic", look.public);
    xml.list("productCodes", &look.product_codes, |xml, code| {
        xml.text("productCode", code);
        xml.text("type", "marketplace");
    });
    xml.text("architecture", image.architecture.as_str());
    xml.text("imageType", "machine");
    xml.state_reason(image.state_reason.as_ref());
    xml.text("name", &image.name);
    if !look.description.is_empty() {
        xml.text("description", &look.description);
    }
    xml.text("rootDeviceType", "ebs");
    xml.text("rootDeviceName", &image.root_device);
    volumes(xml, image, look);
    xml.text("virtualizationType", "hvm");
    xml.tags(&image.tags);
    xml.text("hypervisor", "xen");
    xml.text("platformDetails", "Linux/UNIX");
    xml.text("enaSupport", true);
    let protection = if image.protected {
        "enabled-without-cooldown"
    } else {
        "disabled"
    };
    xml.text("deregistrationProtection", protection);
    xml.maybe("sourceInstanceId", image.source_instance.as_ref());
}

fn volumes(xml: &mut Xml, image: &Image, look: &ImageLook) {
    xml.list("blockDeviceMapping", &image.volumes, |xml, volume| {
        let device = look.devices.get(&volume.device);
        let encrypted = device.is_some_and(|(how, _)| *how != Encryption::None);
        xml.text("deviceName", &volume.device);
        xml.within("ebs", |xml| {
            xml.text("deleteOnTermination", device.is_none_or(|(_, goes)| *goes));
            xml.maybe("snapshotId", volume.snapshot.as_ref());
            xml.text("volumeSize", volume.size_gib);
            xml.text("volumeType", "gp3");
            xml.text("encrypted", encrypted);
        });
    });
}
