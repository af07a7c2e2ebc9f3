//! Calls webhooks over HTTPS. Their URLs are chosen by users, so the address that is connected to is checked, and nothing
//! that the receiver says leads anywhere else.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

use crate::domain::notify::is_public;
use crate::ports::{CourierError, Post, Webhooks};

/// The time limits of a request: for the connection, and until the status arrives.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub connect: Duration,
    pub response: Duration,
    /// For all of it, with the look-up of the name.
    pub all: Duration,
}

impl Limits {
    pub const USUAL: Self = Self {
        connect: Duration::from_secs(3),
        response: Duration::from_secs(8),
        all: Duration::from_secs(12),
    };
}

/// Calls webhooks.
#[derive(Debug)]
pub struct HttpWebhooks {
    connector: Connector,
    limits: Limits,
    reaches_this_machine: bool,
}

impl HttpWebhooks {
    /// `reaches_this_machine`: whether URLs of 127.0.0.1 are called, too.
    pub fn new(limits: Limits, reaches_this_machine: bool) -> Self {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(limits.connect)
            .read_timeout(limits.response)
            .build();
        let connector = Connector::builder()
            .connector_settings(settings)
            // A proxy would connect in its place, to any address.
            .proxy_config(ProxyConfig::disabled())
            // A connection that was checked long ago is not used again.
            .pool_idle_timeout(Duration::from_secs(5))
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_with_resolver(PublicOnly);
        Self {
            connector,
            limits,
            reaches_this_machine,
        }
    }
}

#[async_trait]
impl Webhooks for HttpWebhooks {
    #[expect(
        clippy::disallowed_methods,
        reason = "the limit is one of a real connection, and this adapter has no clock"
    )]
    async fn post(&self, post: &Post) -> Result<(), CourierError> {
        if post.url.is_local() && !self.reaches_this_machine {
            return Err(CourierError {
                reason: "the URL is not one of the Internet".to_owned(),
                transient: false,
            });
        }
        let request = request(post).map_err(|error| CourierError {
            reason: error.to_string(),
            transient: false,
        })?;
        let called = tokio::time::timeout(self.limits.all, self.connector.call(request));
        let response = match called.await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(retried(chain(&error))),
            Err(_) => return Err(retried("it did not respond in time".to_owned())),
        };
        // The body is never read.
        let status = response.status().as_u16();
        match status {
            200..=299 => Ok(()),
            300..=399 => Err(retried(format!(
                "it responded with the status {status}, and redirects are not followed"
            ))),
            // Gone: the receiver asks to send nothing more.
            410 => Err(CourierError {
                reason: "it responded with the status 410".to_owned(),
                transient: false,
            }),
            _ => Err(retried(format!("it responded with the status {status}"))),
        }
    }

    fn reaches_this_machine(&self) -> bool {
        self.reaches_this_machine
    }
}

fn retried(reason: String) -> CourierError {
    CourierError {
        reason,
        transient: true,
    }
}

fn request(post: &Post) -> Result<HttpRequest, Box<dyn std::error::Error + Send + Sync>> {
    let mut request = http::Request::post(post.url.as_str())
        .header("content-type", "application/json")
        .header("user-agent", "prism");
    for (name, value) in &post.headers {
        request = request.header(*name, value);
    }
    let request = request.body(SdkBody::from(post.body.as_str()))?;
    Ok(HttpRequest::try_from(request)?)
}

/// The last cause says the most: what is above it repeats that a connection failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut last = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        last = error.to_string();
        cause = error.source();
    }
    last
}

/// Resolves names to addresses of the Internet alone. It is asked at each new connection, and the connection is made to
/// what it returns, so a name that changes its address between a check and the connection gains nothing.
#[derive(Debug, Clone, Copy)]
struct PublicOnly;

