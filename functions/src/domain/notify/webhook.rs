//! Webhooks: where notices are posted to, and the secrets that sign them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::is_public;
use crate::domain::as_string::from_and_into_string;
use crate::domain::ids::shown;
use crate::domain::{Code, Problem, Timestamp};

/// The maximum length of a URL, in characters.
const URL: usize = 2_048;
/// How long the secret before the last one still signs, in hours.
pub const ROTATION_HOURS: i64 = 24;

/// The URL of a webhook: HTTPS, or HTTP to 127.0.0.1, which only the embedded cloud calls. A host that is an address is
/// one of the Internet; one that is a name is checked when it is called.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookUrl(String);

impl WebhookUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is plain HTTP, which stays on this machine.
    pub fn is_local(&self) -> bool {
        self.0.starts_with("http:")
    }

    /// The URL without its path and query, which often contain a secret.
    pub fn origin(&self) -> &str {
        let end = self.0.match_indices(['/', '?']).nth(2);
        end.map_or(self.0.as_str(), |(at, _)| &self.0[..at])
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The path and the query often contain a secret.
impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.origin())
    }
}

impl FromStr for WebhookUrl {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match refusal(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => {
                let message = format!("The webhook URL{} is not valid: {why}.", named(text));
                Err(Problem::new(Code::InvalidInput, message)
                    .hint("Name an HTTPS URL that can be reached from the Internet, such as https://hooks.example.org/prism."))
            }
        }
    }
}

/// The scheme and the host, as far as a text that is no valid URL has them: all else may be a secret, and problems are
/// logged.
fn named(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return String::new();
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!(" {}", shown(&format!("{scheme}://{host}")))
}

from_and_into_string!(WebhookUrl);

/// Why a text is not the URL of a webhook.
fn refusal(text: &str) -> Option<&'static str> {
    if text.len() > URL {
        return Some("it has more than 2,048 characters");
    }
    if text.contains(['#', '\\']) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("it must have no fragment, and only ASCII letters, digits and punctuation");
    }
    let Ok(uri) = text.parse::<http::Uri>() else {
        return Some("it is not a URL");
    };
    let Some(authority) = uri.authority() else {
        return Some("it has no host");
    };
    if authority.as_str().contains('@') {
        return Some("it must not contain a user name or a password");
    }
    let host = authority.host();
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    match (uri.scheme_str(), address) {
        (Some("http"), _) if host == "127.0.0.1" && text.starts_with("http:") => None,
        (Some("https"), _) if !text.starts_with("https://") => {
            Some("its scheme must have small letters")
        }
        (Some("https"), Ok(address)) if !is_public(address) => {
            Some("its address is not one of the Internet")
        }
        (Some("https"), _) if host.is_empty() => Some("it has no host"),
        (Some("https"), _) => None,
        _ => Some("it must begin with https://"),
    }
}

/// The secret that signs what a webhook receives.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// Makes a secret of 256 random bits.
    pub fn new(mut random: impl FnMut() -> u64) -> Self {
        let [a, b, c, d] = std::array::from_fn(|_| random());
        Self(format!("prism_{a:016x}{b:016x}{c:016x}{d:016x}"))
    }

    /// The secret itself, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The signature of a body that is sent at a time: HMAC-SHA-256 of the seconds since 1970, a full stop, and the body.
    pub fn sign(&self, at: Timestamp, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes())
            .expect("HMAC takes a key of any length");
        mac.update(format!("{}.", at.timestamp()).as_bytes());
        mac.update(body.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}

/// The value of the header with the signatures: `t=` and the seconds since 1970, then `v1=` for each secret.
pub fn signature(at: Timestamp, body: &str, secrets: &[&WebhookSecret]) -> String {
    let signed = secrets
        .iter()
        .map(|it| format!(",v1={}", it.sign(at, body)));
    format!("t={}{}", at.timestamp(), signed.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_https_to_the_internet_or_http_to_this_machine() {
        for good in [
            "https://hooks.example.org/prism?token=1",
            "https://hooks.example.org:8443",
            "https://1.1.1.1/x",
            "https://[2606:4700::1111]/x",
            "http://127.0.0.1:8080/x",
        ] {
            assert_eq!(good.parse::<WebhookUrl>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "/x",
            "hooks.example.org",
            "ftp://example.org",
            "http://example.org/",
            "http://localhost/",
            "http://127.0.0.1.example.org/",
            "https://",
            "https:///x",
            "https://user@example.org/",
            "https://user:pw@example.org/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[fd00:ec2::254]/",
            "https://[::ffff:10.0.0.1]/",
            "https://10.0.0.1/",
            "https://example.org/#x",
            "https://example.org/\r\nX: y",
            "https://exa mple.org/",
            "https://example.org\\@127.0.0.1/",
            "HTTPS://example.org/",
            "file:///etc/passwd",
        ] {
            let problem = bad.parse::<WebhookUrl>().unwrap_err();
            assert_eq!(problem.code, Code::InvalidInput, "{bad}");
        }
        let long = format!("https://example.org/{}", "x".repeat(URL));
        assert!(long.parse::<WebhookUrl>().is_err());
    }

    #[test]
    fn what_is_secret_is_not_shown() {
        let url: WebhookUrl = "https://hooks.example.org/T0/s3cret?k=s3cret"
            .parse()
            .unwrap();
        assert_eq!(format!("{url:?}"), "https://hooks.example.org");
        let secret = WebhookSecret::new(|| 7);
        assert_eq!(format!("{secret:?}"), "WebhookSecret");
        for bad in [
            "https://user:s3cret@h/s3cret",
            "https://s3cret@h?s3cret",
            "h.example.org/s3cret",
            "s3cret",
            "ftp://h/s3cret",
        ] {
            let problem = bad.parse::<WebhookUrl>().unwrap_err();
            assert!(!problem.message.contains("s3cret"), "{}", problem.message);
        }
    }

    /// The expected value was computed with `openssl dgst -sha256 -hmac`.
    #[test]
    fn a_signature_is_the_hmac_of_the_time_and_the_body() {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let secret = WebhookSecret("prism_test".to_owned());
        let signed = signature(at, "{\"a\":1}", &[&secret]);
        assert_eq!(
            signed,
            "t=1767323045,v1=4f97eb2e8834a64a411268a8437e44cd87ff1f17dafd43f8ddf326ac8749ccf9"
        );
    }
}
