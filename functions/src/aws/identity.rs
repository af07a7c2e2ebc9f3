use super::clients::Clients;
use super::ec2::errors;
use crate::ports::Ec2Error;

const ACTION: &str = "sts:GetCallerIdentity";

/// The ARN of whoever the process's credentials belong to. AWS has authenticated it: a program in
/// an operator's hands can take it for the user.
pub async fn caller_arn(clients: &Clients) -> Result<String, Ec2Error> {
    let client = aws_sdk_sts::Client::new(clients.config());
    let told = client
        .get_caller_identity()
        .send()
        .await
        .map_err(errors::of(ACTION))?;
    errors::need(ACTION, "ARN", told.arn)
}
