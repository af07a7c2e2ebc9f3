//! DescribeInstances, and the XML of an instance.

use chrono::SubsecRound as _;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::ports::{Ec2 as _, Instance, InstanceFilter};

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::filters::Filters;
use super::super::looks::{self, InstanceLook};
use super::super::xml::Xml;
use super::groups::vpc;
use crate::ec2::{first_subnet, subnet_of};

const FILTERS: [&str; 11] = [
    "architecture",
    "image-id",
    "instance-id",
    "instance-state-code",
    "instance-state-name",
    "instance-type",
    "instance.group-id",
    "instance.group-name",
    "subnet-id",
    "tag-key",
    "vpc-id",
];

pub(super) async fn describe(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    call.params.only("IncludeManagedResources", "false")?;
    let ids = call.params.ids("InstanceId")?;
    let filters = Filters::take(&mut call.params, &FILTERS)?;
    let paging = call.listing(!ids.is_empty(), &filters)?;

    let known = looks::instances(&call)?;
    let wanted = looks::wanted(ids, &known);
    let filter = InstanceFilter::Ids(wanted);
    let found = call.ec2.instances(&call.region, &filter).await?;
    let passes = |it: &Instance| filters.pass(&it.tags, |name| field(&call, it, name));
    let (page, next) = paging.cut(found, |instance| instance.id.to_string(), passes);

    Ok(Xml::page("reservationSet", &page, next, |xml, instance| {
        reservation(xml, &call, instance, known.get(&instance.id));
    }))
}

fn field(call: &Call, instance: &Instance, name: &str) -> Vec<String> {
    let groups = || groups(call, instance).into_iter();
    let value = match name {
        "instance.group-id" => return groups().map(|(id, _)| id).collect(),
        "instance.group-name" => return groups().map(|(_, name)| name).collect(),
        // A terminated instance is in no subnet or VPC.
        "subnet-id" | "vpc-id" if instance.state.is_gone() => return Vec::new(),
        "subnet-id" => subnet(call, instance),
        "vpc-id" => vpc(call),
        "architecture" => instance.architecture.as_str().to_owned(),
        "image-id" => instance.image.to_string(),
        "instance-id" => instance.id.to_string(),
        "instance-state-code" => code(instance.state).to_string(),
        "instance-state-name" => instance.state.as_str().to_owned(),
        "instance-type" => instance.instance_type.clone(),
        _ => return Vec::new(),
    };
    vec![value]
}

/// The IDs and names of an instance's groups. A terminated instance has none.
fn groups(call: &Call, instance: &Instance) -> Vec<(String, String)> {
    if instance.state.is_gone() {
        return Vec::new();
    }
    call.groups.with(call.account(), &call.region, |area| {
        let groups = area.of(&instance.id).into_iter();
        groups.map(|g| (g.id.clone(), g.name.clone())).collect()
    })
}

fn write_groups(xml: &mut Xml, groups: &[(String, String)]) {
    xml.list("groupSet", groups, |xml, (id, name)| {
        xml.text("groupId", id);
        xml.text("groupName", name);
    });
}

/// EC2's numeric codes for states.
fn code(state: InstanceState) -> u8 {
    match state {
        InstanceState::Pending => 0,
        InstanceState::Running => 16,
        InstanceState::ShuttingDown => 32,
        InstanceState::Terminated => 48,
        InstanceState::Stopping => 64,
        InstanceState::Stopped => 80,
    }
}

pub(super) fn state(xml: &mut Xml, name: &str, state: InstanceState) {
    xml.within(name, |xml| {
        xml.text("code", code(state));
        xml.text("name", state.as_str());
    });
}

/// The reservation of one instance. Each launch here has only one instance.
pub(super) fn reservation(
    xml: &mut Xml,
    call: &Call,
    instance: &Instance,
    look: Option<&InstanceLook>,
) {
    let digits = instance.id.as_str().trim_start_matches("i-");
    xml.text("reservationId", format!("r-{digits}"));
    xml.text("ownerId", call.account());
    xml.list("groupSet", [(); 0], |_, ()| {});
    xml.list("instancesSet", [instance], |xml, instance| {
        write(xml, call, instance, look);
    });
}

/// The subnet that an instance is in: the one of its zone.
fn subnet(call: &Call, instance: &Instance) -> String {
    let zone = instance.zone.as_deref();
    let subnet = zone.map(|zone| subnet_of(&call.region, zone));
    let subnet = subnet.unwrap_or_else(|| first_subnet(&call.region));
    subnet.id.to_string()
}

