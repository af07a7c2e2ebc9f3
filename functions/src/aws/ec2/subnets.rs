//! The places for launches: subnets, and the zones that offer an instance type.

use std::collections::BTreeSet;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{self, LocationType};

use super::pages::{self, PAGE_ITEMS};
use super::{any_filter, errors, filter};
use crate::ports::{Ec2Error, Subnet, SubnetFilter};

const DESCRIBE: &str = "DescribeSubnets";
const OFFERINGS: &str = "DescribeInstanceTypeOfferings";

pub(super) async fn describe(
    client: &Client,
    wanted: &SubnetFilter,
) -> Result<Vec<Subnet>, Ec2Error> {
    let by = match wanted {
        SubnetFilter::Ids(ids) if ids.is_empty() => return Ok(Vec::new()),
        // A filter ignores subnets in other Regions; a list of IDs would be refused because of them.
        SubnetFilter::Ids(ids) => any_filter("subnet-id", ids),
        SubnetFilter::Default => filter("default-for-az", "true"),
    };
    let request = client.describe_subnets().filters(by);
    let subnets = pages::all(DESCRIBE, |token| {
        let request = request.clone().set_next_token(token);
        async {
            let page = request.send().await?;
            Ok((page.subnets.unwrap_or_default(), page.next_token))
        }
    })
    .await?;
    subnets.iter().map(subnet).collect()
}

fn subnet(told: &types::Subnet) -> Result<Subnet, Ec2Error> {
    let free = told.available_ip_address_count().unwrap_or_default();
    Ok(Subnet {
        id: errors::id(DESCRIBE, "subnet ID", told.subnet_id())?,
        zone: errors::need(DESCRIBE, "Availability Zone", told.availability_zone())?.to_owned(),
        vpc: errors::need(DESCRIBE, "VPC ID", told.vpc_id())?.to_owned(),
        free_addresses: u32::try_from(free).unwrap_or_default(),
    })
}

pub(super) async fn zones_offering(
    client: &Client,
    instance_type: &str,
) -> Result<BTreeSet<String>, Ec2Error> {
    let request = client
        .describe_instance_type_offerings()
        .location_type(LocationType::AvailabilityZone)
        .filters(filter("instance-type", instance_type))
        .max_results(PAGE_ITEMS);
    let offerings = pages::all(OFFERINGS, |token| {
        let request = request.clone().set_next_token(token);
        async {
            let page = request.send().await?;
            let offerings = page.instance_type_offerings.unwrap_or_default();
            Ok((offerings, page.next_token))
        }
    })
    .await?;
    let zones = offerings
        .iter()
        .filter_map(types::InstanceTypeOffering::location);
    Ok(zones.map(str::to_owned).collect())
}
