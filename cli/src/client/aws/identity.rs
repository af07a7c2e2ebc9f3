//! The operator's identity, as AWS STS reports it.

use prism_functions::aws::{Clients, caller_arn};
use prism_functions::domain::principal::{IamIdentity, user_of_arn};
use prism_functions::domain::{Code, Problem, UserId};
use prism_functions::ports::Ec2Error;

use crate::client::credentials::with_login;
use crate::explain;
use crate::profile::Profile;

/// Returns the user that the credentials belong to.
pub(crate) async fn caller(clients: &Clients, profile: &Profile) -> Result<UserId, Problem> {
    let identity = match &profile.iam_identity {
        Some(text) => text.parse::<IamIdentity>()?,
        None => IamIdentity::default(),
    };
    let arn = caller_arn(clients)
        .await
        .map_err(|error| refused(error, profile))?;
    user_of_arn(&arn, identity)
}

/// Explains why AWS did not return the caller's identity.
fn refused(error: Ec2Error, profile: &Profile) -> Problem {
    let (code, message) = explain::of(&error.code, &error.message)
        .unwrap_or((Code::AwsUnavailable, "AWS did not return your identity."));
    let problem = Problem::new(code, message).because(error);
    match code {
        Code::CredentialsMissing | Code::CredentialsExpired => {
            with_login(problem, profile.aws_profile.as_deref())
        }
        _ => problem,
    }
}
