//! Applies events: leases their jobs, interprets them, and hands the facts to the store in one transaction.

mod execution_prices;
mod poison_guard;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use store::{Actor, ApplyOutcome, AssetPrice, Job, Store};
use telemetry::metrics::Metrics;
use telemetry::{Clock, with_causes};
use tokio::sync::Notify;
use webhooks::{Interpretation, ProviderSettings};

use crate::ShutdownSignal;
use crate::registry::Heartbeat;

pub use poison_guard::PoisonGuard;

/// Most events in one transaction.
const BATCH_EVENTS: u32 = 128;
/// How long a lease lasts: far longer than a batch takes, and short enough to recover soon from a crash.
const LEASE: Duration = Duration::from_secs(30);
/// Time between two looks for jobs without being notified: for events that other processes stored, and for retries.
const POLL_PERIOD: Duration = Duration::from_millis(500);
/// Pause after the database failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// Longest time without a heartbeat: ten leases. A batch is some dozens of statements, each of which ends after ten seconds
/// at the latest, so a longer silence is no wait for the database.
pub const EVENTS_SILENCE_MAX: Duration = LEASE.saturating_mul(10);

/// Who stores prices of executions, for the audit chain.
const ACTOR: Actor<'static> = Actor::named("worker:events");

/// What the workers that apply events share.
#[derive(Clone, Debug)]
pub struct Events {
    /// Holds events and jobs, and the ledger that they are applied to.
    pub store: Store,
    /// How events are interpreted.
    pub settings: Arc<ProviderSettings>,
    /// How facts are posted.
    pub rules: ledger::Rules,
    /// Notified when an event was stored.
    pub work_available: Arc<Notify>,
    /// Counts what became of events.
    pub metrics: Arc<Metrics>,
    /// Limits batches to one event after a panic.
    pub poison_guard: PoisonGuard,
    /// The wall clock.
    pub clock: Clock,
}

/// Applies events until `shutdown`; a batch that has begun is finished.
pub async fn run(events: Events, owner: String, heartbeat: Heartbeat, shutdown: ShutdownSignal) {
    while !shutdown.is_set() {
        let outcome = round(&events, &owner, &heartbeat).await;
        // After a round, however it went: a worker that panics in each round has no heartbeat, and one that only cannot
        // reach the database has.
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
            () = shutdown.wait() => {}
            () = events.work_available.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One batch; returns the number of its events.
async fn round(events: &Events, owner: &str, heartbeat: &Heartbeat) -> Result<usize, store::Error> {
    let Events { store, settings, rules, metrics, poison_guard, clock, .. } = events;
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
    // Before the events are applied: storing a price twice is harmless, and a lost one is not reported again.
    let prices: Vec<AssetPrice> =
        jobs.iter().flat_map(|(_, interpretation)| execution_prices::prices(interpretation)).collect();
    if !prices.is_empty() {
        store.set_prices(&prices, ACTOR, clock.now()).await?;
    }
    heartbeat.beat();
    let outcomes = store.apply_all(&jobs, rules, clock.now()).await?;
    let now = clock.now();
    for ((job, _), outcome) in jobs.iter().zip(&outcomes) {
        count(metrics, job, outcome, now);
    }
    Ok(jobs.len())
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
            tracing::warn!(%event, "lease expired before the event was applied; another worker has it");
        }
        ApplyOutcome::Failed { reason } => {
            counters.failed.inc();
            tracing::warn!(%event, event_type, reason, "applying an event failed; it will be retried");
        }
        ApplyOutcome::Dead { reason } => {
            counters.dead.inc();
            tracing::error!(%event, event_type, reason, "applying an event failed for the last time; it is a dead letter");
        }
    }
}
