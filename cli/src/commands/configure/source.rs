//! The sources of a profile.

use std::path::{Path, PathBuf};

use prism_functions::domain::{Code, Problem, Region};

use super::Configure;
use crate::client::Url;
use crate::environment::Environment;
use crate::global::Global;
use crate::profile::{Kind, Profile};

impl Configure {
    /// Builds a profile from a deployment's stack.
    #[cfg(feature = "aws")]
    pub(super) async fn of_stack(
        &self,
        stack: &str,
        environment: &Environment,
    ) -> Result<Profile, Problem> {
        let access = Profile {
            region: self.named_region(environment)?,
            aws_profile: self.aws_profile.clone(),
            ..Profile::of(Kind::Aws)
        };
        let outputs = super::stack::outputs(&access, stack).await?;
        let profile = match self.backend {
            super::Backend::Aws => {
                self.no_token()?;
                outputs.aws(&access, stack)?
            }
            super::Backend::Api => {
                let token = self.token_file()?;
                let access = Profile {
                    backend: Kind::Api,
                    ..access
                };
                outputs.api(access, stack, token)?
            }
        };
        Ok(profile)
    }

    #[cfg(not(feature = "aws"))]
    #[expect(
        clippy::unused_async,
        reason = "with the feature, it asks CloudFormation"
    )]
    pub(super) async fn of_stack(&self, _: &str, _: &Environment) -> Result<Profile, Problem> {
        let problem = crate::lacking::missing("support for reading stacks");
        Err(problem.hint(
            "Build it with this support (cargo install --path cli --features aws), or name the API with --api-url.",
        ))
    }

    /// Builds a profile of the API at a URL.
    pub(super) fn of_url(&self, url: &str, environment: &Environment) -> Result<Profile, Problem> {
        let parsed: Url = url.parse()?;
        let region = self.named_region(environment)?;
        let Some(region) = region else {
            let message = "A profile for an API needs the Region of its deployment.";
            return Err(Problem::new(Code::InvalidRegion, message).hint("Name it with --region."));
        };
        Ok(Profile {
            region: Some(region),
            url: Some(parsed.to_string()),
            token_file: self.token_file()?,
            aws_profile: self.aws_profile.clone(),
            ..Profile::of(Kind::Api)
        })
    }

    /// Builds a profile of the embedded cloud in a folder.
    pub(super) fn of_folder(&self, global: &Global) -> Result<Profile, Problem> {
        self.no_token()?;
        Ok(Profile {
            region: self.region.as_deref().map(str::parse).transpose()?,
            home: global.home.as_deref().map(absolute).transpose()?,
            ..Profile::of(Kind::Local)
        })
    }

    /// The Region named by an option or the environment. Without one, the SDK finds it.
    fn named_region(&self, environment: &Environment) -> Result<Option<Region>, Problem> {
        let named = self.region.as_deref();
        if named.is_none() && !environment.names_region() {
            return Ok(None);
        }
        environment.region(named, None).map(Some)
    }

    fn token_file(&self) -> Result<Option<PathBuf>, Problem> {
        self.token_file.as_deref().map(absolute).transpose()
    }

    fn no_token(&self) -> Result<(), Problem> {
        if self.token_file.is_none() {
            return Ok(());
        }
        let message = "--token-file can only be used with --api-url or --backend api.";
        Err(Problem::new(Code::InvalidInput, message))
    }
}

/// Makes a path absolute, because a profile is used from other folders than the one it was written in.
fn absolute(path: &Path) -> Result<PathBuf, Problem> {
    std::path::absolute(path).map_err(|error| {
        Problem::new(Code::LocalIo, "The current folder cannot be read.").because(error)
    })
}
