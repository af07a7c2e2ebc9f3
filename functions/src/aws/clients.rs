//! One SDK configuration per process, and one client per Region, created on demand.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::domain::Region;

/// Timeout for establishing a connection, in seconds.
const CONNECT_TIMEOUT_S: u64 = 3;
/// Timeouts of a call.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the first byte of the response. CreateImage and RunInstances are the slow ones.
    read: Duration,
    attempt: Duration,
    /// For a call with all of its attempts.
    operation: Duration,
}

impl Limits {
    /// Less than the 60 seconds that the definition gives a step, so that a step can still report what happened.
    pub const OF_A_STEP: Self = Self {
        read: Duration::from_secs(15),
        attempt: Duration::from_secs(20),
        operation: Duration::from_secs(45),
    };
    /// Less than the 29 seconds that the API's function has for a request, so that it can still respond.
    pub const OF_A_REQUEST: Self = Self {
        read: Duration::from_secs(10),
        attempt: Duration::from_secs(12),
        operation: Duration::from_secs(25),
    };
}

/// How often a call is attempted before the definition's own retries take over.
const ATTEMPTS: u32 = 4;
/// The longest pause between two attempts, in seconds.
const BACKOFF_S: u64 = 5;
/// The application name that calls carry, as it appears in AWS's logs.
const APP_NAME: &str = "prism";

/// No Region is configured.
#[derive(Debug, thiserror::Error)]
#[error("no AWS Region is configured: set AWS_REGION, or a Region in the profile")]
pub struct NoRegion {
    /// Why the configured Region cannot be used.
    #[source]
    source: Option<crate::domain::InvalidId>,
}

/// The SDK's configuration, and the clients built from it.
#[derive(Debug)]
pub struct Clients {
    config: SdkConfig,
    home: Region,
    ec2: PerRegion<aws_sdk_ec2::Client>,
    kms: PerRegion<aws_sdk_kms::Client>,
    ssm: PerRegion<aws_sdk_ssm::Client>,
}

impl Clients {
    /// Reads credentials, Region and endpoints from the SDK's usual sources: the environment (including
    /// `AWS_ENDPOINT_URL` and its per-service variants), the profile, and the container.
    pub async fn load(limits: Limits) -> Result<Self, NoRegion> {
        let loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
        Self::load_with(loader, limits).await
    }

    /// Like [`load`](Self::load), for a loader that already sets some values, such as an endpoint, a Region or
    /// credentials.
    pub async fn load_with(loader: ConfigLoader, limits: Limits) -> Result<Self, NoRegion> {
        let config = loader
            .http_client(https())
            .retry_config(retries())
            .timeout_config(timeouts(limits))
            .app_name(AppName::new(APP_NAME).expect("the name contains only letters"))
            .load()
            .await;
        Self::new(config)
    }

    /// Creates the clients of this configuration.
    pub fn new(config: SdkConfig) -> Result<Self, NoRegion> {
        let home = config.region().ok_or(NoRegion { source: None })?;
        let home = home.as_ref().parse().map_err(|invalid| NoRegion {
            source: Some(invalid),
        })?;
        Ok(Self {
            config,
            home,
            ec2: PerRegion::default(),
            kms: PerRegion::default(),
            ssm: PerRegion::default(),
        })
    }

    /// The configuration, for services that are called in the home Region.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The Region in which Prism itself is deployed.
    pub fn home(&self) -> &Region {
        &self.home
    }

    pub(super) fn ec2(&self, region: &Region) -> aws_sdk_ec2::Client {
        self.ec2.get(region, || {
            let config = aws_sdk_ec2::config::Builder::from(&self.config).region(sdk(region));
            aws_sdk_ec2::Client::from_conf(config.build())
        })
    }

    pub(super) fn kms(&self, region: &Region) -> aws_sdk_kms::Client {
        self.kms.get(region, || {
            let config = aws_sdk_kms::config::Builder::from(&self.config).region(sdk(region));
            aws_sdk_kms::Client::from_conf(config.build())
        })
    }

    /// The Systems Manager client of a Region.
    pub(super) fn ssm(&self, region: &Region) -> aws_sdk_ssm::Client {
        self.ssm.get(region, || {
            let config = aws_sdk_ssm::config::Builder::from(&self.config).region(sdk(region));
            aws_sdk_ssm::Client::from_conf(config.build())
        })
    }
}

/// HTTPS with rustls on ring (ADR 6).
fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

/// Adaptive, so that many concurrent saves slow down together when EC2 throttles the account.
fn retries() -> RetryConfig {
    RetryConfig::adaptive()
        .with_max_attempts(ATTEMPTS)
        .with_max_backoff(Duration::from_secs(BACKOFF_S))
}

/// By default, the SDK limits only the time for establishing a connection.
fn timeouts(limits: Limits) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(CONNECT_TIMEOUT_S))
        .read_timeout(limits.read)
        .operation_attempt_timeout(limits.attempt)
        .operation_timeout(limits.operation)
        .build()
}

fn sdk(region: &Region) -> aws_config::Region {
    aws_config::Region::new(region.as_str().to_owned())
}

/// One client for each Region that was requested. Clients are handles: cloning one is cheap.
#[derive(Debug)]
struct PerRegion<C>(Mutex<HashMap<Region, C>>);

impl<C> Default for PerRegion<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<C: Clone> PerRegion<C> {
    fn get(&self, region: &Region, make: impl FnOnce() -> C) -> C {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(region.clone()).or_insert_with(make).clone()
    }
}

/// A client of the home Region that is created when it is first used. Creating one loads the service's endpoint
/// rules, and a function that does not need the client should not wait for that.
#[derive(Debug, Clone)]
pub(super) struct OnDemand<C> {
    config: SdkConfig,
    make: fn(&SdkConfig) -> C,
    client: OnceLock<C>,
}

impl<C> OnDemand<C> {
    pub(super) fn new(clients: &Clients, make: fn(&SdkConfig) -> C) -> Self {
        Self {
            config: clients.config().clone(),
            make,
            client: OnceLock::new(),
        }
    }

    pub(super) fn get(&self) -> &C {
        self.client.get_or_init(|| (self.make)(&self.config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_fits_into_the_next() {
        for limits in [Limits::OF_A_STEP, Limits::OF_A_REQUEST] {
            let connect = Duration::from_secs(CONNECT_TIMEOUT_S);
            assert!(connect < limits.read, "{limits:?}");
            assert!(limits.read < limits.attempt, "{limits:?}");
            assert!(limits.attempt < limits.operation, "{limits:?}");
        }
        // The timeout that infra/template.yaml gives the API's function.
        assert!(Limits::OF_A_REQUEST.operation < Duration::from_secs(29));
    }

    #[test]
    fn a_configuration_without_a_region_is_refused() {
        let error = Clients::new(SdkConfig::builder().build()).unwrap_err();
        assert!(error.to_string().contains("AWS_REGION"));
    }
}
