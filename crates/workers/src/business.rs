//! Business figures from tables: computed by the process that holds the leader lease, and zero in all others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rust_decimal::prelude::ToPrimitive as _;
use store::{Actor, Figures, ReviewFigures, Store};
use telemetry::metrics::{Business, Metrics, Reviews};
use telemetry::{Clock, with_causes};

use crate::leader_lease::LeaderLease;
use crate::registry::Heartbeat;

/// Shortest time between two computations.
const PERIOD_MIN: Duration = Duration::from_secs(1);
/// The pause after a computation is this many times its duration: figures of a large ledger are computed less often.
const PAUSE_FACTOR: u32 = 20;
/// Time between two trial balances, which sum the whole journal.
const TRIAL_BALANCE_PERIOD: Duration = Duration::from_secs(60);
/// Time between two snapshots: the last one of a day is its close.
const SNAPSHOT_PERIOD: Duration = Duration::from_secs(300);

const ACTOR: Actor<'static> = Actor::named("worker:business");

/// Computes figures while the lease is held; never returns.
pub async fn run(
    store: Store,
    lease: LeaderLease,
    metrics: Arc<Metrics>,
    clock: Clock,
    heartbeat: Heartbeat,
) {
    let business = &metrics.business;
    loop {
        business.step_down();
        metrics.reviews.step_down();
        heartbeat.beat();
        tokio::select! {
            () = lease.acquired() => {}
            // Time for the next heartbeat.
            () = tokio::time::sleep(PERIOD_MIN) => continue,
        }
        let (mut trial_balance_at, mut snapshot_at) = (None, None);
        let mut ended_at = Instant::now();
        while lease.is_held() {
            let started_at = Instant::now();
            if let Err(error) =
                round(&store, &metrics, clock, &heartbeat, &mut trial_balance_at, &mut snapshot_at).await
            {
                tracing::warn!(error = with_causes(&error), "computing business figures failed");
                business.grow_older(ended_at.elapsed());
            }
            ended_at = Instant::now();
            // With heartbeats: after a slow computation, the pause is longer than a worker may be silent.
            heartbeat.rest(PERIOD_MIN.max(started_at.elapsed() * PAUSE_FACTOR)).await;
        }
    }
}

async fn round(
    store: &Store,
    metrics: &Metrics,
    clock: Clock,
    heartbeat: &Heartbeat,
    trial_balance_at: &mut Option<Instant>,
    snapshot_at: &mut Option<Instant>,
) -> Result<(), store::Error> {
    let (now, business) = (clock.now(), &metrics.business);
    set_reviews(&metrics.reviews, &store.review_figures().await?, now);
    set_gauges(business, &store.figures(now).await?, now);
    heartbeat.beat();
    if is_due(trial_balance_at, TRIAL_BALANCE_PERIOD) {
        let trial = store.trial_balance().await?;
        if !trial.is_balanced() {
            tracing::error!(?trial, "ledger does not balance");
        }
        business.ledger_imbalance_minor.set(i64::try_from(trial.imbalance_minor()).unwrap_or(i64::MAX));
        business.ledger_drifted_accounts.set(i64::try_from(trial.drifted_accounts).unwrap_or(i64::MAX));
        let drift = store.deposit_drift().await?;
        let drift_minor = drift.iter().map(|line| line.drift_minor().saturating_abs());
        let drift_minor = drift_minor.fold(0, i128::saturating_add);
        business.deposit_drift_minor.set(i64::try_from(drift_minor).unwrap_or(i64::MAX));
        *trial_balance_at = Some(Instant::now());
    }
    heartbeat.beat();
    if is_due(snapshot_at, SNAPSHOT_PERIOD) {
        store.take_snapshots(ACTOR, now).await?;
        if let Some(day) = store.close_day(ACTOR, now).await? {
            tracing::info!(%day, "ledger closed");
        }
        *snapshot_at = Some(Instant::now());
    }
    Ok(())
}

fn is_due(last: &Option<Instant>, period: Duration) -> bool {
    last.is_none_or(|last| last.elapsed() >= period)
}

fn set_reviews(reviews: &Reviews, figures: &ReviewFigures, now: Timestamp) {
    reviews
        .set_open(|kind| figures.open.iter().find(|(open, _)| open == kind).map_or(0, |(_, count)| *count));
    let age = figures.oldest_at.map_or(0.0, |oldest| now.duration_since(oldest).as_secs_f64());
    reviews.oldest_age_seconds.set(age.max(0.0));
}

fn set_gauges(business: &Business, figures: &Figures, now: Timestamp) {
    let dollars =
        |market_value: &store::MarketValue| market_value.value.to_decimal().to_f64().unwrap_or(f64::NAN);
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let oldest_at = figures.assets.oldest_price_at.unwrap_or(now);
    business.aum_usd.set(dollars(&figures.assets));
    business.aum_age_seconds.set(now.duration_since(oldest_at).as_secs_f64().max(0.0));
    business.aum_unpriced.set(count(figures.assets.unpriced));
    business.deposits_today_usd.set(dollars(&figures.deposits_today));
    business.investments_today_usd.set(dollars(&figures.investments_today));
    business.active_users_5m.set(count(figures.active_users));
    business.users_registered.set(count(figures.registrations));
    let year_to_date = figures.year_to_date.and_then(|ratio| ratio.to_f64());
    business.portfolio_return_ytd_ratio.set(year_to_date.unwrap_or(f64::NAN));
    business.computed_at_seconds.set(now.as_duration().as_secs_f64());
    business.is_elected.set(1);
}
