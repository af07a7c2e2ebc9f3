//! The URL of an API.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use prism_functions::domain::ids::shown;
use prism_functions::domain::{Code, Problem};

/// The base URL of an API: a scheme, a host, and optionally a port and a path prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    base: String,
    /// Whether the connection is unencrypted. That is only allowed to this machine.
    pub(crate) plain: bool,
}

impl Url {
    /// Appends a path.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.base)
    }
}

impl FromStr for Url {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let refused = |why: &str| {
            let message = format!("{} is not the URL of an API: {why}.", shown(text));
            Err(Problem::new(Code::ConfigInvalid, message)
                .hint("A URL looks like https://abc123.execute-api.us-east-1.amazonaws.com"))
        };
        let Ok(url) = text.parse::<reqwest::Url>() else {
            return refused("it does not begin with https://");
        };
        let credentials = !url.username().is_empty() || url.password().is_some();
        if credentials || url.query().is_some() || url.fragment().is_some() {
            return refused("it has a user, a query or a fragment");
        }
        let plain = match url.scheme() {
            "https" => false,
            "http" if is_loopback(url.host_str().unwrap_or_default()) => true,
            "http" => return refused("it would send credentials unencrypted; use https"),
            _ => return refused("it does not begin with https://"),
        };
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            plain,
        })
    }
}

/// Whether a host name means this machine, judged by the name alone.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_over_https_or_to_this_machine() {
        for good in [
            "https://abc.execute-api.us-east-1.amazonaws.com/",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost/prism",
        ] {
            assert!(good.parse::<Url>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "prism",
            "ftp://127.0.0.1",
            "http://example.org",
            "http://127.0.0.1.example.org",
            "https://me:word@example.org",
            "https://example.org?x=1",
        ] {
            assert!(bad.parse::<Url>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_goes_behind_whatever_the_end() {
        let url: Url = "https://example.org/prism/".parse().unwrap();
        assert_eq!(url.join("/v1/me"), "https://example.org/prism/v1/me");
    }
}
