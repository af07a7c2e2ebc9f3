//! EC2's error responses: its codes, and messages like its own.

use std::fmt::Display;

use prism_functions::domain::{ImageId, InstanceId};
use prism_functions::ports::Ec2Error;

pub(crate) fn instance_not_found(action: &str, id: &impl Display) -> Ec2Error {
    let message = format!("The instance ID '{id}' does not exist");
    Ec2Error::new(action, "InvalidInstanceID.NotFound", message)
}

/// One or several instances that a request names do not exist.
pub(crate) fn instances_not_found(action: &str, ids: &[&InstanceId]) -> Ec2Error {
    let [id] = ids else {
        let message = format!("The instance IDs '{}' do not exist", listed(ids));
        return Ec2Error::new(action, "InvalidInstanceID.NotFound", message);
    };
    instance_not_found(action, id)
}

pub(crate) fn image_not_found(action: &str, id: &impl Display) -> Ec2Error {
    let message = format!("The image id '[{id}]' does not exist");
    Ec2Error::new(action, "InvalidAMIID.NotFound", message)
}

/// One or several images that a request names do not exist.
pub(crate) fn images_not_found(action: &str, ids: &[&ImageId]) -> Ec2Error {
    let [id] = ids else {
        let message = format!("The image ids '[{}]' do not exist", listed(ids));
        return Ec2Error::new(action, "InvalidAMIID.NotFound", message);
    };
    image_not_found(action, id)
}

fn listed<T: ToString>(ids: &[T]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}

pub(crate) fn image_pending(action: &str, id: &impl Display) -> Ec2Error {
    let message = format!("The image ID '{id}' is not available");
    Ec2Error::new(action, "InvalidAMIID.Unavailable", message)
}

pub(crate) fn image_gone(action: &str, id: &impl Display) -> Ec2Error {
    let message = format!("The image ID '{id}' is no longer available");
    Ec2Error::new(action, "InvalidAMIID.Unavailable", message)
}

pub(crate) fn image_protected(action: &str, id: &impl Display) -> Ec2Error {
    let message = format!(
        "The image '{id}' can't be deregistered because deregistration protection is enabled."
    );
    Ec2Error::new(action, "OperationNotPermitted", message)
}

pub(crate) fn snapshot_not_found(action: &str, id: &impl Display) -> Ec2Error {
    let message = format!("The snapshot '{id}' does not exist.");
    Ec2Error::new(action, "InvalidSnapshot.NotFound", message)
}

pub(crate) fn volume_not_found(action: &str, id: &impl Display) -> Ec2Error {
    let message = format!("The volume '{id}' does not exist.");
    Ec2Error::new(action, "InvalidVolume.NotFound", message)
}

pub(crate) fn wrong_state(action: &str, id: &impl Display, verb: &str) -> Ec2Error {
    let message = format!("The instance '{id}' is not in a state from which it can be {verb}.");
    Ec2Error::new(action, "IncorrectInstanceState", message)
}

pub(crate) fn invalid_value(action: &str, message: impl Into<String>) -> Ec2Error {
    Ec2Error::new(action, "InvalidParameterValue", message)
}

pub(crate) fn no_capacity(action: &str, instance_type: &str) -> Ec2Error {
    let message = format!(
        "We currently do not have sufficient {instance_type} capacity in the Availability Zone you \
         requested. Our system will be working on provisioning additional capacity."
    );
    Ec2Error::new(action, "InsufficientInstanceCapacity", message)
}

pub(crate) fn name_malformed(action: &str) -> Ec2Error {
    let message = "AMI names must be between 3 and 128 characters long, and may contain letters, \
                   numbers, spaces, '(', ')', '[', ']', '.', '/', '-', ''', '@' and '_'";
    Ec2Error::new(action, "InvalidAMIName.Malformed", message)
}

pub(crate) fn token_mismatch(action: &str) -> Ec2Error {
    let message = "Arguments on this idempotent request are inconsistent with arguments used in \
                   previous request(s).";
    Ec2Error::new(action, "IdempotentParameterMismatch", message)
}

/// EC2 accepts only ASCII in descriptions, although tags may contain any letters (EC2 fact 10).
pub(crate) fn check_ascii(action: &str, parameter: &str, text: &str) -> Result<(), Ec2Error> {
    if text.is_ascii() {
        return Ok(());
    }
    let message = format!(
        "Value ({text}) for parameter {parameter} is invalid. Character sets beyond ASCII are not \
         supported."
    );
    Err(invalid_value(action, message))
}
