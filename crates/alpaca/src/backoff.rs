//! How long to wait before another connection.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::Config;

/// Longest wait that the broker may ask for.
const ASKED_PAUSE_MAX: Duration = Duration::from_secs(300);
/// Doublings after which no pause grows further.
const DOUBLINGS_MAX: u32 = 16;

/// Pauses that double while nothing gets better.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(config: &Config) -> Self {
        Self { first: config.pause_first, longest: config.pause_max, failures: 0 }
    }

    /// A connection was of use: the next pause is the first again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The next pause: at least half of the doubled one, at random up to all of it, so that many do not return together;
    /// and no shorter than the broker asks.
    pub(crate) fn pause(&mut self, asked: Option<Duration>) -> Duration {
        let whole = self.first.saturating_mul(1 << self.failures.min(DOUBLINGS_MAX)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        // A fresh hasher's seed is random: enough for a jitter, without a generator.
        let share = RandomState::new().hash_one(self.failures) as u32;
        let pause = whole / 2 + (whole / 2).mul_f64(f64::from(share) / f64::from(u32::MAX));
        pause.max(asked.unwrap_or_default().min(ASKED_PAUSE_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_begin_anew() {
        let mut backoff = Backoff::new(&Config::default());
        for whole_s in [1, 2, 4, 8, 16, 32, 60, 60] {
            let whole = Duration::from_secs(whole_s);
            let pause = backoff.pause(None);
            assert!((whole / 2..=whole).contains(&pause), "{pause:?} of {whole:?}");
        }
        (0..1000).for_each(|_| assert!(backoff.pause(None) <= Duration::from_secs(60)));
        backoff.reset();
        assert!(backoff.pause(None) <= Duration::from_secs(1));
    }

    #[test]
    fn pauses_differ() {
        let pause = || Backoff::new(&Config::default()).pause(None);
        let pauses: Vec<_> = (0..50).map(|_| pause()).collect();
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }

    #[test]
    fn the_broker_may_ask_for_more_within_a_bound() {
        let mut backoff = Backoff::new(&Config::default());
        assert_eq!(backoff.pause(Some(Duration::from_secs(30))), Duration::from_secs(30));
        assert_eq!(backoff.pause(Some(Duration::MAX)), ASKED_PAUSE_MAX);
    }
}
