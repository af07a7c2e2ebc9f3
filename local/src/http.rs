//! An HTTP listener on this machine. It limits the number of connections, and the time that each client may take to
//! send a request, so that slow clients do not block others.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

/// The limits of a listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many connections are served concurrently; others wait to be accepted.
    pub connections: usize,
    /// How long a client may take to send the head of a request, or leave a connection idle.
    pub head: Duration,
    /// How long a stopping listener waits for responses that are in progress.
    pub stop: Duration,
}

type Cause = Box<dyn Error + Send + Sync>;

/// Serves until `stopped` receives a message or its sender is dropped.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    limits: Limits,
    mut stopped: oneshot::Receiver<()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Cause>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Cause>,
{
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.connections));
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
                // The process has no file descriptors left, or the client closed the connection.
                tracing::warn!(%error, "a connection was not accepted");
                pause().await;
                continue;
            }
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .serve_connection(TokioIo::new(stream), service.clone());
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            let _permit = permit;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
    drop(listener);
    if within(limits.stop, graceful.shutdown()).await.is_none() {
        tracing::warn!("some answers were still under way");
    }
}

/// The result of some work, unless it takes too long.
#[expect(
    clippy::disallowed_methods,
    reason = "the limits for clients are in real time"
)]
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a failing listener would otherwise use all CPU time"
)]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}
