//! What is recorded of subscriptions at SNS: which were confirmed or refused, and which have ended. Through a subscription
//! come money's events, so that who looks at the audit chain sees which of them there are.

use jiff::Timestamp;
use quick_cache::sync::Cache;
use serde_json::json;
use store::{Actor, Store};
use webhooks::circle::sns::{Confirmation, Ending, TopicArn};

use super::fetch::FetchError;

/// Who records it, in the audit chain.
const ACTOR: Actor<'static> = Actor::named("worker:sns");
/// Most messages whose outcome is remembered as recorded: a copy of one that was seen leaves no second entry.
const RECORDED_MAX: usize = 256;

/// What became of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    /// SNS has confirmed it.
    Confirmed,
    /// SNS says that there is nothing to confirm.
    Refused,
    /// SNS could not be asked; it sends the message again.
    Failed,
    /// It has ended.
    Ended,
}

/// What is recorded of subscriptions.
#[derive(Debug)]
pub(super) struct Subscriptions {
    store: Store,
    recorded: Cache<(TopicArn, Box<str>, Outcome), ()>,
}

impl Subscriptions {
    pub(super) fn new(store: Store) -> Self {
        Self { store, recorded: Cache::new(RECORDED_MAX) }
    }

    /// Records how the call that confirms a subscription ended.
    ///
    /// # Errors
    /// [`store::Error`], after which SNS is to send the message again.
    pub(super) async fn asked(
        &self,
        confirmation: &Confirmation,
        outcome: Result<(), FetchError>,
        now: Timestamp,
    ) -> Result<(), store::Error> {
        let outcome = match outcome {
            Ok(()) => Outcome::Confirmed,
            Err(FetchError::NotThere | FetchError::Denied) => Outcome::Refused,
            Err(FetchError::Away | FetchError::Capped { .. }) => Outcome::Failed,
        };
        self.record(confirmation.topic(), confirmation.message_id(), outcome, now).await
    }

    /// Records that a subscription has ended.
    ///
    /// # Errors
    /// [`store::Error`], after which SNS is to send the message again.
    pub(super) async fn ended(&self, ending: &Ending, now: Timestamp) -> Result<(), store::Error> {
        self.record(ending.topic(), ending.message_id(), Outcome::Ended, now).await
    }

    /// Whether SNS was asked to confirm this, and has.
    pub(super) fn was_confirmed(&self, confirmation: &Confirmation) -> bool {
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
        let (word, region) = (outcome.as_str(), topic.region());
        tracing::warn!(%topic, region, message_id, outcome = word, "a subscription at SNS");
        let detail = json!({ "region": region, "message_id": message_id, "outcome": word });
        self.store.record(ACTOR, "sns.subscription", topic.as_str(), &detail, now).await?;
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
