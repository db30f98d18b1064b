//! Reconciles each provider with an API key once a day, while this process holds the leader lease.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reconciliation::{Api, Error, MismatchKind, Period, Reconciliation};
use store::{Actor, RECONCILIATION_REVIEWS_MAX, ReconciliationRun, Store};
use telemetry::metrics::Metrics;
use telemetry::{Clock, with_causes};
use tokio::time::{Instant, timeout};

use crate::leader_lease::LeaderLease;
use crate::registry::Heartbeat;

/// Days that are compared, the current one included: a week, so that what was late is compared again.
const DAYS: u32 = 7;
/// Time between two runs of a provider.
const PERIOD: SignedDuration = SignedDuration::from_hours(24);
/// Pause before the first run of a leader, so that deliveries of an outage are applied first, and after each round.
const PAUSE: Duration = Duration::from_mins(10);
/// Longest run.
const RUN_MAX: Duration = Duration::from_hours(1);
/// Time between two checks of the leader lease.
const CHECK_PERIOD: Duration = Duration::from_secs(5);

const ACTOR: Actor<'static> = Actor::named("worker:reconciliation");

/// Reconciles while the lease is held; never returns.
pub async fn run(
    store: Store,
    apis: Vec<Api>,
    lease: LeaderLease,
    metrics: Arc<Metrics>,
    clock: Clock,
    heartbeat: Heartbeat,
) {
    let mut next_at = None;
    loop {
        heartbeat.beat();
        match (lease.is_held(), next_at) {
            (false, _) => {
                metrics.reconciliations.step_down();
                next_at = None;
            }
            (true, None) => {
                // A new leader shows what its predecessor showed, before it reconciles itself.
                if let Err(error) = show_latest(&store, &metrics).await {
                    tracing::warn!(error = with_causes(&error), "reading reconciliations failed");
                }
                next_at = Some(Instant::now() + PAUSE);
            }
            (true, Some(at)) if Instant::now() >= at => {
                if let Err(error) = round(&store, &apis, &metrics, clock, &heartbeat).await {
                    tracing::warn!(error = with_causes(&error), "reading reconciliations failed");
                }
                next_at = Some(Instant::now() + PAUSE);
            }
            (true, Some(_)) => {}
        }
        tokio::time::sleep(CHECK_PERIOD).await;
    }
}

/// Runs what is due, and shows the latest run of each provider.
async fn round(
    store: &Store,
    apis: &[Api],
    metrics: &Metrics,
    clock: Clock,
    heartbeat: &Heartbeat,
) -> Result<(), store::Error> {
    let before = store.latest_reconciliations().await?;
    for api in apis {
        let (provider, now) = (api.provider(), clock.now());
        let last = before.iter().find(|run| run.provider == provider);
        if last.is_some_and(|run| now.duration_since(run.at) < PERIOD) {
            continue;
        }
        let run = timeout(RUN_MAX, reconcile(store, api, now));
        let outcome = tokio::select! {
            outcome = Box::pin(run) => outcome,
            never = stay_alive(heartbeat) => match never {},
        };
        match outcome {
            Ok(Ok((reconciliation, missing_lists))) => log(&reconciliation, &missing_lists),
            Ok(Err(error)) => {
                tracing::warn!(%provider, error = with_causes(&error), "reconciliation failed");
            }
            Err(_) => tracing::warn!(%provider, "reconciliation timed out"),
        }
    }
    show_latest(store, metrics).await
}

async fn show_latest(store: &Store, metrics: &Metrics) -> Result<(), store::Error> {
    for run in store.latest_reconciliations().await? {
        show(&run, metrics);
    }
    for (provider, at) in store.latest_complete_reconciliations().await? {
        metrics.reconciliations.set_time(provider.as_str(), at.as_second());
    }
    Ok(())
}

/// The reconciliation, and the lists that it needs and does not have.
async fn reconcile(store: &Store, api: &Api, now: Timestamp) -> Result<(Reconciliation, Vec<String>), Error> {
    let period = Period::last(DAYS, now).ok_or(Error::TooLong { lines_max: 0 })?;
    let reconciliation = reconciliation::reconcile(store, api, period, now).await?;
    reconciliation::record(store, &reconciliation, ACTOR).await?;
    let missing_lists = reconciliation::missing_lists(store, &reconciliation).await?;
    Ok((reconciliation, missing_lists))
}

/// Reading a statement can take longer than a worker may be silent.
async fn stay_alive(heartbeat: &Heartbeat) -> Infallible {
    loop {
        heartbeat.rest(PAUSE).await;
    }
}

fn log(Reconciliation { provider, report, .. }: &Reconciliation, missing_lists: &[String]) {
    let (differences, matched) = (report.differences().count(), report.lines_matched());
    for list in missing_lists {
        tracing::warn!(%provider, list, "list of a statement not available: its lines were not compared");
    }
    if differences > 0 {
        let reviews = differences.min(RECONCILIATION_REVIEWS_MAX);
        tracing::error!(%provider, matched, differences, reviews, "statement and books differ");
    } else if missing_lists.is_empty() {
        tracing::info!(%provider, matched, "reconciled");
    }
}

fn show(run: &ReconciliationRun, metrics: &Metrics) {
    let count = |kind| match kind {
        MismatchKind::MissingHere => run.missing_here,
        MismatchKind::MissingThere => run.missing_there,
        MismatchKind::Different => run.different,
        MismatchKind::InProgress => run.in_progress,
        MismatchKind::NotCompared => run.not_compared,
    };
    let of_provider = &metrics.reconciliations;
    of_provider.set(run.provider.as_str(), "matched", run.matched);
    for kind in MismatchKind::ALL {
        of_provider.set(run.provider.as_str(), kind.into(), count(kind));
    }
}
