//! `prism configure`: writes a profile.

mod source;
#[cfg(feature = "aws")]
mod stack;

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use prism_functions::domain::{Code, Problem};
use serde_json::json;

use crate::args::Global;
use crate::commands::doctor;
use crate::environment::Environment;
use crate::errors::Outcome;
use crate::exit;
use crate::output::Output;
use crate::profile::{self, Chosen, Place, Profile};

const EXAMPLES: &str = "\
A profile says what the commands work with. It is in ~/.config/prism/config.toml, or where the
variable PRISM_CONFIG says. Without one, everything is embedded on this machine.

Examples:
  prism configure --stack prism --region us-east-1 --default     operators: on AWS, by the stack
  prism configure --stack prism --region us-east-1 --backend api members: by the stack's API
  prism configure --api-url https://abc.execute-api.us-east-1.amazonaws.com --region us-east-1
  prism configure --local --name demo --home ~/prism-demo        an embedded cloud of its own
  prism configure --use local                                    back to the embedded cloud";

/// Write a profile: which Prism the commands work with
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
#[command(group = ArgGroup::new("source").required(true))]
pub(crate) struct Configure {
    #[command(flatten)]
    source: Source,
    /// The Region of the deployment
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The profile of the AWS configuration to take credentials from
    #[arg(long, value_name = "NAME")]
    aws_profile: Option<String>,
    /// Work on AWS itself, or by the API of the stack
    #[arg(long, value_enum, value_name = "BACKEND", requires = "stack")]
    #[arg(default_value = "aws", hide_default_value = true)]
    backend: Backend,
    /// The file that holds the token for the API; without one, requests are signed
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The name of the profile [default: that of the stack, "api" or "embedded"]
    #[arg(long, value_name = "PROFILE")]
    name: Option<String>,
    /// Use the profile where none is named
    #[arg(long)]
    default: bool,
    /// Replace another profile of that name
    #[arg(long)]
    force: bool,
    /// Do not ask whether all is there that commands will need
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
    /// An embedded cloud, in the folder of --home
    #[arg(long, group = "source")]
    local: bool,
    /// Only make a profile that is there the default one
    #[arg(long = "use", group = "source", value_name = "PROFILE")]
    switch: Option<String>,
}

/// What a stack's profile works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Backend {
    /// AWS itself, for operators
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
                    let message = format!("There is another profile {name}.");
                    return Err(Problem::new(Code::ProfileExists, message));
                }
                _ => {}
            }
            profiles.profile.insert(name.clone(), profile.clone());
            if self.default {
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
    let value =
        json!({ "name": name, "default": default, "file": path, "profile": chosen.profile });
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
            "it does not work yet: prism --profile {name} doctor"
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
    out.show(&json!({ "name": name, "default": true }), || {
        format!("The profile {name} is the default.\n")
    })?;
    Ok(exit::DONE)
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
