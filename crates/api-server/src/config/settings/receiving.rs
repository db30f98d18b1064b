//! The settings of deliveries: what is proved how, how much is taken on, and how long bodies are kept.

use std::num::NonZeroU32;

use super::{LIST_ITEMS_MAX, PER_MINUTE_MAX, default_burst, parse, setting};
use crate::config::reader::Reader;
use crate::deliveries::{Alpaca, Bridge, Circle, Config, Retention, Scheme};
use crate::layers::{self, rate_limit};

/// Longest difference that a clock of a provider may be believed to have, in seconds.
const TOLERANCE_S_MAX: u64 = 3600;
/// Most topics: Circle publishes to one in each of two regions.
const TOPICS_MAX: usize = 16;
/// Longest time that bodies are kept, in days.
const RETENTION_DAYS_MAX: u32 = 3660;

pub(super) fn read(read: &mut Reader<'_>) -> Config {
    Config {
        queue_max: read.number(setting("webhooks.queue_max", "WEBHOOK_QUEUE_MAX"), 1..=1_000_000),
        workers: read.number(setting("webhooks.workers", "WEBHOOK_WORKERS"), 1..=64),
        alpaca: alpaca(read),
        bridge: bridge(read),
        circle: circle(read),
        retention: retention(read),
    }
}

/// What deliveries meet in place of the API's limits.
pub(super) fn limits(read: &mut Reader<'_>) -> layers::Deliveries {
    let body_bytes_max =
        read.number(setting("webhooks.body_bytes_max", "WEBHOOK_BODY_BYTES_MAX"), 1024..=16 * 1024 * 1024);
    let per_minute = read.number(
        setting("webhooks.per_minute", "WEBHOOK_RATE_LIMIT_PER_MINUTE"),
        NonZeroU32::MIN..=PER_MINUTE_MAX,
    );
    let rate_limit = rate_limit::Config { per_minute, burst: default_burst(per_minute) };
    layers::Deliveries { body_bytes_max, rate_limit }
}

fn alpaca(read: &mut Reader<'_>) -> Alpaca {
    let schemes = [("any", Scheme::Any), ("timestamped", Scheme::Timestamped)];
    Alpaca {
        scheme: read.choice(setting("webhooks.alpaca.scheme", "WEBHOOK_ALPACA_SCHEME"), &schemes),
        tolerance: read.seconds(
            setting("webhooks.alpaca.tolerance_s", "WEBHOOK_ALPACA_TOLERANCE_SECS"),
            1..=TOLERANCE_S_MAX,
        ),
    }
}

fn bridge(read: &mut Reader<'_>) -> Bridge {
    Bridge {
        past: read
            .seconds(setting("webhooks.bridge.past_s", "WEBHOOK_BRIDGE_PAST_SECS"), 1..=TOLERANCE_S_MAX),
        future: read
            .seconds(setting("webhooks.bridge.future_s", "WEBHOOK_BRIDGE_FUTURE_SECS"), 0..=TOLERANCE_S_MAX),
    }
}

fn circle(read: &mut Reader<'_>) -> Circle {
    Circle {
        base_url: read.required(
            setting("webhooks.circle.base_url", "CIRCLE_BASE_URL"),
            String::new(),
            parse::base_url,
        ),
        topics: read.list(
            setting("webhooks.circle.topics", "CIRCLE_SNS_TOPICS"),
            TOPICS_MAX,
            parse::sns_topic,
        ),
        usdc_token_ids: read.list(
            setting("webhooks.circle.usdc_token_ids", "CIRCLE_USDC_TOKEN_IDS"),
            LIST_ITEMS_MAX,
            parse::plain_id,
        ),
        senders: read.list(
            setting("webhooks.circle.senders", "CIRCLE_SENDERS"),
            LIST_ITEMS_MAX,
            parse::plain_id,
        ),
        sns_base_url: read.optional(setting("webhooks.circle.sns_base_url", "SNS_BASE_URL"), parse::base_url),
    }
}

fn retention(read: &mut Reader<'_>) -> Retention {
    let mut days = |path, variable| read.number(setting(path, variable), 1..=RETENTION_DAYS_MAX);
    Retention {
        alpaca_days: days("webhooks.retention_days.alpaca", "WEBHOOK_RETENTION_DAYS_ALPACA"),
        bridge_days: days("webhooks.retention_days.bridge", "WEBHOOK_RETENTION_DAYS_BRIDGE"),
        circle_days: days("webhooks.retention_days.circle", "WEBHOOK_RETENTION_DAYS_CIRCLE"),
    }
}
