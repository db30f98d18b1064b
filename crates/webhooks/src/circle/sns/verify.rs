//! Proving a message of SNS.

use jiff::Timestamp;

use super::address::SubscribeUrl;
use super::certificate::Certificate;
use super::envelope::{Envelope, Type};
use super::outline::outline;
use super::topic::TopicArn;
use crate::channel::Channel;
use crate::delivery::{Delivery, Proof};
use crate::rejection::{CertificateFault, Rejection};

/// A message whose sender is proved.
#[derive(Debug)]
pub enum Verified {
    /// Something happened.
    Notification(Delivery),
    /// A subscription wants to be confirmed, by a call to this address.
    Confirmation(SubscribeUrl),
    /// A subscription has ended; nobody is called.
    Unsubscribed(TopicArn),
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
    match (envelope.kind, envelope.subscribe_url) {
        (Type::SubscriptionConfirmation, Some(url)) => Ok(Verified::Confirmation(url)),
        (Type::SubscriptionConfirmation, None) => Err(Rejection::Missing("SubscribeURL")),
        (Type::UnsubscribeConfirmation, _) => Ok(Verified::Unsubscribed(envelope.topic)),
        (Type::Notification, url) => {
            Ok(Verified::Notification(delivery(Envelope { subscribe_url: url, ..envelope })))
        }
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
