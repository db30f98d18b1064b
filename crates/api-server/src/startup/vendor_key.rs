//! Refreshes the vendor's key when the vendor rejects it, because it may have been rotated.

use std::sync::Arc;
use std::time::Duration;

use ::secrets::{SecretHandle, Secrets};
use market_data::MarketData;

/// Time between two checks of the number of rejected calls.
const CHECK_PERIOD: Duration = Duration::from_millis(250);
/// Pause after a refresh, so that an invalid key does not cause many calls.
const PAUSE: Duration = Duration::from_secs(10);

/// Never returns.
pub(super) async fn follow(market_data: Arc<MarketData>, key: SecretHandle, secrets: Secrets) {
    let denied = || {
        let stats = market_data.stats().snapshot();
        stats.calls_denied + stats.key_refusals
    };
    let mut denied_before = denied();
    loop {
        tokio::time::sleep(CHECK_PERIOD).await;
        let denied_now = denied();
        if std::mem::replace(&mut denied_before, denied_now) == denied_now {
            continue;
        }
        let name = key.name().as_str();
        // The cached value of the source is invalidated, too, because the vendor just rejected it.
        let invalidated = secrets.invalidate(name).await;
        if let Err(error) = invalidated.and(secrets.refresh(name).await.map(drop)) {
            tracing::warn!(%error, "refreshing a rejected vendor key failed");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
