//! A message of SNS that is well formed and comes from where it may: nothing is verified yet.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;

use super::address::{CertificateUrl, SubscribeUrl};
use super::canonical::string_to_sign;
use super::fields::{Fields, Type, Version, required};
use super::topic::{TopicArn, Topics};
use crate::encoding;
use crate::json;
use crate::rejection::Rejection;

/// A message of SNS that is well formed, of a topic of ours, and names a certificate of SNS. Nothing is verified yet.
pub struct UnverifiedMessage {
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

/// Parses a message, and compares it with our topics and the URLs of SNS, so that a message which is not ours causes no call
/// to anyone.
///
/// # Errors
/// [`Rejection::Missing`], [`Rejection::Malformed`], [`Rejection::Topic`] or [`Rejection::Host`].
pub fn parse(body: Bytes, topics: &Topics) -> Result<UnverifiedMessage, Rejection> {
    let fields: Fields<'_> = json::fields(&body)?;
    let kind = Type::parse(required(fields.r#type.as_ref(), "Type")?)?;
    let topic = required(fields.topic_arn.as_ref(), "TopicArn")?;
    let topic = topics.find(topic).ok_or(Rejection::Topic)?.clone();
    let certificate_url = required(fields.signing_cert_url.as_ref(), "SigningCertURL")?;
    let certificate_url = CertificateUrl::parse(certificate_url, &topic)?;
    let subscribe_url = subscribe_url(kind, &fields, &topic)?;
    let message_id = required(fields.message_id.as_ref(), "MessageId")?;
    if !json::is_plain(message_id) {
        return Err(Rejection::malformed("MessageId", "it is not 1 to 128 letters, digits and dashes"));
    }
    // What is signed has a line for each field: a subject of several lines could stand for fields that are not there.
    if fields.subject.as_ref().is_some_and(|subject| subject.contains(char::is_control)) {
        return Err(Rejection::malformed("Subject", "it is not one line of text"));
    }
    Ok(UnverifiedMessage {
        kind,
        version: Version::parse(required(fields.signature_version.as_ref(), "SignatureVersion")?)?,
        signature: signature(required(fields.signature.as_ref(), "Signature")?)?,
        string_to_sign: string_to_sign(kind, &fields),
        message_id: message_id.into(),
        message: required(fields.message.as_ref(), "Message")?.into(),
        timestamp: timestamp(required(fields.timestamp.as_ref(), "Timestamp")?)?,
        topic,
        certificate_url,
        subscribe_url,
        body: body.clone(),
    })
}

fn subscribe_url(
    kind: Type,
    fields: &Fields<'_>,
    topic: &TopicArn,
) -> Result<Option<SubscribeUrl>, Rejection> {
    if kind == Type::Notification {
        return Ok(None);
    }
    let token = required(fields.token.as_ref(), "Token")?;
    let url = required(fields.subscribe_url.as_ref(), "SubscribeURL")?;
    SubscribeUrl::parse(url, topic, token).map(Some)
}

fn signature(text: &str) -> Result<Vec<u8>, Rejection> {
    let bytes = encoding::from_base64(text).filter(|bytes| !bytes.is_empty());
    bytes.ok_or(Rejection::malformed("Signature", "it is not padded Base64"))
}

fn timestamp(text: &str) -> Result<Timestamp, Rejection> {
    text.parse()
        .map_err(|_| Rejection::malformed("Timestamp", "it is not a time such as 2026-01-31T00:00:00.000Z"))
}

impl UnverifiedMessage {
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

impl fmt::Debug for UnverifiedMessage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("UnverifiedMessage")
            .field("type", &self.kind)
            .field("topic", &self.topic)
            .field("message_id", &self.message_id)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
