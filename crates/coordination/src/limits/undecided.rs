//! Requests about which Redis decides.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rate_limit::LimitStatus;
use rate_limit::shared::{Command, Decision, Moment, SharedLimit, Verdict, WAIT_MAX};
use telemetry::traces::{self, SpanKind};
use tokio::time::timeout_at;

use super::SharedLimits;
use super::entry::Entry;

/// Longest wait for an exact decision.
const EXACT_WAIT_MAX: Duration = Duration::from_millis(100);

/// A request about which Redis decides. If it is dropped, the request is not counted.
#[derive(Debug)]
pub struct Undecided {
    pub(super) limits: SharedLimits,
    pub(super) entry: Arc<Entry>,
    pub(super) cost: u32,
    /// The command of an exact decision.
    pub(super) exact: Option<Command>,
    /// Whether the limit counts it among those that wait.
    pub(super) is_waiting: bool,
}

impl Undecided {
    /// The decision, after a short wait at most.
    ///
    /// # Errors
    /// The limit is exceeded.
    pub async fn decide(mut self) -> Result<LimitStatus, LimitStatus> {
        let _waiting = traces::child(SpanKind::Internal, || "wait for the shared rate limit");
        match self.exact.take() {
            Some(command) => self.decide_exactly(command).await,
            None => self.decide_within_wait().await,
        }
    }

    async fn decide_within_wait(&self) -> Result<LimitStatus, LimitStatus> {
        let deadline = tokio::time::Instant::now() + WAIT_MAX;
        loop {
            let mut answered = pin!(self.entry.is_answered.notified());
            // Before the state is read, so that no answer is missed.
            answered.as_mut().enable();
            if let Some(result) = self.apply(SharedLimit::resume) {
                return result;
            }
            if timeout_at(deadline, answered).await.is_err() {
                return self.decide_alone();
            }
        }
    }

    async fn decide_exactly(&self, command: Command) -> Result<LimitStatus, LimitStatus> {
        let (limits, entry) = (self.limits.clone(), Arc::clone(&self.entry));
        // A task of its own: what is sent is counted also if the client leaves.
        let asked = tokio::spawn(traces::in_current(async move {
            let result = limits.run_script(&[(Arc::clone(&entry), command)]).await;
            let (now, mut state) = (limits.now(), entry.state());
            match result.as_ref().map(|answers| answers.first()) {
                Ok(Some(answer)) => Some(state.exact_verdict(&command, answer, now)),
                Ok(None) | Err(_) => {
                    state.fail(&command, now);
                    None
                }
            }
        }));
        match tokio::time::timeout(EXACT_WAIT_MAX, asked).await {
            Ok(Ok(Some(Verdict::Allowed(status)))) => {
                self.count(false);
                Ok(status)
            }
            Ok(Ok(Some(Verdict::Exceeded(status)))) => {
                self.count(false);
                Err(status)
            }
            Ok(Ok(Some(Verdict::Undecided) | None) | Err(_)) | Err(_) => self.decide_alone(),
        }
    }

    /// Without Redis.
    fn decide_alone(&self) -> Result<LimitStatus, LimitStatus> {
        let undecided = LimitStatus { remaining: 0, reset_s: 1 };
        self.apply(SharedLimit::decide_alone).unwrap_or(Err(undecided))
    }

    fn apply(
        &self,
        decide: fn(&mut SharedLimit, u32, Moment) -> Decision,
    ) -> Option<Result<LimitStatus, LimitStatus>> {
        let moment = self.limits.moment();
        let Decision { verdict, command, is_by_share } = decide(&mut self.entry.state(), self.cost, moment);
        if let Some(command) = command {
            self.limits.send(&self.entry, command);
        }
        let result = match verdict {
            Verdict::Allowed(status) => Ok(status),
            Verdict::Exceeded(status) => Err(status),
            Verdict::Undecided => return None,
        };
        self.count(is_by_share);
        Some(result)
    }

    fn count(&self, is_by_share: bool) {
        let metrics = &self.limits.0.redis.metrics().coordination;
        if is_by_share { metrics.decided_alone.inc() } else { metrics.decided_by_redis.inc() }
    }
}

impl Drop for Undecided {
    fn drop(&mut self) {
        let mut state = self.entry.state();
        if let Some(command) = &self.exact {
            state.cancel(command);
        }
        if self.is_waiting {
            state.end_wait(self.cost);
        }
    }
}
