//! Records in the audit chain which subscriptions at SNS were confirmed or refused, and which have ended: events about money
//! come through them.

use jiff::Timestamp;
use quick_cache::sync::Cache;
use serde_json::json;
use store::{Actor, Store};
use webhooks::circle::sns::{Confirmation, SubscriptionEnd, TopicArn};

use crate::fetcher::FetchError;

const ACTOR: Actor<'static> = Actor::named("worker:sns");
/// Messages whose outcome is remembered as recorded, so that a copy leaves no second entry.
const RECORDED_MAX: usize = 256;

/// What became of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    /// SNS confirmed it.
    Confirmed,
    /// SNS says that there is nothing to confirm.
    Refused,
    /// SNS could not be reached; it sends the message again.
    Failed,
    Ended,
}

#[derive(Debug)]
pub(super) struct Subscriptions {
    store: Store,
    recorded: Cache<(TopicArn, Box<str>, Outcome), ()>,
}

impl Subscriptions {
    pub(super) fn new(store: Store) -> Self {
        Self { store, recorded: Cache::new(RECORDED_MAX) }
    }

    /// Records the outcome of the call that confirms a subscription.
    pub(super) async fn record_confirmation(
        &self,
        confirmation: &Confirmation,
        outcome: Result<(), FetchError>,
        now: Timestamp,
    ) -> Result<(), store::Error> {
        let outcome = match outcome {
            Ok(()) => Outcome::Confirmed,
            Err(FetchError::NotFound | FetchError::Denied) => Outcome::Refused,
            Err(FetchError::Unavailable | FetchError::Limited { .. }) => Outcome::Failed,
        };
        self.record(confirmation.topic(), confirmation.message_id(), outcome, now).await
    }

    pub(super) async fn record_end(&self, end: &SubscriptionEnd, now: Timestamp) -> Result<(), store::Error> {
        self.record(end.topic(), end.message_id(), Outcome::Ended, now).await
    }

    /// Whether SNS confirmed this before.
    pub(super) fn is_confirmed(&self, confirmation: &Confirmation) -> bool {
        self.recorded.get(&key(confirmation.topic(), confirmation.message_id(), Outcome::Confirmed)).is_some()
    }

    async fn record(
        &self,
        topic: &TopicArn,
        message_id: &str,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), store::Error> {
        let key = key(topic, message_id, outcome);
        if self.recorded.get(&key).is_some() {
            return Ok(());
        }
        let (outcome_text, region) = (outcome.as_str(), topic.region());
        tracing::warn!(%topic, region, message_id, outcome = outcome_text, "subscription at SNS changed");
        let detail = json!({ "region": region, "message_id": message_id, "outcome": outcome_text });
        self.store.record_audit(ACTOR, "sns.subscription", topic.as_str(), &detail, now).await?;
        self.recorded.insert(key, ());
        Ok(())
    }
}

fn key(topic: &TopicArn, message_id: &str, outcome: Outcome) -> (TopicArn, Box<str>, Outcome) {
    (topic.clone(), message_id.into(), outcome)
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Ended => "ended",
        }
    }
}
