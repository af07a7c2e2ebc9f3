//! StopInstances, StartInstances, TerminateInstances, and the dry runs of the first two.

use prism_functions::domain::InstanceId;
use prism_functions::ports::{Ec2 as _, Probe};

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::looks;
use super::super::xml::Xml;
use super::instances::state;
use crate::ec2::instances_not_found;

#[derive(Debug, Clone, Copy)]
enum Change {
    Stop,
    Start,
    Terminate,
}

pub(super) async fn stop(mut call: Call) -> Result<Xml, Fault> {
    call.params.only("Force", "false")?;
    call.params.only("Hibernate", "false")?;
    call.params.only("SkipOsShutdown", "false")?;
    let dry = call.params.flag("DryRun")?;
    let ids = ids(&mut call)?;
    if dry {
        return probe(&call, ids, Probe::Stop).await;
    }
    change(&call, &ids, Change::Stop)
}

pub(super) async fn start(mut call: Call) -> Result<Xml, Fault> {
    let dry = call.params.flag("DryRun")?;
    let ids = ids(&mut call)?;
    if dry {
        return probe(&call, ids, Probe::Start).await;
    }
    change(&call, &ids, Change::Start)
}

pub(super) fn terminate(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    call.params.only("Force", "false")?;
    call.params.only("SkipOsShutdown", "false")?;
    let ids = ids(&mut call)?;
    change(&call, &ids, Change::Terminate)
}

fn ids(call: &mut Call) -> Result<Vec<InstanceId>, Fault> {
    let ids: Vec<InstanceId> = call.params.ids("InstanceId")?;
    call.finish()?;
    if ids.is_empty() {
        let message = "No instances specified";
        return Err(Fault::new("InvalidParameterCombination", message));
    }
    Ok(ids)
}

async fn probe(
    call: &Call,
    ids: Vec<InstanceId>,
    of: fn(InstanceId) -> Probe,
) -> Result<Xml, Fault> {
    for id in ids {
        call.ec2.probe(&call.region, &of(id)).await?;
    }
    Err(Fault::dry_run())
}

fn change(call: &Call, ids: &[InstanceId], change: Change) -> Result<Xml, Fault> {
    let before = looks::instances(call)?;
    let unknown: Vec<_> = ids.iter().filter(|id| !before.contains_key(*id)).collect();
    let (ec2, region) = (&call.ec2, &call.region);
    match change {
        Change::Stop => ec2.stop_instances(region, ids),
        Change::Start => ec2.start_instances(region, ids),
        Change::Terminate => ec2.terminate_instances(region, ids),
    }
    .map_err(|refused| {
        if refused.is_not_found() {
            instances_not_found(call.action, &unknown)
        } else {
            refused
        }
    })?;
    let after = looks::instances(call)?;
    let mut xml = Xml::new();
    xml.list("instancesSet", ids, |xml, id| {
        xml.text("instanceId", id);
        if let Some(look) = after.get(id) {
            state(xml, "currentState", look.state);
        }
        if let Some(look) = before.get(id) {
            state(xml, "previousState", look.state);
        }
    });
    Ok(xml)
}
