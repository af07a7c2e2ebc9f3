//! The single default VPC with its subnets, one for each zone, and its security groups: enough to open TCP ports on a new
//! instance.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use prism_functions::domain::ids::shown;
use prism_functions::ports::{Ec2 as _, Subnet, SubnetFilter, Tags};

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::filters::Filters;
use super::super::groups::{DEFAULT, Group};
use super::super::looks;
use super::super::pages::Paging;
use super::super::params::Params;
use super::super::tags::TagSpecs;
use super::super::xml::Xml;
use super::done;
use crate::ec2::{check_ascii, default_vpc, first_subnet, subnets_in};

/// The maximum number of groups. It exceeds the default quota of an account in a Region on AWS.
const MOST: usize = 2_500;

/// The maximum number of ports of a group. It exceeds the default quota of rules per group on AWS.
const MOST_PORTS: usize = 60;

pub(super) fn vpc(call: &Call) -> String {
    default_vpc(&call.region)
}

/// The subnet with this ID; without one, that of the first zone.
pub(super) fn subnet(call: &Call, id: Option<&str>) -> Result<Subnet, Fault> {
    let mut subnets = subnets_in(&call.region).into_iter();
    let Some(id) = id else {
        return Ok(first_subnet(&call.region));
    };
    let found = subnets.find(|subnet| subnet.id.as_str() == id);
    found.ok_or_else(|| {
        let message = format!("The subnet ID {} does not exist", shown(id));
        Fault::new("InvalidSubnetID.NotFound", message)
    })
}

pub(super) fn not_found(id: &str) -> Fault {
    let message = format!("The security group {} does not exist", shown(id));
    Fault::new("InvalidGroup.NotFound", message)
}

pub(super) fn vpcs(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let ids = call.params.list("VpcId")?;
    let filters = Filters::take(&mut call.params, &["is-default", "vpc-id"])?;
    call.finish()?;
    let id = vpc(&call);
    if let Some(other) = ids.iter().find(|other| **other != id) {
        let message = format!("The vpc ID {} does not exist", shown(other));
        return Err(Fault::new("InvalidVpcID.NotFound", message));
    }
    let field = |name: &str| match name {
        "vpc-id" => vec![id.clone()],
        _ => vec!["true".to_owned()],
    };
    let found = filters.pass(&Tags::new(), field).then_some(&id);
    let mut xml = Xml::new();
    xml.list("vpcSet", found, |xml, id| {
        xml.text("vpcId", id);
        xml.text("ownerId", call.account());
        xml.text("state", "available");
        xml.text("cidrBlock", "10.18.0.0/15");
        xml.text("isDefault", true);
    });
    Ok(xml)
}

pub(super) async fn subnets(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let ids = call.params.list("SubnetId")?;
    let known = ["availability-zone", "default-for-az", "subnet-id", "vpc-id"];
    let filters = Filters::take(&mut call.params, &known)?;
    let paging = Paging::take(&mut call.params, call.action, 5..=1000)?;
    let paging = paging.unless_named(!ids.is_empty())?;
    call.finish()?;
    for id in &ids {
        subnet(&call, Some(id))?;
    }
    let found = call.ec2.subnets(&call.region, &SubnetFilter::Default).await;
    let mut found = found?;
    found.retain(|subnet| ids.is_empty() || ids.iter().any(|id| id == subnet.id.as_str()));
    let passes = |subnet: &Subnet| {
        let field = |name: &str| match name {
            "availability-zone" => vec![subnet.zone.clone()],
            "subnet-id" => vec![subnet.id.to_string()],
            "vpc-id" => vec![subnet.vpc.clone()],
            _ => vec!["true".to_owned()],
        };
        filters.pass(&Tags::new(), field)
    };
    let (page, next) = paging.cut(found, |subnet| subnet.zone.clone(), passes);
    Ok(Xml::page("subnetSet", &page, next, |xml, subnet| {
        xml.text("subnetId", &subnet.id);
        xml.text("vpcId", &subnet.vpc);
        xml.text("ownerId", call.account());
        xml.text("state", "available");
        xml.text("cidrBlock", "10.18.0.0/20");
        xml.text("availableIpAddressCount", subnet.free_addresses);
        xml.text("availabilityZone", &subnet.zone);
        xml.text("defaultForAz", true);
        xml.text("mapPublicIpOnLaunch", true);
    }))
}

