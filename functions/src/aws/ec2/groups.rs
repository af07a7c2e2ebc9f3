//! The security group of a template's ports.
//!
//! All launches into a VPC with the same ports, open to the same networks, share one group. Its name is derived from
//! both, so that a repeated launch finds the group and sends EC2 exactly the same request. If a deployment changes
//! its networks, it gets new groups. Each deployment has its own groups.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{self, IpPermission, IpRange, Ipv6Range, ResourceType};
use sha2::{Digest, Sha256};

use super::{errors, filter, tag_specifications};
use crate::domain::tags::{DEPLOYMENT_TAG, PORTS_TAG};
use crate::ports::{Ec2Error, Tags};

const DESCRIBE: &str = "DescribeSecurityGroups";
const CREATE: &str = "CreateSecurityGroup";
const ALLOW: &str = "AuthorizeSecurityGroupIngress";

/// What all groups of a deployment have in common.
#[derive(Clone, Copy)]
pub(super) struct Groups<'a> {
    /// The CIDR blocks to which ports are opened.
    pub(super) ingress: &'a [String],
    /// The deployment's own tags.
    pub(super) tags: &'a Tags,
}

/// Returns the ID of the group in which these TCP ports are open to those networks, and creates the group if it does
/// not exist. The group is in the given VPC. `of` are the instance's tags, which identify the deployment that launches
/// it.
pub(super) async fn ensure(
    client: &Client,
    vpc: &str,
    ports: &[u16],
    groups: Groups<'_>,
    of: &Tags,
) -> Result<String, Ec2Error> {
    let ingress = groups.ingress;
    let mut ports = ports.to_vec();
    ports.sort_unstable();
    ports.dedup();
    let deployment = of.get(DEPLOYMENT_TAG);
    let name = name(&ports, ingress, deployment.map(String::as_str));
    let group = match find(client, vpc, &name).await? {
        Some(group) => group,
        None => create(client, vpc, &name, &ports, (groups.tags, deployment)).await?,
    };
    // An earlier launch may have ended between the two calls.
    if !ingress.is_empty() && !ports.is_empty() && group.open == 0 {
        open(client, &group.id, &ports, ingress).await?;
    }
    Ok(group.id)
}

/// A group, and the number of its inbound rules.
struct Group {
    id: String,
    open: usize,
}

async fn find(client: &Client, vpc: &str, name: &str) -> Result<Option<Group>, Ec2Error> {
    let told = client
        .describe_security_groups()
        .filters(filter("group-name", name))
        .filters(filter("vpc-id", vpc))
        .send()
        .await
        .map_err(errors::of(DESCRIBE))?;
    let Some(group) = told.security_groups().first() else {
        return Ok(None);
    };
    let id = errors::need(DESCRIBE, "group id", group.group_id())?;
    Ok(Some(Group {
        id: id.to_owned(),
        open: group.ip_permissions().len(),
    }))
}

async fn create(
    client: &Client,
    vpc: &str,
    name: &str,
    ports: &[u16],
    (own, deployment): (&Tags, Option<&String>),
) -> Result<Group, Ec2Error> {
    let words: Vec<String> = ports.iter().map(ToString::to_string).collect();
    // The tag identifies the group as Prism's, so it has a value in any case.
    let words = match words.join(" ") {
        empty if empty.is_empty() => "none".to_owned(),
        words => words,
    };
    let mut tags = own.clone();
    tags.insert(PORTS_TAG.to_owned(), shortened(&words, 256));
    tags.extend(deployment.map(|id| (DEPLOYMENT_TAG.to_owned(), id.clone())));
    let made = client
        .create_security_group()
        .group_name(name)
        .vpc_id(vpc)
        .description(shortened(&format!("Prism: TCP {words}"), 255))
        .set_tag_specifications(tag_specifications([ResourceType::SecurityGroup], &tags))
        .send()
        .await;
    match made {
        Ok(made) => {
            let id = errors::need(CREATE, "group id", made.group_id())?;
            Ok(Group {
                id: id.to_owned(),
                open: 0,
            })
        }
        Err(error) => {
            let error = errors::of(CREATE)(error);
            if error.code == "InvalidGroup.Duplicate" {
                // Another launch created the group first.
                return find(client, vpc, name).await?.ok_or(error);
            }
            Err(error)
        }
    }
}

async fn open(
    client: &Client,
    id: &str,
    ports: &[u16],
    ingress: &[String],
) -> Result<(), Ec2Error> {
    let rules = ports.iter().map(|port| rule(*port, ingress)).collect();
    let opened = client
        .authorize_security_group_ingress()
        .group_id(id)
        .set_ip_permissions(Some(rules))
        .send()
        .await
        .map_err(errors::of(ALLOW));
    match opened {
        Err(error) if error.code != "InvalidPermission.Duplicate" => Err(error),
        _ => Ok(()),
    }
}

fn rule(port: u16, ingress: &[String]) -> IpPermission {
    let (v6, v4): (Vec<_>, Vec<_>) = ingress.iter().partition(|network| network.contains(':'));
    let v4 = v4
        .into_iter()
        .map(|it| IpRange::builder().cidr_ip(it).build());
    let v6 = v6
        .into_iter()
        .map(|it| Ipv6Range::builder().cidr_ipv6(it).build());
    let given = |ranges: usize| ranges > 0;
    let v4: Vec<types::IpRange> = v4.collect();
    let v6: Vec<types::Ipv6Range> = v6.collect();
    IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(port.into())
        .to_port(port.into())
        .set_ip_ranges(given(v4.len()).then_some(v4))
        .set_ipv6_ranges(given(v6.len()).then_some(v6))
        .build()
}

/// `prism-` and ten digits, which depend only on the deployment, the ports and the networks.
fn name(ports: &[u16], ingress: &[String], deployment: Option<&str>) -> String {
    let hash = Sha256::digest(format!("{ports:?}\n{ingress:?}\n{deployment:?}"));
    format!("prism-{}", hex::encode(&hash[..5]))
}

fn shortened(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_named_by_its_deployment_its_ports_and_networks() {
        let campus = ["192.0.2.0/24".to_owned()];
        let of = |ports: &[u16], ingress: &[String]| name(ports, ingress, Some("deployment-1"));
        assert_eq!(of(&[22, 8888], &campus), of(&[22, 8888], &campus));
        assert_ne!(of(&[22, 8888], &campus), of(&[22], &campus));
        assert_ne!(of(&[22, 8888], &campus), of(&[22, 8888], &[]));
        let another = name(&[22, 8888], &campus, Some("deployment-2"));
        assert_ne!(of(&[22, 8888], &campus), another);
    }

    #[test]
    fn a_rule_keeps_the_two_kinds_of_networks_apart() {
        let rule = rule(22, &["192.0.2.0/24".to_owned(), "2001:db8::/32".to_owned()]);
        assert_eq!(rule.ip_ranges()[0].cidr_ip(), Some("192.0.2.0/24"));
        assert_eq!(rule.ipv6_ranges()[0].cidr_ipv6(), Some("2001:db8::/32"));
        assert_eq!((rule.from_port(), rule.to_port()), (Some(22), Some(22)));
    }
}
