//! ModifyImageAttribute and DescribeImageAttribute for launch permissions.

use prism_functions::domain::ImageId;
use prism_functions::domain::ec2::LaunchPermission;
use prism_functions::domain::ids::shown;
use prism_functions::ports::Ec2 as _;

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::looks;
use super::super::params::Params;
use super::super::xml::Xml;
use super::done;

/// Accepts both forms: `LaunchPermission.Add.1.UserId`, and `OperationType` with `UserId.1`.
pub(super) async fn modify(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let id: ImageId = call.params.required_id("ImageId")?;
    call.params.only("Attribute", "launchPermission")?;
    let mut launch = call.params.within("LaunchPermission");
    let mut added = permissions(&mut launch, "Add")?;
    let mut removed = permissions(&mut launch, "Remove")?;
    launch.finish()?;
    let operation = call.params.take("OperationType");
    let flat = flat(&mut call.params)?;
    match operation.as_deref() {
        Some("add") => added.extend(flat),
        Some("remove") => removed.extend(flat),
        None if flat.is_empty() => {}
        other => {
            let rule = "it is add or remove";
            let other = other.unwrap_or_default();
            return Err(call.params.invalid("OperationType", other, rule));
        }
    }
    call.finish()?;
    if added.is_empty() && removed.is_empty() {
        let message = "The request names no launch permission to add or to remove";
        return Err(Fault::new("InvalidParameterCombination", message));
    }
    // The image must meet the same requirements for removing a permission as for adding one.
    let ec2 = &call.ec2;
    ec2.add_launch_permissions(&call.region, &id, &added)
        .await?;
    if !removed.is_empty() {
        looks::remove_permissions(&call, &id, &removed)?;
    }
    Ok(done())
}

fn permissions(launch: &mut Params, name: &str) -> Result<Vec<LaunchPermission>, Fault> {
    let mut permissions = Vec::new();
    for mut member in launch.structs(name) {
        let before = permissions.len();
        if let Some(group) = member.take("Group") {
            permissions.push(everyone(&group)?);
        }
        if let Some(account) = member.take("UserId") {
            permissions.push(user(&account)?);
        }
        for arn in ["OrganizationArn", "OrganizationalUnitArn"] {
            if let Some(arn) = member.take(arn) {
                permissions.push(organization(arn)?);
            }
        }
        member.finish()?;
        if permissions.len() != before + 1 {
            let message = "Each launch permission names one group, account, organization or unit";
            return Err(Fault::new("InvalidParameterCombination", message));
        }
    }
    Ok(permissions)
}

fn flat(params: &mut Params) -> Result<Vec<LaunchPermission>, Fault> {
    let mut permissions = Vec::new();
    for group in params.list("UserGroup")? {
        permissions.push(everyone(&group)?);
    }
    for account in params.list("UserId")? {
        permissions.push(user(&account)?);
    }
    for name in ["OrganizationArn", "OrganizationalUnitArn"] {
        for arn in params.list(name)? {
            permissions.push(organization(arn)?);
        }
    }
    Ok(permissions)
}

fn everyone(group: &str) -> Result<LaunchPermission, Fault> {
    if group == "all" {
        return Ok(LaunchPermission::Everyone);
    }
    Err(no_item("userGroup", group))
}

fn user(text: &str) -> Result<LaunchPermission, Fault> {
    let account = text.parse().map(LaunchPermission::Account);
    account.map_err(|_| no_item("userId", text))
}

/// The fault for something that cannot have a launch permission.
fn no_item(kind: &str, value: &str) -> Fault {
    let message = format!(
        "Invalid attribute item value {} for {kind} item type.",
        shown(value)
    );
    Fault::new("InvalidAMIAttributeItemValue", message)
}

fn organization(arn: String) -> Result<LaunchPermission, Fault> {
    if arn.starts_with("arn:aws:organizations::") && arn.len() <= 200 {
        return Ok(LaunchPermission::Organization(arn));
    }
    Err(no_item("organizationArn", &arn))
}

/// Only `launchPermission` is supported.
pub(super) async fn describe(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let id: ImageId = call.params.required_id("ImageId")?;
    let attribute = call.params.required("Attribute")?;
    if attribute != "launchPermission" {
        let rule = "the simulator knows only launchPermission";
        return Err(call.params.invalid("Attribute", &attribute, rule));
    }
    call.finish()?;
    let held = call.ec2.launch_permissions(&call.region, &id).await?;
    let mut xml = Xml::new();
    xml.text("imageId", &id);
    xml.list("launchPermission", &held, |xml, held| match held {
        LaunchPermission::Everyone => xml.text("group", "all"),
        LaunchPermission::Account(account) => xml.text("userId", account),
        LaunchPermission::Organization(arn) if arn.contains(":ou/") => {
            xml.text("organizationalUnitArn", arn);
        }
        LaunchPermission::Organization(arn) => xml.text("organizationArn", arn),
    });
    Ok(xml)
}
