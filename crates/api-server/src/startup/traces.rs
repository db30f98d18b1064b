//! Sends the spans of traces to a collector, if one is set.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use config::Config;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use telemetry::metrics::Metrics;
use telemetry::traces::{Service, Tracer};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::worker_setup::owner;

/// Appended to the URL of the collector.
const PATH: &str = "/v1/traces";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest wait for the response to one message.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Pauses before a message is sent again, if the collector may accept it then.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// Longest wait at the end for spans that are not sent yet.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// The task that sends spans.
#[derive(Debug)]
pub(crate) struct TraceExport {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Where spans are sent.
struct Collector {
    client: reqwest::Client,
    url: String,
    is_failing: AtomicBool,
    stop: CancellationToken,
}

/// A tracer, which is off if no collector is set.
pub(super) fn start(
    config: &Config,
    metrics: &Metrics,
) -> Result<(Tracer, Option<TraceExport>), reqwest::Error> {
    let Some(endpoint) = &config.traces.endpoint else { return Ok((Tracer::default(), None)) };
    let client = outbound::client_builder(CONNECT_TIMEOUT, &config.proxy).timeout(SEND_TIMEOUT);
    // A collector in the same network often has no TLS; spans have no secrets.
    let client = client.https_only(false).build()?;
    let (url, stop) = ([endpoint, PATH].concat(), CancellationToken::new());
    let collector = Collector { client, url, is_failing: AtomicBool::new(false), stop: stop.clone() };
    let (name, environment) = (config.traces.service_name.as_str(), config.profile.as_str());
    let service = Service { name, environment, instance: &owner() };
    let (tracer, export) = Tracer::start(service, config.traces.sampling, metrics.traces.clone());
    tracing::info!(endpoint, sampling = ?config.traces.sampling, "traces are exported");
    let stopped = stop.clone().cancelled_owned();
    let task = tokio::spawn(async move { export.run(|message| collector.send(message), stopped).await });
    Ok((tracer, Some(TraceExport { stop, task })))
}

impl TraceExport {
    /// Sends what has ended, for a bounded time.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        if timeout(STOP_TIMEOUT, self.task).await.is_err() {
            tracing::warn!("the last spans were not exported: the collector did not answer");
        }
    }
}

impl Collector {
    /// Whether the collector has the message in the end.
    async fn send(&self, message: Vec<u8>) -> bool {
        let mut pauses = RETRY_PAUSES.into_iter();
        loop {
            let (error, may_succeed) = match self.send_once(message.clone()).await {
                Ok(status) if status.is_success() => {
                    if self.is_failing.swap(false, Ordering::Relaxed) {
                        tracing::info!("the collector accepts traces again");
                    }
                    return true;
                }
                Ok(status) => (format!("status {}", status.as_u16()), is_retryable(status)),
                Err(error) => (telemetry::with_causes(&error.without_url()), true),
            };
            // Once, until it succeeds again: traces are not worth a full log.
            if !self.is_failing.swap(true, Ordering::Relaxed) {
                tracing::warn!(error, "exporting traces failed");
            }
            match pauses.next().filter(|_| may_succeed) {
                // At the end there is no time for it.
                Some(pause) => drop(timeout(pause, self.stop.cancelled()).await),
                None => return false,
            }
        }
    }

    async fn send_once(&self, message: Vec<u8>) -> Result<StatusCode, reqwest::Error> {
        let request = self.client.post(&self.url).header(CONTENT_TYPE, "application/x-protobuf");
        Ok(request.body(message).send().await?.status())
    }
}

/// The statuses of OTLP after which a message is sent again.
fn is_retryable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}
