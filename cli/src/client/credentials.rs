//! Finds AWS credentials where AWS's own tools find them: the environment, the AWS configuration with its keys, roles,
//! single sign-on and programs, a container, and the metadata of an instance.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region as SdkRegion};
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use prism_functions::domain::{Code, Problem};
use prism_functions::ports::Clock;
use tokio::sync::Mutex;

use crate::profile::Profile;
use crate::text::causes;

/// The time limit for one request for credentials. By default, the SDK limits only the time for a connection.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long before they expire credentials are replaced. Clocks may differ by that much.
const EARLY: Duration = Duration::from_mins(5);

/// The SDK's configuration for the Region and the AWS profile that a profile names.
pub(super) fn loader(profile: &Profile) -> ConfigLoader {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    if let Some(region) = &profile.region {
        loader = loader.region(SdkRegion::new(region.as_str().to_owned()));
    }
    match &profile.aws_profile {
        Some(name) => loader.profile_name(name),
        None => loader,
    }
}

/// The credentials of a profile.
pub(super) struct Credentials {
    provider: SharedCredentialsProvider,
    /// The last ones, which are used again if they say until when. Asking for others may take a request to AWS.
    kept: Mutex<Option<Keys>>,
    aws_profile: Option<String>,
    clock: Arc<dyn Clock>,
}

impl Credentials {
    pub(super) async fn of(profile: &Profile, clock: Arc<dyn Clock>) -> Result<Self, Problem> {
        let https = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let limits = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT);
        let loader = loader(profile).http_client(https);
        let config = loader.timeout_config(limits.build()).load().await;
        let aws_profile = profile.aws_profile.clone();
        let provider = config
            .credentials_provider()
            .ok_or_else(|| missing(aws_profile.as_deref()))?;
        Ok(Self {
            provider,
            kept: Mutex::default(),
            aws_profile,
            clock,
        })
    }

    pub(super) async fn get(&self) -> Result<Keys, Problem> {
        let mut kept = self.kept.lock().await;
        let soon = SystemTime::from(self.clock.now()) + EARLY;
        let lasts = |keys: &&Keys| keys.expiry().is_some_and(|expiry| expiry > soon);
        if let Some(keys) = kept.as_ref().filter(lasts) {
            return Ok(keys.clone());
        }
        let found = self.provider.provide_credentials().await;
        let keys = found.map_err(|error| self.problem(error))?;
        *kept = Some(keys.clone());
        Ok(keys)
    }

    fn problem(&self, error: CredentialsError) -> Problem {
        let aws_profile = self.aws_profile.as_deref();
        // The SDK has no type for a session of single sign-on that has expired, only this word.
        if causes(&error).iter().any(|it| it.contains("expired")) {
            let problem = Problem::new(Code::CredentialsExpired, "The credentials have expired.");
            return with_login(problem.because(error), aws_profile);
        }
        missing(aws_profile).because(error)
    }
}

fn missing(aws_profile: Option<&str>) -> Problem {
    let message = "There are no AWS credentials.";
    with_login(Problem::new(Code::CredentialsMissing, message), aws_profile)
}

/// Adds how to log in to the AWS profile that Prism's profile names.
pub(super) fn with_login(problem: Problem, aws_profile: Option<&str>) -> Problem {
    match aws_profile {
        Some(name) => problem.hint(format!("Log in: aws sso login --profile {name}")),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_credential_types::provider::{ProvideCredentials, future};
    use prism_local::clock::ManualClock;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    /// Keys that last until this time, numbered in their order.
    #[derive(Debug)]
    struct Numbered {
        until: Option<SystemTime>,
        given: AtomicU32,
    }

    impl ProvideCredentials for Numbered {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.given.fetch_add(1, Ordering::SeqCst).to_string();
            let keys = Keys::new(number, "secret", None, self.until, "test");
            future::ProvideCredentials::ready(Ok(keys))
        }
    }

    fn credentials(until: Option<SystemTime>, clock: &Arc<ManualClock>) -> Credentials {
        let given = AtomicU32::new(0);
        Credentials {
            provider: SharedCredentialsProvider::new(Numbered { until, given }),
            kept: Mutex::default(),
            aws_profile: None,
            clock: Arc::<ManualClock>::clone(clock),
        }
    }

    #[tokio::test]
    async fn credentials_are_kept_until_they_expire_soon() {
        let clock = Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH.into()));
        let lasting = credentials(Some(SystemTime::UNIX_EPOCH + HOUR), &clock);
        let endless = credentials(None, &clock);
        for (lasts, named) in [("0", "0"), ("0", "1"), ("1", "2")] {
            assert_eq!(lasting.get().await.unwrap().access_key_id(), lasts);
            // Others may be replaced in their file at any time.
            assert_eq!(endless.get().await.unwrap().access_key_id(), named);
            clock.advance(HOUR / 2);
        }
    }
}
