//! Profiles: named backends for the commands, in one file.

mod file;
mod place;

use std::path::PathBuf;

use prism_functions::domain::ids::shown;
use prism_functions::domain::{Code, Problem, Region};
use serde::{Deserialize, Serialize};

pub(crate) use file::{Profiles, entry as text};
pub(crate) use place::Place;

/// The profile that always exists: the embedded cloud in its default folder.
pub(crate) const LOCAL: &str = "local";

/// The kind of backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// The embedded cloud on this machine.
    Local,
    /// AWS directly, with the operator's own credentials.
    Aws,
    /// The HTTP API of a deployment.
    Api,
}

impl Kind {
    /// The name of the backend in the file.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::Local => "local",
            Kind::Aws => "aws",
            Kind::Api => "api",
        }
    }
}

/// How API requests are authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Auth {
    /// With a signature by AWS credentials.
    Iam,
    /// With a token from a file.
    Token,
}

/// A profile as it is in the file.
#[expect(
    clippy::struct_field_names,
    reason = "the AWS configuration calls its own parts profiles too"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) backend: Kind,
    /// The default Region of instances; for AWS, the Region of the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<Region>,
    /// The folder of an embedded cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) home: Option<PathBuf>,
    /// The URL of an API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// How API requests are authenticated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth: Option<Auth>,
    /// The file that holds the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_file: Option<PathBuf>,
    /// The profile of the AWS configuration whose credentials are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) aws_profile: Option<String>,
    /// The stack from which the fields below were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stack: Option<String>,
    /// The version that the stack reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// The registry's DynamoDB table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) table: Option<String>,
    /// The name of the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deployment: Option<String>,
    /// The ARN of the state machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state_machine: Option<String>,
    /// The event bus for notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event_bus: Option<String>,
    /// The ARN of the SNS topic for alarms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alarm_topic: Option<String>,
    /// The schedule group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schedule_group: Option<String>,
    /// The ARN of the role with which schedules run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schedule_role: Option<String>,
    /// The ARN of the queue for scheduled saves that could not be started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dead_letters: Option<String>,
    /// The scope of `--public`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public_scope: Option<String>,
    /// The organisation that public templates are shared with, if the scope is an organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) organization: Option<String>,
    /// The networks from which the ports of launched instances can be reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) launch_networks: Vec<String>,
    /// The subnets for launched instances; empty for the default VPC's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) launch_subnets: Vec<String>,
    /// The allowed Regions; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed_regions: Vec<String>,
    /// The instance types that may be launched; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed_instance_types: Vec<String>,
    /// The share of EC2's request throttles that may be used, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ec2_share_percent: Option<String>,
    /// What identifies the user of an assumed role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) iam_identity: Option<String>,
}

impl Profile {
    /// A profile with only its backend set.
    pub(crate) fn of(backend: Kind) -> Self {
        Self {
            backend,
            region: None,
            home: None,
            url: None,
            auth: None,
            token_file: None,
            aws_profile: None,
            stack: None,
            version: None,
            table: None,
            deployment: None,
            state_machine: None,
            event_bus: None,
            alarm_topic: None,
            schedule_group: None,
            schedule_role: None,
            dead_letters: None,
            public_scope: None,
            organization: None,
            launch_networks: Vec::new(),
            launch_subnets: Vec::new(),
            allowed_regions: Vec::new(),
            allowed_instance_types: Vec::new(),
            ec2_share_percent: None,
            iam_identity: None,
        }
    }

    /// How API requests are authenticated: with a token if a token file is set.
    pub(crate) fn auth(&self) -> Auth {
        let token = self.token_file.as_ref().map_or(Auth::Iam, |_| Auth::Token);
        self.auth.unwrap_or(token)
    }