fn write(xml: &mut Xml, call: &Call, instance: &Instance, look: Option<&InstanceLook>) {
    xml.text("instanceId", &instance.id);
    xml.text("imageId", &instance.image);
    state(xml, "instanceState", instance.state);
    let private_ip = look.map(|look| look.private_ip.as_str());
    xml.text("privateDnsName", "");
    xml.text("dnsName", "");
    xml.text("reason", transition(instance));
    xml.text("amiLaunchIndex", 0);
    xml.list("productCodes", &instance.product_codes, |xml, code| {
        xml.text("productCode", code);
        xml.text("type", "marketplace");
    });
    xml.text("instanceType", &instance.instance_type);
    xml.time("launchTime", instance.launched_at);
    xml.within("placement", |xml| {
        xml.maybe("availabilityZone", instance.zone.as_ref());
        xml.text("groupName", "");
        let host = instance.ties.dedicated_host;
        xml.text("tenancy", if host { "host" } else { "default" });
    });
    xml.within("monitoring", |xml| xml.text("state", "disabled"));
    if !instance.state.is_gone() {
        xml.text("subnetId", subnet(call, instance));
        xml.text("vpcId", vpc(call));
    }
    xml.maybe("privateIpAddress", private_ip);
    xml.maybe("ipAddress", instance.public_ip.as_deref());
    if let Some(name) = look.and_then(|look| look.profile.as_deref()) {
        xml.within("iamInstanceProfile", |xml| {
            let account = call.account();
            xml.text(
                "arn",
                format!("arn:aws:iam::{account}:instance-profile/{name}"),
            );
        });
    }
    write_groups(xml, &groups(call, instance));
    xml.state_reason(instance.state_reason.as_ref());
    xml.text("architecture", instance.architecture.as_str());
    let root = if instance.ebs_root {
        "ebs"
    } else {
        "instance-store"
    };
    xml.text("rootDeviceType", root);
    xml.text("rootDeviceName", &instance.root_device);
    volumes(xml, instance, look);
    xml.text("virtualizationType", "hvm");
    xml.maybe("instanceLifecycle", instance.spot.then_some("spot"));
    xml.tags(&instance.tags);
    xml.text("hypervisor", "xen");
    interface(xml, call, instance, private_ip);
    xml.within("hibernationOptions", |xml| {
        xml.text("configured", instance.hibernation);
    });
    ties(xml, instance);
}

fn ties(xml: &mut Xml, instance: &Instance) {
    let ties = &instance.ties;
    xml.maybe("outpostArn", ties.outpost.as_ref());
    xml.maybe("tpmSupport", ties.nitro_tpm.then_some("v2.0"));
    xml.maybe("capacityReservationId", ties.reservation.as_ref());
    xml.within("capacityReservationSpecification", |xml| {
        match &ties.reservation {
            None => xml.text("capacityReservationPreference", "open"),
            Some(id) => xml.within("capacityReservationTarget", |xml| {
                xml.text("capacityReservationId", id);
            }),
        }
    });
    xml.within("operator", |xml| {
        xml.text("managed", ties.operator.is_some());
        xml.maybe("principal", ties.operator.as_ref());
    });
}

/// When a user requested the state; empty if nobody did.
fn transition(instance: &Instance) -> String {
    let Some(at) = instance.transitioned_at else {
        return String::new();
    };
    let at = at.trunc_subsecs(0).format("%Y-%m-%d %H:%M:%S");
    format!("User initiated ({at} GMT)")
}

fn volumes(xml: &mut Xml, instance: &Instance, look: Option<&InstanceLook>) {
    xml.list("blockDeviceMapping", &instance.volumes, |xml, volume| {
        let goes = look.and_then(|look| look.deleted_with_instance.get(&volume.volume));
        xml.text("deviceName", &volume.device);
        xml.within("ebs", |xml| {
            xml.text("volumeId", &volume.volume);
            xml.text(
                "status",
                if volume.moving {
                    "detaching"
                } else {
                    "attached"
                },
            );
            xml.time("attachTime", instance.launched_at);
            xml.text("deleteOnTermination", goes.copied().unwrap_or(true));
        });
    });
}

/// The network interface, and a second one without a public address if there is one. The owner of the public address
/// distinguishes an Elastic IP address from a temporary one.
fn interface(xml: &mut Xml, call: &Call, instance: &Instance, private_ip: Option<&str>) {
    let count = if instance.state.is_gone() {
        0
    } else {
        1 + u8::from(instance.ties.several_interfaces)
    };
    xml.list("networkInterfaceSet", 0..count, |xml, index| {
        let digits = instance.id.as_str().trim_start_matches("i-");
        let second = if index == 0 { "" } else { "1" };
        xml.text("networkInterfaceId", format!("eni-{second}{digits}"));
        xml.text("subnetId", subnet(call, instance));
        xml.text("vpcId", vpc(call));
        write_groups(xml, &groups(call, instance));
        xml.text("ownerId", call.account());
        xml.text("status", "in-use");
        xml.maybe("privateIpAddress", private_ip);
        let Some(address) = instance.public_ip.as_ref().filter(|_| index == 0) else {
            return;
        };
        xml.within("association", |xml| {
            xml.text("publicIp", address);
            let owner = call.account().to_string();
            let owner = if instance.elastic_ip {
                owner
            } else {
                "amazon".to_owned()
            };
            xml.text("ipOwnerId", owner);
        });
    });
}
