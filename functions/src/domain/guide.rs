//! What to do about an instance that does not come back after its save. One table maps each cause to what happened,
//! what to try, and the exact commands. The command line, its JSON output and the API all show it.

pub(crate) mod shape;

use super::allowed::AllowedRegions;
use super::save::{SaveRecord, SaveState, Trouble};
use super::sizes::Size;
use super::{Code, Region};

pub use shape::{Guide, GuideStep};

struct Row {
    cause: &'static str,
    /// Prism's error codes that identify the cause on their own.
    codes: &'static [Code],
    /// Texts, such as AWS's error codes, that identify the cause.
    words: &'static [&'static str],
    happened: &'static str,
    steps: &'static [(When, &'static str, &'static str)],
}

#[derive(Clone, Copy, PartialEq)]
enum When {
    Always,
    /// The save has already registered its version.
    Saved,
    /// The save has already registered its version, and there is another Region to launch it in.
    SavedElsewhere,
}
use When::{Always, Saved, SavedElsewhere};

/// The last step of every guide.
const LAST: (When, &str, &str) = (
    Always,
    "The save ends automatically when the instance runs or is terminated. Watch it:",
    "prism saves watch {save}",
);

/// The table of causes. The first matching row is used; the last row always matches.
const TABLE: &[Row] = &[
    Row {
        cause: "KmsKey",
        codes: &[Code::RestoreImpossible],
        words: &["Client.InternalError", "InvalidKMSKey"],
        happened: "EC2 cannot start {name} because a volume's KMS key cannot be used: it is disabled, scheduled for \
                   deletion, or does not allow EC2 to use it. The data is unchanged. {said}",
        steps: &[
            (
                Always,
                "Find the key:",
                "aws ec2 describe-volumes --region {region} --filters Name=attachment.instance-id,Values={id} --query 'Volumes[].KmsKeyId'",
            ),
            (
                Always,
                "Check its state, with that key in place of KEY:",
                "aws kms describe-key --region {region} --key-id KEY --query KeyMetadata.KeyState",
            ),
            (
                Always,
                "If it is scheduled for deletion, cancel the deletion, which leaves it disabled:",
                "aws kms cancel-key-deletion --region {region} --key-id KEY",
            ),
            (
                Always,
                "If it is disabled, enable it:",
                "aws kms enable-key --region {region} --key-id KEY",
            ),
            (
                Always,
                "If it is enabled, its policy must allow Prism's roles to use it (kms:CreateGrant, kms:Decrypt):",
                "aws kms get-key-policy --region {region} --key-id KEY --output text",
            ),
            (
                Always,
                "Then start the instance:",
                "prism start {quoted} --region {region}",
            ),
            (
                Always,
                "If the key is deleted, the data of its volumes is lost. Terminate the instance:",
                "prism terminate {quoted} --region {region}",
            ),
        ],
    },
    Row {
        cause: "Quota",
        codes: &[Code::QuotaExceeded],
        words: &["InstanceLimitExceeded", "VcpuLimitExceeded"],
        happened: "The account's quota for running instances is exceeded, so {name} ({type}) cannot be started. The \
                   last attempt: {said}",
        steps: &[
            (
                Always,
                "List the running instances, and stop those that nobody needs:",
                "prism list --region {region}",
            ),
            (
                Always,
                "Then start the instance:",
                "prism start {quoted} --region {region}",
            ),
            (
                Always,
                "List the quotas, and request an increase:",
                "aws service-quotas list-service-quotas --region {region} --service-code ec2 --query \"Quotas[?contains(QuotaName, 'On-Demand')].[QuotaCode,QuotaName,Value]\"",
            ),
            (
                SavedElsewhere,
                "Quotas apply to one Region. The version {template}@{version} is available: copy it to another Region,",
                "prism template copy {template}@{version} --region {elsewhere}",
            ),
            (
                SavedElsewhere,
                "and launch it there:",
                "prism launch {template}@{version} {again} --region {elsewhere}",
            ),
        ],
    },
    Row {
        cause: "NoCapacity",
        codes: &[Code::NoCapacity],
        words: &[
            "InsufficientInstanceCapacity",
            "InsufficientHostCapacity",
            "InsufficientReservedInstanceCapacity",
            "ReservationCapacityExceeded",
        ],
        happened: "EC2 has had no capacity for a {type} in the Availability Zone of {name} since {since}. The \
                   instance is stopped, and its volumes are unchanged. Prism retries automatically. The last \
                   attempt: {said}",
        steps: &[
            (
                Always,
                "Retry now:",
                "prism start {quoted} --region {region}",
            ),
            (
                Saved,
                "The instance was saved as {template}@{version}. Launch it in another size:",
                "prism launch {template}@{version} {again} --region {region} --size {size}",
            ),
            (
                Saved,
                "Or in the same size: the launch is tried in one Availability Zone after another.",
                "prism launch {template}@{version} {again} --region {region}",
            ),
            (
                SavedElsewhere,
                "Or in another Region: copy it there,",
                "prism template copy {template}@{version} --region {elsewhere}",
            ),
            (
                SavedElsewhere,
                "and launch it:",
                "prism launch {template}@{version} {again} --region {elsewhere}",
            ),
            (
                Always,
                "Or change the type of the stopped instance to one that may have capacity, and retry:",
                "aws ec2 modify-instance-attribute --region {region} --instance-id {id} --instance-type {othertype}",
            ),
        ],
    },
    Row {
        cause: "PermissionMissing",
        codes: &[Code::PermissionMissing],
        words: &["UnauthorizedOperation", "AccessDenied"],
        happened: "Prism no longer has permission to start {name}: somebody removed it from Prism's role, or a \
                   policy of the organization denies it. {said}",
        steps: &[
            (
                Always,
                "Start it with your own permissions, if they are sufficient:",
                "aws ec2 start-instances --region {region} --instance-ids {id}",
            ),
            (
                Always,
                "Check the permissions of Prism's role; infra/template.yaml defines them, and deploying it again restores them:",
                "aws iam list-roles --query \"Roles[?contains(RoleName, 'RestoreInstance')].RoleName\"",
            ),
            (
                Always,
                "The sweep then retries automatically. Or retry immediately, with the API's role:",
                "prism start {quoted} --region {region}",
            ),
        ],
    },
    Row {
        cause: "Throttled",
        codes: &[Code::Throttled],
        words: &["RequestLimitExceeded", "Throttling"],
        happened: "AWS has throttled the account for hours, so {name} could not be started. Usually something else in \
                   the account calls EC2 too often. Prism retries automatically.",
        steps: &[
            (
                Always,
                "Find out who calls EC2 too often, and stop it:",
                "aws cloudtrail lookup-events --region {region} --lookup-attributes AttributeKey=EventSource,AttributeValue=ec2.amazonaws.com --query 'Events[].Username'",
            ),
            (
                Always,
                "Then start the instance:",
                "prism start {quoted} --region {region}",
            ),
        ],
    },
    Row {
        cause: "AwsUnavailable",
        codes: &[Code::AwsUnavailable, Code::RegistryUnavailable],
        words: &[],
        happened: "AWS has not responded for hours, so {name} could not be started. Prism retries automatically. \
                   The last attempt: {said}",
        steps: &[
            (
                Always,
                "Check whether EC2 responds now:",
                "aws ec2 describe-instances --region {region} --instance-ids {id} --query 'Reservations[].Instances[].State.Name'",
            ),
            (
                Always,
                "If it does, start the instance:",
                "prism start {quoted} --region {region}",
            ),
        ],
    },
    Row {
        cause: "Refused",
        codes: &[Code::StartRefused, Code::AwsRefused],
        words: &[],
        happened: "EC2 refuses to start {name}. {said} EC2's error message is in the log, under the ID {save}.",
        steps: &[
            (
                Always,
                "Fix the cause that EC2's error code names, then start the instance:",
                "prism start {quoted} --region {region}",
            ),
            (
                Saved,
                "The instance was saved as {template}@{version}. Launch that instead:",
                "prism launch {template}@{version} {again} --region {region}",
            ),
        ],
    },
    Row {
        cause: "Stopping",
        codes: &[Code::StopTimedOut],
        words: &[],
        happened: "{name} has been stopping since {since}. {said} Prism starts it again as soon as it is stopped.",
        steps: &[
            (
                Always,
                "Force the stop; data that its programs have not written is lost:",
                "aws ec2 stop-instances --region {region} --instance-ids {id} --force",
            ),
            (
                Always,
                "Prism then starts it automatically. Or start it immediately:",
                "prism start {quoted} --region {region}",
            ),
        ],
    },
    Row {
        cause: "Stuck",
        codes: &[Code::RestoreGaveUp, Code::RestartTimedOut],
        words: &[],
        happened: "{name} is stuck and has not reached the state running for hours. {said}",
        steps: &[
            (
                Always,
                "If it is stuck in stopping, force the stop; data that its programs have not written is lost:",
                "aws ec2 stop-instances --region {region} --instance-ids {id} --force",
            ),
            (
                Always,
                "Then start it:",
                "prism start {quoted} --region {region}",
            ),
            (
                Saved,
                "The instance was saved as {template}@{version}. Launch that instead:",
                "prism launch {template}@{version} {again} --region {region}",
            ),
        ],
    },
    Row {
        cause: "Unknown",
        codes: Code::ALL,
        words: &[],
        happened: "{name} could not be started again: {said}",
        steps: &[
            (
                Always,
                "Start it manually:",
                "prism start {quoted} --region {region}",
            ),
            (
                Always,
                "Check what Prism can and cannot do:",
                "prism doctor",
            ),
        ],
    },
];

