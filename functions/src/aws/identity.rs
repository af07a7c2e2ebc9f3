use super::clients::Clients;
use super::ec2::errors;
use crate::ports::Ec2Error;

const ACTION: &str = "sts:GetCallerIdentity";

/// The ARN of the principal whose credentials the process uses. AWS has authenticated it, so a program that an
/// operator runs can treat it as the user.
pub async fn caller_arn(clients: &Clients) -> Result<String, Ec2Error> {
    let client = aws_sdk_sts::Client::new(clients.config());
    let told = client
        .get_caller_identity()
        .send()
        .await
        .map_err(errors::of(ACTION))?;
    errors::need(ACTION, "ARN", told.arn)
}
