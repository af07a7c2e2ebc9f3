//! The configuration of a deployment. Every variable of the environment is declared once, in [`VARIABLES`].
//!
//! From this list come the checks of the values, the settings in `infra/template.yaml` (parameters, variables and
//! outputs), their table in `docs/deploy.md`, and what `prism configure` reads from a stack.

use std::net::IpAddr;
use std::str::FromStr;

use super::{PublicScope, Settings, SignIn};
use crate::domain::principal::IamIdentity;
use crate::domain::{DeploymentId, Region};

const TABLE: &str = "PRISM_TABLE";
/// Required only by functions that start executions: the steps cannot know it, because the state machine is built from
/// them.
const STATE_MACHINE: &str = "PRISM_STATE_MACHINE_ARN";
const ORGANIZATION: &str = "PRISM_ORGANIZATION_ARN";
/// Empty if the deployment has no portal.
const JWT_ISSUER: &str = "PRISM_JWT_ISSUER";
const JWT_AUDIENCE: &str = "PRISM_JWT_AUDIENCE";
const TOKEN_ORIGINS: &str = "PRISM_TOKEN_ORIGINS";
/// Required, with the next one, by functions that create schedules.
const SCHEDULE_GROUP: &str = "PRISM_SCHEDULE_GROUP";
const SCHEDULE_ROLE: &str = "PRISM_SCHEDULE_ROLE_ARN";

/// What a deployment's schedules start, and with which role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleTarget {
    pub group: String,
    /// The ARN of the role that EventBridge Scheduler assumes.
    pub role: String,
    /// The ARN of the state machine.
    pub machine: String,
    /// The ARN of the dead-letter queue for executions that could not be started.
    pub dead_letters: Option<String>,
}

/// The configuration of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The table's name. Required.
    pub table: String,
    /// The ID of the deployment. If it is not set, only the registry knows it.
    pub deployment: Option<DeploymentId>,
    /// The ARN of the state machine.
    pub state_machine: Option<String>,
    /// What schedules start. Only functions that create schedules need it.
    pub schedules: Option<ScheduleTarget>,
    /// The event bus for notices.
    pub event_bus: String,
    /// The ARN of the SNS topic for alarms.
    pub alarm_topic: Option<String>,
    /// The sender of e-mail to users.
    pub notice_sender: Option<String>,
    /// The settings in which institutions differ.
    pub settings: Settings,
    /// The CIDR blocks that can reach the ports of launched instances.
    pub launch_networks: Vec<String>,
    /// The further Regions whose events are forwarded to the deployment.
    pub event_regions: Vec<Region>,
    /// The namespace of the metrics, which keeps deployments apart.
    pub metrics_namespace: String,
    /// The JWT claim that identifies the user.
    pub user_claim: String,
    /// What identifies the user of an IAM role's session.
    pub iam_identity: IamIdentity,
}

/// An error in the environment variables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A required variable is missing.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// A variable has an invalid value.
    #[error("the environment variable {name} is {value:?}: it must be {rule}")]
    Wrong {
        name: &'static str,
        value: String,
        /// The rule that the value must follow.
        rule: &'static str,
    },
}

/// An environment variable of the functions.
#[derive(Debug)]
pub struct Variable {
    pub name: &'static str,
    /// The key with its value in a profile of the command line; empty if profiles do not have it.
    pub key: &'static str,
    /// The output of the stack with its value; of a setting, also the template's parameter.
    pub output: &'static str,
    /// The value if it is not set; empty for none.
    pub default: &'static str,
    /// What a value must be; empty if any text is allowed.
    pub rule: &'static str,
    /// What the template says about it, if it is a setting that whoever deploys chooses.
    pub setting: Option<Setting>,
    read: fn(&mut Config, &str) -> bool,
}

/// A setting, which is a parameter of the template.
#[derive(Debug)]
pub struct Setting {
    pub values: Values,
    /// What it means.
    pub text: &'static str,
}

