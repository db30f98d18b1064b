//! The figures of the business, from tables: computed by the holder of the office, and shown as zeros by all others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rust_decimal::prelude::ToPrimitive as _;
use store::{Actor, Figures, Store};

use super::office::Office;
use super::roster::Heart;
use crate::clock::Clock;
use crate::logs::with_causes;
use crate::metrics::{Business, Metrics};

/// Shortest time between two computations.
const PERIOD_MIN: Duration = Duration::from_secs(1);
/// A computation may take one part in so many of the time: figures of a large book are computed less often.
const SHARE: u32 = 20;
/// Time between two sums of the whole journal.
const TRIAL_PERIOD: Duration = Duration::from_secs(60);
/// Time between two snapshots: the last one of a day is its close.
const SNAPSHOT_PERIOD: Duration = Duration::from_secs(300);

/// Who takes snapshots, for the audit chain.
const ACTOR: Actor<'static> = Actor::named("worker:business");

/// Computes while the office is held, for ever.
pub async fn run(store: Store, office: Office, metrics: Arc<Metrics>, heart: Heart) {
    let business = &metrics.business;
    loop {
        business.step_down();
        heart.beat();
        tokio::select! {
            () = office.held() => {}
            // Waiting is being alive.
            () = tokio::time::sleep(PERIOD_MIN) => continue,
        }
        let (mut trial_at, mut snapshot_at) = (None, None);
        let mut ended_at = Instant::now();
        while office.is_held() {
            let began_at = Instant::now();
            if let Err(error) = round(&store, business, &heart, &mut trial_at, &mut snapshot_at).await {
                tracing::warn!(
                    error = with_causes(&error),
                    "the figures of the business cannot be computed now"
                );
                business.grow_older(ended_at.elapsed());
            }
            ended_at = Instant::now();
            // After figures that took long, longer than anyone else is silent.
            heart.rest(PERIOD_MIN.max(began_at.elapsed() * SHARE)).await;
        }
    }
}

async fn round(
    store: &Store,
    business: &Business,
    heart: &Heart,
    trial_at: &mut Option<Instant>,
    snapshot_at: &mut Option<Instant>,
) -> Result<(), store::Error> {
    let now = Clock::System.now();
    note(business, &store.figures(now).await?, now);
    heart.beat();
    if is_due(trial_at, TRIAL_PERIOD) {
        let trial = store.trial_balance().await?;
        if !trial.is_sound() {
            tracing::error!(?trial, "THE LEDGER DOES NOT BALANCE");
        }
        business.ledger_imbalance_minor.set(i64::try_from(trial.imbalance_minor()).unwrap_or(i64::MAX));
        business.ledger_drifted_accounts.set(i64::try_from(trial.drifted_accounts).unwrap_or(i64::MAX));
        let drift = store.deposit_drift().await?;
        let drift_minor = drift.iter().map(|line| line.drift_minor().saturating_abs());
        business.deposit_drift_minor.set(drift_minor.fold(0, i64::saturating_add));
        *trial_at = Some(Instant::now());
    }
    heart.beat();
    if is_due(snapshot_at, SNAPSHOT_PERIOD) {
        store.take_snapshots(ACTOR, now).await?;
        *snapshot_at = Some(Instant::now());
    }
    Ok(())
}

fn is_due(last: &Option<Instant>, period: Duration) -> bool {
    last.is_none_or(|last| last.elapsed() >= period)
}

fn note(business: &Business, figures: &Figures, now: Timestamp) {
    let dollars = |worth: &store::Worth| worth.value.to_decimal().to_f64().unwrap_or(f64::NAN);
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let oldest_at = figures.assets.oldest_mark_at.unwrap_or(now);
    business.aum_usd.set(dollars(&figures.assets));
    business.aum_age_seconds.set(now.duration_since(oldest_at).as_secs_f64().max(0.0));
    business.aum_unpriced.set(count(figures.assets.unpriced));
    business.deposits_today_usd.set(dollars(&figures.deposits_today));
    business.investments_today_usd.set(dollars(&figures.investments_today));
    business.active_users_5m.set(count(figures.active_users));
    business.user_registrations.set(count(figures.registrations));
    let year_to_date = figures.year_to_date.and_then(|ratio| ratio.to_f64());
    business.portfolio_return_ytd_ratio.set(year_to_date.unwrap_or(f64::NAN));
    business.computed_at_seconds.set(now.as_duration().as_secs_f64());
    business.is_elected.set(1);
}
