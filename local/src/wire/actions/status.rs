//! DescribeInstanceStatus, DescribeInstanceAttribute and GetConsoleOutput.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prism_functions::domain::InstanceId;
use prism_functions::domain::ec2::{InstanceState, StatusChecks};
use prism_functions::ports::{Ec2 as _, Tags};

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::filters::Filters;
use super::super::looks;
use super::super::pages::Paging;
use super::super::xml::Xml;
use super::instances::state;

/// Each instance is a separate request to the port, and uses one token of the throttle.
pub(super) async fn describe(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    call.params.only("IncludeManagedResources", "false")?;
    let ids: Vec<InstanceId> = call.params.ids("InstanceId")?;
    let all = call.params.flag("IncludeAllInstances")?;
    let filters = Filters::take(&mut call.params, &["instance-state-name"])?;
    let paging = Paging::take(&mut call.params, call.action, 5..=1000)?;
    let paging = paging.unless_named(!ids.is_empty())?;
    call.finish()?;

    let known = looks::instances(&call)?;
    let wanted = looks::wanted(ids, &known);
    let (page, next) = paging.cut(wanted, InstanceId::to_string, |_| true);
    let mut told = Vec::with_capacity(page.len());
    for id in page {
        let checks = call.ec2.status_checks(&call.region, &id).await?;
        let state = known.get(&id).map(|look| look.state);
        let state = state.unwrap_or(InstanceState::Pending);
        let named = |_: &str| vec![state.as_str().to_owned()];
        if (all || state == InstanceState::Running) && filters.pass(&Tags::new(), named) {
            let zone = known.get(&id).map(|look| look.zone.clone());
            told.push((id, zone.unwrap_or_default(), state, checks));
        }
    }

    Ok(Xml::page(
        "instanceStatusSet",
        &told,
        next,
        |xml, (id, zone, now, checks)| {
            xml.text("instanceId", id);
            xml.text("availabilityZone", zone);
            state(xml, "instanceState", *now);
            summary(xml, "systemStatus", *checks);
            summary(xml, "instanceStatus", *checks);
        },
    ))
}

fn summary(xml: &mut Xml, name: &str, checks: StatusChecks) {
    let (status, detail) = match checks {
        StatusChecks::Ok => ("ok", Some("passed")),
        StatusChecks::Initializing => ("initializing", Some("initializing")),
        StatusChecks::Impaired => ("impaired", Some("failed")),
        StatusChecks::NotApplicable => ("not-applicable", None),
    };
    xml.within(name, |xml| {
        xml.text("status", status);
        xml.list("details", detail, |xml, detail| {
            xml.text("name", "reachability");
            xml.text("status", detail);
        });
    });
}

/// What the console shows now, whether or not `Latest` is set.
pub(super) async fn console(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let id: InstanceId = call.params.required_id("InstanceId")?;
    call.params.flag("Latest")?;
    call.finish()?;
    let shown = call.ec2.console(&call.region, &id).await?;
    let mut xml = Xml::new();
    xml.text("instanceId", &id);
    xml.text("output", STANDARD.encode(shown));
    Ok(xml)
}

/// Only `disableApiStop` is supported.
pub(super) async fn attribute(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let id: InstanceId = call.params.required_id("InstanceId")?;
    let attribute = call.params.required("Attribute")?;
    if attribute != "disableApiStop" {
        let rule = "the simulator knows only disableApiStop";
        return Err(call.params.invalid("Attribute", &attribute, rule));
    }
    call.finish()?;
    let protected = call.ec2.stop_protection(&call.region, &id).await?;
    let mut xml = Xml::new();
    xml.text("instanceId", &id);
    xml.value("disableApiStop", protected);
    Ok(xml)
}
