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
    "Once the instance runs, or is terminated, the save ends by itself. Watch it:",
    "prism saves watch {save}",
);

/// The table of causes. The first matching row is used; the last row always matches.
const TABLE: &[Row] = &[
    Row {
        cause: "KmsKey",
        codes: &[Code::RestoreImpossible],
        words: &["Client.InternalError", "InvalidKMSKey"],
        happened: "EC2 cannot start {name} because a volume's KMS key cannot be used: it is disabled, waits \
                   for its deletion, or does not let EC2 use it. Its data stays as it is. {said}",
        steps: &[
            (
                Always,
                "See which key it is:",
                "aws ec2 describe-volumes --region {region} --filters Name=attachment.instance-id,Values={id} --query 'Volumes[].KmsKeyId'",
            ),
            (
                Always,
                "See how it is, with that key in place of KEY:",
                "aws kms describe-key --region {region} --key-id KEY --query KeyMetadata.KeyState",
            ),
            (
                Always,
                "If it waits for its deletion, call that off; it is disabled then:",
                "aws kms cancel-key-deletion --region {region} --key-id KEY",
            ),
            (
                Always,
                "If it is disabled:",
                "aws kms enable-key --region {region} --key-id KEY",
            ),
            (
                Always,
                "If it is enabled, its policy must let Prism's roles use it (kms:CreateGrant, kms:Decrypt):",
                "aws kms get-key-policy --region {region} --key-id KEY --output text",
            ),
            (
                Always,
                "Then start the instance:",
                "prism start {quoted} --region {region}",
            ),
            (
                Always,
                "If the key is deleted, what its volumes hold is lost for good. End the instance:",
                "prism terminate {quoted} --region {region}",
            ),
        ],
    },
    Row {
        cause: "Quota",
        codes: &[Code::QuotaExceeded],
        words: &["InstanceLimitExceeded", "VcpuLimitExceeded"],
        happened: "The account's quota of running instances is used up, so {name} ({type}) cannot be started. \
                   The last attempt: {said}",
        steps: &[
            (
                Always,
                "See what runs, and stop what nobody needs:",
                "prism list --region {region}",
            ),
            (
                Always,
                "Then start the instance:",
                "prism start {quoted} --region {region}",
            ),
            (
                Always,
                "See the quotas, and ask AWS for more:",
                "aws service-quotas list-service-quotas --region {region} --service-code ec2 --query \"Quotas[?contains(QuotaName, 'On-Demand')].[QuotaCode,QuotaName,Value]\"",
            ),
            (
                SavedElsewhere,
                "Quotas are of one Region. The version {template}@{version} is there: copy it to another,",
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
        happened: "EC2 has had no room for a {type} in the Availability Zone of {name} since {since}. The instance is \
                   stopped, and its volumes are as they were. Prism goes on asking by itself. The last attempt: {said}",
        steps: &[
            (Always, "Ask now:", "prism start {quoted} --region {region}"),
            (
                Saved,
                "What it was saved for is there as {template}@{version}. Launch that in another size:",
                "prism launch {template}@{version} {again} --region {region} --size {size}",
            ),
            (
                Saved,
                "Or as it is: EC2 chooses a zone of the Region that has room.",
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
                "Or give the stopped instance another type, for which there may be room, and ask again:",
                "aws ec2 modify-instance-attribute --region {region} --instance-id {id} --instance-type {othertype}",
            ),
        ],
    },
    Row {
        cause: "PermissionMissing",
        codes: &[Code::PermissionMissing],
        words: &["UnauthorizedOperation", "AccessDenied"],
        happened: "Prism may not start {name} any more: somebody took the permission from its role, or a policy of \
                   the organization forbids it. {said}",
        steps: &[
            (
                Always,
                "Start it with your own rights, if you have them:",
                "aws ec2 start-instances --region {region} --instance-ids {id}",
            ),
            (
                Always,
                "See what Prism's role may do; infra/template.yaml says what it needs, and deploying it again gives it back:",
                "aws iam list-roles --query \"Roles[?contains(RoleName, 'RestoreInstance')].RoleName\"",
            ),
            (
                Always,
                "The sweep then tries again by itself; or at once, by the API's role:",
                "prism start {quoted} --region {region}",
            ),
        ],
    },
    Row {
        cause: "Throttled",
        codes: &[Code::Throttled],
        words: &["RequestLimitExceeded", "Throttling"],
        happened: "EC2 took no more calls from the account for hours, so {name} could not be started. Something else \
                   in the account calls EC2 too often. Prism goes on asking by itself.",
        steps: &[
            (
                Always,
                "See who calls EC2 so often, and stop it:",
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
        happened: "AWS did not answer for hours, so {name} could not be brought back. Prism goes on asking by itself. \
                   The last attempt: {said}",
        steps: &[
            (
                Always,
                "See whether EC2 answers now:",
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
        happened: "EC2 refuses to start {name}. {said} EC2's own sentence is in the log, under the id {save}.",
        steps: &[
            (
                Always,
                "Fix what EC2's code names, then start the instance:",
                "prism start {quoted} --region {region}",
            ),
            (
                Saved,
                "What it was saved for is there as {template}@{version}. Launch that instead:",
                "prism launch {template}@{version} {again} --region {region}",
            ),
        ],
    },
    Row {
        cause: "Stopping",
        codes: &[Code::StopTimedOut],
        words: &[],
        happened: "{name} has not come to a stop since {since}. {said} Prism starts it again as soon as it is stopped.",
        steps: &[
            (
                Always,
                "Force the stop; what its programs have not written is lost:",
                "aws ec2 stop-instances --region {region} --instance-ids {id} --force",
            ),
            (
                Always,
                "Once it is stopped, it is started by itself; or at once:",
                "prism start {quoted} --region {region}",
            ),
        ],
    },
    Row {
        cause: "Stuck",
        codes: &[Code::RestoreGaveUp, Code::RestartTimedOut],
        words: &[],
        happened: "{name} hangs on its way and has not come to run for hours. {said}",
        steps: &[
            (
                Always,
                "If it hangs in stopping, force it; what its programs have not written is lost:",
                "aws ec2 stop-instances --region {region} --instance-ids {id} --force",
            ),
            (
                Always,
                "Then start it:",
                "prism start {quoted} --region {region}",
            ),
            (
                Saved,
                "What it was saved for is there as {template}@{version}. Launch that instead:",
                "prism launch {template}@{version} {again} --region {region}",
            ),
        ],
    },
    Row {
        cause: "Unknown",
        codes: Code::ALL,
        words: &[],
        happened: "{name} could not be brought back: {said}",
        steps: &[
            (
                Always,
                "Start it by hand:",
                "prism start {quoted} --region {region}",
            ),
            (
                Always,
                "See what Prism can do and what not:",
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
            _ => unreachable!("the table names nothing else"),
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
