//! The configuration, read once from the environment.

use std::str::FromStr;

use super::schedules::ScheduleTarget;
use crate::domain::DeploymentId;
use crate::domain::grant::OrganizationArn;
use crate::domain::pace::Ec2Share;
use crate::domain::principal::IamIdentity;
use crate::rules::{PublicScope, Settings};

/// The table's name. Required.
const TABLE: &str = "PRISM_TABLE";
/// The ID of the deployment. If it is not set, only the registry knows it.
const DEPLOYMENT: &str = "PRISM_DEPLOYMENT";
/// The ARN of the state machine. Required only by functions that start executions: the steps cannot know it, because
/// the state machine is built from them.
const STATE_MACHINE: &str = "PRISM_STATE_MACHINE_ARN";
/// The event bus for notices. The default is `default`.
const EVENT_BUS: &str = "PRISM_EVENT_BUS";
/// The ARN of the SNS topic for alarms.
const ALARM_TOPIC: &str = "PRISM_ALARM_TOPIC_ARN";
/// The reach of `--public`: `deployment`, `organization` or `world`.
const PUBLIC_SCOPE: &str = "PRISM_PUBLIC_SCOPE";
/// The ARN of the organization that public templates are shared with, if the scope is `organization`.
const ORGANIZATION: &str = "PRISM_ORGANIZATION_ARN";
/// The Regions that the deployment allows, separated by commas. The default is all Regions.
const ALLOWED_REGIONS: &str = "PRISM_ALLOWED_REGIONS";
/// The instance types that the deployment allows, separated by commas. The default is all types.
const ALLOWED_TYPES: &str = "PRISM_ALLOWED_INSTANCE_TYPES";
/// The share of each of EC2's request quotas that may be used, in percent. The default is 50.
const EC2_SHARE: &str = "PRISM_EC2_SHARE_PERCENT";
/// The CIDR blocks that can reach the ports of launched instances, separated by commas.
const LAUNCH_NETWORKS: &str = "PRISM_LAUNCH_NETWORKS";
/// The subnets that instances are launched into, separated by commas: the first one in each Region is used. The
/// default is each Region's default VPC.
const LAUNCH_SUBNETS: &str = "PRISM_LAUNCH_SUBNETS";
/// The schedule group, and the ARN of the role that starts scheduled saves. Required by functions that create
/// schedules.
const SCHEDULE_GROUP: &str = "PRISM_SCHEDULE_GROUP";
const SCHEDULE_ROLE: &str = "PRISM_SCHEDULE_ROLE_ARN";
/// The ARN of the queue for scheduled saves that could not be started.
const SCHEDULE_DLQ: &str = "PRISM_SCHEDULE_DLQ_ARN";
/// The namespace of the metrics, which keeps deployments apart. The default is `Prism`.
const METRICS_NAMESPACE: &str = "PRISM_METRICS_NAMESPACE";
/// The JWT claim that identifies the user. The default is `email`.
const USER_CLAIM: &str = "PRISM_USER_CLAIM";
/// What identifies the user of an IAM role's session: `arn` or `session-name`.
const IAM_IDENTITY: &str = "PRISM_IAM_IDENTITY";

/// The configuration of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The table's name.
    pub table: String,
    pub deployment: Option<DeploymentId>,
    /// The ARN of the state machine.
    pub state_machine: Option<String>,
    /// What schedules start. Only functions that create schedules need it.
    pub schedules: Option<ScheduleTarget>,
    /// The event bus for notices.
    pub event_bus: String,
    /// The ARN of the SNS topic for alarms.
    pub alarm_topic: Option<String>,
    /// The settings in which institutions differ.
    pub settings: Settings,
    /// The CIDR blocks that can reach the ports of launched instances.
    pub launch_networks: Vec<String>,
    /// The subnets that instances are launched into.
    pub launch_subnets: Vec<String>,
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
        /// The variable.
        name: &'static str,
        value: String,
        /// The rule that the value must follow.
        rule: &'static str,
    },
}

