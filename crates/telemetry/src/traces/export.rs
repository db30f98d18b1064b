//! Sends spans in batches. A request never waits for it: what the queue cannot hold is dropped and counted.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use prost::Message as _;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::{Instant, timeout_at};

use crate::metrics::Traces;

/// Spans that wait to be sent, about 1 kB each.
pub const SPANS_WAITING_MAX: usize = 2048;
/// Spans in one message.
const BATCH_SPANS_MAX: usize = 512;
/// Longest time that a span waits for others.
const BATCH_PERIOD: Duration = Duration::from_secs(1);

/// Takes the spans that end.
#[derive(Debug)]
pub(super) struct Queue {
    spans: Sender<SpanData>,
    counts: Traces,
}

impl Queue {
    pub(super) fn new(spans: Sender<SpanData>, counts: Traces) -> Self {
        Self { spans, counts }
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.spans.try_send(span).is_err() {
            self.counts.dropped.inc();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The other end of the queue.
#[derive(Debug)]
pub struct SpanExport {
    spans: Receiver<SpanData>,
    resource: ResourceAttributesWithSchema,
    counts: Traces,
}

impl SpanExport {
    pub(super) fn new(spans: Receiver<SpanData>, resource: &Resource, counts: Traces) -> Self {
        Self { spans, resource: resource.into(), counts }
    }

    /// Passes each batch to `send` as an OTLP message, until `stop` completes and what had ended by then is sent. `send` returns
    /// whether the collector has it, after a bounded time.
    pub async fn run<F: Future<Output = bool>>(
        mut self,
        send: impl Fn(Vec<u8>) -> F,
        stop: impl Future<Output = ()>,
    ) {
        let mut stop = std::pin::pin!(stop);
        let mut is_open = true;
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                () = self.collect(&mut batch) => {}
                () = &mut stop, if is_open => {
                    is_open = false;
                    self.spans.close();
                }
            }
            match batch.is_empty() {
                false => self.send(batch, &send).await,
                true if self.spans.is_closed() && self.spans.is_empty() => return,
                true => {}
            }
        }
    }

    /// Waits for the first span, and a while for others. Spans that were received stay in the batch if this is dropped.
    async fn collect(&mut self, batch: &mut Vec<SpanData>) {
        let mut deadline = None;
        while batch.len() < BATCH_SPANS_MAX {
            let received = self.spans.recv_many(batch, BATCH_SPANS_MAX - batch.len());
            let count = match deadline {
                None => received.await,
                Some(deadline) => timeout_at(deadline, received).await.unwrap_or_default(),
            };
            if count == 0 {
                return;
            }
            deadline.get_or_insert_with(|| Instant::now() + BATCH_PERIOD);
        }
    }

    async fn send<F: Future<Output = bool>>(&self, batch: Vec<SpanData>, send: &impl Fn(Vec<u8>) -> F) {
        let count = batch.len() as u64;
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let message = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let counter = if send(message).await { &self.counts.exported } else { &self.counts.failed };
        counter.inc_by(count);
    }
}
