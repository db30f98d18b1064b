//! Applies events: leases their jobs, interprets them, and hands the facts to the store in one transaction.

mod poison_guard;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use store::{ApplyOutcome, Job, Store};
use telemetry::metrics::Metrics;
use telemetry::traces::{self, Span, SpanIds, SpanKind, Tracer};
use telemetry::{Clock, with_causes};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use webhooks::{Interpretation, ProviderSettings};

use crate::registry::Heartbeat;

pub use poison_guard::PoisonGuard;

/// Most events in one transaction.
const BATCH_EVENTS: u32 = 512;
/// Duration of a lease: far longer than a batch takes, and short enough to recover soon after a crash.
const LEASE: Duration = Duration::from_secs(30);
/// Time between two queries for jobs without a notification: for events that other processes stored, and for retries.
const POLL_PERIOD: Duration = Duration::from_millis(500);
/// Pause after the database failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// Longest time without a heartbeat: ten leases. A batch has some dozens of statements of at most ten seconds each, so a
/// longer silence is not a slow database.
pub const EVENTS_SILENCE_MAX: Duration = LEASE.saturating_mul(10);

/// What the workers that apply events share.
#[derive(Clone, Debug)]
pub struct Events {
    /// The store of events, jobs and the ledger.
    pub store: Store,
    /// The settings for interpreting events.
    pub settings: Arc<ProviderSettings>,
    /// The rules for posting facts.
    pub rules: ledger::Rules,
    /// Notified when an event was stored.
    pub work_available: Arc<Notify>,
    /// Counts outcomes of events.
    pub metrics: Arc<Metrics>,
    /// Limits batches to one event after a panic.
    pub poison_guard: PoisonGuard,
    /// The wall clock.
    pub clock: Clock,
    /// Traces the jobs of recorded requests.
    pub tracer: Tracer,
}

/// Applies events until `shutdown`, and finishes a batch in progress.
pub async fn run(events: Events, owner: String, heartbeat: Heartbeat, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let outcome = round(&events, &owner, &heartbeat).await;
        // After a failed round, too: a worker that cannot reach the database is healthy, and one that panics is not.
        heartbeat.beat();
        let pause = match outcome {
            Ok(0) => POLL_PERIOD,
            // There may be more.
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "applying events failed");
                FAILURE_PAUSE
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = events.work_available.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One batch; returns the number of its events.
async fn round(events: &Events, owner: &str, heartbeat: &Heartbeat) -> Result<usize, store::Error> {
    let Events { store, settings, rules, metrics, poison_guard, clock, tracer, .. } = events;
    let started_at = clock.now();
    let _round = poison_guard.enter_round(started_at);
    let batch_max = if poison_guard.is_on(started_at) { 1 } else { BATCH_EVENTS };
    let jobs = store.lease(owner, batch_max, LEASE, started_at).await?;
    if jobs.is_empty() {
        return Ok(0);
    }
    let interpreted = |job: Job| {
        let interpretation = webhooks::interpret(job.channel(), job.body(), settings);
        (job, interpretation)
    };
    let jobs: Vec<(Job, Interpretation)> = jobs.into_iter().map(interpreted).collect();
    heartbeat.beat();
    // One span for the batch, because one transaction applies it. It may run long after the requests have ended.
    let recorded: Vec<SpanIds> = jobs.iter().filter_map(|(job, _)| job.span()).collect();
    let mut span = tracer.linked("process webhook_events", &recorded);
    span.set("messaging.batch.message_count", i64::try_from(jobs.len()).unwrap_or(i64::MAX));
    let applied = span.enter(async {
        let spans = JobSpans::start(&jobs);
        store.apply_all(&jobs, rules, clock.now()).await.inspect(|outcomes| spans.end(outcomes))
    });
    let outcomes = applied.await.inspect_err(|_| span.fail("unavailable"))?;
    let now = clock.now();
    for ((job, _), outcome) in jobs.iter().zip(&outcomes) {
        count(metrics, job, outcome, now);
    }
    Ok(jobs.len())
}

/// The spans of the recorded jobs of a batch, by their position in it.
struct JobSpans(Vec<(usize, Span)>);

impl JobSpans {
    fn start(jobs: &[(Job, Interpretation)]) -> Self {
        let recorded = jobs.iter().enumerate().filter_map(|(index, (job, _))| {
            let stored = job.span()?;
            let mut span =
                traces::child(SpanKind::Consumer, || format!("process {}", job.channel().as_str()));
            span.link(stored);
            span.set_with("messaging.message.id", || job.event_id().to_string());
            span.set("investiq.attempt", i64::from(job.attempt()));
            Some((index, span))
        });
        Self(recorded.collect())
    }

    fn end(self, outcomes: &[ApplyOutcome]) {
        for (index, mut span) in self.0 {
            match outcomes.get(index) {
                Some(ApplyOutcome::Done) => span.set("investiq.outcome", "processed"),
                Some(ApplyOutcome::Unhandled) => span.set("investiq.outcome", "unhandled"),
                Some(ApplyOutcome::LeaseLost) => span.fail("lease_lost"),
                Some(ApplyOutcome::Failed { .. }) => span.fail("failed"),
                Some(ApplyOutcome::Dead { .. }) => span.fail("dead"),
                None => {}
            }
        }
    }
}

fn count(metrics: &Metrics, job: &Job, outcome: &ApplyOutcome, now: Timestamp) {
    let counters = metrics.deliveries.provider(job.channel().provider().as_str());
    let (event, event_type) = (job.event_id(), job.event_type());
    match outcome {
        ApplyOutcome::Done => {
            counters.processed.inc();
            if job.attempt() == 1 && job.cause() == store::JobCause::Received {
                counters.lag.observe(now.duration_since(job.received_at()).as_secs_f64().max(0.0));
            }
        }
        ApplyOutcome::Unhandled => counters.unhandled.inc(),
        ApplyOutcome::LeaseLost => {
            tracing::warn!(%event, "job lease expired before the event was applied");
        }
        ApplyOutcome::Failed { reason } => {
            counters.failed.inc();
            tracing::warn!(%event, event_type, reason, "applying an event failed; will retry");
        }
        ApplyOutcome::Dead { reason } if job.evidence().is_err() => {
            counters.tampered.inc();
            counters.dead.inc();
            tracing::error!(%event, event_type, reason, "stored event was changed in the database; moved to dead letters");
        }
        ApplyOutcome::Dead { reason } => {
            counters.dead.inc();
            tracing::error!(%event, event_type, reason, "applying an event failed for the last time; moved to dead letters");
        }
    }
}
