//! A listener for HTTP on this machine: with limits on how many connections there are, and on how long
//! each may take to ask, so that callers who never do keep nobody else out.

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

/// How much a listener lets its callers have.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many connections are served at once; others wait to be accepted.
    pub connections: usize,
    /// How long a caller may take to send the head of a request, or to leave a connection idle.
    pub head: Duration,
    /// How long a stopping listener waits for the answers that are under way.
    pub stop: Duration,
}

type Cause = Box<dyn Error + Send + Sync>;

/// Serves until it is told to stop, or until nobody is left who could tell it.
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
                // The process is out of files, or the caller went away.
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

/// What some work comes to, unless it takes longer.
#[expect(
    clippy::disallowed_methods,
    reason = "how long a caller may take is real time, whatever the simulated one"
)]
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a listener that fails would otherwise spin"
)]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}
