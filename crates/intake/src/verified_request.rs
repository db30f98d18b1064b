//! Requests whose sender is verified.

use webhooks::Delivery;
use webhooks::circle::sns::{Confirmation, SubscriptionEnd, VerifiedMessage};

/// A request whose sender is verified.
#[derive(Debug)]
pub enum VerifiedRequest {
    /// A delivery of an event.
    Delivery(Delivery),
    /// A request to confirm a subscription.
    Confirmation(Confirmation),
    /// A notice that a subscription has ended.
    SubscriptionEnd(SubscriptionEnd),
}

impl From<VerifiedMessage> for VerifiedRequest {
    fn from(message: VerifiedMessage) -> Self {
        match message {
            VerifiedMessage::Notification(delivery) => Self::Delivery(delivery),
            VerifiedMessage::Confirmation(confirmation) => Self::Confirmation(confirmation),
            VerifiedMessage::Unsubscribed(end) => Self::SubscriptionEnd(end),
        }
    }
}