/// The values of a setting, as CloudFormation checks them.
#[derive(Debug)]
pub enum Values {
    OneOf(&'static [&'static str]),
    /// A number from the first to the second one.
    Number(u8, u8),
    /// A text of this pattern.
    Text(&'static str),
    /// A list of this pattern, of items separated by commas.
    List(&'static str),
}

/// Declares the variables: name, key, output, default, rule, setting, and what reads a value.
macro_rules! variables {
    ($($name:expr, $key:expr, $output:expr, $default:expr, $rule:expr, $setting:expr, $read:expr;)*) => {
        /// Every variable. A new setting needs a row here, and a field of [`Config`] or [`Settings`] that its row reads.
        pub const VARIABLES: &[Variable] = &[$(Variable {
            name: $name,
            key: $key,
            output: $output,
            default: $default,
            rule: $rule,
            setting: $setting,
            read: $read,
        },)*];
    };
}

variables! {
    TABLE, "table", "TableName", "", "", None, |c, v| put(&mut c.table, v);
    "PRISM_DEPLOYMENT", "deployment", "DeploymentId", "", "8 to 64 lowercase letters, digits or \"-\"", None,
        |c, v| put_some(&mut c.deployment, v);
    STATE_MACHINE, "state_machine", "StateMachineArn", "", "an ARN", None, |c, v| put_arn(&mut c.state_machine, v);
    "PRISM_EVENT_BUS", "event_bus", "EventBusName", "default", "", None, |c, v| put(&mut c.event_bus, v);
    "PRISM_ALARM_TOPIC_ARN", "alarm_topic", "AlarmTopicArn", "", "an ARN", None, |c, v| put_arn(&mut c.alarm_topic, v);
    "PRISM_NOTICE_SENDER", "", "", "", "", None, |c, v| put_some(&mut c.notice_sender, v);
    "PRISM_METRICS_NAMESPACE", "", "", "Prism", "", None, |c, v| put(&mut c.metrics_namespace, v);
    SCHEDULE_GROUP, "schedule_group", "ScheduleGroupName", "", "", None, |c, v| put(&mut target(c).group, v);
    SCHEDULE_ROLE, "schedule_role", "ScheduleRoleArn", "", "an ARN", None,
        |c, v| v.starts_with("arn:") && put(&mut target(c).role, v);
    "PRISM_SCHEDULE_DLQ_ARN", "dead_letters", "DeadLettersArn", "", "an ARN", None,
        |c, v| put_arn(&mut target(c).dead_letters, v);

    JWT_ISSUER, "", "", "", "a URL", None,
        |c, v| v.starts_with("http") && put(&mut sign_in(c).issuer, v);
    JWT_AUDIENCE, "", "", "", "", None, |c, v| put_first(&mut sign_in(c).client_id, v);
    TOKEN_ORIGINS, "", "", "", "origins, such as https://id.example.org", None,
        |c, v| put_origins(&mut sign_in(c).token_origins, v);

    "PRISM_LAUNCH_INSTANCE_PROFILE", "launch_instance_profile", "InstanceProfileName", "",
        "the name of an instance profile",
        None, |c, v| is_profile(v) && put_some(&mut c.settings.launch_profile, v);

    "PRISM_PUBLIC_SCOPE", "public_scope", "PublicScope", "deployment", "\"deployment\", \"organization\" or \"world\"",
        Some(setting(
            Values::OneOf(&["deployment", "organization", "world"]),
            "Who \"--public\" opens a template to: the users of this deployment, the accounts of OrganizationArn, or \
             everybody. In \"organization\" and \"world\", they can also launch its AMIs.",
        )),
        |c, v| put(&mut c.settings.public_scope, v);
    ORGANIZATION, "organization", "OrganizationArn", "", "the ARN of an organization or an organizational unit",
        Some(setting(
            Values::Text("^(arn:aws[a-z-]*:organizations::[0-9]{12}:(organization|ou)/o-[a-z0-9]{10,32}(/ou-[A-Za-z0-9-]+)?)?$"),
            "The organization that \"--public\" means if PublicScope is \"organization\".",
        )),
        |c, v| put_some(&mut c.settings.organization, v);
    "PRISM_ALLOWED_REGIONS", "allowed_regions", "AllowedRegions", "",
        "a comma-separated list of Regions, such as us-east-1,us-west-2",
        Some(setting(
            Values::List("^([a-z]{2,3}(-[a-z]+)+-[0-9]{1,2}(,[a-z]{2,3}(-[a-z]+)+-[0-9]{1,2})*)?$"),
            "The Regions in which instances may be launched and saved, and to which AMIs may be copied. Empty allows all.",
        )),
        |c, v| put(&mut c.settings.allowed_regions, v);
    "PRISM_ALLOWED_INSTANCE_TYPES", "allowed_instance_types", "AllowedInstanceTypes", "",
        "a comma-separated list of instance types or families, such as m7i.large,t3.*",
        Some(setting(
            Values::List(r"^([a-z0-9-]+\.([a-z0-9-]+|\*)(,[a-z0-9-]+\.([a-z0-9-]+|\*))*)?$"),
            "The instance types that may be launched. Empty allows all.",
        )),
        |c, v| put(&mut c.settings.allowed_types, v);
    "PRISM_LAUNCH_NETWORKS", "launch_networks", "LaunchNetworks", "",
        "a comma-separated list of CIDR blocks, such as 192.0.2.0/24",
        Some(setting(
            Values::List(
                "^(([0-9.]+/(3[0-2]|[12]?[0-9])|[0-9a-f:]+/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))\
                 (,([0-9.]+/(3[0-2]|[12]?[0-9])|[0-9a-f:]+/(12[0-8]|1[01][0-9]|[1-9]?[0-9])))*)?$",
            ),
            "The networks from which the ports of launched instances can be reached. Empty opens them to nobody.",
        )),
        |c, v| put_each(&mut c.launch_networks, v, |it| is_network(it).then(|| it.to_owned()));
    "PRISM_LAUNCH_SUBNETS", "launch_subnets", "LaunchSubnets", "",
        "a comma-separated list of subnets, such as subnet-0123456789abcdef0",
        Some(setting(
            Values::List("^(subnet-[0-9a-f]{8,32}(,subnet-[0-9a-f]{8,32})*)?$"),
            "The subnets that instances are launched into, any number for each Region. Those of the Region are tried in this \
             order, until one has room. In a Region without one, launches are refused. Empty means the default subnets of \
             each Region."
        )),
        |c, v| put_each(&mut c.settings.launch_subnets, v, |it| it.parse().ok());
    "PRISM_KMS_KEYS", "kms_keys", "KmsKeys", "",
        "a comma-separated list of ARNs of KMS keys, such as arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        Some(setting(
            Values::List(
                "^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,64}\
                 (,arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,64})*)?$",
            ),
            "The customer managed KMS keys that may be used. The first one in each Region encrypts the copies of AMIs to it and \
             the volumes of launches in it. Empty allows all keys, and leaves encryption to EC2.",
        )),
        |c, v| put(&mut c.settings.kms_keys, v);
    "PRISM_RESOURCE_TAGS", "resource_tags", "ResourceTags", "",
        "a comma-separated list of at most 20 tags, such as CostCentre=42,Owner=lab; keys that begin with aws: or prism:, and Name, are reserved",
        Some(setting(
            Values::List("^((?!aws:|prism:)[^=,]{1,128}=[^,]{0,256}(,(?!aws:|prism:)[^=,]{1,128}=[^,]{0,256})*)?$"),
            "The tags of everything that Prism creates in EC2: AMIs, snapshots, copies, instances, their volumes and network \
             interfaces, and security groups. They take precedence over the tags that users choose.",
        )),
        |c, v| put(&mut c.settings.resource_tags, v);
    "PRISM_EC2_SHARE_PERCENT", "ec2_share_percent", "Ec2SharePercent", "50", "a whole number from 1 to 100",
        Some(setting(
            Values::Number(1, 100),
            "The percentage of each of EC2's request throttles that Prism may use, which limits how many saves begin in a \
             second. The account's other users have the rest.",
        )),
        |c, v| put(&mut c.settings.ec2_share, v);
    "PRISM_QUEUE_HOURS", "queue_hours", "QueueHours", "6", "a whole number from 1 to 12",
        Some(setting(
            Values::Number(1, 12),
            "How long a save, or a copy of an AMI to a Region, may wait for its turn, in hours. One that would wait for longer is \
             refused before anything is changed.",
        )),
        |c, v| put(&mut c.settings.queue_hours, v);
    "PRISM_EVENT_REGIONS", "", "EventRegions", "",
        "a comma-separated list of Regions, such as us-east-1,us-west-2",
        Some(setting(
            Values::List("^([a-z]{2,3}(-[a-z]+)+-[0-9]{1,2}(,[a-z]{2,3}(-[a-z]+)+-[0-9]{1,2})*)?$"),
            "The further Regions in which the stack of infra/events.yaml forwards EC2's events to this deployment. In other \
             Regions than these and its own, saves poll more often.",
        )),
        |c, v| put_each(&mut c.event_regions, v, |it| it.parse().ok());
    "PRISM_IAM_IDENTITY", "iam_identity", "IamIdentity", "arn", "\"arn\" or \"session-name\"",
        Some(setting(
            Values::OneOf(&["arn", "session-name"]),
            "What names a user who signs with IAM: the ARN, or the session name, if single sign-on sets it to the name of the person.",
        )),
        |c, v| put(&mut c.iam_identity, v);
    "PRISM_USER_CLAIM", "", "UserClaim", "email", "",
        Some(setting(Values::Text("^[A-Za-z0-9_:./-]+$"), "The claim of a token that names its user.")),
        |c, v| put(&mut c.user_claim, v);
}