/// The causes, in the order in which they are checked.
pub fn causes() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|row| row.cause)
}

/// The commands of all guides. Values that depend on the save are placeholders in braces.
pub fn commands() -> impl Iterator<Item = &'static str> {
    let steps = TABLE.iter().flat_map(|row| row.steps).chain([&LAST]);
    steps.map(|(_, _, command)| *command)
}

/// Returns the guide for a save whose instance is down and does not come back; `None` for all other saves. `allowed`
/// contains the Regions of the deployment.
pub fn of(record: &SaveRecord, allowed: &AllowedRegions) -> Option<Guide> {
    let trouble = signs(record)?;
    let fits = |row: &&Row| {
        row.words.iter().any(|word| trouble.message.contains(word))
            || row.codes.iter().any(|code| code.as_str() == trouble.code)
    };
    let row = TABLE.iter().find(fits)?;
    let plan = record.plan.as_ref()?;
    let instance = &plan.instance;
    let elsewhere = elsewhere(&record.request.region, allowed);
    let version = record.version;
    let (size, other_type) = other(record)?;
    let (name, again) = match instance.name.as_str() {
        // A name that starts with "-" would be read as an option.
        name if name.starts_with('-') => (instance.id.to_string(), "again".to_owned()),
        name => (quoted(name), quoted(&format!("{name}-again"))),
    };
    let number = version.unwrap_or_default().to_string();
    let since = trouble.since.format("%F %T UTC").to_string();
    let fill = |text: &str| {
        filled(text, |key| match key {
            "save" => record.save_id.as_str(),
            "name" => &instance.name,
            "quoted" => &name,
            "again" => &again,
            "id" => instance.id.as_str(),
            "region" => record.request.region.as_str(),
            "type" => &instance.instance_type,
            "othertype" => other_type,
            "size" => size.as_str(),
            "template" => record.request.template.as_str(),
            "version" => &number,
            "elsewhere" => elsewhere.as_ref().map_or("", Region::as_str),
            "since" => &since,
            "said" => &trouble.message,
            _ => unreachable!("the table has no other placeholders"),
        })
    };
    let can = |when: When| match when {
        Always => true,
        Saved => version.is_some(),
        SavedElsewhere => version.is_some() && elsewhere.is_some(),
    };
    let steps = row.steps.iter().chain([&LAST]);
    let steps = steps.filter(|(when, _, _)| can(*when));
    Some(Guide {
        cause: row.cause.to_owned(),
        happened: fill(row.happened),
        steps: steps
            .map(|(_, text, command)| GuideStep {
                text: fill(text),
                command: fill(command),
            })
            .collect(),
    })
}

