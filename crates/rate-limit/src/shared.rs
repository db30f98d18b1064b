//! One replica's part of a limit that several replicas share through Redis.
//!
//! Redis holds one number for each limit: the arrival time of GCRA. While much of the limit is left, a replica allows requests at
//! once and reports them afterwards; when little is left, it takes tokens in advance. When Redis does not answer, each replica
//! allows its share of the limit. This module decides; it sends nothing, waits for nothing and reads no clock.

mod demand;
mod share;

use std::time::Duration;

use crate::{Limit, LimitStatus};
use demand::Demand;
use share::Share;

/// Nanoseconds since some moment of this process, or since 1970 on the clock of Redis.
pub type Nanos = i64;

/// Most replicas that share a limit.
pub const REPLICAS_MAX: u32 = 1000;

const SECOND: Nanos = 1_000_000_000;
/// Time for which reports may wait to be sent together with those of other limits.
pub const REPORT_PERIOD: Duration = Duration::from_millis(100);
/// Longest time for which a spent token stays unreported.
const UNREPORTED_MAX: Nanos = SECOND;
/// Time without a request after which tokens are given back.
const IDLE: Nanos = SECOND;
/// Time after a partial grant during which a limit with much demand asks in the background only.
const SHORT_FOR: Nanos = 3 * SECOND / 2;
/// Longest wait of a request for the answer of Redis.
pub const WAIT_MAX: Duration = Duration::from_millis(10);
/// Pause between two attempts to reach Redis for one limit.
const RETRY_PERIOD: Nanos = 100_000_000;
/// The usual time of an answer before the first was measured.
const ROUND_TRIP_AT_FIRST: Nanos = 1_000_000;

/// The latest time that Redis may claim, in the year 2100, in microseconds since 1970.
const SERVER_US_MAX: i64 = 4_102_444_800_000_000;

/// The circumstances of a decision.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time on the monotonic clock of this process.
    pub now: Nanos,
    /// Replicas that share the limit, this one included.
    pub replicas: u32,
    /// Whether Redis does not answer at all, so that nothing is sent to it.
    pub is_away: bool,
}

impl Moment {
    fn replicas(self) -> i64 {
        i64::from(self.replicas.clamp(1, REPLICAS_MAX))
    }
}

/// A report to Redis, and a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Tokens that were spent and not reported yet.
    pub spent: i64,
    /// Tokens that were taken in advance and are given back.
    pub returned: i64,
    /// Tokens to take.
    pub want: i64,
    /// Whether to take all of `want` or none.
    pub is_all_or_nothing: bool,
    /// The last known arrival time in microseconds, which restores what a Redis that lost its data has forgotten.
    pub floor_us: i64,
    /// When it was made.
    pub sent_at: Nanos,
}

/// The answer of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Tokens that were taken.
    pub granted: i64,
    /// The arrival time, in microseconds since 1970.
    pub arrival_us: i64,
    /// The time of Redis, in microseconds since 1970.
    pub server_us: i64,
}

/// Whether a request is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is, and is counted.
    Allowed(LimitStatus),
    /// It is not, and is not counted.
    Exceeded(LimitStatus),
    /// The answer of Redis decides: call [`SharedLimit::resume`], then wait for at most [`WAIT_MAX`].
    Undecided,
}

/// A verdict, with what to do about the state of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request is allowed.
    pub verdict: Verdict,
    /// To be sent at once; its answer goes to [`SharedLimit::answer`], a failure to [`SharedLimit::fail`].
    pub command: Option<Command>,
    /// Whether it was decided without Redis, by this replica's share of the limit.
    pub is_by_share: bool,
}

/// What Redis last said of the limit.
#[derive(Clone, Copy, Debug)]
struct Server {
    arrival: Nanos,
    now: Nanos,
    /// The clock of Redis less that of this process.
    offset: Nanos,
}

/// One limit on one replica.
#[derive(Clone, Debug)]
pub struct SharedLimit {
    limit: Limit,
    /// The time in which one token is earned.
    period: Nanos,
    burst: i64,
    server: Option<Server>,
    /// Tokens that were spent and not reported.
    unreported: i64,
    unreported_since: Nanos,
    /// The same, in commands without an answer.
    reporting: i64,
    /// Tokens that were taken in advance.
    held: i64,
    /// A command without an answer, other than an exact one.
    is_busy: bool,
    /// Tokens that requests wait for.
    waiting: i64,
    /// Before that, Redis has no token.
    not_before: Nanos,
    short_at: Option<Nanos>,
    /// Tokens asked for by requests since the last question.
    asked: i64,
    demand: Demand,
    round_trip: Nanos,
    /// While Redis does not answer.
    share: Option<Share>,
    /// Whether the last command failed or took too long.
    is_suspect: bool,
    retry_at: Nanos,
}

