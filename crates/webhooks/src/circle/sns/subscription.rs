//! Verified messages of SNS about a subscription of ours.

use super::address::SubscribeUrl;
use super::topic::TopicArn;

/// A subscription waits to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    pub(super) url: SubscribeUrl,
    pub(super) message_id: Box<str>,
}

/// A subscription has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionEnd {
    pub(super) topic: TopicArn,
    pub(super) message_id: Box<str>,
}

impl Confirmation {
    /// The URL that confirms it when it is called.
    #[must_use]
    pub fn url(&self) -> &SubscribeUrl {
        &self.url
    }

    /// The topic that was subscribed.
    #[must_use]
    pub fn topic(&self) -> &TopicArn {
        self.url.topic()
    }

    /// The id that SNS gave the message.
    #[must_use]
    pub fn message_id(&self) -> &str {
        &self.message_id
    }
}

impl SubscriptionEnd {
    /// The topic that was subscribed.
    #[must_use]
    pub fn topic(&self) -> &TopicArn {
        &self.topic
    }

    /// The id that SNS gave the message.
    #[must_use]
    pub fn message_id(&self) -> &str {
        &self.message_id
    }
}
