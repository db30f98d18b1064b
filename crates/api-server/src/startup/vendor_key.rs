//! Refreshes the vendor's key at once when the vendor rejects it: it may have just been rotated.

use std::sync::Arc;
use std::time::Duration;

use ::secrets::{SecretHandle, Secrets};
use market_data::MarketData;

/// Time between two checks of the number of rejected calls.
const CHECK_PERIOD: Duration = Duration::from_millis(250);
/// Pause after a refresh: a key that is simply wrong must not cause a stream of calls.
const PAUSE: Duration = Duration::from_secs(10);

/// Runs forever.
pub(super) async fn follow(market_data: Arc<MarketData>, key: SecretHandle, secrets: Secrets) {
    let denied = || {
        let stats = market_data.stats().snapshot();
        stats.calls_denied + stats.key_refusals
    };
    let mut seen = denied();
    loop {
        tokio::time::sleep(CHECK_PERIOD).await;
        let now = denied();
        if std::mem::replace(&mut seen, now) == now {
            continue;
        }
        let name = key.name().as_str();
        // The cached response of the source is not used either: the vendor just rejected it.
        let invalidated = secrets.invalidate(name).await;
        if let Err(error) = invalidated.and(secrets.refresh(name).await.map(drop)) {
            tracing::warn!(%error, "the vendor rejects its key, and refreshing it failed");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
