//! RunInstances.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::run_instances::RunInstancesError;
use aws_sdk_ec2::types::{
    self, BlockDeviceMapping, EbsBlockDevice, HttpTokensState, IamInstanceProfileSpecification,
    InstanceMetadataOptionsRequest, ResourceType,
};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::base64;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::groups::Groups;
use super::{errors, groups, instances, tag_specifications};
use crate::ports::{Ec2Error, Ec2ErrorKind, Instance, NewInstance, NewVolume};

const ACTION: &str = "RunInstances";

/// Launches one instance. The request depends only on `new` and on values that never change, so that the same token
/// means the same launch.
pub(super) async fn run(
    client: &Client,
    new: &NewInstance,
    groups: Groups<'_>,
) -> Result<Instance, Ec2Error> {
    // Without a group, EC2 would use the VPC's default one, which the policies do not allow.
    let vpc = new.subnet.vpc.as_str();
    let group = groups::ensure(client, vpc, &new.ports, groups, &new.tags).await?;
    let mappings = new
        .volumes
        .iter()
        .map(|volume| mapping(volume, new))
        .collect();
    let made = [
        ResourceType::Instance,
        ResourceType::Volume,
        ResourceType::NetworkInterface,
    ];
    let tokens = InstanceMetadataOptionsRequest::builder().http_tokens(HttpTokensState::Required);
    let profile = new.profile.as_ref().map(|name| {
        IamInstanceProfileSpecification::builder()
            .name(name)
            .build()
    });
    let told = client
        .run_instances()
        .image_id(new.image.as_str())
        .instance_type(types::InstanceType::from(new.instance_type.as_str()))
        .min_count(1)
        .max_count(1)
        .client_token(&new.client_token)
        .metadata_options(tokens.build())
        .set_iam_instance_profile(profile)
        .set_user_data(new.user_data.as_deref().map(base64::encode))
        .set_block_device_mappings(Some(mappings))
        .security_group_ids(group)
        .subnet_id(new.subnet.id.as_str())
        .set_tag_specifications(tag_specifications(made, &new.tags))
        .customize()
        .config_override(aws_sdk_ec2::config::Builder::new().retry_classifier(OnlyElsewhere))
        .send()
        .await
        .map_err(errors::of(ACTION))?;
    let instance = errors::need(ACTION, "instance", told.instances().first())?;
    instances::instance(ACTION, instance)
}

/// Does not repeat a request that EC2 refuses because of its place. EC2 returns the lack of capacity as a failure of
/// the server, which the SDK would repeat, while another place may have room.
#[derive(Debug)]
struct OnlyElsewhere;

impl ClassifyRetry for OnlyElsewhere {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let failed = context.output_or_error().and_then(Result::err);
        let error = failed
            .and_then(OrchestratorError::as_operation_error)
            .and_then(|error| error.downcast_ref::<RunInstancesError>());
        let code = error.and_then(ProvideErrorMetadata::code);
        let refused = code.map(|code| Ec2Error::new(ACTION, code, "").kind());
        if refused.is_some_and(Ec2ErrorKind::is_about_the_place) {
            return RetryAction::RetryForbidden;
        }
        RetryAction::NoActionIndicated
    }

    fn name(&self) -> &'static str {
        "only elsewhere"
    }
}

/// How the volumes differ from those of the AMI.
fn mapping(volume: &NewVolume, new: &NewInstance) -> BlockDeviceMapping {
    let size = volume.size_gib.and_then(|size| i32::try_from(size).ok());
    let ebs = EbsBlockDevice::builder()
        .delete_on_termination(volume.delete_on_termination)
        .set_volume_size(size)
        // EC2 refuses a key without the flag.
        .set_encrypted(new.kms_key.as_ref().map(|_| true))
        .set_kms_key_id(new.kms_key.clone());
    BlockDeviceMapping::builder()
        .device_name(&volume.device)
        .ebs(ebs.build())
        .build()
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::interceptors::context::{Error, Input};
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    #[test]
    fn a_place_without_room_is_asked_only_once() {
        let classified = |code: &str| {
            let metadata = ErrorMetadata::builder().code(code).build();
            let error = Error::erase(RunInstancesError::generic(metadata));
            let mut context = InterceptorContext::new(Input::erase(()));
            context.set_output_or_error(Err(OrchestratorError::operation(error)));
            OnlyElsewhere.classify_retry(&context)
        };
        for code in ["InsufficientInstanceCapacity", "Unsupported"] {
            assert_eq!(classified(code), RetryAction::RetryForbidden, "{code}");
        }
        for code in ["InternalError", "RequestLimitExceeded"] {
            assert_eq!(classified(code), RetryAction::NoActionIndicated, "{code}");
        }
    }
}
