//! The end: which signals ask for it, and how requests in flight are waited for.

use std::io;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::signal::unix::{SignalKind, signal};

use crate::connection::Caps;
use crate::metrics::Metrics;

/// How the end went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open at the deadline.
    pub connections_cut: usize,
    /// Requests that were still in flight at the deadline.
    pub requests_cut: u64,
}

impl Drained {
    /// Whether nothing was cut.
    #[must_use]
    pub fn is_complete(self) -> bool {
        self == Self::default()
    }
}

/// Resolves when the process is asked to end, by SIGTERM or SIGINT.
///
/// # Errors
/// The handlers cannot be installed.
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!(signal = "SIGTERM", "asked to stop"),
            _ = interrupt.recv() => tracing::info!(signal = "SIGINT", "asked to stop"),
        }
    })
}

/// Lets every connection finish what it is answering, up to the deadline.
pub(super) async fn drain(
    graceful: GracefulShutdown,
    timeout: Duration,
    caps: &Caps,
    metrics: &Metrics,
) -> Drained {
    tracing::info!(connections = caps.open(), requests = metrics.in_flight.get(), "draining");
    if tokio::time::timeout(timeout, graceful.shutdown()).await.is_ok() {
        tracing::info!("drained: every request was answered");
        return Drained::default();
    }
    let cut = Drained {
        connections_cut: caps.open(),
        requests_cut: u64::try_from(metrics.in_flight.get()).unwrap_or(0),
    };
    let Drained { connections_cut, requests_cut } = cut;
    tracing::error!(
        connections_cut,
        requests_cut,
        timeout_s = timeout.as_secs(),
        "the deadline cut requests off"
    );
    cut
}
