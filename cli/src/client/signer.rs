//! Signs API requests with AWS credentials (Signature Version 4).

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use http::Request;
use hyper::body::Bytes;
use prism_functions::domain::{Code, Problem, Region};
use prism_functions::ports::Clock;

use super::credentials::Credentials;
use crate::profile::Profile;

/// The service name of API Gateway in signatures.
const SERVICE: &str = "execute-api";

/// The credentials, and the Region that they sign for.
pub(crate) struct Signer {
    credentials: Credentials,
    region: Region,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl Signer {
    /// Finds the credentials that a profile names, or AWS's default ones.
    pub(crate) async fn of(profile: &Profile, clock: Arc<dyn Clock>) -> Result<Self, Problem> {
        let region = profile.region.clone().ok_or_else(|| {
            let message = "The profile does not name the Region of the API.";
            Problem::new(Code::ConfigInvalid, message)
        })?;
        Ok(Self {
            credentials: Credentials::of(profile, Arc::clone(&clock)).await?,
            region,
            clock,
        })
    }

    pub(crate) async fn sign(&self, request: &mut Request<Bytes>) -> Result<(), Problem> {
        let identity = self.credentials.get().await?.into();
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
