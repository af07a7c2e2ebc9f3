//! Requests about the account, instance types, volumes and status checks.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    self, ArchitectureType, InstanceAttributeName, InstanceStateName, SummaryStatus,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::keys::Keys;
use super::pages::{self, PAGE_ITEMS};
use super::{errors, filter, tags};
use crate::domain::ec2::{Architecture, StatusChecks};
use crate::domain::{InstanceId, Region, VolumeId};
use crate::ports::{
    EbsDefaults, Ec2Error, Encryption, InstanceType, Reservation, UnusedVolume, Volume,
};

pub(super) async fn regions(client: &Client) -> Result<Vec<Region>, Ec2Error> {
    let told = client
        .describe_regions()
        .all_regions(false)
        .send()
        .await
        .map_err(errors::of("DescribeRegions"))?;
    Ok(told
        .regions()
        .iter()
        .filter_map(|region| region.region_name()?.parse().ok())
        .collect())
}

pub(super) async fn stop_protection(client: &Client, id: &InstanceId) -> Result<bool, Ec2Error> {
    let told = client
        .describe_instance_attribute()
        .instance_id(id.as_str())
        .attribute(InstanceAttributeName::DisableApiStop)
        .send()
        .await
        .map_err(errors::of("DescribeInstanceAttribute"))?;
    let protection = told.disable_api_stop();
    Ok(protection.and_then(types::AttributeBooleanValue::value) == Some(true))
}

/// Only instances on the Nitro system show what they have printed so far; of others, EC2 tells what it has kept.
pub(super) async fn console(client: &Client, id: &InstanceId) -> Result<String, Ec2Error> {
    const ACTION: &str = "GetConsoleOutput";
    let ask = |latest: bool| {
        let asked = client.get_console_output().instance_id(id.as_str());
        asked.latest(latest).send()
    };
    let told = match ask(true).await.map_err(errors::of(ACTION)) {
        Err(error) if error.code == "UnsupportedOperation" => {
            ask(false).await.map_err(errors::of(ACTION))
        }
        told => told,
    }?;
    let shown = STANDARD.decode(told.output().unwrap_or_default());
    let shown = shown.map_err(|_| errors::unreadable(ACTION, "output in base64"))?;
    Ok(String::from_utf8_lossy(&shown).into_owned())
}

pub(super) async fn status_checks(
    client: &Client,
    id: &InstanceId,
) -> Result<StatusChecks, Ec2Error> {
    let told = client
        .describe_instance_status()
        .instance_ids(id.as_str())
        .include_all_instances(true)
        .send()
        .await
        .map_err(errors::of("DescribeInstanceStatus"))?;
    Ok(told
        .instance_statuses()
        .first()
        .map_or(StatusChecks::NotApplicable, checks))
}

fn checks(told: &types::InstanceStatus) -> StatusChecks {
    let state = told.instance_state().and_then(|state| state.name());
    if state != Some(&InstanceStateName::Running) {
        return StatusChecks::NotApplicable;
    }
    let statuses = [told.instance_status(), told.system_status()]
        .map(|check| check.and_then(|check| check.status()));
    if statuses.contains(&Some(&SummaryStatus::Impaired)) {
        StatusChecks::Impaired
    } else if statuses == [Some(&SummaryStatus::Ok); 2] {
        StatusChecks::Ok
    } else {
        StatusChecks::Initializing
    }
}

pub(super) async fn volumes(
    client: &Client,
    kms: &aws_sdk_kms::Client,
    keys: &Keys,
    ids: &[VolumeId],
) -> Result<Vec<Volume>, Ec2Error> {
    const ACTION: &str = "DescribeVolumes";
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // An instance has far fewer volumes than a page holds: with IDs, EC2 returns all of them at once.
    let told = client
        .describe_volumes()
        .set_volume_ids(Some(ids.iter().map(ToString::to_string).collect()))
        .send()
        .await
        .map_err(errors::of(ACTION))?;
    let mut volumes = Vec::with_capacity(ids.len());
    for volume in told.volumes() {
        let encryption = match volume.kms_key_id() {
            _ if volume.encrypted() != Some(true) => Encryption::None,
            Some(key) => keys.encryption(kms, key).await?,
            None => return Err(errors::unreadable(ACTION, "key of an encrypted volume")),
        };
        volumes.push(Volume {
            id: errors::id(ACTION, "volume ID", volume.volume_id())?,
            size_gib: errors::size(ACTION, "volume size", volume.size())?,
            encryption,
            kind: kind(volume),
            attached_to: volume
                .attachments()
                .iter()
                .filter_map(types::VolumeAttachment::instance_id)
                .map(|id| errors::id(ACTION, "instance ID", Some(id)))
                .collect::<Result<_, _>>()?,
        });
    }
    Ok(volumes)
}

/// The volume type.
fn kind(volume: &types::Volume) -> String {
    let kind = volume.volume_type().map(types::VolumeType::as_str);
    kind.unwrap_or_default().to_owned()
}