    /// Refuses fields that the backend does not use, and missing required ones.
    pub(crate) fn check(&self) -> Result<(), String> {
        let aws = [
            ("stack", self.stack.is_some()),
            ("version", self.version.is_some()),
            ("table", self.table.is_some()),
            ("deployment", self.deployment.is_some()),
            ("state_machine", self.state_machine.is_some()),
            ("event_bus", self.event_bus.is_some()),
            ("alarm_topic", self.alarm_topic.is_some()),
            ("schedule_group", self.schedule_group.is_some()),
            ("schedule_role", self.schedule_role.is_some()),
            ("dead_letters", self.dead_letters.is_some()),
            ("public_scope", self.public_scope.is_some()),
            ("organization", self.organization.is_some()),
            ("launch_networks", !self.launch_networks.is_empty()),
            ("launch_subnets", !self.launch_subnets.is_empty()),
            ("allowed_regions", !self.allowed_regions.is_empty()),
            (
                "allowed_instance_types",
                !self.allowed_instance_types.is_empty(),
            ),
            ("ec2_share_percent", self.ec2_share_percent.is_some()),
            ("iam_identity", self.iam_identity.is_some()),
        ];
        let api = [
            ("url", self.url.is_some()),
            ("auth", self.auth.is_some()),
            ("token_file", self.token_file.is_some()),
        ];
        let home = [("home", self.home.is_some())];
        let aws_profile = [("aws_profile", self.aws_profile.is_some())];
        let foreign: Vec<(&str, bool)> = match self.backend {
            Kind::Local => [&aws[..], &api, &aws_profile].concat(),
            Kind::Aws => [&api[..], &home].concat(),
            // A profile of an API that was configured from a stack records the stack.
            Kind::Api => [&aws[2..], &home].concat(),
        };
        if let Some((key, _)) = foreign.iter().find(|(_, set)| *set) {
            return Err(format!(
                "the backend {} has no {key}",
                self.backend.as_str()
            ));
        }
        let needed = match self.backend {
            Kind::Local => vec![],
            Kind::Aws => vec![
                ("region", self.region.is_some()),
                ("table", self.table.is_some()),
                ("state_machine", self.state_machine.is_some()),
            ],
            Kind::Api => vec![
                ("region", self.region.is_some()),
                ("url", self.url.is_some()),
            ],
        };
        match needed.iter().find(|(_, set)| !set) {
            Some((key, _)) => Err(format!("the backend {} needs {key}", self.backend.as_str())),
            None => Ok(()),
        }
    }
}

/// The profile chosen for a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Its name; `None` for an embedded cloud without a profile.
    pub(crate) name: Option<String>,
    pub(crate) profile: Profile,
}

impl Profiles {
    /// Returns the profile of this name, or the default one, or the embedded cloud.
    pub(crate) fn choose(&self, named: Option<&str>) -> Result<Chosen, Problem> {
        let Some(name) = named.or(self.default.as_deref()) else {
            return Ok(Chosen {
                name: None,
                profile: Profile::of(Kind::Local),
            });
        };
        let profile = match self.profile.get(name) {
            Some(profile) => profile.clone(),
            None if name == LOCAL => Profile::of(Kind::Local),
            None => return Err(self.unknown(name)),
        };
        Ok(Chosen {
            name: Some(name.to_owned()),
            profile,
        })
    }

    fn unknown(&self, name: &str) -> Problem {
        let message = format!("There is no profile {}.", shown(name));
        let mut names: Vec<&str> = self.profile.keys().map(String::as_str).collect();
        if !names.contains(&LOCAL) {
            names.push(LOCAL);
        }
        let hint = format!(
            "There are: {}. \"prism configure\" makes another.",
            names.join(", ")
        );
        Problem::new(Code::ProfileNotFound, message).hint(hint)
    }
}

/// Checks a profile's name, which is typed by users and is a key in the file.
pub(crate) fn check_name(name: &str) -> Result<(), Problem> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    let message = format!(
        "The profile name {} is not valid: it has 1 to 64 letters, digits, \".\", \"_\" or \"-\".",
        shown(name)
    );
    Err(Problem::new(Code::InvalidName, message))
}
