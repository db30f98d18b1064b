//! Records in the audit chain which subscriptions at SNS were confirmed, refused or ended, because money depends on their events.

use jiff::Timestamp;
use quick_cache::sync::Cache;
use serde_json::json;
use store::{Actor, Store};
use webhooks::circle::sns::{Confirmation, SubscriptionEnd, TopicArn};

use crate::fetcher::FetchError;

const ACTOR: Actor<'static> = Actor::named("worker:sns");
/// Recorded outcomes that are kept in memory, so that a copy of a message adds no second entry.
const RECORDED_MAX: usize = 256;

/// The outcome of a message about a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
enum SubscriptionOutcome {
    /// SNS confirmed it.
    Confirmed,
    /// SNS refused to confirm it.
    Refused,
    /// SNS was unavailable. It sends the message again.
    Failed,
    Ended,
}

#[derive(Debug)]
pub(super) struct Subscriptions {
    store: Store,
    recorded: Cache<(TopicArn, Box<str>, SubscriptionOutcome), ()>,
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
            Ok(()) => SubscriptionOutcome::Confirmed,
            Err(FetchError::NotFound | FetchError::Denied) => SubscriptionOutcome::Refused,
            Err(FetchError::Unavailable | FetchError::Limited { .. }) => SubscriptionOutcome::Failed,
        };
        self.record(confirmation.topic(), confirmation.message_id(), outcome, now).await
    }

    pub(super) async fn record_end(&self, end: &SubscriptionEnd, now: Timestamp) -> Result<(), store::Error> {
        self.record(end.topic(), end.message_id(), SubscriptionOutcome::Ended, now).await
    }

    /// Whether SNS confirmed this subscription before.
    pub(super) fn is_confirmed(&self, confirmation: &Confirmation) -> bool {
        self.recorded
            .get(&key(confirmation.topic(), confirmation.message_id(), SubscriptionOutcome::Confirmed))
            .is_some()
    }

    async fn record(
        &self,
        topic: &TopicArn,
        message_id: &str,
        outcome: SubscriptionOutcome,
        now: Timestamp,
    ) -> Result<(), store::Error> {
        let key = key(topic, message_id, outcome);
        if self.recorded.get(&key).is_some() {
            return Ok(());
        }
        let (outcome_text, region) = (<&str>::from(outcome), topic.region());
        tracing::warn!(%topic, region, message_id, outcome = outcome_text, "SNS subscription changed");
        let detail = json!({ "region": region, "message_id": message_id, "outcome": outcome_text });
        self.store.record_audit(ACTOR, "sns.subscription", topic.as_str(), &detail, now).await?;
        self.recorded.insert(key, ());
        Ok(())
    }
}

fn key(
    topic: &TopicArn,
    message_id: &str,
    outcome: SubscriptionOutcome,
) -> (TopicArn, Box<str>, SubscriptionOutcome) {
    (topic.clone(), message_id.into(), outcome)
}