impl Config {
    /// Reads the configuration. `variable` looks up an environment variable.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let arn = |name: &'static str| match set(name) {
            Some(value) if !value.starts_with("arn:") => Err(ConfigError::Wrong {
                name,
                value,
                rule: "an ARN",
            }),
            value => Ok(value),
        };
        let state_machine = arn(STATE_MACHINE)?;
        let (group, role) = (set(SCHEDULE_GROUP), arn(SCHEDULE_ROLE)?);
        let dead_letters = arn(SCHEDULE_DLQ)?;
        let schedules = match (group, role, state_machine.clone()) {
            (Some(group), Some(role), Some(machine)) => Some(ScheduleTarget {
                group,
                role,
                machine,
                dead_letters,
            }),
            (None, None, _) => None,
            (None, Some(_), _) => return Err(ConfigError::Missing(SCHEDULE_GROUP)),
            (Some(_), None, _) => return Err(ConfigError::Missing(SCHEDULE_ROLE)),
            (Some(_), Some(_), None) => return Err(ConfigError::Missing(STATE_MACHINE)),
        };
        let public = public_scope(set(PUBLIC_SCOPE).as_deref())?;
        if public == PublicScope::Organization && set(ORGANIZATION).is_none() {
            return Err(ConfigError::Missing(ORGANIZATION));
        }
        Ok(Self {
            table: set(TABLE).ok_or(ConfigError::Missing(TABLE))?,
            deployment: deployment(set(DEPLOYMENT))?,
            state_machine,
            schedules,
            event_bus: set(EVENT_BUS).unwrap_or_else(|| "default".to_owned()),
            alarm_topic: arn(ALARM_TOPIC)?,
            settings: Settings {
                public_scope: public,
                organization: organization(set(ORGANIZATION))?,
                allowed_regions: listed(
                    ALLOWED_REGIONS,
                    set(ALLOWED_REGIONS),
                    "a comma-separated list of Regions, such as us-east-1,us-west-2",
                )?,
                allowed_types: listed(
                    ALLOWED_TYPES,
                    set(ALLOWED_TYPES),
                    "a comma-separated list of instance types or families, such as m7i.large,t3.*",
                )?,
                ec2_share: ec2_share(set(EC2_SHARE))?,
                // The clients know the Region in which the functions run.
                events_from: None,
            },
            launch_networks: networks(set(LAUNCH_NETWORKS))?,
            launch_subnets: subnets(set(LAUNCH_SUBNETS))?,
            metrics_namespace: set(METRICS_NAMESPACE).unwrap_or_else(|| "Prism".to_owned()),
            user_claim: set(USER_CLAIM).unwrap_or_else(|| "email".to_owned()),
            iam_identity: iam_identity(set(IAM_IDENTITY))?,
        })
    }

    /// The ARN of the state machine, or an error if it is not set.
    pub fn state_machine(&self) -> Result<&str, ConfigError> {
        let arn = self.state_machine.as_deref();
        arn.ok_or(ConfigError::Missing(STATE_MACHINE))
    }
}

/// Reads a comma-separated list. An unset variable gives an empty list.
fn listed<T: FromStr>(
    name: &'static str,
    value: Option<String>,
    rule: &'static str,
) -> Result<T, ConfigError> {
    let value = value.unwrap_or_default();
    value
        .parse()
        .map_err(|_| ConfigError::Wrong { name, value, rule })
}

fn ec2_share(value: Option<String>) -> Result<Ec2Share, ConfigError> {
    let read = |value: String| {
        value.parse().map_err(|_| ConfigError::Wrong {
            name: EC2_SHARE,
            value,
            rule: "a whole number from 1 to 100",
        })
    };
    value.map_or(Ok(Ec2Share::default()), read)
}

