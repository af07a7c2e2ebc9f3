use async_trait::async_trait;

use super::Ec2Error;
use crate::domain::{ImageId, Region};

/// The public parameters of Systems Manager, in which AWS and other publishers list their newest AMIs.
#[async_trait]
pub trait Parameters: Send + Sync {
    /// Returns the AMI in a public parameter of a Region, such as
    /// `/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id`. Returns an error with the
    /// code `ParameterNotFound` if the parameter does not exist.
    async fn image(&self, region: &Region, parameter: &str) -> Result<ImageId, Ec2Error>;
}
