//! Deliveries of providers: what must be at hand to prove one, and where it goes once it is proved.
//!
//! Who sent a delivery is decided by `webhooks`, and keeping it is the work of `store`. Here are the keys in force,
//! what is fetched from a provider and what is counted.

mod askers;
mod circle_addresses;
mod circle_keys;
mod desk;
mod fetch;
mod fetched;
mod kept_keys;
mod readers;
mod refusal;
mod sampled;
mod secret_keys;
mod sns;
mod subscriptions;
#[cfg(test)]
mod tests;

use std::time::Duration;

use domain::Provider;
use jiff::{SignedDuration, Timestamp};

pub use circle_keys::{CircleKey, CircleKeyError, CircleKeys};
pub use desk::{Desk, Door, Proved, Sent, Taken, UnknownDoor};
pub use fetch::{FetchError, Fetcher, Turn};
pub use readers::{Readers, Unread};
pub use refusal::Refusal;
pub use sampled::Sampled;
pub use secret_keys::{InForce, NoKey, Reading, SecretKeys};
pub use sns::Sns;

/// How the secrets of Alpaca are read.
pub const ALPACA_KEYS: Reading<webhooks::alpaca::Keys> = Reading {
    parse: webhooks::alpaca::Keys::parse,
    join: webhooks::alpaca::Keys::and_earlier,
    labels: |keys| keys.labels().map(Box::from).collect(),
};

/// How the public keys of Bridge are read.
pub const BRIDGE_KEYS: Reading<webhooks::bridge::Keys> = Reading {
    parse: webhooks::bridge::Keys::parse,
    join: webhooks::bridge::Keys::and_earlier,
    labels: |keys| keys.labels().map(Box::from).collect(),
};

/// How deliveries are received.
#[derive(Clone, Debug)]
pub struct Config {
    /// Most deliveries that wait to be kept.
    pub queue_max: usize,
    /// Workers that apply what was received.
    pub workers: usize,
    /// What a delivery of Alpaca must be.
    pub alpaca: Alpaca,
    /// What a delivery of Bridge must be.
    pub bridge: Bridge,
    /// What a delivery of Circle must be.
    pub circle: Circle,
    /// How long bodies are kept.
    pub retention: Retention,
}

/// What a delivery of Alpaca must be.
#[derive(Clone, Copy, Debug)]
pub struct Alpaca {
    /// How it is signed.
    pub scheme: Scheme,
    /// How far its time may be from ours, either way.
    pub tolerance: Duration,
}

/// How a delivery of Alpaca is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Over its time and body, or over its body alone.
    Any,
    /// Over its time and body.
    Timestamped,
}

/// What a delivery of Bridge must be.
#[derive(Clone, Copy, Debug)]
pub struct Bridge {
    /// How old it may be.
    pub past: Duration,
    /// How far ahead of ours its clock may be.
    pub future: Duration,
}

/// What a delivery of Circle must be.
#[derive(Clone, Debug)]
pub struct Circle {
    /// Where public keys are fetched.
    pub base_url: String,
    /// Topics of older notifications that are accepted.
    pub topics: Vec<webhooks::circle::sns::TopicArn>,
    /// Ids of tokens that are USDC.
    pub usdc_token_ids: Vec<String>,
    /// Which notifications are ours, by subscription or client; when empty all, in production none.
    pub senders: Vec<String>,
    /// What is asked in place of Amazon's hosts.
    pub sns_base_url: Option<String>,
}

impl Retention {
    /// Bodies of this source that were received before this have had their time.
    #[must_use]
    pub fn received_before(self, source: Provider, now: Timestamp) -> Timestamp {
        let days = match source {
            Provider::Alpaca => self.alpaca_days,
            Provider::Bridge => self.bridge_days,
            Provider::Circle => self.circle_days,
        };
        let age = SignedDuration::from_hours(24 * i64::from(days));
        now.checked_sub(age).unwrap_or(Timestamp::MIN)
    }
}

/// How long bodies are kept, in days.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Of Alpaca's deliveries.
    pub alpaca_days: u32,
    /// Of Bridge's deliveries.
    pub bridge_days: u32,
    /// Of Circle's deliveries.
    pub circle_days: u32,
}
