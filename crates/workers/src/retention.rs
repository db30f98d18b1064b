//! Removes bodies of events after their retention, in small batches, so that deliveries do not wait.

use std::time::Duration;

use domain::Provider;
use store::{Actor, Store};
use telemetry::{Clock, with_causes};
use webhooks::ProviderSettings;

use crate::leader_lease::LeaderLease;
use crate::registry::Heartbeat;

/// Time between two rounds.
const PERIOD: Duration = Duration::from_secs(3600);
/// Time between two checks of the leader lease.
const CHECK_PERIOD: Duration = Duration::from_secs(5);
/// Pause between two batches.
const BATCH_PAUSE: Duration = Duration::from_millis(200);
/// Most batches of one provider in one round.
const BATCHES_MAX: u32 = 1_000;

const ACTOR: Actor<'static> = Actor::named("worker:retention");

/// Removes bodies while the lease is held; never returns.
pub async fn run(
    store: Store,
    settings: ProviderSettings,
    lease: LeaderLease,
    clock: Clock,
    heartbeat: Heartbeat,
) {
    let mut next_at = tokio::time::Instant::now();
    loop {
        heartbeat.beat();
        if lease.is_held() && tokio::time::Instant::now() >= next_at {
            for provider in Provider::ALL {
                if let Err(error) = redact(&store, &settings, provider, clock, &heartbeat).await {
                    tracing::warn!(error = with_causes(&error), "removing event bodies failed");
                }
            }
            next_at = tokio::time::Instant::now() + PERIOD;
        }
        tokio::time::sleep(CHECK_PERIOD).await;
    }
}

async fn redact(
    store: &Store,
    settings: &ProviderSettings,
    provider: Provider,
    clock: Clock,
    heartbeat: &Heartbeat,
) -> Result<(), store::Error> {
    for _ in 0..BATCHES_MAX {
        let now = clock.now();
        heartbeat.beat();
        let redacted = store.redact(provider, settings.received_before(provider, now), ACTOR, now).await?;
        if redacted == 0 {
            return Ok(());
        }
        tracing::info!(%provider, redacted, "event bodies removed after retention");
        tokio::time::sleep(BATCH_PAUSE).await;
    }
    Ok(())
}
