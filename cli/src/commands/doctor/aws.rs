//! The checks of a deployment on AWS. None of them changes anything.

use std::sync::Arc;

use prism_functions::aws::{AwsEc2, Clients, DynamoTable, StepFunctions, TableShape};
use prism_functions::domain::tags::{OWNER_TAG, SAVE_TAG};
use prism_functions::domain::{Code, InstanceId, Problem, Region, UserId};
use prism_functions::operations::Service;
use prism_functions::ports::{
    Clock, Ec2, Ec2Error, ExecutionsError, InstanceFilter, NewImage, Probe, TableError, Tags,
};
use prism_local::executions::DEFINITION;
use serde_json::Value;

use super::{Check, Verdict, clock};
use crate::client::{aws, head_of};
use crate::profile::Profile;

pub(super) async fn checks(profile: &Profile, time: &Arc<dyn Clock>) -> Vec<Check> {
    let settings = aws::config(profile).map(|_| "valid");
    let mut checks = vec![Check::of("settings", settings)];
    let clients = match aws::clients(profile).await {
        Ok(clients) => Arc::new(clients),
        Err(problem) => {
            checks.push(Check::fail("credentials", problem));
            return checks;
        }
    };
    checks.push(time_of(&clients, time).await);
    let user = match aws::caller(&clients, profile).await {
        Ok(user) => user,
        Err(problem) => {
            checks.push(Check::fail("credentials", problem));
            return checks;
        }
    };
    checks.push(Check::ok("credentials", format!("you are {user}")));
    let ec2 = AwsEc2::new(Arc::clone(&clients), &[]);
    checks.push(region(&ec2, clients.home()).await);
    checks.push(table(&clients, profile).await);
    checks.extend(machine(&clients, profile).await);
    checks.extend(permissions(&ec2, clients.home(), &user).await);
    checks
}

/// Opens the deployment's service with the operator's own permissions.
pub(super) async fn service(profile: &Profile) -> Result<Service, Problem> {
    Ok(aws::opened(profile).await?.0)
}

/// Sends a request without credentials to the SDK's endpoint, because every response has a date.
async fn time_of(clients: &Clients, time: &Arc<dyn Clock>) -> Check {
    let region = clients.home();
    let end = if region.as_str().starts_with("cn-") {
        ".cn"
    } else {
        ""
    };
    let usual = format!("https://sts.{region}.amazonaws.com{end}");
    let url = clients.config().endpoint_url().unwrap_or(&usual);
    match head_of(url, time).await {
        Ok(headers) => clock::check(&headers, time.now()),
        Err(problem) => Check::warn("clock", problem),
    }
}

async fn region(ec2: &AwsEc2, region: &Region) -> Check {
    let found = ec2
        .regions()
        .await
        .map_err(ec2_problem)
        .and_then(|regions| {
            if regions.contains(region) {
                return Ok(region.to_string());
            }
            let message = format!("The Region {region} is not enabled for the account.");
            Err(Problem::new(Code::InvalidRegion, message))
        });
    Check::of("region", found)
}

async fn table(clients: &Clients, profile: &Profile) -> Check {
    let name = profile.table.clone().unwrap_or_default();
    let shape = DynamoTable::new(clients, &name).shape().await;
    let found = shape
        .map_err(|error| table_problem(&name, error))
        .and_then(|shape| {
            let wanted = TableShape::wanted();
            if shape == wanted {
                return Ok(name.clone());
            }
            let message = format!(
                "The table {name} is not one of Prism's: it has {shape} instead of {wanted}."
            );
            Err(Problem::new(Code::DeploymentNotFound, message))
        });
    Check::of("table", found)
}

async fn machine(clients: &Clients, profile: &Profile) -> Vec<Check> {
    let arn = profile.state_machine.clone().unwrap_or_default();
    let machine = StepFunctions::new(clients, &arn);
    let mut checks = Vec::new();
    match machine.definition().await {
        Ok(definition) => {
            checks.push(Check::ok("state machine", arn.clone()));
            checks.push(Check::of("definition", same_definition(&definition)));
        }
        Err(error) => checks.push(Check::fail("state machine", machine_problem(&arn, error))),
    }
    let may = machine.may_start().await;
    let may = may.map_err(|error| machine_problem(&arn, error));
    checks.push(Check::of("states:StartExecution", may.map(|()| "you may")));
    checks
}

/// Whether the deployed definition is the one of this program.
fn same_definition(deployed: &str) -> Result<String, Problem> {
    let ours: Value = serde_json::from_str(DEFINITION).map_err(|error| {
        Problem::new(Code::Internal, "The definition is not JSON.").because(error)
    })?;
    let theirs: Value = serde_json::from_str(deployed).map_err(|error| {
        let message = "The state machine's definition is not JSON.";
        Problem::new(Code::DeploymentNotFound, message).because(error)
    })?;
    match difference(&ours, &theirs, "") {
        None => Ok(format!("the one of prism {}", env!("CARGO_PKG_VERSION"))),
        Some(place) => {
            let message = format!(
                "The deployed definition differs from the one of prism {} at {place}.",
                env!("CARGO_PKG_VERSION")
            );
            Err(Problem::new(Code::DeploymentNotFound, message)
                .hint("Deploy this version, or use the version of prism that is deployed."))
        }
    }
}

