//! HTTP to this machine, and HTTPS to all other hosts if this binary supports it.

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::TokioExecutor;
use prism_functions::domain::Problem;

use super::url::Url;

/// The maximum size of a response, in bytes.
const MOST_BYTES: usize = 16 << 20;

/// How a request is sent.
#[derive(Debug, Clone)]
pub(crate) enum Transport {
    /// HTTP, to this machine only.
    Plain(Client<HttpConnector, Full<Bytes>>),
    /// HTTPS.
    #[cfg(feature = "aws")]
    Encrypted(Client<hyper_rustls::HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// The connection could not be made.
    #[error("{0}")]
    Unreached(String),
    /// No response arrived, or it was incomplete.
    #[error("{0}")]
    Broken(String),
    /// The response is too large.
    #[error("the answer has more than {MOST_BYTES} bytes, or broke off: {0}")]
    TooLong(String),
}

impl Transport {
    /// The transport for a URL.
    pub(crate) fn for_url(url: &Url) -> Result<Self, Problem> {
        if url.plain {
            return Ok(Self::Plain(client(HttpConnector::new())));
        }
        Self::encrypted()
    }

    #[cfg(feature = "aws")]
    fn encrypted() -> Result<Self, Problem> {
        use prism_functions::domain::Code;
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| {
                let message = "The certificates that this machine trusts cannot be read.";
                Problem::new(Code::LocalIo, message)
                    .because(error)
                    .hint("Install them: the package is mostly called ca-certificates.")
            })?
            .https_only()
            .enable_http1()
            .build();
        Ok(Self::Encrypted(client(connector)))
    }

    #[cfg(not(feature = "aws"))]
    fn encrypted() -> Result<Self, Problem> {
        Err(crate::opening::missing("HTTPS"))
    }

    /// Sends a request and reads the whole response.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, NoAnswer> {
        let answer = self.request(request).await.map_err(|error| {
            if error.is_connect() {
                NoAnswer::Unreached(chain(&error))
            } else {
                NoAnswer::Broken(chain(&error))
            }
        })?;
        let (head, body) = answer.into_parts();
        let read = Limited::new(body, MOST_BYTES).collect().await;
        let body = read.map_err(|error| NoAnswer::TooLong(error.to_string()))?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    fn request(&self, request: Request<Full<Bytes>>) -> ResponseFuture {
        match self {
            Self::Plain(client) => client.request(request),
            #[cfg(feature = "aws")]
            Self::Encrypted(client) => client.request(request),
        }
    }
}

fn client<C>(connector: C) -> Client<C, Full<Bytes>>
where
    C: hyper_util::client::legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    Client::builder(TokioExecutor::new()).build(connector)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
