//! Shutdown: the signals that start it, and the wait for requests in flight.

use std::io;
use std::time::Duration;

use telemetry::metrics::Metrics;
use tokio::signal::unix::{SignalKind, signal};

use crate::connection_limits::ConnectionLimits;

/// Connections and requests that were cut off at shutdown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Drained {
    /// Connections still open at the deadline.
    pub(crate) connections_cut: usize,
    /// Requests still in flight at the deadline.
    pub(crate) requests_cut: u64,
}

impl Drained {
    /// Logs the result, after the last line of the access log.
    pub(crate) fn log(self, timeout: Duration) {
        let Self { connections_cut, requests_cut } = self;
        if self.is_complete() {
            tracing::info!("drained: all requests completed");
        } else {
            tracing::error!(
                connections_cut,
                requests_cut,
                timeout_s = timeout.as_secs(),
                "shutdown deadline reached: requests were cut off"
            );
        }
    }

    /// Whether nothing was cut off.
    #[must_use]
    pub(crate) fn is_complete(self) -> bool {
        self == Self::default()
    }
}

/// Resolves on SIGTERM or SIGINT.
///
/// # Errors
/// The signal handlers cannot be installed.
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!(signal = "SIGTERM", "shutdown requested"),
            _ = interrupt.recv() => tracing::info!(signal = "SIGINT", "shutdown requested"),
        }
    })
}

/// Lets requests in flight finish, up to the deadline.
pub(super) async fn drain(timeout: Duration, limits: &ConnectionLimits, metrics: &Metrics) -> Drained {
    tracing::info!(connections = limits.count(), requests = metrics.in_flight.get(), "draining connections");
    if tokio::time::timeout(timeout, limits.wait_for_none()).await.is_ok() {
        return Drained::default();
    }
    Drained {
        connections_cut: limits.count(),
        requests_cut: u64::try_from(metrics.in_flight.get()).unwrap_or(0),
    }
}
