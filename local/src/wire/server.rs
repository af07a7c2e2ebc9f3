//! Serves EC2's protocol on the loopback interface until it is stopped.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::MOST_BODY_BYTES;
use super::credentials::Accounts;
use super::dispatch::Dispatch;
use crate::ec2::Cloud;
use crate::http::{Limits, serve, within};

const LIMITS: Limits = Limits {
    connections: 256,
    head: Duration::from_mins(1),
    stop: Duration::from_secs(5),
};

/// How long a client may take to send the body of a request.
const BODY_TIMEOUT_S: u64 = 30;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The port is in use or may not be used.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The port; 0 means any free port.
        port: u16,
        #[source]
        source: io::Error,
    },
}

/// A server that runs on the tokio runtime on which it was started, until it is stopped or dropped.
#[derive(Debug)]
pub struct WireServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl WireServer {
    /// Serves a cloud on 127.0.0.1 on the given port, or on a free port if it is 0.
    pub async fn start(cloud: Cloud, accounts: Accounts, port: u16) -> Result<Self, WireError> {
        let listen = |source| WireError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let (stop, stopped) = oneshot::channel();
        let dispatch = Arc::new(Dispatch::new(cloud, accounts));
        let task = tokio::spawn(serve(listener, Service(dispatch), LIMITS, stopped));
        Ok(Self {
            address,
            stop: Some(stop),
            task,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Accepts no more connections, and waits at most five seconds for responses that are in progress.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // If nothing receives the message, the server has already stopped.
            let _ = stop.send(());
        }
        let _ = (&mut self.task).await;
    }
}

impl Drop for WireServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Debug, Clone)]
struct Service(Arc<Dispatch>);

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let dispatch = Arc::clone(&self.0);
        Box::pin(async move { Ok(respond(&dispatch, request).await) })
    }
}

async fn respond(dispatch: &Dispatch, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let read = Limited::new(body, MOST_BODY_BYTES).collect();
    let read = within(Duration::from_secs(BODY_TIMEOUT_S), read).await;
    let Some(read) = read else {
        let mut late = Response::new(Full::default());
        *late.status_mut() = StatusCode::REQUEST_TIMEOUT;
        return late;
    };
    let body = read.ok().map(http_body_util::Collected::to_bytes);
    let answer = dispatch.answer(&head, body.as_deref()).await;
    let mut response = Response::new(Full::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Ok(id) = HeaderValue::from_str(&answer.request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
