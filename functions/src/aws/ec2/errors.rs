//! Converts EC2's errors, and responses that lack required fields, into the port's errors.

use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::aws::failure::{Failure, UNREADABLE};
use crate::domain::Timestamp;
use crate::ports::Ec2Error;

/// Converts the SDK's error for an action into the port's error.
pub(in crate::aws) fn of<E>(
    action: &'static str,
) -> impl FnOnce(SdkError<E, HttpResponse>) -> Ec2Error
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error| {
        let Failure {
            code,
            message,
            source,
        } = Failure::of(error);
        Ec2Error {
            action: action.to_owned(),
            code,
            message,
            source: source.map(Arc::from),
        }
    }
}

/// The error for a response in which a field is missing or invalid.
pub(in crate::aws) fn unreadable(action: &str, what: &str) -> Ec2Error {
    Ec2Error::new(action, UNREADABLE, format!("the response has no {what}"))
}

/// A required field of a response.
pub(in crate::aws) fn need<T>(action: &str, what: &str, value: Option<T>) -> Result<T, Ec2Error> {
    value.ok_or_else(|| unreadable(action, what))
}

/// A required identifier.
pub(in crate::aws) fn id<T: FromStr>(
    action: &str,
    what: &str,
    value: Option<&str>,
) -> Result<T, Ec2Error> {
    need(action, what, value.and_then(|text| text.parse().ok()))
}

/// A required timestamp.
pub(in crate::aws) fn instant(
    action: &str,
    what: &str,
    value: Option<&DateTime>,
) -> Result<Timestamp, Ec2Error> {
    need(
        action,
        what,
        value.and_then(|at| Timestamp::from_timestamp(at.secs(), at.subsec_nanos())),
    )
}

/// A size, which EC2 reports as a signed number.
pub(in crate::aws) fn size(action: &str, what: &str, value: Option<i32>) -> Result<u32, Ec2Error> {
    need(action, what, value.and_then(|size| size.try_into().ok()))
}