const fn setting(values: Values, text: &'static str) -> Setting {
    Setting { values, text }
}

impl Variable {
    /// Whether its value is a list, of items separated by commas.
    pub fn is_list(&self) -> bool {
        let values = self.setting.as_ref().map(|setting| &setting.values);
        matches!(values, Some(Values::List(_)))
    }
}

impl Config {
    /// Reads the configuration. `variable` looks up an environment variable; an empty one is not set.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        for Variable {
            name,
            default,
            rule,
            read,
            ..
        } in VARIABLES
        {
            let set = variable(name).filter(|value| !value.is_empty());
            let value = set.unwrap_or_else(|| (*default).to_owned());
            if !value.is_empty() && !read(&mut config, &value) {
                return Err(ConfigError::Wrong { name, value, rule });
            }
        }
        config.complete()
    }

    /// Refuses what lacks a variable that it needs.
    fn complete(mut self) -> Result<Self, ConfigError> {
        let settings = &self.settings;
        if self.table.is_empty() {
            return Err(ConfigError::Missing(TABLE));
        }
        if settings.public_scope == PublicScope::Organization && settings.organization.is_none() {
            return Err(ConfigError::Missing(ORGANIZATION));
        }
        let is_whole = |it: &SignIn| !(it.issuer.is_empty() || it.client_id.is_empty());
        self.settings.sign_in = self.settings.sign_in.take().filter(is_whole);
        let asked = |it: &ScheduleTarget| !(it.group.is_empty() && it.role.is_empty());
        if let Some(mut target) = self.schedules.take().filter(asked) {
            target.machine = self.state_machine.clone().unwrap_or_default();
            let needed = [
                (SCHEDULE_GROUP, &target.group),
                (SCHEDULE_ROLE, &target.role),
                (STATE_MACHINE, &target.machine),
            ];
            if let Some((name, _)) = needed.into_iter().find(|(_, value)| value.is_empty()) {
                return Err(ConfigError::Missing(name));
            }
            self.schedules = Some(target);
        }
        Ok(self)
    }

    /// The ARN of the state machine, or an error if it is not set.
    pub fn state_machine(&self) -> Result<&str, ConfigError> {
        let arn = self.state_machine.as_deref();
        arn.ok_or(ConfigError::Missing(STATE_MACHINE))
    }
}

