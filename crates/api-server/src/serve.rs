//! Serves HTTP/1 and HTTP/2 on one port: accepts and bounds connections, and drains them at shutdown.
//!
//! hyper is used directly, to bound time: a client that sends nothing, or only a part of a head, is disconnected after
//! [`Connections::header_timeout`], one that sends no further request after [`Connections::keep_alive_timeout`], and one that takes
//! nothing of its response after [`Connections::send_timeout`].

mod public_peer;
mod service;
mod shutdown;
mod stage;
mod stream_executor;
mod unread_body;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::{Arc, Once};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use config::Connections;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use strict_http1::{Connection, HEAD_BYTES_MAX, HEADERS_MAX, StrictHttp1, TimeLimits};
use telemetry::metrics::Metrics;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::client_address::TrustedProxies;
use crate::connection_limits::{ConnectionLimits, LimitHit, Permit};
use public_peer::is_public;
use service::Requests;
pub(crate) use shutdown::{Drained, stop_signal};
use stage::{CurrentStage, Stage};
use stream_executor::StreamExecutor;

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
/// Bytes that HTTP/2 peers may send of bodies before the server reads them: of one request, and of all on a connection.
const HTTP2_STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// Bytes of a response that HTTP/2 keeps ready for one stream.
const HTTP2_SEND_BUFFER_BYTES: usize = 64 * 1024;
/// Bytes of responses that the system keeps for one connection; Linux doubles it. Without a bound it would grow to megabytes for each
/// client that reads nothing.
const SEND_BUFFER_BYTES: u32 = 64 * 1024;
/// As [`Connections::send_timeout`], while the server stops, and while many places are taken.
const DRAIN_SEND_TIMEOUT: Duration = Duration::from_secs(5);
const CROWDED_SEND_TIMEOUT: Duration = Duration::from_secs(3);
/// hyper's read buffer: a whole head and the start of the body. Longer heads are rejected before.
const READ_BUFFER_BYTES: usize = 2 * HEAD_BYTES_MAX;

/// The address cannot be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {variable} {address}: {}", remedy(source))]
pub(crate) struct BindError {
    variable: &'static str,
    address: SocketAddr,
    source: io::Error,
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program uses the port; stop it, or set the variable to another port"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; set the variable to one of its own"
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not use the port; set the variable to one above 1023"
        }
        _ => "set the variable to another address",
    }
}

/// Listens on the address that `variable` sets.
///
/// # Errors
/// The address is in use, not local, or not allowed.
pub(crate) fn bind(variable: &'static str, address: SocketAddr) -> Result<TcpListener, BindError> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // So that a server that ended leaves the port to the next one.
        socket.set_reuseaddr(true)?;
        // Connections inherit it.
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|source| BindError { variable, address, source })
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
    let server = Server::new(app, config, proxies, metrics);
    let stop = async {
        stop.await;
        shutdown.cancel();
        server.enter(Stage::Unready);
        tokio::time::sleep(config.unready_for).await;
    };
    tokio::select! {
        () = server.accept_all(&listener) => {}
        () = stop => {}
    }
    drop(listener);
    server.enter(Stage::Draining);
    shutdown::drain(config.drain_timeout, &server.limits, &server.metrics).await
}

