//! Looks for the vendor's key before its turn when the vendor refuses it: it may have been replaced a moment ago.

use std::sync::Arc;
use std::time::Duration;

use ::secrets::{SecretHandle, Secrets};
use market_data::MarketData;

/// Time between two looks at the count of refused calls.
const LOOK_PERIOD: Duration = Duration::from_millis(250);
/// After the key was looked for, so long refusals are no reason to look again: a key that is plainly wrong must not
/// become a stream of calls.
const PAUSE: Duration = Duration::from_secs(10);

/// Looks, for ever.
pub(super) async fn follow(market_data: Arc<MarketData>, key: SecretHandle, secrets: Secrets) {
    let denied = || {
        let stats = market_data.stats().read();
        stats.calls_denied + stats.key_refusals
    };
    let mut seen = denied();
    loop {
        tokio::time::sleep(LOOK_PERIOD).await;
        let now = denied();
        if std::mem::replace(&mut seen, now) == now {
            continue;
        }
        let name = key.name().as_str();
        // What was answered a moment ago is not believed either: the vendor knows better.
        let doubted = secrets.invalidate(name).await;
        if let Err(error) = doubted.and(secrets.refresh(name).await.map(drop)) {
            tracing::warn!(%error, "the vendor refuses its key, and another one cannot be looked for");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