pub(super) async fn unused_volumes(
    client: &Client,
    tag: &str,
) -> Result<Vec<UnusedVolume>, Ec2Error> {
    const ACTION: &str = "DescribeVolumes";
    let request = client
        .describe_volumes()
        .filters(filter("status", "available"))
        .filters(filter("tag-key", tag))
        .max_results(PAGE_ITEMS);
    let volumes = pages::all(ACTION, |token| {
        let request = request.clone().set_next_token(token);
        async {
            let page = request.send().await?;
            Ok((page.volumes.unwrap_or_default(), page.next_token))
        }
    })
    .await?;
    let unused = volumes.iter().map(|volume| {
        Ok(UnusedVolume {
            id: errors::id(ACTION, "volume ID", volume.volume_id())?,
            size_gib: errors::size(ACTION, "volume size", volume.size())?,
            kind: kind(volume),
            tags: tags(volume.tags()),
        })
    });
    unused.collect()
}

pub(super) async fn instance_type(client: &Client, name: &str) -> Result<InstanceType, Ec2Error> {
    const ACTION: &str = "DescribeInstanceTypes";
    let told = client
        .describe_instance_types()
        .instance_types(types::InstanceType::from(name))
        .send()
        .await
        .map_err(errors::of(ACTION))?;
    let Some(told) = told.instance_types().first() else {
        let message = format!("The Region does not offer the instance type {name}.");
        return Err(Ec2Error::new(ACTION, "InvalidInstanceType", message));
    };
    let architectures = told
        .processor_info()
        .map(types::ProcessorInfo::supported_architectures)
        .unwrap_or_default();
    let mut known: Vec<Architecture> = architectures.iter().filter_map(architecture).collect();
    known.dedup();
    Ok(InstanceType {
        name: name.to_owned(),
        architectures: known,
        instance_store_gb: told
            .instance_storage_info()
            .and_then(types::InstanceStorageInfo::total_size_in_gb)
            .and_then(|size| size.try_into().ok())
            .unwrap_or_default(),
    })
}

fn architecture(told: &ArchitectureType) -> Option<Architecture> {
    match told {
        ArchitectureType::X8664 | ArchitectureType::X8664Mac => Some(Architecture::X86_64),
        ArchitectureType::Arm64 | ArchitectureType::Arm64Mac => Some(Architecture::Arm64),
        _ => None,
    }
}

pub(super) async fn ebs_defaults(
    client: &Client,
    kms: &aws_sdk_kms::Client,
    keys: &Keys,
) -> Result<EbsDefaults, Ec2Error> {
    const KEY: &str = "GetEbsDefaultKmsKeyId";
    let told = client.get_ebs_encryption_by_default().send().await;
    let told = told.map_err(errors::of("GetEbsEncryptionByDefault"))?;
    let encrypts = told.ebs_encryption_by_default() == Some(true);
    let told = client.get_ebs_default_kms_key_id().send().await;
    let told = told.map_err(errors::of(KEY))?;
    let key = errors::need(KEY, "default key", told.kms_key_id())?;
    let key = if key.ends_with("alias/aws/ebs") {
        Encryption::AwsManagedKey
    } else {
        keys.encryption(kms, key).await?
    };
    Ok(EbsDefaults { encrypts, key })
}

pub(super) async fn reservation(client: &Client, id: &str) -> Result<Reservation, Ec2Error> {
    const ACTION: &str = "DescribeCapacityReservations";
    let told = client
        .describe_capacity_reservations()
        .capacity_reservation_ids(id)
        .send()
        .await
        .map_err(errors::of(ACTION))?;
    let Some(told) = told.capacity_reservations().first() else {
        let message = format!("EC2 does not list the Capacity Reservation {id}.");
        let code = "InvalidCapacityReservationId.NotFound";
        return Err(Ec2Error::new(ACTION, code, message));
    };
    let ends_at = told.end_date().is_some();
    let ends_at = ends_at.then(|| errors::instant(ACTION, "end date", told.end_date()));
    Ok(Reservation {
        active: told.state() == Some(&types::CapacityReservationState::Active),
        ends_at: ends_at.transpose()?,
    })
}

pub(super) async fn fleet_maintains(client: &Client, id: &str) -> Result<bool, Ec2Error> {
    use types::FleetStateCode::{Active, Modifying, Submitted};

    let told = match client.describe_fleets().fleet_ids(id).send().await {
        Ok(told) => told,
        Err(error) => {
            let error = errors::of("DescribeFleets")(error);
            // The group was deleted long ago, and its members belong to nobody.
            return if error.is_not_found() {
                Ok(false)
            } else {
                Err(error)
            };
        }
    };
    Ok(told.fleets().iter().any(|fleet| {
        fleet.r#type() == Some(&types::FleetType::Maintain)
            && matches!(fleet.fleet_state(), Some(Active | Modifying | Submitted))
    }))
}

pub(super) async fn public_images_blocked(client: &Client) -> Result<bool, Ec2Error> {
    let told = client
        .get_image_block_public_access_state()
        .send()
        .await
        .map_err(errors::of("GetImageBlockPublicAccessState"))?;
    Ok(told.image_block_public_access_state() != Some("unblocked"))
}