struct Server<S> {
    app: S,
    http1: Arc<auto::Builder<StreamExecutor>>,
    http2: Arc<auto::Builder<StreamExecutor>>,
    config: Connections,
    limits: Arc<ConnectionLimits>,
    metrics: Arc<Metrics>,
    stage: Arc<CurrentStage>,
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
        let (http1, http2) = (Arc::new(protocol().http1_only()), Arc::new(protocol().http2_only()));
        Self { app, http1, http2, config, limits, metrics, stage: Arc::default(), public_peer: Once::new() }
    }

    fn enter(&self, stage: Stage) {
        self.stage.set(stage);
        self.limits.notify_all();
    }

    async fn accept_all(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
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
        let connection = Connection::new(peer);
        let connection = Arc::new(match stream.local_addr() {
            Ok(local) => connection.with_local(local),
            Err(_closed) => connection,
        });
        match self.limits.acquire(&connection) {
            Ok(permit) => self.start(stream, connection, permit),
            // Closed without a response, which would need the resources that the limit protects.
            Err(LimitHit::Total) => self.metrics.connections_refused_by_total.inc(),
            Err(LimitHit::Address) => self.metrics.connections_refused_by_address.inc(),
        }
    }

    fn start(&self, stream: TcpStream, connection: Arc<Connection>, permit: Permit) {
        self.metrics.connections_accepted.inc();
        // Responses are written whole; waiting for more data would only delay them.
        let _unsupported = stream.set_nodelay(true);
        let mut socket = StrictHttp1::new(stream, Arc::clone(&connection))
            .reset_if_unread(|stream| drop(stream.set_zero_linger()));
        let requests = Requests::new(self.app.clone(), Arc::clone(&connection), Arc::clone(&self.stage));
        let open = OpenConnection::new(Arc::clone(&self.metrics), permit);
        let (http1, http2) = (Arc::clone(&self.http1), Arc::clone(&self.http2));
        let wait = WaitLimits {
            config: self.config,
            stage: Arc::clone(&self.stage),
            limits: Arc::clone(&self.limits),
        };
        tokio::spawn(async move {
            let _open = open;
            // Before hyper, whose own detection would make its read buffer twice as large.
            let version =
                drive(pin!(socket.is_http2()), |_| ControlFlow::Break(()), &connection, &wait).await;
            let Some(Ok(is_http2)) = version else { return };
            let protocol = if is_http2 { http2 } else { http1 };
            // Boxed, because the task would keep room for it twice.
            let mut served = Box::pin(protocol.serve_connection(TokioIo::new(socket), requests).into_owned());
            drop(protocol);
            let finish = |served: Pin<&mut auto::Connection<_, _, _>>| {
                served.graceful_shutdown();
                ControlFlow::Continue(())
            };
            // How a connection ends is not logged; its requests are in the access log.
            let _ended = drive(served.as_mut(), finish, &connection, &wait).await;
        });
    }
}

/// Drives a connection until it ends, and returns how; `None` if its client is out of time, or it is closed. Called when the server
/// stops, `finish` ends it after its requests in flight, or now.
async fn drive<C: Future>(
    mut served: Pin<&mut C>,
    finish: impl Fn(Pin<&mut C>) -> ControlFlow<()>,
    connection: &Connection,
    wait: &WaitLimits,
) -> Option<C::Output> {
    let mut is_ending = false;
    loop {
        let limits = wait.current();
        // In this order, so that a stream is surely ended before its connection begins to wait for that.
        let time_left = connection.time_left(limits)?;
        connection.end_unread_streams(limits.send);
        if !is_ending && wait.stage.get().ends(connection) {
            is_ending = true;
            if finish(served.as_mut()).is_break() {
                return None;
            }
        }
        // One timer for all requests of a connection; hyper would set and cancel one for each. Biased, because a random choice for each event of a connection is expensive.
        tokio::select! {
            biased;
            ended = served.as_mut() => return Some(ended),
            () = connection.changed() => {}
            () = tokio::time::sleep(time_left) => {}
        }
    }
}

/// How long connections wait for their clients, which depends on the state of the server.
struct WaitLimits {
    config: Connections,
    stage: Arc<CurrentStage>,
    limits: Arc<ConnectionLimits>,
}

impl WaitLimits {
    fn current(&self) -> TimeLimits {
        let Connections { header_timeout: head, keep_alive_timeout: keep_alive, send_timeout, .. } =
            self.config;
        let send = match self.stage.get() {
            Stage::Serving if self.limits.is_crowded() => send_timeout.min(CROWDED_SEND_TIMEOUT),
            Stage::Serving => send_timeout,
            Stage::Unready | Stage::Draining => send_timeout.min(DRAIN_SEND_TIMEOUT),
        };
        TimeLimits { head, keep_alive, send }
    }
}

fn protocol() -> auto::Builder<StreamExecutor> {
    let mut protocol = auto::Builder::new(StreamExecutor);
    // The connection's own timer disconnects clients that are slow with a head.
    protocol.http1().header_read_timeout(None).max_buf_size(READ_BUFFER_BYTES);
    protocol
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HTTP2_PING)
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(HTTP2_SEND_BUFFER_BYTES)
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
