//! Authenticates API requests with a token from a file, or with a signature by AWS credentials.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::Request;
use http::header::{AUTHORIZATION, HeaderValue};
use hyper::body::Bytes;
use prism_functions::domain::{Code, Problem};
use prism_functions::ports::Clock;

use crate::environment::Environment;
use crate::profile::{Auth, Profile};

/// The maximum size of a token, in bytes.
const MOST_BYTES: u64 = 64 << 10;

/// How requests are authenticated.
#[derive(Debug)]
pub(crate) enum Identity {
    /// With the token in a file. The file is read for each request, because another program may refresh it.
    Token(PathBuf),
    /// Not at all.
    #[cfg(feature = "aws")]
    Nobody,
    /// With AWS credentials.
    #[cfg(feature = "api")]
    Signature(super::signer::Signer),
}

impl Identity {
    /// The identity that a profile configures. The environment variable for the token file takes precedence.
    pub(crate) async fn of(
        profile: &Profile,
        environment: &Environment,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Problem> {
        let file = environment.token_file.clone();
        let file = file.or_else(|| profile.token_file.clone());
        match (file, profile.auth()) {
            (Some(file), _) => Ok(Self::Token(file)),
            (None, Auth::Token) => {
                let message = "The profile needs a token, and no token file is set.";
                Err(Problem::new(Code::CredentialsMissing, message).hint(
                    "Set the variable PRISM_TOKEN_FILE, or token_file in the profile, to the file.",
                ))
            }
            (None, Auth::Iam) => Self::signature(profile, clock).await,
        }
    }

    #[cfg(feature = "api")]
    async fn signature(profile: &Profile, clock: &Arc<dyn Clock>) -> Result<Self, Problem> {
        let signer = super::signer::Signer::of(profile, Arc::clone(clock)).await?;
        Ok(Self::Signature(signer))
    }

    #[cfg(not(feature = "api"))]
    #[expect(
        clippy::unused_async,
        reason = "with the feature, it looks for credentials"
    )]
    async fn signature(_: &Profile, _: &Arc<dyn Clock>) -> Result<Self, Problem> {
        Err(crate::lacking::without_api(
            "support for AWS credentials, which the profile uses (auth = \"iam\")",
        ))
    }

    /// Adds the authentication to a request.
    #[cfg_attr(
        not(feature = "api"),
        expect(clippy::unused_async, reason = "with the feature, it gets credentials")
    )]
    pub(crate) async fn sign(&self, request: &mut Request<Bytes>) -> Result<(), Problem> {
        match self {
            Self::Token(path) => {
                request.headers_mut().insert(AUTHORIZATION, bearer(path)?);
                Ok(())
            }
            #[cfg(feature = "aws")]
            Self::Nobody => Ok(()),
            #[cfg(feature = "api")]
            Self::Signature(signer) => signer.sign(request).await,
        }
    }
}

/// Builds the header from the token in a file.
fn bearer(path: &Path) -> Result<HeaderValue, Problem> {
    let unusable = |why: String| {
        let message = format!("The token in {} cannot be used: {why}.", path.display());
        Problem::new(Code::CredentialsMissing, message)
            .hint("Put a token into that file, or name another with PRISM_TOKEN_FILE.")
    };
    let mut text = String::new();
    let read =
        File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text));
    read.map_err(|error| unusable(error.to_string()))?;
    let token = text.trim();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if token.is_empty() || text.len() as u64 > MOST_BYTES || !token.bytes().all(plain) {
        return Err(unusable("it is empty, or not a bearer token".to_owned()));
    }
    let header = HeaderValue::try_from(format!("Bearer {token}"));
    let mut header = header.map_err(|error| unusable(error.to_string()))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_from_its_file_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert_eq!(bearer(&path).unwrap_err().code, Code::CredentialsMissing);
        for bad in ["", "\n", "two words", "a\u{7f}"] {
            std::fs::write(&path, bad).unwrap();
            assert_eq!(
                bearer(&path).unwrap_err().code,
                Code::CredentialsMissing,
                "{bad:?}"
            );
        }
        std::fs::write(&path, "abc.def-1=\n").unwrap();
        let header = bearer(&path).unwrap();
        assert!(header.is_sensitive());
        assert_eq!(header, "Bearer abc.def-1=");
    }
}