/// Returns the first difference between two definitions. A substitution in this program's definition, such as
/// `${PlanSave}`, matches any deployed value.
fn difference(ours: &Value, theirs: &Value, place: &str) -> Option<String> {
    let here = || {
        Some(if place.is_empty() {
            "/".to_owned()
        } else {
            place.to_owned()
        })
    };
    match (ours, theirs) {
        (Value::String(ours), Value::String(theirs)) if substitutes(ours, theirs) => None,
        (Value::Object(ours), Value::Object(theirs)) => {
            let keys = ours.keys().chain(theirs.keys());
            let mut keys: Vec<&String> = keys.collect();
            keys.sort_unstable();
            keys.dedup();
            keys.into_iter().find_map(|key| {
                let place = format!("{place}/{key}");
                match (ours.get(key), theirs.get(key)) {
                    (Some(ours), Some(theirs)) => difference(ours, theirs, &place),
                    _ => Some(place),
                }
            })
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            let pairs = ours.iter().zip(theirs).enumerate();
            pairs
                .into_iter()
                .find_map(|(at, (ours, theirs))| difference(ours, theirs, &format!("{place}/{at}")))
        }
        (ours, theirs) if ours == theirs => None,
        _ => here(),
    }
}

/// Whether `theirs` is `ours` with any value for the substitution that it contains.
fn substitutes(ours: &str, theirs: &str) -> bool {
    let parts = ours.split_once("${").and_then(|(before, rest)| {
        let (_, after) = rest.split_once('}')?;
        Some((before, after))
    });
    parts.is_some_and(|(before, after)| {
        let rest = theirs.strip_prefix(before);
        rest.is_some_and(|rest| rest.ends_with(after))
    })
}

/// Tries the EC2 actions of a save as dry runs on one of the caller's instances.
async fn permissions(ec2: &AwsEc2, region: &Region, user: &UserId) -> Vec<Check> {
    const NAME: &str = "ec2 permissions";
    let filter = InstanceFilter::Tag(OWNER_TAG.to_owned(), user.to_string());
    let found = match ec2.instances(region, &filter).await {
        Ok(found) => found,
        Err(error) => return vec![Check::fail("ec2:DescribeInstances", ec2_problem(error))],
    };
    let Some(instance) = found.into_iter().find(|instance| !instance.state.is_gone()) else {
        let message = format!("You have no instance in {region} to test the permissions with.");
        return vec![Check::warn(
            NAME,
            Problem::new(Code::InstanceNotFound, message)
                .hint("Launch one and run this again; every save checks the permissions before it starts."),
        )];
    };
    let mut checks = Vec::new();
    for (name, probe) in [
        ("ec2:StopInstances", Probe::Stop(instance.id.clone())),
        ("ec2:StartInstances", Probe::Start(instance.id.clone())),
        ("ec2:CreateImage", Probe::CreateImage(image(&instance.id))),
    ] {
        let tried = ec2.probe(region, &probe).await;
        checks.push(match tried {
            Ok(()) => Check::ok(name, "you may"),
            Err(error) if error.is_unauthorized() => Check::fail(name, ec2_problem(error)),
            // The error concerns this instance, such as its state.
            Err(error) => Check::warn(name, ec2_problem(error)),
        });
    }
    debug_assert!(
        checks
            .iter()
            .all(|check| check.verdict != Verdict::Ok || check.hint.is_none())
    );
    checks
}

/// The image for a dry run of `CreateImage`. It is never created.
fn image(instance: &InstanceId) -> NewImage {
    NewImage {
        instance: instance.clone(),
        name: format!("prism-dry-run-{instance}"),
        reboot: false,
        exclude: std::collections::BTreeSet::new(),
        description: format!("Saved from {instance}"),
        // Tagging needs a permission of its own.
        tags: Tags::from([(SAVE_TAG.to_owned(), "dry-run".to_owned())]),
    }
}

fn ec2_problem(error: Ec2Error) -> Problem {
    let code = if error.is_unauthorized() {
        Code::PermissionMissing
    } else {
        Code::AwsRefused
    };
    Problem::new(code, "EC2 refused the request.").because(error)
}

fn table_problem(name: &str, error: TableError) -> Problem {
    let message = format!("The table {name} cannot be read.");
    Problem::new(Code::RegistryUnavailable, message).because(error)
}

fn machine_problem(arn: &str, error: ExecutionsError) -> Problem {
    let message = format!("The state machine {arn} cannot be used.");
    Problem::new(Code::AwsUnavailable, message).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployed() -> String {
        prism_functions::steps::ALL.iter().fold(
            DEFINITION.replace("${Partition}", "aws-cn"),
            |text, step| {
                let arn = format!("arn:aws:lambda:us-east-1:1:function:{}:1", step.name);
                text.replace(&format!("${{{}}}", step.name), &arn)
            },
        )
    }

    #[test]
    fn a_definition_is_known_whatever_its_functions_are() {
        assert!(deployed().contains("arn:aws:lambda"));
        same_definition(&deployed()).unwrap();
        same_definition(DEFINITION).unwrap();
    }

    #[test]
    fn a_definition_with_another_integration_is_reported() {
        let queue = deployed().replacen("lambda:invoke", "sqs:sendMessage", 1);
        let problem = same_definition(&queue).unwrap_err();
        assert!(problem.message.contains("/Resource"), "{problem}");
    }

    #[test]
    fn a_definition_of_another_version_is_reported_with_the_place() {
        let mut other: Value = serde_json::from_str(&deployed()).unwrap();
        other["States"]["StopInstance"]["TimeoutSeconds"] = 7.into();
        let problem = same_definition(&other.to_string()).unwrap_err();
        assert!(
            problem
                .message
                .contains("/States/StopInstance/TimeoutSeconds"),
            "{problem}"
        );
        other["States"].as_object_mut().unwrap().remove("PlanSave");
        let problem = same_definition(&other.to_string()).unwrap_err();
        assert!(problem.message.contains("/States/PlanSave"), "{problem}");
    }
}
