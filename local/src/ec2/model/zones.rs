//! Availability Zones: each has one subnet, its default subnet, in the Region's default VPC.

use std::collections::BTreeMap;

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{Region, SubnetId};
use prism_functions::ports::{Ec2Error, Subnet, SubnetFilter};

use super::launch::parsed;
use super::{Capacity, InstanceRow, Model, Scope};
use crate::ec2::{errors, types};

/// The letters of the zones of every Region.
const LETTERS: [char; 3] = ['a', 'b', 'c'];

/// The usable addresses of a default subnet, which has 4,096, five of which EC2 reserves.
const ADDRESSES: u32 = 4_091;

/// The first zone of a Region. Everything that does not name a zone is in it.
fn first_zone(region: &Region) -> String {
    format!("{region}{}", LETTERS[0])
}

impl InstanceRow {
    pub(crate) fn zone(&self) -> String {
        let zone = self.zone.clone();
        zone.unwrap_or_else(|| first_zone(&self.region))
    }
}

#[cfg(feature = "wire")]
impl super::VolumeRow {
    pub(crate) fn zone(&self) -> String {
        let zone = self.zone.clone();
        zone.unwrap_or_else(|| first_zone(&self.region))
    }
}

pub(crate) fn default_vpc(region: &Region) -> String {
    format!("vpc-{}", digits(region.as_str()))
}

/// The subnets of a Region, in the order of their zones, as if nothing were in them.
pub(crate) fn subnets_in(region: &Region) -> [Subnet; 3] {
    LETTERS.map(|letter| {
        let zone = format!("{region}{letter}");
        // The subnet of the first zone has the digits of the Region.
        let of = if letter == LETTERS[0] {
            region.as_str()
        } else {
            &zone
        };
        Subnet {
            id: parsed(&format!("subnet-{}", digits(of))),
            zone,
            vpc: default_vpc(region),
            free_addresses: ADDRESSES,
        }
    })
}

/// The subnet of the first zone of a Region.
pub(crate) fn first_subnet(region: &Region) -> Subnet {
    let [first, ..] = subnets_in(region);
    first
}

/// The subnet of a zone.
pub(crate) fn subnet_of(region: &Region, zone: &str) -> Subnet {
    let mut subnets = subnets_in(region).into_iter();
    let found = subnets.find(|subnet| subnet.zone == zone);
    found.unwrap_or_else(|| first_subnet(region))
}

/// The digits of IDs that exist once per Region or zone.
fn digits(place: &str) -> String {
    let hash = place.bytes().fold(7_u64, |n, b| {
        n.wrapping_mul(0x0000_0100_0000_01b3) ^ u64::from(b)
    });
    format!("0{hash:016x}")
}

impl Model {
    /// Each instance type with each zone that offers it.
    pub(crate) fn offerings(
        &mut self,
        scope: &Scope<'_>,
    ) -> Result<Vec<(&'static str, String)>, Ec2Error> {
        self.admit(scope, "DescribeInstanceTypeOfferings")?;
        let names = types::TYPES.iter().map(|facts| facts.name);
        let zones = subnets_in(scope.region).map(|subnet| subnet.zone);
        let all = names.flat_map(|name| zones.iter().map(move |zone| (name, zone.clone())));
        Ok(all.filter(|(name, zone)| self.offers(zone, name)).collect())
    }

    pub(crate) fn subnets(
        &mut self,
        scope: &Scope<'_>,
        filter: &SubnetFilter,
    ) -> Result<Vec<Subnet>, Ec2Error> {
        self.admit(scope, "DescribeSubnets")?;
        let mut subnets = Vec::from(subnets_in(scope.region));
        if let SubnetFilter::Ids(ids) = filter {
            subnets.retain(|subnet| ids.contains(&subnet.id));
        }
        for subnet in &mut subnets {
            let there = self.data.instances.values().filter(|row| {
                row.account == *scope.account
                    && row.state != InstanceState::Terminated
                    && row.zone() == subnet.zone
            });
            let used = u32::try_from(there.count()).unwrap_or(u32::MAX);
            subnet.free_addresses = ADDRESSES.saturating_sub(used);
        }
        Ok(subnets)
    }

    fn offers(&self, zone: &str, instance_type: &str) -> bool {
        let row = self.world().zones.get(zone);
        row.is_none_or(|row| !row.withheld.contains(instance_type))
    }

    /// Refuses a launch into a subnet that does not exist, or into a zone that does not offer the type.
    pub(super) fn check_zone(
        &self,
        scope: &Scope<'_>,
        action: &str,
        subnet: &SubnetId,
        instance_type: &str,
    ) -> Result<String, Ec2Error> {
        let mut subnets = subnets_in(scope.region).into_iter();
        let Some(Subnet { zone, .. }) = subnets.find(|known| known.id == *subnet) else {
            let message = format!("The subnet ID '{subnet}' does not exist");
            return Err(Ec2Error::new(action, "InvalidSubnetID.NotFound", message));
        };
        if self.offers(&zone, instance_type) {
            return Ok(zone);
        }
        let message = format!(
            "Your requested instance type ({instance_type}) is not supported in your requested Availability \
             Zone ({zone})."
        );
        Err(Ec2Error::new(action, "Unsupported", message))
    }

    /// The capacity of a zone, which is its Region's unless it has its own.
    pub(super) fn capacity(&self, region: &Region, zone: &str, instance_type: &str) -> Capacity {
        let world = self.world();
        let in_zone = world.zones.get(zone).map(|row| &row.capacity);
        let in_region = world.capacity.get(region);
        let of = |types: &BTreeMap<String, Capacity>| {
            let found = types.get(instance_type).or_else(|| types.get("*"));
            found.cloned()
        };
        let found = in_zone.and_then(of).or_else(|| in_region.and_then(of));
        found.unwrap_or(Capacity::Available)
    }

    /// Checks whether a zone has room for another instance of the type.
    pub(super) fn check_capacity(
        &self,
        scope: &Scope<'_>,
        action: &str,
        zone: &str,
        instance_type: &str,
    ) -> Result<(), Ec2Error> {
        match self.capacity(scope.region, zone, instance_type) {
            Capacity::Refused => Err(errors::no_capacity(action, instance_type)),
            Capacity::RefusedAs(code) => {
                let message = "The instance cannot be started now.";
                Err(Ec2Error::new(action, &code, message))
            }
            Capacity::Available | Capacity::FailsLate => Ok(()),
        }
    }
}