impl SharedLimit {
    /// A limit of which nothing is known yet.
    #[must_use]
    pub fn new(limit: Limit, now: Nanos) -> Self {
        let limit = limit.bounded();
        Self {
            limit,
            period: limit.period_nanos(),
            burst: i64::from(limit.burst.get()),
            server: None,
            unreported: 0,
            unreported_since: now,
            reporting: 0,
            held: 0,
            is_busy: false,
            waiting: 0,
            not_before: Nanos::MIN,
            short_at: None,
            asked: 0,
            demand: Demand::new(now),
            round_trip: ROUND_TRIP_AT_FIRST,
            share: None,
            is_suspect: false,
            retry_at: Nanos::MIN,
        }
    }

    /// A limit that this replica has counted alone until now.
    #[must_use]
    pub fn with_spent(limit: Limit, spent: u32, now: Nanos) -> Self {
        Self { unreported: i64::from(spent), ..Self::new(limit, now) }
    }

    /// The limit.
    #[must_use]
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// Microseconds in which one token is earned, as the script of Redis takes them.
    #[must_use]
    pub fn period_us(&self) -> String {
        format!("{}.{:03}", self.period / 1000, self.period % 1000)
    }

    /// When a request last asked.
    #[must_use]
    pub fn last_asked_at(&self) -> Nanos {
        self.demand.last_at()
    }

