//! What SNS says about a subscription of ours, once it is proved that SNS says so.

use super::address::SubscribeUrl;
use super::topic::TopicArn;

/// A subscription wants to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    pub(super) url: SubscribeUrl,
    pub(super) message_id: Box<str>,
}

/// A subscription has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub(super) topic: TopicArn,
    pub(super) message_id: Box<str>,
}

impl Confirmation {
    /// What is to be called.
    #[must_use]
    pub fn url(&self) -> &SubscribeUrl {
        &self.url
    }

    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &TopicArn {
        self.url.topic()
    }

    /// What SNS calls the message.
    #[must_use]
    pub fn message_id(&self) -> &str {
        &self.message_id
    }
}

impl Ending {
    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &TopicArn {
        &self.topic
    }

    /// What SNS calls the message.
    #[must_use]
    pub fn message_id(&self) -> &str {
        &self.message_id
    }
}
