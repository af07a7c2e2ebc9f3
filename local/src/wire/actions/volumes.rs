//! DescribeVolumes.

use prism_functions::domain::VolumeId;
use prism_functions::ports::{Ec2 as _, Encryption, Volume};

use super::super::call::{Call, aws_managed_key};
use super::super::fault::Fault;
use super::super::filters::Filters;
use super::super::looks::{self, VolumeLook};
use super::super::xml::Xml;

const FILTERS: [&str; 5] = [
    "attachment.instance-id",
    "encrypted",
    "status",
    "tag-key",
    "volume-id",
];

pub(super) async fn describe(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    call.params.only("IncludeManagedResources", "false")?;
    let ids: Vec<VolumeId> = call.params.ids("VolumeId")?;
    let filters = Filters::take(&mut call.params, &FILTERS)?;
    let paging = call.listing(!ids.is_empty(), &filters)?;

    let known = looks::volumes(&call)?;
    let wanted = looks::wanted(ids, &known);
    let found = call.ec2.volumes(&call.region, &wanted).await?;
    let told = looks::paired(found, &known, |it| &it.id);
    let passes = |(volume, look): &(Volume, VolumeLook)| {
        filters.pass(&look.tags, |name| field(volume, look, name))
    };
    let (page, next) = paging.cut(told, |(volume, _)| volume.id.to_string(), passes);

    Ok(Xml::page(
        "volumeSet",
        &page,
        next,
        |xml, (volume, look)| {
            write(xml, &call, volume, look);
        },
    ))
}

fn status(look: &VolumeLook) -> &'static str {
    match look.attached {
        Some(_) => "in-use",
        None => "available",
    }
}

fn field(volume: &Volume, look: &VolumeLook, name: &str) -> Vec<String> {
    let value = match name {
        "attachment.instance-id" => look.attached.as_ref().map(|(id, ..)| id.to_string()),
        "encrypted" => Some((volume.encryption != Encryption::None).to_string()),
        "status" => Some(status(look).to_owned()),
        "volume-id" => Some(volume.id.to_string()),
        _ => None,
    };
    value.into_iter().collect()
}

fn write(xml: &mut Xml, call: &Call, volume: &Volume, look: &VolumeLook) {
    xml.text("volumeId", &volume.id);
    xml.text("size", volume.size_gib);
    xml.text("availabilityZone", &look.zone);
    xml.text("status", status(look));
    xml.list("attachmentSet", &volume.attached_to, |xml, id| {
        let place = look.attached.as_ref().filter(|(first, ..)| first == id);
        xml.text("volumeId", &volume.id);
        xml.text("instanceId", id);
        xml.maybe("device", place.map(|(_, device, _)| device));
        xml.text("status", "attached");
        xml.text("deleteOnTermination", place.is_some_and(|(.., goes)| *goes));
    });
    xml.tags(&look.tags);
    xml.text("volumeType", &volume.kind);
    xml.text("multiAttachEnabled", volume.attached_to.len() > 1);
    encryption(xml, call, &volume.encryption);
}

/// Whether a resource is encrypted, and with which key.
pub(super) fn encryption(xml: &mut Xml, call: &Call, encryption: &Encryption) {
    let key = match encryption {
        Encryption::None => None,
        Encryption::AwsManagedKey => Some(aws_managed_key(call.account(), &call.region)),
        Encryption::CustomerKey(arn) => Some(arn.clone()),
    };
    xml.text("encrypted", key.is_some());
    xml.maybe("kmsKeyId", key);
}