    /// Whether nothing would be lost if this state were forgotten.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.unreported + self.reporting + self.held + self.waiting == 0 && self.share.is_none()
    }

    /// Whether this state may be forgotten after `idle_max` without requests: nothing is to be reported, or all that was spent is
    /// earned again, as while Redis does not answer.
    #[must_use]
    pub fn may_be_forgotten(&self, idle_max: Nanos, at: Moment) -> bool {
        let idle = at.now - self.last_asked_at();
        let is_refilled = idle >= self.burst.max(at.replicas()) * self.period;
        idle >= idle_max && self.waiting == 0 && (is_refilled || self.is_settled())
    }

    /// Decides about a request that costs `cost` tokens.
    pub fn check(&mut self, cost: u32, at: Moment) -> Decision {
        let cost = self.bounded(cost);
        self.demand.note(cost, at.now);
        self.asked += cost;
        let decision = self.decide(cost, at);
        if decision.verdict == Verdict::Undecided {
            self.waiting += cost;
        }
        decision
    }

    /// Decides about a request that was undecided: it asks, or decides with an answer that has arrived.
    pub fn resume(&mut self, cost: u32, at: Moment) -> Decision {
        let mut decision = self.decide(self.bounded(cost), at);
        if decision.verdict == Verdict::Undecided && !self.is_busy {
            decision.command = Some(self.ask(at.now));
        }
        decision
    }

    /// Decides about a request whose wait is over: without Redis.
    pub fn decide_alone(&mut self, cost: u32, at: Moment) -> Decision {
        self.is_suspect = true;
        self.decide(self.bounded(cost), at)
    }

    /// Notes that an undecided request no longer waits.
    pub fn end_wait(&mut self, cost: u32) {
        self.waiting -= self.bounded(cost);
    }

    /// Asks about one request that must be counted exactly: no other replica's requests are allowed on the same tokens. The
    /// answer goes to [`exact_verdict`](Self::exact_verdict).
    pub fn check_exactly(&mut self, cost: u32, at: Moment) -> Decision {
        let cost = self.bounded(cost);
        self.demand.note(cost, at.now);
        if at.is_away || self.is_suspect {
            return self.decide(cost, at);
        }
        if self.server.is_some() && self.level(at.now) < cost * self.period {
            return decided(self.exceeded(cost, at.now));
        }
        let (spent, floor_us) = (self.take_unreported(), self.floor_us());
        let command =
            Command { spent, returned: 0, want: cost, is_all_or_nothing: true, floor_us, sent_at: at.now };
        Decision { command: Some(command), ..decided(Verdict::Undecided) }
    }

    /// Notes the answer to [`check_exactly`](Self::check_exactly), and decides.
    pub fn exact_verdict(&mut self, command: &Command, answer: &Answer, now: Nanos) -> Verdict {
        self.note_answer(command, answer, now);
        match answer.granted >= command.want {
            true => Verdict::Allowed(self.status(now)),
            false => self.exceeded(command.want, now),
        }
    }

    /// Notes the answer to a command. `jitter_percent` spreads the replicas: a random number from 75 to 125.
    pub fn answer(&mut self, command: &Command, answer: &Answer, now: Nanos, jitter_percent: u32) {
        self.is_busy = false;
        self.note_answer(command, answer, now);
        let granted = answer.granted.clamp(0, command.want);
        self.held += granted;
        if granted < command.want {
            self.short_at = Some(now);
            let next_token = self.period - self.level(now);
            let pause = self.demand.time_for(6).min(SECOND) / 100 * i64::from(jitter_percent);
            self.not_before = now + next_token.max(pause);
        } else if command.want > 0 {
            self.not_before = Nanos::MIN;
        }
    }

    /// Notes that a command failed. Its tokens are reported again: at worst they count twice, and more is refused.
    pub fn fail(&mut self, command: &Command, now: Nanos) {
        self.is_busy &= command.is_all_or_nothing;
        self.cancel(command);
        self.is_suspect = true;
        self.retry_at = now + RETRY_PERIOD;
    }

    /// Notes that a command was not sent.
    pub fn cancel(&mut self, command: &Command) {
        self.reporting -= command.spent;
        self.unreported += command.spent;
    }

    /// What is due now: a report, tokens to give back, or a question whether Redis answers again.
    pub fn report(&mut self, at: Moment) -> Option<Command> {
        if self.is_busy || at.is_away {
            return None;
        }
        if self.is_suspect {
            return (at.now >= self.retry_at).then(|| self.synchronize(at));
        }
        let is_old = self.unreported > 0 && at.now - self.unreported_since >= UNREPORTED_MAX;
        let is_idle = self.held > 0 && at.now - self.demand.last_at() >= IDLE && self.waiting == 0;
        let is_due = is_old || self.unreported >= self.report_at(at);
        (is_idle || (self.unreported > 0 && is_due)).then(|| {
            let returned = if is_idle { std::mem::take(&mut self.held) } else { 0 };
            self.command(returned, 0, at.now)
        })
    }

    /// Reports everything and gives back every token, because this replica stops.
    pub fn drain(&mut self, at: Moment) -> Option<Command> {
        self.note_share(at.now);
        let returned = std::mem::take(&mut self.held);
        (returned + self.unreported > 0 && !at.is_away).then(|| self.command(returned, 0, at.now))
    }

    /// Nobody can have more than a burst at once.
    fn bounded(&self, cost: u32) -> i64 {
        i64::from(cost).min(self.burst)
    }

    fn decide(&mut self, cost: i64, at: Moment) -> Decision {
        if at.is_away || self.is_suspect {
            self.is_suspect = true;
            return self.decide_by_share(cost, at);
        }
        let (now, replicas, view) = (at.now, at.replicas(), self.view(at.now));
        let is_scarce = view < (self.burst / 5).max(2 * replicas);
        if self.held >= cost {
            self.held -= cost;
            let is_low = self.demand.takes(self.held, 2 * self.round_trip) && now >= self.not_before;
            let command = (is_low && is_scarce && !self.is_busy).then(|| self.ask(now));
            return Decision { command, ..decided(Verdict::Allowed(self.status(now))) };
        }
        // More is asked for than there is: tokens are taken in advance, in the background, and no request waits.
        let was_short = self.short_at.is_some_and(|short_at| now - short_at <= SHORT_FOR);
        let is_overloaded = was_short && self.demand.exceeds(self.period * replicas);
        let is_own = self.spent() + cost <= (view / (2 * replicas)).max(1);
        if self.server.is_some() && !is_scarce && !is_overloaded && view >= cost && is_own {
            return self.spend(cost, at);
        }
        if now < self.not_before {
            return decided(self.exceeded(cost, now));
        }
        if is_overloaded {
            let command = (!self.is_busy).then(|| self.ask(now));
            return Decision { command, ..decided(self.exceeded(cost, now)) };
        }
        decided(Verdict::Undecided)
    }

    /// Counts a request that is reported later.
    fn spend(&mut self, cost: i64, at: Moment) -> Decision {
        if self.unreported == 0 {
            self.unreported_since = at.now;
        }
        self.unreported += cost;
        let decision = decided(Verdict::Allowed(self.status(at.now)));
        if self.is_busy || self.unreported < self.report_at(at) {
            return decision;
        }
        // Sent at once if this replica could spend its part before the next reports are sent.
        let soon = self.demand.within(nanos(REPORT_PERIOD));
        let is_urgent = soon >= 1 && self.spent() + soon >= self.view(at.now) / (2 * at.replicas());
        let command = is_urgent.then(|| self.command(0, 0, at.now));
        Decision { command, ..decision }
    }

    /// Decides with this replica's share of the limit.
    fn decide_by_share(&mut self, cost: i64, at: Moment) -> Decision {
        let command = match self.is_busy || at.is_away || at.now < self.retry_at {
            true => None,
            false => Some(self.synchronize(at)),
        };
        if self.held >= cost {
            self.held -= cost;
            return Decision { command, is_by_share: true, ..decided(Verdict::Allowed(self.status(at.now))) };
        }
        let verdict = match self.share(at).spend(cost, at.now) {
            Ok(remaining) => {
                Verdict::Allowed(self.limit.status(u32::try_from(remaining).unwrap_or_default()))
            }
            Err(wait) => Verdict::Exceeded(LimitStatus::exceeded(duration(wait))),
        };
        Decision { verdict, command, is_by_share: true }
    }

    /// This replica's share, which begins with its part of what is known to be left.
    fn share(&mut self, at: Moment) -> &mut Share {
        let (replicas, spent) = (at.replicas(), self.spent());
        let behind = self.behind(at.now) + spent * self.period * replicas;
        let Self { share, unreported, reporting, burst, period, .. } = self;
        share.get_or_insert_with(|| {
            *unreported = 0;
            Share::new((*period, *burst, replicas), behind, *reporting, at.now)
        })
    }

    /// Reports what the share allowed, and learns whether Redis answers.
    fn synchronize(&mut self, at: Moment) -> Command {
        self.note_share(at.now);
        self.retry_at = at.now + RETRY_PERIOD;
        self.command(0, 0, at.now)
    }

    /// Notes what the share allowed and Redis does not know.
    fn note_share(&mut self, now: Nanos) {
        let behind = self.behind(now);
        if let Some(share) = &mut self.share {
            self.unreported += share.unreported(behind, now);
        }
    }

    fn ask(&mut self, now: Nanos) -> Command {
        let most = (SECOND / 2 / self.period).max(1);
        let want = self.asked.max(self.demand.within(6 * SECOND / 10)).clamp(1, most).max(self.waiting);
        self.asked = 0;
        self.command(0, want.min(self.burst), now)
    }

    fn command(&mut self, returned: i64, want: i64, now: Nanos) -> Command {
        self.is_busy = true;
        let (spent, floor_us) = (self.take_unreported(), self.floor_us());
        Command { spent, returned, want, is_all_or_nothing: false, floor_us, sent_at: now }
    }

    fn take_unreported(&mut self) -> i64 {
        let spent = std::mem::take(&mut self.unreported);
        self.reporting += spent;
        spent
    }

    fn note_answer(&mut self, command: &Command, answer: &Answer, now: Nanos) {
        self.reporting -= command.spent;
        self.round_trip += (now - command.sent_at - self.round_trip) / 8;
        self.note_share(now);
        self.share = None;
        self.is_suspect = false;
        let server_now = answer.server_us.clamp(0, SERVER_US_MAX) * 1000;
        let offset = server_now - i64::midpoint(command.sent_at, now);
        // Exact commands may be answered out of order.
        if self.server.is_none_or(|server| server.now <= server_now || is_set_back(server, offset)) {
            let latest = server_now + 2 * self.burst * self.period;
            let arrival = answer.arrival_us.saturating_mul(1000).clamp(server_now, latest);
            self.server = Some(Server { arrival, now: server_now, offset });
        }
    }

    fn spent(&self) -> i64 {
        self.unreported + self.reporting
    }

    /// What is left of the burst, as the time in which it is earned.
    fn level(&self, now: Nanos) -> Nanos {
        self.burst * self.period - self.behind(now)
    }

    /// The time until Redis is known to have the whole burst.
    fn behind(&self, now: Nanos) -> Nanos {
        self.server.map_or(0, |server| (server.arrival - (now + server.offset)).max(0))
    }

    /// Tokens left for all replicas, as far as this one knows.
    fn view(&self, now: Nanos) -> i64 {
        self.level(now).div_euclid(self.period) - self.spent()
    }

    /// The number of spent tokens that are reported.
    fn report_at(&self, at: Moment) -> i64 {
        let left = self.view(at.now) + self.spent();
        (left / (4 * at.replicas())).max(1)
    }

    fn floor_us(&self) -> i64 {
        self.server.map_or(0, |server| server.arrival / 1000)
    }

    fn status(&self, now: Nanos) -> LimitStatus {
        let remaining = (self.view(now) + self.held).clamp(0, self.burst);
        self.limit.status(u32::try_from(remaining).unwrap_or_default())
    }

    fn exceeded(&self, cost: i64, now: Nanos) -> Verdict {
        let until_earned = (cost + self.spent()) * self.period - self.level(now);
        let wait = until_earned.max(self.not_before.saturating_sub(now)).max(0);
        Verdict::Exceeded(LimitStatus::exceeded(duration(wait)))
    }
}

/// Whether the clock of Redis was set back, or another server answers, whose clock is behind.
fn is_set_back(server: Server, offset: Nanos) -> bool {
    offset < server.offset - SECOND / 2
}

fn decided(verdict: Verdict) -> Decision {
    Decision { verdict, command: None, is_by_share: false }
}

fn duration(nanos: Nanos) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or_default())
}

fn nanos(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
mod tests;
