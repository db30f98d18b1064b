//! The part of a limit that one replica allows while Redis does not answer.

use super::Nanos;

/// GCRA with the limit divided by the number of replicas.
#[derive(Clone, Debug)]
pub(super) struct Share {
    replicas: i64,
    /// The time in which the whole burst of all replicas is earned.
    burst_time: Nanos,
    arrival: Nanos,
    /// Tokens that are reported, or about to be.
    reported: i64,
}

impl Share {
    /// `level` is the time in which all replicas earn what is left, `reporting` the number of tokens in commands without an answer.
    pub(super) fn new(replicas: i64, burst_time: Nanos, level: Nanos, reporting: i64, now: Nanos) -> Self {
        Self { replicas, burst_time, arrival: now + burst_time - level, reported: reporting }
    }

    /// What is left, or else how long to wait.
    pub(super) fn spend(&mut self, cost: i64, period: Nanos, now: Nanos) -> Result<i64, Nanos> {
        let token = period * self.replicas;
        let left = self.level(now) - cost * token;
        if left < 0 {
            return Err(-left);
        }
        self.arrival = self.arrival.max(now) + cost * token;
        Ok(left / token)
    }

    /// Tokens that were spent and that Redis does not know: what it has that its share has not. `level` is what Redis is
    /// known to have.
    pub(super) fn unreported(&mut self, level: Nanos, period: Nanos, now: Nanos) -> i64 {
        let token = period * self.replicas;
        let spent = (level - self.level(now) + token - 1).div_euclid(token);
        // What was earned again since is no longer owed.
        self.reported = self.reported.min(spent.max(0));
        let unreported = (spent - self.reported).max(0);
        self.reported += unreported;
        unreported
    }

    fn level(&self, now: Nanos) -> Nanos {
        self.burst_time - (self.arrival - now).max(0)
    }
}
