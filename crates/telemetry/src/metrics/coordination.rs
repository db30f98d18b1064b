//! Redis, and the rate limits that replicas share through it.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use super::{Families, opts};

/// Upper bounds of the duration buckets, in seconds.
const BUCKETS_S: [f64; 9] = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25];
/// What commands are for.
const COMMANDS: [&str; 4] = ["limits", "replicas", "values", "ping"];
const OUTCOMES: [&str; 4] = ["ok", "retried", "timed_out", "failed"];

/// Redis, and shared rate limits. The gauges have no series where Redis is not used.
#[derive(Debug)]
pub struct Coordination {
    up: IntGaugeVec,
    breaker_open: IntGaugeVec,
    shared: IntGaugeVec,
    /// Connections that were opened for commands.
    pub reconnects: IntCounter,
    commands: IntCounterVec,
    duration: Histogram,
    /// Replicas that share limits.
    pub replicas: IntGauge,
    /// Requests that this replica decided by itself, because enough of the limit was left or known to be used.
    pub decided_at_once: IntCounter,
    /// Requests that waited for Redis.
    pub decided_by_redis: IntCounter,
    /// Requests that this replica decided with its share of the limit, because Redis did not answer.
    pub decided_alone: IntCounter,
}

impl Coordination {
    pub(super) fn new(families: &Families) -> Result<Self, prometheus::Error> {
        let gauge = |name, help| families.declare(IntGaugeVec::new(opts(name, help), &[]));
        let duration =
            HistogramOpts::from(opts("redis_command_duration_seconds", "Time of commands to Redis"));
        let duration = duration.buckets(BUCKETS_S.to_vec());
        let help = "Commands to Redis by purpose and outcome; retried ones are counted again with their last outcome";
        let commands = families.counters("redis_commands_total", help, &["command", "outcome"])?;
        for command in COMMANDS {
            for outcome in OUTCOMES {
                commands.with_label_values(&[command, outcome]);
            }
        }
        let help = "Requests by how a shared rate limit was decided";
        let decisions = families.counters("rate_limit_decisions_total", help, &["by"])?;
        Ok(Self {
            up: gauge("redis_up", "1 if Redis answers; absent if it is not used")?,
            breaker_open: gauge(
                "redis_breaker_open",
                "1 while no command is sent, because Redis did not answer; absent if it is not used",
            )?,
            shared: gauge(
                "rate_limit_shared",
                "1 while replicas share rate limits, 0 while each allows its part; absent if Redis is not used",
            )?,
            reconnects: families.counter(
                "redis_reconnects_total",
                "Connections to Redis that were opened for commands, the first ones included",
            )?,
            commands,
            duration: families.declare(Histogram::with_opts(duration))?,
            replicas: families
                .gauge("rate_limit_replicas", "Replicas that share rate limits; 0 if Redis is not used")?,
            decided_at_once: decisions.with_label_values(&["replica"]),
            decided_by_redis: decisions.with_label_values(&["redis"]),
            decided_alone: decisions.with_label_values(&["share"]),
        })
    }

    /// Notes whether Redis answers.
    pub fn set_up(&self, is_up: bool) {
        self.up.with_label_values::<&str>(&[]).set(is_up.into());
    }

    /// Notes whether commands are sent. Limits are shared if they are.
    pub fn set_breaker_open(&self, is_open: bool) {
        self.breaker_open.with_label_values::<&str>(&[]).set(is_open.into());
        self.shared.with_label_values::<&str>(&[]).set((!is_open).into());
    }

    /// Counts a command.
    pub fn count(&self, command: &str, outcome: &str) {
        self.commands.with_label_values(&[command, outcome]).inc();
    }

    /// Counts a command that was answered.
    pub fn answered(&self, command: &str, duration: Duration) {
        self.count(command, "ok");
        self.duration.observe(duration.as_secs_f64());
    }
}