pub(super) fn create(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let name = call.params.required("GroupName")?;
    let description = call.params.required("GroupDescription")?;
    let vpc = vpc(&call);
    call.params.only("VpcId", &vpc)?;
    let tags = TagSpecs::take(&mut call.params, &["security-group"])?.of("security-group");
    call.finish()?;
    for (parameter, text) in [("GroupName", &name), ("GroupDescription", &description)] {
        check_ascii(call.action, parameter, text)?;
        if text.chars().count() > 255 || name.starts_with("sg-") {
            let message = format!("{} is too long or starts with sg-", shown(text));
            return Err(Fault::new("InvalidParameterValue", message));
        }
    }
    if name == DEFAULT {
        let message = format!("Cannot use reserved security group name: {name}");
        return Err(Fault::new("InvalidParameterValue", message));
    }
    let id = call.groups.with(call.account(), &call.region, |area| {
        let groups = &mut area.groups;
        if groups.iter().any(|group| group.name == name) {
            let message = format!(
                "The security group {} already exists for VPC '{vpc}'",
                shown(&name)
            );
            return Err(Fault::new("InvalidGroup.Duplicate", message));
        }
        if groups.len() >= MOST {
            let message = "The maximum number of security groups has been reached";
            return Err(Fault::new("SecurityGroupLimitExceeded", message));
        }
        let last = groups
            .last()
            .and_then(|group| u64::from_str_radix(&group.id[4..], 16).ok());
        let id = format!("sg-0{:016x}", last.unwrap_or(0) + 1);
        groups.push(Group {
            id: id.clone(),
            name,
            description,
            ports: BTreeMap::new(),
            tags,
        });
        Ok(id)
    })?;
    let mut xml = done();
    xml.text("groupId", id);
    Ok(xml)
}

pub(super) fn authorize(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let id = call.params.required("GroupId")?;
    let mut opened = Vec::new();
    for rule in call.params.structs("IpPermissions") {
        opened.push(rule_of(rule)?);
    }
    call.finish()?;
    call.groups.with(call.account(), &call.region, |area| {
        let group = area.groups.iter_mut().find(|group| group.id == id);
        let group = group.ok_or_else(|| not_found(&id))?;
        let known = |(port, ranges): &(u16, Vec<String>)| {
            let held = group.ports.get(port);
            held.is_some_and(|held| ranges.iter().any(|range| held.contains(range)))
        };
        if opened.iter().any(known) {
            let message = "the specified rule already exists";
            return Err(Fault::new("InvalidPermission.Duplicate", message));
        }
        if group.ports.len() + opened.len() > MOST_PORTS {
            let message = "The maximum number of rules per security group has been reached.";
            return Err(Fault::new("RulesPerSecurityGroupLimitExceeded", message));
        }
        for (port, ranges) in opened {
            group.ports.entry(port).or_default().extend(ranges);
        }
        Ok(())
    })?;
    Ok(done())
}

/// A rule: one TCP port that is open to address ranges.
fn rule_of(mut rule: Params) -> Result<(u16, Vec<String>), Fault> {
    let protocol = rule.required("IpProtocol")?;
    if protocol != "tcp" && protocol != "6" {
        return Err(rule.invalid("IpProtocol", &protocol, "the simulator knows only tcp"));
    }
    let (from, to) = (rule.required("FromPort")?, rule.required("ToPort")?);
    let port = from.parse().ok().filter(|_| from == to);
    let port = port.ok_or_else(|| rule.invalid("ToPort", &to, "a rule here is of one port"))?;
    let mut ranges = Vec::new();
    for (list, field) in [("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6")] {
        for mut range in rule.structs(list) {
            ranges.push(block(&range.required(field)?, field == "CidrIpv6")?);
            let description = range.take("Description").unwrap_or_default();
            check_ascii("AuthorizeSecurityGroupIngress", "Description", &description)?;
            range.finish()?;
        }
    }
    if ranges.is_empty() {
        return Err(rule.invalid("IpRanges", "", "a rule here is for ranges of addresses"));
    }
    rule.finish()?;
    Ok((port, ranges))
}