fn deployment(value: Option<String>) -> Result<Option<DeploymentId>, ConfigError> {
    let read = |value: String| {
        value.parse().map_err(|_| ConfigError::Wrong {
            name: DEPLOYMENT,
            value,
            rule: "8 to 64 lowercase letters, digits or \"-\"",
        })
    };
    value.map(read).transpose()
}

fn organization(value: Option<String>) -> Result<Option<OrganizationArn>, ConfigError> {
    let read = |value: String| {
        value.parse().map_err(|_| ConfigError::Wrong {
            name: ORGANIZATION,
            value,
            rule: "the ARN of an organization or an organizational unit",
        })
    };
    value.map(read).transpose()
}

fn public_scope(value: Option<&str>) -> Result<PublicScope, ConfigError> {
    match value {
        None => Ok(PublicScope::default()),
        Some("deployment") => Ok(PublicScope::Deployment),
        Some("organization") => Ok(PublicScope::Organization),
        Some("world") => Ok(PublicScope::World),
        Some(value) => Err(ConfigError::Wrong {
            name: PUBLIC_SCOPE,
            value: value.to_owned(),
            rule: "\"deployment\", \"organization\" or \"world\"",
        }),
    }
}

fn iam_identity(value: Option<String>) -> Result<IamIdentity, ConfigError> {
    let Some(value) = value else {
        return Ok(IamIdentity::default());
    };
    value.parse().map_err(|_| ConfigError::Wrong {
        name: IAM_IDENTITY,
        value,
        rule: "\"arn\" or \"session-name\"",
    })
}

fn networks(value: Option<String>) -> Result<Vec<String>, ConfigError> {
    let rule = "a comma-separated list of CIDR blocks, such as 192.0.2.0/24";
    several(LAUNCH_NETWORKS, value, is_network, rule)
}

fn subnets(value: Option<String>) -> Result<Vec<String>, ConfigError> {
    let rule = "a comma-separated list of subnets, such as subnet-0123456789abcdef0";
    several(LAUNCH_SUBNETS, value, is_subnet, rule)
}

/// The entries of a comma-separated list, each of which must be `valid`.
fn several(
    name: &'static str,
    value: Option<String>,
    valid: fn(&str) -> bool,
    rule: &'static str,
) -> Result<Vec<String>, ConfigError> {
    let value = value.unwrap_or_default();
    let entries = value.split(',').map(str::trim);
    let entries: Vec<&str> = entries.filter(|entry| !entry.is_empty()).collect();
    if !entries.iter().all(|entry| valid(entry)) {
        return Err(ConfigError::Wrong { name, value, rule });
    }
    Ok(entries.into_iter().map(str::to_owned).collect())
}

fn is_subnet(text: &str) -> bool {
    let digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let digits = text.strip_prefix("subnet-").unwrap_or_default();
    (8..=32).contains(&digits.len()) && digits.bytes().all(digit)
}

