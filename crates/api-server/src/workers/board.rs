//! The last result of each background check: what `/health` reads instead of asking anyone.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::roster::{Fallen, Roster};

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing to check: the service runs without it.
    NotConfigured,
    /// Not checked yet.
    Pending,
    /// It answered.
    Ok,
    /// What is used is older than it should be, and still good.
    Stale,
    /// It did not.
    Down,
}

/// What it means when a check is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// The service cannot do its work.
    Critical,
    /// The service can.
    Optional,
}

/// The last result of a check.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// How it went.
    pub outcome: Outcome,
    /// When it ended.
    pub checked_at: Option<Instant>,
    /// How long it took.
    pub latency: Option<Duration>,
}

/// One thing that the service may depend on.
#[derive(Debug)]
pub struct Check {
    name: &'static str,
    importance: Importance,
    reading: Mutex<Reading>,
    /// Since when its outcome is what it is.
    since: Mutex<tokio::time::Instant>,
}

/// Every check, and when the service began.
#[derive(Debug)]
pub struct Board {
    checks: [Check; 7],
    roster: Roster,
    started_at: Instant,
}

impl Outcome {
    /// The word that `/health` uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::Pending => "pending",
            Self::Ok => "ok",
            Self::Stale => "stale",
            Self::Down => "down",
        }
    }
}

impl Check {
    fn new(name: &'static str, importance: Importance, outcome: Outcome) -> Self {
        let reading = Reading { outcome, checked_at: None, latency: None };
        Self {
            name,
            importance,
            reading: Mutex::new(reading),
            since: Mutex::new(tokio::time::Instant::now()),
        }
    }

    /// Its key in `/health`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it means when it is down.
    #[must_use]
    pub fn importance(&self) -> Importance {
        self.importance
    }

    /// Its last result.
    #[must_use]
    pub fn reading(&self) -> Reading {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a result and gives the one before it.
    pub(super) fn note(&self, reading: Reading) -> Reading {
        let mut current = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if current.outcome != reading.outcome {
            *self.since.lock().unwrap_or_else(PoisonError::into_inner) = tokio::time::Instant::now();
        }
        std::mem::replace(&mut current, reading)
    }
}

impl Board {
    /// A board for a service whose market data comes from a vendor, or from this machine.
    #[must_use]
    pub fn new(data_source: &str) -> Self {
        let is_vendor = data_source == "polygon";
        let pending_if = |is_used| if is_used { Outcome::Pending } else { Outcome::NotConfigured };
        let checks = [
            Check::new("market_data", Importance::Critical, pending_if(!is_vendor)),
            Check::new("polygon", Importance::Critical, pending_if(is_vendor)),
            Check::new("database", Importance::Critical, Outcome::Pending),
            Check::new("redis", Importance::Optional, Outcome::NotConfigured),
            Check::new("alpaca", Importance::Optional, Outcome::NotConfigured),
            Check::new("ml_service", Importance::Optional, Outcome::NotConfigured),
            Check::new("secrets", Importance::Critical, Outcome::NotConfigured),
        ];
        Self { checks, roster: Roster::default(), started_at: Instant::now() }
    }

    /// Every check.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The check of the source of market data that is in use.
    pub(super) fn source(&self) -> Option<&Check> {
        self.checks.iter().take(2).find(|check| check.reading().outcome != Outcome::NotConfigured)
    }

    /// The check of the database.
    #[must_use]
    pub fn database(&self) -> &Check {
        let [_, _, database, ..] = &self.checks;
        database
    }

    /// The check of the broker.
    #[must_use]
    pub fn alpaca(&self) -> &Check {
        let [_, _, _, _, alpaca, ..] = &self.checks;
        alpaca
    }

    /// The check of the secrets that are in use.
    #[must_use]
    pub fn secrets(&self) -> &Check {
        let [.., secrets] = &self.checks;
        secrets
    }

    /// Who works in the background.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// A worker that does not work. While the database is down they all wait for it; when it is back their time begins
    /// anew.
    #[must_use]
    pub fn fallen_worker(&self) -> Option<Fallen> {
        let database = self.database();
        let since = *database.since.lock().unwrap_or_else(PoisonError::into_inner);
        match database.reading().outcome {
            Outcome::Down => self.roster.ended(),
            Outcome::NotConfigured | Outcome::Pending | Outcome::Ok | Outcome::Stale => {
                self.roster.fallen(since)
            }
        }
    }

    /// How long the service has been running.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.started_at.elapsed()
    }

    /// Whether the service works with less than it should have: something optional is down, something is stale, or a worker
    /// does not work.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        let is_stale = self.checks.iter().any(|check| check.reading().outcome == Outcome::Stale);
        is_stale || self.is_down(Importance::Optional) || self.fallen_worker().is_some()
    }

    /// Whether a check of this importance is down.
    #[must_use]
    pub fn is_down(&self, importance: Importance) -> bool {
        let of_importance = self.checks.iter().filter(|check| check.importance == importance);
        of_importance.map(Check::reading).any(|reading| reading.outcome == Outcome::Down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_outage_of_the_database_makes_no_worker_look_dead_and_its_end_hides_none() {
        let board = Board::new("bundled sample");
        let silence_max = Duration::from_secs(60);
        let shown = prometheus::IntGauge::new("beat", "of this test").unwrap();
        let pulse = crate::workers::Pulse { silence_max, shown };
        let heart = board.roster().hire("events/1", Some(pulse));
        let note = |outcome| {
            board.database().note(Reading { outcome, checked_at: Some(Instant::now()), latency: None });
        };
        let sleep = tokio::time::sleep;
        note(Outcome::Ok);
        sleep(silence_max / 2).await;
        note(Outcome::Down);
        sleep(silence_max * 10).await;
        assert_eq!(board.fallen_worker(), None, "everybody waits for the database");
        note(Outcome::Ok);
        sleep(silence_max).await;
        note(Outcome::Ok);
        assert_eq!(board.fallen_worker(), None, "the time begins anew");
        sleep(Duration::from_secs(1)).await;
        assert!(board.fallen_worker().is_some() && board.is_degraded());
        heart.beat();
        assert!(board.fallen_worker().is_none() && !board.is_degraded());
        note(Outcome::Down);
        heart.stop();
        assert!(board.fallen_worker().is_some(), "who ended does not wait");
    }

    #[test]
    fn exactly_one_source_is_checked() {
        for (data_source, expected) in
            [("bundled sample", "market_data"), ("csv directory", "market_data"), ("polygon", "polygon")]
        {
            let board = Board::new(data_source);
            assert_eq!(board.source().map(Check::name), Some(expected), "{data_source}");
            assert!(!board.is_down(Importance::Critical));
        }
    }
}
