//! SSM ListInventoryEntries: the packages that the agent on an instance reports.

use prism_functions::domain::ids::shown;
use prism_functions::domain::inventory::Package;
use prism_functions::domain::{InstanceId, Region};
use prism_functions::ports::Inspect as _;
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::fields::{Fields, invalid, text};
use crate::ec2::SimEc2;

/// The default and maximum number of entries on a page.
const PAGE: usize = 50;

/// A page of an instance's entries of one type. The agent itself finds the operating system's packages; all others
/// count as custom inventory.
pub(super) async fn entries(
    ec2: &SimEc2,
    region: &Region,
    mut fields: Fields,
) -> Result<Value, Fault> {
    let instance = text(&mut fields, "InstanceId")?;
    let kind = text(&mut fields, "TypeName")?;
    let (from, most) = (offset(&mut fields)?, most(&mut fields)?);
    if let Some(other) = fields.keys().next() {
        return Err(invalid(format!("{} is not recognized", shown(other))));
    }
    let of_system = |package: &Package| matches!(package.manager.as_str(), "apt" | "dnf");
    let (wanted, entry): (bool, fn(&Package) -> Value) = match kind.as_str() {
        "AWS:Application" => (true, application),
        "Custom:Packages" => (false, custom),
        other => {
            let message = format!("{} is not a type of the inventory", shown(other));
            return Err(Fault::new("InvalidTypeNameException", message));
        }
    };
    let id: Option<InstanceId> = instance.parse().ok();
    let told = match &id {
        Some(id) => ec2.packages(region, id).await?,
        None => None,
    };
    let Some(told) = told else {
        let message = format!("The instance {} is not managed", shown(&instance));
        return Err(Fault::new("InvalidInstanceId", message));
    };
    let of_kind: Vec<&Package> = told
        .packages
        .iter()
        .filter(|package| of_system(package) == wanted)
        .collect();
    let page: Vec<Value> = of_kind
        .iter()
        .skip(from)
        .take(most)
        .map(|package| entry(package))
        .collect();
    let next = from.saturating_add(page.len());
    let mut answer = Map::new();
    answer.insert("InstanceId".to_owned(), instance.into());
    answer.insert("TypeName".to_owned(), kind.into());
    answer.insert("SchemaVersion".to_owned(), "1.1".into());
    let at = told.captured_at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    answer.insert("CaptureTime".to_owned(), at.into());
    answer.insert("Entries".to_owned(), page.into());
    if next < of_kind.len() {
        answer.insert("NextToken".to_owned(), next.to_string().into());
    }
    Ok(Value::Object(answer))
}

/// A package of the operating system. Like the agent, this derives the ID from the name of the package file.
fn application(package: &Package) -> Value {
    let Package {
        name,
        version,
        manager,
    } = package;
    let id = if manager == "apt" {
        format!("{name}_{version}_all.deb")
    } else {
        format!("{name}-{version}.src.rpm")
    };
    json!({ "Name": name, "Version": version, "PackageId": id })
}

fn custom(package: &Package) -> Value {
    json!({ "Name": package.name, "Version": package.version, "Manager": package.manager })
}

fn offset(fields: &mut Fields) -> Result<usize, Fault> {
    let Some(token) = fields.remove("NextToken") else {
        return Ok(0);
    };
    let offset = token.as_str().and_then(|token| token.parse().ok());
    offset.ok_or_else(|| Fault::new("InvalidNextToken", "the token is not from this list"))
}

fn most(fields: &mut Fields) -> Result<usize, Fault> {
    let asked = match fields.remove("MaxResults") {
        None => return Ok(PAGE),
        Some(asked) => asked.as_u64().and_then(|asked| usize::try_from(asked).ok()),
    };
    asked
        .filter(|most| (1..=PAGE).contains(most))
        .ok_or_else(|| invalid(format!("MaxResults is 1 to {PAGE}")))
}
