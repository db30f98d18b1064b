//! Proving a message of SNS.

use jiff::Timestamp;

use super::certificate::Certificate;
use super::envelope::{Envelope, Type};
use super::outline::outline;
use super::subscription::{Confirmation, Ending};
use crate::channel::Channel;
use crate::delivery::{Delivery, Proof};
use crate::rejection::{CertificateFault, Rejection};

/// A message whose sender is proved.
#[derive(Debug)]
pub enum Verified {
    /// Something happened.
    Notification(Delivery),
    /// A subscription wants to be confirmed, by a call.
    Confirmation(Confirmation),
    /// A subscription has ended; nobody is called.
    Unsubscribed(Ending),
}

/// Proves a message with the certificate that it names.
///
/// # Errors
/// [`Rejection::Certificate`] or [`Rejection::Signature`]. The signed time is not judged: SNS repeats a message for
/// days as it was first signed.
pub fn verify(envelope: Envelope, certificate: &Certificate, now: Timestamp) -> Result<Verified, Rejection> {
    if certificate.url() != &envelope.certificate_url {
        return Err(CertificateFault::OtherAddress.into());
    }
    certificate.judge_dates(now)?;
    if !certificate.made(envelope.version, envelope.string_to_sign.as_bytes(), &envelope.signature) {
        return Err(Rejection::Signature);
    }
    let Envelope { kind, subscribe_url, message_id, topic, .. } = &envelope;
    match (kind, subscribe_url) {
        (Type::SubscriptionConfirmation, Some(url)) => {
            let (url, message_id) = (url.clone(), message_id.clone());
            Ok(Verified::Confirmation(Confirmation { url, message_id }))
        }
        (Type::SubscriptionConfirmation, None) => Err(Rejection::Missing("SubscribeURL")),
        (Type::UnsubscribeConfirmation, _) => {
            let (topic, message_id) = (topic.clone(), message_id.clone());
            Ok(Verified::Unsubscribed(Ending { topic, message_id }))
        }
        (Type::Notification, _) => Ok(Verified::Notification(delivery(envelope))),
    }
}

fn delivery(envelope: Envelope) -> Delivery {
    let proof = Proof {
        signed_at: Some(envelope.timestamp),
        key_id: envelope.certificate_url.name().into(),
        headers: Vec::new(),
    };
    Delivery::posted(Channel::CircleSns, outline(&envelope), proof, envelope.body)
}