/// An address range. The bits after the prefix are cleared.
fn block(text: &str, v6: bool) -> Result<String, Fault> {
    let read = || {
        let (address, prefix) = text.split_once('/')?;
        let prefix: u32 = prefix.parse().ok()?;
        let mask = |bits: u32| u128::MAX.checked_shl(bits - prefix).unwrap_or(0);
        match address.parse().ok()? {
            IpAddr::V4(address) if !v6 && prefix <= 32 => {
                let bits = u128::from(address.to_bits()) & mask(32);
                let bits = u32::try_from(bits).ok()?;
                Some(format!("{}/{prefix}", Ipv4Addr::from_bits(bits)))
            }
            IpAddr::V6(address) if v6 && prefix <= 128 => {
                let bits = address.to_bits() & mask(128);
                Some(format!("{}/{prefix}", Ipv6Addr::from_bits(bits)))
            }
            _ => None,
        }
    };
    read().ok_or_else(|| {
        let message = format!("CIDR block {} is malformed", shown(text));
        Fault::new("InvalidParameterValue", message)
    })
}

pub(super) fn delete(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let id = call.params.required("GroupId")?;
    call.finish()?;
    let there = looks::newest_instances(&call)?;
    call.groups.with(call.account(), &call.region, |area| {
        let at = area.groups.iter().position(|group| group.id == id);
        let at = at.ok_or_else(|| not_found(&id))?;
        if area.groups[at].name == DEFAULT {
            let message = format!(
                "the specified group: \"{id}\" name: \"{DEFAULT}\" cannot be deleted by a user"
            );
            return Err(Fault::new("CannotDelete", message));
        }
        // A network interface leaves its groups when its instance is terminated.
        let mut there = there.iter().filter(|(_, look)| !look.state.is_gone());
        if there.any(|(instance, _)| area.of(instance).iter().any(|group| group.id == id)) {
            let message = format!("resource {id} has a dependent object");
            return Err(Fault::new("DependencyViolation", message));
        }
        area.groups.remove(at);
        Ok(())
    })?;
    let mut xml = done();
    xml.text("groupId", id);
    Ok(xml)
}

pub(super) fn describe(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let ids = call.params.list("GroupId")?;
    let names = call.params.list("GroupName")?;
    let filters = Filters::take(&mut call.params, &["group-id", "group-name", "vpc-id"])?;
    let paging = Paging::take(&mut call.params, call.action, 5..=1000)?;
    call.finish()?;
    let vpc = vpc(&call);
    let held = call
        .groups
        .with(call.account(), &call.region, |area| area.groups.clone());
    if let Some(id) = ids.iter().find(|id| held.iter().all(|g| g.id != **id)) {
        return Err(not_found(id));
    }
    if let Some(name) = names.iter().find(|n| held.iter().all(|g| g.name != **n)) {
        return Err(not_found(name));
    }
    let passes = |group: &Group| {
        let field = |name: &str| match name {
            "group-id" => vec![group.id.clone()],
            "group-name" => vec![group.name.clone()],
            _ => vec![vpc.clone()],
        };
        filters.pass(&group.tags, field)
    };
    let asked = |group: &Group| {
        (ids.is_empty() || ids.contains(&group.id))
            && (names.is_empty() || names.contains(&group.name))
    };
    let found = held.into_iter().filter(asked).collect();
    let (page, next) = paging.cut(found, |group| group.id.clone(), passes);
    Ok(Xml::page("securityGroupInfo", &page, next, |xml, group| {
        write(xml, &call, &vpc, group);
    }))
}

fn write(xml: &mut Xml, call: &Call, vpc: &str, group: &Group) {
    xml.text("ownerId", call.account());
    xml.text("groupId", &group.id);
    xml.text("groupName", &group.name);
    xml.text("groupDescription", &group.description);
    xml.text("vpcId", vpc);
    xml.tags(&group.tags);
    // No group has its default outbound rule removed.
    xml.list("ipPermissionsEgress", [()], |xml, ()| {
        xml.text("ipProtocol", "-1");
        xml.list("ipRanges", [()], |xml, ()| xml.text("cidrIp", "0.0.0.0/0"));
    });
    xml.list("ipPermissions", &group.ports, |xml, (port, ranges)| {
        xml.text("ipProtocol", "tcp");
        xml.text("fromPort", port);
        xml.text("toPort", port);
        let (v6, v4): (Vec<_>, Vec<_>) = ranges.iter().partition(|range| range.contains(':'));
        xml.list("ipRanges", v4, |xml, range| xml.text("cidrIp", range));
        xml.list("ipv6Ranges", v6, |xml, range| xml.text("cidrIpv6", range));
    });
}
