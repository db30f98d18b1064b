//! What a verified request asks for.

use webhooks::Delivery;
use webhooks::circle::sns::{Confirmation, SubscriptionEnd, VerifiedMessage};

/// A request whose sender is verified.
#[derive(Debug)]
pub enum VerifiedRequest {
    /// Reports an event.
    Delivery(Delivery),
    /// Asks to confirm a subscription.
    Confirmation(Confirmation),
    /// Reports the end of a subscription.
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
