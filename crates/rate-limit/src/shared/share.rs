//! The part of a limit that one replica allows while Redis does not answer.

use super::Nanos;

/// GCRA with the rate divided by the number of replicas, and with the burst divided as well, but for one token at least.
#[derive(Clone, Debug)]
pub(super) struct Share {
    /// The time in which this replica earns one token.
    token: Nanos,
    /// The time in which its whole part of the burst is earned.
    burst_time: Nanos,
    arrival: Nanos,
    /// Tokens that are reported, or about to be.
    reported: i64,
}

impl Share {
    /// A token is earned in `period` by all replicas together, which have `burst` tokens at most. `behind` is the time until the
    /// whole burst is earned, `reporting` the number of tokens in commands without an answer.
    pub(super) fn new(
        (period, burst, replicas): (Nanos, i64, i64),
        behind: Nanos,
        reporting: i64,
        now: Nanos,
    ) -> Self {
        let (token, burst_time) = (period * replicas, burst.max(replicas) * period);
        Self { token, burst_time, arrival: now + behind, reported: reporting }
    }

    /// What is left, or else how long to wait. A request costs no more than the whole share: no wait would earn more.
    pub(super) fn spend(&mut self, cost: i64, now: Nanos) -> Result<i64, Nanos> {
        let cost = cost.min(self.burst_time / self.token);
        let left = self.burst_time - self.behind(now) - cost * self.token;
        if left < 0 {
            return Err(-left);
        }
        self.arrival = self.arrival.max(now) + cost * self.token;
        Ok(left / self.token)
    }

    /// Tokens that were spent and that Redis does not know: what it has that its share has not. `behind` is the time until Redis
    /// is known to have the whole burst.
    pub(super) fn unreported(&mut self, behind: Nanos, now: Nanos) -> i64 {
        let spent = (self.behind(now) - behind + self.token - 1).div_euclid(self.token);
        // What was earned again since is no longer owed.
        self.reported = self.reported.min(spent.max(0));
        let unreported = (spent - self.reported).max(0);
        self.reported += unreported;
        unreported
    }

    fn behind(&self, now: Nanos) -> Nanos {
        (self.arrival - now).max(0)
    }
}
