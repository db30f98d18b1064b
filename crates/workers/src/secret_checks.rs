//! Checks the freshness of the secrets in use, for `/health` and `/readyz`.
//!
//! A secret that its source has not confirmed for three times its TTL makes the service *degraded*, and so does one that expires
//! within the grace, as it does once its source says that it does not have it. The service stays ready, because an outage of the
//! source would otherwise take every replica out of rotation at once. An expired secret makes it *not ready*: requests fail
//! without it, and another replica may have it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use secrets::{Freshness, Health, SecretHandle};

use crate::health::{CheckResult, HealthRegistry, Outcome};

/// Time between two checks; each reads a few words of memory.
const PERIOD: Duration = Duration::from_secs(1);
/// A secret is stale after this many TTLs without confirmation.
const STALE_AFTER_TTLS: u32 = 3;

/// Checks the secrets that are set at the start; returns if there are none.
pub async fn run(handles: Vec<SecretHandle>, ttl: Duration, grace: Duration, health: Arc<HealthRegistry>) {
    let in_use = |handle: &SecretHandle| handle.health().freshness != Freshness::Absent;
    let secrets: Vec<SecretHandle> = handles.into_iter().filter(in_use).collect();
    while !secrets.is_empty() {
        let outcome = worst(secrets.iter().map(SecretHandle::health), ttl, grace);
        let result = CheckResult { outcome, checked_at: Some(Instant::now()), latency: None };
        let before = health.secrets().record(result);
        if before.outcome != outcome && before.outcome != Outcome::NotConfigured {
            let (from, to) = (before.outcome.as_str(), outcome.as_str());
            tracing::warn!(from, to, "secret freshness changed");
        }
        tokio::time::sleep(PERIOD).await;
    }
}

fn worst(secrets: impl Iterator<Item = Health>, ttl: Duration, grace: Duration) -> Outcome {
    secrets.fold(Outcome::Ok, |worst, Health { freshness, expires_in, .. }| {
        let is_ending = expires_in.is_some_and(|left| left <= grace);
        match freshness {
            Freshness::Expired | Freshness::Absent => Outcome::Down,
            Freshness::Stale { age, .. }
                if (is_ending || age > ttl * STALE_AFTER_TTLS) && worst == Outcome::Ok =>
            {
                Outcome::Stale
            }
            Freshness::Stale { .. } | Freshness::Fresh => worst,
        }
    })
}

#[cfg(test)]
mod tests {
    use secrets::ErrorKind;

    use super::*;

    #[test]
    fn three_ttls_without_confirmation_or_a_running_grace_are_stale_and_an_expired_secret_is_down() {
        let (ttl, grace) = (Duration::from_secs(300), Duration::from_secs(120));
        let health = |freshness, left_s: Option<u64>| Health {
            freshness,
            confirmed_ago: None,
            last_error: None,
            expires_in: left_s.map(Duration::from_secs),
        };
        let [fresh, expired, absent] = [Freshness::Fresh, Freshness::Expired, Freshness::Absent]
            .map(|freshness| health(freshness, None));
        let stale = |age_s, left_s| {
            let age = Duration::from_secs(age_s);
            health(Freshness::Stale { age, why: ErrorKind::Unavailable }, left_s)
        };
        for (secrets, expected) in [
            (vec![], Outcome::Ok),
            (vec![fresh.clone(), stale(900, Some(2_700))], Outcome::Ok),
            (vec![fresh.clone(), stale(901, Some(2_699))], Outcome::Stale),
            (vec![fresh.clone(), stale(2, None)], Outcome::Ok),
            (vec![fresh.clone(), stale(2, Some(121))], Outcome::Ok),
            (vec![fresh, stale(2, Some(120))], Outcome::Stale),
            (vec![stale(901, None), expired], Outcome::Down),
            (vec![absent, stale(901, None)], Outcome::Down),
        ] {
            assert_eq!(worst(secrets.iter().cloned(), ttl, grace), expected, "{secrets:?}");
        }
    }
}
