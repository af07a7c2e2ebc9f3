//! Reads a deployment's settings from the outputs of its CloudFormation stack.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::{DisplayErrorContext, ProvideErrorMetadata as _};
use prism_functions::domain::{Code, Problem};

use crate::client::aws;
use crate::explain;
use crate::profile::Profile;

/// The outputs of a stack by name.
pub(super) struct Outputs {
    stack: String,
    region: String,
    by_name: BTreeMap<String, String>,
}

/// Reads the outputs of a stack, in the Region and with the credentials of a profile.
pub(super) async fn outputs(access: &Profile, stack: &str) -> Result<Outputs, Problem> {
    let clients = aws::clients(access).await?;
    let region = clients.home().to_string();
    let client = Client::new(clients.config());
    let told = client.describe_stacks().stack_name(stack).send().await;
    let told = told.map_err(|error| {
        let service = error.as_service_error();
        let code = service.and_then(|it| it.code()).unwrap_or("RequestNotSent");
        let sentence = service.and_then(|it| it.message()).unwrap_or_default();
        let problem = if sentence.contains("does not exist") {
            let message = format!("There is no stack {stack} in {region}.");
            Problem::new(Code::DeploymentNotFound, message)
                .hint("Check the name, --region and --aws-profile.")
        } else if code.starts_with("AccessDenied") {
            let message = "The permission for cloudformation:DescribeStacks is missing.";
            Problem::new(Code::PermissionMissing, message)
        } else {
            let found = explain::of(code, sentence).filter(|_| is_answer_or_unsent(&error));
            let (code, message) =
                found.unwrap_or((Code::AwsUnavailable, "CloudFormation does not respond."));
            Problem::new(code, message)
        };
        problem.because(DisplayErrorContext(&error).to_string())
    })?;
    let stacks = told.stacks.unwrap_or_default();
    let outputs = stacks
        .into_iter()
        .flat_map(|stack| stack.outputs.unwrap_or_default());
    let by_name = outputs
        .filter_map(|output| Some((output.output_key?, output.output_value?)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    Ok(Outputs {
        stack: stack.to_owned(),
        region,
        by_name,
    })
}

/// Whether an error is the service's response, or the request was never sent because of a problem on this machine.
fn is_answer_or_unsent<E, R>(error: &aws_sdk_cloudformation::error::SdkError<E, R>) -> bool {
    use aws_sdk_cloudformation::error::SdkError;
    match error {
        SdkError::ServiceError(_) | SdkError::ConstructionFailure(_) => true,
        SdkError::DispatchFailure(failure) => !failure.is_io() && !failure.is_timeout(),
        _ => false,
    }
}

impl Outputs {
    fn get(&self, name: &str) -> Option<String> {
        self.by_name.get(name).cloned()
    }

    fn need(&self, name: &str) -> Result<String, Problem> {
        self.get(name).ok_or_else(|| {
            let message = format!(
                "The stack {} in {} is not a deployment of Prism: it has no output {name}.",
                self.stack, self.region
            );
            Problem::new(Code::DeploymentNotFound, message).hint("Name the stack of a deployment.")
        })
    }

    /// Builds the profile of an operator, who works on AWS directly.
    pub(super) fn aws(&self, access: &Profile, stack: &str) -> Result<Profile, Problem> {
        self.need("TableName")?;
        self.need("StateMachineArn")?;
        let read = access.with_outputs(|name| self.get(name));
        let read = read.map_err(|error| {
            let message = "The outputs of the stack are not the settings of a profile.";
            Problem::new(Code::Internal, message).because(error)
        })?;
        Ok(Profile {
            region: Some(
                self.get("Region")
                    .unwrap_or_else(|| self.region.clone())
                    .parse()?,
            ),
            stack: Some(stack.to_owned()),
            version: self.get("Version"),
            ..read
        })
    }

    /// Builds the profile of a member, who uses the API: its URL for tokens if there is a token file, otherwise its URL
    /// for signatures.
    pub(super) fn api(
        &self,
        access: Profile,
        stack: &str,
        token_file: Option<PathBuf>,
    ) -> Result<Profile, Problem> {
        let output = if token_file.is_some() {
            "PortalApiUrl"
        } else {
            "ApiUrl"
        };
        Ok(Profile {
            region: Some(
                self.get("Region")
                    .unwrap_or_else(|| self.region.clone())
                    .parse()?,
            ),
            stack: Some(stack.to_owned()),
            version: self.get("Version"),
            url: Some(self.need(output)?),
            token_file,
            ..access
        })
    }
}
