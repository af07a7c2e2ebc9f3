//! Profiles: named backends for the commands, in one file.

mod file;
mod place;

use std::path::PathBuf;

use prism_functions::domain::ids::shown;
use prism_functions::domain::{Code, Problem, Region};
#[cfg(any(feature = "aws", test))]
use prism_functions::rules::config::VARIABLES;
use serde::{Deserialize, Serialize};
use strum::Display;

pub(crate) use file::{Profiles, entry as text};
pub(crate) use place::Place;

/// The profile that always exists: the embedded cloud in its default folder.
pub(crate) const LOCAL: &str = "local";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Display, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Kind {
    /// The embedded cloud on this machine.
    #[default]
    Local,
    /// AWS directly, with the operator's own credentials.
    Aws,
    /// The HTTP API of a deployment.
    Api,
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

/// A profile as it is in the file. TOML leaves out fields without a value.
#[expect(
    clippy::struct_field_names,
    reason = "the AWS configuration calls its own parts profiles too"
)]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) backend: Kind,
    /// The default Region of instances; for AWS, the Region of the deployment.
    pub(crate) region: Option<Region>,
    /// The folder of an embedded cloud.
    pub(crate) home: Option<PathBuf>,
    pub(crate) url: Option<String>,
    pub(crate) auth: Option<Auth>,
    pub(crate) token_file: Option<PathBuf>,
    /// The profile of the AWS configuration whose credentials are used.
    pub(crate) aws_profile: Option<String>,
    /// The stack from which the fields below were read.
    pub(crate) stack: Option<String>,
    /// The version that the stack reported.
    pub(crate) version: Option<String>,
    // The settings of the deployment, by their keys in `VARIABLES`.
    pub(crate) table: Option<String>,
    pub(crate) deployment: Option<String>,
    pub(crate) state_machine: Option<String>,
    pub(crate) event_bus: Option<String>,
    pub(crate) alarm_topic: Option<String>,
    pub(crate) schedule_group: Option<String>,
    pub(crate) schedule_role: Option<String>,
    pub(crate) dead_letters: Option<String>,
    pub(crate) public_scope: Option<String>,
    pub(crate) organization: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) launch_networks: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) launch_subnets: Vec<String>,
    pub(crate) launch_instance_profile: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed_regions: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed_instance_types: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) kms_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) resource_tags: Vec<String>,
    pub(crate) ec2_share_percent: Option<String>,
    pub(crate) queue_hours: Option<String>,
    pub(crate) iam_identity: Option<String>,
}

impl Profile {
    /// A profile with only its backend set.
    pub(crate) fn of(backend: Kind) -> Self {
        Self {
            backend,
            ..Self::default()
        }
    }

    /// The fields that are set.
    pub(crate) fn fields(&self) -> Result<toml::Table, String> {
        toml::Table::try_from(self).map_err(|error| error.to_string())
    }

    /// How API requests are authenticated: with a token if a token file is set.
    pub(crate) fn auth(&self) -> Auth {
        let token = self.token_file.as_ref().map_or(Auth::Iam, |_| Auth::Token);
        self.auth.unwrap_or(token)
    }

    /// Refuses fields that the backend does not use, and missing required ones.
    pub(crate) fn check(&self) -> Result<(), String> {
        let backend = self.backend;
        let is_used = |key: &str| match (backend, key) {
            (_, "backend" | "region")
            | (Kind::Api, "url" | "auth" | "token_file" | "aws_profile") => true,
            (Kind::Local, key) => key == "home",
            (Kind::Aws, key) => !matches!(key, "home" | "url" | "auth" | "token_file"),
            // A profile of an API that was configured from a stack records the stack.
            (Kind::Api, key) => matches!(key, "stack" | "version"),
        };
        let needed: &[&str] = match backend {
            Kind::Local => &[],
            Kind::Aws => &["region", "table", "state_machine"],
            Kind::Api => &["region", "url"],
        };
        let fields = self.fields()?;
        if let Some(key) = fields.keys().find(|key| !is_used(key)) {
            return Err(format!("the backend {backend} does not use {key}"));
        }
        match needed.iter().find(|key| !fields.contains_key(**key)) {
            Some(key) => Err(format!("the backend {backend} needs {key}")),
            None => Ok(()),
        }
    }

    /// The profile with the settings of a deployment, which its stack has as outputs.
    #[cfg(any(feature = "aws", test))]
    pub(crate) fn with_outputs(
        &self,
        output: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let mut fields = self.fields()?;
        for variable in VARIABLES.iter().filter(|it| !it.key.is_empty()) {
            let Some(value) = output(variable.output) else {
                continue;
            };
            let value = if variable.is_list() {
                let items = value.split(',').map(str::trim);
                let items: Vec<&str> = items.filter(|it| !it.is_empty()).collect();
                items.into()
            } else {
                toml::Value::String(value)
            };
            fields.insert(variable.key.to_owned(), value);
        }
        fields.try_into().map_err(|error| error.to_string())
    }

    /// The value of an environment variable of the functions, as the profile has it.
    #[cfg(any(feature = "aws", test))]
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let variable = VARIABLES.iter().find(|it| it.name == name)?;
        match self.fields().ok()?.get(variable.key)? {
            toml::Value::Array(items) => {
                let items: Vec<&str> = items.iter().filter_map(toml::Value::as_str).collect();
                Some(items.join(","))
            }
            value => value.as_str().map(str::to_owned),
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
            "The profiles are: {}. Create another with \"prism configure\".",
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
        "The profile name {} is not valid: it must have 1 to 64 letters, digits, \".\", \"_\" or \"-\".",
        shown(name)
    );
    Err(Problem::new(Code::InvalidName, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_a_stack_is_read_into_a_profile_and_out_of_it() {
        let access = Profile {
            region: Some("us-west-2".parse().unwrap()),
            ..Profile::of(Kind::Aws)
        };
        let output = |name: &str| (name != "OrganizationArn").then(|| format!("a,b of {name}"));
        let profile = access.with_outputs(output).unwrap();
        assert_eq!(profile.region, access.region);
        for variable in VARIABLES {
            let expected = (!variable.key.is_empty()).then(|| output(variable.output));
            assert_eq!(
                profile.variable(variable.name),
                expected.flatten(),
                "{variable:?}"
            );
        }
        assert_eq!(profile.launch_networks, ["a", "b of LaunchNetworks"]);
    }
}
