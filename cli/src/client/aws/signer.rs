//! Signs API requests with AWS credentials (Signature Version 4).

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use http::Request;
use hyper::body::Bytes;
use prism_functions::domain::{Code, Problem, Region};
use prism_functions::ports::Clock;

use crate::profile::Profile;

/// The service name of API Gateway in signatures.
const SERVICE: &str = "execute-api";

/// The credentials, and the Region that they sign for.
pub(crate) struct Signer {
    credentials: SharedCredentialsProvider,
    region: Region,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl Signer {
    /// Loads the credentials that a profile names, or the SDK's default ones.
    pub(crate) async fn of(profile: &Profile, clock: Arc<dyn Clock>) -> Result<Self, Problem> {
        let clients = super::clients(profile).await?;
        let credentials = clients.config().credentials_provider();
        let credentials = credentials.ok_or_else(|| {
            Problem::new(Code::CredentialsMissing, "There are no AWS credentials.")
        })?;
        Ok(Self {
            credentials,
            region: clients.home().clone(),
            clock,
        })
    }

    pub(crate) async fn sign(&self, request: &mut Request<Bytes>) -> Result<(), Problem> {
        let credentials = self.credentials.provide_credentials().await;
        let identity = credentials
            .map_err(|error| {
                Problem::new(Code::CredentialsMissing, "There are no AWS credentials.")
                    .because(error)
            })?
            .into();
        let unsigned = |error: Box<dyn std::error::Error + Send + Sync>| {
            Problem::new(Code::Internal, "The request cannot be signed.").because(error)
        };
        let params = SigningParams::builder()
            .identity(&identity)
            .region(self.region.as_str())
            .name(SERVICE)
            .time(SystemTime::from(self.clock.now()))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(Box::new(error)))?
            .into();
        let headers = request.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let uri = request.uri().to_string();
        let method = request.method().as_str();
        let signable =
            SignableRequest::new(method, &uri, headers, SignableBody::Bytes(request.body()))
                .map_err(|error| unsigned(Box::new(error)))?;
        let (instructions, _) = sign(signable, &params)
            .map_err(|error| unsigned(Box::new(error)))?
            .into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}
