//! The current state of versions' AMIs in EC2: an AMI may have been deregistered or disabled since it was created.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::copy::command;
use crate::domain::template::TemplateRef;
use crate::domain::{Code, ImageId, Problem, Region};
use crate::ports::{Ec2, Image, ImageFilter, ImageState, from_ec2};

/// The maximum number of IDs in one request to EC2.
const IDS: usize = 200;

/// Why an AMI of a version cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImageFault {
    /// EC2 does not know it: it was deregistered, or the account that shared it has revoked the permission.
    Gone,
    /// It is disabled: it cannot be launched, copied or shared until it is enabled again.
    Disabled,
}

impl ImageFault {
    pub fn means(self) -> &'static str {
        match self {
            ImageFault::Gone => "deregistered",
            ImageFault::Disabled => "disabled",
        }
    }

    pub(crate) fn problem(self, of: &TemplateRef, region: &Region, image: &ImageId) -> Problem {
        let message = format!("The AMI {image} of {of} in {region} is {}.", self.means());
        let code = match self {
            ImageFault::Gone => Code::ImageGone,
            ImageFault::Disabled => Code::ImageDisabled,
        };
        Problem::new(code, message).hint(self.advice(of, region, image))
    }

    pub(crate) fn advice(self, of: &TemplateRef, region: &Region, image: &ImageId) -> String {
        match self {
            ImageFault::Gone => {
                let copy = command(&of.name, of.version.unwrap_or_default(), region);
                format!(
                    "Copy the version again from another Region, or ask its owner to do so: {copy}. Or use another version: prism template versions {}",
                    of.name
                )
            }
            ImageFault::Disabled => {
                format!("Enable it: aws ec2 enable-image --region {region} --image-id {image}")
            }
        }
    }
}

/// Returns those of the AMIs that EC2 knows, in any state. One unknown ID makes a whole request fail, so the IDs of a
/// failed request are requested again in halves.
pub(crate) async fn known(
    ec2: &dyn Ec2,
    region: &Region,
    ids: &[ImageId],
) -> Result<BTreeMap<ImageId, Image>, Problem> {
    let mut known = BTreeMap::new();
    let mut open: Vec<&[ImageId]> = ids.chunks(IDS).collect();
    while let Some(some) = open.pop() {
        match ec2.images(region, &ImageFilter::Ids(some.to_vec())).await {
            Ok(images) => {
                let there = |image: &Image| image.state != ImageState::Deregistered;
                let there = images.into_iter().filter(there);
                known.extend(there.map(|image| (image.id.clone(), image)));
            }
            Err(error) if error.is_gone() => {
                if some.len() > 1 {
                    let (one, other) = some.split_at(some.len() / 2);
                    open.extend([one, other]);
                }
            }
            Err(error) => return Err(from_ec2(error)),
        }
    }
    Ok(known)
}

/// Returns the faults of those AMIs that cannot be launched.
pub(crate) async fn faults(
    ec2: &dyn Ec2,
    region: &Region,
    ids: &[ImageId],
) -> Result<BTreeMap<ImageId, ImageFault>, Problem> {
    let known = known(ec2, region, ids).await?;
    let fault = |id: &ImageId| match known.get(id).map(|image| image.state) {
        None => Some(ImageFault::Gone),
        Some(ImageState::Disabled) => Some(ImageFault::Disabled),
        Some(_) => None,
    };
    let faults = ids.iter().filter_map(|id| Some((id.clone(), fault(id)?)));
    Ok(faults.collect())
}