fn target(config: &mut Config) -> &mut ScheduleTarget {
    config.schedules.get_or_insert_default()
}

fn sign_in(config: &mut Config) -> &mut SignIn {
    config.settings.sign_in.get_or_insert_default()
}

/// Puts the first item of a comma-separated list into its place.
fn put_first(place: &mut String, value: &str) -> bool {
    put(place, value.split(',').next().unwrap_or_default().trim())
}

fn put_origins(place: &mut Vec<String>, value: &str) -> bool {
    let origins = value.split(',').map(|origin| origin.trim().to_owned());
    place.extend(origins.filter(|origin| !origin.is_empty()));
    place.iter().all(|origin| origin.starts_with("https://"))
}

/// Puts a value into its place, if it is valid.
fn put<T: FromStr>(place: &mut T, value: &str) -> bool {
    value.parse().map(|value| *place = value).is_ok()
}

fn put_some<T: FromStr>(place: &mut Option<T>, value: &str) -> bool {
    *place = value.parse().ok();
    place.is_some()
}

fn put_arn(place: &mut Option<String>, value: &str) -> bool {
    value.starts_with("arn:") && put_some(place, value)
}

/// Puts the items of a comma-separated list into their place, if each can be read.
fn put_each<T>(place: &mut Vec<T>, value: &str, read: fn(&str) -> Option<T>) -> bool {
    let items = value
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    let read: Option<Vec<T>> = items.map(read).collect();
    let valid = read.is_some();
    *place = read.unwrap_or_default();
    valid
}

/// The names that IAM allows.
fn is_profile(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_network(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
