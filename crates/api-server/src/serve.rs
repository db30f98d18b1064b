//! Serves HTTP/1 and HTTP/2 on one port: accepts, bounds, and at the end drains.
//!
//! hyper is driven directly, because only so time is bounded: a client that sends half a head and then nothing, or
//! nothing at all, is cut off after [`Config::header_timeout`].

mod service;
mod shutdown;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::Service;

use crate::client_address::TrustedProxies;
use crate::connection::{Caps, Connection, Gate, HEAD_BYTES_MAX, HEADERS_MAX, Over, Slot};
use crate::metrics::Metrics;
use service::Requests;
pub use shutdown::{Drained, stop_signal};

/// How long accepting pauses when the operating system refuses, for instance because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often an HTTP/2 peer is asked whether it is still there, and how long it has to answer.
const HTTP2_PING: Duration = Duration::from_secs(10);
/// Requests that one HTTP/2 connection may have in flight.
const HTTP2_STREAMS_MAX: u32 = 128;
/// Streams that one HTTP/2 peer may reset before they were handled; a rapid-reset attack ends here.
const HTTP2_PENDING_RESETS_MAX: usize = 20;
/// hyper's read buffer: a whole head and what follows it. The gate has already refused anything longer.
const READ_BUFFER_BYTES: usize = 2 * HEAD_BYTES_MAX;

/// How connections are kept.
#[derive(Clone, Debug)]
pub struct Config {
    /// Connections open at once.
    pub connections_max: usize,
    /// Connections open at once from one address that is no trusted proxy.
    pub connections_per_address_max: usize,
    /// Proxies, which carry many clients.
    pub trusted_proxies: TrustedProxies,
    /// Longest time for a whole request head, for the first bytes of a connection, and between two requests.
    pub header_timeout: Duration,
    /// How long connections are still accepted after readiness has failed, so that a balancer can notice.
    pub unready_for: Duration,
    /// Longest wait for requests in flight at shutdown.
    pub drain_timeout: Duration,
}

/// Whether the service is on its way down; probes and workers look. Clones share it.
#[derive(Clone, Debug)]
pub struct Draining(Arc<watch::Sender<bool>>);

impl Default for Draining {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Draining {
    /// Whether it has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Begins it.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it has begun.
    pub async fn begun(&self) {
        let mut changes = self.0.subscribe();
        // The sender lives as long as `self`, so that waiting ends with the value and never with an error.
        drop(changes.wait_for(|has_begun| *has_begun).await);
    }
}

/// The address could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("listen on {address}")]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

/// Listens on an address. A port that is in use is an error: nothing that runs already is touched.
///
/// # Errors
/// The address is in use, not ours, or not allowed.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError { address, source })
}

/// Serves until `stop`, then lets requests in flight finish.
pub async fn serve<S>(
    listener: TcpListener,
    app: S,
    config: Config,
    metrics: Arc<Metrics>,
    draining: Draining,
    stop: impl Future<Output = ()>,
) -> Drained
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let graceful = GracefulShutdown::new();
    let (unready_for, drain_timeout) = (config.unready_for, config.drain_timeout);
    let server = Server::new(config, app, metrics);
    let accept = server.accept_all(&listener, &graceful);
    let stop = async {
        stop.await;
        draining.begin();
        tokio::time::sleep(unready_for).await;
    };
    tokio::select! {
        () = accept => {}
        () = stop => {}
    }
    drop(listener);
    shutdown::drain(graceful, drain_timeout, &server.caps, &server.metrics).await
}

struct Server<S> {
    app: S,
    protocol: Arc<auto::Builder<TokioExecutor>>,
    header_timeout: Duration,
    caps: Arc<Caps>,
    metrics: Arc<Metrics>,
}

impl<S> Server<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static,
{
    fn new(config: Config, app: S, metrics: Arc<Metrics>) -> Self {
        let Config { connections_max, connections_per_address_max, trusted_proxies, header_timeout, .. } =
            config;
        Self {
            app,
            protocol: Arc::new(protocol()),
            header_timeout,
            caps: Caps::new(connections_max, connections_per_address_max, trusted_proxies),
            metrics,
        }
    }

    async fn accept_all(&self, listener: &TcpListener, graceful: &GracefulShutdown) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.admit(stream, peer, graceful.watcher()),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        match self.caps.admit(peer.ip()) {
            Ok(slot) => self.start(stream, peer, slot, watcher),
            // Closing is all that can be afforded: an answer would need what the cap protects.
            Err(Over::Total) => self.metrics.connections_over_total.inc(),
            Err(Over::Address) => self.metrics.connections_over_address.inc(),
        }
    }

    fn start(&self, stream: TcpStream, peer: SocketAddr, slot: Slot, watcher: Watcher) {
        self.metrics.connections_accepted.inc();
        // Answers are written whole; waiting for more to send would only delay them.
        let _unsupported = stream.set_nodelay(true);
        let connection = Arc::new(Connection::new(peer));
        let gate = Gate::new(stream, Arc::clone(&connection));
        let requests = Requests::new(self.app.clone(), Arc::clone(&connection));
        let served = self.protocol.serve_connection(TokioIo::new(gate), requests).into_owned();
        let served = watcher.watch(served);
        let metrics = Arc::clone(&self.metrics);
        let (first_request, between_requests) = (self.header_timeout, self.header_timeout);
        tokio::spawn(async move {
            let _open = Open::new(metrics, slot);
            let mut served = std::pin::pin!(served);
            // From the start, because a silent peer would keep its place for ever.
            // In the written order: a choice at random for each event of a connection would cost more than it is worth.
            tokio::select! {
                biased;
                _ended = &mut served => return,
                () = tokio::time::sleep(first_request) => {}
            }
            if !connection.has_asked() {
                return;
            }
            // One timer for all the requests of a connection: hyper's own would be set and cancelled for each.
            while let Some(patience) = connection.patience_left(between_requests) {
                // How a connection ends is its client's business; what was asked over it is in the access log.
                tokio::select! {
                    biased;
                    _ended = &mut served => return,
                    () = tokio::time::sleep(patience) => {}
                }
            }
        });
    }
}

fn protocol() -> auto::Builder<TokioExecutor> {
    let mut protocol = auto::Builder::new(TokioExecutor::new());
    // Who is slow with a head is cut off by the connection's own timer.
    protocol.http1().header_read_timeout(None).max_buf_size(READ_BUFFER_BYTES);
    protocol
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HTTP2_PING)
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX));
    // hyper's default of 100 header fields is above HEADERS_MAX, which the gate holds without an allocation.
    const { assert!(HEADERS_MAX < 100) };
    protocol
}

/// An open connection, for the gauge and the caps.
struct Open {
    metrics: Arc<Metrics>,
    _slot: Slot,
}

impl Open {
    fn new(metrics: Arc<Metrics>, slot: Slot) -> Self {
        metrics.connections.inc();
        Self { metrics, _slot: slot }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.metrics.connections.dec();
    }
}

#[cfg(test)]
mod tests;
