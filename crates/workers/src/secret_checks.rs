//! Checks the freshness of the secrets in use, for `/health` and `/readyz`.
//!
//! A secret that its source has not confirmed for three times its TTL makes the service *degraded*. It stays ready, because an
//! outage of the source would otherwise take every replica out of rotation at once. An expired secret makes it *not ready*:
//! requests fail without it, and another replica may have it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use secrets::{Freshness, SecretHandle};

use crate::health::{CheckResult, HealthRegistry, Outcome};

/// Time between two checks; each reads a few words of memory.
const PERIOD: Duration = Duration::from_secs(1);
/// A secret is stale after this many TTLs without confirmation.
const STALE_AFTER_TTLS: u32 = 3;

/// Checks the secrets that are set at the start; returns if there are none.
pub async fn run(handles: Vec<SecretHandle>, ttl: Duration, health: Arc<HealthRegistry>) {
    let in_use = |handle: &SecretHandle| handle.health().freshness != Freshness::Absent;
    let secrets: Vec<SecretHandle> = handles.into_iter().filter(in_use).collect();
    while !secrets.is_empty() {
        let outcome = worst(secrets.iter().map(|handle| handle.health().freshness), ttl);
        let result = CheckResult { outcome, checked_at: Some(Instant::now()), latency: None };
        let before = health.secrets().record(result);
        if before.outcome != outcome && before.outcome != Outcome::NotConfigured {
            let (from, to) = (before.outcome.as_str(), outcome.as_str());
            tracing::warn!(from, to, "secret freshness changed");
        }
        tokio::time::sleep(PERIOD).await;
    }
}

fn worst(secrets: impl Iterator<Item = Freshness>, ttl: Duration) -> Outcome {
    secrets.fold(Outcome::Ok, |worst, freshness| match freshness {
        Freshness::Expired | Freshness::Absent => Outcome::Down,
        Freshness::Stale { age, .. } if age > ttl * STALE_AFTER_TTLS && worst == Outcome::Ok => {
            Outcome::Stale
        }
        Freshness::Stale { .. } | Freshness::Fresh => worst,
    })
}

#[cfg(test)]
mod tests {
    use secrets::ErrorKind;

    use super::*;

    #[test]
    fn three_ttls_without_confirmation_are_stale_and_an_expired_secret_is_down() {
        let ttl = Duration::from_secs(300);
        let stale = |age_s| Freshness::Stale { age: Duration::from_secs(age_s), why: ErrorKind::Unavailable };
        for (secrets, expected) in [
            (vec![], Outcome::Ok),
            (vec![Freshness::Fresh, stale(900)], Outcome::Ok),
            (vec![Freshness::Fresh, stale(901)], Outcome::Stale),
            (vec![stale(901), Freshness::Expired], Outcome::Down),
            (vec![Freshness::Absent, stale(901)], Outcome::Down),
        ] {
            assert_eq!(worst(secrets.iter().copied(), ttl), expected, "{secrets:?}");
        }
    }
}
