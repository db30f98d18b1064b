//! Removes bodies whose time is over, in small batches, so that deliveries never wait for it.

use std::time::Duration;

use domain::Provider;
use store::{Actor, Store};

use super::office::Office;
use super::roster::Heart;
use crate::clock::Clock;
use crate::deliveries::Retention;
use crate::logs::with_causes;

/// Time between two rounds.
const PERIOD: Duration = Duration::from_secs(3600);
/// Time between two looks at the office.
const LOOK_PERIOD: Duration = Duration::from_secs(5);
/// Pause between two batches.
const BATCH_PAUSE: Duration = Duration::from_millis(200);
/// Batches of one source in one round, at most.
const BATCHES_MAX: u32 = 1_000;

/// Who removes, for the audit chain.
const ACTOR: Actor<'static> = Actor::named("worker:retention");

/// Removes while the office is held, for ever.
pub async fn run(store: Store, retention: Retention, office: Office, heart: Heart) {
    let mut next_at = tokio::time::Instant::now();
    loop {
        heart.beat();
        if office.is_held() && tokio::time::Instant::now() >= next_at {
            for provider in Provider::ALL {
                if let Err(error) = redact(&store, retention, provider, &heart).await {
                    tracing::warn!(error = with_causes(&error), "bodies cannot be removed now");
                }
            }
            next_at = tokio::time::Instant::now() + PERIOD;
        }
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}

async fn redact(
    store: &Store,
    retention: Retention,
    provider: Provider,
    heart: &Heart,
) -> Result<(), store::Error> {
    for _ in 0..BATCHES_MAX {
        let now = Clock::System.now();
        heart.beat();
        let redacted = store.redact(provider, retention.received_before(provider, now), ACTOR, now).await?;
        if redacted == 0 {
            return Ok(());
        }
        tracing::info!(source = %provider, redacted, "bodies whose time is over are removed");
        tokio::time::sleep(BATCH_PAUSE).await;
    }
    Ok(())
}
