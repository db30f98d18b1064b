//! Verifies a message of SNS.

use jiff::Timestamp;

use super::CHANNEL;
use super::certificate::Certificate;
use super::envelope::envelope;
use super::fields::Type;
use super::message::UnverifiedMessage;
use super::subscription::{Confirmation, SubscriptionEnd};
use crate::delivery::{Delivery, DeliveryProof};
use crate::rejection::{CertificateFault, Rejection};

/// A verified message.
#[derive(Debug)]
pub enum VerifiedMessage {
    /// An event.
    Notification(Delivery),
    /// A subscription waits to be confirmed, by a call.
    Confirmation(Confirmation),
    /// A subscription has ended; nobody is called.
    Unsubscribed(SubscriptionEnd),
}

/// Verifies a message with the certificate that it names.
///
/// # Errors
/// [`Rejection::Certificate`] or [`Rejection::Signature`]. The signed time is not checked: SNS retries a message for days as
/// it was first signed.
pub fn verify(
    message: UnverifiedMessage,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<VerifiedMessage, Rejection> {
    if certificate.url() != &message.certificate_url {
        return Err(CertificateFault::OtherAddress.into());
    }
    certificate.check_dates(now)?;
    if !certificate.verifies(message.version, message.string_to_sign.as_bytes(), &message.signature) {
        return Err(Rejection::Signature);
    }
    let UnverifiedMessage { kind, subscribe_url, message_id, topic, .. } = &message;
    match (kind, subscribe_url) {
        (Type::SubscriptionConfirmation, Some(url)) => {
            let (url, message_id) = (url.clone(), message_id.clone());
            Ok(VerifiedMessage::Confirmation(Confirmation { url, message_id }))
        }
        (Type::SubscriptionConfirmation, None) => Err(Rejection::Missing("SubscribeURL")),
        (Type::UnsubscribeConfirmation, _) => {
            let (topic, message_id) = (topic.clone(), message_id.clone());
            Ok(VerifiedMessage::Unsubscribed(SubscriptionEnd { topic, message_id }))
        }
        (Type::Notification, _) => Ok(VerifiedMessage::Notification(delivery(message))),
    }
}

fn delivery(message: UnverifiedMessage) -> Delivery {
    let proof = DeliveryProof {
        signed_at: Some(message.timestamp),
        key_id: message.certificate_url.name().into(),
        headers: Vec::new(),
    };
    Delivery::posted(CHANNEL, envelope(&message), proof, message.body)
}
