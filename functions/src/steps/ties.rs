//! Ties of an instance that a stop would affect: what replaces it once it is stopped, what it needs to start again, and
//! which of its volumes, addresses and secrets a stop would change (EC2 facts, "Learned since"). Most of them do not
//! matter to a reboot.

use std::time::Duration;

use super::findings::rebooting::FORCED;
use super::label::label;
use crate::domain::ec2::InstanceState;
use crate::domain::save::{SaveRequest, Warning};
use crate::domain::{Code, How, Problem, Region};
use crate::ports::{FLEET_TAG, Instance, SnapshotFilter, Volume, from_ec2};
use crate::rules::Env;

/// How long the host of a Mac instance is scrubbed after a stop, in seconds. AWS: up to 110 minutes.
const SCRUB_S: u32 = 110 * 60;

/// The longest time that a save keeps an instance down before it gives up and starts it again: the limits of
/// AwaitStopped, AwaitSnapshots and AwaitRunning together. EC2 terminates the instances of a Capacity Block half an
/// hour before the block ends.
const LONGEST_DOWN: Duration = Duration::from_mins(15 + 10 + 30 + 30);

/// Returns whether a save has EC2 reboot the instance.
pub(super) fn reboots(request: &SaveRequest, instance: &Instance) -> bool {
    request.how == How::Reboot && instance.state == InstanceState::Running
}

/// Adds to a refusal of the stop that a reboot is possible, unless the instance is stopped already.
pub(super) fn or_reboot(problem: Problem, instance: &Instance) -> Problem {
    if instance.state != InstanceState::Running {
        return problem;
    }
    let hint = format!(
        "Save it with --how reboot, which does not stop it. Otherwise: {}",
        problem.advice()
    );
    problem.hint(hint)
}

/// Refuses an instance that would not come back from a stop or a reboot, or not unchanged.
pub(super) fn check(instance: &Instance) -> Result<(), Problem> {
    if instance.state != InstanceState::Running {
        return Ok(());
    }
    let name = label(instance);
    if let Some(operator) = &instance.ties.operator {
        let message =
            format!("{name} is managed by {operator}: only that service can stop and start it.");
        return Err(Problem::new(Code::ManagedInstance, message));
    }
    // While a volume is being attached or detached, the AMI may or may not contain it, and a stop interrupts whatever
    // waits for its file system.
    if let Some(moving) = instance.volumes.iter().find(|volume| volume.moving) {
        let message = format!(
            "The volume {} ({}) of {name} is being attached or detached.",
            moving.volume, moving.device
        );
        return Err(Problem::new(Code::VolumeMoving, message));
    }
    Ok(())
}

/// Refuses an instance that would be replaced or could not start again, as far as this requires further requests.
pub(super) async fn check_elsewhere(
    env: &Env,
    region: &Region,
    instance: &Instance,
) -> Result<(), Problem> {
    if instance.state != InstanceState::Running {
        return Ok(());
    }
    if let Some(fleet) = instance.tags.get(FLEET_TAG) {
        let maintains = env.ec2.fleet_maintains(region, fleet).await;
        if maintains.map_err(from_ec2)? {
            return Err(fleet_member(instance, fleet));
        }
    }
    // Most Spot Fleets replace the instances that they lose; the others end on their own.
    if let Some(fleet) = instance.tags.get("aws:ec2spot:fleet-request-id") {
        return Err(fleet_member(instance, fleet));
    }
    check_reservation(env, region, instance).await
}

fn fleet_member(instance: &Instance, fleet: &str) -> Problem {
    let name = label(instance);
    let message =
        format!("{name} belongs to the fleet {fleet}, which would replace it when it stops.");
    or_reboot(Problem::new(Code::FleetMember, message), instance)
}

/// Refuses an instance that has to start in a Capacity Reservation, if the reservation is not active, or ends within
/// the longest time for which a save keeps the instance down.
async fn check_reservation(env: &Env, region: &Region, instance: &Instance) -> Result<(), Problem> {
    let Some(id) = &instance.ties.reservation else {
        return Ok(());
    };
    let found = match env.ec2.reservation(region, id).await {
        Err(error) if error.is_not_found() => None,
        told => Some(told.map_err(from_ec2)?),
    };
    let name = label(instance);
    let refused = |message: String| {
        let problem = Problem::new(Code::ReservationEnds, message);
        Err(or_reboot(problem, instance))
    };
    let Some(found) = found.filter(|it| it.active) else {
        return refused(format!(
            "{name} must start in the Capacity Reservation {id}, which has ended or is not active."
        ));
    };
    let now = env.clock.now();
    match found.ends_at {
        Some(end) if end <= now + LONGEST_DOWN => refused(format!(
            "{name} must start in the Capacity Reservation {id}, which ends at {}.",
            end.format("%Y-%m-%d %H:%M UTC")
        )),
        _ => Ok(()),
    }
}

/// Refuses a save if EC2 would refuse its CreateImage once the instance is down, because others have begun snapshots of
/// its volumes.
pub(super) async fn check_pending(
    env: &Env,
    region: &Region,
    instance: &Instance,
    volumes: &[Volume],
) -> Result<(), Problem> {
    let ids = volumes.iter().map(|volume| volume.id.clone()).collect();
    let filter = SnapshotFilter::Pending(ids);
    let pending = env.ec2.snapshots(region, &filter).await;
    let pending = pending.map_err(from_ec2)?;
    for volume in volumes {
        let count = pending.iter().filter(|it| it.volume == volume.id).count();
        let most = most_pending(volume);
        if count >= most {
            let message = format!(
                "{count} snapshots of the volume {} ({}) of {} are pending, and EC2 allows at most {most} at once.",
                volume.id,
                volume.kind,
                label(instance)
            );
            return Err(Problem::new(Code::SnapshotsPending, message));
        }
    }
    Ok(())
}

