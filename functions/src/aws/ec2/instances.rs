//! Instances: DescribeInstances and its response.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::describe_instances::builders::DescribeInstancesFluentBuilder;
use aws_sdk_ec2::types::{
    self, ArchitectureValues, AttachmentStatus, DeviceType, InstanceLifecycleType,
};

use super::pages::{self, PAGE_ITEMS};
use super::{any_filter, errors, filter, tag_filter, tags};
use crate::domain::Timestamp;
use crate::domain::ec2::{Architecture, InstanceState};
use crate::ports::{AttachedVolume, Ec2Error, Instance, InstanceFilter, StateReason, Ties};

const DESCRIBE: &str = "DescribeInstances";

/// The states that a search by tag includes: all except `terminated`.
const LISTED: [InstanceState; 5] = [
    InstanceState::Pending,
    InstanceState::Running,
    InstanceState::Stopping,
    InstanceState::Stopped,
    InstanceState::ShuttingDown,
];

pub(super) async fn describe(
    client: &Client,
    wanted: &InstanceFilter,
) -> Result<Vec<Instance>, Ec2Error> {
    let request = match wanted {
        // Without IDs, EC2 would return every instance of the account.
        InstanceFilter::Ids(ids) if ids.is_empty() => return Ok(Vec::new()),
        // EC2 refuses IDs together with a page size.
        InstanceFilter::Ids(ids) => client
            .describe_instances()
            .set_instance_ids(Some(ids.iter().map(ToString::to_string).collect())),
        InstanceFilter::Tag(key, value) => listed(client, tag_filter(key, value)),
        InstanceFilter::Tagged(key) => {
            listed(client, filter("tag-key", key)).max_results(PAGE_ITEMS)
        }
        InstanceFilter::Images(images) if images.is_empty() => return Ok(Vec::new()),
        InstanceFilter::Images(images) => listed(client, any_filter("image-id", images)),
    };
    let reservations = pages::all(DESCRIBE, |token| {
        let request = request.clone().set_next_token(token);
        async {
            let page = request.send().await?;
            Ok((page.reservations.unwrap_or_default(), page.next_token))
        }
    })
    .await?;
    reservations
        .iter()
        .flat_map(types::Reservation::instances)
        .map(|told| instance(DESCRIBE, told))
        .collect()
}

/// A request for the instances that match a filter and are not terminated.
fn listed(client: &Client, filter: types::Filter) -> DescribeInstancesFluentBuilder {
    let states = LISTED.map(|state| state.as_str().to_owned());
    let there = types::Filter::builder()
        .name("instance-state-name")
        .set_values(Some(states.into()));
    client
        .describe_instances()
        .filters(filter)
        .filters(there.build())
}

/// Converts an instance in EC2's response.
pub(super) fn instance(action: &str, told: &types::Instance) -> Result<Instance, Ec2Error> {
    let volumes = told
        .block_device_mappings()
        .iter()
        .filter_map(|mapping| Some((mapping.device_name()?, mapping.ebs()?)))
        .map(|(device, ebs)| {
            Ok(AttachedVolume {
                device: device.to_owned(),
                volume: errors::id(action, "volume ID", ebs.volume_id())?,
                delete_on_termination: ebs.delete_on_termination() == Some(true),
                moving: ebs
                    .status()
                    .is_some_and(|status| *status != AttachmentStatus::Attached),
            })
        })
        .collect::<Result<_, Ec2Error>>()?;
    let public_ip = told.public_ip_address().filter(|ip| !ip.is_empty());
    let hibernation = told
        .hibernation_options()
        .and_then(types::HibernationOptions::configured);
    Ok(Instance {
        id: errors::id(action, "instance ID", told.instance_id())?,
        tags: tags(told.tags()),
        state: errors::need(
            action,
            "instance state",
            told.state().and_then(|s| s.name()).and_then(state),
        )?,
        state_reason: told.state_reason().and_then(state_reason),
        transitioned_at: told.state_transition_reason().and_then(time_of_transition),
        instance_type: errors::need(action, "instance type", told.instance_type())?
            .as_str()
            .to_owned(),
        architecture: errors::need(
            action,
            "architecture",
            told.architecture().and_then(architecture),
        )?,
        zone: told
            .placement()
            .and_then(types::Placement::availability_zone)
            .map(str::to_owned),
        image: errors::id(action, "AMI id", told.image_id())?,
        ebs_root: told.root_device_type() != Some(&DeviceType::InstanceStore),
        root_device: told.root_device_name().unwrap_or_default().to_owned(),
        volumes,
        spot: told.instance_lifecycle() == Some(&InstanceLifecycleType::Spot)
            || told
                .spot_instance_request_id()
                .is_some_and(|request| !request.is_empty()),
        hibernation: hibernation == Some(true),
        product_codes: told
            .product_codes()
            .iter()
            .filter_map(|code| Some(code.product_code_id()?.to_owned()))
            .collect(),
        public_ip: public_ip.map(str::to_owned),
        has_profile: told.iam_instance_profile().is_some(),
        elastic_ip: public_ip.is_some_and(|ip| is_elastic(told, ip)),
        launched_at: errors::instant(action, "launch time", told.launch_time())?,
        ties: ties(told),
    })
}

