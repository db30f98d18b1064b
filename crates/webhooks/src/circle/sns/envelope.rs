//! A message of SNS that is well formed and comes from where it may: nothing is proved yet.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;

use super::address::{CertificateUrl, SubscribeUrl};
use super::canonical::string_to_sign;
use super::message::{Message, required};
use super::topic::{TopicArn, Topics};
use crate::content;
use crate::notation;
use crate::rejection::Rejection;

/// A message of SNS that is well formed, of a topic of ours, and names a certificate of SNS. Nothing is proved yet.
pub struct Envelope {
    pub(super) body: Bytes,
    pub(super) kind: Type,
    pub(super) topic: TopicArn,
    pub(super) certificate_url: CertificateUrl,
    pub(super) version: Version,
    pub(super) signature: Vec<u8>,
    pub(super) string_to_sign: String,
    pub(super) message_id: Box<str>,
    pub(super) message: Box<str>,
    pub(super) timestamp: Timestamp,
    pub(super) subscribe_url: Option<SubscribeUrl>,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Notification,
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
}

/// How a message is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// RSA with SHA-1.
    One,
    /// RSA with SHA-256.
    Two,
}

/// Reads a message, and holds it against our topics and the addresses of SNS, so that a message which is not ours
/// causes no call to anyone.
///
/// # Errors
/// [`Rejection::Missing`], [`Rejection::Malformed`], [`Rejection::Topic`] or [`Rejection::Host`].
pub fn read(body: Bytes, topics: &Topics) -> Result<Envelope, Rejection> {
    let message: Message<'_> = content::fields(&body)?;
    let kind = Type::parse(required(message.r#type.as_ref(), "Type")?)?;
    let topic = required(message.topic_arn.as_ref(), "TopicArn")?;
    let topic = topics.find(topic).ok_or(Rejection::Topic)?.clone();
    let certificate_url = required(message.signing_cert_url.as_ref(), "SigningCertURL")?;
    let certificate_url = CertificateUrl::parse(certificate_url, &topic)?;
    let subscribe_url = subscribe_url(kind, &message, &topic)?;
    let message_id = required(message.message_id.as_ref(), "MessageId")?;
    if !content::is_plain(message_id) {
        return Err(Rejection::malformed("MessageId", "it is not 1 to 128 letters, digits and dashes"));
    }
    // What is signed has a line for each field: a subject of several lines could stand for fields that are not there.
    if message.subject.as_ref().is_some_and(|subject| subject.contains(char::is_control)) {
        return Err(Rejection::malformed("Subject", "it is one line of text"));
    }
    Ok(Envelope {
        kind,
        version: Version::parse(required(message.signature_version.as_ref(), "SignatureVersion")?)?,
        signature: signature(required(message.signature.as_ref(), "Signature")?)?,
        string_to_sign: string_to_sign(kind, &message),
        message_id: message_id.into(),
        message: required(message.message.as_ref(), "Message")?.into(),
        timestamp: timestamp(required(message.timestamp.as_ref(), "Timestamp")?)?,
        topic,
        certificate_url,
        subscribe_url,
        body: body.clone(),
    })
}

fn subscribe_url(
    kind: Type,
    message: &Message<'_>,
    topic: &TopicArn,
) -> Result<Option<SubscribeUrl>, Rejection> {
    if kind == Type::Notification {
        return Ok(None);
    }
    let token = required(message.token.as_ref(), "Token")?;
    let url = required(message.subscribe_url.as_ref(), "SubscribeURL")?;
    SubscribeUrl::parse(url, topic, token).map(Some)
}

fn signature(text: &str) -> Result<Vec<u8>, Rejection> {
    let bytes = notation::base64(text).filter(|bytes| !bytes.is_empty());
    bytes.ok_or(Rejection::malformed("Signature", "it is not Base64 with its padding"))
}

fn timestamp(text: &str) -> Result<Timestamp, Rejection> {
    text.parse()
        .map_err(|_| Rejection::malformed("Timestamp", "it is not a time such as 2026-01-31T00:00:00.000Z"))
}

impl Envelope {
    /// Where its certificate is to be fetched.
    #[must_use]
    pub fn certificate_url(&self) -> &CertificateUrl {
        &self.certificate_url
    }

    /// Its topic, which is one of ours.
    #[must_use]
    pub fn topic(&self) -> &TopicArn {
        &self.topic
    }
}

impl Type {
    fn parse(text: &str) -> Result<Self, Rejection> {
        match text {
            "Notification" => Ok(Self::Notification),
            "SubscriptionConfirmation" => Ok(Self::SubscriptionConfirmation),
            "UnsubscribeConfirmation" => Ok(Self::UnsubscribeConfirmation),
            _ => Err(Rejection::malformed("Type", "it is not one of the three types of SNS")),
        }
    }
}

impl Version {
    fn parse(text: &str) -> Result<Self, Rejection> {
        match text {
            "1" => Ok(Self::One),
            "2" => Ok(Self::Two),
            _ => Err(Rejection::malformed("SignatureVersion", "it is neither 1 nor 2")),
        }
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Envelope")
            .field("type", &self.kind)
            .field("topic", &self.topic)
            .field("message_id", &self.message_id)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
