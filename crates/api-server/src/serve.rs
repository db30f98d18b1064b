//! Serves HTTP/1 and HTTP/2 on one port: accepts and bounds connections, and drains them at shutdown.
//!
//! hyper is used directly, to bound time: a client that sends nothing, or only a part of a head, is disconnected after
//! [`Connections::header_timeout`], and one that sends no further request after [`Connections::keep_alive_timeout`].

mod public_peer;
mod service;
mod shutdown;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use config::Connections;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use strict_http1::{Connection, HEAD_BYTES_MAX, HEADERS_MAX, IdleLimits, StrictHttp1};
use telemetry::metrics::Metrics;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::client_address::TrustedProxies;
use crate::connection_limits::{ConnectionLimits, LimitHit, Permit};
use public_peer::is_public;
use service::Requests;
pub(crate) use shutdown::{Drained, stop_signal};

/// Connections that may wait to be accepted; the system may allow fewer.
const BACKLOG: u32 = 4096;
/// Pause after accepting a connection failed, for instance because there are no file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Time between two pings to an HTTP/2 peer, and longest wait for its response.
const HTTP2_PING: Duration = Duration::from_secs(10);
/// Requests that one HTTP/2 connection may have in flight.
const HTTP2_STREAMS_MAX: u32 = 128;
/// Streams that one HTTP/2 peer may reset before they were handled; a rapid-reset attack ends here.
const HTTP2_PENDING_RESETS_MAX: usize = 20;
/// hyper's read buffer: a whole head and the start of the body. Longer heads are rejected before.
const READ_BUFFER_BYTES: usize = 2 * HEAD_BYTES_MAX;

/// The address cannot be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on BIND_ADDRESS {address}: {}", remedy(source))]
pub(crate) struct BindError {
    address: SocketAddr,
    source: io::Error,
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program uses the port; stop it, or set BIND_ADDRESS to another port"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; set BIND_ADDRESS to one of its own"
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not use the port; set BIND_ADDRESS to one above 1023"
        }
        _ => "set BIND_ADDRESS to another address",
    }
}

/// Listens on an address.
///
/// # Errors
/// The address is in use, not local, or not allowed.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // So that a server that ended leaves the port to the next one.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|source| BindError { address, source })
}

/// Serves until `stop`, then waits for requests in flight.
pub(crate) async fn serve<S>(
    listener: TcpListener,
    app: S,
    config: Connections,
    proxies: TrustedProxies,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
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
    let server = Server::new(app, config, proxies, metrics);
    let accept = server.accept_all(&listener, &graceful);
    let stop = async {
        stop.await;
        shutdown.cancel();
        server.is_stopping.store(true, Ordering::Relaxed);
        tokio::time::sleep(config.unready_for).await;
    };
    tokio::select! {
        () = accept => {}
        () = stop => {}
    }
    drop(listener);
    shutdown::drain(graceful, config.drain_timeout, &server.limits, &server.metrics).await
}

struct Server<S> {
    app: S,
    protocol: Arc<auto::Builder<TokioExecutor>>,
    config: Connections,
    limits: Arc<ConnectionLimits>,
    metrics: Arc<Metrics>,
    /// Whether responses end their connections.
    is_stopping: Arc<AtomicBool>,
    public_peer: Once,
}

impl<S> Server<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static,
{
    fn new(app: S, config: Connections, proxies: TrustedProxies, metrics: Arc<Metrics>) -> Self {
        let limits = ConnectionLimits::new(config.max, config.per_address_max, proxies);
        let protocol = Arc::new(protocol());
        Self { app, protocol, config, limits, metrics, is_stopping: Arc::default(), public_peer: Once::new() }
    }

    async fn accept_all(&self, listener: &TcpListener, graceful: &GracefulShutdown) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.admit(stream, peer, graceful.watcher()),
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        if self.config.published_on_loopback && is_public(peer.ip()) {
            // Once, because a scan of the network must not fill the log.
            return self.public_peer.call_once(|| {
                tracing::error!(
                    %peer,
                    "connections from public addresses are closed: PUBLISHED_ON_LOOPBACK is set, but the port is published to \
                     other machines; publish it on 127.0.0.1 only, or set API_KEYS and INVESTIQ_PROFILE=production"
                );
            });
        }
        match self.limits.acquire(peer.ip()) {
            Ok(permit) => self.start(stream, peer, permit, watcher),
            // Closed without a response, which would need the resources that the limit protects.
            Err(LimitHit::Total) => self.metrics.connections_refused_by_total.inc(),
            Err(LimitHit::Address) => self.metrics.connections_refused_by_address.inc(),
        }
    }

    fn start(&self, stream: TcpStream, peer: SocketAddr, permit: Permit, watcher: Watcher) {
        self.metrics.connections_accepted.inc();
        // Responses are written whole; waiting for more data would only delay them.
        let _unsupported = stream.set_nodelay(true);
        let connection = Arc::new(Connection::new(peer));
        let socket = StrictHttp1::new(stream, Arc::clone(&connection));
        let requests =
            Requests::new(self.app.clone(), Arc::clone(&connection), Arc::clone(&self.is_stopping));
        let served = self.protocol.serve_connection(TokioIo::new(socket), requests).into_owned();
        let served = watcher.watch(served);
        let metrics = Arc::clone(&self.metrics);
        let Connections { header_timeout: head, keep_alive_timeout: keep_alive, .. } = self.config;
        let idle_limits = IdleLimits { head, keep_alive };
        tokio::spawn(async move {
            let _open = OpenConnection::new(metrics, permit);
            let mut served = std::pin::pin!(served);
            // A silent peer must not keep its permit forever. One timer for all requests of a connection; hyper would set and
            // cancel one for each.
            while let Some(time_left) = connection.idle_time_left(idle_limits) {
                // How a connection ends is not logged; its requests are in the access log. Biased, because a random choice for
                // each event of a connection is expensive.
                tokio::select! {
                    biased;
                    _ended = &mut served => return,
                    () = tokio::time::sleep(time_left) => {}
                }
            }
        });
    }
}

fn protocol() -> auto::Builder<TokioExecutor> {
    let mut protocol = auto::Builder::new(TokioExecutor::new());
    // The connection's own timer disconnects clients that are slow with a head.
    protocol.http1().header_read_timeout(None).max_buf_size(READ_BUFFER_BYTES);
    protocol
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HTTP2_PING)
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS_MAX)
        // A head of up to twice the limit gets a response that says so; above, hyper refuses it without a body.
        .max_header_list_size(u32::try_from(2 * HEAD_BYTES_MAX).unwrap_or(u32::MAX));
    // hyper's default of 100 header fields is above HEADERS_MAX, which needs no allocation.
    const { assert!(HEADERS_MAX < 100) };
    protocol
}

/// An open connection, for the gauge and the limits.
struct OpenConnection {
    metrics: Arc<Metrics>,
    _permit: Permit,
}

impl OpenConnection {
    fn new(metrics: Arc<Metrics>, permit: Permit) -> Self {
        metrics.connections.inc();
        Self { metrics, _permit: permit }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.metrics.connections.dec();
    }
}

#[cfg(test)]
mod tests;