fn ties(told: &types::Instance) -> Ties {
    let operator = told.operator().filter(|it| it.managed() == Some(true));
    let placement = told.placement().and_then(types::Placement::tenancy);
    Ties {
        reservation: reservation(told),
        dedicated_host: placement == Some(&types::Tenancy::Host),
        outpost: told.outpost_arn().map(str::to_owned),
        operator: operator.map(|it| it.principal().unwrap_or("another service").to_owned()),
        several_interfaces: told.network_interfaces().len() > 1,
        nitro_tpm: told
            .tpm_support()
            .is_some_and(|version| !version.is_empty()),
    }
}

/// The reservation that an instance targets. If the instance targets a group of reservations, or may run in reserved
/// capacity only, this is the reservation that it runs in.
fn reservation(told: &types::Instance) -> Option<String> {
    let runs_in = || told.capacity_reservation_id().map(str::to_owned);
    if told.instance_lifecycle() == Some(&InstanceLifecycleType::CapacityBlock) {
        return runs_in();
    }
    let asked = told.capacity_reservation_specification()?;
    if let Some(target) = asked.capacity_reservation_target() {
        let named = target.capacity_reservation_id().map(str::to_owned);
        return named.or_else(runs_in);
    }
    let only = types::CapacityReservationPreference::CapacityReservationsOnly;
    (asked.capacity_reservation_preference() == Some(&only))
        .then(runs_in)
        .flatten()
}

/// The owner of an address that EC2 assigns is `amazon`; the owner of an Elastic IP address is the account.
fn is_elastic(told: &types::Instance, ip: &str) -> bool {
    told.network_interfaces()
        .iter()
        .filter_map(types::InstanceNetworkInterface::association)
        .filter(|association| association.public_ip() == Some(ip))
        .filter_map(types::InstanceNetworkInterfaceAssociation::ip_owner_id)
        .any(|owner| owner != "amazon")
}

fn state(told: &types::InstanceStateName) -> Option<InstanceState> {
    let states = LISTED.into_iter().chain([InstanceState::Terminated]);
    states
        .into_iter()
        .find(|state| state.as_str() == told.as_str())
}

pub(super) fn state_reason(told: &types::StateReason) -> Option<StateReason> {
    Some(StateReason {
        code: told.code().filter(|code| !code.is_empty())?.to_owned(),
        message: told.message().unwrap_or_default().to_owned(),
    })
}

/// The processor's architecture. The architecture of a Mac instance is the one of its processor, and EC2 runs i386
/// images on x86_64.
pub(super) fn architecture(told: &ArchitectureValues) -> Option<Architecture> {
    match told {
        ArchitectureValues::X8664 | ArchitectureValues::X8664Mac | ArchitectureValues::I386 => {
            Some(Architecture::X86_64)
        }
        ArchitectureValues::Arm64 | ArchitectureValues::Arm64Mac => Some(Architecture::Arm64),
        _ => None,
    }
}

/// StateTransitionReason is text for people. If a user requested the state, it ends in a time: `User initiated
/// (2024-05-06 07:08:09 GMT)`.
fn time_of_transition(reason: &str) -> Option<Timestamp> {
    let (_, time) = reason.strip_suffix(" GMT)")?.rsplit_once('(')?;
    let time = chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S").ok()?;
    Some(time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_transition_is_read_out_of_its_sentence() {
        let at = time_of_transition("User initiated (2024-05-06 07:08:09 GMT)");
        assert_eq!(at.unwrap().to_rfc3339(), "2024-05-06T07:08:09+00:00");
        for other in [
            "",
            "User initiated shutdown",
            "User initiated (soon GMT)",
            "Server.InternalError",
        ] {
            assert_eq!(time_of_transition(other), None, "{other}");
        }
    }
}
