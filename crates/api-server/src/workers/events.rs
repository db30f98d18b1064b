//! Applies what was received: leases events, reads what they mean, and hands that to the store in one transaction.

mod caution;
mod executed;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use store::{Actor, Applied, Leased, Mark, Store};
use tokio::sync::Notify;
use webhooks::{Meaning, Reading};

use super::roster::Heart;
use crate::clock::Clock;
use crate::logs::with_causes;
use crate::metrics::Metrics;
use crate::serve::Draining;

pub use caution::Caution;

/// Events that are applied in one transaction, at most.
const BATCH_EVENTS: u32 = 128;
/// How long a lease holds: far longer than a batch takes, and short enough that a crash is made good soon.
const LEASE: Duration = Duration::from_secs(30);
/// Looks for work this often when nobody wakes it: for what others received, and for what waits for another try.
const POLL_PERIOD: Duration = Duration::from_millis(500);
/// Pause after the database failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// Longest silence of a worker of events: ten leases. A batch is some dozens of statements, and the database ends each of
/// them after ten seconds at the latest; who is silent longer than all of that does not wait for it.
pub const EVENTS_SILENCE_MAX: Duration = LEASE.saturating_mul(10);

/// Who marks prices of executions, for the audit chain.
const ACTOR: Actor<'static> = Actor::named("worker:events");

/// What workers of events share.
#[derive(Clone, Debug)]
pub struct Events {
    /// Where the events are.
    pub store: Store,
    /// How they are read.
    pub reading: Arc<Reading>,
    /// How they are booked.
    pub rules: ledger::Rules,
    /// Wakes one worker when something was received.
    pub kick: Arc<Notify>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether an event made a worker panic a while ago.
    pub caution: Caution,
}

/// Works until it is told to stop; what it has begun by then it finishes.
pub async fn run(events: Events, owner: String, heart: Heart, stopping: Draining) {
    while !stopping.has_begun() {
        let outcome = round(&events, &owner, &heart).await;
        // After a round, however it went: who panics in each of them shows no life, and who only cannot reach the
        // database does.
        heart.beat();
        let pause = match outcome {
            Ok(0) => POLL_PERIOD,
            // Where there was some there may be more.
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "events cannot be applied now");
                FAILURE_PAUSE
            }
        };
        tokio::select! {
            () = stopping.begun() => {}
            () = events.kick.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One batch; how many events it had.
async fn round(events: &Events, owner: &str, heart: &Heart) -> Result<usize, store::Error> {
    let Events { store, reading, rules, metrics, caution, .. } = events;
    let began_at = Clock::System.now();
    let _watch = caution.watch(began_at);
    let most = if caution.is_on(began_at) { 1 } else { BATCH_EVENTS };
    let leased = store.lease(owner, most, LEASE, began_at).await?;
    if leased.is_empty() {
        return Ok(0);
    }
    let read = |leased: Leased| {
        let meaning = webhooks::meaning(leased.channel(), leased.body(), reading);
        (leased, meaning)
    };
    let work: Vec<(Leased, Meaning)> = leased.into_iter().map(read).collect();
    // Before, because a price that is told twice is one, and a price that is lost is not told again.
    let marks: Vec<Mark> = work.iter().flat_map(|(_, meaning)| executed::marks(meaning)).collect();
    if !marks.is_empty() {
        store.mark(&marks, ACTOR, Clock::System.now()).await?;
    }
    heart.beat();
    let applied = store.apply_all(&work, rules, Clock::System.now()).await?;
    let now = Clock::System.now();
    for ((leased, _), applied) in work.iter().zip(&applied) {
        count(metrics, leased, applied, now);
    }
    Ok(work.len())
}

fn count(metrics: &Metrics, leased: &Leased, applied: &Applied, now: Timestamp) {
    let source = metrics.deliveries.of(leased.channel().provider());
    let (event, event_type) = (leased.event(), leased.event_type());
    match applied {
        Applied::Done => {
            source.processed.inc();
            if leased.attempt() == 1 && leased.cause() == store::Cause::Received {
                source.lag.observe(now.duration_since(leased.received_at()).as_secs_f64().max(0.0));
            }
        }
        Applied::Unhandled => source.unhandled.inc(),
        Applied::LeaseLost => {
            tracing::warn!(%event, "an event took longer than its lease, and another worker has it");
        }
        Applied::Failed { reason } => {
            source.failed.inc();
            tracing::warn!(%event, event_type, reason, "an event could not be applied and is tried again");
        }
        Applied::Dead { reason } => {
            source.dead.inc();
            tracing::error!(%event, event_type, reason, "an event could not be applied and is given up");
        }
    }
}
