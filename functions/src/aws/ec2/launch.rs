//! RunInstances, and the checks that precede it.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    self, BlockDeviceMapping, EbsBlockDevice, HttpTokensState, InstanceMetadataOptionsRequest,
    ResourceType,
};
use aws_smithy_types::base64;

use super::groups::Groups;
use super::{errors, groups, images, instances, subnets, tag_specifications};
use crate::domain::ImageId;
use crate::ports::{Ec2Error, Image, ImageFilter, ImageVolume, Instance, NewInstance};

const ACTION: &str = "RunInstances";

/// Launches one instance into the first of the `subnets` that is in the Region, or into the default VPC if none are
/// configured. The request depends only on `new` and on values that never change, so that the same token means the
/// same launch.
pub(super) async fn run(
    client: &Client,
    new: &NewInstance,
    groups: Groups<'_>,
    subnets: &[String],
) -> Result<Instance, Ec2Error> {
    let subnet = subnets::choose(client, subnets).await?;
    let mappings = match (new.root_size_gib, &new.kms_key) {
        (None, None) => Vec::new(),
        _ => mappings(&image(client, &new.image).await?, new),
    };
    // Without a group, EC2 would use the VPC's default one, which the policies do not allow.
    let vpc = subnet.as_ref().map(|subnet| subnet.vpc.as_str());
    let group = groups::ensure(client, vpc, &new.ports, groups, &new.tags).await?;
    let made = [ResourceType::Instance, ResourceType::Volume];
    let tokens = InstanceMetadataOptionsRequest::builder().http_tokens(HttpTokensState::Required);
    let told = client
        .run_instances()
        .image_id(new.image.as_str())
        .instance_type(types::InstanceType::from(new.instance_type.as_str()))
        .min_count(1)
        .max_count(1)
        .client_token(&new.client_token)
        .metadata_options(tokens.build())
        .set_user_data(new.user_data.as_deref().map(base64::encode))
        .set_block_device_mappings((!mappings.is_empty()).then_some(mappings))
        .security_group_ids(group)
        .set_subnet_id(subnet.map(|subnet| subnet.id))
        .set_tag_specifications(tag_specifications(made, &new.tags))
        .send()
        .await
        .map_err(errors::of(ACTION))?;
    let instance = errors::need(ACTION, "instance", told.instances().first())?;
    instances::instance(ACTION, instance)
}

async fn image(client: &Client, id: &ImageId) -> Result<Image, Ec2Error> {
    let wanted = ImageFilter::Ids(vec![id.clone()]);
    let images = images::describe(client, &wanted).await?;
    images.into_iter().next().ok_or_else(|| {
        let message = format!("The image id '[{id}]' does not exist");
        Ec2Error::new(ACTION, "InvalidAMIID.NotFound", message)
    })
}

/// The volumes that differ from the AMI's: all of them if they get a key of their own, and the root volume if it is
/// larger, because EC2 refuses a smaller one.
fn mappings(image: &Image, new: &NewInstance) -> Vec<BlockDeviceMapping> {
    let mapping = |volume: &ImageVolume| {
        let is_root = volume.device == image.root_device;
        let larger = new
            .root_size_gib
            .filter(|size| is_root && *size > volume.size_gib);
        let size = larger.and_then(|size| i32::try_from(size).ok());
        if size.is_none() && new.kms_key.is_none() {
            return None;
        }
        let ebs = EbsBlockDevice::builder()
            .set_volume_size(size)
            // EC2 refuses a key without the flag.
            .set_encrypted(new.kms_key.as_ref().map(|_| true))
            .set_kms_key_id(new.kms_key.clone());
        let mapping = BlockDeviceMapping::builder().device_name(&volume.device);
        Some(mapping.ebs(ebs.build()).build())
    };
    image.volumes.iter().filter_map(mapping).collect()
}
