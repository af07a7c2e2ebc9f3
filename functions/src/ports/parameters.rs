use async_trait::async_trait;

use super::Ec2Error;
use crate::domain::{ImageId, Region};

/// The public parameters of Systems Manager, under which AWS and others publish their newest AMIs.
#[async_trait]
pub trait Parameters: Send + Sync {
    /// The AMI that a public parameter names in a Region, such as
    /// `/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id`.
    /// Answers the code `ParameterNotFound` where there is none.
    async fn image(&self, region: &Region, parameter: &str) -> Result<ImageId, Ec2Error>;
}
