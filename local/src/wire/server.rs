//! The listener: HTTP on the loopback interface, with limits, until it is told to stop.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

use super::MOST_BODY_BYTES;
use super::credentials::Accounts;
use super::dispatch::Dispatch;
use crate::ec2::Cloud;

/// How many connections are served at once; others wait to be accepted.
const MOST_CONNECTIONS: usize = 256;

/// How long a caller may take to send the head of a request, or to leave a connection idle.
const HEAD_TIMEOUT_S: u64 = 60;

/// How long a caller may take to send the body of a request.
const BODY_TIMEOUT_S: u64 = 30;

/// How long a stopping server waits for the answers that are under way.
const STOP_TIMEOUT_S: u64 = 5;

/// Why a server did not come up.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The port is taken, or may not be used.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The port, 0 for any.
        port: u16,
        /// What the system said.
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
    /// Serves a cloud on 127.0.0.1, on a port or, if that is 0, on a free one.
    pub async fn start(cloud: Cloud, accounts: Accounts, port: u16) -> Result<Self, WireError> {
        let listen = |source| WireError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let (stop, stopped) = oneshot::channel();
        let dispatch = Arc::new(Dispatch::new(cloud, accounts));
        let task = tokio::spawn(serve(listener, dispatch, stopped));
        Ok(Self {
            address,
            stop: Some(stop),
            task,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What an SDK is given as its endpoint URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Accepts nothing more, and waits for the answers that are under way, for five seconds at most.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // If nobody listens any more, it has stopped.
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

async fn serve(listener: TcpListener, dispatch: Arc<Dispatch>, mut stopped: oneshot::Receiver<()>) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accept = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            _ = &mut stopped => break,
            accepted = accept => accepted,
        };
        while connections.try_join_next().is_some() {}
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // The process is out of files, or the caller went away.
                tracing::warn!(%error, "a connection was not accepted");
                pause().await;
                continue;
            }
        };
        let connection = graceful.watch(connection(stream, Service(Arc::clone(&dispatch))));
        connections.spawn(async move {
            let _permit = permit;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
    drop(listener);
    let limit = Duration::from_secs(STOP_TIMEOUT_S);
    if within(limit, graceful.shutdown()).await.is_none() {
        tracing::warn!("some answers were still under way");
    }
}

/// One connection's way to the handlers.
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

fn connection(
    stream: TcpStream,
    service: Service,
) -> http1::Connection<TokioIo<TcpStream>, Service> {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_TIMEOUT_S))
        .serve_connection(TokioIo::new(stream), service)
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

#[expect(
    clippy::disallowed_methods,
    reason = "how long a caller may take is real time, whatever the simulated one"
)]
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a listener that fails would otherwise spin"
)]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}
