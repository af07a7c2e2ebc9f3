//! Chooses the subnet for a launch, if the deployment configures any.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::Filter;

use super::errors;
use crate::ports::Ec2Error;

const ACTION: &str = "DescribeSubnets";

/// A subnet in the Region of the request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subnet {
    pub(super) id: String,
    pub(super) vpc: String,
}

/// Returns the first of these subnets that is in the client's Region, or `None` if the list is empty, which means the
/// Region's default VPC. A subnet is in one Region only, so those of other Regions are not found here. If all subnets
/// are in other Regions, the launch is refused: the deployment did not allow the default VPC.
pub(super) async fn choose(
    client: &Client,
    subnets: &[String],
) -> Result<Option<Subnet>, Ec2Error> {
    if subnets.is_empty() {
        return Ok(None);
    }
    // A filter ignores subnets in other Regions; a list of IDs would be refused because of them.
    let named = Filter::builder()
        .name("subnet-id")
        .set_values(Some(subnets.to_vec()));
    let told = client
        .describe_subnets()
        .filters(named.build())
        .send()
        .await
        .map_err(errors::of(ACTION))?;
    let here = |id: &String| {
        let mut found = told.subnets().iter();
        found.find(|subnet| subnet.subnet_id() == Some(id.as_str()))
    };
    let Some(subnet) = subnets.iter().find_map(here) else {
        let message =
            "None of the subnets that this deployment uses for launches is in this Region.";
        return Err(Ec2Error::new(
            "RunInstances",
            "InvalidSubnetID.NotFound",
            message,
        ));
    };
    Ok(Some(Subnet {
        id: errors::need(ACTION, "subnet id", subnet.subnet_id())?.to_owned(),
        vpc: errors::need(ACTION, "VPC id", subnet.vpc_id())?.to_owned(),
    }))
}
