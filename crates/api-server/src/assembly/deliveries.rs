//! What proves deliveries: keys behind their secrets, and what is fetched of Circle and Amazon.

use std::sync::Arc;

use store::Store;
use tokio::sync::Notify;
use webhooks::circle::sns::{TopicArn, Topics, Trust, Unchained};
use webhooks::{Tolerance, alpaca};

use super::{Error, FoundSecrets};
use crate::config::Config;
use crate::deliveries::{
    ALPACA_KEYS, Alpaca, BRIDGE_KEYS, Bridge, Circle, CircleKeys, Desk, Scheme, SecretKeys, Sns,
};
use crate::metrics::Metrics;

/// The desk at which deliveries are proved and handed to this store.
pub(crate) fn desk(
    config: &Config,
    found: &FoundSecrets,
    store: Store,
    metrics: &Arc<Metrics>,
) -> Result<Desk, Error> {
    let handle = |name| found.secrets.handle(name, "webhooks").map_err(Error::Secret);
    let Circle { base_url, topics, sns_base_url, .. } = &config.deliveries.circle;
    let counted = &metrics.deliveries;
    let (api_key, fetches) = (handle("circle_api_key")?, counted.circle_keys.clone());
    let circle_keys = CircleKeys::new(base_url.clone(), api_key, store.clone(), fetches);
    // Proved by the fetch: over TLS from Amazon's own host, or in development from an emulator of it.
    let trust = Trust::amazon(Unchained::ProvedByFetch).map_err(Error::Trust)?;
    let (certificates, confirmations) = (counted.sns_certificates.clone(), counted.sns_confirmations.clone());
    let sns = Sns::new(sns_base_url.clone(), trust, store.clone(), certificates, confirmations);
    Ok(Desk {
        store,
        kick: Arc::new(Notify::new()),
        metrics: Arc::clone(metrics),
        alpaca: SecretKeys::new(handle("alpaca_webhook_secret")?, ALPACA_KEYS),
        alpaca_policy: alpaca_policy(config.deliveries.alpaca),
        bridge: SecretKeys::new(handle("bridge_webhook_secret")?, BRIDGE_KEYS),
        bridge_tolerance: bridge_tolerance(config.deliveries.bridge),
        circle: circle_keys.map_err(Error::Fetcher)?,
        sns: sns.map_err(Error::Fetcher)?,
        topics: joined(topics)?,
    })
}

fn joined(topics: &[TopicArn]) -> Result<Topics, Error> {
    let texts: Vec<_> = topics.iter().map(TopicArn::as_str).collect();
    Topics::parse(&texts.join(",")).map_err(Error::Topics)
}

fn alpaca_policy(Alpaca { scheme, tolerance }: Alpaca) -> alpaca::Policy {
    let seconds = seconds(tolerance);
    let tolerance = Tolerance { past_s: seconds, future_s: seconds };
    match scheme {
        Scheme::Any => alpaca::Policy::AlsoBodyOnly(tolerance),
        Scheme::Timestamped => alpaca::Policy::Timestamped(tolerance),
    }
}

fn bridge_tolerance(Bridge { past, future }: Bridge) -> Tolerance {
    Tolerance { past_s: seconds(past), future_s: seconds(future) }
}

fn seconds(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}