/// Returns how many snapshots of a volume may be pending at once (EC2's quotas, which cannot be raised).
fn most_pending(volume: &Volume) -> usize {
    match volume.kind.as_str() {
        "st1" | "sc1" => 1,
        _ => 5,
    }
}

/// Returns whether the instance's host is scrubbed after a stop, so that it stays down for hours.
fn is_mac(instance: &Instance) -> bool {
    instance.instance_type.starts_with("mac")
}

/// Returns how much longer than others the instance is down, in seconds.
pub(super) fn extra_downtime_s(instance: &Instance) -> u32 {
    if is_mac(instance) { SCRUB_S } else { 0 }
}

/// Returns warnings about what a save would change about the instance, or would not preserve.
pub(super) fn warnings(instance: &Instance, volumes: &[Volume], reboots: bool) -> Vec<Warning> {
    let warning = |code: &str, text: String| Warning {
        code: code.to_owned(),
        text,
    };
    let name = label(instance);
    let mut warnings = Vec::new();
    if instance.ties.nitro_tpm {
        let text = format!("{name} has a NitroTPM: the AMI does not contain the secrets in it.");
        warnings.push(warning("NitroTpmNotSaved", text));
    }
    for volume in volumes {
        let others = volume.attached_to.iter().filter(|id| **id != instance.id);
        if let Some(other) = others.clone().next() {
            let text = format!(
                "The volume {} is also attached to {other}{}, which may write to it while its snapshot is taken.",
                volume.id,
                match others.count() {
                    1 => String::new(),
                    more => format!(" and to {} more", more - 1),
                }
            );
            warnings.push(warning("MultiAttachedVolume", text));
        }
    }
    if reboots {
        let text = format!(
            "EC2 does not show whether the operating system of {name} boots again, only that the instance is running. If it does not shut down within {} minutes, EC2 forces the reboot, and the save fails.",
            FORCED.num_minutes()
        );
        warnings.push(warning("BootNotShown", text));
    } else if instance.state == InstanceState::Running {
        warnings.extend(of_the_stop(instance).map(|(code, text)| warning(code, text)));
    }
    if let Some(outpost) = &instance.ties.outpost
        && instance.state == InstanceState::Running
    {
        let local = "an AMI with local snapshots cannot be copied elsewhere";
        let text = if reboots {
            format!("{name} runs on the Outpost {outpost}: {local}.")
        } else {
            format!(
                "{name} runs on the Outpost {outpost}: it can start again only if the Outpost has capacity, and {local}."
            )
        };
        warnings.push(warning("OnOutpost", text));
    }
    warnings
}

/// What a warning about the stop recommends, and what that costs.
const OR_REBOOT: &str = "To avoid this, save it with --how reboot: it is down for about a minute and its processes end, as with a stop, and EC2 does not show whether its operating system boots again.";

/// Returns whether the instance type has accelerators, for which EC2 often has no capacity (EC2 facts, "Restart").
fn is_accelerated(instance: &Instance) -> bool {
    let family = instance
        .instance_type
        .split(|c: char| !c.is_ascii_lowercase());
    let family = family.into_iter().next().unwrap_or_default();
    matches!(family, "dl" | "f" | "g" | "gr" | "inf" | "p" | "trn" | "vt")
}

/// Returns the warnings that only concern the stop of a running instance.
fn of_the_stop(instance: &Instance) -> impl Iterator<Item = (&'static str, String)> {
    let (name, ties) = (label(instance), &instance.ties);
    let address = instance.public_ip.as_ref().filter(|_| !instance.elastic_ip);
    let address = address.map(|address| {
        if ties.several_interfaces {
            let text = format!(
                "Its public address {address} is lost: EC2 does not assign a new one to an instance with several network interfaces. To keep it reachable, associate an Elastic IP address first. {OR_REBOOT}"
            );
            ("PublicIpLost", text)
        } else {
            let text = format!(
                "Its public address {address} changes at the restart; private and Elastic IP addresses do not. {OR_REBOOT}"
            );
            ("PublicIpChanges", text)
        }
    });
    let scrubbed = is_mac(instance).then(|| {
        let text = format!(
            "{name} is a Mac instance: its host is scrubbed after the stop, so it is down for up to {} minutes or more. {OR_REBOOT}",
            SCRUB_S / 60
        );
        ("MacHostScrubbed", text)
    });
    // DescribeInstances does not report the credit option, and a Dedicated Host supports T3 in standard mode only.
    let burstable = ties.dedicated_host && instance.instance_type.starts_with("t3.");
    let burstable = burstable.then(|| {
        let text = format!(
            "{name} is a T3 instance on a Dedicated Host: it can start again only if its credit option is standard (aws ec2 describe-instance-credit-specifications). {OR_REBOOT}"
        );
        ("T3OnDedicatedHost", text)
    });
    let scarce = is_accelerated(instance).then(|| {
        let text = format!(
            "{name} has accelerators ({}): EC2 may have no capacity to start it again. {OR_REBOOT}",
            instance.instance_type
        );
        ("CapacityAtRisk", text)
    });
    let warnings = [address, scrubbed, burstable, scarce, released(instance)];
    warnings.into_iter().flatten()
}

/// Returns the warning that a Capacity Reservation keeps no place for an instance that is stopped.
fn released(instance: &Instance) -> Option<(&'static str, String)> {
    let id = instance.ties.reservation.as_ref()?;
    let text = format!(
        "{} must start in the Capacity Reservation {id}: while it is stopped, another instance can take its place there. {OR_REBOOT}",
        label(instance)
    );
    Some(("ReservationReleased", text))
}
