//! Notes how far the secrets in use can be trusted, so that `/health` and `/readyz` can say it.
//!
//! A secret that its place has not confirmed for three times its freshness makes the service *degraded*: it answers as
//! before, because an outage of the place of secrets would otherwise take every replica away at once. One that may be
//! used no longer makes it *not ready*: without it requests fail here, and another replica may have it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use secrets::{Freshness, SecretHandle};

use super::board::{Board, Outcome, Reading};

/// Time between two looks; each reads a few words of memory.
const PERIOD: Duration = Duration::from_secs(1);
/// So many times its freshness a secret may go unconfirmed before that is said.
const TTLS_UNCONFIRMED: u32 = 3;

/// Looks at the secrets that are in use now, for ever. Those that nobody set are not among them.
pub async fn run(handles: Vec<SecretHandle>, ttl: Duration, board: Arc<Board>) {
    let in_use = |handle: &SecretHandle| handle.health().freshness != Freshness::Absent;
    let used: Vec<SecretHandle> = handles.into_iter().filter(in_use).collect();
    while !used.is_empty() {
        let outcome = worst(used.iter().map(|handle| handle.health().freshness), ttl);
        let before =
            board.secrets().note(Reading { outcome, checked_at: Some(Instant::now()), latency: None });
        if before.outcome != outcome && before.outcome != Outcome::NotConfigured {
            tracing::warn!(
                from = before.outcome.as_str(),
                to = outcome.as_str(),
                "the state of secrets changed"
            );
        }
        tokio::time::sleep(PERIOD).await;
    }
}

fn worst(secrets: impl Iterator<Item = Freshness>, ttl: Duration) -> Outcome {
    secrets.fold(Outcome::Ok, |worst, freshness| match freshness {
        Freshness::Expired | Freshness::Absent => Outcome::Down,
        Freshness::Stale { age, .. } if age > ttl * TTLS_UNCONFIRMED && worst == Outcome::Ok => {
            Outcome::Stale
        }
        Freshness::Stale { .. } | Freshness::Fresh => worst,
    })
}

#[cfg(test)]
mod tests {
    use secrets::Kind;

    use super::*;

    #[test]
    fn three_times_its_freshness_is_stale_and_what_may_not_be_used_is_down() {
        let ttl = Duration::from_secs(300);
        let stale = |age_s| Freshness::Stale { age: Duration::from_secs(age_s), why: Kind::Unavailable };
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