impl ResolveDns for PublicOnly {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await;
            let addresses: Vec<IpAddr> = found
                .map_err(ResolveDnsError::new)?
                .map(|address| address.ip())
                .collect();
            if addresses.iter().all(|address| is_public(*address)) {
                return Ok(addresses);
            }
            let refused = "the host has an address that is not one of the Internet";
            Err(ResolveDnsError::new(io::Error::other(refused)))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// A server on this machine that reads one request and then does this with the connection.
    fn served(then: fn(TcpStream)) -> (SocketAddr, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = channel();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).unwrap();
            request.truncate(read);
            tell.send(String::from_utf8(request).unwrap()).unwrap();
            then(stream);
        });
        (address, told)
    }

    fn to(url: &str) -> Post {
        Post {
            url: url.parse().unwrap(),
            headers: vec![("prism-event", "test".to_owned())],
            body: "{\"a\":1}".to_owned(),
        }
    }

    fn local(address: SocketAddr) -> Post {
        to(&format!("http://{address}/hook?k=1"))
    }

    /// With a limit that no receiver on this machine reaches, even if it is busy.
    fn webhooks() -> HttpWebhooks {
        within(Duration::from_secs(30))
    }

    fn within(limit: Duration) -> HttpWebhooks {
        let limits = Limits {
            connect: limit,
            response: limit,
            all: limit,
        };
        HttpWebhooks::new(limits, true)
    }

    fn say(mut stream: TcpStream, head: &str) {
        stream.write_all(head.as_bytes()).unwrap();
    }

    #[tokio::test]
    async fn a_request_has_the_headers_and_the_body() {
        let (address, told) = served(|stream| say(stream, "HTTP/1.1 204 No Content\r\n\r\n"));
        webhooks().post(&local(address)).await.unwrap();
        let request = told.recv().unwrap();
        assert!(
            request.starts_with("POST /hook?k=1 HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(request.contains("prism-event: test\r\n"), "{request}");
        assert!(
            request.contains("content-type: application/json\r\n"),
            "{request}"
        );
        assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
    }

    #[tokio::test]
    async fn a_receiver_that_hangs_is_left() {
        let (address, _told) = served(|stream| {
            // It holds the connection until the other side leaves it.
            let mut stream = stream;
            let _ = stream.read(&mut [0; 16]);
        });
        let webhooks = within(Duration::from_millis(500));
        let error = webhooks.post(&local(address)).await.unwrap_err();
        assert!(error.transient, "{error:?}");
    }

    #[tokio::test]
    async fn a_body_without_an_end_is_not_read() {
        let (address, _told) = served(|mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            while stream.write_all(b"5\r\nxxxxx\r\n").is_ok() {}
        });
        webhooks().post(&local(address)).await.unwrap();
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let (inside, reached) = served(|stream| say(stream, "HTTP/1.1 204 No Content\r\n\r\n"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let to = format!(
                "HTTP/1.1 307 T\r\nlocation: http://{inside}/\r\ncontent-length: 0\r\n\r\n"
            );
            say(stream, &to);
        });
        let error = webhooks().post(&local(address)).await.unwrap_err();
        assert!(
            error.reason.contains("redirects are not followed"),
            "{error:?}"
        );
        assert!(reached.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_before_it_is_called() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        // The last one is a name to a URL, and the address 127.0.0.1 to many resolvers.
        for (host, reason) in [
            ("localhost", "not one of the Internet"),
            ("2130706433", "invalid dns name"),
        ] {
            let inside = to(&format!("https://{host}:{port}/"));
            let error = webhooks().post(&inside).await.unwrap_err();
            assert!(error.reason.contains(reason), "{host}: {error:?}");
        }
        assert!(listener.accept().is_err(), "somebody connected");
    }

    #[tokio::test]
    async fn this_machine_is_called_only_where_that_is_allowed() {
        let (address, told) = served(|stream| say(stream, "HTTP/1.1 204 No Content\r\n\r\n"));
        let on_aws = HttpWebhooks::new(Limits::USUAL, false);
        let error = on_aws.post(&local(address)).await.unwrap_err();
        assert!(!error.transient && told.try_recv().is_err(), "{error:?}");
    }

    #[tokio::test]
    async fn what_is_gone_is_not_tried_again() {
        let gone = |status: &'static str| async move {
            let (address, _told) = match status {
                "410" => {
                    served(|stream| say(stream, "HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"))
                }
                _ => served(|stream| say(stream, "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")),
            };
            webhooks()
                .post(&local(address))
                .await
                .unwrap_err()
                .transient
        };
        assert!(!gone("410").await);
        assert!(gone("503").await);
    }
}
