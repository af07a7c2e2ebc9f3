//! `prism configure`: writes a profile.

mod source;
#[cfg(feature = "aws")]
mod stack;

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use prism_functions::domain::{Code, Problem};
use serde_json::json;

use crate::commands::doctor;
use crate::environment::Environment;
use crate::errors::Outcome;
use crate::exit;
use crate::global::Global;
use crate::output::Output;
use crate::profile::{self, Chosen, Place, Profile};

const EXAMPLES: &str = "\
A profile names the deployment that commands use. Profiles are stored in \
~/.config/prism/config.toml, or in the file that the variable PRISM_CONFIG names. Without a profile, \
commands use the embedded cloud on this machine.

Examples:
  prism configure --api-url URL --region us-east-1 --default     members: use a deployment's API
  prism configure --stack prism --region us-east-1 --default     operators: work on AWS directly
  prism configure --stack prism --region us-east-1 --backend api the API of a stack
  prism configure --local --name demo --home ~/prism-demo        a separate embedded cloud
  prism configure --use local                                    make the embedded cloud the default";

/// Create a profile, which names the deployment that commands use
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
#[command(group = ArgGroup::new("source").required(true))]
pub(crate) struct Configure {
    #[command(flatten)]
    source: Source,
    /// The Region of the deployment
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The profile in the AWS configuration whose credentials are used
    #[arg(long, value_name = "NAME")]
    aws_profile: Option<String>,
    /// Work on AWS directly, or use the API of the stack
    #[arg(long, value_enum, value_name = "BACKEND", requires = "stack")]
    #[arg(default_value = "aws", hide_default_value = true)]
    backend: Backend,
    /// The file with the token for the API; without it, requests are signed with AWS credentials
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The name of the profile [default: the name of the stack, "api" or "embedded"]
    #[arg(long, value_name = "PROFILE")]
    name: Option<String>,
    /// Make this the default profile, as the first one is
    #[arg(long)]
    default: bool,
    /// Replace an existing profile with this name
    #[arg(long)]
    force: bool,
    /// Do not check whether commands will work with the profile
    #[arg(long)]
    no_check: bool,
}

/// Where the profile comes from.
#[derive(Debug, Args)]
struct Source {
    /// The CloudFormation stack of a deployment
    #[arg(long, group = "source", value_name = "NAME")]
    stack: Option<String>,
    /// The URL of a deployment's API
    #[arg(long, group = "source", value_name = "URL")]
    api_url: Option<String>,
    /// An embedded cloud, in the folder that --home names
    #[arg(long, group = "source")]
    local: bool,
    /// Make an existing profile the default, and change nothing else
    #[arg(long = "use", group = "source", value_name = "PROFILE")]
    switch: Option<String>,
}

/// What a stack's profile works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Backend {
    /// AWS directly, for operators
    Aws,
    /// The API, for members
    Api,
}

impl Configure {
    pub(crate) async fn run(
        self,
        global: &Global,
        environment: &Environment,
        out: &Output,
    ) -> Outcome {
        let place = Place::of(environment);
        if let Some(name) = &self.source.switch {
            return switch(&place, name, out);
        }
        let (usual, profile) = self.profile(global, environment).await?;
        let name = self.name.clone().unwrap_or(usual);
        profile::check_name(&name)?;
        profile.check().map_err(|what| {
            Problem::new(
                Code::ConfigInvalid,
                format!("The profile is incomplete: {what}."),
            )
        })?;
        let default = place.change(|profiles| {
            match profiles.profile.get(&name) {
                Some(there) if *there != profile && !self.force => {
                    let message = format!("There is already a different profile {name}.");
                    return Err(Problem::new(Code::ProfileExists, message));
                }
                _ => {}
            }
            profiles.profile.insert(name.clone(), profile.clone());
            // A first profile that was not the default would leave commands on the embedded cloud.
            if self.default || profiles.default.is_none() {
                profiles.default = Some(name.clone());
            }
            Ok(profiles.default.as_deref() == Some(name.as_str()))
        })?;
        let chosen = Chosen {
            name: Some(name),
            profile,
        };
        show(&chosen, default, &place, out)?;
        if !self.no_check {
            check(&chosen, global, environment, out).await;
        }
        Ok(exit::DONE)
    }
}

/// Prints what was written.
fn show(
    chosen: &Chosen,
    default: bool,
    place: &Place,
    out: &Output,
) -> Result<(), crate::errors::Failure> {
    let name = chosen.name.as_deref().unwrap_or_default();
    let path = place.path()?.display().to_string();
    let fields = chosen.profile.fields();
    let fields = fields.map_err(|what| Problem::new(Code::ConfigInvalid, what))?;
    let value = json!({ "name": name, "default": default, "file": path, "profile": fields });
    out.show(&value, || {
        let text = profile::text(&chosen.profile);
        let usage = if default {
            "It is the default.".to_owned()
        } else {
            format!("Use it: prism --profile {name} list")
        };
        format!("The profile {name} is in {path}:\n{text}{usage}\n")
    })
}

/// Warns of problems that commands would have with the new profile. The profile is written anyway: what is missing may
/// be fixed later.
async fn check(chosen: &Chosen, global: &Global, environment: &Environment, out: &Output) {
    let checks = doctor::of(chosen, global, environment).await;
    let unwell: Vec<doctor::Check> = checks
        .into_iter()
        .filter(|check| check.verdict != doctor::Verdict::Ok)
        .collect();
    if !unwell.is_empty() {
        out.note(doctor::text(&unwell).trim_end());
    }
    if !doctor::is_well(&unwell) {
        let name = chosen.name.as_deref().unwrap_or_default();
        out.warn(&format!(
            "commands will not work yet; see: prism --profile {name} doctor"
        ));
    }
}

/// Makes an existing profile the default.
fn switch(place: &Place, name: &str, out: &Output) -> Outcome {
    place.change(|profiles| {
        profiles.choose(Some(name))?;
        profiles.default = Some(name.to_owned());
        Ok(())
    })?;
    out.done(&json!({ "name": name, "default": true }), || {
        format!("The profile {name} is the default.\n")
    })
}

impl Configure {
    /// Builds the requested profile, and its default name.
    async fn profile(
        &self,
        global: &Global,
        environment: &Environment,
    ) -> Result<(String, Profile), Problem> {
        match &self.source {
            Source {
                stack: Some(stack), ..
            } => {
                let profile = self.of_stack(stack, environment).await?;
                Ok((stack.clone(), profile))
            }
            Source {
                api_url: Some(url), ..
            } => Ok(("api".to_owned(), self.of_url(url, environment)?)),
            _ => Ok(("embedded".to_owned(), self.of_folder(global)?)),
        }
    }
}
