//! Implements the port [`Parameters`] with Systems Manager.

use std::sync::Arc;

use async_trait::async_trait;

use super::clients::Clients;
use super::ec2::errors;
use crate::domain::{ImageId, Region};
use crate::ports::{Ec2Error, Parameters};

const ACTION: &str = "ssm:GetParameter";

/// The public parameters of each Region.
#[derive(Debug, Clone)]
pub struct PublicParameters {
    clients: Arc<Clients>,
}

impl PublicParameters {
    /// Reads the parameters with these clients.
    pub fn new(clients: Arc<Clients>) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl Parameters for PublicParameters {
    async fn image(&self, region: &Region, parameter: &str) -> Result<ImageId, Ec2Error> {
        let told = self
            .clients
            .ssm(region)
            .get_parameter()
            .name(parameter)
            .send()
            .await
            .map_err(errors::of(ACTION))?;
        let value = told.parameter().and_then(|parameter| parameter.value());
        errors::id(ACTION, "AMI id", value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::testing::{Aws, Reply};

    #[tokio::test]
    async fn a_parameter_names_an_image_or_is_not_there() {
        let aws = Aws::answering([
            Reply::found(json!({"Parameter": {"Value": "ami-0123456789abcdef0"}})),
            Reply::json(400, json!({"__type": "ParameterNotFound"})),
            Reply::found(json!({"Parameter": {"Value": "a text"}})),
        ]);
        let parameters = PublicParameters::new(Arc::new(aws.clients()));
        let region = "us-west-2".parse().unwrap();
        let image = parameters.image(&region, "/aws/service/x").await.unwrap();
        assert_eq!(image.as_str(), "ami-0123456789abcdef0");
        assert!(aws.uri(0).contains("us-west-2"), "{}", aws.uri(0));
        let missing = parameters
            .image(&region, "/aws/service/x")
            .await
            .unwrap_err();
        assert!(missing.is_not_found());
        let odd = parameters
            .image(&region, "/aws/service/x")
            .await
            .unwrap_err();
        assert_eq!(odd.code, "UnreadableAnswer");
    }
}