fn is_network(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let most = match address.parse() {
        Ok(std::net::IpAddr::V4(_)) => 32,
        Ok(std::net::IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn only_the_table_must_be_set() {
        let config = read(&[(TABLE, "prism")]).unwrap();
        assert_eq!(config.event_bus, "default");
        assert_eq!(config.settings.public_scope, PublicScope::Deployment);
        assert!(config.launch_networks.is_empty() && config.alarm_topic.is_none());
        assert_eq!(config.user_claim, "email");
        assert_eq!(config.iam_identity, IamIdentity::Arn);
        let error = config.state_machine().unwrap_err();
        assert!(error.to_string().contains(STATE_MACHINE));
        assert_eq!(read(&[]), Err(ConfigError::Missing(TABLE)));
        assert_eq!(read(&[(TABLE, "")]), Err(ConfigError::Missing(TABLE)));
    }

    #[test]
    fn everything_can_be_set() {
        let config = read(&[
            (TABLE, "prism"),
            (STATE_MACHINE, "arn:aws:states:a"),
            (PUBLIC_SCOPE, "world"),
            (ALLOWED_REGIONS, "us-east-1,us-west-2"),
            (ALLOWED_TYPES, "t3.*"),
            (EC2_SHARE, "80"),
            (LAUNCH_NETWORKS, "192.0.2.0/24, 2001:db8::/32"),
            (LAUNCH_SUBNETS, "subnet-0123456789abcdef0,subnet-01234567"),
            (USER_CLAIM, "sub"),
            (IAM_IDENTITY, "session-name"),
        ])
        .unwrap();
        assert_eq!(config.state_machine(), Ok("arn:aws:states:a"));
        assert_eq!(config.settings.public_scope, PublicScope::World);
        assert_eq!(config.settings.allowed_regions.0.len(), 2);
        assert_eq!(config.settings.allowed_types.list(), ["t3.*"]);
        assert_eq!(config.settings.ec2_share.to_string(), "80");
        assert_eq!(config.launch_networks, ["192.0.2.0/24", "2001:db8::/32"]);
        let subnets = ["subnet-0123456789abcdef0", "subnet-01234567"];
        assert_eq!(config.launch_subnets, subnets);
        assert_eq!(config.user_claim, "sub");
        assert_eq!(config.iam_identity, IamIdentity::SessionName);
    }

    #[test]
    fn public_reaches_the_organization_only_where_that_is_named() {
        const ARN: &str = "arn:aws:organizations::123456789012:organization/o-a1b2c3d4e5";
        let scope = (PUBLIC_SCOPE, "organization");
        let missing = read(&[(TABLE, "prism"), scope]).unwrap_err();
        assert_eq!(missing, ConfigError::Missing(ORGANIZATION));
        let config = read(&[(TABLE, "prism"), scope, (ORGANIZATION, ARN)]).unwrap();
        assert_eq!(config.settings.public_scope, PublicScope::Organization);
        let named = config.settings.organization.map(|arn| arn.to_string());
        assert_eq!(named.as_deref(), Some(ARN));
        assert!(read(&[(TABLE, "prism"), (ORGANIZATION, "o-a1b2c3d4e5")]).is_err());
    }

    #[test]
    fn schedules_need_their_group_their_role_and_the_machine() {
        let all = [
            (TABLE, "prism"),
            (SCHEDULE_GROUP, "saves"),
            (SCHEDULE_ROLE, "arn:aws:iam::1:role/r"),
            (STATE_MACHINE, "arn:aws:states:a"),
        ];
        let schedules = read(&all).unwrap().schedules.unwrap();
        assert_eq!(
            (schedules.group.as_str(), schedules.dead_letters),
            ("saves", None)
        );
        for missing in 1..all.len() {
            let mut some = all.to_vec();
            let (name, _) = some.remove(missing);
            assert_eq!(read(&some), Err(ConfigError::Missing(name)));
        }
        assert_eq!(read(&all[..1]).unwrap().schedules, None);
    }

    #[test]
    fn a_wrong_value_is_named_with_its_rule() {
        for (name, value) in [
            (SCHEDULE_ROLE, "schedules"),
            (PUBLIC_SCOPE, "everybody"),
            (ALARM_TOPIC, "alarms"),
            (LAUNCH_NETWORKS, "192.0.2.0"),
            (LAUNCH_NETWORKS, "192.0.2.0/33"),
            (LAUNCH_NETWORKS, "campus/24"),
            (LAUNCH_SUBNETS, "vpc-0123456789abcdef0"),
            (LAUNCH_SUBNETS, "subnet-*"),
            (ALLOWED_REGIONS, "us-east-1,europe"),
            (ALLOWED_TYPES, "m7i.large,large"),
            (EC2_SHARE, "0"),
            (EC2_SHARE, "half"),
            (IAM_IDENTITY, "name"),
            (DEPLOYMENT, "Ours"),
        ] {
            let error = read(&[(TABLE, "prism"), (name, value)]).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(name) && text.contains(value), "{text}");
        }
    }
}
