//! The responses of the data vendor, shared through Redis.

use std::time::Duration;

use coordination::SharedValues;
use market_data::polygon::{Shared, SharedResponses};

#[derive(Debug)]
pub(super) struct ThroughRedis(pub(super) SharedValues);

impl SharedResponses for ThroughRedis {
    fn read<'a>(&'a self, name: &'a str) -> Shared<'a, Option<String>> {
        Box::pin(self.0.read(name))
    }

    fn write<'a>(&'a self, name: &'a str, text: String, keep_for: Duration) -> Shared<'a, ()> {
        Box::pin(self.0.write(name, text, keep_for))
    }

    fn claim<'a>(&'a self, name: &'a str, token: &'a str, hold: Duration) -> Shared<'a, bool> {
        Box::pin(self.0.claim(name, token, hold))
    }

    fn release<'a>(&'a self, name: &'a str, token: &'a str) -> Shared<'a, ()> {
        Box::pin(self.0.release(name, token))
    }
}