/// Fills in the placeholders of a text from the table. Braces in the inserted values are not expanded again.
fn filled<'a>(text: &str, value: impl Fn(&str) -> &'a str) -> String {
    let mut parts = text.split('{');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (key, rest) = part.split_once('}').unwrap_or((part, ""));
        filled.push_str(value(key));
        filled.push_str(rest);
    }
    filled
}

/// What keeps the instance from starting: the error of the last start, or the failure that ended the restore.
fn signs(record: &SaveRecord) -> Option<Trouble> {
    let failure = record.failure.as_ref();
    match record.state {
        SaveState::Running => record.trouble.clone(),
        SaveState::Stranded => {
            let ended = failure.map(|failure| Trouble {
                code: failure.code.clone(),
                message: failure.message.clone(),
                since: record.updated_at,
            });
            // The code for the expired time limit does not say why the instance did not start.
            match (&record.trouble, ended) {
                (Some(trouble), Some(ended)) if ended.code == Code::RestoreGaveUp.as_str() => {
                    Some(trouble.clone())
                }
                (trouble, ended) => ended.or_else(|| trouble.clone()),
            }
        }
        SaveState::Succeeded | SaveState::Failed | SaveState::Cancelled => None,
    }
}

/// Another Region to launch in, preferably on the same continent as the one that has no capacity.
fn elsewhere(region: &Region, allowed: &AllowedRegions) -> Option<Region> {
    const USUAL: [&str; 8] = [
        "us-east-1",
        "us-west-2",
        "eu-west-1",
        "eu-central-1",
        "ap-southeast-2",
        "ap-northeast-1",
        "ca-central-1",
        "us-east-2",
    ];
    let usual = USUAL.iter().filter_map(|name| name.parse().ok());
    let choice: Vec<Region> = if allowed.0.is_empty() {
        usual.collect()
    } else {
        allowed.0.iter().cloned().collect()
    };
    let continent = |region: &Region| region.as_str().split('-').next().map(str::to_owned);
    let others = || choice.iter().filter(|other| *other != region);
    others()
        .find(|other| continent(other) == continent(region))
        .or_else(|| others().next())
        .cloned()
}

/// A size other than the instance's, with a GPU if the instance has one; the next larger size if there is one.
fn other(record: &SaveRecord) -> Option<(Size, &'static str)> {
    let instance = &record.plan.as_ref()?.instance;
    let machine = |size: &Size| size.machine(instance.architecture);
    let of_type = |size: &&Size| machine(size).instance_type == instance.instance_type;
    let has = Size::ALL.iter().find(of_type);
    let gpu = match has {
        Some(size) => !machine(size).gpu.is_empty(),
        None => instance.instance_type.starts_with(['g', 'p']),
    };
    let alike = |size: &&Size| machine(size).gpu.is_empty() != gpu;
    let larger = Size::ALL
        .iter()
        .filter(alike)
        .find(|size| has.is_some_and(|has| *size > has));
    let smaller = Size::ALL
        .iter()
        .rev()
        .filter(alike)
        .find(|size| Some(*size) != has);
    let size = larger.or(smaller)?;
    Some((*size, machine(size).instance_type))
}

fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@:/+".contains(c);
    if !name.is_empty() && name.chars().all(plain) {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', r"'\''"))
}

#[cfg(test)]
#[path = "guide_tests.rs"]
mod tests;
