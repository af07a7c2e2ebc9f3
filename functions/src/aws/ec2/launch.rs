//! RunInstances, and the checks that precede it.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    self, BlockDeviceMapping, EbsBlockDevice, HttpTokensState, IamInstanceProfileSpecification,
    InstanceMetadataOptionsRequest, ResourceType,
};
use aws_smithy_types::base64;

use super::{errors, groups, images, instances, subnets, tag_specifications};
use crate::ports::{Ec2Error, Image, ImageFilter, Instance, NewInstance};

const ACTION: &str = "RunInstances";

/// Launches one instance into the first of the `subnets` that is in the Region, or into the default VPC if none are
/// configured. The request depends only on `new` and on values that never change, so that the same token means the
/// same launch.
pub(super) async fn run(
    client: &Client,
    new: &NewInstance,
    ingress: &[String],
    subnets: &[String],
) -> Result<Instance, Ec2Error> {
    let subnet = subnets::choose(client, subnets).await?;
    let root = match new.root_size_gib {
        Some(size) => larger_root(client, new, size).await?,
        None => None,
    };
    let groups = match new.ports.as_slice() {
        [] => None,
        ports => {
            let vpc = subnet.as_ref().map(|subnet| subnet.vpc.as_str());
            Some(vec![
                groups::ensure(client, vpc, ports, ingress, &new.tags).await?,
            ])
        }
    };
    let made = [ResourceType::Instance, ResourceType::Volume];
    let tokens = InstanceMetadataOptionsRequest::builder().http_tokens(HttpTokensState::Required);
    let profile = new.profile.as_ref().map(|name| {
        IamInstanceProfileSpecification::builder()
            .name(name)
            .build()
    });
    let told = client
        .run_instances()
        .image_id(new.image.as_str())
        .instance_type(types::InstanceType::from(new.instance_type.as_str()))
        .min_count(1)
        .max_count(1)
        .client_token(&new.client_token)
        .metadata_options(tokens.build())
        .set_iam_instance_profile(profile)
        .set_user_data(new.user_data.as_deref().map(base64::encode))
        .set_block_device_mappings(root.map(|root| vec![root]))
        .set_security_group_ids(groups)
        .set_subnet_id(subnet.map(|subnet| subnet.id))
        .set_tag_specifications(tag_specifications(made, &new.tags))
        .send()
        .await
        .map_err(errors::of(ACTION))?;
    let instance = errors::need(ACTION, "instance", told.instances().first())?;
    instances::instance(ACTION, instance)
}

/// The root volume with this size, if it is larger than the AMI's: EC2 refuses a smaller one.
async fn larger_root(
    client: &Client,
    new: &NewInstance,
    size_gib: u32,
) -> Result<Option<BlockDeviceMapping>, Ec2Error> {
    let wanted = ImageFilter::Ids(vec![new.image.clone()]);
    let images = images::describe(client, &wanted).await?;
    let Some(image) = images.first() else {
        let message = format!("The image id '[{}]' does not exist", new.image);
        return Err(Ec2Error::new(ACTION, "InvalidAMIID.NotFound", message));
    };
    Ok(root_mapping(image, size_gib))
}

fn root_mapping(image: &Image, size_gib: u32) -> Option<BlockDeviceMapping> {
    let root = image
        .volumes
        .iter()
        .find(|volume| volume.device == image.root_device)?;
    let size = i32::try_from(size_gib).ok()?;
    (size_gib > root.size_gib).then(|| {
        BlockDeviceMapping::builder()
            .device_name(&root.device)
            .ebs(EbsBlockDevice::builder().volume_size(size).build())
            .build()
    })
}
