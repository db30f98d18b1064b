//! How many tokens a second requests ask for: a mean that forgets with a time constant of half a second.

use super::{Nanos, SECOND};

const TIME_CONSTANT: Nanos = SECOND / 2;

/// Thousandths of a token per second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand {
    milli_per_s: i64,
    last_at: Nanos,
}

impl Demand {
    pub(super) fn new(now: Nanos) -> Self {
        Self { milli_per_s: 0, last_at: now }
    }

    pub(super) fn note(&mut self, tokens: i64, now: Nanos) {
        let passed = i128::from((now - self.last_at).max(0));
        let weight = i128::from(TIME_CONSTANT);
        let sum = i128::from(self.milli_per_s) * weight + i128::from(tokens) * 1000 * i128::from(SECOND);
        self.milli_per_s = i64::try_from(sum / (weight + passed)).unwrap_or(i64::MAX);
        self.last_at = now;
    }

    pub(super) fn last_at(self) -> Nanos {
        self.last_at
    }

    /// Tokens within this time.
    pub(super) fn within(self, time: Nanos) -> i64 {
        let tokens = i128::from(self.milli_per_s) * i128::from(time) / (1000 * i128::from(SECOND));
        i64::try_from(tokens).unwrap_or(i64::MAX)
    }

    /// Whether this time takes more than `tokens`.
    pub(super) fn takes(self, tokens: i64, time: Nanos) -> bool {
        i128::from(tokens) * 1000 * i128::from(SECOND) < i128::from(self.milli_per_s) * i128::from(time)
    }

    /// Whether more than one token is asked for in each `period`.
    pub(super) fn exceeds(self, period: Nanos) -> bool {
        self.takes(1, period)
    }

    /// The time in which `tokens` are asked for.
    pub(super) fn time_for(self, tokens: i64) -> Nanos {
        let time = i128::from(tokens) * 1000 * i128::from(SECOND) / i128::from(self.milli_per_s.max(1));
        i64::try_from(time).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_demand_is_measured_and_a_pause_forgets_it() {
        let mut demand = Demand::new(0);
        (1..=100).for_each(|number| demand.note(1, number * SECOND / 20));
        assert!((19..=20).contains(&demand.within(SECOND)), "{demand:?}");
        assert!(demand.takes(9, SECOND / 2) && !demand.takes(10, SECOND / 2));
        assert!((299_000_000..=310_000_000).contains(&demand.time_for(6)), "{demand:?}");
        demand.note(1, 100 * SECOND);
        assert_eq!(demand.within(SECOND), 0);
    }
}
