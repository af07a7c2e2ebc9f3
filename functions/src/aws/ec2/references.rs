//! References to AMIs: DescribeImageReferences.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    ImageReferenceOptionName, ImageReferenceResourceType, ResourceTypeOption, ResourceTypeRequest,
};

use super::{errors, pages};
use crate::domain::{ImageId, LaunchTemplateId};
use crate::ports::Ec2Error;

const ACTION: &str = "DescribeImageReferences";
/// How many versions of each launch template are searched: the most that EC2 accepts. The default is 10, and an Auto
/// Scaling group may use an older version.
const VERSIONS: &str = "10000";

pub(super) async fn launch_templates(
    client: &Client,
    ids: &[ImageId],
) -> Result<BTreeMap<ImageId, BTreeSet<LaunchTemplateId>>, Ec2Error> {
    let mut found: BTreeMap<ImageId, BTreeSet<LaunchTemplateId>> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let depth = ResourceTypeOption::builder()
        .option_name(ImageReferenceOptionName::VersionDepth)
        .option_values(VERSIONS)
        .build();
    let wanted = ResourceTypeRequest::builder()
        .resource_type(ImageReferenceResourceType::Ec2LaunchTemplate)
        .resource_type_options(depth)
        .build();
    let request = client
        .describe_image_references()
        .set_image_ids(Some(ids.iter().map(ToString::to_string).collect()))
        .resource_types(wanted);
    let told = pages::all(ACTION, |token| {
        let request = request.clone().set_next_token(token);
        async {
            let page = request.send().await?;
            Ok((page.image_references.unwrap_or_default(), page.next_token))
        }
    })
    .await?;
    for reference in told {
        let image = errors::id(ACTION, "AMI id", reference.image_id())?;
        // arn:aws:ec2:us-east-1:111122223333:launch-template/lt-0123456789abcdef0
        let arn = reference.arn().unwrap_or_default();
        let name = arn.rsplit_once('/').map(|(_, name)| name);
        let template = errors::id(ACTION, "ARN of a launch template", name)?;
        found.entry(image).or_default().insert(template);
    }
    Ok(found)
}
